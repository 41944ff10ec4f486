//! How the time of a run grows with the size of its case.

use super::{more, table, typeset};
use crate::charts::growth::chart;
use crate::figures::{amount, share, short_time, time};
use crate::{growth, wording};
use maud::{Markup, html};
use understudy_model::growth::{Growth, SideGrowth};
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
                @if let Some(chart) = chart(of, comparison) { (chart) }
                (lines(of, comparison))
                @if let Some(times) = times(of, comparison) { (more("The times", times)) }
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

/// What was measured at each size; nothing where the document does not have it.
fn times(of: &Growth, comparison: &Comparison) -> Option<Markup> {
    let sides = growth::sides(of, comparison);
    if sides.iter().all(|(_, side)| side.times.is_empty()) {
        return None;
    }
    let size = format!("size ({})", of.unit);
    let mut head = vec![size.as_str()];
    let names = sides.map(|(role, _)| format!("{role}, median (95 % interval)"));
    head.extend(names.iter().map(String::as_str));
    let row = |(index, size): (usize, &f64)| {
        let cell = |(_, side): &(_, &SideGrowth)| {
            let found = side.times.get(index);
            found.map_or("-".to_owned(), |found| growth::at_size(*found))
        };
        let mut cells = vec![amount(*size)];
        cells.extend(sides.iter().map(cell));
        cells
    };
    let rows = of.sizes.iter().enumerate().map(row);
    Some(table(
        &format!("Times of {} by size", of.operation),
        &head,
        rows,
    ))
}
