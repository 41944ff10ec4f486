//! What answers of a kind of subject mean.
//!
//! All that the comparison has to know of a kind is in its [`Dialect`]: no branch on a kind is outside of one.

use crate::faults::Fault;
use std::borrow::Cow;
use understudy_model::{Answer, Class, DifferenceKind, Field, Part, Place};

/// What the codes, fields and parts of answers mean, and what can be wrong with them.
pub trait Dialect: Sync {
    /// A code in words: `503`, `exit code 2`.
    fn status(&self, code: i32) -> String;

    /// What a code says of the case.
    fn class(&self, code: i32) -> Class;

    /// What a subject did that has an answer: `answered`.
    fn answered(&self) -> &'static str;

    /// Every difference between the fields of two answers.
    fn fields(&self, baseline: &Answer, contender: &Answer) -> Vec<FieldDifference>;

    /// How the bytes of a part are read.
    fn reading<'a>(&self, part: &'a Part, answer: &'a Answer) -> Reading<'a>;

    /// Why a part was not compared of which only the beginning is known.
    fn cut_off(&self, part: &Part) -> String;

    /// What the self-test puts into answers.
    fn faults(&self) -> &'static [Fault];

    /// The answer with this fault in it, at a place that `draw` decides. `None` if it offers no place for it.
    fn plant(&self, answer: &Answer, fault: Fault, draw: u64) -> Option<Answer>;
}

/// How the bytes of a part are read.
#[derive(Clone, Debug)]
pub enum Reading<'a> {
    /// By the media type and content codings in these fields; without a type, as what it looks like.
    Media(Cow<'a, [Field]>),
    /// As a document of the media type in these fields. Two that both are not such a document are compared by byte.
    Document(Cow<'a, [Field]>),
    /// No byte may differ. What is text is shown by line.
    Exact,
    /// As text in whatever encoding; the encoding and its mark are the layout.
    Text,
    /// As lines: CR LF ends one as LF does.
    Lines,
    /// By a [`Contents`] alone; without one, only what is equal to the byte is the same.
    Foreign,
}

/// A difference between the fields of two answers. A side without a value is absent there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDifference {
    /// Where it is.
    pub place: Place,
    /// In which way.
    pub kind: DifferenceKind,
    /// The baseline's value.
    pub baseline: Option<String>,
    /// The contender's value.
    pub contender: Option<String>,
    /// A value is a word of a fixed meaning: one that noise shows excuses no other.
    pub is_word: bool,
}

/// Compares what this crate has no reader for: data sets, sound and pictures.
pub trait Contents: Sync {
    /// Compares two parts of one name that are not equal to the byte.
    fn compare(&self, baseline: &Part, contender: &Part) -> Content;
}

/// A difference within a part, as a [`Contents`] sees it. A side without a value is absent there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartDifference {
    /// The aspect of the part that it is, such as `stream 0;frame 17`; empty for the part as a whole.
    pub aspect: String,
    /// The same for all that noise and clusters count together: `stream 0;frame`.
    pub pattern: String,
    /// In which way.
    pub kind: DifferenceKind,
    /// What the baseline has.
    pub baseline: Option<String>,
    /// What the contender has.
    pub contender: Option<String>,
    /// What sort of thing both have, where noise that shows one may excuse another. Without, each value is a word of a
    /// fixed meaning.
    pub character: Option<&'static str>,
    /// Bytes of the baseline that are not compared if this is excused.
    pub bytes: u64,
}

impl PartDifference {
    /// That two parts say something else as a whole.
    pub fn of_all(baseline: String, contender: String, bytes: u64) -> Self {
        PartDifference {
            aspect: String::new(),
            pattern: String::new(),
            kind: DifferenceKind::Value,
            baseline: Some(baseline),
            contender: Some(contender),
            character: None,
            bytes,
        }
    }
}

/// What a [`Contents`] says of two parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// They say the same.
    Same,
    /// They differ, here and in this way.
    Different(Vec<PartDifference>),
    /// They were not compared, for this reason: the pair is lost.
    NotCompared(String),
}
