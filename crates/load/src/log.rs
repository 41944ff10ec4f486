//! Exchanges on their way from the engine threads to the one thread that stores them.
//!
//! Batches are made before the run and go round: filled by an engine, emptied by the receiver. The
//! engine neither allocates nor waits: what finds no empty batch is not logged. The report counts it,
//! by what was measured and what is in the log.

use crate::recorder::Recorder;
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::Duration;
use understudy_model::Observation;

/// Exchanges of one batch: 144 KiB.
const BATCH_ROWS: usize = 2048;
/// Batches of a run: 18 MiB hold 5 s of 50,000 exchanges a second, longer than a disk stalls.
const BATCHES: usize = 128;
/// A batch that is not full is handed over when its first exchange was due this long ago.
const HOLD_NS: u64 = 1_000_000_000;

type Batch = Vec<Observation>;

/// The end of an engine thread. Dropped, it hands over what is left.
#[derive(Debug)]
pub struct LogSender {
    batch: Batch,
    full: Producer<Batch>,
    empty: Consumer<Batch>,
    /// Batches of this sender, wherever they are.
    batches: usize,
    shared: Arc<Shared>,
}

/// The end of the thread that stores the exchanges. When it is gone the senders keep nothing any more.
#[derive(Debug)]
pub struct LogReceiver {
    lanes: Vec<Lane>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Lane {
    full: Consumer<Batch>,
    empty: Producer<Batch>,
}

#[derive(Debug)]
struct Shared {
    /// Senders that may still hand something over.
    senders: AtomicUsize,
    /// The thread that waits in [`LogReceiver::serve`].
    waiting: OnceLock<Thread>,
}

/// One sender for each of `threads` engine threads, and the receiver of all. All memory that the
/// exchanges on their way will ever need is taken here.
pub fn log_pipe(threads: usize) -> (Vec<LogSender>, LogReceiver) {
    let shared = Arc::new(Shared {
        senders: AtomicUsize::new(threads),
        waiting: OnceLock::new(),
    });
    // One to fill while another is emptied is the least that works.
    let batches = (BATCHES / threads.max(1)).max(2);
    let (senders, lanes) = (0..threads).map(|_| lane(batches, &shared)).unzip();
    (senders, LogReceiver { lanes, shared })
}

fn lane(batches: usize, shared: &Arc<Shared>) -> (LogSender, Lane) {
    let (full, filled) = RingBuffer::new(batches);
    let (mut emptied, empty) = RingBuffer::new(batches);
    for _ in 1..batches {
        // There is room for all of them.
        let _ = emptied.push(Batch::with_capacity(BATCH_ROWS));
    }
    let sender = LogSender {
        batch: Batch::with_capacity(BATCH_ROWS),
        full,
        empty,
        batches,
        shared: shared.clone(),
    };
    let lane = Lane {
        full: filled,
        empty: emptied,
    };
    (sender, lane)
}

impl LogSender {
    /// Makes room for one more exchange, if there is any.
    fn has_room(&mut self, now_ns: u64) -> bool {
        let is_full = self.batch.len() == self.batch.capacity();
        let is_old = self
            .batch
            .first()
            .is_some_and(|first| now_ns.saturating_sub(first.due_ns) > HOLD_NS);
        if !is_full && !is_old {
            return true;
        }
        match self.empty.pop() {
            Ok(empty) => {
                self.hand_over(empty);
                true
            }
            Err(_) => !is_full,
        }
    }

    fn hand_over(&mut self, next: Batch) {
        let batch = std::mem::replace(&mut self.batch, next);
        // The queue has room for every batch there is.
        let _ = self.full.push(batch);
        self.shared.wake();
    }
}

impl Recorder for LogSender {
    fn record(&mut self, observation: &Observation) {
        if self.has_room(observation.due_ns) {
            self.batch.push(*observation);
        }
    }

    fn wants_rest(&self) -> bool {
        // All but the one being filled are empty when there is nothing to store. A log that has failed
        // empties none, and its thread needs no CPU.
        self.empty.slots() + 1 < self.batches && !self.empty.is_abandoned()
    }
}

impl Drop for LogSender {
    fn drop(&mut self) {
        self.hand_over(Batch::new());
        self.shared.senders.fetch_sub(1, Ordering::Release);
        self.shared.wake();
    }
}

impl Shared {
    fn wake(&self) {
        if let Some(thread) = self.waiting.get() {
            thread.unpark();
        }
    }
}

impl LogReceiver {
    /// Gives every batch to `store` as it comes, until the senders are gone. What is left then is
    /// for [`LogReceiver::drain`], which a thread of higher priority may call.
    ///
    /// # Errors
    /// The first error of `store`.
    pub fn serve<E>(
        &mut self,
        mut store: impl FnMut(&[Observation]) -> Result<(), E>,
    ) -> Result<(), E> {
        let _ = self.shared.waiting.set(std::thread::current());
        while self.shared.senders.load(Ordering::Acquire) > 0 {
            if !self.pass_on(&mut store)? {
                // A sender's first wake-up can come before this thread is known to be the one to wake.
                std::thread::park_timeout(Duration::from_secs(1));
            }
        }
        Ok(())
    }

    /// Gives all batches that were handed over to `store`.
    ///
    /// # Errors
    /// The first error of `store`.
    pub fn drain<E>(
        &mut self,
        mut store: impl FnMut(&[Observation]) -> Result<(), E>,
    ) -> Result<(), E> {
        while self.pass_on(&mut store)? {}
        Ok(())
    }

    /// Passes on one batch of each sender; false if there was none.
    fn pass_on<E>(
        &mut self,
        store: &mut impl FnMut(&[Observation]) -> Result<(), E>,
    ) -> Result<bool, E> {
        let mut any = false;
        for lane in &mut self.lanes {
            let Ok(mut batch) = lane.full.pop() else {
                continue;
            };
            any = true;
            store(&batch)?;
            batch.clear();
            // The queue has room for every batch there is.
            let _ = lane.empty.push(batch);
        }
        Ok(any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use understudy_model::Ending;

    fn observation(request: u32, at_ns: u64) -> Observation {
        Observation {
            case: request,
            operation: 0,
            due_ns: at_ns,
            free_ns: at_ns,
            sent_ns: at_ns,
            first_ns: at_ns,
            last_ns: at_ns,
            ending: Ending::Answered,
            class: understudy_model::Class::Ok,
            code: 200,
            bytes: 1,
            hash: 0,
        }
    }

    fn collect(into: &mut Vec<u32>) -> impl FnMut(&[Observation]) -> Result<(), Infallible> {
        |batch| {
            into.extend(batch.iter().map(|o| o.case));
            Ok(())
        }
    }

    #[test]
    fn every_exchange_arrives_once_and_in_order_while_the_engines_run() {
        let (senders, mut receiver) = log_pipe(2);
        let stored = std::thread::scope(|scope| {
            let storing = scope.spawn(|| {
                let mut stored = Vec::new();
                receiver.serve(collect(&mut stored)).unwrap();
                receiver.drain(collect(&mut stored)).unwrap();
                stored
            });
            for (thread, mut sender) in senders.into_iter().enumerate() {
                scope.spawn(move || {
                    for n in 0..300_000u32 {
                        while sender.wants_rest() && sender.empty.slots() < 2 {
                            std::thread::yield_now();
                        }
                        sender.record(&observation(n * 2 + thread as u32, u64::from(n) * 1000));
                    }
                });
            }
            storing.join().unwrap()
        });
        for thread in 0..2 {
            let of_thread: Vec<u32> = stored.iter().copied().filter(|n| n % 2 == thread).collect();
            assert_eq!(of_thread.len(), 300_000);
            assert!(of_thread.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }

    #[test]
    fn what_finds_no_empty_batch_is_left_out_and_the_rest_is_kept() {
        let (mut senders, mut receiver) = log_pipe(1);
        let mut sender = senders.remove(0);
        let room = BATCHES * BATCH_ROWS;
        for n in 0..room + 5 {
            sender.record(&observation(n as u32, 0));
        }
        assert!(sender.wants_rest());
        let mut stored = Vec::new();
        receiver.drain(collect(&mut stored)).unwrap();
        assert!(!sender.wants_rest(), "everything handed over was stored");
        drop(sender);
        receiver.drain(collect(&mut stored)).unwrap();
        assert_eq!(stored, (0..room as u32).collect::<Vec<_>>());
    }

    #[test]
    fn no_engine_rests_for_a_log_that_has_failed() {
        let (mut senders, mut receiver) = log_pipe(1);
        let sender = &mut senders[0];
        for n in 0..2 * BATCH_ROWS {
            sender.record(&observation(n as u32, 0));
        }
        assert!(sender.wants_rest());
        receiver.drain(|_| Err("full")).unwrap_err();
        assert!(sender.wants_rest(), "the receiver may continue");
        drop(receiver);
        assert!(!sender.wants_rest());
        for n in 0..2 * BATCHES * BATCH_ROWS {
            sender.record(&observation(n as u32, 0));
        }
        assert!(!sender.wants_rest());
    }

    #[test]
    fn few_exchanges_are_handed_over_before_their_batch_is_full() {
        let (mut senders, mut receiver) = log_pipe(1);
        let sender = &mut senders[0];
        let mut stored = Vec::new();
        sender.record(&observation(0, 5));
        sender.record(&observation(1, HOLD_NS));
        receiver.drain(collect(&mut stored)).unwrap();
        assert!(stored.is_empty());
        sender.record(&observation(2, HOLD_NS + 6));
        receiver.drain(collect(&mut stored)).unwrap();
        assert_eq!(stored, [0, 1]);
    }
}
