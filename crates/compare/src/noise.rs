//! Noise: places where the incumbent differs from itself.
//!
//! Asked the same twice, the incumbent shows which places it does not determine: times, random
//! tokens, unordered lists. A difference of the candidate at such a place is excused only when
//!
//! 1. the incumbent differs from itself there in the same way (a changing value excuses no missing
//!    field, no null, no other type);
//! 2. the candidate's value has a character that the incumbent shows there, so that a timestamp that
//!    becomes `null`, empty, another format or another precision is still found;
//! 3. the candidate differs there about as often: rare noise does not excuse frequent change
//!    ([`Noise::excuses`] states the bound).
//!
//! Limits: at a place that always changes a wrong value of the right character is not seen, for
//! which the remedy is a clock or seed that both sides share. Noise that the incumbent did not show
//! in the pairs at hand (a date that rolls over at midnight) is not known. A body of binary noise is
//! excused by the class of its length alone. That no answer came is never noise.

use crate::character;
use crate::differ::MORE;
use crate::row::Row;
use std::collections::{BTreeMap, BTreeSet};
use understudy_model::{Difference, DifferenceKind as Kind};

/// The noise of a workload, by endpoint and place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noise {
    places: BTreeMap<u32, BTreeMap<String, Place>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    /// Pairs of the incumbent with itself that differ here, by kind.
    kinds: BTreeMap<Kind, u64>,
    /// The characters that the incumbent shows here.
    characters: BTreeSet<String>,
    /// Pairs of the incumbent with itself that differ here.
    incumbent_pairs: u64,
    /// Pairs of incumbent and candidate that differ here.
    candidate_pairs: u64,
}

impl Noise {
    /// Learns from the rows of a whole run.
    pub fn learn(rows: &[Row]) -> Noise {
        Noise::learn_counted(rows.iter().map(|row| (row, 1)))
    }

    /// Learns from rows that each stand for so many pairs alike. Each of these pairs must have been
    /// asked of the incumbent twice: [`Noise::excuses`] compares how often both differ.
    pub fn learn_counted<'r>(rows: impl Iterator<Item = (&'r Row, u64)> + Clone) -> Noise {
        let mut noise = Noise::default();
        for (row, pairs) in rows.clone() {
            noise.learn_from_incumbent(row, pairs);
        }
        for (row, pairs) in rows {
            let patterns: BTreeSet<&str> = row
                .differences
                .iter()
                .map(|difference| difference.pattern.as_str())
                .collect();
            let Some(places) = noise.places.get_mut(&row.endpoint) else {
                continue;
            };
            for pattern in patterns {
                if let Some(place) = places.get_mut(pattern) {
                    place.candidate_pairs += pairs;
                }
            }
        }
        noise
    }

    fn learn_from_incumbent(&mut self, row: &Row, pairs: u64) {
        let mut counted: BTreeSet<(&str, Option<Kind>)> = BTreeSet::new();
        for difference in &row.noise {
            if difference.kind == Kind::Outcome || difference.baseline_character.0 == MORE {
                continue;
            }
            let pattern = difference.pattern.as_str();
            let places = self.places.entry(row.endpoint).or_default();
            let place = places.entry(pattern.to_owned()).or_default();
            if counted.insert((pattern, None)) {
                place.incumbent_pairs += pairs;
            }
            if counted.insert((pattern, Some(difference.kind))) {
                *place.kinds.entry(difference.kind).or_default() += pairs;
            }
            for character in [
                &difference.baseline_character,
                &difference.contender_character,
            ] {
                place.characters.insert(character.0.clone());
            }
        }
    }

    /// Does noise excuse this difference between incumbent and candidate?
    ///
    /// Frequency: not if the candidate differs at the place in more than `5 k + 12` pairs where the
    /// incumbent differs from itself in `k`. Were both equally likely, that would happen with a
    /// probability below 0.0001 for every `k` (`k = 1`: 20/2^19), so only change far beyond the
    /// noise is held against the candidate.
    pub fn excuses(&self, endpoint: u32, difference: &Difference) -> bool {
        let places = self.places.get(&endpoint);
        let Some(place) = places.and_then(|places| places.get(&difference.pattern)) else {
            return false;
        };
        let mut shown: BTreeSet<&str> = place.characters.iter().map(String::as_str).collect();
        shown.insert(&difference.baseline_character.0);
        difference.baseline_character.0 != MORE
            && compatible(difference.kind)
                .iter()
                .any(|kind| place.kinds.contains_key(kind))
            && character::accepts(&shown, &difference.contender_character.0)
            && place.candidate_pairs <= 5 * place.incumbent_pairs + 12
    }

    /// The noise as the verdict lists it.
    pub fn list(&self, endpoints: &[String]) -> Vec<understudy_model::verdict::Noise> {
        let of = |(endpoint, places): (&u32, &BTreeMap<String, Place>)| {
            let endpoint = endpoint_name(endpoints, *endpoint);
            places
                .iter()
                .flat_map(|(path, place)| place.kinds.iter().map(move |kind| (path, place, kind)))
                .map(
                    |(path, place, (kind, pairs))| understudy_model::verdict::Noise {
                        endpoint: endpoint.clone(),
                        path: path.clone(),
                        kind: *kind,
                        characters: place.characters.iter().cloned().collect(),
                        pairs: *pairs,
                    },
                )
                .collect::<Vec<_>>()
        };
        self.places.iter().flat_map(of).collect()
    }

    /// The places of an endpoint where values may not be expected to repeat, with the kinds of noise.
    pub(crate) fn of_endpoint(&self, endpoint: u32) -> impl Iterator<Item = (&str, Kind)> {
        let places = self.places.get(&endpoint).into_iter().flatten();
        places.flat_map(|(pattern, place)| place.kinds.keys().map(|kind| (pattern.as_str(), *kind)))
    }
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

/// The name of an endpoint, or its index when the list has none.
pub(crate) fn endpoint_name(endpoints: &[String], endpoint: u32) -> String {
    endpoints
        .get(endpoint as usize)
        .cloned()
        .unwrap_or_else(|| format!("endpoint {endpoint}"))
}

#[cfg(test)]
mod tests;
