//! Rendering a request once, so that sending it is one copy.

/// What is wrong with a request that cannot be put on the wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The method is not a token.
    #[error("method {0:?} is not an HTTP method (RFC 9110, section 9: a token such as GET)")]
    Method(String),
    /// The target is not in origin form.
    #[error(
        "path {0:?} must begin with \"/\" and hold no space or control character\nhint: percent-encode them"
    )]
    Target(String),
    /// The target has a fragment.
    #[error(
        "path {0:?} has a fragment (\"#\"), which is never sent\nhint: leave it out, or write %23"
    )]
    Fragment(String),
    /// A header name is not a token.
    #[error("header name {0:?} is not a token (RFC 9110, section 5.6.2)")]
    HeaderName(String),
    /// A header value holds what would break the framing.
    #[error("the value of header {0:?} holds a line break or control character")]
    HeaderValue(String),
    /// The header is set by Understudy itself.
    #[error("header {0:?} is set by Understudy from the body\nhint: leave it out")]
    Framing(String),
}

/// The head of a request, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// The method, a token.
    pub method: &'a str,
    /// The target in origin form (`/path?query`).
    pub target: &'a str,
    /// What `Host` says unless the headers name one.
    pub host: &'a str,
    /// The other headers, in order.
    pub headers: &'a [(String, String)],
}

impl RequestHead<'_> {
    /// Renders head and body to the bytes that are sent, `Host` and `Content-Length` included.
    ///
    /// # Errors
    /// The first part that would not be valid HTTP or would change the framing.
    pub fn render(&self, body: &[u8]) -> Result<Vec<u8>, RequestError> {
        if !is_token(self.method) {
            return Err(RequestError::Method(shorten(self.method)));
        }
        if !is_target(self.target) {
            return Err(RequestError::Target(shorten(self.target)));
        }
        let mut wire = Vec::with_capacity(256 + body.len());
        wire.extend_from_slice(self.method.as_bytes());
        wire.push(b' ');
        wire.extend_from_slice(self.target.as_bytes());
        wire.extend_from_slice(b" HTTP/1.1\r\n");
        if !self
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            push_header(&mut wire, "Host", self.host)?;
        }
        for (name, value) in self.headers {
            push_header(&mut wire, name, value)?;
        }
        if !body.is_empty() || matches!(self.method, "POST" | "PUT" | "PATCH") {
            wire.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        wire.extend_from_slice(b"\r\n");
        wire.extend_from_slice(body);
        Ok(wire)
    }
}

fn push_header(wire: &mut Vec<u8>, name: &str, value: &str) -> Result<(), RequestError> {
    if !is_token(name) {
        return Err(RequestError::HeaderName(shorten(name)));
    }
    if ["content-length", "transfer-encoding"]
        .iter()
        .any(|own| name.eq_ignore_ascii_case(own))
    {
        return Err(RequestError::Framing(shorten(name)));
    }
    if !value
        .bytes()
        .all(|b| b == b'\t' || (b >= 0x20 && b != 0x7f))
    {
        return Err(RequestError::HeaderValue(shorten(name)));
    }
    wire.extend_from_slice(name.as_bytes());
    wire.extend_from_slice(b": ");
    wire.extend_from_slice(value.trim_matches([' ', '\t']).as_bytes());
    wire.extend_from_slice(b"\r\n");
    Ok(())
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

fn is_target(text: &str) -> bool {
    (text.starts_with('/') || text == "*") && text.bytes().all(|b| b > 0x20 && b != 0x7f)
}

/// Methods are case-sensitive, and those of the standard are written in capital letters (RFC 9110, section 9.1).
pub fn standard_method(method: String) -> String {
    const STANDARD: [&str; 9] = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
    ];
    let standard = STANDARD
        .iter()
        .find(|known| method.eq_ignore_ascii_case(known));
    standard.map_or(method, |known| (*known).to_owned())
}

/// Bounds what an error message repeats.
fn shorten(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
        let headers: Vec<_> = headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        let head = RequestHead {
            method,
            target,
            host: "h:1",
            headers: &headers,
        };
        match head.render(body) {
            Ok(wire) => String::from_utf8(wire).unwrap(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn renders_what_was_asked_and_nothing_else() {
        assert_eq!(
            render("GET", "/a?b", &[], b""),
            "GET /a?b HTTP/1.1\r\nHost: h:1\r\n\r\n"
        );
        assert_eq!(
            render("PUT", "/a", &[("host", "x"), ("A", " b ")], b"{}"),
            "PUT /a HTTP/1.1\r\nhost: x\r\nA: b\r\nContent-Length: 2\r\n\r\n{}"
        );
        assert!(render("POST", "/", &[], b"").contains("Content-Length: 0\r\n"));
    }

    #[test]
    fn refuses_what_would_change_the_framing() {
        assert!(render("G T", "/", &[], b"").contains("not an HTTP method"));
        assert!(render("GET", "/a b", &[], b"").contains("percent-encode"));
        assert!(render("GET", "a", &[], b"").contains("must begin with"));
        assert!(render("GET", "/", &[("a:", "b")], b"").contains("not a token"));
        assert!(render("GET", "/", &[("a", "b\r\nc: d")], b"").contains("line break"));
        assert!(render("GET", "/", &[("Content-Length", "3")], b"").contains("leave it out"));
    }
}
