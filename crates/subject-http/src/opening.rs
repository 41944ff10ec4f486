//! Opening the connections of a driver before the load begins.
//!
//! A server with a short listen backlog (5 in many standard libraries) drops what comes faster than it
//! accepts, and a dropped SYN costs its sender a second. So connections to a server that is near are opened
//! one after the other, and a connect that is not answered at once is given up and tried again a little
//! later; to one that is far, several at a time.

use crate::driver::OpenError;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Longest time for the first connection.
const FIRST: Duration = Duration::from_secs(10);
/// A first connection within this is one to a server that is near.
const NEAR: Duration = Duration::from_millis(2);
/// How long a connect to such a server may take before it is taken for dropped, at least.
const PATIENCE: Duration = Duration::from_millis(20);
/// Connects under way to a server that is far.
const FAR_AT_ONCE: usize = 16;
/// Between two connects once one was dropped, and what that grows to.
const PACE: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(50));
/// After so long without a new connection the load begins with those that there are.
const STALLED: Duration = Duration::from_millis(500);

/// Opens up to `wanted` connections, at least one; where the first address that answers is.
pub(crate) fn open(
    addresses: &[SocketAddr],
    wanted: usize,
    timeout: Duration,
) -> Result<(SocketAddr, Vec<TcpStream>), OpenError> {
    let begun = Instant::now();
    let (address, first) = first(addresses, timeout.min(FIRST))?;
    let (at_once, patience) = match begun.elapsed() {
        took if took < NEAR => (1, PATIENCE),
        took => (FAR_AT_ONCE, (took * 4).max(PATIENCE * 5)),
    };
    let opening = Opening {
        address,
        wanted,
        patience,
        state: Mutex::new(State {
            streams: vec![first],
            under_way: 0,
            pace: Duration::ZERO,
            last: Instant::now(),
            failed: None,
        }),
    };
    std::thread::scope(|scope| {
        for _ in 1..at_once.min(wanted) {
            scope.spawn(|| opening.work());
        }
        opening.work();
    });
    let state = opening
        .state
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    match state.failed {
        Some(source) => Err(OpenError::Sockets { wanted, source }),
        None => Ok((address, state.streams)),
    }
}

/// The first connection, to the first address that accepts one.
fn first(
    addresses: &[SocketAddr],
    timeout: Duration,
) -> Result<(SocketAddr, TcpStream), OpenError> {
    let deadline = Instant::now() + timeout;
    let mut error = OpenError::Nowhere;
    for (index, address) in addresses.iter().enumerate() {
        // One that does not answer leaves time for the others.
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / (addresses.len() - index) as u32;
        let attempt = match share.is_zero() {
            true => Err(ErrorKind::TimedOut.into()),
            false => TcpStream::connect_timeout(address, share),
        };
        match attempt {
            Ok(stream) => return Ok((*address, stream)),
            Err(source) => error = OpenError::connect(addresses, source, timeout),
        }
    }
    Err(error)
}

struct Opening {
    address: SocketAddr,
    wanted: usize,
    patience: Duration,
    state: Mutex<State>,
}

struct State {
    streams: Vec<TcpStream>,
    under_way: usize,
    /// Between two connects.
    pace: Duration,
    /// When the last one stood.
    last: Instant,
    /// This machine has no more sockets.
    failed: Option<io::Error>,
}

impl Opening {
    /// Opens one connection after the other, until there are enough or no more come.
    fn work(&self) {
        while let Some(pace) = self.claim() {
            std::thread::sleep(pace);
            let opened = TcpStream::connect_timeout(&self.address, self.patience);
            self.settle(opened);
        }
    }

    /// Is there one more to open? How long to wait before that.
    fn claim(&self) -> Option<Duration> {
        let mut state = self.state();
        let is_enough = state.streams.len() + state.under_way >= self.wanted;
        if is_enough || state.failed.is_some() || state.last.elapsed() > STALLED {
            return None;
        }
        state.under_way += 1;
        Some(state.pace)
    }

    fn settle(&self, opened: io::Result<TcpStream>) {
        let mut state = self.state();
        state.under_way -= 1;
        match opened {
            Ok(stream) => {
                state.streams.push(stream);
                state.last = Instant::now();
            }
            Err(error) if understudy_host::is_exhausted(&error) => state.failed = Some(error),
            // Dropped, or refused by a server that wants no more.
            Err(_) => state.pace = (state.pace * 2).clamp(PACE.0, PACE.1),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener};

    /// A listener with a backlog of 5 whose server takes 1 ms to accept, as Python's does.
    fn short() -> (SocketAddr, rustix::fd::OwnedFd) {
        use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        listen(&socket, 5).unwrap();
        let address = SocketAddr::try_from(getsockname(&socket).unwrap()).unwrap();
        (address, socket)
    }

    #[test]
    fn a_short_backlog_costs_no_second() {
        let (address, socket) = short();
        let listener = TcpListener::from(socket);
        let accepting = std::thread::spawn(move || {
            let mut kept = Vec::new();
            for stream in listener.incoming().take(64) {
                std::thread::sleep(Duration::from_millis(1));
                kept.push(stream);
            }
            kept
        });
        let (_, opened) = open(&[address], 64, Duration::from_secs(10)).unwrap();
        assert_eq!(opened.len(), 64);
        assert_eq!(accepting.join().unwrap().len(), 64);
    }

    /// Nothing accepts: what the kernel queues is all that there is.
    #[test]
    fn the_load_begins_with_the_connections_that_are_open() {
        let (address, _socket) = short();
        let (_, opened) = open(&[address], 64, Duration::from_secs(10)).unwrap();
        assert!((1..64).contains(&opened.len()), "{}", opened.len());
    }

    #[test]
    fn every_address_is_tried() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let there = listener.local_addr().unwrap();
        let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap();
        let (address, opened) = open(&[closed, there], 2, Duration::from_secs(10)).unwrap();
        assert_eq!((address, opened.len()), (there, 2));
        let why = open(&[closed], 2, Duration::from_secs(1))
            .unwrap_err()
            .to_string();
        assert!(
            why.starts_with(&format!("cannot connect to {closed}: ")),
            "{why}"
        );
    }
}
