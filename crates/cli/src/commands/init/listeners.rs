//! Who listens on this machine: from `/proc`, so that none are found on other systems.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// Longest time until a port answers a request.
const PATIENCE: Duration = Duration::from_millis(400);
/// Most ports that are asked.
const MOST_ASKED: usize = 64;
/// Ports of protocols that take a stray HTTP request for an attack or an error.
const NOT_HTTP: [u16; 21] = [
    21, 22, 23, 25, 53, 110, 111, 143, 389, 465, 587, 631, 993, 995, 1433, 3306, 5432, 5672, 6379,
    11211, 27017,
];

/// One listening socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    /// Who holds it; `None` for another user's.
    pub(super) process: Option<Process>,
    /// The status with which it answers `GET /`; `None` if it does not speak HTTP.
    pub(super) answers: Option<u16>,
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) command: String,
}

/// All processes that listen on TCP. Those that can be reached over the loopback interface are asked for
/// `GET /` there; no other host is ever contacted.
pub(super) fn find() -> Vec<Listener> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| {
        // No table, no listeners: a kernel without IPv6 has one, other systems have none.
        fs::read_to_string(path).unwrap_or_default()
    });
    let mut sockets: Vec<(SocketAddr, u64)> =
        tables.iter().flat_map(|table| listening(table)).collect();
    sockets.sort_by_key(|(address, _)| (address.port(), address.is_ipv6()));
    sockets.dedup_by_key(|(address, _)| address.port());
    let holders = holders();
    let mut found: Vec<Listener> = sockets
        .into_iter()
        .map(|(address, inode)| Listener {
            address,
            process: holders.get(&inode).map(|pid| process(*pid)),
            answers: None,
        })
        .collect();
    std::thread::scope(|scope| {
        for listener in found.iter_mut().take(MOST_ASKED) {
            scope.spawn(|| listener.answers = loopback(listener.address).and_then(ask));
        }
    });
    found
}

/// The listening sockets of a table as the kernel writes it: address and inode.
fn listening(table: &str) -> Vec<(SocketAddr, u64)> {
    let socket = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let (local, state) = (words.nth(1)?, words.nth(1)?);
        let inode = words.nth(5)?.parse().ok()?;
        // 0A is LISTEN (include/net/tcp_states.h).
        (state == "0A").then_some((address(local)?, inode))
    };
    table.lines().skip(1).filter_map(socket).collect()
}

/// `0100007F:1F90` is 127.0.0.1:8080: words of four bytes in the order of the machine.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| {
        let digits = ip.get(at..at + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    let ip = match ip.len() {
        8 => IpAddr::from(Ipv4Addr::from(word(0)?)),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            IpAddr::from(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// Which process holds which socket, as far as it may be seen.
fn holders() -> HashMap<u64, u32> {
    let mut holders: HashMap<u64, u32> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let files = fs::read_dir(entry.path().join("fd"));
        for file in files.into_iter().flatten().flatten() {
            let target = fs::read_link(file.path()).unwrap_or_default();
            let target = target.to_string_lossy();
            let inode = target
                .strip_prefix("socket:[")
                .and_then(|rest| rest.strip_suffix(']'));
            if let Some(inode) = inode.and_then(|inode| inode.parse().ok()) {
                // Of several that share a socket, the one that was there first.
                let holder = holders.entry(inode).or_insert(pid);
                *holder = pid.min(*holder);
            }
        }
    }
    holders
}

fn process(pid: u32) -> Process {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line);
    let words: Vec<&str> = line.split('\0').filter(|word| !word.is_empty()).collect();
    // Control characters would break a comment in the file.
    let command = words.join(" ").replace(|c: char| c.is_control(), " ");
    Process { pid, command }
}

/// Where a socket is reached over the loopback interface; nowhere if it is bound to another one.
fn loopback(address: SocketAddr) -> Option<SocketAddr> {
    let ip = match address.ip() {
        ip if ip.is_loopback() => ip,
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from(Ipv6Addr::LOCALHOST),
        _ => return None,
    };
    let port = address.port();
    (!NOT_HTTP.contains(&port)).then_some(SocketAddr::new(ip, port))
}

/// The status with which it answers `GET /`.
fn ask(address: SocketAddr) -> Option<u16> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).ok()?;
    status(&head)
}

/// `HTTP/1.1 200`.
fn status(head: &[u8]) -> Option<u16> {
    let rest = std::str::from_utf8(head).ok()?.strip_prefix("HTTP/1.")?;
    rest.get(2..5)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn the_kernels_table_is_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 4711 1 x\n\
            1: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000  0 0 4712 1 x\n\
            2: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 4713\n\
            broken\n";
        if cfg!(target_endian = "little") {
            let local = |text: &str| text.parse::<SocketAddr>().unwrap();
            assert_eq!(
                listening(table),
                [(local("127.0.0.1:8080"), 4711), (local("[::1]:22"), 4713)]
            );
        }
    }

    #[test]
    fn only_what_listens_here_and_may_speak_http_is_asked() {
        let at = |text: &str| loopback(text.parse().unwrap()).map(|address| address.to_string());
        assert_eq!(at("0.0.0.0:80").as_deref(), Some("127.0.0.1:80"));
        assert_eq!(at("[::]:80").as_deref(), Some("[::1]:80"));
        assert_eq!(at("127.0.0.5:80").as_deref(), Some("127.0.0.5:80"));
        assert_eq!(at("192.0.2.1:80"), None);
        assert_eq!(at("127.0.0.1:6379"), None);
        assert_eq!(
            [status(b"HTTP/1.1 204"), status(b"HTTP/2 200 x")],
            [Some(204), None]
        );
    }

    #[test]
    fn a_server_is_found_and_one_that_keeps_silent_too() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, other) = (
            server.local_addr().unwrap().port(),
            silent.local_addr().unwrap().port(),
        );
        let answering = std::thread::spawn(move || {
            // Another test of this process may look around as well.
            while let Ok((mut stream, _)) = server.accept() {
                let mut request = [0; 256];
                let _ = stream.read(&mut request);
                let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
                if request.starts_with(b"QUIT") {
                    return;
                }
            }
        });
        let found = find();
        if cfg!(target_os = "linux") {
            let at = |port: u16| found.iter().find(|of| of.address.port() == port).unwrap();
            assert_eq!(at(port).process.as_ref().unwrap().pid, std::process::id());
            assert_eq!((at(port).answers, at(other).answers), (Some(404), None));
        }
        TcpStream::connect(("127.0.0.1", port))
            .unwrap()
            .write_all(b"QUIT")
            .unwrap();
        answering.join().unwrap();
    }
}
