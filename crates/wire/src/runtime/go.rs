//! `GODEBUG=gctrace=1`, as the documentation of package `runtime` describes it:
//! `gc # @#s #%: #+#+# ms clock, #+#/#/#+# ms cpu, ...`. The first and third figure of the clock stop
//! the program, the second is the concurrent marking.

use super::number::{Decimal, MILLISECOND, SECOND, decimal};
use super::{Event, Kind};

pub(super) fn read_line(line: &str) -> Option<Vec<Event>> {
    let (number, rest) = line.strip_prefix("gc ")?.split_once(" @")?;
    number.parse::<u64>().ok()?;
    let (at, rest) = rest.split_once("s ")?;
    let (_, rest) = rest.split_once("%: ")?;
    let (clock, rest) = rest.split_once(" ms clock, ")?;
    let (cpu, _) = rest.split_once(" ms cpu")?;
    let at = decimal(at, SECOND)?;
    let [sweep, mark, termination] = three(clock)?;
    // All these numbers are cut off, not rounded: the middle of what they can mean is taken.
    let begin = at.ns.checked_add(at.step_ns / 2)?;
    let stopped = Event::beginning(Kind::Stop, begin, sweep.ns, at.step_ns / 2);
    let marking = Event {
        end_ns: stopped.end_ns.checked_add(mark.ns + mark.step_ns / 2)?,
        start_ns: stopped.end_ns,
        kind: Kind::Concurrent,
        error_ns: (at.step_ns + mark.step_ns) / 2,
        ..stopped
    };
    let stopped_again =
        Event::beginning(Kind::Stop, marking.end_ns, termination.ns, marking.error_ns);
    let assist = Event {
        kind: Kind::Assist,
        ..marking
    };
    let mut events = vec![stopped, marking, stopped_again];
    events.extend(assisted(cpu)?.then_some(assist));
    Some(events)
}

fn three(clock: &str) -> Option<[Decimal; 3]> {
    let mut parts = clock.split('+').map(|part| decimal(part, MILLISECOND));
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(three)
}

/// Did goroutines of the program have to mark? The first figure of the second group of CPU times.
fn assisted(cpu: &str) -> Option<bool> {
    let (_, marking) = cpu.split_once('+')?;
    let (assist, _) = marking.split_once('/')?;
    Some(decimal(assist, MILLISECOND)?.ns > 0)
}
