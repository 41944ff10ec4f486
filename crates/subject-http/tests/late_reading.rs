//! A generator that is kept from its CPU reads answers late: that is in no latency where the kernel stamps arrivals.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use understudy_host::Clock;
use understudy_load::{DEFAULT_QUEUE, Driver, Job, Plan, Progress, Rate, Recorder};
use understudy_model::Arrivals;
use understudy_model::{Ending, FailureKind, Observation, Span};
use understudy_subject_http::{HttpDriver, Options, Prepared, Target};
use understudy_subject_http::{Workload, run_into};
use understudy_wire::http1::Limits;

/// How long the generator does not run.
const AWAY: Duration = Duration::from_millis(60);
/// What is far below that, and what a busy machine still keeps.
const SOON_NS: u64 = 30_000_000;
/// On a machine with other work a write may be preempted, and its request then counts as not stamped: one of so many
/// tries is not.
const TRIES: usize = 20;

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

fn request() -> Prepared {
    Prepared {
        wire: b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        operation: 0,
        is_head: false,
        is_idempotent: true,
    }
}

fn limits() -> Limits {
    Limits {
        head_bytes: 65_536,
        body_bytes: 16 << 20,
        interim: 4,
    }
}

fn options(timeout: Span) -> Options {
    Options {
        connections: 1,
        timeout,
        limits: limits(),
        inspect: false,
    }
}

struct Generator {
    driver: HttpDriver,
    clock: Clock,
    done: Vec<Observation>,
}

impl Generator {
    fn new(body: usize, timeout: Span) -> Self {
        let prepared: Arc<[Prepared]> = Arc::from([request()]);
        let options = options(timeout);
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
            if generator.driver.figures().stamped > 0 {
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
            due_ns: now,
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
    assert!(one.sent_ns <= one.first_ns && one.first_ns <= one.last_ns);
    let is_stamped = |_| {
        let mut generator = Generator::new(2, Span::from_secs(10));
        generator.submit();
        std::thread::sleep(AWAY);
        generator.poll();
        generator.driver.figures().stamped == 1
    };
    assert!((0..TRIES).any(is_stamped));
}

#[test]
fn a_connection_is_free_when_the_answer_before_arrived() {
    let stamped = |_| {
        let mut generator = Generator::new(2, Span::from_secs(10));
        generator.submit();
        // Due while the answer is on its way or not read yet: it waits until that is read.
        let due_ns = generator.clock.now_ns();
        std::thread::sleep(AWAY);
        let before = generator.poll();
        generator.driver.submit(Job { request: 0, due_ns });
        let one = generator.poll();
        assert_eq!(one.free_ns, due_ns.max(before.last_ns));
        assert!(one.connection_wait_ns().unwrap() < SOON_NS, "{one:?}");
        assert!(one.send_lag_ns().unwrap() > SOON_NS, "{one:?}");
        generator.driver.figures().stamped
    };
    assert!((0..TRIES).map(stamped).any(|stamped| stamped == 2));
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
    let prepared = Arc::from([request()]);
    let options = options(Span::from_millis(40));
    generator.driver = HttpDriver::open(&target, prepared, options).unwrap();
    generator.driver.start(generator.clock, 0);
    generator.submit();
    let one = generator.poll();
    assert_eq!(one.ending, Ending::Failed(FailureKind::Timeout));
    assert_eq!(generator.driver.figures().stamped, 0);
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
    assert_eq!(generator.driver.figures().stamped, 0);
}

/// What the socket does not take at once leaves when the generator runs again.
#[test]
fn a_request_that_did_not_leave_at_once_does_not_count_as_stamped() {
    let large = Prepared {
        wire: [
            b"POST / HTTP/1.1\r\nContent-Length: 33554432\r\n\r\n".to_vec(),
            vec![b'x'; 32 << 20],
        ]
        .concat(),
        ..request()
    };
    let length = large.wire.len();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut generator = Generator::new(2, Span::from_secs(10));
    let target = Target::local(listener.local_addr().unwrap().port());
    let options = options(Span::from_secs(10));
    generator.driver = HttpDriver::open(&target, Arc::from([large]), options).unwrap();
    generator.driver.start(generator.clock, 0);
    generator.submit();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = vec![0; 1 << 20];
        let mut left = length;
        while left > 0 {
            left -= stream.read(&mut buffer).unwrap();
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
        let _ = stream.read(&mut buffer);
    });
    assert_eq!(generator.poll().ending, Ending::Answered);
    assert_eq!(generator.driver.figures().stamped, 0);
}

/// Keeps the generator's thread from its work again and again.
#[derive(Default)]
struct Sleepy {
    all: Vec<Observation>,
}

impl Recorder for Sleepy {
    fn record(&mut self, observation: &Observation) {
        self.all.push(*observation);
        if self.all.len().is_multiple_of(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A machine with other work also keeps the server from its CPU: one of some runs has to show it. The server's threads
/// may also take the generator's CPU in the middle of a write, whose request then counts as not stamped.
#[test]
fn a_generator_that_is_kept_from_its_work_is_late_in_sending_alone() {
    let is_seen = |[lag, service, wait, stamped]: [f64; 4]| {
        lag > 0.1 && service < 0.02 && wait < 0.02 && (0.5..=1.0).contains(&stamped)
    };
    let mut seen = Vec::new();
    while seen.len() < 5 && !seen.iter().copied().any(is_seen) {
        seen.push(kept_from_its_work());
    }
    assert!(seen.iter().copied().any(is_seen), "{seen:?}");
}

/// Shares of the requests with a send lag, a service time and a connection wait above 8 ms, and of those stamped.
fn kept_from_its_work() -> [f64; 4] {
    let plan = Plan {
        rate: Rate::PerSecond(500.0),
        arrivals: Arrivals::Poisson,
        warmup: Span::from_millis(200),
        duration: Span::from_millis(1500),
        connections: 64,
        threads: 1,
        cpus: None,
        timeout: Span::from_secs(10),
        seed: 1,
        queue: DEFAULT_QUEUE,
        apart: false,
    };
    let target = Target::local(server(2));
    let prepared = Arc::from([request()]);
    let workload = Workload::new(&target, &prepared, &[1.0]);
    let stop = AtomicBool::new(false);
    let recorders = vec![Sleepy::default()];
    let progress = [Progress::default()];
    let ran = run_into(&plan, workload, &stop, &progress, &|_| {}, recorders).unwrap();
    let all = &ran.recorders[0].all;
    let share = |of: &dyn Fn(&Observation) -> Option<u64>| {
        let late = all.iter().filter(|one| of(one).unwrap() > 8_000_000);
        late.count() as f64 / all.len() as f64
    };
    assert!(all.iter().all(|one| one.ending == Ending::Answered));
    [
        share(&Observation::send_lag_ns),
        share(&Observation::service_time_ns),
        share(&Observation::connection_wait_ns),
        ran.generator.stamped as f64 / all.len() as f64,
    ]
}
