//! A million requests through the real program while its configuration is read again every second
//! and the candidate is killed at random: none may be lost, none altered, and the ledger has to
//! come out exact.
//!
//!     cargo run --release -p understudy-gateway --example soak -- [REQUESTS] [UNDERSTUDY]
//!
//! What a body must be follows from the number in the path, so both ends check every byte: a piece
//! of one block of random bytes. Exit code 1 if anything is not as it has to be.

#![expect(clippy::unwrap_used, reason = "a soak that cannot continue ends")]
#![expect(clippy::print_stdout, reason = "it reports what it saw")]

use rustix::process::{Pid, Signal, kill_process};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

const CLIENTS: u64 = 16;
const LONGEST: usize = 96 * 1024;

/// xorshift64* (Vigna 2016): everything here follows from its numbers.
struct Random(u64);

impl Random {
    fn of(seed: u64) -> Random {
        Random((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }
}

/// What bodies are pieces of.
static BLOCK: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut random = Random::of(7);
    (0..2 * LONGEST).map(|_| random.below(256) as u8).collect()
});

/// What a request is and what its answer must be.
struct Plan {
    uploads: Option<&'static [u8]>,
    chunked_up: bool,
    answer: &'static [u8],
    chunked_down: bool,
}

impl Plan {
    fn of(number: u64) -> Plan {
        let mut random = Random::of(number);
        let mut piece = || {
            // Most bodies are small, some are longer than every buffer on their way.
            let longest = match random.below(16) {
                0 => LONGEST as u64,
                1..5 => 4_000,
                _ => 200,
            };
            let (start, length) = (random.below(LONGEST as u64), random.below(longest));
            &BLOCK[start as usize..(start + length) as usize]
        };
        let (up, answer) = (piece(), piece());
        Plan {
            uploads: (random.below(4) == 0).then_some(up),
            chunked_up: random.below(2) == 0,
            answer,
            chunked_down: random.below(3) == 0,
        }
    }
}

/// One end of a connection.
struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    fn new(stream: TcpStream) -> io::Result<Wire> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let buffer = Vec::with_capacity(LONGEST);
        Ok(Wire { stream, buffer })
    }

    fn send(&mut self, head: String, body: Option<&[u8]>, chunked: bool) -> io::Result<()> {
        let mut message = head.into_bytes();
        let body = body.unwrap_or_default();
        if chunked {
            message.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
            for chunk in body.chunks(5_000) {
                message.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                message.extend_from_slice(chunk);
                message.extend_from_slice(b"\r\n");
            }
            message.extend_from_slice(b"0\r\n\r\n");
        } else {
            message.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
            message.extend_from_slice(body);
        }
        self.stream.write_all(&message)
    }

    fn more(&mut self) -> io::Result<usize> {
        let mut piece = [0; 64 * 1024];
        let read = self.stream.read(&mut piece)?;
        self.buffer.extend_from_slice(&piece[..read]);
        Ok(read)
    }

    /// Everything up to and with this mark.
    fn until(&mut self, mark: &[u8]) -> io::Result<Vec<u8>> {
        let mut looked = 0;
        loop {
            let found = self.buffer[looked..]
                .windows(mark.len())
                .position(|at| at == mark);
            if let Some(at) = found {
                return Ok(self.buffer.drain(..looked + at + mark.len()).collect());
            }
            looked = self.buffer.len().saturating_sub(mark.len());
            if self.more()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < length {
            if self.more()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.buffer.drain(..length).collect())
    }

    /// The first line of a message, and its body.
    fn receive(&mut self) -> io::Result<(String, Vec<u8>)> {
        let head = String::from_utf8(self.until(b"\r\n\r\n")?).map_err(io::Error::other)?;
        let head = head.to_ascii_lowercase();
        let first = head.lines().next().unwrap_or_default().to_owned();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"));
        if let Some(length) = length {
            let length = length.trim().parse().map_err(io::Error::other)?;
            return Ok((first, self.exactly(length)?));
        }
        let mut body = Vec::new();
        while head.contains("transfer-encoding: chunked") {
            let line = String::from_utf8(self.until(b"\r\n")?).map_err(io::Error::other)?;
            let length = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
            body.extend(self.exactly(length)?);
            self.until(b"\r\n")?;
            if length == 0 {
                break;
            }
        }
        Ok((first, body))
    }
}

/// Answers as [`Plan`] says; 500 to a request whose body is not what it should be.
fn serve(listener: &TcpListener) {
    for stream in listener.incoming().flatten() {
        thread::spawn(move || {
            let mut wire = Wire::new(stream).unwrap();
            while let Ok((first, body)) = wire.receive() {
                let number = first
                    .split(['/', ' '])
                    .nth(3)
                    .and_then(|text| text.parse().ok());
                let plan = Plan::of(number.unwrap_or_default());
                let status = match body == plan.uploads.unwrap_or_default() {
                    true => "200 OK",
                    false => "500 Altered",
                };
                let head =
                    format!("HTTP/1.1 {status}\r\nContent-Type: application/octet-stream\r\n");
                if wire
                    .send(head, Some(plan.answer), plan.chunked_down)
                    .is_err()
                {
                    break;
                }
            }
        });
    }
}

#[derive(Default)]
struct Tally {
    sent: AtomicU64,
    safe: AtomicU64,
    lost: AtomicU64,
    altered: AtomicU64,
}

/// Asks for every number of its own.
fn client(gateway: SocketAddr, numbers: impl Iterator<Item = u64>, tally: &Tally) {
    let mut wire = None;
    for number in numbers {
        let plan = Plan::of(number);
        let method = if plan.uploads.is_some() {
            "POST"
        } else {
            "GET"
        };
        let head = format!("{method} /items/{number} HTTP/1.1\r\nHost: soak\r\n");
        let safe = u64::from(plan.uploads.is_none());
        tally.safe.fetch_add(safe, Ordering::Relaxed);
        let ask = || {
            let wire = match &mut wire {
                Some(wire) => wire,
                none => none.insert(Wire::new(TcpStream::connect(gateway)?)?),
            };
            wire.send(
                head,
                plan.uploads,
                plan.chunked_up && plan.uploads.is_some(),
            )?;
            wire.receive()
        };
        match ask() {
            Ok((first, body)) if first.starts_with("http/1.1 200") && body == plan.answer => {}
            Ok((first, _)) => {
                println!("request {number} was answered otherwise: {first}");
                tally.altered.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                println!("request {number} was lost: {error}");
                tally.lost.fetch_add(1, Ordering::Relaxed);
                wire = None;
            }
        }
        tally.sent.fetch_add(1, Ordering::Relaxed);
    }
}

/// Every other configuration has another route and other times.
fn write_config(path: &Path, ports: [u16; 4], generation: u64) {
    let [listen, incumbent, candidate, admin] = ports;
    let extra = match generation % 2 {
        0 => "",
        _ => "[[route]]\nname = \"items\"\npath = \"/items\"\n",
    };
    let text = format!(
        "schema = 1\nworkers = 1\n[[listen]]\naddress = \"127.0.0.1:{listen}\"\n{extra}\
         [[route]]\nname = \"all\"\npath = \"/\"\n\
         [incumbent]\nservers = [\"http://127.0.0.1:{incumbent}\"]\nresponse_timeout = \"{}s\"\n\
         [candidate]\nservers = [\"http://127.0.0.1:{candidate}\"]\nask_twice = \"1%\"\n\
         [admin]\naddress = \"127.0.0.1:{admin}\"\n",
        20 + generation % 2
    );
    // Never half a file: it may be read at any moment.
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, text).unwrap();
    std::fs::rename(&fresh, path).unwrap();
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn status(admin: u16) -> io::Result<serde_json::Value> {
    let mut wire = Wire::new(TcpStream::connect(("127.0.0.1", admin))?)?;
    let head = format!("GET /api/status HTTP/1.1\r\nHost: 127.0.0.1:{admin}\r\n");
    wire.send(head, None, false)?;
    serde_json::from_slice(&wire.receive()?.1).map_err(io::Error::other)
}

fn candidate(port: u16) -> Child {
    let me = std::env::current_exe().unwrap();
    Command::new(me)
        .args(["candidate", &port.to_string()])
        .spawn()
        .unwrap()
}

/// Kills the candidate again and again; how often.
fn torment(port: u16, over: &AtomicBool) -> u64 {
    let (mut random, mut kills) = (Random::of(11), 0);
    let mut child = candidate(port);
    while !over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(200 + random.below(1500)));
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        thread::sleep(Duration::from_millis(random.below(700)));
        child = candidate(port);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    kills
}

/// Has the configuration read again every second; how often.
fn reload(gateway: Pid, path: &Path, ports: [u16; 4], over: &AtomicBool) -> u64 {
    let mut generation = 0;
    while !over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_secs(1));
        generation += 1;
        write_config(path, ports, generation);
        kill_process(gateway, Signal::HUP).unwrap();
    }
    generation
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [role, port] = arguments.as_slice()
        && role == "candidate"
    {
        // The port of one that was killed is free at once.
        serve(&TcpListener::bind(("127.0.0.1", port.parse().unwrap())).unwrap());
    }
    let requests = arguments
        .first()
        .map_or(1_000_000, |text| text.parse().unwrap());
    let program = arguments
        .get(1)
        .map_or("target/release/understudy".into(), PathBuf::from);
    let incumbent = TcpListener::bind("127.0.0.1:0").unwrap();
    let ports = [
        free_port(),
        incumbent.local_addr().unwrap().port(),
        free_port(),
        free_port(),
    ];
    thread::spawn(move || serve(&incumbent));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.toml");
    write_config(&path, ports, 0);
    let mut gateway = Command::new(program)
        .arg("gateway")
        .arg(&path)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let wait = Instant::now() + Duration::from_secs(10);
    while status(ports[3]).is_err() && Instant::now() < wait {
        thread::sleep(Duration::from_millis(50));
    }
    let all_well = soak(&gateway, &path, ports, requests);
    kill_process(Pid::from_child(&gateway), Signal::TERM).unwrap();
    let stopped = gateway.wait().unwrap();
    println!("gateway ended: {stopped}");
    ExitCode::from(u8::from(!(all_well && stopped.success())))
}

/// Everything at once; is everything as it has to be?
fn soak(gateway: &Child, path: &Path, ports: [u16; 4], requests: u64) -> bool {
    let (tally, over) = (Arc::new(Tally::default()), AtomicBool::new(false));
    let (pid, started) = (Pid::from_child(gateway), Instant::now());
    let address = SocketAddr::from(([127, 0, 0, 1], ports[0]));
    let (kills, reloads) = thread::scope(|scope| {
        let kills = scope.spawn(|| torment(ports[2], &over));
        let reloads = scope.spawn(|| reload(pid, path, ports, &over));
        let clients = (0..CLIENTS).map(|first| {
            let tally = tally.clone();
            let numbers = (first..requests).step_by(CLIENTS as usize);
            scope.spawn(move || client(address, numbers, &tally))
        });
        // All of them, before the first is waited for.
        let clients: Vec<_> = clients.collect();
        clients
            .into_iter()
            .for_each(|client| client.join().unwrap());
        over.store(true, Ordering::Relaxed);
        (kills.join().unwrap(), reloads.join().unwrap())
    });
    let took = started.elapsed().as_secs_f64();
    let mut end = status(ports[3]).unwrap();
    let settle = Instant::now() + Duration::from_secs(20);
    while end["ledger"]["pending"] != 0 && Instant::now() < settle {
        thread::sleep(Duration::from_millis(100));
        end = status(ports[3]).unwrap();
    }
    let ledger = &end["ledger"];
    let dropped: u64 = ledger["dropped"].as_object().map_or(0, |all| {
        all.values().filter_map(serde_json::Value::as_u64).sum()
    });
    let count = |name: &str| ledger[name].as_u64().unwrap_or_default();
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let (sent, safe, lost, altered) = (
        of(&tally.sent),
        of(&tally.safe),
        of(&tally.lost),
        of(&tally.altered),
    );
    let peak =
        std::fs::read_to_string(format!("/proc/{}/status", gateway.id())).unwrap_or_default();
    let peak = peak
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or("VmHWM: ?")
        .to_owned();
    println!(
        "{sent} requests in {took:.0} s ({:.0}/s), {lost} lost, {altered} altered",
        sent as f64 / took
    );
    println!(
        "{reloads} reloads requested, {} done; candidate killed {kills} times; peak memory {peak}",
        end["reloads"]
    );
    println!("{safe} safe requests; ledger: {ledger}");
    let is_exact =
        count("eligible") == safe && count("compared") + dropped == safe && count("pending") == 0;
    println!(
        "the ledger is {}",
        if is_exact { "exact" } else { "NOT exact" }
    );
    sent == requests && lost == 0 && altered == 0 && is_exact && end["reloads"] == reloads
}
