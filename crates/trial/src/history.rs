//! What earlier runs of a trial showed, next to the run that is read. Pure: the runs are passed in, and no verdict
//! turns on what comes of them.

#[cfg(test)]
mod tests;

use crate::config::{SideConfig, TrialConfig};
use std::collections::{BTreeMap, BTreeSet};
use understudy_host::CpuList;
use understudy_judge::is_refused;
use understudy_judge::terms::Fresh;
use understudy_model::Role;
use understudy_model::history::{
    EarlierRun, FigureHistory, History, LeftOut, Likeness, Reading, Sameness, Spread,
};
use understudy_model::verdict::{
    Comparison, Environment, Estimate, Figure, LatencyQuantile, Resource, VerdictDocument,
    VerdictRules,
};
use understudy_redact::is_same_around_secrets;
use understudy_stats::prediction::log_prediction_interval;

/// Memory, the fairest figure first: shared pages count once, then whole, then with page cache.
const MEMORY: [Resource; 3] = [
    Resource::PeakPssBytes,
    Resource::PeakRssBytes,
    Resource::PeakCgroupBytes,
];
/// Another share of memory than this is another machine; less may be a kernel that reserves more.
const SAME_MEMORY: f64 = 0.02;

/// Relative error of an end of an interval that went through its logarithm: without it, equal values would lie outside
/// of what they predict.
const ROUNDING: f64 = 1e-9;

/// A run as it is stored.
#[derive(Clone, Debug)]
pub struct StoredRun {
    /// The name of its directory.
    pub name: String,
    /// Its verdict.
    pub verdict: VerdictDocument,
    /// Its configuration, with the environment of its sides; `None` if it cannot be read.
    pub config: Option<TrialConfig>,
}

/// What the earlier runs showed, the most recent first; `None` without any, or where the run that is read measured
/// nothing.
pub fn history(today: &StoredRun, earlier: &[StoredRun], left_out: LeftOut) -> Option<History> {
    if earlier.is_empty() {
        return None;
    }
    let runs: Vec<EarlierRun> = earlier
        .iter()
        .map(|run| EarlierRun {
            name: run.name.clone(),
            started_at: run.verdict.environment.started_at.clone(),
            verdict: run.verdict.verdict,
            likeness: likeness(today, run),
        })
        .collect();
    let rate_rps = today.verdict.primary.as_ref()?.rate_rps;
    let figures: Vec<FigureHistory> = followed(&today.verdict, rate_rps)
        .into_iter()
        .filter_map(|about| followed_over(about, rate_rps, (today, earlier), &runs))
        .collect();
    (!figures.is_empty()).then(|| History {
        today: today.verdict.environment.started_at.clone(),
        runs,
        figures,
        left_out,
    })
}

/// The primary quantile, CPU time, and memory by the fairest figure that was measured.
fn followed(today: &VerdictDocument, rate_rps: f64) -> Vec<Figure> {
    let primary = today.primary.iter().map(|primary| {
        Figure::Latency(LatencyQuantile {
            operation: primary.operation.clone(),
            quantile: primary.quantile,
        })
    });
    let has_level = |of: &Figure| read(today, of, rate_rps).is_some();
    let memory = MEMORY.into_iter().map(Figure::Resource).find(has_level);
    let cpu = Figure::Resource(Resource::CpuUsPerRequest);
    primary.chain([cpu]).chain(memory).collect()
}

fn followed_over(
    about: Figure,
    rate_rps: f64,
    (today, earlier): (&StoredRun, &[StoredRun]),
    runs: &[EarlierRun],
) -> Option<FigureHistory> {
    let now = read(&today.verdict, &about, rate_rps)?;
    let earlier: Vec<Option<Reading>> = earlier
        .iter()
        .map(|run| read(&run.verdict, &about, rate_rps))
        .collect();
    let of = |wanted: fn(&Likeness) -> bool, value: fn(&Reading) -> Option<Estimate>| {
        let seen: Vec<(&EarlierRun, f64)> = runs
            .iter()
            .zip(&earlier)
            .filter(|(run, _)| wanted(&run.likeness))
            .filter_map(|(run, reading)| Some((run, value(reading.as_ref()?)?.estimate?)))
            .collect();
        spread(&seen, value(&now).and_then(|of| of.estimate))
    };
    Some(FigureHistory {
        incumbent: of(Likeness::is_same_incumbent, |reading| reading.incumbent),
        ratio: of(Likeness::is_same_pair, |reading| reading.ratio),
        about,
        rate_rps,
        today: now,
        earlier,
    })
}

/// How far a figure moved between runs, and whether the value of the run that is read is unusual.
fn spread(seen: &[(&EarlierRun, f64)], today: Option<f64>) -> Option<Spread> {
    let values: Vec<f64> = seen.iter().map(|(_, value)| *value).collect();
    let days: BTreeSet<&str> = seen.iter().map(|(run, _)| day(&run.started_at)).collect();
    let expected = log_prediction_interval(&values);
    let (low, high) = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(*value), high.max(*value))
        });
    (!values.is_empty()).then(|| Spread {
        runs: values.len() as u32,
        days: days.len() as u32,
        low,
        high,
        expected: expected.map(understudy_judge::estimate),
        is_outside: expected.zip(today).map(|(expected, value)| {
            value < expected.low * (1.0 - ROUNDING) || value > expected.high * (1.0 + ROUNDING)
        }),
    })
}

/// The day of an RFC 3339 time.
fn day(time: &str) -> &str {
    time.split_once('T').map_or(time, |(day, _)| day)
}

/// A figure of a run; `None` if the run did not measure it at this rate.
fn read(document: &VerdictDocument, about: &Figure, rate_rps: f64) -> Option<Reading> {
    let comparisons = &document.comparisons;
    let candidate = comparisons
        .iter()
        .find(|comparison| comparison.contender == Role::Candidate)?;
    let reading = match about {
        Figure::Latency(about) => latency(document, candidate, about, rate_rps)?,
        Figure::Resource(about) => resource(document, candidate, *about, rate_rps)?,
        Figure::ErrorShare | Figure::Instructions => return None,
    };
    // By the first rules a failed gate refuses everything.
    let first = document.environment.rules < VerdictRules::BOUNDS;
    let refused = is_refused(&document.gates, about, rate_rps)
        || first && document.gates.iter().any(|gate| !gate.passed);
    Some(match refused {
        true => Reading {
            refused,
            ..Reading::default()
        },
        false => reading,
    })
}

fn latency(
    document: &VerdictDocument,
    candidate: &Comparison,
    about: &LatencyQuantile,
    rate_rps: f64,
) -> Option<Reading> {
    let find = |all: &[understudy_model::verdict::LatencyComparison]| {
        let mut all = all.iter();
        let found = all.find(|line| {
            line.operation == about.operation
                && line.quantile == about.quantile
                && line.rate_rps == rate_rps
        });
        found.cloned()
    };
    let line = find(&candidate.latency).filter(|line| line.baseline_us.is_some())?;
    Some(Reading {
        incumbent: line.baseline_us,
        ratio: line.ratio,
        against_itself: find(&document.aa).and_then(|aa| aa.ratio),
        refused: false,
    })
}

fn resource(
    document: &VerdictDocument,
    candidate: &Comparison,
    about: Resource,
    rate_rps: f64,
) -> Option<Reading> {
    let find = |all: &[understudy_model::verdict::ResourceComparison]| {
        let mut all = all.iter();
        all.find(|line| line.resource == about && line.rate_rps == rate_rps)
            .cloned()
    };
    let line = find(&candidate.resources).filter(|line| line.baseline.is_some())?;
    Some(Reading {
        incumbent: line.baseline,
        ratio: line.ratio,
        against_itself: find(&document.aa_resources).and_then(|aa| aa.ratio),
        refused: false,
    })
}

/// What an earlier run has in common with the one that is read.
fn likeness(today: &StoredRun, earlier: &StoredRun) -> Likeness {
    let environments = (&today.verdict.environment, &earlier.verdict.environment);
    if let Some(what) = other_machine(environments.0, environments.1) {
        return Likeness::OtherMachine(what);
    }
    let other = other_setup(&today.verdict, &earlier.verdict);
    if let Some(what) = other.or_else(|| other_starts(today, earlier)) {
        return Likeness::OtherSetup(what);
    }
    Likeness::Alike {
        incumbent: sameness(today, earlier, Role::Incumbent),
        candidate: sameness(today, earlier, Role::Candidate),
    }
}

/// In which way the machine of an earlier run differs.
fn other_machine(today: &Environment, earlier: &Environment) -> Option<String> {
    let memory = (today.memory_bytes as f64, earlier.memory_bytes as f64);
    let governor = |of: &Environment| of.governor.clone().unwrap_or_else(|| "none".to_owned());
    let differs = [
        (
            today.cpu_model != earlier.cpu_model,
            format!("processor {}", earlier.cpu_model),
        ),
        (today.cpus != earlier.cpus, format!("{} CPUs", earlier.cpus)),
        (
            (memory.0 - memory.1).abs() > SAME_MEMORY * memory.0,
            format!("{:.1} GiB of memory", memory.1 / 1_073_741_824.0),
        ),
        (
            today.kernel != earlier.kernel,
            format!("kernel {}", earlier.kernel),
        ),
        (
            today.governor != earlier.governor,
            format!("frequency governor {}", governor(earlier)),
        ),
        (
            today.cgroup != earlier.cgroup,
            format!("control groups {}", earlier.cgroup),
        ),
    ];
    differs
        .into_iter()
        .find_map(|(is, what)| is.then_some(what))
}

/// In which way an earlier run was set up differently.
fn other_setup(today: &VerdictDocument, earlier: &VerdictDocument) -> Option<String> {
    let (now, then) = (&today.method, &earlier.method);
    let (here, there) = (&today.environment, &earlier.environment);
    let workload = |of: &Environment| -> Vec<Option<String>> {
        let files = ["requests", "prepare", "workload"];
        files.map(|name| of.hashes.get(name).cloned()).to_vec()
    };
    let cpus = |of: &Environment| {
        let list = |cpus: &[u32]| CpuList::new(cpus.iter().copied()).to_string();
        format!(
            "generator on CPU {}, sides on CPU {}",
            list(&of.generator_cpus),
            list(&of.subject_cpus)
        )
    };
    let differs = [
        (
            workload(here) != workload(there) || now.requests != then.requests,
            "another workload".to_owned(),
        ),
        (now.level != then.level, format!("level {}", then.level)),
        (
            now.limits != then.limits,
            "other limits of the sides".to_owned(),
        ),
        (
            now.connections != then.connections,
            format!("{} connections", then.connections),
        ),
        (
            now.arrivals != then.arrivals,
            format!("arrivals {}", then.arrivals),
        ),
        (cpus(here) != cpus(there), cpus(there)),
        (
            here.understudy != there.understudy,
            format!("Understudy {}", there.understudy),
        ),
    ];
    differs
        .into_iter()
        .find_map(|(is, what)| is.then_some(what))
}

/// When the sides of an earlier run started, where that differs: starts of one program differ by themselves.
fn other_starts(today: &StoredRun, earlier: &StoredRun) -> Option<String> {
    let starts = |run: &StoredRun| Some(run.config.as_ref()?.terms().starts());
    let (now, then) = (starts(today)?, starts(earlier)?);
    (now != then).then(|| match then {
        Fresh::Trial => "sides that were started once".to_owned(),
        Fresh::Pair => "sides that were started for every pair".to_owned(),
        Fresh::Block => "sides that were started for every measurement".to_owned(),
    })
}

/// Is a side of two runs the same program? Compared are the SHA-256 of the files that its command names, the command
/// and the environment that is added to it.
fn sameness(today: &StoredRun, earlier: &StoredRun, side: Role) -> Sameness {
    let files = |run: &StoredRun| -> BTreeMap<String, String> {
        let of_side = |name: &str| name.split(' ').next() == Some(side.name());
        let hashes = run.verdict.environment.hashes.iter();
        hashes
            .filter(|(name, _)| of_side(name))
            .map(|(name, hash)| (name.clone(), hash.clone()))
            .collect()
    };
    let (now, then) = (files(today), files(earlier));
    if now.is_empty() && then.is_empty() {
        return Sameness::Unknown;
    }
    let command = |run: &StoredRun| {
        let sides = &run.verdict.method.sides;
        sides.get(side.name()).cloned().unwrap_or_default()
    };
    let same = now == then
        && is_same_around_secrets(&command(today), &command(earlier))
        && is_same_environment(today, earlier, side);
    match same {
        true => Sameness::Same,
        false => Sameness::Other,
    }
}

/// A configuration that cannot be read says nothing against it.
fn is_same_environment(today: &StoredRun, earlier: &StoredRun, side: Role) -> bool {
    let variables = |run: &StoredRun| match run.config.as_ref()?.side(side) {
        SideConfig::Launched(launched) => Some(launched.env.clone()),
        SideConfig::Running { .. } => None,
    };
    let Some((now, then)) = variables(today).zip(variables(earlier)) else {
        return true;
    };
    now.len() == then.len()
        && now.iter().zip(&then).all(|((name, value), (other, was))| {
            name == other && is_same_around_secrets(value, was)
        })
}
