//! A connection that its client leaves idle: how soon the server closes it.

use super::class::Class;
use super::exchange::{added, exchange_keeping};
use super::wire::Raw;
use crate::client::ClientLimits;
use crate::target::Target;
use std::io::{self, ErrorKind, Read};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use understudy_model::Outcome;

/// The field of an answer that says what became of its idle connection: `kept for 8 s`, `closed within 7.5 s`.
pub const IDLE: &str = ":idle";
/// Within which of these a connection was closed: no usual time (1, 2, 5, 10, 15, 20, 30, 60, 75 s) is near to one, so
/// that the same time-out says the same again.
const STEPS_S: [f64; 10] = [0.5, 1.4, 3.2, 7.5, 12.5, 17.5, 25.0, 45.0, 67.0, 110.0];

/// How often it is looked whether everything is to stop.
const LOOKS_AFTER: Duration = Duration::from_millis(200);

/// It is asked once, and last: its connection is idle while everything else is asked. How many pairs of frameworks it tells
/// apart turns on how they are set up, and was not measured.
pub(super) static CLASS: Class = Class {
    id: "connection.idle",
    title: "a connection that is left idle",
    breaks: "Load balancers and clients that keep connections open for longer than the server does send requests into \
             ones that it closes, and see errors now and then.",
    share: 0.0,
    writes: false,
    make: |recorded| recorded.read(),
};

/// A connection that is left idle after its answer. The thread that watches it ends when this is dropped.
pub(super) struct Idle {
    answer: Outcome,
    longest: Duration,
    watched: Option<Watched>,
}

struct Watched {
    stream: TcpStream,
    thread: JoinHandle<io::Result<Option<Duration>>>,
}

impl Idle {
    /// Sends a request, waits for the answer, and leaves the connection to itself, for at most so long and until everything
    /// is to stop.
    pub(super) fn leave(
        target: &Target,
        raw: &Raw,
        limits: ClientLimits,
        longest: Duration,
        stop: &Arc<AtomicBool>,
    ) -> io::Result<Idle> {
        let (answer, stream) = exchange_keeping(target, raw, limits);
        let since = Instant::now();
        let watched = match stream {
            None => None,
            Some(stream) => {
                stream.set_nonblocking(false)?;
                let (mut read, stop) = (stream.try_clone()?, stop.clone());
                let thread = std::thread::Builder::new().name("idle".to_owned());
                let thread =
                    thread.spawn(move || closed_after(&mut read, since, longest, &stop))?;
                Some(Watched { stream, thread })
            }
        };
        Ok(Idle {
            answer,
            longest,
            watched,
        })
    }

    /// The answer with what became of the connection, once that is known.
    ///
    /// # Errors
    /// It could not be watched, or everything is to stop.
    pub(super) fn seen(mut self) -> io::Result<Outcome> {
        let mut answer = self.answer.clone();
        // One that was closed with its answer was never idle.
        if let Some(Watched { thread, .. }) = self.watched.take()
            && let Outcome::Answered(answer) = &mut answer
        {
            let panicked = |_| io::Error::other("what watched an idle connection panicked");
            let closed = thread.join().map_err(panicked)??;
            let value = in_words(closed, self.longest);
            answer.fields.push(added(IDLE, &value));
        }
        Ok(answer)
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        if let Some(Watched { stream, thread }) = self.watched.take() {
            // What waits for its end sees it.
            let _ = stream.shutdown(Shutdown::Both);
            let _ = thread.join();
        }
    }
}

/// How long the server left the connection open, unless it did for all the time. What it sends before it closes (a 408)
/// is no answer to anything.
fn closed_after(
    stream: &mut TcpStream,
    since: Instant,
    longest: Duration,
    stop: &AtomicBool,
) -> io::Result<Option<Duration>> {
    let mut buffer = [0; 4096];
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(ErrorKind::Interrupted.into());
        }
        let left = longest.saturating_sub(since.elapsed());
        if left.is_zero() {
            return Ok(None);
        }
        stream.set_read_timeout(Some(left.min(LOOKS_AFTER)))?;
        match stream.read(&mut buffer) {
            Ok(1..) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut
                ) => {}
            Ok(0) | Err(_) => return Ok(Some(since.elapsed())),
        }
    }
}

fn in_words(closed: Option<Duration>, longest: Duration) -> String {
    let Some(closed) = closed else {
        return format!("kept for {} s", longest.as_secs_f64());
    };
    let step = STEPS_S
        .into_iter()
        .find(|step| closed.as_secs_f64() <= *step);
    match step {
        Some(step) => format!("closed within {step} s"),
        None => format!("closed after more than {} s", STEPS_S[STEPS_S.len() - 1]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::{Ipv4Addr, TcpListener};
    use understudy_wire::http1::Limits;

    /// A server that answers one request and does this with the connection.
    fn server(then: fn(TcpStream)) -> (Target, JoinHandle<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") {
                assert_eq!(stream.read(&mut byte).unwrap(), 1);
                head.push(byte[0]);
            }
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
            stream.write_all(answer).unwrap();
            then(stream);
        });
        (Target::parse_server(&url).unwrap(), thread)
    }

    fn waits_for_the_end(mut stream: TcpStream) {
        let _ = stream.read(&mut [0]);
    }

    fn idle(outcome: &Outcome) -> Option<String> {
        let Outcome::Answered(answer) = outcome else {
            panic!("{outcome:?}");
        };
        let value = answer.field(IDLE).next()?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    fn left(target: &Target, longest: Duration) -> Idle {
        left_until(target, longest, &Arc::default())
    }

    fn left_until(target: &Target, longest: Duration, stop: &Arc<AtomicBool>) -> Idle {
        let limits = ClientLimits {
            timeout: Duration::from_secs(20),
            response: Limits::default(),
        };
        Idle::leave(target, &Raw::new("GET", "/"), limits, longest, stop).unwrap()
    }

    #[test]
    fn a_server_that_keeps_a_connection_and_one_that_closes_it_are_told_apart() {
        let (target, server_of_one) = server(waits_for_the_end);
        let kept = left(&target, Duration::from_secs(1));
        assert_eq!(idle(&kept.seen().unwrap()).as_deref(), Some("kept for 1 s"));
        server_of_one.join().unwrap();
        let (target, server_of_one) = server(|mut stream| {
            std::thread::sleep(Duration::from_millis(300));
            stream.write_all(b"HTTP/1.1 408 \r\n\r\n").unwrap();
        });
        let closed = idle(&left(&target, Duration::from_secs(100)).seen().unwrap()).unwrap();
        assert!(closed.starts_with("closed within "), "{closed}");
        server_of_one.join().unwrap();
    }

    #[test]
    fn one_that_is_closed_with_its_answer_was_never_idle_and_nobody_waits_for_one_that_is_given_up()
    {
        let (target, server_of_one) = server(drop);
        let closed = left(&target, Duration::from_secs(100)).seen().unwrap();
        assert_eq!(idle(&closed), None);
        server_of_one.join().unwrap();
        let (target, server_of_one) = server(waits_for_the_end);
        drop(left(&target, Duration::from_secs(10_000)));
        server_of_one.join().unwrap();
    }

    #[test]
    fn what_is_interrupted_says_nothing_of_the_connection() {
        let (target, server_of_one) = server(waits_for_the_end);
        let stop = Arc::new(AtomicBool::new(false));
        let idle = left_until(&target, Duration::from_secs(10_000), &stop);
        stop.store(true, Ordering::Relaxed);
        assert_eq!(idle.seen().unwrap_err().kind(), ErrorKind::Interrupted);
        server_of_one.join().unwrap();
    }

    #[test]
    fn the_same_time_out_says_the_same() {
        let said = |seconds: f64| {
            in_words(
                Some(Duration::from_secs_f64(seconds)),
                Duration::from_secs(200),
            )
        };
        for usual in [1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 75.0] {
            assert_eq!(said(usual), said(usual * 1.09), "{usual}");
        }
        assert_eq!(said(5.0), "closed within 7.5 s");
        assert_eq!(said(120.0), "closed after more than 110 s");
        let kept = in_words(None, Duration::from_millis(2500));
        assert_eq!(kept, "kept for 2.5 s");
    }
}
