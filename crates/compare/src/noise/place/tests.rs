//! Honest pairs and planted faults in fields that always differ, through the whole comparison.

use crate::fixtures;
use crate::{Differ, History, Noise, Outcomes, PairClass, Row, Rules, classify};
use understudy_model::{Outcome, Place};
use understudy_stats::random::Random;

/// Pairs of one run, of which the incumbent is asked twice each.
const PAIRS: u64 = 400;
/// Every so many answers of the candidate are wrong.
const WRONG: u64 = 25;

/// What a program knows when it answers: which of three it is, the number of the request, a draw.
struct Program {
    which: u64,
    draws: Random,
    answered: u64,
}

/// What a program writes into its answer to the request of this number.
type Value = fn(&mut Program, u64) -> String;

/// A field that differs in every pair, and what a fault makes of it.
struct Case {
    name: &'static str,
    honest: Value,
    /// (what is wrong, the wrong value)
    faults: &'static [(&'static str, Value)],
}

fn clock(program: &mut Program, request: u64, ahead: f64) -> String {
    let at = 43_200.0 + request as f64 * 0.05 + program.draws.exponential(0.2) + ahead;
    let (h, m, s) = (at / 3600.0, at / 60.0 % 60.0, at % 60.0);
    format!("\"2026-11-25T{:02}:{:02}:{s:06.3}Z\"", h as u64, m as u64)
}

fn hex(seed: u64) -> String {
    format!(
        "\"{:032x}\"",
        u128::from(Random::new(seed).next()) << 64 | u128::from(Random::new(seed ^ 7).next())
    )
}

fn money(request: u64) -> f64 {
    (request * 7919 % 10_007) as f64 / 7.0
}

const CASES: &[Case] = &[
    Case {
        name: "generated_at",
        honest: |program, request| clock(program, request, 0.0),
        faults: &[
            ("an hour ahead", |p, n| clock(p, n, 3600.0)),
            ("a minute behind", |p, n| clock(p, n, -60.0)),
            ("the epoch", |_, _| "\"1970-01-01T00:00:00.000Z\"".into()),
        ],
    },
    Case {
        name: "epoch_ms",
        honest: |p, n| (1_764_000_000_000 + n * 50 + p.draws.exponential(200.0) as u64).to_string(),
        faults: &[
            ("seconds", |p, n| {
                (1_764_000_000 + n / 20 + p.draws.next() % 2).to_string()
            }),
            ("an hour behind", |_, n| {
                (1_764_000_000_000 + n * 50 - 3_600_000).to_string()
            }),
        ],
    },
    Case {
        name: "took_ms",
        honest: |p, _| (1 + p.draws.exponential(8.0) as u64).to_string(),
        faults: &[
            ("microseconds", |p, _| {
                (1000 + (p.draws.exponential(8.0) * 1000.0) as u64).to_string()
            }),
            ("negative", |p, _| {
                format!("-{}", 5000 + p.draws.next() % 1000)
            }),
        ],
    },
    Case {
        name: "load",
        honest: |p, _| format!("{:.4}", p.draws.uniform()),
        faults: &[("percent", |p, _| {
            format!("{:.4}", 20.0 + 80.0 * p.draws.uniform())
        })],
    },
    Case {
        name: "sum",
        honest: |p, n| {
            format!(
                "{:?}",
                (money(n) + 0.1) * (1.0 + (p.draws.next() % 9 + 1) as f64 * 1.2e-16)
            )
        },
        faults: &[("a cent", |_, n| format!("{:?}", money(n) + 0.11))],
    },
    Case {
        name: "serial",
        honest: |p, _| (p.which * 5_000_000 + p.answered).to_string(),
        faults: &[
            ("stays equal", |p, _| (p.which * 5_000_000).to_string()),
            ("falls", |p, _| {
                (p.which * 5_000_000 - p.answered).to_string()
            }),
        ],
    },
    Case {
        name: "request_token",
        honest: |p, _| hex(p.draws.next()),
        faults: &[("always the same", |_, _| hex(1))],
    },
    Case {
        // Every program gave the ten customers names of its own.
        name: "customer",
        honest: |p, n| hex(p.which * 1000 + n % 10),
        faults: &[("another customer", |p, n| {
            hex(p.which * 1000 + (n + 1 + p.draws.next() % 9) % 10)
        })],
    },
    Case {
        name: "tags",
        honest: |p, _| match p.draws.next() % 3 {
            0 => "[\"a\",\"b\",\"c\"]".into(),
            1 => "[\"c\",\"a\",\"b\"]".into(),
            _ => "[\"b\",\"c\",\"a\"]".into(),
        },
        faults: &[
            ("one is missing", |_, _| "[\"c\",\"b\"]".into()),
            ("one is another", |_, _| "[\"c\",\"b\",\"d\"]".into()),
            ("one is there twice", |_, _| {
                "[\"c\",\"b\",\"a\",\"a\"]".into()
            }),
        ],
    },
];

fn answer(name: &str, value: &str) -> Outcome {
    let body = format!("{{\"{name}\":{value},\"ok\":true}}");
    Outcome::Answered(fixtures::json(body))
}

/// A run: rows, and the numbers of those whose candidate was wrong.
fn run(case: &Case, seed: u64, wrong: Option<Value>) -> Vec<Row> {
    let program = |which| Program {
        which,
        draws: Random::new(seed * 3 + which),
        answered: 0,
    };
    let (mut incumbent, mut second, mut candidate) = (program(1), program(2), program(3));
    let (rules, redact) = (Rules::default(), |_: Option<&Place>, text: &str| {
        text.to_owned()
    });
    let (differ, mut history) = (Differ::new(&rules, &redact), History::default());
    let mut rows = Vec::new();
    for request in 0..PAIRS {
        let ask = |program: &mut Program, value: Value| {
            program.answered += 1;
            answer(case.name, &value(program, request))
        };
        let faulty = wrong.filter(|_| request % WRONG == WRONG - 1);
        let outcomes = [
            ask(&mut incumbent, case.honest),
            ask(&mut second, case.honest),
            ask(&mut candidate, faulty.unwrap_or(case.honest)),
        ];
        let outcomes = Outcomes {
            incumbent: &outcomes[0],
            second: Some(&outcomes[1]),
            candidate: &outcomes[2],
        };
        rows.push(Row::compare(
            &differ,
            &mut history,
            request as u32,
            (0, "GET /"),
            outcomes,
        ));
    }
    rows
}

fn found(rows: &[Row]) -> Vec<u64> {
    let noise = Noise::learn(rows);
    let is_found = |row: &&Row| matches!(classify(row, &noise).class, PairClass::Different(_));
    rows.iter()
        .filter(is_found)
        .map(|row| u64::from(row.request))
        .collect()
}

#[test]
fn honest_pairs_are_excused_and_faults_in_noisy_fields_are_found() {
    const SEEDS: u64 = 4;
    let mut summary = String::new();
    for case in CASES {
        let unexcused: usize = (0..SEEDS)
            .map(|seed| found(&run(case, seed, None)).len())
            .sum();
        let honest = SEEDS * PAIRS;
        summary += &format!(
            "{}: {unexcused} of {honest} honest pairs unexcused",
            case.name
        );
        // With more than one false alarm in a thousand pairs, users ignore the alarms.
        assert!(unexcused as u64 * 1000 <= honest, "{summary}");
        for (what, wrong) in case.faults {
            let is_wrong = |request: &u64| request % WRONG == WRONG - 1;
            let caught: usize = (0..SEEDS)
                .map(|seed| {
                    found(&run(case, seed, Some(*wrong)))
                        .iter()
                        .filter(|r| is_wrong(r))
                        .count()
                })
                .sum();
            let planted = SEEDS * (PAIRS / WRONG);
            summary += &format!("; {what}: {caught} of {planted} found");
            assert!(caught as u64 * 100 >= planted * 90, "{summary}");
        }
        summary += "\n";
    }
    println!("{summary}");
}
