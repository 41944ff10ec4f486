//! Campaigns: who may be shown what, at which price.

use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;

/// Each segment that a user is in adds this many thousandths of the base price.
const SEGMENT_BOOST: u64 = 50;

/// A campaign as it is in `campaigns.json`. An empty list targets all users.
#[derive(Debug, Deserialize)]
pub(crate) struct Campaign {
    pub(crate) id: u32,
    pub(crate) seat: String,
    pub(crate) domain: String,
    pub(crate) creative: String,
    pub(crate) w: i32,
    pub(crate) h: i32,
    /// Price of a thousand impressions in hundredths of a cent.
    base_price: u64,
    pub(crate) categories: Vec<String>,
    countries: Vec<String>,
    device_types: Vec<i32>,
    /// What a content category adds to the base price, in thousandths of it.
    boosts: HashMap<String, u64>,
    /// Audience segments as bits; a user must be in at least one, unless there are none.
    segments: u64,
}

/// Reads the campaigns.
pub(crate) fn read(path: &Path) -> Result<Vec<Campaign>, String> {
    let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))
}

impl Campaign {
    pub(crate) fn accepts(&self, country: &str, device_type: i32, user_segments: u64) -> bool {
        (self.countries.is_empty() || self.countries.iter().any(|of| of == country))
            && (self.device_types.is_empty() || self.device_types.contains(&device_type))
            && (self.segments == 0 || self.segments & user_segments != 0)
    }

    /// The price for this content and user, in hundredths of a cent; fractions are dropped.
    pub(crate) fn price(&self, content: &[String], user_segments: u64) -> u64 {
        let boosts = content
            .iter()
            .filter_map(|category| self.boosts.get(category));
        let shared = u64::from((self.segments & user_segments).count_ones());
        let boost = boosts.max().copied().unwrap_or(0) + SEGMENT_BOOST * shared;
        self.base_price * (1000 + boost) / 1000
    }
}
