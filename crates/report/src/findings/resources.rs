//! What the use of CPU and memory against what is given means for a rewrite.

use super::finding;
use crate::figures::{memory, rate, share};
use understudy_model::floor::{FloorKind, SideFloor};
use understudy_model::profile::{Finding, MemoryUsed, Used};

/// Time held back by a quota, over time, from which it is worth a word.
const THROTTLED: f64 = 0.01;
/// Time that threads waited for a CPU, over time, and over the CPU time that they got.
const WAITED: (f64, f64) = (0.1, 0.5);
/// Share of the CPUs that leaves nothing.
const USED_UP: f64 = 0.8;
/// Page faults that read from a disk, per second.
const FAULTS: f64 = 1.0;
/// Shares of a memory limit.
const TIGHT: f64 = 0.9;
const AMPLE: f64 = 0.5;
/// What it is given over its memory floor: from there on nothing is short, and from there on most of it is
/// not needed.
const VERIFIED: f64 = 1.1;
const PLENTY: f64 = 2.0;
/// Growth below this share of the peak over the stretch is none.
const GROWTH: f64 = 0.02;
/// Seconds from which growth is more than caches that fill.
const LONG: f64 = 600.0;

/// What is worth a word. Under a load of one's own the generator may be what a service waits for: the
/// causes of its tail then say whether that matters.
pub(super) fn findings(
    used: &Used,
    watched: bool,
    floor: Option<&SideFloor>,
) -> impl Iterator<Item = Finding> + use<> {
    let all = [
        throttled(used),
        waited(used).filter(|_| watched),
        used_up(used),
        faults(used),
        floor
            .and_then(|floor| against_floor(&used.memory, floor))
            .or_else(|| against_limit(&used.memory)),
        growth(used),
    ];
    all.into_iter().flatten()
}

fn throttled(used: &Used) -> Option<Finding> {
    let held = used.throttled_share.filter(|held| *held >= THROTTLED)?;
    Some(finding(
        "throttled",
        format!(
            "Its CPU quota held its threads back for {held:.2} s in each second, while it used {:.2} CPUs on average: bursts use the quota up. A larger quota is the first remedy.",
            used.cpus
        ),
    ))
}

fn waited(used: &Used) -> Option<Finding> {
    let waited = used.run_queue_share;
    (waited >= WAITED.0 && waited >= WAITED.1 * used.cpus).then(|| {
        finding(
            "waits_for_cpu",
            format!(
                "Its threads were ready and waited for a CPU for {waited:.2} s in each second, for {:.2} s that they ran: others use its CPUs. Give it CPU first.",
                used.cpus
            ),
        )
    })
}

fn used_up(used: &Used) -> Option<Finding> {
    (used.cpus >= USED_UP * used.given_cpus).then(|| {
        finding(
            "cpu_used_up",
            format!(
                "It uses {:.2} of the {} that it may use: more CPU gives headroom at once, and code that needs less of it gives the same.",
                used.cpus,
                super::super::profile::cpus(used.given_cpus)
            ),
        )
    })
}

fn faults(used: &Used) -> Option<Finding> {
    (used.major_faults_per_s >= FAULTS).then(|| {
        finding(
            "reads_memory",
            format!(
                "{:.1} times a second it waits for memory to be read from disk: give it memory first; a rewrite needs it too.",
                used.major_faults_per_s
            ),
        )
    })
}

fn against_limit(of: &MemoryUsed) -> Option<Finding> {
    let peak = of.peak_bytes().filter(|_| of.limited)?;
    let (given, peak_share) = (memory(of.given_bytes), peak / of.given_bytes);
    if peak_share >= TIGHT {
        return Some(finding(
            "memory_tight",
            format!(
                "It used {} of a limit of {given}, {} of it: little is left before it is killed.",
                memory(peak),
                share(peak_share)
            ),
        ));
    }
    (peak_share <= AMPLE).then(|| {
        finding(
            "memory_ample",
            format!(
                "Given {given}, it used at most {}: a lower limit may do before a rewrite saves memory. How low shows only under falling limits, which a service that runs is not put under: a trial with [memory_floor] starts one of its own, and --floor-of holds what it finds against this one.",
                memory(peak)
            ),
        )
    })
}

/// What is used says little where a runtime takes what it gets; the floor of a trial says what is needed.
fn against_floor(of: &MemoryUsed, floor: &SideFloor) -> Option<Finding> {
    let known = matches!(floor.kind, FloorKind::Between | FloorKind::AtMost);
    let needed = floor.high_bytes.filter(|_| known)?;
    let held = format!(
        "in a trial it held {} at {} with {}",
        floor.objectives.join(" and "),
        rate(floor.rate_rps),
        memory(needed)
    );
    let given = memory(of.given_bytes);
    if !of.limited {
        return Some(finding(
            "memory_unlimited",
            format!("It has no memory limit; {held}. A limit a little above that costs nothing."),
        ));
    }
    let times = of.given_bytes / needed;
    Some(if times < VERIFIED {
        finding(
            "memory_below_floor",
            format!("Given {given}, it has hardly more than it needs: {held}. Give it more first."),
        )
    } else if times < PLENTY {
        finding(
            "memory_needed",
            format!(
                "Given {given}, it needs most of it: {held}. Less memory takes other code, another runtime or another setting of this one."
            ),
        )
    } else {
        finding(
            "memory_over_given",
            format!(
                "Given {given}, it has {times:.1} times what it needs: {held}. What is beyond that can be given back without a rewrite, and does not count as a gain of one."
            ),
        )
    })
}

fn growth(used: &Used) -> Option<Finding> {
    let slope = used.memory.growth_bytes_per_s?;
    let (estimate, low, high) = (slope.estimate?, slope.low?, slope.high?);
    let peak = used.memory.peak_bytes()?;
    if low <= 0.0 || estimate * used.seconds < GROWTH * peak {
        return None;
    }
    let pace = format!(
        "What is left of its memory after collections grew by {} an hour ({} to {}) over {:.0} s",
        memory(estimate * 3600.0),
        memory(low * 3600.0),
        memory(high * 3600.0),
        used.seconds
    );
    Some(match used.seconds >= LONG {
        true => {
            let left = (used.memory.given_bytes - peak).max(0.0) / estimate / 3600.0;
            let text = format!(
                "{pace}: at that pace {} is full in {left:.1} hours. Find the leak: a rewrite can carry it along.",
                memory(used.memory.given_bytes)
            );
            finding("memory_grows", text)
        }
        false => {
            let text = format!(
                "{pace}: the time is too short to distinguish a leak from a cache that fills. Watch it with --for 1h."
            );
            finding("memory_grew", text)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_model::Role;
    use understudy_model::verdict::Estimate;

    fn codes(used: &Used) -> Vec<String> {
        codes_with(used, None)
    }

    fn codes_with(used: &Used, floor: Option<&SideFloor>) -> Vec<String> {
        findings(used, true, floor)
            .map(|finding| finding.code)
            .collect()
    }

    fn quiet() -> Used {
        Used {
            seconds: 60.0,
            cpus: 0.2,
            given_cpus: 2.0,
            throttled_share: Some(0.0),
            memory: MemoryUsed {
                given_bytes: 1e9,
                peak_rss_bytes: Some(6e8),
                ..MemoryUsed::default()
            },
            ..Used::default()
        }
    }

    #[test]
    fn what_is_short_is_named() {
        assert_eq!(codes(&quiet()), [""; 0]);
        let with = |change: &dyn Fn(&mut Used)| {
            let mut used = quiet();
            change(&mut used);
            codes(&used)
        };
        assert_eq!(with(&|u| u.throttled_share = Some(0.1)), ["throttled"]);
        assert_eq!(with(&|u| u.run_queue_share = 0.4), ["waits_for_cpu"]);
        assert_eq!(with(&|u| u.cpus = 1.9), ["cpu_used_up"]);
        assert_eq!(with(&|u| u.major_faults_per_s = 3.0), ["reads_memory"]);
        let limit = |share: f64| {
            with(&|u| {
                u.memory.limited = true;
                u.memory.peak_rss_bytes = Some(share * 1e9);
            })
        };
        assert_eq!(limit(0.95), ["memory_tight"]);
        assert_eq!(limit(0.7), [""; 0]);
        assert_eq!(limit(0.3), ["memory_ample"]);
    }

    #[test]
    fn what_is_given_is_held_against_the_floor_of_a_trial() {
        let floor = |kind: FloorKind, high: f64| SideFloor {
            side: Role::Incumbent,
            kind,
            high_bytes: Some(high),
            low_bytes: Some(high * 0.95),
            because: None,
            rate_rps: 4000.0,
            repeats: 3,
            objectives: vec!["p99 of all requests at most 20ms".to_owned()],
            verified_bytes: Some(high * 1.1),
            verified_s: Some(30.0),
            growth_bytes_per_s: None,
            peak_rss_bytes: None,
            peak_cgroup_bytes: None,
            runs: None,
            curve: Vec::new(),
        };
        let mut used = quiet();
        let known = floor(FloorKind::Between, 2.5e8);
        assert_eq!(codes_with(&used, Some(&known)), ["memory_unlimited"]);
        used.memory.limited = true;
        used.memory.peak_rss_bytes = Some(9.5e8);
        let finding = findings(&used, true, Some(&known)).next().unwrap();
        assert_eq!(
            finding.code, "memory_over_given",
            "a peak of 95 % is what it takes, not what it needs"
        );
        for part in ["4.0 times", "238 MiB", "4,000/s", "20ms"] {
            assert!(finding.text.contains(part), "{}", finding.text);
        }
        let codes = |kind, high: f64| codes_with(&used, Some(&floor(kind, high)));
        assert_eq!(codes(FloorKind::AtMost, 6e8), ["memory_needed"]);
        assert_eq!(codes(FloorKind::Between, 9.5e8), ["memory_below_floor"]);
        assert_eq!(
            codes(FloorKind::Leaks, 1e8),
            ["memory_tight"],
            "no floor is no figure"
        );
    }

    #[test]
    fn growth_is_not_a_leak_before_ten_minutes() {
        let grown = |seconds: f64, low: f64| {
            let mut used = quiet();
            used.seconds = seconds;
            used.memory.growth_bytes_per_s = Some(Estimate {
                estimate: Some(1e6),
                low: Some(low),
                high: Some(2e6),
            });
            codes(&used)
        };
        assert_eq!(grown(60.0, 5e5), ["memory_grew"]);
        assert_eq!(grown(900.0, 5e5), ["memory_grows"]);
        assert_eq!(grown(900.0, -5e5), [""; 0]);
        assert_eq!(grown(5.0, 5e5), [""; 0], "5 MB of 600 are noise");
    }
}
