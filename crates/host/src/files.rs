//! How many files this process may open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the number of files that this process may open to what it may be raised to, and returns it;
/// `None` if there is no bound.
///
/// The number that processes start with (1,024 in most places) is low for the sake of programs that
/// use select(2), which this one does not.
pub fn open_files() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // Not everywhere may it be raised as far as is said: what it was is what it is then.
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_opened_is_what_the_kernel_allows_then() {
        let limit = open_files();
        assert_eq!(getrlimit(Resource::Nofile).current, limit);
        assert!(limit.is_none_or(|files| files >= 256), "{limit:?}");
    }
}
