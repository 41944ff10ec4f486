//! The result of `understudy dataset` on a terminal: the answer first, and all that matters on one screen.

use std::fmt::Write;
use understudy_compare::dataset::{
    CellCluster, CellExample, Coverage, DatasetReport, DatasetVerdict, NamedValue, RowExample,
    SchemaChange, SchemaChangeKind, SideReport,
};
use understudy_report::figures::{count, memory};

/// How many lines of a kind are shown; the document has all.
const CLUSTERS: usize = 6;
const CHANGES: usize = 4;
const ROWS: usize = 3;
/// Where what follows a label begins.
const LABEL: usize = 14;

/// The whole screen.
pub(super) fn text(report: &DatasetReport) -> String {
    let mut out = String::new();
    let word = match report.verdict {
        DatasetVerdict::Same => "SAME",
        DatasetVerdict::Different => "DIFFERENT",
        DatasetVerdict::Inconclusive => "INCONCLUSIVE",
    };
    line(
        &mut out,
        &format!("{word}  {} {}", report.a.path, report.b.path),
    );
    for reason in &report.reasons {
        line(&mut out, &format!("  because {reason}"));
    }
    line(&mut out, "");
    labelled(&mut out, "A", &side(&report.a));
    labelled(&mut out, "B", &side(&report.b));
    let compared = report.compared.len();
    let key = match report.key.as_slice() {
        [] => String::new(),
        key => format!(", by key {}", key.join(", ")),
    };
    labelled(&mut out, "compared", &format!("{}{key}", columns(compared)));
    let first = report.not_compared.iter().take(CHANGES);
    for one in first {
        labelled(
            &mut out,
            "not compared",
            &format!("{}: {}", one.column, one.why),
        );
    }
    rest(
        &mut out,
        report.not_compared.len(),
        CHANGES,
        "columns that are not compared",
    );
    schema(&mut out, &report.schema);
    clusters(&mut out, &report.clusters);
    for row in report.only.iter().take(ROWS) {
        labelled(&mut out, "row", &one_side(row));
    }
    rest(&mut out, report.only.len(), ROWS, "rows in --json");
    if report.clusters.is_empty() {
        for one in report.columns.iter().take(CHANGES) {
            let nulls = format!(
                "{}: {} and {} nulls",
                one.column,
                count(one.nulls[0]),
                count(one.nulls[1])
            );
            labelled(&mut out, "values differ", &nulls);
        }
        rest(
            &mut out,
            report.columns.len(),
            CHANGES,
            "columns whose values differ",
        );
    }
    if let Some(coverage) = &report.coverage {
        covered(&mut out, coverage);
    }
    for note in &report.notes {
        labelled(&mut out, "note", note);
    }
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

fn labelled(out: &mut String, label: &str, text: &str) {
    line(out, &format!("{label:<LABEL$}{text}"));
}

/// What is not shown is counted.
fn rest(out: &mut String, all: usize, shown: usize, what: &str) {
    if all > shown {
        labelled(out, "", &format!("and {} more {what}", all - shown));
    }
}

fn columns(number: usize) -> String {
    match number {
        1 => "1 column".to_owned(),
        number => format!("{} columns", count(number as u64)),
    }
}

fn side(side: &SideReport) -> String {
    if side.files == 0 {
        let engine = side.formats.join(" and ");
        return format!("{} rows, read by {engine}", count(side.rows));
    }
    let files = match side.files {
        1 => "1 file".to_owned(),
        files => format!("{} files", count(files)),
    };
    format!(
        "{} rows, {files}, {}, {}",
        count(side.rows),
        side.formats.join(" and "),
        memory(side.bytes as f64)
    )
}

fn schema(out: &mut String, changes: &[SchemaChange]) {
    // Writers say of all columns or of none that they hold no nulls: as notes they are one line.
    let is_small = |change: &&SchemaChange| {
        change.kind == SchemaChangeKind::Nullability && !change.is_difference
    };
    let small = changes.iter().filter(is_small).count();
    let mut sorted: Vec<&SchemaChange> = changes.iter().filter(|one| !is_small(one)).collect();
    sorted.sort_by_key(|change| !change.is_difference);
    for change in sorted.iter().take(CHANGES) {
        let (a, b) = (
            change.a.as_deref().unwrap_or(""),
            change.b.as_deref().unwrap_or(""),
        );
        let what = match change.kind {
            SchemaChangeKind::OnlyA => format!("{a}, only in A"),
            SchemaChangeKind::OnlyB => format!("{b}, only in B"),
            SchemaChangeKind::Widened => format!("{a} -> {b}, wider"),
            SchemaChangeKind::Narrowed => format!("{a} -> {b}, narrower"),
            SchemaChangeKind::Retyped => format!("{a} -> {b}, another type"),
            SchemaChangeKind::Unit => format!("{a} -> {b}, another unit"),
            SchemaChangeKind::Nullability => format!("{a} -> {b}"),
            SchemaChangeKind::Order => "at another place".to_owned(),
        };
        let note = if change.is_difference {
            ""
        } else {
            " (a note)"
        };
        labelled(out, "schema", &format!("{}: {what}{note}", change.column));
    }
    rest(out, sorted.len(), CHANGES, "changes of the schema");
    if small > 0 {
        let text = format!("{} nullable on one side only (a note)", columns(small));
        labelled(out, "schema", &text);
    }
}

fn clusters(out: &mut String, clusters: &[CellCluster]) {
    let width = clusters
        .iter()
        .take(CLUSTERS)
        .map(|one| one.column.chars().count())
        .max();
    for cluster in clusters.iter().take(CLUSTERS) {
        let size = match (cluster.largest_absolute, cluster.largest_relative) {
            (Some(gap), Some(share)) => format!(" (by up to {gap:.3e}, {share:.1e} of it)"),
            (Some(gap), None) => format!(" (by up to {gap:.3e})"),
            _ => String::new(),
        };
        let text = format!(
            "{:<width$}  {:>9} x {}{size}",
            cluster.column,
            count(cluster.cells),
            cluster.kind.in_words(),
            width = width.unwrap_or(0),
        );
        labelled(out, "cells", &text);
        if let Some(example) = cluster.examples.first() {
            labelled(out, "", &format!("  {}", changed(example)));
        }
    }
    rest(out, clusters.len(), CLUSTERS, "kinds of different cells");
}

fn changed(example: &CellExample) -> String {
    let mut text = named(&example.row);
    let _ = write!(text, ": {} -> {}", example.a, example.b);
    text
}

fn named(row: &[NamedValue]) -> String {
    let all: Vec<String> = row
        .iter()
        .take(4)
        .map(|of| format!("{}={}", of.column, of.value))
        .collect();
    all.join(" ")
}

fn one_side(row: &RowExample) -> String {
    let where_ = match (row.copies_in_a, row.copies_in_b) {
        (_, 0) => "only in A".to_owned(),
        (0, _) => "only in B".to_owned(),
        (a, b) => format!("{a} x in A, {b} x in B"),
    };
    format!("{where_}: {}", named(&row.row))
}

fn covered(out: &mut String, coverage: &Coverage) {
    if coverage.paired_by_likeness {
        labelled(
            out,
            "paired",
            "by the cells that are equal: a guess, as there is no key",
        );
    }
    if coverage.is_whole() {
        return;
    }
    let share = 100.0 * coverage.rows_examined as f64 / coverage.rows_in_parts.max(1) as f64;
    labelled(
        out,
        "examined",
        &format!(
            "a random {share:.2} % of the rows that may differ; counts are of these; `--full` examines all"
        ),
    );
    if let Some([low, high]) = coverage.different_rows_95 {
        let range = format!(
            "{} to {} rows of both sides differ (95 % interval)",
            count(low),
            count(high)
        );
        labelled(out, "estimated", &range);
    }
}
