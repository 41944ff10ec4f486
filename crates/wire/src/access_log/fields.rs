//! The fields of a line of text: words, and texts in quotes.

use super::quoted;
use std::borrow::Cow;

/// A field of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field<'l> {
    /// What it says, without its quotes.
    pub(super) text: Cow<'l, str>,
    /// It was in quotes.
    pub(super) quoted: bool,
}

impl Field<'_> {
    /// What is behind its name, if it has one (`rt=0.012`).
    pub(super) fn value(&self) -> &str {
        self.text.rsplit('=').next().unwrap_or_default()
    }
}

/// The fields of a text. A quote that does not end is a word.
pub(super) fn fields(text: &str) -> Vec<Field<'_>> {
    let mut fields = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let in_quotes = rest.strip_prefix('"').and_then(quoted);
        let (field, behind) = match in_quotes {
            Some((text, behind)) => (Field { text, quoted: true }, behind),
            None => {
                let (word, behind) = rest.split_at(rest.find([' ', '\t']).unwrap_or(rest.len()));
                let text = Cow::Borrowed(word);
                let quoted = false;
                (Field { text, quoted }, behind)
            }
        };
        fields.push(field);
        rest = behind.trim_start();
    }
    fields
}
