//! What is known of each server: whether it passes its checks, and how it does in passing.

use super::connect::Dial;
use super::head::Head;
use super::upload::Upload;
use crate::config::{GatewayConfig, Health as HealthCheck, SideConfig, UpstreamAddress};
use http::{HeaderValue, Method, Uri};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::task::JoinSet;

/// Failures in a row after which a server is not asked any more.
const FAILURES: u32 = 2;

/// One server, as all threads know it.
#[derive(Debug)]
pub(crate) struct Health {
    passes: AtomicBool,
    failing: AtomicU64,
}

/// The servers of all sides.
pub(crate) type Healths = Arc<HashMap<UpstreamAddress, Arc<Health>>>;

impl Default for Health {
    fn default() -> Health {
        Health {
            passes: AtomicBool::new(true),
            failing: AtomicU64::new(0),
        }
    }
}

impl Health {
    /// Does it pass its checks? Every server is taken for well until one says otherwise.
    pub(crate) fn passes(&self) -> bool {
        self.passes.load(Ordering::Relaxed)
    }

    /// Threads whose last requests to it failed, several in a row.
    pub(crate) fn failing(&self) -> u64 {
        self.failing.load(Ordering::Relaxed)
    }

    /// One thread more, or one less.
    pub(super) fn fails(&self, begins: bool) {
        if begins {
            self.failing.fetch_add(1, Ordering::Relaxed);
        } else {
            self.failing.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The servers of a configuration; what is known of one stays known.
pub(crate) fn healths(config: &GatewayConfig, before: Option<&Healths>) -> Healths {
    let health = |(_, address): (_, &UpstreamAddress)| {
        let known = before.and_then(|before| before.get(address)).cloned();
        (address.clone(), known.unwrap_or_default())
    };
    Arc::new(config.servers().map(health).collect())
}

/// Checks each server of a side periodically, each by itself, if checks are configured.
pub(crate) fn watch(side: &SideConfig, servers: &Healths, checks: &mut JoinSet<()>) {
    let check = side.health.as_ref().zip(Dial::new(side).ok());
    for address in &side.upstreams {
        match (servers.get(address), &check) {
            (Some(server), Some((check, dial))) => {
                let watching = ask(
                    dial.clone(),
                    address.clone(),
                    (*check).clone(),
                    server.clone(),
                );
                checks.spawn_local(watching);
            }
            // Without checks nothing would find out that it is well again.
            (Some(server), None) => server.passes.store(true, Ordering::Relaxed),
            (None, _) => {}
        }
    }
}

async fn ask(dial: Dial, address: UpstreamAddress, check: HealthCheck, server: Arc<Health>) {
    let mut failures = 0u32;
    let mut turn = tokio::time::interval(check.interval);
    loop {
        turn.tick().await;
        let asked = is_well(&dial, &address, &check.path);
        let is_well = tokio::time::timeout(check.interval, asked).await;
        failures = if is_well.unwrap_or(false) {
            0
        } else {
            failures + 1
        };
        server.passes.store(failures < FAILURES, Ordering::Relaxed);
    }
}

async fn is_well(dial: &Dial, address: &UpstreamAddress, path: &str) -> bool {
    let authority = match &address.socket {
        Some(_) => address.host.clone(),
        None => address.authority(),
    };
    let (Ok(uri), Ok(authority)) = (path.parse::<Uri>(), HeaderValue::try_from(authority)) else {
        return false;
    };
    let head = Head {
        method: Method::GET,
        uri,
        ..Head::default()
    };
    let Ok(mut connection) = dial.connect(address).await else {
        return false;
    };
    let to = (address, &authority);
    let response = connection.send(&head, to, Upload::Empty, &|_| {}).await;
    response
        .is_ok_and(|response| response.status().is_success() || response.status().is_redirection())
}
