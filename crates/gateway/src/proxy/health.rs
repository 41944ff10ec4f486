//! Asks servers whether they are well.

use super::connect::Dial;
use super::head::Head;
use super::upload::Upload;
use super::upstream::Healthy;
use crate::config::{SideConfig, UpstreamAddress};
use http::{HeaderValue, Method, Uri};
use std::sync::atomic::Ordering;

/// Failures in a row after which a server is not asked any more.
const FAILURES: u32 = 2;

/// Checks every server of a side for ever.
pub(crate) async fn watch(side: SideConfig, healthy: Healthy) {
    let Some(health) = side.health.clone() else {
        return;
    };
    let Ok(dial) = Dial::new(&side) else { return };
    let mut failures = vec![0u32; side.upstreams.len()];
    let mut turn = tokio::time::interval(health.interval);
    loop {
        turn.tick().await;
        for (address, failures) in side.upstreams.iter().zip(&mut failures) {
            let asked =
                tokio::time::timeout(health.interval, is_well(&dial, address, &health.path));
            *failures = if asked.await.unwrap_or(false) {
                0
            } else {
                *failures + 1
            };
            if let Some(state) = healthy.get(address) {
                state.store(*failures < FAILURES, Ordering::Relaxed);
            }
        }
    }
}

async fn is_well(dial: &Dial, address: &UpstreamAddress, path: &str) -> bool {
    let (Ok(uri), Ok(authority)) = (
        path.parse::<Uri>(),
        HeaderValue::try_from(address.authority()),
    ) else {
        return false;
    };
    let head = Head {
        method: Method::GET,
        uri,
        headers: http::HeaderMap::new(),
    };
    let Ok(mut connection) = dial.connect(address).await else {
        return false;
    };
    let to = (address, &authority);
    let response = connection.send(&head, to, Upload::Empty).await;
    response
        .is_ok_and(|response| response.status().is_success() || response.status().is_redirection())
}
