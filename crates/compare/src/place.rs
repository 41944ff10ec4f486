//! The way to a place in a pair of documents.

use crate::hash::Hash;
use crate::relation::is_made_up;
use understudy_model::place::ValuePath;
use understudy_model::{Place, Position};

/// One step down into a pair of documents.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
    /// To the value of this name.
    Name(&'a str),
    /// To the value of a name that is made up ([`is_made_up`]), each side's own.
    Key {
        baseline: Option<&'a str>,
        contender: Option<&'a str>,
    },
    /// To an element, which may be elsewhere in the contender or absent on one side.
    Index {
        /// Index in the baseline's array.
        baseline: Option<usize>,
        /// Index in the contender's array.
        contender: Option<usize>,
        /// How many elements both arrays have, where the element's position may say what it is; else 0.
        of: usize,
    },
}

/// The longest array whose elements are distinguished by their position.
const SHORT: usize = 16;
/// The most positions that nested arrays may have together.
const POSITIONS: usize = 64;

/// The `of` of a step into two arrays.
pub(crate) fn of(baseline: usize, contender: usize) -> usize {
    match baseline == contender && (2..=SHORT).contains(&baseline) {
        true => baseline,
        false => 0,
    }
}

/// The position to which these steps lead, in arrays that are short; `None` where there are none.
pub(crate) fn position(steps: &[Step<'_>]) -> Option<Position> {
    let (mut lengths, mut index, mut of) = (Hash::new(b'q'), 0, 1);
    for step in steps {
        if let Step::Index {
            baseline: Some(a),
            contender: Some(b),
            of: length,
        } = *step
        {
            lengths = lengths.bytes(&(length as u64).to_le_bytes());
            if length > 0 && a == b && of * length <= POSITIONS {
                (index, of) = (index * length + a, of * length);
            }
        }
    }
    (of > 1).then_some(Position {
        lengths: lengths.finish_64() as u32,
        of: of as u32,
        index: index as u32,
    })
}

/// Whose indices a path shows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Indices {
    /// The baseline's, or the contender's where the baseline has none.
    Baseline,
    /// The contender's, or the baseline's where the contender has none.
    Contender,
    /// `[*]`
    Any,
}

impl<'a> Step<'a> {
    /// To the value of this name on both sides.
    pub(crate) fn to(name: &'a str) -> Step<'a> {
        let (baseline, contender) = (Some(name), Some(name));
        match is_made_up(name) {
            true => Step::Key {
                baseline,
                contender,
            },
            false => Step::Name(name),
        }
    }

    /// Has the side an element here? (Of a name's value only the last step of a path can be absent,
    /// and what is not there nothing selects.)
    pub(crate) fn exists(self, side: Indices) -> bool {
        let (of_baseline, of_contender) = match self {
            Step::Name(_) => (true, true),
            Step::Key {
                baseline,
                contender,
            } => (baseline.is_some(), contender.is_some()),
            Step::Index {
                baseline,
                contender,
                ..
            } => (baseline.is_some(), contender.is_some()),
        };
        match side {
            Indices::Baseline => of_baseline,
            Indices::Contender => of_contender,
            Indices::Any => true,
        }
    }

    /// The name that a path shows; `None` for elements of arrays, and for names that are made up in a pattern.
    pub(crate) fn name(self, indices: Indices) -> Option<&'a str> {
        match (self, indices) {
            (Step::Name(name), _) => Some(name),
            (
                Step::Key {
                    baseline,
                    contender,
                },
                Indices::Baseline,
            ) => baseline.or(contender),
            (
                Step::Key {
                    baseline,
                    contender,
                },
                Indices::Contender,
            ) => contender.or(baseline),
            (Step::Key { .. }, Indices::Any) | (Step::Index { .. }, _) => None,
        }
    }

    /// Adds the step to a path.
    pub(crate) fn push(self, path: &mut ValuePath, indices: Indices) {
        if let Some(name) = self.name(indices) {
            return path.push_name(name);
        }
        let (baseline, contender) = match self {
            Step::Index {
                baseline,
                contender,
                ..
            } => (baseline, contender),
            Step::Name(_) | Step::Key { .. } => (None, None),
        };
        let index = match indices {
            Indices::Baseline => baseline.or(contender),
            Indices::Contender => contender.or(baseline),
            Indices::Any => None,
        };
        match index {
            Some(index) => path.push_index(index),
            None => path.push_any(),
        }
    }
}

/// The last name on the way that is not made up; empty without one.
pub(crate) fn last_name<'a>(steps: &[Step<'a>]) -> &'a str {
    let names = steps.iter().rev().map(|step| step.name(Indices::Any));
    names.flatten().next().unwrap_or_default()
}

/// The place of a value in a document that a cookie holds, written as an attribute of the cookie: only what the name
/// of one may consist of, in lower case.
pub(crate) fn as_attribute(cookie: &Place, steps: &[Step<'_>]) -> Place {
    let mut out = String::new();
    for (at, step) in steps.iter().enumerate() {
        let name = step.name(Indices::Any).unwrap_or("*");
        let name = if at == 0 {
            name.trim_start_matches('#')
        } else {
            name
        };
        let kept = |c: char| {
            if c.is_ascii_alphanumeric() || "-*_".contains(c) {
                c
            } else {
                '_'
            }
        };
        out.push_str(if at == 0 { "" } else { "." });
        out.extend(name.chars().map(kept).map(|c| c.to_ascii_lowercase()));
    }
    cookie.aspect(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_the_baselines_the_contenders_or_none() {
        let step = Step::Index {
            baseline: Some(1),
            contender: Some(2),
            of: 0,
        };
        let extra = Step::Index {
            baseline: None,
            contender: Some(7),
            of: 0,
        };
        let text = |step: Step<'_>, indices| {
            let mut path = ValuePath::root();
            step.push(&mut path, indices);
            path.to_string()
        };
        assert_eq!(text(step, Indices::Baseline), "$[1]");
        assert_eq!(text(step, Indices::Contender), "$[2]");
        assert_eq!(text(step, Indices::Any), "$[*]");
        assert_eq!(text(extra, Indices::Baseline), "$[7]");
    }
}
