//! What the gateway's proof is worth: noise that excuses no wrong value, identifiers, the self-test of
//! the comparison, proposed rules, waivers that do nothing.

use crate::admin::{ask, differing, traffic};
use crate::harness::{Client, Message, Server, candidate, config, json, run, settled};
use serde_json::{Value, json as value};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use understudy_compare::Rule;
use understudy_gateway::Running;

fn document(gateway: &Running, path: &str) -> Value {
    let answer = ask(gateway.admin().unwrap(), "GET", path, "", "");
    assert_eq!(answer.status(), 200, "{}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

/// What the self-test says once it is done with so many answers: it waits until nothing else is left
/// to do.
fn self_test(gateway: &Running, answers: u64) -> Value {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let test = document(gateway, "/api/selftest");
        let mut faults = test["faults"].as_array().unwrap().iter();
        let status = faults.find(|of| of["fault"] == "status");
        if status.is_some_and(|of| of["injected"].as_u64() >= Some(answers)) {
            return test;
        }
        assert!(Instant::now() < deadline, "{test:#}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn rule(path: &str) -> Rule {
    Rule {
        path: path.into(),
        operation: None,
        kind: None,
        reason: Some("a test".to_owned()),
        owner: None,
        expires: None,
        ..Rule::default()
    }
}

fn hidden_by<'d>(test: &'d Value, by: &str) -> &'d Value {
    let all = test["hidden_by"].as_array().unwrap();
    let found = all.iter().find(|hides| hides["by"] == by);
    found.unwrap_or_else(|| panic!("{by}: {test:#}"))
}

#[test]
fn a_rule_that_is_too_broad_is_exposed_and_a_reload_tests_the_narrow_one() {
    let (mut config, _servers) = differing();
    config.compare.rules = vec![rule("$")];
    let mut gateway = run(config.clone());
    traffic(&gateway);
    assert_eq!(
        gateway.status().proof.different,
        0,
        "the rule hides the bug"
    );
    let test = self_test(&gateway, 20);
    let hides = hidden_by(&test, "rule 1: $");
    assert!(hides["faults"]["null"].as_u64() > Some(10), "{hides:#}");
    let needless = hides["needless"].to_string();
    assert!(needless.contains("GET /items/{id} $.path"), "{hides:#}");

    config.compare.rules = vec![rule("$.price")];
    gateway.reload(config).unwrap();
    traffic(&gateway);
    let test = self_test(&gateway, 20);
    let hides = hidden_by(&test, "rule 1: $.price");
    assert_eq!(hides["needless"], value!([]), "{hides:#}");
    let all = test["hidden_by"].as_array().unwrap();
    assert!(
        all.iter().all(|hides| hides["by"] != "rule 1: $"),
        "{test:#}"
    );
}

#[test]
fn a_proposed_rule_says_what_it_would_hide() {
    let (config, _servers) = differing();
    let gateway = run(config);
    traffic(&gateway);
    self_test(&gateway, 20);
    let found = document(&gateway, "/api/proposals");
    let proposals = found["proposals"].as_array().unwrap();
    assert_eq!(proposals.len(), 1, "{found:#}");
    let rule = value!({"path": "$.price", "operation": "GET /items/{id}", "kind": "value"});
    assert_eq!(proposals[0]["rule"], rule);
    let of = |name: &str| proposals[0][name].as_u64().unwrap();
    assert_eq!((of("explains"), of("resolves"), of("of")), (24, 24, 24));
    let hidden = &proposals[0]["faults_hidden"];
    assert!(hidden["number_scaled"].as_u64() > Some(0), "{found:#}");
    assert!(of("faults") > hidden["number_scaled"].as_u64().unwrap());
}

#[test]
fn a_waiver_is_dead_by_what_it_excuses_and_not_by_its_words() {
    let (config, _servers) = differing();
    let gateway = run(config);
    traffic(&gateway);
    let waive = |kind: Option<&str>| {
        let waiver = value!({
            "operation": "GET /items/{id}", "path": "$.price", "kind": kind,
            "owner": "shop", "reason": "the same words", "expires": "2026-12-31",
        });
        let of = ask(
            gateway.admin().unwrap(),
            "POST",
            "/api/waivers",
            "Content-Type: application/json\r\n",
            &waiver.to_string(),
        );
        assert_eq!(of.status(), 200, "{}", of.text());
    };
    // Both at once: the broader one first, so that the other is not refused as one of nothing.
    waive(Some("value"));
    let found = document(&gateway, "/api/differences");
    assert_eq!(found["waivers"][0]["dead"], false, "{found:#}");
    let excuse = found["excused_by"].as_array().unwrap();
    let excuse = excuse
        .iter()
        .find(|of| of["by"] == "waiver: GET /items/{id} $.price");
    assert_eq!(excuse.unwrap()["pairs"], 24);
}

/// Answers with the time that a clock shows which is wrong for one of three items. It shows a later time to each who asks,
/// also within a millisecond.
fn clock(wrong: bool) -> Server {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    Server::http(move |request: &Message| {
        let later = 3 * ASKED.fetch_add(1, Ordering::Relaxed);
        let late = wrong && request.path().ends_with(['3', '6', '9']);
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        let at = now.as_millis() as u64 + later - if late { 3_600_000 } else { 0 };
        json(&format!("{{\"at\":{at}}}"))
    })
}

#[test]
fn a_wrong_value_in_a_field_that_always_differs_is_found() {
    let (incumbent, right, wrong) = (clock(false), clock(false), clock(true));
    for (other, different) in [(&right, 0), (&wrong, 18)] {
        let mut config = config(&incumbent);
        let mut candidate = candidate(other.upstream());
        candidate.ask_twice = 1.0;
        config.candidate = Some(candidate);
        let gateway = run(config);
        let mut client = Client::of(&gateway);
        // A machine that is busy with other tests starves copies: an item is asked for until it was compared.
        let mut status = settled(&gateway);
        for n in 0..60 {
            let compared = status.ledger.compared;
            for _ in 0..20 {
                client.get(&format!("/items/{n}"));
                status = settled(&gateway);
                if status.ledger.compared > compared {
                    break;
                }
            }
        }
        assert_eq!(
            status.proof.different,
            different,
            "{:?} {:#}",
            status.ledger,
            document(&gateway, "/api/differences")
        );
        assert!(status.proof.excused > 0);
        let noise = &document(&gateway, "/api/differences")["noise"][0];
        assert_eq!(noise["fits"], "within 16 s", "{noise:#}");
    }
}

/// Names each of ten customers in a way of its own; `mixed` gives every 50th answer another's.
fn names(side: u64, mixed: bool) -> Server {
    let answered = AtomicU64::new(0);
    Server::http(move |request: &Message| {
        let n = answered.fetch_add(1, Ordering::Relaxed) + 1;
        let path = request.path();
        let customer =
            path.bytes().last().map_or(0, u64::from) + u64::from(mixed && n.is_multiple_of(50));
        let name = (customer + side * 1000).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        json(&format!("{{\"customer\":\"{name:016x}{name:016x}\"}}"))
    })
}

#[test]
fn identifiers_of_their_own_are_the_same_if_they_map_one_to_one_and_only_then() {
    let incumbent = names(1, false);
    for (other, is_proven) in [(names(2, false), true), (names(2, true), false)] {
        let mut config = config(&incumbent);
        config.candidate = Some(candidate(other.upstream()));
        let gateway = run(config);
        let mut client = Client::of(&gateway);
        for n in 0..100 {
            client.get(&format!("/orders/{n}"));
            settled(&gateway);
        }
        let status = settled(&gateway);
        let found = document(&gateway, "/api/differences");
        assert_eq!(status.proof.different == 0, is_proven, "{found:#}");
        if is_proven {
            assert_eq!(status.proof.excused, 100);
            assert_eq!(
                found["excused_by"][0]["by"],
                "identifiers: GET /orders/{id} $.customer"
            );
            let test = self_test(&gateway, 20);
            let faults = test["faults"].as_array().unwrap();
            let changed = faults.iter().find(|of| of["fault"] == "identifier_changed");
            assert_eq!(changed.unwrap()["missed"], 0, "{test:#}");
        }
    }
}
