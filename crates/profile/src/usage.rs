//! What a service used, held against what it is given. Pure.

use crate::Window;
use understudy_judge as judge;
use understudy_judge::search::floor;
use understudy_model::profile::{MemoryUsed, Used};
use understudy_model::stored::Table;
use understudy_model::verdict::Estimate;
use understudy_probe::Given;
use understudy_stats::slope::theil_sen;

/// Stretches that growth of memory is looked for in.
const OF_GROWTH: usize = 12;
/// In less time, seconds, nothing is said about growth.
const GROWTH_S: f64 = 30.0;

/// What a service used while it was sampled; `None` with fewer than two samples. `machine_bytes` is the
/// memory of the machine.
pub(crate) fn used(samples: &Table, given: &Given, machine_bytes: u64) -> Option<Used> {
    let column = |name: &str| samples.column(name).unwrap_or_default();
    let at: Vec<f64> = column("at_s").iter().copied().flatten().collect();
    let (begin_s, end_s) = (*at.first()?, *at.last()?);
    let seconds = end_s - begin_s;
    if seconds <= 0.0 {
        return None;
    }
    let per_second = |name: &str| {
        let (first, last) = (column(name).first()?, column(name).last()?);
        Some(((*last)? - (*first)?).max(0.0) / seconds)
    };
    let highest = |name: &str| column(name).iter().copied().flatten().reduce(f64::max);
    let cpus = per_second("cpu_user_us").zip(per_second("cpu_system_us"));
    let runs_on = given.runs_on.len().max(1) as f64;
    let quota = given.cpu_quota.filter(|quota| *quota < runs_on);
    let limit = given.memory_limit.filter(|limit| *limit < machine_bytes);
    Some(Used {
        seconds,
        cpus: cpus.map_or(0.0, |(user, system)| (user + system) / 1e6),
        given_cpus: quota.unwrap_or(runs_on),
        cpu_quota: quota.is_some(),
        throttled_share: per_second("throttled_us").map(|us| us / 1e6),
        run_queue_share: per_second("run_queue_wait_ns").unwrap_or(0.0) / 1e9,
        major_faults_per_s: per_second("major_faults").unwrap_or(0.0),
        threads: highest("threads").unwrap_or(0.0),
        open_files: highest("open_files"),
        cpu_pressure: per_second("cpu_pressure_us").map(|us| us / 1e6),
        memory_pressure: per_second("memory_pressure_us").map(|us| us / 1e6),
        io_pressure: per_second("io_pressure_us").map(|us| us / 1e6),
        memory: MemoryUsed {
            given_bytes: limit.unwrap_or(machine_bytes) as f64,
            limited: limit.is_some(),
            peak_rss_bytes: highest("rss_bytes"),
            peak_pss_bytes: highest("pss_bytes"),
            peak_working_set_bytes: highest("cgroup_working_set_bytes"),
            peak_since_start_bytes: None,
            growth_bytes_per_s: growth(samples, (begin_s, end_s)),
        },
    })
}

/// How the lowest use of each stretch grows: what is left after a collection.
fn growth(samples: &Table, (begin_s, end_s): Window) -> Option<Estimate> {
    if end_s - begin_s < GROWTH_S {
        return None;
    }
    let lowest = floor::lowest_in::<OF_GROWTH>(samples, (begin_s, end_s));
    let step_s = (end_s - begin_s) / OF_GROWTH as f64;
    let points: Vec<(f64, f64)> = lowest
        .into_iter()
        .enumerate()
        .map(|(stretch, bytes)| (stretch as f64 * step_s, bytes))
        .collect();
    theil_sen(&points).map(judge::estimate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(rss: impl Fn(f64) -> f64, seconds: u32) -> Table {
        let at: Vec<f64> = (0..=seconds * 2)
            .map(|half| f64::from(half) / 2.0)
            .collect();
        let column = |name: &str, value: &dyn Fn(f64) -> f64| {
            (
                name.to_owned(),
                at.iter().map(|at| Some(value(*at))).collect(),
            )
        };
        Table {
            columns: vec![
                column("at_s", &|at| at),
                column("cpu_user_us", &|at| at * 2e5),
                column("cpu_system_us", &|at| at * 5e4),
                column("rss_bytes", &rss),
                column("throttled_us", &|at| at * 1e4),
                column("run_queue_wait_ns", &|at| at * 1e8),
                column("major_faults", &|at| at * 3.0),
                column("threads", &|_| 8.0),
            ],
        }
    }

    #[test]
    fn use_is_compared_with_what_is_given() {
        let given = Given {
            cpu_quota: Some(0.5),
            memory_limit: Some(1 << 30),
            runs_on: vec![0, 1],
        };
        let flat = |_| 3e8;
        let used = super::used(&samples(flat, 60), &given, 8 << 30).unwrap();
        assert!(
            (used.cpus - 0.25).abs() < 1e-9 && used.cpu_quota,
            "{used:?}"
        );
        assert_eq!((used.given_cpus, used.seconds), (0.5, 60.0));
        assert!((used.throttled_share.unwrap() - 0.01).abs() < 1e-9);
        assert!((used.run_queue_share - 0.1).abs() < 1e-9);
        assert_eq!(used.memory.given_bytes, (1u64 << 30) as f64);
        assert!(used.memory.limited);
        assert_eq!(used.memory.peak_bytes(), Some(3e8));
        assert_eq!(used.memory.growth_bytes_per_s.unwrap().estimate, Some(0.0));
        let free = super::used(&samples(flat, 20), &Given::default(), 8 << 30).unwrap();
        assert!(!free.memory.limited && !free.cpu_quota);
        assert_eq!(free.memory.growth_bytes_per_s, None, "20 s are too short");
        assert_eq!(super::used(&Table::default(), &Given::default(), 1), None);
    }

    /// A heap that fills and is emptied every 2 s on top of what is never freed.
    #[test]
    fn what_is_left_after_collections_is_what_grows() {
        let leak = |at: f64| 1e8 + 1e5 * at + 4e7 * (at / 2.0).fract();
        let used = super::used(&samples(leak, 120), &Given::default(), 8 << 30).unwrap();
        let growth = used.memory.growth_bytes_per_s.unwrap();
        let (low, high) = (growth.low.unwrap(), growth.high.unwrap());
        assert!(low > 9e4 && high < 1.1e5, "{growth:?}");
    }
}
