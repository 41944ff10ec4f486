//! Which format a file has.

use crate::Problem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::map::Map;
use understudy_wire::{access_log, gor};

/// Lines of which one has to be that of an access log.
const PROBED_LINES: usize = 200;
/// Bytes in which the beginning of a document has to show what it is.
const PROBED_BYTES: usize = 64 * 1024;

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// HTTP archive 1.2, as browsers and proxies export it.
    Har,
    /// Access log of Apache or nginx: common, combined (with or without virtual host), or JSON.
    AccessLog,
    /// Capture of GoReplay.
    Gor,
    /// OpenAPI 3.0 or 3.1, as JSON or YAML.
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

/// The bytes without the mark of their encoding.
///
/// # Errors
/// They are compressed, or there are none.
pub(crate) fn plain(bytes: &[u8]) -> Result<&[u8], Problem> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(Problem::Compressed("gzip", "zcat"));
    }
    if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return Err(Problem::Compressed("zstd", "zstdcat"));
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    if bytes.trim_ascii().is_empty() {
        return Err(Problem::Empty);
    }
    Ok(bytes)
}

/// The format that the bytes have.
pub(crate) fn format(bytes: &[u8]) -> Option<Format> {
    let bytes = bytes.trim_ascii_start();
    if gor::record(bytes).is_ok() {
        return Some(Format::Gor);
    }
    let lines = || bytes.split(|byte| *byte == b'\n').take(PROBED_LINES);
    let document = match bytes.first() {
        Some(b'{') => json(bytes),
        _ => lines()
            .any(|line| line.starts_with(b"openapi:") || line.starts_with(b"swagger:"))
            .then_some(Format::OpenApi),
    };
    let is_logged = |line| {
        matches!(
            access_log::entry(line),
            Ok(_) | Err(access_log::LineError::Request)
        )
    };
    document.or_else(|| lines().any(is_logged).then_some(Format::AccessLog))
}

/// What a JSON document of one or many lines is, if it is no log.
fn json(bytes: &[u8]) -> Option<Format> {
    let first = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    if let Ok(object) = serde_json::from_slice::<Map<String, Value>>(first) {
        return of_keys(&|key| {
            object
                .get(key)
                .is_some_and(|value| key != "log" || value.is_object())
        });
    }
    // A document of many lines: its first bytes name it, and its own reader tells what is wrong.
    let head = &bytes[..bytes.len().min(PROBED_BYTES)];
    let head = String::from_utf8_lossy(head);
    of_keys(&|key| head.contains(&format!("\"{key}\"")))
}

fn of_keys(has: &dyn Fn(&str) -> bool) -> Option<Format> {
    if has("openapi") || has("swagger") {
        Some(Format::OpenApi)
    } else if has("log") {
        Some(Format::Har)
    } else {
        None
    }
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
        ] {
            assert_eq!(format(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn compressed_and_empty_files_are_told() {
        let of = |bytes: &[u8]| plain(bytes).unwrap_err().to_string();
        assert!(of(&[0x1f, 0x8b, 8]).contains("zcat FILE | understudy import -"));
        assert!(of(&[0x28, 0xb5, 0x2f, 0xfd]).contains("zstd"));
        assert_eq!(of(b" \n"), "is empty");
        assert_eq!(plain("\u{feff}x".as_bytes()).unwrap(), b"x");
    }
}
