//! Pauses of a side's runtime, brought onto the clock of its requests.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use understudy_model::{Cause, Happening};
use understudy_probe::{
    AttachedJvm, Grown, Growth, PauseError, PauseLog, Runtime, Written, last_bytes,
};
use understudy_wire::runtime::{Clock, Event, Format, Kind, Trace, read, read_line};

/// Listens to the runtime of one process of a side.
#[derive(Debug)]
pub struct Listener {
    log: PauseLog,
    reader: Reader,
    /// Who tells, as far as that is known.
    runtime: Option<&'static str>,
    /// What the monotonic clock showed when the process's own clock began, as far as its lines have
    /// told: no line can have been written before what it tells was over, so it is the earliest
    /// arrival that counts.
    process_start_ns: Option<u64>,
    /// A JVM that logs for this listener, and stops to with it.
    _jvm: Option<AttachedJvm>,
}

/// What makes events of what a runtime writes.
#[derive(Debug)]
enum Reader {
    /// Lines of one of these formats, each with who writes it.
    Lines(Vec<(Format, &'static str)>),
    /// Traces, each as far as it was read.
    Traces(BTreeMap<PathBuf, Trace>),
}

/// Begin and end of a block's load on the monotonic clock, nanoseconds.
pub(crate) type Block = (u64, u64);

/// What the logs of programs are searched for, and who writes it. (Ruby prints a table at the end.)
const WRITERS: [(Format, &str); 4] = [
    (Format::Go, "go"),
    (Format::Jvm, "jvm"),
    (Format::V8, "node"),
    (Format::Marks, "node or python"),
];
/// So much of what is in a log already shows who writes it.
const LOOK_BACK: u64 = 1 << 20;

impl Listener {
    pub(crate) fn new(log: PauseLog) -> Self {
        Listener {
            reader: Reader::of(log.runtime),
            runtime: log.runtime.map(Runtime::name),
            log,
            process_start_ns: None,
            _jvm: None,
        }
    }

    /// Listens to a log in which a runtime tells of its pauses already, from now on.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of_log(file: &Path) -> io::Result<Self> {
        let mut listener = Listener::new(PauseLog::existing(file)?);
        let before = last_bytes(file, LOOK_BACK)?;
        let wrote = |writer: &&(Format, &str)| !read(writer.0, &before).is_empty();
        listener.runtime = WRITERS.iter().find(wrote).map(|(_, name)| *name);
        Ok(listener)
    }

    /// Asks a JVM that runs already to tell in a file of `folder`, until the listener is dropped.
    ///
    /// # Errors
    /// Those of [`AttachedJvm::attach`].
    pub fn of_jvm(pid: u32, name: &str, folder: &Path) -> Result<Self, PauseError> {
        let (jvm, log) = AttachedJvm::attach(pid, name, folder)?;
        Ok(Listener {
            _jvm: Some(jvm),
            ..Listener::new(log)
        })
    }

    /// Who tells; `None` where no line has shown it yet.
    pub fn runtime(&self) -> Option<&'static str> {
        self.runtime
    }

    /// Waits until what has happened so far is written, before the side is put to rest: a process that
    /// stands still writes nothing.
    pub(crate) fn await_written(&self) {
        std::thread::sleep(self.log.runtime.map_or(Duration::ZERO, Runtime::delay));
    }

    /// Watches when lines arrive, where lines do not say it themselves.
    pub(crate) fn watch(&self) -> Option<Growth> {
        Growth::watch(self.log.shared_log()?).ok()
    }

    /// What was told since the last time and lies within a block.
    pub(crate) fn told(&mut self, arrivals: &[Grown], block: Block) -> Vec<Happening> {
        let mut told = Vec::new();
        for written in self.log.read_new() {
            let (events, writer) = self.reader.events(written);
            self.runtime = writer.or(self.runtime);
            told.extend(events);
        }
        self.learn_start(&told, arrivals);
        let start = self.process_start_ns;
        let placed = told
            .iter()
            .filter_map(|(_, event)| place(event, start, block));
        placed.collect()
    }

    fn learn_start(&mut self, told: &[(u64, Event)], arrivals: &[Grown]) {
        let starts = told.iter().filter_map(|(line_end, event)| {
            if event.clock != Clock::ProcessStart {
                return None;
            }
            let arrival = arrivals.get(arrivals.partition_point(|a| a.length < *line_end))?;
            // The earliest end that the rounded line can mean.
            let end_ns = event.end_ns.saturating_sub(event.error_ns);
            arrival.at_ns.checked_sub(end_ns)
        });
        self.process_start_ns = starts.chain(self.process_start_ns).min();
    }
}

impl Reader {
    fn of(runtime: Option<Runtime>) -> Reader {
        let Some(runtime) = runtime else {
            return Reader::Lines(WRITERS.to_vec());
        };
        let format = match runtime {
            Runtime::Go => Format::Go,
            Runtime::Jvm => Format::Jvm,
            Runtime::Node | Runtime::Python => Format::Marks,
            Runtime::DotNet => return Reader::Traces(BTreeMap::new()),
        };
        Reader::Lines(vec![(format, runtime.name())])
    }

    /// The events of what was written, each with a place in the file up to which it was, and who wrote
    /// them if that shows.
    fn events(&mut self, written: Written) -> (Vec<(u64, Event)>, Option<&'static str>) {
        match self {
            Reader::Lines(writers) => {
                let (mut events, mut wrote) = (Vec::new(), None);
                for (format, name) in writers {
                    let told = of_lines(*format, &written);
                    wrote = wrote.or((!told.is_empty()).then_some(*name));
                    events.extend(told);
                }
                (events, wrote)
            }
            Reader::Traces(traces) => {
                let end = written.start + written.bytes.len() as u64;
                let trace = traces.entry(written.file).or_default();
                let events = trace.read(&written.bytes);
                (events.into_iter().map(|event| (end, event)).collect(), None)
            }
        }
    }
}

/// The events of some lines, each with the place in the file where its line ends.
fn of_lines(format: Format, lines: &Written) -> Vec<(u64, Event)> {
    let mut end = lines.start;
    let mut events = Vec::new();
    for line in lines.bytes.split_inclusive(|byte| *byte == b'\n') {
        end += line.len() as u64;
        if let Ok(text) = std::str::from_utf8(line) {
            let told = read_line(format, text);
            events.extend(told.into_iter().map(|event| (end, event)));
        }
    }
    events
}

/// An event on the clock of a block, if it lies in it.
fn place(event: &Event, process_start_ns: Option<u64>, (from, to): Block) -> Option<Happening> {
    let zero = match event.clock {
        Clock::Monotonic => 0,
        Clock::ProcessStart => process_start_ns?,
    };
    let at = |ns: u64| zero.saturating_add(ns);
    let (start, end) = (at(event.start_ns), at(event.end_ns));
    (start < to && end >= from).then(|| Happening {
        cause: match event.kind {
            Kind::Stop => Cause::RuntimeStop,
            Kind::Concurrent => Cause::RuntimeConcurrent,
            Kind::Assist => Cause::RuntimeAssist,
        },
        start_ns: start.saturating_sub(from),
        end_ns: end - from,
        error_ns: event.error_ns,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut arrivals = Vec::new();
        for (begin, delay) in begins {
            bytes.extend(go(begin / MS).into_bytes());
            arrivals.push(Grown {
                length: bytes.len() as u64,
                at_ns: 5_000 * MS + begin + 2_200_000 + delay,
            });
        }
        let lines = Written {
            bytes,
            ..Written::default()
        };
        let told = of_lines(Format::Go, &lines);
        let folder = std::env::temp_dir();
        let mut launch = launch(&folder, "understudy-no-such-log");
        let log = PauseLog::prepare(Runtime::Go, &mut launch, &folder).unwrap();
        let mut listener = Listener::new(log);
        listener.learn_start(&told, &arrivals);
        let start = listener.process_start_ns.unwrap();
        assert_eq!(start, 5_000 * MS + 90_000, "late by the shortest delay");
        let block = (5_150 * MS, 5_260 * MS);
        let placed: Vec<Happening> = told
            .iter()
            .filter_map(|(_, event)| place(event, Some(start), block))
            .collect();
        let stops: Vec<&Happening> = placed
            .iter()
            .filter(|h| h.cause == Cause::RuntimeStop)
            .collect();
        assert_eq!(
            stops.len(),
            2,
            "one collection lies in the block: {placed:?}"
        );
        let (truth, stop) = (50 * MS + 400_000, stops[0]);
        assert!(
            stop.start_ns.abs_diff(truth) <= stop.error_ns + 90_000,
            "{stop:?}"
        );
    }

    #[test]
    fn what_counts_from_an_unknown_start_has_no_place() {
        let event = read_line(Format::Go, &go(100))[0];
        assert_eq!(place(&event, None, (0, u64::MAX)), None);
        let event = read_line(Format::Marks, "stop 1000 3000")[0];
        let placed = place(&event, None, (2000, 9000)).unwrap();
        assert_eq!((placed.start_ns, placed.end_ns), (0, 1000));
    }

    /// A real trace, of which every measurement finds some more: what is known of it is kept, and each
    /// stop comes once.
    #[test]
    fn a_trace_goes_on_from_one_measurement_to_the_next() {
        const TRACE: &[u8] = include_bytes!("../../wire/src/runtime/fixtures/dotnet8.nettrace");
        let stops = Trace::new().read(TRACE);
        let folder = std::env::temp_dir().join(format!("understudy-dotnet-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut launch = launch(&folder, "dotnet.log");
        let log = PauseLog::prepare(Runtime::DotNet, &mut launch, &folder).unwrap();
        let mut listener = Listener::new(log);
        let path = launch.env["DOTNET_EventPipeOutputPath"].replace("{pid}", "7");
        let always = (stops[0].start_ns, u64::MAX);
        let mut told = Vec::new();
        for length in (500..TRACE.len()).step_by(500).chain([TRACE.len()]) {
            std::fs::write(&path, &TRACE[..length]).unwrap();
            told.extend(listener.told(&[], always));
        }
        std::fs::remove_dir_all(&folder).unwrap();
        let told: Vec<u64> = told.iter().map(|h| h.end_ns).collect();
        let expected: Vec<u64> = stops.iter().map(|s| s.end_ns - always.0).collect();
        assert_eq!(told, expected);
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
	said, err := os.Create("said")
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

    /// Go's own lines, brought onto the monotonic clock, lie where the program itself says that it
    /// collected.
    #[test]
    #[cfg(target_os = "linux")]
    fn collections_of_a_real_go_program_are_where_it_forced_them() {
        let folder = std::env::temp_dir().join(format!("understudy-go-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("main.go"), FORCED).unwrap();
        let mut build = std::process::Command::new("go");
        build.args(["build", "-o", "forced", "main.go"]);
        let Ok(built) = build.current_dir(&folder).output() else {
            return; // Not every machine has it.
        };
        assert!(built.status.success(), "{built:?}");
        let mut launch = launch(&folder, "forced.log");
        launch.argv = vec!["./forced".to_owned()];
        assert_eq!(Runtime::recognise(&launch.argv, &folder), Some(Runtime::Go));
        let log = PauseLog::prepare(Runtime::Go, &mut launch, &folder).unwrap();
        let mut listener = Listener::new(log);
        let cgroups = understudy_probe::Cgroups::none("a test limits nothing");
        let mut child = launch.spawn(&cgroups).unwrap();
        let growth = listener.watch().unwrap();
        while child.exited().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let arrivals = growth.stop().unwrap();
        let told = listener.told(&arrivals, (0, u64::MAX));
        let text = std::fs::read_to_string(folder.join("said")).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        let forced: Vec<(u64, u64)> = text
            .lines()
            .filter_map(|line| {
                let mut words = line.split(' ');
                Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
            })
            .collect();
        assert_eq!(forced.len(), 20, "{text}");
        // The first collections are those of a heap that grows; the last are the forced ones.
        let marking = told.iter().filter(|h| h.cause == Cause::RuntimeConcurrent);
        let marking: Vec<&Happening> = marking.collect();
        let last = &marking[marking.len() - forced.len()..];
        for (told, (before, after)) in last.iter().zip(forced) {
            // Other tests keep the watching thread from its CPU.
            let error = told.error_ns + 5 * MS;
            assert!(told.start_ns + error >= before, "{told:?} {before}");
            assert!(told.end_ns <= after + error, "{told:?} {after}");
        }
    }
}
