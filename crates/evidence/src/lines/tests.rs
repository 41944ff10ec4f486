use super::*;
use std::fs;
use tempfile::TempDir;

fn run(parent: &TempDir) -> RunDirectory {
    RunDirectory::create(parent.path(), "demo", "now").unwrap()
}

#[test]
fn records_come_back_and_more_can_follow() {
    let parent = TempDir::new().unwrap();
    let run = run(&parent);
    let text = "a\nline \"break\"".to_owned();
    for record in [text.clone(), "b".to_owned()] {
        let mut lines = JsonLines::open(&run, "differences.jsonl").unwrap();
        lines.write(&record).unwrap();
        lines.sync().unwrap();
    }
    let back: Vec<String> = run.read_lines("differences.jsonl").unwrap();
    assert_eq!(back, [text, "b".to_owned()]);
}

#[test]
fn a_torn_last_line_does_not_count_and_goes_when_writing_resumes() {
    let parent = TempDir::new().unwrap();
    let run = run(&parent);
    let path = run.path().join("differences.jsonl");
    // The last one would even be a number: only the end of the line says that it is whole.
    fs::write(&path, "1\n22\n33").unwrap();
    assert_eq!(run.read_lines::<u32>("differences.jsonl").unwrap(), [1, 22]);
    JsonLines::open(&run, "differences.jsonl")
        .unwrap()
        .write(&4u32)
        .unwrap();
    assert_eq!(
        run.read_lines::<u32>("differences.jsonl").unwrap(),
        [1, 22, 4]
    );
}

#[test]
fn any_other_bad_line_is_named() {
    let parent = TempDir::new().unwrap();
    let run = run(&parent);
    fs::write(run.path().join("differences.jsonl"), "1\n{\n3\n").unwrap();
    let error = run.read_lines::<u32>("differences.jsonl").unwrap_err();
    assert!(
        matches!(error, EvidenceError::Line { line: 2, .. }),
        "{error}"
    );
    assert!(
        error.to_string().starts_with("cannot read line 2 of /"),
        "{error}"
    );
    let missing = run.read_lines::<u32>("none.jsonl").unwrap_err();
    assert!(
        matches!(missing, EvidenceError::Io { action: "read", .. }),
        "{missing}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_of_the_system() {
    let parent = TempDir::new().unwrap();
    let run = run(&parent);
    let path = run.path().join("differences.jsonl");
    JsonLines::open(&run, "differences.jsonl")
        .unwrap()
        .write(&1u32)
        .unwrap();
    // The file itself, on a device that takes nothing.
    let full = files::private().append(true).open("/dev/full").unwrap();
    let mut lines = JsonLines::<u32> {
        file: full,
        path,
        records: PhantomData,
    };
    let error = lines.write(&2).unwrap_err();
    let EvidenceError::Io {
        action: "write",
        source,
        ..
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!(source.kind(), io::ErrorKind::StorageFull);
    assert_eq!(run.read_lines::<u32>("differences.jsonl").unwrap(), [1]);
}
