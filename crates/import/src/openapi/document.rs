//! The document and the references inside of it.

use crate::target::decoded;
use serde_json::Value;
use std::cell::RefCell;

/// Most references that lead from one to the next.
const MAX_CHAIN: usize = 32;

/// A document.
pub(super) struct Document {
    root: Value,
    /// The last reference that led nowhere.
    missing: RefCell<Option<String>>,
}

impl Document {
    pub(super) fn new(root: Value) -> Self {
        Document {
            root,
            missing: RefCell::default(),
        }
    }

    pub(super) fn root(&self) -> &Value {
        &self.root
    }

    /// What a value stands for: itself, or what its `$ref` leads to. `None` if that is not in this
    /// document, or if references go in a circle.
    pub(super) fn resolve<'d>(&'d self, value: &'d Value) -> Option<&'d Value> {
        let mut value = value;
        for _ in 0..MAX_CHAIN {
            match reference(value) {
                None => return Some(value),
                Some(to) => value = self.find(to)?,
            }
        }
        None
    }

    /// What is at a reference (RFC 6901 behind a `#`, percent-encoded).
    pub(super) fn find(&self, reference: &str) -> Option<&Value> {
        let pointer = reference.strip_prefix('#');
        let found = pointer.and_then(|pointer| self.root.pointer(&decoded(pointer, false)));
        if found.is_none() {
            *self.missing.borrow_mut() = Some(reference.to_owned());
        }
        found
    }

    /// The last reference that led nowhere since this was asked.
    pub(super) fn take_missing(&self) -> Option<String> {
        self.missing.take()
    }

    /// The member of an object, resolved.
    pub(super) fn get<'d>(&'d self, value: &'d Value, key: &str) -> Option<&'d Value> {
        self.resolve(value.get(key)?)
    }

    /// The named examples of a parameter or media type that have a value.
    pub(super) fn examples<'d>(&'d self, holder: &'d Value) -> Vec<&'d Value> {
        let examples = holder.get("examples").and_then(Value::as_object);
        examples
            .into_iter()
            .flatten()
            .filter_map(|(_, example)| self.resolve(example)?.get("value"))
            .collect()
    }

    /// The example of a parameter or media type: the one, or of the named ones that of this variant.
    pub(super) fn example<'d>(&'d self, holder: &'d Value, variant: usize) -> Option<&'d Value> {
        let examples = self.examples(holder);
        match holder.get("example") {
            Some(example) => Some(example),
            None if examples.is_empty() => None,
            None => examples.get(variant % examples.len()).copied(),
        }
    }
}

/// Where a value refers to.
pub(super) fn reference(value: &Value) -> Option<&str> {
    value.get("$ref").and_then(Value::as_str)
}
