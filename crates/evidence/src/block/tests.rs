use super::*;
use proptest::prelude::*;
use std::fs;
use tempfile::TempDir;
use understudy_model::Role;

fn run(parent: &TempDir) -> RunDirectory {
    RunDirectory::create(parent.path(), "demo", "now").unwrap()
}

fn id() -> BlockId {
    BlockId {
        stage: "latency-4000".into(),
        side: Role::Candidate,
        block: 3,
    }
}

fn row(i: u32) -> Row {
    Row {
        observation: Observation {
            case: i,
            operation: i % 7,
            due_ns: u64::from(i) * 250_000,
            code: 200,
            ending: Ending::Answered,
            ..BLANK.observation
        },
        shape: 5,
        value: u64::from(i) << 40,
    }
}

fn any_row() -> impl Strategy<Value = Row> {
    let time = || prop_oneof![any::<u64>(), Just(Observation::NEVER), 0..1_000_000u64];
    let times = (time(), time(), time(), time(), time());
    let class = proptest::sample::select(Class::ALL.to_vec());
    let ending = proptest::sample::select(Ending::ALL.map(|(ending, _)| ending).to_vec());
    let rest = (
        any::<i32>(),
        any::<u64>(),
        any::<u64>(),
        any::<u64>(),
        any::<u64>(),
    );
    let endings = (ending, class);
    (any::<(u32, u32)>(), times, endings, rest).prop_map(
        |(indices, times, (ending, class), rest)| Row {
            observation: Observation {
                case: indices.0,
                operation: indices.1,
                due_ns: times.0,
                free_ns: times.1,
                sent_ns: times.2,
                first_ns: times.3,
                last_ns: times.4,
                ending,
                class,
                code: rest.0,
                bytes: rest.1,
                hash: rest.2,
            },
            shape: rest.3,
            value: rest.4,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn observations_come_back_as_they_were(
        rows in proptest::collection::vec(any_row(), 0..200),
        cut in 0usize..200,
        meta in proptest::collection::btree_map("[a-z_]{1,8}", "\\PC{0,20}", 0..4),
    ) {
        let parent = TempDir::new().unwrap();
        let run = run(&parent);
        let mut writer = BlockWriter::create(&run, &id()).unwrap();
        let (first, second) = rows.split_at(cut.min(rows.len()));
        writer.append(first).unwrap();
        writer.append(second).unwrap();
        writer.finish(&meta).unwrap();
        prop_assert_eq!(run.read_block(&id()).unwrap(), Block { rows, has_classes: true, meta });
    }

    #[test]
    fn damage_is_always_noticed(at in 0.0..1.0f64, bit in 0u8..8, cut: bool) {
        let parent = TempDir::new().unwrap();
        let run = run(&parent);
        let mut writer = BlockWriter::create(&run, &id()).unwrap();
        writer.append(&(0..50).map(row).collect::<Vec<_>>()).unwrap();
        writer.finish(&BTreeMap::new()).unwrap();
        let path = run.path().join("requests/latency-4000-candidate-3.parquet");
        let mut bytes = fs::read(&path).unwrap();
        let at = (at * bytes.len() as f64) as usize;
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        fs::write(&path, bytes).unwrap();
        prop_assert!(run.read_block(&id()).is_err());
    }
}

#[test]
fn long_blocks_are_written_group_by_group() {
    let parent = TempDir::new().unwrap();
    let run = run(&parent);
    let rows: Vec<Row> = (0..150_000).map(row).collect();
    let mut writer = BlockWriter::create(&run, &id()).unwrap();
    for part in rows.chunks(70_001) {
        writer.append(part).unwrap();
        assert!(writer.pending.len() < ROWS_PER_GROUP);
    }
    assert!(run.blocks().unwrap().is_empty(), "not finished");
    writer.finish(&BTreeMap::new()).unwrap();
    let path = run.path().join("requests/latency-4000-candidate-3.parquet");
    assert_eq!(ColumnReader::open(&path).unwrap().groups(), 3);
    assert_eq!(run.read_block(&id()).unwrap().rows, rows);
}

#[test]
fn a_file_without_the_columns_is_refused_by_name() {
    let parent = TempDir::new().unwrap();
    let run = run(&parent);
    let table = understudy_model::stored::Table {
        columns: vec![("request".into(), vec![Some(1.0)])],
    };
    run.write_table(Folder::Requests, &id(), &table).unwrap();
    let error = run.read_block(&id()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("is damaged: no usable column `request`"),
        "{error}"
    );
    let absent = BlockId { block: 9, ..id() };
    let error = run.read_block(&absent).unwrap_err();
    assert!(error.to_string().contains("cannot read") && error.to_string().contains("-9.parquet"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_of_the_system_and_loses_no_finished_block() {
    let parent = TempDir::new().unwrap();
    let run = run(&parent);
    BlockWriter::create(&run, &id())
        .unwrap()
        .finish(&BTreeMap::new())
        .unwrap();
    let next = BlockId { block: 4, ..id() };
    let unfinished = run
        .path()
        .join("requests/latency-4000-candidate-4.parquet.tmp");
    std::os::unix::fs::symlink("/dev/full", &unfinished).unwrap();
    let mut writer = BlockWriter::create(&run, &next).unwrap();
    let rows: Vec<Row> = (0..10_000).map(row).collect();
    let written = writer
        .append(&rows)
        .and_then(|()| writer.finish(&BTreeMap::new()));
    match written.unwrap_err() {
        EvidenceError::Io {
            action: "write",
            path,
            source,
        } => {
            assert!(path.ends_with("latency-4000-candidate-4.parquet"));
            assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(run.blocks().unwrap(), [id()]);
}

/// A run of format 1 called some columns otherwise, and had no classes.
#[test]
fn a_block_of_format_1_is_read() {
    let parent = TempDir::new().unwrap();
    let run = run(&parent);
    let rows: Vec<Row> = (0..50).map(row).collect();
    let path = run.block_to_write(Folder::Requests, &id()).unwrap();
    let there = COLUMNS.iter().filter(|(name, _)| *name != CLASS);
    let columns: Vec<(&str, Kind)> = there
        .clone()
        .map(|(name, access)| {
            let former = FORMER.iter().find(|(now, _)| now == name);
            (former.map_or(*name, |(_, former)| *former), access.kind())
        })
        .collect();
    let mut file = ColumnFile::create(&path, &columns).unwrap();
    let values: Vec<Values> = there.map(|(_, access)| access.values(&rows)).collect();
    file.write_group(&values).unwrap();
    file.finish(&BTreeMap::new()).unwrap();
    let block = run.read_block(&id()).unwrap();
    assert!(!block.has_classes);
    let codes = |rows: &[Row]| -> Vec<_> {
        let one = |row: &Row| {
            (
                row.observation.case,
                row.observation.due_ns,
                row.observation.code,
            )
        };
        rows.iter().map(one).collect()
    };
    assert_eq!(codes(&block.rows), codes(&rows));
}
