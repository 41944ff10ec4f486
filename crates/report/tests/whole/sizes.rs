//! Commands: what of a run its start is, and how its time grows with the size of a case.

use crate::chromium::{OVERLAPPING, assert_fits, browser, shoot};
use crate::fixtures::{self, estimate};
use crate::snapshots::skeleton;
use insta::assert_snapshot;
use serde_json::json;
use understudy_model::Pacing;
use understudy_model::growth::{Growth, Line, Reach, SideGrowth, WithinDeadline};
use understudy_model::verdict::{Estimate, Resource, ResourceComparison, VerdictDocument};
use understudy_report::terminal::{Style, summary};
use understudy_report::{html, markdown};

const SIZES: [f64; 2] = [1000.0, 100_000.0];

fn around(value: f64) -> Estimate {
    estimate(value * 0.98, value, value * 1.02)
}

fn resource(resource: Resource, sides_ms: [f64; 2]) -> ResourceComparison {
    ResourceComparison {
        resource,
        rate_rps: Pacing::NO_RATE,
        baseline: Some(around(sides_ms[0] * 1e3)),
        contender: Some(around(sides_ms[1] * 1e3)),
        ratio: Some(around(sides_ms[1] / sides_ms[0])),
        pairs: 24,
        unmeasured: None,
    }
}

fn side(fixed_ms: f64, us: f64, reach: Reach, rows: f64) -> SideGrowth {
    SideGrowth {
        line: Some(Line {
            fixed_us: around(fixed_ms * 1e3),
            us_per_unit: around(us),
            units_per_s: around(1e6 / us),
            within_deadline: Some(WithinDeadline {
                deadline_us: 3e6,
                reach,
                size: Estimate {
                    estimate: None,
                    low: Some(rows),
                    high: None,
                },
                line_ends_at: 400_000.0,
            }),
        }),
        no_line: None,
        worst_error: None,
        times: SIZES
            .map(|size| around(fixed_ms * 1e3 + us * size))
            .to_vec(),
    }
}

/// A parser that starts slowly, and its rewrite.
pub(crate) fn document() -> VerdictDocument {
    let mut document = fixtures::replace();
    document.method.pacing = Pacing::Serial;
    let comparison = &mut document.comparisons[0];
    comparison.latency.clear();
    comparison.resources = vec![
        resource(Resource::WallUsPerRun, [38.0, 9.0]),
        resource(Resource::StartupUs, [31.0, 2.0]),
        resource(Resource::CpuUsPerRequest, [36.0, 8.0]),
    ];
    comparison.growth = vec![Growth {
        operation: "parse".to_owned(),
        unit: "rows".to_owned(),
        sizes: SIZES.to_vec(),
        baseline: side(30.1, 10.0, Reach::UpTo, 291_234.0),
        contender: side(2.1, 4.0, Reach::AtLeast, 400_000.0),
        ratio: Some(around(0.4)),
        pairs: 24,
        no_ratio: None,
    }];
    document
}

fn check(form: &str, parts: &[&str]) {
    for part in parts {
        assert!(form.contains(part), "{part}: {form}");
    }
}

#[test]
fn every_form_says_what_starts_and_sizes_showed() {
    let document = document();
    let screen = summary(&document, None, Style::default());
    check(
        &screen,
        &[
            "  start-up                 31.0 ms     2.00 ms   -93.5 %",
            "incumbent 31.0 ms of 38.0 ms per run (81.6 %); candidate 2.00 ms of 9.00 ms per run (22.2 %)",
            "  per unit (rows)          10.0 us     4.00 us   -60.0 % (-60.8 % to -59.2 %)",
            "  fixed                    30.1 ms     2.10 ms   beyond it 100,000 rows/s and 250,000 rows/s",
            "  deadline    within 3.00 s: incumbent up to 291,000 rows; candidate at least 400,000 rows (4 times the largest measured size)",
        ],
    );
    check(
        &markdown::summary(&document, None),
        &[
            "Start-up: incumbent 31.0 ms of 38.0 ms per run (81.6 %)",
            "**Time by size**",
            "- parse at 1,000 and 100,000 rows: incumbent 30.1 ms + 10.0 us x rows (100,000 rows/s); candidate",
        ],
    );
    let page = html::page(&document, None, None, None).replace('\u{a0}', " ");
    check(
        &page,
        &[
            "id=\"sizes\"",
            "Time by size",
            "100,000 rows/s",
            "within 3.00 s",
            "up to 291,000 rows",
            "incumbent 31.0 ms of 38.0 ms per run",
        ],
    );
    let without = html::page(&fixtures::replace(), None, None, None);
    assert!(!without.contains("id=\"sizes\""));
}

#[test]
fn where_the_time_is_no_line_it_is_said_so() {
    let mut document = document();
    let growth = &mut document.comparisons[0].growth[0];
    let why =
        "the time does not grow in a straight line: a line is off by 35 % at one of the sizes";
    growth.contender.line = None;
    growth.contender.no_line = Some(why.to_owned());
    growth.ratio = None;
    let forms = [
        summary(&document, None, Style::default()),
        markdown::summary(&document, None),
        html::page(&document, None, None, None).replace('\u{a0}', " "),
    ];
    for form in forms {
        check(&form, &[why, "30.1 ms"]);
    }
}

/// Sizes that are near one another, without a line of the candidate, and few measurements.
fn near() -> VerdictDocument {
    let mut document = document();
    let growth = &mut document.comparisons[0].growth[0];
    growth.sizes = vec![1000.0, 2000.0, 5000.0];
    let times = |of: fn(f64) -> f64| growth.sizes.iter().map(move |size| around(of(*size)));
    let line: Vec<Estimate> = times(|size| 30_100.0 + 10.0 * size).collect();
    let square = times(|size| 2100.0 + size * size / 250.0).map(|time| Estimate {
        low: None,
        high: None,
        ..time
    });
    let square: Vec<Estimate> = square.collect();
    (growth.baseline.times, growth.contender.times) = (line, square);
    growth.baseline.worst_error = Some(0.01);
    growth.contender.line = None;
    growth.contender.worst_error = Some(0.6);
    growth.contender.no_line = Some("the time does not grow in a straight line".to_owned());
    growth.ratio = None;
    document
}

/// The section as it reads.
fn section(document: &VerdictDocument) -> String {
    let text = skeleton(&html::page(document, None, None, None));
    let start = text.find("## Time by size").unwrap();
    let section = &text[start..];
    let end = section[3..].find("\n## ").unwrap();
    section[..end + 4].to_owned()
}

#[test]
fn times_are_drawn_by_size_with_their_lines() {
    assert_snapshot!("growth_wide", section(&document()));
    assert_snapshot!("growth_near", section(&near()));
    // Documents of older versions have no times.
    let mut old = document();
    let growth = &mut old.comparisons[0].growth[0];
    growth.baseline.times.clear();
    growth.contender.times.clear();
    let old = section(&old);
    assert!(old.contains("fixed time") && !old.contains('['), "{old}");
}

#[test]
fn the_chart_fits_every_width_and_its_line_goes_through_the_times() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut vast = document();
    let growth = &mut vast.comparisons[0].growth[0];
    growth.sizes[1] = 2e9;
    for (side, us) in [(&mut growth.baseline, 10.0), (&mut growth.contender, 4.0)] {
        side.times[1] = around(us * 2e9);
    }
    for (name, document) in [("wide", document()), ("near", near()), ("vast", vast)] {
        let page = folder.path().join(format!("{name}.html"));
        std::fs::write(&page, html::page(&document, None, None, None)).unwrap();
        for (width, scheme) in [(1400, "light"), (320, "light"), (880, "dark")] {
            browser.look(width, scheme, "screen");
            browser.open(&page);
            let at = format!("{name} at {width} px, {scheme}");
            assert_fits(&mut browser, &at);
            assert_eq!(browser.evaluate(OVERLAPPING), json!([]), "{at}");
            // Where the incumbent's line passes its times, in pixels.
            let off = browser.evaluate(
                "(() => {
                    const of = c => [...document.querySelectorAll(`#sizes path.${c}.incumbent`)];
                    const numbers = p => p.getAttribute('d').match(/-?[0-9.]+/g).map(Number);
                    const [line] = of('line'), n = numbers(line);
                    return Math.max(...of('dot').map(dot => {
                        const [x, y] = numbers(dot);
                        let best = Infinity;
                        for (let i = 0; i < n.length; i += 2) best = Math.min(best, Math.hypot(n[i] - x, n[i + 1] - y));
                        return best;
                    }));
                })()",
            );
            assert!(off.as_f64().unwrap() < 15.0, "{off} of 1000, {at}");
            browser.evaluate("document.querySelector('#sizes').scrollIntoView()");
            shoot(&mut browser, &format!("sizes-{name}-{width}-{scheme}"));
        }
    }
}
