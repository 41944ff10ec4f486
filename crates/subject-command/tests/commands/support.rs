//! What the tests of real commands share.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use understudy_probe::{Cgroups, Limits};
use understudy_subject_command::*;

/// A side: its launcher, its directories.
pub(crate) struct Side {
    pub(crate) launcher: Launcher,
    pub(crate) workdir: Workdir,
    pub(crate) folder: TempDir,
    pub(crate) timeout: Duration,
    pub(crate) limits: OutputLimits,
    pub(crate) cpus: Option<Vec<u32>>,
    pub(crate) is_watched: bool,
    pub(crate) kept: Vec<PathBuf>,
}

/// The example of this crate that is a launcher; `cargo test` builds it.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().unwrap().parent().unwrap();
    profile.join("examples").join(name)
}

pub(crate) fn cgroups() -> Cgroups {
    Cgroups::detect(Path::new("/sys/fs/cgroup"))
}

pub(crate) fn setup(folder: &Path) -> LauncherSetup {
    LauncherSetup {
        name: "incumbent".to_owned(),
        argv: vec![example("command_launcher").display().to_string()],
        dir: folder.to_owned(),
        log: folder.join("launcher.log"),
        limits: Limits::default(),
        cpus: None,
    }
}

impl Side {
    pub(crate) fn new(slot: char) -> Side {
        Side::with(slot, &cgroups(), |_| {})
    }

    pub(crate) fn with(
        slot: char,
        cgroups: &Cgroups,
        change: impl FnOnce(&mut LauncherSetup),
    ) -> Side {
        let folder = tempfile::tempdir().unwrap();
        let mut setup = setup(folder.path());
        change(&mut setup);
        let launcher = Launcher::start(&setup, cgroups).unwrap();
        let workdir = Workdir::new(&folder.path().join("runs"), slot).unwrap();
        Side {
            launcher,
            workdir,
            folder,
            timeout: Duration::from_secs(60),
            limits: OutputLimits::default(),
            cpus: None,
            is_watched: false,
            kept: Vec::new(),
        }
    }

    /// The order for some runs of a command with this case, and their places.
    pub(crate) fn order(
        &mut self,
        command: &[&str],
        case: &Case,
        runs: usize,
    ) -> (Order, Vec<Place>) {
        let command: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
        let argv = command_line(&command, case).unwrap();
        let places: Vec<Place> = (0..runs)
            .map(|_| self.workdir.place(case).unwrap())
            .collect();
        let at = self.workdir.in_use();
        let order = Order {
            program: resolve(&argv[0], self.folder.path(), DEFAULT_PATH)
                .unwrap_or_else(|_| self.folder.path().join(&argv[0])),
            argv,
            env: environment(DEFAULT_PATH, &at, &case.env),
            places: places.iter().map(|place| place.root().to_owned()).collect(),
            at,
            cpus: self.cpus.clone(),
            umask: 0o022,
            timeout: self.timeout,
            limits: self.limits,
            is_watched: self.is_watched,
            kept: self.kept.clone(),
        };
        (order, places)
    }

    /// Runs a command some times.
    pub(crate) fn runs(
        &mut self,
        command: &[&str],
        case: &Case,
        runs: usize,
    ) -> Vec<(Ran, Changes)> {
        let (order, places) = self.order(command, case, runs);
        let ran = self.launcher.run(&order, &AtomicBool::new(false)).unwrap();
        assert_eq!(ran.len(), runs);
        ran.into_iter()
            .zip(places)
            .map(|(ran, place)| (ran, place.changes()))
            .collect()
    }

    pub(crate) fn run(&mut self, command: &[&str]) -> Ran {
        self.runs(command, &Case::default(), 1).remove(0).0
    }

    pub(crate) fn sh(&mut self, script: &str) -> Ran {
        self.run(&["sh", "-c", script])
    }

    /// A script with files in its working directory, and what it made of them.
    pub(crate) fn sh_with(&mut self, script: &str, files: &[(&str, &str)]) -> (Ran, Changes) {
        let text = |text: &str| Input::Text(text.as_bytes().to_vec());
        let files = files
            .iter()
            .map(|(path, content)| (path.into(), text(content)));
        let case = Case {
            files: files.collect::<BTreeMap<PathBuf, Input>>(),
            ..Case::default()
        };
        self.runs(&["sh", "-c", script], &case, 1).remove(0)
    }
}

pub(crate) fn text(captured: &Captured) -> String {
    String::from_utf8_lossy(&captured.bytes).into_owned()
}

/// Waits for a condition that must come true.
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The live processes whose command line contains this.
pub(crate) fn living(word: &str) -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let ids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_it = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        // A zombie has no command line.
        String::from_utf8_lossy(&line).contains(word) && *pid != std::process::id()
    };
    ids.filter(is_it).collect()
}
