//! Faults in what a program leaves behind: its exit code, its outputs, its files.

use super::{Fault, in_document};
use crate::dialect::{Dialect, Reading};
use crate::document::lines_as_text;
use crate::plain::{Plain, SORTED, class};
use understudy_model::place::{PartName, Within, aspect};
use understudy_model::{Answer, Part, Place, Status};

/// The digits of a mode in octal.
const DIGITS: std::ops::RangeInclusive<u8> = b'0'..=b'7';

/// The answer with this fault in it, at a place that `draw` decides; `None` if it has no place for it.
pub(crate) fn plant(answer: &Answer, fault: Fault, draw: u64) -> Option<Answer> {
    let mut wrong = answer.clone();
    match fault {
        Fault::ExitCode => {
            let code = i32::from(answer.status.code == 0);
            let class = class(code);
            wrong.status = Status { code, class };
        }
        Fault::FileMissing => {
            let field = entry(answer, draw, |value| value != b"removed")?;
            let place = Place::from(wrong.fields.remove(field).name);
            let file = place.part()?;
            let is_of_file = |name: &str| Place::from(name).part() == Some(file);
            wrong.fields.retain(|field| !is_of_file(&field.name));
            wrong.parts.retain(|part| !is_of_file(&part.name));
        }
        Fault::ModeChanged => {
            let has_mode = |value: &[u8]| value.last().is_some_and(|b| DIGITS.contains(b));
            let field = entry(answer, draw, has_mode)?;
            // May others execute it?
            *wrong.fields[field].value.last_mut()? ^= 1;
        }
        _ => {
            let (part, bytes) = in_parts(answer, fault, draw)?;
            wrong.parts[part].bytes = bytes;
            wrong.parts[part].digest = String::new();
        }
    }
    Some(wrong)
}

/// The index of one of the fields that say what a file is.
fn entry(answer: &Answer, draw: u64, is_fit: impl Fn(&[u8]) -> bool) -> Option<usize> {
    let fields = answer.fields.iter().enumerate();
    let fit = fields
        .filter(|(_, field)| is_entry(&field.name) && is_fit(&field.value))
        .map(|(index, _)| index);
    one_of(fit.collect(), draw)
}

/// Does the name of a field say that it is what a file is?
fn is_entry(name: &str) -> bool {
    let place = Place::from(name);
    matches!(place, Place::Part(PartName::File(_), Within::Aspect(of)) if *of == *aspect::ENTRY)
}

/// The fault in one of the parts that have a place for it: the part's index and its bytes.
fn in_parts(answer: &Answer, fault: Fault, draw: u64) -> Option<(usize, Vec<u8>)> {
    // Another place in each: parts are few.
    let parts = answer.parts.iter().enumerate();
    let wrong = parts.filter_map(|(index, part)| {
        let bytes = in_part(part, answer, fault, draw)?;
        // Lines that end otherwise are the same ones.
        let is_same = match Plain.reading(part, answer) {
            Reading::Lines => lines_as_text(&bytes) == lines_as_text(&part.bytes),
            _ => bytes == part.bytes,
        };
        (!is_same).then_some((index, bytes))
    });
    one_of(wrong.collect(), draw)
}

fn in_part(part: &Part, answer: &Answer, fault: Fault, draw: u64) -> Option<Vec<u8>> {
    let mut bytes = part.bytes.clone();
    // Its reader decides what an output without content is: none can be read as a data set.
    if matches!(Plain.reading(part, answer), Reading::Foreign) {
        return None;
    }
    if fault == Fault::OutputEmpty {
        return (!bytes.is_empty()).then(Vec::new);
    }
    match Plain.reading(part, answer) {
        Reading::Document(fields) => return in_document(&fields, &bytes, fault, draw),
        Reading::Exact | Reading::Text | Reading::Lines => {}
        Reading::Media(_) | Reading::Foreign => return None,
    }
    match fault {
        Fault::ByteChanged => {
            let at = draw.checked_rem(bytes.len() as u64)?;
            bytes[usize::try_from(at).ok()?] ^= 1;
        }
        Fault::NewlineMissing => {
            bytes.pop().filter(|last| *last == b'\n')?;
        }
        Fault::LineMissing => {
            let mut lines: Vec<&[u8]> = part.bytes.split_inclusive(|b| *b == b'\n').collect();
            let at = one_of((0..lines.len()).collect(), draw)?;
            lines.remove(at);
            bytes = lines.concat();
        }
        Fault::LinesSwapped if part.media != SORTED => {
            let mut lines: Vec<&[u8]> = part.bytes.split_inclusive(|b| *b == b'\n').collect();
            let differ = |at: &usize| lines[*at] != lines[at + 1];
            let places = (0..lines.len().saturating_sub(1)).filter(differ).collect();
            let at = one_of(places, draw)?;
            lines.swap(at, at + 1);
            bytes = lines.concat();
        }
        _ => return None,
    }
    Some(bytes)
}

fn one_of<T>(mut all: Vec<T>, draw: u64) -> Option<T> {
    let at = draw.checked_rem(all.len() as u64)?;
    Some(all.swap_remove(usize::try_from(at).ok()?))
}
