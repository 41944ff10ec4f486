//! Limits and samples of real processes. Without rights to control groups, each test holds the
//! sentence that says what is missing instead.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

mod support;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use support::{GRACE, cgroups, eventually, shell, start, state};
use understudy_model::{ByteSize, Cpus};
use understudy_probe::*;

const BUSY: &str = "while :; do :; done";

#[test]
fn without_control_groups_every_missing_limit_is_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let mut launch = shell(&dir, "exec sleep 60");
    launch.limits.memory = Some(ByteSize::new(64 << 20));
    launch.limits.cpus = Cpus::new(0.5);
    let child = launch.spawn(&Cgroups::none("the test wants none")).unwrap();
    let expected = [
        "no control group is used (the test wants none): cgroup memory, throttling and kills by a \
         memory limit are not measured, CPU time is counted in steps of 10 ms",
        "memory is not limited to 64MiB (no control group)",
        "CPU time is not limited to 0.5 CPUs (no control group)",
    ];
    assert_eq!(child.unmeasured(), expected);
    let sample = child.sampler().unwrap().sample(false).unwrap();
    assert_eq!(
        (sample.cgroup_bytes, sample.throttled_us, sample.oom_kills),
        (None, None, None)
    );
}

#[test]
fn memory_beyond_the_limit_is_a_kill_that_is_counted() {
    if !grouped() {
        return; // the sentence is held above
    }
    let dir = tempfile::tempdir().unwrap();
    // The shell stays to be asked; `tail` keeps all of an endless line.
    let mut launch = shell(&dir, "tail /dev/zero; sleep 60");
    launch.limits.memory = Some(ByteSize::new(32 << 20));
    let mut child = launch.spawn(&cgroups()).unwrap();
    assert!(child.unmeasured().is_empty(), "{:?}", child.unmeasured());
    let mut sampler = child.sampler().unwrap();
    eventually("a kill", || {
        sampler.sample(false).unwrap().oom_kills == Some(1)
    });
    let sample = sampler.sample(false).unwrap();
    let peak = sample.cgroup_peak_bytes.unwrap();
    assert!((24 << 20..=32 << 20).contains(&peak), "{peak}");
    let exit = child.stop(GRACE).unwrap();
    assert_eq!(
        exit.to_string(),
        "ended by signal 15 (SIGTERM), its memory limit was reached"
    );
}

#[test]
fn a_quota_throttles() {
    if !grouped() {
        return; // the sentence is held above
    }
    let dir = tempfile::tempdir().unwrap();
    let mut launch = shell(&dir, BUSY);
    launch.limits.cpus = Cpus::new(0.2);
    let child = launch.spawn(&cgroups()).unwrap();
    assert!(child.unmeasured().is_empty(), "{:?}", child.unmeasured());
    let mut sampler = child.sampler().unwrap();
    let before = sampler.sample(false).unwrap();
    std::thread::sleep(Duration::from_secs(1));
    let after = sampler.sample(false).unwrap();
    let used = (after.cpu_us() - before.cpu_us()) as f64;
    let share = used / ((after.at_ns - before.at_ns) as f64 / 1e3);
    assert!((0.05..0.3).contains(&share), "{share}");
    let throttled = after.throttled_us.unwrap() - before.throttled_us.unwrap();
    assert!(throttled > 300_000, "{throttled}");
}

#[test]
fn whole_cpus_are_a_set() {
    let dir = tempfile::tempdir().unwrap();
    let mut launch = shell(
        &dir,
        "grep Cpus_allowed_list /proc/self/status; exec sleep 60",
    );
    launch.limits.cpus = Cpus::new(1.0);
    let mut child = launch.spawn(&cgroups()).unwrap();
    assert_eq!(child.cpus().len(), 1);
    let only = format!("Cpus_allowed_list:\t{}", child.cpus()[0]);
    eventually("it says so", || {
        child.last_log_lines(1, 1000) == [only.as_str()]
    });
    child.stop(GRACE).unwrap();
    launch.limits.cpus = Cpus::new(4096.0);
    let child = launch.spawn(&cgroups()).unwrap();
    let sentence = format!("it has {} CPUs to run on, not 4096", child.cpus().len());
    assert!(
        child.unmeasured().contains(&sentence),
        "{:?}",
        child.unmeasured()
    );
}

/// CPU that a sampler saw against what the program counted itself, as `times` of the shell.
#[test]
fn the_sampler_sees_the_cpu_that_was_burnt() {
    let dir = tempfile::tempdir().unwrap();
    let burn = "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done; times > used; sleep 60";
    let child = start(&dir, burn);
    let external = start(&dir, "exec sleep 60");
    let mut by_group = child.sampler().unwrap();
    let mut by_pid = Sampler::of_pid(child.pid()).unwrap();
    let used = dir.path().join("used");
    eventually("it has burnt", || {
        std::fs::read_to_string(&used).is_ok_and(|t| t.lines().count() == 2)
    });
    let text = std::fs::read_to_string(&used).unwrap();
    // "0m0.340s 0m0.010s": user and system of the shell.
    let seconds: f64 = text
        .lines()
        .next()
        .unwrap()
        .split(' ')
        .map(|part| {
            let (minutes, seconds) = part.trim_end_matches('s').split_once('m').unwrap();
            minutes.parse::<f64>().unwrap() * 60.0 + seconds.parse::<f64>().unwrap()
        })
        .sum();
    assert!(seconds > 0.1, "{text}");
    for sampler in [&mut by_group, &mut by_pid] {
        let seen = sampler.sample(false).unwrap().cpu_us() as f64 / 1e6;
        assert!(
            (seen / seconds - 1.0).abs() < 0.1,
            "saw {seen}, burnt {seconds}"
        );
    }
    let idle = Sampler::of_pid(external.pid())
        .unwrap()
        .sample(true)
        .unwrap();
    assert!(
        idle.cpu_us() <= 20_000 && idle.processes == 1 && idle.threads == 1,
        "{idle:?}"
    );
    assert!(idle.voluntary_switches > 0, "{idle:?}");
    let pss = idle.pss_bytes.unwrap();
    assert!(
        pss > 0 && pss <= idle.rss_bytes && idle.rss_bytes <= idle.peak_rss_bytes,
        "{idle:?}"
    );
}

#[test]
fn a_peak_can_start_again() {
    let dir = tempfile::tempdir().unwrap();
    let mebibytes = 64;
    // `dd` holds one block of 64 MiB and ends; the shell holds it in a variable no longer.
    let script = format!(
        "dd if=/dev/zero of=/dev/null bs={mebibytes}M count=3 2>/dev/null; echo done; sleep 60"
    );
    let child = start(&dir, &script);
    let mut sampler = child.sampler().unwrap();
    eventually("it is done", || child.last_log_lines(1, 100) == ["done"]);
    let high = sampler.sample(false).unwrap();
    let sentences = sampler.reset_peak();
    let low = sampler.sample(false).unwrap();
    assert!(low.peak_rss_bytes < 16 << 20, "{low:?}");
    if grouped() && sentences.is_empty() {
        assert!(
            high.cgroup_peak_bytes.unwrap() > mebibytes << 20,
            "{high:?}"
        );
        assert!(low.cgroup_peak_bytes.unwrap() < 16 << 20, "{low:?}");
        assert!(low.cgroup_working_set_bytes <= low.cgroup_bytes);
    }
}

#[test]
fn a_sampler_of_nothing_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = start(&dir, "exec sleep 60");
    let (mut sampler, pid) = (child.sampler().unwrap(), child.pid());
    child.stop(GRACE).unwrap();
    let gone = format!("process {pid} has ended");
    assert_eq!(sampler.sample(false).unwrap_err().to_string(), gone);
    assert_eq!(Sampler::of_pid(pid).unwrap_err().to_string(), gone);
    assert!(child.sampler().is_err() && Sampler::of_pid(u32::MAX).is_err());
}

#[test]
fn counters_do_not_fall_when_a_process_ends() {
    let dir = tempfile::tempdir().unwrap();
    let script =
        "sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done' & wait; echo done; sleep 60";
    let child = shell(&dir, script)
        .spawn(&Cgroups::none("the test wants none"))
        .unwrap();
    let mut sampler = Sampler::of_pid(child.pid()).unwrap();
    let mut last = sampler.sample(false).unwrap();
    let start = Instant::now();
    while child.last_log_lines(1, 100) != ["done"] && start.elapsed() < Duration::from_secs(10) {
        let next = sampler.sample(false).unwrap();
        assert!(
            next.cpu_us() >= last.cpu_us() && next.voluntary_switches >= last.voluntary_switches
        );
        last = next;
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(
        sampler.sample(false).unwrap().cpu_us() >= 50_000,
        "the child's CPU is kept: {last:?}"
    );
}

#[test]
fn groups_of_the_dead_are_swept_and_their_processes_killed() {
    if !grouped() {
        assert_eq!(cgroups().sweep(), Vec::<String>::new());
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut child = start(&dir, "exec sleep 60");
    let groups = own_groups();
    assert!(
        groups.iter().any(|g| fs_pids(g).contains(&child.pid())),
        "{groups:?}"
    );
    // A group as a dead Understudy leaves it: pid 4194304 is above the largest possible.
    let parent = Path::new(&groups[0]).parent().unwrap();
    let stale = parent.join("understudy-4194304-1");
    std::fs::create_dir(&stale).unwrap();
    let is_cpuset = stale.join("cpuset.mems").exists();
    if !is_cpuset {
        std::fs::write(stale.join("cgroup.procs"), child.pid().to_string()).unwrap();
    }
    let sentences = cgroups().sweep();
    assert!(!stale.exists());
    let ours = sentences
        .iter()
        .find(|s| s.contains("understudy-4194304-1"))
        .unwrap();
    let expected = if is_cpuset {
        "was removed"
    } else {
        "what still ran in it was killed"
    };
    assert!(ours.ends_with(expected), "{sentences:?}");
    assert!(
        groups.iter().all(|g| Path::new(g).exists()),
        "the living are left alone"
    );
    if !is_cpuset {
        eventually("it was killed", || child.exited().is_some());
    }
}

fn fs_pids(group: &str) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("{group}/cgroup.procs")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

#[test]
fn nothing_is_left_of_a_group_after_the_drop() {
    let dir = tempfile::tempdir().unwrap();
    let child = start(&dir, BUSY);
    let pid = child.pid();
    let mine: Vec<String> = own_groups()
        .into_iter()
        .filter(|g| fs_pids(g).contains(&pid))
        .collect();
    assert_eq!(mine.is_empty(), !grouped(), "{mine:?}");
    drop(child);
    assert!(
        mine.iter().all(|group| !Path::new(group).exists()),
        "{mine:?}"
    );
    assert_eq!(state(pid), None);
}

/// Are there control groups to test? Without, what is tested is the sentence that says so.
fn grouped() -> bool {
    !matches!(cgroups().detected(), Detected::None(_))
}

/// Directories below `/sys/fs/cgroup` that this process made.
fn own_groups() -> Vec<String> {
    let wanted = format!("understudy-{}-", std::process::id());
    let mut found = Vec::new();
    let mut open = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            if entry.file_name().to_string_lossy().starts_with(&wanted) {
                found.push(entry.path().display().to_string());
            }
            open.push(entry.path());
        }
    }
    found
}

/// As a container is: a group that another program made, processes in a group below it included.
#[test]
fn a_group_that_exists_is_measured_as_a_whole() {
    if !grouped() {
        return; // the sentence is held above
    }
    let dir = tempfile::tempdir().unwrap();
    let child = shell(&dir, BUSY).spawn(&cgroups()).unwrap();
    let own = std::fs::read_to_string(format!("/proc/{}/cgroup", child.pid())).unwrap();
    let line = own
        .lines()
        .find(|line| line.contains(":memory:") || line.starts_with("0::/u"))
        .unwrap();
    let name = line.rsplit(':').next().unwrap();
    // In a container the path is that of the host: what is visible begins at the own group.
    let name = &name[name.find("/understudy-").unwrap_or(0)..];
    let mut sampler = Sampler::of_cgroup(Path::new(name)).unwrap();
    let before = sampler.sample(false).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let after = sampler.sample(true).unwrap();
    assert_eq!(after.processes, 1);
    let used = after.cpu_us() - before.cpu_us();
    assert!((100_000..=600_000).contains(&used), "{used} us");
    assert!(after.pss_bytes.unwrap() > 0 && after.open_files.unwrap() >= 3);
    drop(child);
    let error = sampler.sample(false).unwrap_err().to_string();
    assert!(
        error.starts_with("no process is in the control group"),
        "{error}"
    );
    assert!(Sampler::of_cgroup(Path::new("/no/such")).is_err());
}
