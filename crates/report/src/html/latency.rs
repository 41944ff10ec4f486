//! Latency by quantile and over time.

use super::{blocks, more, no_series, rates, table, tabs};
use crate::charts::percentiles::{self, Bound};
use crate::charts::timeline::{Axis, Panel, Slots, Values, clock};
use crate::figures::{count, quantile, rate, time};
use crate::{warm_up, wording};
use maud::{Markup, html};
use understudy_model::series::{
    BlockSeries, CurvePoint, LatencyPoint, PercentileCurve, SeriesDocument,
};
use understudy_model::verdict::{Figure, SloResult, VerdictDocument};
use understudy_model::{Pacing, Role};

/// Most points of one panel, over all measurements of a rate.
const MOST_POINTS: usize = 900;
/// Quantiles of the table behind the curves.
const TABLED: [f64; 7] = [0.5, 0.75, 0.9, 0.99, 0.999, 0.9999, 0.99999];

pub(super) fn section(document: &VerdictDocument, series: Option<&SeriesDocument>) -> Markup {
    let Some(series) = series.filter(|s| !s.curves.is_empty() || !s.blocks.is_empty()) else {
        return no_series(document, series.is_some());
    };
    let panels = rates(series).into_iter().map(|rate_rps| {
        let curves: Vec<_> = series
            .curves
            .iter()
            .filter(|c| c.rate_rps == rate_rps)
            .collect();
        let panel = html! {
            (by_quantile(document, rate_rps, &curves))
            (over_time(Pacing::Offered, &blocks(series, rate_rps)))
        };
        (rate(rate_rps), panel)
    });
    html! {
        p class="lead" {
            "Latency counts from the time a request was due, whatever the generator or the service was doing then. "
            "Everything here describes; what decides is judged measurement by measurement further below."
        }
        (tabs("latency-rate", panels.collect()))
        @if !document.warm_up.is_empty() {
            h3 { "How do they start?" }
            ul { @for side in &document.warm_up { li { (warm_up::sentence(side)) } } }
            p class="note" { "Time to ready counts from the launch. A side is steady from the last change of its median latency on (changepoints of level and spread), unless that is in the last quarter of its first load." }
        }
    }
}

/// The runs of commands, in the order in which they were made.
pub(super) fn runs(document: &VerdictDocument, series: Option<&SeriesDocument>) -> Markup {
    let Some(series) = series.filter(|series| !series.blocks.is_empty()) else {
        return no_series(document, series.is_some());
    };
    html! {
        p class="lead" {
            "The sides took turns, one run after the other, so what changes slowly on the machine meets both alike. "
            "This describes; what decides is judged pair by pair in the effects."
        }
        (over_time(Pacing::Serial, &blocks(series, Pacing::NO_RATE)))
    }
}

fn by_quantile(document: &VerdictDocument, rate_rps: f64, curves: &[&PercentileCurve]) -> Markup {
    let here = document
        .slo
        .iter()
        .filter(|slo| slo.side == Role::Incumbent && slo.rate_rps == rate_rps);
    let bound = |slo: &SloResult| match &slo.about {
        Figure::Latency(of) if of.operation == "*" => Some(Bound {
            us: slo.bound,
            text: slo.slo.clone(),
            quantile: Some(of.quantile),
        }),
        _ => None,
    };
    let bounds: Vec<Bound> = here.filter_map(bound).collect();
    let Some(chart) = percentiles::chart(curves, &bounds) else {
        return html! { p class="absent" { "No request was answered." } };
    };
    let requests: Vec<String> = curves
        .iter()
        .map(|c| {
            format!(
                "{}: {} requests in {} measurements, {} never answered",
                c.side,
                count(c.requests),
                c.blocks,
                count(c.unanswered)
            )
        })
        .collect();
    html! {
        figure {
            figcaption {
                h3 { "How slow are the slowest?" }
                p { "Each step to the right leaves a tenth of the requests: at p99 one of a hundred is slower than the curve, at p99.9 one of a thousand. Further down is better." }
            }
            (chart)
            p class="note" { (requests.join("; ")) "." }
            (more("The curve in figures", quantile_table(curves)))
        }
    }
}

fn quantile_table(curves: &[&PercentileCurve]) -> Markup {
    let head: Vec<String> = curves
        .iter()
        .flat_map(|c| {
            [
                c.side.to_string(),
                "lowest to highest measurement".to_owned(),
            ]
        })
        .collect();
    let head: Vec<&str> = std::iter::once("quantile")
        .chain(head.iter().map(String::as_str))
        .collect();
    let rows = TABLED.iter().filter_map(|q| {
        let points: Vec<Option<&CurvePoint>> = curves
            .iter()
            .map(|c| percentiles::at(&c.points, *q))
            .collect();
        points.iter().any(Option::is_some).then(|| {
            let cells = points.into_iter().flat_map(cells_of);
            std::iter::once(quantile(*q)).chain(cells).collect()
        })
    });
    table(
        "Latency by quantile, all measurements together",
        &head,
        rows,
    )
}

fn cells_of(point: Option<&CurvePoint>) -> [String; 2] {
    let Some(point) = point else {
        return ["too few requests".to_owned(), "-".to_owned()];
    };
    let range = point.lowest_us.zip(point.highest_us);
    [
        wording::or_infinite(point.latency_us, time),
        range.map_or("-".to_owned(), |(low, high)| {
            format!("{} to {}", time(low), time(high))
        }),
    ]
}

fn over_time(pacing: Pacing, blocks: &[&BlockSeries]) -> Markup {
    let slots = Slots::new(blocks);
    let most = match pacing {
        Pacing::Offered => (MOST_POINTS / blocks.len().max(1)).max(1),
        // Of other cases each, its runs are no course.
        Pacing::Serial => 1,
    };
    let merged: Vec<Vec<LatencyPoint>> = blocks.iter().map(|b| merge(&b.latency, most)).collect();
    let merges = pacing == Pacing::Offered && blocks.iter().any(|block| block.latency.len() > most);
    let panel = |title: &str, of: fn(&LatencyPoint) -> Option<f64>| {
        let values: Vec<Values> = merged
            .iter()
            .map(|points| {
                points
                    .iter()
                    .filter_map(|p| Some((p.at_s, of(p)?)))
                    .collect()
            })
            .collect();
        let panel = Panel {
            title,
            show: time,
            axis: Axis::Log,
            class: "middle",
        };
        slots.panel(&panel, &values)
    };
    let panels = match pacing {
        Pacing::Offered => [
            panel("p99", |p| p.p99_us),
            panel("p50", |p| p.p50_us),
            panel("Highest", |p| p.max_us),
            panel("Longest pause of the runtime", |p| p.longest_pause_us),
        ],
        // A measurement is one run, or a few: it has a middle and an end.
        Pacing::Serial => [
            panel("Wall time, the mean run of each measurement", |p| p.mean_us),
            panel("Wall time, the longest run of each", |p| p.max_us),
            None,
            None,
        ],
    };
    if panels.iter().all(Option::is_none) {
        return html! {};
    }
    html! {
        figure {
            figcaption {
                h3 { "Is it steady?" }
                p {
                    "The measurements in the order in which they were made, side after side; below is the time since the first one. "
                    @if merges { "A point stands for several windows: the mean of their p50, the highest of their p99 and of their highest." }
                }
            }
            (slots.legend())
            @for panel in panels.into_iter().flatten() { (panel) }
            (more("Each measurement in figures", block_table(blocks)))
        }
    }
}

/// At most so many points, each of equally many windows.
fn merge(points: &[LatencyPoint], most: usize) -> Vec<LatencyPoint> {
    let each = points.len().div_ceil(most).max(1);
    points.chunks(each).map(merged).collect()
}

fn merged(chunk: &[LatencyPoint]) -> LatencyPoint {
    let highest =
        |of: fn(&LatencyPoint) -> Option<f64>| chunk.iter().filter_map(of).reduce(f64::max);
    let mean = |of: fn(&LatencyPoint) -> Option<f64>| {
        let each = chunk.iter().filter_map(|p| {
            let answered = p.requests.saturating_sub(p.unanswered);
            Some((of(p)?, answered as f64))
        });
        let (sum, weight) = each.fold((0.0, 0.0), |(sum, all), (us, n)| (sum + us * n, all + n));
        (weight > 0.0).then(|| sum / weight)
    };
    LatencyPoint {
        at_s: chunk.iter().map(|p| p.at_s).sum::<f64>() / chunk.len() as f64,
        requests: chunk.iter().map(|p| p.requests).sum(),
        unanswered: chunk.iter().map(|p| p.unanswered).sum(),
        mean_us: mean(|p| p.mean_us),
        p50_us: mean(|p| p.p50_us),
        p99_us: highest(|p| p.p99_us),
        max_us: highest(|p| p.max_us),
        longest_pause_us: highest(|p| p.longest_pause_us),
    }
}

fn block_table(blocks: &[&BlockSeries]) -> Markup {
    let head = [
        "measurement",
        "began at",
        "requests",
        "never answered",
        "p50 of its windows",
        "p99 of its windows",
        "highest",
    ];
    let rows = blocks.iter().map(|block| {
        let range = |of: fn(&LatencyPoint) -> Option<f64>| {
            let values = || block.latency.iter().filter_map(of);
            let ends = values().reduce(f64::min).zip(values().reduce(f64::max));
            ends.map_or("-".to_owned(), |(low, high)| {
                format!("{} to {}", time(low), time(high))
            })
        };
        let highest = block
            .latency
            .iter()
            .filter_map(|p| p.max_us)
            .reduce(f64::max);
        vec![
            format!("{} {}", block.side, block.block + 1),
            clock(block.started_s),
            count(block.latency.iter().map(|p| p.requests).sum()),
            count(block.latency.iter().map(|p| p.unanswered).sum()),
            range(|p| p.p50_us),
            range(|p| p.p99_us),
            highest.map_or("-".to_owned(), time),
        ]
    });
    table("Measurements in their order", &head, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_windows_keep_the_worst_and_weigh_the_middle() {
        let point = |at_s, requests, p50: f64| LatencyPoint {
            at_s,
            requests,
            unanswered: 0,
            mean_us: Some(p50 * 2.0),
            p50_us: Some(p50),
            p99_us: Some(p50 * 10.0),
            max_us: Some(p50 * 20.0),
            longest_pause_us: (requests < 10).then_some(p50),
        };
        let points = [
            point(1.0, 10, 100.0),
            point(2.0, 30, 200.0),
            point(3.0, 5, 50.0),
        ];
        let all = merge(&points, 2);
        assert_eq!(all.len(), 2);
        assert_eq!(
            all[0],
            LatencyPoint {
                at_s: 1.5,
                requests: 40,
                unanswered: 0,
                mean_us: Some(350.0),
                p50_us: Some(175.0),
                p99_us: Some(2000.0),
                max_us: Some(4000.0),
                longest_pause_us: None,
            }
        );
        assert_eq!(all[1], points[2]);
        assert_eq!(merge(&points, 900), points);
    }
}
