//! `[capacity]`: whether and how the highest rate that holds the objectives is looked for.

use super::reader::Section;
use understudy_judge::search::capacity::CapacityConfig;
use understudy_judge::terms::Slo;
use understudy_model::{Share, Span};

/// Reads the section; `None` where there is none: the stage is left out then.
pub(super) fn read(
    mut section: Section<'_>,
    rates: &[f64],
    slos: &[Slo],
) -> Option<CapacityConfig> {
    if !section.is_there() {
        return None;
    }
    if slos.is_empty() {
        section.refuse_itself("needs an objective to hold\nhint: write an `[[slo]]`");
    }
    let width = section.percentage::<Share>("width");
    if let Some(Err(error)) = width.map(check_width) {
        section.refuse("width", error);
    }
    let rate = |section: &mut Section<'_>, key| {
        let rate = section.number(key);
        if let Some(Err(error)) = rate.map(super::workload::check_rate) {
            section.refuse(key, error);
        }
        rate
    };
    let first_rate = rate(&mut section, "first_rate");
    let highest_rate = rate(&mut section, "highest_rate");
    let warmup = section.quantity::<Span>("warmup");
    let budget = section.quantity::<Span>("budget");
    let config = CapacityConfig {
        width: width.unwrap_or(Share::new(CapacityConfig::WIDTH)),
        first_rate: first_rate
            .or(rates.last().copied())
            .unwrap_or(CapacityConfig::FIRST_RATE),
        highest_rate: highest_rate.unwrap_or(CapacityConfig::HIGHEST_RATE),
        warmup: warmup.unwrap_or(CapacityConfig::WARMUP),
        budget,
    };
    if budget.is_some_and(|budget| budget.secs() < config.warmup.secs() + 1.0) {
        section.refuse(
            "budget",
            "leaves no time for one trial of a second and its warm-up",
        );
    }
    if config.highest_rate < config.first_rate {
        section.refuse("highest_rate", "is below the rate that is tried first");
    }
    section.finish();
    Some(config)
}

fn check_width(width: Share) -> Result<Share, &'static str> {
    match width.get() > 0.0 && width.get() <= 0.5 {
        true => Ok(width),
        false => Err("is not above 0% and up to 50%"),
    }
}
