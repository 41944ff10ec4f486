//! Instructions of sides, counted by Valgrind: many machines, virtual ones above all, have no counters of their own. It
//! runs a program some tens of times slower, so it is done on request, after everything that is timed.

pub(crate) mod commands;
pub(crate) mod services;

use crate::command::search_path;
use crate::error::TrialError;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};
use understudy_model::Role;
use understudy_subject_command::resolve;

/// The program that counts.
pub const COUNTER: &str = "valgrind";
/// Rounds whatever time they take, of what is counted as a whole: one has no interval.
const LEAST_ROUNDS: u32 = 2;

/// Is the program that counts on this machine?
pub fn can_count() -> bool {
    resolve(COUNTER, Path::new("/"), &search_path()).is_ok()
}

/// The words in front of a command whose instructions are counted, with a file for each of its processes in `folder`.
pub(crate) fn counter(folder: &Path) -> Vec<String> {
    let log = format!("--log-file={}/%p.txt", folder.display());
    [
        COUNTER,
        "--tool=cachegrind",
        "--cache-sim=no",
        "--cachegrind-out-file=/dev/null",
        "--trace-children=yes",
        &log,
    ]
    .map(str::to_owned)
    .into()
}

/// The folder that the counter of a side writes into, empty.
fn folder_of(side: Role, logs: &Path) -> Result<PathBuf, TrialError> {
    let folder = logs.join(format!("instructions-{}", side.name()));
    fs::create_dir_all(&folder).map_err(|source| cannot("create", &folder, source))?;
    // What is counted runs elsewhere.
    let folder = fs::canonicalize(&folder).map_err(|source| cannot("open", &folder, source))?;
    // What an interrupted run has left.
    sum_and_remove(&folder)?;
    Ok(folder)
}

/// The instructions that all files in a folder tell, which are removed.
fn sum_and_remove(folder: &Path) -> Result<u64, TrialError> {
    let mut sum = 0;
    let entries = fs::read_dir(folder).map_err(|source| cannot("read", folder, source))?;
    for entry in entries.flatten() {
        let path = entry.path();
        let text = fs::read(&path).map_err(|source| cannot("read", &path, source))?;
        sum += executed(&String::from_utf8_lossy(&text));
        fs::remove_file(&path).map_err(|source| cannot("remove", &path, source))?;
    }
    Ok(sum)
}

/// The numbers of lines such as `==7== I   refs:      1,234,567`, the last of each process. A process without a program
/// of its own may share the file of the one that it is a copy of, and counts on from there.
fn executed(log: &str) -> u64 {
    let lines = log.lines().filter_map(|line| line.rsplit_once("== "));
    let told = lines.filter_map(|(process, said)| {
        let (what, number) = said.split_once(':')?;
        let mut words = what.split_whitespace();
        let is_told = words.next() == Some("I") && words.next() == Some("refs");
        let number = number.replace(',', "").trim().parse().ok()?;
        is_told.then_some((process, number))
    });
    let of_each: BTreeMap<&str, u64> = told.collect();
    of_each.values().sum()
}

fn cannot(action: &'static str, path: &Path, source: io::Error) -> TrialError {
    understudy_evidence::EvidenceError::Io {
        action,
        path: path.to_owned(),
        source,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_however_it_is_set() {
        let older = "==35== Cachegrind\n==35== \n==35== I   refs:      1,234,567\n";
        let newer = "==35== I refs:        1,234,567\n";
        assert_eq!(executed(older), 1_234_567);
        assert_eq!(executed(newer), 1_234_567);
        assert_eq!(executed("==35== D refs: 12\nI refs of the program: 5\n"), 0);
        assert_eq!(executed(""), 0);
        // A copy of the process ends in between.
        let forked = "==7== I refs: 10\n==9== I refs: 300\n==7== I refs: 4,000\n";
        assert_eq!(executed(forked), 4300);
    }

    #[test]
    fn every_process_of_a_run_counts_once() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("1.txt"), "==1== I   refs: 1,000\n").unwrap();
        fs::write(folder.path().join("2.txt"), "==2== I   refs: 20\n").unwrap();
        fs::write(folder.path().join("3.txt"), "killed").unwrap();
        assert_eq!(sum_and_remove(folder.path()).unwrap(), 1020);
        assert_eq!(sum_and_remove(folder.path()).unwrap(), 0);
    }
}
