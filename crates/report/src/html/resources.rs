//! What both sides used while they were measured.

use super::{blocks, more, no_series, rates, table, tabs};
use crate::charts::timeline::{Axis, Panel, Slots, Values};
use crate::figures::{count, memory, rate, share};
use maud::{Markup, html};
use understudy_model::series::{BlockSeries, ResourcePoint, SeriesDocument};
use understudy_model::verdict::VerdictDocument;

/// Most points of one panel, over all measurements of a rate.
const MOST_POINTS: usize = 600;

/// Something that is sampled.
struct Metric {
    title: &'static str,
    of: fn(&ResourcePoint) -> Option<f64>,
    show: fn(f64) -> String,
    axis: Axis,
}

const fn metric(
    title: &'static str,
    of: fn(&ResourcePoint) -> Option<f64>,
    show: fn(f64) -> String,
    axis: Axis,
) -> Metric {
    Metric {
        title,
        of,
        show,
        axis,
    }
}

/// The figures that most readers want.
const MAIN: [Metric; 2] = [
    metric("CPU, of one CPU", cpu, share, Axis::Linear(0.01)),
    metric(
        "Resident memory (RSS)",
        |p| p.rss_bytes,
        memory,
        Axis::Bytes,
    ),
];

/// What explains it.
const REST: [Metric; 15] = [
    metric(
        "CPU in user mode",
        |p| p.cpu_user,
        share,
        Axis::Linear(0.01),
    ),
    metric(
        "CPU in the kernel",
        |p| p.cpu_system,
        share,
        Axis::Linear(0.01),
    ),
    metric(
        "Proportional memory (PSS)",
        |p| p.pss_bytes,
        memory,
        Axis::Bytes,
    ),
    metric(
        "Memory of the cgroup",
        |p| p.cgroup_bytes,
        memory,
        Axis::Bytes,
    ),
    metric(
        "Working set of the cgroup",
        |p| p.working_set_bytes,
        memory,
        Axis::Bytes,
    ),
    metric(
        "Context switches: waited",
        |p| p.voluntary_switches,
        rate,
        Axis::Linear(1.0),
    ),
    metric(
        "Context switches: preempted",
        |p| p.involuntary_switches,
        rate,
        Axis::Linear(1.0),
    ),
    metric(
        "Page faults from disk",
        |p| p.major_faults,
        rate,
        Axis::Linear(1.0),
    ),
    metric("Threads", |p| p.threads, whole, Axis::Linear(1.0)),
    metric(
        "Open file descriptors",
        |p| p.open_files,
        whole,
        Axis::Linear(1.0),
    ),
    metric(
        "Ready and not running",
        |p| p.run_queue_wait,
        share,
        Axis::Linear(0.001),
    ),
    metric(
        "Held back by the CPU quota",
        |p| p.throttled,
        share,
        Axis::Linear(0.001),
    ),
    metric(
        "CPU pressure (PSI)",
        |p| p.cpu_pressure,
        share,
        Axis::Linear(0.001),
    ),
    metric(
        "Memory pressure (PSI)",
        |p| p.memory_pressure,
        share,
        Axis::Linear(0.001),
    ),
    metric(
        "Disk pressure (PSI)",
        |p| p.io_pressure,
        share,
        Axis::Linear(0.001),
    ),
];

fn cpu(point: &ResourcePoint) -> Option<f64> {
    Some(point.cpu_user? + point.cpu_system?)
}

fn whole(number: f64) -> String {
    count(number.max(0.0).round() as u64)
}

pub(super) fn section(document: &VerdictDocument, series: Option<&SeriesDocument>) -> Markup {
    let Some(series) = series.filter(|s| !s.blocks.is_empty()) else {
        return no_series(document, series.is_some());
    };
    if series.blocks.iter().all(|block| block.resources.is_empty()) {
        let why = document
            .comparisons
            .iter()
            .flat_map(|c| &c.resources)
            .find_map(|line| line.unmeasured.as_deref());
        return html! {
            p class="absent" { "CPU and memory were not measured: " (why.unwrap_or("no process of the sides is known")) "." }
        };
    }
    let panels = rates(series)
        .into_iter()
        .map(|rate_rps| (rate(rate_rps), at_rate(&blocks(series, rate_rps))));
    html! { (tabs("resource-rate", panels.collect())) }
}

fn at_rate(blocks: &[&BlockSeries]) -> Markup {
    let slots = Slots::new(blocks);
    let main = MAIN
        .iter()
        .filter_map(|metric| panel(&slots, blocks, metric, "middle"));
    let (zero, shown): (Vec<_>, Vec<_>) = REST
        .iter()
        .filter(|metric| values(blocks, metric).next().is_some())
        .partition(|metric| values(blocks, metric).all(|value| value == 0.0));
    let rest = shown
        .iter()
        .filter_map(|metric| panel(&slots, blocks, metric, "low"));
    let zero: Vec<&str> = zero.iter().map(|metric| metric.title).collect();
    html! {
        figure {
            figcaption {
                h3 { "What did they use?" }
                p { "Samples within the measured windows, side after side; below is the time since the first measurement." }
            }
            (slots.legend())
            @for panel in main { (panel) }
            (more("Switches, faults, threads, waits and pressure", html! {
                div class="multiples" { @for panel in rest { (panel) } }
                @if !zero.is_empty() { p class="note" { "Zero throughout on both sides: " (zero.join(", ")) "." } }
            }))
            (more("Each measurement in figures", block_table(blocks)))
        }
    }
}

fn values(blocks: &[&BlockSeries], metric: &Metric) -> impl Iterator<Item = f64> {
    let of = metric.of;
    blocks
        .iter()
        .flat_map(|block| &block.resources)
        .filter_map(of)
}

fn panel(
    slots: &Slots<'_>,
    blocks: &[&BlockSeries],
    metric: &Metric,
    class: &'static str,
) -> Option<Markup> {
    let most = (MOST_POINTS / blocks.len().max(1)).max(1);
    let values: Vec<Values> = blocks
        .iter()
        .map(|block| {
            let points = block.resources.iter();
            merge(
                points
                    .filter_map(|p| Some((p.at_s, (metric.of)(p)?)))
                    .collect(),
                most,
            )
        })
        .collect();
    let panel = Panel {
        title: metric.title,
        show: metric.show,
        axis: metric.axis,
        class,
    };
    slots.panel(&panel, &values)
}

/// At most so many points, each the mean of equally many samples.
fn merge(values: Values, most: usize) -> Values {
    let each = values.len().div_ceil(most).max(1);
    let mean = |chunk: &[(f64, f64)]| {
        let n = chunk.len() as f64;
        let (at, value) = chunk
            .iter()
            .fold((0.0, 0.0), |(a, v), (at, value)| (a + at, v + value));
        (at / n, value / n)
    };
    values.chunks(each).map(mean).collect()
}

fn block_table(blocks: &[&BlockSeries]) -> Markup {
    let shown: Vec<&Metric> = MAIN
        .iter()
        .chain(&REST)
        .filter(|metric| values(blocks, metric).next().is_some())
        .collect();
    let head: Vec<&str> = std::iter::once("measurement, mean of its samples")
        .chain(shown.iter().map(|metric| metric.title))
        .collect();
    let rows = blocks.iter().map(|block| {
        let mean = |metric: &&Metric| {
            let values: Vec<f64> = values(&[block], metric).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            if mean.is_finite() {
                (metric.show)(mean)
            } else {
                "-".to_owned()
            }
        };
        let label = format!("{} {}", block.side, block.block + 1);
        std::iter::once(label)
            .chain(shown.iter().map(mean))
            .collect()
    });
    table("Measurements in their order", &head, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_samples_are_means() {
        let values = vec![(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)];
        assert_eq!(merge(values.clone(), 2), [(0.5, 2.0), (2.0, 5.0)]);
        assert_eq!(merge(values.clone(), 3), values);
        assert_eq!(merge(Vec::new(), 1), []);
    }
}
