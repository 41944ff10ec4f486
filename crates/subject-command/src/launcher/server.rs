//! The launcher's own side: a loop that runs what it is asked to.
//!
//! It has one thread and little memory, and does nothing while a program runs but wait for its end and look
//! from time to time at how much it has written.

use super::frames::{Reply, Report, receive, send};
use super::{Order, OutputLimits};
use crate::workdir::is_name_of_place;
use crate::{Elsewhere, Ending, Figures, Floor, Refusal};
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use understudy_model::plain_words;
use understudy_probe::{Event, How, LeftBehind, Measured, Program, Runner, Running, Watched};

/// How long a run is left alone before its output is looked at.
const FIRST_LOOK: Duration = Duration::from_millis(5);
/// How often its output is looked at from then on.
const LOOK: Duration = Duration::from_millis(20);
/// Outputs of this many bytes together are handed over before all runs of an order have ended.
const HELD: u64 = 64 << 20;
/// A block in the kernel's count of what a disk was asked for, bytes.
const BLOCK: u64 = 512;

/// A run that has ended and was not reported yet.
struct Done {
    report: Report,
    files: Option<(File, File)>,
}

/// Why an order was not carried out to its end.
enum Broken {
    /// Understudy has gone, or asks for the end.
    Stopped,
    /// What the machine says.
    Failed(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Broken::Failed(error)
    }
}

/// Serves orders from standard input until it is closed. Whatever was started is stopped by then, also if
/// Understudy was killed.
///
/// The process that calls this must be small and have one thread: see [`Runner`].
///
/// # Errors
/// Standard input is not a socket of Understudy, or the system refuses something that the launcher needs.
pub fn serve() -> io::Result<()> {
    let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let runner = Runner::new()?;
    let floor = runner.floor();
    let floor = Floor {
        peak_rss_bytes: floor.peak_rss_bytes,
        cpu_us: floor.user_us + floor.system_us,
    };
    send(&stream, &Reply::Ready(floor), &[])?;
    // The end of the input is the usual end.
    while let Ok((order, _)) = receive::<Order>(&stream) {
        match carry_out(&runner, &order, &stream) {
            Ok(()) => {}
            Err(Broken::Stopped) => break,
            Err(Broken::Failed(error)) => {
                let _ = send(&stream, &Reply::Failed(plain_words(&error)), &[]);
                break;
            }
        }
    }
    runner.clear().map(drop)
}

fn carry_out(runner: &Runner, order: &Order, stream: &UnixStream) -> Result<(), Broken> {
    let mut held = Vec::new();
    let mut bytes = 0;
    // Understudy wakes up when it is sent something, so nothing is sent while more is to be measured.
    for place in &order.places {
        fs::rename(place, &order.at)?;
        let done = run(runner, order, stream);
        put_back(order, place)?;
        let done = done?;
        if let Some((out, err)) = &done.files {
            bytes += out.metadata()?.len() + err.metadata()?.len();
        }
        held.push(done);
        if bytes > HELD {
            bytes = 0;
            hand_over(&mut held, stream)?;
        }
    }
    hand_over(&mut held, stream)?;
    Ok(())
}

/// A program may have removed the directory that it ran in.
fn put_back(order: &Order, place: &Path) -> io::Result<()> {
    match fs::rename(&order.at, place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir_all(place),
        moved => moved,
    }
}

fn hand_over(held: &mut Vec<Done>, stream: &UnixStream) -> io::Result<()> {
    for done in held.drain(..) {
        let files: Vec<BorrowedFd<'_>> = match &done.files {
            Some((out, err)) => vec![out.as_fd(), err.as_fd()],
            None => Vec::new(),
        };
        send(stream, &Reply::Ran(Box::new(done.report)), &files)?;
    }
    Ok(())
}

fn run(runner: &Runner, order: &Order, stream: &UnixStream) -> Result<Done, Broken> {
    let dir = order.at.join("work");
    if !dir.is_dir() {
        let dir = dir.to_string_lossy().into_owned();
        return Ok(not_started(Refusal::NoDirectory { dir }));
    }
    let memory = |name| memfd_create(name, MemfdFlags::CLOEXEC).map(File::from);
    let files = (
        memory("stdout").map_err(io::Error::from)?,
        memory("stderr").map_err(io::Error::from)?,
    );
    // What is next to them in the slot is found there by its name.
    let own = [order.at.clone()];
    let program = Program {
        path: &order.program,
        argv: &order.argv,
        env: &order.env,
        dir: &dir,
        stdin: standard_input(&order.at)?,
        stdout: files.0.try_clone()?,
        stderr: files.1.try_clone()?,
        cpus: order.cpus.as_deref(),
        umask: order.umask,
        file_limit: Some(
            order
                .limits
                .file_bytes
                .max(order.limits.captured_bytes.saturating_add(1)),
        ),
        watched: order.is_watched.then_some(Watched {
            own: &own,
            kept: &order.kept,
        }),
    };
    let mut running = match runner.start(program) {
        Ok(running) => running,
        Err(error) => return Ok(not_started(refusal(order, &error))),
    };
    let watched = watch(&mut running, order, &files, stream);
    if !matches!(watched, Ok(None)) {
        running.kill()?;
    }
    let watching = running.take_watching();
    let measured = running.reap()?;
    // What it left behind may still write to its output.
    let left = runner.clear()?;
    let elsewhere = watching.map(|watching| elsewhere(watching.conclude(), order));
    let ending = watched?.unwrap_or(match measured.how {
        How::Code(code) => Ending::Exit(code),
        How::Signal(signal) => Ending::Signal(signal),
        How::Unknown => return Err(io::Error::other("a run ended in an unknown way").into()),
    });
    Ok(Done {
        report: Report {
            ending,
            figures: figures(&measured, &left),
            left_behind: left.names,
            elsewhere: elsewhere.unwrap_or_default(),
        },
        files: Some(files),
    })
}

/// Without what is found in the slot itself: see [`Place::changes`](crate::Place::changes).
fn elsewhere(found: understudy_probe::Elsewhere, order: &Order) -> Elsewhere {
    let slot = order.at.parent();
    let real = slot.and_then(|slot| fs::canonicalize(slot).ok());
    let is_listed = |path: &Path| {
        let folder = path.parent();
        let is_place = path.file_name().is_some_and(is_name_of_place);
        folder.is_some() && (folder == slot || folder == real.as_deref()) && !is_place
    };
    let paths = found.paths.into_iter();
    Elsewhere {
        paths: paths
            .filter(|path| !is_listed(path))
            .map(Into::into)
            .collect(),
        is_more: found.is_more,
        passing: found.passing.into_iter().map(Into::into).collect(),
        kept: found.kept.into_iter().map(Into::into).collect(),
        unseen: found.unseen,
    }
}

/// Waits for the end. Returns why it has to be stopped, if it has not ended by itself.
fn watch(
    running: &mut Running,
    order: &Order,
    files: &(File, File),
    stream: &UnixStream,
) -> Result<Option<Ending>, Broken> {
    let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let started = running.executed_ns();
    let deadline = started.saturating_add(nanos(order.timeout));
    let mut look = started.saturating_add(nanos(FIRST_LOOK));
    loop {
        let until = look.min(deadline);
        match running.wait(until, stream.as_fd())? {
            Event::Ended => return Ok(None),
            // Nothing is asked while an order is carried out: it is the end of Understudy.
            Event::Readable => return Err(Broken::Stopped),
            Event::TimeOver if until == deadline => return Ok(Some(Ending::TimedOut)),
            Event::TimeOver if is_too_large(files, &order.limits)? => {
                return Ok(Some(Ending::TooLarge));
            }
            Event::TimeOver => look = look.saturating_add(nanos(LOOK)),
        }
    }
}

fn is_too_large(files: &(File, File), limits: &OutputLimits) -> io::Result<bool> {
    let largest = files.0.metadata()?.len().max(files.1.metadata()?.len());
    Ok(largest > limits.captured_bytes)
}

/// The file `stdin` of the place, else nothing.
fn standard_input(place: &Path) -> io::Result<File> {
    match File::open(place.join("stdin")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => File::open("/dev/null"),
        opened => opened,
    }
}

fn refusal(order: &Order, error: &io::Error) -> Refusal {
    let program = order.argv.first().cloned().unwrap_or_default();
    match error.kind() {
        io::ErrorKind::NotFound => Refusal::NotFound {
            program,
            path: None,
        },
        io::ErrorKind::PermissionDenied => Refusal::NotExecutable { program },
        io::ErrorKind::OutOfMemory => Refusal::NoMemory { program },
        _ => Refusal::Other {
            program,
            why: plain_words(error),
        },
    }
}

fn not_started(why: Refusal) -> Done {
    Done {
        report: Report {
            ending: Ending::NotStarted(why),
            figures: Figures::default(),
            left_behind: Vec::new(),
            elsewhere: Elsewhere::default(),
        },
        files: None,
    }
}

fn figures(measured: &Measured, left: &LeftBehind) -> Figures {
    let (usage, bytes) = (measured.usage, measured.transferred);
    Figures {
        wall_ns: measured.wall_ns,
        launch_ns: measured.launch_ns,
        user_us: usage.user_us,
        system_us: usage.system_us,
        peak_rss_bytes: usage.peak_rss_bytes,
        voluntary_switches: usage.voluntary_switches,
        involuntary_switches: usage.involuntary_switches,
        minor_faults: usage.minor_faults,
        major_faults: usage.major_faults,
        disk_read_bytes: usage.blocks_in * BLOCK,
        disk_written_bytes: usage.blocks_out * BLOCK,
        read_bytes: bytes.map(|bytes| bytes.read_bytes),
        written_bytes: bytes.map(|bytes| bytes.written_bytes),
        unawaited_cpu_us: left.cpu_us,
    }
}
