//! `[memory_floor]`: whether and how the smallest memory limit is looked for, at which a service holds the objectives or
//! the runs of a command end right and in time.

use super::reader::Section;
use understudy_judge::search::floor::{FloorConfig, FloorTrial, LoadTrial, RunsTrial};
use understudy_judge::terms::Slo;
use understudy_model::{ByteSize, Share, Span};

/// Keys about a load, which a command does not get.
const OF_LOAD: [&str; 4] = ["rate", "warmup", "measured", "soak"];

/// Reads the section of a service; `None` where there is none: the stage is left out then.
pub(super) fn of_service(
    mut section: Section<'_>,
    rates: &[f64],
    slos: &[Slo],
) -> Option<FloorConfig> {
    if !section.is_there() {
        return None;
    }
    if slos.is_empty() {
        section.refuse_itself("needs an objective to hold\nhint: write an `[[slo]]`");
    }
    refuse(
        &mut section,
        "slower",
        "is about runs of a command, and the subject is a service\nhint: write the bound as an `[[slo]]`",
    );
    refuse(
        &mut section,
        "budget",
        "is about runs of a command, and the subject is a service\nhint: leave it out; `measured` and `soak` say how long \
         a trial takes",
    );
    let rate = section.number("rate");
    if let Some(Err(error)) = rate.map(super::workload::check_rate) {
        section.refuse("rate", error);
    }
    let warmup = section.quantity("warmup").unwrap_or(LoadTrial::WARMUP);
    let measured = section.quantity::<Span>("measured");
    let soak = section.quantity("soak").unwrap_or(LoadTrial::SOAK);
    if measured.is_some_and(|measured| measured.secs() < 1.0) {
        section.refuse("measured", "is shorter than a second");
    }
    if soak.secs() < 5.0 || measured.is_some_and(|measured| soak < measured) {
        section.refuse(
            "soak",
            "is shorter than 5 s or than measured: it would verify nothing",
        );
    }
    let trial = FloorTrial::Load(LoadTrial {
        rate: rate.or(rates.last().copied()).unwrap_or(1.0),
        warmup,
        measured,
        soak,
    });
    Some(search(section, trial))
}

/// Reads the section of a command; `None` where there is none.
pub(super) fn of_command(mut section: Section<'_>) -> Option<FloorConfig> {
    if !section.is_there() {
        return None;
    }
    for key in OF_LOAD {
        refuse(
            &mut section,
            key,
            "is about the load on a service, and a command is run for each case\nhint: leave it out; `slower` says how \
             much longer a run may take",
        );
    }
    let slower = section.percentage::<Share>("slower");
    let slower = slower.unwrap_or(Share::new(RunsTrial::SLOWER));
    let budget = section.quantity("budget").unwrap_or(RunsTrial::BUDGET);
    if budget.secs() < 1.0 {
        section.refuse("budget", "is shorter than a second");
    }
    let trial = FloorTrial::Runs(RunsTrial { slower, budget });
    Some(search(section, trial))
}

/// Refuses a key of the other kind of subject where it is written.
fn refuse(section: &mut Section<'_>, key: &'static str, why: &str) {
    if section.has(key) {
        section.get::<(), _>(key, |_| Err(why));
    }
}

/// Reads what every search has, and ends the section.
fn search(mut section: Section<'_>, trial: FloorTrial) -> FloorConfig {
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
    section.finish();
    FloorConfig {
        repeats: repeats.map_or(FloorConfig::REPEATS, |repeats| repeats as u32),
        precision: precision.unwrap_or(Share::new(FloorConfig::PRECISION)),
        start,
        lowest,
        trial,
    }
}

fn check_precision(precision: Share) -> Result<Share, &'static str> {
    match (0.01..=0.5).contains(&precision.get()) {
        true => Ok(precision),
        false => Err("is not between 1% and 50%"),
    }
}
