//! A memory floor as text.

use crate::figures::{count, memory, rate, share};
use understudy_model::floor::{FloorKind, FloorOutcome, FloorPoint, FloorRuns, SideFloor};

/// Bytes of a mebibyte.
pub(crate) const MIB: f64 = 1_048_576.0;

/// The floor alone: `96.0 MiB`.
pub(crate) fn short(floor: &SideFloor) -> String {
    let bytes = |bytes: Option<f64>| bytes.map_or_else(|| "?".to_owned(), memory);
    match floor.kind {
        FloorKind::Between => bytes(floor.high_bytes),
        FloorKind::AtMost => format!("at most {}", bytes(floor.high_bytes)),
        FloorKind::Leaks => "none: it leaks".to_owned(),
        FloorKind::NotVerified => format!("above {}", bytes(floor.high_bytes)),
        FloorKind::Unknown => "not known".to_owned(),
    }
}

/// The memory floor in one sentence, without the side it belongs to.
pub(crate) fn sentence(floor: &SideFloor) -> String {
    let bytes = |bytes: Option<f64>| bytes.map_or_else(|| "?".to_owned(), memory);
    let why = floor.because.as_deref().unwrap_or("nothing was measured");
    // The bracket is wider than was asked.
    let wide = floor.because.as_ref();
    let wide = wide.map_or_else(String::new, |why| format!("; {why}"));
    let held = match &floor.runs {
        Some(runs) => format!(
            ": {} ended right and at most {} slower than without a limit in {}",
            cases(runs),
            share(runs.slower),
            trials(floor.repeats),
        ),
        None => format!(
            " at {}, verified at {} for {:.0} s",
            rate(floor.rate_rps),
            bytes(floor.verified_bytes),
            floor.verified_s.unwrap_or(0.0),
        ),
    };
    let found = match floor.kind {
        FloorKind::Between => format!(
            "{} ({} did not hold){held}{wide}",
            bytes(floor.high_bytes),
            bytes(floor.low_bytes),
        ),
        FloorKind::AtMost => {
            let comma = if floor.runs.is_some() { "" } else { "," };
            format!(
                "at most {}, the lowest limit tried{comma}{held}{wide}",
                bytes(floor.high_bytes),
            )
        }
        FloorKind::Leaks => format!("none: {why}"),
        FloorKind::NotVerified => {
            format!("not known, above {}: {why}", bytes(floor.high_bytes))
        }
        FloorKind::Unknown => format!("not known: {why}"),
    };
    match floor.peak_rss_bytes {
        Some(peak) => format!(
            "{found}; its peak RSS without a tighter limit was {}, which is what it takes when nothing makes it save",
            memory(peak)
        ),
        None => found,
    }
}

/// The cases of a trial, as a subject.
fn cases(runs: &FloorRuns) -> String {
    let of = u64::from(runs.of);
    match (runs.cases.as_slice(), of) {
        ([], 1) => "its only case".to_owned(),
        ([], of) => format!("all {} cases", count(of)),
        ([only], of) => format!("case {only}, which needs the most memory of {}", count(of)),
        (some, of) => {
            let named: Vec<String> = some.iter().take(NAMED).map(u32::to_string).collect();
            let more = if some.len() > NAMED { ", ..." } else { "" };
            format!(
                "the {} cases of {} that need the most memory ({}{more})",
                count(some.len() as u64),
                count(of),
                named.join(", ")
            )
        }
    }
}

/// Numbers of cases in a sentence.
const NAMED: usize = 8;

/// `each of 3 trials`.
pub(crate) fn trials(repeats: u32) -> String {
    match repeats {
        1 => "its trial".to_owned(),
        repeats => format!("each of {} trials", count(repeats.into())),
    }
}

/// The time that a limit changes: the wall time per run of a command, the p99 of a service.
pub(crate) fn time_us(point: &FloorPoint) -> Option<f64> {
    point.wall_us.or(point.p99_us)
}

/// Trials at one limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Knot {
    /// The limit, bytes.
    pub(crate) limit_bytes: f64,
    /// How many trials.
    pub(crate) trials: usize,
    /// Did every one of them hold?
    pub(crate) held: bool,
    /// How the worst of them ended, in words.
    pub(crate) outcome: &'static str,
    /// The median of their p99, or of their wall time per run, microseconds; `None` is infinite, or nothing was sent.
    pub(crate) time_us: Option<f64>,
    /// CPUs that the side used, their mean; `None` was not measured.
    pub(crate) cpu: Option<f64>,
}

/// The trials under a limit, by ascending limit; those that say nothing are left out.
pub(crate) fn knots(floor: &SideFloor) -> Vec<Knot> {
    let said = |point: &&FloorPoint| point.outcome != FloorOutcome::Refused;
    let limited = floor.curve.iter().filter(said);
    let mut points: Vec<(f64, &FloorPoint)> = limited
        .filter_map(|point| Some((point.limit_bytes?, point)))
        .collect();
    points.sort_by(|a, b| f64::total_cmp(&a.0, &b.0));
    let groups = points.chunk_by(|a, b| a.0 == b.0);
    groups.map(knot).collect()
}

fn knot(group: &[(f64, &FloorPoint)]) -> Knot {
    let points = || group.iter().map(|(_, point)| *point);
    let mut times: Vec<f64> = points()
        .map(|point| time_us(point).unwrap_or(f64::INFINITY))
        .collect();
    times.sort_by(f64::total_cmp);
    let cpus: Vec<f64> = points().filter_map(|point| point.cpu).collect();
    // From the best to the worst.
    let words = [
        (FloorOutcome::Held, "held"),
        (FloorOutcome::Missed, "missed"),
        (FloorOutcome::Wrong, "wrong"),
        (FloorOutcome::Ended, "ended"),
        (FloorOutcome::Killed, "killed"),
    ];
    let seen = |of: FloorOutcome| points().any(|point| point.outcome == of);
    let worst = words.iter().rev().find(|(outcome, _)| seen(*outcome));
    Knot {
        limit_bytes: group.first().map_or(0.0, |(limit, _)| *limit),
        trials: group.len(),
        held: points().all(|point| point.outcome == FloorOutcome::Held),
        outcome: worst.map_or("held", |(_, word)| *word),
        time_us: times[(times.len() - 1) / 2..]
            .first()
            .copied()
            .filter(|us| us.is_finite()),
        cpu: (!cpus.is_empty()).then(|| cpus.iter().sum::<f64>() / cpus.len() as f64),
    }
}

/// How many times the floor the peak RSS is; `None` without either.
pub(crate) fn over_floor(floor: &SideFloor) -> Option<f64> {
    let floor_bytes = floor
        .high_bytes
        .filter(|_| floor.kind == FloorKind::Between)?;
    Some(floor.peak_rss_bytes? / floor_bytes)
}

/// What [`time_us`] is of.
pub(crate) fn of_what(floor: &SideFloor) -> &'static str {
    match floor.runs {
        Some(_) => "wall time per run",
        None => "p99",
    }
}
