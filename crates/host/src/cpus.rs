use std::fmt;
use std::io;
use std::str::FromStr;

/// A list of CPUs in the kernel's notation: `0,2-3`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuList(Vec<u32>);

/// A text that is not a list of CPUs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a list of CPUs such as \"0\", \"0,2\" or \"1-3\"")]
pub struct CpuListError(String);

/// More CPUs than any machine has; bounds what a range may expand to.
const MOST_CPUS: u32 = 4096;

impl CpuList {
    /// From numbers; order and repetition do not matter.
    pub fn new(cpus: impl IntoIterator<Item = u32>) -> Self {
        let mut cpus: Vec<u32> = cpus.into_iter().collect();
        cpus.sort_unstable();
        cpus.dedup();
        CpuList(cpus)
    }

    /// The numbers, ascending.
    pub fn as_slice(&self) -> &[u32] {
        &self.0
    }

    /// Do the two lists share a CPU?
    pub fn overlaps(&self, other: &CpuList) -> bool {
        self.0.iter().any(|cpu| other.0.contains(cpu))
    }
}

impl FromStr for CpuList {
    type Err = CpuListError;
    fn from_str(text: &str) -> Result<Self, CpuListError> {
        let error = || CpuListError(text.chars().take(40).collect());
        let number = |t: &str| t.trim().parse::<u32>().ok().filter(|n| *n < MOST_CPUS);
        let mut cpus = Vec::new();
        for part in text.trim().split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            match (number(first), number(last)) {
                (Some(first), Some(last)) if first <= last => cpus.extend(first..=last),
                _ => return Err(error()),
            }
        }
        Ok(CpuList::new(cpus))
    }
}

impl fmt::Display for CpuList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&parts.join(","))
    }
}

/// The CPUs that this process may run on; empty where the system does not say.
#[cfg(target_os = "linux")]
pub fn allowed_cpus() -> CpuList {
    match rustix::thread::sched_getaffinity(None) {
        Ok(set) => CpuList::new(
            (0..rustix::thread::CpuSet::MAX_CPU)
                .filter(|cpu| set.is_set(*cpu))
                .map(|cpu| cpu as u32),
        ),
        Err(_) => CpuList::default(),
    }
}

/// The CPUs that this process may run on; empty where the system does not say.
#[cfg(not(target_os = "linux"))]
pub fn allowed_cpus() -> CpuList {
    CpuList::default()
}

/// Binds the calling thread to these CPUs. Processes that it starts inherit the binding.
///
/// # Errors
/// None of the CPUs may be used, or the system has no affinity.
#[cfg(target_os = "linux")]
pub fn pin_current_thread(cpus: &CpuList) -> io::Result<()> {
    let mut set = rustix::thread::CpuSet::new();
    for cpu in cpus.as_slice() {
        if (*cpu as usize) < rustix::thread::CpuSet::MAX_CPU {
            set.set(*cpu as usize);
        }
    }
    Ok(rustix::thread::sched_setaffinity(None, &set)?)
}

/// Binds the calling thread to these CPUs: not possible on this system.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn pin_current_thread(_cpus: &CpuList) -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "threads are pinned to CPUs on Linux only",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_as_the_kernel_writes_them() {
        let read = |text: &str| text.parse::<CpuList>().map(|list| list.to_string());
        assert_eq!(read("0").as_deref(), Ok("0"));
        assert_eq!(read("3, 0-1").as_deref(), Ok("0,1,3"));
        for bad in ["", "a", "2-1", "0-99999999", "-1", "1,,2"] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_stays_where_it_was_pinned() {
        let first = allowed_cpus().as_slice()[0];
        std::thread::spawn(move || {
            pin_current_thread(&CpuList::new([first])).unwrap();
            assert_eq!(allowed_cpus(), CpuList::new([first]));
        })
        .join()
        .unwrap();
        assert!(pin_current_thread(&CpuList::new([1000])).is_err());
    }
}
