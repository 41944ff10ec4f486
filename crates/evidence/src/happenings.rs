use crate::columns::{ColumnFile, ColumnReader, Kind, ROWS_PER_GROUP, Values};
use crate::{BlockId, EvidenceError, Folder, RunDirectory};
use std::collections::BTreeMap;
use understudy_model::stored::Happenings;
use understudy_model::{Cause, Happening};

const RUNTIME: &str = "runtime";
const CAUSE: &str = "cause";
/// The columns of times: name, how to read one from a happening, how to set it.
type Time = (&'static str, fn(&Happening) -> u64, fn(&mut Happening, u64));
const TIMES: [Time; 3] = [
    ("start_ns", |h| h.start_ns, |h, ns| h.start_ns = ns),
    ("end_ns", |h| h.end_ns, |h, ns| h.end_ns = ns),
    ("error_ns", |h| h.error_ns, |h, ns| h.error_ns = ns),
];

impl RunDirectory {
    /// Writes what happened in a block: whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_happenings(
        &self,
        id: &BlockId,
        happenings: &Happenings,
    ) -> Result<(), EvidenceError> {
        let path = self.block_to_write(Folder::Pauses, id)?;
        let times = TIMES.iter().map(|(name, ..)| (*name, Kind::U64));
        let columns: Vec<_> = [(CAUSE, Kind::Name)].into_iter().chain(times).collect();
        let mut file = ColumnFile::create(&path, &columns)?;
        for rows in happenings.all.chunks(ROWS_PER_GROUP) {
            let causes = rows.iter().map(|row| row.cause.name()).collect();
            let times = TIMES
                .iter()
                .map(|(_, get, _)| Values::U64(rows.iter().map(get).collect()));
            let group: Vec<_> = [Values::Name(causes)].into_iter().chain(times).collect();
            file.write_group(&group)?;
        }
        let runtime = happenings.runtime.clone();
        file.finish(
            &runtime
                .map(|name| (RUNTIME.to_owned(), name))
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
        )
    }

    /// Reads what happened in a block; nothing, where it was not written down.
    ///
    /// # Errors
    /// When the file is there and cannot be read, or is damaged.
    pub fn read_happenings(&self, id: &BlockId) -> Result<Happenings, EvidenceError> {
        let path = self.block_to_read(Folder::Pauses, id)?;
        if !path.exists() {
            return Ok(Happenings::default());
        }
        let file = ColumnReader::open(&path)?;
        let mut all = Vec::new();
        for group in 0..file.groups() {
            let start = all.len();
            for cause in file.texts(group, CAUSE)? {
                let cause = cause.as_ref().and_then(|text| text.as_utf8().ok());
                let cause = cause.and_then(Cause::from_name).ok_or_else(|| {
                    EvidenceError::damaged(
                        &path,
                        format!("a value of column `{CAUSE}` makes no sense"),
                    )
                })?;
                all.push(Happening {
                    cause,
                    start_ns: 0,
                    end_ns: 0,
                    error_ns: 0,
                });
            }
            for (name, _, set) in TIMES {
                let times = file.integers(group, name, Kind::U64)?;
                for (row, ns) in all[start..].iter_mut().zip(times) {
                    set(row, ns.unwrap_or(0).cast_unsigned());
                }
            }
        }
        Ok(Happenings {
            runtime: file.meta().get(RUNTIME).cloned(),
            all,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_model::Role;

    #[test]
    fn what_happened_comes_back_as_it_was_and_nothing_where_nothing_was_written() {
        let parent = tempfile::TempDir::new().unwrap();
        let run = RunDirectory::create(parent.path(), "demo", "now").unwrap();
        let id = BlockId {
            stage: "latency-4000".into(),
            side: Role::Incumbent,
            block: 0,
        };
        assert_eq!(run.read_happenings(&id).unwrap(), Happenings::default());
        let all = Cause::ALL.map(|cause| Happening {
            cause,
            start_ns: u64::MAX,
            end_ns: 2,
            error_ns: cause as u64,
        });
        let happenings = Happenings {
            runtime: Some("go".to_owned()),
            all: all.to_vec(),
        };
        run.write_happenings(&id, &happenings).unwrap();
        assert_eq!(run.read_happenings(&id).unwrap(), happenings);
        run.write_happenings(&id, &Happenings::default()).unwrap();
        assert_eq!(run.read_happenings(&id).unwrap(), Happenings::default());
    }
}
