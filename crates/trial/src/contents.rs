//! Outputs of commands that need a reader: data sets, compared by their rows as `understudy dataset` does, and media.

use crate::media::Reader;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use understudy_compare::dataset::{ChosenColumns, DatasetReport, DatasetVerdict};
use understudy_compare::{Content, Contents, PREVIEW_BYTES, PartDifference, plain};
use understudy_dataset::{Options, compare_files};
use understudy_model::Part;
use understudy_redact::preview;

/// Bytes that kept rows may take.
const MEMORY: u64 = 128 << 20;

/// Reads data sets. Each pair is written to files of its own for that.
pub(crate) struct DataSets {
    /// Where the files are while they are compared.
    folder: PathBuf,
    next: AtomicU64,
}

impl DataSets {
    pub(crate) fn new(folder: PathBuf) -> Self {
        DataSets {
            folder,
            next: AtomicU64::new(0),
        }
    }

    fn compare(&self, baseline: &Part, contender: &Part) -> Content {
        // What the dialect found in the name of the file.
        match baseline.media.split_once("type=") {
            Some((_, ending)) => self.compare_files(baseline, contender, ending),
            None => Content::NotCompared(
                "its name does not say its format: .parquet, .csv or .jsonl".to_owned(),
            ),
        }
    }

    fn compare_files(&self, baseline: &Part, contender: &Part, ending: &str) -> Content {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let place = |side: &str| self.folder.join(format!("data-{number}-{side}.{ending}"));
        let files = [place("a"), place("b")];
        let write = |path: &Path, part: &Part| fs::write(path, &part.bytes);
        let written = write(&files[0], baseline).and_then(|()| write(&files[1], contender));
        let content = match written {
            Ok(()) => compare(&files, baseline.bytes.len() as u64),
            Err(error) => not_compared(&error),
        };
        for file in &files {
            // What stays is removed with the run's directory.
            let _ = fs::remove_file(file);
        }
        content
    }
}

fn not_compared(error: &io::Error) -> Content {
    let why = understudy_model::plain_words(error);
    Content::NotCompared(format!("it cannot be kept while it is compared: {why}"))
}

fn compare([a, b]: &[PathBuf; 2], bytes: u64) -> Content {
    let options = Options {
        columns: ChosenColumns::default(),
        filter: None,
        format: None,
        null: None,
        delimiter: None,
        threads: 1,
        memory: MEMORY,
        passes: Some(3),
        redact: &|_, text| preview(text.as_bytes(), PREVIEW_BYTES),
        stop: None,
        progress: &|_| {},
    };
    match compare_files(a, b, &options) {
        Ok(report) => content(&report, bytes),
        Err(errors) => {
            let why: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Content::NotCompared(why.join("; "))
        }
    }
}

/// What the rows come to.
fn content(report: &DatasetReport, bytes: u64) -> Content {
    match report.verdict {
        DatasetVerdict::Same => Content::Same,
        DatasetVerdict::Inconclusive => Content::NotCompared(report.reasons.join("; ")),
        DatasetVerdict::Different => Content::Different(vec![PartDifference::of_all(
            format!("{} rows", report.a.rows),
            format!("{} rows; {}", report.b.rows, report.reasons.join("; ")),
            bytes,
        )]),
    }
}

/// The readers of what commands write.
pub(crate) struct Readers {
    data_sets: DataSets,
    media: Reader,
}

impl Readers {
    pub(crate) fn new(data_sets: DataSets, media: Reader) -> Self {
        Readers { data_sets, media }
    }

    pub(crate) fn media(&self) -> &Reader {
        &self.media
    }
}

impl Contents for Readers {
    fn compare(&self, baseline: &Part, contender: &Part) -> Content {
        let kind = |part: &Part| {
            let kind = part.media.split(';').next().unwrap_or_default();
            kind.trim().to_owned()
        };
        let (kind, other) = (kind(baseline), kind(contender));
        let is_cut = baseline.truncated || contender.truncated;
        match kind.as_str() {
            _ if kind != other => Content::NotCompared("there is no reader for both".to_owned()),
            plain::DATASET if is_cut => Content::NotCompared(
                "it is larger than what is kept of an output; compare it by `understudy dataset`"
                    .to_owned(),
            ),
            plain::DATASET => self.data_sets.compare(baseline, contender),
            plain::MEDIA if is_cut => {
                Content::NotCompared("it is larger than what is kept of an output".to_owned())
            }
            plain::MEDIA => self.media.compare(baseline, contender),
            _ => Content::NotCompared("there is no reader for it".to_owned()),
        }
    }
}
