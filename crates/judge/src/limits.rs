//! What a result does not say.

use crate::Evidence;
use crate::decide;
use crate::terms::{Fresh, Level, Question, Terms};
use understudy_model::edges::Edges;
use understudy_model::gates::MOST_STOLEN;
use understudy_model::verdict::{Equivalence, VerdictDocument};
use understudy_model::{Pacing, Role};

/// Edge requests that differ and do not count.
fn edges(edges: &Edges) -> Option<String> {
    (edges.different > 0 && !edges.required).then(|| {
        format!(
            "{} of {} edge requests are answered differently, which is no part of the verdict: whether clients send \
             such requests is not known here (required = true in [edges] makes it one)",
            edges.different, edges.compared,
        )
    })
}

/// What this result does not say, in plain words.
pub(crate) fn of(terms: &Terms, evidence: &Evidence, document: &VerdictDocument) -> Vec<String> {
    let mut limits = evidence.notes.clone();
    let (compared, wanted) = (
        evidence.rows.len(),
        terms.comparisons(evidence.requests.len()),
    );
    if compared < wanted {
        limits.push(format!(
            "the first {compared} of {wanted} exchanges were compared: then the time for this stage was over, or the run was interrupted; a longer level compares more"
        ));
    }
    limits.extend(circumstances(terms, evidence, document));
    limits.extend(coverage(terms, &document.comparisons[0].equivalence));
    limits.extend(document.comparisons[0].edges.as_ref().and_then(edges));
    let distinct = evidence.requests.len();
    if distinct < 300 {
        let noun = match terms.pacing {
            Pacing::Offered => "distinct request",
            Pacing::Serial => "case",
        };
        limits.push(format!(
            "the workload has {distinct} {noun}{}: equivalence is shown for {} alone",
            if distinct == 1 { "" } else { "s" },
            if distinct == 1 { "it" } else { "them" },
        ));
    }
    let repeats: u32 = evidence.blocks.iter().map(|b| b.figures.repeats).sum();
    if repeats > 0 {
        limits.push(format!(
            "{repeats} measurement{} made again because CPU steal or a neighbour on the generator's CPU was above {:.0} %: the result holds for a machine without such neighbours",
            if repeats == 1 { " was" } else { "s were" },
            MOST_STOLEN * 100.0,
        ));
    }
    limits.push(match terms.pacing {
        Pacing::Offered => {
            "equivalence and latency are those of traffic like this workload, on this machine, against \
             sides without other load"
        }
        Pacing::Serial => {
            "equivalence and figures are those of cases like these, on this machine, one run after the \
             other; peak memory is that of the largest process of a run"
        }
    }
    .to_owned());
    if terms.level == Level::Quick && terms.rates.len() > 1 {
        limits.push("only the highest rate was measured (--quick)".to_owned());
    }
    if terms.question != Question::Replace {
        let left_out = document
            .goals
            .iter()
            .filter(|g| decide::is_left_out(terms, g));
        limits.extend(left_out.map(|goal| {
            format!(
                "\"{}\" was not measured: nothing is said about it",
                goal.goal
            )
        }));
    }
    limits.extend(under_load(document));
    limits
}

/// What about the machine and the sides is part of every figure.
fn circumstances(terms: &Terms, evidence: &Evidence, document: &VerdictDocument) -> Vec<String> {
    let mut limits = Vec::new();
    let environment = &document.environment;
    let shared = environment
        .generator_cpus
        .iter()
        .any(|cpu| environment.subject_cpus.contains(cpu));
    if shared {
        limits.push("generator and sides share CPUs: latencies include that contention".to_owned());
    }
    let is_serial = terms.pacing == Pacing::Serial;
    if environment.generator_cpus.is_empty() && !evidence.blocks.is_empty() && !is_serial {
        limits.push("generator and sides were not pinned to CPUs of their own".to_owned());
    }
    if terms.is_launched(Role::Incumbent) && terms.is_launched(Role::Tuned) && !is_serial {
        limits.push(
            "incumbent and tuned incumbent run side by side: where they are one program, PSS counts what \
             they share half to each (RSS counts it whole)"
                .to_owned(),
        );
    }
    if terms.is_launched(Role::Candidate)
        && !is_serial
        && terms.starts() == Fresh::Trial
        && !evidence.blocks.is_empty()
    {
        limits.push(
            "each side was started once for all measurements: what one start of a program differs from the \
             next, some percent of CPU time, is part of the change (fresh = \"pair\" starts them again for every pair)"
                .to_owned(),
        );
    }
    limits
}

/// What of the answers was not compared, and which operations did nothing but refuse.
fn coverage(terms: &Terms, equivalence: &Equivalence) -> Vec<String> {
    let mut limits = Vec::new();
    let all = equivalence.coverage;
    if all.noise + all.rules > 0 {
        let share = |bytes: u64| 100.0 * bytes as f64 / all.bytes as f64;
        limits.push(format!(
            "{:.1} % of the bytes of the answers were compared: noise excuses {:.1} %, rules {:.1} %",
            all.share() * 100.0,
            share(all.noise),
            share(all.rules),
        ));
    }
    for operation in &equivalence.coverage_by_operation {
        if operation.compared > 0 && operation.coverage.share() < LEAST_COMPARED {
            limits.push(format!(
                "of {} nearly nothing was compared ({:.1} % of the bytes): rules and noise excuse the rest",
                operation.operation,
                operation.coverage.share() * 100.0,
            ));
        }
    }
    let refused: Vec<String> = equivalence
        .refusals
        .iter()
        .map(|(code, count)| match (terms.pacing, *code) {
            (Pacing::Offered, code) => format!("{count} with status {code}"),
            (Pacing::Serial, 0..) => format!("{count} with exit code {code}"),
            (Pacing::Serial, signal) => format!("{count} by signal {}", signal.unsigned_abs()),
        })
        .collect();
    if !refused.is_empty() {
        let what = match terms.pacing {
            Pacing::Offered => "some of the compared answers are refusals or errors",
            Pacing::Serial => "some of the compared runs did not end with 0",
        };
        limits.push(format!(
            "{what}: {} of {}",
            refused.join(", "),
            equivalence.compared,
        ));
    }
    limits
}

/// A share of the bytes of an operation below which its answers were hardly compared.
const LEAST_COMPARED: f64 = 0.05;

/// What of the answers while they were measured was not that of the incumbent, or not looked at.
fn under_load(document: &VerdictDocument) -> Vec<String> {
    let mut limits = Vec::new();
    if let Some(under_load) = &document.comparisons[0].under_load
        && under_load.deviating > 0
    {
        limits.push(format!(
            "{} of {} answers under load had a code, shape or value that the incumbent did not \
             show for the same request",
            under_load.deviating, under_load.answered,
        ));
    }
    if let Some(under_load) = &document.comparisons[0].under_load
        && under_load.not_inspected * 20 > under_load.answered
    {
        limits.push(format!(
            "{} of {} answers under load could not be compared: their requests are asked too seldom, or their bodies are too many or too large",
            under_load.not_inspected, under_load.answered,
        ));
    }
    limits
}
