//! The rules of the verdict and the rules of fit. The first rule that applies decides.

use crate::case::Case;
use crate::document::{Arm, BreakEven, Check, Effect, Swing};
use crate::facts::{Facts, Kind};
use crate::input::Input;
use crate::model::Point;
use crate::read::plain;
use crate::simulate::Simulation;
use std::collections::BTreeMap;
use understudy_model::verdict::{Reason, Verdict};

/// Requests per second up to which a standard web API is not a reason for a rewrite (the article behind
/// this project).
const SMALL_API_RPS: f64 = 500.0;
/// What `next` names of the tornado.
const MOST_NEXT: usize = 3;

/// What the rules look at.
pub(crate) struct Known<'k> {
    pub(crate) case: &'k Case,
    pub(crate) point: &'k Point,
    pub(crate) simulation: &'k Simulation,
    pub(crate) break_even: &'k BreakEven,
    pub(crate) tornado: &'k [Swing],
    pub(crate) threshold: f64,
}

/// What the rules say.
pub(crate) struct Decided {
    pub(crate) verdict: Verdict,
    pub(crate) because: Vec<Reason>,
    pub(crate) next: Vec<String>,
    pub(crate) checks: Vec<Check>,
}

/// A verdict, the code of its reason, and the sentence.
type Ruling = (Verdict, &'static str, String);

pub(crate) fn decide(known: &Known<'_>) -> Decided {
    let checks = checks(known);
    let facts = &known.case.facts;
    let (verdict, code, text) = refuted(facts)
        .or_else(|| unfit(&checks))
        .or_else(|| hard_objective(facts))
        .or_else(|| no_gain(known))
        .unwrap_or_else(|| by_probability(known));
    let next = match verdict {
        Verdict::Inconclusive => next(known, code, &checks),
        _ => Vec::new(),
    };
    let reason = Reason {
        code: code.to_owned(),
        text,
        figures: figures(known),
    };
    // Every other rule of fit that speaks against it is listed, too.
    let others = checks
        .iter()
        .filter(|check| check.effect == Effect::Keep && check.code != code);
    let others = others.map(|check| Reason {
        code: check.code.clone(),
        text: check.text.clone(),
        figures: BTreeMap::new(),
    });
    Decided {
        verdict,
        because: [reason].into_iter().chain(others).collect(),
        next,
        checks,
    }
}

fn figures(known: &Known<'_>) -> BTreeMap<String, f64> {
    let named = [
        ("p_npv_positive", Some(known.simulation.p_npv_positive)),
        ("p_beats_tuning", Some(known.simulation.p_beats_tuning)),
        ("threshold", Some(known.threshold)),
        ("instances_today", Some(known.break_even.today)),
        ("break_even_instances", known.break_even.instances),
    ];
    let known = named
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    known.collect()
}

/// What is wrong or too slow is not adopted, however cheap it is.
fn refuted(facts: &Facts) -> Option<Ruling> {
    let keep = |code, text: &str| Some((Verdict::Keep, code, text.to_owned()));
    if facts.equivalent == Some(false) {
        return keep(
            "not_equivalent",
            "the candidate answers differently; whatever it saves, it replaces nothing until it answers the same",
        );
    }
    if facts.candidate_meets_slo == Some(false) {
        return keep(
            "candidate_misses_slo",
            "the candidate misses an objective; what it saves does not make up for that",
        );
    }
    None
}

fn unfit(checks: &[Check]) -> Option<Ruling> {
    let check = checks.iter().find(|check| check.effect == Effect::Keep)?;
    let code = KEEPING.into_iter().find(|code| *code == check.code)?;
    Some((Verdict::Keep, code, check.text.clone()))
}

/// An objective that no affordable size reaches decides without money.
fn hard_objective(facts: &Facts) -> Option<Ruling> {
    if facts.incumbent_meets_slo != Some(false) {
        return None;
    }
    let proven = facts.equivalent == Some(true) && facts.candidate_meets_slo == Some(true);
    let text = "the incumbent misses a hard objective at every affordable size";
    Some(match proven {
        true => (
            Verdict::Replace,
            "incumbent_misses_slo",
            format!("{text}, and the candidate holds it with the same answers"),
        ),
        false => (
            Verdict::Inconclusive,
            "unproven",
            format!(
                "{text}, but it is not stated that the candidate holds it with the same answers"
            ),
        ),
    })
}

fn no_gain(known: &Known<'_>) -> Option<Ruling> {
    let simulation = known.simulation;
    let arm = |arm: Arm| &simulation.arms[arm as usize];
    let money = |value: f64| amount(known, value);
    let saving = arm(Arm::Candidate).yearly_saving.p50;
    if saving <= 0.0 {
        let text = format!(
            "no measured problem: the candidate saves nothing ({} a year), and no objective is missed",
            money(saving)
        );
        return Some((Verdict::Keep, "no_measured_problem", text));
    }
    let tuned = arm(Arm::Tuned).npv.p50;
    if tuned > 0.0 && simulation.p_beats_tuning < 0.5 {
        let text = format!(
            "tuning in place gains as much: the candidate is worth more than tuning with a probability of {} only ({} against {} in the median)",
            percent(simulation.p_beats_tuning),
            money(arm(Arm::Candidate).npv.p50),
            money(tuned)
        );
        return Some((Verdict::Keep, "tuning_gains_as_much", text));
    }
    None
}

fn by_probability(known: &Known<'_>) -> Ruling {
    let (p, threshold) = (known.simulation.p_npv_positive, known.threshold);
    let probability = format!(
        "the net present value is above 0 with a probability of {}",
        percent(p)
    );
    if p <= 1.0 - threshold {
        return too_little(known, &probability);
    }
    if p < threshold {
        let text = format!("{probability}; a replacement needs {}", percent(threshold));
        return (Verdict::Inconclusive, "uncertain", text);
    }
    let facts = &known.case.facts;
    match (facts.equivalent, facts.candidate_meets_slo) {
        (Some(true), Some(true)) => {
            let text =
                format!("{probability}; the answers are the same and every objective is held");
            (Verdict::Replace, "pays", text)
        }
        _ => {
            let text = format!(
                "{probability}, but it is not stated that the candidate answers the same and holds every objective"
            );
            (Verdict::Inconclusive, "unproven", text)
        }
    }
}

fn too_little(known: &Known<'_>, probability: &str) -> Ruling {
    match known.break_even.instances {
        Some(needed) if needed > known.break_even.today => {
            let text = format!(
                "the fleet is too small: {probability}; {} instances run, {} would be the break-even",
                plain(known.break_even.today.ceil()),
                plain(needed.ceil())
            );
            (Verdict::Keep, "fleet_too_small", text)
        }
        _ => {
            let text =
                format!("it does not pay: {probability}, and a larger fleet would not change that");
            (Verdict::Keep, "does_not_pay", text)
        }
    }
}

/// What would decide, the most useful first.
fn next(known: &Known<'_>, code: &str, checks: &[Check]) -> Vec<String> {
    let first = checks
        .iter()
        .filter(|check| check.effect == Effect::MeasureFirst)
        .map(|check| check.text.clone());
    if code == "unproven" {
        let facts = &known.case.facts;
        let trial = "with understudy trial, then state it under [evidence]";
        let proofs = [
            (facts.equivalent, "that the candidate answers the same"),
            (facts.candidate_meets_slo, "that it holds every objective"),
        ];
        let proofs = proofs.into_iter().filter(|(stated, _)| stated.is_none());
        let proofs = proofs.map(|(_, what)| format!("show {what}, {trial}"));
        return first.chain(proofs).collect();
    }
    let open = known
        .tornado
        .iter()
        .filter(|swing| swing.source != "measured");
    let open = open.take(MOST_NEXT).map(|swing| {
        let (a, b) = (swing.npv_at_p10, swing.npv_at_p90);
        format!(
            "measure or narrow {} ({}): its range alone moves the net present value from {} to {}",
            swing.input,
            swing.source,
            amount(known, a.min(b)),
            amount(known, a.max(b))
        )
    });
    first.chain(open).collect()
}

/// The codes of the rules of fit that keep the incumbent.
const KEEPING: [&str; 3] = [
    "unsettled_data_model",
    "team_cannot_carry_it",
    "small_web_api",
];

fn checks(known: &Known<'_>) -> Vec<Check> {
    let facts = &known.case.facts;
    let rps = demand(known.point);
    let small = facts.kind == Kind::WebApi
        && rps.is_some_and(|rps| rps <= SMALL_API_RPS)
        && facts.incumbent_meets_slo != Some(false);
    let rules = [
        (
            KEEPING[0],
            facts.unsettled_data_model,
            "the data model is unsettled: a prototype changes faster in the language it is written in; decide when the model holds still",
        ),
        (
            KEEPING[1],
            facts.systems_experience == Some(false) && facts.deadline,
            "the team has no experience with systems software and a deadline: it would learn the language on the critical path",
        ),
        (
            KEEPING[2],
            small,
            "a standard web API at about 500 requests per second or less waits for its database: a rewrite changes neither the bill nor the latency that users see",
        ),
    ];
    let keeping = rules.map(|(code, applies, text)| Check {
        code: code.to_owned(),
        effect: if applies { Effect::Keep } else { Effect::None },
        text: text.to_owned(),
    });
    let first = measure_first(facts.kind).map(|(code, text)| Check {
        code: code.to_owned(),
        effect: Effect::MeasureFirst,
        text: text.to_owned(),
    });
    keeping.into_iter().chain(first).collect()
}

/// Requests per second at the peak, as far as they are known.
fn demand(point: &Point) -> Option<f64> {
    let by_fleet = || {
        let capacity = point.get(Input::IncumbentCapacity)?;
        Some(point.get(Input::Instances)? * capacity / point.get(Input::Headroom)?)
    };
    point.get(Input::Demand).or_else(by_fleet)
}

/// Components that a rewrite often suits, and what has to be measured before it is believed.
fn measure_first(kind: Kind) -> Option<(&'static str, &'static str)> {
    match kind {
        Kind::Other | Kind::WebApi => None,
        Kind::Proxy => Some((
            "proxy",
            "a proxy often fits: measure p99 and CPU per request at the peak rate first, with real connections and body sizes",
        )),
        Kind::Pipeline => Some((
            "pipeline",
            "a pipeline often fits: measure its throughput per vCPU and peak memory on a day of real data first",
        )),
        Kind::Wasm => Some((
            "wasm",
            "a Wasm module often fits: measure its size, start-up and the cost of crossing the boundary first (Prisma left Rust because of it)",
        )),
        Kind::SecurityCritical => Some((
            "security_critical",
            "security-critical code can fit: count the vulnerabilities of the incumbent that a memory-safe language excludes first; of a memory-safe incumbent there are none",
        )),
        Kind::Embedded => Some((
            "embedded",
            "an embedded component often fits: measure its memory floor, start-up and worst-case latency on the target device first",
        )),
    }
}

/// A probability; one that is not certain is not shown as if it were.
fn percent(share: f64) -> String {
    match share * 100.0 {
        above if above >= 99.5 && share < 1.0 => "more than 99 %".to_owned(),
        below if below < 0.5 && share > 0.0 => "less than 1 %".to_owned(),
        percent => format!("{percent:.0} %"),
    }
}

fn amount(known: &Known<'_>, money: f64) -> String {
    format!("{} {}", plain(money.round()), known.case.currency)
}
