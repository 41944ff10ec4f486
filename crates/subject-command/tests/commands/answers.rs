//! What real programs answer on two sides, and how two such answers are compared.

use crate::support::Side;
use std::time::Duration;
use understudy_compare::plain::Plain;
use understudy_compare::{Differ, History, Outcomes, Row, Rules};
use understudy_model::{Outcome, Place};
use understudy_subject_command::*;

/// An incumbent and a candidate.
struct Pair {
    sides: [Side; 2],
    outputs: Outputs,
}

impl Pair {
    fn new() -> Pair {
        Pair {
            sides: [Side::new('a'), Side::new('b')],
            outputs: Outputs::default(),
        }
    }

    fn with(entries: &[(&str, &str)]) -> Pair {
        let outputs = Outputs::read(entries.iter().copied()).unwrap();
        Pair {
            outputs,
            ..Pair::new()
        }
    }

    /// What the two sides answer that run these scripts with the same files.
    fn outcomes(&mut self, scripts: [&str; 2], files: &[(&str, &str)]) -> [Outcome; 2] {
        let outputs = &self.outputs;
        let mut all = self.sides.iter_mut().zip(scripts).map(|(side, script)| {
            let (ran, changes) = side.sh_with(script, files);
            answer(&ran, changes, outputs, &side.workdir.in_use())
        });
        [all.next().unwrap(), all.next().unwrap()]
    }

    fn row(&mut self, scripts: [&str; 2], files: &[(&str, &str)]) -> Row {
        let [incumbent, candidate] = self.outcomes(scripts, files);
        let (rules, redact) = (Rules::default(), |_: Option<&Place>, text: &str| {
            text.to_owned()
        });
        let differ = Differ::new(&rules, &redact).speaking(&Plain);
        let outcomes = Outcomes {
            incumbent: &incumbent,
            second: None,
            candidate: &candidate,
        };
        Row::compare(&differ, &mut History::default(), 0, (0, "sh"), outcomes)
    }

    /// Every difference as `place: one | other`, or why the pair is lost.
    fn compare(&mut self, a: &str, b: &str) -> Vec<String> {
        let files = [("in.txt", "b\na\n"), ("old.txt", "x\n")];
        let row = self.row([a, b], &files);
        let differences = row.differences.into_iter();
        let shown =
            differences.map(|of| format!("{}: {} | {}", of.path, of.baseline, of.contender));
        let lost = row.lost.map(|why| format!("lost: {why}"));
        lost.into_iter().chain(shown).collect()
    }
}

#[test]
fn runs_that_do_the_same_are_equal_wherever_they_ran() {
    let mut pair = Pair::new();
    let script = "pwd; echo $HOME $TMPDIR; pwd > where; ln -s $PWD/in.txt link; sort in.txt; rm old.txt; echo warning >&2";
    let other = script.replace("warning", "other words");
    assert_eq!(pair.compare(script, &other), [] as [&str; 0]);
}

#[test]
fn each_way_to_differ_is_found_and_named() {
    let mut pair = Pair::new();
    let end = "a line feed at the end | no line feed at the end";
    for (a, b, expected) in [
        ("echo abc", "echo abd", vec!["stdout: abc | abd".to_owned()]),
        (
            "exit 1",
            "exit 2",
            vec!["code: exit code 1 | exit code 2".to_owned()],
        ),
        (
            "exit 139",
            "kill -11 $$",
            vec!["code: exit code 139 | signal 11".to_owned()],
        ),
        ("echo a", "printf a", vec![format!("stdout;layout: {end}")]),
        (
            "printf '1\\n2\\n'",
            "printf '2\\n1\\n'",
            vec!["stdout:1: 1 | 2 (the same lines in another order)".to_owned()],
        ),
        (
            "printf 'a\\0b'",
            "printf 'a\\0c'",
            vec!["stdout: 1 byte at offset 2 | 1 byte at offset 2".to_owned()],
        ),
        (
            "printf 'a\\0'",
            "printf a",
            vec!["stdout: 1 byte at offset 1 | ".to_owned()],
        ),
        (
            "echo x >&2",
            "true",
            vec!["stderr;class: not empty | empty".to_owned()],
        ),
        (
            "echo x > out.txt",
            "true",
            vec![
                "file:out.txt;entry: file 644 | ".to_owned(),
                "file:out.txt: there | ".to_owned(),
            ],
        ),
        (
            "echo x > out.txt",
            "echo x > out.txt; chmod 755 out.txt",
            vec!["file:out.txt;entry: file 644 | file 755".to_owned()],
        ),
        (
            "ln -s in.txt l",
            "ln -s old.txt l",
            vec!["file:l;entry: link -> in.txt | link -> old.txt".to_owned()],
        ),
        (
            "rm old.txt",
            "true",
            vec!["file:old.txt;entry: removed | ".to_owned()],
        ),
        (
            "true",
            "echo x > ../x",
            vec!["outside:../x:  | written".to_owned()],
        ),
        (
            "true",
            "echo x > $TMPDIR/t",
            vec![
                "file:$TMPDIR/t;entry:  | file 644".to_owned(),
                "file:$TMPDIR/t:  | there".to_owned(),
            ],
        ),
        (
            "true",
            "sleep 60 & true",
            vec!["left_behind:  | processes that still ran".to_owned()],
        ),
    ] {
        assert_eq!(pair.compare(a, b), expected, "{a} | {b}");
        assert_eq!(pair.compare(a, a), [] as [&str; 0], "{a}");
    }
}

#[test]
fn what_is_not_known_is_lost_and_never_equal() {
    let mut pair = Pair::new();
    for side in &mut pair.sides {
        side.timeout = Duration::from_millis(300);
        side.limits.captured_bytes = 100_000;
    }
    assert_eq!(
        pair.compare("sleep 60", "sleep 60"),
        ["lost: incumbent: timeout"]
    );
    assert_eq!(
        pair.compare("true", "sleep 60"),
        ["outcome: ended | failed: timeout"]
    );
    assert_eq!(pair.compare("yes", "yes"), ["lost: incumbent: too_large"]);
    let mut pair = Pair::with(&[
        ("*.json", "json"),
        ("*.parquet", "dataset"),
        ("*.ivf", "media"),
    ]);
    let big =
        |last: &str| format!("head -c 40000000 /dev/zero > big.json; echo {last} >> big.json");
    assert_eq!(pair.compare(&big("1"), &big("1")), [] as [&str; 0]);
    assert_eq!(
        pair.compare(&big("1"), &big("2")),
        ["lost: file:big.json is longer than what is kept"]
    );
    assert_eq!(
        pair.compare("echo a > t.parquet", "echo b > t.parquet"),
        ["lost: file:t.parquet was not compared as a data set"]
    );
    assert_eq!(
        pair.compare("echo a > t.ivf", "echo b > t.ivf"),
        ["lost: file:t.ivf was not compared as media"]
    );
    assert_eq!(
        pair.compare("echo a > t.ivf", "echo a > t.ivf"),
        [] as [&str; 0]
    );
    // Of another pattern, its hash is enough.
    let big = |last: &str| format!("head -c 40000000 /dev/zero > big.bin; echo {last} >> big.bin");
    assert_eq!(pair.compare(&big("1"), &big("2")).len(), 1);
    assert!(
        pair.compare(&big("1"), &big("2"))[0].starts_with("file:big.bin: content with the digest ")
    );
}

#[test]
fn compressed_files_of_real_tools_are_compared_by_their_content() {
    let mut pair = Pair::with(&[("*.gz", "compressed")]);
    let gzip = |options: &str, text: &str| format!("echo {text} > t; gzip {options} t");
    assert_eq!(
        pair.compare(&gzip("-1", "hello"), &gzip("-9", "hello")),
        [] as [&str; 0]
    );
    assert_eq!(
        pair.compare(&gzip("-1", "hello"), &gzip("-1", "hallo")),
        ["file:t.gz: hello | hallo"]
    );
}

/// Mutants of what a real program left behind: nothing that differs passes as equal.
#[test]
fn every_fault_that_is_put_into_a_real_answer_is_found() {
    let mut pair = Pair::with(&[
        ("*.json", "json"),
        ("*.txt", "lines"),
        ("*.gz", "compressed"),
    ]);
    let script = "sort in.txt; seq 50 > n.bin; printf '{\"a\":[1,2],\"b\":true}' > o.json; rm old.txt; \
                  sort -r in.txt > o.txt; seq 9 | gzip > z.gz; mkdir d; printf 'a\\0b' > nul";
    let [outcome, _] = pair.outcomes([script, script], &[("in.txt", "b\na\n"), ("old.txt", "x")]);
    let Outcome::Answered(answer) = outcome else {
        panic!("{outcome:?}")
    };
    let (rules, redact) = (Rules::default(), |_: Option<&Place>, text: &str| {
        text.to_owned()
    });
    let differ = Differ::new(&rules, &redact).speaking(&Plain);
    let history = History::default();
    assert!(understudy_compare::is_fit(&answer));
    let tried: Vec<_> = (0..100)
        .flat_map(|draw| {
            let asked = (0, "sort");
            understudy_compare::try_faults(&differ, &history, asked, (&answer, &[]), draw)
        })
        .collect();
    for (fault, row) in &tried {
        assert!(!row.differences.is_empty(), "{}", fault.name());
    }
    assert!(tried.len() >= 1500, "{}", tried.len());
}

/// Every line that reproduces a run prints what the run wrote.
#[test]
fn the_line_of_a_run_repeats_it() {
    let redactor = understudy_redact::Redactor::new([1; 16]);
    let mut side = Side::new('c');
    let case = Case {
        args: vec!["-r".to_owned(), "-".to_owned(), "in 1.txt".to_owned()],
        stdin: Some(Input::Text(b"m\nz".to_vec())),
        files: [("in 1.txt".into(), Input::Text(b"b\n\ta%\\\n".to_vec()))].into(),
        ..Case::default()
    };
    let (ran, _) = side.runs(&["sort"], &case, 1).remove(0);
    let words = command_line(&["sort".to_owned()], &case).unwrap();
    let line = shell_line(&words, side.folder.path(), DEFAULT_PATH, &case, &redactor);
    let shell = std::process::Command::new("sh")
        .args(["-c", &line])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&shell.stdout),
        String::from_utf8_lossy(&ran.stdout.bytes)
    );
    assert!(!ran.stdout.bytes.is_empty());
}
