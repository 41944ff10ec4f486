//! What a group lets its processes use: the tightest limit of its own and of the groups above it.

use super::{Group, detection};
use std::fs;
use std::path::Path;

impl Group {
    /// The group in which a process is whose `/proc/PID/cgroup` reads `own`.
    pub(crate) fn holding(root: &Path, own: &str) -> Group {
        detection::group_of(root, own)
    }

    /// The memory limit, bytes; `None` without one.
    pub(crate) fn memory_limit(&self, root: &Path) -> Option<u64> {
        let limits = self.roles.memory.iter().flat_map(|dir| up(dir, root));
        let own = limits.filter_map(|dir| match self.v2 {
            true => number(dir, "memory.max"),
            false => number(dir, "memory.limit_in_bytes"),
        });
        // Version 1 writes "no limit" as the largest number of whole pages.
        own.filter(|bytes| *bytes < 1 << 62).min()
    }

    /// The CPU quota, in CPUs; `None` without one.
    pub(crate) fn cpu_quota(&self, root: &Path) -> Option<f64> {
        let groups = self.roles.cpu.iter().flat_map(|dir| up(dir, root));
        let quotas = groups.filter_map(|dir| match self.v2 {
            true => {
                let text = fs::read_to_string(dir.join("cpu.max")).ok()?;
                let (quota, period) = text.trim().split_once(' ')?;
                Some(quota.parse::<f64>().ok()? / period.parse::<f64>().ok()?)
            }
            // -1, no quota, is not such a number.
            false => {
                let quota = number(dir, "cpu.cfs_quota_us")?;
                Some(quota as f64 / number(dir, "cpu.cfs_period_us")? as f64)
            }
        });
        quotas
            .filter(|cpus| cpus.is_finite())
            .min_by(f64::total_cmp)
    }
}

/// A group and those above it.
fn up<'d>(dir: &'d Path, root: &'d Path) -> impl Iterator<Item = &'d Path> {
    dir.ancestors().take_while(move |dir| dir.starts_with(root))
}

fn number(dir: &Path, file: &str) -> Option<u64> {
    fs::read_to_string(dir.join(file)).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file below a folder that is made for it.
    fn put(root: &Path, name: &str, text: &str) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn the_tightest_limit_of_a_group_and_those_above_it_counts() {
        let folder = tempfile::TempDir::new().unwrap();
        let root = folder.path();
        put(root, "cgroup.controllers", "cpu memory");
        put(root, "shop/memory.max", "1073741824\n");
        put(root, "shop/cpu.max", "max 100000\n");
        put(root, "shop/api/memory.max", "max\n");
        put(root, "shop/api/cpu.max", "150000 100000\n");
        let group = Group::holding(root, "0::/shop/api\n");
        assert_eq!(group.memory_limit(root), Some(1 << 30));
        assert_eq!(group.cpu_quota(root), Some(1.5));
        let gone = Group::holding(root, "0::/elsewhere\n");
        assert_eq!(
            (gone.memory_limit(root), gone.cpu_quota(root)),
            (None, None)
        );
    }

    #[test]
    fn version_1_writes_no_limit_as_a_number() {
        let folder = tempfile::TempDir::new().unwrap();
        let root = folder.path();
        put(
            root,
            "memory/api/memory.limit_in_bytes",
            "9223372036854771712\n",
        );
        put(root, "cpu/api/cpu.cfs_quota_us", "-1\n");
        put(root, "cpu/api/cpu.cfs_period_us", "100000\n");
        let own = "4:memory:/api\n1:cpu:/api\n";
        let free = Group::holding(root, own);
        assert_eq!(
            (free.memory_limit(root), free.cpu_quota(root)),
            (None, None)
        );
        put(root, "memory/api/memory.limit_in_bytes", "67108864\n");
        put(root, "cpu/api/cpu.cfs_quota_us", "50000\n");
        let limited = Group::holding(root, own);
        assert_eq!(limited.memory_limit(root), Some(64 << 20));
        assert_eq!(limited.cpu_quota(root), Some(0.5));
    }
}
