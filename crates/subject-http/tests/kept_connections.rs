//! Servers that close kept connections, as all do in the end.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use understudy_load::{DEFAULT_QUEUE, Plan, Progress, Rate};
use understudy_model::Arrivals;
use understudy_model::{Ending, FailureKind, Observation, Span};
use understudy_subject_http::{Ran, Workload, run};
use understudy_subject_http::{RequestSource, Requests, Target};

/// What a server does with the second request of a connection.
#[derive(Clone, Copy, Debug)]
enum Second {
    /// Reads it, and closes in order without a byte of an answer.
    Close,
    /// Closes after the begin of an answer.
    Break,
}

/// Answers the first request of each connection; how many requests it was sent.
fn server(second: Second) -> (u16, Arc<Mutex<u64>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(Mutex::new(0));
    let counted = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, counted) = (stream.unwrap(), counted.clone());
            std::thread::spawn(move || serve(stream, second, &counted));
        }
    });
    (port, asked)
}

fn serve(mut stream: TcpStream, second: Second, asked: &Mutex<u64>) {
    let mut buffer = [0; 4096];
    for number in 0..2 {
        // Requests are small, and come in one piece.
        if stream.read(&mut buffer).unwrap_or(0) == 0 {
            return;
        }
        *asked.lock().unwrap() += 1;
        let answer: &[u8] = match (number, second) {
            (0, _) => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            (_, Second::Close) => b"",
            (_, Second::Break) => b"HTTP/1.1 200 OK\r\n",
        };
        if stream.write_all(answer).is_err() {
            return;
        }
    }
}

struct Nothing;

impl RequestSource for Nothing {
    fn body_file(&self, _path: &str) -> Result<Vec<u8>, String> {
        Err("there is none".to_owned())
    }

    fn variable(&self, _name: &str) -> Option<String> {
        None
    }
}

fn loaded(second: Second, method: &str) -> (Ran<Vec<Observation>>, u64) {
    let (port, asked) = server(second);
    let line = format!(r#"{{"method":"{method}","path":"/"}}"#);
    let requests = Requests::parse(&line, &Nothing).unwrap();
    let target = Target::local(port);
    let prepared = requests.prepare(&target.host, |_| 0).unwrap();
    let plan = Plan {
        rate: Rate::PerSecond(200.0),
        arrivals: Arrivals::Constant,
        warmup: Span::default(),
        duration: Span::from_millis(500),
        connections: 2,
        threads: 1,
        cpus: None,
        timeout: Span::from_secs(10),
        seed: 1,
        queue: DEFAULT_QUEUE,
        apart: false,
    };
    let stop = AtomicBool::new(false);
    let progress = [Progress::default()];
    let weights = requests.weights();
    let ran = run(
        &plan,
        Workload::new(&target, &prepared, &weights),
        &stop,
        &progress,
        &|_| {},
    )
    .unwrap();
    let asked = *asked.lock().unwrap();
    (ran, asked)
}

fn endings(ran: &Ran<Vec<Observation>>, ending: Ending) -> u64 {
    let all = ran.recorders.iter().flatten();
    all.filter(|one| one.ending == ending).count() as u64
}

#[test]
fn what_may_be_repeated_is_sent_again_once_and_counted() {
    let (ran, asked) = loaded(Second::Close, "GET");
    let answered = endings(&ran, Ending::Answered);
    assert_eq!(answered, ran.generator.due, "{:?}", ran.generator);
    assert!(ran.generator.resent > 0);
    assert_eq!(asked, answered + ran.generator.resent);
    assert_eq!(ran.generator.connected, 2);
}

#[test]
fn what_may_not_be_repeated_has_an_ending_of_its_own() {
    let (ran, asked) = loaded(Second::Close, "POST");
    let closed = endings(&ran, Ending::Failed(FailureKind::ReusedClosed));
    let answered = endings(&ran, Ending::Answered);
    assert!(closed > 0 && answered > 0);
    assert_eq!(closed + answered, ran.generator.due);
    assert_eq!((asked, ran.generator.resent), (ran.generator.due, 0));
}

#[test]
fn an_answer_that_breaks_off_is_a_failure() {
    let (ran, _) = loaded(Second::Break, "GET");
    assert!(endings(&ran, Ending::Failed(FailureKind::Closed)) > 0);
    assert_eq!(ran.generator.resent, 0);
}
