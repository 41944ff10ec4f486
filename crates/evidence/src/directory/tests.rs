use super::*;
use crate::BlockWriter;
use std::collections::BTreeMap;
use tempfile::TempDir;
use understudy_model::stored::Table;

fn run(parent: &TempDir) -> RunDirectory {
    RunDirectory::create(parent.path(), "demo", "20260102T030405Z").unwrap()
}

#[test]
fn a_run_is_named_after_its_trial_and_its_time() {
    let parent = TempDir::new().unwrap();
    let created = run(&parent);
    assert_eq!(created.path(), parent.path().join("demo-20260102T030405Z"));
    let second = run(&parent);
    assert_eq!(second.path(), parent.path().join("demo-20260102T030405Z-2"));
    assert_eq!(
        RunDirectory::open(created.path()).unwrap().path(),
        created.path()
    );
}

#[test]
fn names_are_made_fit_for_a_file_name() {
    for (name, expected) in [
        ("../../etc", "-..-etc"),
        ("read states/ü", "read-states--"),
        ("", "run"),
        ("...", "run"),
    ] {
        assert_eq!(sanitised(name), expected);
    }
    let nested = TempDir::new().unwrap();
    let parent = nested.path().join("a/b");
    let created = RunDirectory::create(&parent, "x/../y", "10:20").unwrap();
    assert_eq!(created.path(), parent.join("x-..-y-10-20"));
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_what_is_written() {
    use std::os::unix::fs::PermissionsExt;
    let parent = TempDir::new().unwrap();
    let run = run(&parent);
    let id = BlockId {
        stage: "latency-4000".into(),
        side: Role::Incumbent,
        block: 0,
    };
    BlockWriter::create(&run, &id)
        .unwrap()
        .finish(&BTreeMap::new())
        .unwrap();
    crate::JsonLines::open(&run, "differences.jsonl")
        .unwrap()
        .write(&1)
        .unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(run.path()), 0o700);
    assert_eq!(mode(&run.path().join("requests")), 0o700);
    for file in [
        "format",
        "differences.jsonl",
        "requests/latency-4000-incumbent-0.parquet",
    ] {
        assert_eq!(mode(&run.path().join(file)), 0o600, "{file}");
    }
}

#[test]
fn documents_are_replaced_whole() {
    let parent = TempDir::new().unwrap();
    let run = run(&parent);
    run.write_text("trial.toml", "first").unwrap();
    run.write_text("trial.toml", "second").unwrap();
    assert_eq!(run.read_text("trial.toml").unwrap(), "second");
    run.write_json("verdict.json", &BTreeMap::from([("ratio", 0.1 + 0.2)]))
        .unwrap();
    let back: BTreeMap<String, f64> = run.read_json("verdict.json").unwrap();
    assert_eq!(back["ratio"], 0.1 + 0.2);
    assert!(run.drop_unfinished().unwrap().is_empty());
    let error = run.read_json::<Vec<u8>>("verdict.json").unwrap_err();
    assert!(
        error.to_string().contains("verdict.json as JSON"),
        "{error}"
    );
}

#[test]
fn names_never_leave_the_run() {
    let parent = TempDir::new().unwrap();
    let run = run(&parent);
    for name in ["", "../x", "/etc/passwd", "logs/../../x", "."] {
        assert!(
            matches!(run.write_text(name, ""), Err(EvidenceError::Name { .. })),
            "{name}"
        );
    }
    run.folder("logs").unwrap();
    assert_eq!(run.folder("logs").unwrap(), run.path().join("logs"));
    run.write_text("logs/incumbent.log", "ready").unwrap();
    for stage in ["", "a/b", "ä", &"x".repeat(300)] {
        let id = BlockId {
            stage: stage.into(),
            side: Role::Candidate,
            block: 1,
        };
        assert!(
            matches!(run.read_block(&id), Err(EvidenceError::Name { .. })),
            "{stage}"
        );
    }
}

#[test]
fn what_is_not_a_run_is_refused_by_name() {
    let parent = TempDir::new().unwrap();
    let missing = RunDirectory::open(&parent.path().join("no")).unwrap_err();
    assert!(missing.to_string().starts_with("cannot open "), "{missing}");
    let other = RunDirectory::open(parent.path()).unwrap_err();
    assert!(matches!(other, EvidenceError::NotARun { .. }), "{other}");
    let run = run(&parent);
    let file = RunDirectory::open(&run.path().join("format")).unwrap_err();
    assert!(matches!(file, EvidenceError::NotARun { .. }), "{file}");
    run.write_text("format", "1\n").unwrap();
    assert!(
        RunDirectory::open(run.path()).is_ok(),
        "an older format is read"
    );
    run.write_text("format", "3\n").unwrap();
    let newer = RunDirectory::open(run.path()).unwrap_err();
    assert!(
        matches!(
            newer,
            EvidenceError::NewerFormat {
                found: 3,
                known: 2,
                ..
            }
        ),
        "{newer}"
    );
    run.write_text("format", "two\n").unwrap();
    assert!(matches!(
        RunDirectory::open(run.path()),
        Err(EvidenceError::Damaged { .. })
    ));
}

#[test]
fn a_parent_that_cannot_be_one_is_named() {
    let parent = TempDir::new().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    let error = RunDirectory::create(&file, "demo", "now").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot create {}", file.display())
    );
}

#[test]
fn finished_blocks_are_listed_in_a_stable_order_and_open_ones_are_not() {
    let parent = TempDir::new().unwrap();
    let run = run(&parent);
    assert!(run.blocks().unwrap().is_empty());
    let mut expected = Vec::new();
    for (stage, side, block) in [
        ("latency-1000", Role::Candidate, 10),
        ("latency-1000", Role::Candidate, 9),
        ("latency-1000", Role::Incumbent, 3),
        ("equivalence", Role::Incumbent, 0),
    ] {
        let id = BlockId {
            stage: stage.into(),
            side,
            block,
        };
        BlockWriter::create(&run, &id)
            .unwrap()
            .finish(&BTreeMap::new())
            .unwrap();
        expected.push(id);
    }
    expected.sort();
    assert_eq!(
        [expected[2].block, expected[3].block],
        [9, 10],
        "numbers, not text"
    );
    let open = BlockId {
        stage: "latency-1000".into(),
        side: Role::Incumbent,
        block: 4,
    };
    drop(BlockWriter::create(&run, &open).unwrap());
    fs::write(run.path().join("requests/notes.txt"), "").unwrap();
    assert_eq!(run.blocks().unwrap(), expected);
    assert!(run.finished(Folder::Samples).unwrap().is_empty());
    run.write_table(Folder::Samples, &open, &Table::default())
        .unwrap();
    assert_eq!(run.finished(Folder::Samples).unwrap(), [open]);
    let left = run
        .path()
        .join("requests/latency-1000-incumbent-4.parquet.tmp");
    assert_eq!(run.drop_unfinished().unwrap(), std::slice::from_ref(&left));
    assert!(!left.exists());
    assert_eq!(run.blocks().unwrap(), expected);
}

#[test]
fn file_names_give_their_blocks_back() {
    for stage in ["equivalence", "latency-4000", "a-candidate-1"] {
        for side in Role::SIDES {
            let id = BlockId {
                stage: stage.into(),
                side,
                block: 17,
            };
            assert_eq!(BlockId::from_file_name(&id.file_name().unwrap()), Some(id));
        }
    }
    for name in [
        "x.parquet",
        "a-b-1.parquet",
        "a-candidate-x.parquet",
        "a-candidate-1.parquet.tmp",
    ] {
        assert_eq!(BlockId::from_file_name(name), None, "{name}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_keeps_the_old_document() {
    let parent = TempDir::new().unwrap();
    let run = run(&parent);
    run.write_text("verdict.json", "old").unwrap();
    std::os::unix::fs::symlink("/dev/full", run.path().join("verdict.json.tmp")).unwrap();
    let error = run.write_text("verdict.json", "new").unwrap_err();
    let EvidenceError::Io {
        action: "write",
        path,
        source,
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!(path, &run.path().join("verdict.json"));
    assert_eq!(source.kind(), io::ErrorKind::StorageFull);
    assert_eq!(run.read_text("verdict.json").unwrap(), "old");
    assert!(!run.path().join("verdict.json.tmp").exists());
}

/// A process that is killed between the fork and the exec of a child leaves its lock to that child for a
/// moment; a process that continues the run right then is not refused.
#[test]
fn a_lock_that_is_about_to_go_is_waited_for() {
    let parent = TempDir::new().unwrap();
    let run = run(&parent);
    let held = run.lock().unwrap();
    assert!(matches!(run.lock(), Err(EvidenceError::InUse { .. })));
    let leaves = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        drop(held);
    });
    run.lock().unwrap();
    leaves.join().unwrap();
}

#[test]
fn earlier_runs_are_those_of_the_same_trial_before_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let create = |name: &str, stamp: &str| RunDirectory::create(folder.path(), name, stamp);
    let first = create("a b", "20261128T101112Z").unwrap();
    let second = create("a b", "20261129T000000Z").unwrap();
    let at_once = create("a b", "20261129T000000Z").unwrap();
    let last = create("a b", "20261130T000000Z").unwrap();
    // Other trials, and what is no run.
    create("a b-2", "20261101T000000Z").unwrap();
    create("a", "20261101T000000Z").unwrap();
    for name in ["a-b-notes", "a-b-20261101T000000", "a-b-20261101T000000Z-x"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("a-b-20261102T000000Z"), "a file").unwrap();
    let names = |of: &RunDirectory| -> Vec<PathBuf> { of.earlier("a b").unwrap() };
    let real = |of: &RunDirectory| fs::canonicalize(of.path()).unwrap();
    assert_eq!(
        names(&last),
        [real(&at_once), real(&second), real(&first)],
        "the most recent first"
    );
    assert_eq!(names(&second), [real(&first)]);
    assert_eq!(names(&first), Vec::<PathBuf>::new());
    let renamed = folder.path().join("kept");
    fs::rename(last.path(), &renamed).unwrap();
    assert_eq!(names(&RunDirectory::open(&renamed).unwrap()).len(), 3);
}
