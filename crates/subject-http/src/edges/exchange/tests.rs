use super::*;
use crate::credentials::{Credentials, Jar};
use crate::edges::{Body, Edge, EdgeAsker, Framing, classes};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use understudy_compare::http;
use understudy_subject::Asker;
use understudy_wire::http1::Limits;

/// Longer than any test takes: what is waited for so long has to come.
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(50);
const PATIENT: Waits = Waits {
    for_continue: LONG,
    for_close: LONG,
};
const HASTY: Waits = Waits {
    for_continue: SHORT,
    for_close: SHORT,
};
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A server of one connection, and what it returns of that.
fn server<T: Send + 'static>(
    serve: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (Target, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = std::thread::spawn(move || serve(listener.accept().unwrap().0));
    (Target::local(port), serving)
}

/// Reads a head to its end.
fn head(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    head
}

/// Waits until the client closes the connection; how many bytes came before that.
fn rest(mut stream: TcpStream) -> usize {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    rest.len()
}

fn get() -> Raw {
    Raw::new("GET", "/items/1")
}

fn upload(expects: bool) -> Raw {
    Raw {
        expects,
        ..Raw::new("POST", "/items").with_body(b"{\"a\":1}".to_vec())
    }
}

fn ask(target: &Target, raw: &Raw, waits: Waits) -> Outcome {
    let limits = ClientLimits {
        timeout: LONG,
        response: Limits::default(),
    };
    exchange_within(target, raw, limits, waits).0
}

fn answered(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Answered(answer) => answer,
        Outcome::Failed(failure) => panic!("{failure:?}"),
    }
}

fn failed_as(outcome: Outcome) -> FailureKind {
    match outcome {
        Outcome::Answered(answer) => panic!("{answer:?}"),
        Outcome::Failed(failure) => failure.kind,
    }
}

fn said(answer: &Answer, name: &str) -> Vec<String> {
    let values = answer.field(name);
    values
        .map(|value| String::from_utf8_lossy(value).into_owned())
        .collect()
}

#[test]
fn a_server_that_closes_without_a_word_has_closed() {
    let (target, _) = server(|mut stream| {
        head(&mut stream);
        stream.write_all(OK).unwrap();
    });
    let answer = answered(ask(&target, &get(), PATIENT));
    assert_eq!(answer.status.code, 200);
    assert_eq!(answer.bytes(http::BODY), b"ok");
    assert_eq!(said(&answer, CONNECTION), ["closed"]);
    assert!(said(&answer, CONTINUE).is_empty());
}

#[test]
fn a_server_that_leaves_the_connection_open_keeps_it() {
    let (target, serving) = server(|mut stream| {
        head(&mut stream);
        stream.write_all(OK).unwrap();
        rest(stream)
    });
    let answer = answered(ask(&target, &get(), HASTY));
    assert_eq!(said(&answer, CONNECTION), ["kept"]);
    assert_eq!(serving.join().unwrap(), 0);
}

#[test]
fn a_server_that_says_so_closes_whenever_it_does() {
    let (target, _) = server(|mut stream| {
        head(&mut stream);
        let answer = b"HTTP/1.1 400 No\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer).unwrap();
        rest(stream)
    });
    let answer = answered(ask(&target, &get(), PATIENT));
    assert_eq!(said(&answer, CONNECTION), ["closes"]);
}

#[test]
fn a_body_may_end_with_the_connection() {
    let (target, _) = server(|mut stream| {
        head(&mut stream);
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nall").unwrap();
    });
    let answer = answered(ask(&target, &get(), PATIENT));
    assert_eq!(answer.bytes(http::BODY), b"all");
    assert_eq!(said(&answer, CONNECTION), ["closed"]);
}

#[test]
fn an_answer_to_head_has_no_body() {
    let (target, _) = server(|mut stream| {
        head(&mut stream);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
            .unwrap();
        rest(stream)
    });
    let answer = answered(ask(&target, &Raw::new("HEAD", "/"), HASTY));
    assert!(answer.bytes(http::BODY).is_empty());
    assert_eq!(said(&answer, CONNECTION), ["kept"]);
}

/// A server that had not read all of the request resets where another one closes.
#[test]
fn a_body_may_end_with_a_reset() {
    let (target, _) = server(|mut stream| {
        head(&mut stream);
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nall").unwrap();
    });
    let answer = answered(ask(&target, &upload(false), PATIENT));
    assert_eq!(answer.bytes(http::BODY), b"all");
    assert_eq!(said(&answer, CONNECTION), ["closed"]);
}

/// It closes with unread bytes, so that the kernel resets the connection while the client still sends.
#[test]
fn what_a_server_answers_before_it_resets_is_its_answer() {
    let (target, _) = server(|mut stream| {
        head(&mut stream);
        let answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig";
        stream.write_all(answer).unwrap();
    });
    let large = Raw {
        body: Body {
            padding: 30_000_000,
            ..Body::default()
        },
        ..upload(false)
    };
    let answer = answered(ask(&target, &large, PATIENT));
    assert_eq!(answer.status.code, 413);
    assert_eq!(answer.bytes(http::BODY), b"big");
    assert_eq!(said(&answer, CONNECTION), ["closed"]);
}

#[test]
fn the_body_follows_when_the_server_asks_for_it() {
    let (target, serving) = server(|mut stream| {
        head(&mut stream);
        let mut body = [0; 7];
        stream.set_read_timeout(Some(SHORT)).unwrap();
        let early = stream.read(&mut body).is_ok();
        stream.set_read_timeout(None).unwrap();
        let answer = b"HTTP/1.1 100 Continue\r\n\r\n";
        stream.write_all(answer).unwrap();
        stream.read_exact(&mut body).unwrap();
        stream.write_all(OK).unwrap();
        rest(stream);
        (early, body)
    });
    let waits = Waits {
        for_close: SHORT,
        ..PATIENT
    };
    let answer = answered(ask(&target, &upload(true), waits));
    assert_eq!(answer.status.code, 200);
    assert_eq!(said(&answer, CONTINUE), ["sent"]);
    assert_eq!(said(&answer, CONNECTION), ["kept"]);
    assert_eq!(serving.join().unwrap(), (false, *b"{\"a\":1}"));
}

#[test]
fn the_body_follows_though_the_server_does_not_ask_for_it() {
    let (target, serving) = server(|mut stream| {
        head(&mut stream);
        let mut body = [0; 7];
        stream.read_exact(&mut body).unwrap();
        stream.write_all(OK).unwrap();
        body
    });
    let answer = answered(ask(&target, &upload(true), HASTY));
    assert_eq!(said(&answer, CONTINUE), ["not sent"]);
    assert_eq!(&serving.join().unwrap(), b"{\"a\":1}");
}

#[test]
fn a_server_that_refuses_at_once_is_not_sent_the_body() {
    let (target, serving) = server(|mut stream| {
        let head = head(&mut stream);
        let answer = b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer).unwrap();
        (String::from_utf8(head).unwrap(), rest(stream))
    });
    let waits = Waits {
        for_close: SHORT,
        ..PATIENT
    };
    let answer = answered(ask(&target, &upload(true), waits));
    assert_eq!(answer.status.code, 417);
    assert_eq!(said(&answer, CONTINUE), ["not sent"]);
    let (head, bytes) = serving.join().unwrap();
    assert!(head.contains("Expect: 100-continue\r\n"), "{head}");
    assert_eq!(bytes, 0);
}

#[test]
fn a_server_that_never_answers_times_out() {
    let (target, _) = server(rest);
    let limits = ClientLimits {
        timeout: SHORT,
        response: Limits::default(),
    };
    let outcome = exchange(&target, &upload(true), limits);
    assert_eq!(failed_as(outcome), FailureKind::Timeout);
}

#[test]
fn what_is_not_http_and_what_breaks_off_is_a_failure() {
    let says = |answer: &'static [u8]| {
        let (target, _) = server(move |mut stream| {
            head(&mut stream);
            stream.write_all(answer).unwrap();
        });
        failed_as(ask(&target, &get(), PATIENT))
    };
    assert_eq!(says(b"SSH-2.0-x\r\n\r\n"), FailureKind::Malformed);
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab";
    assert_eq!(says(cut), FailureKind::Closed);
    assert_eq!(says(b""), FailureKind::Closed);
}

#[test]
fn a_server_that_is_not_there_cannot_be_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = Target::local(listener.local_addr().unwrap().port());
    drop(listener);
    assert_eq!(
        failed_as(ask(&target, &get(), PATIENT)),
        FailureKind::Connect
    );
}

#[test]
fn an_asker_sends_cookies_and_hides_what_the_service_calls_itself() {
    let (target, _) = server(|mut stream| {
        let head = head(&mut stream);
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", head.len());
        stream
            .write_all(&[answer.as_bytes(), &head].concat())
            .unwrap();
    });
    let mut jar = Jar::default();
    let cookie = vec![Field {
        name: "set-cookie".to_owned(),
        value: b"sid=7; Path=/".to_vec(),
    }];
    jar.take("/", &http::answer(200, cookie, Vec::new(), false));
    let edge = Edge {
        idle: Duration::ZERO,
        class: classes()[0],
        from: 0,
        raw: get(),
    };
    let limits = ClientLimits {
        timeout: LONG,
        response: Limits::default(),
    };
    let host = target.host.clone();
    let mut asker = EdgeAsker::new([edge].into(), target, limits, vec![host.clone()])
        .with_credentials(Credentials {
            jar,
            ..Credentials::default()
        });
    let answer = answered(asker.ask(0).unwrap());
    let echoed = String::from_utf8_lossy(answer.bytes(http::BODY)).into_owned();
    assert!(echoed.contains("Cookie: sid=7\r\n"), "{echoed}");
    assert!(!echoed.contains(&host), "{echoed}");
    assert!(asker.ask(1).is_err());
}

#[test]
fn a_body_in_chunks_is_a_body() {
    let (target, serving) = server(|mut stream| {
        let head = head(&mut stream);
        let mut body = [0; 17];
        stream.read_exact(&mut body).unwrap();
        stream.write_all(OK).unwrap();
        (String::from_utf8(head).unwrap(), body)
    });
    let raw = Raw {
        framing: Framing::Chunked,
        ..upload(false)
    };
    answered(ask(&target, &raw, PATIENT));
    let (head, body) = serving.join().unwrap();
    assert!(head.contains("Transfer-Encoding: chunked\r\n"), "{head}");
    assert_eq!(&body, b"7\r\n{\"a\":1}\r\n0\r\n\r\n");
}
