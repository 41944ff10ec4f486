//! The processes that use the CPUs of this machine are known by name.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[expect(dead_code, reason = "the tests of other files use the rest")]
mod support;

use std::time::{Duration, Instant};
use support::{GRACE, cgroups, shell};
use understudy_host::allowed_cpus;
use understudy_model::neighbours::Neighbours;
use understudy_probe::{Child, NeighbourSampler};

const BUSY: &str = "while :; do :; done";

/// Starts a script on one CPU. It ends with the child, however the test ends.
fn pinned(dir: &tempfile::TempDir, script: &str, cpu: u32) -> Child {
    let mut launch = shell(dir, script);
    launch.cpus = Some(vec![cpu]);
    launch.spawn(&cgroups()).unwrap()
}

fn observe(side: &[u32]) -> Neighbours {
    let mut sampler = NeighbourSampler::begin(Some(side), Instant::now()).unwrap();
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(200));
        sampler.look(Some(side), Instant::now() + GRACE);
    }
    sampler.end(Some(side))
}

/// Observes until what was seen is enough: other programs may keep this machine busy meanwhile.
fn observe_until(side: &[u32], enough: impl Fn(&Neighbours) -> bool) -> Neighbours {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let seen = observe(side);
        if enough(&seen) {
            return seen;
        }
        assert!(Instant::now() < deadline, "{seen:#?}");
    }
}

#[test]
fn a_busy_process_is_named_with_its_cpu() {
    let dir = tempfile::tempdir().unwrap();
    let cpu = allowed_cpus().as_slice()[0];
    let mut busy = pinned(&dir, BUSY, cpu);
    let pid = busy.pid();
    let seen = observe_until(&[], |seen| seen.processes.iter().any(|one| one.pid == pid));
    busy.stop(GRACE).unwrap();
    let named = seen.processes.iter().find(|one| one.pid == pid).unwrap();
    assert_eq!(named.name, "sh");
    assert!(
        !named.kernel && named.cpu_s > 0.0 && named.share > 0.0,
        "{named:?}"
    );
    // It is bound to one CPU and has one thread, so all of its time is known to be there.
    let on: Vec<u32> = named.on.iter().map(|one| one.cpu).collect();
    assert_eq!(on, [cpu], "{named:?}");
    assert!((named.on[0].cpu_s - named.cpu_s).abs() < 1e-9, "{named:?}");
    assert!(
        seen.cpus
            .iter()
            .any(|one| one.cpu == cpu && one.ran_s > 0.0),
        "{seen:?}"
    );
    let me = std::process::id();
    assert!(seen.processes.iter().all(|one| one.pid != me), "{seen:?}");
}

#[test]
fn processes_of_the_side_are_left_out_and_counted_apart() {
    let dir = tempfile::tempdir().unwrap();
    let cpu = allowed_cpus().as_slice()[0];
    // The child of the process that is named belongs to the side as well.
    let mut side = pinned(&dir, &format!("({BUSY}) & {BUSY}"), cpu);
    let members = side.pids();
    let used = |seen: &Neighbours| -> f64 {
        let on = seen.side.iter().flatten();
        on.map(|one| one.cpu_s).sum()
    };
    let seen = observe_until(&[side.pid()], |seen| used(seen) > 0.0);
    let members: Vec<u32> = members.into_iter().chain(side.pids()).collect();
    side.stop(GRACE).unwrap();
    let of_side = |pid: &u32| members.contains(pid);
    let named: Vec<u32> = seen.processes.iter().map(|one| one.pid).collect();
    assert!(!named.iter().any(of_side), "{named:?} {members:?}");
    assert!(
        seen.side.iter().flatten().all(|one| one.cpu == cpu),
        "{seen:?}"
    );
}

#[test]
fn what_is_started_and_ends_in_between_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut sampler = NeighbourSampler::begin(None, Instant::now()).unwrap();
    let mut many = pinned(
        &dir,
        "for i in 1 2 3 4 5 6 7 8 9 10; do (:); done; echo over; sleep 60",
        0,
    );
    let deadline = Instant::now() + GRACE;
    while std::fs::read_to_string(many.log()).unwrap().is_empty() {
        assert!(Instant::now() < deadline, "it never got there");
        std::thread::sleep(Duration::from_millis(5));
    }
    sampler.look(None, Instant::now() + GRACE);
    let seen = sampler.end(None);
    many.stop(GRACE).unwrap();
    assert!(seen.started >= 11, "{seen:?}");
    assert_eq!(seen.side, None, "its processes are not known");
}
