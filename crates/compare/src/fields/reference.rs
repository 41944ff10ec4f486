//! References to resources in the normal form of RFC 3986, section 6.2.2 and 6.2.3.

/// A reference in its normal form: scheme and host in lower case, without the port that the scheme implies, without dot
/// segments, escapes of unreserved characters undone and the others in upper case. Reserved characters stay as they
/// are: `%2F` is not `/`.
pub(super) fn normal(reference: &str) -> String {
    let reference = unescaped(reference);
    let (scheme, rest) = match reference.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme.to_ascii_lowercase()), rest),
        _ => (None, reference.as_str()),
    };
    let (authority, rest) = match rest.strip_prefix("//") {
        Some(rest) => {
            let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
            (Some(authority), rest)
        }
        None => (None, rest),
    };
    let (path, rest) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    // What a scheme without an authority means by its path is known to the scheme alone.
    let path = match scheme.is_some() && authority.is_none() && !path.starts_with('/') {
        true => path.to_owned(),
        false => without_dots(path, authority.is_some()),
    };
    let mut out = String::with_capacity(reference.len());
    if let Some(scheme) = &scheme {
        out.push_str(scheme);
        out.push(':');
    }
    if let Some(authority) = authority {
        out.push_str("//");
        out.push_str(&normal_authority(scheme.as_deref(), authority));
    }
    let has_root = authority.is_some() && scheme.as_deref().is_none_or(|s| port(s).is_some());
    out.push_str(match path.as_str() {
        "" if has_root => "/",
        path => path,
    });
    out + rest
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

/// The port that a scheme implies, of those schemes whose empty path is `/`.
fn port(scheme: &str) -> Option<&'static str> {
    Some(match scheme {
        "http" | "ws" => "80",
        "https" | "wss" => "443",
        "ftp" => "21",
        _ => return None,
    })
}

fn normal_authority(scheme: Option<&str>, authority: &str) -> String {
    // The name of a user is case-sensitive, a host is not.
    let at = authority.rfind('@').map_or(0, |at| at + 1);
    let (user, host) = authority.split_at(at);
    let host = host.to_ascii_lowercase();
    let implied = scheme.and_then(port);
    // `[::1]` has colons and no port.
    let is_name = |name: &str| !name.is_empty() && (!name.contains(':') || name.ends_with(']'));
    let host = match host.rsplit_once(':') {
        Some((name, of)) if is_name(name) && (of.is_empty() || Some(of) == implied) => name,
        _ => &host,
    };
    format!("{user}{host}")
}

/// The path without `.` and `..` (RFC 3986, section 5.2.4), also of a relative reference.
fn without_dots(path: &str, has_authority: bool) -> String {
    let is_absolute = path.starts_with('/');
    let inner = path.strip_prefix('/').unwrap_or(path);
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = inner.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_dots = match segment {
            "." => true,
            ".." => {
                match kept.last() {
                    Some(last) if *last != ".." => drop(kept.pop()),
                    _ if is_absolute => {}
                    _ => kept.push(".."),
                }
                true
            }
            segment => {
                kept.push(segment);
                false
            }
        };
        if is_dots && segments.peek().is_none() {
            kept.push("");
        }
    }
    let joined = kept.join("/");
    match is_absolute {
        // Without an authority, `//` at the start would begin one.
        true if joined.starts_with('/') && !has_authority => format!("/./{joined}"),
        true => format!("/{joined}"),
        // Relative still, and neither a scheme nor the document itself.
        false if joined == path => joined,
        false
            if joined.is_empty()
                || joined.starts_with('/')
                || joined
                    .split('/')
                    .next()
                    .is_some_and(|first| first.contains(':')) =>
        {
            format!("./{joined}")
        }
        false => joined,
    }
}

/// Escapes of unreserved characters undone, the others in upper case.
pub(super) fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('%') {
        out.push_str(before);
        let octet = behind
            .get(..2)
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        rest = behind;
        let Some(octet) = octet else {
            out.push('%');
            continue;
        };
        rest = &behind[2..];
        match octet {
            b if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~') => {
                out.push(char::from(b));
            }
            octet => out.push_str(&format!("%{octet:02X}")),
        }
    }
    out + rest
}
