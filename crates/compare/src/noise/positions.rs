//! Noise by position in short arrays: of `[time, total]` the first element alone may be noise.

use std::collections::{BTreeMap, BTreeSet};
use understudy_model::Position;

/// Most lengths of arrays at one place that are kept apart.
const KEPT: usize = 64;
/// A coincidence that is not believed.
const BELIEVED: f64 = 0.001;

/// At which positions the incumbent differs from itself, by the lengths of the arrays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Positions {
    by_lengths: BTreeMap<u32, Group>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Group {
    /// How many positions there are.
    of: u32,
    differing: BTreeSet<u32>,
    /// Differences seen, at whatever position.
    events: u64,
}

impl Positions {
    pub(super) fn learn(&mut self, position: Position, pairs: u64) {
        if self.by_lengths.len() >= KEPT && !self.by_lengths.contains_key(&position.lengths) {
            return;
        }
        let group = self.by_lengths.entry(position.lengths).or_default();
        group.of = position.of;
        group.differing.insert(position.index);
        group.events += pairs;
    }

    /// May the element at this position be noise? It may not where the incumbent's noise keeps to other
    /// ones.
    pub(super) fn allow(&self, position: Position) -> bool {
        let group = self.by_lengths.get(&position.lengths);
        group.is_none_or(|group| group.differing.contains(&position.index) || !group.is_bound())
    }
}

impl Group {
    /// Did the noise keep to few positions beyond chance? That all of k events fall on some m of n positions has a
    /// chance of at most C(n, m) (m/n)^k if every position is as likely.
    fn is_bound(&self) -> bool {
        let (n, m) = (f64::from(self.of), self.differing.len() as f64);
        let ways: f64 = (0..self.differing.len())
            .map(|i| ((n - i as f64) / (i as f64 + 1.0)).ln())
            .sum();
        m < n && ways + self.events as f64 * (m / n).ln() < BELIEVED.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(of: u32, index: u32) -> Position {
        Position {
            lengths: of,
            of,
            index,
        }
    }

    #[test]
    fn an_element_that_never_differed_next_to_a_noisy_one_is_not_noise() {
        let mut positions = Positions::default();
        positions.learn(at(2, 0), 9);
        assert!(positions.allow(at(2, 1)), "nine are too few to say");
        positions.learn(at(2, 0), 3);
        assert!(positions.allow(at(2, 0)) && !positions.allow(at(2, 1)));
        assert!(
            positions.allow(at(3, 1)),
            "nothing is known of arrays of other lengths"
        );
    }

    #[test]
    fn any_element_of_a_list_whose_elements_change_now_and_then_may_be_noise() {
        let mut positions = Positions::default();
        for index in [3, 7, 1, 12, 9, 4, 0, 15, 6, 11] {
            positions.learn(at(16, index), 1);
        }
        assert!(positions.allow(at(16, 2)));
    }
}
