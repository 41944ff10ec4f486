//! The summary of an import for people.

use crate::show;
use std::fmt::Write;
use std::path::Path;
use understudy_import::Summary;
use understudy_report::figures::count;

/// Most lines of one kind that are shown; the JSON has all.
const MOST_SHOWN: usize = 20;

/// The summary; `to` is the file that was written, none for standard output.
pub(crate) fn with_next(summary: &Summary, to: Option<&Path>) -> String {
    let mut out = match to {
        Some(path) => without_next(summary, path),
        None => of_target(summary, "standard output"),
    };
    if let Some(path) = to {
        out += &format!(
            "next        understudy init --requests {}\n",
            show::argument(path)
        );
    }
    out
}

/// The summary of what went to this file, without what to do next.
pub(crate) fn without_next(summary: &Summary, to: &Path) -> String {
    of_target(summary, &to.to_string_lossy())
}

fn of_target(summary: &Summary, target: &str) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_summary(&mut out, summary, target);
    out
}

fn write_summary(out: &mut String, of: &Summary, target: &str) -> std::fmt::Result {
    for file in &of.files {
        let (read, format) = (requests(file.read), file.format.name());
        writeln!(out, "read        {read} in {} ({format})", file.file)?;
    }
    let lines = plural(of.lines, "line");
    writeln!(
        out,
        "written     {} as {lines} to {target}",
        requests(of.written)
    )?;
    let reasons = of.left_out.iter().map(|left| {
        let (number, why) = (column(left.requests), &left.explanation);
        format!("{number}  {why}; first: {}", left.first)
    });
    list(out, "left out", reasons, 0)?;
    let without = of.without.iter().map(|without| {
        let (number, part) = (column(without.requests), &without.explanation);
        format!("{number}  {part}; first: {}", without.first)
    });
    list(out, "without", without, 0)?;
    let others = of.hosts.iter().filter(|host| host.taken == 0);
    let others = others.map(|host| format!("{}  {}", column(host.requests), host.host));
    let others: Vec<String> = others.collect();
    if !others.is_empty() {
        let taken = of.hosts.iter().filter(|host| host.taken > 0);
        let taken: Vec<&str> = taken.map(|host| host.host.as_str()).collect();
        writeln!(out, "host        {}; not taken:", taken.join(", "))?;
        list(out, "", others.into_iter(), 0)?;
    }
    let operations = of.operations.iter();
    let operations = operations
        .map(|operation| format!("{}  {}", column(operation.requests), operation.operation));
    list(out, "operations", operations, MOST_SHOWN)?;
    if of.sessions.sessions > 0 {
        let (sessions, of_them) = (
            plural(of.sessions.sessions, "session"),
            requests(of.sessions.requests),
        );
        writeln!(
            out,
            "sessions    {sessions} of {of_them}, kept in their order (--sessions none: weights instead)"
        )?;
    }
    let variables = of.variables.iter().map(|variable| {
        let (name, what) = (&variable.name, &variable.stands_for);
        format!("{name}: {what} ({})", requests(variable.requests))
    });
    list(out, "set before", variables, MOST_SHOWN)?;
    Ok(())
}

/// Lines behind one word; after `most` of them (0: never) only how many there are more.
fn list(
    out: &mut String,
    word: &str,
    lines: impl ExactSizeIterator<Item = String>,
    most: usize,
) -> std::fmt::Result {
    let all = lines.len();
    let most = if most == 0 { all } else { most };
    for (index, line) in lines.take(most).enumerate() {
        let word = if index == 0 { word } else { "" };
        writeln!(out, "{word:<12}{line}")?;
    }
    if all > most {
        writeln!(
            out,
            "{:<12}and {} more (--json has all)",
            "",
            count((all - most) as u64)
        )?;
    }
    Ok(())
}

fn column(number: u64) -> String {
    format!("{:>7}", count(number))
}

fn requests(number: u64) -> String {
    plural(number, "request")
}

fn plural(number: u64, word: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{} {word}{end}", count(number))
}
