//! Places in a document, written as RFC 9535 normalized paths in shorthand notation.

use crate::hash::Hash;
use crate::http::BODY;
use crate::relation::is_made_up;
use std::borrow::Cow;
use std::fmt::Write;
use understudy_model::Position;

/// One step down into a pair of documents.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
    /// To the value of this name.
    Name(&'a str),
    /// To the value of a name that is made up ([`is_made_up`]), each side's own.
    Key {
        baseline: Option<&'a str>,
        contender: Option<&'a str>,
    },
    /// To an element, which may be elsewhere in the contender or absent on one side.
    Index {
        /// Index in the baseline's array.
        baseline: Option<usize>,
        /// Index in the contender's array.
        contender: Option<usize>,
        /// How many elements both arrays have, where the element's position may say what it is; else 0.
        of: usize,
    },
}

/// The longest array whose elements are distinguished by their position.
const SHORT: usize = 16;
/// The most positions that nested arrays may have together.
const POSITIONS: usize = 64;

/// The `of` of a step into two arrays.
pub(crate) fn of(baseline: usize, contender: usize) -> usize {
    match baseline == contender && (2..=SHORT).contains(&baseline) {
        true => baseline,
        false => 0,
    }
}

/// The position to which these steps lead, in arrays that are short; `None` where there are none.
pub(crate) fn position(steps: &[Step<'_>]) -> Option<Position> {
    let (mut lengths, mut index, mut of) = (Hash::new(b'q'), 0, 1);
    for step in steps {
        if let Step::Index {
            baseline: Some(a),
            contender: Some(b),
            of: length,
        } = *step
        {
            lengths = lengths.bytes(&(length as u64).to_le_bytes());
            if length > 0 && a == b && of * length <= POSITIONS {
                (index, of) = (index * length + a, of * length);
            }
        }
    }
    (of > 1).then_some(Position {
        lengths: lengths.finish_64() as u32,
        of: of as u32,
        index: index as u32,
    })
}

/// A place in a part of an answer: `body`, `body;layout` and `body:3` (a line) are what they are in the body over HTTP; in
/// a part of another name they are `stdout`, `stdout;layout` and `stdout:3`.
pub(crate) fn in_part<'p>(part: &str, place: &'p str) -> Cow<'p, str> {
    match place.strip_prefix(BODY) {
        Some(within) if part != BODY => Cow::Owned(format!("{part}{within}")),
        _ => Cow::Borrowed(place),
    }
}

/// The root of the document that a part is: `$` in the body over HTTP, `stdout:$` elsewhere.
pub(crate) fn root(part: &str) -> Cow<'static, str> {
    match part {
        BODY => Cow::Borrowed("$"),
        part => Cow::Owned(format!("{part}:$")),
    }
}

/// Whose indices a path shows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Indices {
    /// The baseline's, or the contender's where the baseline has none.
    Baseline,
    /// The contender's, or the baseline's where the contender has none.
    Contender,
    /// `[*]`
    Any,
}

impl<'a> Step<'a> {
    /// To the value of this name on both sides.
    pub(crate) fn to(name: &'a str) -> Step<'a> {
        let (baseline, contender) = (Some(name), Some(name));
        match is_made_up(name) {
            true => Step::Key {
                baseline,
                contender,
            },
            false => Step::Name(name),
        }
    }

    /// Has the side an element here? (Of a name's value only the last step of a path can be absent,
    /// and what is not there nothing selects.)
    pub(crate) fn exists(self, side: Indices) -> bool {
        let (of_baseline, of_contender) = match self {
            Step::Name(_) => (true, true),
            Step::Key {
                baseline,
                contender,
            } => (baseline.is_some(), contender.is_some()),
            Step::Index {
                baseline,
                contender,
                ..
            } => (baseline.is_some(), contender.is_some()),
        };
        match side {
            Indices::Baseline => of_baseline,
            Indices::Contender => of_contender,
            Indices::Any => true,
        }
    }

    /// The name that a path shows; `None` for elements of arrays, and for names that are made up in a pattern.
    pub(crate) fn name(self, indices: Indices) -> Option<&'a str> {
        match (self, indices) {
            (Step::Name(name), _) => Some(name),
            (
                Step::Key {
                    baseline,
                    contender,
                },
                Indices::Baseline,
            ) => baseline.or(contender),
            (
                Step::Key {
                    baseline,
                    contender,
                },
                Indices::Contender,
            ) => contender.or(baseline),
            (Step::Key { .. }, Indices::Any) | (Step::Index { .. }, _) => None,
        }
    }

    /// Writes the step at the end of a path.
    pub(crate) fn write(self, out: &mut String, indices: Indices) {
        if let Some(name) = self.name(indices) {
            return write_name(out, name);
        }
        let (baseline, contender) = match self {
            Step::Index {
                baseline,
                contender,
                ..
            } => (baseline, contender),
            Step::Name(_) | Step::Key { .. } => (None, None),
        };
        let index = match indices {
            Indices::Baseline => baseline.or(contender),
            Indices::Contender => contender.or(baseline),
            Indices::Any => None,
        };
        match index {
            Some(index) => write_index(out, index),
            None => out.push_str("[*]"),
        }
    }
}

/// The last name on the way that is not made up; empty without one.
pub(crate) fn last_name<'a>(steps: &[Step<'a>]) -> &'a str {
    let names = steps.iter().rev().map(|step| step.name(Indices::Any));
    names.flatten().next().unwrap_or_default()
}

/// Is the second place the first one, or below it?
pub fn is_below(path: &str, place: &str) -> bool {
    place
        .strip_prefix(path)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', ';', ':']))
}

/// The place of a value in a document that a cookie holds, written as an attribute of the cookie: only what the name
/// of one may consist of, in lower case.
pub(crate) fn as_attribute(cookie: &str, steps: &[Step<'_>]) -> String {
    let mut out = format!("{cookie};");
    for (at, step) in steps.iter().enumerate() {
        let name = step.name(Indices::Any).unwrap_or("*");
        let name = if at == 0 {
            name.trim_start_matches('#')
        } else {
            name
        };
        let kept = |c: char| {
            if c.is_ascii_alphanumeric() || "-*_".contains(c) {
                c
            } else {
                '_'
            }
        };
        out.push_str(if at == 0 { "" } else { "." });
        out.extend(name.chars().map(kept).map(|c| c.to_ascii_lowercase()));
    }
    out
}

/// Writes `[3]`.
pub(crate) fn write_index(out: &mut String, index: usize) {
    // Writing to a string cannot fail.
    let _ = write!(out, "[{index}]");
}

/// Writes `.name` where the shorthand is allowed, else `['odd name']` with the escapes of RFC 9535,
/// section 2.7.
pub(crate) fn write_name(out: &mut String, name: &str) {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_' || c >= '\u{80}';
    if name.starts_with(first) && name.chars().all(|c| first(c) || c.is_ascii_digit()) {
        out.push('.');
        out.push_str(name);
        return;
    }
    out.push_str("['");
    for c in name.chars() {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push_str("']");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_where_they_may_be_and_escaped_where_they_must() {
        let mut out = String::from("$");
        for name in ["a_1", "größe", "odd key", "1a", "", "it's", "a\\b\n\u{1}"] {
            Step::Name(name).write(&mut out, Indices::Baseline);
        }
        assert_eq!(
            out,
            r"$.a_1.größe['odd key']['1a']['']['it\'s']['a\\b\n\u0001']"
        );
    }

    #[test]
    fn indices_are_the_baselines_the_contenders_or_none() {
        let step = Step::Index {
            baseline: Some(1),
            contender: Some(2),
            of: 0,
        };
        let extra = Step::Index {
            baseline: None,
            contender: Some(7),
            of: 0,
        };
        let text = |step: Step<'_>, indices| {
            let mut out = String::new();
            step.write(&mut out, indices);
            out
        };
        assert_eq!(text(step, Indices::Baseline), "[1]");
        assert_eq!(text(step, Indices::Contender), "[2]");
        assert_eq!(text(step, Indices::Any), "[*]");
        assert_eq!(text(extra, Indices::Baseline), "[7]");
    }
}
