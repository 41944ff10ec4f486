//! The difference of two outcomes.

use crate::history::{Spot, Strand};
use crate::json::Json;
use crate::place::{Indices, Step, write_name};
use crate::relation::{self, Plain, Reach};
use crate::rules::{Rules, Selected};
use crate::shown::{self, Redact};
use crate::tree::{self, Seen};
use crate::{character, decode, fields};
use std::collections::HashMap;
use understudy_model::{
    Answer, Character, Difference, DifferenceKind as Kind, Distance, Outcome, Relation,
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
    }

    /// As [`Differ::differences`], with what earlier answers say of identifiers and numbers.
    pub(crate) fn differences_after(
        &self,
        past: Past<'_>,
        endpoint: &str,
        baseline: &Outcome,
        contender: &Outcome,
    ) -> Vec<Difference> {
        let mut found = Found {
            differ: *self,
            past,
            endpoint,
            alike: HashMap::new(),
            kept: Vec::new(),
        };
        match (baseline, contender) {
            (Outcome::Answered(a), Outcome::Answered(b)) => found.answers(a, b),
            _ => found.outcomes(baseline, contender),
        }
        found.kept
    }
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
    /// How many there are of each kind, and how far apart their values are at most.
    alike: HashMap<Like, (usize, Reach)>,
    kept: Vec<Difference>,
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
        if body_a == body_b {
            return;
        }
        let (json_a, json_b) = (Json::parse(body_a).ok(), Json::parse(body_b).ok());
        let both_say = fields::says_json(a) && fields::says_json(b);
        match (json_a, json_b) {
            (Some(a), Some(b)) if both_say || a.is_structured() && b.is_structured() => {
                self.documents(&a, &b);
            }
            (Some(json), None) if both_say && !body_b.is_empty() => {
                self.not_both_json(&json, body_b, false);
            }
            (None, Some(json)) if both_say && !body_a.is_empty() => {
                self.not_both_json(&json, body_a, true);
            }
            _ => self.opaque(body_a, body_b),
        }
    }

    /// Both say JSON and only one is.
    fn not_both_json(&mut self, json: &Json, other: &[u8], swapped: bool) {
        let redact = self.differ.redact;
        let (json_shown, _) = shown::pair(redact, "body", Seen::Value(json), Seen::Absent);
        let other_shown = shown::text(redact, "body", &String::from_utf8_lossy(other));
        let json = (character::of_json(json), json_shown);
        let other = (Character("not json".into()), other_shown);
        let (a, b) = if swapped {
            (other, json)
        } else {
            (json, other)
        };
        self.keep("body", Kind::Type, a, b, Relation::default());
    }

    /// Bodies that are not both JSON.
    fn opaque(&mut self, a: &[u8], b: &[u8]) {
        let kind = |kind| match (a.is_empty(), b.is_empty()) {
            (true, _) => Kind::Extra,
            (_, true) => Kind::Missing,
            _ => kind,
        };
        if let (Some(a), Some(b)) = (as_text(a), as_text(b)) {
            let (shown_a, shown_b) = shown::texts(self.differ.redact, "body", a, b);
            let character = |text: &str| match text {
                "" => character::absent(),
                text => character::of_text_body(text),
            };
            self.keep(
                "body",
                kind(Kind::Text),
                (character(a), shown_a),
                (character(b), shown_b),
                Relation::default(),
            );
        } else {
            let side = |bytes: &[u8]| match bytes {
                [] => (character::absent(), String::new()),
                bytes => (character::of_bytes(bytes), format!("{} bytes", bytes.len())),
            };
            let (a, b) = (side(a), side(b));
            self.keep("body", kind(Kind::Bytes), a, b, Relation::default());
        }
    }

    fn documents(&mut self, a: &Json, b: &Json) {
        let mut selected: Option<Selected> = None;
        tree::compare(a, b, &mut |steps, kind, seen_a, seen_b| {
            let rules = selected
                .get_or_insert_with(|| self.differ.rules.in_documents(self.endpoint, a, b))
                .at(steps, kind);
            let like = Like {
                pattern: self.path(steps, Indices::Any),
                kind,
                baseline: character_of(seen_a),
                contender: character_of(seen_b),
                rules,
            };
            let name = steps.iter().rev().find_map(|step| match step {
                Step::Name(name) => Some(*name),
                Step::Index { .. } => None,
            });
            let values = Plain::seen(seen_a).zip(Plain::seen(seen_b));
            let relation = self.relation(kind, &like.pattern, name.unwrap_or_default(), values);
            if self.has_room(&like, &relation) {
                let path = self.path(steps, Indices::Baseline);
                let shown = shown::pair(self.differ.redact, &path, seen_a, seen_b);
                self.kept.push(like.difference(path, shown, relation));
            }
        });
    }

    /// What two values at a place are to one another.
    fn relation(
        &mut self,
        kind: Kind,
        pattern: &str,
        name: &str,
        values: Option<(Plain<'_>, Plain<'_>)>,
    ) -> Relation {
        let Some((a, b)) = values.filter(|_| kind == Kind::Value) else {
            return Relation::default();
        };
        let spot = Spot {
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
        self.keep(
            path,
            kind,
            (a.character(), baseline),
            (b.character(), contender),
            relation,
        );
    }

    /// Keeps a difference beside the documents, of these characters and previews.
    fn keep(
        &mut self,
        place: &str,
        kind: Kind,
        a: (Character, String),
        b: (Character, String),
        relation: Relation,
    ) {
        let rules = self.differ.rules.at_place(self.endpoint, place, kind);
        let like = Like {
            pattern: place.to_owned(),
            kind,
            baseline: a.0,
            contender: b.0,
            rules,
        };
        if self.has_room(&like, &relation) {
            self.kept
                .push(like.difference(place.to_owned(), (a.1, b.1), relation));
        }
    }

    /// May one more difference like this be kept? Of many that are alike, those whose values are
    /// farther apart than all before are. Says once when there are too many.
    fn has_room(&mut self, like: &Like, relation: &Relation) -> bool {
        if self.kept.len() > KEPT {
            return false;
        }
        let (alike, reach) = self.alike.entry(like.clone()).or_default();
        *alike += 1;
        let is_farther = reach.take(relation);
        if *alike > KEPT_ALIKE && !is_farther {
            return false;
        }
        if self.kept.len() == KEPT {
            let more = Like {
                pattern: "body".into(),
                kind: Kind::Value,
                baseline: Character(MORE.into()),
                contender: Character(MORE.into()),
                rules: self
                    .differ
                    .rules
                    .at_place(self.endpoint, "body", Kind::Value),
            };
            let shown = (String::new(), MORE.into());
            self.kept
                .push(more.difference("body".into(), shown, Relation::default()));
            return false;
        }
        true
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
}

impl Like {
    fn difference(
        self,
        path: String,
        (baseline, contender): (String, String),
        relation: Relation,
    ) -> Difference {
        Difference {
            path,
            pattern: self.pattern,
            kind: self.kind,
            baseline,
            contender,
            baseline_character: self.baseline,
            contender_character: self.contender,
            relation,
            rules: self.rules,
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

/// The body as text; anything with a NUL is none.
fn as_text(body: &[u8]) -> Option<&str> {
    std::str::from_utf8(body)
        .ok()
        .filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests;
