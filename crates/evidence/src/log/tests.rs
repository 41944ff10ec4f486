use super::*;
use crate::files;
use parquet::data_type::Int64Type;
use parquet::file::reader::{FileReader, SerializedFileReader};
use understudy_model::{Class, Ending, FailureKind};

fn observation(n: u64) -> Observation {
    let failed = n % 7 == 3;
    Observation {
        case: (n % 5) as u32,
        operation: 0,
        due_ns: n * 20_000,
        free_ns: n * 20_000,
        sent_ns: n * 20_000 + 300,
        first_ns: if failed {
            Observation::NEVER
        } else {
            n * 20_000 + 90_000
        },
        last_ns: n * 20_000 + 90_000 + n % 1000,
        ending: if failed {
            Ending::Failed(FailureKind::Closed)
        } else {
            Ending::Answered
        },
        class: if failed { Class::Failed } else { Class::Ok },
        code: if failed { 0 } else { 200 },
        bytes: 206,
        hash: 0,
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
    assert!(times(&path, "due_ns") == expected(50_001, |o| o.due_ns));
    assert!(times(&path, "first_ns") == expected(50_001, |o| o.first_ns));
    assert!(times(&path, "last_ns") == expected(50_001, |o| o.last_ns));
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
    let read = times(&left, "due_ns");
    assert_eq!(read.len(), 2 * 10 * 2048, "two groups of ten batches");
    assert!(read == expected(read.len() as u64, |o| o.due_ns));
}

#[test]
fn a_slow_run_is_stored_every_half_minute_and_its_groups_make_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    let mut log = ExchangeLog::create(&path).unwrap();
    let slow = |n: u64| Observation {
        due_ns: n * 1_000_000_000,
        ..observation(n)
    };
    (0..100).for_each(|n| log.append(&[slow(n)]).unwrap());
    let left = files::unfinished(&path);
    assert_eq!(times(&left, "due_ns").len(), 93, "three groups of 31");
    assert_eq!(log.finish().unwrap().rows, 100);
    let read = times(&path, "due_ns");
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
        due_ns: n * GROUP_NS,
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
    let mut read = times(&path, "due_ns");
    assert_eq!(read.len(), 2 * 5, "two rows a group");
    read.extend(times(&second, "due_ns"));
    let expected: Vec<_> = (0..rows).map(|n| Some((n * GROUP_NS) as i64)).collect();
    assert!(read == expected);
}

/// Two row groups a file, a row group every two rows.
fn log_of_short_files(path: &Path) -> ExchangeLog {
    let mut log = ExchangeLog::create(path).unwrap();
    log.groups_per_file = 2;
    log
}

fn append_slowly(log: &mut ExchangeLog, rows: u64) {
    let slow = |n: u64| Observation {
        due_ns: n * GROUP_NS,
        ..observation(n)
    };
    (0..rows).for_each(|n| log.append(&[slow(n)]).unwrap());
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_a_killed_run_left_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    let mut log = log_of_short_files(&path);
    append_slowly(&mut log, 3);
    drop(log);
    let kept = std::fs::read(files::unfinished(&path)).unwrap();
    let refused = ExchangeLog::create(&path).err().unwrap();
    assert!(
        matches!(refused, EvidenceError::LeftUnfinished { path: left } if left == files::unfinished(&path))
    );
    assert!(std::fs::read(files::unfinished(&path)).unwrap() == kept);
    std::fs::remove_file(files::unfinished(&path)).unwrap();

    let mut log = log_of_short_files(&path);
    append_slowly(&mut log, 7);
    drop(log);
    assert_eq!(names(folder.path()), ["log-2.parquet.tmp", "log.parquet"]);
    let refused = ExchangeLog::create(&path).err().unwrap();
    assert!(matches!(refused, EvidenceError::LeftUnfinished { .. }));
    assert_eq!(
        names(folder.path()),
        ["log-2.parquet.tmp", "log.parquet"],
        "nothing of the refused run"
    );
}

#[test]
fn a_run_that_left_nothing_readable_blocks_no_other_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    let mut log = ExchangeLog::create(&path).unwrap();
    append(&mut log, 0..100);
    drop(log);
    std::fs::write(files::unfinished(&path), "").unwrap();
    let mut log = ExchangeLog::create(&path).unwrap();
    append(&mut log, 0..100);
    assert_eq!(log.finish().unwrap().rows, 100);
}

#[test]
fn a_name_has_one_writer_also_past_the_first_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    let mut log = log_of_short_files(&path);
    for rows in [1, 7] {
        append_slowly(&mut log, rows);
        let refused = ExchangeLog::create(&path).err().unwrap();
        assert!(matches!(refused, EvidenceError::InUse { .. }), "{refused}");
    }
    assert_eq!(log.finish().unwrap().rows, 8);
    ExchangeLog::create(&path).unwrap().discard();
    assert_eq!(names(folder.path()), ["log-2.parquet", "log.parquet"]);
}

#[test]
fn a_shorter_run_removes_the_later_files_of_the_one_before_and_no_other_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    let other = folder.path().join("log-3.parquet");
    let mut log = ExchangeLog::create(&other).unwrap();
    append(&mut log, 0..10);
    log.finish().unwrap();
    let mut log = log_of_short_files(&path);
    append_slowly(&mut log, 9);
    assert_eq!(log.finish().unwrap().files, 3);
    let all = [
        "log-2.parquet",
        "log-3.parquet",
        "log-4.parquet",
        "log.parquet",
    ];
    assert_eq!(names(folder.path()), all);
    let mut log = ExchangeLog::create(&path).unwrap();
    append(&mut log, 0..10);
    log.finish().unwrap();
    assert_eq!(names(folder.path()), ["log-3.parquet", "log.parquet"]);
    assert_eq!(
        times(&other, "due_ns").len(),
        10,
        "the other log is as it was"
    );
}

#[test]
fn a_run_whose_last_file_would_be_empty_leaves_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    let mut log = log_of_short_files(&path);
    append_slowly(&mut log, 4);
    let logged = log.finish().unwrap();
    assert_eq!((logged.rows, logged.files), (4, 1));
    assert_eq!(names(folder.path()), ["log.parquet"]);
}

/// Names the folder to the child of [`a_full_disk_costs_only_what_was_not_yet_in_the_file`].
#[cfg(unix)]
const FOLDER: &str = "UNDERSTUDY_TEST_FOLDER";

/// The system refuses to write beyond a size, in a process of its own: the limit is one of processes.
#[cfg(unix)]
#[test]
fn a_full_disk_costs_only_what_was_not_yet_in_the_file() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return write_until_refused(Path::new(&folder));
    }
    for blocks in 10..30 {
        let folder = tempfile::tempdir().unwrap();
        let test = "log::tests::a_full_disk_costs_only_what_was_not_yet_in_the_file";
        let child = std::process::Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f $0; exec \"$@\""])
            .arg(blocks.to_string())
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(FOLDER, folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stderr);
        assert!(child.status.success(), "{blocks} blocks: {said}");
        assert_eq!(names(folder.path()), ["full.parquet"]);
    }
}

#[cfg(unix)]
fn write_until_refused(folder: &Path) {
    let none = folder.join("none.parquet");
    let mut log = ExchangeLog::create(&none).unwrap();
    let coarse = |n: u64| Observation {
        bytes: n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1,
        ..observation(n)
    };
    let large: Vec<Observation> = (0..10_000).map(coarse).collect();
    log.append(&large).unwrap();
    let short = log.finish().unwrap_err();
    assert_eq!(short.kept, Logged::default(), "not one row group fitted");

    let path = folder.join("full.parquet");
    let mut log = ExchangeLog::create(&path).unwrap();
    log.rows_per_group = 500;
    let mut rows = 0;
    let refused = loop {
        let batch: Vec<Observation> = (rows..rows + 500).map(observation).collect();
        match log.append(&batch) {
            Ok(()) => rows += 500,
            Err(refused) => break refused,
        }
    };
    let EvidenceError::Io { source, .. } = &refused else {
        panic!("{refused:?}");
    };
    assert_eq!(source.kind(), std::io::ErrorKind::FileTooLarge);
    let left = files::unfinished(&path);
    assert!(
        rows > 0 && times(&left, "due_ns") == expected(rows, |o| o.due_ns),
        "the file is whole at once"
    );
    assert!(
        log.append(&[observation(rows)]).is_err(),
        "it takes nothing more"
    );
    let logged = log.finish().unwrap();
    assert_eq!(
        (logged.rows, logged.bytes),
        (rows, path.metadata().unwrap().len())
    );
    assert!(times(&path, "last_ns") == expected(rows, |o| o.last_ns));
}
