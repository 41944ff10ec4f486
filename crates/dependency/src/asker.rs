//! What a side called is a part of what it answers.

use crate::recording::Round;
use crate::stand_in::Handler;
use std::sync::Arc;
use std::time::Duration;
use understudy_model::{Outcome, Part};
use understudy_subject::{Asker, Missed, Trouble};

/// Asks a side, and adds to each answer the part `calls:NAME` for each outside service: a JSON array of the calls that the
/// side made for it, in their order.
pub struct CallsAsker {
    asker: Box<dyn Asker>,
    stand_ins: Vec<Arc<Handler>>,
    round: Round,
    settle: Duration,
}

impl CallsAsker {
    /// An asker of the side that these stand-ins are of. All sides that are asked at the same time have the same
    /// `generation`. Calls that a side makes within `settle` of its answer belong to it.
    pub fn new(
        asker: Box<dyn Asker>,
        stand_ins: Vec<Arc<Handler>>,
        generation: u64,
        settle: Duration,
    ) -> Self {
        CallsAsker {
            asker,
            stand_ins,
            round: Round {
                generation,
                number: 0,
            },
            settle,
        }
    }
}

impl Asker for CallsAsker {
    fn ask(&mut self, case: u32) -> Result<Outcome, Trouble> {
        self.round.number += 1;
        self.stand_ins.iter().for_each(|one| one.begin(self.round));
        let asked = self.asker.ask(case);
        if !self.settle.is_zero() {
            std::thread::sleep(self.settle);
        }
        // Also where it could not be asked: the others wait for the end of the round.
        let made: Vec<Part> = self.stand_ins.iter().map(|one| calls(one)).collect();
        let mut outcome = asked?;
        if let Outcome::Answered(answer) = &mut outcome {
            answer.parts.extend(made);
        }
        Ok(outcome)
    }

    fn unseen(&mut self) -> Vec<String> {
        self.asker.unseen()
    }

    fn missed(&mut self) -> Option<Missed> {
        let of_asker = self.asker.missed();
        let is_late = |one: &&Arc<Handler>| one.forget_late() > 0;
        let late: Vec<String> = self
            .stand_ins
            .iter()
            .filter(is_late)
            .map(|one| part(one))
            .collect();
        let Some(mut missed) = of_asker else {
            return (!late.is_empty()).then(|| Missed {
                parts: late,
                why: "a call came too late after the answer".to_owned(),
            });
        };
        missed.parts.extend(late);
        Some(missed)
    }
}

impl Drop for CallsAsker {
    fn drop(&mut self) {
        self.stand_ins.iter().for_each(|one| one.close());
    }
}

/// What the part of the answer is called that has its calls.
fn part(handler: &Handler) -> String {
    format!("calls:{}", handler.name())
}

/// The calls of the round, as a part of the answer.
fn calls(handler: &Handler) -> Part {
    let made = handler.end();
    let described = made.iter().map(|call| call.described()).collect();
    Part {
        name: part(handler),
        media: "application/json".to_owned(),
        bytes: serde_json::Value::Array(described).to_string().into_bytes(),
        truncated: false,
        digest: String::new(),
    }
}
