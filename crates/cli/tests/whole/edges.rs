//! Edge requests: what one side answers otherwise to one class of them is found in that class, and nothing else is.

use crate::harness::{Ended, Scratch, because, ended, understudy};
use serde_json::Value;

/// A service of Python's standard library with one route for GET, and a planted change.
const SERVICE: &str = r#"
import http.server
import json
import sys
import urllib.parse

plants = sys.argv[2:]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 2 if "idle" in plants else None

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if "slash" in plants and path.endswith("/"):
            path = path.rstrip("/")
        asked = urllib.parse.parse_qs(query).get("q", [""])
        number = path.removeprefix("/items/")
        if path == number or not number.isdecimal() or len(number) > 6:
            return self.answer(404, {"error": "not found"})
        price = int(number) + ("price" in plants)
        self.answer(200, {"id": int(number), "price": price, "q": asked[-1 if "last" in plants else 0]})

    def do_HEAD(self):
        if "head" in plants:
            return self.answer(405, {})
        self.do_GET()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

/// Runs a trial of the service against itself with a planted change and these tables.
fn trial(name: &str, plant: &str, tables: &str) -> (Ended, Value) {
    let scratch = Scratch::new(&format!("edges-{name}"));
    scratch.write("service.py", SERVICE);
    let paths: Vec<String> = (0..60).map(|n| format!("\"/items/{n}?q=a\"")).collect();
    let file = scratch.write(
        "trial.toml",
        &format!(
            "schema = 1\n[trial]\nlevel = \"quick\"\n[side.incumbent]\nrun = \"python3 service.py {{port}}\"\n\
             [side.candidate]\nrun = \"python3 service.py {{port}} {plant}\"\n[workload]\npaths = [{}]\nrates = [50]\n{tables}",
            paths.join(", ")
        ),
    );
    let mut command = understudy();
    command.current_dir(scratch.path()).arg("trial").arg(file);
    let ended = ended(command.output().unwrap());
    let verdict = std::fs::read_to_string(scratch.run().join("verdict.json"));
    let verdict = verdict.unwrap_or_else(|error| panic!("{error}: {}", ended.stderr));
    (ended, serde_json::from_str(&verdict).unwrap())
}

/// The classes that differ.
fn classes(verdict: &Value) -> Vec<&str> {
    let clusters = verdict["comparisons"][0]["edges"]["clusters"].as_array();
    let clusters = clusters.unwrap_or_else(|| panic!("no edges: {verdict:#}"));
    clusters
        .iter()
        .filter_map(|cluster| cluster["operation"].as_str())
        .collect()
}

#[test]
fn each_planted_change_is_found_in_its_class_alone_and_decides_where_it_is_required() {
    let _machine = crate::harness::machine();
    for (plant, expected) in [
        ("slash", &["edge:target.trailing_slash"][..]),
        ("head", &["edge:method.head"]),
        // The long query has a second `q` as well.
        (
            "last",
            &["edge:query.duplicate_key", "edge:target.query_5kb"],
        ),
        ("idle", &["edge:connection.idle"]),
    ] {
        let edges = "[edges]\nrequired = true\nidle = \"3s\"\n";
        let (ended, verdict) = trial(plant, plant, edges);
        assert_eq!(ended.code, 5, "{plant}: {}", ended.stderr);
        assert_eq!(because(&verdict), "edges_differ", "{plant}");
        assert_eq!(classes(&verdict), expected, "{plant}");
        let edges = &verdict["comparisons"][0]["edges"];
        assert_eq!(edges["different"], expected.len(), "{edges:#}");
        let compared = edges["compared"].as_u64().unwrap();
        assert!(compared > 25, "{compared} were compared");
        let cluster = &edges["clusters"][0];
        assert!(
            cluster["breaks"]
                .as_str()
                .is_some_and(|text| text.ends_with('.'))
        );
        let reproduce = cluster["differences"][0]["reproduce"].as_str().unwrap();
        assert!(
            reproduce.contains("curl") && reproduce.contains("/items/"),
            "{reproduce}"
        );
    }
}

#[test]
fn a_service_answers_edge_requests_as_it_does_itself_and_a_rule_accepts_a_class() {
    let _machine = crate::harness::machine();
    // What differs in usual answers ends the trial before anything is measured.
    let tables = "[edges]\nrequired = true\nidle = \"1s\"\n\
                  [[compare.rule]]\npath = \"$.price\"\noperation = \"edge:*\"\n\
                  [[compare.rule]]\npath = \"answer\"\noperation = \"edge:method.head\"\n";
    let (ended, verdict) = trial("accepted", "price head", tables);
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert_eq!(because(&verdict), "answers_differ");
    assert_eq!(classes(&verdict), [""; 0]);
    let by_rule = verdict["comparisons"][0]["edges"]["excused_by"].as_array();
    let by_rule: Vec<u64> = by_rule
        .into_iter()
        .flatten()
        .map(|by| by["pairs"].as_u64().unwrap())
        .collect();
    assert!(
        matches!(by_rule[..], [price, 1] if price > 10),
        "{by_rule:?}"
    );
}
