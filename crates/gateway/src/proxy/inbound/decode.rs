//! A request as it came from a client over HTTP/1.1.

use crate::proxy::fields::{self, Written};
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Uri, Version};
use understudy_wire::http1::{IncomingHead, Length, Refused, Target};

/// A head as the rest of the proxy has it.
pub(super) struct Decoded {
    pub(super) request: Request<()>,
    pub(super) written: Written,
    /// The target as it was spelled, where a `Uri` cannot be.
    pub(super) raw_target: Option<Bytes>,
    pub(super) is_bodiless: bool,
    /// Does the client want to send another request on this connection?
    pub(super) keep_alive: bool,
}

/// Headers that the gateway adds to a request.
const ADDED: usize = 4;

const MALFORMED: Refused = Refused {
    status: 400,
    why: "the head of the request is malformed",
};

/// Takes a head out of its bytes.
pub(super) fn request(head: &IncomingHead<'_>, text: &[u8]) -> Result<Decoded, Refused> {
    let (mut headers, written) =
        fields::of_head(head.headers, text, ADDED).map_err(|_| MALFORMED)?;
    let method = Method::from_bytes(head.method.as_bytes()).map_err(|_| MALFORMED)?;
    let path = match head.target {
        Target::Origin(path) => {
            let at = path.as_ptr().addr() - text.as_ptr().addr();
            written.slice(at..at + path.len())
        }
        Target::Asterisk => Bytes::from_static(b"*"),
        Target::Absolute { authority, path } => {
            // It counts for more than the header (RFC 9112, section 3.2.2).
            let host = HeaderValue::from_str(authority).map_err(|_| MALFORMED)?;
            headers.insert(header::HOST, host);
            match path.as_bytes() {
                [] if method == Method::OPTIONS => Bytes::from_static(b"*"),
                [] => Bytes::from_static(b"/"),
                [b'?', ..] => Bytes::from(format!("/{path}")),
                path => Bytes::copy_from_slice(path),
            }
        }
        Target::Authority(_) => Bytes::from_static(b"/"),
    };
    let (uri, raw_target) = match PathAndQuery::from_maybe_shared(path.clone()) {
        Ok(known) => (Uri::from(known), None),
        Err(_) => {
            let encoded = PathAndQuery::try_from(percent_encoded(&path)).map_err(|_| MALFORMED)?;
            (Uri::from(encoded), Some(path))
        }
    };
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    *request.version_mut() = match head.minor_version {
        0 => Version::HTTP_10,
        _ => Version::HTTP_11,
    };
    Ok(Decoded {
        request,
        written,
        raw_target,
        is_bodiless: head.length == Length::Exact(0),
        keep_alive: head.keep_alive,
    })
}

/// Characters that RFC 3986 has not, and clients send all the same.
fn percent_encoded(target: &[u8]) -> String {
    let mut out = String::with_capacity(target.len() + 16);
    for byte in target {
        match byte {
            byte if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(byte) => {
                out.push(char::from(*byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
