//! Servers that do what a test says, a client that sends what a test says, and a gateway between.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use understudy_compare::Day;
use understudy_gateway::config::*;
use understudy_gateway::status::Status;
use understudy_gateway::{GatewayConfig, Running, Surroundings, start};

/// A request as a server or client got it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Message {
    pub(crate) first: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Message {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(of, _)| of == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn path(&self) -> &str {
        self.first.split(' ').nth(1).unwrap_or_default()
    }

    pub(crate) fn status(&self) -> u16 {
        self.first
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Reads one message; `None` at the end of the stream.
pub(crate) fn receive(stream: &mut impl Read, bodiless: bool) -> io::Result<Option<Message>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return if head.is_empty() {
                Ok(None)
            } else {
                Err(io::ErrorKind::UnexpectedEof.into())
            };
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.trim_end().split("\r\n");
    let mut message = Message {
        first: lines.next().unwrap().to_owned(),
        ..Message::default()
    };
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        message
            .headers
            .push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    if bodiless || message.status() == 304 {
        return Ok(Some(message));
    }
    if message.header("transfer-encoding").is_some() {
        loop {
            let size = usize::from_str_radix(line(stream)?.trim(), 16).map_err(io::Error::other)?;
            let mut chunk = vec![0; size];
            stream.read_exact(&mut chunk)?;
            message.body.extend(chunk);
            if size == 0 {
                while !line(stream)?.trim().is_empty() {}
                return Ok(Some(message));
            }
            line(stream)?;
        }
    }
    if let Some(length) = message.header("content-length") {
        message.body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut message.body)?;
    }
    Ok(Some(message))
}

fn line(stream: &mut impl Read) -> io::Result<String> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while !line.ends_with(b"\n") {
        stream.read_exact(&mut byte)?;
        line.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// A server on a port of its own. Its threads end with the test process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) connections: Arc<AtomicU64>,
}

impl Server {
    /// What it does with each connection is the test's business.
    pub(crate) fn raw(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, serve) = (listener.local_addr().unwrap(), Arc::new(serve));
        let connections = Arc::new(AtomicU64::new(0));
        let count = connections.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::Relaxed);
                let serve = serve.clone();
                thread::spawn(move || serve(stream));
            }
        });
        Server {
            address,
            connections,
        }
    }

    /// Answers each request with what is returned, as it is.
    pub(crate) fn http(answer: impl Fn(&Message) -> Vec<u8> + Send + Sync + 'static) -> Server {
        Server::raw(move |mut stream| {
            stream.set_nodelay(true).unwrap();
            while let Ok(Some(request)) = receive(&mut stream, false) {
                if stream.write_all(&answer(&request)).is_err() {
                    break;
                }
            }
        })
    }

    /// Answers everything with this JSON.
    pub(crate) fn json(body: &str) -> Server {
        let answer = json(body);
        Server::http(move |_| answer.clone())
    }

    pub(crate) fn upstream(&self) -> UpstreamAddress {
        upstream(self.address)
    }
}

pub(crate) fn upstream(address: SocketAddr) -> UpstreamAddress {
    UpstreamAddress {
        host: address.ip().to_string(),
        port: address.port(),
        tls: false,
        http2: false,
        socket: None,
    }
}

pub(crate) fn json(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

/// An address that refuses connections.
pub(crate) fn unreachable() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

fn around() -> Surroundings {
    Surroundings {
        key: [7; 16],
        today: || Day::new(2026, 11, 25).unwrap(),
        report: |line| panic!("{line}"),
    }
}

/// A gateway in front of these servers.
pub(crate) fn config(incumbent: &Server) -> GatewayConfig {
    GatewayConfig {
        workers: 1,
        drain: Duration::from_secs(5),
        listeners: vec![Listener {
            address: "127.0.0.1:0".parse().unwrap(),
            tls: None,
            trust_forwarded: false,
        }],
        limits: Limits {
            // Not every machine has files for more.
            connections: 250,
            ..Limits::default()
        },
        routes: vec![Route::everything()],
        via: true,
        incumbent: SideConfig::of(vec![incumbent.upstream()]),
        candidate: None,
        compare: CompareConfig {
            messages: understudy_compare::Messages::default(),
            rules: Vec::new(),
            goal: 0.001,
            payloads: Payloads::Redacted,
            secret_names: Vec::new(),
        },
        admin: AdminConfig {
            address: Some("127.0.0.1:0".parse().unwrap()),
            token: None,
        },
        state: None,
        access_log: None,
    }
}

/// A candidate that is shown everything.
pub(crate) fn candidate(address: UpstreamAddress) -> CandidateConfig {
    let side = SideConfig {
        // A machine that is busy with other tests starves copies, and what starves is not compared.
        total_timeout: Some(Duration::from_secs(60)),
        connect_timeout: Duration::from_secs(60),
        ..SideConfig::of(vec![address])
    };
    CandidateConfig {
        side,
        second: None,
        ask_twice: 0.0,
        fraction: 1.0,
        key: SampleKey::Request,
        concurrency: 256,
        rewrite: Rewrite::default(),
        capture_bytes: 256 * 1024,
        memory: 64 << 20,
        threads: 1,
        // Else a machine that others keep busy would compare nothing.
        gives_way: false,
    }
}

pub(crate) fn run(config: GatewayConfig) -> Running {
    start(config, around()).unwrap()
}

pub(crate) fn refused(config: GatewayConfig) -> String {
    start(config, around()).err().unwrap().to_string()
}

/// A connection of a client.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) fn of(gateway: &Running) -> Client {
        Client::to(gateway.addresses()[0])
    }

    pub(crate) fn to(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Client(stream)
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn answer(&mut self) -> Message {
        receive(&mut self.0, false).unwrap().unwrap()
    }

    pub(crate) fn ask(&mut self, text: &str) -> Message {
        self.send(text);
        self.answer()
    }

    pub(crate) fn get(&mut self, path: &str) -> Message {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n"))
    }

    /// Does the other end close without another word?
    pub(crate) fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        // A reset is an end as well.
        self.0
            .read_to_end(&mut rest)
            .map_or(true, |_| rest.is_empty())
    }
}

/// Waits for something to become true; gives the last status for the failure.
pub(crate) fn eventually(gateway: &Running, what: impl Fn(&Status) -> bool) -> Status {
    let deadline = Instant::now() + Duration::from_secs(150);
    loop {
        let status = gateway.status();
        if what(&status) {
            return status;
        }
        assert!(
            Instant::now() < deadline,
            "{:#?}",
            (status.ledger, status.proof, status.routes)
        );
        thread::sleep(Duration::from_millis(20));
    }
}

/// Requests whose clients left before their answer was complete.
pub(crate) fn left_by_client(status: &Status) -> u64 {
    let all = status.routes.get("all");
    all.map_or(0, |all| all.by_end.get("client_left").copied().unwrap_or(0))
}

/// Waits until nothing is under way any more.
pub(crate) fn settled(gateway: &Running) -> Status {
    eventually(gateway, |status| {
        status.ledger.pending == 0 && status.requests_in_flight == 0
    })
}
