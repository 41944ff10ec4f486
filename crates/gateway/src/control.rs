//! Starts the threads of a gateway, gives them new configurations, and stops them.

use crate::access_log::AccessLog;
use crate::admin::{self, Admin};
use crate::config::{CandidateConfig, GatewayConfig};
use crate::ledger::{self, Book, Counts, Findings, Pair, State, Terms};
use crate::listen;
use crate::mirror::{self, Breaker, Budget, Mirror, Pulse, Settings, Shadow};
use crate::proxy::{self, Dial, Healths, Plan, Shared, Sockets};
use crate::traffic::Registry;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{mpsc, watch};
use understudy_compare::Day;
use understudy_redact::Redactor;

/// Pairs that may wait for the comparison.
const PAIRS: usize = 4096;
/// Bytes of copies at once, where there is no candidate yet to say how many.
const MEMORY: usize = 64 << 20;

/// What a gateway asks of the process around it.
#[derive(Clone)]
pub struct Surroundings {
    /// Random; it keys every mark and hash of this run and is never stored.
    pub key: [u8; 16],
    /// The day, in UTC.
    pub today: fn() -> Day,
    /// Takes one line for the operator.
    pub report: fn(&str),
}

/// Why a gateway did not start, or did not take a configuration: one line each.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct GatewayError(pub Vec<String>);

fn one(error: impl ToString) -> GatewayError {
    GatewayError(vec![error.to_string()])
}

/// A gateway at work. Dropped, it stops at once.
pub struct Running {
    config: Arc<GatewayConfig>,
    around: Surroundings,
    plans: Option<watch::Sender<Plan>>,
    mirror: Option<Arc<Mirror>>,
    findings: Arc<Findings>,
    reloads: Arc<AtomicU64>,
    admin: Arc<Admin>,
    generation: u64,
    workers: Vec<JoinHandle<()>>,
    threads: Vec<JoinHandle<()>>,
    log: Option<(AccessLog, JoinHandle<()>)>,
    stop_admin: Option<watch::Sender<()>>,
}

/// Starts a gateway.
///
/// # Errors
/// Everything that is wrong: addresses that cannot be bound, state that cannot be read, certificates
/// that cannot be loaded, rules that are not valid.
pub fn start(config: GatewayConfig, around: Surroundings) -> Result<Running, GatewayError> {
    let mut config = config;
    let sockets = listen::bind(&mut config, &Sockets::new())?;
    let admin_socket = config.admin.address.map(listen::alone).transpose();
    let admin_socket =
        admin_socket.map_err(|error| one(format!("the admin interface: {error}")))?;
    listen::leave_room(&mut config, None, around.report);
    let terms = check(&config, &around)?;
    let (state, balance, stored) = match &config.state {
        Some(folder) => {
            let (state, balance, stored) = State::open(folder).map_err(one)?;
            (Some(state), balance, stored)
        }
        None => (None, ledger::Balance::default(), Default::default()),
    };
    let findings = Arc::new(Findings {
        book: Mutex::new(Book::restore(stored)),
        terms: Mutex::new(Arc::new(terms)),
        history: Mutex::default(),
        tests: Mutex::default(),
        counts: Arc::new(Counts::resume(&balance)),
        state,
    });
    let candidate = config.candidate.as_ref();
    let threads = candidate.map_or(1, |candidate| candidate.threads);
    let gives_way = candidate.is_none_or(|candidate| candidate.gives_way);
    let mut running_threads = Vec::new();
    let log = match &config.access_log {
        Some(to) => {
            let redactor = Redactor::new(around.key).with_names(&config.compare.secret_names);
            Some(AccessLog::open(to, redactor, around.report).map_err(one)?)
        }
        None => None,
    };
    let shared = Arc::new(Shared {
        registry: Arc::new(Registry::new(config.workers + threads)),
        requests: Arc::default(),
        connections: Arc::default(),
        unopened: Default::default(),
        log: log.as_ref().map(|(log, _)| log.clone()),
    });
    let (pairs, compared) = sync_channel(PAIRS);
    let breaker = Arc::new(Breaker::default());
    let began = Instant::now();
    let pulses: Vec<_> = (0..threads).map(|_| Arc::new(Pulse::new(began))).collect();
    let jobs = pulses.iter().enumerate().map(|(index, pulse)| {
        talk(
            config.workers + index,
            (&breaker, pulse),
            &pairs,
            gives_way,
            &mut running_threads,
        )
    });
    let mirror = Arc::new(Mirror {
        jobs: jobs.collect::<io::Result<Vec<_>>>().map_err(one)?,
        pulses,
        counts: findings.counts.clone(),
        budget: Budget::new(candidate.map_or(MEMORY, |candidate| candidate.memory)),
        in_flight: Arc::new(AtomicUsize::new(0)),
        breaker,
        turn: AtomicUsize::new(0),
    });
    drop(pairs);
    running_threads.push(compare(&findings, compared, gives_way, &around).map_err(one)?);

    let config = Arc::new(config);
    let servers = proxy::healths(&config, None);
    let plan = plan(&config, Arc::new(sockets), servers, &mirror, 0);
    let (plans, _) = watch::channel(plan.clone());
    let workers = (0..config.workers).map(|index| work(index, &shared, plans.subscribe()));
    let workers = workers.collect::<io::Result<Vec<_>>>().map_err(one)?;
    let reloads = Arc::new(AtomicU64::new(0));
    let admin = Arc::new(Admin::new(
        &plan,
        &around,
        &findings,
        &shared,
        &mirror,
        reloads.clone(),
        admin_socket.as_ref(),
    ));
    let (stop_admin, stopped) = watch::channel(());
    running_threads
        .push(administer(admin.clone(), admin_socket, plans.subscribe(), stopped).map_err(one)?);
    Ok(Running {
        config,
        around,
        plans: Some(plans),
        mirror: Some(mirror),
        findings,
        reloads,
        admin,
        generation: 0,
        workers,
        threads: running_threads,
        log,
        stop_admin: Some(stop_admin),
    })
}

/// What can be found out about a configuration without binding or opening anything.
///
/// # Errors
/// Everything that is wrong.
fn check(config: &GatewayConfig, around: &Surroundings) -> Result<Terms, GatewayError> {
    let mut wrong = Vec::new();
    for (_, side) in config.sides() {
        wrong.extend(Dial::new(side).err());
    }
    let terms = Terms::new(&config.compare, around.key, (around.today)())
        .map(|terms| terms.with_servers(config));
    match terms {
        Ok(terms) if wrong.is_empty() => Ok(terms),
        terms => {
            wrong.extend(terms.err());
            Err(GatewayError(wrong))
        }
    }
}

fn plan(
    config: &Arc<GatewayConfig>,
    sockets: Arc<Sockets>,
    servers: Healths,
    mirror: &Arc<Mirror>,
    id: u64,
) -> Plan {
    let shadow = config
        .candidate
        .as_ref()
        .map(|candidate: &CandidateConfig| {
            let settings = Settings {
                id,
                candidate: candidate.clone(),
                incumbent: config.incumbent.clone(),
                servers: servers.clone(),
            };
            Arc::new(Shadow::new(mirror.clone(), settings))
        });
    Plan {
        config: config.clone(),
        sockets,
        servers,
        shadow,
    }
}

fn thread(name: String, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name).spawn(work)
}

/// Runs a future, and what it spawns, on this thread.
fn block_on<F: Future>(future: F) -> io::Result<F::Output> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    Ok(runtime.block_on(future))
}

fn work(
    index: usize,
    shared: &Arc<Shared>,
    plans: watch::Receiver<Plan>,
) -> io::Result<JoinHandle<()>> {
    let shared = shared.clone();
    thread(format!("worker-{index}"), move || {
        // What a plan needs was checked; a runtime that cannot be made leaves its sockets closed.
        let _ = block_on(proxy::run(index, shared, plans));
    })
}

fn talk(
    index: usize,
    (breaker, pulse): (&Arc<Breaker>, &Arc<Pulse>),
    pairs: &SyncSender<Pair>,
    gives_way: bool,
    threads: &mut Vec<JoinHandle<()>>,
) -> io::Result<mpsc::Sender<mirror::Job>> {
    let (jobs, taken) = mpsc::channel(mirror::WAITING);
    let (seen, pairs) = ((breaker.clone(), pulse.clone()), pairs.clone());
    threads.push(thread("mirror".into(), move || {
        give_way(gives_way);
        let _ = block_on(mirror::run(index, taken, seen, pairs));
    })?);
    Ok(jobs)
}

fn compare(
    findings: &Arc<Findings>,
    pairs: Receiver<Pair>,
    gives_way: bool,
    around: &Surroundings,
) -> io::Result<JoinHandle<()>> {
    let (findings, report) = (findings.clone(), around.report);
    thread("compare".into(), move || {
        give_way(gives_way);
        ledger::run(&findings, &pairs, &report);
    })
}

/// The clients go first. Where the system has no such order, all threads are equal.
fn give_way(gives_way: bool) {
    if gives_way {
        let _ = understudy_host::give_way();
    }
}

fn administer(
    admin: Arc<Admin>,
    socket: Option<TcpListener>,
    plans: watch::Receiver<Plan>,
    stopped: watch::Receiver<()>,
) -> io::Result<JoinHandle<()>> {
    thread("admin".into(), move || {
        let _ = block_on(admin::run(admin, socket, plans, stopped));
    })
}

impl Running {
    /// Where clients connect.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.config
            .listeners
            .iter()
            .map(|listener| listener.address)
            .collect()
    }

    /// Where it is watched from.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin.address
    }

    /// What there is to see, as a document.
    pub fn status(&self) -> crate::status::Status {
        self.admin.status()
    }

    /// Continues in a new access log if the old one was moved away.
    pub fn reopen_log(&self) {
        if let Some((log, _)) = &self.log {
            log.reopen();
        }
    }

    /// Takes a new configuration without dropping a request.
    ///
    /// # Errors
    /// Everything that is wrong with it, or cannot be changed while running; then nothing changes.
    pub fn reload(&mut self, config: GatewayConfig) -> Result<(), GatewayError> {
        let (Some(plans), Some(mirror)) = (&self.plans, &self.mirror) else {
            return Err(one("the gateway has stopped"));
        };
        let mut config = config;
        let fixed = unchangeable(&self.config, &config);
        if !fixed.is_empty() {
            return Err(GatewayError(fixed));
        }
        let terms = check(&config, &self.around)?;
        let before = plans.borrow().clone();
        let sockets = listen::bind(&mut config, &before.sockets)?;
        listen::leave_room(&mut config, Some(&self.config), self.around.report);
        self.generation += 1;
        self.config = Arc::new(config);
        let servers = proxy::healths(&self.config, Some(&before.servers));
        self.findings.replace_terms(terms);
        plans.send_replace(plan(
            &self.config,
            Arc::new(sockets),
            servers,
            mirror,
            self.generation,
        ));
        self.reloads.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Lets the requests under way complete, for as long as the configuration allows, and
    /// stops.
    ///
    /// # Errors
    /// The state could not be written.
    pub fn stop(mut self) -> Result<(), GatewayError> {
        self.end();
        self.findings.save().map_err(one)?;
        Ok(())
    }

    /// In this order: clients, copies, comparison, admin, log. Each ends when nothing feeds it any more.
    fn end(&mut self) {
        if let Some(plans) = self.plans.take() {
            // What still holds the last plan must not hold its sockets: clients would continue to connect,
            // and wait for an answer until the last request has ended.
            plans.send_modify(|plan| plan.sockets = Arc::default());
        }
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
        self.stop_admin = None;
        self.mirror = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        if let Some((log, writer)) = self.log.take() {
            log.close();
            let _ = writer.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// What a reload cannot change.
fn unchangeable(old: &GatewayConfig, new: &GatewayConfig) -> Vec<String> {
    let memory = |config: &GatewayConfig| {
        config
            .candidate
            .as_ref()
            .map(|candidate| (candidate.memory, candidate.threads, candidate.gives_way))
    };
    let both = old.candidate.is_some() && new.candidate.is_some();
    let changed = [
        ("workers", old.workers != new.workers),
        ("admin", old.admin != new.admin),
        ("state", old.state != new.state),
        ("the access log", old.access_log != new.access_log),
        (
            "the candidate's memory, threads and gives_way",
            both && memory(old) != memory(new),
        ),
    ];
    let changed = changed.into_iter().filter(|(_, changed)| *changed);
    changed
        .map(|(what, _)| format!("{what} cannot change while the gateway runs\nhint: restart it"))
        .collect()
}
