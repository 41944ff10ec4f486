use super::encoder::{Encoder, Written, compressed, description, uncompressed};
use super::*;
use proptest::prelude::*;

const RUNTIME: &str = "Microsoft-Windows-DotNETRuntime";
const GHZ: u64 = 1_000_000_000;
/// The kinds of [`file`]: an end of the numbers that the runtime gives its events.
const COLLECTION: u32 = 130;
const COLLECTED: u32 = 2;
const RESTARTED: u32 = 7;
const SUSPENDING: u32 = 300;
const OTHER: u32 = 4;

/// A file that has declared its kinds.
fn file(frequency: u64) -> Encoder {
    let mut file = Encoder::new(frequency);
    file.kinds(&[
        (COLLECTION, RUNTIME, 1),
        (COLLECTED, RUNTIME, 2),
        (RESTARTED, RUNTIME, 3),
        (SUSPENDING, RUNTIME, 9),
        (OTHER, "Another-Provider", 9),
    ]);
    file
}

fn of(kind: u32, thread: u64, ticks: u64, fields: &[u32]) -> Written {
    Written {
        kind,
        thread,
        ticks,
        payload: fields.iter().flat_map(|f| f.to_le_bytes()).collect(),
        ..Written::default()
    }
}

/// A stop as one thread reports it: `Reason`, `Count`, and what every event has of its instance.
fn stop(thread: u64, start: u64, end: u64) -> [Written; 2] {
    [
        of(SUSPENDING, thread, start, &[1, 7]),
        of(RESTARTED, thread, end, &[]),
    ]
}

fn spans(events: &[Event]) -> Vec<(Kind, u64, u64)> {
    let span = |event: &Event| (event.kind, event.start_ns, event.end_ns);
    events.iter().map(span).collect()
}

fn read(bytes: &[u8]) -> Vec<(Kind, u64, u64)> {
    spans(&Trace::new().read(bytes))
}

/// A file with stops and a background collection in three blocks, between objects that are neither.
fn whole() -> Vec<u8> {
    let mut file = file(GHZ);
    file.block("StackBlock", &[0; 11]);
    file.block("EventBlock", &compressed(&stop(77, 1_000_000, 1_250_000)));
    file.block("SPBlock", &[0; 13]);
    let mut blobs = vec![of(COLLECTION, 5, 2_000_100, &[8, 2, 0, 1])];
    blobs.extend(stop(5, 2_000_000, 2_000_500));
    file.block("EventBlock", &uncompressed(&blobs));
    let mut blobs = stop(6, 3_000_000, 3_700_000).to_vec();
    blobs.push(of(COLLECTED, 6, 3_800_000, &[8, 2]));
    file.block("EventBlock", &compressed(&blobs));
    file.end();
    file.bytes
}

const WHOLE: [(Kind, u64, u64); 4] = [
    (Kind::Stop, 1_000_000, 1_250_000),
    (Kind::Stop, 2_000_000, 2_000_500),
    (Kind::Stop, 3_000_000, 3_700_000),
    (Kind::Concurrent, 2_000_100, 3_800_000),
];

/// The bytes that the document gives for the beginning and for the tags and type of the trace object.
#[test]
fn a_file_begins_as_the_document_says() {
    let mut bytes = vec![0x4e, 0x65, 0x74, 0x74, 0x72, 0x61, 0x63, 0x65, 20, 0, 0, 0];
    bytes.extend(b"!FastSerialization.1");
    bytes.extend([5, 5, 1, 4, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0]);
    bytes.extend(b"Trace\x06");
    assert!(Encoder::new(GHZ).bytes.starts_with(&bytes));
    let mut trace = Trace::new();
    trace.read(&Encoder::new(GHZ).bytes);
    assert_eq!(trace.state.frequency, Some(GHZ));
}

#[test]
fn a_stop_lasts_from_the_suspension_to_the_end_of_the_restart() {
    assert_eq!(read(&whole()), WHOLE);
    let event = Trace::new().read(&whole())[0];
    assert_eq!((event.clock, event.error_ns), (Clock::Monotonic, 0));
}

#[test]
fn ticks_become_nanoseconds_by_the_frequency_of_the_file() {
    let at = |frequency: u64, start: u64, end: u64| {
        let mut file = file(frequency);
        file.block("EventBlock", &compressed(&stop(1, start, end)));
        Trace::new().read(&file.bytes)
    };
    // The clock of a machine with ticks of 100 ns, up for 30 days.
    let events = at(10_000_000, 25_920_000_000_000, 25_920_000_012_345);
    assert_eq!(
        spans(&events),
        [(Kind::Stop, 2_592_000_000_000_000, 2_592_000_001_234_500)]
    );
    assert_eq!(events[0].error_ns, 50);
    assert_eq!(at(0, 1, 2), [], "no clock");
    assert_eq!(at(1, u64::MAX - 1, u64::MAX), [], "no time that fits");
}

/// Whatever a header leaves out or has besides, the events are the same.
#[test]
fn headers_with_and_without_their_parts_say_the_same() {
    let mut blobs = stop(1, 1_000, 2_000).to_vec();
    blobs.extend(stop(9_000_000_000, 3_000, u64::from(u32::MAX) * 5));
    blobs.extend(stop(1, u64::from(u32::MAX) * 6, u64::from(u32::MAX) * 7));
    for (index, blob) in blobs.iter_mut().enumerate() {
        blob.stack = [0, 3, 3, 200][index % 4];
        blob.sequence = [1, 2, 9, 9_000_000][index % 4];
        blob.activity = (index % 2 == 0).then_some([7; 16]);
        if index == 4 {
            blob.payload = vec![0xff; 300];
        }
    }
    let expected: Vec<(Kind, u64, u64)> = blobs
        .chunks(2)
        .map(|pair| (Kind::Stop, pair[0].ticks, pair[1].ticks))
        .collect();
    for block in [compressed(&blobs), uncompressed(&blobs)] {
        let mut file = file(GHZ);
        file.block("EventBlock", &block);
        assert_eq!(read(&file.bytes), expected);
    }
}

/// Runtimes give descriptions a sequence number of minus one and a thread, which the document excludes.
#[test]
fn a_description_may_have_what_the_document_excludes() {
    let odd = |kind: u32, id: u32| Written {
        sequence: u32::MAX,
        thread: 2550,
        payload: description(kind, RUNTIME, id),
        ..Written::default()
    };
    let mut file = Encoder::new(GHZ);
    let blobs = [odd(SUSPENDING, 9), odd(RESTARTED, 3)];
    file.block("MetadataBlock", &compressed(&blobs));
    file.block("EventBlock", &compressed(&stop(1, 10, 30)));
    assert_eq!(read(&file.bytes), [(Kind::Stop, 10, 30)]);
}

/// The thread that asks for a background collection stops the program and the one that carries it out
/// restarts it; each writes its events in a run of its own.
#[test]
fn one_thread_may_begin_a_stop_that_another_ends() {
    let user = [
        of(SUSPENDING, 1, 100, &[1, 1]),
        of(SUSPENDING, 1, 900, &[1, 3]),
        of(RESTARTED, 1, 990, &[]),
    ];
    let background = [
        of(RESTARTED, 2, 150, &[]),
        of(SUSPENDING, 2, 500, &[6, 1]),
        of(RESTARTED, 2, 560, &[]),
    ];
    let expected = [
        (Kind::Stop, 100, 150),
        (Kind::Stop, 500, 560),
        (Kind::Stop, 900, 990),
    ];
    for blobs in [[user.clone(), background.clone()], [background, user]] {
        let mut one = file(GHZ);
        one.block("EventBlock", &compressed(&blobs.concat()));
        assert_eq!(read(&one.bytes), expected);
        let mut two = file(GHZ);
        for thread in &blobs {
            two.block("EventBlock", &compressed(thread));
        }
        let mut found = read(&two.bytes);
        found.sort_by_key(|(_, start, _)| *start);
        assert_eq!(found, expected);
    }
}

/// A thread says that it will stop the program and then waits for another stop to be over: between the
/// first begin and the last end nothing ran.
#[test]
fn a_stop_that_is_asked_for_in_another_covers_no_more_time() {
    let mut file = file(GHZ);
    file.block(
        "EventBlock",
        &compressed(&[
            of(SUSPENDING, 1, 100, &[1, 1]),
            of(RESTARTED, 1, 200, &[]),
            of(SUSPENDING, 2, 150, &[0, 1]),
            of(RESTARTED, 2, 260, &[]),
        ]),
    );
    let found = read(&file.bytes);
    assert_eq!(found, [(Kind::Stop, 150, 200), (Kind::Stop, 100, 260)]);
}

/// Ends of collections that stop the program come by the hundred while one works concurrently.
#[test]
fn a_background_collection_lasts_over_others() {
    let mut blobs = vec![of(COLLECTION, 1, 50, &[1, 2, 0, 1])];
    for number in 2..500 {
        let at = u64::from(number) * 100;
        blobs.push(of(COLLECTION, 2, at, &[number, 0, 0, 2]));
        blobs.push(of(COLLECTED, 2, at + 10, &[number, 0]));
    }
    blobs.push(of(COLLECTED, 1, 60_000, &[1, 2]));
    // The first version of the event had no type.
    blobs.push(of(COLLECTION, 1, 60_001, &[501, 1]));
    blobs.push(of(COLLECTED, 1, 60_002, &[501, 1]));
    let mut file = file(GHZ);
    file.block("EventBlock", &compressed(&blobs));
    assert_eq!(read(&file.bytes), [(Kind::Concurrent, 50, 60_000)]);
}

#[test]
fn events_of_other_providers_are_ignored() {
    let mut file = file(GHZ);
    let blobs = [
        of(OTHER, 1, 10, &[1, 1]),
        of(RESTARTED, 1, 20, &[]),
        of(99, 1, 30, &[]),
    ];
    file.block("EventBlock", &compressed(&blobs));
    file.kinds(&[(99, "Microsoft-Windows-DotNETRuntimeRundown", 9)]);
    file.kinds(&[(98, "Microsoft-Windows-DotNETRuntim", 9)]);
    assert_eq!(read(&file.bytes), []);
}

/// Whatever was written when the process was killed, or when the file is looked at.
#[test]
fn a_file_that_is_cut_off_anywhere_gives_what_is_whole() {
    let bytes = whole();
    for cut in 0..=bytes.len() {
        let mut trace = Trace::new();
        let mut found = spans(&trace.read(&bytes[..cut]));
        assert!(WHOLE.starts_with(&found), "cut at {cut}: {found:?}");
        found.extend(spans(&trace.read(&bytes[cut..])));
        assert_eq!(found, WHOLE, "in two pieces at {cut}");
    }
    let mut trace = Trace::new();
    let one_by_one = bytes.iter().flat_map(|byte| trace.read(&[*byte]));
    assert_eq!(spans(&one_by_one.collect::<Vec<Event>>()), WHOLE);
}

/// What follows something that is none of the format is not looked at, and nothing is kept of it.
#[test]
fn what_is_not_a_trace_has_no_events() {
    let good = |file: &mut Encoder| file.block("EventBlock", &compressed(&stop(1, 10, 30)));
    let none = |what: &str, spoil: &dyn Fn(&mut Encoder)| {
        let mut spoiled = file(GHZ);
        spoil(&mut spoiled);
        good(&mut spoiled);
        let mut trace = Trace::new();
        assert_eq!(trace.read(&spoiled.bytes), [], "{what}");
        assert_eq!(trace.read(&whole()), [], "{what}");
    };
    none("an end", &Encoder::end);
    none("a tag that is not known", &|file| file.bytes.push(9));
    none("a name without an end", &|file| {
        file.bytes.extend([5, 5, 1, 2, 0, 0, 0, 2, 0, 0, 0]);
        file.bytes.extend([0xff; 4]);
    });
    none("a type of a type", &|file| file.bytes.extend([5, 5, 5]));
    none("a block of four gigabytes", &|file| {
        file.begin("EventBlock", 2, 2);
        file.bytes.extend([0xff; 4]);
    });
    none("a block of a later version", &|file| {
        file.begin("EventBlock", 3, 3);
        file.bytes.extend([0; 4]);
    });
    none("a trace of a later version", &|file| {
        file.begin("Trace", 6, 6);
    });
    none("another file", &|file| file.bytes[7] = b'E');
    // Version 6 has numbers where the serializer's name was.
    none("version 6", &|file| {
        file.bytes.truncate(8);
        file.bytes.extend([0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]);
    });
    none("lines", &|file| file.bytes = b"gc 1 @0.000s\n".to_vec());
}

/// A block that is broken within gives what is whole in it, and the next one is read.
#[test]
fn a_broken_block_does_not_end_a_file() {
    let mut long = compressed(&stop(1, 10, 30));
    long.extend([128, 0, 0xff, 0xff, 0xff, 0xff, 0x0f]); // a payload of four gigabytes
    let mut endless = compressed(&stop(1, 40, 50));
    endless.extend([1].iter().chain(&[0xff; 20])); // a number without an end
    let short = vec![200, 0, 1, 0];
    let mut sized = uncompressed(&stop(1, 60, 70));
    sized.extend([0xff; 4]); // a blob of four gigabytes
    let mut file = file(GHZ);
    for block in [&long, &endless, &short, &vec![], &vec![3, 0, 1, 0], &sized] {
        file.block("EventBlock", block);
    }
    file.block("EventBlock", &compressed(&stop(1, 80, 90)));
    let expected = [(10, 30), (40, 50), (60, 70), (80, 90)];
    assert_eq!(read(&file.bytes), expected.map(|(a, b)| (Kind::Stop, a, b)));
}

/// Later versions may say more in front.
#[test]
fn the_header_of_a_block_may_be_longer() {
    let mut block = compressed(&stop(1, 10, 30));
    block[0] = 24;
    block.splice(20..20, [1, 2, 3, 4]);
    let mut file = file(GHZ);
    file.block("EventBlock", &block);
    assert_eq!(read(&file.bytes), [(Kind::Stop, 10, 30)]);
}

/// Traces of a real program (`fixtures/Forced.cs`), which forced five collections and looked at the clock
/// before and after each.
#[test]
fn real_runtimes_stop_where_the_program_collected() {
    for (name, trace, said) in [
        (
            "8.0.4",
            &include_bytes!("../fixtures/dotnet8.nettrace")[..],
            include_str!("../fixtures/dotnet8.said"),
        ),
        (
            "Core 3.1.23",
            include_bytes!("../fixtures/dotnetcore31.nettrace"),
            include_str!("../fixtures/dotnetcore31.said"),
        ),
    ] {
        let stops = Trace::new().read(trace);
        let forced: Vec<(u64, u64)> = said
            .lines()
            .map(|line| line.split_once(' ').unwrap())
            .map(|(before, after)| (before.parse().unwrap(), after.parse().unwrap()))
            .collect();
        assert_eq!((stops.len(), forced.len()), (5, 5), "{name}");
        for (stop, (before, after)) in stops.iter().zip(forced) {
            assert_eq!(stop.kind, Kind::Stop);
            assert!(
                before < stop.start_ns && stop.end_ns < after,
                "{name}: {stop:?}"
            );
            // What is not the stop is the way there and back.
            let outside = (after - before) - (stop.end_ns - stop.start_ns);
            assert!(outside < 2_000_000, "{name}: {outside} ns");
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_panic_and_pieces_do_not_matter(
        at in 0..1000_usize,
        noise in proptest::collection::vec(any::<u8>(), 0..40),
        cut in 0..1000_usize,
    ) {
        let mut bytes = whole();
        let at = at.min(bytes.len());
        let end = (at + noise.len()).min(bytes.len());
        bytes.splice(at..end, noise);
        let events = Trace::new().read(&bytes);
        prop_assert!(events.iter().all(|event| event.start_ns <= event.end_ns));
        let (first, second) = bytes.split_at(cut.min(bytes.len()));
        let mut trace = Trace::new();
        let pieces = [trace.read(first), trace.read(second)].concat();
        prop_assert_eq!(pieces, events);
    }

    /// However threads take turns in a block, stops that do not overlap are reported unchanged.
    #[test]
    fn stops_are_reported_whatever_the_order_of_threads(
        gaps in proptest::collection::vec((1..1000_u64, 1..1000_u64, 0..4_u64, 0..4_u64), 1..50),
        squeezed in any::<bool>(),
    ) {
        let mut now = 0;
        let mut expected = Vec::new();
        let mut blobs = Vec::new();
        for (gap, length, begins, ends) in gaps {
            let (start, end) = (now + gap, now + gap + length);
            now = end;
            expected.push((Kind::Stop, start, end));
            blobs.push(of(SUSPENDING, begins, start, &[1, 1]));
            blobs.push(of(RESTARTED, ends, end, &[]));
        }
        blobs.sort_by_key(|blob| blob.thread);
        let mut file = file(GHZ);
        file.block("EventBlock", &if squeezed { compressed(&blobs) } else { uncompressed(&blobs) });
        prop_assert_eq!(read(&file.bytes), expected);
    }
}
