//! `application/x-www-form-urlencoded` (URL Standard, section 5).

use super::{object, string};
use crate::fields;
use crate::json::Json;

/// The fields by name. `None` for what is not a form at all.
pub(super) fn read(text: &str) -> Option<Json> {
    if text.contains(['\n', '<', '{']) {
        return None;
    }
    let entry = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name).into(), string(&decoded(value)))
    };
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    Some(object(pairs.map(entry).collect()))
}

/// The text of a name or a value. Octets that are not UTF-8 stay distinct.
fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    let octets: Vec<u8> = percent_encoding::percent_decode_str(&spaced).collect();
    fields::text(&octets)
}
