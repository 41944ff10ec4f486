use super::*;
use crate::fixtures::json;
use crate::{Differ, History, Outcomes, Rules};
use understudy_model::{Outcome, Place};

fn outcome(body: &str) -> Outcome {
    Outcome::Answered(json(body))
}

/// Compares bodies pair by pair.
fn rows(pairs: &[(u32, String, String)]) -> Vec<Row> {
    let (rules, redact) = (Rules::default(), |_: Option<&Place>, text: &str| {
        text.to_owned()
    });
    let (differ, mut history) = (Differ::new(&rules, &redact), History::default());
    let row = |(operation, a, b): &(u32, String, String)| {
        let (a, b) = (outcome(a), outcome(b));
        let outcomes = Outcomes {
            incumbent: &a,
            second: None,
            candidate: &b,
        };
        Row::compare(&differ, &mut history, 0, (*operation, "GET /"), outcomes)
    };
    pairs.iter().map(row).collect()
}

fn proposed(pairs: &[(u32, String, String)]) -> Vec<Proposal> {
    let rows = rows(pairs);
    let operations = ["GET /items/{id}".to_owned(), "GET /cart".to_owned()];
    propose(
        rows.iter().map(|row| (row, 1)),
        &[],
        &Noise::learn(&[]),
        &operations,
    )
}

fn price(price: &str) -> String {
    format!(r#"{{"item":{{"price":{price},"name":"chair"}}}}"#)
}

#[test]
fn a_proposed_rule_lists_what_it_explains_and_what_else_it_would_hide() {
    // 84 of 100 round; 3 are wrong by far, and 13 differ elsewhere.
    let mut pairs: Vec<_> = (0..84)
        .map(|n| {
            let rounded = if n % 2 == 0 { "35" } else { "3" };
            (
                0,
                price(&format!("1{n}.345")),
                price(&format!("1{n}.{rounded}")),
            )
        })
        .collect();
    pairs.extend((0..3).map(|n| (0, price(&format!("1{n}.345")), price("0.00"))));
    pairs.extend((0..13).map(|_| {
        (
            1,
            r#"{"total":1}"#.to_owned(),
            r#"{"total":null}"#.to_owned(),
        )
    }));
    let proposals = proposed(&pairs);
    let first = &proposals[0];
    assert_eq!(
        first.rule,
        ProposedRule {
            path: "$.item.price".into(),
            operation: Some("GET /items/{id}".into()),
            kind: Some(Kind::Value),
        }
    );
    assert_eq!((first.explains, first.resolves, first.of), (87, 87, 100));
    assert_eq!(
        (first.baseline.as_str(), first.contender.as_str()),
        ("10.345", "10.35")
    );
    assert_eq!(first.also_hides.len(), 1, "{first:#?}");
    let also = &first.also_hides[0];
    assert_eq!((also.pairs, also.contender.as_str()), (3, "0.00"));
    assert_eq!(proposals[1].rule.path.to_string(), "$.total");
    assert_eq!((proposals[1].explains, proposals.len()), (13, 2));
}

#[test]
fn broader_rules_are_proposed_where_they_explain_more() {
    let both = |a: u32, b: u32| format!(r#"{{"item":{{"a":{a},"b":{b},"c":1}}}}"#);
    let pairs: Vec<_> = (0..20).map(|n| (n % 2, both(1, 2), both(3, 4))).collect();
    let proposals = proposed(&pairs);
    let above =
        |of: &&Proposal| of.rule.path.to_string() == "$.item" && of.rule.operation.is_some();
    let above = proposals.iter().find(above).unwrap();
    assert_eq!((above.explains, above.resolves), (10, 10));
    let everywhere =
        |of: &&Proposal| of.rule.path.to_string() == "$.item.a" && of.rule.operation.is_none();
    let everywhere = proposals.iter().find(everywhere).unwrap();
    assert_eq!(
        (everywhere.explains, everywhere.resolves),
        (20, 0),
        "b is left"
    );
    assert!(proposals.iter().all(|of| of.rule.path.to_string() != "$"));
}

#[test]
fn no_rule_is_proposed_for_statuses_failures_and_whole_bodies() {
    let text = |text: &str| (0, text.to_owned(), "other".to_owned());
    assert_eq!(proposed(&[text("{}"), text("[1,2]"), text("words")]), []);
}
