//! A schema with all its parts as one: what `allOf` puts together, and the alternative that was chosen.

use super::super::document::{Document, reference};
use serde_json::Value;
use std::collections::HashSet;

/// Schemas inside of schemas that are put together.
const MAX_DEPTH: usize = 32;
/// Most steps to put one schema together, alternatives that do not fit included.
const MAX_STEPS: usize = 1_000;

/// One part.
#[derive(Clone, Copy)]
struct Part<'d> {
    schema: &'d Value,
    /// The first reference that led to it.
    via: Option<&'d str>,
}

/// A schema with its parts, its own keywords first.
pub(super) struct Flat<'d> {
    parts: Vec<Part<'d>>,
    /// The references that led to parts.
    pub(super) opened: Vec<&'d str>,
    /// How many schemas were looked at.
    pub(super) steps: usize,
    /// What was chosen of `oneOf` or `anyOf`, by its reference, and the schema that offered it.
    chosen: Option<(&'d Value, Option<&'d str>)>,
}

/// The alternatives of a schema.
pub(super) fn alternatives(schema: &Value) -> Option<&[Value]> {
    let list = |key: &str| schema.get(key).and_then(Value::as_array);
    let some = |list: &&Vec<Value>| !list.is_empty();
    list("oneOf")
        .filter(some)
        .or_else(|| list("anyOf").filter(some))
        .map(Vec::as_slice)
}

impl<'d> Flat<'d> {
    /// Puts a schema together with its alternative of this index; `None` if a part is not there or
    /// contains itself.
    pub(super) fn new(document: &'d Document, schema: &'d Value, choice: usize) -> Option<Self> {
        let mut flat = Flat {
            parts: Vec::new(),
            opened: Vec::new(),
            steps: 0,
            chosen: None,
        };
        flat.add(document, schema, None, Some(choice), 0)
            .then_some(flat)
    }

    fn add(
        &mut self,
        document: &'d Document,
        schema: &'d Value,
        via: Option<&'d str>,
        choice: Option<usize>,
        depth: usize,
    ) -> bool {
        self.steps += 1;
        if depth > MAX_DEPTH || self.steps > MAX_STEPS {
            return false;
        }
        if let Some(to) = reference(schema) {
            if self.opened.contains(&to) {
                return false;
            }
            self.opened.push(to);
            let Some(target) = document.find(to) else {
                return false;
            };
            // Keywords next to a reference hold, too (3.1).
            self.parts.push(Part { schema, via });
            return self.add(document, target, via.or(Some(to)), choice, depth + 1);
        }
        self.parts.push(Part { schema, via });
        let all = schema.get("allOf").and_then(Value::as_array);
        for part in all.into_iter().flatten() {
            if !self.add(document, part, via, None, depth + 1) {
                return false;
            }
        }
        let Some(alternatives) = alternatives(schema) else {
            return true;
        };
        let begin = (self.parts.len(), self.opened.len());
        let from = choice.unwrap_or(0).min(alternatives.len() - 1);
        let until = choice.map_or(alternatives.len(), |_| from + 1);
        alternatives[from..until].iter().any(|alternative| {
            self.parts.truncate(begin.0);
            self.opened.truncate(begin.1);
            let to = reference(alternative);
            let is_added = self.add(document, alternative, via, None, depth + 1);
            if is_added && schema.get("discriminator").is_some() {
                self.chosen = Some((schema, to));
            }
            is_added
        })
    }

    /// The value of a keyword: its own, else that of the first part that has it.
    pub(super) fn get(&self, key: &str) -> Option<&'d Value> {
        self.parts.iter().find_map(|part| part.schema.get(key))
    }

    fn numbers(&self, key: &str) -> impl Iterator<Item = f64> {
        self.parts
            .iter()
            .filter_map(move |part| part.schema.get(key)?.as_f64())
    }

    /// The greatest of the numbers of a keyword.
    pub(super) fn highest(&self, key: &str) -> Option<f64> {
        self.numbers(key).reduce(f64::max)
    }

    /// The least of the numbers of a keyword.
    pub(super) fn lowest(&self, key: &str) -> Option<f64> {
        self.numbers(key).reduce(f64::min)
    }

    /// What each part is, its own keywords first.
    pub(super) fn schemas(&self) -> impl Iterator<Item = &'d Value> {
        self.parts.iter().map(|part| part.schema)
    }

    /// The properties of all parts, each name once.
    pub(super) fn properties(&self) -> Vec<(&'d String, &'d Value)> {
        let mut known = HashSet::new();
        let mut all = Vec::new();
        for schema in self.schemas() {
            let properties = schema.get("properties").and_then(Value::as_object);
            all.extend(
                properties
                    .into_iter()
                    .flatten()
                    .filter(|(name, _)| known.insert(*name)),
            );
        }
        all
    }

    /// The names of the properties that any part requires.
    pub(super) fn required(&self) -> HashSet<&'d str> {
        let lists = self
            .schemas()
            .filter_map(|schema| schema.get("required")?.as_array());
        lists.flatten().filter_map(Value::as_str).collect()
    }

    /// The type, of several the first that is not null; where none is named, what its keywords are for.
    pub(super) fn kind(&self) -> Option<&'d str> {
        match self.get("type") {
            Some(Value::String(kind)) => return Some(kind),
            Some(Value::Array(kinds)) => {
                let kinds = || kinds.iter().filter_map(Value::as_str);
                return kinds().find(|kind| *kind != "null").or(kinds().next());
            }
            _ => {}
        }
        let has = |keys: &[&str]| keys.iter().any(|key| self.get(key).is_some());
        if has(&["properties", "additionalProperties", "required"]) {
            Some("object")
        } else if has(&["items", "prefixItems", "minItems"]) {
            Some("array")
        } else if has(&["minimum", "maximum", "multipleOf"]) {
            Some("number")
        } else {
            None
        }
    }

    /// The discriminators of the parts: the property, and the name of this schema in it. `reached` is the
    /// reference by which the schema was reached.
    pub(super) fn discriminators(&self, reached: Option<&'d str>) -> Vec<(&'d str, String)> {
        let of = |part: &Part<'d>| {
            let discriminator = part.schema.get("discriminator")?;
            let property = discriminator.get("propertyName");
            // A text in 2.0.
            let property = property.unwrap_or(discriminator).as_str()?;
            let chosen = self.chosen.filter(|(by, _)| std::ptr::eq(*by, part.schema));
            let schema = match chosen {
                Some((_, chosen)) => chosen?,
                None => reached.or(part.via)?,
            };
            Some((property, name_of(discriminator, schema)?))
        };
        self.parts.iter().filter_map(of).collect()
    }
}

/// What a discriminator calls the schema at a reference: the name that maps to it, else that of the schema.
fn name_of(discriminator: &Value, reference: &str) -> Option<String> {
    let own = reference.rsplit('/').next()?;
    let mapping = discriminator.get("mapping").and_then(Value::as_object);
    let mapped = mapping.into_iter().flatten().find(|(_, to)| {
        let to = to.as_str().unwrap_or_default();
        to == reference || to == own
    });
    let own = own.rsplit("~1").next().unwrap_or(own);
    let own = own.rsplit_once('.').map_or(own, |(stem, _)| stem);
    Some(mapped.map_or(own, |(name, _)| name).to_owned())
}
