//! The earlier runs of a trial, read from the directories next to its own. What cannot be read is counted and left out:
//! it is no part of the run that was asked for.

use crate::config::{self, Mode};
use std::fs;
use std::path::Path;
use understudy_evidence::RunDirectory;
use understudy_model::history::{History, LeftOut};
use understudy_model::verdict::VerdictDocument;
use understudy_trial::history::{StoredRun, history};
use understudy_trial::suite::DOCUMENT as SUITE;

/// Earlier runs that are shown.
const MOST_SHOWN: usize = 10;
/// Directories that are looked into for them.
const MOST_OPENED: usize = 100;
/// A verdict is some 50 kB; what is far larger is not one.
const LARGEST_VERDICT: u64 = 64 << 20;

/// What the earlier runs of the trial of a run showed; `None` without any.
pub(crate) fn earlier(run: &RunDirectory, document: &VerdictDocument) -> Option<History> {
    let began = time(document)?;
    let folders = run.earlier(&document.name).ok()?;
    let (mut runs, mut left_out) = (Vec::new(), LeftOut::default());
    for (opened, folder) in folders.iter().enumerate() {
        if runs.len() == MOST_SHOWN || opened == MOST_OPENED {
            left_out.older = (folders.len() - opened) as u32;
            break;
        }
        match stored(folder) {
            // Two names may be written as one in a directory's, and a directory may have been renamed.
            Found::Run(other) if other.verdict.name != document.name => {}
            Found::Run(other) => match time(&other.verdict) {
                Some(at) if at < began => runs.push(*other),
                Some(_) => {}
                None => left_out.unreadable += 1,
            },
            Found::Suite => {}
            Found::Unfinished => left_out.unfinished += 1,
            Found::Unreadable => left_out.unreadable += 1,
        }
    }
    let today = StoredRun {
        name: name(run.path()),
        verdict: document.clone(),
        config: configuration(run.path()),
    };
    history(&today, &runs, left_out)
}

/// What is in a directory that has the name of a run.
enum Found {
    Run(Box<StoredRun>),
    /// A suite of that name.
    Suite,
    Unfinished,
    Unreadable,
}

fn stored(folder: &Path) -> Found {
    let Ok(run) = RunDirectory::open(folder) else {
        return Found::Unreadable;
    };
    if folder.join(SUITE).is_file() {
        return Found::Suite;
    }
    match fs::metadata(folder.join("verdict.json")) {
        Ok(there) if there.is_file() && there.len() <= LARGEST_VERDICT => {}
        Ok(_) => return Found::Unreadable,
        Err(_) => return Found::Unfinished,
    }
    match run.read_json("verdict.json") {
        Ok(verdict) => Found::Run(Box::new(StoredRun {
            name: name(folder),
            verdict,
            config: configuration(folder),
        })),
        Err(_) => Found::Unreadable,
    }
}

fn configuration(folder: &Path) -> Option<understudy_trial::config::TrialConfig> {
    let path = folder.join("trial.toml");
    let is_file = fs::metadata(&path).is_ok_and(|there| there.is_file());
    is_file.then(|| config::read(&path, Mode::Judge).ok())?
}

fn time(document: &VerdictDocument) -> Option<jiff::Timestamp> {
    document.environment.started_at.parse().ok()
}

fn name(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
