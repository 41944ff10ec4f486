use super::*;
use crate::{
    Around, Content, Contents, Differ, History, Noise, Outcomes, PairClass, PartDifference, Row,
    Rule, Rules, Workload, classify, self_test, tally, try_faults,
};
use proptest::prelude::*;
use understudy_model::{Difference, DifferenceKind as Kind, Outcome, Status};

/// An answer with this exit code, these fields, and these parts: name, media type, bytes.
fn ran(code: i32, fields: &[(&str, &str)], parts: &[(&str, &str, &[u8])]) -> Answer {
    let field = |(name, value): &(&str, &str)| Field {
        name: (*name).to_owned(),
        value: value.as_bytes().to_vec(),
    };
    let part = |(name, media, bytes): &(&str, &str, &[u8])| Part {
        name: (*name).to_owned(),
        media: (*media).to_owned(),
        bytes: bytes.to_vec(),
        ..Part::default()
    };
    Answer {
        status: Status {
            code,
            class: class(code),
        },
        fields: fields.iter().map(field).collect(),
        parts: parts.iter().map(part).collect(),
        ..Answer::default()
    }
}

fn stdout(media: &str, bytes: &[u8]) -> Answer {
    ran(0, &[], &[("stdout", media, bytes)])
}

fn shown_whole(_: Option<&Place>, text: &str) -> String {
    text.to_owned()
}

fn row_with(rules: &Rules, a: &Answer, second: Option<&Answer>, b: &Answer) -> Row {
    let of = |answer: &Answer| Outcome::Answered(answer.clone());
    let (a, second, b) = (of(a), second.map(of), of(b));
    let outcomes = Outcomes {
        incumbent: &a,
        second: second.as_ref(),
        candidate: &b,
    };
    let differ = Differ::new(rules, &shown_whole).speaking(&Plain);
    Row::compare(&differ, &mut History::default(), 0, (0, "sort"), outcomes)
}

fn row(a: &Answer, b: &Answer) -> Row {
    row_with(&Rules::default(), a, None, b)
}

/// Path, kind and both sides of every difference.
fn differences(a: &Answer, b: &Answer) -> Vec<(String, Kind, String, String)> {
    let found = row(a, b);
    assert_eq!(found.lost, None);
    let one = |of: Difference| (of.path.to_string(), of.kind, of.baseline, of.contender);
    found.differences.into_iter().map(one).collect()
}

#[track_caller]
fn check(a: &Answer, b: &Answer, expected: &[(&str, Kind, &str, &str)]) {
    let found = differences(a, b);
    let found: Vec<(&str, Kind, &str, &str)> = found
        .iter()
        .map(|(path, kind, a, b)| (path.as_str(), *kind, a.as_str(), b.as_str()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn codes_and_signals_are_named_as_what_they_are() {
    let of = |code| ran(code, &[], &[]);
    check(&of(1), &of(1), &[]);
    let code = |a, b| ("code", Kind::Code, a, b);
    check(&of(0), &of(2), &[code("exit code 0", "exit code 2")]);
    check(&of(11), &of(-11), &[code("exit code 11", "signal 11")]);
    let classes = [0, 1, 255, -6].map(class);
    assert_eq!(
        classes,
        [Class::Ok, Class::Refused, Class::Refused, Class::Failed]
    );
}

#[test]
fn fields_are_compared_as_they_are() {
    let of = |value| ran(0, &[("file:a;entry", value)], &[]);
    let entry = |kind, a, b| ("file:a;entry", kind, a, b);
    check(
        &of("file 644"),
        &of("file 755"),
        &[entry(Kind::Value, "file 644", "file 755")],
    );
    let none = ran(0, &[], &[]);
    check(
        &of("removed"),
        &none,
        &[entry(Kind::Missing, "removed", "")],
    );
    check(&none, &of("removed"), &[entry(Kind::Extra, "", "removed")]);
    // What means the same in a header is not the same here.
    let header = |value| ran(0, &[("cache-control", value)], &[]);
    assert_eq!(
        differences(&header("no-store, private"), &header("private, no-store")).len(),
        1
    );
}

/// Noise that shows two words excuses no third one.
#[test]
fn noise_of_a_field_excuses_only_what_it_shows() {
    let of = |mode: &str| ran(0, &[("file:a;entry", mode)], &[]);
    let rows: Vec<Row> = (0..20)
        .map(|_| {
            row_with(
                &Rules::default(),
                &of("file 644"),
                Some(&of("file 600")),
                &of("file 600"),
            )
        })
        .collect();
    let noise = Noise::learn(&rows);
    let class = |row: &Row| matches!(classify(row, &noise).class, PairClass::Different(_));
    assert!(!class(&rows[0]));
    assert!(class(&row(&of("file 644"), &of("directory 600"))));
}

#[test]
fn a_text_that_has_to_be_equal_to_the_byte_is_shown_by_line() {
    let of = |text: &[u8]| stdout(BYTES, text);
    check(&of(b"a\nb\n"), &of(b"a\nb\n"), &[]);
    check(
        &of(b"a\nb\nc\n"),
        &of(b"a\nB\nc\n"),
        &[("stdout:2", Kind::Text, "b", "B")],
    );
    let end = ("a line feed at the end", "no line feed at the end");
    check(
        &of(b"a\nb\n"),
        &of(b"a\nb"),
        &[("stdout;layout", Kind::Text, end.0, end.1)],
    );
    check(
        &of(b"a\nb\n"),
        &of(b""),
        &[("stdout", Kind::Missing, "a\nb\n", "")],
    );
    check(
        &of(b"a\0b"),
        &of(b"a\0c"),
        &[(
            "stdout",
            Kind::Bytes,
            "1 byte at offset 2",
            "1 byte at offset 2",
        )],
    );
    let two = (b"1,one\n2,two\n".as_slice(), b"2,two\n1,one\n".as_slice());
    let says = "2,two (the same lines in another order)";
    check(
        &of(two.0),
        &of(two.1),
        &[("stdout:1", Kind::Order, "1,one", says)],
    );
}

/// Whatever a comparison of texts may take for equal has to differ here.
#[test]
fn what_a_text_comparison_excuses_differs_as_bytes() {
    let pairs: [(&[u8], &[u8]); 14] = [
        (b"a\n", b"a"),
        (b"a\n", b"a\n\n"),
        (b"a\n", b"a\r\n"),
        (b"a\r\nb\n", b"a\nb\r\n"),
        (b"a\r", b"a"),
        (b"a b\n", b"a  b\n"),
        (b"a\tb\n", b"a b\n"),
        (b"a \n", b"a\n"),
        (b"\xef\xbb\xbfa\n", b"a\n"),
        (b"{\"a\":1}\n", b"{\"a\": 1}\n"),
        (b"{\"a\":1,\"b\":2}", b"{\"b\":2,\"a\":1}"),
        (b"1.0\n", b"1.00\n"),
        (b"<a b='1'/>", b"<a b=\"1\"/>"),
        (b"\n", b""),
    ];
    for (a, b) in pairs {
        for (a, b) in [(a, b), (b, a)] {
            let found = row(&stdout(BYTES, a), &stdout(BYTES, b));
            assert!(!found.differences.is_empty(), "{a:?} {b:?}");
        }
    }
}

#[test]
fn lines_are_the_same_whatever_ends_them_and_nothing_else() {
    let of = |text: &[u8]| stdout(LINES, text);
    check(&of(b"a\r\nb\r\n"), &of(b"a\nb\n"), &[]);
    for other in [
        &b"a\nb"[..],
        b"a\r\rb\n",
        b"a\nb\r",
        b"a \nb\n",
        b"b\na\n",
        b"a\n\nb\n",
        b"",
    ] {
        assert!(
            !differences(&of(b"a\nb\n"), &of(other)).is_empty(),
            "{other:?}"
        );
    }
    // Also of bytes that are no text.
    let line = ("stdout:2", Kind::Text, "\u{fffd}fe", "\u{fffd}ff");
    check(&of(b"a\n\xfe\n"), &of(b"a\n\xff\n"), &[line]);
}

#[test]
fn the_encoding_of_a_text_is_its_layout() {
    let utf16: Vec<u8> = [0xff, 0xfe, b'a', 0, b'\n', 0].to_vec();
    let found = differences(&stdout(TEXT, b"a\n"), &stdout(TEXT, &utf16));
    assert_eq!(
        (found.len(), found[0].0.as_str()),
        (1, "stdout;layout"),
        "{found:?}"
    );
    // A text is not taken for what it looks like.
    assert_eq!(
        differences(&stdout(TEXT, b"[1, 2]"), &stdout(TEXT, b"[1,2]")).len(),
        1
    );
}

#[test]
fn documents_are_what_their_media_type_says() {
    let json = |text: &str| stdout(JSON, text.as_bytes());
    check(&json(r#"{"a":1,"b":2}"#), &json(r#"{ "b":2, "a":1 }"#), &[]);
    check(
        &json(r#"{"a":1}"#),
        &json(r#"{"a":2}"#),
        &[("stdout:$.a", Kind::Value, "1", "2")],
    );
    // Where neither is JSON, no byte may differ.
    assert_eq!(differences(&json("a\r\nb\n"), &json("a\nb\n")).len(), 1);
    let lines = |text: &str| stdout(JSON_LINES, text.as_bytes());
    check(&lines("{\"a\":1}\n"), &lines("{ \"a\":1}\n"), &[]);
    assert_eq!(
        differences(&lines("{}\nwords \n"), &lines("{}\nwords\n")).len(),
        1
    );
    let csv = |text: &str| stdout(CSV, text.as_bytes());
    check(&csv("a,b\n1,2\n"), &csv("\"a\",b\n1,2\n"), &[]);
    assert_eq!(differences(&csv("a,b\n1,2\n"), &csv("a,b\n1,3\n")).len(), 1);
}

struct Sizes;

impl Contents for Sizes {
    fn compare(&self, baseline: &Part, contender: &Part) -> Content {
        let shown = |part: &Part| format!("{} bytes", part.bytes.len());
        match (baseline.bytes.len(), contender.bytes.len()) {
            (0, _) | (_, 0) => Content::NotCompared("it is empty".to_owned()),
            (a, b) if a == b => Content::Same,
            _ => Content::Different(vec![PartDifference::of_all(
                shown(baseline),
                shown(contender),
                baseline.bytes.len() as u64,
            )]),
        }
    }
}

#[test]
fn what_needs_another_reader_is_lost_without_it_unless_it_is_equal_to_the_byte() {
    let of = |bytes: &[u8]| {
        ran(
            0,
            &[],
            &[("file:t", "application/x-dataset; type=parquet", bytes)],
        )
    };
    assert_eq!(row(&of(b"a"), &of(b"a")).lost, None);
    assert_eq!(
        row(&of(b"a"), &of(b"b")).lost.as_deref(),
        Some("file:t was not compared as a data set")
    );
    let rules = Rules::default();
    let differ = Differ::new(&rules, &shown_whole)
        .speaking(&Plain)
        .with_contents(&Sizes);
    let with = |a: &Answer, b: &Answer| {
        let (a, b) = (Outcome::Answered(a.clone()), Outcome::Answered(b.clone()));
        let outcomes = Outcomes {
            incumbent: &a,
            second: None,
            candidate: &b,
        };
        Row::compare(&differ, &mut History::default(), 0, (0, "x"), outcomes)
    };
    let same = with(&of(b"a"), &of(b"b"));
    assert_eq!((same.lost, same.differences.len()), (None, 0));
    let found = with(&of(b"a"), &of(b"bb")).differences;
    assert_eq!(
        (
            found[0].path.to_string().as_str(),
            found[0].contender.as_str()
        ),
        ("file:t", "2 bytes")
    );
    assert_eq!(
        with(&of(b"a"), &of(b"")).lost.as_deref(),
        Some("it is empty")
    );
}

#[test]
fn what_is_not_kept_is_compared_by_its_digest_or_lost() {
    let of = |media: &str, digest: &str| {
        let mut answer = ran(0, &[], &[("file:big", media, b"")]);
        answer.parts[0].truncated = true;
        answer.parts[0].digest = digest.to_owned();
        answer
    };
    let found = row(&of(BYTES, "00"), &of(BYTES, "00"));
    assert_eq!((found.lost, found.differences.len()), (None, 0));
    assert_eq!(row(&of(BYTES, "00"), &of(BYTES, "01")).differences.len(), 1);
    let lost = Some("file:big is longer than what is kept");
    for (media, a, b) in [
        (BYTES, "", ""),
        (JSON, "00", "01"),
        (LINES, "00", "01"),
        (BYTES, "00", ""),
    ] {
        assert_eq!(
            row(&of(media, a), &of(media, b)).lost.as_deref(),
            lost,
            "{media} {a} {b}"
        );
    }
    assert_eq!(row(&of(JSON, "00"), &of(JSON, "00")).lost, None);
}

#[test]
fn a_pair_of_which_something_was_not_read_is_never_called_equal() {
    let whole = ran(
        0,
        &[("file:a;entry", "file 644")],
        &[("file:a", BYTES, b"x")],
    );
    let mut partly = ran(0, &[], &[]);
    partly.unread = vec!["work/a: permission denied".to_owned()];
    for (a, b) in [(&whole, &partly), (&partly, &whole), (&partly, &partly)] {
        assert_eq!(row(a, b).lost.as_deref(), Some("work/a: permission denied"));
    }
    let mut other = partly.clone();
    other.status.code = 1;
    assert_eq!(row(&whole, &other).differences.len(), 1);
    // Also where a rule excuses all else.
    let rule = Rule {
        path: "code".to_owned(),
        operation: None,
        kind: None,
        reason: None,
        owner: None,
        expires: None,
        ..Rule::default()
    };
    let rules = Rules::compile(vec![rule], "2026-11-30".parse().unwrap()).unwrap();
    let rows = [row_with(&rules, &whole, None, &other)];
    let workload = Workload {
        operations: &["sort".to_owned()],
        size: &|_| 0,
        reproduce: &|_| String::new(),
    };
    let found = tally(&rows, &Noise::default(), &rules, workload);
    assert_eq!((found.compared, found.lost, found.excused), (0, 1, 0));
    assert!(
        found
            .lost_by_reason
            .contains_key("work/a: permission denied")
    );
}

/// Texts of more lines than are aligned (64 in tests).
#[test]
fn long_texts_are_compared_as_exactly_as_short_ones() {
    let text = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines: Vec<String> = (0..200).map(|n| format!("line {n}")).collect();
        change(&mut lines);
        lines.join("\n") + "\n"
    };
    let same = text(&|_| {});
    let of = |text: &str| stdout(BYTES, text.as_bytes());
    let find = |other: &str| differences(&of(&same), &of(other));
    let one = text(&|lines| lines[150] = "line x".to_owned());
    assert_eq!(
        find(&one),
        [(
            "stdout:151".to_owned(),
            Kind::Text,
            "line 150".to_owned(),
            "line x".to_owned()
        )]
    );
    let gone = text(&|lines| drop(lines.remove(150)));
    assert_eq!(
        find(&gone),
        [(
            "stdout:151".to_owned(),
            Kind::Text,
            "line 150".to_owned(),
            String::new()
        )]
    );
    let swapped = text(&|lines| lines.swap(20, 190));
    let says = "line 190 (the same lines in another order)";
    assert_eq!(
        find(&swapped),
        [(
            "stdout:21".to_owned(),
            Kind::Order,
            "line 20".to_owned(),
            says.to_owned()
        )]
    );
    let many = text(&|lines| lines.iter_mut().for_each(|line| line.push('!')));
    let found = row(&of(&same), &of(&many)).differences;
    assert_eq!(
        (found.len(), found[0].path.to_string().as_str()),
        (1, "stdout:1")
    );
    assert_eq!(
        found[0].bytes,
        same.len() as u64,
        "if noise excuses it, all of it was not compared"
    );
    assert_eq!(find(same.trim_end()).len(), 1);
}

/// Pairs in which the incumbent's second run and the candidate have these outputs.
fn runs(
    pairs: u64,
    a: &str,
    second: impl Fn(u64) -> &'static str,
    b: impl Fn(u64) -> &'static str,
) -> (Vec<Row>, Noise) {
    let of = |text: &str| stdout(BYTES, text.as_bytes());
    let one = |n: u64| row_with(&Rules::default(), &of(a), Some(&of(second(n))), &of(b(n)));
    let rows: Vec<Row> = (0..pairs).map(one).collect();
    let noise = Noise::learn(&rows);
    (rows, noise)
}

#[test]
fn another_order_of_lines_is_noise_only_where_the_incumbent_shows_it() {
    const A: &str = "one 1\ntwo 2\nthree 3\n";
    const B: &str = "three 3\none 1\ntwo 2\n";
    const WRONG: &str = "three 3\none 9\ntwo 2\n";
    let different = |rows: &[Row], noise: &Noise| {
        let is = |row: &&Row| matches!(classify(row, noise).class, PairClass::Different(_));
        rows.iter().filter(is).count()
    };
    let (rows, noise) = runs(40, A, |n| if n % 2 == 0 { A } else { B }, |_| B);
    assert_eq!(different(&rows, &noise), 0);
    // The lines themselves were compared: nothing is lost.
    assert!(
        rows.iter()
            .all(|row| classify(row, &noise).class == PairClass::Excused)
    );
    let (rows, noise) = runs(40, A, |n| if n % 2 == 0 { A } else { B }, |_| WRONG);
    assert_eq!(different(&rows, &noise), 40);
    let (rows, noise) = runs(40, A, |_| A, |_| B);
    assert_eq!(different(&rows, &noise), 40);
    let workload = Workload {
        operations: &["sort".to_owned()],
        size: &|_| 0,
        reproduce: &|_| String::new(),
    };
    let clusters = tally(&rows, &noise, &Rules::default(), workload).clusters;
    assert_eq!(
        (clusters.len(), clusters[0].kind, clusters[0].count),
        (1, Kind::Order, 40)
    );
    assert!(
        clusters[0].examples[0]
            .contender
            .ends_with("(the same lines in another order)")
    );
}

#[test]
fn the_directory_of_a_run_is_the_same_for_every_side() {
    let of = |side: char| {
        let text =
            format!("at /t/{side}/run/work, not /t/{side}/running: \"\\/t\\/{side}\\/run\"\n");
        let mut answer = stdout(BYTES, text.as_bytes());
        let value = format!("link -> /t/{side}/run/work/x").into_bytes();
        let name = "file:l;entry".to_owned();
        answer.fields.push(Field { name, value });
        hide_directory(&mut answer, &[format!("/t/{side}/run")]);
        answer
    };
    let (a, b) = (of('a'), of('b'));
    assert_eq!(a.fields, b.fields);
    let text = String::from_utf8(a.parts[0].bytes.clone()).unwrap();
    assert_eq!(
        text,
        "at /own-directory/work, not /t/a/running: \"/own-directory\"\n"
    );
}

/// What a program leaves behind that has a place for every fault.
fn rich() -> Answer {
    ran(
        0,
        &[
            ("file:a.txt;entry", "file 644"),
            ("file:d;entry", "directory 755"),
            ("file:l;entry", "link -> a.txt"),
            ("file:old;entry", "removed"),
            ("stderr;class", "empty"),
        ],
        &[
            ("stdout", BYTES, b"one 1\ntwo 2\nthree 3\n"),
            ("file:a.txt", LINES, b"b\na\n"),
            ("file:b.bin", BYTES, &[0, 1, 2, 255]),
            (
                "file:c.json",
                JSON,
                br#"{"name":"Ann","n":[{"a":1},{"a":2}],"ok":true}"#,
            ),
            ("file:d.csv", CSV, b"a,b\n1,two\n3,four\n"),
        ],
    )
}

#[test]
fn every_fault_of_a_command_is_found_without_rules() {
    let right = rich();
    for fault in Plain.faults() {
        let mut planted = 0;
        for draw in 0..40 {
            let Some(wrong) = Plain.plant(&right, *fault, draw) else {
                continue;
            };
            planted += 1;
            assert!(
                !row(&right, &wrong).differences.is_empty(),
                "{}: {wrong:?}",
                fault.name()
            );
        }
        assert!(planted > 0, "{}", fault.name());
        assert_eq!(
            Plain.plant(&ran(0, &[], &[]), *fault, 1).is_some(),
            *fault == Fault::ExitCode
        );
    }
    // Of lines in any order, none have changed places.
    let sorted = stdout(SORTED, b"a\nb\n");
    assert_eq!(Plain.plant(&sorted, Fault::LinesSwapped, 0), None);
    assert!(Plain.plant(&sorted, Fault::LineMissing, 0).is_some());
}

#[test]
fn what_hides_a_fault_of_a_command_is_named() {
    let rule = Rule {
        path: "stdout".to_owned(),
        operation: None,
        kind: None,
        reason: None,
        owner: None,
        expires: None,
        ..Rule::default()
    };
    let rules = Rules::compile(vec![rule.clone()], "2026-11-30".parse().unwrap()).unwrap();
    let differ = Differ::new(&rules, &shown_whole).speaking(&Plain);
    let right = rich();
    let tried: Vec<(Fault, Row)> = (0..20)
        .flat_map(|draw| {
            try_faults(
                &differ,
                &History::default(),
                (0, "sort"),
                (&right, &[]),
                draw,
            )
        })
        .collect();
    let tried: Vec<_> = tried.iter().map(|(fault, row)| (*fault, row, 1)).collect();
    let names: Vec<String> = Rule::names([&rule]).collect();
    let around = Around {
        operations: &["sort".to_owned()],
        rules: &names,
        rows: &[],
    };
    let test = self_test(&tried, &Noise::default(), around);
    assert!(test.injected > 200 && test.missed > 0, "{test:?}");
    let by: Vec<&str> = test
        .hidden_by
        .iter()
        .map(|hides| hides.by.as_str())
        .collect();
    assert_eq!(by, ["rule 1: stdout"]);
    let missed = |fault: Fault| {
        let of = test.faults.iter().find(|of| of.fault == fault.name());
        of.map(|of| of.missed > 0)
    };
    assert_eq!(missed(Fault::LinesSwapped), Some(true));
    assert_eq!(missed(Fault::ExitCode), Some(false));
    assert_eq!(missed(Fault::ModeChanged), Some(false));
}

fn texts() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[ab \t\r\n]{0,12}".prop_map(String::into_bytes),
        "(one|two|\\{\"a\":1\\}|[0-9]{1,3}|\r?\n){0,8}".prop_map(String::into_bytes),
        proptest::collection::vec(
            prop_oneof![Just(0_u8), Just(10), Just(13), Just(97), Just(254)],
            0..8
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn long_texts_are_equal_exactly_when_they_are(
        start in "[ab\n]{0,80}", a in "[ab\n]{0,150}", b in "[ab\n]{0,150}", end in "[ab\n]{0,80}"
    ) {
        let (a, b) = (format!("{start}{a}{end}"), format!("{start}{b}{end}"));
        let found = row(&stdout(BYTES, a.as_bytes()), &stdout(BYTES, b.as_bytes()));
        prop_assert_eq!(found.differences.is_empty(), a == b);
    }

    #[test]
    fn bytes_are_equal_exactly_when_they_are(a in texts(), b in texts()) {
        let found = row(&stdout(BYTES, &a), &stdout(BYTES, &b));
        prop_assert_eq!(found.differences.is_empty(), a == b);
        prop_assert_eq!(found.lost, None);
    }

    #[test]
    fn lines_are_equal_exactly_when_they_are_without_carriage_returns_at_their_ends(a in texts(), b in texts()) {
        let found = row(&stdout(LINES, &a), &stdout(LINES, &b));
        let lines = |bytes: &[u8]| crate::document::lines_as_text(bytes);
        prop_assert_eq!(found.differences.is_empty(), lines(&a) == lines(&b));
    }

    #[test]
    fn a_text_is_equal_only_to_itself(a in texts(), b in texts()) {
        let found = row(&stdout(TEXT, &a), &stdout(TEXT, &b));
        prop_assert_eq!(found.differences.is_empty(), a == b);
    }

    #[test]
    fn every_fault_that_is_planted_is_found(text in texts(), draw: u64) {
        for media in [BYTES, TEXT, LINES, SORTED, JSON, CSV] {
            let right = ran(0, &[("file:x;entry", "file 644")], &[("file:x", media, &text)]);
            for fault in Plain.faults() {
                if let Some(wrong) = Plain.plant(&right, *fault, draw) {
                    let found = row(&right, &wrong);
                    prop_assert!(!found.differences.is_empty(), "{} {media} {wrong:?}", fault.name());
                }
            }
        }
    }
}
