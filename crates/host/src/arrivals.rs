//! When bytes that are read from a socket arrived in the kernel.
//!
//! A thread that is kept from its CPU reads late. The kernel's receive time stamp does not depend on that: it is taken
//! when the network stack receives the segment.

use crate::Clock;
use std::io;

/// The clocks are read again if they disagree with the reading before by more than this: the thread may have been
/// preempted between the two.
const STEP_NS: u64 = 50_000;
/// So many times, before it counts as a step of the wall clock.
const READINGS: usize = 3;

/// When the kernel received the last of the bytes that were read: nanoseconds since 1970 by the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(i64);

/// What one read gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Bytes; 0 at the end of the stream.
    pub count: usize,
    /// When the last of them arrived; `None` where the kernel does not say.
    pub stamp: Option<Stamp>,
}

/// Makes the kernel stamp what arrives at a TCP socket. Where it refuses, [`receive`] gives no stamps.
#[cfg(target_os = "linux")]
pub fn stamp_arrivals(socket: &impl std::os::fd::AsFd) {
    use nix::sys::socket::{setsockopt, sockopt::ReceiveTimestampns};
    // Without stamps the time of reading counts.
    let _ = setsockopt(socket, ReceiveTimestampns, &true);
}

/// Makes the kernel stamp what arrives: not possible on this system.
#[cfg(not(target_os = "linux"))]
pub fn stamp_arrivals<S>(_socket: &S) {}

/// Reads from a socket, with the time of arrival of what is read. Nothing is allocated.
///
/// # Errors
/// Those of `read`.
#[cfg(target_os = "linux")]
pub fn receive<S: std::os::fd::AsRawFd>(socket: &mut S, buffer: &mut [u8]) -> io::Result<Received> {
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

    /// Room for one stamp, aligned as the headers of control messages have to be.
    #[repr(align(16))]
    struct Control([u8; 64]);

    let mut control = Control([0; 64]);
    let mut parts = [io::IoSliceMut::new(buffer)];
    let received = recvmsg::<()>(
        socket.as_raw_fd(),
        &mut parts,
        Some(&mut control.0),
        MsgFlags::empty(),
    )?;
    // Control messages that did not fit are no stamps that can be believed.
    let stamp = received.cmsgs().ok().and_then(|mut messages| {
        messages.find_map(|message| match message {
            ControlMessageOwned::ScmTimestampns(at) => nanos(at.tv_sec(), at.tv_nsec()),
            _ => None,
        })
    });
    Ok(Received {
        count: received.bytes,
        stamp,
    })
}

/// Reads from a socket; this system does not say when what is read arrived.
///
/// # Errors
/// Those of `read`.
#[cfg(not(target_os = "linux"))]
pub fn receive<S: io::Read>(socket: &mut S, buffer: &mut [u8]) -> io::Result<Received> {
    let count = socket.read(buffer)?;
    Ok(Received { count, stamp: None })
}

/// Nanoseconds since 1970, if they can be counted.
#[cfg(unix)]
fn nanos(seconds: impl Into<i64>, nanos: impl Into<i64>) -> Option<Stamp> {
    let seconds = seconds.into().checked_mul(1_000_000_000)?;
    seconds.checked_add(nanos.into()).map(Stamp)
}

/// Brings stamps onto the clock of a run. The wall clock may be stepped meanwhile; a stamp that could be from before a
/// step is not used.
#[derive(Clone, Copy, Debug)]
pub struct Arrivals {
    clock: Clock,
    /// The wall clock minus the clock of the run at the last reading.
    offset_ns: Option<i64>,
    /// The wall clock was not stepped since, as far as is known.
    steady_since_ns: u64,
}

impl Arrivals {
    /// For stamps of bytes that arrive from now on.
    pub fn new(clock: Clock) -> Self {
        let mut arrivals = Arrivals {
            clock,
            offset_ns: None,
            steady_since_ns: 0,
        };
        if let Some((wall_ns, now_ns)) = both(&clock) {
            arrivals.note(wall_ns, now_ns);
        }
        arrivals
    }

    /// The time now, and when what has just been read arrived: not before `earliest_ns` (what it answers was sent
    /// then) and not after now, else the stamp is not used. An arrival is never given as earlier than it was.
    pub fn of(&mut self, stamp: Option<Stamp>, earliest_ns: u64) -> (u64, Option<u64>) {
        let Some(Stamp(stamp_ns)) = stamp else {
            return (self.clock.now_ns(), None);
        };
        let Some((wall_ns, now_ns)) = self.read() else {
            return (self.clock.now_ns(), None);
        };
        let arrived = self.place(stamp_ns, (wall_ns, now_ns));
        (now_ns, arrived.filter(|at| *at >= earliest_ns))
    }

    fn place(&self, stamp_ns: i64, (wall_ns, now_ns): (i64, u64)) -> Option<u64> {
        let age = wall_ns.checked_sub(stamp_ns)?;
        let arrived = now_ns.checked_sub(u64::try_from(age).ok()?)?;
        (arrived >= self.steady_since_ns).then_some(arrived)
    }

    /// Both clocks, noted.
    fn read(&mut self) -> Option<(i64, u64)> {
        for _ in 1..READINGS {
            let (wall_ns, now_ns) = both(&self.clock)?;
            if !self.is_step(wall_ns, now_ns) {
                self.note(wall_ns, now_ns);
                return Some((wall_ns, now_ns));
            }
        }
        let (wall_ns, now_ns) = both(&self.clock)?;
        self.note(wall_ns, now_ns);
        Some((wall_ns, now_ns))
    }

    fn is_step(&self, wall_ns: i64, now_ns: u64) -> bool {
        let offset = wall_ns.wrapping_sub_unsigned(now_ns);
        self.offset_ns
            .is_none_or(|before| offset.abs_diff(before) > STEP_NS)
    }

    fn note(&mut self, wall_ns: i64, now_ns: u64) {
        if self.is_step(wall_ns, now_ns) {
            self.steady_since_ns = now_ns;
        }
        self.offset_ns = Some(wall_ns.wrapping_sub_unsigned(now_ns));
    }
}

/// The wall clock, then the clock of the run. In this order a preemption between the two makes an arrival later, never
/// earlier.
#[cfg(unix)]
fn both(clock: &Clock) -> Option<(i64, u64)> {
    let wall = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    let Stamp(wall_ns) = nanos(wall.tv_sec, wall.tv_nsec)?;
    Some((wall_ns, clock.now_ns()))
}

#[cfg(not(unix))]
fn both(_clock: &Clock) -> Option<(i64, u64)> {
    None
}

#[cfg(test)]
mod tests;
