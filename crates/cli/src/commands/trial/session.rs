//! The run that a trial measures into: a new one, or one that continues.

use super::TrialArgs;
use super::check::{Asked, Checked, checked, configuration, first_day, today};
use super::secrets::{redaction_key, with_secrets, without_secrets};
use crate::commands::suite::refuse_suite;
use crate::config::{self, FLEET, Mode};
use crate::exit::{self, Failure, usage};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use understudy_evidence::{EvidenceError, RunDirectory, RunLock};
use understudy_judge::terms::Level;
use understudy_redact::Redactor;
use understudy_trial::config::TrialConfig;

/// How a run was begun, as far as its configuration does not say it.
const BEGUN: &str = "begun.json";

/// A checked trial in its directory.
pub(crate) struct Prepared {
    checked: Checked,
    run: RunDirectory,
    redactor: Redactor,
    continue_when_different: bool,
}

/// A run that this process may measure into.
pub(crate) struct Session {
    pub(super) checked: Checked,
    pub(super) run: RunDirectory,
    pub(super) redactor: Redactor,
    /// When this process began with it, RFC 3339 in UTC.
    pub(super) started_at: String,
    pub(super) continue_when_different: bool,
    _lock: RunLock,
}

/// What a resumed run has to know.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Begun {
    /// The file of the trial, where its secrets are; none for a trial of flags.
    pub(crate) file: Option<PathBuf>,
    /// The pair of the file, where that is a suite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pair: Option<String>,
    /// `--continue` was given.
    pub(crate) continue_when_different: bool,
}

impl Begun {
    /// The configuration that the run began with, if its file can still be read: by the rules and in the world of
    /// then, since both may have changed.
    fn original(&self) -> Option<TrialConfig> {
        let file = self.file.as_deref()?;
        self.read(file).ok()
    }

    /// The configuration in a file that is given again.
    fn read(&self, file: &Path) -> Result<TrialConfig, Vec<String>> {
        let Some(name) = &self.pair else {
            return config::read(file, Mode::Judge);
        };
        let pairs = config::read_suite(file, Mode::Judge)?.pairs.into_iter();
        let mut named = pairs.filter(|pair| pair.name == *name);
        let pair = named.next().map(|pair| pair.trial);
        pair.ok_or_else(|| vec![format!("{} has no pair {name:?}", file.display())])
    }
}

/// The name of a directory that is created now.
pub(crate) fn stamp(now: jiff::Timestamp) -> String {
    now.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A directory below that of `--out`.
pub(crate) fn directory(out: &Path, name: &str) -> Result<RunDirectory, Failure> {
    if out.is_file() {
        let out = out.display();
        return Err(usage(format!(
            "--out: `{out}` is not a folder\nhint: name a folder; each run gets one of its own in it"
        )));
    }
    RunDirectory::create(out, name, &stamp(jiff::Timestamp::now()))
        .map_err(|error| usage(format!("--out: {}", exit::sentence(&error.into()))))
}

/// Why a run cannot be resumed.
pub(crate) fn refuse(error: EvidenceError) -> Failure {
    usage(format!("--resume: {}", exit::sentence(&error.into())))
}

impl Prepared {
    /// A new run of what has been checked, in a directory below `out`.
    pub(crate) fn create(out: &Path, checked: Checked, begun: &Begun) -> Result<Self, Failure> {
        let run = directory(out, &checked.config.name)?;
        let redactor = Redactor::new(redaction_key()?);
        let shown = without_secrets(&checked.config, &redactor);
        run.write_text("trial.toml", &config::write(&shown))
            .map_err(anyhow::Error::from)?;
        if let Some(case) = &checked.config.case {
            run.write_text(FLEET, &case.text)
                .map_err(anyhow::Error::from)?;
        }
        run.write_json(BEGUN, begun).map_err(anyhow::Error::from)?;
        Ok(Prepared {
            checked,
            run,
            redactor,
            continue_when_different: begun.continue_when_different,
        })
    }

    /// A run that was begun, with the configuration and the rules that it began with. Where the secrets of it are,
    /// `original` says.
    pub(crate) fn stored(
        path: &Path,
        original: impl FnOnce(&Begun) -> Result<Option<TrialConfig>, Failure>,
    ) -> Result<Self, Failure> {
        let run = RunDirectory::open(path).map_err(refuse)?;
        let begun: Begun = run.read_json(BEGUN).map_err(refuse)?;
        let stored =
            config::read(&run.path().join("trial.toml"), Mode::Judge).map_err(Failure::Usage)?;
        let config = with_secrets(&stored, original(&begun)?.as_ref())?;
        Ok(Prepared {
            checked: checked(config, first_day())?,
            run,
            redactor: Redactor::new(redaction_key()?),
            continue_when_different: begun.continue_when_different,
        })
    }

    /// Where it is.
    pub(crate) fn run(&self) -> &RunDirectory {
        &self.run
    }

    /// Claims the run for this process.
    ///
    /// # Errors
    /// Another process measures into it.
    pub(crate) fn open(self) -> Result<Session, EvidenceError> {
        Ok(Session {
            _lock: self.run.lock()?,
            checked: self.checked,
            run: self.run,
            redactor: self.redactor,
            started_at: jiff::Timestamp::now().to_string(),
            continue_when_different: self.continue_when_different,
        })
    }
}

impl Session {
    /// A new run of what has been checked.
    pub(super) fn begin(args: &TrialArgs, checked: Checked) -> Result<Self, Failure> {
        let file = args.asked().path().map(std::path::absolute);
        let begun = Begun {
            file: file.and_then(Result::ok),
            pair: None,
            continue_when_different: args.continue_when_different,
        };
        let prepared = Prepared::create(&args.out, checked, &begun)?;
        Ok(prepared.open().map_err(anyhow::Error::from)?)
    }

    /// Continues a run with the configuration and the rules that it began with.
    pub(super) fn resume(args: &TrialArgs, path: &Path) -> Result<Self, Failure> {
        refuse_suite(path)?;
        let mut prepared = Prepared::stored(path, |begun| original(args, begun))?;
        prepared.continue_when_different |= args.continue_when_different;
        prepared.open().map_err(refuse)
    }
}

/// Where the secrets of a resumed run are: in the file or flags that are given again, else in the
/// file that it began with, if that can still be read.
fn original(args: &TrialArgs, begun: &Begun) -> Result<Option<TrialConfig>, Failure> {
    if !args.flags.given().is_empty() {
        return configuration(&args.asked(), today()).map(Some);
    }
    match args.flags.file() {
        Some(file) => begun.read(file).map(Some).map_err(Failure::Usage),
        None => Ok(begun.original()),
    }
}

impl TrialArgs {
    pub(super) fn asked(&self) -> Asked<'_> {
        Asked {
            flags: &self.flags,
            sides: &self.sides,
            level: level(self.quick, self.thorough),
            without: &self.without,
            edges: self.edges,
        }
    }
}

/// The level that `--quick` or `--thorough` asks for.
pub(crate) fn level(quick: bool, thorough: bool) -> Option<Level> {
    match (quick, thorough) {
        (true, _) => Some(Level::Quick),
        (_, true) => Some(Level::Thorough),
        _ => None,
    }
}
