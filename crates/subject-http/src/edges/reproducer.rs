//! An edge request as a line that people can run in a shell, without its secrets. Pure.
//!
//! curl sends all of them: it takes any target (`--request-target`) and any method, and leaves out what it would add.

use super::wire::{Body, Framing, Host, Raw, RawField};
use std::time::Duration;
use understudy_redact::{Redactor, preview, shell_filled, shell_printed, shell_quoted, shell_word};

/// Longest body that a line repeats, bytes.
const BODY_BYTES: usize = 2000;
/// From so many on, equal characters in a row are made by the line.
const RUN: usize = 100;
/// Bodies beyond this make curl expect `100 Continue` of its own accord, bytes.
const CURL_EXPECTS: usize = 1024 * 1024;

/// The request as a curl command for `$URL`, the base of either side.
pub(super) fn shell_line(raw: &Raw, redactor: &Redactor) -> String {
    let mut words = vec!["curl -sS -i".to_owned()];
    let has_body = raw.framing != Framing::None;
    match raw.method.as_str() {
        "HEAD" => words.push("--head".to_owned()),
        "GET" if !has_body => {}
        method => words.push(format!("-X {}", shell_word(method))),
    }
    match &raw.host {
        Host::Given => {}
        Host::Missing => words.push("-H Host:".to_owned()),
        Host::Value(host) => words.push(header(&format!("Host: {host}"))),
    }
    words.extend(raw.fields.iter().map(|one| field(one, redactor)));
    if raw.expects {
        words.push(header("Expect: 100-continue"));
    }
    let mut source = None;
    if has_body {
        words.extend(instead_of_defaults(raw));
        let (from, data) = body(&raw.body, redactor);
        source = from;
        words.push(data);
    }
    words.push(target(&raw.target, redactor));
    source
        .into_iter()
        .chain([words.join(" ")])
        .collect::<Vec<_>>()
        .join(" | ")
}

/// Two such requests with a pause between them: what curl says of its connections tells if the first one was still open.
pub(super) fn idle_line(raw: &Raw, idle: Duration, redactor: &Redactor) -> String {
    let per_hour = (3600.0 / idle.as_secs_f64()).floor().max(1.0);
    let (line, again) = (shell_line(raw, redactor), target(&raw.target, redactor));
    format!("{line} {again} -v --rate {per_hour}/h")
}

fn header(line: &str) -> String {
    format!("-H {}", shell_text(line))
}

fn field(field: &RawField, redactor: &Redactor) -> String {
    let name = &field.name;
    let shown = redactor.reproducible_field(name, &field.written);
    if shown.is_empty() {
        // With a colon curl would leave the field out.
        return header(&format!("{name};"));
    }
    match shown.contains('$') {
        true => format!(
            "-H {}{}",
            shell_quoted(name),
            shell_filled(&format!(": {shown}"))
        ),
        false => header(&format!("{name}: {shown}")),
    }
}

/// What keeps curl from sending fields of its own with a body.
fn instead_of_defaults(raw: &Raw) -> Vec<String> {
    let mut words = Vec::new();
    if !raw.has_field("content-type") {
        words.push("-H Content-Type:".to_owned());
    }
    if raw.framing == Framing::Chunked {
        words.push(header("Transfer-Encoding: chunked"));
    }
    if !raw.expects && raw.body.length() >= CURL_EXPECTS {
        words.push("-H Expect:".to_owned());
    }
    words
}

/// What makes the body, where it is not in the line, and the words that give it to curl.
fn body(body: &Body, redactor: &Redactor) -> (Option<String>, String) {
    let shown = redacted(&body.bytes, redactor);
    let text = std::str::from_utf8(&shown).ok();
    let is_unseen = |c: char| c.is_control() || c == '\u{feff}';
    let plain = text.filter(|text| !text.contains(is_unseen));
    if let Some(text) = plain
        && body.padding == 0
        && !body.gzip
    {
        return (None, format!("--data-raw {}", shell_quoted(text)));
    }
    let mut parts = Vec::new();
    if body.padding > 0 {
        parts.push(format!("head -c {} /dev/zero | tr '\\0' ' '", body.padding));
    }
    if !shown.is_empty() || parts.is_empty() {
        parts.push(format!("printf {}", shell_printed(&shown)));
    }
    let whole = match parts.len() {
        1 => parts.concat(),
        _ => format!("{{ {}; }}", parts.join("; ")),
    };
    let packed = if body.gzip { " | gzip -n" } else { "" };
    let source = format!("{whole}{packed}");
    (Some(source), "--data-binary @-".to_owned())
}

/// The bytes without secrets, those that are not text as they are; what is too long is cut.
fn redacted(bytes: &[u8], redactor: &Redactor) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in bytes.utf8_chunks() {
        let text = redactor.redact_text(chunk.valid());
        out.extend_from_slice(preview(text.as_bytes(), BODY_BYTES).as_bytes());
        out.extend_from_slice(chunk.invalid());
    }
    out
}

/// The URL, with the target in it where curl leaves that as it is.
fn target(target: &str, redactor: &Redactor) -> String {
    let shown = shell_text(&redactor.redact_text(target));
    let is_kept = |byte: u8| byte.is_ascii_alphanumeric() || b"/?&=._~-%;:@,+!".contains(&byte);
    match target.starts_with('/') && target.bytes().all(is_kept) {
        true => format!("--path-as-is \"$URL\"{shown}"),
        false => format!("--request-target {shown} \"$URL\""),
    }
}

/// A text in quotes; what repeats one letter or digit many times is made by the shell.
fn shell_text(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut out = String::new();
    let mut plain = String::new();
    for run in characters.chunk_by(|a, b| a == b) {
        let (repeated, length) = (run[0], run.len());
        if length < RUN || !repeated.is_ascii_alphanumeric() {
            plain.extend(run);
            continue;
        }
        if !plain.is_empty() {
            out.push_str(&shell_quoted(&plain));
            plain.clear();
        }
        out.push_str(&format!("\"$(printf %0{length}d 0 | tr 0 {repeated})\""));
    }
    if !plain.is_empty() {
        out.push_str(&shell_quoted(&plain));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// What curl would be given: standard input where it is asked for, and its words, each on a line.
    fn given(line: &str) -> Vec<u8> {
        const CURL: &str = "curl() { for word in \"$@\"; do printf '%s\\n' \"$word\"; done; \
            case \"$*\" in *' @- '*) cat;; esac; }";
        let script = format!("{CURL}; URL=http://h TOKEN=secret; {line}");
        let ran = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert!(ran.status.success(), "{line}\n{ran:?}");
        ran.stdout
    }

    fn line(raw: &Raw) -> String {
        shell_line(raw, &Redactor::new([7; 16]))
    }

    #[test]
    fn a_plain_request_is_a_plain_command() {
        assert_eq!(
            line(&Raw::new("GET", "/items/1/?q=a")),
            "curl -sS -i --path-as-is \"$URL\"'/items/1/?q=a'"
        );
        let head = Raw::new("HEAD", "/items").with_host(Host::Missing);
        assert_eq!(
            line(&head),
            "curl -sS -i --head -H Host: --path-as-is \"$URL\"'/items'"
        );
        assert_eq!(
            line(&Raw::new("OPTIONS", "*")),
            "curl -sS -i -X OPTIONS --request-target '*' \"$URL\""
        );
        let post = Raw::new("POST", "/items").with_body(b"{\"a\":1}".to_vec());
        assert_eq!(
            line(&post),
            "curl -sS -i -X POST -H Content-Type: --data-raw '{\"a\":1}' --path-as-is \"$URL\"'/items'"
        );
    }

    #[test]
    fn what_is_long_is_made_by_the_shell() {
        let long = "a".repeat(70_000);
        let raw = Raw::new("GET", &format!("/items?q={long}b")).with_field("X-Long", &long);
        let line = line(&raw);
        assert!(line.len() < 200, "{line}");
        let expected =
            format!("-sS\n-i\n-H\nX-Long: {long}\n--path-as-is\nhttp://h/items?q={long}b\n");
        assert!(given(&line) == expected.as_bytes(), "{line}");
    }

    #[test]
    fn a_body_that_is_not_a_text_is_piped() {
        let raw = Raw::new("POST", "/items").with_field("Content-Type", "application/json");
        let raw = raw.with_body(b"{\"a\":\"\xff\", \"password\":\"hunter2\"}\n".to_vec());
        let made = line(&raw);
        assert!(!made.contains("hunter2") && !made.contains('\n'), "{made}");
        let given_to_curl = given(&made);
        assert!(
            given_to_curl
                .windows(9)
                .any(|part| part == b"{\"a\":\"\xff\",".as_slice()),
            "{made}"
        );
        let large = Raw {
            body: Body {
                padding: 2_000_000,
                bytes: b"{}".to_vec(),
                gzip: false,
            },
            ..raw
        };
        let made = line(&large);
        assert!(made.contains("-H Expect: "), "{made}");
        let given = given(&made);
        assert!(
            given.ends_with(b"  {}") && given.len() > 2_000_000,
            "{made}"
        );
    }

    #[test]
    fn secrets_stay_out_and_variables_stay_variables() {
        let mut raw = Raw::new("GET", "/a?password=hunter2")
            .with_field("Authorization", "Bearer abcdefghijklmnop")
            .with_field("X-Empty", "")
            .with_field("X-Api-Key", "s3cret");
        for field in raw
            .fields
            .iter_mut()
            .filter(|field| field.name == "X-Api-Key")
        {
            field.written = "$TOKEN".to_owned();
        }
        let made = line(&raw);
        for secret in ["hunter2", "abcdefghijklmnop", "s3cret"] {
            assert!(!made.contains(secret), "{made}");
        }
        assert!(made.contains("-H 'X-Api-Key'\": $TOKEN\""), "{made}");
        assert!(
            made.contains("-H 'Authorization'\": $AUTHORIZATION\""),
            "{made}"
        );
        assert!(made.contains("-H 'X-Empty;'"), "{made}");
    }
}
