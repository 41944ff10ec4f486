//! Cold starts, and when a side reaches its pace: changepoints of the median latency under its first
//! load.

use crate::blocks::latency_us;
use understudy_model::Role;
use understudy_model::stored::{LatencyBlock, Start};
use understudy_model::warm_up::{Course, Settling, WarmUp};
use understudy_stats::quantile::order_statistic;
use understudy_stats::steady::{Steady, changepoints, steady};

/// Windows that the load is divided into are at least so long, and hold at least so many requests.
const SHORTEST_WINDOW_S: f64 = 0.05;
const REQUESTS_A_WINDOW: f64 = 20.0;
/// Fewer windows show no course.
const FEWEST_WINDOWS: usize = 16;
/// Spread of the logarithm of a window's median below which nothing is read into it.
const NOISE: f64 = 0.02;
/// A change of level too small to notice, on the log scale: 10 %.
const UNNOTICED: f64 = 0.095;

/// What is known of each side's starts; `settling` is the first load of each.
pub(crate) fn describe(starts: &[Start], settling: &[LatencyBlock]) -> Vec<WarmUp> {
    let of = |side: Role| {
        let is_of = |start: &&Start| match side {
            Role::Incumbent => start.side.is_incumbent(),
            _ => start.side == side,
        };
        let ready = starts.iter().filter(is_of);
        let ready: Vec<f64> = ready.map(|start| start.ready_s).collect();
        let settling = settling.iter().find(|block| block.side == side);
        (!ready.is_empty() || settling.is_some()).then(|| WarmUp {
            side,
            starts: ready.len() as u32,
            ready_least_s: ready.iter().copied().reduce(f64::min),
            ready_most_s: ready.iter().copied().reduce(f64::max),
            settling: settling.and_then(course),
        })
    };
    Role::SIDES.into_iter().filter_map(of).collect()
}

/// The course of the median latency; `None` where the load was too short or too thin.
fn course(block: &LatencyBlock) -> Option<Settling> {
    let window_s = (REQUESTS_A_WINDOW / block.rate_rps).max(SHORTEST_WINDOW_S);
    let levels = levels(block, window_s)?;
    let mut begins = vec![0];
    begins.extend(changepoints(&levels, NOISE));
    let first = begins.get(1).copied().unwrap_or(levels.len());
    let last = begins.last().copied().unwrap_or(0);
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len().max(1) as f64;
    let (before, after) = (mean(&levels[..first]), mean(&levels[last..]));
    let (course, from) = match steady(&levels, NOISE, UNNOTICED) {
        Steady::Never => (Course::NeverSteady, None),
        Steady::From(0) => (Course::Flat, Some(0)),
        Steady::From(from) if mean(&levels[..from]) > after => (Course::WarmsUp, Some(from)),
        Steady::From(from) => (Course::SlowsDown, Some(from)),
    };
    let in_order = block.rows.iter().min_by_key(|row| row.observation.due_ns);
    Some(Settling {
        rate_rps: block.rate_rps,
        lasted_s: block.figures.measured_s,
        first_us: in_order.and_then(|row| Some(row.observation.latency_ns()? as f64 / 1e3)),
        course,
        steady_after_s: from.map(|from| from as f64 * window_s),
        before_us: before.exp(),
        after_us: after.exp(),
    })
}

/// The logarithm of each window's median latency, microseconds.
fn levels(block: &LatencyBlock, window_s: f64) -> Option<Vec<f64>> {
    let count = (block.figures.measured_s / window_s) as usize;
    if count < FEWEST_WINDOWS {
        return None;
    }
    let mut windows = vec![Vec::new(); count];
    for row in &block.rows {
        let at = row.observation.due_ns as f64 / 1e9 - block.figures.warmup_s;
        // What is left at the end of the load is shorter than a window.
        if let Some(window) = windows.get_mut((at / window_s).max(0.0) as usize) {
            window.push(latency_us(&row.observation));
        }
    }
    let level = |window: &mut Vec<f64>| {
        window.sort_unstable_by(f64::total_cmp);
        let median = order_statistic(window, 0.5)?;
        median.is_finite().then(|| median.ln())
    };
    windows.iter_mut().map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_model::stored::BlockFigures;
    use understudy_model::stored::Happenings;
    use understudy_testkit::answered;

    /// 4 s of 1,000 requests a second, whose latency is `us(seconds)` give or take a tenth.
    fn block(side: Role, us: impl Fn(f64) -> f64) -> LatencyBlock {
        let row = |index: u64| {
            let due_ns = index * 1_000_000;
            let wobble = 0.9 + (index * 7919 % 100) as f64 / 500.0;
            let latency = us(index as f64 / 1e3) * wobble;
            let ended = due_ns + (latency * 1e3) as u64;
            answered(0, (due_ns, due_ns, ended))
        };
        LatencyBlock {
            rate_rps: 1000.0,
            side,
            block: 0,
            figures: BlockFigures {
                measured_s: 4.0,
                ..BlockFigures::default()
            },
            rows: (0..4000).map(row).collect(),
            happened: Happenings::default(),
        }
    }

    #[test]
    fn a_side_warms_up_slows_down_stays_or_never_comes_to_rest() {
        let of = |us: fn(f64) -> f64| course(&block(Role::Incumbent, us)).unwrap();
        let warms = of(|s| if s < 1.0 { 900.0 } else { 300.0 });
        assert_eq!(warms.course, Course::WarmsUp);
        assert!(
            (warms.steady_after_s.unwrap() - 1.0).abs() <= 0.05,
            "{warms:?}"
        );
        assert!((warms.before_us / 900.0 - 1.0).abs() < 0.05);
        assert!((warms.after_us / 300.0 - 1.0).abs() < 0.05);
        assert!(warms.first_us.unwrap() > 700.0);
        let slows = of(|s| if s < 2.0 { 300.0 } else { 500.0 });
        assert_eq!(slows.course, Course::SlowsDown);
        assert_eq!(of(|_| 300.0).course, Course::Flat);
        assert_eq!(
            of(|s| if s < 2.0 { 300.0 } else { 310.0 }).course,
            Course::Flat
        );
        let restless = of(|s| if s < 3.5 { 300.0 } else { 500.0 });
        assert_eq!(
            (restless.course, restless.steady_after_s),
            (Course::NeverSteady, None)
        );
    }

    #[test]
    fn starts_are_given_by_their_range_and_a_thin_load_has_no_course() {
        let start = |side, ready_s| Start { side, ready_s };
        let starts = [
            start(Role::Incumbent, 1.5),
            start(Role::Incumbent, 0.5),
            start(Role::Candidate, 0.1),
        ];
        let mut thin = block(Role::Candidate, |_| 300.0);
        thin.rate_rps = 20.0;
        let described = describe(&starts, &[thin]);
        assert_eq!(described.len(), 2);
        let ready = (described[0].ready_least_s, described[0].ready_most_s);
        assert_eq!((described[0].starts, ready), (2, (Some(0.5), Some(1.5))));
        assert_eq!(described[1].settling, None);
        assert_eq!(describe(&[], &[]), []);
    }
}
