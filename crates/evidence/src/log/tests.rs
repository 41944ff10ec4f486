use super::*;
use parquet::data_type::Int64Type;
use parquet::file::reader::{FileReader, SerializedFileReader};
use understudy_model::{Ending, FailureKind};

fn observation(n: u64) -> Observation {
    let failed = n % 7 == 3;
    Observation {
        request: (n % 5) as u32,
        endpoint: 0,
        intended_ns: n * 20_000,
        free_ns: n * 20_000,
        sent_ns: n * 20_000 + 300,
        first_byte_ns: if failed {
            Observation::NEVER
        } else {
            n * 20_000 + 90_000
        },
        last_byte_ns: n * 20_000 + 90_000 + n % 1000,
        ending: if failed {
            Ending::Failed(FailureKind::Closed)
        } else {
            Ending::Answered
        },
        code: if failed { 0 } else { 200 },
        bytes: 206,
        body_hash: 0,
    }
}

fn append(log: &mut ExchangeLog, rows: std::ops::Range<u64>) {
    let all: Vec<Observation> = rows.map(observation).collect();
    all.chunks(2048)
        .for_each(|batch| log.append(batch).unwrap());
}

/// One column of times of the whole file.
fn times(path: &Path, name: &str) -> Vec<Option<i64>> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr();
    let index = schema
        .columns()
        .iter()
        .position(|c| c.name() == name)
        .unwrap();
    let mut all = Vec::new();
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).unwrap();
        let rows = group.metadata().num_rows() as usize;
        all.extend(crate::columns::read_column::<Int64Type>(group.as_ref(), index, rows).unwrap());
    }
    all
}

fn expected(rows: u64, of: impl Fn(&Observation) -> u64) -> Vec<Option<i64>> {
    let known = |time: u64| (time != Observation::NEVER).then_some(time as i64);
    (0..rows).map(|n| known(of(&observation(n)))).collect()
}

#[test]
fn every_exchange_is_in_the_file_with_its_times() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    let mut log = ExchangeLog::create(&path).unwrap();
    append(&mut log, 0..50_001);
    assert!(!path.exists(), "it has no name before it is whole");
    let logged = log.finish().unwrap();
    assert_eq!(logged.rows, 50_001);
    assert_eq!(logged.bytes, path.metadata().unwrap().len());
    assert!(times(&path, "intended_ns") == expected(50_001, |o| o.intended_ns));
    assert!(times(&path, "first_byte_ns") == expected(50_001, |o| o.first_byte_ns));
    assert!(times(&path, "last_byte_ns") == expected(50_001, |o| o.last_byte_ns));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn what_a_kill_leaves_can_be_read_up_to_the_last_row_group() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    let mut log = ExchangeLog::create(&path).unwrap();
    log.rows_per_group = 20_000;
    append(&mut log, 0..49_000);
    drop(log);
    let left = files::unfinished(&path);
    let read = times(&left, "intended_ns");
    assert_eq!(read.len(), 2 * 10 * 2048, "two groups of ten batches");
    assert!(read == expected(read.len() as u64, |o| o.intended_ns));
}

#[test]
fn a_slow_run_is_stored_every_half_minute_and_its_groups_make_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    let mut log = ExchangeLog::create(&path).unwrap();
    let slow = |n: u64| Observation {
        intended_ns: n * 1_000_000_000,
        ..observation(n)
    };
    (0..100).for_each(|n| log.append(&[slow(n)]).unwrap());
    let left = files::unfinished(&path);
    assert_eq!(times(&left, "intended_ns").len(), 93, "three groups of 31");
    assert_eq!(log.finish().unwrap().rows, 100);
    let read = times(&path, "intended_ns");
    assert_eq!(
        read,
        (0..100)
            .map(|n| Some(n * 1_000_000_000))
            .collect::<Vec<_>>()
    );
}

#[test]
fn a_run_without_end_takes_several_files_and_loses_nothing_between_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    let mut log = ExchangeLog::create(&path).unwrap();
    log.groups_per_file = 5;
    let slow = |n: u64| Observation {
        intended_ns: n * GROUP_NS,
        ..observation(n)
    };
    let rows = 2 * 5 + 7;
    (0..rows).for_each(|n| log.append(&[slow(n)]).unwrap());
    let second = folder.path().join("log-2.parquet");
    assert!(
        path.exists() && !second.exists(),
        "the first file is whole, the second is not yet"
    );
    let logged = log.finish().unwrap();
    assert_eq!((logged.rows, logged.files), (rows, 2));
    let mut read = times(&path, "intended_ns");
    assert_eq!(read.len(), 2 * 5, "two rows a group");
    read.extend(times(&second, "intended_ns"));
    let expected: Vec<_> = (0..rows).map(|n| Some((n * GROUP_NS) as i64)).collect();
    assert!(read == expected);
}
