//! What an outside service answered the incumbent.

use crate::call::Key;
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use understudy_model::{Answer, Field};

/// Most bytes of answers that are kept for calls that no case is known of. Beyond, calls are as good as not recorded.
const KEPT_BYTES: usize = 256 << 20;

/// Fields that belong to the connection of the outside service, or are made anew (RFC 9110, section 7.6.1).
const NOT_SERVED: [&str; 6] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// One asking of a case: all sides are asked it at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Round {
    /// Askers that were made together.
    pub generation: u64,
    /// How many cases they were asked before, from 1.
    pub number: u64,
}

/// A recorded answer, ready to be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Status line and fields, without those of a connection and without the empty line.
    pub head: Vec<u8>,
    /// What the answer to anything but a HEAD has behind its head.
    pub body: Vec<u8>,
    /// The length that the outside service gave: that of an answer to HEAD.
    pub said_length: Option<u64>,
    /// May an answer of this status have a body (RFC 9110, section 6.4.1)?
    pub may_have_body: bool,
    /// How long the outside service took, from the call until the whole answer was there.
    pub took: Duration,
}

impl Recorded {
    /// What is served of an answer that took so long.
    pub fn new(answer: &Answer, took: Duration) -> Recorded {
        let code = answer.status.code;
        let mut head = format!("HTTP/1.1 {code} \r\n").into_bytes();
        let is_served = |field: &&Field| !NOT_SERVED.contains(&field.name.as_str());
        for field in answer.fields.iter().filter(is_served) {
            head.extend_from_slice(field.name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(&field.value);
            head.extend_from_slice(b"\r\n");
        }
        let length = answer.field("content-length").next();
        let length = length.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        Recorded {
            head,
            body: answer.bytes(understudy_compare::http::BODY).to_vec(),
            said_length: length,
            may_have_body: !matches!(code, 100..200 | 204 | 304),
            took,
        }
    }

    fn size(&self) -> usize {
        self.head.len() + self.body.len()
    }

    /// The answer as it is sent, to a HEAD or not, and whether the connection is kept after it.
    pub fn rendered(&self, is_head: bool, keep_alive: bool) -> Vec<u8> {
        let mut wire = Vec::with_capacity(self.size() + 64);
        wire.extend_from_slice(&self.head);
        let length = match is_head {
            true => self.said_length,
            false => Some(self.body.len() as u64),
        };
        if let Some(length) = length.filter(|_| self.may_have_body) {
            wire.extend_from_slice(format!("content-length: {length}\r\n").as_bytes());
        }
        if !keep_alive {
            wire.extend_from_slice(b"connection: close\r\n");
        }
        wire.extend_from_slice(b"\r\n");
        if !is_head && self.may_have_body {
            wire.extend_from_slice(&self.body);
        }
        wire
    }
}

/// The answers of one outside service: those of the case that is asked now by their order, and the last one of each call.
#[derive(Debug, Default)]
pub struct Recording {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The case that the incumbent is asked, or was asked last.
    round: Round,
    /// It has answered, and calls nothing more for it.
    is_over: bool,
    /// The trial ends: nothing is waited for any more.
    is_given_up: bool,
    of_round: HashMap<Key, Vec<Arc<Recorded>>>,
    last: HashMap<Key, Arc<Recorded>>,
    /// Bytes in `last`.
    bytes: usize,
    /// Answers that were recorded, and those of them that there was no room for.
    recorded: u64,
    dropped: u64,
}

impl Recording {
    fn state(&self) -> MutexGuard<'_, State> {
        // What a thread that panicked left is whole: nothing is half done under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The incumbent is asked a case.
    pub fn begin(&self, round: Round) {
        let mut state = self.state();
        state.round = round;
        state.is_over = false;
        state.of_round.clear();
        self.changed.notify_all();
    }

    /// It has answered, and called all that it calls.
    pub fn end(&self) {
        self.state().is_over = true;
        self.changed.notify_all();
    }

    /// The trial ends: whoever waits for the incumbent waits no longer.
    pub fn give_up(&self) {
        self.state().is_given_up = true;
        self.changed.notify_all();
    }

    /// Keeps an answer; with the round of the call, where it belongs to one.
    pub fn record(&self, round: Option<Round>, key: Key, answer: Arc<Recorded>) {
        let mut state = self.state();
        state.recorded += 1;
        let before = state.last.get(&key).map_or(0, |before| before.size());
        let bytes = state.bytes - before + answer.size();
        if bytes <= KEPT_BYTES {
            state.bytes = bytes;
            state.last.insert(key, answer.clone());
        } else {
            state.dropped += 1;
        }
        if round == Some(state.round) {
            state.of_round.entry(key).or_default().push(answer);
        }
        self.changed.notify_all();
    }

    /// The answer to the n-th call of this kind (from 0) in a round. It is waited for, while the incumbent may still make
    /// that call; `None` once it has not.
    pub fn of_round(
        &self,
        round: Round,
        key: Key,
        n: usize,
        longest: Duration,
    ) -> Option<Arc<Recorded>> {
        let until = Instant::now() + longest;
        let mut state = self.state();
        loop {
            if state.round == round {
                let found = state.of_round.get(&key).and_then(|all| all.get(n));
                if found.is_some() || state.is_over {
                    return found.cloned();
                }
            }
            let left = until.saturating_duration_since(Instant::now());
            if state.round > round || state.is_given_up || left.is_zero() {
                return None;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The last answer to a call of this kind, whatever it was asked for.
    pub fn last(&self, key: Key) -> Option<Arc<Recorded>> {
        self.state().last.get(&key).cloned()
    }

    /// Answers that were recorded, and those of them that there was no room for.
    pub fn counts(&self) -> (u64, u64) {
        let state = self.state();
        (state.recorded, state.dropped)
    }

    /// Has no case been asked yet?
    pub fn is_new(&self) -> bool {
        self.state().round == Round::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;

    fn key(path: &str) -> Key {
        Call {
            method: "GET".into(),
            target: path.into(),
            ..Call::default()
        }
        .key()
    }

    fn answer(status: i32, fields: &[(&str, &str)], body: &str) -> Arc<Recorded> {
        let field = |(name, value): &(&str, &str)| Field {
            name: (*name).into(),
            value: value.as_bytes().to_vec(),
        };
        let fields = fields.iter().map(field).collect();
        let answer = understudy_compare::http::answer(status, fields, body.into(), false);
        Arc::new(Recorded::new(&answer, Duration::ZERO))
    }

    fn round(number: u64) -> Round {
        Round {
            generation: 1,
            number,
        }
    }

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn answers_are_served_in_the_order_of_the_calls_of_a_case() {
        let recording = Recording::default();
        assert!(recording.is_new());
        recording.begin(round(1));
        let (one, other) = (answer(200, &[], "1"), answer(200, &[], "2"));
        recording.record(Some(round(1)), key("/a"), one.clone());
        recording.record(Some(round(1)), key("/a"), other.clone());
        // A call outside of the case does not shift the order.
        recording.record(None, key("/a"), answer(200, &[], "3"));
        let nth = |n| recording.of_round(round(1), key("/a"), n, SOON);
        assert_eq!((nth(0), nth(1)), (Some(one), Some(other)));
        recording.end();
        assert_eq!(nth(2), None, "the incumbent made two such calls");
        assert_eq!(
            recording.last(key("/a")).map(|last| last.body.clone()),
            Some(b"3".to_vec())
        );
        recording.begin(round(2));
        assert_eq!(nth(0), None, "that case is over");
        assert_eq!(recording.counts(), (3, 0));
    }

    #[test]
    fn a_side_that_is_sooner_waits_for_the_incumbent() {
        let recording = Arc::new(Recording::default());
        let waiting = {
            let recording = recording.clone();
            std::thread::spawn(move || {
                let found = recording.of_round(round(1), key("/a"), 0, SOON);
                let missing = recording.of_round(round(1), key("/b"), 0, SOON);
                (found.map(|found| found.body.clone()), missing)
            })
        };
        recording.begin(round(1));
        recording.record(Some(round(1)), key("/a"), answer(200, &[], "x"));
        recording.end();
        assert_eq!(waiting.join().unwrap(), (Some(b"x".to_vec()), None));
        recording.give_up();
        assert_eq!(
            recording.of_round(round(9), key("/a"), 0, SOON),
            None,
            "at once"
        );
    }

    #[test]
    fn an_answer_is_served_as_it_was_but_for_its_connection() {
        let fields = [
            ("content-type", "text/plain"),
            ("content-length", "2"),
            ("connection", "close"),
            ("x-a", "1"),
        ];
        let recorded = answer(200, &fields, "hi");
        assert_eq!(
            recorded.rendered(false, true),
            b"HTTP/1.1 200 \r\ncontent-type: text/plain\r\nx-a: 1\r\ncontent-length: 2\r\n\r\nhi"
        );
        assert_eq!(
            recorded.rendered(true, false),
            b"HTTP/1.1 200 \r\ncontent-type: text/plain\r\nx-a: 1\r\ncontent-length: 2\r\nconnection: close\r\n\r\n"
        );
        assert_eq!(
            answer(204, &[], "").rendered(false, true),
            b"HTTP/1.1 204 \r\n\r\n"
        );
    }
}
