//! Targets: what was sent becomes a path that can be sent again.

/// A target taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Host and port of an absolute URL; the port only where it is not the scheme's.
    pub(crate) host: Option<String>,
    /// Path and query.
    pub(crate) path: String,
}

/// Takes apart `/path?query`, `http://host/path?query` or `*`; `None` for anything else.
pub(crate) fn split(text: &str) -> Option<Target> {
    let text = text.split('#').next().unwrap_or_default();
    if text.starts_with('/') || text == "*" {
        return Some(Target {
            host: None,
            path: encoded(text),
        });
    }
    let (scheme, rest) = text.split_once("://")?;
    let port = match scheme.to_ascii_lowercase().as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    let (authority, path) = match rest.find(['/', '?']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    // User and password of a URL are never kept.
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.strip_suffix(port).unwrap_or(host);
    if host.is_empty() {
        return None;
    }
    let root = if path.starts_with('/') { "" } else { "/" };
    Some(Target {
        host: Some(host.to_owned()),
        path: encoded(&format!("{root}{path}")),
    })
}

/// Is it the URL of something that the browser has itself?
pub(crate) fn is_local(text: &str) -> bool {
    let scheme = text
        .split(':')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    text.contains(':')
        && ([
            "data",
            "blob",
            "about",
            "file",
            "javascript",
            "chrome",
            "resource",
        ]
        .contains(&scheme.as_str())
            || scheme.ends_with("-extension"))
}

/// Encodes what a target may not have (RFC 3986, section 2); what is encoded stays.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte > b' ' && byte < 0x7f {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

/// Undoes percent-encoding; with `plus`, as in queries and forms.
pub(crate) fn decoded(text: &str, plus: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let hex = |digit: Option<&u8>| char::from(*digit?).to_digit(16).map(|value| value as u8);
        match byte {
            b'%' => match (hex(after.first()), hex(after.get(1))) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    rest = &after[2..];
                }
                _ => bytes.push(b'%'),
            },
            b'+' if plus => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Path and query.
pub(crate) fn parts(target: &str) -> (&str, &str) {
    target.split_once('?').unwrap_or((target, ""))
}

/// Endings of files that a web server or CDN serves as they are.
const STATIC: [&str; 21] = [
    "avif", "bmp", "css", "eot", "gif", "ico", "jpeg", "jpg", "js", "map", "mjs", "mp3", "mp4",
    "otf", "png", "svg", "ttf", "webm", "webp", "woff", "woff2",
];

/// Does the path name a script, a style, an image, a font or a film?
pub(crate) fn is_static(target: &str) -> bool {
    let (path, _) = parts(target);
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rsplit_once('.')
        .is_some_and(|(_, ending)| STATIC.contains(&ending.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Option<(String, String)> {
        split(text).map(|target| (target.host.unwrap_or_default(), target.path))
    }

    #[test]
    fn targets_become_paths() {
        for (text, host, path) in [
            ("/a?b=1#c", "", "/a?b=1"),
            (
                "https://u:p@Shop.test:443/a b?x=ü",
                "Shop.test",
                "/a%20b?x=%C3%BC",
            ),
            ("http://h:8080", "h:8080", "/"),
            ("http://h?q=1", "h", "/?q=1"),
            ("http://[::1]:80/", "[::1]", "/"),
            ("*", "", "*"),
        ] {
            assert_eq!(of(text), Some((host.to_owned(), path.to_owned())), "{text}");
        }
        for text in [
            "",
            "a",
            "data:text/plain,x",
            "ftp://h/",
            "http:///a",
            "blob:http://h/1",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
        for text in [
            "data:text/plain,x",
            "blob:http://h/1",
            "chrome-extension://a/b",
            "moz-extension://a/",
            "about:blank",
        ] {
            assert!(is_local(text), "{text}");
        }
        for text in ["http://h/data:x", "/data:x", "data", "https://h/"] {
            assert!(!is_local(text), "{text}");
        }
    }

    #[test]
    fn static_files_are_known_by_their_ending() {
        for path in ["/a/app.JS?v=1", "/x.woff2", "/.ico"] {
            assert!(is_static(path), "{path}");
        }
        for path in ["/", "/a.json", "/js", "/a.js/b", "/q?f=x.png"] {
            assert!(!is_static(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn what_is_split_can_be_sent(text in "(/|https?://[a-z:@/?]{0,9})\\PC{0,30}") {
            if let Some(target) = split(&text) {
                prop_assert!(target.path == "*" || target.path.starts_with('/'));
                prop_assert!(target.path.bytes().all(|b| b > b' ' && b < 0x7f));
            }
        }

        #[test]
        fn decoding_undoes_encoding(text in "[^%+]{0,30}") {
            prop_assert_eq!(decoded(&encoded(&text), false), text);
        }
    }
}
