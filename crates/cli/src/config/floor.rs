//! `[memory_floor]`: whether and how the smallest memory limit that holds the objectives is looked for.

use super::reader::Section;
use understudy_judge::search::floor::FloorConfig;
use understudy_judge::terms::Slo;
use understudy_model::{ByteSize, Share, Span};

/// Reads the section; `None` where there is none: the stage is left out then.
pub(super) fn read(mut section: Section<'_>, rates: &[f64], slos: &[Slo]) -> Option<FloorConfig> {
    if !section.is_there() {
        return None;
    }
    if slos.is_empty() {
        section.refuse_itself("needs an objective to hold\nhint: write an `[[slo]]`");
    }
    let rate = section.number("rate");
    if let Some(Err(error)) = rate.map(super::workload::check_rate) {
        section.refuse("rate", error);
    }
    let repeats = section.whole("repeats", 1..=20);
    let precision = section.percentage::<Share>("precision");
    if let Some(Err(error)) = precision.map(check_precision) {
        section.refuse("precision", error);
    }
    let start = section.quantity::<ByteSize>("start");
    let lowest = section.quantity("lowest").unwrap_or(FloorConfig::LOWEST);
    if lowest.bytes() == 0 {
        section.refuse("lowest", "0 leaves nothing to run in");
    }
    if start.is_some_and(|start| start < lowest) {
        section.refuse("start", "is below lowest, the smallest limit that is tried");
    }
    let warmup = section.quantity("warmup").unwrap_or(FloorConfig::WARMUP);
    let measured = section.quantity::<Span>("measured");
    let soak = section.quantity("soak").unwrap_or(FloorConfig::SOAK);
    if measured.is_some_and(|measured| measured.secs() < 1.0) {
        section.refuse("measured", "is shorter than a second");
    }
    if soak.secs() < 5.0 || measured.is_some_and(|measured| soak < measured) {
        section.refuse(
            "soak",
            "is shorter than 5 s or than measured: it would verify nothing",
        );
    }
    section.finish();
    Some(FloorConfig {
        rate: rate.or(rates.last().copied()).unwrap_or(1.0),
        repeats: repeats.map_or(FloorConfig::REPEATS, |repeats| repeats as u32),
        precision: precision.unwrap_or(Share::new(FloorConfig::PRECISION)),
        start,
        lowest,
        warmup,
        measured,
        soak,
    })
}

fn check_precision(precision: Share) -> Result<Share, &'static str> {
    match (0.01..=0.5).contains(&precision.get()) {
        true => Ok(precision),
        false => Err("is not between 1% and 50%"),
    }
}
