//! Begins and ends of what lasts, brought together.
//!
//! Threads write their events in runs of their own, so an end may be in the file before its begin, and
//! one thread may begin what another ends (a background collection does). By their times, an end belongs to
//! the last begin before it that has none: if another thread asks for a stop while one lasts, the two spans
//! still cover the same time.

/// Spans whose begin or end is still missing.
#[derive(Clone, Debug, Default)]
pub(super) struct Spans {
    marks: Vec<Mark>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    ticks: u64,
    number: u32,
    begins: bool,
}

/// An event can be lost; what waits longer than for so many others waits in vain.
const MOST_WAITING: usize = 64;

impl Spans {
    pub(super) fn begin(&mut self, ticks: u64, number: u32) {
        self.marks.push(Mark {
            ticks,
            number,
            begins: true,
        });
    }

    pub(super) fn end(&mut self, ticks: u64, number: u32) {
        self.marks.push(Mark {
            ticks,
            number,
            begins: false,
        });
    }

    /// The spans that have both by now, in the order of their ends. They are reported once.
    pub(super) fn matched(&mut self) -> Vec<(u64, u64)> {
        self.marks.sort_by_key(|mark| mark.ticks);
        let mut spans = Vec::new();
        let mut waiting: Vec<Mark> = Vec::new();
        for mark in self.marks.drain(..) {
            let last = waiting.iter().rposition(|w| w.number == mark.number);
            match last.filter(|last| !mark.begins && waiting[*last].begins) {
                Some(last) => spans.push((waiting.remove(last).ticks, mark.ticks)),
                None => wait(&mut waiting, mark),
            }
        }
        self.marks = waiting;
        spans
    }
}

/// Ends without a begin go first: those of collections that were no background collections.
fn wait(waiting: &mut Vec<Mark>, mark: Mark) {
    waiting.push(mark);
    if waiting.len() > MOST_WAITING {
        let first_end = waiting.iter().position(|mark| !mark.begins);
        waiting.remove(first_end.unwrap_or(0));
    }
}
