//! What part of a run its start is, and how the time of a run grows with the size of its case, as text.

use crate::figures::{amount, change, share, short_time, time};
use crate::wording;
use understudy_model::Role;
use understudy_model::growth::{Growth, Reach, SideGrowth, WithinDeadline};
use understudy_model::verdict::{Comparison, Estimate, Resource, ResourceComparison};

/// Of each side, how much of the mean wall time of a run a start without a case takes: `31.0 ms of 38.0 ms per run (81.6 %)`.
pub(crate) fn start_of_run(comparison: &Comparison) -> Vec<(Role, String)> {
    let find = |resource: Resource| {
        let mut lines = comparison.resources.iter();
        lines.find(|line| line.resource == resource)
    };
    let (Some(start), Some(run)) = (find(Resource::StartupUs), find(Resource::WallUsPerRun)) else {
        return Vec::new();
    };
    let of = |side: Role, pick: fn(&ResourceComparison) -> Option<Estimate>| {
        let start = pick(start)?.estimate?;
        let run = pick(run)?.estimate.filter(|run| *run > 0.0)?;
        let text = format!(
            "{} of {} per run ({})",
            time(start),
            time(run),
            share(start / run)
        );
        Some((side, text))
    };
    [
        of(comparison.baseline, |line| line.baseline),
        of(comparison.contender, |line| line.contender),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The two sides of a growth.
pub(crate) fn sides<'g>(
    growth: &'g Growth,
    comparison: &Comparison,
) -> [(Role, &'g SideGrowth); 2] {
    [
        (comparison.baseline, &growth.baseline),
        (comparison.contender, &growth.contender),
    ]
}

/// The line of a side: `30.1 ms + 10.0 us x rows (100,000 rows/s)`, or why there is none.
pub(crate) fn line(growth: &Growth, side: &SideGrowth) -> String {
    let unit = &growth.unit;
    match &side.line {
        Some(line) => format!(
            "{} + {} x {unit} ({})",
            wording::estimate(Some(line.fixed_us), time),
            wording::estimate(Some(line.us_per_unit), short_time),
            throughput(growth, side),
        ),
        None => format!("no line: {}", no_line(side)),
    }
}

/// The time of the runs of a size: `40.1 ms (39.8 ms to 40.4 ms)`.
pub(crate) fn at_size(found: Estimate) -> String {
    match found.low.or(found.high) {
        Some(_) => wording::with_interval(Some(found), time),
        None => wording::estimate(Some(found), time),
    }
}

/// Why a side has no line.
pub(crate) fn no_line(side: &SideGrowth) -> &str {
    side.no_line
        .as_deref()
        .unwrap_or("too few measurements hold every size")
}

/// `100,000 rows/s`, or `-`.
pub(crate) fn throughput(growth: &Growth, side: &SideGrowth) -> String {
    match &side.line {
        Some(line) => {
            let rate = wording::estimate(Some(line.units_per_s), amount);
            format!("{rate} {}/s", growth.unit)
        }
        None => "-".to_owned(),
    }
}

/// The change of the time per unit with its interval, or why there is none.
pub(crate) fn change_per_unit(growth: &Growth) -> String {
    match (growth.ratio, &growth.no_ratio) {
        (None, Some(why)) => format!("no ratio: {why}"),
        (ratio, _) => match ratio {
            Some(_) => wording::with_interval(ratio, change),
            None => "no ratio: a side has no line".to_owned(),
        },
    }
}

/// The largest size within a deadline: `up to 812,000 rows`.
pub(crate) fn within(growth: &Growth, within: &WithinDeadline) -> String {
    let unit = &growth.unit;
    let low = wording::estimate(
        Some(Estimate {
            estimate: within.size.low,
            ..within.size
        }),
        amount,
    );
    match within.reach {
        Reach::UpTo => format!("up to {low} {unit}"),
        Reach::AtLeast => {
            format!("at least {low} {unit} (4 times the largest measured size)")
        }
        Reach::None => "no size for certain".to_owned(),
    }
}

/// `within 600 s`, and what each side handles by then; nothing where there is no deadline.
pub(crate) fn deadlines(
    growth: &Growth,
    comparison: &Comparison,
) -> Option<(String, Vec<(Role, String)>)> {
    let mut deadline_us = None;
    let of = |(side, growth_of): (Role, &SideGrowth)| {
        let line = growth_of.line.as_ref()?;
        let found = line.within_deadline.as_ref()?;
        deadline_us = Some(found.deadline_us);
        Some((side, within(growth, found)))
    };
    let sides = sides(growth, comparison).into_iter();
    let sides = sides.filter_map(of).collect();
    Some((format!("within {}", time(deadline_us?)), sides))
}

/// Sizes that are named one by one.
const NAMED: usize = 5;

/// The sizes that were measured: `1,000, 10,000 and 100,000 rows`.
pub(crate) fn sizes(growth: &Growth) -> String {
    let sizes: Vec<String> = growth.sizes.iter().map(|size| amount(*size)).collect();
    if let [first, .., last] = &sizes[..]
        && sizes.len() > NAMED
    {
        let count = sizes.len();
        return format!("{count} sizes from {first} to {last} {}", growth.unit);
    }
    match sizes.split_last() {
        Some((last, rest)) if !rest.is_empty() => {
            format!("{} and {last} {}", rest.join(", "), growth.unit)
        }
        _ => format!("{} {}", sizes.concat(), growth.unit),
    }
}

/// Everything about an operation in one sentence.
pub(crate) fn sentence(growth: &Growth, comparison: &Comparison) -> String {
    let lines = sides(growth, comparison).map(|(side, of)| format!("{side} {}", line(growth, of)));
    let mut parts = lines.to_vec();
    parts.push(format!("time per unit {}", change_per_unit(growth)));
    if let Some((deadline, sides)) = deadlines(growth, comparison) {
        let sides = sides.into_iter();
        parts.extend(sides.map(|(side, text)| format!("{deadline} {side} {text}")));
    }
    format!(
        "{} at {}: {}",
        growth.operation,
        sizes(growth),
        parts.join("; ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_model::growth::Line;

    fn around(value: f64) -> Estimate {
        Estimate {
            estimate: Some(value),
            low: Some(value * 0.98),
            high: Some(value * 1.02),
        }
    }

    fn growth() -> Growth {
        let side = |fixed_us: f64, us: f64, reach, low| SideGrowth {
            line: Some(Line {
                fixed_us: around(fixed_us),
                us_per_unit: around(us),
                units_per_s: around(1e6 / us),
                within_deadline: Some(WithinDeadline {
                    deadline_us: 6e8,
                    reach,
                    size: Estimate {
                        estimate: None,
                        low: Some(low),
                        high: None,
                    },
                    line_ends_at: 400_000.0,
                }),
            }),
            no_line: None,
            worst_error: None,
            times: Vec::new(),
        };
        Growth {
            operation: "parse".to_owned(),
            unit: "rows".to_owned(),
            sizes: vec![1000.0, 100_000.0],
            baseline: side(30_100.0, 10.0, Reach::UpTo, 312_345.0),
            contender: side(2100.0, 0.4, Reach::AtLeast, 400_000.0),
            ratio: Some(around(0.04)),
            pairs: 12,
            no_ratio: None,
        }
    }

    #[test]
    fn a_line_is_a_formula_with_its_throughput() {
        let growth = growth();
        assert_eq!(
            line(&growth, &growth.baseline),
            "30.1 ms + 10.0 us x rows (100,000 rows/s)"
        );
        assert_eq!(
            line(&growth, &growth.contender),
            "2.10 ms + 400 ns x rows (2,500,000 rows/s)"
        );
        assert_eq!(sizes(&growth), "1,000 and 100,000 rows");
        assert_eq!(change_per_unit(&growth), "-96.0 % (-96.1 % to -95.9 %)");
        let none = SideGrowth {
            line: None,
            no_line: Some("the time does not grow in a straight line".to_owned()),
            worst_error: Some(0.4),
            times: Vec::new(),
        };
        assert_eq!(
            line(&growth, &none),
            "no line: the time does not grow in a straight line"
        );
        let without = Growth {
            baseline: none,
            ratio: None,
            ..growth
        };
        assert_eq!(change_per_unit(&without), "no ratio: a side has no line");
    }

    #[test]
    fn what_is_within_a_deadline_is_the_end_of_the_interval_that_holds() {
        let growth = growth();
        let of = |side: &SideGrowth| {
            let found = side.line.as_ref().unwrap().within_deadline.unwrap();
            within(&growth, &found)
        };
        assert_eq!(of(&growth.baseline), "up to 312,000 rows");
        assert_eq!(
            of(&growth.contender),
            "at least 400,000 rows (4 times the largest measured size)"
        );
    }
}
