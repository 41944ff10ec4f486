//! Which format a file has.

use crate::Problem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use understudy_wire::{access_log, gor, json};

/// Requests of which one has to be that of an access log.
const PROBED: usize = 200;
/// Bytes in which the first separator of a capture has to be.
const PROBED_BYTES: usize = 1024 * 1024;
/// Bytes in which a YAML document has to show what it is.
const PROBED_YAML: usize = 16 * 1024 * 1024;

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// HTTP archive 1.2, as browsers and proxies export it.
    Har,
    /// Access log: common, combined (with or without virtual host), JSON, W3C, or of a load balancer or proxy.
    AccessLog,
    /// Capture of GoReplay.
    Gor,
    /// OpenAPI 2.0 (Swagger), 3.0 or 3.1, as JSON or YAML.
    #[serde(rename = "openapi")]
    OpenApi,
}

impl Format {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Har => "HAR",
            Format::AccessLog => "access log",
            Format::Gor => "GoReplay capture",
            Format::OpenApi => "OpenAPI document",
        }
    }
}

/// The bytes as UTF-8, without the mark of their encoding.
///
/// # Errors
/// They are compressed, or there are none.
pub(crate) fn plain(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Problem> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(Problem::Compressed("gzip", "zcat"));
    }
    if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return Err(Problem::Compressed("zstd", "zstdcat"));
    }
    // Windows shells write UTF-16 into files.
    let wide = match bytes {
        [0xff, 0xfe, rest @ ..] => Some(utf_16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Some(utf_16(rest, u16::from_be_bytes)),
        _ => None,
    };
    let bytes = match wide {
        Some(text) => Cow::Owned(text.into_bytes()),
        None => Cow::Borrowed(bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)),
    };
    if bytes.trim_ascii().is_empty() {
        return Err(Problem::Empty);
    }
    Ok(bytes)
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.as_chunks().0.iter().map(|pair| unit(*pair));
    char::decode_utf16(units)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// The format that the bytes have.
pub(crate) fn format(bytes: &[u8]) -> Option<Format> {
    let bytes = bytes.trim_ascii_start();
    if gor::is_capture(&bytes[..bytes.len().min(PROBED_BYTES)]) {
        return Some(Format::Gor);
    }
    let document = match bytes.first() {
        Some(b'{') => of_json(bytes),
        _ => is_yaml(bytes).then_some(Format::OpenApi),
    };
    let mut logged = access_log::entries(bytes)
        .take(PROBED)
        .map(|(_, entry)| matches!(entry, Ok(_) | Err(access_log::LineError::Request)));
    document.or_else(|| {
        logged
            .any(|is_logged| is_logged)
            .then_some(Format::AccessLog)
    })
}

/// What a JSON document is by its own keys, wherever they are, if it is not a log.
fn of_json(bytes: &[u8]) -> Option<Format> {
    let (mut is_described, mut log) = (false, None);
    for (key, value) in json::keys(bytes) {
        let is_object = value.starts_with(b"{");
        is_described |= matches!(key, b"openapi" | b"swagger") && !is_object;
        if key == b"log" && is_object {
            log = Some(value);
        }
    }
    if is_described {
        return Some(Format::OpenApi);
    }
    let log = log?;
    // A log of its own level and time is one line of an access log; an archive has entries, or was cut
    // before them.
    let own = [b"entries".as_slice(), b"creator", b"pages"];
    let is_archive = json::keys(log).any(|(key, _)| own.contains(&key));
    (is_archive || json::value(log).is_none()).then_some(Format::Har)
}

/// Has a YAML document the key of an OpenAPI document at its outermost level?
fn is_yaml(bytes: &[u8]) -> bool {
    let probed = &bytes[..bytes.len().min(PROBED_YAML)];
    let is_key = |line: &[u8]| {
        let (key, _) = line.split_at(line.iter().position(|b| *b == b':').unwrap_or(0));
        let key = key.trim_ascii_end();
        let quoted = |sign: u8| key.strip_prefix(&[sign])?.strip_suffix(&[sign]);
        let key = quoted(b'"').or_else(|| quoted(b'\'')).unwrap_or(key);
        matches!(key, b"openapi" | b"swagger")
    };
    probed.split(|byte| *byte == b'\n').any(is_key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_known_by_their_content() {
        for (text, expected) in [
            ("{\"log\":{\"entries\":[]}}", Some(Format::Har)),
            ("{\n  \"log\": {\n", Some(Format::Har)),
            ("{\"openapi\":\"3.1.0\"}", Some(Format::OpenApi)),
            (
                "{\n \"info\": {},\n \"openapi\": \"3.0.0\"",
                Some(Format::OpenApi),
            ),
            (
                "# ours\ninfo:\n  title: x\nopenapi: 3.0.3\n",
                Some(Format::OpenApi),
            ),
            ("swagger: '2.0'\n", Some(Format::OpenApi)),
            (
                "1 abc 1700000000\nGET / HTTP/1.1\r\n\r\n",
                Some(Format::Gor),
            ),
            (
                "junk\n1.2.3.4 - - [t] \"GET / HTTP/1.1\" 200 1\n",
                Some(Format::AccessLog),
            ),
            (
                "{\"request\":\"GET / HTTP/1.1\"}\n{\"request\":\"-\"}\n",
                Some(Format::AccessLog),
            ),
            (
                "{\"log\":\"x\",\"method\":\"GET\",\"uri\":\"/\"}\n",
                Some(Format::AccessLog),
            ),
            ("hello", None),
            ("{\"a\":1}", None),
            ("{\n\"a\":1}", None),
            (
                "{\"components\":{\"log\":{\"type\":\"string\"}},\"openapi\":\"3.0.0\"}",
                Some(Format::OpenApi),
            ),
            ("{\"a\":{\"openapi\":1}}", None),
            (
                "{\"log\":{\"level\":\"info\"},\"http\":{\"request\":{\"method\":\"GET\"}},\"url\":{\"path\":\"/\"}}\n",
                Some(Format::AccessLog),
            ),
            (
                "{\"log\":{\"version\":\"1.2\",\"entries\":[",
                Some(Format::Har),
            ),
            ("{\"log\":{\"creator\":{}}}", Some(Format::Har)),
            ("\"openapi\": 3.0.0\r\n", Some(Format::OpenApi)),
            ("info:\n  openapi: x\n", None),
            (
                "[{\"request\":\"GET / HTTP/1.1\"}]",
                Some(Format::AccessLog),
            ),
            ("cut off\n\u{1f435}\u{1f648}\u{1f649}\n", Some(Format::Gor)),
        ] {
            assert_eq!(format(text.as_bytes()), expected, "{text}");
        }
        let late = format!(
            "{{\"a\":[{}0],\n\"openapi\":\"3.0.0\"}}",
            "\"openapi\",".repeat(20_000)
        );
        assert_eq!(format(late.as_bytes()), Some(Format::OpenApi));
    }

    #[test]
    fn compressed_and_empty_files_are_reported() {
        let of = |bytes: &[u8]| plain(bytes).unwrap_err().to_string();
        assert_eq!(of(&[0x1f, 0x8b, 8]), "is compressed (gzip)");
        assert_eq!(of(&[0x28, 0xb5, 0x2f, 0xfd]), "is compressed (zstd)");
        assert_eq!(of(b" \n"), "is empty");
        assert_eq!(*plain("\u{feff}x".as_bytes()).unwrap(), *b"x");
        assert_eq!(*plain(b"\xff\xfex\0\xe9\0").unwrap(), *"x\u{e9}".as_bytes());
        assert_eq!(*plain(b"\xfe\xff\0x").unwrap(), *b"x");
    }
}
