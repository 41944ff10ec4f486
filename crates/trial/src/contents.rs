//! Outputs of commands that are data sets: compared by their rows, as `understudy dataset` does.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use understudy_compare::dataset::{ChosenColumns, DatasetReport, DatasetVerdict};
use understudy_compare::{Content, Contents, PREVIEW_BYTES};
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

    fn compared(&self, baseline: &Part, contender: &Part, ending: &str) -> Content {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let place = |side: &str| self.folder.join(format!("data-{number}-{side}.{ending}"));
        let files = [place("a"), place("b")];
        let write = |path: &Path, part: &Part| fs::write(path, &part.bytes);
        let written = write(&files[0], baseline).and_then(|()| write(&files[1], contender));
        let content = match written {
            Ok(()) => compare(&files),
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

fn compare([a, b]: &[PathBuf; 2]) -> Content {
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
        Ok(report) => content(&report),
        Err(errors) => {
            let why: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Content::NotCompared(why.join("; "))
        }
    }
}

/// What the rows come to.
fn content(report: &DatasetReport) -> Content {
    match report.verdict {
        DatasetVerdict::Same => Content::Same,
        DatasetVerdict::Inconclusive => Content::NotCompared(report.reasons.join("; ")),
        DatasetVerdict::Different => Content::Different {
            baseline: format!("{} rows", report.a.rows),
            contender: format!("{} rows; {}", report.b.rows, report.reasons.join("; ")),
        },
    }
}

impl Contents for DataSets {
    fn compare(&self, baseline: &Part, contender: &Part) -> Content {
        if baseline.truncated || contender.truncated {
            return Content::NotCompared(
                "it is larger than what is kept of an output; compare it by `understudy dataset`"
                    .to_owned(),
            );
        }
        // What the dialect found in the name of the file.
        let kind = baseline.media.split(';').next().unwrap_or_default().trim();
        let ending = baseline.media.split_once("type=").map(|(_, ending)| ending);
        match (kind == understudy_compare::plain::DATASET, ending) {
            (true, Some(ending)) => self.compared(baseline, contender, ending),
            (true, None) => Content::NotCompared(
                "its name does not say its format: .parquet, .csv or .jsonl".to_owned(),
            ),
            (false, _) => Content::NotCompared("there is no reader for it".to_owned()),
        }
    }
}
