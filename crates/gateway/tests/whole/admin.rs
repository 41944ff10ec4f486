//! The admin interface: documents, metrics, waivers, and the page in a real Chromium.
//! `UNDERSTUDY_SHOTS=DIR` keeps what the page looks like.

use crate::harness::{Client, Message, Server, candidate, config, eventually, json, run, settled};
use crate::proof::rule;
use base64::Engine;
use serde_json::{Value, json as value};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};
use understudy_gateway::{GatewayConfig, Running};
use understudy_testkit::browser::{Browser, find};

/// A candidate that rounds the price of every third item; the answers of both contain the time.
fn pair() -> (Server, Server) {
    let item = |path: &str, price: &str| {
        let nanos = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .subsec_nanos();
        json(&format!(
            "{{\"path\":{path:?},\"price\":{price},\"at\":\"2026-11-25T10:00:00.{:03}Z\"}}",
            nanos / 1_000_000
        ))
    };
    let incumbent = Server::http(move |request| item(request.path(), "12.345"));
    let other = Server::http(move |request| {
        let id = request.path().split('?').next().unwrap_or_default();
        let bug = id.ends_with(['0', '3', '6', '9']);
        item(request.path(), if bug { "12.35" } else { "12.345" })
    });
    (incumbent, other)
}

pub(crate) fn differing() -> (GatewayConfig, [Server; 2]) {
    let (incumbent, other) = pair();
    let mut config = config(&incumbent);
    let mut candidate = candidate(other.upstream());
    candidate.ask_twice = 1.0;
    config.candidate = Some(candidate);
    (config, [incumbent, other])
}

pub(crate) fn traffic(gateway: &Running) {
    let mut client = Client::of(gateway);
    for n in 0..60 {
        client.ask(&format!("GET /items/{n}?verbose=1 HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer abcdefgh\r\n\r\n"));
        if n == 0 {
            // Of requests of one size the one that was compared first is the example: let it be this one.
            settled(gateway);
        }
    }
    settled(gateway);
}

pub(crate) fn ask(
    admin: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> Message {
    let length = body.len();
    Client::to(admin).ask(&format!("{method} {path} HTTP/1.1\r\nHost: {admin}\r\n{headers}Content-Length: {length}\r\n\r\n{body}"))
}

const JSON: &str = "Content-Type: application/json\r\n";

fn waiver(path: &str) -> String {
    value!({
        "operation": "GET /items/{id}", "path": path, "kind": "value",
        "owner": "shop team", "reason": "rounded on purpose", "expires": "2026-12-31",
    })
    .to_string()
}

#[test]
fn a_difference_is_shown_with_both_values_waived_and_stays_waived() {
    let folder = tempfile::tempdir().unwrap();
    let (mut config, _servers) = differing();
    config.state = Some(folder.path().join("state"));
    let gateway = run(config.clone());
    traffic(&gateway);
    let admin = gateway.admin().unwrap();
    let found: Value =
        serde_json::from_slice(&ask(admin, "GET", "/api/differences", "", "").body).unwrap();
    assert_eq!(found["clusters"].as_array().unwrap().len(), 1, "{found:#}");
    let cluster = &found["clusters"][0];
    assert_eq!(
        (&cluster["path"], &cluster["count"]),
        (&value!("$.price"), &value!(24))
    );
    let (a, b) = (
        &cluster["examples"][0]["baseline"],
        &cluster["examples"][0]["contender"],
    );
    assert_eq!((a, b), (&value!("12.345"), &value!("12.35")));
    let command = cluster["reproduce"].as_str().unwrap();
    let expected =
        "curl -sS -i -H 'authorization: '\"$AUTHORIZATION\" \"$URL\"'/items/0?verbose=1'";
    assert_eq!(command, expected, "no secret, and the smallest request");
    assert_eq!(found["noise"][0]["path"], "$.at");

    for (wrong, why) in [
        (waiver("$.stock"), "no open difference"),
        (
            waiver("$.price").replace("shop team", " "),
            "owner is empty",
        ),
        (
            waiver("$.price").replace("2026-12-31", "2026-11-24"),
            "is over",
        ),
        (
            waiver("$").replace("\"kind\":\"value\",", ""),
            "covers every difference",
        ),
        (waiver("$.price").replace("owner", "ower"), "unknown field"),
    ] {
        let answer = ask(admin, "POST", "/api/waivers", JSON, &wrong);
        assert!(
            answer.status() >= 400 && answer.text().contains(why),
            "{why}: {}",
            answer.text()
        );
    }
    assert_eq!(
        ask(admin, "POST", "/api/waivers", "", &waiver("$.price")).status(),
        415,
        "a form of another origin"
    );
    assert_eq!(
        ask(admin, "POST", "/api/waivers", JSON, &waiver("$.price")).status(),
        200
    );
    let status = gateway.status();
    assert_eq!(
        (status.proof.different, status.proof.excused > 0),
        (0, true)
    );
    let before = (status.ledger, status.proof.equal);
    gateway.stop().unwrap();

    let gateway = run(config);
    let status = gateway.status();
    assert_eq!(
        (status.ledger, status.proof.equal, status.proof.different),
        (before.0, before.1, 0),
        "it outlives a restart"
    );
    let admin = gateway.admin().unwrap();
    let back = value!({"operation": "GET /items/{id}", "path": "$.price"}).to_string();
    assert_eq!(
        ask(admin, "DELETE", "/api/waivers", JSON, &back).status(),
        200
    );
    assert_eq!(gateway.status().proof.different, 24);
}

#[test]
fn state_is_whole_whenever_the_gateway_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut config, _servers) = differing();
    config.state = Some(folder.path().to_owned());
    let gateway = run(config.clone());
    traffic(&gateway);
    // What a kill leaves is what is on the disk: a copy of it starts as if nothing had happened.
    let file = folder.path().join("state.json");
    let deadline = Instant::now() + Duration::from_secs(20);
    let copy = loop {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        if text.contains("\"eligible\":60") && text.contains("\"compared\":60") {
            break text;
        }
        assert!(Instant::now() < deadline, "{text}");
        std::thread::sleep(Duration::from_millis(50));
    };
    for secret in ["abcdefgh", "Bearer"] {
        assert!(!copy.contains(secret), "{copy}");
    }
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("state.json"), copy).unwrap();
    config.state = Some(other.path().to_owned());
    let again = run(config);
    let status = again.status();
    assert_eq!((status.ledger.compared, status.proof.different), (60, 24));
    assert!(status.ledger.is_balanced());
}

#[test]
fn hashes_alone_find_the_same_and_keep_no_value() {
    let folder = tempfile::tempdir().unwrap();
    let (mut config, _servers) = differing();
    config.state = Some(folder.path().to_owned());
    config.compare.payloads = understudy_gateway::config::Payloads::Hash;
    let gateway = run(config);
    traffic(&gateway);
    assert_eq!(gateway.status().proof.different, 24);
    gateway.stop().unwrap();
    let kept = std::fs::read_to_string(folder.path().join("state.json")).unwrap();
    for value in ["12.35", "12.345", "verbose=1", "abcdefgh"] {
        assert!(!kept.contains(value), "{value} in {kept}");
    }
}

#[test]
fn metrics_add_up_as_the_ledger_does() {
    let (config, _servers) = differing();
    let gateway = run(config);
    traffic(&gateway);
    let text = ask(gateway.admin().unwrap(), "GET", "/metrics", "", "").text();
    let metric = |name: &str| -> f64 {
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("understudy_gateway_{name} ")));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
            .unwrap_or_else(|| panic!("{name}: {text}"))
    };
    assert_eq!(
        (
            metric("eligible_total"),
            metric("compared_total"),
            metric("pending")
        ),
        (60.0, 60.0, 0.0)
    );
    assert_eq!(metric("requests_total{route=\"all\",class=\"2xx\"}"), 60.0);
    assert_eq!(
        metric("latency_seconds_count{route=\"all\",side=\"candidate\"}"),
        60.0
    );
    for server in gateway.status().servers {
        let labels = format!("role={:?},server={:?}", server.role.name(), server.server);
        assert_eq!(metric(&format!("server_passes_checks{{{labels}}}")), 1.0);
        assert_eq!(metric(&format!("server_failing_threads{{{labels}}}")), 0.0);
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        assert!(
            text.contains(&format!(
                "# TYPE {}",
                line.split(['{', ' '])
                    .next()
                    .unwrap()
                    .trim_end_matches("_bucket")
                    .trim_end_matches("_sum")
                    .trim_end_matches("_count")
            )),
            "{line}"
        );
    }
}

#[test]
fn the_admin_interface_requires_its_token_or_loopback() {
    let (mut config, _servers) = differing();
    let gateway = run(config.clone());
    let admin = gateway.admin().unwrap();
    let rebound = Client::to(admin).ask("GET /api/status HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    assert_eq!(rebound.status(), 403);
    assert_eq!(ask(admin, "GET", "/healthz", "", "").status(), 200);
    let put = ask(admin, "PUT", "/api/status", "", "");
    assert_eq!((put.status(), put.header("allow")), (405, Some("GET")));
    assert_eq!(ask(admin, "GET", "/x", "", "").status(), 404);
    config.admin.token = Some("0123456789abcdef".into());
    let gateway = run(config);
    let admin = gateway.admin().unwrap();
    assert_eq!(ask(admin, "GET", "/api/status", "", "").status(), 401);
    assert_eq!(
        ask(
            admin,
            "GET",
            "/api/status",
            "Authorization: Bearer 0123456789abcdeX\r\n",
            ""
        )
        .status(),
        401
    );
    assert_eq!(
        ask(
            admin,
            "GET",
            "/api/status",
            "Authorization: Bearer 0123456789abcdef\r\n",
            ""
        )
        .status(),
        200
    );
    assert_eq!(
        ask(admin, "GET", "/", "", "").status(),
        200,
        "the page itself holds no data"
    );
}

/// Opens the page and waits until it has shown something.
fn open(browser: &mut Browser, admin: SocketAddr) {
    browser.events.clear();
    browser.call("Page.navigate", value!({"url": format!("http://{admin}/")}));
    wait(
        browser,
        "document.querySelector('#tiles b') !== null && document.querySelectorAll('#charts svg').length === 3",
    );
}

fn wait(browser: &mut Browser, what: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while browser.evaluate(what) != value!(true) {
        assert!(
            Instant::now() < deadline,
            "{what}: {}",
            browser.evaluate("document.body.innerText")
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn shoot(browser: &mut Browser, name: &str) {
    let Some(folder) = std::env::var_os("UNDERSTUDY_SHOTS") else {
        return;
    };
    let shot = browser.call(
        "Page.captureScreenshot",
        value!({"format": "png", "captureBeyondViewport": true}),
    );
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(shot["data"].as_str().unwrap())
        .unwrap();
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(Path::new(&folder).join(format!("{name}.png")), bytes).unwrap();
}

#[test]
fn the_page_fits_every_width_complains_of_nothing_and_waives() {
    let Some(program) = find() else {
        eprintln!("skipped: no Chromium on this machine (apt-get install chromium)");
        return;
    };
    let (mut config, _servers) = differing();
    config.compare.rules = vec![rule("$.path")];
    let gateway = run(config);
    traffic(&gateway);
    std::thread::sleep(Duration::from_millis(1100));
    traffic(&gateway);
    eventually(&gateway, |status| status.history.len() > 2);
    let admin = gateway.admin().unwrap();
    let mut browser = Browser::start(&program);
    for (width, scheme) in [(1300, "light"), (320, "light"), (900, "dark")] {
        browser.look(width, scheme, "screen");
        open(&mut browser, admin);
        wait(
            &mut browser,
            "document.querySelectorAll('#clusters article').length === 1 && document.querySelectorAll('#proposals article').length === 1 && document.querySelectorAll('#hiding article').length > 0",
        );
        browser.evaluate(
            "document.querySelectorAll('details').forEach(details => details.open = true)",
        );
        let wrong: Vec<&Value> = browser
            .events
            .iter()
            .filter(|event| {
                matches!(
                    event["method"].as_str(),
                    Some("Runtime.exceptionThrown" | "Runtime.consoleAPICalled")
                )
            })
            .chain(browser.events.iter().filter(|event| {
                let url = event["params"]["request"]["url"]
                    .as_str()
                    .unwrap_or_default();
                // The browser draws its own date picker from data.
                event["method"] == "Network.requestWillBeSent"
                    && !url.starts_with("data:")
                    && !url.starts_with(&format!("http://{admin}/"))
            }))
            .collect();
        assert!(wrong.is_empty(), "{width} {scheme}: {wrong:?}");
        let fits = browser.evaluate("document.documentElement.scrollWidth <= innerWidth");
        assert_eq!(fits, value!(true), "{width} {scheme}");
        shoot(&mut browser, &format!("gateway-{width}-{scheme}"));
    }
    let routes = browser.evaluate("document.querySelector('#routes').innerText");
    let routes = routes.as_str().unwrap();
    assert!(
        routes.starts_with("all\t") && routes.contains("120"),
        "{routes}"
    );
    let hiding = browser.evaluate("document.querySelector('#hiding article').innerText");
    let hiding = hiding.as_str().unwrap();
    assert!(
        hiding.contains("rule 1: $.path") && hiding.contains("Broader than needed"),
        "{hiding}"
    );
    let proposed = browser.evaluate("document.querySelector('#proposals pre').textContent");
    assert!(
        proposed.as_str().unwrap().starts_with(
            "[[compare.rule]]\npath = \"$.price\"\noperation = \"GET /items/{id}\"\nkind = \"value\"\n"
        ),
        "{proposed}"
    );
    let text = browser.evaluate("document.querySelector('#clusters article').innerText");
    let text = text.as_str().unwrap();
    assert!(
        text.contains("12.345") && text.contains("12.35") && text.contains("$AUTHORIZATION"),
        "{text}"
    );
    browser.evaluate(
        "(() => {
            const form = document.querySelector('#clusters article form');
            form.owner.value = 'shop team';
            form.reason.value = 'rounded on purpose';
            form.expires.value = '2026-12-31';
            form.querySelector('button').click();
        })()",
    );
    wait(
        &mut browser,
        "document.querySelectorAll('#clusters article').length === 0 && document.querySelector('#proposed').hidden && document.querySelectorAll('#waivers tr').length === 1",
    );
    assert_eq!(gateway.status().proof.different, 0);
    shoot(&mut browser, "gateway-waived");
}
