use super::members::Member;
use crate::Listener;
use procfs::net::{TcpNetEntry, TcpState, tcp, tcp6};
use procfs::process::{FDTarget, Process};
use std::collections::HashSet;

/// Who listens on a port, found by the inode of the socket among the open files of the processes.
pub(super) fn listener(port: u16, members: &[Member]) -> Listener {
    let listens =
        |entry: &TcpNetEntry| entry.state == TcpState::Listen && entry.local_address.port() == port;
    let sockets: HashSet<u64> = [tcp(), tcp6()]
        .into_iter()
        .flatten()
        .flatten()
        .filter(listens)
        .map(|entry| entry.inode)
        .collect();
    if sockets.is_empty() {
        return Listener::Nobody;
    }
    let mut unreadable = false;
    for member in members {
        let Ok(files) = Process::new(member.pid).and_then(|process| process.fd()) else {
            unreadable = true;
            continue;
        };
        let holds =
            |target: FDTarget| matches!(target, FDTarget::Socket(i) if sockets.contains(&i));
        if files.flatten().any(|file| holds(file.target)) {
            return Listener::Child {
                pid: member.pid as u32,
            };
        }
    }
    if unreadable {
        Listener::Unknown
    } else {
        Listener::Foreign
    }
}
