//! What the incumbent shows at one place, and what fits it.

use super::contexts::Contexts;
use super::offsets::{Covers, Offsets};
use super::positions::Positions;
use crate::character;
use crate::relation::Reach;
use std::collections::{BTreeMap, BTreeSet};
use understudy_model::{
    Bond, Course, Difference, DifferenceKind as Kind, Distance, Relation, Spot,
};

/// Pairs of the incumbent with itself that differ at a place before their values are a model.
const LEARNED: u64 = 10;
/// Powers of two by which a distance may exceed the largest that the incumbent showed. Of k distances
/// the next is the largest with probability 1/(k + 1); eight times as large it is far more rarely,
/// unless their distribution has a heavier tail than 1/x.
const MARGIN: i16 = 3;

/// The differences of one pair at one place.
#[derive(Debug, Default)]
pub(super) struct Pair<'r> {
    all: Vec<&'r Difference>,
}

impl<'r> Pair<'r> {
    pub(super) fn add(&mut self, difference: &'r Difference) {
        self.all.push(difference);
    }

    /// Those of its differences whose spot is like this.
    fn only(&self, test: impl Fn(Option<Spot>) -> bool) -> Pair<'r> {
        let all = self.all.iter().copied();
        Pair {
            all: all.filter(|difference| test(difference.spot)).collect(),
        }
    }

    /// The contexts of its tokens, each once.
    fn contexts(&self) -> BTreeSet<(u32, u32)> {
        let of = |difference: &&Difference| match difference.spot {
            Some(Spot::Token { line, around, .. }) => Some((line, around)),
            _ => None,
        };
        self.all.iter().filter_map(of).collect()
    }

    fn has(&self, test: impl Fn(&Relation) -> bool) -> bool {
        self.all.iter().any(|difference| test(&difference.relation))
    }

    /// What its identifiers are to one another: the worst that any of them is.
    pub(super) fn bond(&self) -> Option<Bond> {
        let worst = [Bond::Broken, Bond::Unnamed, Bond::Kept, Bond::New];
        worst
            .into_iter()
            .find(|bond| self.has(|relation| relation.bond == Some(*bond)))
    }
}

/// Pairs that differ at a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pairs {
    pub(super) all: u64,
    rose: u64,
    fell: u64,
}

impl Pairs {
    pub(super) fn count(&mut self, pair: &Pair<'_>, pairs: u64) {
        let fell = pair.has(|relation| relation.course == Some(Course::Fell));
        let rose = !fell && pair.has(|relation| relation.course == Some(Course::Rose));
        self.all += pairs;
        self.fell += if fell { pairs } else { 0 };
        self.rose += if rose { pairs } else { 0 };
    }
}

/// What is learned of one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Everything that differs here.
    pub(super) all: Values,
    /// What differs here as a whole.
    whole: Values,
    /// Tokens of texts, by all that is before them.
    lines: Contexts,
    /// The same by their nearest words.
    around: Contexts,
    offsets: Offsets,
    positions: Positions,
}

/// Values that the incumbent shows, of which any one may stand for another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Values {
    /// Pairs of the incumbent with itself that differ here, by kind.
    pub(super) kinds: BTreeMap<Kind, u64>,
    /// The characters that the incumbent shows here.
    pub(super) characters: BTreeSet<String>,
    /// The incumbent's own texts differ in their words here, not in numbers and tokens alone.
    words_vary: bool,
    /// How far its values go.
    reach: Reach,
    /// The incumbent with itself.
    pub(super) itself: Pairs,
    /// The incumbent with the candidate, of the pairs that show both.
    pub(super) candidate: Pairs,
}

/// What the values of a place are to one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Model {
    /// Too few pairs to say.
    Unknown,
    /// Numbers that rise from answer to answer.
    Counter,
    /// Numbers or moments so far apart at most.
    Spread,
    /// Nothing but their characters.
    Any,
}

impl Shown {
    /// Learns from pairs of the incumbent with itself that are like this one.
    pub(super) fn learn(&mut self, pair: &Pair<'_>, pairs: u64) {
        self.all.itself.count(pair, pairs);
        self.all.learn(pair, pairs);
        for difference in &pair.all {
            if let Some(position) = difference.position {
                self.positions.learn(position, pairs);
            }
            if let Some(spot) = difference.spot {
                self.offsets.learn(spot);
            }
        }
        let whole = pair.only(|spot| spot.is_none());
        if !whole.all.is_empty() {
            self.whole.itself.count(&whole, pairs);
            self.whole.learn(&whole, pairs);
        }
        for (line, around) in pair.contexts() {
            let token = pair.only(|spot| is_token(spot, line, around));
            self.lines.learn(line, &token, pairs);
            self.around.learn(around, &token, pairs);
        }
    }

    /// Counts pairs with the candidate that are like this one.
    pub(super) fn count_candidate(&mut self, pair: &Pair<'_>, pairs: u64) {
        self.all.candidate.count(pair, pairs);
        let whole = pair.only(|spot| spot.is_none());
        if !whole.all.is_empty() {
            self.whole.candidate.count(&whole, pairs);
        }
        for (line, around) in pair.contexts() {
            let token = pair.only(|spot| is_token(spot, line, around));
            self.lines.count_candidate(line, &token, pairs);
            self.around.count_candidate(around, &token, pairs);
        }
    }

    /// The bytes that are not compared if noise excuses this difference; `None` if it does not.
    pub(super) fn excuses(&self, difference: &Difference) -> Option<u64> {
        let is_allowed = |position| self.positions.allow(position);
        if !difference.position.is_none_or(is_allowed) {
            return None;
        }
        let own = |values: &Values| values.excuses(difference).then_some(difference.bytes);
        match difference.spot {
            Some(Spot::Token { line, around, of }) => match self.values(line, around) {
                Known::Context(values) => own(values),
                Known::NotNoise => None,
                Known::Anywhere => self.all.excuses(difference).then_some(u64::from(of)),
            },
            Some(spot @ Spot::Run { of, .. }) => match self.offsets.cover(spot) {
                Covers::Run => own(&self.all),
                Covers::Body => self.all.excuses(difference).then_some(of),
                Covers::Nothing => None,
            },
            // Texts that have too little in common now and then do so for both.
            None if self.whole.kinds.is_empty() && !self.is_bound_to_tokens() => own(&self.all),
            None => own(&self.whole),
        }
    }

    /// The values that a difference is held against.
    pub(super) fn of(&self, difference: &Difference) -> &Values {
        match difference.spot {
            Some(Spot::Token { line, around, .. }) => match self.values(line, around) {
                Known::Context(values) => values,
                Known::NotNoise | Known::Anywhere => &self.all,
            },
            _ => &self.all,
        }
    }

    fn values(&self, line: u32, around: u32) -> Known<'_> {
        for (contexts, context) in [(&self.lines, line), (&self.around, around)] {
            if let Some(values) = contexts.get(context) {
                return Known::Context(values);
            }
            if contexts.is_closed() {
                return Known::NotNoise;
            }
        }
        Known::Anywhere
    }

    /// Does noise keep to certain tokens here?
    fn is_bound_to_tokens(&self) -> bool {
        self.lines.is_closed() || self.around.is_closed()
    }

    /// May the text keep its other tokens, and which of these are noise? `None` if it may not: it is noise as a
    /// whole, or its place within the text is unknown.
    pub(crate) fn noisy_tokens(&self) -> Option<impl Fn(Spot) -> bool + '_> {
        let is_noise = |spot: Spot| match spot {
            // What is before it on its line is known by its value only next to another text.
            Spot::Token { around, .. } => self.around.get(around).is_some(),
            Spot::Run { .. } => true,
        };
        // Tokens that come and go change what is around the others.
        let come_and_go = self.all.characters.contains("absent");
        let is_bound = self.whole.kinds.is_empty() && self.is_bound_to_tokens();
        (is_bound && !come_and_go && self.all.itself.all >= LEARNED).then_some(is_noise)
    }

    /// May the element at this position be noise?
    pub(crate) fn allows(&self, position: understudy_model::Position) -> bool {
        self.positions.allow(position)
    }
}

/// What is known of a token.
enum Known<'p> {
    /// Noise in a context like its own.
    Context(&'p Values),
    /// Noise keeps to other contexts.
    NotNoise,
    /// Noise may be anywhere in the text.
    Anywhere,
}

fn is_token(spot: Option<Spot>, of_line: u32, near: u32) -> bool {
    matches!(spot, Some(Spot::Token { line, around, .. }) if (line, around) == (of_line, near))
}

impl Values {
    pub(super) fn learn(&mut self, pair: &Pair<'_>, pairs: u64) {
        let kinds: BTreeSet<Kind> = pair.all.iter().map(|difference| difference.kind).collect();
        for kind in kinds {
            *self.kinds.entry(kind).or_default() += pairs;
        }
        for difference in &pair.all {
            let (a, b) = (
                &difference.baseline_character.0,
                &difference.contender_character.0,
            );
            self.words_vary |= a != b && is_words(a) && is_words(b);
            let shown = [
                &difference.baseline_character.0,
                &difference.contender_character.0,
            ];
            for character in shown {
                if !self.characters.contains(character) {
                    self.characters.insert(character.clone());
                }
            }
            self.reach.take(&difference.relation);
        }
    }

    pub(super) fn excuses(&self, difference: &Difference) -> bool {
        let mut shown: BTreeSet<&str> = self.characters.iter().map(String::as_str).collect();
        shown.insert(&difference.baseline_character.0);
        compatible(difference.kind)
            .iter()
            .any(|kind| self.kinds.contains_key(kind))
            && (self.words_vary && is_words(&difference.contender_character.0)
                || character::accepts(&shown, &difference.contender_character.0))
            && is_as_often(self.candidate.all, self.itself.all)
            && self.fits_model(&difference.relation)
    }

    /// May its numbers turn out to rise from answer to answer, or to fall?
    pub(super) fn may_count(&self) -> bool {
        let Pairs { rose, fell, .. } = self.itself;
        rose + fell < 2 * LEARNED || is_rising(rose, fell)
    }

    fn model(&self) -> Model {
        let values = self.kinds.get(&Kind::Value).copied().unwrap_or_default();
        let Pairs { rose, fell, .. } = self.itself;
        if values < LEARNED {
            Model::Unknown
        } else if rose >= LEARNED && is_rising(rose, fell) {
            Model::Counter
        } else if self.reach.seconds.is_some() || self.reach.number.is_some() {
            Model::Spread
        } else {
            Model::Any
        }
    }

    fn fits_model(&self, relation: &Relation) -> bool {
        let model = self.model();
        // Numbers in sequence are given again when a side starts again.
        let is_kept =
            self.reach.broke || model == Model::Counter || relation.bond != Some(Bond::Broken);
        let fits = match model {
            Model::Unknown | Model::Any => true,
            // Whether the candidate's own numbers rise, not how far they are from the incumbent's:
            // it may have begun to count at another time.
            Model::Counter => {
                relation.course != Some(Course::Fell)
                    || is_as_often(self.candidate.fell, self.itself.fell)
            }
            Model::Spread => self.reaches(relation),
        };
        is_kept && fits
    }

    /// Are the values no farther apart than the incumbent's own, with a margin?
    pub(super) fn reaches(&self, relation: &Relation) -> bool {
        let near = |reach: i16, distance: i16| distance <= reach.saturating_add(MARGIN);
        match relation.distance {
            None => self.reach.beyond_measure,
            Some(Distance::Time { seconds }) => {
                self.reach.seconds.is_some_and(|reach| near(reach, seconds))
            }
            Some(Distance::Number { absolute, relative }) => self
                .reach
                .number
                .is_some_and(|(a, r)| near(a, absolute) && near(r, relative)),
        }
    }

    /// The model in words.
    pub(super) fn fits(&self, kind: Kind) -> String {
        if kind != Kind::Value {
            return "whatever has these characters".to_owned();
        }
        let mut text = match self.model() {
            Model::Unknown => {
                format!("these characters; too few pairs to learn more (below {LEARNED})")
            }
            Model::Counter => "a number that rises".to_owned(),
            Model::Any => "these characters".to_owned(),
            Model::Spread => {
                let seconds = self.reach.seconds.map(|s| format!("within {} s", power(s)));
                let number = self.reach.number.map(|(a, r)| match r + MARGIN {
                    ..1 => format!("within {}, and {} of the value", power(a), power(r)),
                    _ => format!("within {}", power(a)),
                });
                let both = [seconds, number].into_iter().flatten();
                both.collect::<Vec<_>>().join(", or ")
            }
        };
        if self.reach.kept && !self.reach.broke {
            text += "; identifiers one to one";
        }
        text
    }
}

/// Is it the character of a text of several words?
fn is_words(character: &str) -> bool {
    character.starts_with("text #")
}

/// Twice to the power of the exponent and the margin, in few digits.
fn power(exponent: i16) -> String {
    let value = f64::from(exponent + MARGIN).exp2();
    match value {
        0.001..1e7 => format!("{}", (value * 1000.0).round() / 1000.0),
        _ => format!("{value:.0e}"),
    }
}

/// Answers overtake one another: some of a counter's numbers come late.
fn is_rising(rose: u64, fell: u64) -> bool {
    fell * 10 <= rose
}

/// See [`super::Noise::excuse`].
pub(super) fn is_as_often(candidate: u64, itself: u64) -> bool {
    candidate <= 5 * itself + 12
}

/// The kinds of noise that excuse a difference of this kind.
fn compatible(kind: Kind) -> &'static [Kind] {
    match kind {
        Kind::Outcome => &[],
        Kind::Code => &[Kind::Code],
        Kind::Value => &[Kind::Value],
        Kind::NumberText => &[Kind::Value, Kind::NumberText],
        Kind::Type => &[Kind::Type],
        Kind::Null => &[Kind::Null],
        Kind::Missing | Kind::Extra => &[Kind::Missing, Kind::Extra],
        Kind::Order => &[Kind::Order],
        Kind::DuplicateKey => &[Kind::DuplicateKey],
        Kind::Text => &[Kind::Text],
        Kind::Bytes => &[Kind::Bytes],
    }
}

#[cfg(test)]
mod tests;
