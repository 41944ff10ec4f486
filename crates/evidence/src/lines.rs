#[cfg(test)]
mod tests;

use crate::{EvidenceError, RunDirectory, files};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::marker::PhantomData;
use std::path::PathBuf;

/// A file of records, one line of JSON each, handed to the system as each is made.
pub struct JsonLines<T> {
    file: File,
    path: PathBuf,
    records: PhantomData<fn(&T)>,
}

impl<T: Serialize> JsonLines<T> {
    /// Opens the file `name` of a run for appending; a last line that was torn by a kill is removed.
    pub fn open(directory: &RunDirectory, name: &str) -> Result<Self, EvidenceError> {
        let path = directory.inside(name)?;
        let file = files::private()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(EvidenceError::io("open", &path))?;
        drop_torn_line(&file).map_err(EvidenceError::io("write", &path))?;
        Ok(Self {
            file,
            path,
            records: PhantomData,
        })
    }

    /// Appends one record.
    pub fn write(&mut self, record: &T) -> Result<(), EvidenceError> {
        let mut line =
            serde_json::to_vec(record).map_err(EvidenceError::json("write", &self.path))?;
        line.push(b'\n');
        self.file
            .write_all(&line)
            .map_err(EvidenceError::io("write", &self.path))
    }

    /// Brings every record so far to the disk.
    pub fn sync(&self) -> Result<(), EvidenceError> {
        self.file
            .sync_data()
            .map_err(EvidenceError::io("write", &self.path))
    }
}

/// Cuts the file after its last end of line.
fn drop_torn_line(file: &File) -> io::Result<()> {
    let mut reader = BufReader::new(file);
    let (mut whole, mut line) = (0, Vec::new());
    while reader.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
        whole += line.len() as u64;
        line.clear();
    }
    if line.is_empty() {
        Ok(())
    } else {
        file.set_len(whole)
    }
}

impl RunDirectory {
    /// Reads the records of the file `name`. A last line without its end was torn by a kill in
    /// mid-write and does not count; any other line that cannot be read is an error with its number.
    pub fn read_lines<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>, EvidenceError> {
        let path = self.inside(name)?;
        let file = File::open(&path).map_err(EvidenceError::io("read", &path))?;
        let mut reader = BufReader::new(file);
        let (mut records, mut line) = (Vec::new(), Vec::new());
        while reader
            .read_until(b'\n', &mut line)
            .map_err(EvidenceError::io("read", &path))?
            > 0
            && line.ends_with(b"\n")
        {
            let record = serde_json::from_slice(&line).map_err(|source| EvidenceError::Line {
                path: path.clone(),
                line: records.len() + 1,
                source,
            })?;
            records.push(record);
            line.clear();
        }
        Ok(records)
    }
}
