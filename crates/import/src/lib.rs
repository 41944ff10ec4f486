//! Captured or described traffic as a request file. Pure.
//!
//! [`import`] reads HAR files, access logs, GoReplay captures and OpenAPI documents and makes the
//! lines of one request file of them, with a [`Summary`] in which every request that was read is
//! either written or left out for a [`Reason`].
//!
//! # From what was recorded to what is written
//! - The target becomes a path: scheme, host and fragment go, characters that a URL cannot have are encoded.
//! - Headers that belong to a connection, to the message's framing or to a cache go
//!   ([`DROPPED_HEADERS`]).
//! - A secret in a header becomes a `$NAME` that the request file reads from the environment; a
//!   dollar sign that is none is doubled. In a path, a query, a form or JSON it becomes `${NAME}`, and the
//!   line names it among its `variables`; in free text it leaves the request out.
//! - Requests of one client in a row are a `session`; equal requests outside of sessions are one line
//!   with their number as `weight`.
//! - Where many paths are one operation, the line names its template.

mod access_log;
mod detect;
mod gor;
mod har;
mod headers;
mod hosts;
mod lines;
mod openapi;
mod recorded;
mod secrets;
mod sessions;
mod summary;
mod target;

pub use detect::Format;
pub use headers::DROPPED as DROPPED_HEADERS;
pub use openapi::Neighbours;
pub use recorded::{Part, Reason};
pub use summary::{
    FileSummary, HostSummary, LeftOut, Operation, SCHEMA, SessionSummary, Summary, Variable,
    Without,
};

use hosts::Hosts;
use lines::Lines;
use recorded::{Found, Recorded};
use secrets::Secrets;
use understudy_wire::har::HarError;

/// Most bytes of one file.
pub const MAX_FILE_BYTES: u64 = 1 << 30;
/// Most requests of one import: a request file is held in memory while it is used.
pub const MAX_REQUESTS: usize = 2_000_000;

/// One file.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// What messages call it.
    pub name: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// What is taken, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The format of every file; detected when not given.
    pub format: Option<Format>,
    /// Hosts whose requests are taken, with or without a port. None: of a HAR file the host with the
    /// most requests, of other files all.
    pub hosts: Vec<String>,
    /// Keep the order of each client's requests as `session`?
    pub sessions: bool,
    /// Leave out scripts, styles, images and fonts?
    pub skip_static: bool,
    /// One variable for all values of a header or cookie?
    pub merge_secrets: bool,
    /// Headers to leave out, besides those that always are.
    pub drop_headers: Vec<String>,
    /// Names (of headers, cookies, parameters, JSON keys) whose values are secret, besides the usual ones.
    pub secret: Vec<String>,
    /// Names whose values are not secret, whatever they look like.
    pub not_secret: Vec<String>,
}

impl Default for Options {
    /// Everything is detected, sessions are kept.
    fn default() -> Self {
        Options {
            format: None,
            hosts: Vec::new(),
            sessions: true,
            skip_static: false,
            merge_secrets: false,
            drop_headers: Vec::new(),
            secret: Vec::new(),
            not_secret: Vec::new(),
        }
    }
}

/// A request file and what is to be known about it.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The file: one JSON object a line.
    pub jsonl: String,
    /// What was read, written and left out.
    pub summary: Summary,
}

/// Why a file cannot be imported.
#[derive(Debug, thiserror::Error)]
#[error("{file}{}: {problem}", line.map_or_else(String::new, |line| format!(":{line}")))]
pub struct ImportError {
    /// The file.
    pub file: String,
    /// Line (from 1) of the mistake, where it has one.
    pub line: Option<u64>,
    /// What is wrong.
    pub problem: Problem,
}

impl ImportError {
    /// What to do about it, where that can be said.
    pub fn hint(&self) -> Option<String> {
        self.problem.hint()
    }
}

/// What is wrong with a file as a whole.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// There is nothing in it.
    #[error("is empty")]
    Empty,
    /// It is compressed: how, and the program that unpacks it.
    #[error("is compressed ({0})")]
    Compressed(&'static str, &'static str),
    /// It has none of the known forms.
    #[error("is not a HAR file, an access log, a GoReplay capture or an OpenAPI document")]
    Unknown,
    /// It is text in another encoding.
    #[error("is not UTF-8")]
    NotUtf8,
    /// It is not an archive.
    #[error(transparent)]
    Har(#[from] HarError),
    /// It is neither JSON nor YAML, or describes no operation.
    #[error("is not an OpenAPI document: {0}")]
    OpenApi(String),
    /// It has too many requests.
    #[error("has more than {MAX_REQUESTS} requests")]
    TooMany,
    /// None of its requests can be used.
    #[error("has no request that can be used: {0}")]
    Nothing(String),
}

impl Problem {
    fn hint(&self) -> Option<String> {
        match self {
            Problem::Compressed(_, program) => {
                Some(format!("unpack it: `{program} FILE | understudy import -`"))
            }
            Problem::Unknown => {
                Some("if it is one of them, name the format with `--format`".to_owned())
            }
            Problem::TooMany => {
                Some("import a part of it: `head -n 100000 FILE | understudy import -`".to_owned())
            }
            _ => None,
        }
    }
}

/// Makes one request file of files, in their order.
///
/// # Errors
/// Every file that cannot be read, or of which no request can be used; one error each.
pub fn import(sources: &[Source<'_>], options: &Options) -> Result<Imported, Vec<ImportError>> {
    import_with(sources, options, &())
}

/// The same, with the files to which OpenAPI documents refer.
///
/// # Errors
/// Those of [`import`].
pub fn import_with(
    sources: &[Source<'_>],
    options: &Options,
    neighbours: &dyn Neighbours,
) -> Result<Imported, Vec<ImportError>> {
    let (files, mut errors) = read_all(sources, options, neighbours);
    if !errors.is_empty() {
        return Err(errors);
    }
    let hosts = Hosts::choose(&files, &options.hosts);
    let mut secrets = Secrets::new(options);
    let mut summaries = Vec::with_capacity(files.len());
    let mut kept = Vec::new();
    for file in files {
        let mut summary = FileSummary::new(file.name, file.format);
        for found in file.found {
            let outcome = found
                .request
                .and_then(|request| usable(request, &hosts, &secrets, options));
            match outcome {
                Ok(request) => {
                    summary.written += 1;
                    summary.write_without(&request.without, &found.place);
                    kept.push(request);
                }
                Err(reason) => summary.leave_out(reason, &found.place),
            }
            summary.read += 1;
        }
        if summary.written == 0 {
            errors.push(nothing(&summary));
        }
        summaries.push(summary);
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let lines = Lines::of(kept, &mut secrets, options);
    Ok(Imported {
        jsonl: lines.jsonl(),
        summary: Summary::of(summaries, &lines, hosts.summary(), secrets.into_variables()),
    })
}

/// A file with what was found in it.
struct Read<'a> {
    name: &'a str,
    format: Format,
    found: Vec<Found>,
}

fn read_all<'a>(
    sources: &[Source<'a>],
    options: &Options,
    neighbours: &dyn Neighbours,
) -> (Vec<Read<'a>>, Vec<ImportError>) {
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    let mut room = MAX_REQUESTS;
    for source in sources {
        match read(*source, options.format, room, neighbours) {
            Ok(file) => {
                room -= file.found.len();
                files.push(file);
            }
            Err((line, problem)) => errors.push(ImportError {
                file: source.name.to_owned(),
                line,
                problem,
            }),
        }
    }
    (files, errors)
}

/// What is wrong with a file, and the line of it.
type Wrong = (Option<u64>, Problem);

/// Reads one file that may hold at most `room` requests.
fn read<'a>(
    source: Source<'a>,
    format: Option<Format>,
    room: usize,
    neighbours: &dyn Neighbours,
) -> Result<Read<'a>, Wrong> {
    let bytes = detect::plain(source.bytes).map_err(|problem| (None, problem))?;
    let format = format
        .or_else(|| detect::format(&bytes))
        .ok_or((None, Problem::Unknown))?;
    let text = || {
        std::str::from_utf8(&bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + memchr::memchr_iter(b'\n', before).count() as u64;
            (Some(line), Problem::NotUtf8)
        })
    };
    // One more than there is room for shows that there are too many.
    let most = room + 1;
    let found: Vec<Found> = match format {
        Format::Har => {
            har::requests(text()?, most).map_err(|error| (Some(error.line), error.into()))?
        }
        Format::AccessLog => access_log::requests(&bytes).take(most).collect(),
        Format::Gor => gor::requests(&bytes).take(most).collect(),
        Format::OpenApi => openapi::requests(text()?, source.name, neighbours)?,
    };
    if found.len() > room {
        return Err((None, Problem::TooMany));
    }
    Ok(Read {
        name: source.name,
        format,
        found,
    })
}

/// The request as it can be sent, or why it cannot.
fn usable(
    request: Recorded,
    hosts: &Hosts,
    secrets: &Secrets,
    options: &Options,
) -> Result<Recorded, Reason> {
    if !hosts.takes(&request) {
        return Err(Reason::OtherHost);
    }
    if options.skip_static && target::is_static(&request.path) {
        return Err(Reason::StaticAsset);
    }
    headers::check(&request)?;
    secrets.check(&request)?;
    Ok(request)
}

fn nothing(file: &FileSummary) -> ImportError {
    let because = file.left_out.iter().map(|left| {
        let (why, number) = (&left.explanation, left.requests);
        format!("{why} ({number}, first: {})", left.first)
    });
    let problem = match file.read {
        0 => Problem::Empty,
        _ => Problem::Nothing(because.collect::<Vec<_>>().join("; ")),
    };
    ImportError {
        file: file.file.clone(),
        line: None,
        problem,
    }
}

#[cfg(test)]
mod tests;
