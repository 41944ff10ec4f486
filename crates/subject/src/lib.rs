//! What every kind of subject is to the stages of a trial, which know no kind.
//!
//! * [`Asker`]: asks one side one case at a time, for what is compared.
//! * [`Runner`]: asks one side cases one after the other and measures each ([`Run`]).
//!
//! Dispatch is dynamic here: a case takes microseconds at least. What puts a service under load is not here: each kind
//! runs the engine of `understudy-load` with a driver of its own, monomorphic.

#![forbid(unsafe_code)]

use std::error::Error;
use understudy_model::{Ending, Field, Outcome, Status};
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

    /// What of the last case could not be seen, or is not compared: one sentence each, without full stop.
    fn unseen(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// Parts of the last answer that turned out to be incomplete after it was returned. It is asked right before the next
    /// case, and a moment after the last one.
    fn missed(&mut self) -> Option<Missed> {
        None
    }
}

/// What an answer lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// Names of its parts that are incomplete.
    pub parts: Vec<String>,
    /// Why, as the end of a sentence.
    pub why: String,
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

    /// What the memory limit of all that it runs has counted since it was started or renewed.
    fn memory(&self) -> GroupMemory;
}

/// The memory of a group of processes, as the kernel counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupMemory {
    /// Processes that were killed because the limit was reached; `None`: the processes are in no group that counts them.
    pub kills: Option<u64>,
    /// The highest use, page cache and kernel memory included, bytes; `None` where the kernel does not keep it.
    pub peak_bytes: Option<u64>,
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
/// the same. What is seen of runs that are asked, but not of those that are measured, is not in it.
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
    let measured = |field: &&Field| field.watched_file().is_none();
    for field in answer.fields.iter().filter(measured) {
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
