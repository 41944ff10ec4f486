//! When the processes began whose lines count from their start.

use std::collections::{BTreeMap, BTreeSet};
use understudy_wire::runtime::Origin;

/// The starts of processes on the monotonic clock, learned from when their lines arrived: the earliest
/// arrival counts, since no line can arrive before what it reports.
#[derive(Debug, Default)]
pub(super) struct Origins {
    /// Of those that their lines name.
    named: BTreeMap<Origin, u64>,
    /// Of those that they do not name, in order: several processes can write to one log.
    unnamed: Vec<u64>,
}

/// Lines of one process arrive within this after what they report, but for a few late ones.
const SPREAD_NS: u64 = 20_000_000;
/// So many lines at least begin a process.
const FEWEST: usize = 3;
/// One in so many of all lines at least.
const SHARE: usize = 20;
/// There are so many times as many right after the start of a process as right before it.
const EDGE: usize = 3;
/// Most processes without a name.
const MOST: usize = 64;

impl Origins {
    /// Learns from lines: whose they are, where in the file they end, and when that process began at the
    /// latest.
    pub(super) fn learn(&mut self, lines: impl Iterator<Item = (Origin, u64, u64)>) {
        let mut unnamed = BTreeMap::new();
        for (origin, line_end, began_ns) in lines {
            if origin == Origin::UNNAMED {
                let known = unnamed.entry(line_end).or_insert(began_ns);
                *known = began_ns.min(*known);
            } else {
                let known = self.named.entry(origin).or_insert(began_ns);
                *known = began_ns.min(*known);
            }
        }
        if !unnamed.is_empty() {
            self.unnamed = starts(unnamed.into_values().collect(), &self.unnamed);
        }
    }

    /// When the process began, of which a line says that it began at `began_ns` at the latest.
    pub(super) fn start(&self, origin: Origin, began_ns: Option<u64>) -> Option<u64> {
        if origin != Origin::UNNAMED {
            return self.named.get(&origin).copied();
        }
        let later = match began_ns {
            Some(began_ns) => self.unnamed.partition_point(|start| *start <= began_ns),
            None => 1,
        };
        self.unnamed.get(later.max(1) - 1).copied()
    }

    /// Is it the first of its process, whose stops are those of the program? A worker begins later.
    pub(super) fn is_first(&self, origin: Origin) -> bool {
        let own = self.named.get(&origin);
        let same = self
            .named
            .iter()
            .filter(|(other, _)| other.process == origin.process);
        same.map(|(_, start)| start).min() == own
    }

    /// How many processes there are.
    pub(super) fn processes(&self) -> usize {
        let named: BTreeSet<u64> = self.named.keys().map(|origin| origin.process).collect();
        named.len() + self.unnamed.len()
    }
}

/// The starts of the processes that wrote lines: where many lines begin at once. The earliest is one; what
/// follows without such an edge are its late lines.
fn starts(mut lines: Vec<u64>, known: &[u64]) -> Vec<u64> {
    let all = lines.len();
    // What was found once needs no lines to be found again.
    lines.extend(known.iter().flat_map(|start| [*start; FEWEST]));
    lines.sort_unstable();
    let between = |from: u64, to: u64| {
        lines.partition_point(|line| *line < to) - lines.partition_point(|line| *line < from)
    };
    let mut starts: Vec<u64> = Vec::new();
    for &line in &lines {
        let is_edge = match starts.last() {
            None => true,
            Some(last) if line <= last + SPREAD_NS => false,
            Some(_) => {
                let ahead = between(line, line + SPREAD_NS);
                let behind = between(line.saturating_sub(SPREAD_NS), line);
                ahead >= FEWEST && ahead * SHARE >= all && ahead >= EDGE * behind
            }
        };
        if is_edge && starts.len() < MOST {
            starts.push(line);
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn learned(lines: &[u64]) -> Vec<u64> {
        let mut origins = Origins::default();
        let lines = lines.iter().zip(0u64..);
        origins.learn(lines.map(|(began_ms, end)| (Origin::UNNAMED, end, began_ms * MS)));
        origins.unnamed.iter().map(|ns| ns / MS).collect()
    }

    #[test]
    fn late_lines_of_one_process_are_not_another() {
        assert_eq!(learned(&[5_003, 5_000, 5_001, 5_090, 5_400]), [5_000]);
        // A pipe that collects lines for a second: no edge anywhere.
        let collected: Vec<u64> = (0..200).map(|k| 5_000 + k * 5).collect();
        assert_eq!(learned(&collected), [5_000]);
        assert_eq!(learned(&[7_000]), [7_000]);
    }

    #[test]
    fn processes_in_one_log_have_a_start_each() {
        let of = |start: u64| (0..10).map(move |k| start + k % 4);
        let lines: Vec<u64> = of(5_000)
            .chain(of(5_300))
            .chain(of(90_000))
            .chain([5_200])
            .collect();
        assert_eq!(learned(&lines), [5_000, 5_300, 90_000]);
        let mut origins = Origins::default();
        let numbered = |lines: &[u64]| -> Vec<(Origin, u64, u64)> {
            let lines = lines.iter().zip(0u64..);
            lines
                .map(|(ms, end)| (Origin::UNNAMED, end, ms * MS))
                .collect()
        };
        origins.learn(numbered(&lines).into_iter());
        // A second measurement with few lines of each, one of them earlier than any before.
        origins.learn(numbered(&[5_002, 5_299, 90_001]).into_iter());
        assert_eq!(origins.processes(), 3);
        let start = |ms: u64| {
            origins
                .start(Origin::UNNAMED, Some(ms * MS))
                .map(|ns| ns / MS)
        };
        assert_eq!(start(5_100), Some(5_000));
        assert_eq!(start(5_301), Some(5_299));
        assert_eq!(start(4_000), Some(5_000));
    }

    #[test]
    fn named_ones_are_distinguished_and_the_first_is_the_program() {
        let origin = |process, isolate| Origin { process, isolate };
        let (main, worker, other) = (origin(7, 1), origin(7, 2), origin(8, 1));
        let mut origins = Origins::default();
        let lines = [
            (main, 900),
            (main, 880),
            (worker, 1_500),
            (other, 2_000),
            (worker, 1_400),
        ];
        origins.learn(lines.into_iter().map(|(who, began)| (who, 0, began)));
        assert_eq!(origins.start(main, None), Some(880));
        assert_eq!(origins.start(worker, Some(1_800)), Some(1_400));
        assert!(origins.is_first(main) && origins.is_first(other) && !origins.is_first(worker));
        assert_eq!(origins.processes(), 2);
        assert_eq!(origins.start(origin(9, 1), Some(5)), None);
    }
}
