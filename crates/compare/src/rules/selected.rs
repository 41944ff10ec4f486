//! Which places in a pair of documents rules are for.

use super::condition::{self, Unordered, Values};
use crate::json::Json;
use crate::place::{Indices, Step};
use serde_json_path::{JsonPath, NormalizedPath, PathElement};
use std::collections::HashMap;
use understudy_model::DifferenceKind;
use understudy_model::place::ValuePath;

/// A rule as far as its place is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Covering<'r> {
    pub(super) index: u32,
    pub(super) kind: Option<DifferenceKind>,
    pub(super) condition: &'r condition::Compiled,
}

impl Covering<'_> {
    fn accepts(&self, kind: DifferenceKind, values: Values<'_>, is_exact: bool) -> bool {
        self.kind.is_none_or(|of| of == kind) && self.condition.holds(kind, values, is_exact)
    }
}

/// The places that a path selects, in the baseline's document and in the contender's.
pub(super) type Places = [Vec<ValuePath>; 2];

/// Two documents that paths are looked up in.
pub(super) struct Documents<'d> {
    both: [&'d Json; 2],
    /// The same for the library that looks them up; made when the first path asks.
    converted: Option<[serde_json::Value; 2]>,
}

impl<'d> Documents<'d> {
    pub(super) fn new(baseline: &'d Json, contender: &'d Json) -> Self {
        Documents {
            both: [baseline, contender],
            converted: None,
        }
    }

    pub(super) fn select(&mut self, path: &JsonPath) -> Places {
        let both = self.both;
        let documents = self
            .converted
            .get_or_insert_with(|| both.map(Json::to_serde));
        [0, 1].map(|side: usize| {
            let located = path.query_located(&documents[side]);
            located.locations().map(normalized).collect()
        })
    }
}

/// A rule for everything but some places.
#[derive(Debug)]
struct AllBut<'r> {
    covering: Covering<'r>,
    /// What counts, by the paths that say so.
    counting: Vec<Places>,
}

/// The places that rules select in a pair of documents, by normalized path.
#[derive(Debug, Default)]
pub(crate) struct Selected<'r> {
    baseline: HashMap<ValuePath, Vec<Covering<'r>>>,
    contender: HashMap<ValuePath, Vec<Covering<'r>>>,
    all_but: Vec<AllBut<'r>>,
}

impl<'r> Selected<'r> {
    pub(super) fn add(&mut self, covering: Covering<'r>, [baseline, contender]: Places) {
        for (all, places) in [
            (&mut self.baseline, baseline),
            (&mut self.contender, contender),
        ] {
            for place in places {
                all.entry(place).or_default().push(covering);
            }
        }
    }

    /// Selects everything.
    pub(super) fn add_whole(&mut self, covering: Covering<'r>) {
        let root = self.baseline.entry(ValuePath::root()).or_default();
        root.push(covering);
    }

    /// Selects everything but these places, what is below them and what holds them.
    pub(super) fn add_all_but(&mut self, covering: Covering<'r>, counting: Vec<Places>) {
        self.all_but.push(AllBut { covering, counting });
    }

    /// Does any rule, of whatever kind and condition, select exactly the place to which these steps lead? (Above it, a
    /// walk from the root has asked before.)
    pub(crate) fn covers(&self, steps: &[Step<'_>]) -> bool {
        if self.baseline.is_empty() && self.all_but.is_empty() {
            return false;
        }
        let path = path_of(steps, Indices::Baseline);
        let is_beside = |of: &AllBut<'_>| !of.counts(steps);
        let of_value = |of: &Covering<'_>| of.condition.unordered.is_none();
        let here = self.baseline.get(&path);
        here.is_some_and(|all| all.iter().any(of_value)) || self.all_but.iter().any(is_beside)
    }

    /// Does a rule say that the order of the array at these steps means nothing?
    pub(crate) fn is_unordered(&self, steps: &[Step<'_>]) -> bool {
        if self.baseline.is_empty() {
            return false;
        }
        let here = self.baseline.get(&path_of(steps, Indices::Baseline));
        here.is_some_and(|all| all.iter().any(|of| of.condition.unordered.is_some()))
    }

    /// The rules that accept a difference of this kind between these values at the place to which the steps lead: those
    /// that select it, or one above it.
    pub(crate) fn at(
        &self,
        steps: &[Step<'_>],
        kind: DifferenceKind,
        values: Values<'_>,
    ) -> Vec<u32> {
        let mut found = Vec::new();
        for (covering, side) in [
            (&self.baseline, Indices::Baseline),
            (&self.contender, Indices::Contender),
        ] {
            if covering.is_empty() {
                continue;
            }
            let mut path = ValuePath::root();
            let mut look = |path: &ValuePath, is_exact: bool| {
                let rules = covering.get(path).into_iter().flatten();
                let accepting = rules.filter(|of| of.accepts(kind, values, is_exact));
                found.extend(accepting.map(|of| of.index));
            };
            look(&path, steps.is_empty());
            // A side's path ends where the side has nothing.
            let there = steps.iter().take_while(|step| step.exists(side));
            for (depth, step) in (1..).zip(there) {
                step.push(&mut path, side);
                look(&path, depth == steps.len());
            }
        }
        let beside = self
            .all_but
            .iter()
            .filter(|of| of.covering.accepts(kind, values, false) && !of.counts(steps));
        found.extend(beside.map(|of| of.covering.index));
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The member by which the elements of the array at these steps answer to each other, if a rule says so.
    pub(crate) fn key(&self, steps: &[Step<'_>]) -> Option<&'r str> {
        if self.baseline.is_empty() {
            return None;
        }
        let covering = self.baseline.get(&path_of(steps, Indices::Baseline))?;
        covering
            .iter()
            .find_map(|of| match &of.condition.unordered {
                Some(Unordered::Key(name)) => Some(name.as_str()),
                Some(Unordered::Likeness) | None => None,
            })
    }
}

impl AllBut<'_> {
    /// Does the place to which these steps lead count, or something below it or around it?
    fn counts(&self, steps: &[Step<'_>]) -> bool {
        let sides = [Indices::Baseline, Indices::Contender];
        sides.into_iter().enumerate().any(|(side, indices)| {
            let is_there = steps.iter().all(|step| step.exists(indices));
            let path = path_of(steps, indices);
            let mut counting = self.counting.iter().flat_map(|places| &places[side]);
            is_there && counting.any(|of| of.contains(&path) || path.contains(of))
        })
    }
}

fn path_of(steps: &[Step<'_>], side: Indices) -> ValuePath {
    let mut path = ValuePath::root();
    steps.iter().for_each(|step| step.push(&mut path, side));
    path
}

fn normalized(location: &NormalizedPath<'_>) -> ValuePath {
    let mut path = ValuePath::root();
    for element in location.iter() {
        match element {
            PathElement::Name(name) => path.push_name(name),
            PathElement::Index(index) => path.push_index(*index),
        }
    }
    path
}
