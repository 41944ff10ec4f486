//! A value that a schema allows (JSON Schema as OpenAPI uses it).
//!
//! What a schema gives comes first: example, constant, default, enumeration. Patterns are not
//! followed: a document that has one should have an example too.

mod fit;
mod flat;
mod scalar;

pub(super) use fit::fitted;

use super::document::{Document, reference};
use flat::{Flat, alternatives};
use serde_json::{Map, Value, json};
use std::cell::{Cell, RefCell};

/// Schemas inside of schemas, references included.
const MAX_DEPTH: usize = 32;
/// Values made for one schema, and for all of a document together.
const MAX_VALUES: usize = 20_000;
const MAX_VALUES_IN_ALL: usize = 2_000_000;
/// Most elements that a list is filled with.
const MOST_ELEMENTS: f64 = 100.0;

/// Makes values of schemas.
pub(super) struct Maker<'d> {
    document: &'d Document,
    left: Cell<usize>,
    left_in_all: Cell<usize>,
    /// The references that are being followed: one that comes again is a circle.
    open: RefCell<Vec<&'d str>>,
}

impl<'d> Maker<'d> {
    pub(super) fn new(document: &'d Document) -> Self {
        Maker {
            document,
            left: Cell::new(0),
            left_in_all: Cell::new(MAX_VALUES_IN_ALL),
            open: RefCell::default(),
        }
    }

    /// A value of the schema; `None` where none can be made in finite depth or from this document.
    pub(super) fn value(&self, schema: &'d Value) -> Option<Value> {
        let in_all = self.left_in_all.get();
        let most = MAX_VALUES.min(in_all);
        self.left.set(most);
        let made = self.at(schema, None, 0);
        self.left_in_all.set(in_all - (most - self.left.get()));
        made
    }

    /// The schema of a property, what it refers to and is put together of included.
    pub(super) fn property(&self, schema: &'d Value, name: &str) -> Option<&'d Value> {
        let flat = Flat::new(self.document, schema, 0)?;
        let (_, property) = flat
            .properties()
            .into_iter()
            .find(|(known, _)| *known == name)?;
        self.document.resolve(property)
    }

    /// A value of a schema that was reached by this reference.
    fn at(&self, schema: &'d Value, reached: Option<&'d str>, depth: usize) -> Option<Value> {
        self.left.set(self.left.get().checked_sub(1)?);
        if depth > MAX_DEPTH {
            return None;
        }
        if let Some(to) = reference(schema).filter(|_| given(schema).next().is_none()) {
            if self.open.borrow().contains(&to) {
                return None;
            }
            let target = self.document.find(to)?;
            self.open.borrow_mut().push(to);
            let made = self.at(target, Some(to), depth + 1);
            self.open.borrow_mut().pop();
            return made;
        }
        let choices = alternatives(schema).map_or(1, <[Value]>::len);
        (0..choices).find_map(|choice| {
            let flat = Flat::new(self.document, schema, choice)?;
            self.left.set(self.left.get().checked_sub(flat.steps)?);
            let circle = |to: &&str| self.open.borrow().contains(to);
            if flat.opened.iter().any(circle) {
                return None;
            }
            let before = self.open.borrow().len();
            self.open.borrow_mut().extend(&flat.opened);
            let made = self.of(&flat, reached, depth);
            self.open.borrow_mut().truncate(before);
            made
        })
    }

    fn of(&self, flat: &Flat<'d>, reached: Option<&'d str>, depth: usize) -> Option<Value> {
        let fit = |value: &Value| fit::of_flat(self.document, value, flat);
        if flat.kind() == Some("object") {
            // The examples of parts are put together as their properties are.
            let mut schemas = flat.schemas();
            let whole = schemas.next().into_iter().flat_map(given).find_map(fit);
            if whole.is_some() {
                return whole;
            }
            let mut object = self.object(flat, reached, depth)?;
            for part in schemas.filter_map(|schema| given(schema).next()) {
                object.extend(part.as_object().cloned().unwrap_or_default());
            }
            return Some(Value::Object(object));
        }
        if let Some(value) = flat.schemas().flat_map(given).find_map(fit) {
            return Some(value);
        }
        match flat.kind() {
            Some("array") => self.array(flat, depth),
            Some("integer") => Some(scalar::number(flat, true)),
            Some("number") => Some(scalar::number(flat, false)),
            Some("boolean") => Some(Value::Bool(true)),
            Some("null") => Some(Value::Null),
            _ => Some(Value::String(scalar::text(flat))),
        }
    }

    /// Every property but those that only answers have. One that cannot be made is left out unless it
    /// is required.
    fn object(
        &self,
        flat: &Flat<'d>,
        reached: Option<&'d str>,
        depth: usize,
    ) -> Option<Map<String, Value>> {
        let mut object = Map::new();
        let (properties, required) = (flat.properties(), flat.required());
        for (name, property) in &properties {
            let resolved = self.document.resolve(property);
            let only_read = resolved.and_then(|property| property.get("readOnly"));
            if only_read == Some(&Value::Bool(true)) {
                continue;
            }
            match self.at(property, None, depth + 1) {
                Some(value) => drop(object.insert((*name).clone(), value)),
                None if required.contains(name.as_str()) => return None,
                None => {}
            }
        }
        for (property, name) in flat.discriminators(reached) {
            let schema = properties.iter().find(|(known, _)| *known == property);
            if schema.is_none_or(|(_, schema)| self.allows(schema, &name)) {
                object.insert(property.to_owned(), Value::String(name));
            }
        }
        let more = flat
            .get("additionalProperties")
            .filter(|more| more.is_object());
        if let Some(more) = more.filter(|_| object.is_empty())
            && let Some(value) = self.at(more, None, depth + 1)
        {
            object.insert("key".to_owned(), value);
        }
        Some(object)
    }

    /// May the property have this text? A constant or an enumeration may say no.
    fn allows(&self, schema: &'d Value, name: &str) -> bool {
        let Some(schema) = self.document.resolve(schema) else {
            return true;
        };
        let is_const = schema
            .get("const")
            .is_none_or(|only| only.as_str() == Some(name));
        let mut values = list(schema, "enum").into_iter().flatten();
        is_const
            && (list(schema, "enum").is_none() || values.any(|value| value.as_str() == Some(name)))
    }

    fn array(&self, flat: &Flat<'d>, depth: usize) -> Option<Value> {
        let first = flat.get("prefixItems").and_then(Value::as_array);
        if let Some(first) = first {
            let made = first.iter().map(|schema| self.at(schema, None, depth + 1));
            return made.collect::<Option<Vec<_>>>().map(Value::Array);
        }
        let least = flat
            .highest("minItems")
            .unwrap_or(0.0)
            .clamp(0.0, MOST_ELEMENTS) as usize;
        let item = match flat.get("items") {
            None => Some(json!("string")),
            Some(items) => self.at(items, None, depth + 1),
        };
        match item {
            Some(item) => Some(Value::Array(vec![item; least.max(1)])),
            None if least == 0 => Some(Value::Array(Vec::new())),
            None => None,
        }
    }
}

/// The values that a schema names itself, the best first.
fn given(schema: &Value) -> impl Iterator<Item = &Value> {
    let of_enumeration = || {
        let values = list(schema, "enum")?;
        values
            .iter()
            .find(|value| !value.is_null())
            .or(values.first())
    };
    let first_example = || list(schema, "examples")?.first();
    [
        schema.get("example"),
        first_example(),
        schema.get("const"),
        schema.get("default"),
        of_enumeration(),
    ]
    .into_iter()
    .flatten()
}

fn list<'v>(schema: &'v Value, key: &str) -> Option<&'v [Value]> {
    schema.get(key).and_then(Value::as_array).map(Vec::as_slice)
}

#[cfg(test)]
mod tests;
