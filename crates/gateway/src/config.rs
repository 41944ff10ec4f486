//! The configuration of a gateway. Plain structs; `cli` reads them from TOML.

use crate::tls::Certificate;
use http::{HeaderName, HeaderValue, Method};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls;
use understudy_compare::{Messages, Rule};
use understudy_model::Role;

/// A whole gateway.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Threads that carry clients' requests; each has its own connections.
    pub workers: usize,
    /// How long requests under way may take after SIGTERM.
    pub drain: Duration,
    /// Where clients connect. A reload may add, remove and change them.
    pub listeners: Vec<Listener>,
    /// What a client may ask for.
    pub limits: Limits,
    /// Requests that come without one of these routes are answered with 404; the first match decides.
    pub routes: Vec<Route>,
    /// Does a server see in `Via` that a gateway has passed a request on?
    pub via: bool,
    /// Who answers the clients.
    pub incumbent: SideConfig,
    /// The side that is compared with it; none: a plain proxy.
    pub candidate: Option<CandidateConfig>,
    /// How answers are compared.
    pub compare: CompareConfig,
    /// Where it is watched from.
    pub admin: AdminConfig,
    /// Where the state is kept; none: in memory alone.
    pub state: Option<PathBuf>,
    /// Where a line for each request goes.
    pub access_log: Option<LogTo>,
}

impl GatewayConfig {
    /// All sides there are.
    pub(crate) fn sides(&self) -> Vec<(Role, &SideConfig)> {
        let mut sides = vec![(Role::Incumbent, &self.incumbent)];
        if let Some(candidate) = &self.candidate {
            sides.push((Role::Candidate, &candidate.side));
            sides.extend(candidate.second.iter().map(|side| (Role::Second, side)));
        }
        sides
    }

    /// All servers of all sides.
    pub(crate) fn servers(&self) -> impl Iterator<Item = (Role, &UpstreamAddress)> {
        let sides = self.sides().into_iter();
        sides.flat_map(|(role, side)| side.upstreams.iter().map(move |server| (role, server)))
    }
}

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTo {
    /// Standard output.
    Stdout,
    /// The end of this file.
    File(PathBuf),
}

/// One address that clients connect to.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The address.
    pub address: SocketAddr,
    /// Certificates, where it speaks TLS.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Are `X-Forwarded-*` headers of clients believed? Only behind another proxy.
    pub trust_forwarded: bool,
}

/// Bounds of what clients may do.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Connections at once, over all workers.
    pub connections: usize,
    /// Requests at once, over all workers; more are answered with 503.
    pub requests: usize,
    /// Header lines of a request.
    pub headers: usize,
    /// Bytes of a request's head.
    pub header_bytes: usize,
    /// Bytes of a request's body; more is answered with 413.
    pub body_bytes: u64,
    /// From the start of a connection, or the end of the request before, to the end of the next
    /// head: also how long an idle connection stays open.
    pub header_timeout: Duration,
    /// Between two pieces of a request's body.
    pub body_timeout: Duration,
    /// Between two pieces of an answer that the client takes.
    pub send_timeout: Duration,
    /// Streams that a client may open at once on one HTTP/2 connection.
    pub streams: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 20_000,
            requests: 10_000,
            headers: 100,
            header_bytes: 32 * 1024,
            body_bytes: 1024 * 1024 * 1024,
            header_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(30),
            send_timeout: Duration::from_secs(60),
            streams: 128,
        }
    }
}

/// Which requests are meant, and what is done with them.
#[derive(Clone, Debug)]
pub struct Route {
    /// What metrics and logs call it.
    pub name: String,
    /// `shop.example`, or `*.example` for every name below; none: every host.
    pub host: Option<String>,
    /// The beginning of the path, up to a whole segment.
    pub path: String,
    /// Empty: every method.
    pub methods: Vec<Method>,
    /// Is it shown to the candidate?
    pub shadow: bool,
    /// May the candidate be sent methods that change data?
    pub writes: bool,
    /// The share that is shown, instead of the candidate's.
    pub fraction: Option<f64>,
}

impl Route {
    /// Everything, shown to the candidate where it is safe.
    pub fn everything() -> Route {
        Route {
            name: "all".into(),
            host: None,
            path: "/".into(),
            methods: Vec::new(),
            shadow: true,
            writes: false,
            fraction: None,
        }
    }
}

/// One server of a side.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UpstreamAddress {
    /// Name or address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Is it spoken to over TLS, with its certificate verified?
    pub tls: bool,
    /// HTTP/2 (with prior knowledge where there is no TLS) instead of HTTP/1.1.
    pub http2: bool,
    /// The Unix socket where it answers, instead of a port.
    pub socket: Option<PathBuf>,
}

impl UpstreamAddress {
    /// `host:port`, as the `Host` header and the logs have it; `unix:` and a path.
    pub fn authority(&self) -> String {
        if let Some(socket) = &self.socket {
            return format!("unix:{}", socket.display());
        }
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// As the configuration has it: `https://host:port`.
    pub fn url(&self) -> String {
        if self.socket.is_some() {
            return self.authority();
        }
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.authority())
    }
}

/// The servers of a side and how long they may take.
#[derive(Clone, Debug, PartialEq)]
pub struct SideConfig {
    /// At least one.
    pub upstreams: Vec<UpstreamAddress>,
    /// Until a connection is made.
    pub connect_timeout: Duration,
    /// Until the head of the answer is there.
    pub response_timeout: Duration,
    /// Between two pieces of the answer.
    pub idle_timeout: Duration,
    /// For the whole exchange; none: without a limit.
    pub total_timeout: Option<Duration>,
    /// How long an unused connection is kept.
    pub keep_alive: Duration,
    /// Asks each server regularly whether it is well.
    pub health: Option<Health>,
    /// Retries as a share of the requests.
    pub retry_budget: f64,
    /// Certificates of authorities to trust besides the system's (PEM).
    pub authorities: Option<Vec<rustls_pki_types::CertificateDer<'static>>>,
    /// The client certificate that a server over TLS gets if it asks for one.
    pub certificate: Option<Certificate>,
}

impl SideConfig {
    /// These servers, with default times.
    pub fn of(upstreams: Vec<UpstreamAddress>) -> SideConfig {
        SideConfig {
            upstreams,
            connect_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(30),
            total_timeout: None,
            keep_alive: Duration::from_secs(30),
            health: None,
            retry_budget: 0.2,
            authorities: None,
            certificate: None,
        }
    }
}

/// An active health check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The path that is asked for; 2xx and 3xx are well.
    pub path: String,
    /// How often.
    pub interval: Duration,
}

/// The candidate, and how it is shown the traffic.
#[derive(Clone, Debug)]
pub struct CandidateConfig {
    /// Its servers. `total_timeout` is the deadline of every exchange with it.
    pub side: SideConfig,
    /// A second incumbent that noise is learned from; none: the incumbent itself is asked twice.
    pub second: Option<SideConfig>,
    /// The share of safe requests without a body from which noise is learned.
    pub ask_twice: f64,
    /// The share of the traffic that it is shown.
    pub fraction: f64,
    /// What the share is a share of.
    pub key: SampleKey,
    /// Exchanges with it at once.
    pub concurrency: usize,
    /// How requests are changed for it.
    pub rewrite: Rewrite,
    /// Bytes kept of each answer for the comparison.
    pub capture_bytes: usize,
    /// Bytes of all copies at once.
    pub memory: usize,
    /// Threads that talk to it.
    pub threads: usize,
    /// Do the threads of the copies run only where a CPU has nothing else to do (`SCHED_IDLE`)? Else they are equal
    /// to the clients' threads, and to all else on the machine.
    pub gives_way: bool,
}

/// What decides whether a request is in the sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SampleKey {
    /// Each request by itself.
    Request,
    /// The address of the client.
    Address,
    /// The value of this header.
    Header(HeaderName),
    /// The value of this cookie.
    Cookie(String),
}

/// Changes of a request for the candidate.
#[derive(Clone, Debug, Default)]
pub struct Rewrite {
    /// The `Host` header; none: the client's.
    pub host: Option<HeaderValue>,
    /// Taken from the front of the path.
    pub strip_prefix: Option<String>,
    /// Put before the path.
    pub add_prefix: Option<String>,
    /// Headers that are left out.
    pub remove: Vec<HeaderName>,
    /// Are `If-None-Match` and `If-Modified-Since` left out? Where the two sides have schemes of their own
    /// for `ETag`, one of them answers 304 and the other 200. An answer 304 of the incumbent is compared
    /// with one that it is asked for without them.
    pub unconditional: bool,
    /// Headers that are set.
    pub set: Vec<(HeaderName, HeaderValue)>,
}

/// How answers are compared.
#[derive(Clone, Debug)]
pub struct CompareConfig {
    /// Differences that are accepted.
    pub rules: Vec<Rule>,
    /// What bodies mean that are protocol buffers.
    pub messages: Messages,
    /// The share of differing answers that the proof has to exclude.
    pub goal: f64,
    /// Are differing values kept, or only keyed hashes of them?
    pub payloads: Payloads,
    /// Names whose values are secret, besides the usual.
    pub secret_names: Vec<String>,
}

/// What is kept of differing values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payloads {
    /// The values, without secrets.
    Redacted,
    /// A keyed hash of each value.
    Hash,
}

/// The address of the admin interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminConfig {
    /// Loopback, or a token is needed.
    pub address: Option<SocketAddr>,
    /// The token that allows to look and to waive.
    pub token: Option<String>,
}
