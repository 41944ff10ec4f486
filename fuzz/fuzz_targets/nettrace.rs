#![no_main]
//! Traces of .NET: whatever the bytes and the pieces they come in, the events are the same, and one ends
//! after it begins. The first byte is the length of a piece.

use libfuzzer_sys::fuzz_target;
use understudy_wire::runtime::{Event, Trace};

fuzz_target!(|input: &[u8]| {
    let Some((length, bytes)) = input.split_first() else {
        return;
    };
    let whole = Trace::new().read(bytes);
    assert!(whole.iter().all(|event| event.start_ns <= event.end_ns));
    let mut trace = Trace::new();
    let pieces = bytes.chunks(usize::from(*length).max(1));
    let events: Vec<Event> = pieces.flat_map(|piece| trace.read(piece)).collect();
    assert_eq!(events, whole);
});
