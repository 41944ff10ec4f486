//! Every form of every kind of verdict, as it reads.

use crate::{earlier, fixtures, series};
use insta::assert_snapshot;
use scraper::{ElementRef, Html, Node, Selector};
use understudy_report::terminal::{Style, summary};
use understudy_report::{html, junit, markdown};

#[test]
fn terminal() {
    for (name, document) in fixtures::all() {
        assert_snapshot!(
            format!("terminal_{name}"),
            summary(&document, earlier::of(name).as_ref(), Style::default())
        );
    }
}

#[test]
fn terminal_narrow_and_coloured() {
    let style = Style {
        colour: true,
        width: Some(50),
    };
    let text = summary(&fixtures::replace(), earlier::of("replace").as_ref(), style);
    assert!(
        text.lines()
            .all(|line| line.chars().count() <= 50 + "\u{1b}[1;32m\u{1b}[0m".len())
    );
    assert_snapshot!("terminal_narrow", text.replace('\u{1b}', "ESC"));
}

#[test]
fn no_line_is_wider_than_the_terminal_but_commands() {
    for (name, document) in fixtures::all() {
        for width in [30, 60, 79, 100] {
            let style = Style {
                colour: false,
                width: Some(width),
            };
            let text = summary(&document, earlier::of(name).as_ref(), style);
            let wide = text.lines().filter(|line| line.chars().count() > width);
            let wide: Vec<&str> = wide.filter(|line| !line.contains("curl ")).collect();
            assert_eq!(wide, Vec::<&str>::new(), "{name} at {width}");
        }
    }
}

#[test]
fn github_markdown() {
    for (name, document) in fixtures::all() {
        let text = markdown::summary(&document, earlier::of(name).as_ref());
        assert_snapshot!(format!("markdown_{name}"), text);
    }
}

#[test]
fn junit_xml() {
    for (name, document) in fixtures::all() {
        assert_snapshot!(format!("junit_{name}"), junit::document(&document));
    }
}

/// The text of a page: one line for each heading, paragraph, item and row of a table; charts by their text for a
/// screen reader.
pub(crate) fn skeleton(page: &str) -> String {
    let page = Html::parse_document(page);
    let lines = "h1, h2, h3, h4, h5, p, li:not(.tile), tr, dt, dd, summary, svg, .bar, pre, label, nav a, .legend span, footer";
    let lines = Selector::parse(lines).unwrap();
    let mut out = String::new();
    for element in page.select(&lines) {
        let name = element.value().name();
        let depth = element
            .ancestors()
            .filter(|a| is(a.value(), "details"))
            .count();
        let text = match element.value().attr("role") {
            Some("img") => format!("[{}]", element.value().attr("aria-label").unwrap()),
            _ => text_of(element),
        };
        let mark = match name {
            "h1" | "h2" | "h3" | "h4" | "h5" => "#".repeat(name[1..].parse().unwrap()) + " ",
            "li" => "- ".to_owned(),
            "summary" => "> ".to_owned(),
            "label" => "( ) ".to_owned(),
            _ => String::new(),
        };
        out += &format!("{}{mark}{text}\n", "  ".repeat(depth));
    }
    out
}

fn is(node: &Node, name: &str) -> bool {
    node.as_element()
        .is_some_and(|element| element.name() == name)
}

/// Words of an element, cells apart, without charts in it.
fn text_of(element: ElementRef<'_>) -> String {
    let mut text = String::new();
    for node in element.descendants() {
        let drawn = node.ancestors().any(|a| is(a.value(), "svg"));
        if is(node.value(), "td") || is(node.value(), "th") {
            text += " | ";
        }
        if let (Some(words), false) = (node.value().as_text(), drawn) {
            text += words;
        }
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.trim_matches(['|', ' ']).to_owned()
}

#[test]
fn html_skeleton() {
    for (name, document) in fixtures::all() {
        // The points themselves are what the browser's tests look at.
        let short = series::Length {
            pairs: 2,
            windows: 3,
            samples: 2,
            ..series::DEFAULT
        };
        let series = series::series_of(name, short);
        let business = fixtures::business(name);
        let page = html::page(
            &document,
            series.as_ref(),
            business.as_ref(),
            earlier::of(name).as_ref(),
        );
        assert_snapshot!(format!("html_{name}"), skeleton(&page));
    }
    let case = html::case_page(&fixtures::business("case").unwrap());
    assert_snapshot!("html_case", skeleton(&case));
}

#[test]
fn half_an_hour_of_measurements_stays_a_small_file() {
    // Five rates, forty pairs each, a window and a sample every tenth of a second for a minute.
    let long = series::Length {
        rates: 5,
        pairs: 40,
        windows: 600,
        samples: 600,
    };
    let series = series::series(0.3, 0.5, long);
    let points: usize = series
        .blocks
        .iter()
        .map(|b| b.latency.len() + b.resources.len())
        .sum();
    assert_eq!(points, 5 * 40 * 2 * 1200);
    let page = html::page(&fixtures::replace(), Some(&series), None, None);
    assert!(page.len() < 2_500_000, "{} bytes", page.len());
}

#[test]
fn the_navigation_omits_a_search_that_was_not_made() {
    let mut document = fixtures::replace();
    document.capacity = crate::capacity::both();
    document.memory_floors.clear();
    let page = html::page(&document, None, None, None);
    assert!(page.contains("href=\"#capacity\""));
    assert!(!page.contains("href=\"#memory-floor\""));
    assert!(page.contains("id=\"memory-floor\""), "how to ask for it");
}
