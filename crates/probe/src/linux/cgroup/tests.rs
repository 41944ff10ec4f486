//! Fixtures: directories that look like a cgroup file system. They hold what is written and where;
//! what the kernel makes of it is tested on real groups in `tests/limits.rs`.

use super::*;
use crate::Limits;
use std::fs;
use tempfile::TempDir;
use understudy_model::{ByteSize, Cpus};

/// A version 2 tree as systemd makes it: the session's scope holds processes, the slice above it
/// hands out controllers.
fn unified(controllers: &str) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for dir in ["", "user.slice", "user.slice/run-1.scope"] {
        let dir = root.path().join(dir);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("cgroup.controllers"), controllers).unwrap();
        fs::write(dir.join("cgroup.subtree_control"), controllers).unwrap();
        fs::write(dir.join("cgroup.procs"), "").unwrap();
    }
    // A directory cannot be written to as a file, also when root runs the test.
    let scope = root.path().join("user.slice/run-1.scope");
    fs::remove_file(scope.join("cgroup.subtree_control")).unwrap();
    fs::create_dir(scope.join("cgroup.subtree_control")).unwrap();
    root
}

const OWN: &str = "0::/user.slice/run-1.scope\n";

fn read(dir: &Path, file: &str) -> String {
    fs::read_to_string(dir.join(file)).unwrap_or_else(|error| format!("{file}: {error}"))
}

#[test]
fn version_2_takes_the_nearest_group_that_hands_out_controllers() {
    let root = unified("cpuset cpu io memory pids");
    let groups = Cgroups::detect_as(root.path(), OWN);
    assert_eq!(groups.detected(), &Detected::V2);
    let slice = root.path().join("user.slice");
    let expected = Some(slice);
    let parents = &groups.parents;
    for role in [
        &parents.cpu,
        &parents.cpuacct,
        &parents.memory,
        &parents.cpuset,
    ] {
        assert_eq!(role, &expected);
    }
}

#[test]
fn version_2_switches_on_what_is_missing() {
    let root = unified("cpuset cpu io memory pids");
    let control = root.path().join("user.slice/cgroup.subtree_control");
    fs::write(&control, "memory pids").unwrap();
    assert_eq!(
        Cgroups::detect_as(root.path(), OWN).detected(),
        &Detected::V2
    );
    assert_eq!(
        fs::read_to_string(control).unwrap(),
        "+cpuset",
        "one write for each, the last here"
    );
}

#[test]
fn version_2_without_controllers_says_what_to_do() {
    let root = unified("pids");
    let groups = Cgroups::detect_as(root.path(), OWN);
    let Detected::None(reason) = groups.detected() else {
        panic!("{groups:?}")
    };
    assert!(
        reason.contains("user.slice: has no cpu controller"),
        "{reason}"
    );
    assert!(reason.ends_with("run as root or under `systemd-run --user --scope -p Delegate=yes`"));
}

#[test]
fn version_2_limits_are_written_as_the_kernel_documents_them() {
    let root = unified("cpuset cpu memory");
    let groups = Cgroups::detect_as(root.path(), OWN);
    let (group, failures) = Group::create(&groups, "understudy-7-1");
    let group = group.unwrap();
    assert!(failures.is_empty(), "{failures:?}");
    let limits = Limits {
        cpus: Cpus::new(1.5),
        memory: Some(ByteSize::new(1 << 29)),
    };
    assert_eq!(group.limit(&limits, &[0, 3]), Vec::<String>::new());
    let dir = root.path().join("user.slice/understudy-7-1");
    assert_eq!(read(&dir, "memory.max"), "536870912");
    assert_eq!(read(&dir, "memory.swap.max"), "0");
    assert_eq!(read(&dir, "cpu.max"), "150000 100000");
    assert_eq!(read(&dir, "cpuset.cpus"), "0,3");
    fs::write(dir.join("cgroup.procs"), "41\n42\n").unwrap();
    assert_eq!(group.pids(), [41, 42]);
    assert!(group.holds(41) && !group.holds(43));
}

#[test]
fn version_2_counters_are_read_as_the_kernel_documents_them() {
    let root = unified("cpuset cpu memory");
    let (group, _) = Group::create(&Cgroups::detect_as(root.path(), OWN), "understudy-7-2");
    let group = group.unwrap();
    let dir = root.path().join("user.slice/understudy-7-2");
    let cpu = "usage_usec 5000\nuser_usec 3000\nsystem_usec 2000\nnr_periods 9\nnr_throttled 4\n\
               throttled_usec 7700\n";
    for (file, text) in [
        ("cgroup.procs", "41\n"),
        ("cpu.stat", cpu),
        ("memory.current", "9000000\n"),
        ("memory.peak", "9500000\n"),
        (
            "memory.stat",
            "anon 1\nfile 2\nactive_file 5\ninactive_file 4096\n",
        ),
        (
            "memory.events",
            "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n",
        ),
    ] {
        fs::write(dir.join(file), text).unwrap();
    }
    let (files, buffer) = (GroupFiles::open(&group), &mut Vec::new());
    assert_eq!(files.pids(buffer), Some(vec![41]));
    assert_eq!(files.cpu_us(buffer), Some((3000, 2000)));
    assert_eq!(files.throttled_us(buffer), Some(7700));
    assert_eq!(files.memory_bytes(buffer), Some(9_000_000));
    assert_eq!(files.memory_peak_bytes(buffer), Some(9_500_000));
    assert_eq!(files.inactive_file_bytes(buffer), Some(4096));
    assert_eq!(files.oom_kills(buffer), Some(2));
    fs::write(dir.join("memory.current"), "1\n").unwrap();
    assert_eq!(
        files.memory_bytes(buffer),
        Some(1),
        "read again from the open file"
    );
    files.reset_peak().unwrap();
    assert!(
        read(&dir, "memory.peak").starts_with("reset\n"),
        "any text resets the peak"
    );
}

#[test]
fn a_counter_that_is_not_there_is_none() {
    let root = unified("cpuset cpu memory");
    let (group, _) = Group::create(&Cgroups::detect_as(root.path(), OWN), "understudy-7-3");
    let (files, buffer) = (GroupFiles::open(&group.unwrap()), &mut Vec::new());
    assert_eq!(files.cpu_us(buffer), None);
    assert_eq!(files.memory_bytes(buffer), None);
    assert_eq!(files.oom_kills(buffer), None);
    assert!(files.reset_peak().is_err());
}

/// A version 1 tree with `cpu` and `cpuacct` mounted together, as most distributions do.
#[test]
fn version_1_finds_joint_controllers_and_writes_limits() {
    let root = tempfile::tempdir().unwrap();
    for dir in ["cpu,cpuacct/box", "memory", "cpuset/box"] {
        fs::create_dir_all(root.path().join(dir)).unwrap();
    }
    fs::write(root.path().join("cpuset/box/cpuset.mems"), "0-1\n").unwrap();
    let own = "4:memory:/docker/not-visible\n3:cpuset:/box\n2:cpu,cpuacct:/box\n0::/\n";
    let groups = Cgroups::detect_as(root.path(), own);
    assert_eq!(groups.detected(), &Detected::V1);
    let (group, failures) = Group::create(&groups, "understudy-7-4");
    assert!(failures.is_empty(), "{failures:?}");
    let limits = Limits {
        cpus: Cpus::new(0.25),
        memory: Some(ByteSize::new(1 << 20)),
    };
    assert_eq!(group.unwrap().limit(&limits, &[1]), Vec::<String>::new());
    let file = |path: &str| read(root.path(), path);
    assert_eq!(
        file("cpu,cpuacct/box/understudy-7-4/cpu.cfs_quota_us"),
        "25000"
    );
    assert_eq!(
        file("cpu,cpuacct/box/understudy-7-4/cpu.cfs_period_us"),
        "100000"
    );
    assert_eq!(
        file("memory/understudy-7-4/memory.limit_in_bytes"),
        "1048576"
    );
    assert_eq!(
        file("memory/understudy-7-4/memory.memsw.limit_in_bytes"),
        "1048576"
    );
    assert_eq!(file("cpuset/box/understudy-7-4/cpuset.cpus"), "1");
    assert_eq!(file("cpuset/box/understudy-7-4/cpuset.mems"), "0-1");
}

#[test]
fn no_control_groups_is_a_reason() {
    let root = tempfile::tempdir().unwrap();
    let groups = Cgroups::detect_as(root.path(), "");
    let reason = format!("no control groups are mounted at {}", root.path().display());
    assert_eq!(groups.detected(), &Detected::None(reason));
    let (group, sentences) = Group::create(&groups, "understudy-7-5");
    assert!(group.is_none() && sentences[0].starts_with("no control group is used"));
}

#[test]
fn a_limit_without_its_controller_is_a_sentence() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("cpuacct")).unwrap();
    let groups = Cgroups::detect_as(root.path(), "2:cpuacct:/\n");
    let (group, _) = Group::create(&groups, "understudy-7-6");
    let limits = Limits {
        cpus: Cpus::new(0.5),
        memory: Some(ByteSize::new(1 << 20)),
    };
    let expected = [
        "memory is not limited to 1MiB (the memory controller may not be used: run as root)",
        "CPU time is not limited to 0.5 CPUs (the cpu controller may not be used: run as root)",
    ];
    assert_eq!(group.unwrap().limit(&limits, &[0]), expected);
}

#[test]
fn an_existing_group_is_found_by_either_of_its_names() {
    let v1 = tempfile::tempdir().unwrap();
    for dir in ["cpu/docker/abc", "cpuacct/docker/abc", "memory/docker/abc"] {
        fs::create_dir_all(v1.path().join(dir)).unwrap();
    }
    let root = v1.path();
    let below = |role: &str| Some(root.join(role).join("docker/abc"));
    for named in [
        Path::new("/docker/abc"),
        Path::new("docker/abc"),
        &root.join("memory/docker/abc"),
        &root.join("cpuacct/docker/abc"),
    ] {
        let roles = Group::existing(root, named).unwrap().roles;
        assert_eq!(roles.memory, below("memory"), "{}", named.display());
        assert_eq!(roles.cpuacct, below("cpuacct"));
        assert_eq!(roles.cpu, below("cpu"));
    }
    assert!(Group::existing(root, Path::new("/docker/other")).is_none());

    let v2 = unified("cpu memory");
    let named = Path::new("/user.slice/run-1.scope");
    let group = Group::existing(v2.path(), named).unwrap();
    assert_eq!(
        group.roles.memory,
        Some(v2.path().join("user.slice/run-1.scope"))
    );
}

#[test]
fn version_2_counts_pressure() {
    let root = unified("cpu memory");
    let scope = root.path().join("user.slice/run-1.scope");
    let line = |total: u32| {
        format!(
            "some avg10=1.50 avg60=0.20 avg300=0.01 total={total}\n\
             full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"
        )
    };
    fs::write(scope.join("cpu.pressure"), line(1234)).unwrap();
    fs::write(scope.join("memory.pressure"), line(5)).unwrap();
    let group = Group::existing(root.path(), Path::new("/user.slice/run-1.scope")).unwrap();
    let pressure = GroupFiles::open(&group).pressure(&mut Vec::new());
    assert_eq!(
        (pressure.cpu_us, pressure.memory_us, pressure.io_us),
        (Some(1234), Some(5), None)
    );
}
