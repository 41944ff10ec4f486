//! Do slow requests meet events more often than chance would have it?
//!
//! One stretch of time holds requests and events, each an interval `(begin, end)` in nanoseconds. A
//! request *meets* an event if it overlaps the event or the *busy period* that the event leaves: most
//! victims of a stall are due in it or while its backlog drains. A busy period is a stretch in which
//! more requests are in the system than usually (than the median over time).
//!
//! How often chance would have it is asked of the same events shifted in a circle by random amounts
//! (Besag and Diggle 1977 for the Monte Carlo test; Lotwick and Silverman 1982 for shifts of one
//! pattern against another): that keeps gaps, bursts and lengths of the events, and the whole pattern
//! of the requests, and breaks nothing but their alignment. A shifted event leaves the busy period of
//! where it falls, so a log that has nothing to do with the requests has no advantage where it is.

use crate::random::Random;

/// An interval on the line of time, nanoseconds: `(begin, end)`.
pub type Stretch = (u64, u64);

/// How many shifts the null is made of: its 2.5 % and 97.5 % points are the 5th and 195th of them.
const SHIFTS: usize = 199;
const NULL_RANK: usize = 5;

/// When more requests were in the system than usually.
#[derive(Clone, Debug, Default)]
pub struct BusyPeriods(Vec<Stretch>);

impl BusyPeriods {
    /// From all requests of a window: `(due, ended)`, in any order.
    pub fn new(requests: &[Stretch]) -> Self {
        let mut steps: Vec<(u64, i64)> = requests
            .iter()
            .filter(|(due, ended)| due < ended)
            .flat_map(|(due, ended)| [(*due, 1), (*ended, -1)])
            .collect();
        steps.sort_unstable();
        let usual = median_level(&steps);
        let mut periods = Vec::new();
        let (mut level, mut since) = (0i64, None);
        for (at, step) in steps {
            level += step;
            match since {
                None if level > usual => since = Some(at),
                Some(begin) if level <= usual => {
                    periods.push((begin, at));
                    since = None;
                }
                _ => {}
            }
        }
        BusyPeriods(merged(periods))
    }

    /// When the busy period ends in which `at` is; `at` where it is in none.
    pub fn drained(&self, at: u64) -> u64 {
        let next = self.0.partition_point(|(_, end)| *end <= at);
        match self.0.get(next) {
            Some((begin, end)) if *begin <= at => *end,
            _ => at,
        }
    }

    /// Events lengthened by the busy periods that they leave, in order and without overlaps.
    pub fn after(&self, events: &[Stretch]) -> Vec<Stretch> {
        let lengthened = events
            .iter()
            .map(|(begin, end)| (*begin, self.drained(*end).max(*end)));
        merged(lengthened.collect())
    }
}

/// The median over time of the number of requests in the system; `steps` are sorted by time.
fn median_level(steps: &[(u64, i64)]) -> i64 {
    let mut spent: Vec<(i64, u64)> = Vec::with_capacity(steps.len());
    let mut level = 0;
    for two in steps.windows(2) {
        level += two[0].1;
        spent.push((level, two[1].0 - two[0].0));
    }
    spent.sort_unstable();
    let half = spent.iter().map(|(_, ns)| u128::from(*ns)).sum::<u128>() / 2;
    let mut so_far = 0;
    for (level, ns) in spent {
        so_far += u128::from(ns);
        if so_far > half {
            return level;
        }
    }
    0
}

/// Sorted, and one where they touch.
pub fn merged(mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    stretches.sort_unstable();
    let mut merged: Vec<Stretch> = Vec::with_capacity(stretches.len());
    for (begin, end) in stretches {
        match merged.last_mut() {
            Some(last) if begin <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((begin, end)),
        }
    }
    merged
}

/// Does a request overlap one of these? They are [`merged`].
pub fn meets(request: Stretch, events: &[Stretch]) -> bool {
    let next = events.partition_point(|(_, end)| *end <= request.0);
    events
        .get(next)
        .is_some_and(|(begin, _)| *begin < request.1)
}

/// How long a request overlaps these, nanoseconds. They are [`merged`].
pub fn overlap_ns(request: Stretch, events: &[Stretch]) -> u64 {
    let first = events.partition_point(|(_, end)| *end <= request.0);
    events[first..]
        .iter()
        .take_while(|(begin, _)| *begin < request.1)
        .map(|(begin, end)| end.min(&request.1) - begin.max(&request.0))
        .sum()
}

/// One measurement: what is asked about, and against what.
#[derive(Clone, Debug)]
pub struct Window<'a> {
    /// Begin and end of the measurement.
    pub window: Stretch,
    /// Its slow requests.
    pub slow: &'a [Stretch],
    /// Its events within the window.
    pub events: &'a [Stretch],
    /// Its busy periods.
    pub busy: &'a BusyPeriods,
}

/// How often slow requests meet events.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Met {
    /// Slow requests.
    pub slow: u64,
    /// Those that meet an event.
    pub met: u64,
    /// The share of them that chance would have meet one: the mean of the null.
    pub expected: f64,
    /// The share over the expected one, with the ends of its 95 % interval: the share over the
    /// 97.5 % and the 2.5 % point of the null. Infinite ends are possible; `None` where chance has
    /// none meet an event.
    pub lift: Option<(f64, f64, f64)>,
}

/// Compares with the null of circular shifts, each window shifted by an amount of its own. `None`
/// without slow requests.
pub fn met(windows: &[Window<'_>], seed: u64) -> Option<Met> {
    let slow: usize = windows.iter().map(|window| window.slow.len()).sum();
    if slow == 0 {
        return None;
    }
    let count = |window: &Window<'_>, events: &[Stretch]| {
        let events = window.busy.after(events);
        let meeting = window.slow.iter().filter(|one| meets(**one, &events));
        meeting.count()
    };
    let met: usize = windows.iter().map(|one| count(one, one.events)).sum();
    let mut random = Random::new(seed);
    let mut null: Vec<usize> = (0..SHIFTS)
        .map(|_| {
            let shifted = |window: &Window<'_>| {
                let length = window.window.1.saturating_sub(window.window.0);
                let by = random.below(usize::try_from(length).unwrap_or(usize::MAX)) as u64;
                count(window, &shift(window.events, window.window, by))
            };
            windows.iter().map(shifted).sum()
        })
        .collect();
    null.sort_unstable();
    let share = |count: usize| count as f64 / slow as f64;
    let expected = share(null.iter().sum()) / SHIFTS as f64;
    // More than the null is asked for only from above: no event at all has no lift.
    let over = |count: usize| met as f64 / count as f64;
    let lift = (expected > 0.0).then(|| {
        let (low, high) = (null[SHIFTS - NULL_RANK], null[NULL_RANK - 1]);
        (share(met) / expected, over(low), over(high))
    });
    Some(Met {
        slow: slow as u64,
        met: met as u64,
        expected,
        lift,
    })
}

/// Events moved on by `by` within their window; what leaves it at the end comes in at the begin.
fn shift(events: &[Stretch], (from, to): Stretch, by: u64) -> Vec<Stretch> {
    let mut shifted = Vec::with_capacity(events.len() + 1);
    for (begin, end) in events {
        let (begin, end) = (
            begin.saturating_add(by).max(from),
            end.saturating_add(by).max(from),
        );
        if begin < to {
            shifted.push((begin, end.min(to)));
        }
        if end > to {
            let back = to - from;
            shifted.push((begin.max(to) - back, end - back));
        }
    }
    shifted
}

#[cfg(test)]
mod tests;
