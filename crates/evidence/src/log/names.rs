//! The names of a log: which process may write under them, and which files a former run left there.

use crate::{EvidenceError, files};
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// Key in a footer: the number of the file within its log. By it `log-2.parquet`, the second file of
/// `log.parquet`, is distinguished from the first file of another log.
pub(super) const PART_KEY: &str = "understudy.part";

/// Opens the first file of the log `path` for this process alone. The lock ends with the file's last handle.
///
/// # Errors
/// Another process writes this log, an interrupted run left rows of it, or the file cannot be created.
pub(super) fn claim_first(path: &Path) -> Result<File, EvidenceError> {
    let file = claim(path)?;
    // In this order: a run that continues to its second file claims that before it renames the first.
    let free = refuse_running(path).and_then(|()| refuse_left(path));
    free.inspect_err(|_| remove_unfinished(path))?;
    Ok(file)
}

/// Opens the file after number `after` of the log `path`. Numbers are left out whose name belongs to another log.
///
/// # Errors
/// The file cannot be created.
pub(super) fn claim_next(path: &Path, after: u32) -> Result<(u32, PathBuf, File), EvidenceError> {
    let mut number = after;
    loop {
        number += 1;
        let part = numbered(path, number);
        if part.exists() && !is_follower(&part) {
            continue;
        }
        match claim(&part) {
            Ok(file) => return Ok((number, part, file)),
            Err(EvidenceError::InUse { .. } | EvidenceError::LeftUnfinished { .. }) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Removes what a longer run before this one left after file `last`.
pub(super) fn remove_followers(path: &Path, last: u32) {
    for (number, follower) in followers(path, "") {
        if number > last && is_follower(&follower) {
            // Best effort: every row of this run is in its files.
            let _ = fs::remove_file(follower);
        }
    }
}

pub(super) fn remove_unfinished(path: &Path) {
    // Best effort: what stays bears the name of what is unfinished.
    let _ = fs::remove_file(files::unfinished(path));
}

fn claim(path: &Path) -> Result<File, EvidenceError> {
    let unfinished = files::unfinished(path);
    let file = files::private()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&unfinished)
        .map_err(EvidenceError::io("create", &unfinished))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(EvidenceError::InUse { path: unfinished }),
        Err(TryLockError::Error(error)) => {
            return Err(EvidenceError::io("lock", &unfinished)(error));
        }
    }
    let about = file
        .metadata()
        .map_err(EvidenceError::io("read", &unfinished))?;
    match about.len() {
        0 => Ok(file),
        _ => Err(EvidenceError::LeftUnfinished { path: unfinished }),
    }
}

/// A run past its first file has given that its name and holds its lock.
fn refuse_running(path: &Path) -> Result<(), EvidenceError> {
    // One that cannot be opened is not a file of a run of this user.
    let running = File::open(path)
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)));
    match running {
        true => Err(EvidenceError::InUse {
            path: path.to_owned(),
        }),
        false => Ok(()),
    }
}

/// A run that was killed past its first file left the later one unfinished. A locked one is of a run
/// that continues under another name.
fn refuse_left(path: &Path) -> Result<(), EvidenceError> {
    let left = |file: &Path| {
        File::open(file).is_ok_and(|file| {
            file.metadata().is_ok_and(|about| about.len() > 0) && file.try_lock_shared().is_ok()
        })
    };
    let ending = format!(".{}", files::UNFINISHED);
    let mut found = followers(path, &ending).into_iter();
    match found.find(|(_, file)| left(file)) {
        Some((_, path)) => Err(EvidenceError::LeftUnfinished { path }),
        None => Ok(()),
    }
}

/// Files named like a later file of the log `path` with `ending`, with their numbers.
fn followers(path: &Path, ending: &str) -> Vec<(u32, PathBuf)> {
    // A folder that cannot be listed shows none.
    let entries = fs::read_dir(files::parent(path)).into_iter().flatten();
    entries
        .flatten()
        .filter_map(|entry| {
            let found = entry.file_name();
            let number = number(path, found.to_str()?)?;
            let mut name = OsString::from(numbered(path, number).file_name()?);
            name.push(ending);
            (name == found).then(|| (number, path.with_file_name(name)))
        })
        .collect()
}

/// The digits where [`numbered`] puts them, from 2 on.
fn number(path: &Path, name: &str) -> Option<u32> {
    let rest = name
        .strip_prefix(path.file_stem()?.to_str()?)?
        .strip_prefix('-')?;
    let digits = rest.find(|c: char| !c.is_ascii_digit());
    rest[..digits.unwrap_or(rest.len())]
        .parse()
        .ok()
        .filter(|number| *number > 1)
}

fn is_follower(path: &Path) -> bool {
    let part = || {
        let reader = SerializedFileReader::new(File::open(path).ok()?).ok()?;
        let pairs = reader.metadata().file_metadata().key_value_metadata()?;
        let pair = pairs.iter().find(|pair| pair.key == PART_KEY)?;
        pair.value.as_ref()?.parse::<u32>().ok()
    };
    part().is_some_and(|number| number > 1)
}

/// `log.parquet` and 2 give `log-2.parquet`.
fn numbered(path: &Path, part: u32) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{part}"));
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}
