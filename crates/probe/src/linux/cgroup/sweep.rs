use super::Roles;
use super::group::{pids, remove};
use crate::platform::members;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use understudy_model::plain_words;

/// Removes every group whose Understudy process no longer lives; a sentence for each.
pub(super) fn sweep(parents: &Roles) -> Vec<String> {
    let mut sentences = Vec::new();
    for parent in parents.dirs() {
        let Ok(entries) = fs::read_dir(&parent) else {
            continue;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let stale = name
                .to_str()
                .and_then(maker)
                .is_some_and(|pid| !members::lives(pid));
            if stale && entry.path().is_dir() {
                sentences.push(clear(&entry.path()));
            }
        }
    }
    sentences
}

/// The process that made a group of this name.
fn maker(name: &str) -> Option<i32> {
    let (pid, number) = name.strip_prefix("understudy-")?.split_once('-')?;
    number.parse::<u32>().ok()?;
    pid.parse().ok()
}

fn clear(dir: &Path) -> String {
    let deadline = Instant::now() + Duration::from_secs(2);
    let mut killed = 0;
    loop {
        // A 0 stands for a process of another PID namespace: not ours to touch.
        let left = pids(dir);
        if left.is_empty() || left.contains(&0) || Instant::now() >= deadline {
            break;
        }
        for pid in left.into_iter().filter_map(Pid::from_raw) {
            killed += u32::from(kill_process(pid, Signal::KILL).is_ok());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let left_over = format!("the control group {} of an earlier run", dir.display());
    match remove(dir) {
        Ok(()) if killed == 0 => format!("{left_over} was removed"),
        Ok(()) => format!("{left_over} was removed; what still ran in it was killed"),
        Err(error) => format!("{left_over} cannot be removed: {}", plain_words(&error)),
    }
}
