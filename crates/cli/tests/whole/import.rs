//! `understudy import`: real files in, a request file that the generator takes out.

use crate::harness::{Ended, Scratch, run, understudy};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use understudy_subject_http::{RequestSource, Requests};

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
        let ended = import(
            &scratch,
            &[file, "--out", "out.jsonl", "--force", "--json", "-"],
        );
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
fn the_summary_says_what_was_left_out_and_where() {
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
fn an_openapi_document_is_put_together_with_the_files_of_its_folder() {
    let scratch = Scratch::new("import-openapi");
    let folder = scratch.path().join("api");
    fs::create_dir_all(folder.join("paths")).unwrap();
    scratch.write("outside.yaml", "get: {}\n");
    fs::write(
        folder.join("paths/foo.yaml"),
        "get: {parameters: [{$ref: '../shared.json#/Page'}]}\n",
    )
    .unwrap();
    fs::write(
        folder.join("shared.json"),
        r#"{"Page": {"name": "page", "in": "query", "required": true, "schema": {"default": 2}}}"#,
    )
    .unwrap();
    std::os::unix::fs::symlink("../outside.yaml", folder.join("link.yaml")).unwrap();
    let document = "openapi: 3.0.3\npaths:\n  /foo: {$ref: paths/foo.yaml}\n  /out: {$ref: ../outside.yaml}\n  /link: {$ref: link.yaml}\n";
    fs::write(folder.join("api.yaml"), document).unwrap();
    let ended = import(&scratch, &["api/api.yaml", "--out", "-"]);
    assert_eq!(
        ended.stdout, "{\"method\":\"GET\",\"path\":\"/foo?page=2\"}\n",
        "{}",
        ended.stderr
    );
    let left = "2  refers to another file that is not next to the document";
    assert!(ended.stderr.contains(left), "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("first: api/api.yaml: /link (link.yaml)"),
        "{}",
        ended.stderr
    );
}

#[test]
fn causes_and_hints_stand_apart() {
    let scratch = Scratch::new("import-hints");
    scratch.write("notes.txt", "hello\n");
    let twice = "openapi: 3.0.3\npaths:\n  /a: {get: {}}\n  /a: {post: {}}\n";
    scratch.write("twice.yaml", twice);
    let ended = import(&scratch, &["notes.txt", "twice.yaml"]);
    assert_eq!(ended.code, 2);
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert!(
        lines[0].ends_with(
            "notes.txt: is not a HAR file, an access log, a GoReplay capture or an OpenAPI document"
        ),
        "{}",
        lines[0]
    );
    assert_eq!(
        lines[1],
        "hint: if it is one of them, name the format with `--format`"
    );
    assert!(
        lines[2].ends_with(
            "twice.yaml:4: is not an OpenAPI document: the key `/a` occurs twice, in lines 3 and 4"
        ),
        "{}",
        lines[2]
    );
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
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("in standard input (access log)"), "{said}");
}

#[test]
fn mistakes_are_reported_at_once_and_nothing_is_written() {
    let scratch = Scratch::new("import-mistakes");
    scratch.write("empty.log", "");
    scratch.write("cut.har", "{\"log\":\n{\"entries\": [\n");
    let ended = import(&scratch, &["empty.log", "cut.har", "gone.har"]);
    assert_eq!(ended.code, 2);
    assert!(
        ended
            .stderr
            .contains("cannot read gone.har: it does not exist"),
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
        ended.stderr.contains("both write to standard output"),
        "{}",
        ended.stderr
    );
    assert!(!scratch.path().join("requests.jsonl").exists());
    scratch.write("requests.jsonl", "mine");
    let log = fixture("access.log");
    let ended = import(&scratch, &[log.to_str().unwrap()]);
    assert_eq!(ended.code, 2);
    assert!(
        ended.stderr.contains(
            "`requests.jsonl` exists\nhint: `--force` overwrites it; `--out` gives another name"
        ),
        "{}",
        ended.stderr
    );
    assert_eq!(
        fs::read_to_string(scratch.path().join("requests.jsonl")).unwrap(),
        "mine"
    );
}

#[test]
fn what_exists_is_overwritten_on_demand_alone_and_as_a_whole() {
    let scratch = Scratch::new("import-force");
    let log = fixture("access.log");
    let log = log.to_str().unwrap();
    scratch.write("mine.jsonl", "mine");
    let mine = scratch.path().join("mine.jsonl");
    let ended = import(&scratch, &[log, "--out", "mine.jsonl"]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert_eq!(ended.errors().len(), 1, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("error: `mine.jsonl` exists\nhint: `--force` overwrites it"),
        "{}",
        ended.stderr
    );
    assert_eq!(fs::read_to_string(&mine).unwrap(), "mine");
    // What cannot be read overwrites nothing either, and leaves nothing behind.
    let ended = import(&scratch, &["none.har", "--out", "mine.jsonl", "--force"]);
    assert_eq!(ended.code, 2);
    assert!(
        ended
            .stderr
            .contains("error: cannot read none.har: it does not exist"),
        "{}",
        ended.stderr
    );
    assert_eq!(fs::read_to_string(&mine).unwrap(), "mine");
    let ended = import(&scratch, &[log, "--out", "mine.jsonl", "--force"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(fs::read_to_string(&mine).unwrap().contains("\"path\""));
    let names = fs::read_dir(scratch.path()).unwrap();
    let names: Vec<_> = names.map(|one| one.unwrap().file_name()).collect();
    assert_eq!(names, ["mine.jsonl"]);
}

/// A file system of 64 KiB that is unmounted with the test.
#[cfg(target_os = "linux")]
struct Small<'a>(&'a std::path::Path);

#[cfg(target_os = "linux")]
impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(self.0).status();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_what_was_there() {
    let scratch = Scratch::new("import-full");
    let small = scratch.path().join("small");
    fs::create_dir(&small).unwrap();
    let mut mount = std::process::Command::new("mount");
    mount
        .args(["-t", "tmpfs", "-o", "size=64k", "none"])
        .arg(&small);
    let mounted = mount.stderr(std::process::Stdio::null()).status();
    if !mounted.is_ok_and(|status| status.success()) {
        println!("skipped: only root mounts");
        return;
    }
    let _small = Small(&small);
    fs::write(small.join("requests.jsonl"), "mine").unwrap();
    let lines: Vec<String> = (0..3000)
        .map(|n| {
            format!("1.2.3.4 - - [26/Nov/2026:02:00:00 +0000] \"GET /a/b{n} HTTP/1.1\" 200 5\n")
        })
        .collect();
    let log = scratch.write("big.log", &lines.concat());
    for out in ["requests.jsonl", "other.jsonl"] {
        let out = small.join(out);
        let arguments = [
            log.to_str().unwrap(),
            "--force",
            "--out",
            out.to_str().unwrap(),
        ];
        let ended = import(&scratch, &arguments);
        assert_eq!(ended.code, 1, "{}", ended.stderr);
        assert!(
            ended.stderr.contains(": the disk is full"),
            "{}",
            ended.stderr
        );
    }
    assert_eq!(
        fs::read_to_string(small.join("requests.jsonl")).unwrap(),
        "mine"
    );
    assert_eq!(
        fs::read_dir(&small).unwrap().count(),
        1,
        "nothing of the others is left"
    );
}
