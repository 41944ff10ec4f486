//! `trial.toml` and the flags that stand for it: both become a [`TrialConfig`].
//!
//! Everything that is wrong is reported at once, one line each. TOML is read by hand instead of with
//! serde, so that every mistake has its line and its key.

mod capacity;
mod command;
mod dependencies;
mod edges;
mod flags;
mod fleet;
mod floor;
mod gateway;
mod objectives;
pub(crate) mod protobuf;
mod reader;
mod rules;
mod side_argument;
mod sides;
mod suite;
mod workload;
mod write;

pub(crate) use flags::{Flags, from_flags};
pub(crate) use fleet::{FLEET, fleet};
pub(crate) use gateway::gateway;
pub(crate) use objectives::slo_argument;
pub(crate) use side_argument::SideArgument;
pub(crate) use suite::{Pair, read_suite, short_key, whose};
pub(crate) use write::{rule_text, write};

use reader::{Problems, Section};
use sides::Limited;
use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use toml::de::DeTable;
use understudy_case::Input;
use understudy_compare::Day;
use understudy_host::CpuList;
use understudy_judge::terms::{Level, LimitsConfig, Question};
use understudy_model::{ByteSize, Role, Share, Span, plain_words};
use understudy_trial::config::{
    CaseConfig, Kind, MachineConfig, SideConfig, TrialConfig, WorkloadConfig,
};

/// The version of the format.
const SCHEMA: u64 = 1;
/// The seed, where nothing is said.
const SEED: u64 = 1;
/// The highest seed: TOML's integers have a sign.
const HIGHEST_SEED: u64 = i64::MAX as u64;
/// No configuration is longer; something else was named by mistake.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// What a configuration is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode<'a> {
    /// To run the trial: folders and files have to be there, URLs to have an address, rules to hold.
    Run {
        /// The day on which it runs.
        day: Day,
        /// Sides that replace those of the file.
        sides: &'a [SideArgument],
    },
    /// To judge a run that was made: the world may have changed since. Rules are not checked.
    Judge,
}

/// Where a configuration is read.
struct Surroundings<'a> {
    /// What its paths are relative to.
    folder: &'a Path,
    mode: Mode<'a>,
}

/// Reads the configuration in a file.
///
/// # Errors
/// Every mistake, one line each: `FILE:LINE: KEY: what`; or that the file cannot be read.
pub(crate) fn read(path: &Path, mode: Mode<'_>) -> Result<TrialConfig, Vec<String>> {
    let text = text_of(path)?;
    let shown = path.display();
    let absolute = std::path::absolute(path).map_err(|error| vec![cannot_read(path, &error)])?;
    let folder = absolute.parent().unwrap_or(&absolute);
    parse(&text, folder, &shown.to_string(), mode)
}

/// That a file cannot be read, and why.
pub(crate) fn cannot_read(path: &Path, error: &std::io::Error) -> String {
    format!("cannot read {}: {}", path.display(), plain_words(error))
}

/// The text of a file that is no longer than a configuration can be.
fn text_of(path: &Path) -> Result<String, Vec<String>> {
    let shown = path.display();
    let mut text = String::new();
    fs::File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text))
        .map_err(|error| vec![cannot_read(path, &error)])?;
    if text.len() as u64 > MOST_BYTES {
        return Err(vec![format!(
            "cannot read {shown}: it has more than {MOST_BYTES} bytes"
        )]);
    }
    Ok(text)
}

/// Reports why a text is not valid TOML; the rest of such a document is not read.
fn no_document(errors: &[toml::de::Error], text: &str, problems: &Problems<'_>) -> bool {
    for error in errors {
        let at = error.span().map_or(text.len(), |span| span.start);
        problems.add(at, format!("this is not TOML: {}", error.message()));
    }
    !errors.is_empty()
}

/// Reads a configuration whose paths are relative to `folder`; messages call it `file`.
///
/// # Errors
/// Every mistake, one line each: `FILE:LINE: KEY: what`.
pub(crate) fn parse(
    text: &str,
    folder: &Path,
    file: &str,
    mode: Mode<'_>,
) -> Result<TrialConfig, Vec<String>> {
    let around = Surroundings { folder, mode };
    let mut config = document(text, folder, file, |table, problems| {
        trial(Section::root(table, problems), &around)
    })?;
    if let Mode::Run { sides, .. } = mode {
        side_argument::apply(&mut config, sides, folder)?;
    }
    Ok(config)
}

/// What `read` makes of a TOML document whose paths are relative to `folder`; messages call it `file`.
///
/// # Errors
/// Every mistake, one line each: `FILE:LINE: KEY: what`.
fn document<T>(
    text: &str,
    folder: &Path,
    file: &str,
    read: impl FnOnce(&DeTable<'_>, &Problems<'_>) -> Option<T>,
) -> Result<T, Vec<String>> {
    let problems = Problems::new(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    no_document(&errors, text, &problems);
    if folder.to_str().is_none() {
        let what = format!(
            "the path of {} is not UTF-8\nhint: move the file",
            folder.display()
        );
        problems.add(0, what);
    }
    // What is left of a broken document would only give mistakes that are not there.
    if !problems.is_empty() {
        return Err(problems.lines(file));
    }
    match read(document.get_ref(), &problems) {
        Some(read) if problems.is_empty() => Ok(read),
        // Whatever is missing, a problem says why.
        _ => Err(problems.lines(file)),
    }
}

fn trial(mut root: Section<'_>, around: &Surroundings<'_>) -> Option<TrialConfig> {
    if !root.is_of_version(SCHEMA) {
        return None;
    }
    let (name, level, seed) = header(root.section("trial"), around.folder);
    let kind = subject(root.section("subject"));
    let (limits, limited) = limits(root.section("limits"), kind);
    let mut sides = root.section("side");
    let [incumbent, candidate] = [Role::Incumbent, Role::Candidate].map(|side| {
        let written = sides.has(side.name()) || !around.replaces(side);
        written.then(|| sides::read(&mut sides, side, limited, around))
    });
    // A side that is replaced need not be written: the other one stands for it until then.
    let (incumbent, candidate) = match (incumbent, candidate) {
        (Some(one), None) => (one.clone(), one),
        (None, Some(other)) => (other.clone(), other),
        (None, None) => {
            // Arguments that name a commit find no side that they could be a commit of.
            let stand_in = SideConfig::Running {
                url: String::new(),
                attach: None,
            };
            (Some(stand_in.clone()), Some(stand_in))
        }
        (incumbent, candidate) => (incumbent.flatten(), candidate.flatten()),
    };
    let tuned = sides.has(Role::Tuned.name());
    let tuned = tuned.then(|| sides::read(&mut sides, Role::Tuned, limited, around));
    sides.finish();
    let workload = root.section("workload");
    let mut compare = root.section("compare");
    let workload = match kind {
        Kind::Http => {
            let edges = edges::read(root.section("edges"));
            let sides = [(Role::Incumbent, &incumbent), (Role::Candidate, &candidate)];
            let sides = sides.map(|(role, side)| (role, side.as_ref()));
            let tuned = (Role::Tuned, tuned.as_ref().and_then(Option::as_ref));
            let sides: Vec<_> = sides.into_iter().chain([tuned]).collect();
            let dependencies = dependencies::read(root.sections("dependency"), &sides, around);
            let is_there = around.mode != Mode::Judge;
            let file = |section: &mut Section<'_>, key| around.file(section, key);
            let protobuf = protobuf::read(&mut compare, file, is_there).map(|(config, _)| config);
            let besides = workload::Besides {
                edges,
                dependencies,
                protobuf,
            };
            workload::read(workload, besides, around).map(WorkloadConfig::Http)
        }
        Kind::Command => {
            let outputs = command::outputs(&mut compare, around.folder);
            let ffmpeg = command::ffmpeg(&mut compare, around.folder);
            let deadline = command::deadline(root.section("capacity"));
            command::read(workload, (outputs, ffmpeg), deadline, around)
                .map(WorkloadConfig::Command)
        }
    };
    let slos = objectives::slos(root.sections("slo"));
    let goals = objectives::goals(&root.section("goal"));
    let question = question(root.section("judge"), tuned.is_some());
    let rules = rules::read(compare, around.mode);
    let machine = machine(root.section("machine"));
    let rates = workload.as_ref().and_then(WorkloadConfig::http);
    let rates = rates.map_or(&[][..], |of| &of.rates);
    let (capacity, memory_floor) = match kind {
        Kind::Http => (
            capacity::read(root.section("capacity"), rates, &slos),
            floor::of_service(root.section("memory_floor"), rates, &slos),
        ),
        Kind::Command => (None, floor::of_command(root.section("memory_floor"))),
    };
    command::check_goals((kind, workload.as_ref()), &goals, &root);
    let commands = workload.as_ref().and_then(WorkloadConfig::command);
    let has_deadline = commands.is_some_and(|of| of.sizing.deadline.is_some());
    let has_capacity = capacity.is_some() || has_deadline;
    let measured = measured(&limits, has_capacity, memory_floor.is_some());
    let case = business(root.section("case"), &measured, around);
    root.finish();
    Some(TrialConfig {
        name,
        level,
        seed,
        incumbent: incumbent?,
        candidate: candidate?,
        // One that could not be read is a problem that was reported.
        tuned: tuned.flatten(),
        workload: workload?,
        slos,
        goals,
        question,
        limits,
        rules,
        machine,
        case,
        capacity,
        memory_floor,
    })
}

/// `[case]`: the file of the business case, whose own mistakes are reported with their place in it.
fn business(
    mut section: Section<'_>,
    measured: &[Input],
    around: &Surroundings<'_>,
) -> Option<CaseConfig> {
    let path = around
        .file(&mut section, "fleet")
        .filter(|path| path.is_file());
    let case = path.map(|path| fleet::of_trial(&path, measured));
    let case = case.and_then(|read| {
        let refuse = |lines: Vec<String>| {
            lines
                .into_iter()
                .for_each(|line| section.refuse("fleet", line))
        };
        read.map_err(refuse).ok()
    });
    section.finish();
    case
}

/// Figures of the business case that the trial itself measures.
fn measured(limits: &LimitsConfig, capacity: bool, floor: bool) -> Vec<Input> {
    let sizes = [Input::IncumbentVcpus, Input::CandidateVcpus];
    let capacities = [Input::IncumbentCapacity, Input::CandidateCapacity];
    let sizes = sizes.into_iter().filter(|_| limits.cpus.is_some());
    let floors = [Input::IncumbentMemory, Input::CandidateMemory];
    sizes
        .chain(capacities.into_iter().filter(|_| capacity))
        .chain(floors.into_iter().filter(|_| floor))
        .collect()
}

fn header(mut section: Section<'_>, folder: &Path) -> (String, Level, u64) {
    let name = section.text("name").map(str::to_owned);
    let levels = Level::ALL.map(|level| (level.name(), level));
    let level = section.choice("level", &levels).unwrap_or_default();
    let seed = section.whole("seed", 0..=HIGHEST_SEED).unwrap_or(SEED);
    section.finish();
    (name.unwrap_or_else(|| name_of(folder)), level, seed)
}

/// A trial without a name is called like its folder.
fn name_of(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or("trial".as_ref());
    name.to_string_lossy().into_owned()
}

fn subject(mut section: Section<'_>) -> Kind {
    let kinds = Kind::ALL.map(|kind| (kind.name(), kind));
    let kind = section.choice("kind", &kinds).unwrap_or_default();
    section.finish();
    kind
}

/// `[judge]`: what the verdict answers.
fn question(mut section: Section<'_>, has_tuned: bool) -> Question {
    let margin = section.percentage::<Share>("margin");
    let no_worse = section
        .choice("goal", &[("replace", false), ("no_worse", true)])
        .unwrap_or_default();
    let longest = section.quantity::<Span>("longest");
    for key in ["margin", "longest"] {
        if section.has(key) && !no_worse {
            section.refuse(key, "goes with goal = \"no_worse\" only");
        }
    }
    if no_worse && has_tuned {
        let what = "\"no_worse\" compares two versions of one service\nhint: leave out `[side.tuned]`: it shows what tuning reaches without a replacement";
        section.refuse("goal", what);
    }
    if let Some(Err(error)) = margin.map(check_margin) {
        section.refuse("margin", error);
    }
    section.finish();
    match no_worse {
        true => Question::NoWorse {
            margin: margin.unwrap_or(Share::new(Question::MARGIN)),
            longest,
        },
        false => Question::Replace,
    }
}

fn check_margin(margin: Share) -> Result<Share, &'static str> {
    match margin.get() {
        0.0 => Err("0% can never be shown: every measurement has an interval"),
        _ => Ok(margin),
    }
}

fn limits(mut section: Section<'_>, kind: Kind) -> (LimitsConfig, Limited) {
    let limits = LimitsConfig {
        cpus: section.cpus("cpus"),
        memory: section.quantity("memory"),
    };
    if let Some(Err(error)) = limits.memory.map(check_memory) {
        section.refuse("memory", error);
    }
    let limited = Limited {
        kind,
        memory: section.has("memory"),
        cpus: section.has("cpus"),
    };
    section.finish();
    (limits, limited)
}

fn check_memory(memory: ByteSize) -> Result<ByteSize, &'static str> {
    match memory.bytes() {
        0 => Err("0 leaves nothing to run in"),
        _ => Ok(memory),
    }
}

fn machine(mut section: Section<'_>) -> MachineConfig {
    let what = "a list of CPUs such as \"0\", \"0,2\" or \"1-3\"";
    let machine = MachineConfig {
        generator: section.parsed::<CpuList>("generator", what),
        subject: section.parsed::<CpuList>("subject", what),
    };
    section.finish();
    machine
}

impl Surroundings<'_> {
    /// Does an argument replace this side?
    fn replaces(&self, side: Role) -> bool {
        matches!(self.mode, Mode::Run { sides, .. } if sides.iter().any(|of| of.side == side))
    }

    /// The path of a key, made absolute.
    fn path(&self, section: &mut Section<'_>, key: &'static str) -> Option<PathBuf> {
        section.text(key).map(|path| absolute(self.folder, path))
    }

    /// A folder that has to be there.
    fn folder(&self, section: &mut Section<'_>, key: &'static str) -> Option<PathBuf> {
        let path = self.path(section, key)?;
        if self.mode != Mode::Judge && !path.is_dir() {
            section.refuse(key, format!("{path:?} is not a folder"));
        }
        Some(path)
    }

    /// A file that has to be there.
    fn file(&self, section: &mut Section<'_>, key: &'static str) -> Option<PathBuf> {
        let path = self.path(section, key)?;
        if self.mode != Mode::Judge && !path.is_file() {
            section.refuse(key, format!("{path:?} is not a file"));
        }
        Some(path)
    }
}

/// `path` as seen from `folder`, without `.` in it. (`..` stays: it may lead through a link.)
fn absolute(folder: &Path, path: &str) -> PathBuf {
    let joined = folder.join(path);
    let components = joined.components();
    components
        .filter(|part| *part != Component::CurDir)
        .collect()
}

#[cfg(test)]
mod tests;
