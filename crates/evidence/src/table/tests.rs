use super::*;
use proptest::prelude::*;
use tempfile::TempDir;
use understudy_model::Role;

fn id() -> BlockId {
    BlockId {
        stage: "latency-4000".into(),
        side: Role::Incumbent,
        block: 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn tables_come_back_as_they_were(
        rows in proptest::collection::vec(proptest::array::uniform3(proptest::option::of(-1e15..1e15f64)), 0..100),
    ) {
        let parent = TempDir::new().unwrap();
        let run = RunDirectory::create(parent.path(), "demo", "now").unwrap();
        let names = ["at_ns", "rss_bytes", "pss_bytes"];
        let column = |i: usize| (names[i].to_owned(), rows.iter().map(|row| row[i]).collect());
        let table = Table { columns: (0..3).map(column).collect() };
        run.write_table(Folder::Samples, &id(), &table).unwrap();
        let back = run.read_table(Folder::Samples, &id()).unwrap();
        prop_assert_eq!(back.column("rss_bytes"), table.column("rss_bytes"));
        prop_assert_eq!(back.column("none"), None);
        prop_assert_eq!(back, table);
    }
}

#[test]
fn long_tables_come_back_whole() {
    let parent = TempDir::new().unwrap();
    let run = RunDirectory::create(parent.path(), "demo", "now").unwrap();
    let values = (0..140_000)
        .map(|i| (i % 3 > 0).then_some(f64::from(i)))
        .collect();
    let table = Table {
        columns: vec![("at_ns".into(), values)],
    };
    run.write_table(Folder::Pauses, &id(), &table).unwrap();
    assert_eq!(run.read_table(Folder::Pauses, &id()).unwrap(), table);
}

#[test]
fn uneven_columns_are_refused_by_name() {
    let parent = TempDir::new().unwrap();
    let run = RunDirectory::create(parent.path(), "demo", "now").unwrap();
    let columns = vec![("a".to_owned(), vec![None]), ("b".to_owned(), vec![])];
    let error = run
        .write_table(Folder::Samples, &id(), &Table { columns })
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "column `b` has 0 values where the first has 1"
    );
    assert!(run.finished(Folder::Samples).unwrap().is_empty());
}
