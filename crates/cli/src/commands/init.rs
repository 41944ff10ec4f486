//! `understudy init`: writes a commented trial.toml from what is given and what is found.

mod document;
mod folder;
mod listeners;
mod side;

use super::import::{self, DEFAULT_OUT, summary};
use crate::exit::{self, Failure};
use crate::output;
use crate::show;
use anyhow::Context;
use clap::Args;
use document::{Draft, Written};
use folder::Contents;
use listeners::Listener;
use serde_json::Value;
use side::SideDraft;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use understudy_import::{Imported, Options};
use understudy_redact::Redactor;

/// Writes a commented trial.toml from two commands or URLs and a source of requests.
///
/// Whatever is not given is looked for: ports that something listens on, an OpenAPI document, HAR
/// files, access logs and captures in the folder of the file. What is left to fill in is said at the
/// end and marked "fill in:" in the file.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Command that starts what runs today, with {port}; or the http:// URL where it runs already
    #[arg(long, value_name = "COMMAND|URL")]
    incumbent: Option<String>,
    /// Command that starts what may replace it, with {port}; or its http:// URL
    #[arg(long, value_name = "COMMAND|URL")]
    candidate: Option<String>,
    /// A request file that exists
    #[arg(long, value_name = "FILE.jsonl")]
    requests: Option<PathBuf>,
    /// An OpenAPI document to make requests of; written to requests.jsonl next to the trial's file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["requests", "from"])]
    openapi: Option<PathBuf>,
    /// A HAR file, access log or capture to make requests of, as "understudy import" does (repeatable)
    #[arg(long, value_name = "FILE", conflicts_with = "requests")]
    from: Vec<PathBuf>,
    /// The file to write
    #[arg(long, value_name = "FILE.toml", default_value = "trial.toml")]
    out: PathBuf,
    /// Overwrite files that exist
    #[arg(long)]
    force: bool,
}

/// Carries out the command.
pub(crate) fn init(args: &InitArgs) -> Result<u8, Failure> {
    let here = std::env::current_dir().context("the current directory is not known")?;
    let out = std::path::absolute(&args.out).context("`--out` is not a path")?;
    let folder = out.parent().unwrap_or(&here).to_owned();
    let sources: Vec<PathBuf> = args.openapi.iter().chain(&args.from).cloned().collect();
    let (mut incumbent, mut candidate) = check(args, &folder, !sources.is_empty())?;
    let imported = match sources.as_slice() {
        [] => None,
        sources => Some(import::read(sources, &Options::default())?),
    };
    let looks = incumbent.is_missing() || candidate.is_missing();
    let around = Contents::look(&folder);
    let listening = match looks || incumbent.is_url() || candidate.is_url() {
        true => listeners::find(),
        false => Vec::new(),
    };
    incumbent.attach(&listening);
    candidate.attach(&listening);
    let requests = requests(args, imported.as_ref(), &around, (&here, &folder));
    let draft = Draft {
        name: name_of(&folder),
        dir: (here != folder).then(|| here.display().to_string()),
        writes: needs_writes(&incumbent, &candidate, imported.as_ref(), args, &around),
        incumbent,
        candidate,
        requests,
        around: &around,
        listening: listening.iter().filter(|_| looks).map(described).collect(),
    };
    let written = document::write(&draft);
    deliver(args, &out, &folder, &draft, &written, imported.as_ref())?;
    Ok(exit::DONE)
}

/// Everything that is wrong with the arguments, before anything is read or written; the two sides.
fn check(args: &InitArgs, folder: &Path, imports: bool) -> Result<(SideDraft, SideDraft), Failure> {
    let mut errors = Vec::new();
    let mut side = |flag: &str, text: Option<&String>| {
        SideDraft::read(text.map(String::as_str)).unwrap_or_else(|error| {
            errors.push(format!("{flag}: {error}"));
            SideDraft::Missing
        })
    };
    let sides = (
        side("--incumbent", args.incumbent.as_ref()),
        side("--candidate", args.candidate.as_ref()),
    );
    if !folder.is_dir() {
        errors.push(format!("--out: {} is not a folder", folder.display()));
    }
    if let Some(path) = args.requests.as_ref().filter(|path| !path.is_file()) {
        errors.push(format!("--requests: {} is not a file", path.display()));
    }
    let requests = folder.join(DEFAULT_OUT);
    let written = [Some(args.out.clone()), imports.then_some(requests)];
    for path in written.into_iter().flatten() {
        errors.extend(output::refusal(&path, args.force));
    }
    match errors.is_empty() {
        true => Ok(sides),
        false => Err(Failure::Usage(errors)),
    }
}

/// The request file as the trial's file names it.
fn requests(
    args: &InitArgs,
    imported: Option<&Imported>,
    around: &Contents,
    (here, folder): (&Path, &Path),
) -> Option<String> {
    if imported.is_some() {
        return Some(DEFAULT_OUT.to_owned());
    }
    if let Some(path) = &args.requests {
        // Relative paths are relative to the trial's file.
        let path = if here == folder {
            path.clone()
        } else {
            here.join(path)
        };
        return Some(path.display().to_string());
    }
    around.has(DEFAULT_OUT).then(|| DEFAULT_OUT.to_owned())
}

/// The methods that change data, where they would be sent to a side that runs already.
fn needs_writes(
    incumbent: &SideDraft,
    candidate: &SideDraft,
    imported: Option<&Imported>,
    args: &InitArgs,
    around: &Contents,
) -> Vec<String> {
    if !incumbent.is_url() && !candidate.is_url() {
        return Vec::new();
    }
    let text = match (imported, &args.requests) {
        (Some(imported), _) => Ok(imported.jsonl.clone()),
        (None, Some(path)) => fs::read_to_string(path),
        (None, None) => fs::read_to_string(around.folder().join(DEFAULT_OUT)),
    };
    // `plan` reports what cannot be read.
    let text = text.unwrap_or_default();
    let methods: BTreeSet<String> = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|request| Some(request.get("method")?.as_str()?.to_owned()))
        .filter(|method| !["GET", "HEAD", "OPTIONS", "TRACE"].contains(&method.as_str()))
        .collect();
    methods.into_iter().collect()
}

/// A trial is called like its folder, and so is what is written.
fn name_of(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or("trial".as_ref());
    name.to_string_lossy().into_owned()
}

/// A listener in one line; what its command line holds of secrets is replaced.
fn described(listener: &Listener) -> String {
    let redactor = Redactor::new([0; 16]);
    let process = match &listener.process {
        Some(process) => {
            let command: String = redactor
                .redact_text(&process.command)
                .chars()
                .take(100)
                .collect();
            format!("{command} (pid {})", process.pid)
        }
        None => "a process of another user".to_owned(),
    };
    let answer = match listener.answers {
        Some(status) => format!(", answers HTTP {status}"),
        None => String::new(),
    };
    format!("{}: {process}{answer}", listener.address)
}

fn deliver(
    args: &InitArgs,
    out: &Path,
    folder: &Path,
    draft: &Draft<'_>,
    written: &Written,
    imported: Option<&Imported>,
) -> Result<(), Failure> {
    if let Some(imported) = imported {
        let path = folder.join(DEFAULT_OUT);
        output::write("--from", &path, &imported.jsonl)?;
        let shown = args.out.with_file_name(DEFAULT_OUT);
        show::line(summary::without_next(&imported.summary, &shown).trim_end());
    }
    output::write("--out", out, &written.text)?;
    let mut word = "found";
    // Files matter only as long as there are no requests.
    let files = draft.around.files().iter();
    let files = files.filter(|_| draft.requests.is_none());
    for found in draft.listening.iter().chain(files) {
        show::line(&format!("{word:<12}{found}"));
        word = "";
    }
    let name = args.out.display();
    show::line(&format!("wrote       {name}"));
    let mut word = "fill in";
    for missing in &written.missing {
        show::line(&format!("{word:<12}{missing}"));
        word = "";
    }
    let variables = imported.map_or(0, |imported| imported.summary.variables.len());
    let first = match (written.missing.is_empty(), variables) {
        (true, 0) => "",
        (false, 0) => "fill these in, then: ",
        (true, _) => "set the variables, then: ",
        (false, _) => "fill these in, set the variables, then: ",
    };
    let argument = show::argument(&args.out);
    show::line(&format!("next        {first}understudy plan {argument}"));
    Ok(())
}

#[cfg(test)]
mod tests;
