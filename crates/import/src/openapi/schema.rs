//! A value that a schema allows (JSON Schema as OpenAPI uses it).
//!
//! What a schema gives comes first: example, constant, default, enumeration. Patterns are not
//! followed: a document that has one should have an example too.

use super::document::{Document, reference};
use serde_json::{Map, Number, Value, json};
use std::cell::{Cell, RefCell};

/// Schemas inside of schemas, references included.
const MAX_DEPTH: usize = 32;
/// Values made for one schema, and for all of a document together.
const MAX_VALUES: usize = 20_000;
const MAX_VALUES_IN_ALL: usize = 2_000_000;
/// Most elements that a list is filled with, and characters that a text is.
const MOST_ELEMENTS: u64 = 100;
const MOST_CHARACTERS: u64 = 10_000;

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
        let made = self.at(schema, 0);
        self.left_in_all.set(in_all - (most - self.left.get()));
        made
    }

    fn at(&self, schema: &'d Value, depth: usize) -> Option<Value> {
        self.left.set(self.left.get().checked_sub(1)?);
        if depth > MAX_DEPTH {
            return None;
        }
        if let Some(given) = given(schema) {
            return Some(given.clone());
        }
        if let Some(to) = reference(schema) {
            if self.open.borrow().contains(&to) {
                return None;
            }
            self.open.borrow_mut().push(to);
            let made = self
                .document
                .find(to)
                .and_then(|schema| self.at(schema, depth + 1));
            self.open.borrow_mut().pop();
            return made;
        }
        if let Some(all) = list(schema, "allOf") {
            return self.all_of(schema, all, depth);
        }
        if let Some(any) = list(schema, "oneOf").or_else(|| list(schema, "anyOf")) {
            let made = any.iter().find_map(|schema| self.at(schema, depth + 1));
            return match (made, self.own_properties(schema, depth)) {
                (Some(Value::Object(mut made)), Some(own)) => {
                    made.extend(own);
                    Some(Value::Object(made))
                }
                (made, _) => made,
            };
        }
        self.of_type(schema, depth)
    }

    /// Objects are put together; of other types the first that can be made is taken.
    fn all_of(&self, schema: &'d Value, all: &'d [Value], depth: usize) -> Option<Value> {
        let mut object = self.own_properties(schema, depth).unwrap_or_default();
        let mut other = None;
        for part in all {
            match self.at(part, depth + 1)? {
                Value::Object(part) => object.extend(part),
                made => other = other.or(Some(made)),
            }
        }
        match other {
            Some(other) if object.is_empty() => Some(other),
            _ => Some(Value::Object(object)),
        }
    }

    fn own_properties(&self, schema: &'d Value, depth: usize) -> Option<Map<String, Value>> {
        schema.get("properties")?;
        self.object(schema, depth)
    }

    fn of_type(&self, schema: &'d Value, depth: usize) -> Option<Value> {
        match kind(schema) {
            "object" => self.object(schema, depth).map(Value::Object),
            "array" => self.array(schema, depth),
            "integer" => Some(number(schema, true)),
            "number" => Some(number(schema, false)),
            "boolean" => Some(Value::Bool(true)),
            "null" => Some(Value::Null),
            _ => Some(Value::String(text(schema))),
        }
    }

    /// Every property but those that only answers have. One that cannot be made is left out unless it
    /// is required.
    fn object(&self, schema: &'d Value, depth: usize) -> Option<Map<String, Value>> {
        let required: Vec<&str> = list(schema, "required")
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let properties = schema.get("properties").and_then(Value::as_object);
        let mut object = Map::new();
        for (name, property) in properties.into_iter().flatten() {
            let resolved = self.document.resolve(property);
            let only_read = resolved.and_then(|property| property.get("readOnly"));
            if only_read == Some(&Value::Bool(true)) {
                continue;
            }
            match self.at(property, depth + 1) {
                Some(value) => drop(object.insert(name.clone(), value)),
                None if required.contains(&name.as_str()) => return None,
                None => {}
            }
        }
        let more = schema
            .get("additionalProperties")
            .filter(|more| more.is_object());
        if let Some(more) = more.filter(|_| object.is_empty())
            && let Some(value) = self.at(more, depth + 1)
        {
            object.insert("key".to_owned(), value);
        }
        Some(object)
    }

    fn array(&self, schema: &'d Value, depth: usize) -> Option<Value> {
        if let Some(first) = list(schema, "prefixItems") {
            let made = first.iter().map(|schema| self.at(schema, depth + 1));
            return made.collect::<Option<Vec<_>>>().map(Value::Array);
        }
        let least = whole(schema, "minItems").unwrap_or(0).min(MOST_ELEMENTS);
        let item = match schema.get("items") {
            None => Some(json!("string")),
            Some(items) => self.at(items, depth + 1),
        };
        match item {
            Some(item) => Some(Value::Array(vec![item; least.max(1) as usize])),
            None if least == 0 => Some(Value::Array(Vec::new())),
            None => None,
        }
    }
}

/// The value that a schema names itself.
fn given(schema: &Value) -> Option<&Value> {
    let of_enumeration = || {
        let values = list(schema, "enum")?;
        values
            .iter()
            .find(|value| !value.is_null())
            .or(values.first())
    };
    schema
        .get("example")
        .or_else(|| list(schema, "examples")?.first())
        .or_else(|| schema.get("const"))
        .or_else(|| schema.get("default"))
        .or_else(of_enumeration)
}

fn list<'v>(schema: &'v Value, key: &str) -> Option<&'v [Value]> {
    schema.get(key).and_then(Value::as_array).map(Vec::as_slice)
}

fn whole(schema: &Value, key: &str) -> Option<u64> {
    schema.get(key).and_then(Value::as_u64)
}

/// The type, of several the first that is not null; where none is named, what its keywords are for.
fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => return kind,
        Some(Value::Array(kinds)) => {
            let kinds = || kinds.iter().filter_map(Value::as_str);
            return kinds()
                .find(|kind| *kind != "null")
                .or(kinds().next())
                .unwrap_or("string");
        }
        _ => {}
    }
    let has = |key: &str| schema.get(key).is_some();
    if has("properties") || has("additionalProperties") || has("required") {
        "object"
    } else if has("items") || has("prefixItems") || has("minItems") {
        "array"
    } else if has("minimum") || has("maximum") || has("multipleOf") {
        "number"
    } else {
        "string"
    }
}

/// The smallest number from 1 on that the bounds allow, else the greatest below.
fn number(schema: &Value, whole: bool) -> Value {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let step = bound("multipleOf").filter(|step| *step > 0.0);
    let unit = step.unwrap_or(if whole { 1.0 } else { 0.5 });
    // In 3.0 "exclusive" says how the bound is meant, in 3.1 it is the bound.
    let excluded = |key: &str| schema.get(key) == Some(&Value::Bool(true));
    let mut low = bound("minimum").unwrap_or(f64::NEG_INFINITY);
    if excluded("exclusiveMinimum") {
        low += unit;
    }
    let low = low.max(bound("exclusiveMinimum").map_or(low, |bound| bound + unit));
    let mut high = bound("maximum").unwrap_or(f64::INFINITY);
    if excluded("exclusiveMaximum") {
        high -= unit;
    }
    let high = high.min(bound("exclusiveMaximum").map_or(high, |bound| bound - unit));
    let mut value = 1.0_f64.max(low).min(high);
    if let Some(step) = step {
        value = (value / step).ceil() * step;
        if value > high {
            value = (high / step).floor() * step;
        }
    }
    if whole || value.fract() == 0.0 && value.abs() < 1e15 {
        return json!(value as i64);
    }
    Number::from_f64(value).map_or(json!(1), Value::Number)
}

/// A text of the format, as long as it has to be.
fn text(schema: &Value) -> String {
    let text = match schema
        .get("format")
        .and_then(Value::as_str)
        .unwrap_or_default()
    {
        "date" => "2026-01-15",
        "date-time" => "2026-01-15T10:00:00Z",
        "time" => "10:00:00Z",
        "duration" => "PT1M",
        "uuid" => "00000000-0000-4000-8000-000000000001",
        "email" | "idn-email" => "user@example.com",
        "hostname" | "idn-hostname" => "example.com",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        "uri" | "url" | "iri" => "https://example.com/",
        "uri-reference" | "iri-reference" => "/",
        "byte" => return "c3RyaW5n".to_owned(),
        _ => "string",
    };
    let least = whole(schema, "minLength").unwrap_or(0).min(MOST_CHARACTERS) as usize;
    let most = whole(schema, "maxLength").map_or(usize::MAX, |most| {
        usize::try_from(most).unwrap_or(usize::MAX)
    });
    let padding = std::iter::repeat_n('x', least.saturating_sub(text.len()));
    text.chars().chain(padding).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(document: Value, schema: Value) -> Option<Value> {
        let document = Document::new(document);
        Maker::new(&document).value(&schema)
    }

    fn made(schema: Value) -> Value {
        of(json!({}), schema).unwrap()
    }

    #[test]
    fn what_the_schema_gives_comes_first() {
        for (schema, expected) in [
            (
                json!({"type": "string", "example": "e", "default": "d"}),
                json!("e"),
            ),
            (json!({"examples": [5, 6], "const": 7}), json!(5)),
            (json!({"const": 7}), json!(7)),
            (json!({"default": null, "enum": [1]}), json!(null)),
            (json!({"enum": [null, "a"]}), json!("a")),
            (json!({}), json!("string")),
            (json!(true), json!("string")),
        ] {
            assert_eq!(made(schema.clone()), expected, "{schema}");
        }
    }

    #[test]
    fn numbers_and_texts_keep_their_bounds() {
        for (schema, expected) in [
            (json!({"type": "integer"}), json!(1)),
            (json!({"type": "integer", "minimum": 10}), json!(10)),
            (
                json!({"type": "integer", "minimum": 10, "exclusiveMinimum": true}),
                json!(11),
            ),
            (
                json!({"type": "integer", "exclusiveMinimum": 10}),
                json!(11),
            ),
            (json!({"type": "integer", "maximum": -3}), json!(-3)),
            (
                json!({"type": "integer", "multipleOf": 25, "minimum": 30}),
                json!(50),
            ),
            (json!({"type": "number", "exclusiveMaximum": 1}), json!(0.5)),
            (
                json!({"type": "number", "multipleOf": 0.25, "maximum": 0.6}),
                json!(0.5),
            ),
            (json!({"type": "string", "maxLength": 3}), json!("str")),
            (json!({"type": "string", "minLength": 8}), json!("stringxx")),
            (
                json!({"type": "string", "format": "date"}),
                json!("2026-01-15"),
            ),
            (json!({"type": ["null", "boolean"]}), json!(true)),
            (json!({"type": "null"}), json!(null)),
            (json!({"minimum": 2}), json!(2)),
        ] {
            assert_eq!(made(schema.clone()), expected, "{schema}");
        }
    }

    #[test]
    fn objects_lists_and_alternatives() {
        let schema = json!({
            "required": ["a"],
            "properties": {
                "a": {"type": "array", "items": {"type": "integer"}, "minItems": 2},
                "id": {"type": "string", "readOnly": true},
                "t": {"prefixItems": [{"const": 1}, {"const": "x"}], "type": "array"},
            }
        });
        assert_eq!(made(schema), json!({"a": [1, 1], "t": [1, "x"]}));
        assert_eq!(
            made(
                json!({"allOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}}], "properties": {"c": {"const": 3}}})
            ),
            json!({"a": 1, "b": 2, "c": 3})
        );
        assert_eq!(made(json!({"allOf": [{"type": "integer"}]})), json!(1));
        assert_eq!(
            made(json!({"oneOf": [{"$ref": "#/none"}, {"const": 4}]})),
            json!(4)
        );
        assert_eq!(
            made(
                json!({"anyOf": [{"properties": {"a": {"const": 1}}}], "properties": {"k": {"const": 2}}})
            ),
            json!({"a": 1, "k": 2})
        );
        assert_eq!(
            made(json!({"additionalProperties": {"const": 1}})),
            json!({"key": 1})
        );
    }

    #[test]
    fn circles_end_where_they_may() {
        let document = json!({"s": {
            "tree": {"properties": {"name": {"const": "n"}, "children": {"type": "array", "items": {"$ref": "#/s/tree"}}}},
            "must": {"required": ["next"], "properties": {"next": {"$ref": "#/s/must"}}},
            "self": {"$ref": "#/s/self"},
            "wide": {"properties": {"a": {"$ref": "#/s/tree"}, "b": {"$ref": "#/s/tree"}}},
        }});
        let reference = |name: &str| json!({"$ref": format!("#/s/{name}")});
        let tree = json!({"name": "n", "children": []});
        assert_eq!(of(document.clone(), reference("tree")), Some(tree.clone()));
        assert_eq!(of(document.clone(), reference("must")), None);
        assert_eq!(of(document.clone(), reference("self")), None);
        assert_eq!(of(document.clone(), json!({"$ref": "other.yaml#/a"})), None);
        assert_eq!(
            of(document, reference("wide")),
            Some(json!({"a": tree, "b": tree}))
        );
    }

    #[test]
    fn a_document_that_grows_without_bound_is_cut() {
        let mut schemas = Map::new();
        for level in 0..30 {
            let next = json!({"$ref": format!("#/l{}", level + 1)});
            let properties: Map<String, Value> =
                (0..9).map(|n| (format!("p{n}"), next.clone())).collect();
            schemas.insert(format!("l{level}"), json!({"properties": properties}));
        }
        schemas.insert("l30".to_owned(), json!({"type": "string"}));
        let made = of(Value::Object(schemas), json!({"$ref": "#/l0"}));
        assert!(made.is_some(), "what could be made is made");
    }
}
