//! The sockets of a gateway, and how many connections it has room for.

use crate::config::GatewayConfig;
use crate::control::GatewayError;
use crate::proxy::Sockets;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use understudy_model::plain_words;

/// Connections that may wait to be accepted by one worker.
const BACKLOG: i32 = 4096;
/// An address that is taken is asked for again: a gateway that was killed a moment ago may still have it.
const TRIES: u32 = 10;
const WAIT: Duration = Duration::from_millis(200);
/// Files that are open besides connections: logs, state, timers, listeners, clients of the admin interface.
const OTHER_FILES: u64 = 128;

/// Binds what is not bound yet. A port 0 becomes the port that was given.
pub(crate) fn bind(config: &mut GatewayConfig, known: &Sockets) -> Result<Sockets, GatewayError> {
    let mut sockets = Sockets::new();
    let mut wrong = Vec::new();
    for listener in &mut config.listeners {
        if let Some(bound) = known.get(&listener.address) {
            sockets.insert(listener.address, bound.clone());
            continue;
        }
        match shared(listener.address, config.workers) {
            Ok((address, bound)) => {
                listener.address = address;
                sockets.insert(address, bound.into_iter().map(Arc::new).collect());
            }
            Err(why) => wrong.push(why),
        }
    }
    if wrong.is_empty() {
        Ok(sockets)
    } else {
        Err(GatewayError(wrong))
    }
}

/// A socket of this process alone.
///
/// # Errors
/// One line.
pub(crate) fn alone(address: SocketAddr) -> Result<TcpListener, String> {
    let mut tries = 1;
    loop {
        match TcpListener::bind(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries < TRIES => {
                tries += 1;
                thread::sleep(WAIT);
            }
            Err(error) => return Err(refused(address, &error)),
            Ok(socket) => return Ok(socket),
        }
    }
}

/// A socket for each worker: the kernel spreads connections over them.
fn shared(address: SocketAddr, workers: usize) -> Result<(SocketAddr, Vec<TcpListener>), String> {
    // Who shares an address shares it with every process of this user: a second gateway would take half
    // of the connections, and no message would say so. So it is first asked for alone.
    if address.port() != 0 {
        drop(alone(address)?);
    }
    let mut address = address;
    let mut sockets = Vec::new();
    for _ in 0..workers {
        let socket = listen(address).map_err(|error| refused(address, &error))?;
        address = socket
            .local_addr()
            .map_err(|error| refused(address, &error))?;
        sockets.push(socket);
    }
    Ok((address, sockets))
}

fn refused(address: SocketAddr, error: &io::Error) -> String {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => "another program, or another gateway, listens there\nhint: stop it, or listen on another address".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address\nhint: use one that `ip address` lists, or 0.0.0.0 for all".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "permission denied\nhint: ports below 1024 need CAP_NET_BIND_SERVICE".to_owned()
        }
        _ => plain_words(error),
    };
    format!("cannot listen on {address}: {why}")
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from(socket))
}

/// Takes no more connections of clients than there are files for. Else they would use up those that
/// connections to the servers need, and no request would be answered. `before` is the configuration that
/// this one replaces: what was reported of it is not reported again.
pub(crate) fn leave_room(
    config: &mut GatewayConfig,
    before: Option<&GatewayConfig>,
    report: fn(&str),
) {
    let Some(files) = understudy_host::open_files() else {
        return;
    };
    let most = room(files, config);
    let asked = &mut config.limits.connections;
    if *asked <= most {
        return;
    }
    if before.is_none_or(|before| before.limits.connections != most) {
        report(&format!(
            "takes at most {most} connections instead of {asked}: no more than {files} files may be open; \
             raise that (LimitNOFILE, ulimit -n) or lower limits.connections"
        ));
    }
    *asked = most;
}

/// Connections of clients for which so many files are enough: each may need one to a server as well,
/// and each exchange with the candidate one to it and one to a second incumbent.
fn room(files: u64, config: &GatewayConfig) -> usize {
    let candidate = config.candidate.as_ref();
    let copies = candidate.map_or(0, |candidate| 2 * candidate.concurrency as u64);
    let sockets = (config.listeners.len() * config.workers) as u64;
    let left = files.saturating_sub(OTHER_FILES + copies + sockets);
    usize::try_from(left / 2).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::*;

    fn with(concurrency: Option<usize>) -> GatewayConfig {
        let side = SideConfig::of(Vec::new());
        GatewayConfig {
            workers: 2,
            drain: WAIT,
            listeners: Vec::new(),
            limits: Limits::default(),
            routes: Vec::new(),
            via: true,
            incumbent: side.clone(),
            candidate: concurrency.map(|concurrency| CandidateConfig {
                side,
                second: None,
                ask_twice: 0.0,
                fraction: 1.0,
                key: SampleKey::Request,
                concurrency,
                rewrite: Rewrite::default(),
                capture_bytes: 0,
                memory: 0,
                threads: 1,
                gives_way: true,
            }),
            compare: CompareConfig {
                messages: understudy_compare::Messages::default(),
                rules: Vec::new(),
                goal: 0.001,
                payloads: Payloads::Hash,
                secret_names: Vec::new(),
            },
            admin: AdminConfig {
                address: None,
                token: None,
            },
            state: None,
            access_log: None,
        }
    }

    #[test]
    fn every_connection_finds_a_file_for_its_server_and_the_copies_find_theirs() {
        assert_eq!(room(OTHER_FILES + 2000, &with(None)), 1000);
        assert_eq!(room(OTHER_FILES + 2000, &with(Some(256))), 744);
        assert_eq!(
            room(10, &with(Some(256))),
            1,
            "at least one; the limit is reported when it is met"
        );
    }
}
