//! Whose turn it is: the order of the sides, and what the two of a pair have in common.

use understudy_model::Role;
use understudy_stats::random::Random;

/// The measurements of an ABBA block, each with its number among the two of its side: the sides in an
/// order that the seed draws, then back (ABBA or BAAB, with a third side ABCCBA and so on), so that a
/// linear drift of the machine cancels in every pair.
pub(crate) fn order(sides: &[Role], seed: u64, rate: u32, abba: u32) -> Vec<(Role, u32)> {
    let mut sides = sides.to_vec();
    let mut draw = seed ^ mix((u64::from(rate) << 32) | u64::from(abba));
    // Fisher and Yates.
    for last in (1..sides.len()).rev() {
        draw = mix(draw);
        sides.swap(last, last - (draw % (last as u64 + 1)) as usize);
    }
    let there = sides.iter().map(|side| (*side, 0));
    let back = sides.iter().rev().map(|side| (*side, 1));
    there.chain(back).collect()
}

/// Both sides of a pair meet the same arrivals and the same requests; each pair meets its own.
pub(crate) fn pair_seed(seed: u64, rate_rps: f64, number: u32) -> u64 {
    mix(seed ^ mix(rate_rps.to_bits() ^ u64::from(number).rotate_left(17)))
}

/// Neighbouring seeds become unrelated.
pub(crate) fn mix(seed: u64) -> u64 {
    Random::new(seed).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn blocks_mirror_themselves_and_every_order_comes() {
        for (sides, orders) in [
            (&[Role::Incumbent, Role::Candidate][..], 2),
            (&Role::SIDES[..], 6),
        ] {
            let mut seen: HashMap<Vec<Role>, u32> = HashMap::new();
            for abba in 0..600 {
                let turns = order(sides, 1, 0, abba);
                assert_eq!(turns.len(), 2 * sides.len());
                for ((there, zero), (back, one)) in turns.iter().zip(turns.iter().rev()) {
                    assert_eq!((there, zero + one), (back, 1));
                }
                let half = turns[..sides.len()].iter().map(|(side, _)| *side).collect();
                *seen.entry(half).or_default() += 1;
            }
            assert_eq!(seen.len(), orders);
            let expected = 600 / orders as u32;
            let even = |times: &u32| times.abs_diff(expected) < expected / 3;
            assert!(seen.values().all(even), "{seen:?}");
        }
    }

    #[test]
    fn pairs_share_a_seed_and_nothing_else_does() {
        assert_eq!(pair_seed(1, 1000.0, 3), pair_seed(1, 1000.0, 3));
        let seeds: std::collections::HashSet<u64> = (0..100)
            .flat_map(|n| {
                [
                    pair_seed(1, 1000.0, n),
                    pair_seed(1, 4000.0, n),
                    pair_seed(2, 1000.0, n),
                ]
            })
            .collect();
        assert_eq!(seeds.len(), 300);
    }
}
