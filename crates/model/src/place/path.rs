//! The way to a value in a document.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// The root of every document.
const ROOT: &str = "$";
const ANY: &str = "[*]";

/// The way to a value in a document, written as a normalized path of RFC 9535 in shorthand notation: `$.items[3].price`.
/// `[*]` stands for every element of an array, or every member whose name is made up.
///
/// One way has one text, so ways are compared, ordered and hashed by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValuePath(String);

/// One step of a [`ValuePath`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<'p> {
    /// To the member of this name.
    Name(Cow<'p, str>),
    /// To an element.
    Index(usize),
    /// To every one.
    Any,
}

/// Where a [`ValuePath`] ended before steps were added to it.
#[derive(Clone, Copy, Debug)]
pub struct Mark(usize);

impl ValuePath {
    /// The document as a whole.
    pub fn root() -> ValuePath {
        ValuePath(ROOT.to_owned())
    }

    /// Is it the document as a whole?
    pub fn is_root(&self) -> bool {
        self.0 == ROOT
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Adds the step to a member: `.name` where the shorthand is allowed, else `['odd name']` with the escapes of RFC
    /// 9535, section 2.7.
    pub fn push_name(&mut self, name: &str) {
        let out = &mut self.0;
        if is_short(name) {
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
                    // Writing to a string cannot fail.
                    let _ = write!(out, "\\u{:04x}", u32::from(c));
                }
                c => out.push(c),
            }
        }
        out.push_str("']");
    }

    /// Adds the step to an element.
    pub fn push_index(&mut self, index: usize) {
        let _ = write!(self.0, "[{index}]");
    }

    /// Adds the step to every element.
    pub fn push_any(&mut self) {
        self.0.push_str(ANY);
    }

    pub(super) fn push(&mut self, step: &Step<'_>) {
        match step {
            Step::Name(name) => self.push_name(name),
            Step::Index(index) => self.push_index(*index),
            Step::Any => self.push_any(),
        }
    }

    /// Where it ends now.
    pub fn mark(&self) -> Mark {
        Mark(self.0.len())
    }

    /// Takes back the steps that were added since.
    pub fn back_to(&mut self, mark: Mark) {
        self.0.truncate(mark.0);
    }

    /// The steps from the root on.
    pub fn steps(&self) -> Steps<'_> {
        Steps {
            rest: self.0.get(ROOT.len()..).unwrap_or_default(),
        }
    }

    /// Does it lead to more than one value, whatever the document?
    pub fn has_any(&self) -> bool {
        self.steps().any(|step| step == Step::Any)
    }

    /// Is the other way this one, or does it lead further?
    pub fn contains(&self, other: &ValuePath) -> bool {
        // Both are in one form, so a step ends where the other one's does.
        let rest = other.0.strip_prefix(&self.0);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }

    /// The way without its last step; `None` of the root.
    pub fn parent(&self) -> Option<ValuePath> {
        (!self.is_root()).then(|| ValuePath(self.around().to_owned()))
    }

    /// The text without the last step; of the root, the root.
    pub(super) fn around(&self) -> &str {
        let mut steps = self.steps();
        let mut end = self.0.len();
        while !steps.rest.is_empty() {
            end = self.0.len() - steps.rest.len();
            if steps.next().is_none() {
                break;
            }
        }
        self.0.get(..end).unwrap_or_default()
    }

    /// Reads a way that is written in the one form that it has.
    pub(super) fn read(text: &str) -> Option<ValuePath> {
        let mut steps = Steps {
            rest: text.strip_prefix(ROOT)?,
        };
        let mut path = ValuePath::root();
        while !steps.rest.is_empty() {
            path.push(&steps.next()?);
        }
        (path.0 == text).then_some(path)
    }
}

impl fmt::Display for ValuePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// May the name be written without quotes?
fn is_short(name: &str) -> bool {
    name.starts_with(begins_short) && name.chars().all(continues_short)
}

fn begins_short(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || c >= '\u{80}'
}

fn continues_short(c: char) -> bool {
    begins_short(c) || c.is_ascii_digit()
}

/// The steps of a [`ValuePath`]. It ends before what cannot be read.
#[derive(Clone, Debug)]
pub struct Steps<'p> {
    rest: &'p str,
}

impl<'p> Iterator for Steps<'p> {
    type Item = Step<'p>;

    fn next(&mut self) -> Option<Step<'p>> {
        let (step, rest) = if let Some(rest) = self.rest.strip_prefix(ANY) {
            (Step::Any, rest)
        } else if let Some(rest) = self.rest.strip_prefix("['") {
            let (name, rest) = quoted(rest)?;
            (Step::Name(name), rest)
        } else if let Some(rest) = self.rest.strip_prefix('[') {
            let (index, rest) = rest.split_once(']')?;
            (Step::Index(index.parse().ok()?), rest)
        } else {
            let name = self.rest.strip_prefix('.')?;
            let end = name.find(|c| !continues_short(c)).unwrap_or(name.len());
            let (name, rest) = name.split_at(end);
            (Step::Name(Cow::Borrowed(name)), rest)
        };
        self.rest = rest;
        Some(step)
    }
}

/// The name before `']`, and what is behind that.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut name = String::new();
    let mut chars = text.char_indices();
    let mut is_escaped = false;
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => {
                let rest = text.get(at + 1..)?.strip_prefix(']')?;
                let name = match is_escaped {
                    true => Cow::Owned(name),
                    false => Cow::Borrowed(&text[..at]),
                };
                return Some((name, rest));
            }
            '\\' => {
                is_escaped = true;
                name.push(match chars.next()?.1 {
                    'b' => '\u{8}',
                    't' => '\t',
                    'n' => '\n',
                    'f' => '\u{c}',
                    'r' => '\r',
                    'u' => {
                        let mut code = 0;
                        for _ in 0..4 {
                            code = code * 16 + chars.next()?.1.to_digit(16)?;
                        }
                        char::from_u32(code)?
                    }
                    c @ ('\'' | '\\') => c,
                    _ => return None,
                });
            }
            c => name.push(c),
        }
    }
    None
}
