//! Elements known by what they say: of two lists in different order, whose elements have noise in them and no
//! name for their identity, the ones that answer to each other share what no other two share.
//!
//! An element is the set of its *traits*: each leaf with the way to it, each word of a text. A trait that one element
//! of either list has is a vote for this pair. A single vote is not enough where what stands there hardly ever agrees: that
//! two moments are the same is a coincidence. Pairs are taken by their votes, the nearest positions first among equals (greedy matching, as
//! record linkage does it over rare values: Fellegi and Sunter 1969 weigh agreement by rarity).

use crate::document::ORDER;
use crate::hash::Hash;
use crate::json::{Json, Value};
use crate::text;
use std::collections::{BTreeMap, HashMap};

type Item<'a> = (usize, &'a Json);

/// Traits of one element that are looked at.
const TRAITS: usize = 64;
/// Elements of one list that are looked at.
const ELEMENTS: usize = 1 << 14;

/// Something that an element says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Trait {
    /// Where in the element.
    way: u64,
    value: u64,
}

/// The traits of an element, ascending, each once.
pub(super) struct Traits(Vec<Trait>);

impl Traits {
    fn of(json: &Json) -> Traits {
        let mut all = Vec::new();
        collect(json, Hash::new(b'e'), &mut all);
        all.sort_unstable();
        all.dedup();
        Traits(all)
    }

    /// How many of them there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many traits only one of the two has.
    pub(super) fn apart(&self, other: &Traits) -> usize {
        let (mut a, mut b) = (self.0.as_slice(), other.0.as_slice());
        let mut apart = 0;
        while let (Some(x), Some(y)) = (a.first(), b.first()) {
            apart += usize::from(x != y);
            a = &a[usize::from(x <= y)..];
            b = &b[usize::from(y <= x)..];
        }
        apart + a.len() + b.len()
    }
}

fn collect(json: &Json, way: Hash, all: &mut Vec<Trait>) {
    let trait_of = |way: Hash, value| Trait {
        way: way.finish_64(),
        value,
    };
    if all.len() >= TRAITS {
        return;
    }
    match json.value() {
        Value::Array(items) => {
            for item in items {
                collect(item, way.bytes(b"*"), all);
            }
        }
        Value::Object(entries) => {
            // The order of an element's children says nothing that they do not.
            for (name, value) in entries.iter().filter(|(name, _)| **name != *ORDER) {
                collect(value, way.bytes(name.as_bytes()), all);
            }
        }
        Value::String(text) => {
            let tokens = text::tokens(text);
            if tokens.len() > 1 {
                let words = tokens.iter().filter(|token| text::is_stable_word(token));
                let words = words.map(|word| Hash::new(b'w').bytes(word.as_bytes()).finish_64());
                let words = words.map(|word| trait_of(way.bytes(b"word"), word));
                all.extend(words.take(TRAITS.saturating_sub(all.len() + 2)));
                all.push(trait_of(way.bytes(b"words"), text::skeleton(text)));
            }
            all.push(trait_of(way, json.hash() as u64));
        }
        _ => all.push(trait_of(way, json.hash() as u64)),
    }
}

/// What elements of two lists have in common.
pub(super) struct Likeness {
    /// Pairs that have the most in common, by their indices.
    pub(super) pairs: Vec<(usize, usize)>,
    /// The traits of the elements of either list by their index, without those that most elements have.
    pub(super) of_a: HashMap<usize, Traits>,
    pub(super) of_b: HashMap<usize, Traits>,
}

/// Pairs what has the most in common. `None` where no two elements can be known by what they say.
pub(super) fn find(a: &[Item<'_>], b: &[Item<'_>]) -> Option<Likeness> {
    let can_vote = |items: &[Item<'_>]| {
        (1..=ELEMENTS).contains(&items.len())
            && items
                .iter()
                .any(|(_, json)| json.is_structured() || is_text(json))
    };
    if !can_vote(a) || !can_vote(b) || a.len() + b.len() == 2 {
        return None;
    }
    let traits = |items: &[Item<'_>]| -> Vec<Traits> {
        items.iter().map(|(_, json)| Traits::of(json)).collect()
    };
    let (traits_a, traits_b) = (traits(a), traits(b));
    let mut holders: HashMap<Trait, [Holder; 2]> = HashMap::new();
    for (side, all) in [&traits_a, &traits_b].into_iter().enumerate() {
        for (at, traits) in all.iter().enumerate() {
            for of in &traits.0 {
                let holder = &mut holders.entry(*of).or_default()[side];
                holder.times += 1;
                holder.last = at;
            }
        }
    }
    let pairs = vote(a, b, &holders);
    if pairs.is_empty() {
        return None;
    }
    // What most elements of both lists have tells none apart.
    let is_common = |of: &Trait| {
        holders
            .get(of)
            .is_some_and(|[of_a, of_b]| of_a.times * 2 > a.len() && of_b.times * 2 > b.len())
    };
    let own = |items: &[Item<'_>], traits: Vec<Traits>| {
        let own =
            |Traits(all): Traits| Traits(all.into_iter().filter(|of| !is_common(of)).collect());
        let indices = items.iter().map(|(index, _)| *index);
        indices.zip(traits.into_iter().map(own)).collect()
    };
    Some(Likeness {
        pairs,
        of_a: own(a, traits_a),
        of_b: own(b, traits_b),
    })
}

/// Pairs of elements by the traits that they alone have.
fn vote(
    a: &[Item<'_>],
    b: &[Item<'_>],
    holders: &HashMap<Trait, [Holder; 2]>,
) -> Vec<(usize, usize)> {
    let is_vote = |[of_a, of_b]: &[Holder; 2]| (of_a.times, of_b.times) == (1, 1);
    let mut agreed: HashMap<u64, usize> = HashMap::new();
    for (of, _) in holders.iter().filter(|(_, holders)| is_vote(holders)) {
        *agreed.entry(of.way).or_default() += 1;
    }
    let fewest = a.len().min(b.len());
    let agrees = |way: u64| {
        agreed
            .get(&way)
            .is_some_and(|times| *times >= 2 || times * 2 >= fewest)
    };
    let mut votes: BTreeMap<(usize, usize), Votes> = BTreeMap::new();
    for (of, holders) in holders.iter().filter(|(_, holders)| is_vote(holders)) {
        let [of_a, of_b] = holders;
        let votes = votes.entry((of_a.last, of_b.last)).or_default();
        votes.all += 1;
        votes.is_believed |= votes.all > 1 || agrees(of.way);
    }
    let mut votes: Vec<_> = votes.into_iter().filter(|(_, of)| of.is_believed).collect();
    votes.sort_by_key(|&((i, j), Votes { all, .. })| (std::cmp::Reverse(all), i.abs_diff(j), i, j));
    let (mut is_taken_a, mut is_taken_b) = (vec![false; a.len()], vec![false; b.len()]);
    let mut pairs = Vec::new();
    for ((i, j), _) in votes {
        if !is_taken_a[i] && !is_taken_b[j] {
            (is_taken_a[i], is_taken_b[j]) = (true, true);
            pairs.push((a[i].0, b[j].0));
        }
    }
    pairs
}

/// What speaks for a pair.
#[derive(Clone, Copy, Default)]
struct Votes {
    all: usize,
    is_believed: bool,
}

/// Which elements of a list have a trait.
#[derive(Clone, Copy, Default)]
struct Holder {
    times: usize,
    last: usize,
}

fn is_text(json: &Json) -> bool {
    matches!(json.value(), Value::String(text) if text.contains(char::is_whitespace) && text.trim().len() > 1)
}
