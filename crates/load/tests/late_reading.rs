//! A generator that is kept from its CPU reads answers late: that is in no latency where the kernel stamps arrivals.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use understudy_host::Clock;
use understudy_load::http::{HttpDriver, Options, Prepared, Target};
use understudy_load::{Driver, Job};
use understudy_model::{Ending, FailureKind, Observation, Span};
use understudy_wire::http1::Limits;

/// How long the generator does not run.
const AWAY: Duration = Duration::from_millis(60);
/// What is far below that, and what a busy machine still keeps.
const SOON_NS: u64 = 30_000_000;

/// Answers every request at once with a body of so many bytes.
fn server(body: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            std::thread::spawn(move || serve(stream, body));
        }
    });
    port
}

fn serve(mut stream: TcpStream, body: usize) {
    let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {body}\r\n\r\n").into_bytes();
    answer.resize(answer.len() + body, b'x');
    stream.set_nodelay(true).unwrap();
    let mut buffer = [0; 4096];
    // Requests are small, and come in one piece.
    while stream.read(&mut buffer).is_ok_and(|count| count > 0) {
        if stream.write_all(&answer).is_err() {
            return;
        }
    }
}

struct Generator {
    driver: HttpDriver,
    clock: Clock,
    done: Vec<Observation>,
}

impl Generator {
    fn new(body: usize, timeout: Span) -> Self {
        let prepared: Arc<[Prepared]> = Arc::from([Prepared {
            wire: b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
            endpoint: 0,
            is_head: false,
            is_idempotent: true,
        }]);
        let options = Options {
            connections: 1,
            timeout,
            limits: Limits {
                head_bytes: 65_536,
                body_bytes: 16 << 20,
                interim: 4,
            },
            inspect: false,
        };
        let target = Target::local(server(body));
        let mut generator = Generator {
            driver: HttpDriver::open(&target, prepared, options).unwrap(),
            clock: Clock::since(Instant::now()),
            done: Vec::new(),
        };
        // The kernel turns stamping on a moment after the first socket asks for it.
        let tries = if body > 1024 { 5 } else { 200 };
        for _ in 0..tries {
            generator.driver.start(generator.clock, 0);
            generator.submit();
            generator.poll();
            if generator.driver.stamped() > 0 {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        generator.driver.start(generator.clock, 0);
        generator
    }

    fn submit(&mut self) -> u64 {
        let now = self.clock.now_ns();
        self.driver.submit(Job {
            request: 0,
            intended_ns: now,
        });
        now
    }

    /// Waits for the end of the exchange under way.
    fn poll(&mut self) -> Observation {
        self.done.clear();
        while self.done.is_empty() {
            let until = self.clock.now_ns() + 1_000_000;
            self.driver.poll(Some(until), &mut self.done).unwrap();
        }
        assert_eq!(self.done.len(), 1);
        self.done[0]
    }
}

#[test]
fn an_answer_that_is_read_late_ended_when_it_arrived() {
    let mut generator = Generator::new(2, Span::from_secs(10));
    generator.submit();
    std::thread::sleep(AWAY);
    let one = generator.poll();
    assert_eq!(one.ending, Ending::Answered);
    assert!(one.service_time_ns().unwrap() < SOON_NS, "{one:?}");
    assert!(one.sent_ns <= one.first_byte_ns && one.first_byte_ns <= one.last_byte_ns);
    assert_eq!(generator.driver.stamped(), 1);
}

#[test]
fn a_connection_is_free_when_the_answer_before_arrived() {
    let mut generator = Generator::new(2, Span::from_secs(10));
    generator.submit();
    // Due while the answer is on its way or not read yet: it waits until that is read.
    let intended_ns = generator.clock.now_ns();
    std::thread::sleep(AWAY);
    let before = generator.poll();
    generator.driver.submit(Job {
        request: 0,
        intended_ns,
    });
    let one = generator.poll();
    assert_eq!(one.free_ns, intended_ns.max(before.last_byte_ns));
    assert!(one.connection_wait_ns().unwrap() < SOON_NS, "{one:?}");
    assert!(one.send_lag_ns().unwrap() > SOON_NS, "{one:?}");
    assert_eq!(generator.driver.stamped(), 2);
}

#[test]
fn an_answer_that_arrived_in_time_is_no_timeout_because_it_was_read_late() {
    let mut generator = Generator::new(2, Span::from_millis(40));
    generator.submit();
    std::thread::sleep(AWAY);
    assert_eq!(generator.poll().ending, Ending::Answered);
}

#[test]
fn a_request_without_an_answer_still_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut generator = Generator::new(2, Span::from_millis(40));
    let target = Target::local(listener.local_addr().unwrap().port());
    let prepared = Arc::from([Prepared {
        wire: b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        endpoint: 0,
        is_head: false,
        is_idempotent: true,
    }]);
    let options = Options {
        connections: 1,
        timeout: Span::from_millis(40),
        limits: Limits {
            head_bytes: 1024,
            body_bytes: 1024,
            interim: 4,
        },
        inspect: false,
    };
    generator.driver = HttpDriver::open(&target, prepared, options).unwrap();
    generator.driver.start(generator.clock, 0);
    generator.submit();
    let one = generator.poll();
    assert_eq!(one.ending, Ending::Failed(FailureKind::Timeout));
    assert_eq!(generator.driver.stamped(), 0);
}

/// The end of a large answer waits for room, so for the reader.
#[test]
fn a_large_answer_that_is_read_late_does_not_count_as_stamped() {
    let mut generator = Generator::new(8 << 20, Span::from_secs(10));
    generator.submit();
    std::thread::sleep(AWAY);
    let one = generator.poll();
    assert_eq!(one.ending, Ending::Answered);
    assert!(one.bytes > 8 << 20);
    assert_eq!(generator.driver.stamped(), 0);
}
