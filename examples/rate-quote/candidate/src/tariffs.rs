//! Carriers and their prices.

use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;

/// All of `tariffs.json`.
#[derive(Debug, Deserialize)]
pub(crate) struct Tariffs {
    pub(crate) currency: String,
    /// Countries by region; prices grow with the distance of regions.
    pub(crate) groups: HashMap<String, usize>,
    /// Upper ends of the weight brackets, ascending.
    pub(crate) brackets_g: Vec<u64>,
    pub(crate) carriers: Vec<Carrier>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Carrier {
    pub(crate) name: String,
    pub(crate) max_weight_g: u64,
    pub(crate) max_length_mm: u64,
    /// Cubic millimetres that count as a gram.
    pub(crate) volumetric_divisor: u64,
    pub(crate) fuel_permille: u64,
    pub(crate) remote_prefixes: Vec<String>,
    pub(crate) remote_cents: u64,
    pub(crate) services: Vec<Service>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Service {
    pub(crate) service: String,
    pub(crate) min_days: u32,
    pub(crate) max_days: u32,
    /// Prices by zone and weight bracket.
    pub(crate) cents: Vec<Vec<u64>>,
}

/// Reads and checks the file: every zone has a price for every bracket.
pub(crate) fn read(path: &Path) -> Result<Tariffs, String> {
    let shown = path.display();
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let tariffs: Tariffs = serde_json::from_str(&text)
        .map_err(|error| format!("{shown} is no list of tariffs: {error}"))?;
    let zones = 2 + tariffs.groups.values().max().copied().unwrap_or(0);
    let brackets = tariffs.brackets_g.len();
    let heaviest = tariffs.brackets_g.last().copied().unwrap_or(0);
    for carrier in &tariffs.carriers {
        let complete = carrier.services.iter().all(|service| {
            service.cents.len() >= zones && service.cents.iter().all(|zone| zone.len() == brackets)
        });
        if !complete || carrier.max_weight_g > heaviest || carrier.volumetric_divisor == 0 {
            return Err(format!("{shown}: the prices of {} have gaps", carrier.name));
        }
    }
    Ok(tariffs)
}
