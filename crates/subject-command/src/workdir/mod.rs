//! A fresh directory for each run, and what the run made of it.
//!
//! Each side has a *slot*, one letter, so that paths are of equal length on both sides (the length of a path
//! is in the environment and on the stack of a program, and shifts its timing). Each run has a *place* with
//! `work` (where it starts), `home` (`HOME`), `tmp` (`TMPDIR`) and its standard input. A place is moved to one
//! and the same path while it is in use, so every run of a side sees the same paths.
//!
//! Input files are copied, not linked: a program that writes into its input, which root may do whatever the
//! permissions are, would change the input of the next run and of the other side. A file system that shares
//! blocks between files (btrfs, XFS) shares those of the copies.
//!
//! Writing to absolute paths outside of the slot (`/tmp/x`, `/var/...`) is not seen here; where a run is watched, its
//! launcher sees it ([`Elsewhere`](crate::Elsewhere)). What does not go to a file is not seen at all. A program that is
//! to be held to its directory needs a container.

mod changes;
mod tree;

pub use changes::Changes;
pub use tree::{Entry, Kind, MAX_CONTENT, Tree};

use crate::cases::{Case, Input};
use std::ffi::OsStr;
use std::fs::{self, File, FileTimes};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use understudy_model::plain_words;

/// When all input files were last changed, seconds since 1970: 1 January 2000. A copy of the time of copying
/// would be different in each run.
const MODIFIED: Duration = Duration::from_secs(946_684_800);
/// The name under which each place is used.
const IN_USE: &str = "run";
/// The parts of a place that a program may write to.
const PARTS: [&str; 3] = ["home", "tmp", "work"];
/// Standard input of a place.
const STDIN: &str = "stdin";

/// Why a directory could not be prepared or looked at.
#[derive(Debug, thiserror::Error)]
#[error("{what} `{}` cannot be {verb}: {}", path.display(), plain_words(source))]
pub struct WorkdirError {
    /// What it is: `the input file`.
    pub what: &'static str,
    /// What was to be done: `read`.
    pub verb: &'static str,
    /// Where.
    pub path: PathBuf,
    /// Why not.
    pub source: io::Error,
}

/// The directories of one side.
#[derive(Debug)]
pub struct Workdir {
    slot: PathBuf,
    next: u32,
}

impl Workdir {
    /// Makes the slot of a side below `base`: a lower-case letter, another one for each side. What is
    /// there of an earlier run is removed.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new(base: &Path, side: char) -> Result<Workdir, WorkdirError> {
        // The first letter of the alphabet stands for what is none, so the length stays the same.
        let side = Some(side).filter(char::is_ascii_lowercase).unwrap_or('a');
        let slot = base.join(side.to_string());
        let prepare = || {
            if slot.exists() {
                tree::remove(&slot)?;
            }
            fs::create_dir_all(&slot)
        };
        prepare().map_err(|source| WorkdirError {
            what: "the directory",
            verb: "made",
            path: slot.clone(),
            source,
        })?;
        Ok(Workdir { slot, next: 0 })
    }

    /// Where a place is while its run has it.
    pub fn in_use(&self) -> PathBuf {
        self.slot.join(IN_USE)
    }

    /// Makes a place for one run of this case.
    ///
    /// # Errors
    /// It cannot be made, or an input file cannot be copied.
    pub fn place(&mut self, case: &Case) -> Result<Place, WorkdirError> {
        let root = self.slot.join(format!("{:06}", self.next));
        self.next += 1;
        let place = Place {
            slot: self.slot.clone(),
            root,
            before: Tree::default(),
        };
        place.fill(case)
    }
}

impl Drop for Workdir {
    fn drop(&mut self) {
        // The next start removes what cannot be removed now.
        let _ = tree::remove(&self.slot);
    }
}

/// The directory of one run. Dropping it removes it.
#[derive(Debug)]
pub struct Place {
    slot: PathBuf,
    root: PathBuf,
    before: Tree,
}

impl Place {
    /// The directory that has to be moved to [`Workdir::in_use`] for the run.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The files that the run may read: those of its case and its standard input.
    pub fn inputs(&self) -> Vec<PathBuf> {
        let is_file = |entry: &Entry| matches!(entry.kind, Kind::File { .. });
        let files = self.before.entries.iter();
        let files = files.filter(|(_, entry)| is_file(entry));
        let stdin = self.root.join(STDIN);
        let stdin = stdin.exists().then_some(stdin);
        files
            .map(|(path, _)| self.root.join(path))
            .chain(stdin)
            .collect()
    }

    /// What the run made of it; then it is removed. Every process of the run must have ended.
    pub fn changes(self) -> Changes {
        let after = Tree::read(&self.root, &PARTS);
        let mut changes = Changes::between(&self.before, after);
        changes.outside = self.outside();
        changes
    }

    /// What is in the place or the slot that was not put there.
    fn outside(&self) -> Vec<PathBuf> {
        let names = |dir: &Path| -> Vec<PathBuf> {
            let entries = fs::read_dir(dir).into_iter().flatten().flatten();
            entries.map(|entry| entry.file_name().into()).collect()
        };
        let known =
            |path: &PathBuf, expected: &dyn Fn(&str) -> bool| path.to_str().is_some_and(expected);
        let of_place = names(&self.root)
            .into_iter()
            .filter(|name| !known(name, &|name| name == STDIN || PARTS.contains(&name)))
            .map(|name| Path::new("..").join(name));
        let of_slot = names(&self.slot)
            .into_iter()
            .filter(|name| !is_name_of_place(name.as_os_str()))
            .map(|name| Path::new("../..").join(name));
        let mut all: Vec<PathBuf> = of_place.chain(of_slot).collect();
        all.sort();
        all
    }

    fn fill(mut self, case: &Case) -> Result<Place, WorkdirError> {
        for part in PARTS {
            let path = self.root.join(part);
            fs::create_dir_all(&path).map_err(|source| made(&path, source))?;
        }
        for (name, input) in &case.files {
            let path = self.root.join("work").join(name);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(|source| made(folder, source))?;
            }
            put(input, &path)?;
        }
        if let Some(input) = &case.stdin {
            put(input, &self.root.join(STDIN))?;
        }
        self.before = Tree::read(&self.root, &PARTS);
        Ok(self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // The next start removes what cannot be removed now.
        let _ = tree::remove(&self.root);
    }
}

/// Is it the name of a place in its slot?
pub(crate) fn is_name_of_place(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    bytes.len() == 6 && bytes.iter().all(u8::is_ascii_digit)
}

fn made(path: &Path, source: io::Error) -> WorkdirError {
    WorkdirError {
        what: "the directory",
        verb: "made",
        path: path.to_owned(),
        source,
    }
}

/// Writes an input to where the run finds it.
fn put(input: &Input, path: &Path) -> Result<(), WorkdirError> {
    let written = |source| WorkdirError {
        what: "the file",
        verb: "written",
        path: path.to_owned(),
        source,
    };
    match input {
        Input::Text(text) => fs::write(path, text).map_err(written)?,
        Input::File(from) => {
            fs::copy(from, path).map_err(|source| WorkdirError {
                what: "the input file",
                verb: "copied",
                path: from.clone(),
                source,
            })?;
        }
    }
    // Its time first: a file that may not be written to could not be opened for that.
    let date = || -> io::Result<()> {
        let time = SystemTime::UNIX_EPOCH + MODIFIED;
        let times = FileTimes::new().set_modified(time).set_accessed(time);
        File::open(path)?.set_times(times)
    };
    date().map_err(written)
}
