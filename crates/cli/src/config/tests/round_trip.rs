//! What is written reads as it was.

use super::*;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use std::collections::BTreeMap;
use understudy_compare::{Condition, Normal, Unordered};
use understudy_judge::search::capacity::CapacityConfig;
use understudy_judge::search::floor::{FloorConfig, FloorTrial, LoadTrial, RunsTrial};
use understudy_judge::terms::Sizing;
use understudy_model::{ByteSize, Change, Quantity, Share};
use understudy_observe::Attach;
use understudy_subject_command::{ComparedAs, Outputs};
use understudy_trial::config::{
    Cache, CasesFrom, CommandWorkload, DependencyConfig, DependencyKind, EdgesConfig, HostHeader,
    HttpDependency, HttpWorkload, Launched, Pauses, ProtobufConfig,
};

/// Any text that TOML has to escape, or not.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{1,12}", "[^\0]{1,12}"]
}

fn path() -> impl Strategy<Value = PathBuf> {
    vec("[^\0/]{1,8}", 1..4).prop_map(|parts| {
        let parts = parts.into_iter().filter(|part| part != ".");
        Path::new("/").join(parts.collect::<PathBuf>())
    })
}

fn span() -> impl Strategy<Value = Span> {
    // Thirteen days; from fifty on the decimals of a text are not exact to the nanosecond any more.
    let any = prop_oneof![1..1u64 << 50, (1..600u64).prop_map(|s| s * 1_000_000_000)];
    any.prop_map(Span::from_nanos)
}

fn quantity<Q: Quantity<Err: std::fmt::Debug>>(text: String) -> Q {
    text.parse().unwrap()
}

fn change() -> impl Strategy<Value = Change> {
    (-9999..100_000i32).prop_map(|n| quantity(format!("{}%", f64::from(n) / 100.0)))
}

fn share() -> impl Strategy<Value = Share> {
    (0..=1_000_000u32).prop_map(|n| quantity(format!("{}%", f64::from(n) / 10_000.0)))
}

fn side() -> impl Strategy<Value = SideConfig> {
    let ready = prop_oneof![
        Just(Ready::Port),
        "/[a-z?=&%0-9]{0,9}".prop_map(Ready::Path),
        text().prop_map(Ready::Log),
    ];
    let env = btree_map("[^\0=]{1,8}", "[^\0]{0,8}", 0..3);
    let launched = (
        path(),
        option::of(text()),
        option::of(text()),
        "[a-z ]{0,9}",
        env,
        ready,
        span(),
        proptest::sample::select(Pauses::ALL.to_vec()),
    );
    let launched = launched.prop_map(
        |(dir, git, build, words, env, ready, ready_timeout, pauses)| Launched {
            dir,
            git,
            build,
            shell: false,
            run: format!("./serve {words} {{port}}"),
            env,
            ready,
            ready_timeout,
            pauses,
        },
    );
    let attach = prop_oneof![
        (1..=i32::MAX as u32).prop_map(Attach::Pid),
        (1..=i32::MAX as u32).prop_map(Attach::Jvm),
        path().prop_map(Attach::Cgroup),
    ];
    let running = (text(), option::of(attach));
    prop_oneof![
        launched.prop_map(SideConfig::Launched),
        running.prop_map(|(url, attach)| SideConfig::Running { url, attach }),
    ]
}

fn workload() -> impl Strategy<Value = HttpWorkload> {
    let paths = vec("/[a-z?=&%0-9]{0,9}", 1..4);
    let requests = prop_oneof![
        path().prop_map(RequestsFrom::File),
        paths.prop_map(RequestsFrom::Paths),
    ];
    let rates = vec(
        prop_oneof![0.001..1e7, (1..9_999_999u32).prop_map(f64::from)],
        1..5,
    );
    let arrivals = prop_oneof![Just(Arrivals::Poisson), Just(Arrivals::Constant)];
    let fresh = prop_oneof![
        Just(None),
        Just(Some(Fresh::Trial)),
        Just(Some(Fresh::Pair)),
        Just(Some(Fresh::Block)),
    ];
    let host = prop_oneof![
        Just(HostHeader::Same),
        Just(HostHeader::Own),
        "[a-z]{1,8}(\\.test)?(:[0-9]{2,4})?"
            .prop_filter("a word of its own", |name| name != "own")
            .prop_map(HostHeader::Named),
    ];
    let rest = (
        1..=65_536u32,
        span(),
        option::of(span()),
        any::<[bool; 2]>(),
        host,
        option::of((any::<bool>(), any::<bool>(), span(), span())),
        option::of((any::<bool>(), text(), option::of(span()), span(), span())),
        option::of((path(), vec((text(), text()), 0..3))),
    );
    (requests, option::of(path()), rates, arrivals, fresh, rest).prop_map(
        |(requests, prepare, rates, arrivals, fresh, rest)| HttpWorkload {
            requests,
            prepare,
            rates: super::super::workload::ascending(rates),
            arrivals,
            fresh,
            connections: rest.0,
            timeout: rest.1,
            warmup: rest.2,
            writes: rest.3[0],
            instructions: rest.3[1],
            host: rest.4,
            edges: rest.5.map(|(writes, required, budget, idle)| EdgesConfig {
                writes,
                required,
                budget,
                idle,
            }),
            dependencies: Vec::from_iter(rest.6.map(|(kind, url, latency, timeout, settle)| {
                DependencyConfig {
                    name: "prices".to_owned(),
                    kind: match kind {
                        true => DependencyKind::Tcp("cache.test:6379".to_owned()),
                        false => DependencyKind::Http(HttpDependency {
                            url,
                            latency,
                            timeout,
                            settle,
                        }),
                    },
                }
            })),
            protobuf: rest
                .7
                .map(|(descriptors, named)| ProtobufConfig { descriptors, named }),
        },
    )
}

/// Quantiles as people write them, and any other.
fn quantile() -> impl Strategy<Value = f64> {
    prop_oneof![
        (1..100_000u32).prop_map(|n| f64::from(n) / 100_000.0),
        1e-9..1.0f64,
    ]
}

fn slo() -> impl Strategy<Value = Slo> {
    let latency = (text(), quantile(), span());
    prop_oneof![
        latency.prop_map(|(operation, quantile, max)| Slo::Latency {
            operation,
            quantile,
            max
        }),
        share().prop_map(|max| Slo::ErrorRate { max }),
    ]
}

/// A document has every key once.
fn goals() -> impl Strategy<Value = Vec<Goal>> {
    let goals = prop_oneof![
        change().prop_map(Goal::Cpu),
        change().prop_map(Goal::Memory),
        change().prop_map(Goal::Instructions),
        (quantile(), change()).prop_map(|(quantile, change)| Goal::Latency { quantile, change }),
    ];
    vec(goals, 0..4).prop_map(|goals| {
        let mut seen = BTreeMap::new();
        let key = |goal: &Goal| match goal {
            Goal::Wall(_) => "wall".to_owned(),
            Goal::Startup(_) => "startup".to_owned(),
            Goal::Cpu(_) => "cpu".to_owned(),
            Goal::Memory(_) => "memory".to_owned(),
            Goal::Instructions(_) => "instructions".to_owned(),
            Goal::Latency { quantile, .. } => quantile.to_string(),
        };
        let once = |goal: &Goal| seen.insert(key(goal), ()).is_none();
        goals.into_iter().filter(once).collect()
    })
}

fn rule() -> impl Strategy<Value = Rule> {
    let kind = proptest::sample::select(DifferenceKind::ALL.to_vec());
    let expires = (0..=9999u16, 1..=12u8, 1..=28u8)
        .prop_map(|(year, month, day)| Day::new(year, month, day).unwrap());
    let texts = (
        text(),
        option::of(text()),
        option::of(text()),
        option::of(text()),
    );
    let only = prop_oneof![Just(Vec::new()), vec(text(), 1..3)];
    (
        texts,
        option::of(kind),
        option::of(expires),
        only,
        condition(),
    )
        .prop_map(
            |((path, operation, reason, owner), kind, expires, only, condition)| Rule {
                path: if only.is_empty() { path } else { String::new() },
                only,
                condition,
                operation,
                kind,
                reason,
                owner,
                expires,
            },
        )
}

fn condition() -> impl Strategy<Value = Condition> {
    let unordered = prop_oneof![Just(Unordered::Likeness), text().prop_map(Unordered::Key),];
    let normalise = proptest::sample::subsequence(Normal::ALL.to_vec(), 0..Normal::ALL.len());
    (
        option::of(text()),
        option::of(text()),
        any::<bool>(),
        vec(text(), 0..3),
        normalise,
        option::of(unordered),
    )
        .prop_map(
            |(tolerance, matches, present, one_of, normalise, unordered)| Condition {
                tolerance,
                matches,
                present,
                one_of,
                normalise,
                unordered,
            },
        )
}

fn machine() -> impl Strategy<Value = MachineConfig> {
    let list = || option::of(vec(0..4096u32, 1..4).prop_map(CpuList::new));
    (list(), list()).prop_map(|(generator, subject)| MachineConfig { generator, subject })
}

/// Placeholders in generated texts may ask for limits.
fn limits() -> impl Strategy<Value = LimitsConfig> {
    let cpus = prop_oneof![0.01..64.0, (1..64u8).prop_map(f64::from)];
    let memory = prop_oneof![1..1u64 << 50, (1..64u64).prop_map(|n| n << 30)];
    (cpus, memory).prop_map(|(cpus, memory)| LimitsConfig {
        cpus: Cpus::new(cpus),
        memory: Some(ByteSize::new(memory)),
    })
}

fn question() -> impl Strategy<Value = Question> {
    let margin = share().prop_filter("0% is refused", |share| share.get() > 0.0);
    prop_oneof![
        Just(Question::Replace),
        (margin, proptest::option::of(span()))
            .prop_map(|(margin, longest)| Question::NoWorse { margin, longest }),
    ]
}

fn capacity() -> impl Strategy<Value = CapacityConfig> {
    let width = (1..=500_000u32).prop_map(|n| quantity(format!("{}%", f64::from(n) / 10_000.0)));
    let warmup = (0..600u64).prop_map(|s| Span::from_nanos(s * 1_000_000_000));
    let budget = (601..9000u64).prop_map(|s| Span::from_nanos(s * 1_000_000_000));
    (width, 0.001..1e6, 1e6..1e7, warmup, option::of(budget)).prop_map(
        |(width, first_rate, highest_rate, warmup, budget)| CapacityConfig {
            width,
            first_rate,
            highest_rate,
            warmup,
            budget,
        },
    )
}

fn memory_floor() -> impl Strategy<Value = FloorConfig> {
    let seconds = |range: std::ops::Range<u64>| range.prop_map(Span::from_secs);
    let bytes = |range: std::ops::Range<u64>| range.prop_map(ByteSize::new);
    let of = (1..=50u32).prop_map(|n| quantity(format!("{n}%")));
    let sizes = (option::of(bytes(1 << 21..1 << 40)), bytes(1..1 << 21));
    let times = (
        seconds(0..600),
        option::of(seconds(1..60)),
        seconds(60..9000),
    );
    (0.001..1e6, 1..=20u32, of, sizes, times).prop_map(
        |(rate, repeats, precision, (start, lowest), (warmup, measured, soak))| FloorConfig {
            repeats,
            precision,
            start,
            lowest,
            trial: FloorTrial::Load(LoadTrial {
                rate,
                warmup,
                measured,
                soak,
            }),
        },
    )
}

fn config() -> impl Strategy<Value = TrialConfig> {
    let header = (
        text(),
        proptest::sample::select(Level::ALL.to_vec()),
        0..=HIGHEST_SEED,
    );
    let wanted = (vec(slo(), 0..3), goals(), vec(rule(), 0..3), question());
    let machine = (
        machine(),
        option::of(capacity()),
        option::of(memory_floor()),
    );
    (
        header,
        (side(), side(), option::of(side())),
        workload(),
        wanted,
        limits(),
        machine,
    )
        .prop_map(
            |(header, (incumbent, candidate, tuned), workload, wanted, limits, machine)| {
                TrialConfig {
                    // It needs an objective to hold.
                    capacity: machine.1.filter(|_| !wanted.0.is_empty()),
                    memory_floor: machine.2.filter(|_| !wanted.0.is_empty()),
                    name: header.0,
                    level: header.1,
                    seed: header.2,
                    incumbent,
                    candidate,
                    // It is not a part of the question whether a version is worse.
                    tuned: tuned.filter(|_| wanted.3 == Question::Replace),
                    workload: WorkloadConfig::Http(workload),
                    slos: wanted.0,
                    goals: wanted.1,
                    question: wanted.3,
                    limits,
                    rules: wanted.2,
                    machine: machine.0,
                    case: None,
                }
            },
        )
}

proptest! {
    #[test]
    fn what_is_written_reads_as_it_was(config in config()) {
        let text = write(&config);
        let again = parse(&text, Path::new("/elsewhere"), "trial.toml", Mode::Judge);
        prop_assert_eq!(again, Ok(config), "{}", text);
    }

    /// A quantity with more digits than are written is rounded when it is read, not later.
    #[test]
    fn what_was_read_is_written_and_reads_as_it_was(
        change in -99.0..1000.0f64,
        share in 0.0..100.0f64,
        time in 0.001..1e9f64,
    ) {
        let text = format!(
            "{SMALLEST}[goal]\ncpu = \"{change}%\"\n[[slo]]\nerror_rate = \"{share}%\"\n\
             [[slo]]\nquantile = 0.9\nmax = \"{time}s\"\n"
        );
        let config = judged(&text);
        prop_assert_eq!(judged(&write(&config)), config);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,80}", at in 0..EVERYTHING.len(), len in 0..9usize) {
        let _ = parse(&text, Path::new("/"), "trial.toml", Mode::Judge);
        let mut broken: Vec<char> = EVERYTHING.chars().collect();
        let end = (at + len).min(broken.len());
        broken.splice(at..end, text.chars());
        let broken: String = broken.into_iter().collect();
        match parse(&broken, Path::new("/"), "trial.toml", Mode::Judge) {
            Ok(_) => {}
            Err(lines) => prop_assert!(!lines.is_empty(), "{}", broken),
        }
    }
}

/// The same trial of commands: what only services have is left out.
fn of_commands(config: TrialConfig, workload: CommandWorkload) -> TrialConfig {
    let launched = |side: SideConfig, shell: bool| match side {
        SideConfig::Launched(launched) => SideConfig::Launched(Launched {
            shell,
            run: launched.run.replace(" {port}", ""),
            ready: Ready::Port,
            ready_timeout: Span::from_secs(60),
            pauses: Pauses::default(),
            ..launched
        }),
        SideConfig::Running { .. } => SideConfig::Launched(Launched {
            dir: PathBuf::from("/x"),
            git: None,
            build: None,
            shell,
            run: "true".to_owned(),
            env: BTreeMap::new(),
            ready: Ready::Port,
            ready_timeout: Span::from_secs(60),
            pauses: Pauses::default(),
        }),
    };
    let goals = config.goals.into_iter();
    let startup = workload.startup.is_some();
    let startup = startup.then(|| Goal::Startup(quantity("-9%".to_owned())));
    TrialConfig {
        incumbent: launched(config.incumbent, false),
        candidate: launched(config.candidate, true),
        tuned: config.tuned.map(|side| launched(side, true)),
        workload: WorkloadConfig::Command(workload),
        goals: goals
            .filter(|goal| !matches!(goal, Goal::Latency { .. }))
            .chain([Goal::Wall(quantity("-5%".to_owned()))])
            .chain(startup)
            .collect(),
        capacity: None,
        memory_floor: config.memory_floor.map(|floor| FloorConfig {
            trial: FloorTrial::Runs(RunsTrial {
                slower: quantity("35.5%".to_owned()),
                budget: quantity("4m".to_owned()),
            }),
            ..floor
        }),
        ..config
    }
}

proptest! {
    #[test]
    fn a_trial_of_commands_reads_as_it_was_written(
        config in config(),
        cases in prop_oneof![
            Just(CasesFrom::Alone),
            Just(CasesFrom::Pattern("/data/*.json".to_owned())),
            Just(CasesFrom::File(PathBuf::from("/lab/cases.jsonl"))),
        ],
        is_cold in any::<bool>(),
        startup in option::of(vec("[^\0]{0,8}", 0..3)),
        unit in text(),
        deadline in option::of(span()),
        ways in vec((proptest::sample::select(vec!["stdout", "stderr", "out/*.csv", "**/*.log"]), proptest::sample::select(ComparedAs::ALL.to_vec())), 0..4),
    ) {
        let entries = ways.iter().map(|(path, way)| (*path, way.word()));
        let outputs = Outputs::read(entries).unwrap();
        // The sizes that a deadline is about are in a file of cases.
        let deadline = deadline.filter(|_| matches!(cases, CasesFrom::File(_)));
        let workload = CommandWorkload {
            cases,
            cache: if is_cold { Cache::Cold } else { Cache::Warm },
            timeout: Span::from_secs(7),
            outputs,
            startup,
            sizing: Sizing { unit, deadline },
            instructions: is_cold,
            ffmpeg: "ffmpeg".to_owned(),
        };
        let config = of_commands(config, workload);
        let text = write(&config);
        let again = parse(&text, Path::new("/elsewhere"), "trial.toml", Mode::Judge);
        prop_assert_eq!(again, Ok(config), "{}", text);
    }
}
