//! `application/x-www-form-urlencoded` (URL Standard, section 5).

use super::{object, string};
use crate::json::Json;
use std::borrow::Cow;

/// The fields by name. `None` for what is not a form at all.
pub(super) fn read(text: &str) -> Option<Json> {
    if text.contains(['\n', '<', '{']) {
        return None;
    }
    let entry = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name).into(), string(&decoded(value)))
    };
    let pairs = text.trim().split('&').filter(|pair| !pair.is_empty());
    Some(object(pairs.map(entry).collect()))
}

fn decoded(text: &str) -> Cow<'_, str> {
    let spaced = text.replace('+', " ");
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(&spaced).collect();
    Cow::Owned(String::from_utf8(bytes).unwrap_or(spaced))
}
