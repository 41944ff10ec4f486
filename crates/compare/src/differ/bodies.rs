//! The difference of two bodies, by their type.

use super::{Found, Side, Site, is_uncertain};
use crate::dialect::{Content, PartDifference, Reading};
use crate::document::{self, Body, Document, Layout};
use crate::hash::Hash;
use crate::json::{Json, Value};
use crate::place::{self, Indices};
use crate::preview;
use crate::relation::Plain;
use crate::rules::{At, Selected, Values};
use crate::tree::{self, Seen};
use crate::{align, character, decode, runs, text};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;
use understudy_model::place::{ValuePath, aspect};
use understudy_model::{
    Answer, Character, DifferenceKind as Kind, Field, Part, Place, Relation, Spot,
};

/// Which texts two are that differ.
pub(super) struct Texts<'n> {
    pub(super) kind: Kind,
    /// The last name on the way there.
    pub(super) name: &'n str,
    /// See [`text::compare`].
    pub(super) section: u64,
}

impl<'e> Found<'_, 'e> {
    /// The part that is compared, as a whole.
    pub(super) fn site(&self) -> Site {
        Site::at(&self.part)
    }

    /// A difference of that part as a whole.
    fn of_part(&mut self, kind: Kind, a: Side<'_>, b: Side<'_>) {
        self.plain(&self.part.clone(), kind, a, b);
    }

    /// A difference in how that part is written.
    pub(super) fn of_layout(&mut self, a: &str, b: &str) {
        let place = self.part.aspect(aspect::LAYOUT);
        self.plain(&place, Kind::Text, Side::Word(a), Side::Word(b));
    }

    /// Every part that either answer has, by name.
    pub(super) fn parts(&mut self, a: &'e Answer, b: &'e Answer) {
        for part in &a.parts {
            self.part = Place::from(part.name.as_str());
            self.bytes = 0;
            match b.part(&part.name) {
                Some(other) => self.both((part, a), (other, b)),
                None if is_uncertain(Kind::Missing, a, b) => {}
                None => {
                    self.bytes = part.bytes.len() as u64;
                    self.of_part(Kind::Missing, Side::Word("there"), Side::Absent);
                }
            }
            self.all_bytes += self.bytes;
        }
        for part in b.parts.iter().filter(|part| a.part(&part.name).is_none()) {
            self.part = Place::from(part.name.as_str());
            self.bytes = 0;
            if !is_uncertain(Kind::Extra, a, b) {
                self.of_part(Kind::Extra, Side::Absent, Side::Word("there"));
            }
        }
        self.part = Place::BODY;
    }

    /// A part that both have, as the dialect reads it.
    fn both(&mut self, (part, a): (&'e Part, &'e Answer), (other, b): (&'e Part, &'e Answer)) {
        let dialect = self.differ.dialect;
        let (read_a, read_b) = (dialect.reading(part, a), dialect.reading(other, b));
        let is_known = !part.digest.is_empty() && !other.digest.is_empty();
        let is_whole = !part.truncated && !other.truncated;
        if is_known && part.digest == other.digest {
            self.bytes = part.bytes.len() as u64;
            return;
        }
        let (bytes_a, bytes_b) = (part.bytes.as_slice(), other.bytes.as_slice());
        match (read_a, read_b) {
            (Reading::Foreign, _) => self.foreign(part, part, other),
            (_, Reading::Foreign) => self.foreign(other, part, other),
            // Of what is not kept, that it differs is all that is known.
            (Reading::Exact, Reading::Exact) if is_known && !is_whole => {
                let shown = |part: &Part| format!("content with the digest {}", part.digest);
                let (a, b) = (shown(part), shown(other));
                self.of_part(Kind::Bytes, Side::Word(&a), Side::Word(&b));
            }
            _ if !is_whole => {
                let cut = if part.truncated { part } else { other };
                self.not_compared(dialect.cut_off(cut));
            }
            (Reading::Media(x), Reading::Media(y)) => self.bodies((&x, bytes_a), (&y, bytes_b)),
            (Reading::Document(_), Reading::Document(_))
                if bytes_a.len().max(bytes_b.len()) > self.differ.decoded_bytes
                    && bytes_a != bytes_b =>
            {
                let name = &self.part;
                self.not_compared(format!("{name} is too long to be read as a document"));
            }
            (Reading::Document(x), Reading::Document(y)) => {
                let pair = ((&*x, bytes_a), (&*y, bytes_b));
                self.as_read(bytes_a, bytes_b, |found| {
                    found.typed(pair.0, pair.1, |found, (_, a), (_, b)| found.exact(a, b));
                });
            }
            (Reading::Text, Reading::Text) => self.as_read(bytes_a, bytes_b, |found| {
                found.text(bytes_a, bytes_b);
            }),
            (Reading::Lines, Reading::Lines) => {
                let (x, y) = (
                    document::lines_as_text(bytes_a),
                    document::lines_as_text(bytes_b),
                );
                self.as_read(x.as_bytes(), y.as_bytes(), |found| found.lines(&x, &y));
            }
            _ => self.as_read(bytes_a, bytes_b, |found| found.exact(bytes_a, bytes_b)),
        }
    }

    /// Compares what differs and is not empty.
    fn as_read(&mut self, a: &[u8], b: &[u8], compare: impl FnOnce(&mut Self)) {
        self.bytes = a.len() as u64;
        if a == b {
            return;
        }
        match a.is_empty() || b.is_empty() {
            true => self.one_is_empty(a, b),
            false => compare(self),
        }
    }

    /// What only a reader outside of this crate understands; `unknown` is that of the two.
    fn foreign(&mut self, unknown: &Part, part: &Part, other: &Part) {
        self.bytes = part.bytes.len() as u64;
        if !part.truncated && !other.truncated && part.bytes == other.bytes {
            return;
        }
        let contents = self.differ.contents;
        match contents.map(|contents| contents.compare(part, other)) {
            Some(Content::Same) => {}
            Some(Content::Different(all)) => all.iter().for_each(|one| self.within(one)),
            Some(Content::NotCompared(why)) => self.not_compared(why),
            None => self.not_compared(self.differ.dialect.cut_off(unknown)),
        }
    }

    /// A difference that such a reader found.
    fn within(&mut self, one: &PartDifference) {
        let place = |aspect: &str| match aspect {
            "" => self.part.clone(),
            aspect => self.part.aspect(aspect),
        };
        let site = Site {
            path: place(&one.aspect),
            bytes: one.bytes,
            ..Site::at(&place(&one.pattern))
        };
        let values = (one.baseline.as_deref(), one.contender.as_deref());
        let Some(character) = one.character else {
            return self.words(site, one.kind, values);
        };
        let redact = self.differ.redact;
        let side = |value: Option<&str>| match value {
            None => (character::absent(), String::new()),
            Some(value) => (
                Character(character.to_owned()),
                preview::text(redact, &site.path, value),
            ),
        };
        let (a, b) = (side(values.0), side(values.1));
        self.keep(site, one.kind, a, b, Relation::default());
    }

    fn bodies(&mut self, (a, bytes_a): (&[Field], &[u8]), (b, bytes_b): (&[Field], &[u8])) {
        self.bytes = bytes_a.len() as u64;
        let (codings_a, codings_b) = (decode::codings(a), decode::codings(b));
        if bytes_a == bytes_b && codings_a == codings_b {
            return;
        }
        let bound = self.differ.decoded_bytes;
        let body_a = decode::body(bytes_a, &codings_a, bound);
        let body_b = decode::body(bytes_b, &codings_b, bound);
        let (Ok(body_a), Ok(body_b)) = (&body_a, &body_b) else {
            let word = |error: Option<decode::Undecodable>| {
                error.map_or_else(|| "decodable".to_owned(), |error| error.to_string())
            };
            let (a, b) = (word(body_a.err()), word(body_b.err()));
            return self.of_part(Kind::Bytes, Side::Word(&a), Side::Word(&b));
        };
        self.bytes = body_a.len() as u64;
        if body_a == body_b {
            return;
        }
        if body_a.is_empty() || body_b.is_empty() {
            return self.one_is_empty(body_a, body_b);
        }
        self.typed((a, body_a), (b, body_b), Found::opaque);
    }

    /// Bodies by the type that these fields say, or that they look like; those that have none in common by `other`.
    fn typed<'b>(
        &mut self,
        (a, body_a): (&[Field], &'b [u8]),
        (b, body_b): (&[Field], &'b [u8]),
        other: impl FnOnce(&mut Self, (&Body<'_>, &[u8]), (&Body<'_>, &[u8])),
    ) {
        let messages = self.differ.rules.messages();
        let [held_a, held_b] = [a, b].map(|fields| messages.of(self.operation, fields));
        let said = document::form_of(a).filter(|form| document::form_of(b) == Some(*form));
        let wrong = |body: &Body<'_>| match body {
            Body::Document(document) => said.filter(|said| *said != document.form),
            _ => said,
        };
        let read_a = document::read(a, body_a, held_a.as_ref());
        let read_b = document::read(b, body_b, held_b.as_ref());
        match (&read_a, &read_b) {
            (Body::Document(x), Body::Document(y)) if x.form == y.form => self.documents(x, y),
            _ => match (wrong(&read_a), wrong(&read_b)) {
                // Both say what it is, and one of them is right.
                (None, Some(form)) => {
                    self.not_both(&read_a, body_b, form, false);
                }
                (Some(form), None) => {
                    self.not_both(&read_b, body_a, form, true);
                }
                _ => other(self, (&read_a, body_a), (&read_b, body_b)),
            },
        }
    }

    /// One says nothing where the other does.
    fn one_is_empty(&mut self, a: &[u8], b: &[u8]) {
        let kind = if a.is_empty() {
            Kind::Extra
        } else {
            Kind::Missing
        };
        let side = |body: &[u8], redact| match std::str::from_utf8(body) {
            _ if body.is_empty() => (character::absent(), String::new()),
            Ok(text) => (
                character::of_text_body(text),
                preview::text(redact, &self.part, text),
            ),
            Err(_) => (character::of_bytes(body), format!("{} bytes", body.len())),
        };
        let redact = self.differ.redact;
        let site = Site {
            bytes: a.len() as u64,
            ..self.site()
        };
        self.keep(
            site,
            kind,
            side(a, redact),
            side(b, redact),
            Relation::default(),
        );
    }

    /// Both say this form and only one has it.
    fn not_both(&mut self, right: &Body<'_>, wrong: &[u8], form: document::Form, swapped: bool) {
        let redact = self.differ.redact;
        let right = match right {
            Body::Document(document) => {
                let (shown, _) = preview::pair(
                    redact,
                    &self.part.document(ValuePath::root()),
                    Seen::Value(&document.root),
                    Seen::Absent,
                );
                (character::of_json(&document.root), shown)
            }
            _ => (Character(form.name().into()), String::new()),
        };
        let wrong_shown = preview::text(redact, &self.part, &String::from_utf8_lossy(wrong));
        let wrong = (Character(format!("not {}", form.name())), wrong_shown);
        let (a, b) = if swapped {
            (wrong, right)
        } else {
            (right, wrong)
        };
        let site = Site {
            bytes: self.bytes,
            ..self.site()
        };
        self.keep(site, Kind::Type, a, b, Relation::default());
    }

    /// Bodies that have no form in common.
    fn opaque(
        &mut self,
        (body_a, bytes_a): (&Body<'_>, &[u8]),
        (body_b, bytes_b): (&Body<'_>, &[u8]),
    ) {
        if let (Some(a), Some(b)) = (as_text(body_a, bytes_a), as_text(body_b, bytes_b)) {
            let has_layout = match (body_a, body_b) {
                (Body::Text(_, x), Body::Text(_, y)) => self.layouts(x, y),
                _ => false,
            };
            // The same lines that end otherwise each: no part of a text may differ without a word.
            if !self.texts(&a, &b) && !has_layout {
                let line_ends = |text: &str| text.matches("\r\n").count().to_string();
                self.of_layout(&line_ends(&a), &line_ends(&b));
            }
            return;
        }
        let site = self.site();
        let rules = self.rules_at(&site, Kind::Bytes);
        self.runs(site, (bytes_a, bytes_b), rules);
    }

    /// Bytes at a place that these rules cover, by runs of unequal ones.
    pub(super) fn runs(&mut self, site: Site, (a, b): (&[u8], &[u8]), rules: Vec<u32>) {
        for run in runs::compare(a, b) {
            let side = |bytes: &[u8]| match bytes {
                [] => (character::absent(), String::new()),
                bytes => (character::of_bytes(bytes), preview::bytes(bytes, run.start)),
            };
            let site = Site {
                spot: Some(run.spot),
                bytes: run.baseline.len().max(1) as u64,
                ..site.clone()
            };
            let ((of_a, shown_a), (of_b, shown_b)) = (side(run.baseline), side(run.contender));
            let like = site.like(Kind::Bytes, of_a, of_b, rules.clone());
            self.push(like, site, Relation::default(), || (shown_a, shown_b));
        }
    }

    /// Texts without a structure, line by line, whatever ends a line. False if no line differs.
    fn texts(&mut self, a: &str, b: &str) -> bool {
        let lines = |text: &str| -> Vec<Json> { document::lines_of(text).map(one_line).collect() };
        let (lines_a, lines_b) = (lines(a), lines(b));
        let aligned = align::align(&lines_a, &lines_b);
        let differs = aligned != align::Alignment::default();
        if aligned.reordered {
            let site = Site {
                bytes: a.len() as u64,
                ..self.site()
            };
            let (shown_a, shown_b) = preview::texts(self.differ.redact, &self.part, a, b);
            let of = |text| character::of_text_body(text);
            self.keep(
                site,
                Kind::Order,
                (of(a), shown_a),
                (of(b), shown_b),
                Relation::default(),
            );
        }
        self.differing_lines(std::iter::empty(), (&lines_a, &lines_b), aligned);
        differs
    }

    /// The lines that differ. `before`: the lines before these, which are the same on both sides.
    pub(super) fn differing_lines<'t>(
        &mut self,
        before: impl Iterator<Item = &'t str>,
        (lines_a, lines_b): (&[Json], &[Json]),
        aligned: align::Alignment,
    ) {
        // Which of the lines that say the same it is.
        let mut met: HashMap<u64, u64> = HashMap::new();
        let mut nth = |line: &str| {
            let times = met.entry(text::skeleton(line)).or_default();
            *times += 1;
            *times
        };
        let first = before.map(&mut nth).count();
        let all = lines_a.iter().map(string_of);
        let sections: Vec<u64> = all.map(&mut nth).collect();
        let is_one_line = first + lines_a.len() == 1;
        let line_a = |i: usize| Some(((!is_one_line).then_some(first + i), string_of(&lines_a[i])));
        for (i, j) in aligned.changed {
            self.line(line_a(i), Some(string_of(&lines_b[j])), sections[i]);
        }
        for i in aligned.missing {
            self.line(line_a(i), None, 0);
        }
        for j in aligned.extra {
            self.line(None, Some(string_of(&lines_b[j])), 0);
        }
    }

    /// A line that both have and that differs, or that only one has; with its index where there are several.
    fn line(&mut self, a: Option<(Option<usize>, &str)>, b: Option<&str>, section: u64) {
        let at = a.and_then(|(at, _)| at);
        let site = Site {
            path: match at {
                None => self.part.clone(),
                Some(at) => self.part.line(at as u64 + 1),
            },
            ..self.site()
        };
        if let (Some((_, a)), Some(b)) = (a, b) {
            let text = Texts {
                kind: Kind::Text,
                name: "",
                section,
            };
            let rules = self.rules_between(&site, Kind::Text, At::texts(a, b));
            return self.values(site, text, (a, b), rules);
        }
        let redact = self.differ.redact;
        let side = |line: Option<&str>| match line {
            None => (character::absent(), String::new()),
            // What it says is its place.
            Some(line) => (
                Character("line".into()),
                preview::text(redact, &self.part, line),
            ),
        };
        let words = text::skeleton(a.map(|(_, line)| line).or(b).unwrap_or_default()) as u32;
        let site = Site {
            spot: Some(Spot::Token {
                line: words,
                around: words,
                of: u32::try_from(self.bytes).unwrap_or(u32::MAX),
            }),
            bytes: a.map_or(1, |(_, line)| line.len() as u64 + 1),
            ..site
        };
        let (a, b) = (side(a.map(|(_, line)| line)), side(b));
        self.keep(site, Kind::Text, a, b, Relation::default());
    }

    pub(super) fn rules_at(&self, site: &Site, kind: Kind) -> Vec<u32> {
        self.rules_between(site, kind, None)
    }

    fn rules_between(&self, site: &Site, kind: Kind, values: Values<'_>) -> Vec<u32> {
        let rules = self.differ.rules;
        rules.between(self.operation, &site.pattern, kind, values)
    }

    /// Two texts at a place that differ: by token where they have enough in common.
    pub(super) fn values(
        &mut self,
        site: Site,
        Texts {
            kind,
            name,
            section,
        }: Texts<'_>,
        (a, b): (&str, &str),
        rules: Vec<u32>,
    ) {
        let redact = self.differ.redact;
        let is_in_document = site.path.path().is_some();
        let shown = |a, b| match is_in_document {
            false => preview::texts(redact, &site.path, a, b),
            true => preview::quoted_texts(redact, &site.path, a, b),
        };
        let whole = shown(a, b);
        // Only bodies have a share that was compared.
        let is_in_body = is_in_document || site.pattern == self.part;
        let bytes = |text: &str| if is_in_body { text.len() as u64 } else { 0 };
        let Some(tokens) = text::compare(a, b, section) else {
            let relation = self.relation(
                kind,
                (&site.pattern, None),
                name,
                Some((Plain::Text(a), Plain::Text(b))),
            );
            // A line is one of several texts at its place: which one it is, its words say.
            let words = text::skeleton(a);
            let spot = (kind == Kind::Text).then(|| Spot::Token {
                line: Hash::new(b'n')
                    .part(words.into())
                    .part(section.into())
                    .finish_64() as u32,
                around: words as u32,
                of: u32::try_from(a.len()).unwrap_or(u32::MAX),
            });
            let site = Site {
                bytes: bytes(a),
                spot,
                ..site
            };
            let (of_a, of_b) = match kind {
                Kind::Text => (character::of_text_body(a), character::of_text_body(b)),
                _ => (character::of_text(a), character::of_text(b)),
            };
            let like = site.like(kind, of_a, of_b, rules);
            return self.push(like, site, relation, || whole);
        };
        for token in tokens {
            let side = |text: Option<&str>| text.map_or_else(character::absent, character::of_text);
            let Spot::Token { line, around, of } = token.spot else {
                continue;
            };
            let values = token.baseline.zip(token.contender);
            let values = values.map(|(a, b)| (Plain::Text(a), Plain::Text(b)));
            let relation = self.relation(kind, (&site.pattern, Some(around)), "", values);
            let site = Site {
                spot: Some(Spot::Token {
                    line,
                    around,
                    of: if is_in_body { of } else { 0 },
                }),
                bytes: bytes(token.baseline.unwrap_or(" ")),
                ..site.clone()
            };
            let like = site.like(
                kind,
                side(token.baseline),
                side(token.contender),
                rules.clone(),
            );
            self.push(like, site, relation, || whole.clone());
        }
    }

    fn documents(&mut self, a: &Document, b: &Document) {
        self.layouts(&a.layout, &b.layout);
        let (a, b, form) = (&a.root, &b.root, a.form);
        // Most documents are the same: nothing is looked up before the first difference.
        let selected: OnceCell<Selected<'_>> = OnceCell::new();
        let (rules, operation, part) = (self.differ.rules, self.operation, self.part.clone());
        let look = || selected.get_or_init(|| rules.in_documents(operation, &part, a, b));
        let key = |steps: &[place::Step<'_>]| look().key(steps);
        tree::compare((form, &key), a, b, &mut |steps, kind, seen_a, seen_b| {
            let rules = look().at(steps, kind, At::seen(seen_a, seen_b));
            let name = place::last_name(steps);
            let site = Site {
                path: self.value(steps, Indices::Baseline),
                pattern: self.value(steps, Indices::Any),
                spot: None,
                position: place::position(steps),
                bytes: seen_a.bytes().or(seen_b.bytes()).unwrap_or_default(),
            };
            if let (Kind::Value, Some(a), Some(b)) = (kind, seen_a.string(), seen_b.string()) {
                let text = Texts {
                    kind,
                    name,
                    section: 0,
                };
                return self.values(site, text, (a, b), rules);
            }
            if let (Some(a), Some(b)) = (seen_a.octets(), seen_b.octets()) {
                return self.runs(site, (a, b), rules);
            }
            let place = site.path.clone();
            self.whole(kind, name, (seen_a, seen_b), (site, &place), rules);
        });
    }

    /// What two documents have at a place, each as a whole; `place` is that by which it is redacted.
    pub(super) fn whole(
        &mut self,
        kind: Kind,
        name: &str,
        (a, b): (Seen<'_>, Seen<'_>),
        (site, place): (Site, &Place),
        rules: Vec<u32>,
    ) {
        let values = Plain::seen(a).zip(Plain::seen(b));
        let relation = self.relation(kind, (&site.pattern, None), name, values);
        let like = site.like(kind, character_of(a), character_of(b), rules);
        let redact = self.differ.redact;
        self.push(like, site, relation, || preview::pair(redact, place, a, b));
    }

    /// How two documents of one form are written. False if that is alike.
    pub(super) fn layouts(&mut self, a: &Layout, b: &Layout) -> bool {
        let (a, b) = (a.text(), b.text());
        if a != b {
            let side = |text: &str| match text {
                "" => Character("usual layout".into()),
                text => character::of_text_body(text),
            };
            let (of_a, of_b) = (side(&a), side(&b));
            let site = Site::at(&self.part.aspect(aspect::LAYOUT));
            let (shown_a, shown_b) = preview::texts(self.differ.redact, &site.path, &a, &b);
            self.keep(
                site,
                Kind::Text,
                (of_a, shown_a),
                (of_b, shown_b),
                Relation::default(),
            );
        }
        a != b
    }
}

fn character_of(seen: Seen<'_>) -> Character {
    match seen {
        Seen::Absent => character::absent(),
        Seen::Value(json) => character::of_json(json),
        Seen::Times(times) => Character(format!("{times} times")),
        Seen::Name(name) => character::of_text(name),
    }
}

/// The body as text, whatever its form.
fn as_text<'b>(body: &'b Body<'_>, bytes: &'b [u8]) -> Option<Cow<'b, str>> {
    match body {
        Body::Text(text, _) => Some(Cow::Borrowed(text)),
        Body::Document(_) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Body::Bytes => None,
    }
}

pub(super) fn one_line(line: &str) -> Json {
    Json::new(Value::String(line.into()))
}

fn string_of(json: &Json) -> &str {
    match json.value() {
        Value::String(text) => text,
        _ => "",
    }
}
