//! The difference of two outcomes.

use crate::document::{self, Body, Document, Layout};
use crate::history::{self, Strand};
use crate::json::{Json, Value};
use crate::place::{self, Indices, Step, write_name};
use crate::relation::{self, Plain, Reach};
use crate::rules::{Rules, Selected};
use crate::shown::{self, Redact};
use crate::tree::{self, Seen};
use crate::{align, character, decode, fields, runs, text};
use std::borrow::Cow;
use std::collections::HashMap;
use understudy_model::{
    Answer, Character, Difference, DifferenceKind as Kind, Distance, Outcome, Position, Relation,
    Spot,
};

/// Differences kept in one pair of answers of those that are alike in all that could excuse them: what
/// excuses one excuses them all.
const KEPT_ALIKE: usize = 32;
/// Differences kept of one pair of answers.
const KEPT: usize = 1000;
/// The character of the difference that stands for those beyond [`KEPT`]. Noise never excuses it.
pub(crate) const MORE: &str = "more differences than are kept";

/// Compares outcomes by meaning.
#[derive(Clone, Copy)]
pub struct Differ<'a> {
    rules: &'a Rules,
    redact: Redact<'a>,
    decoded_bytes: usize,
}

impl<'a> Differ<'a> {
    /// A differ that notes at each difference which rules cover it, and asks `redact(path, text)` what
    /// may be shown of a text. Names of members come with an empty path.
    pub fn new(rules: &'a Rules, redact: Redact<'a>) -> Self {
        Differ {
            rules,
            redact,
            decoded_bytes: decode::DECODED_BYTES,
        }
    }

    /// Bounds the decoded size of a body in bytes (default 32 MiB). A longer body differs from
    /// everything but its own bytes.
    #[must_use]
    pub fn with_decoded_bytes(self, decoded_bytes: usize) -> Self {
        Differ {
            decoded_bytes,
            ..self
        }
    }

    /// Every place at which the contender's outcome differs from the baseline's, and nothing else.
    ///
    /// Bodies of truncated answers are not compared; [`crate::Row::compare`] counts such a pair as
    /// lost. Repetitive differences are bounded (32 of one pattern, kind, characters and rules; 1000 in all,
    /// with one more at `body` that says so).
    pub fn differences(
        &self,
        endpoint: &str,
        baseline: &Outcome,
        contender: &Outcome,
    ) -> Vec<Difference> {
        self.differences_after(Past::None, endpoint, baseline, contender)
            .differences
    }

    /// As [`Differ::differences`], with what earlier answers say of identifiers and numbers.
    pub(crate) fn differences_after(
        &self,
        past: Past<'_>,
        endpoint: &str,
        baseline: &Outcome,
        contender: &Outcome,
    ) -> Compared {
        let mut found = Found {
            differ: *self,
            past,
            endpoint,
            alike: HashMap::new(),
            kept: Vec::new(),
            bytes: 0,
        };
        match (baseline, contender) {
            (Outcome::Answered(a), Outcome::Answered(b)) => found.answers(a, b),
            _ => found.outcomes(baseline, contender),
        }
        Compared {
            differences: found.kept,
            bytes: found.bytes,
        }
    }
}

/// What came of a comparison.
pub(crate) struct Compared {
    pub(crate) differences: Vec<Difference>,
    /// Bytes of the baseline's body without its codings.
    pub(crate) bytes: u64,
}

/// What is known of earlier answers.
pub(crate) enum Past<'p> {
    None,
    /// It goes on with these.
    Goes(&'p mut Strand),
    /// It is asked what it would say of these, and forgets them.
    Asked(&'p Strand),
}

/// Differences of one pair of outcomes.
struct Found<'d, 'e> {
    differ: Differ<'d>,
    past: Past<'e>,
    endpoint: &'e str,
    alike: HashMap<Like, Alike>,
    kept: Vec<Difference>,
    bytes: u64,
}

/// Differences that are alike.
#[derive(Default)]
struct Alike {
    count: usize,
    /// How far apart their values are at most.
    reach: Reach,
    /// The last one that is kept.
    last: Option<usize>,
}

/// One side of a difference that is no JSON value.
#[derive(Clone, Copy)]
enum Side<'a> {
    Absent,
    /// A value to redact.
    Text(&'a str),
    /// A description that is its own character.
    Word(&'a str),
}

impl<'a> Side<'a> {
    fn plain(self) -> Option<Plain<'a>> {
        match self {
            Side::Text(text) => Some(Plain::Text(text)),
            Side::Absent | Side::Word(_) => None,
        }
    }

    fn character(self) -> Character {
        match self {
            Side::Absent => character::absent(),
            Side::Text(text) => character::of_text(text),
            Side::Word(word) => Character(word.to_owned()),
        }
    }

    fn shown(self, redact: Redact<'_>, path: &str) -> String {
        match self {
            Side::Absent => String::new(),
            Side::Text(text) => shown::text(redact, path, text),
            Side::Word(word) => word.to_owned(),
        }
    }
}

impl Found<'_, '_> {
    fn outcomes(&mut self, baseline: &Outcome, contender: &Outcome) {
        let word = |outcome: &Outcome| match outcome {
            Outcome::Answered(_) => "answered".to_owned(),
            Outcome::Failed(failure) => format!("failed: {}", failure.kind),
        };
        let (a, b) = (word(baseline), word(contender));
        if a != b {
            self.plain("outcome", Kind::Outcome, Side::Word(&a), Side::Word(&b));
        }
    }

    fn answers(&mut self, a: &Answer, b: &Answer) {
        if a.code != b.code {
            let (a, b) = (a.code.to_string(), b.code.to_string());
            // A code is its own character: noise that knows 200 and 503 does not excuse 500.
            self.plain("code", Kind::Code, Side::Word(&a), Side::Word(&b));
        }
        for found in fields::compare(a, b) {
            let side = |value| Option::map_or(value, Side::Absent, Side::Text);
            let (a, b) = (
                side(found.baseline.as_deref()),
                side(found.contender.as_deref()),
            );
            self.plain(&found.path, found.kind, a, b);
        }
        if !a.truncated && !b.truncated {
            self.bodies(a, b);
        }
    }

    fn bodies(&mut self, a: &Answer, b: &Answer) {
        self.bytes = a.body.len() as u64;
        let (codings_a, codings_b) = (decode::codings(a), decode::codings(b));
        if a.body == b.body && codings_a == codings_b {
            return;
        }
        let bound = self.differ.decoded_bytes;
        let body_a = decode::body(a, &codings_a, bound);
        let body_b = decode::body(b, &codings_b, bound);
        let (Ok(body_a), Ok(body_b)) = (&body_a, &body_b) else {
            let word = |error: Option<decode::Undecodable>| {
                error.map_or_else(|| "decodable".to_owned(), |error| error.to_string())
            };
            let (a, b) = (word(body_a.err()), word(body_b.err()));
            return self.plain("body", Kind::Bytes, Side::Word(&a), Side::Word(&b));
        };
        self.bytes = body_a.len() as u64;
        if body_a == body_b {
            return;
        }
        if body_a.is_empty() || body_b.is_empty() {
            return self.one_is_empty(body_a, body_b);
        }
        let said = document::form_of(a).filter(|form| document::form_of(b) == Some(*form));
        let wrong = |body: &Body<'_>| match body {
            Body::Document(document) => said.filter(|said| *said != document.form),
            _ => said,
        };
        let (read_a, read_b) = (document::read(a, body_a), document::read(b, body_b));
        match (&read_a, &read_b) {
            (Body::Document(x), Body::Document(y)) if x.form == y.form => self.documents(x, y),
            _ => match (wrong(&read_a), wrong(&read_b)) {
                // Both say what it is, and one of them is right.
                (None, Some(form)) if said.is_some() => {
                    self.not_both(&read_a, body_b, form, false);
                }
                (Some(form), None) if said.is_some() => {
                    self.not_both(&read_b, body_a, form, true);
                }
                _ => self.opaque((&read_a, body_a), (&read_b, body_b)),
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
                shown::text(redact, "body", text),
            ),
            Err(_) => (character::of_bytes(body), format!("{} bytes", body.len())),
        };
        let redact = self.differ.redact;
        let site = Site {
            bytes: a.len() as u64,
            ..Site::at("body")
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
                let (shown, _) =
                    shown::pair(redact, "body", Seen::Value(&document.root), Seen::Absent);
                (character::of_json(&document.root), shown)
            }
            _ => (Character(form.name().into()), String::new()),
        };
        let wrong_shown = shown::text(redact, "body", &String::from_utf8_lossy(wrong));
        let wrong = (Character(format!("not {}", form.name())), wrong_shown);
        let (a, b) = if swapped {
            (wrong, right)
        } else {
            (right, wrong)
        };
        let site = Site {
            bytes: self.bytes,
            ..Site::at("body")
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
            if let (Body::Text(_, x), Body::Text(_, y)) = (body_a, body_b) {
                self.layouts(x, y);
            }
            return self.texts(&a, &b);
        }
        for run in runs::compare(bytes_a, bytes_b) {
            let side = |bytes: &[u8]| match bytes {
                [] => (character::absent(), String::new()),
                bytes => (character::of_bytes(bytes), shown::bytes(bytes, run.start)),
            };
            let site = Site {
                spot: Some(run.spot),
                bytes: run.baseline.len().max(1) as u64,
                ..Site::at("body")
            };
            let (a, b) = (side(run.baseline), side(run.contender));
            self.keep(site, Kind::Bytes, a, b, Relation::default());
        }
    }

    /// Texts without a structure, line by line.
    fn texts(&mut self, a: &str, b: &str) {
        let lines = |text: &str| -> Vec<Json> {
            let one = |line: &str| Json::new(Value::String(line.into()));
            document::lines_of(text).map(one).collect()
        };
        let (lines_a, lines_b) = (lines(a), lines(b));
        let aligned = align::align(&lines_a, &lines_b);
        if aligned.reordered {
            let site = Site {
                bytes: a.len() as u64,
                ..Site::at("body")
            };
            let (shown_a, shown_b) = shown::texts(self.differ.redact, "body", a, b);
            let of = |text| character::of_text_body(text);
            self.keep(
                site,
                Kind::Order,
                (of(a), shown_a),
                (of(b), shown_b),
                Relation::default(),
            );
        }
        let is_one_line = lines_a.len() == 1;
        let line_a = |i: usize| Some(((!is_one_line).then_some(i), string_of(&lines_a[i])));
        for (i, j) in aligned.changed {
            self.line(line_a(i), Some(string_of(&lines_b[j])));
        }
        for i in aligned.missing {
            self.line(line_a(i), None);
        }
        for j in aligned.extra {
            self.line(None, Some(string_of(&lines_b[j])));
        }
    }

    /// A line that both have and that differs, or that only one has; with its index where there are several.
    fn line(&mut self, a: Option<(Option<usize>, &str)>, b: Option<&str>) {
        let at = a.and_then(|(at, _)| at);
        let site = Site {
            path: at.map_or_else(|| "body".into(), |at| format!("body:{}", at + 1)),
            ..Site::at("body")
        };
        if let (Some((_, a)), Some(b)) = (a, b) {
            return self.values(site, Kind::Text, "", a, b, None);
        }
        let redact = self.differ.redact;
        let side = |line: Option<&str>| match line {
            None => (character::absent(), String::new()),
            Some(line) => (
                character::of_text_body(line),
                shown::text(redact, "body", line),
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

    /// Two texts at a place that differ: by token where they have enough in common.
    fn values(
        &mut self,
        site: Site,
        kind: Kind,
        name: &str,
        a: &str,
        b: &str,
        rules: Option<Vec<u32>>,
    ) {
        let rules =
            rules.unwrap_or_else(|| self.differ.rules.at_place(self.endpoint, "body", kind));
        let redact = self.differ.redact;
        let shown = |a, b| match kind {
            Kind::Text => shown::texts(redact, "body", a, b),
            _ => shown::quoted_texts(redact, &site.path, a, b),
        };
        let whole = shown(a, b);
        let Some(tokens) = text::compare(a, b) else {
            let relation = self.relation(
                kind,
                &site.pattern,
                name,
                Some((Plain::Text(a), Plain::Text(b))),
            );
            let site = Site {
                bytes: a.len() as u64,
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
            let Spot::Token { around, .. } = token.spot else {
                continue;
            };
            let at = format!("{}~{around:08x}", site.pattern);
            let values = token.baseline.zip(token.contender);
            let values = values.map(|(a, b)| (Plain::Text(a), Plain::Text(b)));
            let relation = self.relation(kind, &at, "", values);
            let site = Site {
                spot: Some(token.spot),
                bytes: token.baseline.map_or(1, |text| text.len() as u64),
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
        let mut selected: Option<Selected> = None;
        tree::compare(form, a, b, &mut |steps, kind, seen_a, seen_b| {
            let rules = selected
                .get_or_insert_with(|| self.differ.rules.in_documents(self.endpoint, a, b))
                .at(steps, kind);
            let name = steps.iter().rev().find_map(|step| match step {
                Step::Name(name) => Some(*name),
                Step::Index { .. } => None,
            });
            let name = name.unwrap_or_default();
            let site = Site {
                path: self.path(steps, Indices::Baseline),
                pattern: self.path(steps, Indices::Any),
                spot: None,
                position: place::position(steps),
                bytes: seen_a.bytes().or(seen_b.bytes()).unwrap_or_default(),
            };
            if let (Kind::Value, Some(a), Some(b)) = (kind, seen_a.string(), seen_b.string()) {
                return self.values(site, kind, name, a, b, Some(rules));
            }
            let values = Plain::seen(seen_a).zip(Plain::seen(seen_b));
            let relation = self.relation(kind, &site.pattern, name, values);
            let like = site.like(kind, character_of(seen_a), character_of(seen_b), rules);
            let redact = self.differ.redact;
            let path = site.path.clone();
            self.push(like, site, relation, || {
                shown::pair(redact, &path, seen_a, seen_b)
            });
        });
    }

    /// How two documents of one form are written.
    fn layouts(&mut self, a: &Layout, b: &Layout) {
        let (a, b) = (a.text(), b.text());
        if a != b {
            let side = |text: &str| match text {
                "" => Character("usual layout".into()),
                text => character::of_text_body(text),
            };
            let (of_a, of_b) = (side(&a), side(&b));
            let (shown_a, shown_b) = shown::texts(self.differ.redact, LAYOUT, &a, &b);
            let site = Site::at(LAYOUT);
            self.keep(
                site,
                Kind::Text,
                (of_a, shown_a),
                (of_b, shown_b),
                Relation::default(),
            );
        }
    }

    /// What two values at a place are to one another.
    fn relation(
        &mut self,
        kind: Kind,
        pattern: &str,
        name: &str,
        values: Option<(Plain<'_>, Plain<'_>)>,
    ) -> Relation {
        let Some((a, b)) = values.filter(|_| matches!(kind, Kind::Value | Kind::Text)) else {
            return Relation::default();
        };
        let spot = history::Spot {
            endpoint: self.endpoint,
            pattern,
            name,
        };
        let distance = relation::distance(a, b);
        // Every clock rises; of moments the distance says more.
        let is_moment = matches!(distance, Some(Distance::Time { .. }));
        let (bond, course) = match &mut self.past {
            Past::None => (None, None),
            Past::Goes(strand) => (
                strand.bond(spot, a, b),
                strand.course(spot, b).filter(|_| !is_moment),
            ),
            Past::Asked(strand) => (strand.would_be(spot, a, b), None),
        };
        Relation {
            distance,
            course,
            bond,
        }
    }

    /// The path of these steps as it may be shown.
    fn path(&self, steps: &[Step<'_>], indices: Indices) -> String {
        let mut path = String::from("$");
        for step in steps {
            match step {
                Step::Name(name) => {
                    write_name(&mut path, &shown::shown_name(self.differ.redact, name))
                }
                Step::Index { .. } => step.write(&mut path, indices),
            }
        }
        path
    }

    fn plain(&mut self, path: &str, kind: Kind, a: Side<'_>, b: Side<'_>) {
        let redact = self.differ.redact;
        let (baseline, contender) = match (a, b) {
            (Side::Text(a), Side::Text(b)) => shown::texts(redact, path, a, b),
            _ => (a.shown(redact, path), b.shown(redact, path)),
        };
        let name = path.rsplit([':', ';']).next().unwrap_or_default();
        let relation = self.relation(kind, path, name, a.plain().zip(b.plain()));
        let site = Site {
            bytes: if path == "body" { self.bytes } else { 0 },
            ..Site::at(path)
        };
        self.keep(
            site,
            kind,
            (a.character(), baseline),
            (b.character(), contender),
            relation,
        );
    }

    /// Keeps a difference beside the documents, of these characters and previews.
    fn keep(
        &mut self,
        site: Site,
        kind: Kind,
        a: (Character, String),
        b: (Character, String),
        relation: Relation,
    ) {
        let rules = self
            .differ
            .rules
            .at_place(self.endpoint, &site.pattern, kind);
        let like = site.like(kind, a.0, b.0, rules);
        self.push(like, site, relation, || (a.1, b.1));
    }

    /// Keeps a difference if there is room for it. Of many that are alike, those whose values are farther apart than
    /// all before are kept; what the others would leave uncompared goes to the last one kept, since
    /// what excuses it excuses them. Says once when there are too many.
    fn push(
        &mut self,
        like: Like,
        site: Site,
        relation: Relation,
        shown: impl FnOnce() -> (String, String),
    ) {
        if self.kept.len() > KEPT {
            return;
        }
        let alike = self.alike.entry(like.clone()).or_default();
        alike.count += 1;
        let is_farther = alike.reach.take(&relation);
        if alike.count > KEPT_ALIKE && !is_farther {
            if let Some(last) = alike.last.and_then(|at| self.kept.get_mut(at)) {
                last.bytes += site.bytes;
            }
            return;
        }
        if self.kept.len() == KEPT {
            let kind = Kind::Value;
            let site = Site::at("body");
            let rules = self.differ.rules.at_place(self.endpoint, "body", kind);
            let character = || Character(MORE.into());
            let more = site.like(kind, character(), character(), rules);
            let shown = (String::new(), MORE.into());
            self.kept
                .push(more.difference(site, shown, Relation::default()));
            return;
        }
        alike.last = Some(self.kept.len());
        self.kept.push(like.difference(site, shown(), relation));
    }
}

/// The place of how a document is written.
const LAYOUT: &str = "body;layout";

/// Where a difference is, and how much is there.
#[derive(Clone)]
struct Site {
    path: String,
    pattern: String,
    spot: Option<Spot>,
    position: Option<Position>,
    bytes: u64,
}

impl Site {
    /// A place beside the documents, or a body as a whole.
    fn at(place: &str) -> Site {
        Site {
            path: place.to_owned(),
            pattern: place.to_owned(),
            spot: None,
            position: None,
            bytes: 0,
        }
    }

    fn like(&self, kind: Kind, a: Character, b: Character, rules: Vec<u32>) -> Like {
        Like {
            pattern: self.pattern.clone(),
            kind,
            baseline: a,
            contender: b,
            rules,
            spot: self.spot,
            position: self.position,
        }
    }
}

/// Everything about a difference that decides whether it is excused, but for its relation.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Like {
    pattern: String,
    kind: Kind,
    baseline: Character,
    contender: Character,
    rules: Vec<u32>,
    spot: Option<Spot>,
    position: Option<Position>,
}

impl Like {
    fn difference(
        self,
        site: Site,
        (baseline, contender): (String, String),
        relation: Relation,
    ) -> Difference {
        Difference {
            path: site.path,
            pattern: self.pattern,
            kind: self.kind,
            baseline,
            contender,
            baseline_character: self.baseline,
            contender_character: self.contender,
            relation,
            rules: self.rules,
            spot: self.spot,
            position: self.position,
            bytes: site.bytes,
        }
    }
}

fn character_of(seen: Seen<'_>) -> Character {
    match seen {
        Seen::Absent => character::absent(),
        Seen::Value(json) => character::of_json(json),
        Seen::Times(times) => Character(format!("{times} times")),
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

fn string_of(json: &Json) -> &str {
    match json.value() {
        Value::String(text) => text,
        _ => "",
    }
}

#[cfg(test)]
mod tests;
