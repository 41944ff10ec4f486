//! What a container runtime wraps around the lines that a program writes.

use serde::Deserialize;
use std::borrow::Cow;

/// A line of Docker's `json-file` driver. An object with other keys is one of the program.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Docker<'l> {
    #[serde(borrow)]
    log: Cow<'l, str>,
    #[serde(borrow)]
    stream: Cow<'l, str>,
    #[serde(rename = "time")]
    _time: serde::de::IgnoredAny,
    #[serde(rename = "attrs", default)]
    _attrs: Option<serde::de::IgnoredAny>,
}

/// The line that a program wrote, out of what Docker (`{"log": ..., "stream": ..., "time": ...}`) or
/// a runtime of Kubernetes (`TIME stdout F LINE`) made of it; any other line as it is.
///
/// A piece of a line that was too long for the runtime stays wrapped: half a line has no meaning.
pub fn unwrapped(line: &[u8]) -> Cow<'_, [u8]> {
    let line = line.trim_ascii();
    let docker = || {
        let wrapped: Docker<'_> = serde_json::from_slice(line).ok()?;
        is_stream(&wrapped.stream).then_some(())?;
        Some(match wrapped.log {
            Cow::Borrowed(text) => Cow::Borrowed(text.strip_suffix('\n')?.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.strip_suffix('\n')?.as_bytes().to_vec()),
        })
    };
    match line.first() {
        Some(b'{') if memchr::memmem::find(line, b"\"stream\"").is_some() => {
            docker().unwrap_or(Cow::Borrowed(line))
        }
        Some(b'0'..=b'9') => Cow::Borrowed(cri(line).unwrap_or(line)),
        _ => Cow::Borrowed(line),
    }
}

/// `2016-10-06T00:17:09.669794202Z stdout F The line`: `P` marks a piece of a line.
fn cri(line: &[u8]) -> Option<&[u8]> {
    let mut words = line.splitn(4, |byte| *byte == b' ');
    let time = words.next()?;
    let stream = std::str::from_utf8(words.next()?).ok()?;
    let tags = words.next()?;
    let is_time = time.len() >= 20 && time[10] == b'T' && time.contains(&b':');
    let is_whole = tags.split(|byte| *byte == b':').next() == Some(b"F");
    (is_time && is_stream(stream) && is_whole).then(|| words.next().unwrap_or_default())
}

fn is_stream(name: &str) -> bool {
    matches!(name, "stdout" | "stderr")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(line: &str) -> String {
        String::from_utf8(unwrapped(line.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn the_line_of_the_program_is_found() {
        for (wrapped, line) in [
            (
                r#"{"log":"GET \"/a\"\n","stream":"stdout","time":"2026-11-29T10:00:00.1Z"}"#,
                "GET \"/a\"",
            ),
            (
                r#"{"log":"plain\n","stream":"stderr","attrs":{"a":"b"},"time":"t"}"#,
                "plain",
            ),
            (
                "2016-10-06T00:17:09.669794202Z stdout F The line",
                "The line",
            ),
            ("2016-10-06T00:17:09.669794202+02:00 stderr F:x a", "a"),
            ("2016-10-06T00:17:09.669794202Z stdout F ", ""),
        ] {
            assert_eq!(text(wrapped), line.trim_end(), "{wrapped}");
        }
    }

    #[test]
    fn other_lines_and_pieces_of_lines_stay_as_they_are() {
        for line in [
            r#"{"log":"half of a line","stream":"stdout","time":"t"}"#,
            r#"{"log":"a\n","stream":"upstream","time":"t"}"#,
            r#"{"log":"a\n","time":"t"}"#,
            r#"{"stream":"stdout"}"#,
            r#"{"log":"a\n","stream":"stdout","time":"t","request":"GET / HTTP/1.1"}"#,
            "2016-10-06T00:17:09.669794202Z stdout P The begin",
            "2016-10-06T00:17:09.669794202Z GET F /",
            "10.0.0.1 - - [x] \"GET / HTTP/1.1\" 200 5",
            "",
        ] {
            assert_eq!(text(line), line);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, text in "\\PC{0,40}") {
            let _ = unwrapped(&bytes);
            let _ = unwrapped(format!("2016-10-06T00:17:09Z stdout {text}").as_bytes());
            let _ = unwrapped(format!("{{\"stream\":\"stdout\",\"log\":{text}}}").as_bytes());
        }
    }
}
