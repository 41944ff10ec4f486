//! A candidate that misbehaves in every way there is. Whatever it does: every client gets the
//! incumbent's answer, unaltered; memory stays within the budget; the ledger adds up.

use crate::harness::{
    Client, Server, candidate, config, eventually, json, receive, run, settled, unreachable,
    upstream,
};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};
use understudy_gateway::config::UpstreamAddress;
use understudy_gateway::status::Status;

/// Requests of each fault, and bytes of the body of every second one.
const REQUESTS: usize = 40;
const BODY: usize = 400_000;
/// Bytes of copies at once. Small, so that it matters.
const MEMORY: usize = 4 << 20;
/// How long an exchange with the candidate may take.
const DEADLINE: Duration = Duration::from_millis(400);
/// What no client ever waits for: far more than the incumbent takes, far less than a candidate that
/// is waited for would.
const PATIENCE: Duration = Duration::from_millis(350);

/// Sends requests with and without bodies through a gateway with this candidate.
fn survives(name: &str, other: UpstreamAddress) -> Status {
    let incumbent = Server::http(|request| {
        let sum: u64 = request.body.iter().map(|byte| u64::from(*byte)).sum();
        json(&format!(
            "{{\"path\":{:?},\"bytes\":{},\"sum\":{sum}}}",
            request.path(),
            request.body.len()
        ))
    });
    let mut config = config(&incumbent);
    let mut candidate = candidate(other);
    candidate.side.total_timeout = Some(DEADLINE);
    candidate.side.connect_timeout = DEADLINE;
    candidate.memory = MEMORY;
    config.candidate = Some(candidate);
    config.routes[0].writes = true;
    let gateway = run(config);
    let mut client = Client::of(&gateway);
    let body = "x".repeat(BODY);
    let sum = u64::from(b'x') * BODY as u64;
    let mut slow = Vec::new();
    for n in 0..REQUESTS {
        let started = Instant::now();
        let (answer, expected) = if n % 2 == 0 {
            (
                client.get(&format!("/{n}")),
                format!("{{\"path\":\"/{n}\",\"bytes\":0,\"sum\":0}}"),
            )
        } else {
            let head = format!("POST /{n} HTTP/1.1\r\nHost: a\r\nContent-Length: {BODY}\r\n\r\n");
            (
                client.ask(&(head + &body)),
                format!("{{\"path\":\"/{n}\",\"bytes\":{BODY},\"sum\":{sum}}}"),
            )
        };
        assert_eq!(
            (answer.status(), answer.text()),
            (200, expected),
            "{name}: request {n}"
        );
        slow.push(started.elapsed());
        let held = gateway.status().candidate.memory_bytes;
        assert!(held <= MEMORY as u64, "{name}: copies hold {held} bytes");
    }
    // The median: a single stolen moment of a busy machine is not the candidate's doing.
    slow.sort();
    let median = slow[REQUESTS / 2];
    assert!(
        median < PATIENCE,
        "{name}: half of the clients waited for {median:?} or more"
    );
    let status = settled(&gateway);
    assert!(status.ledger.is_balanced(), "{name}: {:?}", status.ledger);
    assert_eq!(status.ledger.eligible, REQUESTS as u64, "{name}");
    let errors: u64 = status.routes["all"]
        .by_end
        .iter()
        .filter(|(end, _)| *end != "complete")
        .map(|(_, count)| count)
        .sum();
    assert_eq!(errors, 0, "{name}: {:?}", status.routes["all"].by_end);
    // A ticket ends a moment before the copies of its pair are dropped.
    eventually(&gateway, |status| status.candidate.memory_bytes == 0);
    gateway.stop().unwrap();
    status
}

/// Every request that was compared found the candidate without an answer. On a machine that has no
/// CPU left for the copies none may have been compared, and then that is what the ledger says.
fn never_answered(name: &str, other: UpstreamAddress) {
    let status = survives(name, other);
    let (ledger, proof) = (status.ledger, status.proof);
    let starved = ledger.dropped.contains_key("gateway_starved");
    assert!(
        proof.different == proof.compared && (proof.compared > 0 || starved),
        "{name}: {ledger:?} {proof:?}"
    );
}

/// Reads a whole request, then does what the test says.
fn after_request(then: impl Fn(TcpStream) + Send + Sync + 'static) -> Server {
    Server::raw(move |mut stream| {
        if let Ok(Some(_)) = receive(&mut stream, false) {
            then(stream);
        }
    })
}

/// Writes the same again and again until the other end takes no more.
fn for_ever(stream: &mut TcpStream, piece: &[u8], pause: Duration) {
    while stream.write_all(piece).is_ok() {
        thread::sleep(pause);
    }
}

#[test]
fn it_is_down() {
    never_answered("down", upstream(unreachable()));
}

#[test]
fn its_packets_vanish() {
    // A full queue of connections that are not accepted: further ones are neither taken nor refused.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket
        .bind(
            &"127.0.0.1:0"
                .parse::<std::net::SocketAddr>()
                .unwrap()
                .into(),
        )
        .unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let _filling: Vec<_> = (0..4)
        .map(|_| {
            thread::spawn(move || TcpStream::connect_timeout(&address, Duration::from_secs(10)))
        })
        .collect();
    thread::sleep(Duration::from_millis(100));
    never_answered("black-holed", upstream(address));
}

#[test]
fn it_accepts_and_never_reads() {
    never_answered(
        "never reads",
        Server::raw(|stream| {
            thread::sleep(Duration::from_secs(60));
            drop(stream);
        })
        .upstream(),
    );
}

#[test]
fn it_answers_one_byte_a_second() {
    let server = after_request(|mut stream| {
        for byte in json("{\"slow\":true}") {
            if stream.write_all(&[byte]).is_err() {
                return;
            }
            thread::sleep(Duration::from_secs(1));
        }
    });
    never_answered("one byte a second", server.upstream());
}

#[test]
fn it_resets_in_the_middle_of_its_answer() {
    let server = after_request(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf");
        // Closing with unread bytes or without lingering resets the connection.
        let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    });
    never_answered("reset", server.upstream());
}

#[test]
fn its_answer_never_ends() {
    let server = after_request(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 65536], b"\r\n".to_vec()].concat();
        for_ever(&mut stream, &chunk, Duration::from_millis(1));
    });
    never_answered("endless", server.upstream());
}

#[test]
fn its_answers_are_malformed() {
    for (name, answer) in [
        ("no HTTP", &b"\x00\xff\x13garbage\r\n\r\n"[..]),
        ("a bad status", b"HTTP/1.1 20x OK\r\n\r\n"),
        (
            "a bad chunk",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n",
        ),
        (
            "two lengths",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        ),
        (
            "a false upgrade",
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        ),
    ] {
        let server = after_request(move |mut stream| drop(stream.write_all(answer)));
        let status = survives(name, server.upstream());
        assert!(
            status.proof.different == status.proof.compared,
            "{name}: {:?}",
            status.proof
        );
    }
}

#[test]
fn it_sends_more_headers_than_anybody_wants() {
    let many = after_request(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        for_ever(&mut stream, &b"X-Bomb: x\r\n".repeat(100), Duration::ZERO);
    });
    never_answered("many headers", many.upstream());
    let long = after_request(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX-Bomb: ");
        for_ever(&mut stream, &[b'x'; 4096], Duration::ZERO);
    });
    never_answered("a long header", long.upstream());
}

#[test]
fn it_floods_with_interim_answers() {
    let server = after_request(|mut stream| {
        for_ever(
            &mut stream,
            &b"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(20),
            Duration::ZERO,
        );
    });
    never_answered("1xx flood", server.upstream());
}

/// A frame of HTTP/2 (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const RST_STREAM: u8 = 3;

fn over_http2(serve: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> (Server, UpstreamAddress) {
    let server = Server::raw(move |mut stream| {
        let mut preface = [0; 24];
        if stream.read_exact(&mut preface).is_ok() {
            serve(&mut stream);
        }
    });
    let address = UpstreamAddress {
        http2: true,
        ..server.upstream()
    };
    (server, address)
}

#[test]
fn its_window_is_shut() {
    // SETTINGS_INITIAL_WINDOW_SIZE (4) = 0: no body may be sent, ever.
    let (_server, address) = over_http2(|stream| {
        let _ = stream.write_all(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]));
        let _ = stream.write_all(&frame(SETTINGS, 1, 0, &[]));
        let mut sink = [0; 4096];
        while stream.read(&mut sink).is_ok_and(|read| read > 0) {}
    });
    never_answered("zero window", address);
}

#[test]
fn it_says_good_bye_to_every_connection() {
    let (_server, address) = over_http2(|stream| {
        let _ = stream.write_all(&frame(SETTINGS, 0, 0, &[]));
        let _ = stream.write_all(&frame(GOAWAY, 0, 0, &[0; 8]));
        let mut sink = [0; 4096];
        while stream.read(&mut sink).is_ok_and(|read| read > 0) {}
    });
    never_answered("GOAWAY storm", address);
}

#[test]
fn it_resets_every_stream() {
    let (_server, address) = over_http2(|stream| {
        let _ = stream.write_all(&frame(SETTINGS, 0, 0, &[]));
        let mut sink = [0; 4096];
        let mut id = 1;
        while stream.read(&mut sink).is_ok_and(|read| read > 0) {
            let _ = stream.write_all(&frame(RST_STREAM, 0, id, &[0, 0, 0, 2]));
            id += 2;
        }
    });
    never_answered("RST storm", address);
}

#[test]
fn it_dies_and_comes_back_under_load_while_the_configuration_changes() {
    let incumbent = Server::http(|request| json(&format!("{{\"path\":{:?}}}", request.path())));
    // Every third connection is cut after a few requests, in the middle of an answer.
    let count = std::sync::atomic::AtomicU64::new(0);
    let other = Server::raw(move |mut stream| {
        let turn = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        for n in 0.. {
            let Ok(Some(request)) = receive(&mut stream, false) else {
                return;
            };
            let answer = json(&format!("{{\"path\":{:?}}}", request.path()));
            let cut = if turn.is_multiple_of(3) && n == 5 {
                answer.len() / 2
            } else {
                answer.len()
            };
            if stream.write_all(&answer[..cut]).is_err() || cut < answer.len() {
                return;
            }
        }
    });
    let mut settings = config(&incumbent);
    settings.workers = 2;
    settings.candidate = Some(candidate(other.upstream()));
    let mut gateway = run(settings.clone());
    let address = gateway.addresses()[0];
    settings.listeners[0].address = address;
    let until = Instant::now() + Duration::from_secs(4);
    let clients: Vec<_> = (0..4)
        .map(|id| {
            thread::spawn(move || {
                let mut client = Client::to(address);
                let mut asked = 0u64;
                while Instant::now() < until {
                    let path = format!("/{id}/{asked}");
                    let answer = client.get(&path);
                    assert_eq!(
                        (answer.status(), answer.text()),
                        (200, format!("{{\"path\":{path:?}}}"))
                    );
                    asked += 1;
                }
                asked
            })
        })
        .collect();
    let mut reloads = 0;
    while Instant::now() < until {
        thread::sleep(Duration::from_millis(200));
        settings.limits.streams = 100 + reloads;
        gateway.reload(settings.clone()).unwrap();
        reloads += 1;
    }
    let asked: u64 = clients
        .into_iter()
        .map(|client| client.join().unwrap())
        .sum();
    let status = settled(&gateway);
    assert!(
        asked > 500 && reloads > 10,
        "{asked} requests, {reloads} reloads"
    );
    assert_eq!(
        (status.ledger.eligible, status.routes["all"].requests),
        (asked, asked)
    );
    assert!(
        status.ledger.is_balanced() && status.ledger.compared > 0,
        "{:?}",
        status.ledger
    );
}
