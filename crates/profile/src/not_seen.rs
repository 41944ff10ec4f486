//! What a profile could not see, in sentences. Pure.

use crate::access_log::Recorded;
use crate::traffic::STRETCH;
use understudy_model::count;
use understudy_model::profile::{Traffic, Used};
use understudy_observe::{Attach, Listener};

/// Of CPU and memory: `unmeasured` is why they end early.
pub(crate) fn of_resources(
    attach: Option<&Attach>,
    unmeasured: Option<&str>,
    used: Option<&Used>,
) -> Vec<String> {
    let mut sentences = Vec::new();
    match (attach, unmeasured) {
        (None, _) => sentences
            .push("its CPU and memory: no process was named (--pid, --jvm, --cgroup)".to_owned()),
        (Some(_), Some(why)) => {
            sentences.push(format!("its CPU and memory from then on: {why}"));
        }
        (Some(_), None) => {}
    }
    if let (Some(Attach::Pid(_) | Attach::Jvm(_)), Some(used)) = (attach, used) {
        if used.memory.peak_pss_bytes.is_none() {
            sentences.push(
                "its proportional set and open files: only its user and root may look".to_owned(),
            );
        }
        sentences.push("throttling and pressure: name its control group (--cgroup)".to_owned());
    }
    sentences
}

/// Why pauses of its runtime are not recorded, or not all of them.
pub(crate) fn of_pauses(listener: Option<&Listener>) -> Option<String> {
    let why = match listener {
        None => "--jvm PID asks a JVM, --runtime-log FILE reads what is logged".to_owned(),
        Some(listener) => match listener.missing() {
            Some(missing) => missing,
            None if listener.runtime().is_some() => return None,
            None => "the log holds no line of a runtime (GODEBUG=gctrace=1, -Xlog:gc,safepoint, --trace-gc)".to_owned(),
        },
    };
    Some(format!("pauses of its runtime: {why}"))
}

/// Why the slowest requests of a measurement are not attributed.
pub(crate) fn of_tail(why: &str) -> String {
    format!("where the slowest requests come from: {why}")
}

/// Of live traffic, as an access log reports it.
pub(crate) fn of_traffic(recorded: &Recorded, traffic: &Traffic) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some(error) = &recorded.failed {
        sentences.push(format!("what the access log says from then on: {error}"));
    }
    if recorded.unreadable > 0 {
        sentences.push(format!(
            "{} lines of the access log, which have no known format (common, combined, JSON, Envoy, HAProxy, ALB)",
            count(recorded.unreadable)
        ));
    }
    sentences.extend(without_time(recorded, traffic.requests));
    if traffic.requests == 0 {
        return sentences;
    }
    sentences.push("what requests waited before the server read them".to_owned());
    if recorded.in_time {
        let drawn = recorded.live.drawn();
        sentences.extend(drawn.map(|drawn| of_some(drawn, traffic)));
    } else {
        sentences.push(of_tail(
            "lines of the access log came many at once, from a buffer or because this machine was busy",
        ));
    }
    sentences
}

/// Why lines of the access log give no latency.
fn without_time(recorded: &Recorded, requests: u64) -> Option<String> {
    let how = "say it with --access-log-unit, or log it with its unit (nginx $request_time; JSON duration_ms)";
    match (recorded.unclear, recorded.without_duration, requests) {
        (0, 0, _) => None,
        (0, _, 0) => Some(
            "latencies: no line of the access log has the time that the request took (nginx $request_time; Apache %D with --access-log-unit us; JSON duration_ms)"
                .to_owned(),
        ),
        (0, ..) => None,
        (unclear, without, 0) if unclear == without => Some(format!(
            "latencies: the unit of the time in the access log is not certain: {how}"
        )),
        (unclear, ..) => Some(format!(
            "latencies of {} requests: the unit of the time in their lines is not certain: {how}",
            count(unclear)
        )),
    }
}

/// Which requests the attribution covers.
fn of_some(drawn: u64, traffic: &Traffic) -> String {
    match drawn {
        0 => {
            format!("where the slowest requests come from: those of {STRETCH} are too many to keep")
        }
        drawn => format!(
            "where all of the slowest requests come from: the causes are those of {} of the {} requests, in stretches of {STRETCH} drawn at random",
            count(drawn),
            count(traffic.requests),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_testkit::answered;

    /// Of a log with so many requests, and so many lines without a duration, some of them without a certain unit.
    fn sentences(requests: u64, without_duration: u64, unclear: u64, in_time: bool) -> Vec<String> {
        let mut recorded = Recorded::new(&[]);
        recorded.without_duration = without_duration;
        recorded.unclear = unclear;
        recorded.in_time = in_time;
        for at in 0..requests {
            let one = answered(0, (at, at, at + 1_000)).observation;
            recorded.live.add(&one);
        }
        let traffic = recorded.live.traffic(without_duration, 1.0);
        of_traffic(&recorded, &traffic)
    }

    #[test]
    fn a_log_without_latencies_says_why() {
        assert_eq!(sentences(0, 0, 0, false), [""; 0]);
        let begins = |all: &[String], words: &str| all.iter().any(|one| one.starts_with(words));
        let none = sentences(0, 5, 0, false);
        assert!(
            begins(&none, "latencies: no line of the access log"),
            "{none:?}"
        );
        let unclear = sentences(0, 5, 5, false);
        assert!(
            begins(&unclear, "latencies: the unit of the time"),
            "{unclear:?}"
        );
        let some = sentences(10, 5_000, 4_000, true);
        assert!(begins(&some, "latencies of 4,000 requests"), "{some:?}");
        assert!(!begins(&sentences(10, 5, 0, true), "latencies"));
    }

    #[test]
    fn lines_out_of_a_buffer_are_not_attributed() {
        let of = |in_time| {
            let all = sentences(10, 0, 0, in_time);
            all.iter().any(|one| one.contains("many at once"))
        };
        assert!(of(false) && !of(true));
    }
}
