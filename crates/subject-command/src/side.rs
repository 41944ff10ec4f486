//! One side of a trial of commands: its launcher, its directories, its cases.

use crate::cases::PLACEHOLDER;
use crate::launcher::{LauncherSetup, Order, OutputLimits};
use crate::workdir::Place;
use crate::{
    CacheError, Case, Cases, Changes, Elsewhere, Ending, Input, Launcher, LauncherError, MAX_RUNS,
    Outputs, Ran, Refusal, Workdir, WorkdirError, answer, cold, command_line, environment, name_of,
    resolve, script, script_line, shell_line, warm,
};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use understudy_model::Outcome;
use understudy_probe::Cgroups;
use understudy_redact::Redactor;
use understudy_subject::{Asker, GroupMemory, Run, Runner, StartUp, Trouble, answer_hash};

/// The mask of permissions of every run.
const UMASK: u32 = 0o022;

/// Longest time of a start without a case: what takes longer waits for something.
const LONGEST_START: Duration = Duration::from_secs(30);

/// How far a peak may be wrong, bytes: the kernel counts the pages of a process for each CPU apart.
const PEAK_SLACK: u64 = 512 << 10;

/// How a command is run, for both sides and for every case alike but for what is its own.
#[derive(Clone, Debug)]
pub struct Command {
    /// What is executed.
    pub what: Executed,
    /// What relative paths of the command are relative to.
    pub dir: PathBuf,
    /// Where programs are looked for, also by the command itself.
    pub path: String,
    /// Added to the fixed environment, before what a case adds.
    pub env: BTreeMap<String, String>,
    /// Longest time of a run whose case says nothing.
    pub timeout: Duration,
    /// No run may take longer, whatever its case says.
    pub longest: Option<Duration>,
    /// Are input files brought out of the page cache before each run, instead of into it?
    pub is_cold: bool,
    /// How what it writes is compared.
    pub outputs: Outputs,
    /// Words in front of all: a program that runs the command and looks at it.
    pub under: Vec<String>,
    /// Arguments of a start without a case; `None` where it is not asked how long that takes.
    pub startup: Option<Vec<String>>,
}

/// What a command executes.
#[derive(Clone, Debug)]
pub enum Executed {
    /// A program with its leading arguments.
    Program(Vec<String>),
    /// A line for `sh -c`.
    Script(String),
}

/// Where a side is.
#[derive(Clone, Debug)]
pub struct Placing {
    /// The letter of its directories: another one for each side.
    pub slot: char,
    /// The folder that the directories of all sides are in.
    pub base: PathBuf,
    /// How its launcher is started.
    pub setup: LauncherSetup,
}

/// Why a command cannot be run, or could not be.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// There is no such program, or the case does not go with the command: cause and hint.
    #[error("{0}")]
    Wrong(String),
    /// A run could not be started for want of memory: cause and hint.
    #[error("{0}")]
    NoMemory(String),
    /// The launcher cannot do its work.
    #[error(transparent)]
    Launcher(#[from] LauncherError),
    /// The directory of a run cannot be prepared.
    #[error(transparent)]
    Workdir(#[from] WorkdirError),
    /// The input files are not in the state that was asked for.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A run has written to a file that the command names.
    #[error(
        "a run has changed `{}`, which the command names: every later run would meet another input\nhint: give \
         the file in `files` of a case, then each run gets its own copy", .0.display()
    )]
    Overwritten(PathBuf),
    /// A run was kept from changing a file that the command names.
    #[error(
        "a run would change `{}`, which the command names; it was kept from it, since every later run would meet another \
         input\nhint: give the file in `files` of a case, then each run gets its own copy", .0.display()
    )]
    Kept(PathBuf),
}

impl CommandError {
    /// May a memory limit that is too small be the cause? What a launcher can do without a limit and cannot do under one
    /// is owed to the limit.
    pub fn may_be_of_memory(&self) -> bool {
        match self {
            CommandError::NoMemory(_) => true,
            CommandError::Launcher(error) => {
                !matches!(error, LauncherError::Order(_) | LauncherError::Interrupted)
            }
            _ => false,
        }
    }
}

impl Command {
    /// Its words with the paths that they name made absolute: a run starts in a directory of its own, where a path
    /// that is relative to the folder of the side leads nowhere.
    fn anchored(&self, words: &[String]) -> Vec<String> {
        let is_file = |word: &str| !word.starts_with('-') && self.dir.join(word).is_file();
        let anchor = |(index, word): (usize, &String)| match index > 0 && is_file(word) {
            true => self.dir.join(word).to_string_lossy().into_owned(),
            false => word.clone(),
        };
        words.iter().enumerate().map(anchor).collect()
    }

    /// The files that its words name, with what shows that they are as they were.
    fn named_files(&self) -> Vec<(PathBuf, Option<Stamp>)> {
        let named = match &self.what {
            Executed::Program(words) => {
                let words = self.anchored(words).into_iter().skip(1).map(PathBuf::from);
                let is_named = |path: &PathBuf| path.is_absolute() && path.is_file();
                words.filter(is_named).collect()
            }
            Executed::Script(line) => script::absolute_files(line),
        };
        let with_stamp = |path: PathBuf| {
            let stamp = stamp(&path);
            (path, stamp)
        };
        named.into_iter().map(with_stamp).collect()
    }

    /// The files that a shell line names, which each run gets copies of: the shell reads the line as it is, so its paths
    /// cannot be made absolute.
    ///
    /// # Errors
    /// Cause and hint: they are too large.
    pub fn copied_files(&self) -> Result<BTreeMap<PathBuf, Input>, CommandError> {
        match &self.what {
            Executed::Script(line) => {
                script::named_files(line, &self.dir).map_err(CommandError::Wrong)
            }
            Executed::Program(_) => Ok(BTreeMap::new()),
        }
    }

    /// The program and the arguments of a case, the name by which it is called first.
    ///
    /// # Errors
    /// Cause and hint: there is no such program, or the case does not go with the command.
    pub fn line(&self, case: &Case) -> Result<(PathBuf, Vec<String>), CommandError> {
        let argv = self.argv(case).map_err(CommandError::Wrong)?;
        let name = argv.first().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| CommandError::Wrong("the command is empty".to_owned()))?;
        let program = self.found(name)?;
        Ok((program, argv))
    }

    /// The program and the arguments of a start without a case; `None` where that is not asked for.
    ///
    /// # Errors
    /// Cause and hint: there is no such program, or the command does not go without a case.
    pub fn start_line(&self) -> Option<Result<(PathBuf, Vec<String>), CommandError>> {
        let starting = self.starting()?;
        Some(starting.and_then(|starting| starting.command.line(&starting.case)))
    }

    /// The command without what a case gives it, and the case that has nothing but the arguments of a start.
    fn starting(&self) -> Option<Result<Starting, CommandError>> {
        let args = self.startup.clone()?;
        let what = match &self.what {
            Executed::Script(line) if line.contains(PLACEHOLDER) => {
                return Some(Err(CommandError::Wrong(format!(
                    "a start without a case cannot leave `{PLACEHOLDER}` out of a shell line\nhint: write the \
                     command without a shell, or leave out `startup`"
                ))));
            }
            Executed::Script(line) => Executed::Script(line.clone()),
            Executed::Program(words) => {
                let words = words.iter().filter(|word| !word.contains(PLACEHOLDER));
                Executed::Program(words.cloned().collect())
            }
        };
        let case = Case {
            args,
            timeout: Some(self.timeout.min(LONGEST_START)),
            ..Case::default()
        };
        let command = Command {
            what,
            ..self.clone()
        };
        Some(Ok(Starting { command, case }))
    }

    fn argv(&self, case: &Case) -> Result<Vec<String>, String> {
        let mut words = match &self.what {
            Executed::Script(line) => script_line(line, case)?,
            Executed::Program(words) => command_line(&self.anchored(words), case)?,
        };
        if let Some(name) = words.first_mut().filter(|_| !self.under.is_empty()) {
            // What runs it does so in the directory of a run.
            let program = self.found(name).map_err(|error| error.to_string())?;
            *name = program.to_string_lossy().into_owned();
        }
        Ok(self.under.iter().cloned().chain(words).collect())
    }

    /// A run of a case as a line that people can run.
    ///
    /// # Errors
    /// The command and the case do not fit each other: cause and hint.
    pub fn shell_line(&self, case: &Case, redactor: &Redactor) -> Result<String, CommandError> {
        let argv = self.argv(case).map_err(CommandError::Wrong)?;
        let case = with_files(case, &self.copied_files()?);
        Ok(shell_line(&argv, &self.dir, &self.path, &case, redactor))
    }

    /// How long a run of a case may take.
    fn longest_of(&self, case: &Case) -> Duration {
        let own = case.timeout.unwrap_or(self.timeout);
        self.longest.map_or(own, |longest| own.min(longest))
    }

    fn found(&self, name: &str) -> Result<PathBuf, CommandError> {
        resolve(name, &self.dir, &self.path).map_err(|ending| {
            CommandError::Wrong(match ending {
                Ending::NotStarted(why) => why.to_string(),
                other => format!("{other:?}"),
            })
        })
    }
}

/// What is run to see how long a start takes.
#[derive(Debug)]
struct Starting {
    command: Command,
    case: Case,
}

/// A case with further files. Those of the case itself come first.
fn with_files<'c>(case: &'c Case, files: &BTreeMap<PathBuf, Input>) -> Cow<'c, Case> {
    if files.is_empty() {
        return Cow::Borrowed(case);
    }
    let mut case = case.clone();
    // A file cannot be where the case has a directory, or in a file of the case.
    let is_taken = |path: &Path| {
        let own = case.files.keys();
        own.into_iter()
            .any(|own| own.starts_with(path) || path.starts_with(own))
    };
    let free = files.iter().filter(|(path, _)| !is_taken(path));
    let free: Vec<_> = free
        .map(|(path, input)| (path.clone(), input.clone()))
        .collect();
    case.files.extend(free);
    Cow::Owned(case)
}

/// What shows that a file is as it was. A program can set the time of the last change back, but not that of the
/// change of the inode.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

fn stamp(path: &Path) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt;
    let data = fs::metadata(path).ok()?;
    Some(Stamp {
        file: (data.dev(), data.ino()),
        size: data.len(),
        modified: (data.mtime(), data.mtime_nsec()),
        changed: (data.ctime(), data.ctime_nsec()),
    })
}

/// A side that runs its command for each case. Dropping it stops everything that it has started.
pub struct CommandSide {
    command: Arc<Command>,
    starting: Option<Arc<Starting>>,
    cases: Arc<Cases>,
    workdir: Workdir,
    launcher: Launcher,
    setup: LauncherSetup,
    cgroups: Cgroups,
    named: Vec<(PathBuf, Option<Stamp>)>,
    copied: BTreeMap<PathBuf, Input>,
    stop: Arc<AtomicBool>,
    /// What of the last run is not compared, one sentence each.
    unseen: Vec<String>,
}

/// A run with what it made of its directory.
struct Finished {
    ran: Ran,
    changes: Changes,
}

impl CommandSide {
    /// Starts the launcher of a side.
    ///
    /// # Errors
    /// It cannot be started, or its directories cannot be made.
    pub fn start(
        command: Command,
        cases: Arc<Cases>,
        placing: &Placing,
        (cgroups, stop): (&Cgroups, Arc<AtomicBool>),
    ) -> Result<CommandSide, CommandError> {
        Ok(CommandSide {
            starting: command.starting().transpose()?.map(Arc::new),
            named: command.named_files(),
            copied: command.copied_files()?,
            workdir: Workdir::new(&placing.base, placing.slot)?,
            launcher: Launcher::start(&placing.setup, cgroups)?,
            setup: placing.setup.clone(),
            cgroups: cgroups.clone(),
            command: Arc::new(command),
            cases,
            stop,
            unseen: Vec::new(),
        })
    }

    /// Runs one case some times, one after the other.
    fn repeat(
        &mut self,
        number: u32,
        (times, is_watched): (usize, bool),
    ) -> Result<Vec<Finished>, CommandError> {
        let cases = self.cases.clone();
        let case = cases.all.get(number as usize);
        let case = case.ok_or_else(|| CommandError::Wrong(format!("there is no case {number}")))?;
        let command = self.command.clone();
        self.repeat_of(&command, case, (times, is_watched))
    }

    /// Runs a command with a case some times, one after the other.
    fn repeat_of(
        &mut self,
        command: &Command,
        case: &Case,
        (times, is_watched): (usize, bool),
    ) -> Result<Vec<Finished>, CommandError> {
        let (program, argv) = command.line(case)?;
        let case = &*with_files(case, &self.copied);
        let places: Vec<Place> = (0..times)
            .map(|_| self.workdir.place(case))
            .collect::<Result<_, _>>()?;
        self.bring_inputs(&places)?;
        let at = self.workdir.in_use();
        let mut added = command.env.clone();
        added.extend(case.env.clone());
        let order = Order {
            program,
            argv,
            env: environment(&command.path, &at, &added),
            at,
            places: places.iter().map(|place| place.root().to_owned()).collect(),
            cpus: None,
            umask: UMASK,
            timeout: command.longest_of(case),
            limits: OutputLimits::default(),
            is_watched,
            kept: self.named.iter().map(|(path, _)| path.clone()).collect(),
        };
        let all = self.launcher.run(&order, &self.stop)?;
        if let Some(path) = all.iter().find_map(|ran| ran.elsewhere.kept.first()) {
            return Err(CommandError::Kept(path.into()));
        }
        if let Some((path, _)) = self.named.iter().find(|(path, was)| stamp(path) != *was) {
            return Err(CommandError::Overwritten(path.clone()));
        }
        let both = all.into_iter().zip(places);
        Ok(both
            .map(|(ran, place)| Finished {
                ran,
                changes: place.changes(),
            })
            .collect())
    }

    /// Brings what the runs will read into the page cache, or out of it.
    fn bring_inputs(&self, places: &[Place]) -> Result<(), CommandError> {
        let mut inputs: Vec<PathBuf> = places.iter().flat_map(Place::inputs).collect();
        inputs.extend(self.named.iter().map(|(path, _)| path.clone()));
        match self.command.is_cold {
            true => cold(&inputs)?,
            false => warm(&inputs)?,
        }
        Ok(())
    }

    /// A program takes over the peak of the process that executes it: what does not rise above that is not its own.
    fn visible_peak(&self, bytes: u64) -> Option<f64> {
        let least = self.launcher.floor().peak_rss_bytes + PEAK_SLACK;
        (bytes > least).then_some(bytes as f64)
    }

    /// How many runs one order may have. A cold cache is made before each.
    fn at_once(&self) -> usize {
        // Under a memory limit the output of one run would be in the way of the next until it is read.
        let is_apart = self.command.is_cold || self.setup.limits.memory.is_some();
        if is_apart { 1 } else { MAX_RUNS }
    }

    fn outcome(&self, finished: Finished) -> Outcome {
        answer(
            &finished.ran,
            finished.changes,
            &self.command.outputs,
            &self.workdir.in_use(),
        )
    }
}

/// A run that could not be started says nothing of the program: why not has to be said, and mended.
fn refuse_not_started(finished: &Finished) -> Result<(), CommandError> {
    match &finished.ran.ending {
        Ending::NotStarted(why @ Refusal::NoMemory { .. }) => {
            Err(CommandError::NoMemory(why.to_string()))
        }
        Ending::NotStarted(why) => Err(CommandError::Wrong(why.to_string())),
        _ => Ok(()),
    }
}

/// How a start ended, where that is not the exit code 0.
fn unusual(ending: &Ending) -> Result<Option<String>, CommandError> {
    Ok(match ending {
        Ending::Exit(0) => None,
        Ending::Exit(code) => Some(format!("exit code {code}")),
        Ending::Signal(signal) => Some(format!("signal {signal}")),
        Ending::TooLarge => Some("more output than is kept".to_owned()),
        Ending::NotStarted(why) => return Err(CommandError::Wrong(why.to_string())),
        Ending::TimedOut => {
            return Err(CommandError::Wrong(
                "a start without a case did not end in time\nhint: give `startup` arguments with which the \
                 program ends at once, such as [\"--version\"]"
                    .to_owned(),
            ));
        }
    })
}

/// What of the files outside of its directory is not compared, one sentence each.
fn limits_of(elsewhere: &Elsewhere) -> Vec<String> {
    let unseen = elsewhere.unseen.iter();
    let unseen =
        unseen.map(|why| format!("not all is seen that it writes outside of its directory: {why}"));
    let passing = elsewhere.passing.iter().map(|folder| {
        let folder = name_of(Path::new(folder));
        format!("it makes files in `{folder}`, outside of its directory, and removes them again")
    });
    unseen.chain(passing).collect()
}

impl Asker for CommandSide {
    fn ask(&mut self, case: u32) -> Result<Outcome, Trouble> {
        let mut all = self.repeat(case, (1, true))?;
        let finished = all.pop().ok_or("no run came back")?;
        refuse_not_started(&finished)?;
        self.unseen = limits_of(&finished.ran.elsewhere);
        Ok(self.outcome(finished))
    }

    fn unseen(&mut self) -> Vec<String> {
        std::mem::take(&mut self.unseen)
    }
}

impl Runner for CommandSide {
    fn unmeasured(&self) -> &[String] {
        self.launcher.unmeasured()
    }

    fn memory(&self) -> GroupMemory {
        self.launcher.memory()
    }

    fn renew(&mut self) -> Result<(), Trouble> {
        // The control group of the new one has the name of the old one.
        self.launcher.stop();
        self.launcher = Launcher::start(&self.setup, &self.cgroups)?;
        Ok(())
    }

    fn start_up(&mut self, times: usize) -> Result<Vec<StartUp>, Trouble> {
        let Some(starting) = self.starting.clone() else {
            return Ok(Vec::new());
        };
        let mut starts = Vec::with_capacity(times);
        let mut left = times;
        while left > 0 {
            let together = self.at_once().min(left);
            left -= together;
            for finished in self.repeat_of(&starting.command, &starting.case, (together, false))? {
                starts.push(StartUp {
                    wall_ns: finished.ran.figures.wall_ns,
                    unusual: unusual(&finished.ran.ending)?,
                });
            }
        }
        Ok(starts)
    }

    fn run(&mut self, cases: &[u32]) -> Result<Vec<Run>, Trouble> {
        let mut runs = Vec::with_capacity(cases.len());
        // The same case in a row is one order: then nothing but the launcher acts between its runs.
        let longest = self.at_once();
        for same in cases
            .chunk_by(|a, b| a == b)
            .flat_map(|same| same.chunks(longest))
        {
            for finished in self.repeat(same[0], (same.len(), false))? {
                refuse_not_started(&finished)?;
                let figures = finished.ran.figures;
                let out_of_memory = finished.ran.out_of_memory;
                let outcome = self.outcome(finished);
                let (ending, status, bytes) = outcome.observed();
                runs.push(Run {
                    case: same[0],
                    ending,
                    status,
                    bytes,
                    hash: answer_hash(&outcome),
                    wall_ns: figures.wall_ns,
                    cpu_us: (figures.user_us + figures.system_us + figures.unawaited_cpu_us) as f64,
                    peak_rss_bytes: self.visible_peak(figures.peak_rss_bytes),
                    out_of_memory,
                });
            }
        }
        Ok(runs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::inside;

    #[test]
    fn a_file_whose_time_was_set_back_is_not_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "1").unwrap();
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        let before = stamp(&path);
        assert_eq!(stamp(&path), before);
        // Times of a file system advance in steps.
        std::thread::sleep(Duration::from_millis(20));
        fs::write(&path, "2").unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(time).unwrap();
        assert_ne!(stamp(&path), before);
    }

    #[test]
    fn files_of_a_case_come_before_those_that_a_line_names() {
        let text = |text: &str| Input::Text(text.as_bytes().to_vec());
        let files = |all: &[(&str, &str)]| {
            let all = all.iter();
            let all = all.map(|(name, content)| (inside(name).unwrap(), text(content)));
            all.collect::<BTreeMap<PathBuf, Input>>()
        };
        let case = Case {
            files: files(&[("a", "case"), ("d/e", "case")]),
            ..Case::default()
        };
        let named = files(&[("a", "line"), ("a/x", "line"), ("d", "line"), ("f", "line")]);
        let both = with_files(&case, &named).into_owned().files;
        assert_eq!(
            both,
            files(&[("a", "case"), ("d/e", "case"), ("f", "line")])
        );
    }
}
