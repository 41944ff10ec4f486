//! Noise: places where the incumbent differs from itself.
//!
//! Asked the same twice, the incumbent shows which places it does not determine: times, random
//! tokens, unordered lists. A difference of the candidate at such a place is excused only when
//!
//! 1. the incumbent differs from itself there in the same way (a changing value excuses no missing
//!    field, no null, no other type);
//! 2. the candidate's value has a character that the incumbent shows there, so that a timestamp that
//!    becomes `null`, empty, another format or another precision is still found;
//! 3. its value fits what the incumbent's own values are to one another ([`Shown`]): numbers and
//!    moments no farther apart, a counter that rises, identifiers that stay one another's;
//! 4. the candidate differs there about as often: rare noise does not excuse frequent change
//!    ([`Noise::excuse`] states the bound).
//!
//! Without noise, differing identifiers are excused where they have proved to be the same ones under
//! other names ([`ALONE`]). A value that only looks like one, and that the incumbent determines, is a digest
//! as likely: it is excused only if it is an identifier elsewhere ([`Bond::Unnamed`]).
//!
//! Where only a part of a value differs, all this holds of that part: a token of a text by the words around it, bytes
//! by their offset, an element of a short array by its position. Where the incumbent does not show which part of a
//! value is noise, the whole of it is covered, and counts as not compared ([`Excused::bytes`]).
//!
//! Limits: a wrong value within the spread of the noise, a wrong text or token of the right
//! character that stands for nothing else, and a counter that counts the wrong thing are not seen; the
//! remedy is a clock or seed that both sides share. Noise that the incumbent did not show in the pairs
//! at hand (a date that rolls over at midnight) is not known. That no answer came is never noise.

mod contexts;
mod offsets;
mod place;
mod positions;

use crate::differ::MORE;
use crate::relation::is_long;
use crate::row::Row;
use place::Pair;
pub(crate) use place::Shown;
use std::collections::BTreeMap;
use understudy_model::{Bond, Difference, DifferenceKind as Kind, Place};

/// Pairs in which identifiers at a place were met again and were still one another's, and none in
/// which they were not, from which on they are excused without noise. If more than a tenth of the
/// identifiers there were wrong, so many in a row would have had a chance below 5 % (0.9^29).
pub const ALONE: u64 = 29;

/// The noise of a workload, by operation and place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noise {
    places: BTreeMap<u32, BTreeMap<Place, Shown>>,
    identifiers: BTreeMap<u32, BTreeMap<Place, Identifiers>>,
    /// Pairs of each operation for which the incumbent was asked twice.
    twice: BTreeMap<u32, u64>,
}

/// Pairs with the candidate whose identifiers at a place differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Identifiers {
    /// They were met again and still stood for one another.
    kept: u64,
    /// The same, but nothing says that they are identifiers ([`Bond::Unnamed`]).
    unnamed: u64,
    broken: u64,
}

impl Identifiers {
    /// `shown`: the incumbent was asked twice often enough to show what it makes up.
    fn have_proved(&self, shown: bool) -> bool {
        let kept = if shown {
            self.kept
        } else {
            self.kept + self.unnamed
        };
        kept >= ALONE && self.broken == 0
    }
}

/// Why a difference is excused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grounds {
    /// The incumbent differs from itself there likewise.
    Noise,
    /// The same things under other names.
    Identifiers,
}

/// A difference that is excused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excused {
    /// Why.
    pub grounds: Grounds,
    /// Bytes of the answer that are not compared therefore.
    pub bytes: u64,
}

/// How far apart two values are, compared with what the incumbent has shown so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The incumbent has not differed from itself there.
    Unknown,
    /// Near enough, permanently: what is learned only grows.
    Within,
    /// Farther apart than so far.
    Beyond,
}

/// A row, the pairs it stands for, and how many of them the incumbent was asked twice.
pub type Counted<'r> = (&'r Row, u64, u64);

impl Noise {
    /// Learns from the rows of a whole run, each asked of the incumbent twice.
    pub fn learn(rows: &[Row]) -> Noise {
        Noise::learn_counted(rows.iter().map(|row| (row, 1, 1)))
    }

    /// Learns from rows that each stand for so many pairs alike.
    pub fn learn_counted<'r>(rows: impl Iterator<Item = Counted<'r>> + Clone) -> Noise {
        let mut noise = Noise::default();
        for (row, _, twice) in rows.clone().filter(|(_, _, twice)| *twice > 0) {
            *noise.twice.entry(row.operation).or_default() += twice;
            noise.learn_from_incumbent(row, twice);
        }
        for (row, pairs, twice) in rows {
            noise.learn_from_candidate(row, pairs, twice);
        }
        noise
    }

    /// Learns where the incumbent differs from itself in so many pairs like this one.
    pub(crate) fn learn_from_incumbent(&mut self, row: &Row, pairs: u64) {
        for (pattern, pair) in by_place(&row.noise) {
            let places = self.places.entry(row.operation).or_default();
            let place = places.entry(pattern.clone()).or_default();
            place.learn(&pair, pairs);
        }
    }

    fn learn_from_candidate(&mut self, row: &Row, pairs: u64, twice: u64) {
        for (pattern, pair) in by_place(&row.differences) {
            if let Some(bond) = pair.bond() {
                let operation = self.identifiers.entry(row.operation).or_default();
                let met = operation.entry(pattern.clone()).or_default();
                match bond {
                    Bond::Broken => met.broken += pairs,
                    Bond::Unnamed => met.unnamed += pairs,
                    Bond::Kept => met.kept += pairs,
                    Bond::New => {}
                }
            }
            let places = self.places.get_mut(&row.operation);
            if let Some(place) = places.and_then(|places| places.get_mut(pattern)) {
                // How often both differ is compared: only of pairs that show both.
                place.count_candidate(&pair, twice);
            }
        }
    }

    /// What excuses this difference between incumbent and candidate, if anything does?
    ///
    /// Frequency: noise does not if the candidate differs at the place in more than `5 k + 12` pairs
    /// where the incumbent differs from itself in `k`. Were both equally likely, that would happen
    /// with a probability below 0.0001 for every `k` (`k = 1`: 20/2^19), so only change far beyond
    /// the noise is held against the candidate.
    pub fn excuse(&self, operation: u32, difference: &Difference) -> Option<Excused> {
        if difference.baseline_character.0 == MORE {
            return None;
        }
        let place = self.place(operation, &difference.pattern);
        if let Some(bytes) = place.and_then(|place| place.excuses(difference)) {
            let grounds = Grounds::Noise;
            return Some(Excused { grounds, bytes });
        }
        let may_be = match difference.relation.bond {
            Some(Bond::New | Bond::Kept) => true,
            Some(Bond::Unnamed) => !self.has_shown(operation),
            Some(Bond::Broken) | None => false,
        };
        let is_identifier = may_be
            && is_long(&difference.baseline_character.0)
            && difference.baseline_character == difference.contender_character;
        (is_identifier && self.are_identifiers(operation, &difference.pattern)).then_some(Excused {
            grounds: Grounds::Identifiers,
            bytes: difference.bytes,
        })
    }

    /// Was the incumbent asked twice often enough to show what it makes up?
    fn has_shown(&self, operation: u32) -> bool {
        self.twice
            .get(&operation)
            .is_some_and(|twice| *twice >= ALONE)
    }

    /// What is known of a place.
    pub(crate) fn place(&self, operation: u32, pattern: &Place) -> Option<&Shown> {
        self.places.get(&operation)?.get(pattern)
    }

    /// As [`Noise::excuse`], if the why does not matter.
    pub fn excuses(&self, operation: u32, difference: &Difference) -> bool {
        self.excuse(operation, difference).is_some()
    }

    /// Learns from one more pair where the incumbent differs from itself: for callers that keep rows that
    /// are alike together, with [`Noise::known`] and [`Noise::settle`].
    pub fn learn_pair(&mut self, row: &Row) {
        self.learn_from_incumbent(row, 1);
    }

    /// How far apart the values of a difference are, compared with what is known so far.
    pub fn known(&self, operation: u32, difference: &Difference) -> Known {
        match self.place(operation, &difference.pattern) {
            None => Known::Unknown,
            Some(place) if place.of(difference).reaches(&difference.relation) => Known::Within,
            Some(_) => Known::Beyond,
        }
    }

    /// Drops from a row what no longer decides anything: whether a number rose at a place that is
    /// known to be no counter, or of which nothing is known.
    pub fn settle(&self, row: &mut Row) {
        let places = self.places.get(&row.operation);
        let is_open = |difference: &Difference| {
            let place = places.and_then(|places| places.get(&difference.pattern));
            place.is_some_and(|place| place.of(difference).may_count())
        };
        for difference in &mut row.differences {
            if !is_open(difference) {
                difference.relation.course = None;
            }
        }
        for difference in &mut row.noise {
            let place = places.and_then(|places| places.get(&difference.pattern));
            if place.is_some_and(|place| !place.of(difference).may_count()) {
                difference.relation.course = None;
            }
        }
    }

    fn are_identifiers(&self, operation: u32, pattern: &Place) -> bool {
        let places = self.identifiers.get(&operation);
        places
            .and_then(|places| places.get(pattern))
            .is_some_and(|met| met.have_proved(self.has_shown(operation)))
    }

    /// The noise as the verdict lists it.
    pub fn list(&self, operations: &[String]) -> Vec<understudy_model::verdict::Noise> {
        let of = |(operation, places): (&u32, &BTreeMap<Place, Shown>)| {
            let name = operation_name(operations, *operation);
            let entry = |path: &Place, place: &Shown, kind: Kind, pairs: u64| {
                understudy_model::verdict::Noise {
                    operation: name.clone(),
                    path: path.clone(),
                    kind,
                    characters: place.all.characters.iter().cloned().collect(),
                    fits: place.all.fits(kind),
                    pairs,
                }
            };
            places
                .iter()
                .flat_map(|(path, place)| {
                    let kinds = place.all.kinds.iter();
                    kinds.map(move |(kind, pairs)| entry(path, place, *kind, *pairs))
                })
                .collect::<Vec<_>>()
        };
        self.places.iter().flat_map(of).collect()
    }

    /// The places of an operation where values may not be expected to repeat, with the kinds of noise.
    pub(crate) fn of_operation(&self, operation: u32) -> impl Iterator<Item = (&Place, Kind)> {
        let places = self.places.get(&operation).into_iter().flatten();
        let identifiers = self.identifiers.get(&operation).into_iter().flatten();
        let shown = self.has_shown(operation);
        let identifiers = identifiers.filter(move |(_, met)| met.have_proved(shown));
        places
            .flat_map(|(pattern, place)| place.all.kinds.keys().map(move |kind| (pattern, *kind)))
            .chain(identifiers.map(|(pattern, _)| (pattern, Kind::Value)))
    }
}

/// The differences of one pair by place, as far as noise can be made of them.
fn by_place(differences: &[Difference]) -> BTreeMap<&Place, Pair<'_>> {
    let mut places: BTreeMap<&Place, Pair<'_>> = BTreeMap::new();
    let is_noise = |of: &&Difference| of.kind != Kind::Outcome && of.baseline_character.0 != MORE;
    for difference in differences.iter().filter(is_noise) {
        let pair = places.entry(&difference.pattern).or_default();
        pair.add(difference);
    }
    places
}

/// The name of an operation, or its index when the list has none.
pub(crate) fn operation_name(operations: &[String], operation: u32) -> String {
    operations
        .get(operation as usize)
        .cloned()
        .unwrap_or_else(|| format!("operation {operation}"))
}

#[cfg(test)]
mod kinds_of_body;
#[cfg(test)]
mod shuffled;
#[cfg(test)]
mod tests;
