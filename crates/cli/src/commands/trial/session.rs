//! The run that a trial measures into: a new one, or one that continues.

use super::TrialArgs;
use super::check::{Asked, Checked, checked, configuration, first_day, today};
use super::secrets::{redaction_key, with_secrets, without_secrets};
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

/// A run that this process may measure into.
pub(super) struct Session {
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
struct Begun {
    /// The file of the trial, where its secrets are; none for a trial of flags.
    file: Option<PathBuf>,
    /// `--continue` was given.
    continue_when_different: bool,
}

impl Session {
    /// A new run of what has been checked.
    pub(super) fn begin(args: &TrialArgs, checked: Checked) -> Result<Self, Failure> {
        let asked = args.asked();
        let now = jiff::Timestamp::now();
        let stamp = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        if args.out.is_file() {
            let out = args.out.display();
            return Err(usage(format!(
                "--out: `{out}` is not a folder\nhint: name a folder; each run gets one of its own in it"
            )));
        }
        let run = RunDirectory::create(&args.out, &checked.config.name, &stamp)
            .map_err(|error| usage(format!("--out: {}", exit::sentence(&error.into()))))?;
        let lock = run.lock().map_err(anyhow::Error::from)?;
        let redactor = Redactor::new(redaction_key()?);
        let shown = without_secrets(&checked.config, &redactor);
        run.write_text("trial.toml", &config::write(&shown))
            .map_err(anyhow::Error::from)?;
        if let Some(case) = &checked.config.case {
            run.write_text(FLEET, &case.text)
                .map_err(anyhow::Error::from)?;
        }
        let begun = Begun {
            file: asked.path().and_then(|file| std::path::absolute(file).ok()),
            continue_when_different: args.continue_when_different,
        };
        run.write_json(BEGUN, &begun).map_err(anyhow::Error::from)?;
        Ok(Session {
            checked,
            run,
            redactor,
            started_at: now.to_string(),
            continue_when_different: args.continue_when_different,
            _lock: lock,
        })
    }

    /// Continues a run with the configuration and the rules that it began with.
    pub(super) fn resume(args: &TrialArgs, path: &Path) -> Result<Self, Failure> {
        let refuse =
            |error: EvidenceError| usage(format!("--resume: {}", exit::sentence(&error.into())));
        let run = RunDirectory::open(path).map_err(refuse)?;
        let lock = run.lock().map_err(refuse)?;
        let begun: Begun = run.read_json(BEGUN).map_err(refuse)?;
        let stored =
            config::read(&run.path().join("trial.toml"), Mode::Judge).map_err(Failure::Usage)?;
        let original = original(args, &begun)?;
        let config = with_secrets(&stored, original.as_ref())?;
        Ok(Session {
            checked: checked(config, first_day())?,
            run,
            redactor: Redactor::new(redaction_key()?),
            started_at: jiff::Timestamp::now().to_string(),
            continue_when_different: begun.continue_when_different || args.continue_when_different,
            _lock: lock,
        })
    }
}

/// Where the secrets of a resumed run are: in the file or flags that are given again, else in the
/// file that it began with, if that can still be read.
fn original(args: &TrialArgs, begun: &Begun) -> Result<Option<TrialConfig>, Failure> {
    if !args.flags.given().is_empty() {
        return configuration(&args.asked(), today()).map(Some);
    }
    // By the rules and in the world in which the run began: both may have changed since.
    match (args.flags.file(), &begun.file) {
        (Some(file), _) => config::read(file, Mode::Judge)
            .map(Some)
            .map_err(Failure::Usage),
        (None, Some(file)) => Ok(config::read(file, Mode::Judge).ok()),
        (None, None) => Ok(None),
    }
}

impl TrialArgs {
    pub(super) fn asked(&self) -> Asked<'_> {
        Asked {
            flags: &self.flags,
            sides: &self.sides,
            level: match (self.quick, self.thorough) {
                (true, _) => Some(Level::Quick),
                (_, true) => Some(Level::Thorough),
                _ => None,
            },
            without: &self.without,
        }
    }
}
