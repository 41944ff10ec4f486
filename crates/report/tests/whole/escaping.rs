//! Whatever a document contains stays text.

use crate::{earlier, fixtures, series};
use proptest::prelude::*;
use scraper::{Html, Selector};
use serde_json::Value;
use std::collections::BTreeSet;
use understudy_model::verdict::VerdictDocument;
use understudy_report::terminal::{Style, summary};
use understudy_report::{html, junit, markdown};

/// What breaks careless documents.
const NASTY: &str = "<script>alert(1)</script>'\"><img src=x onerror=alert(1)>]]>--><!-- &amp;&#0; </style></title></pre> `*_|[x](javascript:1) @team \u{0}\u{1b}[2J\u{7f}\u{85}\u{202e}\u{fffe}\n\r\t";

fn nasty() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        Just(NASTY.to_owned()),
        "[<>&'\"\\]\\[`|@$#/= a-z-]{1,12}",
        any::<String>(),
    ];
    prop::collection::vec(pieces, 1..4).prop_map(|pieces| pieces.concat())
}

/// Every text of a document but those that are names of a fixed set.
fn replace_texts(value: &mut Value, text: &str) {
    const FIXED: [&str; 13] = [
        "cause",
        "course",
        "about",
        "verdict",
        "side",
        "baseline",
        "contender",
        "kind",
        "outcome",
        "resource",
        "reach",
        "pacing",
        "held",
    ];
    match value {
        Value::String(string) => *string = text.to_owned(),
        Value::Array(all) => all.iter_mut().for_each(|one| replace_texts(one, text)),
        Value::Object(fields) => {
            for (name, field) in fields {
                // The values of an example are texts, the sides of a comparison are not.
                let fixed = FIXED.contains(&name.as_str())
                    && !matches!(field, Value::String(s) if s.contains(|c: char| !c.is_ascii_lowercase() && c != '_'));
                if !fixed || field.is_object() || field.is_array() {
                    replace_texts(field, text);
                }
            }
        }
        _ => {}
    }
}

/// A document of which every text is this one, keys of maps included.
fn spoilt(document: &VerdictDocument, text: &str) -> VerdictDocument {
    let mut value = serde_json::to_value(document).unwrap();
    replace_texts(&mut value, text);
    let mut document: VerdictDocument = serde_json::from_value(value).unwrap();
    document
        .method
        .sides
        .insert(text.to_owned(), text.to_owned());
    document
        .environment
        .hashes
        .insert(text.to_owned(), text.to_owned());
    for comparison in &mut document.comparisons {
        let lost = &mut comparison.equivalence.lost_by_reason;
        lost.insert(text.to_owned(), 1);
    }
    for reason in &mut document.because {
        reason.figures.insert(text.to_owned(), 1.0);
    }
    document
}

/// How many scripts a page has, and the names of its attributes.
fn vocabulary(page: &Html) -> (usize, BTreeSet<String>) {
    let everything = Selector::parse("*").unwrap();
    let attributes = page.select(&everything).flat_map(|e| e.value().attrs());
    let attributes = attributes.map(|(name, _)| name.to_owned()).collect();
    let scripts = page.select(&Selector::parse("script").unwrap()).count();
    (scripts, attributes)
}

fn check(text: &str) {
    for original in [
        fixtures::not_equivalent(),
        fixtures::inconclusive(),
        fixtures::replace(),
        crate::sizes::document(),
    ] {
        let document = spoilt(&original, text);
        let series = series::series(
            0.5,
            0.5,
            series::Length {
                rates: 1,
                pairs: 1,
                windows: 2,
                samples: 2,
            },
        );
        let earlier = earlier::spoilt(text);
        let page = html::page(&document, Some(&series), None, Some(&earlier));
        let parsed = Html::parse_document(&page);
        assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
        let (scripts, attributes) = vocabulary(&parsed);
        assert_eq!(scripts, 1, "the page's own");
        let handlers: Vec<_> = attributes
            .iter()
            .filter(|name| name.starts_with("on"))
            .collect();
        assert!(handlers.is_empty(), "{handlers:?}");
        assert!(
            attributes
                .iter()
                .all(|name| !["src", "srcset", "data", "action"].contains(&name.as_str()))
        );
        let outside = Selector::parse(
            "[href]:not([href^='#']), img, iframe, object, embed, link, form, base",
        )
        .unwrap();
        assert_eq!(parsed.select(&outside).count(), 0);

        let xml = junit::document(&document);
        let xml = roxmltree::Document::parse(&xml).unwrap_or_else(|e| panic!("{e}: {xml}"));
        let known = [
            "testsuites",
            "testsuite",
            "testcase",
            "failure",
            "skipped",
            "system-out",
        ];
        let elements = xml.descendants().filter(roxmltree::Node::is_element);
        assert!(
            elements
                .map(|e| e.tag_name().name().to_owned())
                .all(|name| known.contains(&name.as_str()))
        );

        let controls = |text: &str| text.chars().any(|c| c.is_control() && c != '\n');
        assert!(!controls(&summary(
            &document,
            Some(&earlier),
            Style::default()
        )));
        let comment = markdown::summary(&document, Some(&earlier)).replace('\t', " ");
        assert!(!controls(&comment));
    }
}

#[test]
fn nasty_text_stays_text_in_every_form() {
    check(NASTY);
    let document = spoilt(&fixtures::not_equivalent(), "<script>x</script>");
    let page = Html::parse_document(&html::page(&document, None, None, None));
    let heading = page.select(&Selector::parse("h1").unwrap()).next().unwrap();
    assert_eq!(
        heading.text().collect::<String>(),
        "<script>x</script>",
        "and it can be read"
    );
    let comment = markdown::summary(&document, None);
    let outside_code = comment.split('`').step_by(2).collect::<String>();
    assert!(!outside_code.contains("<script"), "{comment}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_text_is_taken_for_markup(text in nasty()) {
        check(&text);
    }
}

#[test]
fn every_page_is_well_formed() {
    for (name, document) in fixtures::all() {
        let series = series::series_of(name, series::DEFAULT);
        let page = Html::parse_document(&html::page(
            &document,
            series.as_ref(),
            None,
            earlier::of(name).as_ref(),
        ));
        assert!(page.errors.is_empty(), "{name}: {:?}", page.errors);
        let mut ids = BTreeSet::new();
        for element in page.select(&Selector::parse("[id]").unwrap()) {
            assert!(
                ids.insert(element.value().id().unwrap()),
                "{name}: one id, one element"
            );
        }
        for link in page.select(&Selector::parse("a[href], label[for]").unwrap()) {
            let to = link
                .value()
                .attr("href")
                .or(link.value().attr("for"))
                .unwrap();
            assert!(
                ids.contains(to.trim_start_matches('#')),
                "{name}: {to} leads somewhere"
            );
        }
    }
}
