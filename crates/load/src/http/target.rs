//! Where requests go.

use std::net::{SocketAddr, ToSocketAddrs};

/// A resolved HTTP server and the path named with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where to connect.
    pub address: SocketAddr,
    /// What `Host` says.
    pub host: String,
    /// Path and query of the URL, `/` if it names none.
    pub path: String,
}

/// Why a URL is no target.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// It is not a URL with a host.
    #[error("{0:?} is not a URL such as http://127.0.0.1:8080/path")]
    Syntax(String),
    /// It asks for something other than HTTP without TLS.
    #[error("{0:?} is not supported: only http:// is, in this version")]
    Scheme(String),
    /// The host has no address.
    #[error("cannot find the address of {host:?}: {source}")]
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
    /// The text is no such URL, or the host has no address.
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
        let port = authority.port_u16().unwrap_or(80);
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let address = (bare, port)
            .to_socket_addrs()
            .and_then(|mut all| {
                all.next()
                    .ok_or_else(|| std::io::ErrorKind::NotFound.into())
            })
            .map_err(|source| TargetError::Resolve {
                host: format!("{host}:{port}"),
                source,
            })?;
        Ok(Target {
            address,
            host: authority.as_str().to_owned(),
            path,
        })
    }

    /// The server that listens on this port of the loopback interface.
    pub fn local(port: u16) -> Self {
        Target {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            host: format!("127.0.0.1:{port}"),
            path: "/".to_owned(),
        }
    }

    /// Does the target stay on this machine?
    pub fn is_loopback(&self) -> bool {
        self.address.ip().is_loopback()
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
    }

    #[test]
    fn what_is_no_target_says_why() {
        let refused = |url| Target::parse(url).unwrap_err().to_string();
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
    }
}
