use super::{Group, Roles};
use crate::Detected;
use rustix::fs::{Access, access};
use std::fs;
use std::path::{Path, PathBuf};
use understudy_model::plain_words;

/// What can be used below `root`, for a process whose `/proc/self/cgroup` reads `own`.
pub(super) fn detect(root: &Path, own: &str) -> (Detected, Roles) {
    let found = if root.join("cgroup.controllers").exists() {
        version_2(root, own).map(|parents| (Detected::V2, parents))
    } else {
        version_1(root, own).map(|parents| (Detected::V1, parents))
    };
    found.unwrap_or_else(|reason| (Detected::None(reason), Roles::default()))
}

fn version_1(root: &Path, own: &str) -> Result<Roles, String> {
    let parent = |role: &str| parent_v1(root, own, role).filter(|dir| writable(dir));
    let parents = Roles {
        cpu: parent("cpu"),
        cpuacct: parent("cpuacct"),
        memory: parent("memory"),
        cpuset: parent("cpuset"),
    };
    if parents != Roles::default() {
        return Ok(parents);
    }
    if parent_v1(root, own, "memory").is_none() && parent_v1(root, own, "cpu").is_none() {
        return Err(format!(
            "no control groups are mounted at {}",
            root.display()
        ));
    }
    Err(format!(
        "the groups below {} may not be written to: run as root",
        root.display()
    ))
}

/// The group of a process whose `/proc/PID/cgroup` reads `own`, writable or not.
pub(super) fn group_of(root: &Path, own: &str) -> Group {
    let v2 = root.join("cgroup.controllers").exists();
    let of = |role: &str| match v2 {
        true => own
            .lines()
            .find_map(|line| line.strip_prefix("0::"))
            .map(|path| root.join(path.trim_start_matches('/')))
            .filter(|dir| dir.is_dir()),
        false => parent_v1(root, own, role),
    };
    let roles = Roles {
        cpu: of("cpu"),
        cpuacct: of("cpuacct"),
        memory: of("memory"),
        cpuset: None,
    };
    Group { v2, roles }
}

/// Where this process is in the hierarchy of one controller. In a container the path is that of the
/// host and not visible: then the mount itself is this process's group.
fn parent_v1(root: &Path, own: &str, role: &str) -> Option<PathBuf> {
    let (controllers, path) = own.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        controllers
            .split(',')
            .any(|c| c == role)
            .then_some((controllers, path))
    })?;
    let mount = [role, controllers]
        .map(|name| root.join(name))
        .into_iter()
        .find(|d| d.is_dir())?;
    let group = mount.join(path.trim_start_matches('/'));
    Some(if group.is_dir() { group } else { mount })
}

/// The nearest group at or above this process's own in which a group with CPU and memory control
/// can be made.
///
/// Not simply its own: a group that holds processes cannot hand controllers to groups below it
/// ("no internal process constraint"), except the root. Under `systemd-run --user --scope` the
/// slice above the scope is the user's and fits.
fn version_2(root: &Path, own: &str) -> Result<Roles, String> {
    let path = own
        .lines()
        .find_map(|line| line.strip_prefix("0::"))
        .unwrap_or("/");
    let own = root.join(path.trim_start_matches('/'));
    let mut refusals = Vec::new();
    for dir in own
        .ancestors()
        .take_while(|dir| dir.starts_with(root))
        .filter(|d| d.is_dir())
    {
        match hands_out(dir) {
            Ok(enabled) => return Ok(roles_v2(dir, &enabled)),
            Err(reason) => refusals.push(format!("{}: {reason}", dir.display())),
        }
    }
    Err(format!(
        "no group hands out the cpu and memory controllers ({}): run as root or under \
         `systemd-run --user --scope -p Delegate=yes`",
        refusals.join("; ")
    ))
}

fn roles_v2(dir: &Path, enabled: &[String]) -> Roles {
    let with = |role: &str| enabled.iter().any(|e| e == role).then(|| dir.to_path_buf());
    Roles {
        cpu: with("cpu"),
        // `cpu.stat` counts CPU time in every group, with or without the cpu controller.
        cpuacct: Some(dir.to_path_buf()),
        memory: with("memory"),
        cpuset: with("cpuset"),
    }
}

/// The controllers that groups below `dir` have, after switching on those that are missing.
fn hands_out(dir: &Path) -> Result<Vec<String>, String> {
    if !writable(dir) || !writable(&dir.join("cgroup.procs")) {
        return Err("may not be written to".into());
    }
    let words = |file: &str| -> Vec<String> {
        let text = fs::read_to_string(dir.join(file)).unwrap_or_default();
        text.split_whitespace().map(String::from).collect()
    };
    let mut enabled = words("cgroup.subtree_control");
    let available = words("cgroup.controllers");
    for role in ["cpu", "memory", "cpuset"] {
        if enabled.iter().any(|e| e == role) {
            continue;
        }
        let needed = role != "cpuset"; // affinity does its work as well
        if !available.iter().any(|a| a == role) {
            if needed {
                return Err(format!("has no {role} controller"));
            }
            continue;
        }
        match fs::write(dir.join("cgroup.subtree_control"), format!("+{role}")) {
            Ok(()) => enabled.push(role.into()),
            Err(error) if needed => {
                return Err(format!("{role} cannot be enabled: {}", plain_words(&error)));
            }
            Err(_) => {}
        }
    }
    Ok(enabled)
}

fn writable(path: &Path) -> bool {
    access(path, Access::WRITE_OK).is_ok()
}
