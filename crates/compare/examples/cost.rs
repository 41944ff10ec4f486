//! What comparing costs: pairs of answers of a few types, with noise, through the whole way from bytes to row.
//! `cargo run --release -p understudy-compare --example cost` prints nanoseconds a pair, the least of several rounds.

#![expect(clippy::print_stdout, reason = "an example reports on standard output")]

use std::hint::black_box;
use std::time::Instant;
use understudy_compare::{Differ, History, Outcomes, Row, Rules};
use understudy_model::{Field, Outcome, Place};

const PAIRS: u32 = 2_000;
const ROUNDS: u32 = 9;

fn answer(media: &str, body: String) -> Outcome {
    Outcome::Answered(understudy_compare::http::answer(
        200,
        vec![
            Field {
                name: "content-type".into(),
                value: media.into(),
            },
            Field {
                name: "cache-control".into(),
                value: b"no-cache, max-age=0".to_vec(),
            },
        ],
        body.into_bytes(),
        false,
    ))
}

/// A page of twenty items, one value of which changes.
fn json(noise: u32) -> String {
    let item = |id: u32| {
        format!(r#"{{"id":{id},"name":"item {id}","price":{id}.50,"tags":["a","b"],"on":true}}"#)
    };
    let items: Vec<String> = (0..20).map(item).collect();
    format!(r#"{{"at":{noise},"items":[{}]}}"#, items.join(","))
}

fn html(noise: u32) -> String {
    let item =
        |id: u32| format!("<li class=item><a href=/items/{id}>item {id}</a> <b>{id}.50</b></li>");
    let items: Vec<String> = (0..20).map(item).collect();
    format!(
        "<html><body><ul>{}</ul><small>in {noise} ns</small></body></html>",
        items.join("\n")
    )
}

fn text(noise: u32) -> String {
    let line = |id: u32| format!("item {id} costs {id}.50\n");
    let lines: String = (0..20).map(line).collect();
    format!("{lines}in {noise} ns\n")
}

fn main() {
    let rules = Rules::default();
    let redact = |_: Option<&Place>, text: &str| text.to_owned();
    let differ = Differ::new(&rules, &redact);
    type Body = fn(u32) -> String;
    let types: [(&str, &str, Body, bool); 4] = [
        ("json, equal", "application/json", json, false),
        ("json, noise", "application/json", json, true),
        ("html, noise", "text/html", html, true),
        ("text, noise", "text/plain", text, true),
    ];
    for (name, media, body, is_noisy) in types {
        let of = |n: u32| answer(media, body(if is_noisy { n } else { 7 }));
        let triples: Vec<[Outcome; 3]> = (0..PAIRS)
            .map(|n| [of(3 * n), of(3 * n + 1), of(3 * n + 2)])
            .collect();
        let mut least = f64::INFINITY;
        for _ in 0..ROUNDS {
            let mut history = History::default();
            let began = Instant::now();
            for [incumbent, second, candidate] in &triples {
                let outcomes = Outcomes {
                    incumbent,
                    second: Some(second),
                    candidate,
                };
                let row = Row::compare(&differ, &mut history, 0, (0, "GET /items"), outcomes);
                black_box(row);
            }
            least = least.min(began.elapsed().as_secs_f64() / f64::from(PAIRS));
        }
        println!("{name}: {:.0} ns", least * 1e9);
    }
}
