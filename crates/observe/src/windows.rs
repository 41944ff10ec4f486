//! What the samples of a side show of causes that are only counted: the stretches between two
//! samples in which a counter grew by more than nothing to speak of.

use understudy_model::stored::Table;
use understudy_model::{Cause, Happening};

/// A counter of the samples, and by how much it has to grow in a second to be the sign of a cause.
struct Sign {
    cause: Cause,
    column: &'static str,
    per_second: f64,
}

const SIGNS: [Sign; 3] = [
    // 5 ms of each second.
    Sign {
        cause: Cause::Throttled,
        column: "throttled_us",
        per_second: 5e3,
    },
    // A tenth of the time of one thread: short waits are the ordinary life of a scheduler.
    Sign {
        cause: Cause::RunQueue,
        column: "run_queue_wait_ns",
        per_second: 1e8,
    },
    Sign {
        cause: Cause::MajorFaults,
        column: "major_faults",
        per_second: 1.0,
    },
];

/// The stretches, on the clock of the samples: seconds since the start of the load become
/// nanoseconds.
pub(crate) fn of(samples: &Table) -> Vec<Happening> {
    let at = samples.column("at_s").unwrap_or_default();
    let stretches = |sign: &Sign| -> Vec<Happening> {
        let counter = samples.column(sign.column).unwrap_or_default();
        let two = at.windows(2).zip(counter.windows(2));
        two.filter_map(|(at, counter)| {
            let (from, to) = (at[0]?, at[1]?);
            let grown = counter[1]? - counter[0]?;
            (to > from && grown / (to - from) >= sign.per_second).then_some(Happening {
                cause: sign.cause,
                start_ns: (from * 1e9) as u64,
                end_ns: (to * 1e9) as u64,
                error_ns: 0,
            })
        })
        .collect()
    };
    SIGNS.iter().flat_map(stretches).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_grows_marks_its_stretch() {
        let some = |values: [f64; 4]| values.map(Some).to_vec();
        let samples = Table {
            columns: vec![
                ("at_s".to_owned(), some([1.0, 1.5, 2.0, 2.5])),
                (
                    "throttled_us".to_owned(),
                    some([0.0, 0.0, 40_000.0, 40_100.0]),
                ),
                ("major_faults".to_owned(), vec![None, None, None, None]),
            ],
        };
        let happenings = of(&samples);
        assert_eq!(happenings.len(), 1);
        let throttled = happenings[0];
        assert_eq!(throttled.cause, Cause::Throttled);
        assert_eq!(
            (throttled.start_ns, throttled.end_ns),
            (1_500_000_000, 2_000_000_000)
        );
    }
}
