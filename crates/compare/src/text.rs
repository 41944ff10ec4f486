//! Two texts, token by token: what differs in them, and which words it is next to.
//!
//! A token is a word, a number, a moment, an identifier, white space or punctuation. So a changed number in a
//! sentence is one difference, and noise at one token says nothing about its neighbours. Where a token is, is told by
//! the words around it ([`Spot::Token`]): precisely by everything before it on its line, coarsely by its nearest
//! words. Numbers and identifiers among them count as one and the same, since they may be noise themselves.
//!
//! Limits: a text of more than [`MAX_BYTES`] or [`MAX_TOKENS`], or one of which most tokens differ, differs as a whole.

use crate::align::align;
use crate::character::{self, is_random};
use crate::hash::Hash;
use crate::json::{Json, Value};
use std::collections::HashMap;
use understudy_model::Spot;

/// The longest text that is taken apart.
const MAX_BYTES: usize = 64 << 10;
/// Most tokens of a text that is taken apart.
const MAX_TOKENS: usize = 4096;
/// Most differing tokens of a text: beyond them it is another text.
const MAX_DIFFERING: usize = 32;
/// Up to so many differing tokens are reported one by one, even if they are most of the text.
const FEW: usize = 8;
/// The shortest run of letters, digits and signs that may be one random token (base64).
const LONG_RUN: usize = 16;

/// A token in which two texts differ. A side without one is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Differing<'t> {
    pub(crate) baseline: Option<&'t str>,
    pub(crate) contender: Option<&'t str>,
    pub(crate) spot: Spot,
}

/// The tokens in which two different texts differ; `None` where they differ as wholes: each is a
/// single token, or they have too little in common.
///
/// `section` distinguishes texts that may be equal and are not one place: the same line in two parts of a file.
pub(crate) fn compare<'t>(
    baseline: &'t str,
    contender: &'t str,
    section: u64,
) -> Option<Vec<Differing<'t>>> {
    let is_one = is_identifier(baseline) && is_identifier(contender);
    if is_one || baseline.len().max(contender.len()) > MAX_BYTES {
        return None;
    }
    let (a, b) = (tokens(baseline), tokens(contender));
    let longest = a.len().max(b.len());
    if longest > MAX_TOKENS || a.is_empty() || b.is_empty() || longest == 1 {
        return None;
    }
    let (changed, missing, extra) = apart(&a, &b)?;
    let differing = changed.len() + missing.len() + extra.len();
    if differing > MAX_DIFFERING || differing > FEW && differing * 2 > longest {
        return None;
    }
    let of = u32::try_from(baseline.len()).unwrap_or(u32::MAX);
    // Tokens of both sides are distinguished by their value, numbers included.
    let mut is_same = vec![true; a.len()];
    let gone_or_changed = changed.iter().map(|(i, _)| i).chain(&missing);
    gone_or_changed.for_each(|i| is_same[*i] = false);
    let spots = spots(&a, of, section, &|i| is_same[i]);
    let both = changed.into_iter().map(|(i, j)| Differing {
        baseline: Some(a[i]),
        contender: Some(b[j]),
        spot: spots[i],
    });
    let gone = missing.into_iter().map(|i| Differing {
        baseline: Some(a[i]),
        contender: None,
        spot: spots[i],
    });
    // What the contender alone has is where its own words say.
    let own = match extra.is_empty() {
        true => Vec::new(),
        false => self::spots(&b, of, section, &|_| false),
    };
    let new = extra.into_iter().map(|j| Differing {
        baseline: None,
        contender: Some(b[j]),
        spot: own[j],
    });
    Some(both.chain(gone).chain(new).collect())
}

type Apart = (Vec<(usize, usize)>, Vec<usize>, Vec<usize>);

/// Which tokens answer to each other and differ, and which have no answer. `None` if the same tokens are
/// in another order.
fn apart(a: &[&str], b: &[&str]) -> Option<Apart> {
    let json = |tokens: &[&str]| -> Vec<Json> {
        let one = |text: &&str| Json::new(Value::String((*text).into()));
        tokens.iter().map(one).collect()
    };
    let aligned = align(&json(a), &json(b));
    if !aligned.reordered {
        return Some((aligned.changed, aligned.missing, aligned.extra));
    }
    // Tokens repeat (spaces, commas), so that one may seem to have moved: position is simpler then.
    (a.len() == b.len()).then(|| {
        let changed = (0..a.len()).filter(|i| a[*i] != b[*i]).map(|i| (i, i));
        (changed.collect(), Vec::new(), Vec::new())
    })
}

/// Where each token of a text is. Numbers and identifiers around it count by their value where they are known to be
/// the same, for the precise context alone.
pub(crate) fn spots(
    tokens: &[&str],
    of: u32,
    section: u64,
    is_same: &dyn Fn(usize) -> bool,
) -> Vec<Spot> {
    let stable: Vec<&str> = tokens.iter().map(|token| stable(token)).collect();
    let words: Vec<usize> = (0..tokens.len()).filter(|i| is_word(tokens[*i])).collect();
    let mut before = Hash::new(b'l').bytes(&section.to_le_bytes());
    let mut met: HashMap<u32, u32> = HashMap::new();
    let mut spots = Vec::with_capacity(tokens.len());
    for index in 0..tokens.len() {
        let next = words.partition_point(|word| *word <= index);
        let last = words.partition_point(|word| *word < index);
        let after = words.get(next).map_or("", |word| stable[*word]);
        let near = [last.checked_sub(2), last.checked_sub(1)]
            .map(|at| at.map_or("", |at| stable[words[at]]));
        let around = near
            .iter()
            .fold(Hash::new(b'w'), |h, w| h.bytes(w.as_bytes()));
        let around = around
            .bytes(after.as_bytes())
            .bytes(kind(tokens[index]).as_bytes());
        // The same surroundings again: which time it is.
        let times = met.entry(around.finish_64() as u32).or_default();
        *times += 1;
        spots.push(Spot::Token {
            line: before.bytes(after.as_bytes()).finish_64() as u32,
            around: around.bytes(&times.to_le_bytes()).finish_64() as u32,
            of,
        });
        let kept = if is_same(index) {
            tokens[index]
        } else {
            stable[index]
        };
        before = before.bytes(kept.as_bytes());
    }
    spots
}

/// A hash of what a text says apart from its numbers and identifiers.
pub(crate) fn skeleton(text: &str) -> u64 {
    let all = tokens(text).into_iter().map(stable);
    all.fold(Hash::new(b'k'), |hash, token| hash.bytes(token.as_bytes()))
        .finish_64()
}

/// The token, or `#` for a number or what only a generator writes.
fn stable(token: &str) -> &str {
    // Also `485ms` and moments.
    let digits = token.strip_prefix('-').unwrap_or(token);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit());
    match is_number || is_random(token) {
        true => "#",
        false => token,
    }
}

/// Is it a word, and neither a number nor what only a generator writes?
pub(crate) fn is_stable_word(token: &str) -> bool {
    is_word(token) && stable(token) == token
}

fn is_word(token: &str) -> bool {
    token.contains(char::is_alphanumeric)
}

/// Space, word or sign: tokens of different kinds next to the same words are different places.
fn kind(token: &str) -> &'static str {
    match () {
        () if is_word(token) => "word",
        () if token.starts_with(char::is_whitespace) => "space",
        () => "sign",
    }
}

/// Is the whole text one value that is known by its form?
fn is_identifier(text: &str) -> bool {
    let character = character::of_text(text).0;
    let form = character.split(' ').next().unwrap_or_default();
    matches!(
        form,
        "uuid" | "timestamp" | "date" | "digits" | "hex" | "hex-upper" | "empty"
    ) || form == "token" && is_random_run(text)
}

/// The tokens of a text, in order and without gaps.
pub(crate) fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut before = None;
    while !rest.is_empty() {
        let length = first(rest, before).max(1);
        // `first` ends at a boundary of characters.
        let (token, after) = rest.split_at(length.min(rest.len()));
        before = token.chars().next_back();
        tokens.push(token);
        rest = after;
    }
    tokens
}

/// The length of the first token in bytes, given the character before it.
fn first(text: &str, before: Option<char>) -> usize {
    let mut chars = text.chars();
    let Some(c) = chars.next() else { return 0 };
    let span = |test: &dyn Fn(char) -> bool| text.find(|c| !test(c)).unwrap_or(text.len());
    if c.is_whitespace() {
        return span(&char::is_whitespace);
    }
    let is_sign = c == '-'
        && text[1..].starts_with(|c: char| c.is_ascii_digit())
        && before.is_none_or(|c| !c.is_alphanumeric());
    if is_sign {
        return 1 + word(&text[1..]);
    }
    if !is_letter(c) {
        return span(&|c| !c.is_whitespace() && !is_letter(c) && c != '-').max(c.len_utf8());
    }
    known_form(text)
        .or_else(|| random_run(text))
        .unwrap_or_else(|| word(text))
}

fn is_letter(c: char) -> bool {
    c.is_alphanumeric()
}

/// The length of a UUID or a moment at the start of a text.
fn known_form(text: &str) -> Option<usize> {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b':' | b'.' | b'+');
    let length = text.bytes().take_while(is_part).count();
    let run = text.get(..length)?.trim_end_matches(['.', ':', '-', '+']);
    let form = character::of_text(run).0;
    (form == "uuid" || form == "date" || form.starts_with("timestamp")).then_some(run.len())
}

/// Is the whole text a run that only a generator writes?
pub(crate) fn is_random_run(text: &str) -> bool {
    random_run(text) == Some(text.len())
}

/// A run that only a generator writes: long, of digits and letters of both cases, hardly any slash.
fn random_run(text: &str) -> Option<usize> {
    let is_part =
        |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'_' | b'-');
    let length = text.bytes().take_while(is_part).count();
    let run = text.as_bytes().get(..length)?;
    // `cus_8aF...`: what is before the sign says what it is.
    let part = run.iter().position(|b| matches!(b, b'_' | b'-'));
    if part.is_some_and(|at| run[..at].iter().all(u8::is_ascii_alphabetic)) {
        return None;
    }
    let has = |test: fn(&u8) -> bool| run.iter().any(test);
    let slashes = run.iter().filter(|b| **b == b'/').count();
    let is_random = length >= LONG_RUN
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && slashes * 12 <= length;
    is_random.then_some(length)
}

/// The length of a word that begins with a letter or digit: signs between its parts belong to it where
/// they make a number, a moment or an identifier.
fn word(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut end = 0;
    while let Some(c) = text[end..].chars().next() {
        let next = bytes.get(end + c.len_utf8());
        let before = end.checked_sub(1).map(|at| bytes[at]);
        let (is_number, is_next_number) = (
            before.is_some_and(|b| b.is_ascii_digit()),
            next.is_some_and(u8::is_ascii_digit),
        );
        let joins = match c {
            '.' => is_number && is_next_number,
            ':' => is_number && is_two_digits(&bytes[end + 1..]) && end <= 5,
            ',' => is_number && is_thousands(&bytes[end + 1..]),
            c => is_letter(c),
        };
        if !joins {
            break;
        }
        end += c.len_utf8();
    }
    end
}

/// Minutes or seconds: two digits, and nothing else of a word.
fn is_two_digits(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric())
        .count()
        == 2
        && bytes[..2].iter().all(u8::is_ascii_digit)
}

/// Three digits and no fourth.
fn is_thousands(bytes: &[u8]) -> bool {
    bytes.iter().take_while(|b| b.is_ascii_digit()).count() == 3
}

#[cfg(test)]
mod tests;
