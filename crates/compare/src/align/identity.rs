//! Objects that carry an identity.

use super::entries;
use crate::json::{Json, Value};
use std::collections::HashMap;

/// Names whose value identifies an object among others, the first that does is used.
const NAMES: [&str; 4] = ["id", "key", "name", "uuid"];

/// Pairs the objects of the same identity. `None` when a side holds anything else, when no name
/// identifies every object, or when no identity occurs on both sides.
pub(super) fn pairs(a: Vec<(usize, &Json)>, b: Vec<(usize, &Json)>) -> Option<Vec<(usize, usize)>> {
    NAMES.into_iter().find_map(|name| {
        let (of_a, of_b) = (identities(&a, name)?, identities(&b, name)?);
        let mut pairs: Vec<_> = of_a
            .into_iter()
            .filter_map(|(id, i)| Some((i, *of_b.get(&id)?)))
            .collect();
        pairs.sort_unstable();
        (!pairs.is_empty()).then_some(pairs)
    })
}

/// The index of each identity; `None` unless every item has one of its own.
fn identities(items: &[(usize, &Json)], name: &str) -> Option<HashMap<u128, usize>> {
    let mut identities = HashMap::with_capacity(items.len());
    for &(index, json) in items {
        if identities.insert(identity(json, name)?, index).is_some() {
            return None;
        }
    }
    Some(identities)
}

fn identity(json: &Json, name: &str) -> Option<u128> {
    let entries = entries(json)?;
    let start = entries.partition_point(|(entry, _)| **entry < *name);
    let mut named = entries[start..]
        .iter()
        .take_while(|(entry, _)| **entry == *name);
    match (named.next(), named.next()) {
        (Some((_, id)), None) if matches!(id.value(), Value::String(_) | Value::Number(_)) => {
            Some(id.hash())
        }
        _ => None,
    }
}
