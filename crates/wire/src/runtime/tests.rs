use super::*;
use proptest::prelude::*;

const MS: u64 = 1_000_000;

fn one(format: Format, line: &str) -> Event {
    let events = read_line(format, line);
    assert_eq!(events.len(), 1, "{line}");
    events[0]
}

#[test]
fn a_line_of_go_is_two_stops_around_the_marking() {
    let line = "gc 7 @0.036s 3%: 0.15+2.2+0.004 ms clock, 0.31+0.32/0.31/0+0.008 ms cpu, 293->327->139 MB, 336 MB goal, 0 MB stacks, 0 MB globals, 2 P";
    let events = read_line(Format::Go, line);
    let kinds: Vec<Kind> = events.iter().map(|event| event.kind).collect();
    assert_eq!(
        kinds,
        [Kind::Stop, Kind::Concurrent, Kind::Stop, Kind::Assist]
    );
    // 36 ms is cut off: the collection began between 36 and 37 ms.
    let sweep = events[0];
    assert_eq!((sweep.start_ns, sweep.error_ns), (36_500_000, 500_000));
    assert_eq!(sweep.end_ns - sweep.start_ns, 150_000);
    assert_eq!(events[1].start_ns, sweep.end_ns);
    assert_eq!(events[2].start_ns, events[1].end_ns);
    assert_eq!(events[2].end_ns - events[2].start_ns, 4_000);
    assert_eq!(events[1].end_ns - events[1].start_ns, 2_250_000);
    assert_eq!(events[3].start_ns, events[1].start_ns);
    let idle = "gc 8 @120.132s 1%: 0.19+12+0.12 ms clock, 0.39+0/0.27/0.15+0.24 ms cpu, 4->4->2 MB, 5 MB goal (forced)";
    let kinds: Vec<Kind> = read_line(Format::Go, idle).iter().map(|e| e.kind).collect();
    assert_eq!(kinds, [Kind::Stop, Kind::Concurrent, Kind::Stop]);
}

#[test]
fn lines_of_the_jvm_count_from_the_clock_they_name() {
    let line = "[0.869s][707433741235ns][info][safepoint] Safepoint \"G1CollectForAllocation\", Time since last: 570233 ns, Reaching safepoint: 1553 ns, Cleanup: 1763 ns, At safepoint: 2077734 ns, Total: 2081050 ns";
    let event = one(Format::Jvm, line);
    assert_eq!(
        (event.kind, event.clock),
        (Kind::Stop, Clock::MonotonicOrStart)
    );
    assert_eq!(
        (event.start_ns, event.end_ns),
        (707_433_741_235 - 2_081_050, 707_433_741_235)
    );
    // JDK 21 has the time of leaving, 25 the threads at the end.
    let newer = "[3.250s][info][safepoint] Safepoint \"ICBufferFull\", Time since last: 1 ns, Reaching safepoint: 21400000 ns, Cleanup: 100 ns, At safepoint: 2600000 ns, Leaving safepoint: 500 ns, Total: 24000600 ns";
    let event = one(Format::Jvm, newer);
    assert_eq!(event.clock, Clock::Start(Origin::UNNAMED));
    assert_eq!(event.end_ns - event.start_ns, 24_000_600);
    assert_eq!((event.end_ns, event.error_ns), (3250 * MS, MS / 2));
    let newest = "[535ms][info][safepoint] Safepoint \"G1PauseRemark\", Time since last: 4115323 ns, Reaching safepoint: 5360 ns, At safepoint: 55344 ns, Leaving safepoint: 2033 ns, Total: 62737 ns, Threads: 1 runnable, 12 total";
    let event = one(Format::Jvm, newest);
    assert_eq!(event.end_ns - event.start_ns, 62_737);
    assert_eq!(event.end_ns, 535 * MS);
}

#[test]
fn a_jvm_names_the_best_of_its_clocks() {
    const AT: u64 = 1_795_946_400_123_000_000;
    let pause = "GC(7) Pause Young (Normal) (G1 Evacuation Pause) 24M->11M(256M) 50.123ms";
    let start = Clock::Start(Origin::UNNAMED);
    for (decorations, clock, end_ns) in [
        ("[100.500s]", start, 100_500 * MS),
        ("[100500ms]", start, 100_500 * MS),
        ("[100500000000ns]", Clock::MonotonicOrStart, 100_500 * MS),
        ("[2026-11-29T10:00:00.123+0000]", Clock::Wall, AT),
        ("[2026-11-29T12:00:00.123+0200][info]", Clock::Wall, AT),
        ("[1795946400123ms]", Clock::Wall, AT),
        // As exact, and on a clock that needs no start to be found.
        ("[100.500s][2026-11-29T10:00:00.123+0000]", Clock::Wall, AT),
        (
            "[2026-11-29T10:00:00.123+0000][100500000000ns]",
            Clock::MonotonicOrStart,
            100_500 * MS,
        ),
    ] {
        let event = one(Format::Jvm, &format!("{decorations}[info][gc] {pause}"));
        assert_eq!(
            (event.clock, event.end_ns),
            (clock, end_ns),
            "{decorations}"
        );
        assert_eq!(event.end_ns - event.start_ns, 50_123_000, "{decorations}");
    }
    let without = one(Format::Jvm, &format!("[info][gc] {pause}"));
    assert_eq!(without.clock, Clock::None);
}

#[test]
fn the_stop_line_of_older_jvms_is_a_stop() {
    let stop = "Total time for which application threads were stopped: 0.0501230 seconds, Stopping threads took: 0.0001000 seconds";
    for (before, clock) in [
        (
            "[100.500s][info][safepoint    ] ",
            Clock::Start(Origin::UNNAMED),
        ),
        ("100.500: ", Clock::Start(Origin::UNNAMED)),
        ("2026-11-29T10:00:00.123+0000: 100.500: ", Clock::Wall),
        ("2026-11-29T10:00:00.123+0000: ", Clock::Wall),
        ("", Clock::None),
    ] {
        let event = one(Format::Jvm, &format!("{before}{stop}"));
        assert_eq!((event.kind, event.clock), (Kind::Stop, clock), "{before}");
        assert_eq!(event.end_ns - event.start_ns, 50_123_000, "{before}");
    }
    let running = "[1.000s][info][safepoint] Application time: 0.0501230 seconds";
    assert!(read_line(Format::Jvm, running).is_empty());
}

#[test]
fn phases_stop_the_program_or_do_not_and_cycles_are_neither() {
    let kind = |message: &str| {
        let line = format!("[0.535s][info][gc          ] {message}");
        let events = read_line(Format::Jvm, &line);
        events
            .first()
            .map(|event| (event.kind, event.end_ns - event.start_ns))
    };
    let stop = |ns| Some((Kind::Stop, ns));
    let concurrent = |ns| Some((Kind::Concurrent, ns));
    let assist = |ns| Some((Kind::Assist, ns));
    for (message, expected) in [
        (
            "GC(0) Pause Young (Normal) (G1 Evacuation Pause) 24M->4M(256M) 3.245ms",
            stop(3_245_000),
        ),
        (
            "GC(15) Pause Full (G1 Compaction Pause) 48M->12M(64M) 120.5ms",
            stop(120_500_000),
        ),
        ("GC(0) Y: Pause Mark Start (Major) 0.050ms", stop(50_000)),
        ("GC(0) O: Pause Mark End 0.019ms", stop(19_000)),
        (
            "GC(2) Pause Init Mark (unload classes) 0.086ms",
            stop(86_000),
        ),
        (
            "GC(97) Concurrent Mark Cycle 16.064ms",
            concurrent(16_064_000),
        ),
        (
            "GC(106) O: Concurrent Relocate 2.330ms",
            concurrent(2_330_000),
        ),
        ("Allocation Stall (main) 15.802ms", assist(15_802_000)),
        (
            "Relocation Stall (http-nio-8080-exec-1) 1.204ms",
            assist(1_204_000),
        ),
        (
            "GC(5) y: Relocation Stall (worker (2)) 0.300ms",
            assist(300_000),
        ),
        ("Relocation Stall (ZWorkerYoung#0) 1.204ms", None),
        ("Allocation Stall (C2 CompilerThread0) 9.100ms", None),
        ("GC(97) Concurrent Mark Cycle", None),
        (
            "GC(1) Minor Collection (High Usage) 1020M(100%)->436M(43%) 0.034s",
            None,
        ),
        ("GC(192)   Evacuate Collection Set: 1.7ms", None),
        ("Cancelling GC: Stopping VM", None),
    ] {
        assert_eq!(kind(message), expected, "{message}");
    }
}

/// Every pause that a collector reports is within a safepoint, on the same clock: the two are
/// written by different parts of the JVM.
#[test]
fn pauses_of_every_collector_lie_within_safepoints() {
    for (name, log) in [
        ("17 G1", &include_bytes!("fixtures/jdk17-g1.log")[..]),
        ("17 Serial", include_bytes!("fixtures/jdk17-serial.log")),
        ("17 Parallel", include_bytes!("fixtures/jdk17-parallel.log")),
        ("17 ZGC", include_bytes!("fixtures/jdk17-z.log")),
        (
            "17 Shenandoah",
            include_bytes!("fixtures/jdk17-shenandoah.log"),
        ),
        ("25 G1", include_bytes!("fixtures/jdk25-g1.log")),
        ("25 Serial", include_bytes!("fixtures/jdk25-serial.log")),
        ("25 Parallel", include_bytes!("fixtures/jdk25-parallel.log")),
        ("25 ZGC", include_bytes!("fixtures/jdk25-z.log")),
        (
            "25 Shenandoah",
            include_bytes!("fixtures/jdk25-shenandoah.log"),
        ),
    ] {
        let lines = |with: &str| -> Vec<u8> {
            let text = std::str::from_utf8(log).unwrap();
            let some: Vec<&str> = text.lines().filter(|line| line.contains(with)).collect();
            some.join("\n").into_bytes()
        };
        let safepoints = read(Format::Jvm, &lines("[safepoint]"));
        let pauses = read(Format::Jvm, &lines(" Pause "));
        assert!(safepoints.len() > 5 && !pauses.is_empty(), "{name}");
        assert!(
            safepoints
                .iter()
                .all(|e| e.clock == Clock::MonotonicOrStart)
        );
        let last = safepoints.iter().map(|s| s.end_ns).max().unwrap();
        for pause in pauses.iter().filter(|pause| pause.end_ns < last) {
            // Lines are stamped some microseconds late.
            let within = safepoints.iter().any(|safepoint| {
                safepoint.start_ns <= pause.start_ns + 300_000
                    && pause.end_ns <= safepoint.end_ns + 300_000
            });
            assert!(within, "{name}: {pause:?}");
        }
    }
}

#[test]
fn collections_of_go_come_one_after_the_other() {
    let log = include_bytes!("fixtures/go1.26.log");
    let events = read(Format::Go, log);
    let collections = log.split(|b| *b == b'\n').filter(|l| !l.is_empty()).count();
    let stops: Vec<&Event> = events.iter().filter(|e| e.kind == Kind::Stop).collect();
    assert_eq!(stops.len(), 2 * collections);
    for two in stops.windows(2) {
        let error = two[0].error_ns + two[1].error_ns;
        assert!(two[0].end_ns <= two[1].start_ns + error, "{two:?}");
    }
}

#[test]
fn traces_of_v8_are_stamped_at_their_end() {
    let events = read(Format::V8, include_bytes!("fixtures/node20.log"));
    assert_eq!(events.len(), 6);
    let first = events[0];
    assert_eq!(first.kind, Kind::Stop);
    assert_eq!(first.end_ns, 229 * MS);
    assert_eq!(first.end_ns - first.start_ns, 63_960_000);
    let of = |line: &str| one(Format::V8, line).clock;
    let line = |who: &str| {
        format!(
            "[{who}]      229 ms: Scavenge 4.0 (5.0) -> 3.0 (5.0) MB, 1.0 / 0.0 ms  (average mu = 1.0) allocation failure;"
        )
    };
    let [main, worker] = ["9011:0x7b7800000", "9011:0x7b8000000"].map(|who| of(&line(who)));
    assert_ne!(main, worker, "each isolate has a clock of its own");
    assert_eq!(of(&line("9011:7b7800000")), main);
    let pooled = "[9011:0x7b7800000]    16698 ms: Mark-Compact (reduce) 4060.7 (4102.8) -> 4058.0 (4073.1) MB, pooled: 0 MB, 559.00 / 0.00 ms  (+ 94.9 ms in 31 steps since start of marking, biggest step 5.0 ms)";
    let event = one(Format::V8, pooled);
    assert_eq!(event.start_ns, (16_698 - 559) * MS);
}

#[test]
fn marks_and_the_table_of_ruby() {
    let event = one(Format::Marks, "stop 1000 2500");
    assert_eq!((event.start_ns, event.end_ns), (1000, 2500));
    assert_eq!(one(Format::Marks, "assist 1000 2500").kind, Kind::Assist);
    assert!(read_line(Format::Marks, "stop 2500 1000").is_empty());
    let first = greeting("listening 17 python 3.11.7").unwrap();
    assert_eq!(
        (first.pid, first.runtime.as_str(), first.version.as_str()),
        (17, "python", "3.11.7")
    );
    for other in [
        "listening on port 8080",
        "listening 17",
        "listening 17 python 3 x",
        "stop 1 2",
    ] {
        assert_eq!(greeting(other), None, "{other}");
    }
    // As the documentation of GC::Profiler.result shows it.
    let row = "    1               0.012               159240               212940                10647         0.00000000000001530000";
    let event = one(Format::Ruby, row);
    assert_eq!((event.start_ns, event.end_ns), (12 * MS, 12 * MS));
    assert!(read_line(Format::Ruby, "GC 1 invokes.").is_empty());
}

#[test]
fn framed_lines_are_read() {
    for (format, line) in [
        (
            Format::Go,
            "gc 7 @0.036s 3%: 0.15+2.2+0.004 ms clock, 0.31+0.32/0.31/0+0.008 ms cpu, 1->1->1 MB",
        ),
        (
            Format::Jvm,
            "[2026-11-25T10:00:00.123+0000][info][gc] GC(1) Pause Young (Normal) 24M->11M(256M) 50.123ms",
        ),
        (
            Format::Jvm,
            "2026-11-25T10:00:00.123+0000: 1.250: Total time for which application threads were stopped: \
             0.0501230 seconds, Stopping threads took: 0.0001000 seconds",
        ),
        (
            Format::V8,
            "[1:0x5581f0a0] 45 ms: Scavenge 2.3 (3.0) -> 1.9 (4.0) MB, 0.8 / 0.0 ms (average mu = 1.0)",
        ),
    ] {
        let bare = read_line(format, line);
        assert!(!bare.is_empty(), "{line}");
        for framed in [
            format!("2026-11-25T10:00:00.123456789Z stderr F {line}\n"),
            format!(r#"{{"log":"{line}\n","stream":"stderr","time":"2026-11-25T10:00:00Z"}}"#),
            format!("app-1  | {line}"),
            format!("[pod/app-1/app] {line}"),
            format!("Nov 25 10:00:00 host app[7]: {line}"),
        ] {
            assert_eq!(read_line(format, &framed), bare, "{framed}");
        }
    }
}

#[test]
fn lines_of_the_program_are_not_lines_of_its_runtime() {
    for format in Format::ALL {
        for line in [
            "",
            "listening on port 8080",
            "[info] gc 1 @0.001s",
            "GC(1) Pause Young 1ms",
            "gc 99999999999999999999 @0.001s 8%: 0.1+0.2+0.3 ms clock, 0+0/0/0+0 ms cpu",
            "gc 1 @99999999999999999999s 8%: 0.1+0.2+0.3 ms clock, 0+0/0/0+0 ms cpu",
            "[1ns] Safepoint \"x\", Total: 18446744073709551615 ns",
        ] {
            assert!(read_line(format, line).is_empty(), "{format:?} {line}");
        }
    }
}

/// A line of a runtime with pieces exchanged: it reaches further than noise does.
fn damaged() -> impl Strategy<Value = String> {
    let lines = [
        include_str!("fixtures/go1.26.log"),
        include_str!("fixtures/jdk17-g1.log"),
        include_str!("fixtures/jdk25-z.log"),
        include_str!("fixtures/node20.log"),
    ]
    .concat();
    let lines: Vec<String> = lines.lines().map(str::to_owned).collect();
    let line = proptest::sample::select(lines);
    (line, any::<prop::sample::Index>(), "[0-9.:+/ -]{0,24}").prop_map(|(line, at, piece)| {
        let at = at.index(line.len());
        format!("{}{piece}{}", &line[..at], &line[at..])
    })
}

proptest! {
    #[test]
    fn no_line_panics_and_no_event_ends_before_it_begins(
        line in prop_oneof![damaged(), ".{0,200}", "[0-9.:+/() ansmGCPTtol@%\"\\[\\]-]{0,200}"],
    ) {
        for format in Format::ALL {
            for event in read_line(format, &line) {
                prop_assert!(event.start_ns <= event.end_ns);
            }
        }
    }
}
