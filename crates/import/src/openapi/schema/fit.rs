//! Examples of another type than their schema says, where they have one meaning.

use super::super::document::Document;
use super::flat::Flat;
use serde_json::{Map, Number, Value};
use std::collections::HashMap;

/// Lists and objects inside of one another.
const MAX_DEPTH: usize = 32;

/// A value that is given, in the type of its schema; nothing if it cannot be of that type.
pub(in super::super) fn fitted<'d>(
    document: &'d Document,
    value: &Value,
    schema: &'d Value,
) -> Option<Value> {
    Flat::new(document, schema, 0).map_or_else(
        || Some(value.clone()),
        |flat| within(document, value, &flat, MAX_DEPTH),
    )
}

pub(super) fn of_flat(document: &Document, value: &Value, flat: &Flat<'_>) -> Option<Value> {
    within(document, value, flat, MAX_DEPTH)
}

fn within(document: &Document, value: &Value, flat: &Flat<'_>, depth: usize) -> Option<Value> {
    // Alternatives may have any type, and several types are not one.
    let kinds: Vec<&str> = match flat.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let named = kinds
        .iter()
        .filter(|kind| **kind != "null")
        .collect::<Vec<_>>();
    let [kind] = named.as_slice() else {
        return Some(value.clone());
    };
    let may_be_null = kinds.contains(&"null") || flat.get("nullable") == Some(&Value::Bool(true));
    let inner = |text: &str| serde_json::from_str::<Value>(text).ok();
    match (**kind, value) {
        (_, Value::Null) => may_be_null.then_some(Value::Null),
        ("string", Value::Number(_) | Value::Bool(_)) => Some(Value::String(value.to_string())),
        ("string", Value::String(_)) | ("boolean", Value::Bool(_)) => Some(value.clone()),
        ("integer", Value::Number(number)) => integer(number),
        ("number", Value::Number(_)) => Some(value.clone()),
        ("integer" | "number" | "boolean" | "array" | "object", Value::String(text)) => {
            let read = inner(text).filter(|read| !read.is_string())?;
            within(document, &read, flat, depth.checked_sub(1)?)
        }
        ("array", Value::Array(all)) => Some(Value::Array(elements(document, all, flat, depth))),
        ("object", Value::Object(object)) => {
            Some(Value::Object(members(document, object, flat, depth)))
        }
        ("string" | "integer" | "number" | "boolean" | "array" | "object", _) => None,
        _ => Some(value.clone()),
    }
}

fn integer(number: &Number) -> Option<Value> {
    if number.is_i64() || number.is_u64() {
        return Some(Value::Number(number.clone()));
    }
    let whole = number
        .as_f64()
        .filter(|number| number.fract() == 0.0 && number.abs() < 1e15)?;
    Some(Value::from(whole as i64))
}

fn elements(document: &Document, all: &[Value], flat: &Flat<'_>, depth: usize) -> Vec<Value> {
    let items = flat
        .get("items")
        .and_then(|items| Flat::new(document, items, 0));
    let fit = |value: &Value| match (&items, depth.checked_sub(1)) {
        (Some(items), Some(depth)) => within(document, value, items, depth),
        _ => None,
    };
    all.iter()
        .map(|value| fit(value).unwrap_or_else(|| value.clone()))
        .collect()
}

fn members(
    document: &Document,
    object: &Map<String, Value>,
    flat: &Flat<'_>,
    depth: usize,
) -> Map<String, Value> {
    let properties: HashMap<&String, &Value> = flat.properties().into_iter().collect();
    let fit = |name: &String, value: &Value| {
        let property = properties.get(name)?;
        let property = Flat::new(document, property, 0)?;
        within(document, value, &property, depth.checked_sub(1)?)
    };
    object
        .iter()
        .map(|(name, value)| {
            (
                name.clone(),
                fit(name, value).unwrap_or_else(|| value.clone()),
            )
        })
        .collect()
}
