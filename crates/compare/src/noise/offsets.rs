//! Noise by offset in bodies that are not text.

use std::collections::BTreeMap;
use understudy_model::Spot;

/// Most lengths of bodies that are kept apart.
const LENGTHS: usize = 64;
/// Intervals kept of bodies of one length.
const INTERVALS: usize = 256;
/// Powers of two by which a number may be farther away than those seen; as for numbers in texts.
const MARGIN: i32 = 3;

/// Where the incumbent differs from itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offsets {
    by_length: BTreeMap<u64, Vec<Interval>>,
    /// Its bodies differed in length, or there was no room: offsets say nothing.
    is_loose: bool,
}

/// Bytes `start..end` that differ, and how far apart they are at most as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Interval {
    start: u64,
    end: u64,
    big_endian: Option<i32>,
    little_endian: Option<i32>,
}

/// How much noise covers of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Covers {
    Nothing,
    /// The run alone.
    Run,
    /// All of the body: where in it noise is, is not known.
    Body,
}

impl Offsets {
    pub(super) fn learn(&mut self, spot: Spot) {
        let Some((mut new, of, contender_of)) = Interval::of(spot) else {
            return;
        };
        let has_room = self.by_length.len() < LENGTHS || self.by_length.contains_key(&of);
        if of != contender_of || !has_room {
            self.is_loose = true;
            return;
        }
        let intervals = self.by_length.entry(of).or_default();
        // Intervals that touch are one.
        intervals.retain(|known| {
            let apart = known.end < new.start || new.end < known.start;
            if !apart {
                new = new.with(known);
            }
            apart
        });
        match intervals.len() < INTERVALS {
            true => intervals.push(new),
            false => self.is_loose = true,
        }
    }

    pub(super) fn cover(&self, spot: Spot) -> Covers {
        let Some((run, of, contender_of)) = Interval::of(spot) else {
            return Covers::Nothing;
        };
        let intervals = self.by_length.get(&of).filter(|_| of == contender_of);
        let Some(intervals) = intervals else {
            // Bodies whose lengths vary have no stable offsets.
            return match self.is_loose || self.by_length.len() > 1 {
                true => Covers::Body,
                false => Covers::Nothing,
            };
        };
        match intervals.iter().any(|known| known.covers(&run, of)) {
            true => Covers::Run,
            false if self.is_loose => Covers::Body,
            false => Covers::Nothing,
        }
    }
}

impl Interval {
    /// A run of bytes, and the lengths of both bodies.
    fn of(spot: Spot) -> Option<(Interval, u64, u64)> {
        let Spot::Run {
            start,
            end,
            of,
            contender_of,
            big_endian,
            little_endian,
        } = spot
        else {
            return None;
        };
        let interval = Interval {
            start,
            end,
            big_endian,
            little_endian,
        };
        Some((interval, of, contender_of))
    }

    fn with(self, other: &Interval) -> Interval {
        Interval {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
            big_endian: self.big_endian.max(other.big_endian),
            little_endian: self.little_endian.max(other.little_endian),
        }
    }

    fn covers(&self, run: &Interval, of: u64) -> bool {
        let is_within = self.start <= run.start && run.end <= self.end;
        is_within || self.carries_up(run, of) || self.carries_down(run)
    }

    /// A counter or clock, its highest byte first, of which a higher byte has changed: as a number it is not farther
    /// away than those seen. A token that uses all of its bytes has no such bound.
    fn carries_up(&self, run: &Interval, of: u64) -> bool {
        let Some((reach, apart)) = self.big_endian.zip(run.big_endian) else {
            return false;
        };
        let reach = reach.saturating_add(MARGIN);
        let ends_here = self.start < run.end && run.end <= self.end;
        ends_here && apart <= reach && i64::from(reach) + 1 < 8 * (of - self.start) as i64
    }

    /// The same with the lowest byte first.
    fn carries_down(&self, run: &Interval) -> bool {
        let Some((reach, apart)) = self.little_endian.zip(run.little_endian) else {
            return false;
        };
        let reach = reach.saturating_add(MARGIN);
        let begins_here = self.start <= run.start && run.start < self.end;
        begins_here && apart <= reach && i64::from(reach) + 1 < 8 * self.end as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs;

    fn learned(pairs: &[(&[u8], &[u8])]) -> Offsets {
        let mut offsets = Offsets::default();
        for (a, b) in pairs {
            runs::compare(a, b)
                .iter()
                .for_each(|run| offsets.learn(run.spot));
        }
        offsets
    }

    fn cover(offsets: &Offsets, a: &[u8], b: &[u8]) -> Vec<Covers> {
        runs::compare(a, b)
            .iter()
            .map(|run| offsets.cover(run.spot))
            .collect()
    }

    #[test]
    fn a_clock_may_carry_and_its_neighbours_may_not_change() {
        for flip in [false, true] {
            let body = |clock: u32| {
                let mut bytes = vec![9, 9, 9, 9];
                bytes.extend(if flip {
                    clock.to_le_bytes()
                } else {
                    clock.to_be_bytes()
                });
                bytes.extend([7, 7]);
                bytes
            };
            let pairs: Vec<(Vec<u8>, Vec<u8>)> = (0..20)
                .map(|n| (body(1000 * 256 + n), body(1000 * 256 + n + 3)))
                .collect();
            let pairs: Vec<(&[u8], &[u8])> = pairs
                .iter()
                .map(|(a, b)| (a.as_slice(), b.as_slice()))
                .collect();
            let offsets = learned(&pairs);
            assert_eq!(
                cover(&offsets, &body(255), &body(258)),
                [Covers::Run],
                "the next byte turns over"
            );
            assert_eq!(
                cover(&offsets, &body(5), &body(5 + 256 * 256)),
                [Covers::Nothing]
            );
            for at in [0, 3, 8, 9] {
                let mut wrong = body(7);
                wrong[at] ^= 1;
                assert_eq!(cover(&offsets, &body(7), &wrong), [Covers::Nothing], "{at}");
            }
        }
    }

    #[test]
    fn where_lengths_vary_offsets_say_nothing_and_the_whole_body_is_covered() {
        let offsets = learned(&[(b"abc", b"abcd")]);
        assert_eq!(cover(&offsets, b"abc", b"axc"), [Covers::Body]);
        assert_eq!(
            cover(&Offsets::default(), b"abc", b"axc"),
            [Covers::Nothing]
        );
    }
}
