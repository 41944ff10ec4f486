//! Which element of one array answers to which element of the other.
//!
//! In steps, each over what the step before left: equal elements in equal order (a longest common
//! subsequence), equal elements elsewhere (moved), objects with the same identity, and what stands
//! between the same neighbours or, where that leaves no more differences, what has the
//! most in common wherever it stands. One removed element is one missing element at its index, one
//! changed element is one pair, one moved element is one change of order.
//!
//! Cost: `n log n` for the common subsequence with at most [`MAX_CANDIDATES`] candidate pairs (beyond
//! them the k-th occurrence of a value answers only to the k-th, which may find a shorter one); at
//! most [`MAX_TABLE`] cells for each gap (larger ones pair in order); for what elements say, 64 values of each.

mod gap;
mod identity;
mod keyed;
mod likeness;

pub(crate) use keyed::align_by;

use crate::json::{Json, Value};
use gap::May;
use likeness::{Likeness, Traits};
use std::collections::HashMap;

/// Most pairs of equal elements among which the longest common subsequence is searched.
const MAX_CANDIDATES: usize = 1 << 19;
/// Largest table for the alignment of one gap.
const MAX_TABLE: usize = 1 << 12;

/// How two arrays answer to each other.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Alignment {
    /// Elements that are not equal and answer to each other: (index, index).
    pub(crate) changed: Vec<(usize, usize)>,
    /// Indices of the first array's elements without an answer.
    pub(crate) missing: Vec<usize>,
    /// Indices of the second array's elements without one.
    pub(crate) extra: Vec<usize>,
    /// Elements that answer to each other stand in another order.
    pub(crate) reordered: bool,
}

/// Aligns two arrays. `align(a, b)` and `align(b, a)` mirror each other exactly.
pub(crate) fn align(a: &[Json], b: &[Json]) -> Alignment {
    if is_first(a, b) {
        return Aligner::new(a, b).align();
    }
    let mirrored = Aligner::new(b, a).align();
    let mut changed: Vec<_> = mirrored.changed.into_iter().map(|(b, a)| (a, b)).collect();
    changed.sort_unstable();
    Alignment {
        changed,
        missing: mirrored.extra,
        extra: mirrored.missing,
        ..mirrored
    }
}

/// All elements that answer to each other, also those that are equal: (index, index).
pub(crate) fn answering(a: &[Json], b: &[Json]) -> Vec<(usize, usize)> {
    let settled = |a, b| {
        let mut aligner = Aligner::new(a, b);
        aligner.settle();
        let answers = aligner.answer.into_iter().enumerate();
        answers.filter_map(|(i, answer)| Some((i, answer?)))
    };
    match is_first(a, b) {
        true => settled(a, b).collect(),
        false => settled(b, a).map(|(b, a)| (a, b)).collect(),
    }
}

/// Every choice among equally good alignments is made on the same side, whichever comes first.
fn is_first(a: &[Json], b: &[Json]) -> bool {
    let hashes = |items: &[Json]| items.iter().map(Json::hash).collect::<Vec<_>>();
    (a.len(), hashes(a)) <= (b.len(), hashes(b))
}

#[derive(Clone)]
struct Aligner<'a> {
    a: &'a [Json],
    b: &'a [Json],
    /// For each element of `a`, the element of `b` that answers to it.
    answer: Vec<Option<usize>>,
    /// For each element of `b`, whether it answers.
    taken: Vec<bool>,
    /// The pairs of equal elements in equal order, ascending.
    anchors: Vec<(usize, usize)>,
}

impl<'a> Aligner<'a> {
    fn new(a: &'a [Json], b: &'a [Json]) -> Self {
        let (answer, taken) = (vec![None; a.len()], vec![false; b.len()]);
        Aligner {
            a,
            b,
            answer,
            taken,
            anchors: Vec::new(),
        }
    }

    fn align(mut self) -> Alignment {
        let is_known = self.settle();
        let found = self.alignment();
        if !is_known && self.by_position_is_simpler(&found) {
            return self.by_position();
        }
        found
    }

    /// Pairs all that answers to each other. True if elements are known by what they say, not by where they stand.
    fn settle(&mut self) -> bool {
        self.anchor();
        for (a, b) in self.anchors.clone() {
            self.pair(a, b);
        }
        self.pair_moved();
        let identity = identity::pairs(self.free_a(), self.free_b());
        for &(a, b) in identity.iter().flatten() {
            self.pair(a, b);
        }
        if identity.is_some() {
            self.pair_gaps(May::OfOneIdentity);
            return true;
        }
        let Some(likeness) = likeness::find(&self.free_a(), &self.free_b()) else {
            self.pair_gaps(May::All);
            return false;
        };
        let mut by_likeness = self.clone();
        self.pair_gaps(May::All);
        for &(a, b) in &likeness.pairs {
            by_likeness.pair(a, b);
        }
        by_likeness.pair_gaps(May::Alike(&likeness));
        let is_other = by_likeness.answer != self.answer;
        let is_known = is_other && by_likeness.cost(&likeness) <= self.cost(&likeness);
        if is_known {
            *self = by_likeness;
        }
        is_known
    }

    /// How many traits differ in what is not equal, and one more if elements moved.
    fn cost(&self, Likeness { of_a, of_b, .. }: &Likeness) -> usize {
        let found = self.alignment();
        let changed = found
            .changed
            .iter()
            .filter_map(|(i, j)| Some(of_a.get(i)?.apart(of_b.get(j)?)));
        let missing = found.missing.iter().filter_map(|i| of_a.get(i));
        let extra = found.extra.iter().filter_map(|j| of_b.get(j));
        changed.sum::<usize>()
            + missing.chain(extra).map(Traits::len).sum::<usize>()
            + usize::from(found.reordered)
    }

    fn pair(&mut self, a: usize, b: usize) {
        self.answer[a] = Some(b);
        self.taken[b] = true;
    }

    fn free_a(&self) -> Vec<(usize, &'a Json)> {
        (0..self.a.len())
            .filter(|&i| self.answer[i].is_none())
            .map(|i| (i, &self.a[i]))
            .collect()
    }

    fn free_b(&self) -> Vec<(usize, &'a Json)> {
        (0..self.b.len())
            .filter(|&i| !self.taken[i])
            .map(|i| (i, &self.b[i]))
            .collect()
    }

    /// Finds the anchors: the common start and end, and between them the longest common subsequence.
    fn anchor(&mut self) {
        let equal = |(a, b): &(&Json, &Json)| a.hash() == b.hash();
        let start = self.a.iter().zip(self.b).take_while(equal).count();
        let (a, b) = (&self.a[start..], &self.b[start..]);
        let end = a.iter().rev().zip(b.iter().rev()).take_while(equal).count();
        let (a, b) = (&a[..a.len() - end], &b[..b.len() - end]);
        let middle = longest_increasing(&candidates(a, b));
        self.anchors.extend((0..start).map(|i| (i, i)));
        self.anchors
            .extend(middle.into_iter().map(|(i, j)| (start + i, start + j)));
        let (a_end, b_end) = (self.a.len() - end, self.b.len() - end);
        self.anchors
            .extend((0..end).map(|i| (a_end + i, b_end + i)));
    }

    /// Pairs equal elements that are no anchors, in order.
    fn pair_moved(&mut self) {
        let mut places: HashMap<u128, Vec<usize>> = HashMap::new();
        for (j, json) in self.free_b().into_iter().rev() {
            places.entry(json.hash()).or_default().push(j);
        }
        for (i, json) in self.free_a() {
            if let Some(j) = places.get_mut(&json.hash()).and_then(Vec::pop) {
                self.pair(i, j);
            }
        }
    }

    /// Pairs what stands between the same anchors.
    fn pair_gaps(&mut self, may: May<'_>) {
        let (free_a, free_b) = (self.free_a(), self.free_b());
        let (mut rest_a, mut rest_b) = (free_a.as_slice(), free_b.as_slice());
        let ends = self
            .anchors
            .clone()
            .into_iter()
            .chain([(usize::MAX, usize::MAX)]);
        for (end_a, end_b) in ends {
            let (gap_a, after_a) = rest_a.split_at(rest_a.partition_point(|&(i, _)| i < end_a));
            let (gap_b, after_b) = rest_b.split_at(rest_b.partition_point(|&(j, _)| j < end_b));
            (rest_a, rest_b) = (after_a, after_b);
            for (i, j) in gap::pairs(gap_a, gap_b, may) {
                self.pair(i, j);
            }
        }
    }

    fn alignment(&self) -> Alignment {
        let mut found = Alignment::default();
        let mut furthest = None;
        for (i, answer) in self.answer.iter().enumerate() {
            let Some(j) = *answer else {
                found.missing.push(i);
                continue;
            };
            found.reordered |= furthest.is_some_and(|before| j < before);
            furthest = furthest.max(Some(j));
            if self.a[i].hash() != self.b[j].hash() {
                found.changed.push((i, j));
            }
        }
        found.extra = (0..self.b.len()).filter(|&j| !self.taken[j]).collect();
        found
    }

    /// Of arrays of equal length that hold plain values (coordinates, flags) the explanation with
    /// fewer differences is the better one: `[1, 2]` and `[2, 3]` differ in two values.
    fn by_position_is_simpler(&self, found: &Alignment) -> bool {
        let cost = found.changed.len()
            + found.missing.len()
            + found.extra.len()
            + usize::from(found.reordered);
        self.a.len() == self.b.len()
            && self
                .a
                .iter()
                .chain(self.b)
                .all(|json| !json.is_structured())
            && self.differing_positions().count() <= cost
    }

    fn differing_positions(&self) -> impl Iterator<Item = usize> {
        (0..self.a.len()).filter(|&i| self.a[i].hash() != self.b[i].hash())
    }

    fn by_position(&self) -> Alignment {
        let changed = self.differing_positions().map(|i| (i, i)).collect();
        Alignment {
            changed,
            ..Alignment::default()
        }
    }
}

/// Every pair of equal elements, by ascending `i` and, for each, descending `j`: a strictly
/// increasing subsequence of the `j` then uses no element twice.
fn candidates(a: &[Json], b: &[Json]) -> Vec<(usize, usize)> {
    let mut places: HashMap<u128, Vec<usize>> = HashMap::new();
    for (j, json) in b.iter().enumerate().rev() {
        places.entry(json.hash()).or_default().push(j);
    }
    let of = |json: &Json| places.get(&json.hash());
    let pairs: usize = a.iter().filter_map(of).map(Vec::len).sum();
    if pairs <= MAX_CANDIDATES {
        let all = |(i, json)| of(json).into_iter().flatten().map(move |&j| (i, j));
        return a.iter().enumerate().flat_map(all).collect();
    }
    let mut next = |(i, json): (usize, &Json)| Some((i, places.get_mut(&json.hash())?.pop()?));
    a.iter().enumerate().filter_map(&mut next).collect()
}

/// The longest subsequence with strictly increasing second parts (patience sorting; Fredman 1975).
/// Over the candidates it is the longest common subsequence (Hunt and Szymanski 1977).
fn longest_increasing(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // `tails[k]`: the pair with the smallest end among increasing subsequences of length k + 1.
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (index, &(_, j)) in pairs.iter().enumerate() {
        let length = tails.partition_point(|&tail| pairs[tail].1 < j);
        before.push(length.checked_sub(1).map(|last| tails[last]));
        match tails.get_mut(length) {
            Some(tail) => *tail = index,
            None => tails.push(index),
        }
    }
    let mut chain: Vec<_> = std::iter::successors(tails.last().copied(), |&index| before[index])
        .map(|i| pairs[i])
        .collect();
    chain.reverse();
    chain
}

/// How much two objects of different content have in common: (entries that differ, all entries).
fn differing_entries(a: &[(Box<str>, Json)], b: &[(Box<str>, Json)]) -> (usize, usize) {
    let (mut rest_a, mut rest_b) = (a, b);
    let (mut differing, mut all) = (0, 0);
    while let (Some((name_a, value_a)), Some((name_b, value_b))) = (rest_a.first(), rest_b.first())
    {
        let order = name_a.cmp(name_b);
        rest_a = &rest_a[usize::from(order.is_le())..];
        rest_b = &rest_b[usize::from(order.is_ge())..];
        differing += usize::from(order.is_ne() || value_a.hash() != value_b.hash());
        all += 1;
    }
    let rest = rest_a.len() + rest_b.len();
    (differing + rest, all + rest)
}

/// The entries of an object.
fn entries(json: &Json) -> Option<&[(Box<str>, Json)]> {
    match json.value() {
        Value::Object(entries) => Some(entries),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
