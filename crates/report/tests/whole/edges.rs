//! Edge requests: a section of their own, which says whom each class would break and how it is accepted.

use crate::chromium::{OVERLAPPING, assert_fits, browser, shoot};
use crate::fixtures;
use serde_json::json;
use std::collections::BTreeMap;
use understudy_model::edges::{EdgeCluster, Edges};
use understudy_model::verdict::{Cluster, Example, VerdictDocument};
use understudy_model::{DifferenceKind, Place};
use understudy_report::terminal::{Style, summary};
use understudy_report::{html, junit, markdown};

fn cluster(operation: &str, path: &str, kind: DifferenceKind, values: [&str; 2]) -> Cluster {
    Cluster {
        operation: operation.to_owned(),
        path: Place::from(path),
        kind,
        count: 2,
        of: 2,
        reproduced: None,
        examples: vec![Example {
            request: 4,
            path: Place::from(path),
            baseline: values[0].to_owned(),
            contender: values[1].to_owned(),
        }],
        reproduce: "curl -sS -i -X DELETE \"$URL\"'/items/1'".to_owned(),
    }
}

/// A rewrite that answers 404 where the incumbent says which methods there are.
fn document(required: bool) -> VerdictDocument {
    let mut document = fixtures::replace();
    let operation = "edge:method.delete";
    let differences = vec![
        cluster(operation, "code", DifferenceKind::Code, ["405", "404"]),
        cluster(
            operation,
            "header:allow",
            DifferenceKind::Missing,
            ["GET, HEAD", ""],
        ),
    ];
    document.comparisons[0].edges = Some(Edges {
        required,
        made: 108,
        compared: 104,
        equal: 98,
        different: 2,
        by_status: 2,
        excused: 4,
        lost: 4,
        lost_by_reason: BTreeMap::from([("incumbent: no answer".to_owned(), 4)]),
        excused_by: Vec::new(),
        clusters: vec![EdgeCluster {
            operation: operation.to_owned(),
            title: "DELETE where no route has it".to_owned(),
            breaks: "Clients that learn from 405 and Allow what a resource can do.".to_owned(),
            different: 2,
            of: 2,
            differences,
        }],
        noise: Vec::new(),
    });
    document
}

#[test]
fn every_form_tells_what_differs_and_whether_it_counts() {
    let free = document(false);
    let terminal = summary(&free, None, Style::default());
    let line = "edge requests 104 compared: 98 equal, 2 different (2 by status), 4 excused; 4 not compared; not part of the verdict";
    assert!(terminal.contains(line), "{terminal}");
    let way = "DELETE where no route has it (2 of 2): 405 became 404, missing at header:allow";
    assert!(terminal.contains(way), "{terminal}");

    let markdown = markdown::summary(&free, None);
    assert!(
        markdown.contains(way) && markdown.contains("Clients that learn"),
        "{markdown}"
    );

    let html = html::page(&free, None, None, None).replace('\u{a0}', " ");
    for part in [
        "Requests that traffic lacks",
        "Clients that learn",
        "edge:method.delete",
    ] {
        assert!(html.contains(part), "{part} is missing");
    }
    assert!(
        !html::page(&fixtures::replace(), None, None, None).contains("Requests that traffic lacks")
    );
}

#[test]
fn a_build_fails_by_them_only_where_they_are_required() {
    let edges = |document: &VerdictDocument| {
        let xml = junit::document(document);
        let (_, suite) = xml.split_once("<testsuite name=\"edges\"").unwrap();
        suite.split_once("</testsuite>").unwrap().0.to_owned()
    };
    let failures = |text: &str| text.matches("<failure").count();
    assert_eq!(failures(&edges(&document(false))), 0);
    assert_eq!(
        failures(&edges(&document(true))),
        2,
        "the ledger and the class"
    );
}

#[test]
fn the_section_fits_every_width_and_scheme() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("report.html");
    std::fs::write(&page, html::page(&document(false), None, None, None)).unwrap();
    for (width, scheme) in [(1400, "light"), (320, "light"), (880, "dark")] {
        browser.look(width, scheme, "screen");
        browser.open(&page);
        let at = format!("{width} px, {scheme}");
        assert_fits(&mut browser, &at);
        assert_eq!(browser.evaluate(OVERLAPPING), json!([]), "{at}");
        browser.evaluate("document.querySelector('#edges').scrollIntoView()");
        shoot(&mut browser, &format!("edges-{width}-{scheme}"));
    }
}
