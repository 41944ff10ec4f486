//! A listener on the loopback interface that serves each connection in a thread of its own, and ends with all of them.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use understudy_host::{CpuList, pin_current_thread};

/// Most connections of one side; those beyond are closed at once.
const MOST_CONNECTIONS: usize = 1024;
/// What a thread of a connection needs.
const STACK_BYTES: usize = 512 * 1024;
/// How long a call to wake a listener may take.
const WAKES_WITHIN: Duration = Duration::from_secs(1);

/// What serves a connection, until its end or until it is over.
pub(crate) type Serve = dyn Fn(&TcpStream, &AtomicBool) + Send + Sync;

/// A listener at a free port. Its connections and their threads end when it is dropped.
#[derive(Debug)]
pub(crate) struct Listening {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listening {
    /// Listens; the threads run on these CPUs, or wherever they like where nothing is said.
    ///
    /// # Errors
    /// There is no port, or no thread.
    pub(crate) fn start(cpus: Option<CpuList>, serve: Arc<Serve>) -> io::Result<Listening> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let is_over = Arc::new(AtomicBool::new(false));
        let shared = is_over.clone();
        let thread = std::thread::Builder::new().name("stand-in".to_owned());
        let thread = thread.spawn(move || {
            if let Some(cpus) = cpus {
                // Without, it disturbs what is measured more: that shows in the gates.
                let _ = pin_current_thread(&cpus);
            }
            listen(&listener, &shared, &serve);
        })?;
        Ok(Listening {
            address,
            is_over,
            thread: Some(thread),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        // Whoever waits for the next connection gets one.
        let _ = TcpStream::connect_timeout(&self.address, WAKES_WITHIN);
        if let Some(thread) = self.thread.take() {
            // One that panicked has ended.
            let _ = thread.join();
        }
    }
}

/// Takes connections, a thread each, until it is over.
fn listen(listener: &TcpListener, is_over: &Arc<AtomicBool>, serve: &Arc<Serve>) {
    let mut open: Vec<(TcpStream, JoinHandle<()>)> = Vec::new();
    for stream in listener.incoming() {
        if is_over.load(Ordering::Acquire) {
            break;
        }
        open.retain(|(_, thread)| !thread.is_finished());
        let Ok(stream) = stream else { continue };
        let (Ok(again), true) = (stream.try_clone(), open.len() < MOST_CONNECTIONS) else {
            continue;
        };
        let (serve, is_over) = (serve.clone(), is_over.clone());
        let thread = std::thread::Builder::new()
            .name("stand-in".to_owned())
            .stack_size(STACK_BYTES);
        let spawned = thread.spawn(move || {
            serve(&stream, &is_over);
            // The other handle of it does not keep it open.
            let _ = stream.shutdown(Shutdown::Both);
        });
        if let Ok(thread) = spawned {
            open.push((again, thread));
        }
    }
    for (stream, _) in &open {
        let _ = stream.shutdown(Shutdown::Both);
    }
    for (_, thread) in open {
        let _ = thread.join();
    }
}
