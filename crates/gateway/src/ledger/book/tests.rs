use super::*;
use crate::config::Payloads;
use understudy_compare::{Differ, History, Outcomes};
use understudy_model::{Field, Outcome, Place};

fn config() -> CompareConfig {
    CompareConfig {
        messages: understudy_compare::Messages::default(),
        rules: Vec::new(),
        goal: 0.001,
        payloads: Payloads::Redacted,
        secret_names: Vec::new(),
    }
}

fn today() -> Day {
    Day::new(2026, 11, 25).unwrap()
}

fn answered(body: String) -> Outcome {
    Outcome::Answered(understudy_compare::http::answer(
        200,
        vec![Field {
            name: "content-type".into(),
            value: b"application/json".to_vec(),
        }],
        body.into_bytes(),
        false,
    ))
}

/// Numbers that jump about as latencies and loads do: the same on every machine.
fn draw(seed: &mut u64) -> f64 {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 11) as f64 / (1u64 << 53) as f64
}

/// A page of metrics: twelve numbers, none of which is ever the same.
fn metrics(seed: &mut u64, factor: f64) -> Outcome {
    let fields: Vec<String> = (0..12)
        .map(|n| format!("\"m{n}\":{:.3}", -draw(seed).max(1e-9).ln() * 10.0 * factor))
        .collect();
    answered(format!("{{{}}}", fields.join(",")))
}

/// Compares pairs of metrics; of one in `twice` the incumbent is asked twice; one in `wrong` of the
/// candidate's is a thousand times too large.
fn filled(pairs: u64, twice: u64, wrong: u64) -> (Book, u64) {
    let (rules, redact) = (Rules::default(), |_: Option<&Place>, text: &str| {
        text.to_owned()
    });
    let (differ, mut history) = (Differ::new(&rules, &redact), History::default());
    let (mut book, mut seed, mut kept) = (Book::default(), 7, 0);
    for n in 1..=pairs {
        let (operation, name) = book.operation("GET", "/metrics");
        let (a, b) = (metrics(&mut seed, 1.0), metrics(&mut seed, 1.0));
        let c = metrics(
            &mut seed,
            if n.is_multiple_of(wrong) { 1000.0 } else { 1.0 },
        );
        let outcomes = Outcomes {
            incumbent: &a,
            second: (n.is_multiple_of(twice)).then_some(&b),
            candidate: &c,
        };
        let finding = Finding {
            row: Row::compare(&differ, &mut history, 0, (operation, &name), outcomes),
            twice: n.is_multiple_of(twice),
            status: 200,
            parameters: String::new(),
        };
        kept += u64::from(book.add(finding, 10, String::new));
    }
    (book, kept)
}

#[test]
fn many_noisy_numbers_fill_no_book_and_a_wrong_one_among_them_is_found() {
    let (book, kept) = filled(3000, 10, 100);
    assert_eq!(kept, 3000, "{} groups", book.groups.len());
    let judged = book.judge(&config(), today());
    // Each wrong answer has twelve wrong numbers; a handful of honest ones may lie far out.
    assert!(
        (30..=33).contains(&judged.all.different),
        "{}",
        judged.all.different
    );
    assert_eq!(judged.all.compared, 3000);
}

#[test]
fn what_is_never_asked_twice_differs_and_is_counted_whole() {
    let (book, kept) = filled(3000, u64::MAX, 100);
    assert_eq!(kept, 3000, "{} groups", book.groups.len());
    assert_eq!(book.judge(&config(), today()).all.different, 3000);
}

#[test]
fn a_book_that_was_stored_says_the_same_again_and_continues() {
    let (book, _) = filled(500, 5, 50);
    let text = serde_json::to_string(&book.store()).unwrap();
    let again = Book::restore(serde_json::from_str(&text).unwrap());
    let (before, after) = (
        book.judge(&config(), today()),
        again.judge(&config(), today()),
    );
    assert_eq!(before.all, after.all);
    assert_eq!(before.operations, after.operations);
}

#[test]
fn the_self_test_is_done_with_the_first_answers_and_then_with_some() {
    let mut book = Book::default();
    let due = (0..1000).filter(|_| book.test_due(3).is_some()).count();
    assert_eq!(due, 20 + 20);
    assert_eq!(book.test_due(4), Some(1));
    book.forget_tests();
    assert_eq!(book.test_due(3), Some(1));
}
