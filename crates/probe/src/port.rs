use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// The process that listens on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// No process.
    None,
    /// A process of the child.
    Child {
        /// That process.
        pid: u32,
    },
    /// A process that is not the child's: its answers are not the side's.
    Foreign,
    /// One that is not known: the open files of a process of the child may not be read (another user's).
    Unknown,
}

/// A TCP port on 127.0.0.1 that nothing uses now. It is released before it is returned, so another
/// program can take it: check with [`crate::Child::listener`] which process answers in the end.
///
/// # Errors
/// When no socket can be bound.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// Does something listen on this port of 127.0.0.1 (or may it not be bound at all)?
pub fn port_taken(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_free_until_a_program_listens() {
        let port = free_port().unwrap();
        assert!(!port_taken(port));
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        assert!(
            port_taken(listener.local_addr().unwrap().port()),
            "0.0.0.0 covers 127.0.0.1"
        );
    }
}
