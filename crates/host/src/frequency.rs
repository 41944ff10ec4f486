//! How fast the CPUs run.

use crate::CpuList;
use std::fs;
use std::path::Path;

/// Mean frequency of these CPUs at this moment, MHz, as the kernel tells it (`scaling_cur_freq` of cpufreq: on x86 what
/// the CPU did since the last tick or, where it was idle, before). `None` where the kernel does not tell it of each of
/// them, as in most virtual machines.
pub fn mean_mhz(cpus: &CpuList) -> Option<f64> {
    mean_mhz_of(Path::new("/sys/devices/system/cpu"), cpus)
}

fn mean_mhz_of(folder: &Path, cpus: &CpuList) -> Option<f64> {
    let cpus = cpus.as_slice();
    let each = cpus.iter().map(|cpu| {
        let text = fs::read_to_string(folder.join(format!("cpu{cpu}/cpufreq/scaling_cur_freq")));
        // Some drivers say `<unknown>`, and 0 is no frequency.
        let khz: u32 = text.ok()?.trim().parse().ok()?;
        (khz > 0).then_some(f64::from(khz) / 1e3)
    });
    let sum: f64 = each.sum::<Option<f64>>()?;
    (!cpus.is_empty()).then(|| sum / cpus.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_of_all_cpus_or_of_none() {
        let folder = tempfile::tempdir().unwrap();
        let tell = |cpu: u32, text: &str| {
            let of = folder.path().join(format!("cpu{cpu}/cpufreq"));
            fs::create_dir_all(&of).unwrap();
            fs::write(of.join("scaling_cur_freq"), text).unwrap();
        };
        tell(0, "2400000\n");
        tell(1, "3000500\n");
        tell(2, "<unknown>\n");
        tell(3, "0\n");
        let mean = |cpus: &[u32]| mean_mhz_of(folder.path(), &CpuList::new(cpus.iter().copied()));
        assert_eq!(mean(&[0, 1]), Some(2700.25));
        for not_told in [&[0, 2][..], &[0, 3], &[0, 4], &[]] {
            assert_eq!(mean(not_told), None, "{not_told:?}");
        }
    }
}
