//! P2: scores of blocks (latency, memory; any metric that comes in bursts).
//!
//! Per block of some seconds, d is the candidate's score minus the baseline's. Were the arms equal and
//! exchangeable, d would be symmetric around 0 given the past, with whatever correlation inside a
//! block; S = sum d and V = sum d^2 are then all that is needed.

use super::mixture::{Mixture, Normal};

/// The blocks so far. Those of several gateways add up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scores {
    /// S, the sum of the differences.
    pub sum: f64,
    /// V, the sum of their squares.
    pub squares: f64,
}

impl Scores {
    /// Counts the difference of one block.
    pub fn add(&mut self, difference: f64) {
        self.sum += difference;
        self.squares += difference * difference;
    }

    /// Counts the blocks of another test.
    pub fn merge(&mut self, other: Scores) {
        self.sum += other.sum;
        self.squares += other.squares;
    }

    /// ln E against "the candidate's score is no higher", with a one-sided mixture that is tightest at
    /// the V expected when it matters:
    /// 1/2 ln[4 rho / (V + rho)] + S^2 / (2 (V + rho)) + ln Phi(S / sqrt(V + rho)).
    pub fn ln_e(&self, mixture: &Normal) -> f64 {
        mixture.ln_e(self.sum, self.squares)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequential::mixture::Sides;

    #[test]
    fn the_reference_number_holds() {
        let mixture = Normal::new(2000.0, 0.05, Sides::One).unwrap();
        let found = Scores {
            sum: 200.0,
            squares: 2000.0,
        }
        .ln_e(&mixture);
        assert!((found - 8.332_752).abs() < 1e-6, "{found}");
    }

    #[test]
    fn scores_merge_exactly_and_improvements_are_not_evidence() {
        let mixture = Normal::new(100.0, 0.05, Sides::One).unwrap();
        let (mut whole, mut first, mut second) = Default::default();
        for (i, difference) in [3.0, -1.0, 2.5, 4.0, 0.0].into_iter().enumerate() {
            Scores::add(&mut whole, difference);
            Scores::add(if i < 2 { &mut first } else { &mut second }, difference);
        }
        first.merge(second);
        assert_eq!(first, whole);
        let better = Scores {
            sum: -whole.sum,
            squares: whole.squares,
        };
        assert!(better.ln_e(&mixture) < 0.0 && better.ln_e(&mixture) < whole.ln_e(&mixture));
        // However long it continues: E stays below 1, and finite.
        let long = Scores {
            sum: -1e6,
            squares: 1e7,
        }
        .ln_e(&mixture);
        assert!(long < 0.0 && long.is_finite(), "{long}");
    }
}
