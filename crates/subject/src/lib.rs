//! What every kind of subject is to the stages of a trial, which know no kind.
//!
//! * [`Catalogue`]: the cases of a workload, by number, as far as anything but their kind needs them.
//! * [`Asker`]: asks one side one case at a time, for what is compared.
//! * [`Runner`]: asks one side cases one after the other and measures each ([`Run`]).
//!
//! Dispatch is dynamic here: a case takes microseconds at least. What puts a service under load is not here: each kind
//! runs the engine of `understudy-load` with a driver of its own, monomorphic.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::error::Error;
use understudy_model::{Ending, Outcome, Status};
use xxhash_rust::xxh3::Xxh3Default;

/// Why a case could not be put to a side, where that is no answer of the side.
pub type Trouble = Box<dyn Error + Send + Sync>;

/// Asks a side one case at a time.
pub trait Asker: Send {
    /// What the side answers to the case of this number.
    ///
    /// # Errors
    /// It could not be asked. A side that fails has answered: with an [`Outcome::Failed`].
    fn ask(&mut self, case: u32) -> Result<Outcome, Trouble>;
}

/// Asks a side cases one after the other, and measures each.
pub trait Runner: Send {
    /// Runs these cases in their order: a measurement each.
    ///
    /// # Errors
    /// They could not be run. A side that fails has answered: with an [`Outcome::Failed`].
    fn run(&mut self, cases: &[u32]) -> Result<Vec<Run>, Trouble>;

    /// Starts the side so many times without a case, one after the other. Nothing where the trial does not ask how long
    /// a start takes.
    ///
    /// # Errors
    /// It could not be started, or did not end.
    fn start_up(&mut self, times: usize) -> Result<Vec<StartUp>, Trouble> {
        let _ = times;
        Ok(Vec::new())
    }

    /// What of the side is not limited or not measured, one sentence each, without full stop.
    fn unmeasured(&self) -> &[String];

    /// Starts whatever runs them anew: what one start of it shifts in its figures is not what the side does.
    ///
    /// # Errors
    /// It could not be started.
    fn renew(&mut self) -> Result<(), Trouble>;
}

/// One measured start without a case.
#[derive(Clone, Debug, PartialEq)]
pub struct StartUp {
    /// From the start until the end was noticed, nanoseconds.
    pub wall_ns: u64,
    /// How it ended, in words, where that is not the usual end of a program that did what was asked.
    pub unusual: Option<String>,
}

/// One measured run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Number of its case.
    pub case: u32,
    /// How it ended.
    pub ending: Ending,
    /// The status of its answer; of no meaning without one.
    pub status: Status,
    /// Bytes of its answer.
    pub bytes: u64,
    /// A hash of all that its answer says; 0 without one.
    pub hash: u64,
    /// From its start until its end was noticed, nanoseconds.
    pub wall_ns: u64,
    /// CPU time of it and of the processes that it waited for, microseconds.
    pub cpu_us: f64,
    /// The largest resident set of any one of its processes, bytes; `None` where that is below the smallest that can be
    /// seen.
    pub peak_rss_bytes: Option<f64>,
    /// It was killed because its memory limit was reached.
    pub out_of_memory: bool,
}

/// A hash of everything that an answer says, to the byte; 0 only where there is no answer. Two that differ may still say
/// the same.
pub fn answer_hash(outcome: &Outcome) -> u64 {
    let Outcome::Answered(answer) = outcome else {
        return 0;
    };
    let mut hasher = Xxh3Default::new();
    let mut add = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    add(&answer.status.code.to_le_bytes());
    for field in &answer.fields {
        add(field.name.as_bytes());
        add(&field.value);
    }
    for part in &answer.parts {
        add(part.name.as_bytes());
        // Of what is too large to be kept, the digest is that of all of it.
        add(part.digest.as_bytes());
        add(&part.bytes);
    }
    hasher.digest().max(1)
}

/// The cases of a workload by number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue {
    /// Names of the operations, each once.
    pub operations: Vec<String>,
    /// Each case.
    pub cases: Vec<CaseFacts>,
}

/// What is known of a case without its kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CaseFacts {
    /// Index of its operation.
    pub operation: u32,
    /// What it asks for, for people and for what recognises identifiers in it: a path with its query, a command line.
    pub target: String,
    /// Its size, bytes: of two that show the same difference the smaller one is the better example.
    pub bytes: u64,
    /// How often it is chosen, relative to the others.
    pub weight: f64,
    /// Does asking it leave a trace in the side that a later case may meet?
    pub leaves_traces: bool,
    /// How much there is to do, in the unit of the workload, where that is known.
    pub size: Option<f64>,
}

impl Catalogue {
    /// A catalogue of cases with the name of the operation of each.
    pub fn new(cases: impl IntoIterator<Item = (String, CaseFacts)>) -> Catalogue {
        let mut catalogue = Catalogue::default();
        let mut indices = std::collections::HashMap::new();
        for (name, facts) in cases {
            let operation = *indices.entry(name).or_insert_with_key(|name| {
                catalogue.operations.push(name.clone());
                catalogue.operations.len() as u32 - 1
            });
            catalogue.cases.push(CaseFacts { operation, ..facts });
        }
        catalogue
    }

    /// Operation index and name of a case; nothing for one that there is not.
    pub fn operation(&self, case: u32) -> (u32, &str) {
        let facts = self.cases.get(case as usize);
        let operation = facts.map_or(0, |facts| facts.operation);
        let name = self.operations.get(operation as usize);
        (operation, name.map_or("", String::as_str))
    }

    /// Operation index of each case.
    pub fn operation_of(&self) -> Vec<u32> {
        self.cases.iter().map(|facts| facts.operation).collect()
    }

    /// The cases of each size of the operations that have at least two sizes: a measurement holds one of each, so that
    /// it shows how the time grows with the size. Cases that are never chosen are left out.
    pub fn sizes(&self) -> Vec<Vec<u32>> {
        let mut by_operation: BTreeMap<u32, BTreeMap<u64, Vec<u32>>> = BTreeMap::new();
        for (number, case) in (0u32..).zip(&self.cases) {
            let Some(size) = case.size.filter(|_| case.weight > 0.0) else {
                continue;
            };
            let sizes = by_operation.entry(case.operation).or_default();
            // The bits of numbers above 0 are in the order of the numbers.
            sizes.entry(size.to_bits()).or_default().push(number);
        }
        by_operation.retain(|_, sizes| sizes.len() > 1);
        let sizes = by_operation.into_values();
        sizes.flat_map(BTreeMap::into_values).collect()
    }

    /// Can a comparison that was interrupted go on where it ended, with sides that start anew?
    pub fn is_repeatable(&self) -> bool {
        self.cases.iter().all(|facts| !facts.leaves_traces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_has_one_index() {
        let case = |name: &str, leaves_traces| {
            let facts = CaseFacts {
                leaves_traces,
                ..CaseFacts::default()
            };
            (name.to_owned(), facts)
        };
        let mut catalogue = Catalogue::new([case("a", false), case("b", false), case("a", false)]);
        assert_eq!(catalogue.operations, ["a", "b"]);
        assert_eq!(catalogue.operation_of(), [0, 1, 0]);
        assert_eq!(catalogue.operation(1), (1, "b"));
        assert_eq!(Catalogue::default().operation(7), (0, ""));
        assert!(catalogue.is_repeatable());
        catalogue.cases[2].leaves_traces = true;
        assert!(!catalogue.is_repeatable());
    }

    #[test]
    fn cases_of_each_size_are_those_of_operations_with_several() {
        let case = |name: &str, size, weight| {
            let facts = CaseFacts {
                size,
                weight,
                ..CaseFacts::default()
            };
            (name.to_owned(), facts)
        };
        let catalogue = Catalogue::new([
            case("a", Some(100.0), 1.0),
            case("a", Some(9.0), 1.0),
            case("a", Some(100.0), 2.0),
            case("a", None, 1.0),
            case("a", Some(5.0), 0.0),
            case("b", Some(9.0), 1.0),
            case("b", None, 1.0),
        ]);
        assert_eq!(catalogue.sizes(), [vec![1], vec![0, 2]]);
        assert_eq!(Catalogue::default().sizes(), Vec::<Vec<u32>>::new());
    }
}
