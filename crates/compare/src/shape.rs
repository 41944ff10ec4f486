//! Hashes for answers under load, where bodies cannot be kept: of their shape, and of their meaning
//! with the places left out that may differ.
//!
//! Both are stable across runs and machines, and never 0.

use crate::document::protobuf::Held;
use crate::document::{self, Body};
use crate::hash::Hash;
use crate::http::BODY;
use crate::json::{Json, Value};
use crate::noise::{Noise, Shown};
use crate::place::{self, Indices, Step};
use crate::rules::{Rules, Selected};
use crate::tree::NAME;
use crate::{decode, fields, text};
use std::collections::{BTreeSet, HashSet};
use understudy_model::place::{ValuePath, aspect};
use understudy_model::{Answer, DifferenceKind as Kind, Place};

/// The hash of an answer's shape: the names and types in its JSON body, an array being the set of its
/// elements' shapes, or else only whether the body is text, bytes or empty.
///
/// Of values only `null` shows: a field that turns `null` changes the shape, a number that changes
/// does not. Neither code nor headers enter it.
fn shape(answer: &Answer, held: Option<&Held>) -> u64 {
    let Some(body) = decoded(answer) else {
        return Hash::new(b'u').finish_64();
    };
    match document::read(&answer.fields, &body, held) {
        _ if body.is_empty() => Hash::new(b'e').finish_64(),
        Body::Document(of) => Hash::new(b'j').part(shape_of(&of.root)).finish_64(),
        Body::Text(..) => Hash::new(b't').finish_64(),
        Body::Bytes => Hash::new(b'b').finish_64(),
    }
}

fn decoded(answer: &Answer) -> Option<std::borrow::Cow<'_, [u8]>> {
    let codings = decode::codings(&answer.fields);
    decode::body(answer.bytes(BODY), &codings, decode::DECODED_BYTES).ok()
}

fn shape_of(json: &Json) -> u128 {
    match json.value() {
        Value::Null => Hash::new(b'z').finish(),
        Value::Bool(_) => Hash::new(b'b').finish(),
        Value::Number(_) => Hash::new(b'n').finish(),
        Value::String(_) => Hash::new(b's').finish(),
        Value::Bytes(_) => Hash::new(b'y').finish(),
        Value::Array(items) => {
            let shapes: BTreeSet<u128> = items.iter().map(shape_of).collect();
            shapes
                .into_iter()
                .fold(Hash::new(b'a'), Hash::part)
                .finish()
        }
        Value::Object(entries) => entries
            .iter()
            .fold(Hash::new(b'o'), |hash, (name, value)| {
                hash.bytes(name.as_bytes()).part(shape_of(value))
            })
            .finish(),
    }
}

/// The places of one operation that the hash of a value leaves out.
#[derive(Clone, Debug)]
pub struct Mask<'a> {
    rules: &'a Rules,
    noise: &'a Noise,
    index: u32,
    operation: &'a str,
    /// Patterns where nothing counts.
    left_out: HashSet<&'a Place>,
    /// Patterns of arrays whose order does not count.
    unordered: HashSet<&'a Place>,
    /// How a body is written.
    layout: Place,
}

impl<'a> Mask<'a> {
    /// Leaves out where the incumbent differs from itself and what a rule covers (of any kind) at the
    /// operation of this index and template. Names in a path that redaction changed match nothing.
    pub fn new(noise: &'a Noise, rules: &'a Rules, (index, operation): (u32, &'a str)) -> Mask<'a> {
        let of_kind = |order: bool| {
            noise
                .of_operation(index)
                .filter(move |(_, kind)| (*kind == Kind::Order) == order)
                .map(|(pattern, _)| pattern)
                .collect()
        };
        Mask {
            rules,
            noise,
            index,
            operation,
            left_out: of_kind(false),
            unordered: of_kind(true),
            layout: Place::BODY.aspect(aspect::LAYOUT),
        }
    }

    fn leaves_out(&self, place: &Place) -> bool {
        self.left_out.contains(place) || self.is_ruled(place)
    }

    fn is_ruled(&self, place: &Place) -> bool {
        // The same hash must come of a masked and an unmasked answer, so a rule's kind and condition do not count.
        self.rules.may_cover(self.operation, place)
    }

    /// The hash of the shape of an answer: the names and types in the document of its body, an array being the set of its
    /// elements' shapes, or else only whether the body is text, bytes or empty.
    pub fn shape(&self, answer: &Answer) -> u64 {
        let held = self.rules.messages().of(self.operation, &answer.fields);
        shape(answer, held.as_ref())
    }

    /// The hash of what an answer means: code, headers that matter, cookies and body, without what the
    /// mask leaves out. Two answers that do not differ (outside the mask) have the same.
    pub fn value_hash(&self, answer: &Answer) -> u64 {
        let mut hash = Hash::new(b'v');
        if !self.leaves_out(&Place::Status) {
            hash = hash.bytes(&answer.status.code.to_le_bytes());
        }
        for (place, value) in fields::canonical(answer) {
            // A cookie whose attribute is noise (`cookie:sid;expires`) is left out as a whole.
            let mut left_out = self.left_out.iter();
            let noisy = left_out.any(|pattern| **pattern != place && place.contains(pattern));
            if !noisy && !self.leaves_out(&place) {
                hash = hash.bytes(place.to_string().as_bytes()).bytes(&value);
            }
        }
        let Some(body) = decoded(answer) else {
            return hash.bytes(answer.bytes(BODY)).finish_64();
        };
        let is_left_out = self.leaves_out(&Place::BODY);
        let held = self.rules.messages().of(self.operation, &answer.fields);
        match document::read(&answer.fields, &body, held.as_ref()) {
            Body::Document(document) if !is_left_out => {
                let root = &document.root;
                let selected = self
                    .rules
                    .in_documents(self.operation, &Place::BODY, root, root);
                let mut walk = Masked {
                    mask: self,
                    selected,
                    steps: Vec::new(),
                    place: Place::in_body(ValuePath::root()),
                };
                let hash = self.layout(hash, &document.layout);
                hash.part(walk.hash(root).unwrap_or_default())
            }
            Body::Text(text, layout) => match self.tokens(&Place::BODY) {
                _ if !is_left_out => self.layout(hash, &layout).bytes(text.as_bytes()),
                Some(place) if !self.is_ruled(&Place::BODY) => document::lines_of(&text)
                    .fold(self.layout(hash, &layout), |hash, line| {
                        hash.part(masked_text(place, line))
                    }),
                _ => hash,
            },
            Body::Document(_) | Body::Bytes if is_left_out => hash,
            Body::Document(_) | Body::Bytes => hash.bytes(&body),
        }
        .finish_64()
    }

    fn layout(&self, hash: Hash, layout: &document::Layout) -> Hash {
        match self.leaves_out(&self.layout) {
            true => hash,
            false => hash.bytes(layout.text().as_bytes()),
        }
    }

    /// The place of this pattern, if noise keeps to some of the tokens of its texts.
    fn tokens(&self, pattern: &Place) -> Option<&'a Shown> {
        self.noise
            .place(self.index, pattern)
            .filter(|place| place.noisy_tokens().is_some())
    }
}

/// The hash of a text without its noisy tokens.
fn masked_text(place: &Shown, text: &str) -> u128 {
    let tokens = text::tokens(text);
    let spots = text::spots(&tokens, 0, 0, &|_| false);
    let Some(is_noise) = place.noisy_tokens() else {
        return Hash::new(b's').finish();
    };
    let kept = tokens
        .iter()
        .zip(spots)
        .map(|(token, spot)| match is_noise(spot) {
            true => "#",
            false => token,
        });
    kept.fold(Hash::new(b's'), |hash, token| hash.bytes(token.as_bytes()))
        .finish()
}

struct Masked<'m, 'j> {
    mask: &'m Mask<'m>,
    selected: Selected<'m>,
    steps: Vec<Step<'j>>,
    /// Where they lead, elements as `[*]`.
    place: Place,
}

impl<'j> Masked<'_, 'j> {
    /// The hash of a value; `None` when it is left out.
    fn hash(&mut self, json: &'j Json) -> Option<u128> {
        if self.selected.covers(&self.steps) {
            return None;
        }
        let may_be_noise = || {
            let place = self.mask.noise.place(self.mask.index, &self.place);
            let position = place::position(&self.steps);
            position
                .zip(place)
                .is_none_or(|(position, place)| place.allows(position))
        };
        if self.mask.left_out.contains(&self.place) && may_be_noise() {
            let tokens = self.mask.tokens(&self.place);
            return match (tokens, json.value()) {
                (Some(place), Value::String(text)) => Some(masked_text(place, text)),
                _ => None,
            };
        }
        match json.value() {
            Value::Array(items) => {
                let mut hashes: Vec<u128> = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    let step = Step::Index {
                        baseline: Some(index),
                        contender: Some(index),
                        of: place::of(items.len(), items.len()),
                    };
                    hashes.extend(self.hash_below(step, item));
                }
                let is_ruled = self.selected.is_unordered(&self.steps);
                if is_ruled || self.mask.unordered.contains(&self.place) {
                    hashes.sort_unstable();
                }
                Some(
                    hashes
                        .into_iter()
                        .fold(Hash::new(b'a'), Hash::part)
                        .finish(),
                )
            }
            Value::Object(entries) => {
                let mut hash = Hash::new(b'o');
                let mut unnamed = Vec::new();
                for (name, value) in entries {
                    let step = Step::to(name);
                    let Some(value) = self.hash_below(step, value) else {
                        continue;
                    };
                    let is_made_up = matches!(step, Step::Key { .. });
                    match is_made_up && self.has_noisy_names() {
                        true => unnamed.push(value),
                        false => hash = hash.bytes(name.as_bytes()).part(value),
                    }
                }
                // Without their names they are in no order.
                unnamed.sort_unstable();
                Some(unnamed.into_iter().fold(hash, Hash::part).finish())
            }
            _ => Some(json.hash()),
        }
    }

    /// Are the names that are made up noise in the object that is looked at?
    fn has_noisy_names(&mut self) -> bool {
        self.below(|walk| {
            let path = walk.place.path_mut();
            if let Some(path) = path {
                path.push_any();
                path.push_name(NAME);
            }
            walk.mask.left_out.contains(&walk.place)
        })
    }

    fn hash_below(&mut self, step: Step<'j>, json: &'j Json) -> Option<u128> {
        self.steps.push(step);
        let hash = self.below(|walk| {
            if let Some(path) = walk.place.path_mut() {
                step.push(path, Indices::Any);
            }
            walk.hash(json)
        });
        self.steps.pop();
        hash
    }

    /// Looks at something below the place, and comes back to it.
    fn below<T>(&mut self, look: impl FnOnce(&mut Self) -> T) -> T {
        let mark = self.place.path().map(ValuePath::mark);
        let found = look(self);
        if let Some((path, mark)) = self.place.path_mut().zip(mark) {
            path.back_to(mark);
        }
        found
    }
}

#[cfg(test)]
mod tests;
