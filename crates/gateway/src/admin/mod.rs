//! Looks at the gateway from outside: a page, documents, metrics; and takes waivers.
//!
//! On loopback only the host name is checked: it has to be one of loopback, so that a page of another
//! origin cannot reach it by a name of its own. Elsewhere a token is required.

mod metrics;
mod serve;
pub mod status;

pub(crate) use serve::run;

use crate::config::UpstreamAddress;
use crate::control::Surroundings;
use crate::ledger::{Balance, Counts, Findings, Judged, Waiver};
use crate::mirror::{Breaker, Budget, Mirror};
use crate::proxy::{Health, Plan, Shared};
use crate::traffic::Traffic;
use status::{
    Candidate, Differences, Proof, ProofState, Proposals, Quantiles, Second, ServerStatus, Status,
};
use std::collections::{BTreeMap, VecDeque};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use understudy_model::proof::SelfTest;
use understudy_model::{Place, Role};

/// Seconds that are remembered.
const HISTORY: usize = 300;
/// Waivers at once.
const WAIVERS: usize = 1000;

/// What there is to look at.
pub(crate) struct Admin {
    pub(crate) address: Option<SocketAddr>,
    token: Option<String>,
    around: Surroundings,
    servers: Mutex<Vec<Server>>,
    findings: Arc<Findings>,
    shared: Arc<Shared>,
    counts: Arc<Counts>,
    budget: Arc<Budget>,
    breaker: Arc<Breaker>,
    in_flight: Arc<AtomicUsize>,
    reloads: Arc<AtomicU64>,
    started: Instant,
    history: Mutex<History>,
}

/// A server, and what is known of it.
struct Server {
    role: Role,
    address: UpstreamAddress,
    health: Arc<Health>,
}

#[derive(Default)]
struct History {
    before: Traffic,
    seconds: VecDeque<Second>,
}

impl Admin {
    pub(crate) fn new(
        plan: &Plan,
        around: &Surroundings,
        findings: &Arc<Findings>,
        shared: &Arc<Shared>,
        mirror: &Mirror,
        reloads: Arc<AtomicU64>,
        socket: Option<&TcpListener>,
    ) -> Admin {
        let admin = Admin {
            address: socket.and_then(|socket| socket.local_addr().ok()),
            token: plan.config.admin.token.clone(),
            around: around.clone(),
            servers: Mutex::default(),
            findings: findings.clone(),
            shared: shared.clone(),
            counts: mirror.counts.clone(),
            budget: mirror.budget.clone(),
            breaker: mirror.breaker.clone(),
            in_flight: mirror.in_flight.clone(),
            reloads,
            started: Instant::now(),
            history: Mutex::default(),
        };
        admin.took(plan);
        admin
    }

    /// A configuration was taken.
    fn took(&self, plan: &Plan) {
        let servers = plan.config.servers().filter_map(|(role, address)| {
            Some(Server {
                role,
                address: address.clone(),
                health: plan.servers.get(address)?.clone(),
            })
        });
        *self.servers.lock().unwrap_or_else(PoisonError::into_inner) = servers.collect();
    }

    fn servers(&self) -> Vec<ServerStatus> {
        let servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        let status = |server: &Server| ServerStatus {
            role: server.role,
            server: server.address.url(),
            passes_checks: server.health.passes(),
            failing_threads: server.health.failing(),
        };
        servers.iter().map(status).collect()
    }

    /// What was found, the counts as of the same moment, and the goal.
    fn judge(&self) -> (Judged, Balance, f64) {
        let terms = self.findings.terms();
        let book = self.findings.book();
        let judged = book.judge(&terms.config, (self.around.today)());
        (judged, self.counts.balance(), terms.config.goal)
    }

    /// A proof rests on a comparison that notices what is put before it.
    fn held_to_test(&self, proof: Proof) -> Proof {
        match proof.state {
            ProofState::Proven => proof.held_to(&self.self_test()),
            _ => proof,
        }
    }

    fn self_test(&self) -> SelfTest {
        let terms = self.findings.terms();
        let book = self.findings.book();
        book.self_test(&terms.config, (self.around.today)())
    }

    fn proposals(&self) -> Proposals {
        let terms = self.findings.terms();
        let book = self.findings.book();
        Proposals {
            proposals: book.proposals(&terms.config, (self.around.today)()),
        }
    }

    pub(crate) fn status(&self) -> Status {
        let (judged, ledger, goal) = self.judge();
        let routes = self.shared.registry.read();
        let servers = self.servers();
        let configured = servers.iter().any(|of| of.role == Role::Candidate);
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: self.started.elapsed().as_secs(),
            reloads: self.reloads.load(Ordering::Relaxed),
            proof: self.held_to_test(status::proof(&judged.all, &ledger, goal, configured)),
            ledger,
            candidate: Candidate {
                configured,
                breaker_open: self.breaker.is_open(),
                in_flight: self.in_flight.load(Ordering::Relaxed) as u64,
                memory_bytes: self.budget.used() as u64,
                failed: routes
                    .values()
                    .map(|traffic| traffic.candidate_failed)
                    .sum(),
            },
            routes: routes
                .iter()
                .map(|(name, traffic)| (name.clone(), status::route(traffic)))
                .collect(),
            history: self
                .history
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .seconds
                .iter()
                .cloned()
                .collect(),
            operations: status::operations(&judged, goal),
            servers,
            connections: self.shared.connections.load(Ordering::Relaxed) as u64,
            connections_unopened: self.shared.unopened.read(),
            requests_in_flight: self.shared.requests.load(Ordering::Relaxed) as u64,
            log_lines_lost: self.shared.log.as_ref().map_or(0, |log| log.lost()),
        }
    }

    fn differences(&self) -> Differences {
        let (judged, ..) = self.judge();
        let waivers = self.findings.book().waivers.clone();
        status::differences(judged, &waivers, (self.around.today)())
    }

    fn metrics(&self) -> String {
        metrics::text(&self.status(), &self.shared.registry.read())
    }

    /// Takes a waiver and brings it to the disk.
    fn waive(&self, waiver: Waiver) -> Result<(), Vec<String>> {
        let (judged, ..) = self.judge();
        waiver.check(&judged.all.clusters, (self.around.today)())?;
        {
            let waivers = &mut self.findings.book().waivers;
            waivers.retain(|of| {
                (&of.operation, &of.path, of.kind) != (&waiver.operation, &waiver.path, waiver.kind)
            });
            if waivers.len() >= WAIVERS {
                return Err(vec![format!(
                    "there are {WAIVERS} waivers already; remove some"
                )]);
            }
            waivers.push(waiver);
        }
        self.save()
    }

    fn save(&self) -> Result<(), Vec<String>> {
        let saved = self.findings.save();
        saved.map(drop).map_err(|error| vec![error])
    }

    /// Takes back the waiver of this operation and path; false if there is none.
    fn unwaive(&self, operation: &str, path: &Place) -> Result<bool, Vec<String>> {
        let removed = {
            let waivers = &mut self.findings.book().waivers;
            let before = waivers.len();
            waivers.retain(|waiver| (waiver.operation.as_str(), &waiver.path) != (operation, path));
            waivers.len() < before
        };
        self.save()?;
        Ok(removed)
    }

    /// Notes what the last second brought.
    fn tick(&self) {
        let routes: BTreeMap<String, Traffic> = self.shared.registry.read();
        let mut now = Traffic::default();
        routes.values().for_each(|traffic| now.add(traffic));
        let history = &mut *self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let second = second(&now, &history.before);
        history.before = now;
        history.seconds.push_back(second);
        if history.seconds.len() > HISTORY {
            history.seconds.pop_front();
        }
    }
}

fn second(now: &Traffic, before: &Traffic) -> Second {
    let (mut incumbent, mut candidate) = (now.incumbent.clone(), now.candidate.clone());
    // What was counted before is part of what is counted now.
    let _ = incumbent.subtract(&before.incumbent);
    let _ = candidate.subtract(&before.candidate);
    Second {
        requests: now.requests() - before.requests(),
        errors: now.by_class[5] - before.by_class[5],
        shown: candidate.len(),
        incumbent_us: Quantiles::of(&incumbent),
        candidate_us: Quantiles::of(&candidate),
    }
}
