//! Seeds of their own for every use of one seed that a person gives.
//!
//! A seed that a step and a thread are added to gives thread 1 of one step the stream of thread 0 of the
//! next. Here each use is hashed with its purpose and number. The values may never change: a seed means the
//! same tomorrow.

use crate::random::Random;

/// What a seed is for. The numbers are part of what a seed means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// When requests are due, by thread.
    Schedule = 1,
    /// Which request is next, by thread.
    Requests = 2,
    /// A step of a search for the capacity.
    CapacityStep = 3,
    /// A step of a search for the memory floor.
    FloorStep = 4,
    /// Load before anything is measured.
    Settling = 5,
}

/// The seed for the use of this number.
pub fn derived(seed: u64, purpose: Purpose, number: u64) -> u64 {
    let absorb = |state: u64, word: u64| Random::new(state ^ word).next();
    [purpose as u64, number]
        .into_iter()
        .fold(Random::new(seed).next(), absorb)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const ALL: [Purpose; 5] = [
        Purpose::Schedule,
        Purpose::Requests,
        Purpose::CapacityStep,
        Purpose::FloorStep,
        Purpose::Settling,
    ];

    /// By an implementation of SplitMix64 in Python; these values must never change.
    #[test]
    fn a_seed_means_the_same_tomorrow() {
        for (seed, purpose, number, expected) in [
            (1, Purpose::Schedule, 0, 0x5775_264a_9a7e_1b09),
            (1, Purpose::Schedule, 1, 0x7095_beeb_d765_75e4),
            (1, Purpose::Requests, 0, 0xe68e_6fc0_1df0_8360),
            (1, Purpose::CapacityStep, 0, 0xd515_9b73_432a_2795),
            (1, Purpose::CapacityStep, 1, 0x6714_22de_47bb_5938),
            (1, Purpose::FloorStep, 1, 0x1302_7522_bc69_b876),
            (42, Purpose::Settling, 0, 0xb403_f1ab_4af0_8464),
            (u64::MAX, Purpose::Schedule, 7, 0x2430_cd3f_ffea_87a2),
        ] {
            assert_eq!(
                derived(seed, purpose, number),
                expected,
                "{seed} {purpose:?} {number}"
            );
        }
    }

    #[test]
    fn steps_and_threads_share_no_seed() {
        let mut seen = HashSet::new();
        for seed in 0..20 {
            for step in 0..50 {
                for search in [Purpose::CapacityStep, Purpose::FloorStep] {
                    let of_step = derived(seed, search, step);
                    for purpose in ALL {
                        seen.extend((0..8).map(|thread| derived(of_step, purpose, thread)));
                    }
                }
            }
        }
        assert_eq!(seen.len(), 20 * 50 * 2 * 5 * 8);
    }
}
