//! Server-sent events (HTML Living Standard, section 9.2).

use super::{Layout, array, lines, object, string};
use crate::json::Json;

/// The events in their order, each an object by field. Lines of data are one text; comments are kept.
pub(super) fn read(text: &str, layout: &mut Layout) -> Option<Json> {
    lines::note_ends(text, layout);
    let mut events = Vec::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in lines::of(text) {
        if line.is_empty() {
            close(&mut events, &mut fields);
            continue;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        let name = if name.is_empty() { "#comment" } else { name };
        match fields
            .iter_mut()
            .find(|(known, _)| known == name && name == "data")
        {
            Some((_, data)) => {
                data.push('\n');
                data.push_str(value);
            }
            None => fields.push((name.to_owned(), value.to_owned())),
        }
    }
    if !fields.is_empty() {
        layout.note("no empty line behind the last event");
    }
    close(&mut events, &mut fields);
    Some(array(events))
}

fn close(events: &mut Vec<Json>, fields: &mut Vec<(String, String)>) {
    if !fields.is_empty() {
        let entry = |(name, value): (String, String)| (name.into(), string(&value));
        events.push(object(fields.drain(..).map(entry).collect()));
    }
}
