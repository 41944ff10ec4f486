use super::*;
use crate::{Day, Rule};
use proptest::prelude::*;
use understudy_model::Character;

fn difference(pattern: &str, rules: &[u32]) -> Difference {
    Difference {
        path: pattern.replace("[*]", "[0]").into(),
        pattern: pattern.into(),
        kind: DifferenceKind::Value,
        baseline: "1".into(),
        contender: "2".into(),
        baseline_character: Character("integer".into()),
        contender_character: Character("integer".into()),
        relation: Default::default(),
        spot: None,
        position: None,
        bytes: 0,
        rules: rules.to_vec(),
    }
}

fn rules() -> Rules {
    let rule = |path: &str| Rule {
        path: path.into(),
        operation: None,
        kind: None,
        reason: Some("known".into()),
        owner: None,
        expires: None,
        ..Rule::default()
    };
    Rules::compile(
        vec![rule("$.at"), rule("$.never")],
        Day::new(2026, 1, 1).unwrap(),
    )
    .unwrap()
}

fn tallied(rows: &[Row]) -> Equivalence {
    let operations = ["GET /a".to_owned(), "GET /b".to_owned()];
    let workload = Workload {
        operations: &operations,
        size: &|request| 100 - request as usize % 100,
        reproduce: &|request| format!("curl {request}"),
    };
    tally(rows, &Noise::learn(rows), &rules(), workload)
}

#[test]
fn a_run_is_counted_clustered_and_excused() {
    let row = |request, operation, noise: &[&str], differences: &[Difference]| Row {
        unread: None,
        class: None,
        code: None,
        bytes: 0,
        request,
        operation,
        noise: noise
            .iter()
            .map(|pattern| difference(pattern, &[]))
            .collect(),
        differences: differences.to_vec(),
        lost: None,
    };
    let wrong = difference("$.l[*].n", &[]);
    let rows = [
        row(0, 0, &["$.noisy"], &[]),
        row(1, 0, &["$.noisy"], &[difference("$.noisy", &[])]),
        row(
            2,
            0,
            &[],
            &[difference("$.at", &[0]), wrong.clone(), wrong.clone()],
        ),
        row(3, 0, &[], std::slice::from_ref(&wrong)),
        row(4, 0, &[], &[wrong.clone(), difference("$.noisy", &[])]),
        row(5, 1, &[], &[difference("$.at", &[0])]),
        row(6, 1, &[], std::slice::from_ref(&wrong)),
        Row {
            class: None,
            request: 7,
            lost: Some("incumbent: timeout".into()),
            ..Row::default()
        },
    ];
    let found = tallied(&rows);
    assert_eq!((found.eligible, found.compared, found.lost), (8, 7, 1));
    assert_eq!((found.equal, found.different, found.excused), (1, 4, 2));
    assert_eq!(found.lost_by_reason["incumbent: timeout"], 1);
    let by: Vec<_> = found
        .excused_by
        .iter()
        .map(|excuse| (excuse.by.as_str(), excuse.pairs))
        .collect();
    assert_eq!(
        by,
        [
            ("rule 1: $.at", 2),
            ("rule 2: $.never", 0),
            ("noise: GET /a $.noisy", 2)
        ]
    );
    assert_eq!(found.excused_by[0].reason.as_deref(), Some("known"));
    let [of_a, of_b] = found.clusters.as_slice() else {
        panic!("{:?}", found.clusters)
    };
    assert_eq!(
        (
            of_a.operation.as_str(),
            of_a.path.to_string().as_str(),
            of_a.count,
            of_a.of
        ),
        ("GET /a", "$.l[*].n", 3, 5)
    );
    assert_eq!(
        (of_b.operation.as_str(), of_b.count, of_b.of),
        ("GET /b", 1, 2)
    );
    // Of examples with the same values the smallest request alone.
    assert_eq!(
        of_a.examples
            .iter()
            .map(|example| example.request)
            .collect::<Vec<_>>(),
        [4]
    );
    assert_eq!(of_a.examples[0].path.to_string(), "$.l[0].n");
    assert_eq!(of_a.reproduce, "curl 4");
}

#[test]
fn the_bound_is_clopper_and_pearsons() {
    let rows: Vec<Row> = (0..300)
        .map(|request| Row {
            class: None,
            request,
            ..Row::default()
        })
        .collect();
    // With nothing different the bound has a closed form.
    let closed = 1.0 - 0.05_f64.powf(1.0 / 300.0);
    assert!((tallied(&rows).mismatch_upper_95 - closed).abs() < 1e-9);
    assert_eq!(tallied(&[]).mismatch_upper_95, 1.0);
}

#[test]
fn two_percent_of_changed_answers_are_found_in_noise() {
    let rows: Vec<Row> = (0..1000)
        .map(|request| Row {
            class: None,
            request,
            noise: vec![difference("$.at2", &[])],
            differences: if request % 50 == 0 {
                vec![difference("$.at2", &[]), difference("$.total", &[])]
            } else {
                vec![difference("$.at2", &[])]
            },
            ..Row::default()
        })
        .collect();
    let found = tallied(&rows);
    assert_eq!((found.different, found.excused), (20, 980));
    assert_eq!(found.clusters.len(), 1);
    assert_eq!(
        (
            found.clusters[0].path.to_string().as_str(),
            found.clusters[0].count
        ),
        ("$.total", 20)
    );
}

#[test]
fn a_row_survives_storage() {
    let row = Row {
        class: None,
        request: 3,
        operation: 1,
        differences: vec![difference("$.a", &[1])],
        ..Row::default()
    };
    let line = serde_json::to_string(&row).unwrap();
    assert!(!line.contains("lost") && !line.contains("noise"), "{line}");
    assert_eq!(serde_json::from_str::<Row>(&line).unwrap(), row);
}

fn any_row() -> impl Strategy<Value = Row> {
    let some = || {
        proptest::collection::vec(
            ("[$][.][a-c]", proptest::collection::vec(0u32..2, 0..2)),
            0..3,
        )
    };
    let of = |found: Vec<(String, Vec<u32>)>| {
        found
            .iter()
            .map(|(pattern, rules)| difference(pattern, rules))
            .collect()
    };
    (
        0u32..50,
        0u32..3,
        proptest::option::of("x|y"),
        some(),
        some(),
    )
        .prop_map(move |(request, operation, lost, noise, differences)| Row {
            unread: None,
            class: None,
            code: None,
            bytes: 0,
            request,
            operation,
            lost,
            noise: of(noise),
            differences: of(differences),
        })
}

proptest! {
    #[test]
    fn everything_is_accounted_for(rows in proptest::collection::vec(any_row(), 0..60)) {
        let found = tallied(&rows);
        prop_assert_eq!(found.eligible, rows.len() as u64);
        prop_assert_eq!(found.eligible, found.compared + found.lost);
        prop_assert_eq!(found.compared, found.equal + found.different + found.excused);
        prop_assert_eq!(found.lost, found.lost_by_reason.values().sum::<u64>());
        prop_assert_eq!(found.clusters.is_empty(), found.different == 0);
        prop_assert!(found.clusters.iter().all(|c| c.count <= c.of && c.count <= found.different));
        prop_assert!(found.clusters.iter().all(|c| (1..=2).contains(&c.examples.len())));
        let reversed: Vec<Row> = rows.iter().rev().cloned().collect();
        prop_assert_eq!(tallied(&reversed).different, found.different);
    }
}
