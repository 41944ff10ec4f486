//! How a runtime is made to record when it pauses its program, without a change to the program:
//! by variables of its environment and, where those can name one, a file that it loads first.
//!
//! What is collected are lines, or bytes of a trace; crate `wire` knows what they mean.

mod jvm;
mod recognition;
mod recording;

pub use jvm::AttachedJvm;

use crate::Launch;
use crate::log::{Written, bytes_from, whole_lines};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use understudy_model::plain_words;

/// A runtime that can be made to record its pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Runtime {
    /// Go: `GODEBUG=gctrace=1`, into the log of the side.
    Go,
    /// A JVM from version 9: `-Xlog` through `JAVA_TOOL_OPTIONS`, into a file of its own.
    Jvm,
    /// Node: a preloaded observer of `perf_hooks` through `NODE_OPTIONS`.
    Node,
    /// Python: callbacks of `gc` in a `sitecustomize` on `PYTHONPATH`.
    Python,
    /// .NET from version 6: EventPipe through variables `DOTNET_...`, into a trace of its own.
    DotNet,
}

impl Runtime {
    /// Every runtime.
    pub const ALL: [Runtime; 5] = [
        Runtime::Go,
        Runtime::Jvm,
        Runtime::Node,
        Runtime::Python,
        Runtime::DotNet,
    ];

    /// The name used in configuration and output.
    pub fn name(self) -> &'static str {
        match self {
            Runtime::Go => "go",
            Runtime::Jvm => "jvm",
            Runtime::Node => "node",
            Runtime::Python => "python",
            Runtime::DotNet => "dotnet",
        }
    }

    /// The runtime of this name.
    pub fn from_name(name: &str) -> Option<Runtime> {
        Runtime::ALL.into_iter().find(|one| one.name() == name)
    }

    /// What runs the program that this command starts, as far as the command and the file that it
    /// names say: a program behind a shell is not looked for.
    pub fn recognise(argv: &[String], dir: &Path) -> Option<Runtime> {
        recognition::runtime(argv, dir)
    }

    /// What is set so that it records, for people.
    pub fn means(self) -> &'static str {
        match self {
            Runtime::Go => "GODEBUG=gctrace=1",
            Runtime::Jvm => "JAVA_TOOL_OPTIONS=-Xlog:safepoint,gc",
            Runtime::Node => "NODE_OPTIONS=--require with an observer of perf_hooks",
            Runtime::Python => "PYTHONPATH with a sitecustomize that records gc.callbacks",
            Runtime::DotNet => "DOTNET_EnableEventPipe=1 for the events of its collector",
        }
    }

    /// How long after something happened it may not have been written yet: a program that is stopped
    /// sooner keeps it to itself.
    pub fn delay(self) -> Duration {
        match self {
            // EventPipe writes every 100 ms.
            Runtime::DotNet => Duration::from_millis(200),
            Runtime::Go | Runtime::Jvm | Runtime::Node | Runtime::Python => Duration::ZERO,
        }
    }
}

/// The lines or traces in which a runtime records its pauses.
#[derive(Debug)]
pub struct PauseLog {
    /// The runtime; `None`: the lines show it.
    pub runtime: Option<Runtime>,
    source: Source,
    /// How far each file has been read.
    read: BTreeMap<PathBuf, u64>,
}

/// Where that is.
#[derive(Debug)]
enum Source {
    /// Among the lines of the side's own log, behind this many bytes.
    Log(PathBuf),
    /// In the files of this folder whose names begin so: one a process.
    Files(PathBuf, String),
    /// The same of traces.
    Traces(PathBuf, String),
}

impl Source {
    /// What follows `start`: up to the last end of a line, or of a trace all there is.
    fn read(&self, file: &Path, start: u64) -> io::Result<Vec<u8>> {
        match self {
            Source::Log(_) | Source::Files(..) => whole_lines(file, start),
            Source::Traces(..) => bytes_from(file, start),
        }
    }
}

/// Why a runtime cannot be made to record its pauses.
#[derive(Debug, thiserror::Error)]
pub enum PauseError {
    /// A file of the listener cannot be written.
    #[error("{path} cannot be written: {}", plain_words(source))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A JVM that runs already does not log for Understudy.
    #[error("process {pid} cannot be asked for its pauses: {why}")]
    Refused {
        /// The process.
        pid: u32,
        /// What it or `jcmd` says.
        why: String,
    },
    /// The path has characters that the runtime's options give a meaning to.
    #[error("the path {path} has characters that options of the runtime cannot hold")]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// The side has its runtime write a trace already, and there can be one.
    #[error("{variable} is set for it already, and a process writes one trace")]
    Traced {
        /// The variable that says so.
        variable: &'static str,
    },
}

/// What a JVM logs: every stop, and the phases of collections.
const JVM_LOGS: &str = "safepoint=info,gc=info,gc+phases=info";
const PRELOADED: &str = "UNDERSTUDY_PAUSES";
/// The folder of files that a runtime loads first.
const PRELOAD: &str = "preload";
/// The settings of EventPipe, apart from the path of its trace. Older runtimes read `COMPlus_...` alone and are
/// left alone: they write at their end, and with a path of ours .NET Core 3.1 does not start.
const EVENT_PIPE: [(&str, &str); 5] = [
    (TRACED, "1"),
    // Provider, keyword GC, level informational.
    (
        "DOTNET_EventPipeConfig",
        "Microsoft-Windows-DotNETRuntime:1:4",
    ),
    // While the program runs and not at its end.
    ("DOTNET_EventPipeOutputStreaming", "1"),
    // The methods of the program are of no interest.
    ("DOTNET_EventPipeRundown", "0"),
    // Instead of a gigabyte that events may take of the memory of the side.
    ("DOTNET_EventPipeCircularMB", "8"),
];
const TRACED: &str = "DOTNET_EnableEventPipe";
/// The name that it had, which is still read where the new one is not set.
const OLD_TRACED: &str = "COMPlus_EnableEventPipe";
/// The ends of the names of files.
const LINES: &str = ".log";
const TRACE: &str = ".nettrace";

impl PauseLog {
    /// Sets in `launch` what makes the runtime record. `folder` is absolute and gets the files.
    ///
    /// # Errors
    /// When a file cannot be written, or an option cannot hold the folder's path.
    pub fn prepare(
        runtime: Runtime,
        launch: &mut Launch,
        folder: &Path,
    ) -> Result<PauseLog, PauseError> {
        let prefix = format!(
            "{}-pauses",
            launch.name.trim_start_matches("the ").replace(' ', "-")
        );
        let place = folder.join(&prefix);
        let files = Source::Files(folder.to_owned(), prefix.clone());
        let mut read = BTreeMap::new();
        let source = match runtime {
            Runtime::Go => {
                add(launch, "GODEBUG", "gctrace=1", ",");
                // What is there was written by an earlier process.
                let there = fs::metadata(&launch.log).map_or(0, |log| log.len());
                read.insert(launch.log.clone(), there);
                Source::Log(launch.log.clone())
            }
            Runtime::Jvm => {
                let place = plain(&place)?;
                let option = format!(
                    "-Xlog:{JVM_LOGS}:file={place}-%p.log:timenanos,level,tags:filecount=0"
                );
                add(launch, "JAVA_TOOL_OPTIONS", &option, " ");
                files
            }
            Runtime::Node => {
                let script = write(
                    folder,
                    PRELOAD,
                    "pauses.js",
                    include_str!("pauses/pauses.js"),
                )?;
                let option = format!("--require {}", plain(&script)?);
                add(launch, "NODE_OPTIONS", &option, " ");
                launch.env.insert(PRELOADED.to_owned(), plain(&place)?);
                files
            }
            Runtime::Python => {
                let script = include_str!("pauses/sitecustomize.py");
                let script = write(folder, PRELOAD, "sitecustomize.py", script)?;
                let folder = plain(script.parent().unwrap_or(folder))?;
                put_first(launch, "PYTHONPATH", &folder, ":");
                launch.env.insert(PRELOADED.to_owned(), plain(&place)?);
                files
            }
            Runtime::DotNet => {
                trace(launch, &place)?;
                Source::Traces(folder.to_owned(), prefix)
            }
        };
        Ok(PauseLog {
            runtime: Some(runtime),
            source,
            read,
        })
    }

    /// The log of a program that runs already and records its pauses for others: what is
    /// added to it from now on.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn existing(file: &Path) -> io::Result<PauseLog> {
        let there = File::open(file)?.metadata()?.len();
        Ok(PauseLog {
            runtime: None,
            source: Source::Log(file.to_owned()),
            read: BTreeMap::from([(file.to_owned(), there)]),
        })
    }

    /// The file whose growth shows when a line was written, where lines alone do not say it.
    pub fn shared_log(&self) -> Option<&Path> {
        match &self.source {
            Source::Log(log) => Some(log),
            Source::Files(..) | Source::Traces(..) => None,
        }
    }

    /// What was written since the last reading, by file. Of files that cannot be read there is nothing.
    pub fn read_new(&mut self) -> Vec<Written> {
        let files = match &self.source {
            Source::Log(log) => vec![log.clone()],
            Source::Files(folder, prefix) => named(folder, prefix, LINES),
            Source::Traces(folder, prefix) => named(folder, prefix, TRACE),
        };
        let mut new = Vec::new();
        for file in files {
            let start = self.read.get(&file).copied().unwrap_or(0);
            let Ok(bytes) = self.source.read(&file, start) else {
                continue;
            };
            self.read.insert(file.clone(), start + bytes.len() as u64);
            if !bytes.is_empty() {
                new.push(Written { file, start, bytes });
            }
        }
        new
    }
}

fn named(folder: &Path, prefix: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().and_then(OsStr::to_str);
            name.is_some_and(|name| name.starts_with(prefix) && name.ends_with(extension))
        })
        .collect();
    files.sort();
    files
}

/// Has EventPipe write a trace for each process; it puts the process's id into the path.
fn trace(launch: &mut Launch, place: &Path) -> Result<(), PauseError> {
    for variable in [TRACED, OLD_TRACED] {
        if present(launch, variable).is_some_and(|set| set != "0") {
            return Err(PauseError::Traced { variable });
        }
    }
    // A variable holds any path, an option does not.
    let place = place.to_str().ok_or_else(|| PauseError::Path {
        path: place.to_owned(),
    })?;
    let path = format!("{place}-{{pid}}{TRACE}");
    launch
        .env
        .insert("DOTNET_EventPipeOutputPath".to_owned(), path);
    for (variable, value) in EVENT_PIPE {
        launch.env.insert(variable.to_owned(), value.to_owned());
    }
    Ok(())
}

/// A path that options can hold: they give a meaning to spaces, quotes, commas and colons.
fn plain(path: &Path) -> Result<String, PauseError> {
    let text = path.to_str().filter(|text| {
        text.chars()
            .all(|c| c.is_alphanumeric() || "/._-+@~".contains(c))
    });
    text.map(str::to_owned).ok_or_else(|| PauseError::Path {
        path: path.to_owned(),
    })
}

fn write(folder: &Path, within: &str, name: &str, text: &str) -> Result<PathBuf, PauseError> {
    let folder = folder.join(within);
    let path = folder.join(name);
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&path, text))
        .map_err(|source| PauseError::Write {
            path: path.clone(),
            source,
        })?;
    Ok(path)
}

/// Appends to a variable that the side sets, or that it would have inherited.
fn add(launch: &mut Launch, variable: &str, value: &str, separator: &str) {
    let set = match present(launch, variable) {
        Some(there) => format!("{there}{separator}{value}"),
        None => value.to_owned(),
    };
    launch.env.insert(variable.to_owned(), set);
}

fn put_first(launch: &mut Launch, variable: &str, value: &str, separator: &str) {
    let set = match present(launch, variable) {
        Some(there) => format!("{value}{separator}{there}"),
        None => value.to_owned(),
    };
    launch.env.insert(variable.to_owned(), set);
}

fn present(launch: &Launch, variable: &str) -> Option<String> {
    let own = launch.env.get(variable).cloned();
    own.or_else(|| std::env::var(variable).ok())
        .filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests;
