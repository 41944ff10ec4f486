//! JSON lines: an object a line. A name that a line does not have is null in it.

use crate::batch::{ColumnBatch, ROWS};
use crate::delimited::clear;
use crate::files::{FileOf, Packing};
use crate::packing::open;
use crate::side::{Sink, Source};
use crate::{DatasetError, Options};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicU64, Ordering};
use understudy_compare::dataset::{Cell, Column, JsonKinds, Logical, json_cell};
use understudy_compare::json::{Json, Value};
use understudy_model::plain_words;

/// Files that are not packed are read in parts of this size, by several threads.
const PART_BYTES: u64 = 16 << 20;
/// The longest line: what is longer is more likely one JSON document.
const MOST_LINE_BYTES: u64 = 64 << 20;

/// What is done with the entries of a line.
type Each<'e> = dyn FnMut(&[(Box<str>, Json)]) -> Result<(), DatasetError> + 'e;

/// A file of JSON lines.
pub(crate) struct LinesFile {
    pub(crate) columns: Vec<Column>,
    names: HashMap<Box<str>, usize>,
    of: FileOf,
}

impl LinesFile {
    /// Reads the file once to find its columns: no line says which there are.
    pub(crate) fn open(of: &FileOf, options: &Options) -> Result<LinesFile, DatasetError> {
        let mut file = LinesFile {
            columns: Vec::new(),
            names: HashMap::new(),
            of: of.clone(),
        };
        let mut seen: Vec<JsonKinds> = Vec::new();
        let mut names: Vec<Box<str>> = Vec::new();
        let mut numbers: HashMap<Box<str>, usize> = HashMap::new();
        let mut room = Vec::new();
        let (done, mut lines) = (AtomicU64::new(0), 0_u64);
        for part in 0..file.parts() {
            let read = file.lines(part, &done, &mut |entries| {
                lines += 1;
                if lines.is_multiple_of(1024) {
                    options.check_stop()?;
                }
                for (name, value) in entries {
                    let at = *numbers.entry(name.clone()).or_insert_with(|| {
                        names.push(name.clone());
                        seen.push(JsonKinds::default());
                        seen.len() - 1
                    });
                    json_cell(value, &mut seen[at], &mut room);
                }
                Ok(())
            });
            read.map_err(|error| error.at(&of.path))?;
        }
        let column = |(name, kinds): (Box<str>, &JsonKinds)| Column {
            name: name.into_string(),
            logical: Logical::Json(*kinds),
            nullable: true,
            shape: String::new(),
            repeated: false,
        };
        file.names = numbers;
        file.columns = names.into_iter().zip(&seen).map(column).collect();
        Ok(file)
    }

    pub(crate) fn parts(&self) -> usize {
        match self.of.packing {
            Packing::Plain => usize::try_from(self.of.bytes.div_ceil(PART_BYTES)).unwrap_or(1),
            _ => 1,
        }
    }

    pub(crate) fn read(
        &self,
        part: usize,
        wanted: &[Source],
        done: &AtomicU64,
        sink: &mut dyn Sink,
    ) -> Result<(), DatasetError> {
        let room = |source: &Source| match source {
            Source::Own(_) => ColumnBatch::Stored(Vec::new()),
            Source::Constant(value) => ColumnBatch::Constant(value.clone(), 0),
        };
        let mut batches: Vec<ColumnBatch> = wanted.iter().map(room).collect();
        let mut at_of_column = vec![usize::MAX; self.columns.len()];
        for (at, source) in wanted.iter().enumerate() {
            if let Source::Own(column) = source {
                at_of_column[*column] = at;
            }
        }
        let (mut rows, mut bytes, mut kinds) = (0, Vec::new(), JsonKinds::default());
        self.lines(part, done, &mut |entries| {
            let mut cells: Vec<Option<&Json>> = vec![None; batches.len()];
            for (name, value) in entries {
                let at = self.names.get(name).map(|column| at_of_column[*column]);
                match at {
                    Some(usize::MAX) => {}
                    Some(at) => cells[at] = Some(value),
                    None => return Err(DatasetError::part("it has changed while it was read")),
                }
            }
            rows += 1;
            for (value, batch) in cells.into_iter().zip(&mut batches) {
                match batch {
                    ColumnBatch::Stored(room) => match value {
                        Some(value) => json_cell(value, &mut kinds, &mut bytes).store(room),
                        None => Cell::Null.store(room),
                    },
                    ColumnBatch::Constant(_, of) => *of = rows,
                    _ => {}
                }
            }
            if rows == ROWS {
                sink.batch(rows, &batches)?;
                batches.iter_mut().for_each(clear);
                rows = 0;
            }
            Ok(())
        })?;
        if rows > 0 {
            sink.batch(rows, &batches)
        } else {
            Ok(())
        }
    }

    /// Passes the entries of each line that begins in a part.
    fn lines(
        &self,
        part: usize,
        done: &AtomicU64,
        each: &mut Each<'_>,
    ) -> Result<(), DatasetError> {
        let failed = |error: io::Error| DatasetError::part(plain_words(&error));
        let begin = part as u64 * PART_BYTES;
        let (mut reader, mut at, end): (Box<dyn BufRead + '_>, u64, u64) = match self.of.packing {
            Packing::Plain => {
                let mut file = File::open(&self.of.path).map_err(failed)?;
                let from = begin.saturating_sub(1);
                file.seek(SeekFrom::Start(from)).map_err(failed)?;
                let reader = BufReader::with_capacity(1 << 18, file);
                (Box::new(reader), from, begin + PART_BYTES)
            }
            _ => {
                let input = open(&self.of, done).map_err(failed)?;
                (
                    Box::new(BufReader::with_capacity(1 << 18, input)),
                    0,
                    u64::MAX,
                )
            }
        };
        let mut line = Vec::new();
        if begin > 0 {
            // The line that began before belongs to the part before.
            at += reader.skip_until(b'\n').map_err(failed)? as u64;
        }
        while at < end {
            line.clear();
            let mut limited = (&mut reader).take(MOST_LINE_BYTES);
            let read = limited.read_until(b'\n', &mut line).map_err(failed)? as u64;
            if read == 0 {
                break;
            }
            if read == MOST_LINE_BYTES {
                return Err(DatasetError::part(format!(
                    "a line at byte {at} has more than 64 MiB"
                )));
            }
            if self.of.packing == Packing::Plain {
                done.fetch_add(read, Ordering::Relaxed);
            }
            let text = without_mark(line.trim_ascii(), at);
            if !text.is_empty() {
                object(text, at, each)?;
            }
            at += read;
        }
        Ok(())
    }
}

/// A text without the mark of its byte order, which some writers put before the first line.
fn without_mark(text: &[u8], at: u64) -> &[u8] {
    match text.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) if at == 0 => rest,
        _ => text,
    }
}

/// The entries of a line.
fn object(text: &[u8], at: u64, each: &mut Each<'_>) -> Result<(), DatasetError> {
    let json = Json::parse(text).map_err(|error| {
        let hint = match text.first() {
            Some(b'[' | b'{') if at == 0 => {
                "\nhint: each line is one object; `jq -c '.[]'` makes lines of an array"
            }
            _ => "",
        };
        DatasetError::part(format!("the line at byte {at} is not JSON: {error}{hint}"))
    })?;
    match json.value() {
        Value::Object(entries) => match entries.windows(2).find(|two| two[0].0 == two[1].0) {
            None => each(entries),
            Some(two) => {
                let name = &two[0].0;
                Err(DatasetError::part(format!(
                    "the line at byte {at} has `{name}` twice"
                )))
            }
        },
        _ => Err(DatasetError::part(format!(
            "the line at byte {at} is not an object\nhint: each line is one object; `jq -c '.[]'` makes lines of an array"
        ))),
    }
}
