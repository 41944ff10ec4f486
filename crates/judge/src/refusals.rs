//! What a failed gate refuses: what it bears on, at its rate, and nothing else.

use crate::assumptions::POISSON;
use understudy_model::Pacing;
use understudy_model::gates::{FREQUENCY, STEAL};
use understudy_model::verdict::{
    Bearing, Comparison, Figure, Gate, Held, Resource, SloResult, VerdictRules,
};

/// What a gate bears on, by its code. What the hypervisor takes is missing to the sides as well, CPUs
/// that run faster for one side make its CPU time less, a side that is still
/// warming up does so in CPU time too, and one beyond its limits is not what was to be measured.
pub fn bearing_of(code: &str) -> Vec<Bearing> {
    match code {
        "limits" | "out_of_memory" => Bearing::ALL.to_vec(),
        FREQUENCY => vec![Bearing::Cpu],
        "stationary" | STEAL => vec![Bearing::Latency, Bearing::Cpu],
        _ => vec![Bearing::Latency],
    }
}

/// Does a failed gate bear on a figure at a rate?
pub fn is_refused(gates: &[Gate], about: &Figure, rate_rps: f64) -> bool {
    let Some(bearing) = Bearing::of(about) else {
        return false;
    };
    let mut here = gates
        .iter()
        .filter(|gate| gate.rate_rps.is_none_or(|rate| rate == rate_rps));
    here.any(|gate| !gate.passed && gate.bears_on.contains(&bearing))
}

/// Do the gates that failed at a rate leave an objective on latencies that holds? Requests that left late, in bunches, met
/// a system that was no less busy than under the planned traffic: where an arrival is later, no departure of a queue in
/// order of arrival is earlier (Lindley 1952; Loynes 1962). So latencies from when requests were due are an upper bound.
pub(crate) fn leave_what_holds(gates: &[Gate], rate_rps: f64, rules: VerdictRules) -> bool {
    let mut failed = gates.iter().filter(|gate| {
        !gate.passed
            && gate.rate_rps.is_none_or(|rate| rate == rate_rps)
            && gate.bears_on.contains(&Bearing::Latency)
    });
    rules >= VerdictRules::ARRIVALS && failed.all(|gate| gate.code == POISSON)
}

/// Takes back the ratios of a comparison that failed gates bear on. What each side showed stays to be read.
pub(crate) fn refuse(comparison: &mut Comparison, gates: &[Gate]) {
    const WHY: &str = "a gate that bears on it failed";
    for line in &mut comparison.latency {
        if is_refused(gates, &line.about(), line.rate_rps) {
            (line.ratio, line.ratio_from_sent) = (None, None);
            (line.p_value, line.p_value_holm, line.mde) = (None, None, None);
            line.judged = false;
            line.not_judged_because = Some(WHY.to_owned());
        }
    }
    for line in &mut comparison.resources {
        if is_refused(gates, &Figure::Resource(line.resource), line.rate_rps) {
            line.ratio = None;
            line.unmeasured.get_or_insert_with(|| WHY.to_owned());
        }
    }
    for growth in &mut comparison.growth {
        if is_refused(
            gates,
            &Figure::Resource(Resource::WallUsPerRun),
            Pacing::NO_RATE,
        ) {
            growth.ratio = None;
            growth.no_ratio.get_or_insert_with(|| WHY.to_owned());
            for side in [&mut growth.baseline, &mut growth.contender] {
                // It would be taken for a result.
                side.line
                    .iter_mut()
                    .for_each(|line| line.within_deadline = None);
            }
        }
    }
}

/// What failed gates bear on, where the verdict rests on something else: one line each, with the reason.
pub(crate) fn sentences(gates: &[Gate], slos: &[SloResult]) -> Vec<String> {
    let failed: Vec<&Gate> = gates.iter().filter(|gate| !gate.passed).collect();
    let line = |bearing: Bearing| {
        let mut here = failed
            .iter()
            .filter(|gate| gate.bears_on.contains(&bearing));
        let first = here.next()?;
        let more = match here.count() {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        // What to do about it is said with the gate: behind who it was, or behind the figure.
        let (why, _) = first
            .text
            .split_once(": stop ")
            .or_else(|| first.text.split_once("; "))
            .unwrap_or((&first.text, ""));
        let is_left = |slo: &SloResult| {
            slo.held == Held::Holds
                && Bearing::of(&slo.about) == Some(bearing)
                && is_refused(gates, &slo.about, slo.rate_rps)
        };
        let but = match slos.iter().any(is_left) {
            true => " but for objectives that hold even so",
            false => "",
        };
        Some(format!("{}{but}, because {why}{more}", bearing.in_words()))
    };
    Bearing::ALL.into_iter().filter_map(line).collect()
}
