use super::*;
use crate::fixtures::json as answer;
use crate::{Outcomes, Rule, Rules};

fn rule(path: &str, kind: Option<&str>) -> Rule {
    Rule {
        path: path.into(),
        operation: None,
        kind: kind.and_then(understudy_model::DifferenceKind::from_name),
        reason: None,
        owner: None,
        expires: None,
        ..Rule::default()
    }
}

/// 100 pairs of a shop: a price that the candidate rounds, a time that always differs; and what the
/// comparison under these rules would miss of faults in each of the incumbent's answers.
fn tested(rules: Vec<Rule>) -> SelfTest {
    let names: Vec<String> = Rule::names(&rules).collect();
    let rules = Rules::compile(rules, "2026-01-01".parse().unwrap()).unwrap();
    let redact = |_: Option<&Place>, text: &str| text.to_owned();
    let (differ, mut history) = (Differ::new(&rules, &redact), History::default());
    let (mut rows, mut tried) = (Vec::new(), Vec::new());
    for n in 0..100 {
        let body = |at: u64, price: &str| {
            format!(
                r#"{{"at":"2026-11-25T10:00:00.{at:03}Z","item":{{"name":"Blue chair","price":{price},"stock":7}}}}"#
            )
        };
        let [a, b, c] = [(n, "12.345"), (n + 7, "12.345"), (n + 9, "12.35")]
            .map(|(at, price)| Outcome::Answered(answer(body(at, price))));
        let outcomes = Outcomes {
            incumbent: &a,
            second: Some(&b),
            candidate: &c,
        };
        rows.push(Row::compare(
            &differ,
            &mut history,
            n as u32,
            (0, "GET /"),
            outcomes,
        ));
        let Outcome::Answered(a) = a else {
            unreachable!()
        };
        tried.extend(try_faults(&differ, &history, (0, "GET /"), (&a, &[]), n));
    }
    let tried: Vec<_> = tried.iter().map(|(fault, row)| (*fault, row, 1)).collect();
    let around = Around {
        operations: &["GET /".to_owned()],
        rules: &names,
        rows: &rows.iter().collect::<Vec<_>>(),
    };
    self_test(&tried, &Noise::learn(&rows), around)
}

#[test]
fn a_fault_is_stored_by_the_name_that_documents_have() {
    for fault in Fault::ALL {
        let stored = serde_json::to_string(fault).unwrap();
        assert_eq!(stored, format!("{:?}", fault.name()));
        assert_eq!(serde_json::from_str::<Fault>(&stored).unwrap(), *fault);
    }
}

#[test]
fn a_rule_that_is_too_broad_is_exposed_and_a_narrow_one_is_not() {
    let none = tested(Vec::new());
    let of = |test: &SelfTest, name: &str| {
        let fault = test.faults.iter().find(|fault| fault.fault == name);
        fault.map(|fault| (fault.injected, fault.missed)).unwrap()
    };
    // Without rules, only the noisy time hides anything, and of it no hour, null or missing field.
    assert!(
        none.hidden_by
            .iter()
            .all(|hides| hides.by.starts_with("noise: GET / $.at")),
        "{none:#?}"
    );
    for fault in [
        "status",
        "field_missing",
        "null",
        "number_off",
        "time_shifted",
        "type_changed",
    ] {
        assert_eq!(of(&none, fault).1, 0, "{fault}: {none:#?}");
        assert!(of(&none, fault).0 >= 50, "{fault}");
    }

    let narrow = tested(vec![rule("$.item.price", Some("value"))]);
    let hides = narrow
        .hidden_by
        .iter()
        .find(|hides| hides.by == "rule 1: $.item.price")
        .unwrap();
    assert_eq!(hides.places, ["GET / $.item.price"]);
    assert!(
        hides.needless.is_empty(),
        "it covers only where answers differ: {hides:#?}"
    );
    assert_eq!(of(&narrow, "null").1, 0);

    let broad = tested(vec![rule("$.item", None)]);
    let hides = broad
        .hidden_by
        .iter()
        .find(|hides| hides.by == "rule 1: $.item")
        .unwrap();
    assert!(
        hides.missed > 2 * narrow.missed,
        "{} {}",
        hides.missed,
        narrow.missed
    );
    for place in ["GET / $.item.name", "GET / $.item.stock", "GET / $.item"] {
        assert!(
            hides.needless.iter().any(|of| of == place),
            "{place}: {hides:#?}"
        );
    }
    let total: u64 = hides.faults.values().sum();
    assert_eq!(total, hides.missed);
    let faults = broad.faults.iter();
    assert_eq!(faults.map(|of| of.injected).sum::<u64>(), broad.injected);
}
