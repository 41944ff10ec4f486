//! A trial without a file: `--incumbent`, `--candidate` and `--get` say it all.

use super::command::{cases_from, wrong_goal};
use super::objectives::{goal_argument, slo_argument};
use super::sides::{Limited, READY_TIMEOUT, check_path, mistakes};
use super::workload::{CONNECTIONS, TIMEOUT, ascending, check_rate};
use super::{HIGHEST_SEED, SEED, absolute, check_margin, check_memory, name_of};
use clap::Args;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;
use understudy_judge::terms::{Level, LimitsConfig, Question, Sizing};
use understudy_model::Arrivals;
use understudy_model::{ByteSize, Quantity, Span, plain_words};
use understudy_subject_command::Outputs;
use understudy_subject_http::Target;
use understudy_trial::config::{
    Cache, CasesFrom, CommandWorkload, HostHeader, HttpWorkload, Kind, Launched, MachineConfig,
    Pauses, Ready, RequestsFrom, SideConfig, TrialConfig, WorkloadConfig,
};

/// The rate that is offered, where nothing is said.
const RATE: f64 = 500.0;

/// Where the flags are in the help of a command, apart from its own.
const HEADING: &str = "Without a file";

/// What a trial without a file is made of. Values stay texts here, so that everything that is wrong
/// with them is reported at once.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Flags {
    /// The trial's file [default: trial.toml]; or two commands, what runs today and what may replace it
    #[arg(value_name = "TRIAL.toml|COMMAND COMMAND", num_args = 0..=2)]
    what: Vec<String>,
    /// Command that starts what runs today, with {port}; or the http:// URL where it runs already
    #[arg(long, help_heading = HEADING, value_name = "COMMAND|URL")]
    incumbent: Option<String>,
    /// Command that starts what may replace it, with {port}; or its http:// URL
    #[arg(long, help_heading = HEADING, value_name = "COMMAND|URL")]
    candidate: Option<String>,
    /// The incumbent with another heap, collector or setting: what it reaches is not a reason to replace
    #[arg(long, help_heading = HEADING, value_name = "COMMAND|URL")]
    tuned: Option<String>,
    /// A path to ask all of them for (repeatable)
    #[arg(long, help_heading = HEADING, value_name = "PATH")]
    get: Vec<String>,
    /// Requests as JSON lines, instead of --get
    #[arg(long, help_heading = HEADING, value_name = "FILE.jsonl")]
    requests: Option<String>,
    /// What each run of the two commands gets: a .jsonl file, or a pattern such as 'data/*.json' for {in}
    #[arg(long, help_heading = HEADING, value_name = "FILE.jsonl|PATTERN")]
    cases: Option<String>,
    /// The two commands are lines for a shell
    #[arg(long, help_heading = HEADING)]
    shell: bool,
    /// Longest time of one run of a command [default: 10min]
    #[arg(long, help_heading = HEADING, value_name = "TIME")]
    timeout: Option<String>,
    /// Instructions are counted as well, of runs or of requests, by Valgrind: some tens of times slower
    #[arg(long, help_heading = HEADING)]
    instructions: bool,
    /// Input files are read from the disk in each run of a command, and not from memory
    #[arg(long, help_heading = HEADING)]
    cold: bool,
    /// How outputs of the two commands are compared: "stdout=json", "out/*.csv=csv" (repeatable)
    #[arg(long, help_heading = HEADING, value_name = "OUTPUT=HOW")]
    output: Vec<String>,
    /// Requests per second at which latency is compared (repeatable) [default: 500]
    #[arg(long, help_heading = HEADING, value_name = "R")]
    rate: Vec<String>,
    /// What has to be held: "p99<20ms", "errors<0.1%" (repeatable)
    #[arg(long, help_heading = HEADING, value_name = "OBJECTIVE")]
    slo: Vec<String>,
    /// What the rewrite is for: "cpu=-30%", "memory=-40%", "instructions=-20%", "p99=-25%"; of commands "wall=-20%"
    /// (repeatable)
    #[arg(long, help_heading = HEADING, value_name = "GOAL")]
    goal: Vec<String>,
    /// Ask whether the candidate, a newer version, is worse by more than this, e.g. 5%
    #[arg(long, help_heading = HEADING, value_name = "MARGIN")]
    no_worse: Option<String>,
    /// Limit of CPUs for each side, e.g. 1 or 0.5
    #[arg(long, help_heading = HEADING, value_name = "N")]
    cpus: Option<String>,
    /// Limit of memory for each side, e.g. 512MiB
    #[arg(long, help_heading = HEADING, value_name = "SIZE")]
    memory: Option<String>,
    /// Path that answers 2xx once a side is ready
    #[arg(long, help_heading = HEADING, value_name = "PATH")]
    ready: Option<String>,
    /// Fixes schedules, order and resampling [default: 1]
    #[arg(long, help_heading = HEADING, value_name = "N")]
    seed: Option<String>,
    /// Requests that are not safe may be sent to sides that run already
    #[arg(long, help_heading = HEADING)]
    writes: bool,
    /// Name of the trial [default: the name of this folder]
    #[arg(long, help_heading = HEADING)]
    name: Option<String>,
}

impl Flags {
    /// Those of a command that names a file alone.
    #[cfg(test)]
    pub(crate) fn of_file(path: &Path) -> Self {
        Flags {
            what: vec![path.display().to_string()],
            ..Flags::default()
        }
    }

    /// The file that is named.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self.what.as_slice() {
            [file] => Some(Path::new(file)),
            _ => None,
        }
    }

    /// The two commands that are given, if neither is a service.
    fn commands(&self) -> Option<(&str, &str)> {
        match self.what.as_slice() {
            [a, b] if !is_service(a) && !is_service(b) => Some((a, b)),
            _ => None,
        }
    }

    /// What stands for a side: by its flag, or by its place.
    fn side(&self, flag: Option<&str>, place: usize) -> Option<String> {
        let placed = self.what.get(place).filter(|_| self.what.len() == 2);
        flag.map(str::to_owned).or_else(|| placed.cloned())
    }

    /// The flags that were given, as they are written: none of them goes with a file.
    pub(crate) fn given(&self) -> Vec<&'static str> {
        let all = [
            ("two commands", self.what.len() == 2),
            ("--cases", self.cases.is_some()),
            ("--shell", self.shell),
            ("--timeout", self.timeout.is_some()),
            ("--cold", self.cold),
            ("--instructions", self.instructions),
            ("--output", !self.output.is_empty()),
            ("--incumbent", self.incumbent.is_some()),
            ("--candidate", self.candidate.is_some()),
            ("--tuned", self.tuned.is_some()),
            ("--get", !self.get.is_empty()),
            ("--requests", self.requests.is_some()),
            ("--rate", !self.rate.is_empty()),
            ("--slo", !self.slo.is_empty()),
            ("--goal", !self.goal.is_empty()),
            ("--no-worse", self.no_worse.is_some()),
            ("--cpus", self.cpus.is_some()),
            ("--memory", self.memory.is_some()),
            ("--ready", self.ready.is_some()),
            ("--seed", self.seed.is_some()),
            ("--writes", self.writes),
            ("--name", self.name.is_some()),
        ];
        let given = all.into_iter().filter(|(_, given)| *given);
        given.map(|(flag, _)| flag).collect()
    }
}

/// The trial that the flags describe, in the current directory.
///
/// # Errors
/// Every mistake, one line each: `--FLAG: what`.
pub(crate) fn from_flags(flags: &Flags) -> Result<TrialConfig, Vec<String>> {
    let folder = std::env::current_dir().map_err(|error| {
        vec![format!(
            "the current directory is not known: {}",
            plain_words(&error)
        )]
    })?;
    in_folder(flags, &folder)
}

/// Does it say how to start a service, or where one is?
fn is_service(text: &str) -> bool {
    text.contains("{port}") || is_url(text)
}

fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

pub(super) fn in_folder(flags: &Flags, folder: &Path) -> Result<TrialConfig, Vec<String>> {
    let mut check = Check {
        flags,
        folder,
        kind: Kind::default(),
        wrong: Vec::new(),
    };
    if folder.to_str().is_none() {
        check.wrong.push(
            "the path of the current directory is not UTF-8\nhint: change to another folder"
                .to_owned(),
        );
    }
    check.kind = match flags.commands() {
        Some(_) => Kind::Command,
        None => Kind::Http,
    };
    check.belonging();
    let given = |flag: &Option<String>, place| flags.side(flag.as_deref(), place);
    let incumbent = check.side("--incumbent", given(&flags.incumbent, 0).as_deref());
    let candidate = check.side("--candidate", given(&flags.candidate, 1).as_deref());
    let tuned = flags.tuned.as_deref();
    let tuned = tuned.and_then(|text| check.side("--tuned", Some(text)));
    let mut sides = vec![&incumbent, &candidate];
    sides.extend(tuned.is_some().then_some(&tuned));
    check.ready(&sides);
    let workload = match check.kind {
        Kind::Http => check.workload().map(WorkloadConfig::Http),
        Kind::Command => check.runs().map(WorkloadConfig::Command),
    };
    let slos = check.all("--slo", &flags.slo, slo_argument);
    let goals = check.all("--goal", &flags.goal, goal_argument);
    let wrong_goal = goals
        .iter()
        .find_map(|goal| wrong_goal((check.kind, false), goal));
    if let Some(what) = wrong_goal {
        check.wrong.push(format!("--goal: {what}"));
    }
    let question = check.question();
    let limits = LimitsConfig {
        cpus: check.quantity("--cpus", flags.cpus.as_deref()),
        memory: check.memory(),
    };
    let seed = check.seed();
    let name = check.name();
    match (incumbent, candidate, workload) {
        (Some(incumbent), Some(candidate), Some(workload)) if check.wrong.is_empty() => {
            Ok(TrialConfig {
                name,
                level: Level::default(),
                seed,
                incumbent,
                candidate,
                tuned,
                workload,
                slos,
                goals,
                question,
                limits,
                rules: Vec::new(),
                machine: MachineConfig::default(),
                case: None,
                capacity: None,
                memory_floor: None,
            })
        }
        // Whatever is missing, a message says why.
        _ => Err(check.wrong),
    }
}

/// Reads flags and collects what is wrong with them.
struct Check<'f> {
    flags: &'f Flags,
    folder: &'f Path,
    kind: Kind,
    wrong: Vec<String>,
}

impl Check<'_> {
    fn keep<T, E: Display>(&mut self, flag: &str, read: Result<T, E>) -> Option<T> {
        read.map_err(|error| self.wrong.push(format!("{flag}: {error}")))
            .ok()
    }

    fn all<T>(
        &mut self,
        flag: &str,
        texts: &[String],
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        texts
            .iter()
            .filter_map(|text| self.keep(flag, read(text)))
            .collect()
    }

    fn quantity<Q: Quantity>(&mut self, flag: &str, text: Option<&str>) -> Option<Q> {
        text.and_then(|text| self.keep(flag, text.parse()))
    }

    fn side(&mut self, flag: &str, text: Option<&str>) -> Option<SideConfig> {
        let what = "is missing\nhint: give the command that starts it, or its `http://` URL";
        let text = self.keep(
            flag,
            text.filter(|text| !text.trim().is_empty()).ok_or(what),
        )?;
        if is_url(text) {
            self.keep(flag, Target::parse_server(text))?;
            return Some(SideConfig::Running {
                url: text.to_owned(),
                attach: None,
            });
        }
        let launched = Launched {
            dir: self.folder.to_owned(),
            git: None,
            build: None,
            shell: self.flags.shell,
            run: text.to_owned(),
            env: BTreeMap::new(),
            ready: self.flags.ready.clone().map_or(Ready::Port, Ready::Path),
            ready_timeout: READY_TIMEOUT,
            pauses: Pauses::default(),
        };
        let limited = Limited {
            kind: self.kind,
            memory: self.flags.memory.is_some(),
            cpus: self.flags.cpus.is_some(),
        };
        for (_, what) in mistakes(&launched, limited) {
            self.wrong.push(format!("{flag}: {what}"));
        }
        Some(SideConfig::Launched(launched))
    }

    fn ready(&mut self, sides: &[&Option<SideConfig>]) {
        let Some(path) = &self.flags.ready else {
            return;
        };
        self.keep("--ready", check_path(path));
        if sides
            .iter()
            .all(|side| matches!(side, Some(SideConfig::Running { .. })))
        {
            self.wrong
                .push("--ready: no side is started, so that none is awaited".to_owned());
        }
    }

    /// Flags that go with the other kind of subject.
    fn belonging(&mut self) {
        let flags = self.flags;
        let of_services = [
            ("--get", !flags.get.is_empty()),
            ("--requests", flags.requests.is_some()),
            ("--rate", !flags.rate.is_empty()),
            ("--ready", flags.ready.is_some()),
            ("--writes", flags.writes),
        ];
        let of_commands = [
            ("--cases", flags.cases.is_some()),
            ("--shell", flags.shell),
            ("--timeout", flags.timeout.is_some()),
            ("--cold", flags.cold),
            ("--output", !flags.output.is_empty()),
        ];
        let (others, why) = match self.kind {
            Kind::Command => (
                &of_services[..],
                "is about services\nhint: write `{port}` where the commands take the port to listen on",
            ),
            Kind::Http => (
                &of_commands[..],
                "is about commands\nhint: give two commands without `{port}`",
            ),
        };
        let others = others.iter().filter(|(_, given)| *given);
        let wrong = others.map(|(flag, _)| format!("{flag}: {why}"));
        self.wrong.extend(wrong);
        let both = flags.incumbent.is_some() || flags.candidate.is_some();
        if flags.what.len() == 2 && both {
            let what = "the two commands and `--incumbent`, `--candidate` say the same thing";
            self.wrong.push(format!("{what}\nhint: use one of them"));
        }
    }

    /// What each run of the two commands gets.
    fn runs(&mut self) -> Option<CommandWorkload> {
        let timeout = self.quantity::<Span>("--timeout", self.flags.timeout.as_deref());
        if timeout.is_some_and(|timeout| timeout.nanos() == 0) {
            self.wrong
                .push("--timeout: 0 leaves no time to run".to_owned());
        }
        let cases = self.flags.cases.as_deref();
        Some(CommandWorkload {
            cases: cases.map_or(CasesFrom::Alone, |cases| cases_from(cases, self.folder)),
            cache: match self.flags.cold {
                true => Cache::Cold,
                false => Cache::Warm,
            },
            timeout: timeout.unwrap_or(super::command::TIMEOUT),
            outputs: self.outputs(),
            instructions: self.flags.instructions,
            ffmpeg: super::command::FFMPEG.to_owned(),
            startup: None,
            sizing: Sizing::default(),
        })
    }

    fn outputs(&mut self) -> Outputs {
        let entries = self.all("--output", &self.flags.output, |text| {
            let entry = text.rsplit_once('=');
            let entry = entry.map(|(path, word)| (path.to_owned(), word.to_owned()));
            entry.ok_or_else(|| format!("{text:?} is not an output such as \"stdout=json\""))
        });
        let entries = entries
            .iter()
            .map(|(path, word)| (path.as_str(), word.as_str()));
        Outputs::read(entries).unwrap_or_else(|errors| {
            let lines = errors
                .into_iter()
                .map(|(_, what)| format!("--output: {what}"));
            self.wrong.extend(lines);
            Outputs::default()
        })
    }

    fn workload(&mut self) -> Option<HttpWorkload> {
        let requests = self.requests();
        let rates = self.all("--rate", &self.flags.rate, |text| match text.parse() {
            Ok(rate) => check_rate(rate),
            Err(_) => Err(format!("{text:?} is not a number of requests per second")),
        });
        Some(HttpWorkload {
            requests: requests?,
            prepare: None,
            rates: match self.flags.rate.as_slice() {
                [] => vec![RATE],
                _ => ascending(rates),
            },
            arrivals: Arrivals::default(),
            fresh: None,
            connections: CONNECTIONS,
            timeout: TIMEOUT,
            warmup: None,
            writes: self.flags.writes,
            instructions: self.flags.instructions,
            host: HostHeader::default(),
            edges: None,
            dependencies: Vec::new(),
            protobuf: None,
        })
    }

    fn requests(&mut self) -> Option<RequestsFrom> {
        let paths = self.all("--get", &self.flags.get, |path| {
            check_path(path).map(|()| path.to_owned())
        });
        match (&self.flags.requests, self.flags.get.is_empty()) {
            (None, false) => Some(RequestsFrom::Paths(paths)),
            (Some(file), true) => {
                let path = absolute(self.folder, file);
                let there = path.is_file().then_some(path);
                self.keep(
                    "--requests",
                    there.ok_or_else(|| format!("{file:?} is not a file")),
                )
                .map(RequestsFrom::File)
            }
            (Some(_), false) => {
                self.wrong
                    .push("--requests: excludes --get: a file, or paths".to_owned());
                None
            }
            (None, true) => {
                self.wrong.push(
                    "`--get` is missing\nhint: give a path, or a file with `--requests`".to_owned(),
                );
                None
            }
        }
    }

    fn question(&mut self) -> Question {
        let margin = self.quantity("--no-worse", self.flags.no_worse.as_deref());
        let margin = margin.and_then(|margin| self.keep("--no-worse", check_margin(margin)));
        if self.flags.no_worse.is_some() && self.flags.tuned.is_some() {
            let what = "excludes --no-worse, which compares two versions of one service";
            self.wrong.push(format!("--tuned: {what}"));
        }
        margin.map_or(Question::Replace, |margin| Question::NoWorse {
            margin,
            longest: None,
        })
    }

    fn memory(&mut self) -> Option<ByteSize> {
        let memory = self.quantity("--memory", self.flags.memory.as_deref())?;
        self.keep("--memory", check_memory(memory))
    }

    fn seed(&mut self) -> u64 {
        let Some(text) = &self.flags.seed else {
            return SEED;
        };
        let seed = text.parse().ok().filter(|seed| *seed <= HIGHEST_SEED);
        let wrong = || format!("{text:?} is not a whole number from 0 to {HIGHEST_SEED}");
        self.keep("--seed", seed.ok_or_else(wrong)).unwrap_or(SEED)
    }

    fn name(&mut self) -> String {
        match self.flags.name.as_deref() {
            None => name_of(self.folder),
            Some("") => {
                self.wrong
                    .push("`--name` is empty\nhint: give a name, or leave it out".to_owned());
                String::new()
            }
            Some(name) => name.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
