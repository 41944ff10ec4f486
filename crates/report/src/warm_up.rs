//! How a side starts, in words.

use crate::figures::{rate, time};
use understudy_model::warm_up::{Course, Settling, WarmUp};

/// One sentence on one side.
pub(crate) fn sentence(of: &WarmUp) -> String {
    let ready = of.ready_least_s.zip(of.ready_most_s).map(|(least, most)| {
        let range = match of.starts {
            1 => time(least * 1e6),
            starts => format!(
                "{} to {} ({starts} starts)",
                time(least * 1e6),
                time(most * 1e6)
            ),
        };
        format!("ready in {range}")
    });
    let settling = of.settling.as_ref().map(course);
    let parts: Vec<String> = ready.into_iter().chain(settling).collect();
    format!("{}: {}", of.side, parts.join("; "))
}

/// What its first load showed.
fn course(of: &Settling) -> String {
    let first = of.first_us.map_or_else(String::new, |us| {
        format!(", first answer after {}", time(us))
    });
    let levels = format!("p50 {} to {}", time(of.before_us), time(of.after_us));
    let after = of
        .steady_after_s
        .map_or_else(String::new, |s| time(s * 1e6));
    let course = match of.course {
        Course::Flat => format!(
            "steady from the first request on (p50 {})",
            time(of.after_us)
        ),
        Course::WarmsUp => format!("steady after {after} of load ({levels})"),
        Course::SlowsDown => format!("slows down within {after} of load ({levels})"),
        Course::NeverSteady => format!(
            "not steady within {} of load ({levels}): a longer level settles longer",
            time(of.lasted_s * 1e6)
        ),
    };
    format!("under {}{first}, {course}", rate(of.rate_rps))
}
