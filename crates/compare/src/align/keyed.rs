//! Elements that answer to each other because a member says so.

use super::Alignment;
use crate::json::{Json, Value};
use std::collections::HashMap;

/// Aligns two arrays by the member of this name: the k-th element with a value answers to the k-th with the same. One
/// without the member has no answer but an equal element without it.
pub(crate) fn align_by(name: &str, a: &[Json], b: &[Json]) -> Alignment {
    let mut waiting: HashMap<Key, Vec<usize>> = HashMap::new();
    for (j, element) in b.iter().enumerate().rev() {
        waiting.entry(key(name, element)).or_default().push(j);
    }
    let mut found = Alignment::default();
    let mut answers = Vec::new();
    for (i, element) in a.iter().enumerate() {
        match waiting.get_mut(&key(name, element)).and_then(Vec::pop) {
            Some(j) => answers.push((i, j)),
            None => found.missing.push(i),
        }
    }
    found.extra = waiting.into_values().flatten().collect();
    found.extra.sort_unstable();
    found.reordered = answers.windows(2).any(|two| two[0].1 > two[1].1);
    let differs = |(i, j): &(usize, usize)| a[*i].hash() != b[*j].hash();
    found.changed = answers.into_iter().filter(differs).collect();
    found
}

/// What an element is known by.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    /// The hash of the value of the member.
    Of(u128),
    /// It has no such member: the hash of all of it.
    None(u128),
}

fn key(name: &str, element: &Json) -> Key {
    let entries = match element.value() {
        Value::Object(entries) => entries.as_slice(),
        _ => &[],
    };
    let named = entries.iter().find(|(entry, _)| **entry == *name);
    named.map_or(Key::None(element.hash()), |(_, value)| {
        Key::Of(value.hash())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Vec<Json> {
        match Json::parse(text.as_bytes()).unwrap().value() {
            Value::Array(items) => items.clone(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn elements_answer_by_their_key_wherever_they_stand() {
        let a = items(r#"[{"k":1,"v":1},{"k":2,"v":2},{"k":3},7]"#);
        let b = items(r#"[7,{"k":2,"v":9},{"k":1,"v":1},{"k":4}]"#);
        let found = align_by("k", &a, &b);
        assert_eq!(found.changed, [(1, 1)]);
        assert_eq!((found.missing, found.extra), (vec![2], vec![3]));
        assert!(found.reordered);
    }

    #[test]
    fn a_value_is_not_the_element_that_has_it_as_its_key() {
        let found = align_by("k", &items("[7]"), &items(r#"[{"k":7}]"#));
        assert_eq!((found.missing, found.extra), (vec![0], vec![0]));
    }

    #[test]
    fn a_key_that_is_there_twice_answers_in_order() {
        let a = items(r#"[{"k":1,"v":1},{"k":1,"v":2}]"#);
        let b = items(r#"[{"k":1,"v":1},{"k":1,"v":3},{"k":1,"v":4}]"#);
        let found = align_by("k", &a, &b);
        assert_eq!((found.changed, found.extra), (vec![(1, 1)], vec![2]));
        assert!(!found.reordered && found.missing.is_empty());
    }
}
