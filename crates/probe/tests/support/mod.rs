//! What the process tests share.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use understudy_probe::{Cgroups, Child, Launch, Limits};

pub(crate) const GRACE: Duration = Duration::from_secs(3);

/// The control groups of this machine.
pub(crate) fn cgroups() -> Cgroups {
    Cgroups::detect(Path::new("/sys/fs/cgroup"))
}

/// A shell script to launch, its log in `dir`.
pub(crate) fn shell(dir: &TempDir, script: &str) -> Launch {
    Launch {
        name: "subject".into(),
        argv: vec!["sh".into(), "-c".into(), script.into()],
        dir: dir.path().into(),
        env: BTreeMap::new(),
        log: dir.path().join("log"),
        limits: Limits::default(),
        cpus: None,
    }
}

/// Starts a script in the control groups of this machine.
pub(crate) fn start(dir: &TempDir, script: &str) -> Child {
    shell(dir, script).spawn(&cgroups()).unwrap()
}

/// Waits for a condition that must come true.
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The state letter of a process; `None` when it is gone.
pub(crate) fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
