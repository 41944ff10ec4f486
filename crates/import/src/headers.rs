//! Which headers of a recorded request are sent again.

use crate::recorded::{Reason, Recorded};
use understudy_wire::http1::{RequestError, RequestHead};

/// Headers that are always left away.
pub const DROPPED: [&str; 17] = [
    // What the generator sets itself (RFC 9112).
    "host",
    "content-length",
    "transfer-encoding",
    // What holds for one connection (RFC 9110, section 7.6.1), or asks for a second step.
    "connection",
    "expect",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
    // What a cache asks: answered 304, nothing would be compared.
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
];

/// Most headers of one request in a request file.
const MAX_HEADERS: usize = 100;

/// Is the header sent again?
pub(crate) fn is_kept(name: &str) -> bool {
    // Pseudo headers of HTTP/2 begin with a colon.
    !name.starts_with(':')
        && !DROPPED
            .iter()
            .any(|dropped| name.eq_ignore_ascii_case(dropped))
}

/// Can the request be sent at all?
pub(crate) fn check(request: &Recorded) -> Result<(), Reason> {
    let headers: Vec<(String, String)> = request
        .headers
        .iter()
        .filter(|(name, _)| is_kept(name))
        .cloned()
        .collect();
    let head = RequestHead {
        method: &request.method,
        target: &request.path,
        host: "host",
        headers: &headers,
    };
    match head.render(&[]) {
        Ok(_) if headers.len() + request.credentials.len() > MAX_HEADERS => {
            Err(Reason::TooManyHeaders)
        }
        Ok(_) => Ok(()),
        Err(RequestError::HeaderName(_) | RequestError::HeaderValue(_)) => Err(Reason::Header),
        Err(_) => Err(Reason::NotHttp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_connection_or_a_cache_goes() {
        for name in [":path", "Host", "content-length", "If-None-Match", "TE"] {
            assert!(!is_kept(name), "{name}");
        }
        for name in ["Accept", "If-Match", "Range", "Cookie", "Accept-Encoding"] {
            assert!(is_kept(name), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_sent_has_a_reason() {
        let with = |headers: Vec<(String, String)>| Recorded {
            method: "GET".to_owned(),
            path: "/".to_owned(),
            headers,
            ..Recorded::default()
        };
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            check(&with(vec![header(":path", "/"), header("A", "b")])),
            Ok(())
        );
        assert_eq!(check(&with(vec![header("A b", "c")])), Err(Reason::Header));
        assert_eq!(check(&with(vec![header("A", "b\nc")])), Err(Reason::Header));
        assert_eq!(
            check(&with(vec![header("A", "b"); 101])),
            Err(Reason::TooManyHeaders)
        );
        let relative = Recorded {
            path: "a".to_owned(),
            ..with(Vec::new())
        };
        assert_eq!(check(&relative), Err(Reason::NotHttp));
    }
}
