//! Secrets in paths, queries and bodies: found, and replaced where a variable is possible.
//!
//! A variable can stand for a segment of the path, for the value of a parameter of a query or form, and for
//! a text in JSON. It cannot stand for a JSON number, which it would turn into a text, nor for a part of a
//! text that has no structure.

use super::finder::Finder;
use super::json::{self, Kind};
use super::multipart::{self, Field};
use crate::recorded::{Origin, Reason, Recorded};
use crate::target::{decoded, parts};
use std::io::Read as _;
use std::ops::Range;

/// One secret of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Where it is in the path with its query, or in the body.
    pub(super) at: Range<usize>,
    /// What it is the value of.
    pub(super) name: String,
    /// The secret itself, decoded: what the variable stands for.
    pub(super) value: String,
}

/// The secrets of a request, in their order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) path: Vec<Place>,
    pub(super) body: Vec<Place>,
}

impl Places {
    /// Finds them.
    ///
    /// # Errors
    /// There is one that no variable can replace.
    pub(super) fn find(request: &Recorded, finder: &Finder) -> Result<Self, Reason> {
        let names = request.from != Origin::Description;
        let path = in_path(&request.path, finder, names).ok_or(Reason::SecretInPath)?;
        let body = in_body(request, finder, names).ok_or(Reason::SecretInBody)?;
        Ok(Places { path, body })
    }
}

/// The secrets of a target; `None` if one of them cannot be replaced.
fn in_path(target: &str, finder: &Finder, names: bool) -> Option<Vec<Place>> {
    let (path, query) = parts(target);
    let mut places = Vec::new();
    // Segments without a secret: together they may be one.
    let mut others: Vec<String> = Vec::new();
    for (at, segment) in pieces(path, 0, &['/']) {
        let begin = at.start;
        for (at, piece) in pieces(segment, begin, &[';']) {
            let before = others.last().map_or("", String::as_str);
            let matrix = piece.split_once('=').filter(|_| at.start > begin);
            let (name, text) = matrix.unwrap_or(("", piece));
            let (name, value) = (decoded(name, false), decoded(text, false));
            let is_secret = match matrix {
                Some(_) => finder.in_parameter(&name, &value, names),
                // Long numbers in paths are identifiers, not cards.
                None => !super::is_number(piece) && finder.in_segment(before, &value, names),
            };
            if is_secret {
                let name = match matrix {
                    Some(_) => name,
                    None => format!("{before} segment").trim_start().to_owned(),
                };
                let at = at.end - text.len()..at.end;
                places.push(Place { at, name, value });
            } else if !super::is_number(piece) {
                others.push(decoded(piece, false));
            }
        }
    }
    if finder.has_form(&others.join("/")) {
        return None;
    }
    let begin = target.len() - query.len();
    places.extend(in_pairs(query, begin, finder, |name, value| {
        finder.in_parameter(name, value, names)
    }));
    allowed(target, places)
}

/// The secrets of a body; `None` if one of them cannot be replaced.
fn in_body(request: &Recorded, finder: &Finder, names: bool) -> Option<Vec<Place>> {
    let Ok(text) = std::str::from_utf8(&request.body) else {
        let unpacked = unpacked(&request.body);
        let text = String::from_utf8_lossy(unpacked.as_deref().unwrap_or(&request.body));
        return (!finder.has_form(&text)).then(Vec::new);
    };
    if serde_json::from_str::<serde_json::Value>(text).is_ok() {
        return in_json(text, finder, names);
    }
    let named = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("content-type");
    let kind = request
        .headers
        .iter()
        .find(named)
        .map_or("", |(_, kind)| kind.as_str());
    if kind.starts_with("application/x-www-form-urlencoded") {
        let places = in_pairs(text, 0, finder, |name, value| {
            finder.in_form(name, value, names)
        });
        return allowed(text, places.collect());
    }
    if let Some(fields) = multipart::fields(kind, text) {
        return in_fields(text, fields, finder, names);
    }
    (!finder.has_form(text)).then(Vec::new)
}

/// What is in a body that was compressed with gzip, up to a bound.
fn unpacked(body: &[u8]) -> Option<Vec<u8>> {
    const MOST: u64 = 8 * 1024 * 1024;
    let mut out = Vec::new();
    let reader = body
        .starts_with(&[0x1f, 0x8b])
        .then(|| flate2::read::MultiGzDecoder::new(body))?;
    // What comes before a mistake is looked at all the same.
    let _ = reader.take(MOST).read_to_end(&mut out);
    Some(out)
}

fn in_fields(text: &str, fields: Vec<Field>, finder: &Finder, names: bool) -> Option<Vec<Place>> {
    let mut places = Vec::new();
    for Field { name, at, is_file } in fields {
        let value = text[at.clone()].to_owned();
        if finder.in_form(&name, &value, names) {
            // A variable does not stand for a file.
            if is_file {
                return None;
            }
            places.push(Place { at, name, value });
        }
    }
    allowed(text, places)
}

fn in_json(text: &str, finder: &Finder, names: bool) -> Option<Vec<Place>> {
    let mut places = Vec::new();
    for scalar in json::scalars(text) {
        if scalar.names.iter().any(|name| finder.is_cleared(name)) {
            continue;
        }
        let name = scalar.names.last().map_or("", String::as_str);
        let named = names && finder.is_sensitive(name);
        let at = scalar.at;
        match scalar.kind {
            Kind::Word => {}
            Kind::Number if named => return None,
            Kind::Number => {}
            Kind::Text => {
                let quoted = format!("\"{}\"", &text[at.clone()]);
                let value: String = serde_json::from_str(&quoted).ok()?;
                let inside = || finder.has_form(&value) || names && finder.is_in(&value);
                if !value.is_empty() && (named || inside()) {
                    let name = if name.is_empty() { "body" } else { name }.to_owned();
                    places.push(Place { at, name, value });
                }
            }
        }
    }
    allowed(text, places)
}

/// The values of `name=value&...` that are secret, and names without a value that are; `begin` is the position
/// of the text.
fn in_pairs<'a>(
    text: &'a str,
    begin: usize,
    finder: &'a Finder,
    is_secret: impl Fn(&str, &str) -> bool + 'a,
) -> impl Iterator<Item = Place> + 'a {
    pieces(text, begin, &['&', ';']).filter_map(move |(at, pair)| {
        // A pair whose name is a secret is one as a whole.
        let named = pair
            .split_once('=')
            .filter(|(name, _)| !finder.has_form(&decoded(name, true)));
        let (name, value) = named.unwrap_or(("", pair));
        let at = at.end - value.len()..at.end;
        let (name, value) = (decoded(name, true), decoded(value, true));
        let name = match name.as_str() {
            "" => "parameter".to_owned(),
            _ => name,
        };
        is_secret(&name, &value).then_some(Place { at, name, value })
    })
}

/// The text between separators, and its position.
fn pieces<'a>(
    text: &'a str,
    begin: usize,
    separators: &'static [char],
) -> impl Iterator<Item = (Range<usize>, &'a str)> {
    let mut at = begin;
    text.split(separators).map(move |piece| {
        let here = at..at + piece.len();
        at = here.end + 1;
        (here, piece)
    })
}

/// Text that contains `${` already could be taken for a variable.
fn allowed(text: &str, places: Vec<Place>) -> Option<Vec<Place>> {
    (places.is_empty() || !text.contains("${")).then_some(places)
}

/// `text` with each place replaced by the variable of the same index.
pub(super) fn replaced(text: &str, places: &[Place], variables: &[String]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (place, variable) in places.iter().zip(variables) {
        out += &text[from..place.at.start];
        out += &format!("${{{variable}}}");
        from = place.at.end;
    }
    out + &text[from..]
}
