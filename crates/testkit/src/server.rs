//! A thread-per-connection HTTP server that behaves as its command line says.

use crate::answer::{Plant, item};
use crate::collector::{self, World};
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How the subject behaves.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    port: u16,
    plant: Option<Plant>,
    /// Time before every answer.
    delay: Duration,
    /// CPU time burnt for every answer.
    burn: Duration,
    /// Ends at once with this message.
    exit: Option<String>,
    /// Never listens.
    never_ready: bool,
    /// Ends when this many requests were answered.
    die_after: Option<u64>,
    /// Sends a body without end.
    endless: bool,
    /// Closes the connection after every answer.
    close: bool,
    /// Stops everything for this long in every so long.
    stop: Duration,
    every: Duration,
    world: World,
    /// One worker serves all requests in the order in which they come.
    worker: Option<Arc<Worker>>,
    /// Memory that is allocated and touched over and over.
    touched_mib: usize,
    answered: Arc<AtomicU64>,
    /// Where each answer is logged with the time that it took.
    access_log: Option<Arc<File>>,
}

impl Behaviour {
    /// Reads the command line.
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut behaviour = Behaviour::default();
        let mut arguments = arguments;
        while let Some(flag) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{flag} needs a value"));
            let number = |text: String| text.parse::<u64>().map_err(|e| format!("{flag}: {e}"));
            match flag.as_str() {
                "--port" => behaviour.port = number(value()?)? as u16,
                "--delay-us" => behaviour.delay = Duration::from_micros(number(value()?)?),
                "--burn-us" => behaviour.burn = Duration::from_micros(number(value()?)?),
                "--die-after" => behaviour.die_after = Some(number(value()?)?),
                "--exit" => behaviour.exit = Some(value()?),
                "--stop-ms" => behaviour.stop = Duration::from_millis(number(value()?)?),
                "--every-ms" => behaviour.every = Duration::from_millis(number(value()?)?),
                "--never-ready" => behaviour.never_ready = true,
                "--endless" => behaviour.endless = true,
                "--close" => behaviour.close = true,
                "--worker-us" => {
                    let service = Duration::from_micros(number(value()?)?);
                    behaviour.worker = Some(Arc::new(Worker::new(service)));
                }
                "--exponential" => match behaviour.worker.as_mut().and_then(Arc::get_mut) {
                    Some(worker) => worker.exponential = true,
                    None => return Err("--exponential goes after --worker-us".to_owned()),
                },
                "--access-log" => {
                    let file = File::options().append(true).create(true).open(value()?);
                    behaviour.access_log = Some(Arc::new(file.map_err(|e| e.to_string())?));
                }
                "--touch-mib" => behaviour.touched_mib = number(value()?)? as usize,
                "--plant" => {
                    let name = value()?;
                    let plant = Plant::ALL.into_iter().find(|plant| plant.name() == name);
                    behaviour.plant = Some(plant.ok_or(format!("no plant {name:?}"))?);
                }
                other => return Err(format!("unknown flag {other}")),
            }
        }
        Ok(behaviour)
    }
}

/// A worker with known service times: a request ends one service time after it came or after the
/// one before it ended, whichever is later. So what parsing and waking up take is not a part of the
/// service time, and the queue is M/D/1 or M/M/1 to the microsecond.
#[derive(Debug)]
struct Worker {
    service: Duration,
    exponential: bool,
    /// When it is free again, and the state of the random numbers.
    state: Mutex<(Instant, u64)>,
}

impl Worker {
    fn new(service: Duration) -> Self {
        let seed = u64::from(std::process::id());
        Worker {
            service,
            exponential: false,
            state: Mutex::new((Instant::now(), seed)),
        }
    }

    fn serve(&self) {
        let end = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let service = match self.exponential {
                true => self.service.mul_f64(-(1.0 - uniform(&mut state.1)).ln()),
                false => self.service,
            };
            state.0 = state.0.max(Instant::now()) + service;
            state.0
        };
        std::thread::sleep(end.saturating_duration_since(Instant::now()));
    }
}

/// A number in [0, 1): SplitMix64.
fn uniform(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// Allocates memory and writes to each page of it ten times a second: none of it can be spared.
fn touch(mib: usize) {
    let mut memory = vec![1u8; mib << 20];
    // Without the thread the memory is not needed, and the test that wants it fails.
    let _ = std::thread::Builder::new().spawn(move || {
        loop {
            for page in memory.chunks_mut(4096) {
                page[0] = page[0].wrapping_add(1);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    });
}

/// Serves until it is asked to stop or its behaviour ends it.
pub fn main() -> ExitCode {
    let behaviour = match Behaviour::parse(std::env::args().skip(1)) {
        Ok(behaviour) => behaviour,
        Err(error) => return fail(&error),
    };
    if let Some(message) = &behaviour.exit {
        return fail(message);
    }
    if behaviour.never_ready {
        std::thread::sleep(Duration::from_secs(3600));
    }
    if behaviour.touched_mib > 0 {
        touch(behaviour.touched_mib);
    }
    let listener = match TcpListener::bind(("127.0.0.1", behaviour.port)) {
        Ok(listener) => listener,
        Err(error) => {
            return fail(&format!(
                "cannot listen on port {}: {error}",
                behaviour.port
            ));
        }
    };
    if !behaviour.stop.is_zero() {
        collector::start(behaviour.world.clone(), behaviour.stop, behaviour.every);
    }
    for stream in listener.incoming().flatten() {
        let behaviour = behaviour.clone();
        // A connection that cannot be served is one that the client will report.
        let _ = std::thread::Builder::new()
            .stack_size(128 * 1024)
            .spawn(move || serve(stream, &behaviour));
    }
    ExitCode::SUCCESS
}

fn fail(message: &str) -> ExitCode {
    // Standard error is the only place to say it.
    let _ = writeln!(io::stderr(), "planted subject: {message}");
    ExitCode::FAILURE
}

fn serve(mut stream: TcpStream, behaviour: &Behaviour) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut pending: Vec<u8> = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        while let Some((length, id)) = request(&pending)? {
            pending.drain(..length);
            answer(&mut stream, id, behaviour)?;
            if behaviour.close {
                return Ok(());
            }
        }
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            count => pending.extend_from_slice(&buffer[..count]),
        }
    }
}

/// Length and item number of the first whole request.
fn request(bytes: &[u8]) -> io::Result<Option<(usize, u64)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let head = match request.parse(bytes) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(io::ErrorKind::InvalidData.into()),
    };
    let body: usize = request
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok())
        .unwrap_or(0);
    let path = request.path.unwrap_or_default();
    let id = path
        .rsplit('/')
        .next()
        .and_then(|last| last.parse().ok())
        .unwrap_or(0);
    Ok((bytes.len() >= head + body).then_some((head + body, id)))
}

/// Answers, and logs that in the combined format with the microseconds behind it.
fn answer(stream: &mut TcpStream, id: u64, behaviour: &Behaviour) -> io::Result<()> {
    let read = Instant::now();
    let answered = work(stream, id, behaviour);
    if let Some(mut log) = behaviour.access_log.as_deref() {
        let took = read.elapsed().as_secs_f64();
        let line = format!(
            "127.0.0.1 - - [26/Nov/2026:02:00:00 +0000] \"GET /items/{id} HTTP/1.1\" 200 512 \"-\" \"-\" us={:.3}\n",
            took * 1e6
        );
        log.write_all(line.as_bytes())?;
    }
    answered
}

fn work(stream: &mut TcpStream, id: u64, behaviour: &Behaviour) -> io::Result<()> {
    // A writer that panicked would have stopped nothing for good.
    let _running = behaviour.world.read();
    let number = behaviour.answered.fetch_add(1, Ordering::Relaxed);
    if behaviour.die_after.is_some_and(|after| number >= after) {
        let _ = writeln!(
            io::stderr(),
            "planted subject: fatal: out of luck after {number} answers"
        );
        std::process::exit(70);
    }
    if let Some(worker) = &behaviour.worker {
        worker.serve();
    }
    std::thread::sleep(behaviour.delay);
    let start = Instant::now();
    while start.elapsed() < behaviour.burn {
        std::hint::spin_loop();
    }
    if behaviour.endless && id > 0 {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")?;
        loop {
            stream.write_all(&[b'x'; 65536])?;
        }
    }
    let mut bytes = item(id, behaviour.plant);
    if behaviour.close {
        let status_line = bytes
            .iter()
            .position(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        bytes.splice(status_line..status_line, *b"Connection: close\r\n");
    }
    stream.write_all(&bytes)
}
