//! How the time of a run grows with the size of its case.

use super::{table, typeset};
use crate::figures::{share, short_time, time};
use crate::{growth, wording};
use maud::{Markup, html};
use understudy_model::growth::Growth;
use understudy_model::verdict::{Comparison, VerdictDocument};

/// The section; nothing where no operation has cases of two sizes.
pub(super) fn section(document: &VerdictDocument) -> Option<Markup> {
    let comparisons = document.comparisons.iter();
    let with_growth: Vec<&Comparison> = comparisons
        .filter(|comparison| !comparison.growth.is_empty())
        .collect();
    if with_growth.is_empty() {
        return None;
    }
    Some(html! {
        p class="lead" {
            "The time of a run is a fixed time and a time for each unit of its size: a line through the mean times of the sizes, for each measurement by itself. The throughput is what is left when the fixed time is spread over a large size."
        }
        @for comparison in with_growth {
            @for of in &comparison.growth {
                h3 { (of.operation) @if document.comparisons.len() > 1 { ": " (comparison.contender) " against " (comparison.baseline) } }
                p {
                    "Time per unit: " (typeset(&growth::change_per_unit(of))) ", by " (growth::sizes(of)) " in " (of.pairs) " pairs of measurements."
                }
                (lines(of, comparison))
            }
        }
    })
}

fn lines(of: &Growth, comparison: &Comparison) -> Markup {
    let sides = growth::sides(of, comparison);
    let deadlines = growth::deadlines(of, comparison);
    let unit = format!("time per unit ({})", of.unit);
    let mut head = vec![
        "side",
        "fixed time (95 % interval)",
        &unit,
        "throughput",
        "largest error of the line",
    ];
    head.extend(deadlines.iter().map(|(deadline, _)| &**deadline));
    let rows = sides.map(|(role, side)| {
        let mut cells = vec![role.to_string()];
        match &side.line {
            Some(line) => cells.extend([
                wording::with_interval(Some(line.fixed_us), time),
                wording::with_interval(Some(line.us_per_unit), short_time),
                growth::throughput(of, side),
            ]),
            None => cells.extend([
                format!("no line: {}", growth::no_line(side)),
                "-".to_owned(),
                "-".to_owned(),
            ]),
        }
        let error = side.worst_error.map(share);
        cells.push(error.unwrap_or_else(|| "- (two sizes)".to_owned()));
        if let Some((_, sides)) = &deadlines {
            let mut sides = sides.iter();
            let of_side = sides.find(|(of, _)| *of == role);
            cells.push(of_side.map_or("-".to_owned(), |(_, text)| text.clone()));
        }
        cells
    });
    table(&format!("Time by size of {}", of.operation), &head, rows)
}
