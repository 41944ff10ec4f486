//! Where requests go.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use understudy_model::plain_words;

/// A resolved HTTP server and the path named with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where to connect first.
    pub address: SocketAddr,
    /// Where else the host may be, in the order of the resolver (`localhost` is often `::1` and
    /// `127.0.0.1`).
    pub others: Vec<SocketAddr>,
    /// What `Host` says.
    pub host: String,
    /// Path and query of the URL, `/` if it names none.
    pub path: String,
}

/// Why a URL is not a target.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// It is not a URL with a host.
    #[error("{0:?} is not a URL such as http://127.0.0.1:8080/path")]
    Syntax(String),
    /// The port is not one.
    #[error("the port of {0:?} is not a number from 1 to 65535")]
    Port(String),
    /// It names a path where requests bring their own.
    #[error(
        "{url:?} has the path {path:?}, which no request would have\nhint: name the server alone, and write the path into the requests"
    )]
    Path {
        /// The URL.
        url: String,
        /// Its path and query.
        path: String,
    },
    /// It asks for something other than HTTP without TLS.
    #[error("{0:?} is not supported: only http:// is, in this version")]
    Scheme(String),
    /// The host has no address.
    #[error("cannot find the address of {host:?}: {}", plain_words(source))]
    Resolve {
        /// The host name and port.
        host: String,
        /// What the resolver said.
        source: std::io::Error,
    },
}

impl Target {
    /// Reads and resolves `http://host[:port][/path][?query]`.
    ///
    /// # Errors
    /// The text is not such a URL, or the host has no address.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        let shown = || url.chars().take(200).collect::<String>();
        let uri: http::Uri = url.parse().map_err(|_| TargetError::Syntax(shown()))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some(other) => return Err(TargetError::Scheme(format!("{other}://"))),
            None => return Err(TargetError::Syntax(shown())),
        }
        let authority = uri
            .authority()
            .ok_or_else(|| TargetError::Syntax(shown()))?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(TargetError::Syntax(shown()));
        }
        let path = uri.path_and_query().map_or("/", |p| p.as_str());
        let path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/{path}")
        };
        let host = authority.host();
        let port = port(authority).ok_or_else(|| TargetError::Port(shown()))?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let unresolved = |source| TargetError::Resolve {
            host: format!("{host}:{port}"),
            source,
        };
        let mut all: Vec<SocketAddr> = Vec::new();
        let resolved = (bare, port).to_socket_addrs().map_err(unresolved)?;
        // A resolver may know one of the two, and a server may listen on the other.
        let loopback = [
            SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
            SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        ];
        let is_localhost = bare.eq_ignore_ascii_case("localhost");
        for address in resolved.chain(loopback.into_iter().filter(|_| is_localhost)) {
            if !all.contains(&address) {
                all.push(address);
            }
        }
        let mut all = all.into_iter();
        let address = all
            .next()
            .ok_or_else(|| unresolved(std::io::ErrorKind::NotFound.into()))?;
        Ok(Target {
            address,
            others: all.collect(),
            host: authority.as_str().to_owned(),
            path,
        })
    }

    /// The same of a server alone: requests bring their own paths.
    ///
    /// # Errors
    /// Those of [`Target::parse`], or the URL has a path.
    pub fn parse_server(url: &str) -> Result<Self, TargetError> {
        let target = Target::parse(url)?;
        match target.path.as_str() {
            "/" => Ok(target),
            path => Err(TargetError::Path {
                url: url.chars().take(200).collect(),
                path: path.chars().take(200).collect(),
            }),
        }
    }

    /// Everywhere that the server may be, in order.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        std::iter::once(self.address).chain(self.others.iter().copied())
    }

    /// The server that listens on this port of the loopback interface.
    pub fn local(port: u16) -> Self {
        Target {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            others: Vec::new(),
            host: format!("127.0.0.1:{port}"),
            path: "/".to_owned(),
        }
    }

    /// Does the target stay on this machine?
    pub fn is_loopback(&self) -> bool {
        self.addresses().all(|address| address.ip().is_loopback())
    }
}

/// The port that an authority names, 80 without one; `None` if what it names is not a port.
fn port(authority: &http::uri::Authority) -> Option<u16> {
    let named = authority.as_str().strip_prefix(authority.host())?;
    match named.strip_prefix(':') {
        None | Some("") => Some(80),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().ok().filter(|port| *port > 0)
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_become_addresses() {
        let target = Target::parse("http://127.0.0.1:8080/items/1?x=%20").unwrap();
        assert_eq!(target.address.to_string(), "127.0.0.1:8080");
        assert_eq!(
            (target.host.as_str(), target.path.as_str()),
            ("127.0.0.1:8080", "/items/1?x=%20")
        );
        assert!(target.is_loopback());
        let v6 = Target::parse("http://[::1]").unwrap();
        assert_eq!(
            (v6.address.to_string().as_str(), v6.path.as_str()),
            ("[::1]:80", "/")
        );
        assert_eq!(Target::parse("http://127.0.0.1?q").unwrap().path, "/?q");
        let both = Target::parse("http://localhost:8080").unwrap();
        assert!(both.is_loopback());
        let mut all: Vec<String> = both.addresses().map(|one| one.to_string()).collect();
        all.sort();
        assert_eq!(all, ["127.0.0.1:8080", "[::1]:8080"], "each once");
    }

    #[test]
    fn what_is_not_a_target_says_why() {
        let refused = |url: &str| Target::parse(url).unwrap_err().to_string();
        for bad in [
            "",
            "127.0.0.1:8080",
            "/x",
            "http://",
            "http://u:p@127.0.0.1/",
        ] {
            assert!(
                refused(bad).contains("is not a URL"),
                "{bad}: {}",
                refused(bad)
            );
        }
        assert!(refused("https://127.0.0.1/").contains("only http://"));
        for port in ["99999", "65536", "0", "80a"] {
            let url = format!("http://127.0.0.1:{port}/");
            let why = refused(&url);
            assert!(why.contains(port) && !why.contains(":80/"), "{why}");
        }
        assert!(refused("http://127.0.0.1:99999/").contains("1 to 65535"));
        assert_eq!(
            Target::parse("http://127.0.0.1:/").unwrap().address.port(),
            80
        );
    }

    #[test]
    fn a_server_has_no_path() {
        for url in ["http://127.0.0.1:8080", "http://127.0.0.1:8080/"] {
            assert!(Target::parse_server(url).is_ok());
        }
        for (url, path) in [
            ("http://127.0.0.1:8080/base", "\"/base\""),
            ("http://127.0.0.1:8080/?a=1", "\"/?a=1\""),
        ] {
            let why = Target::parse_server(url).unwrap_err().to_string();
            assert!(why.contains(path), "{why}");
        }
    }
}
