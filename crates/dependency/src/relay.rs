//! A relay: what speaks no protocol that is known here is passed through, and counted.

use crate::listening::Listening;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use understudy_host::CpuList;

/// How long a connection to the service may take.
const CONNECTS_WITHIN: Duration = Duration::from_secs(5);
/// How often it is looked if it is over, while the service says nothing.
const LOOKS_AFTER: Duration = Duration::from_millis(200);
/// One read takes at most this.
const READ_BYTES: usize = 64 * 1024;

/// What a side sent through a relay, and what came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Connections that it opened.
    pub connections: u64,
    /// Those that could not be passed on, because the service took none.
    pub refused: u64,
    /// How often it sent something after it had received something, or first: what it waited for, a query at a time.
    pub turns: u64,
    /// Bytes that it sent.
    pub sent_bytes: u64,
    /// Bytes that it received.
    pub received_bytes: u64,
}

#[derive(Debug, Default)]
struct Counters {
    connections: AtomicU64,
    refused: AtomicU64,
    turns: AtomicU64,
    sent_bytes: AtomicU64,
    received_bytes: AtomicU64,
}

/// A relay of one side to one service. It ends when it is dropped, and all that goes through it.
#[derive(Debug)]
pub struct Relay {
    listening: Listening,
    counters: Arc<Counters>,
}

impl Relay {
    /// Listens at a free port of the loopback interface, and passes on what comes to the first of the service's addresses
    /// that takes it.
    ///
    /// # Errors
    /// No port is free, or there is no thread.
    pub fn start(service: &[SocketAddr], cpus: Option<CpuList>) -> io::Result<Relay> {
        let addresses = service.to_vec();
        let counters = Arc::new(Counters::default());
        let shared = counters.clone();
        let serve = move |side: &TcpStream, is_over: &AtomicBool| {
            shared.connections.fetch_add(1, Ordering::Relaxed);
            let Ok(service) = connected(&addresses) else {
                shared.refused.fetch_add(1, Ordering::Relaxed);
                return;
            };
            // A connection whose end is no orderly one has ended all the same.
            let _ = pass(side, &service, is_over, &shared);
        };
        Ok(Relay {
            listening: Listening::start(cpus, Arc::new(serve))?,
            counters,
        })
    }

    /// Where the side finds it.
    pub fn address(&self) -> SocketAddr {
        self.listening.address()
    }

    /// What went through so far.
    pub fn passed(&self) -> Passed {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Passed {
            connections: of(&self.counters.connections),
            refused: of(&self.counters.refused),
            turns: of(&self.counters.turns),
            sent_bytes: of(&self.counters.sent_bytes),
            received_bytes: of(&self.counters.received_bytes),
        }
    }
}

fn connected(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut failed = io::Error::from(ErrorKind::NotFound);
    for address in addresses {
        match TcpStream::connect_timeout(address, CONNECTS_WITHIN) {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// Passes on in both directions until both have ended.
fn pass(
    side: &TcpStream,
    service: &TcpStream,
    is_over: &AtomicBool,
    counters: &Counters,
) -> io::Result<()> {
    for stream in [side, service] {
        stream.set_nodelay(true)?;
    }
    // A side that has ended leaves a service that says nothing more.
    service.set_read_timeout(Some(LOOKS_AFTER))?;
    let is_turn = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let back = || {
            copy((service, side), is_over, |count| {
                is_turn.store(true, Ordering::Relaxed);
                let bytes = &counters.received_bytes;
                bytes.fetch_add(count, Ordering::Relaxed);
            })
        };
        let back = std::thread::Builder::new().spawn_scoped(scope, back)?;
        copy((side, service), is_over, |count| {
            let turn = u64::from(is_turn.swap(false, Ordering::Relaxed));
            counters.turns.fetch_add(turn, Ordering::Relaxed);
            counters.sent_bytes.fetch_add(count, Ordering::Relaxed);
        });
        // One that panicked has ended.
        let _ = back.join();
        Ok(())
    })
}

/// Copies until the end of what is read, which is passed on too.
fn copy((from, to): (&TcpStream, &TcpStream), is_over: &AtomicBool, mut passed: impl FnMut(u64)) {
    let (mut read, mut write) = (from, to);
    let mut buffer = vec![0; READ_BYTES];
    while !is_over.load(Ordering::Acquire) {
        let count = match read.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => continue,
                _ => break,
            },
        };
        passed(count as u64);
        if write.write_all(&buffer[..count]).is_err() {
            // Nobody takes it: the other direction is to end as well.
            let _ = from.shutdown(Shutdown::Read);
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener};

    /// A service that gives back each line, and says goodbye when the client says nothing more.
    fn service() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                std::thread::spawn(move || {
                    let mut buffer = [0; 64];
                    while let Ok(count @ 1..) = stream.read(&mut buffer) {
                        stream.write_all(&buffer[..count]).unwrap();
                    }
                    stream.write_all(b"bye").unwrap();
                });
            }
        });
        address
    }

    #[test]
    fn what_goes_through_is_the_same_and_counted() {
        let relay = Relay::start(&[service()], None).unwrap();
        let mut side = TcpStream::connect(relay.address()).unwrap();
        let mut buffer = [0; 5];
        for _ in 0..3 {
            side.write_all(b"query").unwrap();
            side.read_exact(&mut buffer).unwrap();
            assert_eq!(&buffer, b"query");
        }
        side.shutdown(Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        side.read_to_end(&mut rest).unwrap();
        assert_eq!(
            rest, b"bye",
            "the end of one direction is not that of the other"
        );
        assert_eq!(
            relay.passed(),
            Passed {
                connections: 1,
                refused: 0,
                turns: 3,
                sent_bytes: 15,
                received_bytes: 18,
            }
        );
    }

    #[test]
    fn it_ends_with_connections_that_are_open_and_says_which_were_refused() {
        let relay = Relay::start(&[service()], None).unwrap();
        let mut side = TcpStream::connect(relay.address()).unwrap();
        side.write_all(b"a").unwrap();
        side.read_exact(&mut [0]).unwrap();
        drop(relay);
        // The end, or a reset: it is over.
        assert!(!matches!(side.read(&mut [0; 8]), Ok(4..)));

        let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = nobody.local_addr().unwrap();
        drop(nobody);
        let relay = Relay::start(&[address], None).unwrap();
        let mut side = TcpStream::connect(relay.address()).unwrap();
        assert_eq!(side.read(&mut [0]).unwrap_or(0), 0);
        assert_eq!(relay.passed().refused, 1);
    }
}
