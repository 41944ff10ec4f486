//! What is known of a case, and what is wrong with it.

use crate::facts::Facts;
use crate::input::{Assumed, Input};
use crate::spread::Spread;
use crate::unit::Currency;
use std::collections::BTreeMap;

/// Effort in person-months of a thousand lines: basic COCOMO, organic (Boehm, *Software Engineering
/// Economics*, 1981): 2.4 KLOC^1.05.
const COCOMO: (f64, f64) = (2.4, 1.05);

/// Where a figure comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A measurement; the text says which.
    Measured(String),
    /// The input states it; the text says where.
    Stated(String),
    /// The input does not state it; the text names the source of the default.
    Default(String),
}

/// A figure and where it comes from: the same for a measurement, a statement and a default.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// The figure.
    pub spread: Spread,
    /// Where it comes from.
    pub source: Source,
}

/// The figures and facts of one case.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What it is called.
    pub name: String,
    /// The currency of all its money.
    pub currency: Currency,
    /// What is known and is not a figure.
    pub facts: Facts,
    figures: BTreeMap<Input, Value>,
}

/// Something that is wrong with the figures together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it shows.
    pub input: Input,
    /// What is wrong and what to do: the sentence that follows the input's name.
    pub what: String,
}

impl Case {
    /// A case of which nothing is known yet.
    pub fn new(name: String, currency: Currency) -> Self {
        Case {
            name,
            currency,
            facts: Facts::default(),
            figures: BTreeMap::new(),
        }
    }

    /// States a figure in addition to those that are there.
    pub fn set(&mut self, input: Input, value: Value) {
        self.figures.insert(input, value);
    }

    /// States a figure unless it, or one that it contradicts, is there.
    pub fn set_if_open(&mut self, input: Input, value: Value) {
        let taken = |input: &Input| self.is_stated(*input);
        if !taken(&input) && !input.instead_of().iter().any(taken) {
            self.set(input, value);
        }
    }

    /// States a figure in the place of what is there, and of what it contradicts.
    pub fn replace(&mut self, input: Input, value: Value) {
        for other in input.instead_of() {
            self.figures.remove(other);
        }
        self.set(input, value);
    }

    /// Is there a figure that is not a default?
    pub fn is_stated(&self, input: Input) -> bool {
        self.figures.contains_key(&input)
    }

    /// Fills in the defaults.
    ///
    /// # Errors
    /// Everything that is missing or contradicts something else.
    pub fn resolve(&self) -> Result<Resolved, Vec<Problem>> {
        let problems: Vec<Problem> = [self.contradictions(), self.missing()].concat();
        if !problems.is_empty() {
            return Err(problems);
        }
        let values = Input::ALL.map(|input| self.value(input));
        Ok(Resolved { values })
    }

    fn contradictions(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for input in self.figures.keys() {
            // Each pair once, at its second member.
            for other in input.instead_of().iter().filter(|other| *other < input) {
                if self.is_stated(*other) {
                    let other = other.name();
                    let what = format!("contradicts {other}\nhint: state one of the two");
                    problems.push(Problem {
                        input: *input,
                        what,
                    });
                }
            }
        }
        let people = |input| self.value(input).map(|value| value.spread.bounds());
        if let (Some((_, know)), Some((all, _))) =
            (people(Input::RustPeople), people(Input::People))
            && know > all
        {
            problems.push(Problem {
                input: Input::RustPeople,
                what: format!("{know} of {all} people cannot be\nhint: raise `team.people`"),
            });
        }
        problems
    }

    fn missing(&self) -> Vec<Problem> {
        use Input::{
            CandidateCapacity, CandidateHour, CandidateMemory, CandidateSaving, CandidateVcpus,
            CodeLines, Demand, Effort, GibHour, IncumbentCapacity, IncumbentHour, IncumbentMemory,
            IncumbentVcpus, Instances, State, TunedCapacity, VcpuHour,
        };
        let mut problems = Vec::new();
        let mut need = |holds: bool, input: Input, what: &str| {
            if !holds {
                let what = format!("is missing\nhint: {what}");
                problems.push(Problem { input, what });
            }
        };
        let any = |inputs: &[Input]| inputs.iter().any(|input| self.is_stated(*input));
        need(
            any(&[Instances, Demand]),
            Instances,
            "state it, or fleet.demand with incumbent.capacity",
        );
        need(
            any(&[IncumbentCapacity]) || !any(&[Demand, CandidateCapacity, TunedCapacity]),
            IncumbentCapacity,
            "demand and the capacity of another side say nothing without it",
        );
        need(
            any(&[Effort, CodeLines]),
            Effort,
            "state it, or effort.lines for a rough estimate",
        );
        need(
            any(&[
                CandidateSaving,
                CandidateCapacity,
                CandidateVcpus,
                CandidateMemory,
                CandidateHour,
            ]),
            CandidateSaving,
            "say what the candidate saves: this, or its capacity, vcpus, memory or instance_hour",
        );
        let by_size = !any(&[IncumbentHour]);
        let what = "the price of an instance follows from it; or state incumbent.instance_hour";
        need(!by_size || any(&[IncumbentVcpus]), IncumbentVcpus, what);
        let memory = by_size || any(&[State]);
        need(!memory || any(&[IncumbentMemory]), IncumbentMemory, what);
        // Without sizes the candidate's price cannot be derived from prices of vCPU and GiB.
        let resized = any(&[CandidateVcpus, CandidateMemory]) && !any(&[CandidateHour]);
        need(
            by_size || !resized,
            CandidateHour,
            "incumbent.instance_hour is a price of an instance, so the candidate needs one, too",
        );
        for price in [VcpuHour, GibHour] {
            let what = "the default is in USD, and nothing is converted";
            let known = self.currency == Currency::USD || !by_size;
            need(known || any(&[price]), price, what);
        }
        need(
            self.currency == Currency::USD || any(&[Input::PersonMonth]),
            Input::PersonMonth,
            "the default is in USD, and nothing is converted",
        );
        problems
    }

    fn value(&self, input: Input) -> Option<Value> {
        if let Some(value) = self.figures.get(&input) {
            return Some(value.clone());
        }
        if input == Input::Effort {
            return self.effort_of_lines();
        }
        let foreign =
            self.currency != Currency::USD && [Input::VcpuHour, Input::GibHour].contains(&input);
        if foreign || input == Input::HandOver && self.is_stated(Input::EarnsAfter) {
            return None;
        }
        // What is known of the tuned incumbent takes the place of what is assumed of it.
        if input == Input::TunedSaving && input.instead_of().iter().any(|of| self.is_stated(*of)) {
            return None;
        }
        let Assumed { numbers, source } = input.about().default.as_ref()?;
        Some(Value {
            spread: input.spread(numbers).ok()?,
            source: Source::Default((*source).to_owned()),
        })
    }

    /// A rough effort, half to twice what the formula says.
    fn effort_of_lines(&self) -> Option<Value> {
        let thousands = self.figures.get(&Input::CodeLines)?.spread.median() / 1000.0;
        let months = COCOMO.0 * thousands.powf(COCOMO.1);
        Some(Value {
            spread: Spread::tailed(months / 2.0, months, months * 2.0)?,
            source: Source::Default(
                "basic COCOMO, organic (Boehm 1981), of effort.lines, halved and doubled"
                    .to_owned(),
            ),
        })
    }
}

/// Every figure that there is, defaults included.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    values: [Option<Value>; Input::COUNT],
}

impl Resolved {
    /// A figure; `None` if the case does without it.
    pub fn get(&self, input: Input) -> Option<&Value> {
        self.values[input as usize].as_ref()
    }

    /// All that there are.
    pub fn all(&self) -> impl Iterator<Item = (Input, &Value)> {
        let each = |input| self.get(input).map(|value| (input, value));
        Input::ALL.into_iter().filter_map(each)
    }
}
