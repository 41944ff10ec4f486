//! What answers under load looked like: every distinct body is understood once.

use std::collections::HashMap;
use understudy_compare::{Mask, Noise, Rules};
use understudy_model::stored::Row;
use understudy_model::{Answer, Field, Observation};
use understudy_subject_http::{Captured, Captures};

/// Bodies whose hashes are remembered between measurements.
const REMEMBERED: usize = 200_000;

/// Turns hashes of bytes into hashes of shape and meaning.
pub(crate) struct Inspector<'a> {
    masks: Vec<Mask<'a>>,
    /// Shape and value by operation, code and hash of the body.
    known: HashMap<(u32, i32, u64), (u64, u64)>,
}

impl<'a> Inspector<'a> {
    /// An inspector that leaves noise and ruled places out of values.
    pub(crate) fn new(noise: &'a Noise, rules: &'a Rules, operations: &'a [String]) -> Self {
        let masks = operations
            .iter()
            .enumerate()
            .map(|(index, operation)| Mask::new(noise, rules, (index as u32, operation.as_str())))
            .collect();
        Inspector {
            masks,
            known: HashMap::new(),
        }
    }

    /// The observations with the shape and value of their answers.
    ///
    /// `authorities` is what the side may call itself.
    pub(crate) fn rows(
        &mut self,
        observations: &[Observation],
        captures: &Captures,
        authorities: &[String],
    ) -> Vec<Row> {
        if self.known.len() > REMEMBERED {
            self.known.clear();
        }
        observations
            .iter()
            .map(|observation| {
                let (shape, value) = self.look(observation, captures, authorities);
                Row {
                    observation: *observation,
                    shape,
                    value,
                }
            })
            .collect()
    }

    fn look(
        &mut self,
        observation: &Observation,
        captures: &Captures,
        authorities: &[String],
    ) -> (u64, u64) {
        let key = (observation.operation, observation.code, observation.hash);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let captured = captures.get(&observation.hash).filter(|c| !c.truncated);
        let mask = self.masks.get(observation.operation as usize);
        let (Some(captured), Some(mask)) = (captured, mask) else {
            return (0, 0);
        };
        let mut answer = answer(observation.code, captured);
        understudy_compare::hide_authority(&mut answer, authorities);
        let looks = (mask.shape(&answer), mask.value_hash(&answer));
        self.known.insert(key, looks);
        looks
    }
}

fn answer(code: i32, captured: &Captured) -> Answer {
    let field = |name: &str, value: &[u8]| Field {
        name: name.to_owned(),
        value: value.to_vec(),
    };
    let mut fields = Vec::new();
    if !captured.content_type.is_empty() {
        fields.push(field("content-type", &captured.content_type));
    }
    if !captured.content_encoding.is_empty() {
        fields.push(field("content-encoding", &captured.content_encoding));
    }
    understudy_compare::http::answer(code, fields, captured.body.clone(), false)
}
