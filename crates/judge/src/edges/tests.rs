use super::*;
use crate::simulated::{self, verdict};
use crate::terms::{EdgeTerms, Level};
use understudy_model::stored::{RequestFacts, WorkloadFacts};
use understudy_model::verdict::{Verdict, VerdictDocument};
use understudy_model::{Difference, DifferenceKind, Place, Span};

const CLASSES: [&str; 2] = ["edge:method.delete", "edge:target.trailing_slash"];

fn difference(path: &str, kind: DifferenceKind) -> Difference {
    let character = || understudy_model::Character("word".to_owned());
    Difference {
        path: Place::from(path),
        pattern: Place::from(path),
        kind,
        baseline: "405".to_owned(),
        contender: "404".to_owned(),
        baseline_character: character(),
        contender_character: character(),
        relation: Default::default(),
        spot: None,
        position: None,
        bytes: 0,
        rules: Vec::new(),
    }
}

/// Four requests, two of each class: what each shows.
fn answers(shown: [Vec<Difference>; 4]) -> EdgeAnswers {
    let class = |operation: &&str| ClassFacts {
        operation: (*operation).to_owned(),
        title: format!("title of {operation}"),
        breaks: "Somebody.".to_owned(),
    };
    let rows = (0..).zip(shown).map(|(request, differences)| Row {
        request,
        operation: request / 2,
        differences,
        ..Row::default()
    });
    EdgeAnswers {
        facts: EdgeFacts {
            classes: CLASSES.iter().map(class).collect(),
            workload: WorkloadFacts {
                operations: CLASSES.map(str::to_owned).into(),
                requests: vec![RequestFacts::default(); 4],
            },
        },
        rows: rows.collect(),
        ..EdgeAnswers::default()
    }
}

fn judged(edges: EdgeAnswers, required: bool) -> VerdictDocument {
    let mut terms = simulated::terms(Level::Quick, &[1000.0], 0.99);
    terms.edges = Some(EdgeTerms {
        budget: Span::from_secs(30),
        required,
    });
    let mut evidence = simulated::evidence(Vec::new());
    evidence.edges = Some(edges);
    verdict(&terms, &evidence)
}

fn code() -> Vec<Difference> {
    vec![
        difference("code", DifferenceKind::Code),
        difference("header:allow", DifferenceKind::Missing),
    ]
}

#[test]
fn differences_are_one_cluster_for_each_class() {
    let document = judged(answers([code(), code(), Vec::new(), code()]), false);
    let edges = document.comparisons[0].edges.as_ref().unwrap();
    assert_eq!((edges.made, edges.compared), (4, 4));
    assert_eq!((edges.equal, edges.different, edges.excused), (1, 3, 0));
    let [delete, slash] = edges.clusters.as_slice() else {
        panic!("two classes: {:?}", edges.clusters);
    };
    assert_eq!(
        (delete.operation.as_str(), delete.different, delete.of),
        (CLASSES[0], 2, 2)
    );
    assert_eq!(
        (slash.operation.as_str(), slash.different, slash.of),
        (CLASSES[1], 1, 2)
    );
    assert_eq!(delete.differences.len(), 2, "status and header");
}

#[test]
fn they_count_only_where_they_are_required() {
    let edges = || answers([code(), Vec::new(), Vec::new(), Vec::new()]);
    let free = judged(edges(), false);
    assert_ne!(free.verdict, Verdict::NotEquivalent);
    let limits = free.limits_of_this_result.join("\n");
    assert!(limits.contains("1 of 4 edge requests"), "{limits}");

    let required = judged(edges(), true);
    assert_eq!(required.verdict, Verdict::NotEquivalent);
    assert_eq!(required.because[0].code, "edges_differ");

    let none = || std::array::from_fn(|_| Vec::new());
    let same = judged(answers(none()), true);
    assert_ne!(same.verdict, Verdict::NotEquivalent, "{:?}", same.because);
}

#[test]
fn what_was_not_asked_is_not_compared() {
    let mut edges = answers([code(), code(), Vec::new(), Vec::new()]);
    edges.rows.truncate(1);
    let document = judged(edges, false);
    let edges = document.comparisons[0].edges.as_ref().unwrap();
    assert_eq!((edges.made, edges.compared, edges.lost), (4, 1, 3));
    assert_eq!(edges.lost_by_reason[UNASKED], 3);
}

#[test]
fn what_the_incumbent_does_differently_from_itself_is_noise() {
    let mut edges = answers([code(), code(), Vec::new(), Vec::new()]);
    for row in &mut edges.rows[..2] {
        row.noise = row.differences.clone();
    }
    let document = judged(edges, true);
    let edges = document.comparisons[0].edges.as_ref().unwrap();
    assert_eq!((edges.different, edges.clusters.len()), (0, 0), "{edges:?}");
}
