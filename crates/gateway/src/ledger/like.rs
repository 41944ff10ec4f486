//! Which pairs are alike: in all that could excuse them.

use std::collections::{BTreeMap, BTreeSet};
use understudy_compare::{Known, Noise, Row, coarse};
use understudy_model::{Bond, Course, Difference, DifferenceKind, Distance};

/// What decides what a pair is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Like {
    endpoint: u32,
    noise: BTreeSet<Place>,
    differences: BTreeSet<Place>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    pattern: String,
    kind: DifferenceKind,
    baseline: String,
    contender: String,
    rules: Vec<u32>,
    apart: Option<Apart>,
    course: Option<Course>,
    bond: Option<Bond>,
}

/// How far apart values are, as exactly as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Apart {
    Exactly(Distance),
    Roughly(i16),
}

impl Like {
    /// `is_rough`: differences at places without noise are told apart by how far apart their values
    /// are, as long as there is room for that.
    pub(super) fn of(row: &Row, known: &Noise, is_rough: bool) -> Like {
        let apart = |of: &Difference| match (of.relation.distance?, known.known(row.endpoint, of)) {
            (_, Known::Within) => None,
            (distance, Known::Beyond) => Some(Apart::Exactly(distance)),
            (distance, Known::Unknown) => is_rough.then(|| Apart::Roughly(coarse(distance))),
        };
        Like {
            endpoint: row.endpoint,
            // Of these the farthest alone counts, which the group keeps.
            noise: row.noise.iter().map(|of| Place::of(of, None)).collect(),
            differences: row
                .differences
                .iter()
                .map(|of| Place::of(of, apart(of)))
                .collect(),
        }
    }
}

impl Place {
    fn of(difference: &Difference, apart: Option<Apart>) -> Place {
        Place {
            pattern: difference.pattern.clone(),
            kind: difference.kind,
            baseline: difference.baseline_character.0.clone(),
            contender: difference.contender_character.0.clone(),
            rules: difference.rules.clone(),
            apart,
            course: difference.relation.course,
            bond: difference.relation.bond,
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
    let mut farthest: BTreeMap<&str, Distance> = BTreeMap::new();
    for difference in more {
        if let Some(distance) = difference.relation.distance {
            let far = farthest.entry(&difference.pattern).or_insert(distance);
            *far = farther(*far, distance);
        }
    }
    for difference in kept {
        if let Some(distance) = &mut difference.relation.distance
            && let Some(far) = farthest.get(difference.pattern.as_str())
        {
            *distance = farther(*distance, *far);
        }
    }
}
