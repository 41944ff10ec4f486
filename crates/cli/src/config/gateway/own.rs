//! The addresses of the gateway itself: what may not be asked for as a server, and may not be given twice.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use understudy_gateway::config::Listener;

/// Where this gateway answers.
pub(super) struct Own {
    listeners: Vec<SocketAddr>,
    admin: Option<SocketAddr>,
}

impl Own {
    pub(super) fn new(listeners: &[Listener], admin: Option<SocketAddr>) -> Own {
        Own {
            listeners: listeners.iter().map(|of| of.address).collect(),
            admin,
        }
    }

    /// Which part of this gateway answers there, as the end of a sentence.
    pub(super) fn part_at(&self, host: &str, port: u16) -> Option<&'static str> {
        let is_at = |own: &SocketAddr| own.port() == port && reaches(host, own.ip());
        if self.listeners.iter().any(is_at) {
            return Some("is this gateway itself, see [[listen]]");
        }
        let admin = self.admin.as_ref().filter(|own| is_at(own));
        admin.map(|_| "is the admin interface of this gateway, see [admin]")
    }
}

/// May not both be listened on?
pub(super) fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let (a, b) = (one.ip().to_canonical(), other.ip().to_canonical());
    one.port() != 0 && one.port() == other.port() && (a == b || covers(a, b) || covers(b, a))
}

/// Does a socket that listens on all addresses take this one? All of IPv6 includes all of IPv4.
fn covers(all: IpAddr, one: IpAddr) -> bool {
    all.is_unspecified() && (all.is_ipv6() || one.is_ipv4())
}

/// Does a request to this host come to the address of this machine?
fn reaches(host: &str, own: IpAddr) -> bool {
    let asked: Vec<IpAddr> = match host.to_ascii_lowercase().as_str() {
        "localhost" => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        host => host.parse().into_iter().collect(),
    };
    let own = own.to_canonical();
    asked.into_iter().any(|asked| {
        let asked = match asked.to_canonical() {
            // A connection to no address in particular comes to the loopback interface.
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            asked => asked,
        };
        asked == own || (covers(own, asked) && is_of_this_machine(asked))
    })
}

/// Only an address of this machine can be bound.
fn is_of_this_machine(address: IpAddr) -> bool {
    address.is_loopback() || UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_overlap_with_each() {
        let overlap = |a: &str, b: &str| overlap(a.parse().unwrap(), b.parse().unwrap());
        assert!(overlap("0.0.0.0:80", "127.0.0.1:80") && overlap("127.0.0.1:80", "0.0.0.0:80"));
        assert!(overlap("[::]:80", "127.0.0.1:80") && overlap("[::]:80", "[::1]:80"));
        assert!(!overlap("0.0.0.0:80", "[::1]:80") && !overlap("0.0.0.0:80", "127.0.0.1:81"));
        assert!(!overlap("127.0.0.2:80", "127.0.0.1:80"));
        assert!(
            !overlap("127.0.0.1:0", "127.0.0.1:0"),
            "a port is picked for each"
        );
    }

    #[test]
    fn a_loop_is_found_by_every_name_of_an_address() {
        let reaches = |host: &str, own: &str| reaches(host, own.parse().unwrap());
        for host in [
            "localhost",
            "LOCALHOST",
            "127.0.0.1",
            "0.0.0.0",
            "::ffff:127.0.0.1",
        ] {
            assert!(
                reaches(host, "127.0.0.1") && reaches(host, "0.0.0.0"),
                "{host}"
            );
        }
        assert!(reaches("localhost", "::1") && reaches("::1", "::"));
        assert!(!reaches("127.0.0.2", "127.0.0.1") && !reaches("shop.example", "0.0.0.0"));
        // Of documentation (RFC 5737): no machine has it.
        assert!(!reaches("192.0.2.1", "0.0.0.0"));
    }
}
