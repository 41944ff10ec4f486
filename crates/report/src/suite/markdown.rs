//! The table of a suite in GitHub-flavoured Markdown.

use super::{cases, is_telling, overview, reason, sorted, time_label, verdict, with_interval};
use crate::markdown::{sign, text};
use understudy_model::suite::SuiteDocument;

/// Rows shown: a comment on GitHub holds 65,536 characters.
const ROWS: usize = 150;

/// The pairs, those first that need attention.
pub fn table(document: &SuiteDocument) -> String {
    let mut out = format!(
        "## {}\n\n{}\n\n| | pair | {} (95 % interval) | CPU | memory | cases | |\n|---|---|--:|--:|--:|--:|---|\n",
        text(&document.name),
        text(&overview(document)),
        time_label(document),
    );
    let rows = sorted(document);
    for row in rows.iter().take(ROWS) {
        let verdict = match row.verdict {
            None => text(verdict(row)),
            Some(of) => {
                let sign = of.of_trial().map_or("\u{274c}", sign);
                format!("{sign} {}", text(verdict(row)))
            }
        };
        let changes = [&row.time, &row.cpu, &row.memory].map(|of| with_interval(of.as_ref()));
        let reason = reason(row).filter(|_| is_telling(row)).unwrap_or_default();
        out += &format!(
            "| {verdict} | {} | {} | {} | {} |\n",
            text(&row.name),
            changes.join(" | "),
            cases(row),
            text(reason),
        );
    }
    if rows.len() > ROWS {
        out += &format!("\n{} more pairs in `suite.json`.\n", rows.len() - ROWS);
    }
    out += &format!(
        "\n<sub>Understudy {}, {}</sub>\n",
        text(&document.understudy),
        text(&document.started_at),
    );
    out
}
