//! One thread of load: releases requests when they are due and records what becomes of them.

use crate::driver::{Driver, Job};
use crate::picker::Picker;
use crate::progress::Progress;
use crate::recorder::Recorder;
use crate::schedule::Schedule;
use std::collections::VecDeque;
use std::io;
use std::iter::Peekable;
use std::sync::atomic::{AtomicBool, Ordering};
use understudy_host::{Clock, ThreadUsage};
use understudy_model::{Class, Ending, Observation};

/// Shorter than this before a due time the thread does not sleep any more: a wake-up takes longer.
const SPIN_NS: u64 = 60_000;

/// While a thread that stores the log wants this CPU, waits of this length are slept through, so that
/// it runs. Falling asleep and waking up costs 5 us of CPU: shorter naps would cost more than they give.
const SHORTEST_NAP_NS: u64 = 30_000;

/// A nap ends this much before a due time: the CPU is not idle meanwhile, and a wake-up is short.
const NAP_AWAKE_NS: u64 = 3_000;

/// A request due in the last moment of the window may leave this much after it.
const END_SLACK_NS: u64 = 1_000_000;

/// How requests are released.
#[derive(Clone, Debug)]
pub(crate) enum Pace {
    /// Open model: at the times of a schedule, whatever the subject does.
    Scheduled(Schedule),
    /// Closed model: a new request as soon as a connection is free.
    Max,
}

/// What one thread shall do, in nanoseconds since the start.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) pace: Pace,
    pub(crate) picker: Picker,
    /// Exchanges intended before this are not recorded.
    pub(crate) warmup_ns: u64,
    /// Nothing is released from here on.
    pub(crate) end_ns: u64,
    /// What has not ended by then is abandoned.
    pub(crate) drain_ns: u64,
    /// Most requests that may wait for a connection.
    pub(crate) queue: usize,
}

/// What one thread did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Done {
    /// Requests that were due in the measured window.
    pub(crate) due: u64,
    /// Those of them that were sent in the window.
    pub(crate) sent: u64,
    /// Those of them that had a connection before the window ended and were sent after it.
    pub(crate) late: u64,
    /// CPU time and run-queue wait over the measured window.
    pub(crate) usage: ThreadUsage,
    /// CPU time of it that was only spent waiting awake.
    pub(crate) spin_ns: u64,
    /// Length of the measured window; shorter than planned if interrupted.
    pub(crate) wall_ns: u64,
}

/// Runs the task to its end, or until `stop` is set.
///
/// # Errors
/// The driver's event loop is broken.
pub(crate) fn run<D: Driver, R: Recorder>(
    driver: &mut D,
    task: Task,
    clock: Clock,
    stop: &AtomicBool,
    progress: &Progress,
    recorder: &mut R,
) -> io::Result<Done> {
    let picker = task.picker;
    let window = Window {
        warmup_ns: task.warmup_ns,
        end_ns: task.end_ns,
        drain_ns: task.drain_ns,
    };
    let mut engine = Engine {
        driver,
        picker,
        window,
        queue: VecDeque::with_capacity(task.queue.min(4096)),
        queue_bound: task.queue,
        progress,
        recorder,
        done: Done::default(),
        measuring_since: None,
    };
    match task.pace {
        Pace::Scheduled(schedule) => engine.scheduled(schedule.peekable(), clock, stop)?,
        Pace::Max => engine.max(clock, stop)?,
    }
    engine.finish(clock.now_ns(), stop.load(Ordering::Relaxed));
    Ok(engine.done)
}

#[derive(Clone, Copy)]
struct Window {
    warmup_ns: u64,
    end_ns: u64,
    drain_ns: u64,
}

struct Engine<'a, D, R> {
    driver: &'a mut D,
    picker: Picker,
    window: Window,
    queue: VecDeque<Job>,
    queue_bound: usize,
    progress: &'a Progress,
    recorder: &'a mut R,
    done: Done,
    /// Usage and time when the measured window began.
    measuring_since: Option<(ThreadUsage, u64)>,
}

impl<D: Driver, R: Recorder> Engine<'_, D, R> {
    fn scheduled(
        &mut self,
        mut schedule: Peekable<Schedule>,
        clock: Clock,
        stop: &AtomicBool,
    ) -> io::Result<()> {
        let mut ended = Vec::with_capacity(256);
        // When the turn before began, if it only waited awake.
        let mut idle_since: Option<u64> = None;
        while !stop.load(Ordering::Relaxed) {
            let now = clock.now_ns();
            self.note_window(now);
            self.note_spin(idle_since, now);
            let mut released = false;
            while let Some(due) = schedule.next_if(|due| *due <= now && *due < self.window.end_ns) {
                self.release(due);
                released = true;
            }
            // The schedule is endless: its next time is past the end once all is released.
            let next = schedule.peek().copied().unwrap_or(u64::MAX);
            let draining = next >= self.window.end_ns;
            if draining
                && self.queue.is_empty()
                && self.driver.busy() == 0
                && now >= self.window.end_ns
            {
                break;
            }
            if now >= self.window.drain_ns {
                break;
            }
            let wake = match (draining, now < self.window.end_ns) {
                (false, _) => next,
                (true, true) => self.window.end_ns,
                (true, false) => self.window.drain_ns,
            };
            let (shortest, awake) = match self.recorder.wants_rest() {
                true => (SHORTEST_NAP_NS, NAP_AWAKE_NS),
                false => (SPIN_NS, SPIN_NS),
            };
            let park = (wake > now + shortest).then(|| wake - awake);
            self.driver.poll(park, &mut ended)?;
            idle_since = (!released && park.is_none() && ended.is_empty()).then_some(now);
            self.take(&mut ended);
        }
        Ok(())
    }

    fn max(&mut self, clock: Clock, stop: &AtomicBool) -> io::Result<()> {
        let mut ended = Vec::with_capacity(256);
        while !stop.load(Ordering::Relaxed) {
            let now = clock.now_ns();
            self.note_window(now);
            if now < self.window.end_ns {
                // Once for each: a dead target frees a connection at once, again and again.
                for _ in 0..self.driver.idle() {
                    self.release(now);
                }
            } else if self.driver.busy() == 0 || now >= self.window.drain_ns {
                break;
            }
            let wake = if now < self.window.end_ns {
                self.window.end_ns
            } else {
                self.window.drain_ns
            };
            self.driver.poll(Some(wake), &mut ended)?;
            self.take(&mut ended);
        }
        Ok(())
    }

    /// Records what has ended and gives the connections to those that wait.
    fn take(&mut self, ended: &mut Vec<Observation>) {
        for observation in ended.drain(..) {
            self.record(&observation);
        }
        // Connections also become free without an end: a closed one that was opened again. Each is
        // offered once: a dead target frees a connection at once, again and again.
        for _ in 0..self.driver.idle() {
            let Some(job) = self.queue.pop_front() else {
                break;
            };
            self.driver.submit(job);
        }
    }

    /// Waiting awake costs CPU time and is not work.
    fn note_spin(&mut self, idle_since: Option<u64>, now: u64) {
        if let Some(since) = idle_since
            && self
                .measuring_since
                .is_some_and(|(_, start)| since >= start)
        {
            self.done.spin_ns += now - since;
        }
    }

    /// A request is due: it is sent, waits for a connection, or finds no room to wait.
    fn release(&mut self, due_ns: u64) {
        let job = Job {
            request: self.picker.next_request(),
            due_ns,
        };
        if self.is_measured(due_ns) {
            self.done.due += 1;
        }
        if self.queue.is_empty() && self.driver.idle() > 0 {
            self.driver.submit(job);
        } else if self.queue.len() < self.queue_bound {
            self.queue.push_back(job);
        } else {
            let lost = self.unsent(job, Ending::Overflow);
            self.record(&lost);
        }
    }

    fn record(&mut self, observation: &Observation) {
        if self.is_measured(observation.due_ns) {
            let end = self.window.end_ns;
            let sent = observation.sent_ns != Observation::NEVER;
            if sent && observation.sent_ns <= end + END_SLACK_NS {
                self.done.sent += 1;
            } else if sent && observation.free_ns < end {
                self.done.late += 1;
            }
            self.recorder.record(observation);
        }
        self.progress.note(observation, self.queue.len());
    }

    fn is_measured(&self, due_ns: u64) -> bool {
        due_ns >= self.window.warmup_ns
    }

    fn unsent(&self, job: Job, ending: Ending) -> Observation {
        Observation {
            case: job.request,
            operation: self.driver.operation(job.request),
            due_ns: job.due_ns,
            free_ns: Observation::NEVER,
            sent_ns: Observation::NEVER,
            first_ns: Observation::NEVER,
            last_ns: Observation::NEVER,
            ending,
            class: Class::Failed,
            code: 0,
            bytes: 0,
            hash: 0,
        }
    }

    /// Takes the usage at the beginning and at the end of the window: the drain after it, in which
    /// the thread mostly waits, would water it down.
    fn note_window(&mut self, now: u64) {
        if self.measuring_since.is_none() && now >= self.window.warmup_ns {
            // A thread that did not run from before the window to after it used nothing in it.
            let since = match now < self.window.end_ns {
                true => now,
                false => self.window.warmup_ns,
            };
            self.measuring_since = Some((ThreadUsage::now(), since));
        }
        if now >= self.window.end_ns {
            self.close_window(now);
        }
    }

    fn close_window(&mut self, now: u64) {
        if let Some((usage, since)) = self.measuring_since
            && self.done.wall_ns == 0
        {
            self.done.usage = ThreadUsage::now().since(usage);
            self.done.wall_ns = now.saturating_sub(since).max(1);
        }
    }

    /// Accounts for what is left: an interrupt drops it, the end of the drain abandons it.
    fn finish(&mut self, now: u64, interrupted: bool) {
        self.close_window(now);
        if interrupted {
            return;
        }
        for job in std::mem::take(&mut self.queue) {
            let abandoned = self.unsent(job, Ending::Abandoned);
            self.record(&abandoned);
        }
        // What is still under way at the end of the drain is past its own time limit: the driver
        // has reported it as timed out, because the drain is longer than that limit.
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Driver for Nobody {
        fn start(&mut self, _: Clock, _: u64) {}

        fn idle(&self) -> usize {
            0
        }

        fn busy(&self) -> usize {
            0
        }

        fn operation(&self, _: u32) -> u32 {
            0
        }

        fn submit(&mut self, _: Job) {}

        fn poll(&mut self, _: Option<u64>, _: &mut Vec<Observation>) -> io::Result<()> {
            Ok(())
        }
    }

    impl Recorder for Nobody {
        fn record(&mut self, _: &Observation) {}
    }

    /// Length of the window and CPU time in it, where the thread first ran at a time and saw its end later.
    fn window_seen_at(first_ns: u64, end_ns: u64) -> Done {
        let mut engine = Engine {
            driver: &mut Nobody,
            picker: Picker::new(&[1.0], 1, 0, 1),
            window: Window {
                warmup_ns: 1_000,
                end_ns: 5_000,
                drain_ns: 9_000,
            },
            queue: VecDeque::new(),
            queue_bound: 1,
            progress: &Progress::default(),
            recorder: &mut Nobody,
            done: Done::default(),
            measuring_since: None,
        };
        engine.note_window(first_ns);
        engine.note_window(end_ns);
        engine.done
    }

    #[test]
    fn a_thread_that_slept_through_the_window_has_its_length() {
        assert_eq!(window_seen_at(1_500, 5_200).wall_ns, 3_700);
        assert_eq!(window_seen_at(6_000, 6_000).wall_ns, 5_000);
    }
}
