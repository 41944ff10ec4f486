//! Conditions of rules: a difference is accepted only where both values are as the rule says.

use crate::dataset::{Cell, Tolerance};
use crate::json::{Value, number};
use crate::relation::{self, Plain};
use crate::tree::Seen;
use fluent_uri::Uri;
use regex::Regex;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use understudy_model::{DifferenceKind as Kind, Span};
use unicode_normalization::UnicodeNormalization;

/// What two values have to be for a rule to accept that they differ. All that is stated has to hold; a value that is not
/// known in full (a digest, a description) fulfils none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Two numbers are at most so far apart, `0.01`, `1%` (of the larger one) or `4ulp` (doubles between them), or two
    /// moments, `2s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<String>,
    /// Both match this regular expression as a whole (syntax of the `regex` crate).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
    /// Both are there and not null, whatever they are.
    #[serde(default, skip_serializing_if = "is_not")]
    pub present: bool,
    /// Both are among these; numbers by their value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<String>,
    /// Both are the same text once they are written like this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub normalise: Vec<Normal>,
    /// Of the array at the place, the order means nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unordered: Option<Unordered>,
}

/// What is taken out of a text before it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normal {
    /// Upper and lower case are the same.
    Case,
    /// White space at both ends is nothing, and between words one space.
    Whitespace,
    /// Letters and accents are composed (NFC: Unicode Standard Annex 15).
    Unicode,
    /// `1.50` is `1.5`, and `1.0` is `1`.
    TrailingZero,
    /// A URI as RFC 3986, section 6.2.2 writes it: case of scheme and host, percent-encoding, dot segments.
    Url,
}

impl Normal {
    /// Every one, in the order in which they are applied.
    pub const ALL: [Normal; 5] = [
        Normal::Unicode,
        Normal::Case,
        Normal::Whitespace,
        Normal::TrailingZero,
        Normal::Url,
    ];

    /// The name used in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Normal::Case => "case",
            Normal::Whitespace => "whitespace",
            Normal::Unicode => "unicode",
            Normal::TrailingZero => "trailing_zero",
            Normal::Url => "url",
        }
    }

    fn apply<'t>(self, text: Cow<'t, str>) -> Cow<'t, str> {
        match self {
            Normal::Unicode => text.nfc().collect::<String>().into(),
            Normal::Case => text.to_lowercase().into(),
            Normal::Whitespace => text.split_whitespace().collect::<Vec<_>>().join(" ").into(),
            Normal::TrailingZero => match without_trailing_zeros(&text) {
                Some(short) => short.to_owned().into(),
                None => text,
            },
            Normal::Url => {
                let uri = Uri::parse(text.as_ref()).ok();
                match uri.map(|uri| uri.normalize().into_string()) {
                    Some(normal) => normal.into(),
                    None => text,
                }
            }
        }
    }
}

/// By what the elements of an array answer to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unordered {
    /// By what they have in common.
    Likeness,
    /// By the member of this name that each has.
    Key(String),
}

fn is_not(flag: &bool) -> bool {
    !flag
}

/// A value at a place, as far as conditions go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At<'v> {
    Number(&'v str),
    Text(&'v str),
    Bool(bool),
    /// Something else that is not null.
    Other,
}

/// What both subjects have at a place; `None` where one has nothing or null, or it is not known.
pub(crate) type Values<'v> = Option<(At<'v>, At<'v>)>;

impl<'v> At<'v> {
    /// What two texts are.
    pub(crate) fn texts(a: &'v str, b: &'v str) -> Values<'v> {
        Some((At::Text(a), At::Text(b)))
    }

    /// What two documents have.
    pub(crate) fn seen(a: Seen<'v>, b: Seen<'v>) -> Values<'v> {
        At::of(a).zip(At::of(b))
    }

    fn of(seen: Seen<'v>) -> Option<At<'v>> {
        match seen {
            Seen::Absent | Seen::Times(_) => None,
            Seen::Name(name) => Some(At::Text(name)),
            Seen::Value(json) => match json.value() {
                Value::Null => None,
                Value::Bool(value) => Some(At::Bool(*value)),
                Value::Number(text) => Some(At::Number(text)),
                Value::String(text) => Some(At::Text(text)),
                Value::Array(_) | Value::Object(_) | Value::Bytes(_) => Some(At::Other),
            },
        }
    }

    /// As a number or a text.
    fn plain(self) -> Option<Plain<'v>> {
        match self {
            At::Number(text) => Some(Plain::Number(text)),
            At::Text(text) => Some(Plain::Text(text)),
            At::Bool(_) | At::Other => None,
        }
    }

    fn text(self) -> Option<&'v str> {
        match self {
            At::Number(text) | At::Text(text) => Some(text),
            At::Bool(true) => Some("true"),
            At::Bool(false) => Some("false"),
            At::Other => None,
        }
    }

    fn is_one_of(self, words: &[String]) -> bool {
        words.iter().any(|word| match self {
            At::Number(text) => number::same_value(text, word),
            _ => self.text() == Some(word.as_str()),
        })
    }
}

impl<'v> From<Plain<'v>> for At<'v> {
    fn from(plain: Plain<'v>) -> Self {
        match plain {
            Plain::Number(text) => At::Number(text),
            Plain::Text(text) => At::Text(text),
        }
    }
}

/// A condition that is known to be right.
#[derive(Clone, Debug, Default)]
pub(crate) struct Compiled {
    bound: Option<Bound>,
    matches: Option<Regex>,
    present: bool,
    one_of: Vec<String>,
    normalise: Vec<Normal>,
    pub(crate) unordered: Option<Unordered>,
}

/// How far apart two values may be.
#[derive(Clone, Debug)]
enum Bound {
    /// In the unit of the numbers, or as a share.
    Number(Tolerance),
    /// So many doubles.
    Ulps(u64),
    /// Two moments.
    Time(Span),
}

/// Times are known to this, seconds: an instant of this century as a double.
const SECONDS_KNOWN: f64 = 1e-6;

impl Condition {
    /// Does it state nothing?
    pub fn is_empty(&self) -> bool {
        *self == Condition::default()
    }

    /// Checks it. What is wrong comes with its key.
    pub(crate) fn compile(&self) -> Result<Compiled, (&'static str, String)> {
        let has_others = Condition {
            unordered: None,
            ..self.clone()
        } != Condition::default();
        if self.unordered.is_some() && has_others {
            let why = "unordered goes alone: it is about an array, and not about a value";
            return Err(("unordered", why.to_owned()));
        }
        let bound = self.tolerance.as_deref().map(Bound::parse).transpose();
        let bound = bound.map_err(|why| ("tolerance", why))?;
        let matches = self.matches.as_deref().map(whole).transpose();
        let matches = matches.map_err(|why| ("matches", why))?;
        Ok(Compiled {
            bound,
            matches,
            present: self.present,
            one_of: self.one_of.clone(),
            normalise: Normal::ALL
                .into_iter()
                .filter(|normal| self.normalise.contains(normal))
                .collect(),
            unordered: self.unordered.clone(),
        })
    }
}

/// An expression that a text has to match from its first to its last character.
fn whole(expression: &str) -> Result<Regex, String> {
    // An expression that only brackets of ours make right is wrong.
    Regex::new(expression)
        .and_then(|_| Regex::new(&format!("^(?:{expression})$")))
        .map_err(|error| {
            let text = error.to_string();
            let why = text.lines().last().unwrap_or_default().trim();
            format!("{expression:?} is no regular expression: {why}")
        })
}

impl Bound {
    fn parse(text: &str) -> Result<Bound, String> {
        let number = || Tolerance::default();
        let bound = if let Some(percent) = text.strip_suffix('%') {
            let share = percent.trim().parse::<f64>().ok().map(|of| of / 100.0);
            let share = share.and_then(|share| number().relative(&share.to_string()));
            share.map(Bound::Number)
        } else if let Some(ulps) = text.strip_suffix("ulp") {
            ulps.trim().parse().ok().map(Bound::Ulps)
        } else {
            let absolute = number().absolute(text).map(Bound::Number);
            absolute.or_else(|| text.parse().ok().map(Bound::Time))
        };
        bound.ok_or_else(|| {
            format!("{text:?} is no tolerance such as \"0.01\", \"1%\", \"4ulp\" or \"2s\"")
        })
    }

    fn holds(&self, a: Plain<'_>, b: Plain<'_>) -> bool {
        match self {
            Bound::Number(tolerance) => {
                tolerance.allows(Cell::Number(a.text()), Cell::Number(b.text()))
            }
            Bound::Ulps(most) => ulps(a.text(), b.text()).is_some_and(|ulps| ulps <= *most),
            Bound::Time(most) => relation::seconds_apart(a, b)
                .is_some_and(|apart| apart <= most.secs() + SECONDS_KNOWN),
        }
    }
}

/// How many doubles lie between two numbers, one of them included.
fn ulps(a: &str, b: &str) -> Option<u64> {
    let finite = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    // Doubles are in order as integers of sign and magnitude.
    let rank = |number: f64| {
        let magnitude = (number.to_bits() & !(1 << 63)) as i64;
        if number.is_sign_negative() {
            -magnitude
        } else {
            magnitude
        }
    };
    Some(rank(finite(a)?).abs_diff(rank(finite(b)?)))
}

/// A decimal number without zeros at the end of its fraction; `None` for another text.
fn without_trailing_zeros(text: &str) -> Option<&str> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.')?;
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !are_digits(whole) || !are_digits(fraction) {
        return None;
    }
    Some(text.trim_end_matches('0').trim_end_matches('.'))
}

impl Compiled {
    /// Does it state nothing?
    fn is_empty(&self) -> bool {
        self.unordered.is_none() && !self.is_about_values()
    }

    fn is_about_values(&self) -> bool {
        self.present
            || self.bound.is_some()
            || self.matches.is_some()
            || !self.one_of.is_empty()
            || !self.normalise.is_empty()
    }

    /// Does it accept a difference of this kind between these values? `is_exact`: the rule names this place and none
    /// above it.
    pub(crate) fn holds(&self, kind: Kind, values: Values<'_>, is_exact: bool) -> bool {
        if self.is_empty() {
            return true;
        }
        if self.unordered.is_some() {
            return kind == Kind::Order && is_exact;
        }
        let is_of_values = match kind {
            Kind::Value | Kind::NumberText | Kind::Text | Kind::Bytes => true,
            // A number and a text of the same digits are not near each other, they are two things.
            Kind::Type => self.bound.is_none() && self.normalise.is_empty(),
            _ => false,
        };
        values.is_some_and(|(a, b)| is_of_values && self.accepts(a, b))
    }

    fn accepts(&self, a: At<'_>, b: At<'_>) -> bool {
        let both = a.plain().zip(b.plain());
        let texts = a.text().zip(b.text());
        let bound = self
            .bound
            .as_ref()
            .is_none_or(|bound| both.is_some_and(|(a, b)| bound.holds(a, b)));
        let matches = self.matches.as_ref().is_none_or(|expression| {
            texts.is_some_and(|(a, b)| expression.is_match(a) && expression.is_match(b))
        });
        let among =
            self.one_of.is_empty() || a.is_one_of(&self.one_of) && b.is_one_of(&self.one_of);
        let same = self.normalise.is_empty()
            || texts.is_some_and(|(a, b)| self.normal(a) == self.normal(b));
        bound && matches && among && same
    }

    fn normal<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let forms = self.normalise.iter();
        forms.fold(Cow::Borrowed(text), |text, form| form.apply(text))
    }
}

#[cfg(test)]
mod tests;
