//! `eligible = compared + dropped by reason + pending`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Why an eligible request was not compared.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) enum Reason { $($(#[$doc])* $name,)* }

        impl Reason {
            /// Every reason.
            pub(crate) const ALL: &[Reason] = &[$(Reason::$name),*];

            /// The name in metrics and documents.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Reason::$name => $text,)* }
            }
        }
    };
}

reasons! {
    /// As many exchanges with the candidate are under way as may be.
    Concurrency = "concurrency",
    /// The candidate failed so often that it is left alone for a while.
    Breaker = "breaker_open",
    /// The threads that talk to the candidate do not keep up.
    Queue = "queue_full",
    /// The client sent its body faster than the candidate took it.
    BodyTooFast = "body_too_fast",
    /// The client, or the incumbent, ended the request before its body did.
    RequestCut = "request_cut",
    /// The budget of all copies was spent.
    Memory = "memory",
    /// The incumbent gave no whole answer: there is nothing to compare with.
    Incumbent = "incumbent_failed",
    /// The client left before the incumbent's answer was whole.
    ClientLeft = "client_left",
    /// The incumbent took longer than the candidate is given.
    TooSlow = "longer_than_deadline",
    /// The candidate takes connections more slowly than copies come.
    Behind = "candidate_behind",
    /// The gateway's machine had no file, buffer or port left for a connection.
    Exhausted = "gateway_out_of_sockets",
    /// The gateway itself had no CPU to wait for the candidate with.
    Starved = "gateway_starved",
    /// An answer is longer than what is kept, and the hashes differ.
    TooLong = "too_long",
    /// The comparison does not keep up.
    Comparison = "comparison_busy",
    /// The gateway failed at it: a fault of its own, reported on standard error.
    Panicked = "panicked",
    /// The gateway ended first.
    Stopped = "stopped",
}

/// The counts, added to by every thread without waiting.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    eligible: AtomicU64,
    pending: AtomicU64,
    compared: AtomicU64,
    dropped: [AtomicU64; Reason::ALL.len()],
}

/// The counts at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// Requests that were to be shown to the candidate.
    pub eligible: u64,
    /// Of these: compared.
    pub compared: u64,
    /// Of these: not yet at their end.
    pub pending: u64,
    /// Of these: not compared, by reason.
    pub dropped: BTreeMap<String, u64>,
}

impl Balance {
    /// Does it add up?
    pub fn is_balanced(&self) -> bool {
        self.eligible == self.compared + self.pending + self.dropped.values().sum::<u64>()
    }
}

impl Counts {
    /// Counts that continue those of a gateway that ended: what was pending then was lost.
    pub(crate) fn resume(balance: &Balance) -> Counts {
        let counts = Counts::default();
        counts.eligible.store(balance.eligible, SeqCst);
        counts.compared.store(balance.compared, SeqCst);
        for (count, reason) in counts.dropped.iter().zip(Reason::ALL) {
            count.store(
                balance
                    .dropped
                    .get(reason.name())
                    .copied()
                    .unwrap_or_default(),
                SeqCst,
            );
        }
        counts.dropped[Reason::Stopped as usize].fetch_add(balance.pending, SeqCst);
        counts
    }

    /// An eligible request, which ends with its ticket.
    pub(crate) fn ticket(self: &Arc<Counts>) -> Ticket {
        self.pending.fetch_add(1, SeqCst);
        self.eligible.fetch_add(1, SeqCst);
        Ticket {
            counts: self.clone(),
            ended: false,
        }
    }

    /// The counts at one moment. Between two threads' steps they may not add up; such a moment is
    /// passed over.
    pub(crate) fn balance(&self) -> Balance {
        let mut balance = self.read();
        for _ in 0..1000 {
            if balance.is_balanced() {
                break;
            }
            std::thread::yield_now();
            balance = self.read();
        }
        balance
    }

    fn read(&self) -> Balance {
        let dropped = Reason::ALL.iter().zip(&self.dropped);
        let dropped = dropped.map(|(reason, count)| (reason.name().to_owned(), count.load(SeqCst)));
        Balance {
            dropped: dropped.filter(|(_, count)| *count > 0).collect(),
            compared: self.compared.load(SeqCst),
            pending: self.pending.load(SeqCst),
            eligible: self.eligible.load(SeqCst),
        }
    }
}

/// One eligible request. It ends exactly once: compared, or dropped with a reason; without
/// either, it was lost when the gateway stopped, or to a panic.
#[derive(Debug)]
pub(crate) struct Ticket {
    counts: Arc<Counts>,
    ended: bool,
}

impl Ticket {
    pub(crate) fn compared(mut self) {
        self.ended = true;
        self.counts.compared.fetch_add(1, SeqCst);
        self.counts.pending.fetch_sub(1, SeqCst);
    }

    pub(crate) fn dropped(mut self, reason: Reason) {
        self.end(reason);
    }

    fn end(&mut self, reason: Reason) {
        if !std::mem::replace(&mut self.ended, true) {
            self.counts.dropped[reason as usize].fetch_add(1, SeqCst);
            self.counts.pending.fetch_sub(1, SeqCst);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.end(match std::thread::panicking() {
            true => Reason::Panicked,
            false => Reason::Stopped,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_eligible_request_ends_exactly_once(steps in proptest::collection::vec(0usize..16, 0..200)) {
            let counts = Arc::new(Counts::default());
            let mut open = Vec::new();
            let (mut eligible, mut compared) = (0, 0);
            for step in steps {
                match step {
                    0..4 => {
                        open.push(counts.ticket());
                        eligible += 1;
                    }
                    4 => if let Some(ticket) = open.pop() {
                        ticket.compared();
                        compared += 1;
                    },
                    other => if let Some(ticket) = open.pop() {
                        ticket.dropped(Reason::ALL[other % Reason::ALL.len()]);
                    },
                }
                let balance = counts.balance();
                prop_assert!(balance.is_balanced());
                prop_assert_eq!((balance.eligible, balance.compared, balance.pending), (eligible, compared, open.len() as u64));
            }
            let before = counts.balance();
            let resumed = Counts::resume(&before).balance();
            prop_assert!(resumed.is_balanced() && resumed.eligible == before.eligible && resumed.pending == 0);
            drop(open);
            prop_assert!(counts.balance().is_balanced() && counts.balance().pending == 0);
        }
    }

    #[test]
    fn it_adds_up_while_many_threads_add() {
        let counts = Arc::new(Counts::default());
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    (0..20_000).for_each(|i| match counts.ticket() {
                        ticket if i % 3 == 0 => ticket.compared(),
                        ticket if i % 3 == 1 => ticket.dropped(Reason::Queue),
                        ticket => drop(ticket),
                    })
                });
            }
            for _ in 0..100 {
                counts.balance();
            }
        });
        let balance = counts.balance();
        assert!(
            balance.is_balanced() && balance.eligible == 60_000 && balance.pending == 0,
            "{balance:?}"
        );
    }
}
