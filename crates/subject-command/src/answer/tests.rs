use super::*;
use crate::{Elsewhere, Figures, Refusal};
use std::path::PathBuf;
use understudy_compare::{Differ, History, Outcomes, Row, Rules, plain::Plain};

fn ran(ending: Ending, stdout: &[u8], stderr: &[u8]) -> Ran {
    let captured = |bytes: &[u8]| Captured {
        bytes: bytes.to_vec(),
        size: bytes.len() as u64,
        truncated: false,
    };
    Ran {
        ending,
        out_of_memory: false,
        figures: Figures::default(),
        stdout: captured(stdout),
        stderr: captured(stderr),
        left_behind: Vec::new(),
        elsewhere: Elsewhere::default(),
    }
}

fn exited(stdout: &[u8]) -> Ran {
    ran(Ending::Exit(0), stdout, b"")
}

fn file(mode: u32, content: &[u8]) -> Entry {
    let kind = Kind::File {
        size: content.len() as u64,
        sha256: format!("hash of {content:?}"),
        content: Some(content.to_vec()),
    };
    Entry { kind, mode }
}

fn wrote(path: impl Into<PathBuf>, entry: Entry) -> Changes {
    Changes {
        written: vec![(path.into(), entry)],
        ..Changes::default()
    }
}

fn outputs(entries: &[(&str, &str)]) -> Outputs {
    Outputs::read(entries.iter().copied()).unwrap()
}

fn of(ran: &Ran, changes: Changes, outputs: &Outputs) -> Outcome {
    answer(ran, changes, outputs, Path::new("/none/a/run"))
}

fn answered(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Answered(answer) => answer,
        Outcome::Failed(failure) => panic!("{failure:?}"),
    }
}

fn row(a: &Outcome, b: &Outcome) -> Row {
    let (rules, redact) = (Rules::default(), |_: Option<&Place>, text: &str| {
        text.to_owned()
    });
    let differ = Differ::new(&rules, &redact).speaking(&Plain);
    let outcomes = Outcomes {
        incumbent: a,
        second: None,
        candidate: b,
    };
    Row::compare(&differ, &mut History::default(), 0, (0, "tool"), outcomes)
}

/// Lost, or the places of all differences.
fn compared(a: &Outcome, b: &Outcome) -> Result<Vec<String>, String> {
    let row = row(a, b);
    match row.lost {
        Some(why) => Err(why),
        None => {
            let places = row.differences.into_iter().map(|of| of.path.to_string());
            let mut places: Vec<String> = places.collect();
            // Each word of a text that differs is a difference of its own.
            places.dedup();
            Ok(places)
        }
    }
}

fn fields(answer: &Answer) -> Vec<(&str, String)> {
    let shown = |field: &Field| String::from_utf8_lossy(&field.value).into_owned();
    let all = answer.fields.iter();
    all.map(|field| (field.name.as_str(), shown(field)))
        .collect()
}

#[test]
fn what_did_not_end_by_itself_is_lost_whatever_the_other_side_did() {
    let plain = Outputs::default();
    let failed = |ending| of(&ran(ending, b"x", b""), Changes::default(), &plain);
    let mut killed = exited(b"x");
    killed.out_of_memory = true;
    let missing = Ending::NotStarted(Refusal::NotFound {
        program: "sorr".to_owned(),
        path: Some("/bin".to_owned()),
    });
    for (outcome, kind, detail) in [
        (
            failed(Ending::TimedOut),
            "timeout",
            "it did not end in time and was killed",
        ),
        (
            failed(Ending::TooLarge),
            "too_large",
            "it wrote more than is kept and was killed",
        ),
        (
            failed(missing),
            "not_started",
            "`sorr` is not in `PATH` (/bin)",
        ),
        (
            of(&killed, Changes::default(), &plain),
            "out_of_memory",
            "a process of it was killed at the memory limit",
        ),
    ] {
        let Outcome::Failed(failure) = &outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(
            (failure.kind.name(), failure.detail.as_str()),
            (kind, detail)
        );
        // Also where both did the same.
        assert_eq!(
            compared(&outcome, &outcome),
            Err(format!("incumbent: {kind}"))
        );
        let fine = of(&exited(b"x"), Changes::default(), &plain);
        assert_eq!(compared(&fine, &outcome), Ok(vec!["outcome".to_owned()]));
    }
}

#[test]
fn exit_codes_and_signals_are_told_apart() {
    let plain = Outputs::default();
    let ended = |ending| of(&ran(ending, b"", b""), Changes::default(), &plain);
    let status = |ending| answered(ended(ending)).status;
    assert_eq!(
        status(Ending::Exit(2)).class,
        understudy_model::Class::Refused
    );
    assert_eq!(status(Ending::Signal(11)).code, -11);
    let (exit, signal) = (ended(Ending::Exit(139)), ended(Ending::Signal(11)));
    let found = row(&exit, &signal).differences;
    assert_eq!(
        (
            found[0].path.to_string().as_str(),
            found[0].baseline.as_str(),
            found[0].contender.as_str()
        ),
        ("code", "exit code 139", "signal 11")
    );
    assert_eq!(compared(&signal, &signal), Ok(Vec::new()));
}

#[test]
fn everything_that_a_run_made_is_a_field_and_files_are_parts() {
    let link = Entry {
        kind: Kind::Link {
            target: "a.txt".into(),
        },
        mode: 0,
    };
    let directory = Entry {
        kind: Kind::Directory,
        mode: 0o755,
    };
    let pipe = Entry {
        kind: Kind::Other("pipe"),
        mode: 0o4600,
    };
    let changes = Changes {
        written: vec![
            ("work/d".into(), directory),
            ("work/l".into(), link),
            ("home/.rc".into(), file(0o600, b"rc")),
            ("tmp/p".into(), pipe),
            ("work/$HOME/a:b;c%".into(), file(0o644, b"")),
        ],
        changed: vec![("work/a.txt".into(), file(0o755, b"text"))],
        removed: vec!["work/old".into(), "tmp".into()],
        outside: vec!["../../x".into()],
        ..Changes::default()
    };
    let mut ran = exited(b"out");
    ran.left_behind = vec!["sleep".to_owned()];
    let answer = answered(of(&ran, changes, &Outputs::default()));
    let expected = [
        ("stderr;class", "empty"),
        ("file:$HOME/.rc;entry", "file 600"),
        ("file:$TMPDIR;entry", "removed"),
        ("file:$TMPDIR/p;entry", "pipe 4600"),
        ("file:%24HOME/a%3Ab%3Bc%25;entry", "file 644"),
        ("file:a.txt;entry", "file 755"),
        ("file:d;entry", "directory 755"),
        ("file:l;entry", "link -> a.txt"),
        ("file:old;entry", "removed"),
        ("outside:../../x", "written"),
        ("left_behind", "processes that still ran"),
    ];
    let expected = expected.map(|(name, value)| (name, value.to_owned()));
    assert_eq!(fields(&answer), expected);
    let parts: Vec<&str> = answer.parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(
        parts,
        [
            "stdout",
            "file:$HOME/.rc",
            "file:%24HOME/a%3Ab%3Bc%25",
            "file:a.txt"
        ]
    );
    // Each of these names is a place that a rule can cover.
    let rules = answer.fields.iter().map(|field| understudy_compare::Rule {
        path: field.name.clone(),
        operation: None,
        kind: None,
        reason: None,
        owner: None,
        expires: None,
        ..understudy_compare::Rule::default()
    });
    let rules = Rules::compile(rules.collect(), "2026-11-30".parse().unwrap());
    assert!(rules.is_ok(), "{rules:?}");
}

#[test]
fn each_change_of_an_entry_is_a_difference() {
    let plain = Outputs::default();
    let of = |changes| of(&exited(b""), changes, &plain);
    let link = |target: &str| {
        let target = target.into();
        Entry {
            kind: Kind::Link { target },
            mode: 0,
        }
    };
    let right = of(wrote("work/a", file(0o644, b"x\n")));
    for (wrong, places) in [
        (wrote("work/a", file(0o644, b"y\n")), vec!["file:a"]),
        (wrote("work/a", file(0o600, b"x\n")), vec!["file:a;entry"]),
        (wrote("work/a", link("b")), vec!["file:a;entry", "file:a"]),
        (Changes::default(), vec!["file:a;entry", "file:a"]),
    ] {
        assert_eq!(compared(&right, &of(wrong)).unwrap(), places);
    }
    let links = (
        of(wrote("work/l", link("a"))),
        of(wrote("work/l", link("b"))),
    );
    assert_eq!(compared(&links.0, &links.1).unwrap(), ["file:l;entry"]);
    let outside = Changes {
        outside: vec!["../x".into()],
        ..Changes::default()
    };
    assert_eq!(
        compared(&of(Changes::default()), &of(outside)).unwrap(),
        ["outside:../x"]
    );
}

/// Two names or targets that are no text are not the same because neither can be shown.
#[cfg(unix)]
#[test]
fn names_and_targets_that_are_no_text_are_told_apart() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let path = |last: u8| PathBuf::from(OsStr::from_bytes(&[b'w', b'o', b'r', b'k', b'/', last]));
    assert_eq!(name_of(&path(0xfe)), "%FE");
    let link = |last: u8| {
        let target = PathBuf::from(OsStr::from_bytes(&[last]));
        let entry = Entry {
            kind: Kind::Link { target },
            mode: 0,
        };
        of(&exited(b""), wrote("work/l", entry), &Outputs::default())
    };
    assert_eq!(
        compared(&link(0xfe), &link(0xff)).unwrap(),
        ["file:l;entry"]
    );
}

#[test]
fn what_could_not_be_read_makes_the_pair_a_lost_one() {
    let unread = Changes {
        unread: vec![("work/a".into(), "permission denied".to_owned())],
        ..Changes::default()
    };
    let plain = Outputs::default();
    let partly = of(&exited(b"x"), unread, &plain);
    let whole = of(&exited(b"x"), wrote("work/a", file(0o644, b"x")), &plain);
    let why = Err("a was not read: permission denied".to_owned());
    assert_eq!(compared(&whole, &partly), why);
    assert_eq!(compared(&partly, &whole), why);
    assert_eq!(compared(&partly, &partly), why);
    // What was read and differs still does.
    let other = of(&exited(b"y"), Changes::default(), &plain);
    assert_eq!(compared(&partly, &other), Ok(vec!["stdout".to_owned()]));
}

#[test]
fn a_file_that_is_not_kept_is_compared_by_its_hash() {
    let large = |hash: &str| {
        let kind = Kind::File {
            size: 5 << 20,
            sha256: hash.to_owned(),
            content: None,
        };
        wrote("work/big.json", Entry { kind, mode: 0o644 })
    };
    let compare = |word: &str, a: &str, b: &str| {
        let outputs = outputs(&[("*.json", word)]);
        let of = |hash| of(&exited(b""), large(hash), &outputs);
        compared(&of(a), &of(b))
    };
    let lost = Err("file:big.json is longer than what is kept".to_owned());
    assert_eq!(compare("bytes", "aa", "aa"), Ok(Vec::new()));
    assert_eq!(
        compare("bytes", "aa", "ab"),
        Ok(vec!["file:big.json".to_owned()])
    );
    assert_eq!(compare("json", "aa", "aa"), Ok(Vec::new()));
    assert_eq!(compare("json", "aa", "ab"), lost);
    assert_eq!(compare("sorted-lines", "aa", "ab"), lost);
    assert_eq!(compare("class", "aa", "ab"), Ok(Vec::new()));
    assert!(compare("compressed", "aa", "aa").is_ok());
    assert!(compare("dataset", "aa", "ab").is_err());
    // Of standard output there is no hash.
    let mut cut = exited(b"x");
    cut.stdout.truncated = true;
    let cut = of(&cut, Changes::default(), &Outputs::default());
    assert!(compared(&cut, &cut).is_err());
}

#[test]
fn each_word_compares_as_it_says() {
    let compare = |word: &str, a: &[u8], b: &[u8]| {
        let outputs = outputs(&[("stdout", word)]);
        let of = |bytes: &[u8]| of(&exited(bytes), Changes::default(), &outputs);
        let found = compared(&of(a), &of(b)).unwrap();
        found.is_empty()
    };
    for (word, a, b, is_same) in [
        ("bytes", "a\n", "a\r\n", false),
        ("bytes", "a\n", "a", false),
        ("text", "a\n", "a\r\n", false),
        ("lines", "a\nb\n", "a\r\nb\r\n", true),
        ("lines", "a\n", "a", false),
        ("lines", "a\nb\n", "b\na\n", false),
        ("sorted-lines", "a\nb\n", "b\r\na\n", true),
        ("sorted-lines", "a\nb\n", "b\na", false),
        ("sorted-lines", "a\nb\r", "b\na", false),
        ("sorted-lines", "a\na\nb\n", "a\nb\nb\n", false),
        ("sorted-lines", "a\n\n", "a\n", false),
        ("json", "{\"a\":1,\"b\":2}", "{\"b\":2, \"a\":1}\n", true),
        ("jsonl", "{\"a\":1}\n", "{\"a\": 1}\n", true),
        ("jsonl", "{\"a\":1}\n", "{\"a\":2}\n", false),
        ("csv", "a,b\n1,2\n", "\"a\",b\n1,\"2\"\n", true),
        ("class", "a", "b", true),
        ("class", "a", "", false),
        ("ignore", "a", "", true),
    ] {
        let found = compare(word, a.as_bytes(), b.as_bytes());
        assert_eq!(found, is_same, "{word} {a:?} {b:?}");
        assert_eq!(compare(word, b.as_bytes(), a.as_bytes()), is_same);
    }
}

#[test]
fn compressed_files_are_compared_by_what_they_say() {
    // `hello` as two levels of gzip write it, and in zlib's own format.
    let gzip = |level: u8| {
        let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, level, 3];
        bytes.extend([
            0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0x86, 0xa6, 0x10, 0x36, 5, 0, 0, 0,
        ]);
        bytes
    };
    let zlib = vec![
        0x78, 0x5e, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 6, 0x2c, 2, 0x15,
    ];
    let outputs = outputs(&[("*.gz", "compressed"), ("*.xyz", "ignore")]);
    let of = |bytes: &[u8]| {
        of(
            &exited(b""),
            wrote("work/a.gz", file(0o644, bytes)),
            &outputs,
        )
    };
    let places = |a: &[u8], b: &[u8]| compared(&of(a), &of(b));
    assert_eq!(places(&gzip(4), &gzip(2)), Ok(Vec::new()));
    assert_eq!(
        places(&gzip(4), &zlib),
        Ok(vec!["file:a.gz;coding".to_owned()])
    );
    let broken = &gzip(4)[..20];
    assert_eq!(
        places(&gzip(4), broken),
        Ok(vec!["file:a.gz;coding".to_owned()])
    );
    assert_eq!(
        places(broken, &gzip(2)[..20]),
        Err("file:a.gz cannot be decompressed".to_owned())
    );
    assert_eq!(
        places(broken, broken),
        Ok(Vec::new()),
        "it is the same to the byte"
    );
    let xz = |n: u8| [0xfd, b'7', b'z', b'X', b'Z', 0, n];
    assert!(places(&xz(1), &xz(2)).is_err());
    let ignored = wrote("work/a.xyz", file(0o644, b"x"));
    let ignored = answered(super::answer(
        &exited(b""),
        ignored,
        &outputs,
        Path::new("/"),
    ));
    assert_eq!((ignored.fields.len(), ignored.parts.len()), (1, 1));
}

#[test]
fn the_directory_of_the_run_is_hidden_by_both_of_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("real");
    fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, folder.path().join("named")).unwrap();
    let own = folder.path().join("named/run");
    let text = format!("{} {}\n", own.display(), real.join("run").display());
    let outcome = answer(
        &exited(text.as_bytes()),
        Changes::default(),
        &Outputs::default(),
        &own,
    );
    let shown = String::from_utf8_lossy(answered(outcome).bytes("stdout")).into_owned();
    assert_eq!(shown, "/own-directory /own-directory\n");
}

#[test]
fn a_file_elsewhere_is_a_field_that_no_hash_of_a_run_contains() {
    let outcome = |paths: &[&str]| {
        let mut run = exited(b"x");
        run.elsewhere.paths = paths.iter().map(Into::into).collect();
        answer(
            &run,
            Changes::default(),
            &Outputs::default(),
            Path::new("/w/a/run"),
        )
    };
    let (one, two) = (outcome(&["/tmp/a", "/var/b:c"]), outcome(&["/var/b:c"]));
    let Outcome::Answered(answered) = &one else {
        panic!("{one:?}");
    };
    assert_eq!(answered.field("outside:/tmp/a").count(), 1);
    assert_eq!(answered.field("outside:/var/b%3Ac").count(), 1);
    assert_eq!(shared_files(&one, &two), ["/var/b%3Ac"]);
    assert_eq!(shared_files(&outcome(&[]), &two), [] as [&str; 0]);
    // Timed runs are not watched, and are recognised by their hash.
    let hash = understudy_subject::answer_hash;
    assert_eq!(hash(&one), hash(&outcome(&[])));
    assert_ne!(hash(&one), 0);
}
