//! Which pairs are alike: in all that could excuse them.

use std::collections::{BTreeMap, BTreeSet};
use understudy_compare::{Known, Noise, Row, coarse};
use understudy_model::{Bond, Course, Difference, DifferenceKind, Distance, Place, Position, Spot};

/// What decides what a pair is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Like {
    operation: u32,
    code: Option<i32>,
    /// What could not be compared: such a pair is not excused with the others.
    unread: Option<String>,
    noise: BTreeSet<Likeness>,
    differences: BTreeSet<Likeness>,
}

/// What decides what one difference is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Likeness {
    pattern: Place,
    kind: DifferenceKind,
    baseline: String,
    contender: String,
    rules: Vec<u32>,
    apart: Option<Apart>,
    course: Option<Course>,
    bond: Option<Bond>,
    spot: Option<Spot>,
    position: Option<Position>,
}

/// How far apart values are, as exactly as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Apart {
    Exactly(Distance),
    Roughly(i16),
}

impl Like {
    /// `is_rough`: differences at places without noise are grouped by how far apart their values
    /// are, as long as there is room for that.
    pub(super) fn of(row: &Row, known: &Noise, is_rough: bool) -> Like {
        let apart = |of: &Difference| match (of.relation.distance?, known.known(row.operation, of))
        {
            (_, Known::Within) => None,
            (distance, Known::Beyond) => Some(Apart::Exactly(distance)),
            (distance, Known::Unknown) => is_rough.then(|| Apart::Roughly(coarse(distance))),
        };
        Like {
            operation: row.operation,
            code: row.code,
            unread: row.unread.clone(),
            // Of these the farthest alone counts, which the group keeps.
            noise: row.noise.iter().map(|of| Likeness::of(of, None)).collect(),
            differences: row
                .differences
                .iter()
                .map(|of| Likeness::of(of, apart(of)))
                .collect(),
        }
    }
}

impl Likeness {
    fn of(difference: &Difference, apart: Option<Apart>) -> Likeness {
        Likeness {
            pattern: difference.pattern.clone(),
            kind: difference.kind,
            baseline: difference.baseline_character.0.clone(),
            contender: difference.contender_character.0.clone(),
            rules: difference.rules.clone(),
            apart,
            course: difference.relation.course,
            bond: difference.relation.bond,
            spot: difference.spot.map(reduced_spot),
            position: difference.position,
        }
    }
}

/// The spot without what decides nothing (how long the text is), and without what the group keeps the farthest
/// of.
fn reduced_spot(spot: Spot) -> Spot {
    match spot {
        Spot::Token { line, around, .. } => Spot::Token {
            line,
            around,
            of: 0,
        },
        Spot::Run {
            start,
            end,
            of,
            contender_of,
            ..
        } => Spot::Run {
            start,
            end,
            of,
            contender_of,
            big_endian: None,
            little_endian: None,
        },
    }
}

/// Drops from a row which element of an array differs, and what is before a token on its line: where there is
/// little room, such pairs are alike.
pub(super) fn blur(row: &mut Row) {
    for difference in row.noise.iter_mut().chain(&mut row.differences) {
        difference.position = None;
        if let Some(Spot::Token { line, around, .. }) = &mut difference.spot {
            *line = *around;
        }
    }
}

/// The farther of two distances.
fn farther(a: Distance, b: Distance) -> Distance {
    match (a, b) {
        (
            Distance::Number { absolute, relative },
            Distance::Number {
                absolute: other,
                relative: of_other,
            },
        ) => Distance::Number {
            absolute: absolute.max(other),
            relative: relative.max(of_other),
        },
        _ => a.max(b),
    }
}

/// Takes into the kept differences how far apart those of one more pair are.
pub(super) fn widen(kept: &mut [Difference], more: &[Difference]) {
    let place = |of: &Difference| (of.pattern.clone(), of.spot.map(reduced_spot));
    let mut farthest: BTreeMap<_, Distance> = BTreeMap::new();
    let mut runs: BTreeMap<_, (Option<i32>, Option<i32>)> = BTreeMap::new();
    for difference in more {
        if let Some(Spot::Run {
            big_endian,
            little_endian,
            ..
        }) = difference.spot
        {
            let far = runs.entry(place(difference)).or_default();
            *far = (far.0.max(big_endian), far.1.max(little_endian));
        }
        if let Some(distance) = difference.relation.distance {
            let far = farthest.entry(place(difference)).or_insert(distance);
            *far = farther(*far, distance);
        }
    }
    for difference in kept {
        let place = place(difference);
        if let Some(Spot::Run {
            big_endian,
            little_endian,
            ..
        }) = &mut difference.spot
            && let Some((big, little)) = runs.get(&place)
        {
            *big_endian = (*big_endian).max(*big);
            *little_endian = (*little_endian).max(*little);
        }
        if let Some(distance) = &mut difference.relation.distance
            && let Some(far) = farthest.get(&place)
        {
            *distance = farther(*distance, *far);
        }
    }
}
