//! Real files, read in every way that has to come to the same.

use super::*;
use parquet::data_type::{ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;
use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;
use understudy_compare::dataset::{CellKind, DatasetVerdict};

/// A row: its key, a number, a text.
type Row = (i64, Option<f64>, Option<String>);

fn options<'o>(key: &[&str]) -> Options<'o> {
    Options {
        columns: ChosenColumns {
            key: key.iter().map(|name| (*name).to_owned()).collect(),
            ..ChosenColumns::default()
        },
        filter: None,
        format: None,
        null: None,
        delimiter: None,
        threads: 2,
        memory: 1 << 20,
        passes: None,
        redact: &|_, text| text.to_owned(),
        stop: None,
        progress: &|_| {},
    }
}

fn rows(count: i64) -> Vec<Row> {
    let row = |id: i64| {
        let number = (id % 7 != 0).then_some(id as f64 / 4.0);
        let text = (id % 5 != 0).then(|| format!("name {}", id % 13));
        (id, number, text)
    };
    (0..count).map(row).collect()
}

fn parquet(path: &Path, rows: &[Row], group: usize) {
    parquet_by(path, rows, group, WriterProperties::builder().build());
}

fn parquet_by(path: &Path, rows: &[Row], group: usize, properties: WriterProperties) {
    let schema = "message table { required int64 id; optional double number; optional binary text (STRING); }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let file = fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap();
    for rows in rows.chunks(group) {
        let mut of = writer.next_row_group().unwrap();
        let ids: Vec<i64> = rows.iter().map(|row| row.0).collect();
        let mut column = of.next_column().unwrap().unwrap();
        column
            .typed::<Int64Type>()
            .write_batch(&ids, None, None)
            .unwrap();
        column.close().unwrap();
        let defined: Vec<i16> = rows.iter().map(|row| i16::from(row.1.is_some())).collect();
        let numbers: Vec<f64> = rows.iter().filter_map(|row| row.1).collect();
        let mut column = of.next_column().unwrap().unwrap();
        column
            .typed::<DoubleType>()
            .write_batch(&numbers, Some(&defined), None)
            .unwrap();
        column.close().unwrap();
        let defined: Vec<i16> = rows.iter().map(|row| i16::from(row.2.is_some())).collect();
        let texts: Vec<_> = rows
            .iter()
            .filter_map(|row| row.2.as_deref().map(Into::into))
            .collect();
        let mut column = of.next_column().unwrap().unwrap();
        column
            .typed::<ByteArrayType>()
            .write_batch(&texts, Some(&defined), None)
            .unwrap();
        column.close().unwrap();
        of.close().unwrap();
    }
    writer.close().unwrap();
}

/// Nulls are `\N`.
fn csv(path: &Path, rows: &[Row]) {
    let mut text = String::from("text,id,number\n");
    for (id, number, name) in rows {
        let number = number.map_or(r"\N".to_owned(), |number| number.to_string());
        let name = name
            .as_ref()
            .map_or(r"\N".to_owned(), |name| format!("\"{name}\""));
        writeln!(text, "{name},{id},{number}").unwrap();
    }
    fs::write(path, text).unwrap();
}

fn lines(path: &Path, rows: &[Row]) {
    let mut text = String::new();
    for (id, number, name) in rows {
        // A name that is left out is null.
        let name = name
            .as_ref()
            .map_or(String::new(), |name| format!(",\"text\":\"{name}\""));
        let number = number.map_or("null".to_owned(), |number| format!("{number:e}"));
        writeln!(text, "{{\"number\":{number},\"id\":{id}{name}}}").unwrap();
    }
    fs::write(path, text).unwrap();
}

fn compared(a: &Path, b: &Path, options: &Options<'_>) -> DatasetReport {
    compare_files(a, b, options).unwrap_or_else(|errors| panic!("{errors:?}"))
}

#[test]
fn the_same_rows_are_the_same_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let rows = rows(20_000);
    let mut turned = rows.clone();
    turned.reverse();
    parquet(&at("a.parquet"), &rows, 3_000);
    parquet(&at("b.parquet"), &turned, 7_001);
    csv(&at("b.csv"), &turned);
    lines(&at("b.jsonl"), &turned);
    fs::create_dir(at("folder")).unwrap();
    parquet(&at("folder/1.parquet"), &rows[..5_000], 1_000);
    parquet(&at("folder/2.parquet"), &rows[5_000..], 20_000);
    fs::write(at("folder/_SUCCESS"), "").unwrap();
    let all = ["a.parquet", "b.parquet", "b.csv", "b.jsonl", "folder"];
    for a in all {
        for b in all {
            let options = Options {
                null: Some(r"\N".to_owned()),
                ..options(&["id"])
            };
            let report = compared(&at(a), &at(b), &options);
            assert_eq!(report.verdict, DatasetVerdict::Same, "{a} {b}: {report:#?}");
            assert_eq!((report.a.rows, report.b.rows), (20_000, 20_000));
        }
    }
}

/// Pages with a dictionary, without one, and with one that became too large on the way: of both versions of pages.
#[test]
fn the_same_rows_are_the_same_in_every_encoding() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = rows(10_000);
    for (at, row) in rows.iter_mut().enumerate() {
        // Repeated at first, then never again: a writer gives its dictionary up.
        if at > 3_000 && row.2.is_some() {
            row.2 = Some(format!("name {at}"));
        }
    }
    rows[5].2 = Some(String::new());
    rows[6].1 = Some(f64::NAN);
    let mut changed = rows.clone();
    changed[9_998].2 = Some(String::from("another"));
    changed[17].1 = Some(-1.0);
    let plain = folder.path().join("plain.parquet");
    let without = WriterProperties::builder().set_dictionary_enabled(false);
    parquet_by(&plain, &rows, 10_000, without.build());
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for (dictionary, page) in [(1 << 20, 1 << 20), (4_000, 3_000), (40, 300), (0, 200)] {
            let properties = || {
                WriterProperties::builder()
                    .set_writer_version(version)
                    .set_dictionary_page_size_limit(dictionary)
                    .set_data_page_size_limit(page)
                    .set_write_batch_size(50)
                    .build()
            };
            let (same, other) = (folder.path().join("same"), folder.path().join("other"));
            parquet_by(&same, &rows, 4_500, properties());
            parquet_by(&other, &changed, 10_000, properties());
            let report = compared(&plain, &same, &options(&["id"]));
            assert_eq!(
                report.verdict,
                DatasetVerdict::Same,
                "{version:?} {dictionary}"
            );
            let report = compared(&plain, &other, &options(&["id"]));
            assert_eq!(report.rows.unwrap().changed, 2, "{version:?} {dictionary}");
            let of = |name: &str| report.columns.iter().find(|of| of.column == name).unwrap();
            let counts = [of("number").nans, of("text").empty, of("text").nulls];
            assert_eq!(
                counts,
                [[1, 1], [1, 1], [2_000 - 1, 2_000 - 1]],
                "{version:?}"
            );
        }
    }
}

#[test]
fn any_amount_of_memory_finds_the_same_differences() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (
        folder.path().join("a.parquet"),
        folder.path().join("b.parquet"),
    );
    let before = rows(30_000);
    let mut after = before.clone();
    for row in after.iter_mut().filter(|row| row.0 % 3 == 0) {
        row.1 = Some(row.1.unwrap_or(0.0) + 1.0);
    }
    after.retain(|row| row.0 % 1000 != 1);
    after.push(before[2].clone());
    parquet(&a, &before, 4_000);
    parquet(&b, &after, 5_000);
    let with = |memory: u64| {
        compared(
            &a,
            &b,
            &Options {
                memory,
                ..options(&["id"])
            },
        )
    };
    let (much, little) = (with(1 << 30), with(200_000));
    let counts = much.rows.unwrap();
    assert_eq!(
        (counts.changed, counts.only_a, counts.more_in_b),
        (9_990, 30, 1)
    );
    assert_eq!(much.rows, little.rows);
    let cells = |report: &DatasetReport| -> Vec<(String, CellKind, u64)> {
        let one = report.clusters.iter();
        one.map(|of| (of.column.clone(), of.kind, of.cells))
            .collect()
    };
    assert_eq!(cells(&much), cells(&little));
    let passes = |report: &DatasetReport| report.coverage.as_ref().unwrap().passes;
    assert_eq!(passes(&much), 1);
    assert!(passes(&little) > 5, "{}", passes(&little));
    let sample = compared(
        &a,
        &b,
        &Options {
            memory: 200_000,
            passes: Some(1),
            ..options(&["id"])
        },
    );
    let coverage = sample.coverage.unwrap();
    assert!(!coverage.is_whole());
    let [low, high] = coverage.different_rows_95.unwrap();
    assert!((low..=high).contains(&20_011), "{low} to {high}");
}

#[test]
fn a_bucket_that_never_fits_is_not_called_the_same() {
    // One key for all rows: there is no smaller part than all of them.
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.csv"), folder.path().join("b.csv"));
    let table = |plus: f64| {
        let mut text = String::from("k,x\n");
        (0..5_000).for_each(|n| writeln!(text, "1,{}", f64::from(n) + plus).unwrap());
        text
    };
    fs::write(&a, table(0.0)).unwrap();
    fs::write(&b, table(0.001)).unwrap();
    let tolerance = understudy_compare::dataset::Tolerance::default()
        .absolute("0.01")
        .unwrap();
    let mut few = options(&["k"]);
    few.columns.tolerances = vec![("x".to_owned(), tolerance)];
    few.memory = 10_000;
    let report = compared(&a, &b, &few);
    assert_eq!(report.verdict, DatasetVerdict::Inconclusive, "{report:#?}");
    few.memory = 1 << 30;
    // 25 million pairs are not scored: what may be the same within the tolerance is not called so.
    assert_eq!(compared(&a, &b, &few).verdict, DatasetVerdict::Different);
}

#[test]
fn numbers_within_a_tolerance_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.parquet"), folder.path().join("b.csv"));
    let before = rows(5_000);
    let mut after = before.clone();
    for row in &mut after {
        row.1 = row.1.map(|number| number + 0.009);
    }
    parquet(&a, &before, 1_000);
    csv(&b, &after);
    let with = |bound: &str| {
        let tolerance = understudy_compare::dataset::Tolerance::default().absolute(bound);
        let mut options = options(&["id"]);
        options.null = Some(r"\N".to_owned());
        options.columns.tolerances = vec![("number".to_owned(), tolerance.unwrap())];
        compared(&a, &b, &options)
    };
    let wide = with("0.01");
    assert_eq!(wide.verdict, DatasetVerdict::Same, "{wide:#?}");
    assert_eq!(
        wide.rows.unwrap().within_tolerance,
        5_000 - 5_000_u64.div_ceil(7)
    );
    assert_eq!(with("0.0089").verdict, DatasetVerdict::Different);
}

#[test]
fn what_cannot_be_read_is_an_error_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let good = at("good.csv");
    fs::write(&good, "a,b\n1,2\n").unwrap();
    let cases: [(&str, &[u8], &str); 9] = [
        ("x.bin", b"?", "its format is not known"),
        ("x.parquet", b"PAR1", "it is not a valid Parquet file"),
        (
            "x.csv",
            b"a,b\n1\n",
            "line 2: 1 fields, where the header has 2",
        ),
        ("empty.csv", b"", "it has no header"),
        ("twice.csv", b"a,a\n1,2\n", "column `a` is there twice"),
        ("x.jsonl", b"[{\"a\":1}]\n", "is not an object"),
        (
            "y.jsonl",
            b"{\"a\":1}\n{\"a\":",
            "the line at byte 8 is not JSON",
        ),
        ("z.jsonl", b"{\"a\":1,\"a\":2}\n", "has `a` twice"),
        ("x.csv.gz", b"no", "cannot read"),
    ];
    for (name, content, why) in cases {
        fs::write(at(name), content).unwrap();
        let errors = compare_files(&good, &at(name), &options(&[])).unwrap_err();
        let text = errors[0].to_string();
        assert!(text.contains(why) && text.contains(name), "{name}: {text}");
    }
    let errors = compare_files(&at("none"), &at("neither"), &options(&[])).unwrap_err();
    assert_eq!(errors.len(), 2, "both at once");
    fs::create_dir(at("parts")).unwrap();
    fs::write(at("parts/1.csv"), "a,b\n1,2\n").unwrap();
    fs::write(at("parts/2.csv"), "a,c\n1,2\n").unwrap();
    let errors = compare_files(&at("parts"), &good, &options(&[])).unwrap_err();
    assert!(
        errors[0].to_string().contains("it has column `c`, unlike"),
        "{errors:?}"
    );
}

#[test]
fn null_and_the_empty_text_are_two_values() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (
        folder.path().join("a.parquet"),
        folder.path().join("b.parquet"),
    );
    let before = rows(10);
    let mut after = before.clone();
    after[5].2 = Some(String::new());
    parquet(&a, &before, 10);
    parquet(&b, &after, 10);
    let report = compared(&a, &b, &options(&["id"]));
    assert_eq!(report.clusters[0].kind, CellKind::NullToEmpty);
    let filter = Some(Predicate::parse("id != 5").unwrap());
    let without = compared(
        &a,
        &b,
        &Options {
            filter,
            ..options(&["id"])
        },
    );
    assert_eq!((without.verdict, without.a.rows), (DatasetVerdict::Same, 9));
}

#[test]
fn a_set_flag_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let a = folder.path().join("a.parquet");
    parquet(&a, &rows(10_000), 1_000);
    let stop = AtomicBool::new(true);
    let options = Options {
        stop: Some(&stop),
        ..options(&[])
    };
    let errors = compare_files(&a, &a, &options).unwrap_err();
    assert!(matches!(errors[..], [DatasetError::Interrupted]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_damaged_file_is_an_error_or_a_table(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a.parquet"), folder.path().join("b.parquet"));
        parquet(&a, &rows(50), 20);
        let mut bytes = fs::read(&a).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        fs::write(&b, bytes).unwrap();
        let _ = compare_files(&a, &b, &options(&["id"]));
    }
}
