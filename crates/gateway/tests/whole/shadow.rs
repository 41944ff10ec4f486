//! What the candidate is shown, and what comes of it.

use crate::harness::{Client, Server, candidate, config, json, run, settled};
use std::sync::{Arc, Mutex};

#[test]
fn a_difference_is_found_with_its_place_and_a_way_to_see_it_again() {
    let incumbent = Server::http(|request| {
        json(&format!(
            "{{\"path\":{:?},\"price\":12.345}}",
            request.path()
        ))
    });
    let other = Server::http(|request| {
        let price = if request.path().ends_with("/7") {
            "12.35"
        } else {
            "12.345"
        };
        json(&format!(
            "{{\"path\":{:?},\"price\":{price}}}",
            request.path()
        ))
    });
    let mut config = config(&incumbent);
    config.candidate = Some(candidate(other.upstream()));
    let gateway = run(config);
    let mut client = Client::of(&gateway);
    for n in 0..20 {
        assert!(client.get(&format!("/items/{n}")).text().contains("12.345"));
    }
    let status = settled(&gateway);
    assert!(status.ledger.is_balanced());
    assert_eq!(
        (
            status.ledger.eligible,
            status.ledger.compared,
            status.proof.different
        ),
        (20, 20, 1),
        "{:?}",
        status.ledger
    );
    assert_eq!(status.operations[0].operation, "GET /items/{id}");
}

#[test]
fn the_candidate_is_shown_safe_requests_as_copies() {
    let seen: Arc<Mutex<Vec<(String, bool)>>> = Arc::default();
    let incumbent = Server::json("{}");
    let all = seen.clone();
    let other = Server::http(move |request| {
        let marked = request.header("x-understudy-shadow") == Some("1");
        all.lock().unwrap().push((request.first.clone(), marked));
        json("{}")
    });
    let mut config = config(&incumbent);
    config.candidate = Some(candidate(other.upstream()));
    let gateway = run(config);
    let mut client = Client::of(&gateway);
    client.get("/a");
    client.ask("POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    client.ask("GET /c HTTP/1.1\r\nHost: a\r\nX-Understudy-Shadow: 1\r\n\r\n");
    assert_eq!(settled(&gateway).ledger.compared, 1);
    assert_eq!(
        *seen.lock().unwrap(),
        [("GET /a HTTP/1.1".to_owned(), true)]
    );
}

/// Answers 304 to a tag of its own, and 200 with it to every other.
fn tagged(tag: &'static str) -> Server {
    Server::http(move |request| {
        if request.header("if-none-match") == Some(tag) {
            return b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec();
        }
        json("{\"a\":1}")
    })
}

#[test]
fn two_schemes_of_tags_are_compared_by_what_the_answers_say() {
    let (incumbent, other) = (tagged("\"i\""), tagged("\"c\""));
    for (unconditional, different) in [(false, 10), (true, 0)] {
        let mut config = config(&incumbent);
        let mut candidate = candidate(other.upstream());
        candidate.rewrite.unconditional = unconditional;
        config.candidate = Some(candidate);
        let gateway = run(config);
        let mut client = Client::of(&gateway);
        for _ in 0..10 {
            let request = "GET /a HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"i\"\r\n\r\n";
            assert_eq!(client.ask(request).status(), 304);
        }
        let status = settled(&gateway);
        assert_eq!(
            (status.ledger.compared, status.proof.different),
            (10, different),
            "{:?}",
            status.ledger
        );
    }
}
