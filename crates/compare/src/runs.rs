//! Two bodies that are not text, as runs of equal and unequal bytes.

use understudy_model::Spot;

/// Runs kept; what follows the last one belongs to it.
const KEPT: usize = 64;
/// Equal bytes between two runs that do not part them: of a random token one byte in 256 is equal by chance.
const BRIDGED: usize = 3;
/// The longest run that has a measure as a number, in bytes.
const NUMBER: usize = 16;

/// Bytes in which two bodies differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run<'b> {
    /// Its offset at the baseline.
    pub(crate) start: usize,
    pub(crate) spot: Spot,
    pub(crate) baseline: &'b [u8],
    pub(crate) contender: &'b [u8],
}

/// The runs in which two different bodies differ. Of bodies of different lengths that is all but what they
/// have in common at the start and at the end.
pub(crate) fn compare<'b>(a: &'b [u8], b: &'b [u8]) -> Vec<Run<'b>> {
    if a.len() == b.len() {
        let run = |(start, end)| one(a, b, (start, end), (start, end));
        return differing(a, b).into_iter().map(run).collect();
    }
    let shorter = a.len().min(b.len());
    let start = common(a.iter().zip(b)).min(shorter);
    let end = common(a.iter().rev().zip(b.iter().rev())).min(shorter - start);
    vec![one(a, b, (start, a.len() - end), (start, b.len() - end))]
}

fn common<'b>(pairs: impl Iterator<Item = (&'b u8, &'b u8)>) -> usize {
    pairs.take_while(|(a, b)| a == b).count()
}

/// Where two bodies of one length differ.
fn differing(a: &[u8], b: &[u8]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for at in (0..a.len()).filter(|at| a[*at] != b[*at]) {
        let is_full = runs.len() == KEPT;
        match runs.last_mut() {
            Some((_, end)) if at <= *end + BRIDGED || is_full => *end = at + 1,
            _ => runs.push((at, at + 1)),
        }
    }
    runs
}

fn one<'b>(a: &'b [u8], b: &'b [u8], of_a: (usize, usize), of_b: (usize, usize)) -> Run<'b> {
    let (x, y) = (&a[of_a.0..of_a.1], &b[of_b.0..of_b.1]);
    let measured = (a.len() == b.len() && x.len() <= NUMBER).then(|| {
        let big = |bytes: &[u8]| bytes.iter().fold(0_u128, |n, b| n << 8 | u128::from(*b));
        let little = |bytes: &[u8]| {
            bytes
                .iter()
                .rev()
                .fold(0_u128, |n, b| n << 8 | u128::from(*b))
        };
        let bits = |bytes: usize| i32::try_from(bytes.saturating_mul(8)).unwrap_or(i32::MAX);
        (
            exponent(big(x).abs_diff(big(y))).saturating_add(bits(a.len() - of_a.1)),
            exponent(little(x).abs_diff(little(y))).saturating_add(bits(of_a.0)),
        )
    });
    Run {
        start: of_a.0,
        spot: Spot::Run {
            start: of_a.0 as u64,
            end: of_a.1 as u64,
            of: a.len() as u64,
            contender_of: b.len() as u64,
            big_endian: measured.map(|(big, _)| big),
            little_endian: measured.map(|(_, little)| little),
        },
        baseline: x,
        contender: y,
    }
}

/// The least e with `x <= 2^e`.
fn exponent(x: u128) -> i32 {
    match x {
        0 => 0,
        x => (128 - (x - 1).leading_zeros()) as i32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spans(a: &[u8], b: &[u8]) -> Vec<(u64, u64)> {
        let span = |run: Run<'_>| match run.spot {
            Spot::Run { start, end, .. } => (start, end),
            Spot::Token { .. } => unreachable!("runs are runs"),
        };
        compare(a, b).into_iter().map(span).collect()
    }

    #[test]
    fn runs_are_what_differs() {
        assert_eq!(spans(b"abcdefgh", b"abXdefgh"), [(2, 3)]);
        assert_eq!(spans(b"abcdefghij", b"XbcdefghiX"), [(0, 1), (9, 10)]);
        assert_eq!(
            spans(b"abcdef", b"XbcXef"),
            [(0, 4)],
            "three equal bytes do not part"
        );
        assert_eq!(spans(b"abcdef", b"abef"), [(2, 4)]);
        assert_eq!(spans(b"abab", b"ab"), [(2, 4)]);
        assert_eq!(spans(b"", b"ab"), [(0, 0)]);
    }

    #[test]
    fn a_run_is_measured_in_units_that_do_not_depend_on_where_it_begins() {
        let measure = |a: &[u8], b: &[u8]| match compare(a, b)[0].spot {
            Spot::Run {
                big_endian,
                little_endian,
                ..
            } => (big_endian, little_endian),
            Spot::Token { .. } => unreachable!("runs are runs"),
        };
        // 0x00ff and 0x0100 are one apart, as 0x0001 and 0x0002 are.
        assert_eq!(measure(&[9, 0, 255, 7], &[9, 1, 0, 7]).0, Some(8));
        assert_eq!(measure(&[9, 0, 1, 7], &[9, 0, 2, 7]).0, Some(8));
        assert_eq!(measure(&[9, 255, 0, 7], &[9, 0, 1, 7]).1, Some(8));
        assert_eq!(measure(&[0; 40], &[1; 40]), (None, None));
    }

    proptest! {
        #[test]
        fn whatever_is_outside_the_runs_is_equal(a: Vec<u8>, b: Vec<u8>, flips: Vec<prop::sample::Index>) {
            let mut changed = a.clone();
            for flip in flips {
                if !changed.is_empty() {
                    let at = flip.index(changed.len());
                    changed[at] ^= 1;
                }
            }
            let inside = |at: usize| spans(&a, &changed).iter().any(|(s, e)| (*s..*e).contains(&(at as u64)));
            if a != changed {
                for at in 0..a.len() {
                    prop_assert!(a[at] == changed[at] || inside(at));
                }
            }
            let _ = compare(&a, &b);
        }
    }
}
