//! A suite in every form.

use crate::chromium::{assert_fits, browser, misdeeds, shoot};
use crate::fixtures::estimate;
use crate::snapshots::skeleton;
use insta::assert_snapshot;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use understudy_model::suite::{PairVerdict, RowChange, SCHEMA, SuiteDocument, SuiteRow};
use understudy_model::verdict::{Figure, Reason, Resource};
use understudy_report::html::suite_page;
use understudy_report::suite::terminal::table;
use understudy_report::suite::{junit, markdown};
use understudy_report::terminal::Style;

fn change(about: Resource, ratio: [f64; 3]) -> Option<RowChange> {
    let [low, middle, high] = ratio;
    Some(RowChange {
        about: Figure::Resource(about),
        ratio: estimate(low, middle, high),
    })
}

fn row(name: &str, verdict: PairVerdict, because: (&str, &str)) -> SuiteRow {
    SuiteRow {
        verdict: Some(verdict),
        because: Some(Reason {
            code: because.0.to_owned(),
            text: because.1.to_owned(),
            figures: BTreeMap::new(),
        }),
        cases: 210,
        compared: 420,
        ..SuiteRow::pending(name.to_owned(), format!("{name}-20261130T080000Z"))
    }
}

/// The same with figures.
fn measured(row: SuiteRow, wall: [f64; 3]) -> SuiteRow {
    SuiteRow {
        time: change(Resource::WallUsPerRun, wall),
        cpu: change(Resource::CpuUsPerRequest, wall.map(|ratio| ratio * 0.9)),
        memory: change(Resource::PeakRssBytes, [0.97, 0.99, 1.02]),
        ..row
    }
}

fn document() -> SuiteDocument {
    let reached = (
        "goal_reached",
        "the goal \"wall -20%\" is reached: -41.0 % (95 % interval -44.0 % to -38.1 %)",
    );
    let nothing = ("no_measured_problem", "no objective and no goal is stated");
    let different = (
        "different",
        "12 of 420 answers differ, in 2 ways; most often bytes at stdout of sort with its longest options (12 of 12)",
    );
    SuiteDocument {
        schema: SCHEMA,
        name: "coreutils".to_owned(),
        understudy: "0.1.0".to_owned(),
        started_at: "2026-11-30T08:00:00Z".to_owned(),
        complete: false,
        worst: Some(PairVerdict::Failed),
        pairs: vec![
            measured(
                row("wc", PairVerdict::Replace, reached),
                [0.56, 0.59, 0.619],
            ),
            measured(row("cat", PairVerdict::Keep, nothing), [0.97, 1.01, 1.04]),
            measured(
                row(
                    "shuf",
                    PairVerdict::Worse,
                    ("worse", "wall time is worse by more than the margin of 5 %"),
                ),
                [2.4, 3.1, 4.2],
            ),
            SuiteRow {
                different: 12,
                ..row("sort", PairVerdict::NotEquivalent, different)
            },
            row(
                "factor",
                PairVerdict::Inconclusive,
                ("few", "only 20 of 300 cases were compared"),
            ),
            row(
                "date",
                PairVerdict::Invalid,
                ("gate_steal", "CPU steal was 9.0 %"),
            ),
            SuiteRow {
                verdict: Some(PairVerdict::Failed),
                error: Some(
                    "the candidate cannot be run: `./none` does not exist\nhint: build it"
                        .to_owned(),
                ),
                ..SuiteRow::pending("[".to_owned(), "--20261130T080000Z".to_owned())
            },
            measured(
                row(
                    "a-name-that-is-longer-than-its-column",
                    PairVerdict::NoWorse,
                    reached,
                ),
                [0.97, 1.0, 1.03],
            ),
            SuiteRow::pending("yes".to_owned(), "yes-20261130T080000Z".to_owned()),
        ],
    }
}

/// Texts from outside that are markup, or control a terminal.
fn hostile() -> SuiteDocument {
    let text = "<script>alert(1)</script> | `x` \u{1b}[31m & \"]]>";
    SuiteDocument {
        name: text.to_owned(),
        pairs: vec![row(text, PairVerdict::Invalid, ("x", text))],
        ..document()
    }
}

#[test]
fn the_table_fits_80_columns_with_the_worst_first() {
    let text = table(&document(), Style::default());
    let wide: Vec<&str> = text
        .lines()
        .filter(|line| line.chars().count() > 80)
        .collect();
    assert_eq!(wide, Vec::<&str>::new());
    assert_snapshot!("suite_terminal", text);
}

#[test]
fn the_table_is_as_narrow_as_its_terminal() {
    for width in [30, 50, 79] {
        let style = Style {
            colour: false,
            width: Some(width),
        };
        let text = table(&document(), style);
        let wide: Vec<&str> = text
            .lines()
            .filter(|line| line.chars().count() > width)
            .collect();
        assert_eq!(wide, Vec::<&str>::new(), "{width}");
    }
    let style = Style {
        colour: true,
        width: Some(100),
    };
    assert_snapshot!(
        "suite_coloured",
        table(&document(), style).replace('\u{1b}', "ESC")
    );
    let style = Style {
        colour: false,
        width: Some(50),
    };
    assert_snapshot!("suite_narrow", table(&document(), style));
}

#[test]
fn documents_for_programs() {
    assert_snapshot!("suite_markdown", markdown::table(&document()));
    assert_snapshot!("suite_junit", junit::document(&document()));
    assert_snapshot!("suite_html", skeleton(&suite_page(&document())));
}

#[test]
fn texts_from_outside_are_neither_markup_nor_commands() {
    let document = hostile();
    let xml = junit::document(&document);
    assert!(roxmltree::Document::parse(&xml).is_ok(), "{xml}");
    let texts = [
        table(&document, Style::default()),
        markdown::table(&document),
        suite_page(&document),
        xml,
    ];
    for text in texts {
        assert!(!text.contains('\u{1b}'), "{text}");
    }
    assert!(!markdown::table(&document).contains("<script>"));
    assert_eq!(
        suite_page(&document).matches("<script>").count(),
        1,
        "the page's own"
    );
}

#[test]
fn the_page_fits_every_width_and_sorts_and_filters_by_itself() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    for (name, document) in [("suite", document()), ("suite-hostile", hostile())] {
        let page = folder.path().join(format!("{name}.html"));
        fs::write(&page, suite_page(&document)).unwrap();
        for (width, scheme) in [
            (1400, "light"),
            (1000, "dark"),
            (860, "light"),
            (320, "light"),
            (360, "dark"),
        ] {
            browser.look(width, scheme, "screen");
            browser.open(&page);
            let at = format!("{name} at {width} px, {scheme}");
            assert_eq!(misdeeds(&browser, &page), Vec::<String>::new(), "{at}");
            assert_fits(&mut browser, &at);
            shoot(&mut browser, &format!("{name}-{width}-{scheme}"));
        }
    }
    browser.look(1400, "light", "screen");
    browser.open(&folder.path().join("suite.html"));
    let mut names = |action: &str| {
        let shown = "[...document.querySelectorAll('.pairs tbody tr')].filter(r => r.offsetParent !== null || r.getClientRects().length).map(r => r.cells[1].textContent)";
        browser.evaluate(&format!("(() => {{ {action}; return {shown}; }})()"))
    };
    let first = json!([
        "[",
        "date",
        "sort",
        "factor",
        "shuf",
        "cat",
        "wc",
        "a-name-that-is-longer-than-its-column",
        "yes"
    ]);
    assert_eq!(names(""), first, "the worst first");
    let click = |column: usize| {
        format!("document.querySelectorAll('.pairs thead button')[{column}].click()")
    };
    // What has no figure stays behind what has one, in both directions.
    let up = json!(["wc", "a-name-that-is-longer-than-its-column", "cat", "shuf"]);
    let down = json!(["shuf", "cat", "a-name-that-is-longer-than-its-column", "wc"]);
    let four = |value: serde_json::Value| json!(value.as_array().unwrap()[..4]);
    assert_eq!(four(names(&click(2))), up);
    assert_eq!(four(names(&click(2))), down);
    assert_eq!(names(&click(0)), first, "by verdict again");
    let choose = "const s = document.querySelector('select'); s.value = 'failed'; s.dispatchEvent(new Event('change'))";
    assert_eq!(names(choose), json!(["["]));
    let all = "const s = document.querySelector('select'); s.value = ''; s.dispatchEvent(new Event('change'));
        const i = document.querySelector('input'); i.value = 'STDOUT'; i.dispatchEvent(new Event('input'))";
    assert_eq!(names(all), json!(["sort"]));
    let said = browser.evaluate("document.querySelector('output').textContent");
    assert_eq!(said, json!("1 of 9 pairs"));
}
