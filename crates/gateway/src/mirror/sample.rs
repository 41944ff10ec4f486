//! Which requests are in the sample: by a hash of their key, so that a user stays in or out.

use crate::config::SampleKey;
use http::{HeaderMap, header};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Fixed: a restart, or another gateway, takes the same users.
const SEED: u64 = 0x7368_6164_6f77;

/// Draws the sample.
#[derive(Debug)]
pub(crate) struct Sampler {
    key: SampleKey,
    count: AtomicU64,
}

impl Sampler {
    pub(crate) fn new(key: SampleKey) -> Sampler {
        Sampler {
            key,
            count: AtomicU64::new(0),
        }
    }

    /// Is a request of this client in the sample of this share?
    pub(crate) fn takes(&self, share: f64, headers: &HeaderMap, client: IpAddr) -> bool {
        share >= 1.0 || share > 0.0 && is_below(self.hash(headers, client), share)
    }

    /// One of so many, each by itself.
    pub(crate) fn draws(&self, share: f64) -> bool {
        share >= 1.0 || share > 0.0 && is_below(self.next(), share)
    }

    fn next(&self) -> u64 {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        xxh3_64_with_seed(&count.to_le_bytes(), SEED)
    }

    /// A request without the key counts by the address of its client.
    fn hash(&self, headers: &HeaderMap, client: IpAddr) -> u64 {
        let key = match &self.key {
            SampleKey::Request => return self.next(),
            SampleKey::Address => None,
            SampleKey::Header(name) => headers.get(name).map(|value| value.as_bytes()),
            SampleKey::Cookie(name) => cookie(headers, name),
        };
        match key {
            Some(key) => xxh3_64_with_seed(key, SEED),
            None => xxh3_64_with_seed(client.to_string().as_bytes(), SEED),
        }
    }
}

fn is_below(hash: u64, share: f64) -> bool {
    (hash as f64) < share * 2f64.powi(64)
}

/// The value of a cookie of this name (RFC 6265, section 4.2.1).
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    let pairs = headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|b| *b == b';'));
    pairs
        .map(<[u8]>::trim_ascii)
        .find_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn headers(cookie: String) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::try_from(cookie).unwrap())])
    }

    #[test]
    fn a_user_stays_in_or_out_and_the_share_is_kept() {
        let sampler = Sampler::new(SampleKey::Cookie("user".into()));
        let taken: Vec<bool> = (0..10_000)
            .map(|user| sampler.takes(0.3, &headers(format!("a=b; user={user}")), CLIENT))
            .collect();
        let again = (0..10_000)
            .map(|user| sampler.takes(0.3, &headers(format!("user={user}; x=y")), CLIENT));
        assert!(again.eq(taken.iter().copied()));
        let count = taken.iter().filter(|taken| **taken).count();
        assert!((2800..3200).contains(&count), "{count}");
        // A smaller sample is part of every larger one.
        assert!((0..1000).all(|user| {
            let headers = headers(format!("user={user}"));
            !sampler.takes(0.1, &headers, CLIENT) || sampler.takes(0.2, &headers, CLIENT)
        }));
    }

    #[test]
    fn nothing_and_everything_are_exact() {
        let sampler = Sampler::new(SampleKey::Request);
        let none = HeaderMap::new();
        assert!(
            (0..1000)
                .all(|_| sampler.takes(1.0, &none, CLIENT) && !sampler.takes(0.0, &none, CLIENT))
        );
        let count = (0..10_000)
            .filter(|_| sampler.takes(0.5, &none, CLIENT))
            .count();
        assert!((4700..5300).contains(&count), "{count}");
    }
}
