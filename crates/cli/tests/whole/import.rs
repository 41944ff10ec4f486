//! `understudy import`: real files in, a request file that the generator takes out.

use crate::harness::{Ended, Scratch, run, understudy};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use understudy_load::http::{RequestSource, Requests};

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../import/fixtures")
        .join(name)
}

/// Everything that the variables of a summary stand for is set.
struct Set(Vec<String>);

impl RequestSource for Set {
    fn body_file(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("{path} was not written"))
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.0
            .iter()
            .any(|set| set == name)
            .then(|| format!("secret of {name}"))
    }
}

fn import(scratch: &Scratch, arguments: &[&str]) -> Ended {
    run(understudy()
        .current_dir(scratch.path())
        .arg("import")
        .args(arguments))
}

#[test]
fn what_is_written_is_what_the_generator_takes() {
    let scratch = Scratch::new("import-formats");
    for name in [
        "shop.har",
        "access.log",
        "vhost.log",
        "access.jsonl",
        "chat.gor",
        "shop.openapi.yaml",
    ] {
        let file = fixture(name);
        let file = file.to_str().unwrap();
        let ended = import(&scratch, &[file, "--out", "out.jsonl", "--json", "-"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let summary: Value = serde_json::from_str(&ended.stdout).unwrap();
        let variables = summary["variables"].as_array().unwrap().iter();
        let set = Set(variables
            .map(|of| of["name"].as_str().unwrap().to_owned())
            .collect());
        let text = fs::read_to_string(scratch.path().join("out.jsonl")).unwrap();
        let requests = Requests::parse(&text, &set).unwrap();
        let weights: f64 = requests.weights().iter().sum();
        assert_eq!(summary["written"].as_f64(), Some(weights), "{name}");
        assert!(requests.prepare("h", |_| 0).is_ok(), "{name}");
        // Nothing is read from the environment that the summary does not name.
        for variable in &set.0 {
            assert!(
                text.contains(&format!("${variable}"))
                    || text.contains(&format!("${{{variable}}}")),
                "{variable} of {name}"
            );
            assert!(
                ended.stderr.contains(&format!("{variable}: ")),
                "{}",
                ended.stderr
            );
        }
    }
    let expanded = Requests::parse(
        &fs::read_to_string(scratch.path().join("out.jsonl")).unwrap(),
        &Set(vec!["AUTHORIZATION".to_owned(), "API_KEY".to_owned()]),
    );
    let wire = expanded.unwrap().all[0].render("h").unwrap();
    let wire = String::from_utf8(wire).unwrap();
    assert!(
        wire.contains("Authorization: secret of AUTHORIZATION\r\n"),
        "{wire}"
    );
}

#[test]
fn the_summary_tells_people_what_was_left_out_and_where() {
    let scratch = Scratch::new("import-summary");
    scratch.write(
        "access.log",
        &fs::read_to_string(fixture("access.log")).unwrap(),
    );
    let ended = import(&scratch, &["access.log"]);
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (0, ""),
        "{}",
        ended.stderr
    );
    insta::assert_snapshot!("import_access_log", ended.stderr);
    scratch.write(
        "shop.har",
        &fs::read_to_string(fixture("shop.har")).unwrap(),
    );
    let ended = import(&scratch, &["shop.har", "--out", "-"]);
    assert_eq!(ended.stdout.lines().count(), 10);
    insta::assert_snapshot!("import_har", ended.stderr);
}

#[test]
fn standard_input_is_a_file_too() {
    let scratch = Scratch::new("import-stdin");
    let mut child = understudy()
        .current_dir(scratch.path())
        .args(["import", "-", "--sessions", "none", "--out", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = fs::read(fixture("access.log")).unwrap();
    child.stdin.take().unwrap().write_all(&log).unwrap();
    let output = child.wait_with_output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    assert!(
        lines.contains("{\"method\":\"GET\",\"path\":\"/health\",\"weight\":6}\n"),
        "{lines}"
    );
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("in standard input (access log)"), "{told}");
}

#[test]
fn mistakes_are_told_at_once_and_nothing_is_written() {
    let scratch = Scratch::new("import-mistakes");
    scratch.write("empty.log", "");
    scratch.write("cut.har", "{\"log\":\n{\"entries\": [\n");
    let ended = import(&scratch, &["empty.log", "cut.har", "gone.har"]);
    assert_eq!(ended.code, 2);
    assert!(
        ended
            .stderr
            .contains("gone.har: cannot be read: No such file"),
        "{}",
        ended.stderr
    );
    let ended = import(&scratch, &["empty.log", "cut.har"]);
    assert_eq!(ended.code, 2);
    for part in ["empty.log: is empty", "cut.har:3: is not a HAR file"] {
        assert!(
            ended.stderr.contains(part),
            "{part} is not in {}",
            ended.stderr
        );
    }
    let ended = import(&scratch, &["empty.log", "--out", "-", "--json", "-"]);
    assert!(
        ended.stderr.contains("both want standard output"),
        "{}",
        ended.stderr
    );
    assert!(!scratch.path().join("requests.jsonl").exists());
    scratch.write("requests.jsonl", "mine");
    let log = fixture("access.log");
    let ended = import(&scratch, &[log.to_str().unwrap()]);
    assert_eq!(ended.code, 2);
    assert!(
        ended.stderr.contains("--out requests.jsonl overwrites it"),
        "{}",
        ended.stderr
    );
    assert_eq!(
        fs::read_to_string(scratch.path().join("requests.jsonl")).unwrap(),
        "mine"
    );
}
