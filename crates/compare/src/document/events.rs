//! Server-sent events (HTML Living Standard, section 9.2), as a stream of them is interpreted.

use super::{BYTE_ORDER_MARK, Layout, array, object, string};
use crate::fields::is_number;
use crate::json::Json;

/// The events in their order, each an object by field. Lines of data are one text, the last `event`, `id` and `retry`
/// count; comments, other fields and the name
/// `message` say nothing to a reader. How lines end means nothing either.
pub(super) fn read(text: &str, layout: &mut Layout) -> Json {
    // One mark at the start is ignored.
    layout.forget(BYTE_ORDER_MARK);
    let mut events = Vec::new();
    let mut fields: Vec<(&str, String)> = Vec::new();
    let mut is_open = false;
    for line in lines(text) {
        if line.is_empty() {
            close(&mut events, &mut fields);
            is_open = false;
            continue;
        }
        is_open = true;
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        let is_ignored = match name {
            "data" | "event" => false,
            "id" => value.contains('\0'),
            "retry" => !is_number(value),
            _ => true,
        };
        if is_ignored {
            continue;
        }
        match fields.iter_mut().find(|(known, _)| *known == name) {
            Some((_, data)) if name == "data" => {
                data.push('\n');
                data.push_str(value);
            }
            Some((_, last)) => *last = value.to_owned(),
            None => fields.push((name, value.to_owned())),
        }
    }
    // A reader drops an event that no empty line ends.
    if is_open && !fields.is_empty() {
        layout.note("no empty line behind the last event");
    }
    close(&mut events, &mut fields);
    array(events)
}

/// Lines that end with CR LF, LF or CR.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(['\r', '\n']).unwrap_or(rest.len());
        let (line, behind) = rest.split_at(end);
        rest = behind
            .strip_prefix("\r\n")
            .or(behind.strip_prefix(['\r', '\n']))
            .unwrap_or(behind);
        Some(line)
    })
}

fn close(events: &mut Vec<Json>, fields: &mut Vec<(&str, String)>) {
    // What the type of an event is without a name of its own.
    fields.retain(|(name, value)| !(*name == "event" && matches!(value.as_str(), "" | "message")));
    if !fields.is_empty() {
        let entry = |(name, value): (&str, String)| (name.into(), string(&value));
        events.push(object(fields.drain(..).map(entry).collect()));
    }
}
