//! The incumbent against itself: what this machine calls a difference when there is none, where that can be said.

use crate::figures::quantile;
use crate::wording;
use understudy_model::verdict::{
    Bearing, Estimate, Gate, LatencyComparison, Primary, Resource, VerdictDocument,
};
use understudy_stats::paired::pairs_needed;

/// Upper over lower end of an interval beyond which it says nothing that helps: from half to double.
const WIDEST_INFORMATIVE: f64 = 4.0;
/// The gate of this comparison.
const GATE: &str = "aa";

/// Is the interval narrow enough to say what moves without a cause?
pub(crate) fn is_informative(ratio: Estimate) -> bool {
    let width = ratio.high.zip(ratio.low).map(|(high, low)| high / low);
    width.is_some_and(|width| width <= WIDEST_INFORMATIVE)
}

/// The ratio as a change with its interval, where that says something.
pub(crate) fn effect(ratio: Option<Estimate>) -> String {
    match ratio {
        None => "-".to_owned(),
        Some(ratio) if is_informative(ratio) => wording::effect(Some(ratio)),
        Some(_) => "not informative".to_owned(),
    }
}

/// The primary quantile and CPU time at the primary rate, what is informative first; `None` where nothing is known.
pub(crate) fn sentence(document: &VerdictDocument) -> Option<String> {
    let primary = document.primary.as_ref()?;
    let latency = latency(document, primary)
        .filter(|_| !is_refused(document, Bearing::Latency))
        .and_then(|aa| part(&quantile(aa.quantile), aa.ratio, aa.pairs));
    let mut resources = document.aa_resources.iter();
    let cpu = resources
        .find(|aa| aa.resource == Resource::CpuUsPerRequest && aa.rate_rps == primary.rate_rps)
        .filter(|_| !is_refused(document, Bearing::Cpu))
        .and_then(|aa| {
            part(
                wording::resource_label(aa.resource, aa.rate_rps),
                aa.ratio,
                aa.pairs,
            )
        });
    let wall = document.aa_resources.iter();
    let wall = wall
        .filter(|aa| Some(aa.resource) == primary.resource && aa.rate_rps == primary.rate_rps)
        .find(|_| !is_refused(document, Bearing::Latency))
        .and_then(|aa| part(aa.resource.label(), aa.ratio, aa.pairs));
    let mut parts: Vec<(bool, String)> = latency.into_iter().chain(wall).chain(cpu).collect();
    parts.sort_by_key(|(is_informative, _)| !is_informative);
    let parts: Vec<String> = parts.into_iter().map(|(_, text)| text).collect();
    (!parts.is_empty()).then(|| {
        format!(
            "incumbent against itself {}: {}",
            wording::at(primary.rate_rps),
            parts.join("; ")
        )
    })
}

/// What it says of one figure, and if that is informative.
fn part(what: &str, ratio: Option<Estimate>, pairs: u32) -> Option<(bool, String)> {
    let ratio = ratio?;
    Some(match is_informative(ratio) {
        true => (true, format!("{what} {}", wording::effect(Some(ratio)))),
        false => (false, format!("{what} {}", uninformative(ratio, pairs))),
    })
}

/// Why it says nothing, and what would make it.
fn uninformative(ratio: Estimate, pairs: u32) -> String {
    let (ratios, vary) = match pairs {
        1 => ("ratio", "varies"),
        _ => ("ratios", "vary"),
    };
    let ends = ratio.low.zip(ratio.high);
    let needed = ends.and_then(|ends| pairs_needed(ends, pairs as usize, WIDEST_INFORMATIVE));
    let remedy = match needed {
        Some(needed) => format!(
            "about {needed} are needed: measure longer (--thorough) or on a quieter machine"
        ),
        None => "quieten the machine".to_owned(),
    };
    format!("not informative, {pairs} {ratios} {vary} too much; {remedy}")
}

fn latency<'d>(document: &'d VerdictDocument, primary: &Primary) -> Option<&'d LatencyComparison> {
    document
        .aa
        .iter()
        .find(|aa| primary.quantile == aa.quantile && primary.rate_rps == aa.rate_rps)
}

/// Does a failed gate bear on this at the primary rate, other than the one of this comparison itself?
pub(crate) fn is_refused(document: &VerdictDocument, bearing: Bearing) -> bool {
    let rate = document.primary.as_ref().map(|primary| primary.rate_rps);
    document.gates.iter().any(|gate| {
        let is_here = gate.rate_rps.is_none() || gate.rate_rps == rate;
        !gate.passed && gate.code != GATE && is_here && gate.bears_on.contains(&bearing)
    })
}

/// What a gate says. The one of this comparison holds where too little is known as well, and then says that instead of
/// an interval without a meaning.
pub(crate) fn gate_text(document: &VerdictDocument, gate: &Gate) -> String {
    let aa = document
        .primary
        .as_ref()
        .filter(|_| gate.code == GATE && gate.passed);
    let aa = aa.and_then(|primary| latency(document, primary));
    match aa.and_then(|aa| Some((aa.ratio?, aa.pairs))) {
        Some((ratio, pairs)) if !is_informative(ratio) => {
            format!(
                "the incumbent against itself: {}",
                uninformative(ratio, pairs)
            )
        }
        _ => gate.text.clone(),
    }
}
