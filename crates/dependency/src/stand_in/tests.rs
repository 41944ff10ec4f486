//! Stand-ins before a real outside service on a socket, and calls over real connections.

use super::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use understudy_wire::http1::Limits;

/// An outside service: each answer has the number of the request, and what was asked.
struct Outside {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Outside {
    fn start() -> Outside {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let count = count.clone();
                std::thread::spawn(move || answer(stream, &count));
            }
        });
        Outside { address, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn standing(&self) -> Standing {
        Standing {
            name: "prices".into(),
            upstream: Target::parse_server(&format!("http://{}", self.address)).unwrap(),
            limits: ClientLimits {
                timeout: Duration::from_secs(20),
                response: Limits {
                    head_bytes: 1 << 16,
                    body_bytes: 1 << 20,
                    interim: 4,
                },
            },
            wait: Wait::Fixed(Duration::ZERO),
            cpus: None,
        }
    }
}

fn answer(stream: TcpStream, count: &AtomicUsize) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            match reader.read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if line == "\r\n" => break,
                Ok(_) => lines.push(line.trim_end().to_owned()),
            }
        }
        let length = lines
            .iter()
            .find_map(|line| line.strip_prefix("Content-Length: "));
        let mut body = vec![0; length.map_or(0, |text| text.parse().unwrap())];
        reader.read_exact(&mut body).unwrap();
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        let said = format!(
            "{number}: {} {}",
            lines[0],
            String::from_utf8(body).unwrap()
        );
        let head = format!(
            "HTTP/1.1 200 OK\r\nX-Number: {number}\r\nContent-Length: {}\r\n\r\n",
            said.len()
        );
        stream.write_all((head + &said).as_bytes()).unwrap();
    }
}

/// A side that calls its stand-in over one connection.
struct Side(TcpStream);

impl Side {
    fn of(stand_in: &StandIn) -> Side {
        Side(TcpStream::connect(stand_in.address()).unwrap())
    }

    /// Status and body of the answer.
    fn call(&mut self, method: &str, target: &str, body: &str) -> (u16, String) {
        let length = body.len();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.0.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(self.0.try_clone().unwrap());
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                status = rest[..3].parse().unwrap();
            }
            if let Some(rest) = line.strip_prefix("content-length: ") {
                length = rest.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        (status, String::from_utf8(body).unwrap())
    }
}

fn round(number: u64) -> Round {
    Round {
        generation: 1,
        number,
    }
}

fn targets(calls: &[Call]) -> Vec<&str> {
    calls.iter().map(|call| call.target.as_str()).collect()
}

#[test]
fn only_the_incumbent_reaches_the_outside_service_and_all_get_its_answers() {
    let outside = Outside::start();
    let recording = Arc::new(Recording::default());
    let leader = StandIn::start(outside.standing(), Lead::Leads, recording.clone()).unwrap();
    let follower = StandIn::start(outside.standing(), Lead::Follows, recording).unwrap();
    let (mut one, mut other) = (Side::of(&leader), Side::of(&follower));

    for number in 1..=2 {
        leader.handler().begin(round(number));
        follower.handler().begin(round(number));
        let made = |side: &mut Side| {
            [
                side.call("POST", "/orders", r#"{"n": 1}"#),
                side.call("GET", "/prices?a=1&b=2", ""),
                side.call("POST", "/orders", r#"{"n": 1}"#),
            ]
        };
        let first = made(&mut one);
        let calls = leader.handler().end();
        assert_eq!(targets(&calls), ["/orders", "/prices?a=1&b=2", "/orders"]);
        let asked = outside.asked();
        assert_eq!(asked, 3 * number as usize);
        // The same calls get the same answers, in their order: the second order is not the first.
        assert_ne!(first[0], first[2]);
        assert_eq!(made(&mut other), first, "round {number}");
        // What the incumbent did not call changes nothing outside.
        let (status, why) = other.call("POST", "/orders", r#"{"n": 2}"#);
        assert_eq!(status, 502, "{why}");
        assert_eq!(outside.asked(), asked);
        assert_eq!(follower.handler().end().len(), 4);
    }
    assert_eq!(follower.handler().counts().refused, 2);

    // Under load the last answers are served, to the incumbent as well.
    leader.handler().close();
    follower.handler().close();
    let asked = outside.asked();
    let last = one.call("POST", "/orders", r#"{"n":1}"#);
    assert_eq!(last, other.call("POST", "/orders", r#"{"n":1}"#));
    assert_eq!(one.call("DELETE", "/orders/1", "").0, 502);
    assert_eq!(outside.asked(), asked);
    // What is safe is passed on once, and served to all from then on.
    let new = other.call("GET", "/new", "");
    assert_eq!(new, one.call("GET", "/new", ""));
    assert_eq!(outside.asked(), asked + 1);
    assert_eq!(follower.handler().counts().passed_on, 1);
}

#[test]
fn calls_after_a_case_are_counted_and_belong_to_none() {
    let outside = Outside::start();
    let recording = Arc::new(Recording::default());
    let leader = StandIn::start(outside.standing(), Lead::Leads, recording).unwrap();
    let mut side = Side::of(&leader);
    leader.handler().begin(round(1));
    assert!(leader.handler().end().is_empty());
    assert_eq!(leader.handler().forget_late(), 0);
    side.call("GET", "/late", "");
    assert_eq!(leader.handler().forget_late(), 1);
    side.call("GET", "/later", "");
    leader.handler().begin(round(2));
    side.call("GET", "/in-time", "");
    assert_eq!(targets(&leader.handler().end()), ["/in-time"]);
    assert_eq!(leader.handler().counts().late, 2);
}

#[test]
fn an_outside_service_that_is_not_there_is_said_and_a_call_that_is_none_is_refused() {
    let outside = Outside::start();
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap();
    let mut standing = outside.standing();
    standing.upstream = Target::parse_server(&format!("http://{gone}")).unwrap();
    let leader = StandIn::start(standing, Lead::Leads, Arc::default()).unwrap();
    leader.handler().begin(round(1));
    let (status, why) = Side::of(&leader).call("GET", "/", "");
    assert_eq!(status, 502);
    assert!(why.contains("prices did not answer"), "{why}");
    assert_eq!(leader.handler().counts().failed, 1);
    assert_eq!(leader.handler().end().len(), 1);

    let mut stream = TcpStream::connect(leader.address()).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    // What was started is stopped, connections or not.
    let open = TcpStream::connect(leader.address()).unwrap();
    let address = leader.address();
    drop(leader);
    assert!(TcpStream::connect(address).is_err());
    drop(open);
}

#[test]
fn a_side_waits_as_long_as_was_waited_when_the_answer_was_recorded() {
    let outside = Outside::start();
    let recording = Arc::new(Recording::default());
    let mut standing = outside.standing();
    standing.wait = Wait::Recorded;
    let follower = StandIn::start(standing, Lead::Follows, recording.clone()).unwrap();
    let call = Call {
        method: "GET".into(),
        target: "/slow".into(),
        ..Call::default()
    };
    let slow = Duration::from_millis(80);
    let answer = understudy_compare::http::answer(200, Vec::new(), b"x".to_vec(), false);
    recording.record(None, call.key(), Arc::new(Recorded::new(&answer, slow)));
    let begun = Instant::now();
    assert_eq!(
        Side::of(&follower).call("GET", "/slow", ""),
        (200, "x".to_owned())
    );
    assert!(begun.elapsed() >= slow);
}
