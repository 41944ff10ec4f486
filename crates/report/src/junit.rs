//! The verdict as JUnit XML, which GitHub, GitLab and Jenkins show as tests.
//!
//! One suite each for the gates, the answers, edge requests, the objectives, the goals and the verdict. A testcase
//! fails where the candidate fails; what is not decided is skipped. The verdict's own testcase fails
//! where `understudy judge` does not exit with 0.

use crate::{against_itself, edges, wording};
use std::fmt::Write;
use understudy_model::edges::{EdgeCluster, Edges};
use understudy_model::verdict::{
    Cluster, Comparison, Estimate, Gate, GoalResult, Held, SloResult, Verdict, VerdictDocument,
};
use understudy_model::{Pacing, Role};

/// One testcase.
pub(crate) struct Case {
    pub(crate) class: String,
    pub(crate) name: String,
    pub(crate) outcome: Outcome,
}

/// How a testcase ended.
pub(crate) enum Outcome {
    /// With what is said about it.
    Passed(String),
    Failed(String),
    Skipped(String),
}

/// The document.
pub fn document(document: &VerdictDocument) -> String {
    let suites = [
        (
            "gates",
            document.gates.iter().map(|of| gate(document, of)).collect(),
        ),
        (
            "equivalence",
            // What the tuned incumbent answers is not a fault of the candidate.
            wording::of_contender(document, Role::Candidate)
                .into_iter()
                .flat_map(|comparison| equivalence(document.method.pacing, comparison))
                .collect(),
        ),
        (
            "edges",
            wording::of_contender(document, Role::Candidate)
                .and_then(|comparison| comparison.edges.as_ref())
                .map_or_else(Vec::new, edge_requests),
        ),
        (
            "objectives",
            wording::objectives(document).map(objective).collect(),
        ),
        ("goals", document.goals.iter().map(goal).collect()),
        ("verdict", vec![verdict(document)]),
    ];
    whole(&format!("understudy {}", document.name), suites)
}

/// A document of these suites.
pub(crate) fn whole<'a>(
    title: &str,
    suites: impl IntoIterator<Item = (&'a str, Vec<Case>)>,
) -> String {
    let mut body = String::new();
    let mut all = [0; 3];
    for (name, cases) in suites {
        let counts = suite(&mut body, name, &cases);
        for (sum, count) in all.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{}\" {}>\n{body}</testsuites>\n",
        escaped(title),
        counted(all),
    )
}

/// Writes a suite; nothing where it has no case. Returns tests, failures and skipped.
fn suite(out: &mut String, name: &str, cases: &[Case]) -> [usize; 3] {
    let failed = cases
        .iter()
        .filter(|c| matches!(c.outcome, Outcome::Failed(_)));
    let skipped = cases
        .iter()
        .filter(|c| matches!(c.outcome, Outcome::Skipped(_)));
    let counts = [cases.len(), failed.count(), skipped.count()];
    if cases.is_empty() {
        return counts;
    }
    // Writing to a string cannot fail.
    let _ = writeln!(out, "  <testsuite name=\"{name}\" {}>", counted(counts));
    for case in cases {
        let _ = writeln!(
            out,
            "    <testcase classname=\"{}\" name=\"{}\" time=\"0\">",
            escaped(&case.class),
            escaped(&case.name),
        );
        let _ = match &case.outcome {
            Outcome::Passed(text) => {
                writeln!(out, "      <system-out>{}</system-out>", escaped(text))
            }
            Outcome::Failed(text) => writeln!(
                out,
                "      <failure message=\"{}\" type=\"{name}\">{}</failure>",
                escaped(first_line(text)),
                escaped(text)
            ),
            Outcome::Skipped(text) => {
                writeln!(out, "      <skipped message=\"{}\"/>", escaped(text))
            }
        };
        *out += "    </testcase>\n";
    }
    *out += "  </testsuite>\n";
    counts
}

fn counted([tests, failures, skipped]: [usize; 3]) -> String {
    format!(
        "tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\" time=\"0\""
    )
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn gate(document: &VerdictDocument, gate: &Gate) -> Case {
    let text = against_itself::gate_text(document, gate);
    Case {
        class: "understudy.gates".to_owned(),
        name: format!("{} at {}", gate.code, gate.at),
        outcome: match gate.passed {
            true => Outcome::Passed(text),
            false => Outcome::Failed(text),
        },
    }
}

/// The ledger, and one testcase a cluster.
fn equivalence(pacing: Pacing, comparison: &Comparison) -> Vec<Case> {
    let e = &comparison.equivalence;
    let said = format!("{}; {}", wording::ledger(e), wording::mismatch(pacing, e));
    let ledger = Case {
        class: "understudy.equivalence".to_owned(),
        name: format!(
            "answers of the {} are those of the {}",
            comparison.contender, comparison.baseline
        ),
        outcome: match (e.different, e.compared) {
            (0, 0) => Outcome::Skipped("nothing was compared".to_owned()),
            (0, _) => Outcome::Passed(said),
            _ => Outcome::Failed(said),
        },
    };
    std::iter::once(ledger)
        .chain(e.clusters.iter().map(cluster))
        .collect()
}

fn cluster(cluster: &Cluster) -> Case {
    let mut text = format!("{}: {}", wording::place(cluster), wording::seen(cluster));
    for example in &cluster.examples {
        text += &format!(
            "\n\n{}\nincumbent: {}\ncandidate: {}",
            example.path,
            wording::value(&example.baseline),
            wording::value(&example.contender)
        );
    }
    if !cluster.reproduce.is_empty() {
        text += &format!("\n\n{}", cluster.reproduce);
    }
    Case {
        class: format!("understudy.equivalence.{}", cluster.operation),
        name: format!("{} at {}", cluster.kind, cluster.path),
        outcome: Outcome::Failed(text),
    }
}

/// A testcase for each class that differs; it fails where that makes the candidate not equivalent.
fn edge_requests(of: &Edges) -> Vec<Case> {
    let outcome = |text: String, differs: bool| match (differs, of.required) {
        (false, _) => Outcome::Passed(text),
        (true, true) => Outcome::Failed(text),
        (true, false) => Outcome::Skipped(text),
    };
    let ledger = Case {
        class: "understudy.edges".to_owned(),
        name: "edge requests are answered alike".to_owned(),
        outcome: match of.compared {
            0 => Outcome::Skipped("nothing was compared".to_owned()),
            _ => outcome(edges::ledger(of), of.different > 0),
        },
    };
    let class = |cluster: &EdgeCluster| Case {
        class: "understudy.edges".to_owned(),
        name: cluster.title.clone(),
        outcome: outcome(
            format!("{}. {}", edges::sentence(cluster), cluster.breaks),
            true,
        ),
    };
    std::iter::once(ledger)
        .chain(of.clusters.iter().map(class))
        .collect()
}

fn objective(objective: wording::Objective<'_>) -> Case {
    let incumbent = objective.incumbent;
    let side = |slo: &SloResult| {
        let show = |value| wording::objective_value(slo, value);
        format!(
            "the {} {}: {}",
            slo.side,
            wording::objective_held(slo.held),
            wording::with_interval(slo.value, show)
        )
    };
    let candidate = objective.candidate.map(|slo| (slo.held, side(slo)));
    let said = |text: String| format!("{text}; {}", side(incumbent));
    Case {
        class: "understudy.objectives".to_owned(),
        name: format!("{} {}", incumbent.slo, wording::at(incumbent.rate_rps)),
        outcome: match candidate {
            Some((held, text)) => outcome(held, said(text)),
            None => Outcome::Skipped("the candidate was not measured".to_owned()),
        },
    }
}

fn goal(goal: &GoalResult) -> Case {
    let bound = Estimate {
        estimate: Some(goal.bound),
        low: None,
        high: None,
    };
    let asked = wording::estimate(Some(bound), crate::figures::change);
    Case {
        class: "understudy.goals".to_owned(),
        name: goal.goal.clone(),
        outcome: outcome(
            goal.held,
            format!("{}; asked for at most {asked}", wording::goal(goal)),
        ),
    }
}

fn outcome(held: Held, text: String) -> Outcome {
    match held {
        Held::Holds => Outcome::Passed(text),
        Held::Misses => Outcome::Failed(text),
        Held::Undecided | Held::NotJudged | Held::Refused => Outcome::Skipped(text),
    }
}

fn verdict(document: &VerdictDocument) -> Case {
    let reasons = document.because.iter().map(|reason| reason.text.as_str());
    let text = format!(
        "{}: {}",
        wording::headline(document.verdict),
        reasons.collect::<Vec<_>>().join("\n")
    );
    Case {
        class: "understudy.verdict".to_owned(),
        name: document.name.clone(),
        outcome: match document.verdict {
            Verdict::Replace | Verdict::NoWorse => Outcome::Passed(text),
            Verdict::Invalid
            | Verdict::NotEquivalent
            | Verdict::Inconclusive
            | Verdict::Keep
            | Verdict::Worse => Outcome::Failed(text),
        },
    }
}

/// Text for an element or an attribute. What XML 1.0 cannot hold is made visible; line breaks in
/// attributes would be read as blanks, and stay as they are in elements.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in wording::visible(text).chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&apos;",
            c => out.push(c),
        }
    }
    out
}
