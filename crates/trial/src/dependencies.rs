//! The stand-ins of all sides for the outside services that they call.

use crate::config::{DependencyConfig, DependencyKind, HttpDependency, placeholder};
use crate::error::TrialError;
use crate::sides::{RESPONSE, reach};
use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use understudy_dependency::{CallsAsker, Counts, Lead, Recording, Relay, StandIn, Standing, Wait};
use understudy_host::CpuList;
use understudy_model::{Role, count, plain_words};
use understudy_subject::Asker;
use understudy_subject_http::{ClientLimits, Target};

/// How long an outside service may take to accept a connection before anything starts.
const REACHED_WITHIN: Duration = Duration::from_secs(5);

/// The stand-ins of all sides.
#[derive(Debug, Default)]
pub(crate) struct Dependencies {
    all: Vec<Dependency>,
    /// Askers that were made together so far.
    generation: AtomicU64,
}

/// An outside service, and what each side calls instead of it.
#[derive(Debug)]
enum Dependency {
    Http(Recorded),
    Tcp(Relayed),
}

#[derive(Debug)]
struct Recorded {
    name: String,
    config: HttpDependency,
    recording: Arc<Recording>,
    stand_ins: BTreeMap<Role, StandIn>,
}

#[derive(Debug)]
struct Relayed {
    name: String,
    service: String,
    relays: BTreeMap<Role, Relay>,
}

impl Dependencies {
    /// Starts a stand-in of each for each of these sides and for the second incumbent, on these CPUs.
    ///
    /// # Errors
    /// An outside service cannot be reached, or there is no port.
    pub(crate) fn start(
        configs: &[DependencyConfig],
        sides: impl Iterator<Item = Role>,
        cpus: Option<&CpuList>,
    ) -> Result<Self, TrialError> {
        let roles: Vec<Role> = sides.chain([Role::Second]).collect();
        let started = configs.iter().map(|config| match &config.kind {
            DependencyKind::Http(of) => {
                Recorded::start(&config.name, of, &roles, cpus).map(Dependency::Http)
            }
            DependencyKind::Tcp(service) => {
                Relayed::start(&config.name, service, &roles, cpus).map(Dependency::Tcp)
            }
        });
        Ok(Dependencies {
            all: started.collect::<Result<_, _>>()?,
            generation: AtomicU64::new(0),
        })
    }

    /// Replaces the words that stand for the addresses of the stand-ins of a side.
    pub(crate) fn fill(&self, role: Role, text: &str) -> String {
        let mut filled = text.to_owned();
        for one in &self.all {
            if let Some(address) = one.address(role) {
                filled = filled.replace(&placeholder(one.name()), &address.to_string());
            }
        }
        filled
    }

    /// Those whose answers are recorded.
    fn recorded(&self) -> impl Iterator<Item = &Recorded> {
        self.all.iter().filter_map(|one| match one {
            Dependency::Http(recorded) => Some(recorded),
            Dependency::Tcp(_) => None,
        })
    }

    /// The stand-ins of a side, in the order of the configuration.
    fn of(&self, role: Role) -> impl Iterator<Item = &StandIn> {
        self.recorded()
            .filter_map(move |one| one.stand_ins.get(&role))
    }

    /// What a side may call itself from now on: in its calls, it says nothing.
    pub(crate) fn name_side(&self, role: Role, authorities: &[String]) {
        for stand_in in self.of(role) {
            stand_in.handler().name_side(authorities.to_vec());
        }
    }

    /// The addresses of the stand-ins of a side, which its answers may have: others for each side.
    pub(crate) fn addresses(&self, role: Role) -> impl Iterator<Item = String> {
        let addresses = self.all.iter().filter_map(move |one| one.address(role));
        addresses.map(|address| address.to_string())
    }

    /// The same asker, which adds what the side calls to what it answers.
    pub(crate) fn listen(&self, role: Role, asker: Box<dyn Asker>) -> Box<dyn Asker> {
        let Some(settle) = self.recorded().map(|one| one.config.settle).max() else {
            return asker;
        };
        // The incumbent's is always the first of those that are made together.
        let generation = match role {
            Role::Incumbent => self.generation.fetch_add(1, Ordering::Relaxed) + 1,
            _ => self.generation.load(Ordering::Relaxed),
        };
        let handlers = self.of(role).map(|stand_in| stand_in.handler().clone());
        let handlers = handlers.collect();
        let settle = settle.duration();
        Box::new(CallsAsker::new(asker, handlers, generation, settle))
    }

    /// Is nothing recorded that could be served under load?
    pub(crate) fn is_unrecorded(&self) -> bool {
        let mut recorded = self.recorded().peekable();
        recorded.peek().is_some() && recorded.all(|one| one.recording.is_new())
    }

    /// What is to be said of each.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.all.iter().map(Dependency::note).collect()
    }
}

impl Dependency {
    fn name(&self) -> &str {
        match self {
            Dependency::Http(recorded) => &recorded.name,
            Dependency::Tcp(relayed) => &relayed.name,
        }
    }

    /// Where a side finds it.
    fn address(&self, role: Role) -> Option<SocketAddr> {
        match self {
            Dependency::Http(recorded) => recorded.stand_ins.get(&role).map(StandIn::address),
            Dependency::Tcp(relayed) => relayed.relays.get(&role).map(Relay::address),
        }
    }

    fn note(&self) -> String {
        match self {
            Dependency::Http(recorded) => recorded.note(),
            Dependency::Tcp(relayed) => relayed.note(),
        }
    }
}

impl Recorded {
    fn start(
        name: &str,
        config: &HttpDependency,
        roles: &[Role],
        cpus: Option<&CpuList>,
    ) -> Result<Self, TrialError> {
        let recording = Arc::new(Recording::default());
        let standing = Standing {
            name: name.to_owned(),
            upstream: reached(name, &config.url)?,
            limits: ClientLimits {
                timeout: config.timeout.duration(),
                response: RESPONSE,
            },
            wait: config
                .latency
                .map_or(Wait::Recorded, |latency| Wait::Fixed(latency.duration())),
            cpus: cpus.cloned(),
        };
        let mut stand_ins = BTreeMap::new();
        for role in roles {
            let lead = match role {
                Role::Incumbent => Lead::Leads,
                _ => Lead::Follows,
            };
            let stand_in = StandIn::start(standing.clone(), lead, recording.clone());
            stand_ins.insert(*role, stand_in.map_err(TrialError::Port)?);
        }
        Ok(Recorded {
            name: name.to_owned(),
            config: config.clone(),
            recording,
            stand_ins,
        })
    }

    fn note(&self) -> String {
        let name = &self.name;
        let (recorded, dropped) = self.recording.counts();
        let mut all = Counts::default();
        for stand_in in self.stand_ins.values() {
            let counts = stand_in.handler().counts();
            all.passed_on += counts.passed_on;
            all.refused += counts.refused;
            all.failed += counts.failed;
            all.late += counts.late;
        }
        let mut text = format!(
            "each side called a stand-in of {name}, which served what {} had answered the incumbent ({})",
            self.config.url,
            match recorded {
                1 => "1 answer".to_owned(),
                recorded => format!("{} answers", count(recorded)),
            },
        );
        let said = [
            (all.passed_on, "had no recorded answer and was passed on"),
            (
                all.refused,
                "had no recorded answer and was refused with status 502, because it may change data",
            ),
            (
                all.failed,
                "was not answered by it: status 502 took the place of an answer",
            ),
            (
                all.late,
                "came too late after an answer to be compared (raise `settle`)",
            ),
            (
                dropped,
                "was recorded for the comparison alone: too many bytes to keep",
            ),
        ];
        for (number, what) in said.into_iter().filter(|(number, _)| *number > 0) {
            text += &format!("; {} {what}", times(number));
        }
        text
    }
}

fn times(number: u64) -> String {
    match number {
        1 => "1 call".to_owned(),
        number => format!("{} times a call", count(number)),
    }
}

impl Relayed {
    fn start(
        name: &str,
        service: &str,
        roles: &[Role],
        cpus: Option<&CpuList>,
    ) -> Result<Self, TrialError> {
        let unreachable = |address: String, why: String| TrialError::DependencyUnreachable {
            name: name.to_owned(),
            address,
            why,
            key: "address",
        };
        let found = service.to_socket_addrs();
        let found = found.map_err(|error| unreachable(service.to_owned(), plain_words(&error)))?;
        let addresses: Vec<SocketAddr> = found.collect();
        reach(addresses.iter().copied(), REACHED_WITHIN)
            .map_err(|(address, why)| unreachable(address, why))?;
        let mut relays = BTreeMap::new();
        for role in roles {
            let relay = Relay::start(&addresses, cpus.cloned()).map_err(TrialError::Port)?;
            relays.insert(*role, relay);
        }
        Ok(Relayed {
            name: name.to_owned(),
            service: service.to_owned(),
            relays,
        })
    }

    fn note(&self) -> String {
        let sides = self.relays.iter().map(|(role, relay)| {
            let passed = relay.passed();
            let mut text = format!(
                "the {} sent {} bytes in {} turns over {} connections and received {} bytes",
                role.in_words(),
                count(passed.sent_bytes),
                count(passed.turns),
                count(passed.connections),
                count(passed.received_bytes),
            );
            if passed.refused > 0 {
                text += &format!(" ({} connections were refused)", count(passed.refused));
            }
            text
        });
        let sides: Vec<String> = sides.collect();
        format!(
            "what the sides sent to {} at {} was passed through and not compared, and they share what it stores: {}",
            self.name,
            self.service,
            sides.join("; ")
        )
    }
}

/// Where an outside service is, if it is there.
fn reached(name: &str, url: &str) -> Result<Target, TrialError> {
    let target = Target::parse_server(url).map_err(|source| TrialError::DependencyUrl {
        name: name.to_owned(),
        source,
    })?;
    match reach(target.addresses(), REACHED_WITHIN) {
        Ok(()) => Ok(target),
        Err((address, why)) => Err(TrialError::DependencyUnreachable {
            name: name.to_owned(),
            address,
            why,
            key: "url",
        }),
    }
}
