//! What the incumbent shows at one place, and what fits it.

use crate::character;
use crate::relation::Reach;
use std::collections::{BTreeMap, BTreeSet};
use understudy_model::{Bond, Course, Difference, DifferenceKind as Kind, Distance, Relation};

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

    fn has(&self, test: impl Fn(&Relation) -> bool) -> bool {
        self.all.iter().any(|difference| test(&difference.relation))
    }

    pub(super) fn is_broken(&self) -> bool {
        self.has(|relation| relation.bond == Some(Bond::Broken))
    }

    /// Was an identifier met again, and all of them were still one another's?
    pub(super) fn is_kept(&self) -> bool {
        self.has(|relation| relation.bond == Some(Bond::Kept)) && !self.is_broken()
    }
}

/// Pairs that differ at a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pairs {
    all: u64,
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
pub(super) struct Place {
    /// Pairs of the incumbent with itself that differ here, by kind.
    pub(super) kinds: BTreeMap<Kind, u64>,
    /// The characters that the incumbent shows here.
    pub(super) characters: BTreeSet<String>,
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

impl Place {
    pub(super) fn learn(&mut self, pair: &Pair<'_>, pairs: u64) {
        let kinds: BTreeSet<Kind> = pair.all.iter().map(|difference| difference.kind).collect();
        for kind in kinds {
            *self.kinds.entry(kind).or_default() += pairs;
        }
        for difference in &pair.all {
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
            && character::accepts(&shown, &difference.contender_character.0)
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
fn is_as_often(candidate: u64, itself: u64) -> bool {
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
