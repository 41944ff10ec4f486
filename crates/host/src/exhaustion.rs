//! What this machine has no more of.

use std::io;

/// Is there no file, buffer or port left on this machine? Then the other end is not to blame.
pub fn is_exhausted(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let local = [
            Errno::MFILE,
            Errno::NFILE,
            Errno::NOBUFS,
            Errno::ADDRNOTAVAIL,
        ];
        error
            .raw_os_error()
            .is_some_and(|code| local.iter().any(|errno| errno.raw_os_error() == code))
    }
    #[cfg(not(unix))]
    {
        error.kind() == io::ErrorKind::AddrNotAvailable
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn a_refusal_is_not_this_machine_s() {
        let of = |errno: Errno| is_exhausted(&io::Error::from_raw_os_error(errno.raw_os_error()));
        assert!(of(Errno::MFILE) && of(Errno::ADDRNOTAVAIL));
        assert!(!of(Errno::CONNREFUSED) && !of(Errno::TIMEDOUT));
        assert!(!is_exhausted(&io::ErrorKind::TimedOut.into()));
    }
}
