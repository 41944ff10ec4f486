//! `understudy dataset`: whole processes over files whose differences are known.

mod engines;

use crate::harness::{Ended, Scratch, run, understudy};
use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn dataset(scratch: &Scratch, arguments: &[&str]) -> Ended {
    run(understudy()
        .current_dir(scratch.path())
        .arg("dataset")
        .args(arguments))
}

/// Rows that are all different.
fn table(rows: u32, change: impl Fn(u32, &mut String)) -> String {
    let mut text = String::from("id,name,price\n");
    for id in 0..rows {
        let mut row = format!("{id},name {},{}.5\n", id % 97, id % 1013);
        change(id, &mut row);
        text.push_str(&row);
    }
    text
}

#[test]
fn one_row_of_a_million_is_found() {
    let scratch = Scratch::new("dataset-million");
    scratch.write("a.csv", &table(1_000_000, |_, _| {}));
    let changed = |id: u32, row: &mut String| {
        if id == 777_777 {
            *row = row.replace(".5", ".6");
        }
    };
    scratch.write("b.csv", &table(1_000_000, changed));
    let same = dataset(&scratch, &["a.csv", "a.csv"]);
    assert_eq!((same.code, same.stderr.as_str()), (0, ""));
    assert!(
        same.stdout.starts_with("SAME  a.csv a.csv\n"),
        "{}",
        same.stdout
    );
    let ended = dataset(&scratch, &["a.csv", "b.csv", "--key", "id"]);
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert!(
        ended.stdout.contains("rows differ: 1 changed"),
        "{}",
        ended.stdout
    );
    assert!(
        ended
            .stdout
            .contains("id=\"777777\": \"806.5\" -> \"806.6\""),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.lines().count() <= 24, "{}", ended.stdout);
    // Without a key the sums name the column, and the two rows that are left are a pair.
    let guessed = dataset(&scratch, &["a.csv", "b.csv", "--json", "-"]);
    let report: Value = serde_json::from_str(&guessed.stdout).unwrap();
    assert_eq!(report["columns"][0]["column"], "price");
    assert_eq!(report["coverage"]["paired_by_likeness"], true);
    let only = dataset(&scratch, &["a.csv", "b.csv", "--columns", "id,name"]);
    assert_eq!(only.code, 0, "{}", only.stdout);
    let twice = fs::read_to_string(scratch.path().join("a.csv")).unwrap() + "7,name 7,7.5\n";
    scratch.write("b.csv", &twice);
    let ended = dataset(&scratch, &["a.csv", "b.csv"]);
    assert_eq!(ended.code, 5);
    assert!(
        ended.stdout.contains("rows differ: 1 more often in B"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_null_that_became_the_empty_text_is_found() {
    let scratch = Scratch::new("dataset-null");
    scratch.write("a.jsonl", "{\"id\":1,\"t\":null}\n{\"id\":2,\"t\":\"x\"}\n");
    scratch.write(
        "b.jsonl",
        "{\"t\":\"x\",\"id\":2.0}\n{\"id\":1,\"t\":\"\"}\n",
    );
    let ended = dataset(&scratch, &["a.jsonl", "b.jsonl", "--key", "id"]);
    assert_eq!(ended.code, 5);
    assert!(
        ended.stdout.contains("null became \"\""),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("id=1: null -> \"\""),
        "{}",
        ended.stdout
    );
    scratch.write("a.csv", "id,t\n1,\n2,x\n");
    // Without a marker the empty field of CSV is the empty text; with one it is null.
    let with = |arguments: &[&str]| {
        let all = [&["a.csv"], arguments].concat();
        dataset(&scratch, &all).code
    };
    assert_eq!(with(&["b.jsonl"]), 0);
    assert_eq!(with(&["a.jsonl"]), 5);
    assert_eq!(with(&["a.jsonl", "--null", ""]), 0);
    assert_eq!(with(&["b.jsonl", "--null", ""]), 5);
}

#[test]
fn what_is_not_compared_is_not_the_same() {
    let scratch = Scratch::new("dataset-not-compared");
    scratch.write("a.csv", "id,v\n1,x\n");
    scratch.write("b.jsonl", "{\"id\":1,\"v\":[\"x\"]}\n");
    let ended = dataset(&scratch, &["a.csv", "b.jsonl", "--schema", "values"]);
    assert_eq!(ended.code, 4, "{}", ended.stdout);
    assert!(
        ended.stdout.contains("because `v` not compared"),
        "{}",
        ended.stdout
    );
    let ended = dataset(&scratch, &["a.csv", "b.jsonl", "--except", "v"]);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    scratch.write("c.csv", "id\n1\n");
    let ended = dataset(&scratch, &["a.csv", "c.csv"]);
    assert_eq!(ended.code, 5);
    assert!(
        ended.stdout.contains("the schemas differ in `v`"),
        "{}",
        ended.stdout
    );
}

#[test]
fn secrets_are_not_shown() {
    let scratch = Scratch::new("dataset-secrets");
    scratch.write("a.csv", "id,password,iban\n1,hunter2,CH93\n");
    scratch.write("b.csv", "id,password,iban\n1,hunter3,CH94\n");
    let arguments = ["a.csv", "b.csv", "--key", "id", "--secret", "iban"];
    let ended = dataset(&scratch, &arguments);
    assert_eq!(ended.code, 5);
    assert!(ended.stdout.contains("<redacted"), "{}", ended.stdout);
    for secret in ["hunter", "CH9"] {
        assert!(!ended.stdout.contains(secret), "{}", ended.stdout);
    }
}

#[test]
fn everything_that_is_wrong_is_reported_at_once() {
    let scratch = Scratch::new("dataset-wrong");
    scratch.write("a.csv", "id,price\n1,2\n");
    let arguments = [
        "a.csv",
        "a.csv",
        "--where",
        "price =",
        "--tolerance",
        "price",
        "--relative",
        "price=2",
        "--delimiter",
        "ab",
    ];
    let ended = dataset(&scratch, &arguments);
    assert_eq!(
        (ended.code, ended.errors().len()),
        (2, 4),
        "{}",
        ended.stderr
    );
    let ended = dataset(
        &scratch,
        &["a.csv", "a.csv", "--key", "idd", "--columns", "prize"],
    );
    assert_eq!(ended.code, 2);
    let errors = ended.errors();
    assert_eq!(
        errors[0],
        "--columns: there is no column `prize`\nhint: did you mean `price`?"
    );
    assert_eq!(
        errors[1],
        "--key: there is no column `idd`\nhint: did you mean `id`?\n"
    );
    let ended = dataset(&scratch, &["a.csv", "none.csv"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert_eq!(
        ended.errors(),
        ["cannot read `none.csv`: it does not exist\n"]
    );
}

/// A Python that has DuckDB, and next to it DuckDB's client: those that are there, else in a folder of the build.
fn python_with_duckdb() -> Option<PathBuf> {
    let has = |python: &Path| {
        let mut import = Command::new(python);
        import.args(["-c", "import duckdb, duckdb_cli"]);
        import.output().is_ok_and(|output| output.status.success())
    };
    let plain = PathBuf::from("python3");
    if has(&plain) {
        return Some(plain);
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-with-duckdb");
    let python = folder.join("bin/python");
    if !has(&python) {
        let made = Command::new("python3")
            .args(["-m", "venv"])
            .arg(&folder)
            .output();
        let installs = Command::new(&python)
            .args(["-m", "pip", "install", "--quiet"])
            .args(["--disable-pip-version-check"])
            .args(["duckdb==2.0.1", "duckdb-cli==1.5.6"])
            .output();
        if made.is_err() || installs.is_err() {
            return None;
        }
    }
    has(&python).then_some(python)
}

#[test]
fn except_all_of_duckdb_agrees() {
    const PAIRS: usize = 200;
    let Some(python) = python_with_duckdb() else {
        eprintln!("skipped: no DuckDB for Python (pip install duckdb)");
        return;
    };
    let scratch = Scratch::new("dataset-duckdb");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/whole/dataset/pairs.py");
    let written = run(Command::new(python)
        .arg(script)
        .arg(scratch.path())
        .args([PAIRS.to_string().as_str(), "1"]));
    assert_eq!(written.code, 0, "{}", written.stderr);
    let (mut wrong, mut pairs, mut equal) = (String::new(), 0, 0);
    for line in written.stdout.lines() {
        let pair: Value = serde_json::from_str(line).unwrap();
        let (a, b) = (pair["a"].as_str().unwrap(), pair["b"].as_str().unwrap());
        let mut arguments = vec![a, b, "--json", "-"];
        if pairs % 2 == 1 {
            arguments.extend(["--key", "id"]);
        }
        let ended = dataset(&scratch, &arguments);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_default();
        let rows = |names: [&str; 3]| -> u64 {
            names
                .iter()
                .map(|name| report["rows"][name].as_u64().unwrap_or(0))
                .sum()
        };
        let more_in_a = rows(["changed", "only_a", "more_in_a"]);
        let more_in_b = rows(["changed", "only_b", "more_in_b"]);
        let expected = [&pair["more_in_a"], &pair["more_in_b"]].map(|of| of.as_u64().unwrap());
        let code = if expected == [0, 0] { 0 } else { 5 };
        if ended.code != code || [more_in_a, more_in_b] != expected {
            let got = ended.code;
            writeln!(
                wrong,
                "{a}: exit {got}, {more_in_a} and {more_in_b}; DuckDB: {expected:?} {}{}",
                ended.stderr, ended.stdout
            )
            .unwrap();
        }
        pairs += 1;
        equal += usize::from(code == 0);
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(pairs, PAIRS);
    assert!(
        (20..180).contains(&equal),
        "{equal} pairs are equal: the test could not fail"
    );
}
