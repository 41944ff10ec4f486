//! Outside services: every side meets the answers that the incumbent got, only the incumbent reaches them, and what a side
//! calls is a part of what it answers.

use crate::harness::{Ended, Scratch, because, clusters, ended, machine, understudy};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// An outside service whose prices change with every call, and which notes each request in a file.
const OUTSIDE: &str = r#"
import http.server
import itertools
import json
import sys
import threading

asked = itertools.count()
lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with lock:
            number = next(asked)
            with open("asked", "a") as log:
                log.write(f"{self.command} {self.path}\n")
        answer = json.dumps({"number": number, "got": len(body)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open("port.part", "w") as port:
    port.write(str(server.server_port))
import os
os.rename("port.part", "port")
server.serve_forever()
"#;

/// A shop that asks for prices and sends mails, with planted changes. It says where it wants to be called back, and where it
/// got the price from: other addresses for each side, and no difference.
const SHOP: &str = r#"
import http.client
import http.server
import json
import os
import sys
import threading
import time

plants = sys.argv[2:]


def call(whose, method, path, body=None):
    connection = http.client.HTTPConnection(os.environ[whose], timeout=20)
    payload = None if body is None else json.dumps(body)
    connection.request(method, path, payload, {"Content-Type": "application/json"} if body else {})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return json.loads(data) if answer.status == 200 else {"number": -1}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        item = self.path.rsplit("/", 1)[1]
        currency = "usd" if "query" in plants else "eur"
        calls = [f"/price/{item}?currency={currency}", f"/stock/{item}"]
        answers = [call("PRICES", "GET", path) for path in (reversed(calls) if "order" in plants else calls)]
        if "again" in plants:
            call("PRICES", "GET", calls[0])
        if "cached" in plants:
            call("CACHE", "GET", "/cached")
        self.answer({"item": item, "sum": sum(answer["number"] for answer in answers)})

    def do_POST(self):
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        price = call("PRICES", "GET", f"/price/{order['item']}?currency=eur")
        mail = {"to": "a@example.com", "item": order["item"], "price": price["number"]}
        mail["back"] = f"http://127.0.0.1:{sys.argv[1]}/mails"
        if "content" in plants:
            mail["item"] += 1
        if "later" in plants:
            # Head and body are two packets, the second of which waits for up to 40 ms.
            threading.Timer(0.12, call, ("MAIL", "POST", "/send", mail)).start()
        else:
            for _ in range(1 + ("twice" in plants) - ("never" in plants)):
                call("MAIL", "POST", "/send", mail)
        if "slow" in plants:
            time.sleep(0.3)
        self.answer({"ordered": order["item"], "price": price["number"], "of": os.environ["PRICES"]})

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

/// The outside service; it ends with the test.
struct Outside {
    child: Child,
    port: String,
}

impl Outside {
    fn start(folder: &Path) -> Outside {
        let mut command = Command::new("python3");
        command
            .current_dir(folder)
            .arg("outside.py")
            .stdout(Stdio::null());
        let mut outside = Outside {
            child: command.spawn().unwrap(),
            port: String::new(),
        };
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            if let Ok(port) = fs::read_to_string(folder.join("port")) {
                outside.port = port;
                return outside;
            }
            assert!(Instant::now() < until, "the outside service did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A trial of the shop against itself with a planted change: how it ended, its verdict, and what the outside service was
/// asked.
fn trial(scratch: &Scratch, plant: &str, tables: &str) -> (Ended, Value, Vec<String>) {
    scratch.write("outside.py", OUTSIDE);
    scratch.write("shop.py", SHOP);
    let requests = (0..20).map(|n| match n % 2 {
        0 => format!("{{\"path\": \"/quotes/{n}\"}}\n"),
        _ => format!(
            "{{\"method\": \"POST\", \"path\": \"/orders\", \"body\": {{\"item\": {n}}}}}\n"
        ),
    });
    scratch.write("requests.jsonl", &requests.collect::<String>());
    let outside = Outside::start(scratch.path());
    let port = &outside.port;
    let cache = match tables.contains("cache") {
        true => ", CACHE = \"{dependency.cache}\"",
        false => "",
    };
    let side = |name: &str, plant: &str| {
        format!(
            "[side.{name}]\nrun = \"python3 shop.py {{port}} {plant}\"\n\
             env = {{ PRICES = \"{{dependency.prices}}\", MAIL = \"{{dependency.mail}}\"{cache} }}\n"
        )
    };
    let tables = tables.replace("ADDRESS", &format!("127.0.0.1:{port}"));
    let file = scratch.write(
        "trial.toml",
        &format!(
            "schema = 1\n[trial]\nlevel = \"quick\"\n{}{}[workload]\nrequests = \"requests.jsonl\"\nrates = [30]\n\
             [[dependency]]\nname = \"prices\"\nurl = \"http://127.0.0.1:{port}\"\n\
             [[dependency]]\nname = \"mail\"\nurl = \"http://127.0.0.1:{port}\"\nlatency = \"1ms\"\n{tables}",
            // While it is still waited for, what the candidate calls later is a call after its answer.
            side(
                "incumbent",
                match plant {
                    plant if plant.contains("later") => "slow",
                    plant if plant.contains("cached") => "cached",
                    _ => "",
                },
            ),
            side("candidate", plant),
        ),
    );
    let mut command = understudy();
    command.current_dir(scratch.path()).arg("trial").arg(file);
    let ended = ended(command.output().unwrap());
    let verdict = fs::read_to_string(scratch.run().join("verdict.json"));
    let verdict = verdict.unwrap_or_else(|error| panic!("{error}: {}", ended.stderr));
    let asked = fs::read_to_string(scratch.path().join("asked")).unwrap();
    let asked = asked.lines().map(str::to_owned).collect();
    (ended, serde_json::from_str(&verdict).unwrap(), asked)
}

/// How often each request of the workload was compared, orders apart from quotes.
fn compared(run: &Path) -> (usize, usize) {
    let rows = rows(run);
    let orders = rows.iter().filter(|row| is_order(row)).count();
    (orders, rows.len() - orders)
}

/// What was compared, pair by pair.
fn rows(run: &Path) -> Vec<Value> {
    let rows = fs::read_to_string(run.join("differences.jsonl")).unwrap();
    let rows = rows.lines().map(|line| serde_json::from_str(line).unwrap());
    rows.collect()
}

fn is_order(row: &Value) -> bool {
    row["request"].as_u64().unwrap() % 2 == 1
}

#[test]
fn each_planted_call_is_found_where_it_is_made() {
    let _machine = machine();
    let is_extra = |whose: &str| (format!("calls:{whose}:$[*]"), "extra");
    for (plants, expected) in [
        ("twice", vec![is_extra("mail")]),
        (
            "never order",
            vec![
                ("calls:mail:$[*]".to_owned(), "missing"),
                ("calls:prices:$".to_owned(), "order"),
            ],
        ),
        (
            "content again",
            vec![
                ("calls:mail:$[*].body.item".to_owned(), "value"),
                is_extra("prices"),
            ],
        ),
        // Another question has another answer; a mail after the answer is not compared, and no difference.
        (
            "query later",
            vec![
                ("$.sum".to_owned(), "value"),
                ("calls:prices:$[*].query.currency[*]".to_owned(), "value"),
            ],
        ),
    ] {
        let scratch = Scratch::new(&format!("dependencies-{}", plants.replace(' ', "-")));
        let (ended, verdict, _) = trial(&scratch, plants, "");
        assert_eq!(ended.code, 5, "{plants}: {}", ended.stderr);
        assert_eq!(because(&verdict), "answers_differ", "{plants}");
        let mut found = clusters(&verdict);
        found.sort();
        let expected: Vec<(String, String)> = expected
            .into_iter()
            .map(|(path, kind)| (path, kind.to_owned()))
            .collect();
        assert_eq!(found, expected, "{plants}");
        let is_lost = |row: &Value| row["lost"] == "a call came too late after the answer";
        let lost = rows(&scratch.run()).into_iter().filter(is_lost);
        let lost = lost.filter(is_order).count();
        let (orders, _) = compared(&scratch.run());
        let expected = if plants.contains("later") { orders } else { 0 };
        assert_eq!(lost, expected, "{plants}: of {orders} orders");
    }
}

#[test]
fn only_the_incumbent_reaches_the_outside_and_a_side_that_would_by_itself_is_refused() {
    let _machine = machine();
    let scratch = Scratch::new("dependencies-rule");
    let tables = "[[dependency]]\nname = \"cache\"\nkind = \"tcp\"\naddress = \"ADDRESS\"\nshared = true\n\
                  [[compare.rule]]\npath = \"calls:prices:$\"\nkind = \"order\"\n";
    let (ended, verdict, asked) = trial(&scratch, "order cached", tables);
    assert_ne!(ended.code, 5, "{}\n{verdict:#}", ended.stdout);
    // Each price is another one, and all sides got the same.
    assert_eq!(clusters(&verdict), []);
    let (orders, quotes) = compared(&scratch.run());
    assert!(
        orders >= 10 && quotes >= 10,
        "{orders} orders and {quotes} quotes"
    );
    let count = |what: &str| asked.iter().filter(|line| line.starts_with(what)).count();
    // Under load and by the candidate, nothing is sent and nothing is asked.
    assert_eq!(count("POST /send"), orders);
    assert_eq!(count("GET /stock/"), quotes);
    assert_eq!(count("GET /price/"), orders + quotes);
    let limits = verdict["limits_of_this_result"].to_string();
    assert!(limits.contains("stand-in of mail"), "{limits}");
    // What is passed through is counted: each side asks by itself, also under load.
    assert!(count("GET /cached") > 3 * quotes, "{quotes} quotes");
    let passed = "what the sides sent to cache at";
    assert!(limits.contains(passed), "{limits}");
    assert!(limits.contains("and received"), "{limits}");

    let file = scratch.path().join("trial.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("{dependency.mail}", "127.0.0.1:9", 1)).unwrap();
    let mut command = understudy();
    let refused = crate::harness::run(command.arg("trial").arg(&file));
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    let why = "the incumbent would call the outside service itself";
    assert!(refused.stderr.contains(why), "{}", refused.stderr);
    // The outside service has ended with its trial.
    fs::write(&file, text).unwrap();
    let mut command = understudy();
    let refused = crate::harness::run(command.current_dir(scratch.path()).arg("trial").arg(&file));
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    let why = "\"prices\" does not answer at";
    assert!(refused.stderr.contains(why), "{}", refused.stderr);
}
