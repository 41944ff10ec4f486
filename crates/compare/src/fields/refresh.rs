//! `Refresh` as browsers read it (HTML, shared declarative refresh steps).

use super::reference;
use super::syntax::digits;

/// Seconds and target. A text that browsers ignore stays as it is.
pub(super) fn canonical(value: &str) -> String {
    read(value).unwrap_or_else(|| value.to_owned())
}

fn read(value: &str) -> Option<String> {
    let start = value.trim_ascii();
    let end = start
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(start.len());
    let (seconds, rest) = start.split_at(end);
    if seconds.is_empty() && !rest.starts_with('.') {
        return None;
    }
    // A fraction is read and dropped.
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let seconds = match digits(seconds) {
        "" => "0",
        seconds => seconds,
    };
    if !rest.is_empty() && !rest.starts_with([';', ',', ' ', '\t']) {
        return None;
    }
    let rest = rest.trim_ascii_start();
    let rest = rest
        .strip_prefix([';', ','])
        .unwrap_or(rest)
        .trim_ascii_start();
    Some(match rest.is_empty() {
        true => seconds.to_owned(),
        false => format!("{seconds};{}", reference::normal(target(rest))),
    })
}

/// The target without `url=` and quotes.
fn target(text: &str) -> &str {
    let behind_name = text
        .get(..3)
        .filter(|name| name.eq_ignore_ascii_case("url"))
        .and_then(|_| text[3..].trim_ascii_start().strip_prefix('='));
    let text = match behind_name {
        Some(rest) => rest.trim_ascii_start(),
        // `ur` and the like begin a relative reference, whose quotes are its own.
        None if text.starts_with(['u', 'U']) => return text,
        None => text,
    };
    for quote in ['"', '\''] {
        if let Some(rest) = text.strip_prefix(quote) {
            return rest.split(quote).next().unwrap_or(rest);
        }
    }
    text
}
