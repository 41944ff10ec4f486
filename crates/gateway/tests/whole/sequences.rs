//! Sequences of requests on one connection, cut anywhere: each is answered with what belongs to it.

use crate::harness::{Client, Server, config, receive, run};
use crate::proxy::echo;
use proptest::prelude::*;
use std::io::Write;
use std::thread;
use std::time::Duration;
use understudy_gateway::Running;

/// How a request says how long its body is.
#[derive(Clone, Debug)]
enum Framing {
    None,
    Length,
    /// In chunks of so many bytes, with a trailer or not.
    Chunks(usize, bool),
}

#[derive(Clone, Debug)]
struct Request {
    framing: Framing,
    body: String,
    expects: bool,
}

impl Request {
    fn wire(&self, path: &str) -> String {
        let expect = if self.expects {
            "Expect: 100-continue\r\n"
        } else {
            ""
        };
        let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\n{expect}");
        match self.framing {
            Framing::None => format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"),
            Framing::Length => {
                format!(
                    "{head}Content-Length: {}\r\n\r\n{}",
                    self.body.len(),
                    self.body
                )
            }
            Framing::Chunks(size, trailer) => {
                let mut text = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
                for chunk in self.body.as_bytes().chunks(size) {
                    let chunk = std::str::from_utf8(chunk).unwrap();
                    text += &format!("{:x};a=b\r\n{chunk}\r\n", chunk.len());
                }
                text + if trailer {
                    "0\r\nX-Sum: 1\r\n\r\n"
                } else {
                    "0\r\n\r\n"
                }
            }
        }
    }

    fn body(&self) -> &str {
        match self.framing {
            Framing::None => "",
            _ => &self.body,
        }
    }
}

fn request() -> impl Strategy<Value = Request> {
    let framing = prop_oneof![
        Just(Framing::None),
        Just(Framing::Length),
        (1usize..5000, any::<bool>()).prop_map(|(size, trailer)| Framing::Chunks(size, trailer)),
    ];
    // Long enough that pieces are copied, and that they are not.
    let body = prop_oneof!["[a-z]{0,40}", "[a-z]{3000,3100}"];
    (framing, body, any::<bool>()).prop_map(|(framing, body, expects)| Request {
        framing,
        body,
        expects,
    })
}

/// Sends all of it at once, in pieces of these lengths, and takes the answers meanwhile.
fn exchange(gateway: &Running, requests: &[Request], cuts: &[usize]) {
    let mut client = Client::of(gateway);
    let wire: String = requests
        .iter()
        .enumerate()
        .map(|(n, request)| request.wire(&format!("/{n}")))
        .collect();
    let mut sending = client.0.try_clone().unwrap();
    let cuts = cuts.to_vec();
    let sent = thread::spawn(move || {
        let (mut rest, mut cuts) = (wire.as_bytes(), cuts.into_iter());
        while !rest.is_empty() {
            let piece = cuts.next().map_or(rest.len(), |cut| cut.min(rest.len()));
            sending.write_all(&rest[..piece]).unwrap();
            rest = &rest[piece..];
            thread::sleep(Duration::from_micros(300));
        }
    });
    for (n, request) in requests.iter().enumerate() {
        let answer = loop {
            let answer = receive(&mut client.0, false).unwrap().unwrap();
            if answer.status() != 100 {
                break answer;
            }
            assert!(request.expects, "{request:?}");
        };
        let text = answer.text();
        assert_eq!(answer.status(), 200, "{requests:?}");
        assert!(
            text.contains(&format!(" /{n} HTTP/1.1\n")),
            "{n}: {text} {requests:?}"
        );
        let body = text.split_once("\n\n").map(|(_, body)| body);
        assert_eq!(body, Some(request.body()), "{n}: {requests:?}");
    }
    sent.join().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_request_of_a_sequence_gets_its_own_answer_however_it_is_cut(
        requests in proptest::collection::vec(request(), 1..8),
        cuts in proptest::collection::vec(prop_oneof![1usize..30, 100usize..3000], 0..60),
    ) {
        let (gateway, _server) = GATEWAY.with(Clone::clone);
        exchange(&gateway, &requests, &cuts);
    }
}

thread_local! {
    /// One for all cases.
    static GATEWAY: (std::rc::Rc<Running>, std::rc::Rc<Server>) = {
        let server = echo();
        (std::rc::Rc::new(run(config(&server))), std::rc::Rc::new(server))
    };
}

/// A server that answers before it has the body is given the rest of it, and the next request comes after.
#[test]
fn a_body_that_its_server_does_not_wait_for_is_not_part_of_the_next_request() {
    let server = Server::raw(|mut stream| {
        use std::io::Read;
        let mut head = Vec::new();
        let mut byte = [0];
        while stream.read(&mut byte).is_ok_and(|read| read > 0) {
            head.push(byte[0]);
            if head.ends_with(b"\r\n\r\n") {
                let line = String::from_utf8_lossy(&head)
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                let answer = crate::harness::json(&line);
                if stream.write_all(&answer).is_err() {
                    return;
                }
                let length = if line.starts_with("POST") { 100_000 } else { 0 };
                let mut body = vec![0; length];
                if stream.read_exact(&mut body).is_err() {
                    return;
                }
                head.clear();
            }
        }
    });
    let gateway = run(config(&server));
    let mut client = Client::of(&gateway);
    for n in 0..20 {
        let head = format!("POST /{n} HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
        client.send(&head);
        client.send(&"x".repeat(50_000));
        assert_eq!(client.answer().text(), format!("POST /{n} HTTP/1.1"));
        client.send(&"GET /x HTTP/1.1\r\n".repeat(3000)[..50_000]);
        assert_eq!(
            client.get(&format!("/{n}")).text(),
            format!("GET /{n} HTTP/1.1")
        );
    }
}

#[test]
fn a_body_that_is_not_wanted_is_passed_over_or_ends_the_connection() {
    let server = echo();
    let mut config = config(&server);
    config.routes[0].path = "/api".into();
    let gateway = run(config);
    let mut client = Client::of(&gateway);
    // As far as it is there, it costs nothing to pass over it.
    client.send("POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /api HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer().status(), 404);
    assert_eq!(client.answer().status(), 200);
    client.send("POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\nhello");
    let answer = client.answer();
    assert_eq!(
        (answer.status(), answer.header("connection")),
        (404, Some("close"))
    );
    client.0.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(client.is_closed());
}
