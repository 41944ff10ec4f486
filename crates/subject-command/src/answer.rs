//! What a run answers, in the words that `compare` has for answers of every kind of subject.
//!
//! | of a run | in its answer |
//! |---|---|
//! | exit code | the code of the status; of a signal the negative number |
//! | time-out, out of memory, too much output, not started | a [`Failure`]: nothing is equal to one |
//! | standard output and error | the parts `stdout` and `stderr`, or the fields `stdout;class` and `stderr;class` |
//! | a path that it wrote, changed or removed | the field `file:PATH;entry`: `file 644`, `directory 755`, `link -> target`, `removed` |
//! | the content of a file | the part `file:PATH`, or the field `file:PATH;class` |
//! | how an output is compressed | the part `file:PATH;coding` |
//! | what it wrote next to its directories | the field `outside:../x` |
//! | what it changed anywhere else | the field `outside:/var/x` |
//! | processes that it left behind | the field `left_behind` |
//! | what of its directories could not be read | the answer's `unread` |
//!
//! Times of files are no part of an answer.

use crate::outputs::{ANY_FRAMES, ComparedAs, Outputs};
use crate::workdir::{Changes, Entry, Kind};
use crate::{Captured, Ending, Ran};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use understudy_compare::{decompress, plain};
use understudy_model::place::aspect;
use understudy_model::{Answer, Failure, FailureKind, Field, Outcome, Part, Place, Status};

/// Where the names of files begin, by part of a place: `HOME` and `TMPDIR` are variables of the run.
const ROOTS: [(&str, &str); 3] = [("work", "."), ("home", "$HOME"), ("tmp", "$TMPDIR")];

/// What a run answers. `own` is where its directories were while it ran ([`Workdir::in_use`](crate::Workdir::in_use)):
/// another path for each side, so it is replaced wherever the run wrote it.
pub fn answer(ran: &Ran, changes: Changes, outputs: &Outputs, own: &Path) -> Outcome {
    let status = match status(ran) {
        Ok(status) => status,
        Err(failure) => return Outcome::Failed(failure),
    };
    let mut answer = Answer {
        status,
        ..Answer::default()
    };
    captured(&mut answer, &Place::STDOUT, &ran.stdout, outputs.stdout);
    captured(&mut answer, &Place::STDERR, &ran.stderr, outputs.stderr);
    files(&mut answer, changes, outputs);
    for path in &ran.elsewhere.paths {
        let place = Place::outside(&escaped(Path::new(path)));
        field(&mut answer, &place, "written");
    }
    if ran.elsewhere.is_more {
        let words = "it changes more files outside of its directory than are named";
        answer.unread.push(words.to_owned());
    }
    if !ran.left_behind.is_empty() {
        // Their names are those of the programs, which differ from side to side.
        let value = "processes that still ran";
        field(&mut answer, &Place::LEFT_BEHIND, value);
    }
    plain::hide_directory(&mut answer, &names_of(own));
    Outcome::Answered(answer)
}

/// The files outside of their directories that both of two runs changed, as they are named in places.
pub fn shared_files(one: &Outcome, other: &Outcome) -> Vec<String> {
    let (Outcome::Answered(one), Outcome::Answered(other)) = (one, other) else {
        return Vec::new();
    };
    let is_shared = |field: &&Field| other.field(&field.name).next().is_some();
    let shared = one.fields.iter().filter(is_shared);
    let files = shared.filter_map(Field::watched_file);
    files.map(str::to_owned).collect()
}

/// The status of a run that ended by itself.
fn status(ran: &Ran) -> Result<Status, Failure> {
    let failed = |kind, detail: String| Err(Failure { kind, detail });
    if ran.out_of_memory {
        let detail = "a process of it was killed at the memory limit".to_owned();
        return failed(FailureKind::OutOfMemory, detail);
    }
    let code = match &ran.ending {
        Ending::Exit(code) => *code,
        // Negative, since programs give exit codes of their own to mean signals.
        Ending::Signal(signal) => signal.saturating_abs().saturating_neg(),
        Ending::TimedOut => {
            return failed(
                FailureKind::Timeout,
                "it did not end in time and was killed".to_owned(),
            );
        }
        Ending::TooLarge => {
            let detail = "it wrote more than is kept and was killed".to_owned();
            return failed(FailureKind::TooLarge, detail);
        }
        Ending::NotStarted(why) => {
            let why = why.to_string();
            let cause = why.lines().next().unwrap_or_default().to_owned();
            return failed(FailureKind::NotStarted, cause);
        }
    };
    let class = plain::class(code);
    Ok(Status { code, class })
}

/// Standard output or error.
fn captured(answer: &mut Answer, place: &Place, captured: &Captured, way: ComparedAs) {
    let content = Content {
        size: captured.size,
        bytes: captured.bytes.clone(),
        is_whole: !captured.truncated,
        digest: String::new(),
    };
    content.add(answer, place, way);
}

fn files(answer: &mut Answer, changes: Changes, outputs: &Outputs) {
    let Changes {
        written,
        changed,
        removed,
        outside,
        unread,
    } = changes;
    let entries = written.into_iter().chain(changed);
    let entries = entries.map(|(path, entry)| (path, Some(entry)));
    let mut all: Vec<_> = entries
        .chain(removed.into_iter().map(|path| (path, None)))
        .collect();
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (path, entry) in all {
        let name = name_of(&path);
        let way = outputs.of_file(&name);
        if way == ComparedAs::Ignore {
            continue;
        }
        let has_quality = outputs.quality_of(&name).is_some();
        let place = Place::file(&name);
        let entry_place = place.aspect(aspect::ENTRY);
        field(answer, &entry_place, entry_of(entry.as_ref()));
        if let Some(Entry {
            kind:
                Kind::File {
                    size,
                    sha256,
                    content,
                },
            ..
        }) = entry
        {
            let content = Content {
                size,
                is_whole: content.is_some(),
                bytes: content.unwrap_or_default(),
                digest: sha256,
            };
            match has_quality {
                false => content.add(answer, &place, way),
                true => {
                    let media = of_type(plain::MEDIA, &name) + ANY_FRAMES;
                    content.add_as(answer, &place, media);
                }
            }
        }
    }
    for path in outside {
        field(answer, &Place::outside(&escaped(&path)), "written");
    }
    answer.unread = unread
        .into_iter()
        .map(|(path, why)| format!("{} was not read: {why}", name_of(&path)))
        .collect();
}

/// What a path is, without its content.
fn entry_of(entry: Option<&Entry>) -> Vec<u8> {
    let Some(Entry { kind, mode }) = entry else {
        return b"removed".to_vec();
    };
    let what = match kind {
        Kind::File { .. } => "file",
        Kind::Directory => "directory",
        // The target as it is, whether or not it is text.
        Kind::Link { target } => {
            return [b"link -> ", target.as_os_str().as_encoded_bytes()].concat();
        }
        Kind::Other(what) => what,
    };
    format!("{what} {mode:03o}").into_bytes()
}

/// What an output holds.
struct Content {
    size: u64,
    bytes: Vec<u8>,
    /// Are these all of its bytes?
    is_whole: bool,
    digest: String,
}

impl Content {
    /// Adds what is compared of it.
    fn add(mut self, answer: &mut Answer, place: &Place, way: ComparedAs) {
        let media = match way {
            ComparedAs::Ignore => return,
            ComparedAs::Class => {
                let class = if self.size == 0 { "empty" } else { "not empty" };
                return field(answer, &place.aspect(aspect::CLASS), class);
            }
            ComparedAs::Compressed => return self.add_compressed(answer, place),
            ComparedAs::SortedLines => {
                self.sort_lines();
                plain::SORTED.to_owned()
            }
            ComparedAs::Bytes => plain::BYTES.to_owned(),
            ComparedAs::Text => plain::TEXT.to_owned(),
            ComparedAs::Lines => plain::LINES.to_owned(),
            ComparedAs::Json => plain::JSON.to_owned(),
            ComparedAs::JsonLines => plain::JSON_LINES.to_owned(),
            ComparedAs::Csv => plain::CSV.to_owned(),
            ComparedAs::Dataset => of_type(plain::DATASET, &place.to_string()),
            ComparedAs::Media => of_type(plain::MEDIA, &place.to_string()),
        };
        self.add_as(answer, place, media);
    }

    fn add_as(self, answer: &mut Answer, place: &Place, media: String) {
        answer.parts.push(Part {
            name: place.to_string(),
            media,
            truncated: !self.is_whole,
            bytes: self.bytes,
            digest: self.digest,
        });
    }

    /// Adds what it says without its compression, and which compression that is.
    fn add_compressed(mut self, answer: &mut Answer, place: &Place) {
        let is_whole = self.is_whole;
        // The same content is compressed in the same way.
        let digest = match is_whole {
            true => String::new(),
            false => self.digest.clone(),
        };
        let (coding, media) = match decompress(&self.bytes) {
            // A beginning says nothing of the rest.
            _ if !is_whole => (String::new(), plain::COMPRESSED),
            Ok(content) => {
                self.bytes = content.bytes;
                self.digest = String::new();
                (content.coding.to_owned(), plain::BYTES)
            }
            Err(what) => (what, plain::COMPRESSED),
        };
        self.add_as(answer, place, media.to_owned());
        answer.parts.push(Part {
            name: place.aspect(aspect::CODING).to_string(),
            media: plain::BYTES.to_owned(),
            bytes: coding.into_bytes(),
            truncated: !is_whole,
            digest,
        });
    }

    /// Brings its lines into one order. What is missing at the end (a line feed) stays missing there.
    fn sort_lines(&mut self) {
        if !self.is_whole {
            return;
        }
        // A carriage return that no line feed follows is part of its line.
        let line = |line: &'_ [u8]| match line.strip_suffix(b"\n") {
            Some(line) => line.strip_suffix(b"\r").unwrap_or(line).to_vec(),
            None => line.to_vec(),
        };
        let end = if self.bytes.ends_with(b"\n") {
            "\n"
        } else {
            ""
        };
        let lines = self.bytes.split_inclusive(|b| *b == b'\n');
        let mut lines: Vec<Vec<u8>> = lines.map(line).collect();
        lines.sort_unstable();
        let mut sorted = lines.join(&b'\n');
        sorted.extend_from_slice(end.as_bytes());
        self.bytes = sorted;
        self.digest = String::new();
    }
}

/// A media type with what the name of a file says of its format.
fn of_type(media: &str, name: &str) -> String {
    let base = name.rsplit('/').next().unwrap_or(name);
    match base.rsplit_once('.') {
        Some((_, ending)) if !ending.is_empty() => {
            format!("{media}; type={}", ending.to_ascii_lowercase())
        }
        _ => media.to_owned(),
    }
}

fn field(answer: &mut Answer, place: &Place, value: impl Into<Vec<u8>>) {
    let (name, value) = (place.to_string(), value.into());
    answer.fields.push(Field { name, value });
}

/// The name of a path of [`Changes`] in places and patterns: relative to the working directory, or behind `$HOME` or
/// `$TMPDIR`. What ends a name in a place (`:`, `;`), what is not text and what looks like a variable is
/// percent-encoded.
pub fn name_of(path: &Path) -> String {
    for (part, root) in ROOTS {
        let Ok(within) = path.strip_prefix(part) else {
            continue;
        };
        let within = escaped(within);
        return match (within.as_str(), part) {
            ("", _) => root.to_owned(),
            (_, "work") => within,
            _ => format!("{root}/{within}"),
        };
    }
    escaped(path)
}

fn escaped(path: &Path) -> String {
    let mut out = String::new();
    for (at, chunk) in path
        .as_os_str()
        .as_encoded_bytes()
        .utf8_chunks()
        .enumerate()
    {
        for (index, c) in chunk.valid().char_indices() {
            let is_first = at == 0 && index == 0;
            let means_more = matches!(c, ':' | ';' | '%' | '\u{fffd}') || is_first && c == '$';
            if means_more || c.is_control() {
                let mut bytes = [0; 4];
                encode(&mut out, c.encode_utf8(&mut bytes).as_bytes());
            } else {
                out.push(c);
            }
        }
        encode(&mut out, chunk.invalid());
    }
    out
}

fn encode(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(out, "%{byte:02X}");
    }
}

/// The names by which a run may know its directory: as it was given, and without links on the way.
fn names_of(own: &Path) -> Vec<String> {
    let real = own.parent().zip(own.file_name());
    let real = real.and_then(|(slot, name)| Some(fs::canonicalize(slot).ok()?.join(name)));
    let all = [Some(own.to_owned()), real];
    let mut names: Vec<String> = all
        .into_iter()
        .flatten()
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    names.dedup();
    // One that contains the other comes first.
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names
}

#[cfg(test)]
mod tests;
