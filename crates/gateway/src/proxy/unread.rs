//! Requests that never became one: their head was refused, or is not complete.

use super::exchange::Client;
use super::record::CLIENT_LEFT;
use super::worker::Worker;
use crate::access_log::Line;
use crate::traffic::End;
use std::time::{Duration, Instant, SystemTime};
use understudy_wire::http1::Refused;

/// Why there is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It must not be carried on, and nothing that follows it.
    Refused(Refused),
    /// It did not come in time.
    Late,
    /// The client has closed before.
    Left,
}

impl From<Refused> for Unread {
    fn from(refused: Refused) -> Unread {
        Unread::Refused(refused)
    }
}

impl Unread {
    /// What was answered, or what nginx logs where nothing was answered; how it ended, and why.
    fn ending(self) -> (u16, End, &'static str) {
        match self {
            Unread::Refused(Refused { status, why }) => (status, End::Refused, why),
            Unread::Late => (
                408,
                End::ClientHead,
                "the head of the request did not come in time",
            ),
            Unread::Left => (
                CLIENT_LEFT,
                End::ClientLeft,
                "the head of the request broke off",
            ),
        }
    }
}

/// Counts and logs it; `first_line` is the beginning of its first line, as it came.
pub(super) fn note(
    worker: &Worker,
    client: &Client,
    unread: Unread,
    first_line: &[u8],
    begun: Option<Instant>,
) {
    let (status, end, why) = unread.ending();
    let took = begun.map_or(Duration::ZERO, |begun| begun.elapsed());
    worker
        .plane()
        .unrouted
        .shard(worker.index)
        .ended(status, end, took, 0);
    if let Some(log) = &worker.shared.log {
        let (method, target) = words(first_line);
        log.log(Line {
            method,
            target,
            status,
            end: end.name(),
            why: Some(why.into()),
            total_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            ..Line::begun(client.address, SystemTime::now() - took)
        });
    }
}

/// Method and target of a request line, as far as it is one; else all of it is the target.
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
    fn a_line_is_logged_as_far_as_it_is_one() {
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
