//! Many pairs of commands, one after the other, to one table.

use crate::harness::{Ended, Scratch, ended, machine, run, understudy};
use crate::resume::{eventually, files};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A pair that is the same, one that is not, and one whose program is not there once it was built.
const THREE: &str = r#"
schema = 1
[suite]
name = "three"
level = "quick"
[template]
incumbent = "{name}"
candidate = "{name}"
cases = "cases/{name}.jsonl"
names = ["cat"]
[pair.different]
incumbent = "sort"
candidate = "sort -r"
cases = "cases/cat.jsonl"
[pair.missing]
incumbent = "true"
candidate = "./none"
[pair.missing.side.candidate]
build = "true"
"#;

/// Pairs that differ at once, so that nothing is measured.
const DIFFERENT: &str = r#"
schema = 1
[suite]
name = "different"
[template]
incumbent = "true"
candidate = "false"
names = ["a1", "b1", "b2"]
"#;

fn scratch(name: &str, text: &str) -> Scratch {
    let scratch = Scratch::new(name);
    fs::create_dir(scratch.path().join("cases")).unwrap();
    scratch.write(
        "cases/cat.jsonl",
        "{\"stdin\":\"b\\na\\n\"}\n{\"stdin\":\"2\\n1\\n3\\n\"}\n",
    );
    scratch.write("suite.toml", text);
    scratch
}

fn command(scratch: &Scratch, arguments: &[&str]) -> Command {
    let mut command = understudy();
    command
        .current_dir(scratch.path())
        .arg("suite")
        .args(arguments);
    command
}

fn suite(scratch: &Scratch, arguments: &[&str]) -> Ended {
    run(&mut command(scratch, arguments))
}

fn document(run: &Path) -> Option<Value> {
    let text = fs::read_to_string(run.join("suite.json")).ok()?;
    Some(serde_json::from_str(&text).expect("only whole files have this name"))
}

/// The verdicts by name.
fn verdicts(run: &Path) -> Vec<(String, String)> {
    let document = document(run).unwrap();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or("-").to_owned();
    let rows = document["pairs"].as_array().unwrap().iter();
    rows.map(|row| (text(row, "name"), text(row, "verdict")))
        .collect()
}

fn of(run: &Path, name: &str) -> String {
    let all = verdicts(run);
    let row = all.iter().find(|(of, _)| of == name);
    row.unwrap_or_else(|| panic!("no {name} in {all:?}"))
        .1
        .clone()
}

/// The run directory of a pair.
fn pair(run: &Path, name: &str) -> PathBuf {
    let document = document(run).unwrap();
    let rows = document["pairs"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == name).unwrap();
    run.join(row["run"].as_str().unwrap())
}

/// The only suite below `runs`, as it is named from the folder of the test.
fn relative(scratch: &Scratch) -> String {
    let run = scratch.run();
    format!("runs/{}", run.file_name().unwrap().to_str().unwrap())
}

/// The page links to the reports that are there; the other forms have all pairs.
fn assert_reports(run: &Path) {
    for (name, row) in [("cat", true), ("different", true), ("missing", false)] {
        let report = pair(run, name).join("report.html");
        assert_eq!(report.is_file(), row, "{}", report.display());
        let link = report.strip_prefix(run).unwrap().display().to_string();
        let page = fs::read_to_string(run.join("suite.html")).unwrap();
        assert_eq!(page.contains(&format!("href=\"./{link}\"")), row, "{link}");
    }
    let xml = fs::read_to_string(run.join("suite.xml")).unwrap();
    assert!(xml.contains("tests=\"3\" failures=\"3\""), "{xml}");
    assert!(
        fs::read_to_string(run.join("suite.md"))
            .unwrap()
            .starts_with("## three\n")
    );
}

/// A pair can be judged by itself, and a suite cannot.
fn assert_each_pair_is_a_run(run: &Path) {
    let folder = pair(run, "different");
    let judged = crate::harness::run(understudy().arg("judge").arg(&folder));
    assert_eq!(judged.code, 5, "{}", judged.stderr);
    for arguments in [["trial", "--resume"].as_slice(), &["judge"], &["report"]] {
        let refused = crate::harness::run(understudy().args(arguments).arg(run));
        assert_eq!(refused.code, 2, "{arguments:?}");
        assert!(
            refused
                .stderr
                .contains("is the directory of a suite\nhint: "),
            "{}",
            refused.stderr
        );
    }
}

#[test]
fn a_pair_that_fails_is_a_row_and_the_suite_goes_on_until_it_is_fixed() {
    let _machine = machine();
    let scratch = scratch("suite-three", THREE);
    let ended = suite(&scratch, &["--json", "out.json"]);
    assert_eq!(ended.code, 1, "that of the worst pair: {}", ended.stderr);
    let run = scratch.run();
    let whole = fs::read_to_string(run.join("suite.json")).unwrap();
    assert_eq!(
        fs::read_to_string(scratch.path().join("out.json")).unwrap(),
        whole
    );
    assert_eq!(of(&run, "missing"), "failed");
    assert_eq!(of(&run, "different"), "not_equivalent");
    // No goal is stated; a machine that is too busy refuses.
    let same = of(&run, "cat");
    assert!(
        ["keep", "invalid"].contains(&same.as_str()),
        "{same}: {}",
        ended.stderr
    );
    for said in [
        "1 of 3, cat: measuring runs",
        "3 of 3, missing failed: the candidate cannot be run: `./none` does not exist\nhint: ",
    ] {
        assert!(ended.stderr.contains(said), "{said} in {}", ended.stderr);
    }
    assert!(
        ended.stdout.starts_with("three: 3 pairs: 1 failed, "),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.lines().all(|line| line.chars().count() <= 80),
        "{}",
        ended.stdout
    );
    let row = &document(&run).unwrap()["pairs"][0];
    assert!(
        row["compared"].as_u64() > Some(1) && row["different"] == 0,
        "{row}"
    );
    if same == "keep" {
        assert!(
            row["time"]["ratio"]["low"].is_f64() && row["cpu"]["ratio"].is_object(),
            "{row}"
        );
        // That of `cat` may be below what a launcher that is not optimised has itself.
        assert!(
            row["memory"].is_null() || row["memory"]["ratio"].is_object(),
            "{row}"
        );
    }
    assert_reports(&run);

    // What made it fail is fixed; the others have their verdicts.
    let program = scratch.write("none", "#!/bin/sh\nexit 3\n");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let before = fs::read(pair(&run, "cat").join("verdict.json")).unwrap();
    let resumed = suite(&scratch, &["--resume", &relative(&scratch), "--json", "-"]);
    assert_eq!(of(&run, "missing"), "not_equivalent");
    assert!(!resumed.stderr.contains("1 of 3"), "{}", resumed.stderr);
    assert_eq!(
        fs::read(pair(&run, "cat").join("verdict.json")).unwrap(),
        before
    );
    let expected = if same == "invalid" { 3 } else { 5 };
    assert_eq!(resumed.code, expected, "{}", resumed.stderr);
    let printed: Value = serde_json::from_str(&resumed.stdout).unwrap();
    assert_eq!(
        (printed["complete"].as_bool(), Some(&printed)),
        (Some(true), document(&run).as_ref())
    );
    assert_each_pair_is_a_run(&run);
}

/// Starts a suite in the background.
fn start(scratch: &Scratch, arguments: &[&str]) -> Child {
    let mut command = command(scratch, arguments);
    let quiet = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    quiet.spawn().unwrap()
}

#[test]
fn an_interrupted_and_a_killed_suite_continue_where_they_were() {
    let _machine = machine();
    let text = "schema = 1\n[suite]\nname = 'stopped'\nlevel = 'quick'\n\
        [pair.different]\nincumbent = 'true'\ncandidate = 'false'\n\
        [pair.slow]\nincumbent = 'sleep 0.1'\ncandidate = 'sleep 0.1'\n\
        side.candidate.env.API_TOKEN = 'tok-5f2a9c41d077'\n";
    let scratch = scratch("suite-stopped", text);
    let runs = scratch.path().join("runs");
    let only = || Some(fs::read_dir(&runs).ok()?.next()?.unwrap().path());
    let mut process = start(&scratch, &[]);
    let slow = eventually("the second pair", || {
        let run = only()?;
        let rows = document(&run)?;
        let is_first = rows["pairs"][0]["verdict"].is_string();
        let slow = is_first.then(|| pair(&run, "slow"))?;
        slow.join("differences.jsonl").exists().then_some(slow)
    });
    let run = only().unwrap();
    let signalled = Command::new("kill")
        .args(["-INT", &process.id().to_string()])
        .status();
    assert!(signalled.unwrap().success());
    let stopped = ended(process.wait_with_output().unwrap());
    assert_eq!(stopped.code, 130, "{}", stopped.stderr);
    let name = relative(&scratch);
    let said = format!(
        "error: interrupted: 1 of 2 pairs have a verdict, what was measured is kept\nhint: continue with `understudy suite --resume {name}`\n"
    );
    assert!(stopped.stderr.ends_with(&said), "{}", stopped.stderr);
    assert_eq!(of(&run, "slow"), "-");
    let first = fs::read(pair(&run, "different").join("verdict.json")).unwrap();

    process = start(&scratch, &["--resume", &name]);
    let before = eventually("two measurements", || {
        let blocks = files(&slow, "latency-");
        (blocks.len() >= 2).then_some(blocks)
    });
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(of(&run, "slow"), "-");

    // Secrets are in the suite's file alone, which may have another place by now.
    let stored = fs::read_to_string(slow.join("trial.toml")).unwrap();
    assert!(
        !stored.contains("5f2a9c41d077") && stored.contains("<redacted"),
        "{stored}"
    );
    fs::rename(
        scratch.path().join("suite.toml"),
        scratch.path().join("moved.toml"),
    )
    .unwrap();
    let refused = suite(&scratch, &["--resume", &name]);
    let said = "error: pair slow: --resume: the secret in env.API_TOKEN is not stored\nhint: give the file";
    assert!(refused.stderr.starts_with(said), "{}", refused.stderr);
    assert_eq!(refused.code, 2);

    let last = suite(&scratch, &["moved.toml", "--resume", &name]);
    assert_eq!(
        last.code,
        if of(&run, "slow") == "invalid" { 3 } else { 5 },
        "{}",
        last.stderr
    );
    assert_eq!(document(&run).unwrap()["complete"], true);
    assert!(!last.stderr.contains("1 of 2"), "{}", last.stderr);
    assert_eq!(
        fs::read(pair(&run, "different").join("verdict.json")).unwrap(),
        first
    );
    let after = files(&slow, "latency-");
    for (path, bytes) in before {
        assert_eq!(after[&path], bytes, "{} was measured again", path.display());
    }
    let nothing = suite(&scratch, &["--resume", &name]);
    assert_eq!((nothing.code, nothing.stderr.as_str()), (last.code, ""));
    assert_eq!(nothing.stdout, last.stdout);
}

#[test]
fn only_some_pairs_run_and_none_after_the_first_that_is_not_good() {
    let _machine = machine();
    let scratch = scratch("suite-only", DIFFERENT);
    let ended = suite(
        &scratch,
        &["--only", "a*", "--only", "b[1-9]", "--fail-fast"],
    );
    let run = scratch.run();
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    let stopped = format!(
        "note: stopped by `--fail-fast`\nhint: continue with `understudy suite --resume {}`\n",
        relative(&scratch)
    );
    assert!(ended.stderr.ends_with(&stopped), "{}", ended.stderr);
    insta::assert_snapshot!(
        "suite_table",
        ended.stdout.replace(&relative(&scratch), "RUN")
    );
    let all = |verdicts: [&str; 3]| {
        let names = ["a1", "b1", "b2"].into_iter().zip(verdicts);
        names
            .map(|(name, verdict)| (name.to_owned(), verdict.to_owned()))
            .collect::<Vec<_>>()
    };
    assert_eq!(verdicts(&run), all(["not_equivalent", "-", "-"]));
    suite(&scratch, &["--resume", &relative(&scratch)]);
    assert_eq!(verdicts(&run), all(["not_equivalent"; 3]));

    fs::remove_dir_all(&run).unwrap();
    let ended = suite(&scratch, &["--only", "b2"]);
    assert_eq!(
        (ended.code, verdicts(&scratch.run())),
        (5, all(["not_equivalent"; 3])[2..].to_vec())
    );
}

#[test]
fn nothing_starts_when_a_pair_is_wrong() {
    let text = "schema = 1\n[template]\nincumbent = './no/{name}'\ncandidate = 'cat'\ncases = 'cases/{name}.jsonl'\nnames = ['cat', 'dog']\n";
    let scratch = scratch("suite-wrong", text);
    let refused = |arguments: &[&str]| {
        let ended = suite(&scratch, arguments);
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(!scratch.path().join("runs").exists(), "{}", ended.stderr);
        let folder = format!("{}/", scratch.path().display());
        ended.stderr.replace(&folder, "")
    };
    let hint = "hint: build it, or correct its path; what a script names after `#!` has to exist as well\n";
    assert_eq!(
        refused(&[]),
        format!(
            "error: suite.toml: pair dog: cannot read cases/dog.jsonl: it does not exist\n\
             error: suite.toml: pair cat: incumbent: case 1: `./no/cat` does not exist\n{hint}"
        )
    );
    scratch.write("cases/dog.jsonl", "{}\n");
    assert!(refused(&[]).contains("pair dog: incumbent: `./no/dog` does not exist"));
    let none = refused(&["--only", "x*", "--only", "cat"]);
    assert_eq!(
        none,
        "error: --only: \"x*\" matches no pair\nhint: the pairs are cat, dog\n"
    );
    assert!(refused(&["--only", "["]).contains("--only"));
    assert!(refused(&["--resume", "cases", "--only", "cat"]).contains("cannot be used with"));
    let none = refused(&["--resume", "cases"]);
    assert!(
        none.contains("--resume: cases is not the directory of a suite"),
        "{none}"
    );
    assert_eq!(
        refused(&["none.toml"]),
        "error: cannot read none.toml: it does not exist\n"
    );
    scratch.write("suite.toml", "schema = 1\n[templat]\n");
    let unknown = refused(&[]);
    assert!(
        unknown.contains("suite.toml:2: templat: is not a key\nhint: did you mean `template`?"),
        "{unknown}"
    );
}
