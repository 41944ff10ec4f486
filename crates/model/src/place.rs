//! Where something is in an answer.
//!
//! A [`Place`] is written and read in here alone: documents, evidence and messages hold its text, and everything else
//! asks what it is.

mod path;
#[cfg(test)]
mod tests;

pub use path::{Mark, Step, ValuePath};

use crate::Field;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

const OUTCOME: &str = "outcome";
const STATUS: &str = "code";
const HEADER: &str = "header:";
const COOKIE: &str = "cookie:";
const FILE: &str = "file:";
const CALLS: &str = "calls:";
const OUTSIDE: &str = "outside:";
const LEFT_BEHIND: &str = "left_behind";
/// What separates a part and what is said of it, a cookie and its attribute, and one aspect and a narrower one.
const ASPECT: char = ';';
/// What separates a part and a line or a document of it.
const CONTENT: char = ':';

/// What is said of a part besides its content.
pub mod aspect {
    /// How a text is written: its encoding, what ends its lines.
    pub const LAYOUT: &str = "layout";
    /// What a file is: its type and permissions.
    pub const ENTRY: &str = "entry";
    /// If an output is empty.
    pub const CLASS: &str = "class";
    /// How it is compressed.
    pub const CODING: &str = "coding";
    /// All of these.
    pub const ALL: [&str; 4] = [LAYOUT, ENTRY, CLASS, CODING];
}

/// A place in an answer, or several that noise and clusters count together (`[*]` for every element of an array).
///
/// Every text can be read as a place, and is written again as it was. A text that has none of the other forms is the
/// name of a [`Place::Field`]: what the field of a dialect is called is all that is known of its place. The
/// constructors read what they are given, so that there is one value for each text.
///
/// Places are ordered by their texts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// If there is an answer at all: `outcome`.
    Outcome,
    /// How it ended: `code`.
    Status,
    /// A header: `header:etag`.
    Header(Box<str>),
    /// A cookie, `cookie:sid`, or an attribute of one, `cookie:sid;httponly`. What a token in a cookie says is an
    /// attribute as well: `cookie:sid;jwt.claims.sub`.
    Cookie(Box<str>, Option<Box<str>>),
    /// A part of the answer, or something in one.
    Part(PartName, Within),
    /// What the subject did besides answering.
    Effect(Effect),
    /// A named value that has none of the other forms: the name.
    Field(Box<str>),
}

/// What a part of an answer is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PartName {
    /// The body over HTTP.
    Body,
    /// Standard output of a command.
    Stdout,
    /// Standard error of a command.
    Stderr,
    /// A file that a command wrote, changed or removed: `file:out.json`. The name has neither `:` nor `;`.
    File(Box<str>),
    /// What a service called of an outside service: `calls:prices`. The name has neither `:` nor `;`.
    Calls(Box<str>),
}

/// Where something is in a part.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Within {
    /// The part as a whole: `body`, `stdout`.
    Whole,
    /// What is said of it besides its content, or what a reader of its content calls a place: `body;layout`,
    /// `file:a;entry`, `file:a.mkv;stream 0;frame 17`.
    Aspect(Box<str>),
    /// A line, from 1: `stdout:3`.
    Line(u64),
    /// A value in the document that the part is: `$.items[3].price` in the body, `stdout:$.a` elsewhere.
    Document(ValuePath),
}

/// What a subject did besides answering.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// A command changed a file that is not in its directory: `outside:/var/x`.
    Outside(Box<str>),
    /// Processes of a command still ran after its end: `left_behind`.
    LeftBehind,
}

impl PartName {
    /// Splits a text into the name of a part with which it begins, and the rest, which is empty or begins with
    /// [`ASPECT`] or [`CONTENT`].
    fn split(text: &str) -> Option<(PartName, &str)> {
        let separators = [ASPECT, CONTENT];
        for (prefix, named) in [
            (FILE, PartName::File as fn(Box<str>) -> PartName),
            (CALLS, PartName::Calls),
        ] {
            let Some(rest) = text.strip_prefix(prefix) else {
                continue;
            };
            let end = rest.find(separators).unwrap_or(rest.len());
            let (name, rest) = rest.split_at(end);
            return (!name.is_empty()).then(|| (named(name.into()), rest));
        }
        let names = [PartName::Body, PartName::Stdout, PartName::Stderr];
        names.into_iter().find_map(|name| {
            let rest = text.strip_prefix(name.pieces()[0])?;
            (rest.is_empty() || rest.starts_with(separators)).then_some((name, rest))
        })
    }

    fn pieces(&self) -> [&str; 2] {
        match self {
            PartName::Body => ["body", ""],
            PartName::Stdout => ["stdout", ""],
            PartName::Stderr => ["stderr", ""],
            PartName::File(name) => [FILE, name],
            PartName::Calls(name) => [CALLS, name],
        }
    }
}

impl Field {
    /// The file outside of its directory, by its absolute name, of which this says that the run changed it. That is
    /// seen only where the run was watched, which slows it: never of a run that is timed.
    pub fn watched_file(&self) -> Option<&str> {
        let path = self.name.strip_prefix(OUTSIDE)?;
        path.starts_with('/').then_some(path)
    }
}

impl Within {
    /// Is the other one the same, or in it? Of the body, the document is not in what [`Within::Whole`] names: it has a
    /// root of its own.
    fn contains(&self, other: &Within, part: &PartName) -> bool {
        match (self, other) {
            (Within::Whole, Within::Document(_)) => *part != PartName::Body,
            (Within::Whole, _) => true,
            (Within::Aspect(of), Within::Aspect(narrow)) => is_narrower(of, narrow, ASPECT),
            (Within::Document(of), Within::Document(below)) => of.contains(below),
            (of, other) => of == other,
        }
    }
}

/// Is the second text the first one, or that and something behind the separator?
fn is_narrower(of: &str, narrow: &str, separator: char) -> bool {
    let rest = narrow.strip_prefix(of);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(separator))
}

impl Place {
    /// The body over HTTP as a whole.
    pub const BODY: Place = Place::Part(PartName::Body, Within::Whole);
    /// Standard output of a command as a whole.
    pub const STDOUT: Place = Place::Part(PartName::Stdout, Within::Whole);
    /// Standard error of a command as a whole.
    pub const STDERR: Place = Place::Part(PartName::Stderr, Within::Whole);
    /// That processes of a command still ran after its end.
    pub const LEFT_BEHIND: Place = Place::Effect(Effect::LeftBehind);

    /// The header of this name (lower case).
    pub fn header(name: &str) -> Place {
        Place::Header(name.into())
    }

    /// The cookie of this name.
    pub fn cookie(name: &str) -> Place {
        match name.contains(ASPECT) {
            true => Place::from([COOKIE, name].concat()),
            false => Place::Cookie(name.into(), None),
        }
    }

    /// The file of this name, as a part of the answer of a command.
    pub fn file(name: &str) -> Place {
        Place::from([FILE, name].concat())
    }

    /// That a command changed the file of this name, which is not in its directory.
    pub fn outside(path: &str) -> Place {
        Place::from([OUTSIDE, path].concat())
    }

    /// A value in the document that the body is.
    pub fn in_body(path: ValuePath) -> Place {
        Place::Part(PartName::Body, Within::Document(path))
    }

    /// What is said of this part, or a narrower aspect; of a cookie, its attribute.
    #[must_use]
    pub fn aspect(&self, aspect: &str) -> Place {
        self.within(Within::Aspect(aspect.into()))
    }

    /// A line of this part, from 1.
    #[must_use]
    pub fn line(&self, number: u64) -> Place {
        self.within(Within::Line(number))
    }

    /// A value in the document that this part is.
    #[must_use]
    pub fn document(&self, path: ValuePath) -> Place {
        self.within(Within::Document(path))
    }

    fn within(&self, within: Within) -> Place {
        if let Place::Part(name, Within::Whole) = self {
            return Place::Part(name.clone(), within);
        }
        // What has no parts of its own has a longer text.
        let mut digits = Digits::default();
        let [separator, rest] = within.pieces(&mut digits);
        Place::from(format!("{self}{separator}{rest}"))
    }

    /// The part that it is or is in.
    pub fn part(&self) -> Option<&PartName> {
        match self {
            Place::Part(name, _) => Some(name),
            _ => None,
        }
    }

    /// Where in the document of its part it is.
    pub fn path(&self) -> Option<&ValuePath> {
        match self {
            Place::Part(_, Within::Document(path)) => Some(path),
            _ => None,
        }
    }

    /// The same, to go on from there.
    pub fn path_mut(&mut self) -> Option<&mut ValuePath> {
        match self {
            Place::Part(_, Within::Document(path)) => Some(path),
            _ => None,
        }
    }

    /// Is it the body over HTTP as a whole?
    pub fn is_body(&self) -> bool {
        *self == Place::BODY
    }

    /// The last name that it has, as far as it says what a value is: of a header, a cookie, an attribute or an aspect.
    pub fn name(&self) -> &str {
        match self {
            Place::Header(name) | Place::Cookie(name, None) | Place::Field(name) => name,
            Place::Cookie(_, Some(attribute)) => attribute,
            Place::Part(_, Within::Aspect(aspect)) => aspect,
            Place::Outcome | Place::Status | Place::Part(..) | Place::Effect(_) => "",
        }
    }

    /// Every name on the way to it, as it is and not as it is written.
    pub fn names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let part = match self.part() {
            Some(PartName::File(name) | PartName::Calls(name)) => &**name,
            _ => "",
        };
        let (first, second) = match self {
            Place::Cookie(name, Some(_)) => (&**name, self.name()),
            Place::Effect(Effect::Outside(path)) => (&**path, ""),
            _ => (part, self.name()),
        };
        let steps = self.path().into_iter().flat_map(ValuePath::steps);
        let in_document = steps.filter_map(|step| match step {
            Step::Name(name) => Some(name),
            Step::Index(_) | Step::Any => None,
        });
        let outside = [first, second].into_iter().filter(|name| !name.is_empty());
        outside.map(Cow::Borrowed).chain(in_document)
    }

    /// Is the other place this one, or below it?
    pub fn contains(&self, other: &Place) -> bool {
        match (self, other) {
            (Place::Cookie(of, None), Place::Cookie(name, _)) => of == name,
            (Place::Cookie(of, Some(attribute)), Place::Cookie(name, Some(narrow))) => {
                of == name && is_narrower(attribute, narrow, '.')
            }
            (Place::Part(of, within), Place::Part(part, other)) => {
                of == part && within.contains(other, part)
            }
            (of, other) => of == other,
        }
    }

    /// The value that this is a member or element of; `None` where it is in no document, or is the root of one.
    pub fn parent(&self) -> Option<Place> {
        match self {
            Place::Part(part, Within::Document(path)) => {
                Some(Place::Part(part.clone(), Within::Document(path.parent()?)))
            }
            _ => None,
        }
    }

    /// Are both the same place, or in one object or array? A root is next to its own members.
    pub fn is_next_to(&self, other: &Place) -> bool {
        let parent = |attribute: &str| {
            let parent = attribute.rsplit_once('.');
            parent.map_or(attribute.len(), |(parent, _)| parent.len())
        };
        match (self, other) {
            (Place::Part(a, Within::Document(x)), Place::Part(b, Within::Document(y))) => {
                a == b && x.around() == y.around()
            }
            (Place::Cookie(a, Some(x)), Place::Cookie(b, Some(y))) => {
                a == b && x[..parent(x)] == y[..parent(y)]
            }
            (a, b) => a == b,
        }
    }

    /// Splits the text of a rule into the part in whose document it selects values, and the query (`$...`). It may
    /// hold wildcards and filters, so it is not a place.
    pub fn split_query(text: &str) -> Option<(Place, &str)> {
        if text.starts_with('$') {
            return Some((Place::BODY, text));
        }
        let (part, rest) = PartName::split(text)?;
        let query = rest.strip_prefix(CONTENT)?;
        query
            .starts_with('$')
            .then_some((Place::Part(part, Within::Whole), query))
    }

    /// The texts of which its own consists. Nothing else knows how a place is written.
    fn pieces<'p>(&'p self, digits: &'p mut Digits) -> [&'p str; 4] {
        match self {
            Place::Outcome => [OUTCOME, "", "", ""],
            Place::Status => [STATUS, "", "", ""],
            Place::Header(name) => [HEADER, name, "", ""],
            Place::Cookie(name, None) => [COOKIE, name, "", ""],
            Place::Cookie(name, Some(attribute)) => [COOKIE, name, ";", attribute],
            Place::Part(PartName::Body, Within::Document(path)) => [path.as_str(), "", "", ""],
            Place::Part(name, within) => {
                let ([a, b], [c, d]) = (name.pieces(), within.pieces(digits));
                [a, b, c, d]
            }
            Place::Effect(Effect::Outside(path)) => [OUTSIDE, path, "", ""],
            Place::Effect(Effect::LeftBehind) => [LEFT_BEHIND, "", "", ""],
            Place::Field(name) => [name, "", "", ""],
        }
    }

    fn read(text: &str) -> Place {
        let field = || Place::Field(text.into());
        if let Some((name, rest)) = PartName::split(text) {
            return Within::read(&name, rest)
                .map_or_else(field, |within| Place::Part(name, within));
        }
        if let Some(name) = text.strip_prefix(HEADER) {
            return Place::Header(name.into());
        }
        if let Some(cookie) = text.strip_prefix(COOKIE) {
            return match cookie.split_once(ASPECT) {
                Some((name, attribute)) => Place::Cookie(name.into(), Some(attribute.into())),
                None => Place::Cookie(cookie.into(), None),
            };
        }
        match (text, text.strip_prefix(OUTSIDE)) {
            (OUTCOME, _) => Place::Outcome,
            (STATUS, _) => Place::Status,
            (LEFT_BEHIND, _) => Place::Effect(Effect::LeftBehind),
            (_, Some(path)) if !path.is_empty() => Place::Effect(Effect::Outside(path.into())),
            _ => ValuePath::read(text).map_or_else(field, Place::in_body),
        }
    }
}

impl Within {
    fn pieces<'p>(&'p self, digits: &'p mut Digits) -> [&'p str; 2] {
        match self {
            Within::Whole => ["", ""],
            Within::Aspect(aspect) => [";", aspect],
            Within::Line(number) => [":", digits.of(*number)],
            Within::Document(path) => [":", path.as_str()],
        }
    }

    /// What is behind the name of a part; `None` if it is none of all this, or not written as it would be.
    fn read(part: &PartName, rest: &str) -> Option<Within> {
        if rest.is_empty() {
            return Some(Within::Whole);
        }
        if let Some(aspect) = rest.strip_prefix(ASPECT) {
            return Some(Within::Aspect(aspect.into()));
        }
        let content = rest.strip_prefix(CONTENT)?;
        match ValuePath::read(content) {
            Some(_) if *part == PartName::Body => None,
            Some(path) => Some(Within::Document(path)),
            None => {
                let number: u64 = content.parse().ok()?;
                (Digits::default().of(number) == content).then_some(Within::Line(number))
            }
        }
    }
}

/// The digits of a number.
#[derive(Default)]
struct Digits([u8; 20]);

impl Digits {
    fn of(&mut self, mut number: u64) -> &str {
        let mut at = self.0.len();
        loop {
            at -= 1;
            self.0[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        std::str::from_utf8(&self.0[at..]).unwrap_or_default()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = Digits::default();
        self.pieces(&mut digits)
            .into_iter()
            .try_for_each(|piece| f.write_str(piece))
    }
}

impl FromStr for Place {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Place::read(text))
    }
}

impl From<&str> for Place {
    fn from(text: &str) -> Self {
        Place::read(text)
    }
}

impl From<String> for Place {
    fn from(text: String) -> Self {
        Place::read(&text)
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Place::Part(a, Within::Document(x)), Place::Part(b, Within::Document(y)))
                if a == b =>
            {
                x.cmp(y)
            }
            _ => {
                let (mut a, mut b) = (Digits::default(), Digits::default());
                let (a, b) = (self.pieces(&mut a), other.pieces(&mut b));
                let (a, b) = (a.iter(), b.iter());
                a.flat_map(|piece| piece.bytes())
                    .cmp(b.flat_map(|piece| piece.bytes()))
            }
        }
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Place::from)
    }
}

impl JsonSchema for Place {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}
