//! Commands, as a kind of subject.

use crate::config::{Cache, CasesFrom, CommandWorkload, SideConfig, TrialConfig};
use crate::contents::{DataSets, Readers};
use crate::cpus::Assignment;
use crate::environment::{hexadecimal, sha256};
use crate::error::TrialError;
use crate::instructions::{self, counter};
use crate::limited_runs::{self, Bounds};
use crate::media::{self, Curves, Ffmpeg};
use crate::placeholders::with_limits;
use crate::runs;
use crate::subject::{Comparable, Measuring, Member, Planting, Seen, Subject};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use understudy_compare::plain::Plain;
use understudy_compare::{Differ, Redact, Row, Rules};
use understudy_evidence::RunDirectory;
use understudy_judge::terms::LimitsConfig;
use understudy_model::{Outcome, Role, Span};
use understudy_probe::{Cgroups, Limits, split_command};
use understudy_redact::{Redactor, shell_quoted};
use understudy_subject::Asker;
use understudy_subject_command::{
    Case, Cases, Command, CommandSide, DEFAULT_PATH, Executed, Input, LauncherSetup, Placing,
    shared_files,
};
use understudy_workload::{CaseFacts, Catalogue};

/// Where the directories of the runs are, in the run directory.
const FOLDER: &str = "work";

/// What commands are made of.
pub(crate) struct Inputs<'a> {
    pub(crate) config: &'a TrialConfig,
    pub(crate) workload: &'a CommandWorkload,
    pub(crate) cases: &'a Cases,
    pub(crate) launcher: &'a [String],
    pub(crate) cgroups: &'a Cgroups,
    pub(crate) cpus: &'a Assignment,
    pub(crate) stop: &'a Arc<AtomicBool>,
}

/// Commands and their cases.
pub(crate) struct Commands<'a> {
    inputs: Inputs<'a>,
    cases: Arc<Cases>,
    catalogue: Catalogue,
    /// The folder of the directories of the runs.
    base: PathBuf,
    readers: Readers,
    /// What encoders need for the same quality; only where outputs are compared so.
    curves: Option<Curves<'a>>,
    logs: PathBuf,
}

impl<'a> Commands<'a> {
    /// Commands that are there, and that their cases go with.
    ///
    /// # Errors
    /// Why a side cannot be run.
    pub(crate) fn new(
        inputs: Inputs<'a>,
        (run, logs): (&RunDirectory, PathBuf),
    ) -> Result<Self, TrialError> {
        let base = run.folder(FOLDER)?;
        let incumbent = inputs.config.side(Role::Incumbent);
        // A launcher starts elsewhere.
        let base = base.canonicalize().unwrap_or(base);
        let (workload, cases) = (inputs.workload, inputs.cases);
        let has_curves = workload.outputs.qualities().next().is_some();
        let curves = has_curves.then(|| Curves::open(&workload.outputs, &cases.all, run));
        let ffmpeg = Ffmpeg::new(workload.ffmpeg.clone(), base.clone(), inputs.stop.clone());
        let commands = Commands {
            readers: Readers::new(DataSets::new(base.clone()), media::Reader::new(ffmpeg)),
            curves: curves.transpose()?,
            catalogue: catalogue(inputs.cases, &program_name(incumbent.runs())),
            cases: Arc::new(inputs.cases.clone()),
            base,
            logs,
            inputs,
        };
        for side in commands.inputs.config.sides() {
            check(&commands.command(side)?, commands.inputs.cases)
                .map_err(|why| TrialError::Command { side, why })?;
        }
        Ok(commands)
    }

    /// The command of a side.
    fn command(&self, role: Role) -> Result<Command, TrialError> {
        self.command_within(role, self.inputs.config.limits)
    }

    /// The same within other limits than those of the trial.
    fn command_within(&self, role: Role, limits: LimitsConfig) -> Result<Command, TrialError> {
        let Inputs {
            config, workload, ..
        } = self.inputs;
        command((config, limits), workload, role)
            .map_err(|why| TrialError::Command { side: role, why })
    }

    /// Starts what runs a side.
    pub(crate) fn start(&self, role: Role, bounds: Bounds) -> Result<CommandSide, TrialError> {
        self.start_under(role, bounds, Vec::new())
    }

    /// The same with these words in front of its command.
    fn start_under(
        &self,
        role: Role,
        bounds: Bounds,
        under: Vec<String>,
    ) -> Result<CommandSide, TrialError> {
        let config = self.inputs.config;
        let limits = LimitsConfig {
            memory: bounds.memory.or(config.limits.memory),
            ..config.limits
        };
        let command = Command {
            longest: bounds.longest.map(Span::duration),
            under,
            ..self.command_within(role, limits)?
        };
        let subject = self.inputs.cpus.subject.as_slice();
        let log = format!("launcher-{}.log", role.name());
        let placing = Placing {
            slot: slot(role),
            base: self.base.clone(),
            setup: LauncherSetup {
                name: role.in_words().to_owned(),
                argv: self.inputs.launcher.to_vec(),
                dir: self.base.clone(),
                log: self.logs.join(log),
                limits: Limits {
                    cpus: limits.cpus,
                    memory: limits.memory,
                },
                // Where its control group has fewer, a run could not ask for others.
                cpus: (!subject.is_empty()).then(|| subject.to_vec()),
            },
        };
        let machine = (self.inputs.cgroups, self.inputs.stop.clone());
        let side = CommandSide::start(command, self.cases.clone(), &placing, machine);
        side.map_err(|source| TrialError::asking(role, source))
    }
}

/// The command of a side as its configuration has it.
///
/// # Errors
/// Why it is none.
fn command(
    (config, limits): (&TrialConfig, LimitsConfig),
    workload: &CommandWorkload,
    role: Role,
) -> Result<Command, String> {
    let SideConfig::Launched(launched) = config.side(role) else {
        return Err("it is a command, and no service that runs already".to_owned());
    };
    let run = with_limits(&launched.run, limits);
    let what = match launched.shell {
        true => Executed::Script(run),
        false => Executed::Program(split_command(&run).map_err(|error| error.to_string())?),
    };
    let env = launched.env.iter();
    Ok(Command {
        what,
        dir: launched.dir.clone(),
        path: search_path(),
        env: env
            .map(|(name, value)| (name.clone(), with_limits(value, limits)))
            .collect(),
        timeout: workload.timeout.duration(),
        longest: None,
        is_cold: workload.cache == Cache::Cold,
        outputs: workload.outputs.clone(),
        under: Vec::new(),
        startup: workload.startup.clone(),
    })
}

/// Where programs are looked for that are named without a folder.
pub(crate) fn search_path() -> String {
    std::env::var("PATH").unwrap_or_else(|_| DEFAULT_PATH.to_owned())
}

/// Is there such a program, and does every case go with it?
fn check(command: &Command, cases: &Cases) -> Result<(), String> {
    command.copied_files().map_err(|error| error.to_string())?;
    if let Some(start) = command.start_line() {
        start.map_err(|error| error.to_string())?;
    }
    for (number, case) in (1..).zip(&cases.all) {
        command.line(case).map_err(|error| match cases.all.len() {
            1 => error.to_string(),
            _ => format!("case {number}: {error}"),
        })?;
    }
    Ok(())
}

/// What is wrong with the commands of the sides that are not built first: a side and the reason, with a hint in a
/// second line.
pub fn check_commands(
    config: &TrialConfig,
    workload: &CommandWorkload,
    cases: &Cases,
) -> Vec<(Role, String)> {
    let is_there = |side: &Role| match config.side(*side) {
        SideConfig::Launched(launched) => launched.build.is_none() && launched.git.is_none(),
        SideConfig::Running { .. } => true,
    };
    let wrong = |side: Role| {
        let checked = command((config, config.limits), workload, side)
            .and_then(|command| check(&command, cases));
        checked.err().map(|why| (side, why))
    };
    config.sides().filter(is_there).filter_map(wrong).collect()
}

/// Are there cases of two sizes of one operation? Only then it shows how the time grows with the size.
pub fn has_sizes(config: &TrialConfig, cases: &Cases) -> bool {
    let program = program_name(config.side(Role::Incumbent).runs());
    !catalogue(cases, &program).sizes().is_empty()
}

/// The letter of the directories of a side.
fn slot(role: Role) -> char {
    match role {
        Role::Incumbent => 'a',
        Role::Second => 'b',
        Role::Candidate => 'c',
        Role::Tuned => 'd',
    }
}

/// `sort` of `/usr/bin/sort -u`.
fn program_name(run: &str) -> String {
    let words = split_command(run).unwrap_or_default();
    let program = words.first().map_or("command", String::as_str);
    let name = program.rsplit('/').next().unwrap_or(program);
    name.to_owned()
}

fn catalogue(cases: &Cases, program: &str) -> Catalogue {
    Catalogue::new(cases.all.iter().map(|case| {
        let name = case.operation.clone();
        let facts = CaseFacts {
            operation: 0,
            target: shown_args(case),
            bytes: size(case),
            weight: case.weight,
            leaves_traces: false,
            size: case.size,
        };
        (name.unwrap_or_else(|| program.to_owned()), facts)
    }))
}

fn shown_args(case: &Case) -> String {
    let words = case.args.iter().chain(&case.input);
    words
        .map(|word| shell_quoted(word))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Bytes of the arguments and inputs of a case.
fn size(case: &Case) -> u64 {
    let of_input = |input: &Input| match input {
        Input::Text(text) => text.len() as u64,
        Input::File(path) => std::fs::metadata(path).map_or(0, |data| data.len()),
    };
    let args = case.args.iter().map(|arg| arg.len() as u64 + 1);
    let inputs = case.files.values().chain(&case.stdin).map(of_input);
    args.chain(inputs).sum()
}

impl Comparable for Commands<'_> {
    fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    fn differ<'d>(&'d self, rules: &'d Rules, redact: Redact<'d>) -> Differ<'d> {
        Differ::new(rules, redact)
            .speaking(&Plain)
            .with_contents(&self.readers)
    }

    fn reproduce(&self, case: u32, redactor: &Redactor) -> String {
        let command = self.command(Role::Incumbent).ok();
        let case = self.cases.all.get(case as usize);
        let line = command
            .zip(case)
            .and_then(|(command, case)| command.shell_line(case, redactor).ok());
        line.unwrap_or_default()
    }

    fn shared(&self, one: &Outcome, other: &Outcome) -> Vec<String> {
        shared_files(one, other)
    }

    fn conclude(&self, row: &mut Row, seen: &Seen<'_>) -> Result<(), TrialError> {
        let Some(curves) = &self.curves else {
            return Ok(());
        };
        for (side, outcome) in seen.outcomes {
            curves.note(self.readers.media(), (row.request, side), outcome)?;
        }
        curves.conclude(row, seen);
        Ok(())
    }

    fn plant(&self, planting: &mut Planting<'_>) -> Result<Vec<String>, TrialError> {
        media::plant(self.readers.media(), planting)
    }

    fn place(&self, role: Role) -> Result<Box<dyn Member + '_>, TrialError> {
        Ok(Box::new(Placed {
            role,
            commands: self,
        }))
    }
}

impl Subject for Commands<'_> {
    fn hashes(&self) -> BTreeMap<String, String> {
        let file = match &self.inputs.workload.cases {
            CasesFrom::File(path) => sha256(path),
            CasesFrom::Pattern(_) | CasesFrom::Alone => None,
        };
        let mut hashes = BTreeMap::new();
        hashes.extend(file.map(|hash| ("cases".to_owned(), hash)));
        let mut hasher = Sha256::new();
        // Many cases may have one file.
        let mut known: BTreeMap<&Path, String> = BTreeMap::new();
        let cases = self.cases.all.iter();
        for input in cases.flat_map(|case| case.files.values().chain(&case.stdin)) {
            match input {
                Input::Text(text) => hasher.update(text),
                Input::File(path) => {
                    let hash = known
                        .entry(path)
                        .or_insert_with(|| sha256(path).unwrap_or_default());
                    hasher.update(&*hash);
                }
            }
        }
        hashes.insert("inputs".to_owned(), hexadecimal(hasher));
        let references = media::references(self.inputs.workload, &self.cases);
        if !references.is_empty() {
            let mut hasher = Sha256::new();
            for reference in &references {
                hasher.update(sha256(reference).unwrap_or_default());
            }
            hashes.insert("references".to_owned(), hexadecimal(hasher));
        }
        for side in self.inputs.config.sides() {
            let command = self.command(side).ok();
            let first = self.cases.all.first();
            let program = command
                .zip(first)
                .and_then(|(command, case)| command.line(case).ok());
            let hash = program.and_then(|(program, _)| sha256(&program));
            hashes.extend(hash.map(|hash| (side.name().to_owned(), hash)));
        }
        hashes
    }

    fn measure(&self, measuring: &Measuring<'_>) -> Result<(), TrialError> {
        runs::Stage {
            measuring,
            catalogue: &self.catalogue,
            sides: self.inputs.config.sides().collect(),
            cpus: &self.inputs.cpus.subject,
            start: &|role| Ok(Box::new(self.start(role, Bounds::default())?)),
        }
        .carry_out()?;
        limited_runs::Stage {
            measuring,
            catalogue: &self.catalogue,
            sides: self.inputs.config.sides().collect(),
            unlimited: self.inputs.cgroups.memory().err(),
            start: &|role, bounds| Ok(Box::new(self.start(role, bounds)?)),
        }
        .carry_out()?;
        if !self.inputs.config.counts_instructions() {
            return Ok(());
        }
        instructions::commands::Stage {
            measuring,
            cases: self.catalogue.cases.len() as u32,
            sides: self.inputs.config.sides().collect(),
            start: &|role, folder| {
                let under = counter(folder);
                Ok(Box::new(self.start_under(
                    role,
                    Bounds::default(),
                    under,
                )?))
            },
            logs: &self.logs,
        }
        .carry_out()
    }
}

/// A command: nothing of it runs between two cases.
struct Placed<'a> {
    role: Role,
    commands: &'a Commands<'a>,
}

impl Member for Placed<'_> {
    fn role(&self) -> Role {
        self.role
    }

    fn reach(&self) -> Result<Box<dyn Asker>, TrialError> {
        Ok(Box::new(self.commands.start(self.role, Bounds::default())?))
    }
}
