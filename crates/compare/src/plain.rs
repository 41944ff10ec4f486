//! What answers of programs mean that speak no protocol: an exit code or a signal, named texts, files.
//!
//! The kind of subject decides for each part how it is compared, and says so in its media type:
//!
//! | media type | compared as |
//! |---|---|
//! | [`BYTES`], and every other one | bytes |
//! | [`TEXT`] | text |
//! | [`LINES`], [`SORTED`] | lines; the subject has sorted the second |
//! | [`JSON`], [`JSON_LINES`], [`CSV`] | documents |
//! | [`COMPRESSED`], [`DATASET`], [`MEDIA`], with parameters | by a [`Contents`](crate::Contents) alone |

use crate::authority::replaced;
use crate::dialect::{Dialect, FieldDifference, Reading};
use crate::faults::{self, Fault};
use crate::fields::{self, lists_differ};
use std::borrow::Cow;
use std::collections::BTreeSet;
use understudy_model::{Answer, Class, Field, Part, Place};

/// Bytes that have to be equal.
pub const BYTES: &str = "application/octet-stream";
/// Text.
pub const TEXT: &str = "text/plain";
/// Lines, whatever ends them.
pub const LINES: &str = "text/plain; line-ends=any";
/// Lines whose order means nothing.
pub const SORTED: &str = "text/plain; line-ends=any; order=any";
/// A JSON document.
pub const JSON: &str = "application/json";
/// A JSON document a line.
pub const JSON_LINES: &str = "application/x-ndjson";
/// A table.
pub const CSV: &str = "text/csv";
/// What is compressed and could not be decompressed.
pub const COMPRESSED: &str = "application/x-compressed";
/// A data set.
pub const DATASET: &str = "application/x-dataset";
/// Sound, pictures, video.
pub const MEDIA: &str = "application/x-media";

/// What replaces the directory of a run, the same for all sides.
const DIRECTORY: &[u8] = b"/own-directory";

/// The dialect of programs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

/// What an exit code, or the negative number of a signal, says: a program that refuses its input is one that does its
/// work.
pub fn class(code: i32) -> Class {
    match code {
        0 => Class::Ok,
        1.. => Class::Refused,
        _ => Class::Failed,
    }
}

/// The media type without its parameters.
fn kind_of(media: &str) -> &str {
    media.split(';').next().unwrap_or_default().trim_end()
}

/// Puts one placeholder in place of the directories that a run may call its own, in fields and in parts that this crate
/// reads: each side has another one.
pub fn hide_directory(answer: &mut Answer, directories: &[String]) {
    let named = directories.iter().filter(|path| path.len() > 1);
    let forms: Vec<Vec<u8>> = named
        .flat_map(|path| [path.clone(), path.replace('/', r"\/")])
        .map(String::into_bytes)
        .collect();
    // Not that of which only the beginning has this name.
    let is_whole = |bytes: &[u8], _: usize, end: usize| {
        let next = bytes.get(end);
        next.is_none_or(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'_' | b'-'))
    };
    let hidden = |bytes: &[u8]| replaced(bytes, &forms, DIRECTORY, is_whole);
    for field in &mut answer.fields {
        if let Some(hidden) = hidden(&field.value) {
            field.value = hidden;
        }
    }
    let is_foreign = |part: &Part| matches!(kind_of(&part.media), COMPRESSED | DATASET | MEDIA);
    for part in answer.parts.iter_mut().filter(|part| !is_foreign(part)) {
        if let Some(hidden) = hidden(&part.bytes) {
            part.bytes = hidden;
            part.digest = String::new();
        }
    }
}

impl Dialect for Plain {
    fn status(&self, code: i32) -> String {
        match code {
            0.. => format!("exit code {code}"),
            signal => format!("signal {}", signal.unsigned_abs()),
        }
    }

    fn class(&self, code: i32) -> Class {
        class(code)
    }

    fn answered(&self) -> &'static str {
        "ended"
    }

    /// Names and values are compared as they are; the name of a field is its place.
    fn fields(&self, baseline: &Answer, contender: &Answer) -> Vec<FieldDifference> {
        let all = baseline.fields.iter().chain(&contender.fields);
        let names: BTreeSet<&str> = all.map(|field| field.name.as_str()).collect();
        let differing = names.into_iter().filter_map(|name| {
            let values = |answer: &Answer| -> Vec<Vec<u8>> {
                answer.field(name).map(<[u8]>::to_vec).collect()
            };
            let (a, b) = (values(baseline), values(contender));
            let shown = |values: &[Vec<u8>]| {
                let all: Vec<String> = values.iter().map(|value| fields::text(value)).collect();
                (!all.is_empty()).then(|| all.join(", "))
            };
            let (shown_a, shown_b) = (shown(&a), shown(&b));
            Some(FieldDifference {
                kind: lists_differ(a, b)?,
                place: Place::from(name),
                baseline: shown_a,
                contender: shown_b,
                is_word: true,
            })
        });
        differing.collect()
    }

    fn reading<'a>(&self, part: &'a Part, _answer: &'a Answer) -> Reading<'a> {
        match part.media.as_str() {
            TEXT => Reading::Text,
            LINES | SORTED => Reading::Lines,
            JSON | JSON_LINES | CSV => Reading::Document(Cow::Owned(vec![Field {
                name: "content-type".to_owned(),
                value: part.media.as_bytes().to_vec(),
            }])),
            media => match kind_of(media) {
                COMPRESSED | DATASET | MEDIA => Reading::Foreign,
                _ => Reading::Exact,
            },
        }
    }

    fn cut_off(&self, part: &Part) -> String {
        let name = &part.name;
        match kind_of(&part.media) {
            DATASET => format!("{name} was not compared as a data set"),
            MEDIA => format!("{name} was not compared as media"),
            COMPRESSED => format!("{name} cannot be decompressed"),
            _ => format!("{name} is longer than what is kept"),
        }
    }

    fn faults(&self) -> &'static [Fault] {
        Fault::PLAIN
    }

    fn plant(&self, answer: &Answer, fault: Fault, draw: u64) -> Option<Answer> {
        faults::plain::plant(answer, fault, draw)
    }
}

#[cfg(test)]
mod tests;
