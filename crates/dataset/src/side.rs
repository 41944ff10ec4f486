//! A data set that is open: its columns, and the parts that threads read.

use crate::batch::ColumnBatch;
use crate::delimited::CsvFile;
use crate::files::{FileOf, Format, find};
use crate::lines::LinesFile;
use crate::parquet_file::ParquetFile;
use crate::{DatasetError, Options};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use understudy_compare::dataset::{Column, Logical, SideReport};

/// One of two data sets.
pub(crate) struct Side {
    path: PathBuf,
    pub(crate) columns: Vec<Column>,
    files: Vec<(FileOf, Opened)>,
    left_out: u64,
    /// How many columns are of partitions: they are the last.
    partitions: usize,
}

/// A file, by how it is read.
enum Opened {
    Parquet(ParquetFile),
    Csv(CsvFile),
    Lines(LinesFile),
}

/// A part of a data set that one thread reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    file: usize,
    part: usize,
}

/// What takes the batches of a part. `columns` has those that were asked for, in that order.
pub(crate) trait Sink {
    fn batch(&mut self, rows: usize, columns: &[ColumnBatch]) -> Result<(), DatasetError>;
}

impl Side {
    /// Opens all files and finds out their columns.
    pub(crate) fn open(path: &Path, options: &Options) -> Result<Side, DatasetError> {
        let found = find(path, options.format)?;
        let mut side = Side {
            path: path.to_owned(),
            columns: Vec::new(),
            files: Vec::new(),
            left_out: found.left_out,
            partitions: 0,
        };
        for file in found.files {
            let opened = match file.format {
                Format::Parquet => Opened::Parquet(ParquetFile::open(&file)?),
                Format::Csv => Opened::Csv(CsvFile::open(&file, options)?),
                Format::JsonLines => Opened::Lines(LinesFile::open(&file, options)?),
            };
            side.files.push((file, opened));
        }
        side.unite()?;
        Ok(side)
    }

    /// Makes one schema of those of the files.
    fn unite(&mut self) -> Result<(), DatasetError> {
        let mut columns: Vec<Column> = Vec::new();
        for (number, (file, opened)) in self.files.iter().enumerate() {
            let of = opened.columns();
            for (at, column) in of.iter().enumerate() {
                if of[..at].iter().any(|before| before.name == column.name) {
                    let why = format!("column `{}` is there twice", column.name);
                    return Err(DatasetError::read(&file.path, why));
                }
                match columns.iter_mut().find(|known| known.name == column.name) {
                    Some(known) => {
                        merge(known, column).map_err(|why| DatasetError::read(&file.path, why))?
                    }
                    None if number == 0 || is_open(column) => columns.push(column.clone()),
                    None => return Err(self.part_ways(file, &column.name, "has")),
                }
            }
            let lacks = columns.iter().find(|known| {
                !is_open(known) && !of.iter().any(|column| column.name == known.name)
            });
            if let Some(column) = lacks {
                return Err(self.part_ways(file, &column.name, "does not have"));
            }
        }
        let known = columns.len();
        for (file, _) in &self.files {
            for (name, _) in &file.partitions {
                if !columns.iter().any(|column| column.name == *name) {
                    columns.push(Column {
                        name: name.clone(),
                        logical: Logical::Untyped,
                        nullable: true,
                        shape: String::new(),
                        repeated: false,
                    });
                }
            }
        }
        self.partitions = columns.len() - known;
        self.columns = columns;
        Ok(())
    }

    fn part_ways(&self, file: &FileOf, column: &str, has: &str) -> DatasetError {
        let first = self.files[0].0.path.display();
        DatasetError::read(
            &file.path,
            format!("it {has} column `{column}`, unlike `{first}`"),
        )
    }

    /// The parts in the order of the files.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let of = |(file, (_, opened)): (usize, &(FileOf, Opened))| {
            let parts = match opened {
                Opened::Parquet(of) => of.parts(),
                Opened::Csv(_) => 1,
                Opened::Lines(of) => of.parts(),
            };
            (0..parts).map(move |part| Part { file, part })
        };
        self.files.iter().enumerate().flat_map(of).collect()
    }

    /// About how many bytes one thread needs to read any part with these columns.
    pub(crate) fn bytes_of_a_thread(&self, columns: &[usize]) -> u64 {
        let of = |(_, opened): &(FileOf, Opened)| match opened {
            Opened::Parquet(of) => of.bytes_of_a_thread(columns.len()),
            _ => 4 << 20,
        };
        self.files.iter().map(of).max().unwrap_or(0)
    }

    /// Reads a part: the columns of these numbers, batch by batch.
    pub(crate) fn read(
        &self,
        part: Part,
        wanted: &[usize],
        done: &AtomicU64,
        sink: &mut dyn Sink,
    ) -> Result<(), DatasetError> {
        let (file, opened) = &self.files[part.file];
        let columns: Vec<Source> = wanted
            .iter()
            .map(|at| self.source(*at, file, opened))
            .collect();
        let read = match opened {
            Opened::Parquet(of) => of.read(part.part, &columns, done, sink),
            Opened::Csv(of) => of.read(&columns, done, sink),
            Opened::Lines(of) => of.read(part.part, &columns, done, sink),
        };
        read.map_err(|error| error.at(&file.path))
    }

    /// Where a file has the cells of a column.
    fn source(&self, at: usize, file: &FileOf, opened: &Opened) -> Source {
        let name = &self.columns[at].name;
        match opened
            .columns()
            .iter()
            .position(|column| column.name == *name)
        {
            Some(own) => Source::Own(own),
            None => {
                let partition = file.partitions.iter().find(|(of, _)| of == name);
                Source::Constant(partition.and_then(|(_, value)| value.clone()))
            }
        }
    }

    /// Has any file changed since it was opened?
    pub(crate) fn changed(&self) -> Option<&Path> {
        let changed = self.files.iter().find(|(file, _)| !file.is_unchanged());
        changed.map(|(file, _)| file.path.as_path())
    }

    /// The bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|(file, _)| file.bytes).sum()
    }

    /// What a reader should know of how it was read.
    pub(crate) fn notes(&self, name: &str) -> Vec<String> {
        let mut notes = Vec::new();
        if self.left_out > 0 {
            notes.push(format!(
                "side {name}: {} names that begin with _ or . were left out",
                self.left_out
            ));
        }
        if self.partitions > 0 {
            let names: Vec<&str> = self.columns[self.columns.len() - self.partitions..]
                .iter()
                .map(|column| column.name.as_str())
                .collect();
            notes.push(format!(
                "side {name}: {} read from the names of folders",
                names.join(", ")
            ));
        }
        notes
    }

    /// What it holds, as a part of the result.
    pub(crate) fn report(&self, rows: u64, checksum: u128) -> SideReport {
        let mut formats: Vec<String> = Vec::new();
        for (file, _) in &self.files {
            if !formats.iter().any(|known| known == file.format.name()) {
                formats.push(file.format.name().to_owned());
            }
        }
        SideReport {
            path: self.path.display().to_string(),
            formats,
            files: self.files.len() as u64,
            bytes: self.bytes(),
            rows,
            checksum: format!("{checksum:032x}"),
        }
    }
}

/// Where the cells of a wanted column come from in one file.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// The column of the file with this number.
    Own(usize),
    /// The folder says it, or the file has none: the same for all rows.
    Constant(Option<String>),
}

impl Opened {
    fn columns(&self) -> &[Column] {
        match self {
            Opened::Parquet(of) => &of.columns,
            Opened::Csv(of) => &of.columns,
            Opened::Lines(of) => &of.columns,
        }
    }
}

/// Is it of a format in which a row may do without it?
fn is_open(column: &Column) -> bool {
    matches!(column.logical, Logical::Json(_))
}

/// Makes one column of those of two files of one side.
fn merge(known: &mut Column, other: &Column) -> Result<(), String> {
    known.nullable |= other.nullable;
    match (&mut known.logical, &other.logical) {
        (Logical::Json(known), Logical::Json(other)) => {
            known.numbers |= other.numbers;
            known.texts |= other.texts;
            known.bools |= other.bools;
            known.nested |= other.nested;
            Ok(())
        }
        (a, b) if a == b && known.shape == other.shape => Ok(()),
        (a, b) => Err(format!(
            "column `{}` is {b} here and {a} in the files before",
            known.name
        )),
    }
}
