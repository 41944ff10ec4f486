use super::members::Member;
use crate::Listener;
use procfs::net::{TcpNetEntry, TcpState, tcp, tcp6};
use procfs::process::{FDTarget, Process};
use std::collections::HashSet;

/// Who listens on a port, found by the inode of the socket among the open files of the processes.
pub(super) fn listener(port: u16, members: &[Member]) -> Listener {
    let sockets = sockets(port);
    if sockets.is_empty() {
        return Listener::None;
    }
    let mut unreadable = false;
    for member in members {
        match holds(member, &sockets) {
            Some(true) => {
                return Listener::Child {
                    pid: member.pid as u32,
                };
            }
            Some(false) => {}
            None => unreadable = true,
        }
    }
    if unreadable {
        Listener::Unknown
    } else {
        Listener::Foreign
    }
}

/// The processes that hold a socket which listens on a port: a server with workers has several.
pub(super) fn serving(port: u16, members: &[Member]) -> Vec<u32> {
    let sockets = sockets(port);
    let serves = |member: &&Member| holds(member, &sockets) == Some(true);
    let serving = members.iter().filter(serves);
    serving.map(|member| member.pid as u32).collect()
}

/// The inodes of the sockets that listen on a port.
fn sockets(port: u16) -> HashSet<u64> {
    let listens =
        |entry: &TcpNetEntry| entry.state == TcpState::Listen && entry.local_address.port() == port;
    [tcp(), tcp6()]
        .into_iter()
        .flatten()
        .flatten()
        .filter(listens)
        .map(|entry| entry.inode)
        .collect()
}

/// Does a process hold one of them? `None` where its open files may not be read.
fn holds(member: &Member, sockets: &HashSet<u64>) -> Option<bool> {
    let files = Process::new(member.pid)
        .and_then(|process| process.fd())
        .ok()?;
    let is_one = |target: FDTarget| matches!(target, FDTarget::Socket(i) if sockets.contains(&i));
    Some(files.flatten().any(|file| is_one(file.target)))
}
