//! Faults next to noise, in every kind of body: a document of each type with one noisy value, compared with itself
//! and with one that has one more thing wrong in every answer.

use crate::{By, Differ, History, Noise, Outcomes, PairClass, Row, Rules, classify};
use understudy_model::{Field, Outcome, Place};
use understudy_stats::random::Random;

fn shown_whole(_: Option<&Place>, text: &str) -> String {
    text.to_owned()
}

/// Answers in a run, and runs of each type.
pub(super) const ANSWERS: u64 = 40;
pub(super) const RUNS: u64 = 100;

pub(super) const WORDS: [&str; 8] = [
    "alpha", "bravo", "delta", "kilo", "lima", "oscar", "sierra", "tango",
];

/// The kinds of noise.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Clock,
    Count,
    Token,
    Word,
    Moment,
}

fn noise(kind: Kind, tick: u64, dice: &mut Random) -> String {
    match kind {
        Kind::Clock => (17_640_000_000_000 + tick * 7 + dice.below(5) as u64).to_string(),
        Kind::Count => (1000 + dice.below(90_000)).to_string(),
        Kind::Token => (0..4)
            .map(|_| format!("{:08x}", dice.next() as u32))
            .collect(),
        Kind::Word => WORDS[dice.below(8)].to_owned(),
        Kind::Moment => format!(
            "2026-11-29T10:{:02}:{:02}.{:03}Z",
            tick / 60 % 60,
            tick % 60,
            dice.below(1000)
        ),
    }
}

type Render = fn(&[String]) -> (&'static str, Vec<u8>);

/// Every type, from six values.
fn types() -> Vec<(&'static str, Render)> {
    [json_types(), other_types()].concat()
}

fn json_types() -> Vec<(&'static str, Render)> {
    vec![
        ("json", |v| {
            (
                "application/json",
                format!(
                    r#"{{"a":"{}","b":{{"c":"{}","d":["{}","{}"]}},"e":"{} and {}"}}"#,
                    v[0], v[1], v[2], v[3], v[4], v[5]
                )
                .into(),
            )
        }),
        ("json tuple", |v| {
            (
                "application/json",
                format!(
                    r#"["{}","{}","{}","{}","{}","{}"]"#,
                    v[0], v[1], v[2], v[3], v[4], v[5]
                )
                .into(),
            )
        }),
        ("json in a string", |v| {
            (
                "application/json",
                format!(
                    r#"{{"p":"{{\"a\":\"{}\",\"b\":[\"{}\",\"{}\"]}}","q":"{} {}: {}"}}"#,
                    v[0], v[1], v[2], v[3], v[4], v[5]
                )
                .into(),
            )
        }),
        ("json behind a prefix", |v| {
            (
                "application/json",
                format!(
                    ")]}}',\n{{\"a\":\"{}\",\"b\":\"{} {}\",\"c\":\"{}\",\"d\":\"{}/{}\"}}",
                    v[0], v[1], v[2], v[3], v[4], v[5]
                )
                .into(),
            )
        }),
        ("json lines", |v| {
            ("application/x-ndjson", format!("{{\"a\":\"{}\",\"b\":\"{}\"}}\n{{\"c\":\"{}\",\"d\":\"{}\"}}\n[\"{}\",\"{}\"]\n", v[0], v[1], v[2], v[3], v[4], v[5]).into())
        }),
    ]
}

fn other_types() -> Vec<(&'static str, Render)> {
    vec![
        ("xml", |v| {
            (
                "application/xml",
                format!(
                    "<o id='{}'><at>{}</at><total>{}</total><l><i>{}</i><i>{}</i></l>x {}</o>",
                    v[0], v[1], v[2], v[3], v[4], v[5]
                )
                .into(),
            )
        }),
        ("html", |v| {
            ("text/html", format!("<html><p class={}>Balance: <b>{}</b> of {}</p><table><tr><td>{}<td>{}</table><small>in {} ns</small>", v[0], v[1], v[2], v[3], v[4], v[5]).into())
        }),
        ("csv", |v| {
            (
                "text/csv",
                format!(
                    "at,total,n\n{},{},{}\n{},{},{}\n",
                    v[0], v[1], v[2], v[3], v[4], v[5]
                )
                .into(),
            )
        }),
        ("csv without header", |v| {
            (
                "text/csv",
                format!(
                    "1,{},{},{}\n2,{},{},{}\n",
                    v[0], v[1], v[2], v[3], v[4], v[5]
                )
                .into(),
            )
        }),
        ("events", |v| {
            ("text/event-stream", format!("id: {}\ndata: {{\"a\":\"{}\",\"b\":\"{}\"}}\n\nevent: x\ndata: {} {}\ndata: {}\n\n", v[0], v[1], v[2], v[3], v[4], v[5]).into())
        }),
        ("form", |v| {
            (
                "application/x-www-form-urlencoded",
                format!(
                    "a={}&b={}&c={}&d={}+{}&e={}",
                    v[0], v[1], v[2], v[3], v[4], v[5]
                )
                .into(),
            )
        }),
        ("text", |v| {
            (
                "text/plain",
                format!(
                    "served in {} ms, total {} of {}\nid {}\nlast {} by {}\n",
                    v[0], v[1], v[2], v[3], v[4], v[5]
                )
                .into(),
            )
        }),
        ("numbers in a row", |v| {
            (
                "text/plain",
                format!("{} {} {} {} {} {}", v[0], v[1], v[2], v[3], v[4], v[5]).into(),
            )
        }),
        ("script", |v| {
            (
                "text/javascript",
                format!(
                    "var a = \"{}\", b = '{}';\nf({}, {});\n// {}\nx[{}]();\n",
                    v[0], v[1], v[2], v[3], v[4], v[5]
                )
                .into(),
            )
        }),
        ("multipart", |v| {
            ("multipart/mixed; boundary=x", format!("--x\r\nContent-Type: application/json\r\nX-A: {}\r\n\r\n{{\"a\":\"{}\",\"b\":\"{}\"}}\r\n--x\r\n\r\n{} {}\n{}\r\n--x--\r\n", v[0], v[1], v[2], v[3], v[4], v[5]).into())
        }),
    ]
}

pub(super) fn answer((media, body): (&str, Vec<u8>)) -> Outcome {
    Outcome::Answered(crate::http::answer(
        200,
        vec![Field {
            name: "content-type".into(),
            value: media.into(),
        }],
        body,
        false,
    ))
}

/// The pairs of a run in which one value is noise, and one more is wrong at the candidate.
fn run(
    render: impl Fn(&[String]) -> (&'static str, Vec<u8>),
    noisy: usize,
    kind: Kind,
    wrong: Option<usize>,
    seed: u64,
) -> Vec<Row> {
    let mut dice = Random::new(seed);
    let value = |i: usize, dice: &mut Random| match i % 3 {
        0 => (10 + dice.below(900)).to_string(),
        1 => WORDS[dice.below(8)].to_owned(),
        _ => format!("{}.{:02}", dice.below(100), dice.below(100)),
    };
    let values: Vec<String> = (0..6).map(|i| value(i, &mut dice)).collect();
    let (rules, mut history) = (Rules::default(), History::default());
    let differ = Differ::new(&rules, &shown_whole);
    let mut rows = Vec::new();
    for tick in 0..ANSWERS {
        let mut one = |wrong: Option<usize>| {
            let mut v = values.clone();
            v[noisy] = noise(kind, tick * 3 + dice.below(3) as u64, &mut dice);
            if let Some(wrong) = wrong {
                v[wrong] = match v[wrong].parse::<f64>() {
                    Ok(_) => format!("{}1", v[wrong]),
                    Err(_) => format!("{}x", v[wrong]),
                };
            }
            answer(render(&v))
        };
        let (incumbent, second, candidate) = (one(None), one(None), one(wrong));
        let outcomes = Outcomes {
            incumbent: &incumbent,
            second: Some(&second),
            candidate: &candidate,
        };
        rows.push(Row::compare(
            &differ,
            &mut history,
            0,
            (0, "GET /"),
            outcomes,
        ));
    }
    rows
}

/// How many of the pairs are different, and whether any was not compared.
pub(super) fn different(rows: &[Row]) -> usize {
    let noise = Noise::learn(rows);
    let judged = rows.iter().map(|row| classify(row, &noise));
    judged
        .filter(|judged| matches!(judged.class, PairClass::Different(_)))
        .count()
}

const KINDS: [Kind; 5] = [
    Kind::Clock,
    Kind::Count,
    Kind::Token,
    Kind::Word,
    Kind::Moment,
];

#[test]
fn a_fault_next_to_noise_is_found_in_every_kind_of_body_and_noise_alone_is_none() {
    for (name, render) in types() {
        let (mut missed, mut made_up) = (Vec::new(), Vec::new());
        for seed in 0..RUNS {
            let mut dice = Random::new(seed ^ 0x5eed);
            let noisy = dice.below(6);
            let wrong = (noisy + 1 + dice.below(5)) % 6;
            let kind = KINDS[dice.below(5)];
            let rows = run(render, noisy, kind, Some(wrong), seed);
            if (different(&rows) as u64) < ANSWERS {
                missed.push((seed, noisy, kind, wrong, different(&rows)));
            }
            let rows = run(render, noisy, kind, None, seed);
            if different(&rows) > 0 {
                made_up.push((seed, noisy, kind, different(&rows)));
            }
        }
        assert!(
            missed.len() <= 1,
            "{name}: missed {} of {RUNS}: {missed:?}",
            missed.len()
        );
        assert!(
            made_up.is_empty(),
            "{name}: made up {} of {RUNS}: {made_up:?}",
            made_up.len()
        );
    }
}

#[test]
fn a_wrong_byte_next_to_a_binary_clock_or_token_is_found() {
    for (little_endian, in_part) in [(false, false), (false, true), (true, false), (true, true)] {
        for random in [false, true] {
            let (mut missed, mut made_up) = (Vec::new(), Vec::new());
            for seed in 0..RUNS {
                let mut dice = Random::new(seed);
                let wrong = match dice.below(2) {
                    0 => dice.below(6),
                    _ => 14 + dice.below(30),
                };
                let mut rows = [Vec::new(), Vec::new()];
                for (at, is_wrong) in [true, false].into_iter().enumerate() {
                    let (rules, mut history) = (Rules::default(), History::default());
                    let differ = Differ::new(&rules, &shown_whole);
                    for tick in 0..ANSWERS {
                        let mut one = |is_wrong: bool| {
                            let clock = match random {
                                true => dice.next(),
                                false => 17_640_000_000_000 + tick * 40 + dice.below(9) as u64,
                            };
                            let mut body = vec![255; 6];
                            body.extend(if little_endian {
                                clock.to_le_bytes()
                            } else {
                                clock.to_be_bytes()
                            });
                            body.extend([10; 30]);
                            if is_wrong {
                                body[wrong] ^= 1;
                            }
                            match in_part {
                                true => answer(("multipart/mixed; boundary=x", as_part(&body))),
                                false => answer(("application/octet-stream", body)),
                            }
                        };
                        let (incumbent, second, candidate) =
                            (one(false), one(false), one(is_wrong));
                        let outcomes = Outcomes {
                            incumbent: &incumbent,
                            second: Some(&second),
                            candidate: &candidate,
                        };
                        rows[at].push(Row::compare(
                            &differ,
                            &mut history,
                            0,
                            (0, "GET /"),
                            outcomes,
                        ));
                    }
                }
                if (different(&rows[0]) as u64) < ANSWERS {
                    missed.push((seed, wrong, different(&rows[0])));
                }
                if different(&rows[1]) > 0 {
                    made_up.push((seed, different(&rows[1])));
                }
            }
            let what =
                format!("little-endian {little_endian}, in a part {in_part}, random {random}");
            assert!(missed.len() <= 1, "{what}: missed {missed:?}");
            assert!(made_up.is_empty(), "{what}: made up {made_up:?}");
        }
    }
}

/// The only part of a multipart body.
fn as_part(bytes: &[u8]) -> Vec<u8> {
    let head = b"--x\r\nContent-Type: application/octet-stream\r\n\r\n";
    [head, bytes, b"\r\n--x--\r\n"].concat()
}

#[test]
fn what_noise_covers_as_a_whole_is_not_compared() {
    let rows = run(
        |v| ("text/plain", v[0].clone().into()),
        0,
        Kind::Token,
        None,
        1,
    );
    let noise = Noise::learn(&rows);
    for row in &rows {
        let judged = classify(row, &noise);
        assert_eq!(judged.class, PairClass::Covered);
        assert!(judged.excused_by.contains(&By::Noise(&Place::BODY)));
    }
    // A text of which every word is another each time hides whatever else is in it, and says so.
    let mut dice = Random::new(9);
    let mut words = |n: usize| -> Vec<&str> { (0..n).map(|_| WORDS[dice.below(8)]).collect() };
    let quote = |words: Vec<&str>| answer(("text/plain", words.join(" ").into()));
    let (rules, mut history) = (Rules::default(), History::default());
    let differ = Differ::new(&rules, &shown_whole);
    let rows: Vec<Row> = (0..ANSWERS)
        .map(|_| {
            let (incumbent, second, candidate) =
                (quote(words(40)), quote(words(40)), quote(words(40)));
            let outcomes = Outcomes {
                incumbent: &incumbent,
                second: Some(&second),
                candidate: &candidate,
            };
            Row::compare(&differ, &mut history, 0, (0, "GET /"), outcomes)
        })
        .collect();
    let noise = Noise::learn(&rows);
    for row in &rows {
        let judged = classify(row, &noise);
        assert_eq!(judged.class, PairClass::Covered, "{:?}", judged.coverage);
    }
}
