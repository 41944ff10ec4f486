//! A suite as JUnit XML: a testcase a pair. It fails where the pair makes the suite exit with a code other than 0, and is
//! skipped where the pair was not run.

use super::{overview, reason, sorted, verdict, with_interval};
use crate::junit::{Case, Outcome, whole};
use understudy_model::suite::{SuiteDocument, SuiteRow};

/// The document.
pub fn document(document: &SuiteDocument) -> String {
    let cases = sorted(document).into_iter().map(|row| Case {
        class: format!("understudy.suite.{}", document.name),
        name: row.name.clone(),
        outcome: match row.verdict {
            None => Outcome::Skipped("not run yet".to_owned()),
            Some(verdict) if verdict.is_good() => Outcome::Passed(said(row)),
            Some(_) => Outcome::Failed(said(row)),
        },
    });
    let name = format!("understudy suite {}: {}", document.name, overview(document));
    whole(&name, [("pairs", cases.collect())])
}

fn said(row: &SuiteRow) -> String {
    let mut text = verdict(row).to_owned();
    if let Some(reason) = row.error.as_deref().or_else(|| reason(row)) {
        text += &format!(": {reason}");
    }
    let figures = [
        ("time", &row.time),
        ("CPU", &row.cpu),
        ("memory", &row.memory),
    ];
    for (label, change) in figures {
        if change.is_some() {
            text += &format!("\n{label} {}", with_interval(change.as_ref()));
        }
    }
    text + &format!("\nrun {}", row.run)
}
