//! `understudy import`: captured or described traffic becomes a request file.

pub(super) mod summary;

use crate::exit::{self, Failure, usage};
use crate::output::{self, OutputFile};
use crate::show;
use crate::show::json::{self, JsonOutput};
use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use understudy_import::{
    Format, ImportError, Imported, MAX_FILE_BYTES, Neighbours, Options, Source, import_with,
};
use understudy_model::plain_words;

/// Where requests go, where nothing is said.
pub(crate) const DEFAULT_OUT: &str = "requests.jsonl";

/// Makes a request file of real traffic: HAR, access log, GoReplay capture, OpenAPI document.
///
/// Identical requests become one line with a weight, requests of one client in a row a session.
/// Secrets in headers, cookies, paths, queries, forms and JSON become $NAMES that are read from the
/// environment when the requests are sent; where no variable can replace one, the request is left out. The summary
/// lists what was left out, with the reason and the first place. An OpenAPI document may refer to other
/// files in its folder.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Files to read, in this order; "-" is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Format of all files [default: detected in each]
    #[arg(long, value_enum)]
    format: Option<FormatArg>,
    /// The request file to write, "-" for standard output [default: requests.jsonl]
    #[arg(long, value_name = "FILE.jsonl|-")]
    out: Option<PathBuf>,
    /// Overwrite the request file if it exists
    #[arg(long)]
    force: bool,
    /// Write the summary as JSON to a file, or to standard output with "-"
    #[arg(long, value_name = "PATH|-")]
    json: Option<PathBuf>,
    #[command(flatten)]
    choice: Choice,
}

/// What is taken, and how.
#[derive(Clone, Debug, Args)]
pub(crate) struct Choice {
    /// Take requests to this host, with or without port (repeatable) [default: of a HAR file the host
    /// with the most requests, of other files all]
    #[arg(long, value_name = "HOST")]
    host: Vec<String>,
    /// Keep the order of each client's requests (auto), or only how often each occurs (none)
    #[arg(long, value_enum, default_value_t = SessionsArg::Auto)]
    sessions: SessionsArg,
    /// Leave out scripts, styles, images and fonts
    #[arg(long)]
    skip_static: bool,
    /// One variable for all values of a header or cookie: every request is sent as one user
    #[arg(long)]
    merge_secrets: bool,
    /// Do not send this header (repeatable)
    #[arg(long, value_name = "NAME")]
    drop_header: Vec<String>,
    /// Values of this header, cookie, parameter or JSON key are secret too (repeatable)
    #[arg(long, value_name = "NAME")]
    secret: Vec<String>,
    /// Values of this header, cookie, parameter or JSON key are not secret (repeatable)
    #[arg(long, value_name = "NAME")]
    not_secret: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatArg {
    Har,
    AccessLog,
    Gor,
    #[value(name = "openapi")]
    OpenApi,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SessionsArg {
    Auto,
    None,
}

impl FormatArg {
    fn format(self) -> Format {
        match self {
            FormatArg::Har => Format::Har,
            FormatArg::AccessLog => Format::AccessLog,
            FormatArg::Gor => Format::Gor,
            FormatArg::OpenApi => Format::OpenApi,
        }
    }
}

impl Choice {
    fn options(&self, format: Option<FormatArg>) -> Options {
        Options {
            format: format.map(FormatArg::format),
            hosts: self.host.clone(),
            sessions: self.sessions == SessionsArg::Auto,
            skip_static: self.skip_static,
            merge_secrets: self.merge_secrets,
            drop_headers: self.drop_header.clone(),
            secret: self.secret.clone(),
            not_secret: self.not_secret.clone(),
        }
    }
}

/// Carries out the command.
pub(crate) fn import(args: &ImportArgs) -> Result<u8, Failure> {
    let out = Out::of(args.out.as_deref(), args.force)?;
    if matches!(out, Out::Stdout) && args.json.as_deref() == Some(Path::new("-")) {
        return Err(usage(
            "`--out -` and `--json -` both write to standard output\nhint: give one of them a file",
        ));
    }
    let file = match &out {
        Out::Stdout => None,
        Out::File(path) => Some(opened(path)?),
    };
    let imported = read(&args.files, &args.choice.options(args.format))?;
    let mut json = JsonOutput::open(args.json.as_deref())?;
    match file {
        None => show::print(&imported.jsonl).context("cannot write the requests")?,
        Some(file) => {
            let path = file.path().to_owned();
            let written = file.write(&imported.jsonl);
            written.map_err(|error| anyhow!(output::cannot_write("--out", &path, &error)))?;
        }
    }
    json::deliver(json.as_mut(), &imported.summary)?;
    let to = match &out {
        Out::Stdout => None,
        Out::File(path) => Some(path.as_path()),
    };
    show::line(summary::with_next(&imported.summary, to).trim_end());
    Ok(exit::DONE)
}

/// Found out before the files are read: they may be large.
fn opened(path: &Path) -> Result<OutputFile, Failure> {
    OutputFile::open(path).map_err(|error| usage(output::cannot_write("--out", path, &error)))
}

/// Where the requests go.
enum Out {
    Stdout,
    File(PathBuf),
}

impl Out {
    fn of(path: Option<&Path>, force: bool) -> Result<Self, Failure> {
        let path = path.unwrap_or(Path::new(DEFAULT_OUT));
        if path.as_os_str() == "-" {
            return Ok(Out::Stdout);
        }
        match output::refusal(path, force) {
            Some(why) => Err(usage(format!("{why}; `--out` gives another name"))),
            None => Ok(Out::File(path.to_owned())),
        }
    }
}

/// Reads files and imports them; every mistake of every file is reported at once.
pub(crate) fn read(paths: &[PathBuf], options: &Options) -> Result<Imported, Failure> {
    let mut errors = Vec::new();
    let mut contents = Vec::new();
    let stdin = paths.iter().filter(|path| path.as_os_str() == "-").count();
    if stdin > 1 {
        errors.push("standard input (-) can be read only once".to_owned());
    }
    for path in paths {
        let name = name_of(path);
        match content(path) {
            Ok(bytes) => contents.push((name, bytes)),
            Err(error) => errors.push(format!("cannot read {name}: {}", plain_words(&error))),
        }
    }
    if !errors.is_empty() {
        return Err(Failure::Usage(errors));
    }
    let sources: Vec<Source<'_>> = contents
        .iter()
        .map(|(name, bytes)| Source { name, bytes })
        .collect();
    import_with(&sources, options, &Folders(paths))
        .map_err(|errors| Failure::Usage(errors.iter().map(with_hint).collect()))
}

/// The cause, and what to do about it on a line of its own.
fn with_hint(error: &ImportError) -> String {
    match error.hint() {
        Some(hint) => format!("{error}\nhint: {hint}"),
        None => error.to_string(),
    }
}

/// The folders of the files that are imported, to which OpenAPI documents may refer.
struct Folders<'p>(&'p [PathBuf]);

/// Most bytes of one file that a document refers to.
const MAX_NEIGHBOUR_BYTES: u64 = 16 * 1024 * 1024;

impl Neighbours for Folders<'_> {
    fn read(&self, document: &str, path: &str) -> Option<Vec<u8>> {
        let named = |of: &&PathBuf| name_of(of) == document && of.as_os_str() != "-";
        let folder = match self.0.iter().find(named)?.parent()? {
            here if here.as_os_str().is_empty() => Path::new("."),
            folder => folder,
        };
        // A symbolic link may lead out of the folder.
        let folder = folder.canonicalize().ok()?;
        let file = folder.join(path).canonicalize().ok()?;
        let data = file.metadata().ok().filter(fs::Metadata::is_file)?;
        if !file.starts_with(&folder) || data.len() > MAX_NEIGHBOUR_BYTES {
            return None;
        }
        fs::read(&file).ok()
    }
}

fn name_of(path: &Path) -> String {
    match path.as_os_str() == "-" {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}

fn content(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = MAX_FILE_BYTES + 1;
    match path.as_os_str() == "-" {
        true => io::stdin().lock().take(most).read_to_end(&mut bytes)?,
        false => File::open(path)?.take(most).read_to_end(&mut bytes)?,
    };
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let what = format!(
            "it has more than {MAX_FILE_BYTES} bytes\nhint: import a part of it: `head -n 100000 FILE | understudy import -`"
        );
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
    }
    Ok(bytes)
}
