//! The table of a suite for a terminal: 80 columns, a line a pair, and one for the reason where there is one to know.

use super::{
    cases, is_telling, marked, overview, reason, sorted, time_label, verdict, with_interval,
};
use crate::page::{Page, Style};
use crate::wording;
use understudy_model::suite::{PairVerdict, SuiteDocument, SuiteRow};

/// Columns of the table.
const WIDTH: usize = 80;
/// Characters of a name.
const NAME: usize = 14;
/// Where a reason begins.
const INDENT: usize = 2;

/// The pairs, those first that need attention, and what the signs mean.
pub fn table(document: &SuiteDocument, style: Style) -> String {
    let width = style.width.unwrap_or(WIDTH).min(WIDTH);
    let mut page = Page::new(Style {
        width: Some(width),
        ..style
    });
    page.line(2, &format!("{}: {}", document.name, overview(document)));
    page.empty();
    let is_narrow = width < WIDTH;
    if !is_narrow {
        let time = format!("{} (95 % interval)", time_label(document));
        page.text += &columns(["verdict", "pair", &time, "CPU", "memory", "cases"]);
    }
    for row in sorted(document) {
        let start = page.text.len();
        match is_narrow {
            true => narrow(&mut page, row),
            false => {
                page.text += &columns([
                    verdict(row),
                    &cut(&row.name, NAME),
                    &with_interval(row.time.as_ref()),
                    &marked(row.cpu.as_ref()),
                    &marked(row.memory.as_ref()),
                    &cases(row),
                ])
            }
        }
        if style.colour {
            let word = verdict(row);
            let coloured = format!("\u{1b}[{}m{word}\u{1b}[0m", colour(row.verdict));
            page.text
                .replace_range(start..start + word.len(), &coloured);
        }
        if let Some(reason) = reason(row).filter(|_| is_telling(row)) {
            let indent = " ".repeat(INDENT);
            page.line(INDENT, &format!("{indent}{}", cut(reason, WIDTH - INDENT)));
        }
    }
    let rows = &document.pairs;
    let mut marks = rows.iter().flat_map(|row| [&row.cpu, &row.memory]);
    if marks.any(|change| marked(change.as_ref()).ends_with('?')) {
        page.empty();
        page.line(2, "? not significant: the 95 % interval includes 0");
    }
    page.text
}

/// One line; what is longer than its column moves the others.
fn columns([verdict, name, time, cpu, memory, cases]: [&str; 6]) -> String {
    format!("{verdict:<14} {name:<NAME$} {time:<25} {cpu:>8} {memory:>8} {cases:>6}\n")
}

/// The same below each other.
fn narrow(page: &mut Page, row: &SuiteRow) {
    page.line(INDENT, &format!("{}  {}", verdict(row), row.name));
    if row.compared == 0 {
        return;
    }
    let figures = [
        ("time", with_interval(row.time.as_ref())),
        ("CPU", marked(row.cpu.as_ref())),
        ("memory", marked(row.memory.as_ref())),
        ("cases", cases(row)),
    ];
    let figures = figures.map(|(label, figure)| format!("{label} {figure}"));
    page.line(INDENT, &format!("  {}", figures.join(", ")));
}

/// As many characters as there is room for, on one line.
fn cut(text: &str, most: usize) -> String {
    let text = wording::one_line(text);
    match text.chars().count() {
        length if length > most => {
            let kept: String = text.chars().take(most - 1).collect();
            kept + "\u{2026}"
        }
        _ => text,
    }
}

/// The code of a verdict's colour (ECMA-48 SGR).
fn colour(verdict: Option<PairVerdict>) -> &'static str {
    match verdict {
        None => "2",
        Some(verdict) => verdict.of_trial().map_or("1;31", crate::terminal::colour),
    }
}
