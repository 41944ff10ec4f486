//! Requests that never became one: the parser gave their head up and answered by itself, or it did
//! not come to its end. Nobody else counts them or writes them down.

use super::exchange::Client;
use super::io::LastHead;
use super::record::CLIENT_LEFT;
use super::worker::Worker;
use crate::access_log::Line;
use crate::traffic::End;
use std::time::{Duration, SystemTime};

/// How a connection ended on a head that nobody got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unread {
    /// What the parser answered, or what nginx logs where nothing was answered.
    status: u16,
    end: End,
    why: &'static str,
}

impl Unread {
    /// `None` if every head that came was handed on.
    fn of(error: &hyper::Error, within_head: bool) -> Option<Unread> {
        let unread = |status, end, why| Some(Unread { status, end, why });
        // The parser has no other word for it; a test holds it to this one.
        if error.is_parse_too_large() && error.to_string() == "URI too long" {
            unread(414, End::Refused, "the target of the request is too long")
        } else if error.is_parse_too_large() {
            unread(
                431,
                End::Refused,
                "the head of the request is too large or has too many lines",
            )
        } else if error.is_parse() {
            unread(400, End::Refused, "the head of the request is malformed")
        } else if !within_head {
            None
        } else if error.is_timeout() {
            unread(
                408,
                End::ClientHead,
                "the head of the request did not come in time",
            )
        } else {
            unread(
                CLIENT_LEFT,
                End::ClientLeft,
                "the head of the request broke off",
            )
        }
    }
}

/// Counts and writes down what a connection over HTTP/1.1 brought last, if nobody has.
pub(super) fn note(worker: &Worker, client: &Client, error: &hyper::Error) {
    let last = client.notes.last_head();
    let broken_off = last.and_then(|last| last.broken_off);
    let Some(unread) = Unread::of(error, broken_off.is_some()) else {
        return;
    };
    let took = broken_off.map_or(Duration::ZERO, |begun| begun.elapsed());
    worker
        .plane()
        .unrouted
        .shard(worker.index)
        .ended(unread.status, unread.end, took, 0);
    if let Some(log) = &worker.shared.log {
        log.tell(line(client, last, unread, took));
    }
}

fn line(client: &Client, last: Option<&LastHead>, unread: Unread, took: Duration) -> Line {
    let (method, target) = last.map_or_else(Default::default, |last| words(&last.line));
    Line {
        method,
        target,
        status: unread.status,
        end: unread.end.name(),
        why: Some(client.notes.refused().unwrap_or(unread.why)),
        total_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        ..Line::begun(client.address, SystemTime::now() - took)
    }
}

/// Method and target of a request line, as far as it is one; else all of it stands for the target.
fn words(line: &[u8]) -> (String, String) {
    let text = String::from_utf8_lossy(line);
    let mut words = text.split(' ');
    match (words.next(), words.next()) {
        (Some(method), Some(target))
            if !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            (method.to_owned(), target.to_owned())
        }
        _ => (String::new(), text.into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_told_as_far_as_it_is_one() {
        let of = |line: &[u8]| {
            let (method, target) = words(line);
            format!("{method}|{target}")
        };
        assert_eq!(of(b"GET /a?b HTTP/1.1"), "GET|/a?b");
        assert_eq!(of(b"G@T /a"), "G@T|/a");
        assert_eq!(of(b"GET"), "|GET");
        assert_eq!(of(b"\x16\x03\x01 \xff"), "|\u{16}\u{3}\u{1} \u{fffd}");
    }
}
