//! Which rows of two small groups answer to each other: those that agree in the most cells.

use std::cmp::Reverse;

/// The most pairs of rows that are scored; of larger groups none is paired.
const MOST_PAIRS: usize = 1_000_000;

/// Pairs the rows of two groups, best first, and never one that agrees in fewer than `fewest` cells. `score` says in
/// how many cells row `i` of the one and row `j` of the other agree. `None`: the groups are too large.
pub(super) fn pairs(
    (a, b): (usize, usize),
    fewest: usize,
    score: impl Fn(usize, usize) -> usize,
) -> Option<Vec<(usize, usize)>> {
    if a.checked_mul(b)? > MOST_PAIRS {
        return None;
    }
    let mut scored = Vec::new();
    for i in 0..a {
        for j in 0..b {
            let agree = score(i, j);
            if agree >= fewest {
                scored.push((Reverse(agree), i, j));
            }
        }
    }
    scored.sort_unstable();
    let (mut taken_a, mut taken_b) = (vec![false; a], vec![false; b]);
    let mut found = Vec::new();
    for (_, i, j) in scored {
        if !taken_a[i] && !taken_b[j] {
            (taken_a[i], taken_b[j]) = (true, true);
            found.push((i, j));
        }
    }
    found.sort_unstable();
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_alike_rows_are_pairs() {
        let score = |i: usize, j: usize| [[1, 3], [3, 3], [0, 0]][i][j];
        assert_eq!(pairs((3, 2), 1, score), Some(vec![(0, 1), (1, 0)]));
        assert_eq!(pairs((3, 2), 4, score), Some(vec![]));
        assert_eq!(pairs((2_000, 2_000), 0, |_, _| 0), None);
    }
}
