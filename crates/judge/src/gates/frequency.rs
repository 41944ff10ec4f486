//! CPU time of two sides whose CPUs did not run equally fast.

use super::{APART_P, MOST_APART, are_even};
use crate::refusals::bearing_of;
use understudy_model::gates::FREQUENCY;
use understudy_model::stored::LatencyBlock;
use understudy_model::verdict::Gate;
use understudy_model::{Pacing, Role};
use understudy_stats::paired::log_mean_interval_at;

/// The gate of each contender at one rate; none where the kernel does not tell the frequencies, or of too few pairs.
///
/// A governor may give the busier side the faster CPUs: the same work then takes more CPU time on the other, by as much as
/// the frequencies are apart. Latencies are what a client sees under that governor, and stand.
pub(super) fn judge(rate_rps: f64, blocks: &[LatencyBlock]) -> Vec<Gate> {
    let contenders = [Role::Candidate, Role::Tuned].into_iter();
    contenders
        .filter_map(|contender| between(contender, rate_rps, blocks))
        .collect()
}

fn between(contender: Role, rate_rps: f64, blocks: &[LatencyBlock]) -> Option<Gate> {
    let of = |side: Role, number: u32| {
        let is_it = |block: &&LatencyBlock| {
            block.rate_rps == rate_rps && block.side == side && block.block == number
        };
        blocks.iter().find(is_it)?.figures.cpu_mhz
    };
    let here = blocks
        .iter()
        .filter(|block| block.rate_rps == rate_rps && block.side == contender);
    let pairs: Option<Vec<(f64, f64)>> = here
        .map(|block| Some((of(Role::Incumbent, block.block)?, block.figures.cpu_mhz?)))
        .collect();
    let pairs = pairs?;
    let ratios: Vec<f64> = pairs
        .iter()
        .map(|(incumbent, own)| own / incumbent)
        .collect();
    let interval = log_mean_interval_at(&ratios, 2.0 * APART_P)?;
    let passed = are_even(&ratios, interval.estimate)?;
    let apart = interval.estimate - 1.0;
    let mean =
        |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / pairs.len() as f64;
    Some(Gate {
        code: FREQUENCY.to_owned(),
        at: Pacing::at(rate_rps),
        passed,
        text: format!(
            "the CPUs ran at {:.0} MHz for the incumbent and {:.0} MHz for the {}: {:+.1} % (98 % interval {:+.1} % to {:+.1} %; limit {:.0} % if significant at 2 %){}",
            mean(&|pair| pair.0),
            mean(&|pair| pair.1),
            contender.in_words(),
            apart * 100.0,
            (interval.low - 1.0) * 100.0,
            (interval.high - 1.0) * 100.0,
            MOST_APART * 100.0,
            match passed {
                true => "",
                false =>
                    "; CPU time at two frequencies is not comparable: choose the governor `performance` (cpupower frequency-set -g performance)",
            },
        ),
        bears_on: bearing_of(FREQUENCY),
        rate_rps: Some(rate_rps),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulated;
    use understudy_model::verdict::Bearing;

    const RATE: f64 = 1000.0;

    /// Pairs whose CPUs ran at these frequencies.
    fn pairs(mhz: impl Fn(u32) -> (Option<f64>, Option<f64>)) -> Vec<LatencyBlock> {
        let pair = |number: u32| {
            let (incumbent, candidate) = mhz(number);
            [(Role::Incumbent, incumbent), (Role::Candidate, candidate)].map(|(side, mhz)| {
                let mut block = simulated::block((side, number), (RATE, 1.0), Vec::new());
                block.figures.cpu_mhz = mhz;
                block
            })
        };
        (0..8).flat_map(pair).collect()
    }

    fn wave(number: u32) -> f64 {
        f64::from(number % 3) * 20.0
    }

    #[test]
    fn frequencies_that_follow_the_side_refuse_cpu_time_and_nothing_else() {
        let gates = judge(
            RATE,
            &pairs(|n| (Some(3100.0 + wave(n)), Some(2400.0 + wave(n + 1)))),
        );
        let [gate] = &gates[..] else {
            panic!("{gates:?}")
        };
        assert!(!gate.passed && gate.bears_on == [Bearing::Cpu], "{gate:?}");
        assert!(
            gate.text
                .contains("at 3118 MHz for the incumbent and 2422 MHz for the candidate: -22.3 %"),
            "{}",
            gate.text
        );
        assert!(gate.text.contains("governor `performance`"));
    }

    #[test]
    fn what_is_close_or_chance_refuses_nothing() {
        let close = judge(
            RATE,
            &pairs(|n| (Some(3100.0 + wave(n)), Some(3000.0 + wave(n + 1)))),
        );
        assert!(close.len() == 1 && close[0].passed, "{close:?}");
        // A machine whose frequency swings, whoever runs.
        let swings = pairs(|n| {
            let high = 1500.0 + 1500.0 * f64::from(n % 2);
            (Some(high), Some(4500.0 - high))
        });
        let swings = judge(RATE, &swings);
        assert!(swings.len() == 1 && swings[0].passed, "{swings:?}");
    }

    #[test]
    fn what_is_not_told_of_each_pair_is_not_judged() {
        assert!(judge(RATE, &pairs(|_| (None, None))).is_empty());
        assert!(judge(RATE, &pairs(|n| (Some(3000.0), (n != 3).then_some(2000.0)))).is_empty());
        assert!(judge(RATE, &[]).is_empty());
    }
}
