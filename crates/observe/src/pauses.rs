//! Pauses of a side's runtime, brought onto the clock of its requests.

mod origins;

use origins::Origins;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use understudy_host::Clock as HostClock;
use understudy_model::{Cause, Happening};
use understudy_probe::{
    AttachedJvm, Grown, Growth, PauseError, PauseLog, Runtime, Written, last_bytes,
};
use understudy_wire::runtime::{
    Clock, Event, Format, Kind, Origin, Trace, greeting, read, read_line,
};

/// Reads what the runtimes of a side log about their pauses.
#[derive(Debug)]
pub struct Listener {
    log: PauseLog,
    reader: Reader,
    /// The runtime that writes, as far as that is known.
    runtime: Option<&'static str>,
    /// When the processes began whose lines count from their start.
    origins: Origins,
    /// Files of processes that have written.
    files: BTreeSet<PathBuf>,
    /// Processes whose preloaded file has begun to listen.
    greeted: BTreeSet<u32>,
    /// Events with a place on the clock of the requests, and lines of events without one.
    placed: u64,
    unplaced: u64,
    /// Why what was logged is not the whole of it.
    silence: Option<String>,
    /// A JVM that logs for this listener until it is dropped.
    _jvm: Option<AttachedJvm>,
}

/// What makes events of what a runtime writes.
#[derive(Debug)]
enum Reader {
    /// Lines of one of these formats, each with the runtime that writes it.
    Lines(Vec<(Format, &'static str)>),
    /// Traces, each as far as it was read.
    Traces(BTreeMap<PathBuf, Trace>),
}

/// Begin and end of a block's load on the monotonic clock, nanoseconds.
pub(crate) type Block = (u64, u64);

/// What the logs of programs are searched for, and which runtime writes it. (Ruby prints a table at the
/// end.)
const WRITERS: [(Format, &str); 4] = [
    (Format::Go, "go"),
    (Format::Jvm, "jvm"),
    (Format::V8, "node"),
    (Format::Marks, "node or python"),
];
/// So much of what is in a log already shows which runtime writes it.
const LOOK_BACK: u64 = 1 << 20;

/// An event, and when its line arrived, on the monotonic clock.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Up to where in the file its line goes.
    line_end: u64,
    event: Event,
    arrived_ns: Option<u64>,
}

impl Listener {
    /// Listens to the log of a runtime that was made to write one.
    pub fn new(log: PauseLog) -> Self {
        Listener {
            reader: Reader::of(log.runtime),
            runtime: log.runtime.map(Runtime::name),
            log,
            origins: Origins::default(),
            files: BTreeSet::new(),
            greeted: BTreeSet::new(),
            placed: 0,
            unplaced: 0,
            silence: None,
            _jvm: None,
        }
    }

    /// Listens to a log in which a runtime writes of its pauses already, from now on.
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

    /// Asks a JVM that runs already to write to a file of `folder`, until the listener is dropped.
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

    /// Whose pauses are recorded; `None` where no line has shown it yet, where no event can be placed, or
    /// where a process that serves is not recorded.
    pub fn runtime(&self) -> Option<&'static str> {
        let is_recorded = self.silence.is_none() && (self.placed > 0 || self.unplaced == 0);
        self.runtime.filter(|_| is_recorded)
    }

    /// Processes that wrote, each of which stops by itself; at least one.
    pub fn processes(&self) -> usize {
        self.files.len().max(self.origins.processes()).max(1)
    }

    /// Why pauses are missing, in a sentence; `None` where none is.
    pub fn missing(&self) -> Option<String> {
        if let Some(silence) = &self.silence {
            return Some(silence.clone());
        }
        (self.unplaced > 0).then(|| {
            format!(
                "{} lines of the runtime's log cannot be placed: their times are not those of this machine's clocks, or they have none (JVM: -Xlog:gc,safepoint:file=FILE:timenanos)",
                self.unplaced
            )
        })
    }

    /// Holds the processes that serve to what they wrote: one that does not record, or none that does, is a
    /// silence and not the absence of pauses.
    pub fn hold(&mut self, serving: &[u32]) {
        let silent = serving.iter().find_map(|pid| {
            let why = self.log.recording(*pid, &self.greeted).err()?;
            Some(format!("process {pid} serves and is not recorded: {why}"))
        });
        let greets = matches!(self.log.runtime, Some(Runtime::Python | Runtime::Node));
        let none = (serving.is_empty() && greets && self.greeted.is_empty())
            .then(|| "no process has loaded the listener".to_owned());
        self.silence = silent.or(none);
    }

    /// Waits until what has happened so far is written, before the side is put to rest: a process that
    /// is stopped writes nothing.
    pub fn await_written(&self) {
        std::thread::sleep(self.log.runtime.map_or(Duration::ZERO, Runtime::delay));
    }

    /// Watches when lines arrive, where lines do not say it themselves.
    pub fn watch(&self) -> Option<Growth> {
        Growth::watch(self.log.shared_log()?).ok()
    }

    /// What was written since the last time and is within a block.
    pub fn recorded(&mut self, arrivals: &[Grown], block: Block) -> Vec<Happening> {
        let mut seen: Vec<Seen> = Vec::new();
        let is_shared = self.log.shared_log().is_some();
        for written in self.log.read_new() {
            if !is_shared {
                self.files.insert(written.file.clone());
                self.greeted.extend(greetings(&written));
            }
            let (events, writer) = self.reader.events(written);
            self.runtime = writer.or(self.runtime);
            seen.extend(events.into_iter().map(|(line_end, event)| Seen {
                line_end,
                event,
                arrived_ns: arrival(arrivals, line_end),
            }));
        }
        let certain = self.log.runtime.is_some();
        let bases = Bases::of(&seen, certain);
        self.origins.learn(seen.iter().filter_map(|one| {
            let origin = bases.origin(&one.event)?;
            Some((origin, one.line_end, one.began_at(certain)?))
        }));
        let mut happened = Vec::new();
        let mut lost = BTreeSet::new();
        for one in &seen {
            match self.place(one, &bases) {
                Some(event) => {
                    self.placed += 1;
                    happened.extend(within(&event, block));
                }
                None => {
                    lost.insert(one.line_end);
                }
            }
        }
        self.unplaced += lost.len() as u64;
        happened
    }

    /// The same event on the monotonic clock.
    fn place(&self, seen: &Seen, bases: &Bases) -> Option<Event> {
        let event = seen.event;
        let moved = |zero_ns: i128, event: Event| {
            let at = |ns: u64| u64::try_from(i128::from(ns) + zero_ns).ok();
            Some(Event {
                start_ns: at(event.start_ns).unwrap_or(0),
                end_ns: at(event.end_ns)?,
                clock: Clock::Monotonic,
                ..event
            })
        };
        if let Some(origin) = bases.origin(&event) {
            let zero_ns = self.origins.start(origin, seen.began_at(false))?;
            let kind = match event.kind {
                // A worker's isolate stops the thread of the worker.
                Kind::Stop if !self.origins.is_first(origin) => Kind::Assist,
                kind => kind,
            };
            return moved(i128::from(zero_ns), Event { kind, ..event });
        }
        match event.clock {
            Clock::Monotonic => moved(0, event).filter(|_| bases.is_of_this_machine),
            Clock::MonotonicOrStart => moved(0, event),
            Clock::Wall => moved(-bases.wall_ns?, event),
            Clock::Start(_) | Clock::None => None,
        }
    }
}

impl Seen {
    /// What the monotonic clock showed when the process began, at the latest: no line can be written
    /// before what it reports was over. The earliest end that the rounded line can mean counts.
    fn began_at(&self, certain: bool) -> Option<u64> {
        let end_ns = self.event.end_ns.saturating_sub(self.event.error_ns);
        let arrived_ns = self
            .arrived_ns
            .filter(|_| !certain || matches!(self.event.clock, Clock::Start(_)))?;
        arrived_ns.checked_sub(end_ns)
    }
}

/// When the line that goes up to here arrived; `None` if it was there when the watch began.
fn arrival(arrivals: &[Grown], line_end: u64) -> Option<u64> {
    let first = arrivals.partition_point(|grown| grown.length < line_end);
    let grown = arrivals.get(first).filter(|_| first > 0)?;
    Some(grown.at_ns)
}

/// What the clocks that lines name count from.
#[derive(Clone, Copy, Debug)]
struct Bases {
    /// The system's clock when the monotonic one was zero; `None` where the lines are not of this clock.
    wall_ns: Option<i128>,
    /// A nanosecond stamp of a JVM is the monotonic clock, and not the time since its start.
    is_monotonic: bool,
    /// A stamp of the monotonic clock is one of this machine's.
    is_of_this_machine: bool,
}

/// A line that arrives later than this after what it reports, or before that, is of another clock.
const LATEST_NS: i128 = 1_000_000_000;
const EARLIEST_NS: i128 = -100_000_000;

impl Bases {
    /// From when lines arrived. Without arrivals, or where Understudy chose the clock, the lines are taken
    /// at their word.
    fn of(seen: &[Seen], certain: bool) -> Self {
        let fits = |is_of: &dyn Fn(Clock) -> bool, zero_ns: i128| {
            let lines = seen.iter().filter(|one| is_of(one.event.clock));
            let delays = lines.filter_map(|one| {
                let end_ns = i128::from(one.event.end_ns) + zero_ns;
                Some(i128::from(one.arrived_ns?) - end_ns)
            });
            let least = delays.min();
            certain || least.is_none_or(|least| (EARLIEST_NS..=LATEST_NS).contains(&least))
        };
        let wall_ns = wall_at_zero();
        Bases {
            wall_ns: wall_ns.filter(|wall_ns| fits(&|clock| clock == Clock::Wall, -wall_ns)),
            is_monotonic: fits(&|clock| clock == Clock::MonotonicOrStart, 0),
            is_of_this_machine: fits(&|clock| clock == Clock::Monotonic, 0),
        }
    }

    /// Whose start the times of an event count from; `None` where they count from none.
    fn origin(&self, event: &Event) -> Option<Origin> {
        match event.clock {
            Clock::Start(origin) => Some(origin),
            Clock::MonotonicOrStart if !self.is_monotonic => Some(Origin::UNNAMED),
            _ => None,
        }
    }
}

/// What the system's clock shows, less what the monotonic clock shows, nanoseconds.
fn wall_at_zero() -> Option<i128> {
    let monotonic_ns = HostClock::since(Instant::now()).zero_monotonic_ns()?;
    let wall = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()?;
    Some(wall.as_nanos() as i128 - i128::from(monotonic_ns))
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

    /// The events of what was written, each with the place in the file where its line ends, and the name of the
    /// runtime that wrote them if the lines show it.
    fn events(&mut self, written: Written) -> (Vec<(u64, Event)>, Option<&'static str>) {
        match self {
            Reader::Lines(writers) => {
                let (mut events, mut wrote) = (Vec::new(), None);
                for (format, name) in writers {
                    let parsed = of_lines(*format, &written);
                    wrote = wrote.or((!parsed.is_empty()).then_some(*name));
                    events.extend(parsed);
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

/// The processes that greet in some lines.
fn greetings(lines: &Written) -> impl Iterator<Item = u32> {
    let lines = lines.bytes.split(|byte| *byte == b'\n');
    let texts = lines.filter_map(|line| std::str::from_utf8(line).ok());
    texts.filter_map(|line| Some(greeting(line)?.pid))
}

/// The events of some lines, each with the place in the file where its line ends.
fn of_lines(format: Format, lines: &Written) -> Vec<(u64, Event)> {
    let mut end = lines.start;
    let mut events = Vec::new();
    for line in lines.bytes.split_inclusive(|byte| *byte == b'\n') {
        end += line.len() as u64;
        if let Ok(text) = std::str::from_utf8(line) {
            let parsed = read_line(format, text);
            events.extend(parsed.into_iter().map(|event| (end, event)));
        }
    }
    events
}

/// What happened in a block, on its clock.
fn within(event: &Event, (from, to): Block) -> Option<Happening> {
    (event.start_ns < to && event.end_ns >= from).then(|| Happening {
        cause: match event.kind {
            Kind::Stop => Cause::RuntimeStop,
            Kind::Concurrent => Cause::RuntimeConcurrent,
            Kind::Assist => Cause::RuntimeAssist,
        },
        start_ns: event.start_ns.saturating_sub(from),
        end_ns: event.end_ns - from,
        error_ns: event.error_ns,
    })
}

#[cfg(test)]
mod tests;
