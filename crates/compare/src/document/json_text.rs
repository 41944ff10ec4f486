//! JSON, and what servers put around it.

use super::Layout;
use crate::json::Json;

/// What is put before an answer so that a page of another site cannot run it as a script.
const PREFIXES: [&str; 6] = [")]}',", ")]}'", ")]}", "while(1);", "for(;;);", "{}&&"];

/// The document, without a prefix or the call around it: these are layout.
pub(super) fn read(text: &str, layout: &mut Layout) -> Option<Json> {
    if let Ok(json) = Json::parse_answer(text) {
        return Some(json);
    }
    let start = text.trim_start();
    if let Some(prefix) = PREFIXES.iter().find(|prefix| start.starts_with(**prefix)) {
        let behind = &start[prefix.len()..];
        let json = Json::parse_answer(behind).ok()?;
        layout.note(format!("prefix {prefix}"));
        // A client looks for the prefix at the start and may ask for the line feed.
        if start.len() < text.len() {
            layout.note("space before the prefix");
        }
        if !behind.starts_with('\n') {
            layout.note("no line feed behind the prefix");
        }
        return Some(json);
    }
    let (name, inner) = call(start)?;
    let json = Json::parse_answer(inner).ok()?;
    layout.note(format!("call of {name}"));
    Some(json)
}

/// The name and the argument of a call: `name({...});`, with or without `/**/` before it.
fn call(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix("/**/").unwrap_or(text).trim_start();
    let (name, rest) = text.split_once('(')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '.');
    let inner = rest.trim_end().trim_end_matches(';').trim_end();
    let is_call = !name.is_empty() && name.chars().all(is_name);
    is_call.then_some(())?;
    Some((name, inner.strip_suffix(')')?))
}
