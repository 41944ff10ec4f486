//! A candidate that ends while it is needed: what that comes to in a verdict.

use crate::terms::{Question, Terms};
use std::collections::BTreeMap;
use understudy_model::Role;
use understudy_model::stored::{During, Exited};
use understudy_model::verdict::{Reason, Verdict, VerdictDocument};

/// As a reason of a verdict.
fn reason(exited: &Exited) -> Reason {
    let log = match exited.log.as_slice() {
        [] => "it logged nothing".to_owned(),
        [line] => format!("its last log line: {line}"),
        lines => format!("its last log lines: {}", lines.join(" | ")),
    };
    let Exited { exit, answered, .. } = exited;
    let answers = match (exited.during, *answered) {
        (During::Comparison | During::Edges, 1) => "1 answer".to_owned(),
        (During::Comparison | During::Edges, count) => format!("{count} answers"),
        (During::Load, count) => format!("{count} measured answers"),
    };
    Reason {
        code: "candidate_exited".to_owned(),
        text: format!(
            "the {} exited {}, after {answers} ({exit}); {log}",
            exited.side.in_words(),
            exited.during.in_words(),
        ),
        figures: BTreeMap::from([("answered".to_owned(), *answered as f64)]),
    }
}

/// Reasons that come before rule 4: too little was compared, or the memory limit itself was at fault.
const EARLIER: [&str; 5] = [
    "exchanges_lost",
    "too_few_compared",
    "mostly_refused",
    "comparison_misses_faults",
    "gate_out_of_memory",
];

/// Completes a verdict by the ends of the candidate. One that exits under a load that the incumbent survives
/// misses what every objective asks for (rule 4). No gate about time bears on that, and what was not measured
/// is missing because of it.
pub(crate) fn explain(terms: &Terms, document: &mut VerdictDocument, exits: &[Exited]) {
    let (of_candidate, others): (Vec<&Exited>, Vec<&Exited>) = exits
        .iter()
        .partition(|exited| exited.side == Role::Candidate && exited.during != During::Edges);
    let limits = others.into_iter().map(|exited| reason(exited).text);
    document.limits_of_this_result.extend(limits);
    if of_candidate.is_empty() {
        return;
    }
    let under_load = of_candidate.iter().any(|one| one.during == During::Load);
    if under_load && !is_decided(document) {
        document.verdict = match terms.question {
            Question::Replace => Verdict::Keep,
            Question::NoWorse { .. } => Verdict::Worse,
        };
        document.because.clear();
    }
    let reasons = of_candidate.into_iter().map(reason);
    document.because.splice(0..0, reasons);
}

/// Is there a verdict that the end of the candidate does not change?
fn is_decided(document: &VerdictDocument) -> bool {
    match document.verdict {
        Verdict::NotEquivalent | Verdict::Keep | Verdict::Worse => true,
        Verdict::Replace | Verdict::NoWorse => false,
        Verdict::Inconclusive | Verdict::Invalid => {
            let mut codes = document.because.iter().map(|reason| reason.code.as_str());
            codes.any(|code| EARLIER.contains(&code))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulated::terms;
    use crate::terms::Level;
    use crate::{Evidence, judge};
    use understudy_compare::Rules;

    fn exited(side: Role, during: During) -> Exited {
        Exited {
            side,
            during,
            exit: "exit code 70".to_owned(),
            answered: 17,
            log: vec!["out of luck".to_owned()],
        }
    }

    /// A verdict with a reason of this code, completed by an end.
    fn explained(
        terms: &Terms,
        (verdict, code): (Verdict, &str),
        exits: &[Exited],
    ) -> VerdictDocument {
        let evidence = Evidence::default();
        let mut document = judge(terms, &Rules::default(), &evidence).verdict;
        document.verdict = verdict;
        document.because = vec![Reason {
            code: code.to_owned(),
            text: String::new(),
            figures: BTreeMap::new(),
        }];
        explain(terms, &mut document, exits);
        document
    }

    fn codes(document: &VerdictDocument) -> Vec<&str> {
        let reasons = document.because.iter();
        reasons.map(|reason| reason.code.as_str()).collect()
    }

    #[test]
    fn a_candidate_that_exits_under_load_is_not_what_replaces() {
        let mut terms = terms(Level::Quick, &[100.0], 0.9);
        let under_load = [exited(Role::Candidate, During::Load)];
        for before in [
            (Verdict::Replace, "candidate_holds_slo"),
            (Verdict::Invalid, "gate_steal"),
            (Verdict::Inconclusive, "not_measured"),
        ] {
            let document = explained(&terms, before, &under_load);
            assert_eq!(document.verdict, Verdict::Keep, "{before:?}");
            assert_eq!(codes(&document), ["candidate_exited"], "{before:?}");
        }
        terms.question = Question::NoWorse {
            margin: "5%".parse().unwrap(),
            longest: None,
        };
        let no_worse = (Verdict::NoWorse, "not_worse");
        assert_eq!(
            explained(&terms, no_worse, &under_load).verdict,
            Verdict::Worse
        );
    }

    #[test]
    fn what_an_earlier_rule_decides_stays_and_the_end_is_its_first_reason() {
        let terms = terms(Level::Quick, &[100.0], 0.9);
        let candidate = [exited(Role::Candidate, During::Comparison)];
        let different = (Verdict::NotEquivalent, "answers_differ");
        let document = explained(&terms, different, &candidate);
        assert_eq!(document.verdict, Verdict::NotEquivalent);
        assert_eq!(codes(&document), ["candidate_exited", "answers_differ"]);
        assert_eq!(
            document.because[0].text,
            "the candidate exited while answers were compared, after 17 answers (exit code 70); its last log line: out of luck"
        );
        let under_load = [exited(Role::Candidate, During::Load)];
        for before in [
            (Verdict::Invalid, "gate_out_of_memory"),
            (Verdict::Inconclusive, "exchanges_lost"),
        ] {
            let document = explained(&terms, before, &under_load);
            assert_eq!(document.verdict, before.0);
            assert_eq!(codes(&document), ["candidate_exited", before.1]);
        }
        let tuned = [exited(Role::Tuned, During::Comparison)];
        let document = explained(&terms, (Verdict::Keep, "no_measured_problem"), &tuned);
        assert_eq!(codes(&document), ["no_measured_problem"]);
        let limits = &document.limits_of_this_result;
        assert!(
            limits.iter().any(|limit| limit.contains("exited")),
            "{limits:?}"
        );
    }
}
