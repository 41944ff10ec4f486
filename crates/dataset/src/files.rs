//! Which files a data set is made of.

use crate::DatasetError;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use understudy_model::plain_words;

/// The deepest nesting of folders that is followed.
const MOST_FOLDERS: usize = 32;
/// How the directory of a null is called in partitions that Hive, Spark and DuckDB write.
const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Apache Parquet.
    Parquet,
    /// Comma-separated values with a header; `.tsv`: separated by tabs.
    Csv,
    /// JSON lines: an object a line.
    JsonLines,
}

impl Format {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Format::Parquet => "Parquet",
            Format::Csv => "CSV",
            Format::JsonLines => "JSON lines",
        }
    }
}

/// How the bytes of a file are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// A file of a data set.
#[derive(Clone, Debug)]
pub(crate) struct FileOf {
    pub(crate) path: PathBuf,
    pub(crate) format: Format,
    pub(crate) packing: Packing,
    pub(crate) bytes: u64,
    /// When it was last changed, as far as the system says.
    pub(crate) changed: Option<std::time::SystemTime>,
    /// The columns that its folders stand for: `country=CH`.
    pub(crate) partitions: Vec<(String, Option<String>)>,
}

impl FileOf {
    /// Is it the file that it was when the comparison began?
    pub(crate) fn is_unchanged(&self) -> bool {
        let now = fs::metadata(&self.path);
        now.is_ok_and(|now| now.len() == self.bytes && now.modified().ok() == self.changed)
    }
}

/// What a path names: files in the order of their names, and how many names were left out because they begin with `_`
/// or `.`, as those of Spark's own files do.
pub(crate) struct Found {
    pub(crate) files: Vec<FileOf>,
    pub(crate) left_out: u64,
}

/// The files of a data set.
pub(crate) fn find(path: &Path, format: Option<Format>) -> Result<Found, DatasetError> {
    let mut found = Found {
        files: Vec::new(),
        left_out: 0,
    };
    walk(path, format, &[], 0, &mut found)?;
    if found.files.is_empty() {
        return Err(DatasetError::read(path, "the folder has no data files"));
    }
    Ok(found)
}

fn walk(
    path: &Path,
    format: Option<Format>,
    partitions: &[(String, Option<String>)],
    depth: usize,
    found: &mut Found,
) -> Result<(), DatasetError> {
    let failed = |error: std::io::Error| DatasetError::read(path, plain_words(&error));
    let there = fs::metadata(path).map_err(failed)?;
    if !there.is_dir() {
        let (format, packing) = format_of(path, format)?;
        found.files.push(FileOf {
            path: path.to_owned(),
            format,
            packing,
            bytes: there.len(),
            changed: there.modified().ok(),
            partitions: partitions.to_vec(),
        });
        return Ok(());
    }
    if depth > MOST_FOLDERS {
        return Err(DatasetError::read(path, "folders are nested too deeply"));
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        names.push(entry.map_err(failed)?.file_name());
    }
    names.sort();
    for name in names {
        let text = name.to_string_lossy();
        if text.starts_with(['_', '.']) {
            found.left_out += 1;
            continue;
        }
        let below = path.join(&name);
        let mut partitions = partitions.to_vec();
        if let Some((column, value)) = text.split_once('=').filter(|_| below.is_dir()) {
            let value = (value != NULL_PARTITION).then(|| value.to_owned());
            partitions.push((column.to_owned(), value));
        }
        walk(&below, format, &partitions, depth + 1, found)?;
    }
    Ok(())
}

/// The format of a file by its name, else by how it begins.
fn format_of(path: &Path, given: Option<Format>) -> Result<(Format, Packing), DatasetError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_ascii_lowercase();
    let (stem, packing) = match name.rsplit_once('.') {
        Some((stem, "gz" | "gzip")) => (stem, Packing::Gzip),
        Some((stem, "zst" | "zstd")) => (stem, Packing::Zstd),
        _ => (name.as_str(), Packing::Plain),
    };
    let by_name = match stem.rsplit_once('.').map(|(_, ending)| ending) {
        Some("parquet" | "parq" | "pq") => Some(Format::Parquet),
        Some("csv" | "tsv") => Some(Format::Csv),
        Some("jsonl" | "ndjson" | "json") => Some(Format::JsonLines),
        _ => None,
    };
    let format = given
        .or(by_name)
        .or_else(|| begins_as_parquet(path).then_some(Format::Parquet));
    match (format, packing) {
        (Some(Format::Parquet), Packing::Gzip | Packing::Zstd) => Err(DatasetError::read(
            path,
            "a Parquet file is not read from within another compression\nhint: unpack it",
        )),
        (Some(format), packing) => Ok((format, packing)),
        (None, _) => Err(DatasetError::read(
            path,
            "its format is not known\nhint: `--format parquet`, `csv` or `json-lines` names it",
        )),
    }
}

fn begins_as_parquet(path: &Path) -> bool {
    let mut first = [0; 4];
    // Devices and pipes are not looked into: what is read of them is gone.
    path.is_file()
        && fs::File::open(path).is_ok_and(|mut file| file.read_exact(&mut first).is_ok())
        && &first == b"PAR1"
}
