//! Starting the sides, knowing when they are ready, and resting the one that is not measured.

use crate::config::{HttpWorkload, Launched, Pauses, Ready, SideConfig, TrialConfig};
use crate::cpus::Assignment;
use crate::dependencies::Dependencies;
use crate::error::TrialError;
use crate::exits::End;
use crate::placeholders::fill;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use understudy_judge::terms::Terms;
use understudy_model::stored::Happenings;
use understudy_model::stored::Start;
use understudy_model::{Class, Outcome, Role, plain_words};
use understudy_observe::Attach;
use understudy_observe::Listener;
use understudy_probe::{
    Cgroups, Child, Launch, Limits, Listener as PortOwner, LogPattern, PauseLog, Readiness,
    Runtime, Sampler, free_port, split_command, wait_ready,
};
use understudy_subject_http::{
    Client, ClientLimits, Credentials, Requests, Target, WorkloadRequest,
};
use understudy_wire::http1::Limits as ResponseLimits;

/// Bounds on an answer; larger ones are a failure, not memory.
pub(crate) const RESPONSE: ResponseLimits = ResponseLimits {
    head_bytes: 64 * 1024,
    body_bytes: 32 * 1024 * 1024,
    interim: 16,
};
/// How long a side may take to end by itself.
const GRACE: Duration = Duration::from_secs(5);
/// Log lines that an error repeats.
const LOG_LINES: usize = 10;
const LOG_BYTES: u64 = 8 * 1024;

/// What starting a side needs.
pub(crate) struct Stand<'a> {
    pub(crate) config: &'a TrialConfig,
    pub(crate) workload: &'a HttpWorkload,
    /// Those of the configuration.
    pub(crate) terms: &'a Terms,
    pub(crate) cgroups: &'a Cgroups,
    pub(crate) cpus: &'a Assignment,
    pub(crate) logs: PathBuf,
    pub(crate) prepare: Option<&'a Requests>,
    /// What the sides call instead of outside services.
    pub(crate) dependencies: &'a Dependencies,
    /// Words in front of the command of each side: what observes it by running it.
    pub(crate) under: &'a [String],
    /// How many times as long as usual a side may take, to start and to answer.
    pub(crate) patience: u32,
    pub(crate) stop: &'a Arc<AtomicBool>,
}

/// A side that answers.
pub(crate) struct RunningSide {
    pub(crate) role: Role,
    pub(crate) target: Target,
    /// What it handed out while it was prepared.
    pub(crate) credentials: Credentials,
    /// The addresses of what it calls instead of outside services.
    stand_ins: Vec<String>,
    /// How it started; `None` if it ran already.
    pub(crate) start: Option<Start>,
    /// What hears of the pauses of its runtime.
    pub(crate) listener: Option<Listener>,
    /// What is said about listening to it.
    listening: Option<String>,
    child: Option<Child>,
    attach: Option<Attach>,
}

impl Stand<'_> {
    /// Starts a side (or finds the one that runs), waits until it is ready and prepares it.
    pub(crate) fn start(&self, role: Role) -> Result<RunningSide, TrialError> {
        let mut running = match self.config.side(role) {
            SideConfig::Launched(launched) => self
                .launch(launched, role)
                .map_err(|error| self.or_interrupted(error))?,
            SideConfig::Running { url, attach } => RunningSide {
                role,
                target: Target::parse_server(url)
                    .map(|target| self.named(target))
                    .map_err(|source| TrialError::Url { side: role, source })?,
                credentials: Credentials::default(),
                stand_ins: Vec::new(),
                start: None,
                listener: None,
                listening: None,
                child: None,
                attach: attach.clone(),
            },
        };
        if running.child.is_none() {
            running.check_reachable(self.workload.timeout.duration())?;
        }
        self.prepare(&mut running)?;
        Ok(running)
    }

    /// The target with the name that all sides are asked by.
    fn named(&self, target: Target) -> Target {
        match self.workload.host(self.config.side(Role::Incumbent)) {
            Some(host) => Target { host, ..target },
            None => target,
        }
    }

    fn launch(&self, launched: &Launched, role: Role) -> Result<RunningSide, TrialError> {
        let port = free_port().map_err(TrialError::Port)?;
        let own = authorities(&Target::local(port));
        self.dependencies.name_side(role, &own);
        let fill = |text: &str| {
            let text = self.dependencies.fill(role, text);
            fill(&text, port, self.config.limits)
        };
        let command = split_command(&fill(&launched.run))?;
        let mut launch = Launch {
            name: format!("the {}", role.in_words()),
            argv: self.under.iter().cloned().chain(command).collect(),
            dir: launched.dir.clone(),
            env: launched
                .env
                .iter()
                .map(|(k, v)| (k.clone(), fill(v)))
                .collect::<BTreeMap<_, _>>(),
            log: self
                .logs
                .join(format!("{}.log", role.in_words().replace(' ', "-"))),
            limits: Limits {
                cpus: self.config.limits.cpus,
                // What runs it needs memory of its own.
                memory: self.config.limits.memory.filter(|_| !self.is_observed()),
            },
            cpus: match self.cpus.subject.as_slice() {
                [] => None,
                cpus => Some(cpus.to_vec()),
            },
        };
        let pauses = match self.is_observed() {
            true => Pauses::Off,
            false => launched.pauses,
        };
        let (listener, listening) = self.listen(pauses, &mut launch);
        let launched_at = Instant::now();
        let child = launch.spawn(self.cgroups)?;
        let mut running = RunningSide {
            role,
            target: self.named(Target::local(port)),
            credentials: Credentials::default(),
            stand_ins: self.dependencies.addresses(role).collect(),
            start: None,
            listener,
            listening,
            child: Some(child),
            attach: None,
        };
        self.await_ready(launched, &mut running, port)?;
        running.start = Some(Start {
            side: role,
            ready_s: launched_at.elapsed().as_secs_f64(),
        });
        Ok(running)
    }

    fn is_observed(&self) -> bool {
        !self.under.is_empty()
    }

    /// Longest time of one exchange.
    pub(crate) fn timeout(&self) -> Duration {
        self.workload.timeout.duration() * self.patience
    }

    /// Makes the runtime of a side log its pauses; what is to be said about that.
    fn listen(&self, pauses: Pauses, launch: &mut Launch) -> (Option<Listener>, Option<String>) {
        let runtime = match pauses {
            Pauses::Off => None,
            Pauses::Of(runtime) => Some(runtime),
            Pauses::Auto => Runtime::recognise(&launch.argv, &launch.dir),
        };
        let Some(runtime) = runtime else {
            return (None, None);
        };
        let name = &launch.name.clone();
        let prepared = std::path::absolute(&self.logs)
            .map_err(|error| error.to_string())
            .and_then(|logs| {
                PauseLog::prepare(runtime, launch, &logs).map_err(|error| error.to_string())
            });
        match prepared {
            Ok(log) => {
                let said = format!(
                    "{name} ran with {}, which records its pauses: its figures include what that costs",
                    runtime.means()
                );
                (Some(Listener::new(log)), Some(said))
            }
            Err(error) => {
                let said = format!("pauses of {name} are not collected: {error}");
                (None, Some(said))
            }
        }
    }

    fn await_ready(
        &self,
        launched: &Launched,
        running: &mut RunningSide,
        port: u16,
    ) -> Result<(), TrialError> {
        let target = running.target.clone();
        let Some(child) = &mut running.child else {
            return Ok(());
        };
        let mut log = match &launched.ready {
            Ready::Log(pattern) => Some(LogPattern::new(pattern)),
            _ => None,
        };
        let check = |child: &Child| -> Readiness {
            if let Some(log) = &mut log
                && let Readiness::NotYet(why) = log.check(child)
            {
                return Readiness::NotYet(why);
            }
            if let Err(error) =
                TcpStream::connect_timeout(&target.address, Duration::from_millis(500))
            {
                return Readiness::NotYet(format!(
                    "port {port} does not answer: {}",
                    plain_words(&error)
                ));
            }
            match &launched.ready {
                Ready::Path(path) => probe_path(&target, path),
                _ => Readiness::Ready,
            }
        };
        let longest = launched.ready_timeout.duration() * self.patience;
        wait_ready(child, longest, self.stop, check)?;
        if child.listener(port) == PortOwner::Foreign {
            return Err(TrialError::Foreign {
                side: running.role,
                port,
            });
        }
        Ok(())
    }

    /// Sends what prepares a side, one request after the other.
    fn prepare(&self, running: &mut RunningSide) -> Result<(), TrialError> {
        let Some(requests) = self.prepare else {
            return Ok(());
        };
        let mut client = running.client(self.timeout());
        for (index, request) in requests.all.iter().enumerate() {
            if self.stop.load(Ordering::Relaxed) {
                return Err(TrialError::Interrupted);
            }
            let why = match client.prepare(request) {
                Ok(Outcome::Answered(answer)) if answer.status.class != Class::Failed => continue,
                Ok(Outcome::Answered(answer)) => format!("status {}", answer.status.code),
                Ok(Outcome::Failed(failure)) => failure.detail,
                Err(name) => format!("the answer has no value for the capture {name}"),
            };
            running.check_alive("while it was prepared")?;
            return Err(TrialError::Prepare {
                name: running.name().to_owned(),
                line: index + 1,
                why,
            });
        }
        running.credentials = client.credentials().clone();
        Ok(())
    }

    /// An error that an interrupt caused is the interrupt.
    fn or_interrupted(&self, error: TrialError) -> TrialError {
        if self.stop.load(Ordering::Relaxed) {
            TrialError::Interrupted
        } else {
            error
        }
    }
}

fn probe_path(target: &Target, path: &str) -> Readiness {
    let limits = ClientLimits {
        timeout: Duration::from_secs(2),
        response: RESPONSE,
    };
    match Client::new(target.clone(), limits).exchange(&WorkloadRequest::get(path)) {
        Outcome::Answered(answer) if (200..300).contains(&answer.status.code) => Readiness::Ready,
        Outcome::Answered(answer) => {
            Readiness::NotYet(format!("{path} answers with status {}", answer.status.code))
        }
        Outcome::Failed(failure) => Readiness::NotYet(format!("{path}: {}", failure.detail)),
    }
}

/// What a server may call itself: its address, and the loopback interface by other names.
fn authorities(target: &Target) -> Vec<String> {
    let port = target.address.port();
    let mut all: Vec<String> = target.addresses().map(|at| at.to_string()).collect();
    if target.is_loopback() {
        let names = ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"];
        all.extend(names.map(|name| format!("{name}:{port}")));
    }
    all.sort();
    all.dedup();
    all
}

/// Connects to a server; else the first of its addresses, and why nothing takes connections there.
pub(crate) fn reach(
    addresses: impl Iterator<Item = SocketAddr>,
    timeout: Duration,
) -> Result<(), (String, String)> {
    let mut failed = None;
    for address in addresses {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(_) => return Ok(()),
            Err(error) => failed = failed.or(Some((address, error))),
        }
    }
    match failed {
        Some((address, error)) => Err((address.to_string(), plain_words(&error))),
        None => Ok(()),
    }
}

impl RunningSide {
    /// What messages call it.
    pub(crate) fn name(&self) -> &'static str {
        self.role.in_words()
    }

    /// A client for it.
    pub(crate) fn client(&self, timeout: Duration) -> Client {
        Client::new(
            self.target.clone(),
            ClientLimits {
                timeout,
                response: RESPONSE,
            },
        )
        .with_credentials(self.credentials.clone())
    }

    /// Fails if nothing takes connections at its address.
    fn check_reachable(&self, timeout: Duration) -> Result<(), TrialError> {
        reach(self.target.addresses(), timeout).map_err(|(address, why)| TrialError::Unreachable {
            name: self.name().to_owned(),
            address,
            why,
        })
    }

    /// The addresses that are its own: what it may call itself, and those of its stand-ins.
    pub(crate) fn authorities(&self) -> Vec<String> {
        let mut all = authorities(&self.target);
        all.extend(self.stand_ins.iter().cloned());
        all
    }

    /// Measures its processes; `None` if it runs elsewhere and no process was named.
    pub(crate) fn sampler(&self) -> Result<Option<Sampler>, TrialError> {
        let side = self.role;
        let attached = match (&self.child, &self.attach) {
            (Some(child), _) => return Ok(child.sampler().ok()),
            (None, None) => return Ok(None),
            (None, Some(attach)) => attach.sampler(),
        };
        attached
            .map(Some)
            .map_err(|source| TrialError::Attach { side, source })
    }

    /// Asks a side that runs already for its pauses, if it is named as a JVM.
    pub(crate) fn listen_to_attached(&mut self, logs: &std::path::Path) {
        let Some(Attach::Jvm(pid)) = self.attach else {
            return;
        };
        let asked = std::path::absolute(logs)
            .map_err(|error| error.to_string())
            .and_then(|logs| {
                Listener::of_jvm(pid, self.name(), &logs).map_err(|error| error.to_string())
            });
        self.listening = Some(match asked {
            Ok(listener) => {
                self.listener = Some(listener);
                format!(
                    "the {} was asked to log its pauses (jcmd VM.log): its figures include what that costs",
                    self.name()
                )
            }
            Err(error) => format!("pauses of the {} are not collected: {error}", self.name()),
        });
    }

    /// Holds its serving processes to recording their pauses: what is missing, in a sentence. Then nothing
    /// that was recorded counts.
    pub(crate) fn hold_listener(&mut self, happened: &mut Happenings) -> Option<String> {
        let listener = self.listener.as_mut()?;
        if let Some(child) = &self.child {
            listener.hold(&child.serving(self.target.address.port()));
        }
        happened.runtime = listener.runtime().map(str::to_owned);
        let missing = listener.missing()?;
        Some(format!(
            "pauses of the {} are not recorded: {missing}",
            self.name()
        ))
    }

    /// What of it cannot be limited or measured, and what measuring adds to it.
    pub(crate) fn unmeasured(&self) -> Vec<String> {
        match &self.child {
            Some(child) => child
                .unmeasured()
                .iter()
                .map(|what| format!("{}: {what}", self.name()))
                .chain(self.listening.clone())
                .collect(),
            None if self.attach.is_none() => {
                vec![format!(
                    "the {} runs already and attaches to no process: its CPU and memory are unmeasured",
                    self.name()
                )]
            }
            None => self.listening.clone().into_iter().collect(),
        }
    }

    /// Is it Understudy's own process?
    pub(crate) fn is_launched(&self) -> bool {
        self.child.is_some()
    }

    /// Processes of it that were killed because its memory limit was reached.
    pub(crate) fn memory_kills(&mut self) -> u64 {
        let Some(child) = &mut self.child else {
            return 0;
        };
        if let Some(exit) = child.exited() {
            return u64::from(exit.out_of_memory);
        }
        let sample = child.sampler().and_then(|mut all| all.sample(false));
        sample.ok().and_then(|now| now.oom_kills).unwrap_or(0)
    }

    /// How its process ended; `None` while it runs, and of one that Understudy has not started.
    pub(crate) fn end(&mut self) -> Option<End> {
        let child = self.child.as_mut()?;
        let exit = child.exited()?;
        Some(End {
            exit,
            log: child.last_log_lines(LOG_LINES, LOG_BYTES),
            file: child.log().to_owned(),
        })
    }

    /// Fails if its process has ended.
    pub(crate) fn check_alive(&mut self, during: &str) -> Result<(), TrialError> {
        match self.end() {
            Some(end) => Err(end.as_error(self.role, during)),
            None => Ok(()),
        }
    }

    /// Puts it to rest, so that it cannot disturb the other. One that has ended rests.
    pub(crate) fn freeze(&mut self) -> Result<(), TrialError> {
        match &mut self.child {
            Some(child) => match child.exited() {
                Some(_) => Ok(()),
                None => Ok(child.freeze()?),
            },
            None => Ok(()),
        }
    }

    /// Wakes it.
    pub(crate) fn thaw(&mut self) -> Result<(), TrialError> {
        match &mut self.child {
            Some(child) => Ok(child.thaw()?),
            None => Ok(()),
        }
    }

    /// Stops it, if Understudy started it. A note says what could not be removed.
    pub(crate) fn stop(self) -> Option<String> {
        self.stop_patiently(1)
    }

    /// The same, with so many times as long as usual to end by itself.
    pub(crate) fn stop_patiently(mut self, patience: u32) -> Option<String> {
        let child = self.child.as_mut()?;
        let stopped = child.stop(GRACE * patience);
        stopped.err().map(|error| error.to_string())
    }
}
