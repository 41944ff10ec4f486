//! What earlier answers of a run have shown that later ones are held to: which identifiers of the
//! two sides stand for one another, and whether a number rises from answer to answer.
//!
//! Two programs that make up identifiers give one thing two names. Their answers are the same if and
//! only if the names map one to one, everywhere and all the time: `a` of the incumbent is always `b`
//! of the candidate, and no other name of the incumbent is `b`.
//!
//! Memory is bounded. What was not met among the last [`REMEMBERED`] to twice as many new pairs of
//! identifiers is forgotten, from both directions at once. So a broken bond can be missed over a
//! long time; none is made up. Limits: an identifier that both sides give alike where they gave
//! different ones before is not noticed, unless it is in the request.

use crate::hash::Hash;
use crate::relation::{Identifier, Plain, identifier, is_opaque};
use std::collections::HashMap;
use understudy_model::place::ValuePath;
use understudy_model::{Bond, Course, Place};

/// Pairs of identifiers that are remembered before older ones are forgotten.
pub const REMEMBERED: usize = 1 << 16;
/// Places whose numbers are followed.
const PLACES: usize = 1 << 16;

/// What the answers of one run have shown so far.
#[derive(Debug, Default)]
pub struct History {
    /// The incumbent against itself.
    pub(crate) itself: Strand,
    /// The incumbent against the candidate.
    pub(crate) candidate: Strand,
}

impl History {
    /// Notes what was asked of all: long identifiers in it stand for themselves.
    pub fn asked(&mut self, target: &str) {
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let words = target.split(|c: char| !is_word(c));
        for word in words.filter(|word| !word.is_empty()) {
            if identifier("", Plain::Text(word)) == Some(Identifier::Long) {
                let hash = Hash::new(b'i').bytes(word.as_bytes()).finish_64();
                self.itself.bonds.meet(hash, hash, true);
                self.candidate.bonds.meet(hash, hash, true);
            }
        }
    }
}

/// What two sides have shown so far.
#[derive(Debug, Default)]
pub(crate) struct Strand {
    bonds: Bonds,
    /// The contender's number at each place.
    last: HashMap<u64, f64>,
}

/// Where two values are.
#[derive(Clone, Copy)]
pub(crate) struct Spot<'a> {
    pub(crate) operation: &'a str,
    pub(crate) place: &'a Place,
    /// Hash of the words around the token of the text there, where they are tokens.
    pub(crate) around: Option<u32>,
    /// The last name on the way there.
    pub(crate) name: &'a str,
}

impl Spot<'_> {
    /// Adds where it is to a hash.
    fn hash(&self, hash: Hash) -> Hash {
        let hash = hash
            .bytes(self.operation.as_bytes())
            .bytes(self.place.to_string().as_bytes());
        match self.around {
            Some(around) => hash.bytes(&around.to_le_bytes()),
            None => hash,
        }
    }
}

impl Strand {
    /// Are two identifiers at a place still one another's? `None` where they are not identifiers.
    /// `itself` is what the baseline shows against itself: what differs there is generated.
    pub(crate) fn bond(
        &mut self,
        itself: Option<&Strand>,
        spot: Spot<'_>,
        a: Plain<'_>,
        b: Plain<'_>,
    ) -> Option<Bond> {
        let (a, b) = both(spot, a, b)?;
        let is_made_up = itself.is_some_and(|itself| itself.bonds.has(a));
        Some(self.bonds.meet(a, b, is_made_up || is_opaque(spot.name)))
    }

    /// As [`Strand::bond`], but for what would be: nothing is remembered.
    pub(crate) fn would_be(&self, spot: Spot<'_>, a: Plain<'_>, b: Plain<'_>) -> Option<Bond> {
        let (a, b) = both(spot, a, b)?;
        Some(self.bonds.known(a, b))
    }

    /// Whether the contender's number rose since this place was met last. `None` the first time, for
    /// what is not a number, and for elements of arrays, which have no before.
    pub(crate) fn course(&mut self, spot: Spot<'_>, contender: Plain<'_>) -> Option<Course> {
        let number = contender.number()?;
        if spot.place.path().is_some_and(ValuePath::has_any) {
            return None;
        }
        let place = spot.hash(Hash::new(b'p')).finish_64();
        if self.last.len() >= PLACES && !self.last.contains_key(&place) {
            return None;
        }
        let before = self.last.insert(place, number)?;
        Some(match number > before {
            true => Course::Rose,
            false => Course::Fell,
        })
    }
}

/// What stands for two identifiers at a place.
fn both(spot: Spot<'_>, a: Plain<'_>, b: Plain<'_>) -> Option<(u64, u64)> {
    let short = || {
        // `user_id` 7 is the same user everywhere, `id` 7 only at its place.
        let hash = Hash::new(b's').bytes(spot.name.to_ascii_lowercase().as_bytes());
        match spot.name.len() {
            0..=4 => spot.hash(hash),
            _ => hash,
        }
    };
    let hash = match (identifier(spot.name, a)?, identifier(spot.name, b)?) {
        (Identifier::Long, Identifier::Long) => Hash::new(b'i'),
        _ => short(),
    };
    let of = |value: Plain<'_>| hash.bytes(value.text().as_bytes()).finish_64();
    Some((of(a), of(b)))
}

/// A map of identifiers in both directions, in two generations: when the younger one is full, the
/// older one is forgotten.
#[derive(Debug, Default)]
struct Bonds {
    young: Table,
    old: Table,
}

#[derive(Debug, Default)]
struct Table {
    there: HashMap<u64, There>,
    back: HashMap<u64, u64>,
}

/// What an identifier stands for.
#[derive(Clone, Copy, Debug)]
struct There {
    other: u64,
    /// It is known to be an identifier by more than its form.
    is_named: bool,
}

impl Bonds {
    fn there(&self, a: u64) -> Option<There> {
        let of = |table: &Table| table.there.get(&a).copied();
        of(&self.young).or_else(|| of(&self.old))
    }

    fn has(&self, a: u64) -> bool {
        self.there(a).is_some()
    }

    fn known(&self, a: u64, b: u64) -> Bond {
        let of_b = self.young.back.get(&b).or(self.old.back.get(&b));
        match (self.there(a), of_b) {
            (None, None) => Bond::New,
            (Some(of_a), Some(of_b)) if (of_a.other, *of_b) == (b, a) => match of_a.is_named {
                true => Bond::Kept,
                false => Bond::Unnamed,
            },
            _ => Bond::Broken,
        }
    }

    fn meet(&mut self, a: u64, b: u64, is_name: bool) -> Bond {
        let bond = match self.known(a, b) {
            Bond::Unnamed if is_name => Bond::Kept,
            bond => bond,
        };
        let is_named = is_name || bond == Bond::Kept;
        if bond != Bond::Broken {
            if !self.young.there.contains_key(&a) && self.young.there.len() >= REMEMBERED {
                self.old = std::mem::take(&mut self.young);
            }
            self.young.there.insert(a, There { other: b, is_named });
            self.young.back.insert(b, a);
        }
        bond
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn identifiers_that_do_not_map_one_to_one_are_differences() {
        let mut bonds = Bonds::default();
        assert_eq!(bonds.meet(1, 11, true), Bond::New);
        assert_eq!(bonds.meet(2, 12, true), Bond::New);
        assert_eq!(bonds.meet(1, 11, true), Bond::Kept);
        assert_eq!(bonds.meet(1, 12, true), Bond::Broken);
        assert_eq!(bonds.meet(1, 13, true), Bond::Broken);
        assert_eq!(bonds.meet(3, 11, true), Bond::Broken);
        assert_eq!(
            bonds.meet(1, 11, true),
            Bond::Kept,
            "a broken bond changes nothing"
        );
    }

    #[test]
    fn memory_is_bounded_and_what_is_met_again_stays() {
        let mut bonds = Bonds::default();
        bonds.meet(0, u64::MAX, true);
        for n in 1..3 * REMEMBERED as u64 {
            assert_eq!(bonds.meet(n, u64::MAX - n, true), Bond::New);
            if n.is_multiple_of(1000) {
                assert_eq!(bonds.meet(0, u64::MAX, true), Bond::Kept);
            }
        }
        for table in [&bonds.young, &bonds.old] {
            assert!(table.there.len() <= REMEMBERED && table.back.len() <= REMEMBERED);
        }
        assert_eq!(
            bonds.meet(1, 5, true),
            Bond::New,
            "forgotten: missed, not made up"
        );
    }

    fn spot<'a>(place: &'a Place, name: &'a str) -> Spot<'a> {
        Spot {
            operation: "GET /a",
            place,
            around: None,
            name,
        }
    }

    #[test]
    fn long_ones_are_the_same_everywhere_and_short_ones_under_their_name() {
        let mut strand = Strand::default();
        let mut meet = |pattern: &str, name, a, b| {
            strand.bond(
                None,
                spot(&Place::from(pattern), name),
                Plain::Text(a),
                Plain::Text(b),
            )
        };
        let (a, b) = ("d41d8cd98f00b204", "ffffffffffffffff");
        assert_eq!(meet("$.x", "x", a, b), Some(Bond::New));
        assert_eq!(meet("$.y", "y", a, b), Some(Bond::Unnamed));
        assert_eq!(
            meet("$.y", "y", b, a),
            Some(Bond::New),
            "the two directions are distinct"
        );
        assert_eq!(meet("$.y", "y", a, a), Some(Bond::Broken));
        assert_eq!(meet("$.user_id", "user_id", "7", "8"), Some(Bond::New));
        assert_eq!(meet("$.by.user_id", "user_id", "7", "8"), Some(Bond::Kept));
        assert_eq!(
            meet("$.by.user_id", "user_id", "7", "9"),
            Some(Bond::Broken)
        );
        assert_eq!(meet("$.by.item_id", "item_id", "7", "9"), Some(Bond::New));
        assert_eq!(meet("$.id", "id", "7", "1"), Some(Bond::New));
        assert_eq!(meet("$.by.id", "id", "7", "2"), Some(Bond::New));
        assert_eq!(meet("$.note", "note", "7", "2"), None);
    }

    #[test]
    fn a_name_or_the_incumbent_itself_says_what_is_an_identifier() {
        let (a, b) = (
            Plain::Text("d41d8cd98f00b204"),
            Plain::Text("ffffffffffffffff"),
        );
        let places = ["$.digest", "$.id"].map(Place::from);
        let (digest, id) = (spot(&places[0], "digest"), spot(&places[1], "id"));
        let mut strand = Strand::default();
        assert_eq!(strand.bond(None, digest, a, b), Some(Bond::New));
        assert_eq!(strand.bond(None, digest, a, b), Some(Bond::Unnamed));
        assert_eq!(strand.bond(None, id, a, b), Some(Bond::Kept));
        assert_eq!(strand.bond(None, digest, a, b), Some(Bond::Kept));
        let (mut itself, mut strand) = (Strand::default(), Strand::default());
        itself.bond(None, digest, a, Plain::Text("0123456789abcdef"));
        assert_eq!(strand.bond(Some(&itself), digest, a, b), Some(Bond::New));
        assert_eq!(strand.bond(Some(&itself), digest, a, b), Some(Bond::Kept));
    }

    #[test]
    fn identifiers_of_the_request_keep_their_meaning() {
        let mut history = History::default();
        history.asked("/orders/d41d8cd98f00b204?by=6ba7b810-9dad-11d1-80b4-00c04fd430c8&x=7");
        for id in ["d41d8cd98f00b204", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"] {
            let other = Plain::Text("ffffffffffffffff");
            let bond = history.candidate.would_be(
                spot(&Place::from("$.id"), "id"),
                Plain::Text(id),
                other,
            );
            assert_eq!(bond, Some(Bond::Broken));
        }
    }

    #[test]
    fn a_number_rises_or_falls_from_answer_to_answer() {
        let mut strand = Strand::default();
        let mut next =
            |pattern: &str, n| strand.course(spot(&Place::from(pattern), "n"), Plain::Number(n));
        assert_eq!(next("$.n", "5"), None);
        assert_eq!(next("$.n", "6"), Some(Course::Rose));
        assert_eq!(next("$.n", "6"), Some(Course::Fell));
        assert_eq!(next("$.n", "5"), Some(Course::Fell));
        assert_eq!(next("$.m", "9"), None);
        assert_eq!(next("$.l[*].m", "1"), None);
        assert_eq!(next("$.l[*].m", "2"), None);
    }

    proptest! {
        /// Against the definition: a pair is broken exactly if an earlier unbroken one has one of its
        /// two and not the other.
        #[test]
        fn it_is_the_bijection_of_all_that_held(pairs in proptest::collection::vec((0u64..8, 0u64..8), 0..60)) {
            let mut bonds = Bonds::default();
            let mut held: HashMap<u64, u64> = HashMap::new();
            for (a, b) in pairs {
                let clash = held.iter().any(|(x, y)| (*x == a) != (*y == b));
                let expected = match (clash, held.get(&a)) {
                    (true, _) => Bond::Broken,
                    (false, Some(_)) => Bond::Kept,
                    (false, None) => Bond::New,
                };
                prop_assert_eq!(bonds.meet(a, b, true), expected);
                if !clash {
                    held.insert(a, b);
                }
            }
        }
    }
}
