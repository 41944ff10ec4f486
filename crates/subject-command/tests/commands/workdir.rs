//! What a run is given, and what it made of it.

use crate::support::{Side, text};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use understudy_subject_command::*;

fn found<'c>(entries: &'c [(PathBuf, Entry)], path: &str) -> Option<&'c Entry> {
    let mut entries = entries.iter();
    entries.find_map(|(found, entry)| (found == Path::new(path)).then_some(entry))
}

fn names(entries: &[(PathBuf, Entry)]) -> Vec<&str> {
    entries
        .iter()
        .map(|(path, _)| path.to_str().unwrap())
        .collect()
}

#[test]
fn paths_are_as_long_on_both_sides_and_the_same_in_every_run() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (
        Workdir::new(folder.path(), 'a').unwrap(),
        Workdir::new(folder.path(), 'b').unwrap(),
    );
    let length = |dir: &Workdir| dir.in_use().as_os_str().len();
    assert_eq!(length(&a), length(&b));
    assert_ne!(a.in_use(), b.in_use());
    let mut side = Side::new('c');
    let runs = side.runs(&["pwd"], &Case::default(), 3);
    assert!(runs.iter().all(|(ran, _)| ran.stdout == runs[0].0.stdout));
}

#[test]
fn a_snapshot_finds_content_mode_link_and_removal() {
    let mut side = Side::new('a');
    let script = "
        echo new > out.txt; chmod 600 out.txt
        echo changed >> in.txt
        chmod 755 mode.txt
        rm gone.txt
        mkdir -p deep/er; ln -s ../in.txt deep/link
        rm type.txt; mkdir type.txt
        mkfifo pipe
        echo t > $TMPDIR/t; echo h > ~/h";
    let files = ["in.txt", "mode.txt", "gone.txt", "same.txt", "type.txt"];
    let (ran, changes) = side.sh_with(script, &files.map(|name| (name, "0\n")));
    assert_eq!(ran.ending, Ending::Exit(0), "{}", text(&ran.stderr));
    let written = [
        "home/h",
        "tmp/t",
        "work/deep",
        "work/deep/er",
        "work/deep/link",
        "work/out.txt",
        "work/pipe",
    ];
    let mut got = names(&changes.written);
    got.sort_unstable();
    assert_eq!(got, written);
    assert_eq!(
        names(&changes.changed),
        ["work/in.txt", "work/mode.txt", "work/type.txt"]
    );
    assert_eq!(changes.removed, [Path::new("work/gone.txt")]);
    let out = found(&changes.written, "work/out.txt").unwrap();
    assert_eq!(out.mode, 0o600);
    let content = Kind::File {
        size: 4,
        sha256: "7aa7a5359173d05b63cfd682e3c38487f3cb4f7f1d60659fe59fab1505977d4c".to_owned(),
        content: Some(b"new\n".to_vec()),
    };
    assert_eq!(out.kind, content);
    assert_eq!(
        found(&changes.changed, "work/mode.txt").unwrap().mode,
        0o755
    );
    assert_eq!(
        found(&changes.changed, "work/type.txt").unwrap().kind,
        Kind::Directory
    );
    let link = Kind::Link {
        target: "../in.txt".into(),
    };
    assert_eq!(
        found(&changes.written, "work/deep/link").unwrap().kind,
        link
    );
    assert_eq!(
        found(&changes.written, "work/pipe").unwrap().kind,
        Kind::Other("pipe")
    );
    assert!(
        changes.unread.is_empty() && changes.outside.is_empty(),
        "{changes:?}"
    );
}

#[test]
fn a_run_that_changes_its_input_does_not_change_that_of_the_next() {
    let mut side = Side::new('a');
    let source = side.folder.path().join("source");
    fs::write(&source, "original").unwrap();
    let case = Case {
        files: [("input".into(), Input::File(source.clone()))].into(),
        ..Case::default()
    };
    let script = "cat input; stat -c %Y input; echo broken > input; chmod 000 input";
    let runs = side.runs(&["sh", "-c", script], &case, 2);
    for (ran, changes) in &runs {
        assert_eq!(text(&ran.stdout), "original946684800\n");
        assert_eq!(names(&changes.changed), ["work/input"]);
    }
    assert_eq!(fs::read_to_string(&source).unwrap(), "original");
    let modified = fs::metadata(&source).unwrap().modified().unwrap();
    assert!(
        modified > SystemTime::now() - Duration::from_secs(3600),
        "the source keeps its time"
    );
}

#[test]
fn what_a_run_writes_next_to_its_directory_is_found() {
    let mut side = Side::new('a');
    let (ran, changes) = side.sh_with("echo 1 > ../one; echo 2 > ../../two", &[]);
    assert_eq!(ran.ending, Ending::Exit(0));
    assert_eq!(
        changes.outside,
        [Path::new("../../two"), Path::new("../one")]
    );
    assert!(!changes.is_empty());
}

#[test]
fn a_run_that_removes_everything_does_not_stop_the_next() {
    let mut side = Side::new('a');
    let (ran, changes) = side.sh_with("rm -rf ../../run", &[("in", "")]);
    assert_eq!(ran.ending, Ending::Exit(0), "{}", text(&ran.stderr));
    assert!(
        changes.removed.contains(&PathBuf::from("work/in")),
        "{changes:?}"
    );
    let (ran, changes) = side.sh_with("cat in", &[("in", "back")]);
    assert_eq!(text(&ran.stdout), "back");
    assert!(changes.is_empty(), "{changes:?}");
}

#[test]
fn large_and_deep_trees_are_bounded_and_removed() {
    let mut side = Side::new('a');
    let script = "
        head -c 40000000 /dev/zero > large
        truncate -s 20G holes
        i=0; while [ $i -lt 100 ]; do mkdir d; cd -P d; i=$((i+1)); done
        mkdir $TMPDIR/locked; chmod 000 $TMPDIR/locked";
    let (ran, changes) = side.sh_with(script, &[]);
    assert_eq!(ran.ending, Ending::Exit(0), "{}", text(&ran.stderr));
    let large = found(&changes.written, "work/large").unwrap();
    assert!(matches!(
        &large.kind,
        Kind::File { size: 40_000_000, content: None, sha256 } if sha256.len() == 64
    ));
    assert_eq!(found(&changes.written, "tmp/locked").unwrap().mode, 0);
    let unread: Vec<&str> = changes.unread.iter().map(|(_, why)| why.as_str()).collect();
    assert_eq!(unread.len(), 2, "{unread:?}");
    assert!(unread.iter().any(|why| why.contains("more than 16 GiB")));
    assert!(unread.iter().any(|why| why.contains("deeper than 64")));
    let left = fs::read_dir(side.folder.path().join("runs/a"))
        .unwrap()
        .count();
    assert_eq!(left, 0, "the place is removed");
}

#[test]
fn an_input_that_is_gone_is_an_error_with_its_name() {
    let mut side = Side::new('a');
    let case = Case {
        stdin: Some(Input::File("/none/input".into())),
        ..Case::default()
    };
    let error = side.workdir.place(&case).unwrap_err().to_string();
    assert_eq!(
        error,
        "the input file `/none/input` cannot be copied: it does not exist"
    );
}

#[test]
fn the_inputs_of_a_place_are_those_that_a_run_reads() {
    let mut side = Side::new('a');
    let case = Case {
        stdin: Some(Input::Text(b"x".to_vec())),
        files: [("a/b".into(), Input::Text(b"y".to_vec()))].into(),
        ..Case::default()
    };
    let place = side.workdir.place(&case).unwrap();
    let root = place.root().to_owned();
    assert_eq!(place.inputs(), [root.join("work/a/b"), root.join("stdin")]);
    warm(&place.inputs()).unwrap();
}
