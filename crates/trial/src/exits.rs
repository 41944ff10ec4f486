//! A contender that ended while it was needed: that is a result, and not a failure of the trial.

use crate::config::{Question, TrialConfig};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use understudy_model::Side;
use understudy_model::verdict::{Reason, Verdict, VerdictDocument};
use understudy_probe::Exit;
use understudy_redact::{Redactor, preview};

/// Of the last log lines that are shown: how many, and the bytes of each.
const LINES: usize = 3;
const LONGEST: usize = 160;

/// During which part of the trial a side ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum During {
    /// Answers were compared.
    Comparison,
    /// It was under load.
    Load,
}

impl During {
    /// As the end of a sentence.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            During::Comparison => "while answers were compared",
            During::Load => "under load",
        }
    }
}

/// How a process ended, with its last words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) exit: Exit,
    /// Its last log lines.
    pub(crate) log: Vec<String>,
}

/// A side that ended: a line of `exits.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exited {
    /// Which side.
    pub side: Side,
    /// When.
    pub during: During,
    /// Its exit code, or the signal that ended it.
    pub exit: String,
    /// Requests that it had answered since its start.
    pub answered: u64,
    /// Its last log lines, without secrets.
    pub log: Vec<String>,
}

impl Exited {
    /// What is stored of an end.
    pub(crate) fn new(
        side: Side,
        during: During,
        answered: u64,
        end: &End,
        redactor: &Redactor,
    ) -> Exited {
        let lines = end.log.iter().filter(|line| !line.is_empty());
        let lines: Vec<&String> = lines.collect();
        let last = &lines[lines.len().saturating_sub(LINES)..];
        let shown = |line: &&String| preview(redactor.redact_text(line).as_bytes(), LONGEST);
        Exited {
            side,
            during,
            exit: end.exit.to_string(),
            answered,
            log: last.iter().map(shown).collect(),
        }
    }

    /// As a reason of a verdict.
    fn reason(&self) -> Reason {
        let log = match self.log.as_slice() {
            [] => "it logged nothing".to_owned(),
            [line] => format!("its last log line: {line}"),
            lines => format!("its last log lines: {}", lines.join(" | ")),
        };
        let Exited { exit, answered, .. } = self;
        let answers = match (self.during, *answered) {
            (During::Comparison, 1) => "1 answer".to_owned(),
            (During::Comparison, count) => format!("{count} answers"),
            (During::Load, count) => format!("{count} measured answers"),
        };
        Reason {
            code: "candidate_exited".to_owned(),
            text: format!(
                "the {} exited {}, after {answers} ({exit}); {log}",
                self.side.in_words(),
                self.during.in_words(),
            ),
            figures: BTreeMap::from([("answered".to_owned(), *answered as f64)]),
        }
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
pub fn explain(config: &TrialConfig, document: &mut VerdictDocument, exits: &[Exited]) {
    let (of_candidate, others): (Vec<&Exited>, Vec<&Exited>) = exits
        .iter()
        .partition(|exited| exited.side == Side::Candidate);
    let limits = others.into_iter().map(|exited| exited.reason().text);
    document.limits_of_this_result.extend(limits);
    if of_candidate.is_empty() {
        return;
    }
    let under_load = of_candidate.iter().any(|one| one.during == During::Load);
    if under_load && !is_decided(document) {
        document.verdict = match config.question {
            Question::Replace => Verdict::Keep,
            Question::NoWorse { .. } => Verdict::Worse,
        };
        document.because.clear();
    }
    let reasons = of_candidate.into_iter().map(Exited::reason);
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
    use crate::config::Level;
    use crate::judge::{Evidence, judge};
    use crate::plan::Plan;
    use crate::simulated::config;
    use understudy_compare::Rules;
    use understudy_probe::How;

    fn exited(side: Side, during: During) -> Exited {
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
        config: &TrialConfig,
        (verdict, code): (Verdict, &str),
        exits: &[Exited],
    ) -> VerdictDocument {
        let (plan, evidence) = (Plan::new(config), Evidence::default());
        let mut document = judge(config, &plan, &Rules::default(), &evidence).verdict;
        document.verdict = verdict;
        document.because = vec![Reason {
            code: code.to_owned(),
            text: String::new(),
            figures: BTreeMap::new(),
        }];
        explain(config, &mut document, exits);
        document
    }

    fn codes(document: &VerdictDocument) -> Vec<&str> {
        let reasons = document.because.iter();
        reasons.map(|reason| reason.code.as_str()).collect()
    }

    #[test]
    fn a_candidate_that_exits_under_load_is_not_what_replaces() {
        let mut config = config(Level::Quick, &[100.0], 0.9);
        let under_load = [exited(Side::Candidate, During::Load)];
        for before in [
            (Verdict::Replace, "candidate_holds_slo"),
            (Verdict::Invalid, "gate_steal"),
            (Verdict::Inconclusive, "not_measured"),
        ] {
            let document = explained(&config, before, &under_load);
            assert_eq!(document.verdict, Verdict::Keep, "{before:?}");
            assert_eq!(codes(&document), ["candidate_exited"], "{before:?}");
        }
        config.question = Question::NoWorse {
            margin: "5%".parse().unwrap(),
            longest: None,
        };
        let no_worse = (Verdict::NoWorse, "not_worse");
        assert_eq!(
            explained(&config, no_worse, &under_load).verdict,
            Verdict::Worse
        );
    }

    #[test]
    fn what_an_earlier_rule_decides_stays_and_the_end_is_its_first_reason() {
        let config = config(Level::Quick, &[100.0], 0.9);
        let candidate = [exited(Side::Candidate, During::Comparison)];
        let different = (Verdict::NotEquivalent, "answers_differ");
        let document = explained(&config, different, &candidate);
        assert_eq!(document.verdict, Verdict::NotEquivalent);
        assert_eq!(codes(&document), ["candidate_exited", "answers_differ"]);
        assert_eq!(
            document.because[0].text,
            "the candidate exited while answers were compared, after 17 answers (exit code 70); its last log line: out of luck"
        );
        let under_load = [exited(Side::Candidate, During::Load)];
        for before in [
            (Verdict::Invalid, "gate_out_of_memory"),
            (Verdict::Inconclusive, "exchanges_lost"),
        ] {
            let document = explained(&config, before, &under_load);
            assert_eq!(document.verdict, before.0);
            assert_eq!(codes(&document), ["candidate_exited", before.1]);
        }
        let tuned = [exited(Side::Tuned, During::Comparison)];
        let document = explained(&config, (Verdict::Keep, "no_measured_problem"), &tuned);
        assert_eq!(codes(&document), ["no_measured_problem"]);
        let limits = &document.limits_of_this_result;
        assert!(
            limits.iter().any(|limit| limit.contains("exited")),
            "{limits:?}"
        );
    }

    #[test]
    fn what_is_stored_of_a_log_holds_no_secret() {
        let end = End {
            exit: Exit {
                how: How::Signal(11),
                out_of_memory: false,
            },
            log: ["a", "", "b", "c", "password=hunter2hunter2"]
                .map(str::to_owned)
                .into(),
        };
        let redactor = Redactor::new([1; 16]);
        let exited = Exited::new(Side::Candidate, During::Load, 1, &end, &redactor);
        assert_eq!(exited.exit, "ended by signal 11 (SIGSEGV)");
        assert_eq!(exited.log.len(), LINES);
        assert!(
            exited.log[2].starts_with("password=<redacted"),
            "{:?}",
            exited.log
        );
    }
}
