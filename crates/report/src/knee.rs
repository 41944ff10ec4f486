//! A capacity and its knee curve as text.

use crate::figures::{count, rate, share, time};
use understudy_model::capacity::{Capacity, CapacityKind, KneePoint};

/// Trials whose rates differ by less than this share one line.
const SAME_RATE: f64 = 0.02;

/// The capacity and its interval: `6,020/s (5,900/s to 6,110/s)`.
pub(crate) fn short(capacity: &Capacity) -> String {
    let end = |rate_rps: Option<f64>| rate_rps.map_or_else(|| "?".to_owned(), rate);
    let found = &capacity.rate_rps;
    match capacity.kind {
        CapacityKind::Between => {
            let [estimate, low, high] = [found.estimate, found.low, found.high].map(end);
            format!("{estimate} ({low} to {high})")
        }
        CapacityKind::AtLeast => format!("at least {}", end(found.low)),
        CapacityKind::Below => format!("below {}", end(found.high)),
        CapacityKind::Unknown => "not known".to_owned(),
    }
}

/// The capacity in one sentence, without the side it belongs to.
pub fn sentence(capacity: &Capacity) -> String {
    let end = |rate_rps: Option<f64>| rate_rps.map_or_else(|| "?".to_owned(), rate);
    let found = &capacity.rate_rps;
    match capacity.kind {
        CapacityKind::Between => format!(
            "{} (95 % interval {} to {}){}",
            end(found.estimate),
            end(found.low),
            end(found.high),
            match capacity.narrow {
                true => String::new(),
                false => format!(
                    "; the time was over before it was as narrow as {}",
                    share(capacity.wanted_width)
                ),
            }
        ),
        CapacityKind::AtLeast if capacity.refused > 0 => format!(
            "at least {}; measurements at higher rates could not be trusted",
            end(found.low)
        ),
        CapacityKind::AtLeast => format!("at least {}, the highest rate tried", end(found.low)),
        CapacityKind::Below => format!("below {}, the lowest rate tried", end(found.high)),
        CapacityKind::Unknown => match &capacity.refused_because {
            Some(why) => format!("not known: {why}"),
            None if capacity.knee.is_empty() => "not known: nothing was measured".to_owned(),
            None => "not known: it has too few trials".to_owned(),
        },
    }
}

/// Trials at about the same rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Knot {
    /// Offered rate, requests per second.
    pub rate_rps: f64,
    /// How many trials.
    pub trials: usize,
    /// Median of their medians, microseconds; `None` is infinite.
    pub p50_us: Option<f64>,
    /// Median of their p99.
    pub p99_us: Option<f64>,
    /// Share of all their requests that violated the objective that ends the capacity.
    pub violated: f64,
    /// CPUs that the subject used; `None` was not measured.
    pub cpu: Option<f64>,
    /// False: each of them was refused.
    pub trusted: bool,
}

/// The knee curve, by ascending rate.
pub fn knots(capacity: &Capacity) -> Vec<Knot> {
    let binding = capacity.binding.as_ref();
    let objective = capacity
        .objectives
        .iter()
        .position(|slo| Some(slo) == binding);
    let same = |a: &KneePoint, b: &KneePoint| b.rate_rps <= a.rate_rps * (1.0 + SAME_RATE);
    let groups = capacity.knee.chunk_by(same);
    groups
        .map(|group| knot(group, objective.unwrap_or(0)))
        .collect()
}

fn knot(group: &[KneePoint], objective: usize) -> Knot {
    let requests: u64 = group.iter().map(|point| point.requests).sum();
    let weighted = |value: &dyn Fn(&KneePoint) -> f64| -> f64 {
        let sum: f64 = group.iter().map(|p| value(p) * p.requests as f64).sum();
        sum / (requests as f64).max(1.0)
    };
    let violated = |point: &KneePoint| point.violations.get(objective).copied().unwrap_or(0.0);
    let cpus: Option<Vec<f64>> = group.iter().map(|point| point.cpu).collect();
    Knot {
        rate_rps: weighted(&|point| point.rate_rps),
        trials: group.len(),
        p50_us: middle(group.iter().map(|point| point.p50_us)),
        p99_us: middle(group.iter().map(|point| point.p99_us)),
        violated: weighted(&violated),
        cpu: cpus.map(|cpus| cpus.iter().sum::<f64>() / cpus.len() as f64),
        trusted: group.iter().any(|point| point.trusted),
    }
}

/// The knee curve as lines of a table: trials at about the same rate together.
pub fn table(capacity: &Capacity) -> Vec<String> {
    let head = format!(
        "{:>12}{:>8}{:>12}{:>12}{:>14}{:>8}",
        "rate", "trials", "p50", "p99", "over the SLO", "CPUs"
    );
    let row = |knot: Knot| {
        let latency = |us| crate::wording::or_infinite(us, time);
        let cpu = knot
            .cpu
            .map_or_else(|| "-".to_owned(), |cpu| format!("{cpu:.2}"));
        let refused = match knot.trusted {
            true => "",
            false => "  not trusted",
        };
        format!(
            "{:>12}{:>8}{:>12}{:>12}{:>14}{cpu:>8}{refused}",
            rate(knot.rate_rps),
            count(knot.trials as u64),
            latency(knot.p50_us),
            latency(knot.p99_us),
            share(knot.violated),
        )
    };
    let rows = knots(capacity).into_iter().map(row);
    std::iter::once(head).chain(rows).collect()
}

/// The middle one of several latencies; `None` is infinite and the highest.
fn middle(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let mut values: Vec<f64> = values.map(|v| v.unwrap_or(f64::INFINITY)).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.get(values.len().saturating_sub(1) / 2).copied();
    middle.filter(|value| value.is_finite())
}
