//! The search for a memory floor: the smallest memory limit at which a side still holds.
//!
//! A pure state machine over the trials so far. The peak that the side uses without a tighter limit comes
//! first; from there limits fall geometrically while they hold, and the gap between the smallest that
//! held and the largest below it that did not is halved (on a logarithmic scale) until it is narrow
//! enough. A limit holds if every one of its trials did; one that does not ends it at once. So noise
//! can only raise the floor, never lower it. The floor is then verified by a longer trial above it,
//! where there is such a thing: what leaks holds any limit for a while, and that is where it shows.

#[cfg(test)]
mod tests;

/// What is searched for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// Trials that have to hold at a limit.
    pub repeats: usize,
    /// Relative width of the bracket that is enough, 0.05 for 5 %.
    pub precision: f64,
    /// The first limit, bytes; the measured peak where `None`.
    pub start: Option<u64>,
    /// No smaller limit is tried, bytes.
    pub lowest: u64,
    /// No larger limit is tried, bytes; four times the first where `None`.
    pub highest: Option<u64>,
    /// Is the floor verified by a longer trial above it? What ends by itself has nothing to show there.
    pub soak: bool,
}

/// How a trial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It lived and held every objective.
    Held,
    /// It lived and missed an objective.
    Missed,
    /// It was killed, ended or never became ready.
    Ended,
    /// The measurement cannot be trusted: it says nothing.
    Refused,
}

/// One trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// The memory limit, bytes; `None` is the one that finds the peak.
    pub limit: Option<u64>,
    /// Is it the longer one that verifies?
    pub soak: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// Its highest use of memory, bytes; 0 where it was not measured.
    pub peak: u64,
    /// Its use of memory grew all the time.
    pub growing: bool,
}

/// What to measure next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The memory limit, bytes; `None` leaves it as it is.
    pub limit: Option<u64>,
    /// The longer trial that verifies.
    pub soak: bool,
}

/// What the trials say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floor {
    /// `high` held and was verified, `low` did not.
    Between {
        /// The largest limit below that did not hold, bytes.
        low: u64,
        /// The smallest that held, bytes.
        high: u64,
    },
    /// The lowest limit that may be tried held and was verified, bytes.
    AtMost(u64),
    /// It uses more the longer it runs: no limit is enough.
    Leaks,
    /// The smallest limit that held for short did not hold for long, although nothing grew.
    NotVerified(u64),
    /// It does not hold without a tighter limit either.
    NeverHeld,
    /// No limit that was tried held in all of its trials.
    NoneHeld,
    /// Measurements could not be trusted, again and again.
    Refused,
    /// Its memory was not measured, and no first limit is stated.
    NoPeak,
    /// It ended before its time.
    Unfinished,
}

/// From one limit to the next lower one of the descent.
const DESCENT: f64 = 0.7;
/// A limit is verified this far above the floor.
const ABOVE: f64 = 1.10;
/// Memory is limited by the page.
const PAGE: u64 = 4096;
/// Refused trials at one limit that end the search.
const MOST_REFUSED: usize = 3;
/// Trials that verify: a noisy machine gets a second one.
const MOST_SOAKS: usize = 2;
/// Where nothing is said, limits rise no higher than this above the first one.
const HIGHEST: u64 = 4;

/// The next trial; `None` when the search is over.
pub fn next(goal: &Goal, trials: &[Trial]) -> Option<Step> {
    look(goal, trials).ok()
}

/// What the trials say so far.
pub fn conclude(goal: &Goal, trials: &[Trial]) -> Floor {
    look(goal, trials).map_or_else(|floor| floor, |_| Floor::Unfinished)
}

/// What the trials so far show of a search that was not finished: the largest limit that did not hold below the smallest
/// that held in all of its trials, and that one.
pub fn bracket(goal: &Goal, trials: &[Trial]) -> (Option<u64>, Option<u64>) {
    let limits = limits(trials);
    let of = |wanted: Status| {
        let is = move |limit: &&u64| status(goal, trials, **limit) == Ok(wanted);
        limits.iter().filter(is).copied()
    };
    let high = of(Status::Held).min();
    let below = |limit: &u64| high.is_none_or(|high| *limit < high);
    (of(Status::Failed).filter(below).max(), high)
}

/// The limit at which a floor is verified, bytes.
pub fn above(floor: u64) -> u64 {
    pages(floor as f64 * ABOVE)
}

/// How many trials a search makes of a side with that peak and that floor (bytes), the ones that verify
/// apart: what it takes where no measurement is refused.
pub fn trials_expected(goal: &Goal, peak: u64, floor: u64) -> (usize, usize) {
    let mut trials = Vec::new();
    while let Some(Step { limit, soak }) = next(goal, &trials) {
        let outcome = match limit.is_none_or(|limit| limit >= floor) {
            true => Outcome::Held,
            false => Outcome::Ended,
        };
        trials.push(Trial {
            limit,
            soak,
            outcome,
            peak,
            growing: false,
        });
    }
    let soaks = trials.iter().filter(|trial| trial.soak).count();
    (trials.len() - soaks, soaks)
}

/// A trial that is still needed, or the end.
fn look(goal: &Goal, trials: &[Trial]) -> Result<Step, Floor> {
    let first = first(goal, trials)?;
    let Ok(first) = first else {
        return Ok(Step {
            limit: None,
            soak: false,
        });
    };
    let highest = goal.highest.unwrap_or(first.saturating_mul(HIGHEST));
    let limits = limits(trials);
    for limit in limits.iter().copied() {
        if status(goal, trials, limit)? == Status::Open {
            return Ok(probe(limit));
        }
    }
    let of = |wanted: Status| {
        let is = move |limit: &&u64| status(goal, trials, **limit) == Ok(wanted);
        limits.iter().filter(is).copied()
    };
    let Some(high) = of(Status::Held).min() else {
        let Some(most) = of(Status::Failed).max() else {
            return Ok(probe(first.clamp(goal.lowest.min(highest), highest)));
        };
        return match most >= highest {
            true => Err(Floor::NoneHeld),
            false => Ok(probe(pages(most as f64 / DESCENT).min(highest))),
        };
    };
    let low = of(Status::Failed).filter(|limit| *limit < high).max();
    match low {
        None if high > goal.lowest => Ok(probe(pages(high as f64 * DESCENT).max(goal.lowest))),
        None => verify(goal, trials, high, Floor::AtMost(high)),
        Some(low) if is_narrow(goal, low, high) => {
            verify(goal, trials, high, Floor::Between { low, high })
        }
        Some(low) => Ok(probe(pages((low as f64 * high as f64).sqrt()))),
    }
}

/// The first limit: stated, or the peak; an inner error asks for the trial that finds it.
fn first(goal: &Goal, trials: &[Trial]) -> Result<Result<u64, ()>, Floor> {
    let of_peak = || trials.iter().filter(|trial| trial.limit.is_none());
    let refused = of_peak().filter(|trial| trial.outcome == Outcome::Refused);
    if refused.count() >= MOST_REFUSED {
        return Err(Floor::Refused);
    }
    let peak = of_peak().find(|trial| trial.outcome != Outcome::Refused);
    match peak {
        None => Ok(Err(())),
        Some(trial) if trial.outcome != Outcome::Held => Err(Floor::NeverHeld),
        Some(trial) => match goal.start.unwrap_or(pages(trial.peak as f64)) {
            0 => Err(Floor::NoPeak),
            first => Ok(Ok(first)),
        },
    }
}

/// The longer trial above a floor, until it is there; then the floor, or why there is none.
fn verify(goal: &Goal, trials: &[Trial], high: u64, found: Floor) -> Result<Step, Floor> {
    if !goal.soak {
        return Err(found);
    }
    let soaks = || trials.iter().filter(|trial| trial.soak);
    let grew = |trial: &Trial| trial.growing || trial.outcome == Outcome::Ended;
    let trusted = || soaks().filter(|trial| trial.outcome != Outcome::Refused);
    if trusted().any(grew) {
        return Err(Floor::Leaks);
    }
    if trusted().any(|trial| trial.outcome == Outcome::Held) {
        return Err(found);
    }
    if trusted().count() >= MOST_SOAKS {
        return Err(Floor::NotVerified(high));
    }
    if soaks().count() - trusted().count() >= MOST_REFUSED {
        return Err(Floor::Refused);
    }
    Ok(Step {
        limit: Some(above(high)),
        soak: true,
    })
}

/// What is known of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Open,
    Held,
    Failed,
}

fn status(goal: &Goal, trials: &[Trial], limit: u64) -> Result<Status, Floor> {
    let here = |outcome: Outcome| {
        let at = trials.iter().filter(|t| !t.soak && t.limit == Some(limit));
        at.filter(|trial| trial.outcome == outcome).count()
    };
    if here(Outcome::Missed) + here(Outcome::Ended) > 0 {
        return Ok(Status::Failed);
    }
    if here(Outcome::Held) >= goal.repeats {
        return Ok(Status::Held);
    }
    match here(Outcome::Refused) >= MOST_REFUSED {
        true => Err(Floor::Refused),
        false => Ok(Status::Open),
    }
}

/// The limits that were tried, ascending.
fn limits(trials: &[Trial]) -> Vec<u64> {
    let short = trials.iter().filter(|trial| !trial.soak);
    let mut limits: Vec<u64> = short.filter_map(|trial| trial.limit).collect();
    limits.sort_unstable();
    limits.dedup();
    limits
}

fn is_narrow(goal: &Goal, low: u64, high: u64) -> bool {
    // Between neighbouring pages there is nothing to try.
    high as f64 <= low as f64 * (1.0 + goal.precision) || high - low <= 2 * PAGE
}

fn probe(limit: u64) -> Step {
    Step {
        limit: Some(limit),
        soak: false,
    }
}

/// The next whole page.
fn pages(bytes: f64) -> u64 {
    (bytes / PAGE as f64).ceil() as u64 * PAGE
}

/// Does memory grow all the time? `lowest` is the lowest use in each of several equal stretches of a
/// trial, in order, and `of` what growth is compared with (all in bytes).
///
/// The lowest use of a stretch is what is left after a collection, so that a heap that fills and is
/// emptied does not count. It has to rise from each stretch to the next, by more than 2 % of `of` in
/// all, and as fast in the second half as in the first, by half at least: what merely warms up gets
/// flatter.
pub fn is_growing(lowest: &[f64], of: f64) -> bool {
    let [first, .., last] = lowest else {
        return false;
    };
    let Some(middle) = lowest.get(lowest.len() / 2) else {
        return false;
    };
    let rises = lowest.windows(2).all(|two| two[1] > two[0]);
    rises && last - first > 0.02 * of && (last - middle) >= 0.5 * (middle - first)
}
