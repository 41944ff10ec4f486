//! The difference of two outcomes.

mod bodies;
mod lines;

use bodies::Texts;

use crate::dialect::{Contents, Dialect, FieldDifference};
use crate::document::Form;
use crate::hash::Hash;
use crate::history::{self, Strand};
use crate::http::Http;
use crate::json::{self, Json};
use crate::place::{self, Indices, Step};
use crate::preview::{self, Redact};
use crate::relation::{self, Plain, Reach};
use crate::rules::{At, Rules, Values};
use crate::{character, decode, tree};
use std::collections::HashMap;
use understudy_model::place::ValuePath;
use understudy_model::{
    Answer, Character, Difference, DifferenceKind as Kind, Distance, Outcome, Place, Position,
    Relation, Spot,
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
    pub(crate) dialect: &'a dyn Dialect,
    contents: Option<&'a dyn Contents>,
}

impl<'a> Differ<'a> {
    /// A differ of answers over HTTP that notes at each difference which rules cover it, and asks `redact(place, text)` what
    /// may be shown of a text. Names of members come without a place.
    pub fn new(rules: &'a Rules, redact: Redact<'a>) -> Self {
        Differ {
            rules,
            redact,
            decoded_bytes: decode::DECODED_BYTES,
            dialect: &Http,
            contents: None,
        }
    }

    /// Compares answers of another kind of subject.
    #[must_use]
    pub fn speaking(self, dialect: &'a dyn Dialect) -> Self {
        Differ { dialect, ..self }
    }

    /// Compares with this what the dialect leaves to a reader outside of this crate.
    #[must_use]
    pub fn with_contents(self, contents: &'a dyn Contents) -> Self {
        let contents = Some(contents);
        Differ { contents, ..self }
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
    /// What was cut off or could not be read is not compared, and two subjects that both failed leave nothing to
    /// compare: [`crate::Row::compare`] counts such pairs as lost. Repetitive differences are bounded (32 of one pattern, kind, characters and rules; 1000 in all,
    /// with one more at `body` that says so).
    pub fn differences(
        &self,
        operation: &str,
        baseline: &Outcome,
        contender: &Outcome,
    ) -> Vec<Difference> {
        self.differences_after(Past::None, operation, baseline, contender)
            .differences
    }

    /// As [`Differ::differences`], with what earlier answers say of identifiers and numbers.
    pub(crate) fn differences_after<'e>(
        &self,
        past: Past<'e>,
        operation: &'e str,
        baseline: &'e Outcome,
        contender: &'e Outcome,
    ) -> Compared {
        let mut found = Found {
            differ: *self,
            past,
            operation,
            part: Place::BODY,
            alike: HashMap::new(),
            kept: Vec::new(),
            bytes: 0,
            all_bytes: 0,
            unread: None,
        };
        match (baseline, contender) {
            (Outcome::Answered(a), Outcome::Answered(b)) => found.answers(a, b),
            _ => found.outcomes(baseline, contender),
        }
        Compared {
            differences: found.kept,
            bytes: found.all_bytes,
            unread: found.unread,
        }
    }
}

/// What came of a comparison.
pub(crate) struct Compared {
    pub(crate) differences: Vec<Difference>,
    /// Bytes of the baseline's body without its codings.
    pub(crate) bytes: u64,
    /// What was not compared, if anything was not.
    pub(crate) unread: Option<String>,
}

/// What is known of earlier answers.
pub(crate) enum Past<'p> {
    None,
    /// It continues with these; the second is what the incumbent shows against itself, where another pair is
    /// compared.
    Goes(&'p mut Strand, Option<&'p Strand>),
    /// It is asked what it would say of these, and forgets them.
    Asked(&'p Strand),
}

/// Differences of one pair of outcomes.
struct Found<'d, 'e> {
    differ: Differ<'d>,
    past: Past<'e>,
    operation: &'e str,
    /// The part that is compared, as a whole.
    part: Place,
    alike: HashMap<Like, Alike>,
    kept: Vec<Difference>,
    /// Bytes of the baseline's part, and of all its parts so far, without their codings.
    bytes: u64,
    all_bytes: u64,
    /// The first thing that was not compared.
    unread: Option<String>,
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

    fn shown(self, redact: Redact<'_>, place: &Place) -> String {
        match self {
            Side::Absent => String::new(),
            Side::Text(text) => preview::text(redact, place, text),
            Side::Word(word) => word.to_owned(),
        }
    }
}

impl<'e> Found<'_, 'e> {
    fn outcomes(&mut self, baseline: &Outcome, contender: &Outcome) {
        let answered = self.differ.dialect.answered();
        let word = |outcome: &Outcome| match outcome {
            Outcome::Answered(_) => answered.to_owned(),
            Outcome::Failed(failure) => format!("failed: {}", failure.kind),
        };
        let (a, b) = (word(baseline), word(contender));
        if a != b {
            let (a, b) = (Side::Word(&a), Side::Word(&b));
            self.plain(&Place::Outcome, Kind::Outcome, a, b);
        }
    }

    fn answers(&mut self, a: &'e Answer, b: &'e Answer) {
        let dialect = self.differ.dialect;
        if a.status.code != b.status.code {
            let (a, b) = (dialect.status(a.status.code), dialect.status(b.status.code));
            // A code is its own character: noise that knows 200 and 503 does not excuse 500.
            self.plain(&Place::Status, Kind::Code, Side::Word(&a), Side::Word(&b));
        }
        if let Some(why) = a.unread.first().or(b.unread.first()) {
            self.not_compared(why.clone());
        }
        for found in dialect.fields(a, b) {
            if !is_uncertain(found.kind, a, b) {
                self.field(&found);
            }
        }
        self.parts(a, b);
    }

    fn field(&mut self, found: &FieldDifference) {
        let place = &found.place;
        if found.is_word {
            let values = (found.baseline.as_deref(), found.contender.as_deref());
            return self.words(Site::at(place), found.kind, values);
        }
        let side = |value| Option::map_or(value, Side::Absent, Side::Text);
        let (a, b) = (
            side(found.baseline.as_deref()),
            side(found.contender.as_deref()),
        );
        match (found.kind, a, b) {
            (Kind::Value, Side::Text(a), Side::Text(b)) => self.header(place, a, b),
            _ => self.plain(place, found.kind, a, b),
        }
    }

    /// Texts of a fixed meaning, each of which is its own character and may hold what must not be shown.
    fn words(&mut self, site: Site, kind: Kind, (a, b): (Option<&str>, Option<&str>)) {
        let redact = self.differ.redact;
        let character = |word: Option<&str>| match word {
            None => character::absent(),
            Some(word) => {
                let hash = Hash::new(b'm').bytes(word.as_bytes()).finish_64();
                Character(format!("word #{:08x}", hash as u32))
            }
        };
        let shown = match (a, b) {
            (Some(a), Some(b)) => preview::texts(redact, &site.path, a, b),
            _ => {
                let one = |word: Option<&str>| {
                    word.map_or_else(String::new, |word| preview::text(redact, &site.path, word))
                };
                (one(a), one(b))
            }
        };
        let (a, b) = ((character(a), shown.0), (character(b), shown.1));
        self.keep(site, kind, a, b, Relation::default());
    }

    fn not_compared(&mut self, why: String) {
        self.unread.get_or_insert(why);
    }

    /// What two values at a place are to one another.
    fn relation(
        &mut self,
        kind: Kind,
        (place, around): (&Place, Option<u32>),
        name: &str,
        values: Option<(Plain<'_>, Plain<'_>)>,
    ) -> Relation {
        let Some((a, b)) = values.filter(|_| matches!(kind, Kind::Value | Kind::Text)) else {
            return Relation::default();
        };
        let spot = history::Spot {
            operation: self.operation,
            place,
            around,
            name,
        };
        let distance = relation::distance(a, b);
        // Every clock rises; of moments the distance says more.
        let is_moment = matches!(distance, Some(Distance::Time { .. }));
        let (bond, course) = match &mut self.past {
            Past::None => (None, None),
            Past::Goes(strand, itself) => (
                strand.bond(*itself, spot, a, b),
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

    /// The place to which these steps lead in the document of the part, as it may be shown.
    fn value(&self, steps: &[Step<'_>], indices: Indices) -> Place {
        let mut path = ValuePath::root();
        for step in steps {
            match step.name(indices) {
                Some(name) => path.push_name(&preview::shown_name(self.differ.redact, name)),
                None => step.push(&mut path, indices),
            }
        }
        self.part.document(path)
    }

    /// A header or cookie that both have, by token.
    fn header(&mut self, place: &Place, a: &str, b: &str) {
        let is_cookie = matches!(place, Place::Cookie(..));
        let token = |text| json::embedded(text).filter(|_| is_cookie);
        if let (Some(a), Some(b)) = (token(a), token(b)) {
            return self.cookie_documents(place, &a, &b);
        }
        let text = Texts {
            kind: Kind::Value,
            name: place.name(),
            section: 0,
        };
        let values = At::texts(a, b);
        let rules = self
            .differ
            .rules
            .between(self.operation, place, Kind::Value, values);
        self.values(Site::at(place), text, (a, b), rules);
    }

    /// Cookies that are JSON web tokens, or JSON: `cookie:session;jwt.claims.sub`.
    fn cookie_documents(&mut self, cookie: &Place, a: &Json, b: &Json) {
        tree::compare(
            (Form::Json, &|_| None),
            a,
            b,
            &mut |steps, kind, seen_a, seen_b| {
                let place = place::as_attribute(cookie, steps);
                let values = At::seen(seen_a, seen_b);
                let rules = self
                    .differ
                    .rules
                    .between(self.operation, &place, kind, values);
                let (site, name) = (Site::at(&place), place::last_name(steps));
                // What may be shown of the cookie may be shown of its parts.
                self.whole(kind, name, (seen_a, seen_b), (site, cookie), rules);
            },
        );
    }

    fn plain(&mut self, place: &Place, kind: Kind, a: Side<'_>, b: Side<'_>) {
        let redact = self.differ.redact;
        let (baseline, contender) = match (a, b) {
            (Side::Text(a), Side::Text(b)) => preview::texts(redact, place, a, b),
            _ => (a.shown(redact, place), b.shown(redact, place)),
        };
        let both = a.plain().zip(b.plain());
        let relation = self.relation(kind, (place, None), place.name(), both);
        let values = both.map(|(a, b)| (At::from(a), At::from(b)));
        let site = Site {
            bytes: if *place == self.part { self.bytes } else { 0 },
            ..Site::at(place)
        };
        let sides = [(a.character(), baseline), (b.character(), contender)];
        self.keep_between(values, (site, kind), sides, relation);
    }

    /// Keeps a difference outside the documents between values that are not known, with these characters and previews.
    fn keep(
        &mut self,
        site: Site,
        kind: Kind,
        a: (Character, String),
        b: (Character, String),
        relation: Relation,
    ) {
        self.keep_between(None, (site, kind), [a, b], relation);
    }

    /// The same between these values.
    fn keep_between(
        &mut self,
        values: Values<'_>,
        (site, kind): (Site, Kind),
        [a, b]: [(Character, String); 2],
        relation: Relation,
    ) {
        let rules = self
            .differ
            .rules
            .between(self.operation, &site.pattern, kind, values);
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
            let site = Site::at(&Place::BODY);
            let rules = self
                .differ
                .rules
                .at_place(self.operation, &site.pattern, kind);
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

/// Is it unknown whether one of the answers lacks something, because not all of them could be read?
fn is_uncertain(kind: Kind, a: &Answer, b: &Answer) -> bool {
    let all_read = a.unread.is_empty() && b.unread.is_empty();
    !all_read && matches!(kind, Kind::Missing | Kind::Extra)
}

/// Where a difference is, and how much is there.
#[derive(Clone)]
struct Site {
    path: Place,
    pattern: Place,
    spot: Option<Spot>,
    position: Option<Position>,
    bytes: u64,
}

impl Site {
    /// A place outside the documents, or a body as a whole.
    fn at(place: &Place) -> Site {
        Site {
            path: place.clone(),
            pattern: place.clone(),
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
    pattern: Place,
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

#[cfg(test)]
mod tests;
