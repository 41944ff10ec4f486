//! What two data sets come to: verdict, reasons, document.

use super::explain::{Explained, Explanation};
use super::plan::Plan;
use super::report::{
    CellCluster, CellKind, ColumnCounts, Coverage, DatasetReport, DatasetVerdict, RowCounts,
    SideReport,
};
use super::tally::Tally;
use understudy_stats::binomial;

/// The version of the document.
const VERSION: u32 = 1;

/// What was found by all passes.
#[derive(Debug)]
pub struct Findings<'f> {
    /// How the columns were compared.
    pub plan: &'f Plan,
    /// The columns of the key.
    pub key: Vec<String>,
    /// What each side is.
    pub sides: [SideReport; 2],
    /// The sums of each side.
    pub tallies: [&'f Tally; 2],
    /// What the rows that differ came to. `None`: the sums are equal.
    pub drilled: Option<Drilled>,
    /// What a reader should know of how the sides were read.
    pub notes: Vec<String>,
    /// Could a tolerance have been given?
    pub allows_tolerance: bool,
}

/// What the rows that differ came to.
#[derive(Debug)]
pub struct Drilled {
    /// In what they differ.
    pub explained: Explained,
    /// How many of them were looked at.
    pub coverage: Coverage,
}

/// Makes the result.
pub fn conclude(findings: Findings<'_>) -> DatasetReport {
    let Findings {
        plan,
        key,
        sides: [a, b],
        tallies,
        drilled,
        notes,
        allows_tolerance,
    } = findings;
    let (explanation, coverage) = match drilled {
        Some(Drilled {
            explained,
            mut coverage,
        }) => {
            let explanation = explained.finish();
            coverage.paired_by_likeness = explanation.by_likeness;
            coverage.different_rows_95 = bound(&explanation.counts, &coverage);
            (Some(explanation), Some(coverage))
        }
        None => (None, None),
    };
    let rows = explanation.as_ref().map(|of| of.counts);
    let mut report = DatasetReport {
        version: VERSION,
        verdict: DatasetVerdict::Same,
        reasons: Vec::new(),
        a,
        b,
        key,
        compared: plan
            .columns
            .iter()
            .map(|column| column.name.clone())
            .collect(),
        schema: plan.changes.clone(),
        not_compared: plan.not_compared.clone(),
        rows,
        clusters: Vec::new(),
        only: Vec::new(),
        columns: if rows.is_some() {
            counts(plan, tallies)
        } else {
            Vec::new()
        },
        coverage,
        notes,
    };
    if let Some(Explanation { clusters, only, .. }) = explanation {
        if allows_tolerance {
            report.notes.extend(rounding_hints(&clusters));
        }
        report.notes.extend(hints(plan, &report.columns));
        (report.clusters, report.only) = (clusters, only);
    }
    judge(&mut report, plan);
    report
}

/// The verdict and its reasons.
fn judge(report: &mut DatasetReport, plan: &Plan) {
    let different: Vec<&str> = (report.schema.iter().filter(|change| change.is_difference))
        .map(|change| change.column.as_str())
        .collect();
    let mut reasons = Vec::new();
    if !different.is_empty() {
        reasons.push(format!("the schemas differ in {}", listed(&different)));
    }
    let is_whole = report.coverage.as_ref().is_none_or(Coverage::is_whole);
    match &report.rows {
        Some(rows) if rows.different() > 0 => reasons.push(in_words(rows)),
        Some(_) if !plan.has_tolerance() => {
            reasons
                .push("the sums of the rows differ; no row that differs was examined".to_owned());
        }
        _ => {}
    }
    if !reasons.is_empty() {
        report.verdict = DatasetVerdict::Different;
        report.reasons = reasons;
        return;
    }
    if !is_whole {
        reasons.push("some rows did not fit into memory and were not compared".to_owned());
    }
    if !report.not_compared.is_empty() {
        let names: Vec<&str> = report
            .not_compared
            .iter()
            .map(|one| one.column.as_str())
            .collect();
        reasons.push(format!("{} not compared", listed(&names)));
    }
    if plan.columns.is_empty() {
        reasons.push("no column was compared".to_owned());
    }
    if !reasons.is_empty() {
        report.verdict = DatasetVerdict::Inconclusive;
        report.reasons = reasons;
        return;
    }
    report.reasons = vec![match report.rows {
        None => "both sides have the same rows, each as often".to_owned(),
        Some(rows) => {
            let count = rows.within_tolerance;
            format!(
                "both sides have the same rows; in {count} of them numbers are apart within the tolerance"
            )
        }
    }];
}

impl Coverage {
    /// Was all that differs examined?
    pub fn is_whole(&self) -> bool {
        self.parts_examined == self.parts_different
    }
}

fn listed(names: &[&str]) -> String {
    const MOST: usize = 4;
    let shown: Vec<String> = names
        .iter()
        .take(MOST)
        .map(|name| format!("`{name}`"))
        .collect();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn in_words(rows: &RowCounts) -> String {
    let counted = [
        (rows.changed, "changed"),
        (rows.only_a, "only in A"),
        (rows.only_b, "only in B"),
        (rows.more_in_a, "more often in A"),
        (rows.more_in_b, "more often in B"),
    ];
    let named: Vec<String> = counted
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    format!("rows differ: {}", named.join(", "))
}

/// How many rows of both sides differ where only some were examined. A bucket is a random sample of the keys, so the
/// share in those examined bounds that in all. What is drawn is a key, and a key usually has a row on each side: as many
/// rows are half as many observations.
fn bound(counts: &RowCounts, coverage: &Coverage) -> Option<[u64; 2]> {
    if coverage.is_whole() || coverage.rows_examined == 0 {
        return None;
    }
    let different = counts.different() + counts.changed;
    let keys = (coverage.rows_examined / 2).max(1);
    let interval = binomial::interval((different / 2).min(keys), keys)?;
    let of = |share: f64| (share * coverage.rows_in_parts as f64).round() as u64;
    Some([of(interval.low).max(different), of(interval.high)])
}

/// The columns whose cells differ as a whole.
fn counts(plan: &Plan, [a, b]: [&Tally; 2]) -> Vec<ColumnCounts> {
    let both = plan.columns.iter().zip(a.columns.iter().zip(&b.columns));
    both.filter(|(_, (a, b))| a.sum != b.sum || a.nulls != b.nulls)
        .map(|(column, (a, b))| ColumnCounts {
            column: column.name.clone(),
            nulls: [a.nulls, b.nulls],
            nans: [a.nans, b.nans],
            empty: [a.empty, b.empty],
        })
        .collect()
}

/// Which differences a tolerance would excuse.
fn rounding_hints(clusters: &[CellCluster]) -> Vec<String> {
    /// Sums of floats in another order differ by less.
    const ROUNDING: f64 = 1e-9;
    let mut hints = Vec::new();
    for cluster in clusters {
        let column = &cluster.column;
        if cluster.kind == CellKind::Number
            && cluster.largest_relative.is_some_and(|of| of <= ROUNDING)
        {
            hints.push(format!(
                "`{column}` differs by at most 1e-9 of its value, as sums in another order do: \
                 `--relative {column}=1e-9` excuses it"
            ));
        }
    }
    hints
}

/// What may be done about a kind of difference.
fn hints(plan: &Plan, columns: &[ColumnCounts]) -> Vec<String> {
    let mut hints = Vec::new();
    // Nulls of one side are as many more as empty texts of the other.
    let confused = |of: &&ColumnCounts| {
        let [nulls_a, nulls_b] = of.nulls;
        let [empty_a, empty_b] = of.empty;
        nulls_a != nulls_b && nulls_a.abs_diff(nulls_b) == empty_a.abs_diff(empty_b)
    };
    if let Some(column) = columns.iter().find(confused) {
        hints.push(format!(
            "`{}` is null on one side where it is \"\" on the other; for CSV, `--null ''` reads an empty field as null",
            column.column
        ));
    }
    if !plan.has_key() {
        hints.push("no key: `--key COLUMN` pairs the rows by what identifies them".to_owned());
    }
    hints
}
