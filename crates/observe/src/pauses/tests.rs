use super::*;
use std::fs::File;
use std::io::Write;

const MS: u64 = 1_000_000;

fn go(at_ms: u64) -> String {
    format!(
        "gc 1 @{}.{:03}s 0%: 0.10+2.0+0.10 ms clock, 0+0/0/0+0 ms cpu, 1->1->1 MB\n",
        at_ms / 1000,
        at_ms % 1000
    )
}

fn launch(folder: &std::path::Path, log: &str) -> understudy_probe::Launch {
    understudy_probe::Launch {
        name: "go".to_owned(),
        argv: Vec::new(),
        dir: folder.to_owned(),
        env: Default::default(),
        log: folder.join(log),
        limits: Default::default(),
        cpus: None,
    }
}

/// A process that began at 5 s by the monotonic clock: its lines arrive 2.2 to 4 ms after the
/// collection began, and the earliest arrival puts all of them in their places.
#[test]
fn lines_that_count_from_the_start_are_placed_by_the_earliest_arrival() {
    let begins = [
        (100 * MS, 90_000),
        (200 * MS + 400_000, 700_000),
        (300 * MS + 900_000, 50_000),
    ];
    let mut bytes = b"listening\n".to_vec();
    let mut arrivals = vec![Grown {
        length: 0,
        at_ns: 0,
    }];
    for (begin, delay) in begins {
        bytes.extend(go(begin / MS).into_bytes());
        arrivals.push(Grown {
            length: bytes.len() as u64,
            at_ns: 5_000 * MS + begin + 2_200_000 + delay,
        });
    }
    let log = Log::new();
    let mut listener = Listener::new(log.prepared(Runtime::Go));
    log.add(&bytes);
    let block = (5_150 * MS, 5_260 * MS);
    let placed = listener.recorded(&arrivals, block);
    let start = listener.origins.start(Origin::UNNAMED, None).unwrap();
    assert_eq!(start, 5_000 * MS + 90_000, "late by the shortest delay");
    let stops: Vec<&Happening> = placed
        .iter()
        .filter(|h| h.cause == Cause::RuntimeStop)
        .collect();
    assert_eq!(stops.len(), 2, "one collection is in the block: {placed:?}");
    let (truth, stop) = (50 * MS + 400_000, stops[0]);
    assert!(
        stop.start_ns.abs_diff(truth) <= stop.error_ns + 90_000,
        "{stop:?}"
    );
}

/// A log in a folder of its own.
struct Log {
    folder: tempfile::TempDir,
}

impl Log {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("log"), "").unwrap();
        Log { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn prepared(&self, runtime: Runtime) -> PauseLog {
        let mut launch = launch(self.folder.path(), "log");
        PauseLog::prepare(runtime, &mut launch, self.folder.path()).unwrap()
    }

    fn add(&self, bytes: &[u8]) {
        let mut file = File::options().append(true).open(self.path()).unwrap();
        file.write_all(bytes).unwrap();
    }

    /// Adds lines, each with when it arrived; what a listener makes of them in a block that lasts for ever.
    fn heard(&self, listener: &mut Listener, lines: &[(u64, String)]) -> Vec<Happening> {
        let mut length = std::fs::metadata(self.path()).unwrap().len();
        let mut arrivals = vec![Grown { length, at_ns: 0 }];
        for (at_ns, line) in lines {
            self.add(line.as_bytes());
            length += line.len() as u64;
            arrivals.push(Grown {
                length,
                at_ns: *at_ns,
            });
        }
        listener.recorded(&arrivals, (0, u64::MAX))
    }
}

/// The same pause by each clock that a JVM can name, 3 ms before its line arrives: the right place, or none.
#[test]
fn lines_of_a_jvm_are_placed_by_the_clock_that_they_name() {
    let now_ns = HostClock::since(Instant::now())
        .zero_monotonic_ns()
        .unwrap();
    let wall_ms = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_millis() as u64;
    let pause =
        "[info][gc] GC(7) Pause Young (Normal) (G1 Evacuation Pause) 24M->11M(256M) 50.000ms\n";
    for (name, decoration, is_placed) in [
        ("uptime", "[100.500s]".to_owned(), true),
        ("uptimenanos", "[100500000000ns]".to_owned(), true),
        ("timenanos", format!("[{now_ns}ns]"), true),
        ("timemillis", format!("[{wall_ms}ms]"), true),
        (
            "another clock",
            format!("[{}ms]", wall_ms - 3_600_000),
            false,
        ),
        ("no clock", String::new(), false),
    ] {
        let log = Log::new();
        let mut listener = Listener::of_log(&log.path()).unwrap();
        let line = format!("{decoration}{pause}");
        let placed = log.heard(&mut listener, &[(now_ns + 3 * MS, line)]);
        assert_eq!(listener.missing().is_none(), is_placed, "{name}");
        assert_eq!(listener.runtime(), is_placed.then_some("jvm"), "{name}");
        if !is_placed {
            assert_eq!(placed, [], "{name}");
            continue;
        }
        let (end_ns, length_ns) = (placed[0].end_ns, placed[0].end_ns - placed[0].start_ns);
        assert_eq!(length_ns, 50 * MS, "{name}");
        assert!(
            end_ns.abs_diff(now_ns) <= 5 * MS,
            "{name}: {end_ns} {now_ns}"
        );
    }
}

/// The lines of a preloaded file, of this machine and of one that began at another time.
#[test]
fn marks_of_another_machine_cannot_be_placed() {
    let now_ns = 500_000 * MS;
    for (end_ns, is_placed) in [(now_ns - 3 * MS, true), (7_000_000 * MS, false)] {
        let log = Log::new();
        let mut listener = Listener::of_log(&log.path()).unwrap();
        let line = format!("stop {} {end_ns}\n", end_ns - 50 * MS);
        let placed = log.heard(&mut listener, &[(now_ns, line)]);
        assert_eq!(placed.len(), usize::from(is_placed));
        assert_eq!(listener.missing().is_none(), is_placed);
    }
}

/// Two processes of Node and a worker of one of them: each counts from its own start, and the worker stops
/// itself alone.
#[test]
fn isolates_in_one_log_have_a_clock_each() {
    let log = Log::new();
    let mut listener = Listener::of_log(&log.path()).unwrap();
    let line = |who: &str, ms: u64| {
        format!(
            "[{who}]    {ms} ms: Mark-Compact 4.0 (5.0) -> 3.0 (5.0) MB, 40.0 / 0.0 ms  (average mu = 1.0) allocation failure;\n"
        )
    };
    // They began at 1, 2 and 5 s by the monotonic clock.
    let lines = [
        (9_000 * MS, line("7:0x10", 8_000)),
        (9_100 * MS, line("7:0x20", 7_100)),
        (9_200 * MS, line("8:0x10", 4_200)),
    ];
    let placed = log.heard(&mut listener, &lines);
    let ends: Vec<(Cause, u64)> = placed.iter().map(|h| (h.cause, h.end_ns / MS)).collect();
    // The lines are rounded to a millisecond: half of one is the most that is lost.
    let expected = [
        (Cause::RuntimeStop, 9_000),
        (Cause::RuntimeAssist, 9_100),
        (Cause::RuntimeStop, 9_200),
    ];
    assert_eq!(ends, expected);
    assert_eq!(listener.processes(), 2);
}

/// A real trace, of which every measurement finds some more: what is known of it is kept, and each
/// stop comes once.
#[test]
fn a_trace_continues_from_one_measurement_to_the_next() {
    const TRACE: &[u8] = include_bytes!("../../../wire/src/runtime/fixtures/dotnet8.nettrace");
    let stops = Trace::new().read(TRACE);
    let folder = std::env::temp_dir().join(format!("understudy-dotnet-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut launch = launch(&folder, "dotnet.log");
    let log = PauseLog::prepare(Runtime::DotNet, &mut launch, &folder).unwrap();
    let mut listener = Listener::new(log);
    let path = launch.env["DOTNET_EventPipeOutputPath"].replace("{pid}", "7");
    let always = (stops[0].start_ns, u64::MAX);
    let mut recorded = Vec::new();
    for length in (500..TRACE.len()).step_by(500).chain([TRACE.len()]) {
        std::fs::write(&path, &TRACE[..length]).unwrap();
        recorded.extend(listener.recorded(&[], always));
    }
    std::fs::remove_dir_all(&folder).unwrap();
    let recorded: Vec<u64> = recorded.iter().map(|h| h.end_ns).collect();
    let expected: Vec<u64> = stops.iter().map(|s| s.end_ns - always.0).collect();
    assert_eq!(recorded, expected);
}

/// A program that forces collections and says when by the monotonic clock.
const FORCED: &str = r#"
package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

func monotonic() int64 {
	var t syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&t)), 0)
	return t.Nano()
}

var keep []*[64]*int

func main() {
	// Not on standard output: the runtime writes its lines in pieces, and another line could fall between.
	said, err := os.Create(os.Args[1])
	if err != nil {
		panic(err)
	}
	for i := 0; i < 200000; i++ {
		keep = append(keep, new([64]*int))
	}
	for i := 0; i < 20; i++ {
		time.Sleep(20*time.Millisecond + time.Duration(i*137)*time.Microsecond)
		before := monotonic()
		runtime.GC()
		fmt.Fprintln(said, before, monotonic())
	}
}
"#;

/// Builds the program; not every machine has Go.
#[cfg(target_os = "linux")]
fn build_forced(folder: &Path) -> bool {
    std::fs::write(folder.join("main.go"), FORCED).unwrap();
    let mut build = std::process::Command::new("go");
    build.args(["build", "-o", "forced", "main.go"]);
    let Ok(built) = build.current_dir(folder).output() else {
        return false;
    };
    assert!(built.status.success(), "{built:?}");
    true
}

/// When the program forced its collections.
#[cfg(target_os = "linux")]
fn said(folder: &Path, name: &str) -> Vec<(u64, u64)> {
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    let pair = |line: &str| {
        let (before, after) = line.split_once(' ')?;
        Some((before.parse().ok()?, after.parse().ok()?))
    };
    text.lines().filter_map(pair).collect()
}

/// Two programs that began 300 ms apart, and write to one log: the collections of both are where they
/// forced them. By the clock of the other they would be 300 ms away.
#[test]
#[cfg(target_os = "linux")]
fn collections_of_two_go_programs_in_one_log_are_distinguished() {
    let log = Log::new();
    let folder = log.folder.path();
    if !build_forced(folder) {
        return;
    }
    let begin = |name: &str| {
        let file = File::options().append(true).open(log.path()).unwrap();
        let mut program = std::process::Command::new("./forced");
        program.arg(name).current_dir(folder).stderr(file);
        program.env("GODEBUG", "gctrace=1").spawn().unwrap()
    };
    // A busy machine may keep the watching thread from its CPU for as long as they are apart.
    for attempt in 0..5 {
        let mut listener = Listener::of_log(&log.path()).unwrap();
        let growth = listener.watch().unwrap();
        let mut programs = vec![begin("first")];
        std::thread::sleep(Duration::from_millis(300));
        programs.push(begin("second"));
        for program in &mut programs {
            assert!(program.wait().unwrap().success());
        }
        std::thread::sleep(Duration::from_millis(100));
        let arrivals = growth.stop().unwrap();
        let happened = listener.recorded(&arrivals, (0, u64::MAX));
        let is_there = |(before, after): &(u64, u64)| {
            happened.iter().any(|one| {
                one.cause == Cause::RuntimeConcurrent
                    && one.start_ns + 60 * MS >= *before
                    && one.end_ns <= after + 60 * MS
            })
        };
        let all = [said(folder, "first"), said(folder, "second")].concat();
        if listener.processes() == 2 && all.iter().all(is_there) {
            return;
        }
        assert!(
            attempt < 4,
            "{} processes, {all:?}, {happened:?}",
            listener.processes()
        );
    }
}

/// Go's own lines, brought onto the monotonic clock, are where the program itself says that it
/// collected.
#[test]
#[cfg(target_os = "linux")]
fn collections_of_a_real_go_program_are_where_it_forced_them() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    if !build_forced(folder) {
        return;
    }
    let mut launch = launch(folder, "forced.log");
    launch.argv = vec!["./forced".to_owned(), "said".to_owned()];
    assert_eq!(Runtime::recognise(&launch.argv, folder), Some(Runtime::Go));
    let log = PauseLog::prepare(Runtime::Go, &mut launch, folder).unwrap();
    let mut listener = Listener::new(log);
    let cgroups = understudy_probe::Cgroups::none("a test limits nothing");
    let mut child = launch.spawn(&cgroups).unwrap();
    let growth = listener.watch().unwrap();
    while child.exited().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let arrivals = growth.stop().unwrap();
    let recorded = listener.recorded(&arrivals, (0, u64::MAX));
    let forced = said(folder, "said");
    assert_eq!(forced.len(), 20);
    // The first collections are those of a heap that grows; the last are the forced ones.
    let marking = recorded
        .iter()
        .filter(|h| h.cause == Cause::RuntimeConcurrent);
    let marking: Vec<&Happening> = marking.collect();
    let last = &marking[marking.len() - forced.len()..];
    for (recorded, (before, after)) in last.iter().zip(forced) {
        // Other tests keep the watching thread from its CPU.
        let error = recorded.error_ns + 5 * MS;
        assert!(recorded.start_ns + error >= before, "{recorded:?} {before}");
        assert!(recorded.end_ns <= after + error, "{recorded:?} {after}");
    }
}
