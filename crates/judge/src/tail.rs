//! Where the tail comes from: the requests above p99 of a side against everything that was seen on the
//! same clock.

use crate::plan::Plan;
use std::collections::BTreeMap;
use understudy_model::stored::LatencyBlock;
use understudy_model::tail::{Tail, TailCause};
use understudy_model::verdict::Estimate;
use understudy_model::{Cause, Observation, Pacing, Role};
use understudy_stats::overlap::{
    BusyPeriods, Met, Stretch, Window, meets, merged, met, overlap_ns,
};
use understudy_stats::quantile::order_statistic;

/// The quantile above which a request belongs to the tail.
const QUANTILE: f64 = 0.99;
/// Fewer requests are too few for a tail.
const FEWEST: usize = 30;
/// A request spent so much of its latency waiting for a connection, or for the generator, before that
/// counts as a cause.
const PART_OF_LATENCY: f64 = 0.2;
/// A kind of request is slow by itself if its usual service time is so many times the usual one of all.
const SLOW_BY: u64 = 10;
/// How often a request must have been served for its own service time to be known.
const OFTEN: usize = 5;

/// The tails of all sides at every rate.
pub(crate) fn attribute(plan: &Plan, blocks: &[LatencyBlock], seed: u64) -> Vec<Tail> {
    let mut tails = Vec::new();
    let rates = plan
        .rates
        .iter()
        .filter(|rate| rate.rate_rps != Pacing::NO_RATE);
    for rate in rates {
        for side in Role::SIDES {
            let of: Vec<&LatencyBlock> = blocks
                .iter()
                .filter(|block| block.side == side && block.rate_rps == rate.rate_rps)
                .collect();
            tails.extend(tail(side, rate.rate_rps, &of, seed));
        }
    }
    tails
}

/// One measurement as the attribution needs it, or a stretch of one: stretches bear its number. Times are
/// nanoseconds since the start of its load.
struct Measured<'a> {
    number: u32,
    window: Stretch,
    rows: Vec<&'a Observation>,
    /// `(intended, ended)` of every request; one without an answer ended when that was known.
    requests: Vec<Stretch>,
    /// Indices of the requests above the quantile of the whole measurement.
    slow: Vec<usize>,
    busy: BusyPeriods,
}

impl<'a> Measured<'a> {
    fn of(block: &'a LatencyBlock) -> Self {
        let ns = |seconds: f64| (seconds * 1e9) as u64;
        let from = ns(block.figures.warmup_s);
        let rows: Vec<&Observation> = block.rows.iter().map(|row| &row.observation).collect();
        let requests: Vec<Stretch> = rows.iter().map(|row| stretch(row)).collect();
        Measured {
            number: block.block,
            window: (from, from + ns(block.figures.measured_s)),
            slow: Vec::new(),
            busy: BusyPeriods::new(&requests),
            rows,
            requests,
        }
    }

    /// Takes those above the quantile for slow; nanoseconds, infinite if it is one without an answer.
    fn find_slow(&mut self, quantile_ns: f64) {
        let is_slow = |row: &Observation| latency(row) > quantile_ns || latency(row).is_infinite();
        self.slow = (0..self.rows.len())
            .filter(|at| is_slow(self.rows[*at]))
            .collect();
    }
}

/// All blocks, with what is slow in each.
fn measured<'a>(blocks: &[&'a LatencyBlock]) -> Vec<Measured<'a>> {
    let mut all: Vec<Measured<'_>> = blocks.iter().map(|block| Measured::of(block)).collect();
    for stretches in all.chunk_by_mut(|a, b| a.number == b.number) {
        if let Some(quantile_ns) = quantile_of(stretches, |_, latency, _| latency) {
            stretches
                .iter_mut()
                .for_each(|one| one.find_slow(quantile_ns));
        }
    }
    all
}

/// The order statistic at the quantile of one measurement, from its stretches, each latency changed by a
/// function that is given the place of its stretch; nanoseconds.
fn quantile_of(
    stretches: &[Measured<'_>],
    change: impl Fn(usize, f64, &Observation) -> f64,
) -> Option<f64> {
    let mut all: Vec<f64> = stretches
        .iter()
        .enumerate()
        .flat_map(|(at, one)| one.rows.iter().map(move |row| (at, row)))
        .map(|(at, row)| change(at, latency(row), row))
        .collect();
    all.sort_unstable_by(f64::total_cmp);
    order_statistic(&all, QUANTILE)
}

/// The same of all measurements, their geometric mean; microseconds. The function is given the place of
/// the block.
fn quantile_us(
    measured: &[Measured<'_>],
    change: impl Fn(usize, f64, &Observation) -> f64,
) -> Option<f64> {
    let mut first = 0;
    let each = measured.chunk_by(|a, b| a.number == b.number).map(|one| {
        let begin = first;
        first += one.len();
        quantile_of(one, |at, latency, row| change(begin + at, latency, row))
    });
    geometric_mean(each).map(|ns| ns / 1e3)
}

fn stretch(row: &Observation) -> Stretch {
    let ended = match row.last_ns {
        Observation::NEVER => row.due_ns,
        ended => ended,
    };
    (row.due_ns, ended.max(row.due_ns))
}

fn latency(row: &Observation) -> f64 {
    row.latency_ns()
        .map_or(f64::INFINITY, |ns| ns.max(1) as f64)
}

/// The tail of one side at one rate; `None` where it is too small to speak of.
pub fn tail(side: Role, rate_rps: f64, blocks: &[&LatencyBlock], seed: u64) -> Option<Tail> {
    let measured = measured(blocks);
    let slow: usize = measured.iter().map(|one| one.slow.len()).sum();
    if slow < FEWEST {
        return None;
    }
    let mut causes: Vec<Seen> = Cause::ALL
        .into_iter()
        .filter_map(|cause| see(cause, blocks, &measured, seed))
        .collect();
    let unexplained = give_to_the_first(&mut causes, &measured, slow);
    Some(Tail {
        side,
        rate_rps,
        quantile: QUANTILE,
        at_us: quantile_us(&measured, |_, latency, _| latency),
        requests: slow as u64,
        runtime: blocks
            .iter()
            .find_map(|block| block.happened.runtime.clone()),
        causes: causes.into_iter().map(|seen| seen.result).collect(),
        unexplained,
    })
}

/// A cause with what it says of each slow request: block by block, in their order.
struct Seen {
    result: TailCause,
    met: Vec<Vec<bool>>,
}

/// Looks for one cause; `None` where it was not seen at all.
fn see(
    cause: Cause,
    blocks: &[&LatencyBlock],
    measured: &[Measured<'_>],
    seed: u64,
) -> Option<Seen> {
    match cause {
        Cause::ConnectionWait => own_time(cause, measured, |row| row.connection_wait_ns()),
        Cause::GeneratorLag => own_time(cause, measured, |row| row.send_lag_ns()),
        Cause::SlowRequest => {
            let events = measured.iter().map(slow_by_themselves).collect();
            of_events(
                cause,
                measured,
                &Events {
                    exact: events,
                    wide: Vec::new(),
                },
                seed,
            )
        }
        _ => of_events(cause, measured, &happened(cause, blocks, measured), seed),
    }
}

/// Events of one cause, block by block: as they were logged, and widened by what their times may be off.
struct Events {
    exact: Vec<Vec<Stretch>>,
    wide: Vec<Vec<Stretch>>,
}

impl Events {
    fn wide(&self) -> &[Vec<Stretch>] {
        match self.wide.is_empty() {
            true => &self.exact,
            false => &self.wide,
        }
    }
}

fn happened(cause: Cause, blocks: &[&LatencyBlock], measured: &[Measured<'_>]) -> Events {
    let of = |widen: bool| {
        let each = blocks.iter().zip(measured);
        each.map(|(block, one)| {
            let (from, to) = one.window;
            let of_cause = block.happened.all.iter().filter(|h| h.cause == cause);
            let within = of_cause.filter_map(|h| {
                let off = if widen { h.error_ns } else { 0 };
                let begin = h.start_ns.saturating_sub(off).max(from);
                let end = h.end_ns.saturating_add(off).min(to);
                (begin < end).then_some((begin, end))
            });
            merged(within.collect())
        })
        .collect()
    };
    Events {
        exact: of(false),
        wide: of(true),
    }
}

fn of_events(cause: Cause, measured: &[Measured<'_>], events: &Events, seed: u64) -> Option<Seen> {
    let all: Vec<&Stretch> = events.exact.iter().flatten().collect();
    if all.is_empty() {
        return None;
    }
    let slow: Vec<Vec<Stretch>> = measured
        .iter()
        .map(|one| one.slow.iter().map(|at| one.requests[*at]).collect())
        .collect();
    let windows: Vec<Window<'_>> = measured
        .iter()
        .zip(&slow)
        .zip(events.wide())
        .map(|((one, slow), events)| Window {
            window: one.window,
            slow,
            events,
            busy: &one.busy,
        })
        .collect();
    let compared = met(&windows, seed)?;
    let length = |stretch: &Stretch| stretch.1 - stretch.0;
    let time: u64 = all.iter().map(|event| length(event)).sum();
    let measured_ns: u64 = measured.iter().map(|one| length(&one.window)).sum();
    let lift = compared
        .lift
        .map(|(estimate, low, high)| estimate_of(estimate, low, high));
    let meeting = windows.iter().map(|window| {
        let after = window.busy.after(window.events);
        window.slow.iter().map(|one| meets(*one, &after)).collect()
    });
    Some(Seen {
        met: meeting.collect(),
        result: TailCause {
            cause,
            events: all.len() as u64,
            time_share: time as f64 / measured_ns.max(1) as f64,
            longest_us: all.iter().map(|event| length(event)).max().unwrap_or(0) as f64 / 1e3,
            share: compared.met as f64 / compared.slow as f64,
            expected_share: Some(compared.expected),
            explains: is_above_one(&compared),
            lift,
            explained_share: match is_above_one(&compared) {
                true => beyond_chance(&compared),
                false => 0.0,
            },
            first_share: 0.0,
            quantile_without_us: holds_up(cause)
                .then(|| without(measured, &events.exact))
                .flatten(),
        },
    })
}

/// The share that is not chance. Of a tail of which a share c is caused, the others meet an event with the
/// share e that chance gives: the share that meets one is `c + (1 - c) e` (Abbott 1925). For e the upper
/// end of what chance gives is taken, so that c is rather too small.
fn beyond_chance(met: &Met) -> f64 {
    let share = met.met as f64 / met.slow as f64;
    // No chance at all: its upper end is nothing, and the lower end of the lift infinite.
    let chance = met.lift.map_or(0.0, |(_, low, _)| share / low);
    match chance < 1.0 {
        true => ((share - chance) / (1.0 - chance)).clamp(0.0, 1.0),
        false => 0.0,
    }
}

fn is_above_one(met: &Met) -> bool {
    met.lift.map_or(met.met > 0, |(_, low, _)| low > 1.0)
}

/// Does an event of this cause hold every request up for all of its time?
fn holds_up(cause: Cause) -> bool {
    matches!(cause, Cause::RuntimeStop | Cause::Machine)
}

/// The quantile with each request's overlap with the events of its block taken off, microseconds.
fn without(measured: &[Measured<'_>], events: &[Vec<Stretch>]) -> Option<f64> {
    quantile_us(measured, |at, latency, row| {
        (latency - overlap_ns(stretch(row), &events[at]) as f64).max(1.0)
    })
}

/// A cause that is part of the request's own time: no event, and nothing that chance could shift.
fn own_time(
    cause: Cause,
    measured: &[Measured<'_>],
    part_ns: impl Fn(&Observation) -> Option<u64>,
) -> Option<Seen> {
    let part = |row: &Observation| part_ns(row).unwrap_or(0) as f64;
    // Without an answer the whole wait is known to have been in vain.
    let whole = |row: &Observation| (stretch(row).1 - stretch(row).0).max(1) as f64;
    let is_large = |row: &Observation| part(row) >= PART_OF_LATENCY * whole(row) && part(row) > 0.0;
    let met: Vec<Vec<bool>> = measured
        .iter()
        .map(|one| one.slow.iter().map(|at| is_large(one.rows[*at])).collect())
        .collect();
    let (slow, large) = (
        met.iter().flatten().count(),
        met.iter().flatten().filter(|m| **m).count(),
    );
    if large == 0 {
        return None;
    }
    let rows = || measured.iter().flat_map(|one| one.rows.iter());
    let measured_ns: u64 = measured.iter().map(|one| one.window.1 - one.window.0).sum();
    Some(Seen {
        met,
        result: TailCause {
            cause,
            events: rows().filter(|row| is_large(row)).count() as u64,
            time_share: rows().map(|row| part(row)).sum::<f64>() / measured_ns.max(1) as f64,
            longest_us: rows().map(|row| part(row)).fold(0.0, f64::max) / 1e3,
            share: large as f64 / slow as f64,
            expected_share: None,
            lift: None,
            explains: true,
            explained_share: large as f64 / slow as f64,
            first_share: 0.0,
            quantile_without_us: quantile_us(measured, |_, latency, row| {
                (latency - part(row)).max(1.0)
            }),
        },
    })
}

/// When requests were under way that take long by themselves: those of a kind whose median service
/// time is many times that of all. The kind is the request itself if it was served often enough, else
/// its operation.
fn slow_by_themselves(one: &Measured<'_>) -> Vec<Stretch> {
    let mut by_request: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    let mut by_operation: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    let mut all = Vec::new();
    for row in &one.rows {
        if let Some(ns) = row.service_time_ns() {
            by_request.entry(row.case).or_default().push(ns);
            by_operation.entry(row.operation).or_default().push(ns);
            all.push(ns);
        }
    }
    let limit = median(&mut all).unwrap_or(u64::MAX).saturating_mul(SLOW_BY);
    let slow = |groups: BTreeMap<u32, Vec<u64>>| -> BTreeMap<u32, bool> {
        let known = groups.into_iter().filter(|(_, times)| times.len() >= OFTEN);
        known
            .filter_map(|(kind, mut times)| Some((kind, median(&mut times)? >= limit)))
            .collect()
    };
    let (requests, operations) = (slow(by_request), slow(by_operation));
    let is_slow = |row: &Observation| {
        let kind = requests
            .get(&row.case)
            .or_else(|| operations.get(&row.operation));
        kind.copied().unwrap_or(false) && row.sent_ns != Observation::NEVER
    };
    let (from, to) = one.window;
    let under_way = one.rows.iter().filter(|row| is_slow(row));
    let within = under_way
        .map(|row| (row.sent_ns.max(from), stretch(row).1.min(to)))
        .filter(|(begin, end)| begin < end);
    merged(within.collect())
}

fn median(times: &mut [u64]) -> Option<u64> {
    let middle = times.len().checked_sub(1)? / 2;
    Some(*times.select_nth_unstable(middle).1)
}

/// Gives each slow request to the causes that explain it, in their order: each takes as much of what is
/// left of it as is not chance. Returns the share that is left at the end.
fn give_to_the_first(causes: &mut [Seen], measured: &[Measured<'_>], slow: usize) -> f64 {
    let mut taken = vec![0.0; causes.len()];
    let mut unexplained = 0.0;
    for (block, one) in measured.iter().enumerate() {
        for request in 0..one.slow.len() {
            let mut left = 1.0;
            for (seen, taken) in causes.iter().zip(&mut taken) {
                if seen.met[block][request] && seen.result.share > 0.0 {
                    let part = left * seen.result.explained_share / seen.result.share;
                    *taken += part;
                    left -= part;
                }
            }
            unexplained += left;
        }
    }
    for (seen, taken) in causes.iter_mut().zip(taken) {
        seen.result.first_share = taken / slow as f64;
    }
    // What rounding leaves of nothing is nothing.
    let share: f64 = unexplained / slow as f64;
    if share < 1e-12 { 0.0 } else { share }
}

fn geometric_mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let values: Vec<f64> = values.collect::<Option<_>>()?;
    let mean = values.iter().map(|value| value.ln()).sum::<f64>() / values.len().max(1) as f64;
    Some(mean.exp()).filter(|mean| mean.is_finite() && !values.is_empty())
}

fn estimate_of(estimate: f64, low: f64, high: f64) -> Estimate {
    let finite = |value: f64| value.is_finite().then_some(value);
    Estimate {
        estimate: finite(estimate),
        low: finite(low),
        high: finite(high),
    }
}

#[cfg(test)]
mod tests;
