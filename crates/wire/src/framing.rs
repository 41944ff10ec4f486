//! What container runtimes, collectors and terminals put around a line that a program writes: the JSON of Docker,
//! the head of CRI, syslog, Compose or kubectl, and colours.

use serde::Deserialize;
use std::borrow::Cow;

/// Most framings inside of one another.
const MOST: usize = 4;

/// What happens to a time before a line that is not part of a framing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Time {
    /// It is kept: it may be the program's own.
    Kept,
    /// It is taken away.
    Removed,
}

/// A line without its framing, and without space around it.
///
/// A piece of a line that was too long for the container runtime keeps its framing: it has no meaning by itself.
pub(crate) fn bare(line: &str, time: Time) -> Cow<'_, str> {
    within(line, time, MOST)
}

fn within(line: &str, time: Time, depth: usize) -> Cow<'_, str> {
    let line = line.trim();
    let Some(depth) = depth.checked_sub(1) else {
        return Cow::Borrowed(line);
    };
    let inner = match line.contains('\u{1b}') {
        true => Some(Cow::Owned(without_colours(line))),
        false => docker(line).or_else(|| head(line, time).map(Cow::Borrowed)),
    };
    match inner {
        Some(Cow::Borrowed(inner)) => within(inner, time, depth),
        Some(Cow::Owned(inner)) => Cow::Owned(within(&inner, time, depth).into_owned()),
        None => Cow::Borrowed(line),
    }
}

/// The line behind the head that is before it.
fn head(line: &str, time: Time) -> Option<&str> {
    let heads = [cri, bracketed, piped, syslog];
    let framing = heads.iter().find_map(|head| head(line));
    framing.or_else(|| behind_time(line).filter(|_| time == Time::Removed))
}

/// Bytes as text; those that are not UTF-8 as in a target, `%E9`, so that it can be sent as it was.
pub(super) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            out += &format!("%{byte:02X}");
        }
    }
    Cow::Owned(out)
}

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

/// The line in the JSON of Docker.
fn docker(line: &str) -> Option<Cow<'_, str>> {
    // Most lines of JSON are of the program: they are not read for this.
    let is_framed = line.starts_with('{') && line.contains("\"stream\"");
    let framed: Docker<'_> = is_framed.then(|| serde_json::from_str(line).ok())??;
    is_stream(&framed.stream).then_some(())?;
    Some(match framed.log {
        Cow::Borrowed(text) => Cow::Borrowed(text.strip_suffix('\n')?),
        Cow::Owned(text) => Cow::Owned(text.strip_suffix('\n')?.to_owned()),
    })
}

/// Behind `2016-10-06T00:17:09.669794202Z stdout F `; `P` marks a piece of a line.
fn cri(line: &str) -> Option<&str> {
    let (stream, rest) = behind_time(line)?.split_once(' ')?;
    let (tags, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let is_whole = tags.split(':').next() == Some("F");
    (is_stream(stream) && is_whole).then_some(rest)
}

fn is_stream(name: &str) -> bool {
    matches!(name, "stdout" | "stderr")
}

/// Takes the control sequences of terminals away (ECMA-48).
fn without_colours(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c != '\u{1b}' {
            out.push(c);
        } else if rest.next() == Some('[') {
            // Parameters, and the letter that ends the sequence.
            rest.find(|c| ('@'..='~').contains(c));
        }
    }
    out
}

/// `[pod/NAME/CONTAINER] ` of `kubectl logs --prefix`.
fn bracketed(line: &str) -> Option<&str> {
    line.strip_prefix("[pod/")?
        .split_once("] ")
        .map(|(_, rest)| rest)
}

/// `nginx-1  | ` of Docker Compose, `[nginx] | ` of Podman's.
fn piped(line: &str) -> Option<&str> {
    let (name, rest) = line.split_once('|')?;
    let name = name.trim_end();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.[]".contains(c);
    (!name.is_empty() && name.chars().all(is_name)).then_some(rest)
}

/// The head of syslog: `<134>Nov 29 12:00:01 web1 nginx[7]: ` (RFC 3164, with or without priority and host) and
/// `<134>1 2026-11-29T12:00:01Z web1 nginx 7 - - ` (RFC 5424).
fn syslog(line: &str) -> Option<&str> {
    let without = line.strip_prefix('<').and_then(|line| {
        let (priority, rest) = line.split_once('>')?;
        let digits = !priority.is_empty() && priority.bytes().all(|b| b.is_ascii_digit());
        digits.then_some(rest)
    });
    if let Some(rest) = without.and_then(|line| line.strip_prefix("1 ")) {
        return structured(rest);
    }
    let line = without.unwrap_or(line);
    let rest = month(line)
        .or_else(|| behind_time(line))
        .or_else(|| without.map(|_| line))?;
    tagged(rest).or_else(|| without.map(|_| rest))
}

/// Behind the words and the structured data of RFC 5424.
fn structured(line: &str) -> Option<&str> {
    // Time, host, program, process, kind of message.
    let data = (0..5).try_fold(line, |rest, _| Some(rest.split_once(' ')?.1))?;
    if let Some(rest) = data.strip_prefix('-') {
        return Some(rest.trim_start().trim_start_matches('\u{feff}'));
    }
    let mut quoted = false;
    let mut escaped = false;
    let mut end = None;
    for (at, c) in data.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ']' if !quoted => {
                end = Some(at + 1);
                if !data[at + 1..].starts_with('[') {
                    break;
                }
            }
            _ => {}
        }
    }
    Some(data[end?..].trim_start().trim_start_matches('\u{feff}'))
}

/// Behind `Nov 29 12:00:01 `.
fn month(line: &str) -> Option<&str> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (month, rest) = line.split_once(' ')?;
    let (day, rest) = rest.trim_start().split_once(' ')?;
    let (time, rest) = match rest.trim_start().split_once(' ')? {
        // Some write the year.
        (year, rest) if year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit()) => {
            rest.split_once(' ')?
        }
        time => time,
    };
    let is_day = day.len() <= 2 && day.bytes().all(|b| b.is_ascii_digit());
    let is_time = time.len() >= 8 && time.as_bytes()[2] == b':' && time.as_bytes()[5] == b':';
    (MONTHS.contains(&month) && is_day && is_time).then_some(rest)
}

/// Behind `2026-11-29T12:00:01.5Z `.
fn behind_time(line: &str) -> Option<&str> {
    let (word, rest) = line.split_once([' ', '\t'])?;
    let bytes = word.as_bytes();
    let is_time = bytes.len() >= 19
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':')]
            .iter()
            .all(|(at, sign)| bytes[*at] == *sign);
    is_time.then_some(rest)
}

/// Behind `web1 nginx[7]: ` or `nginx: `.
fn tagged(line: &str) -> Option<&str> {
    let (first, rest) = line.split_once(' ')?;
    if is_tag(first) {
        return Some(rest);
    }
    let (second, rest) = rest.split_once(' ')?;
    is_tag(second).then_some(rest)
}

fn is_tag(word: &str) -> bool {
    let name = word.strip_suffix(':').unwrap_or_default();
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && !name.contains(['"', '{', '='])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn framings_are_removed() {
        for (framed, line) in [
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
            ("[pod/web-1/nginx] a", "a"),
            ("nginx-1  | a", "a"),
            ("[nginx] | a", "a"),
            ("<134>Nov 29 12:00:01 web1 nginx[7]: a", "a"),
            ("Nov 29 12:00:01 web1 nginx[7]: a", "a"),
            ("2026-11-29T12:00:01.5+00:00 web1 nginx[7]: a", "a"),
            ("<134>1 2026-11-29T12:00:01Z web1 nginx 7 - - a", "a"),
            ("\u{1b}[36mnginx-1  |\u{1b}[0m a", "a"),
            (
                r#"nginx-1  | {"log":"\u001b[31ma\u001b[0m\n","stream":"stdout","time":"t"}"#,
                "a",
            ),
        ] {
            assert_eq!(bare(framed, Time::Kept), line, "{framed}");
        }
    }

    #[test]
    fn other_lines_and_pieces_of_lines_are_kept() {
        for line in [
            r#"{"log":"half of a line","stream":"stdout","time":"t"}"#,
            r#"{"log":"a\n","stream":"upstream","time":"t"}"#,
            r#"{"log":"a\n","time":"t"}"#,
            r#"{"stream":"stdout"}"#,
            r#"{"log":"a\n","stream":"stdout","time":"t","request":"GET / HTTP/1.1"}"#,
            "2016-10-06T00:17:09.669794202Z stdout P The begin",
            "2016-10-06T00:17:09.669794202Z GET F /",
            "2016-10-06T00:17:09.669+0000: 0.123: [GC pause]",
            "10.0.0.1 - - [x] \"GET / HTTP/1.1\" 200 5",
            "",
        ] {
            assert_eq!(bare(line, Time::Kept), line);
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = bare(&text, Time::Kept);
            let _ = bare(&format!("2016-10-06T00:17:09Z stdout {text}"), Time::Removed);
            let _ = bare(&format!("<1>1 {text}"), Time::Kept);
            let _ = bare(&format!("{{\"stream\":\"stdout\",\"log\":{text}}}"), Time::Kept);
        }
    }
}
