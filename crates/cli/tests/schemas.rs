//! The published schemas of the JSON documents: they are what the types say, and what the program
//! writes is valid by them. `UPDATE_SCHEMAS=1 cargo test -p understudy-cli --test schemas` writes them.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use understudy_case::{
    Case, CaseDocument, Currency, Input, Kind, Source as FigureSource, Value as Figure, assess,
};
use understudy_compare::dataset::DatasetReport;
use understudy_compare::{Fault, Row as ComparedRow, Rules, TriedFault};
use understudy_gateway::status::{Differences, Proposals, Status as GatewayStatus};
use understudy_import::{Options, Source, Summary, import};
use understudy_judge::search::capacity::CapacityConfig;
use understudy_judge::search::floor::runs::Endings;
use understudy_judge::terms::{Goal, Level, LimitsConfig, Slo};
use understudy_judge::{EdgeAnswers, Evidence, judge};
use understudy_load::report::{self, LoadReport};
use understudy_load::{Histograms, Plan as LoadPlan, Rate, Recorder};
use understudy_model::Arrivals;
use understudy_model::capacity::CapacityReport;
use understudy_model::edges::{ClassFacts, EdgeFacts};
use understudy_model::gates::GeneratorUse;
use understudy_model::instructions::CountedRun;
use understudy_model::profile::ProfileReport;
use understudy_model::proof::SelfTest;
use understudy_model::series::SeriesDocument;
use understudy_model::stored::{BlockFigures, LatencyBlock, RequestFacts, WorkloadFacts};
use understudy_model::stored::{Happenings, Row};
use understudy_model::suite::{self, PairVerdict, RowChange, SuiteDocument, SuiteRow};
use understudy_model::verdict::{
    Environment, Estimate, Figure as Measured, Reason, Resource, VerdictDocument,
};
use understudy_model::{
    Character, Class, Difference, DifferenceKind, Ending, FailureKind, Observation, Role, Span,
};
use understudy_trial::config::{
    EdgesConfig, HostHeader, HttpWorkload, MachineConfig, RequestsFrom, SideConfig, TrialConfig,
    WorkloadConfig,
};

/// The schema of a document as it is written.
fn generated<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<T>()
}

fn schema_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../schemas/{name}.schema.json"))
}

/// The published schema: another test holds the file to it.
fn published<T: JsonSchema>() -> Value {
    generated::<T>().to_value()
}

fn check_published<T: JsonSchema>(name: &str) {
    let text = serde_json::to_string_pretty(&generated::<T>()).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::write(schema_file(name), &text).unwrap();
    }
    let there = fs::read_to_string(schema_file(name)).unwrap_or_default();
    assert!(
        there == text,
        "schemas/{name}.schema.json is not what the types say; if the change is meant, run: \
         UPDATE_SCHEMAS=1 cargo test -p understudy-cli --test schemas"
    );
}

#[test]
fn the_published_schemas_are_what_the_types_say() {
    check_published::<LoadReport>("load");
    check_published::<VerdictDocument>("verdict");
    check_published::<SeriesDocument>("series");
    check_published::<Environment>("environment");
    check_published::<Summary>("import");
    check_published::<CaseDocument>("case");
    check_published::<CapacityReport>("capacity");
    check_published::<ProfileReport>("profile");
    check_published::<GatewayStatus>("gateway-status");
    check_published::<Differences>("gateway-differences");
    check_published::<Proposals>("gateway-proposals");
    check_published::<SelfTest>("gateway-selftest");
    check_published::<DatasetReport>("dataset");
    check_published::<SuiteDocument>("suite");
}

/// Every mistake that a validator finds in a document.
fn mistakes(schema: &Value, document: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).unwrap();
    validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// Every object of a schema that has properties, by where it is.
fn objects<'s>(at: &str, schema: &'s Value, found: &mut Vec<(String, &'s Value)>) {
    match schema {
        Value::Object(object) => {
            if object.contains_key("properties") {
                found.push((at.to_owned(), schema));
            }
            for (name, inner) in object {
                objects(&format!("{at}/{name}"), inner, found);
            }
        }
        Value::Array(all) => all.iter().for_each(|inner| objects(at, inner, found)),
        _ => {}
    }
}

#[test]
fn every_field_is_described_and_no_other_is_allowed() {
    let all = [
        ("load", published::<LoadReport>()),
        ("verdict", published::<VerdictDocument>()),
        ("series", published::<SeriesDocument>()),
        ("environment", published::<Environment>()),
        ("import", published::<Summary>()),
        ("case", published::<CaseDocument>()),
        ("gateway-status", published::<GatewayStatus>()),
        ("gateway-differences", published::<Differences>()),
        ("gateway-proposals", published::<Proposals>()),
        ("gateway-selftest", published::<SelfTest>()),
        ("dataset", published::<DatasetReport>()),
        ("suite", published::<SuiteDocument>()),
    ];
    for (name, schema) in all {
        let mut found = Vec::new();
        objects(name, &schema, &mut found);
        assert!(!found.is_empty());
        for (at, object) in found {
            assert_eq!(object["additionalProperties"], json!(false), "{at}");
            assert!(object["description"].is_string(), "{at} has no description");
            let fields = object["properties"].as_object().unwrap();
            for (field, of) in fields {
                // One alternative of several is described as a whole.
                let alternative = at.ends_with("oneOf") && fields.len() == 1;
                assert!(
                    alternative || of["description"].is_string(),
                    "{at}.{field} has no description"
                );
            }
        }
    }
}

/// An exchange of `at_us` that was answered after `latency_us`, or never.
fn observation(request: u32, at_us: u64, latency_us: Option<u64>) -> Observation {
    let sent_ns = at_us * 1000 + 2_000;
    Observation {
        case: request,
        operation: 0,
        due_ns: at_us * 1000,
        free_ns: at_us * 1000,
        sent_ns,
        first_ns: latency_us.map_or(Observation::NEVER, |us| sent_ns + us * 1000),
        last_ns: sent_ns + latency_us.unwrap_or(10_000_000) * 1000,
        ending: match latency_us {
            Some(_) => Ending::Answered,
            None => Ending::Failed(FailureKind::Timeout),
        },
        class: match latency_us {
            Some(_) => Class::Ok,
            None => Class::Failed,
        },
        code: if latency_us.is_some() { 200 } else { 0 },
        bytes: 150,
        hash: 1,
    }
}

/// The report of 20,000 exchanges, two of them without an answer.
fn load_report(rate: Rate) -> LoadReport {
    let plan = LoadPlan {
        rate,
        arrivals: Arrivals::Poisson,
        warmup: Span::default(),
        duration: Span::from_secs(2),
        connections: 8,
        threads: 1,
        cpus: None,
        timeout: Span::from_secs(10),
        seed: u64::MAX,
        queue: 100,
        apart: false,
    };
    let mut histograms = Histograms::default();
    for n in 0..20_000u32 {
        let latency = (n % 10_000 != 0).then_some(u64::from(n % 977));
        histograms.record(&observation(0, u64::from(n) * 100, latency));
    }
    let generator = GeneratorUse {
        due: 20_000,
        sent: 20_000,
        work_ns: 400_000_000,
        busy_share: 0.9,
        wall_ns: 2_000_000_000,
        ..GeneratorUse::default()
    };
    let context = report::Context {
        target: "http://127.0.0.1:8080/",
        interrupted: false,
        versions: BTreeMap::from([("understudy".to_owned(), "0.1.0".to_owned())]),
    };
    report::report(&plan, &histograms, generator, context)
}

#[test]
fn what_load_writes_is_valid() {
    let schema = published::<LoadReport>();
    for rate in [Rate::PerSecond(10_000.0), Rate::Max] {
        let report = load_report(rate);
        let document = serde_json::to_value(&report).unwrap();
        assert_eq!(mistakes(&schema, &document), Vec::<String>::new());
        let read: LoadReport = serde_json::from_value(document).unwrap();
        assert_eq!(read, report, "reading gives what was written");
    }
}

fn trial_config() -> TrialConfig {
    let side = |port: u16| SideConfig::Running {
        url: format!("http://127.0.0.1:{port}/"),
        attach: None,
    };
    TrialConfig {
        name: "sample".to_owned(),
        level: Level::Quick,
        seed: 1,
        incumbent: side(8001),
        candidate: side(8002),
        tuned: Some(side(8003)),
        workload: WorkloadConfig::Http(HttpWorkload {
            requests: RequestsFrom::Paths(vec!["/".to_owned()]),
            prepare: None,
            rates: vec![1000.0],
            arrivals: Arrivals::Poisson,
            fresh: None,
            connections: 8,
            timeout: Span::from_secs(10),
            warmup: None,
            writes: false,
            instructions: true,
            host: HostHeader::default(),
            edges: Some(EdgesConfig::default()),
            dependencies: Vec::new(),
            protobuf: None,
        }),
        slos: vec![
            Slo::Latency {
                operation: "*".to_owned(),
                quantile: 0.99,
                max: Span::from_millis(20),
            },
            Slo::ErrorRate {
                max: "0.1%".parse().unwrap(),
            },
        ],
        goals: vec![
            Goal::Cpu("-30%".parse().unwrap()),
            Goal::Instructions("-30%".parse().unwrap()),
        ],
        question: understudy_judge::terms::Question::default(),
        limits: LimitsConfig::default(),
        rules: Vec::new(),
        machine: MachineConfig::default(),
        case: None,
        capacity: Some(CapacityConfig {
            width: "5%".parse().unwrap(),
            first_rate: 1000.0,
            highest_rate: 1e6,
            warmup: Span::from_secs(1),
            budget: None,
        }),
        memory_floor: None,
    }
}

fn difference(kind: DifferenceKind) -> Difference {
    Difference {
        path: "$.items[3].price".into(),
        pattern: "$.items[*].price".into(),
        kind,
        baseline: "1".to_owned(),
        contender: "2".to_owned(),
        baseline_character: Character("integer".to_owned()),
        contender_character: Character("integer".to_owned()),
        relation: Default::default(),
        spot: None,
        position: None,
        bytes: 0,
        rules: Vec::new(),
    }
}

/// Differences, noise, a lost exchange, and six blocks a side of which one has too few requests for
/// p99.9: every part of a verdict has something to say.
fn evidence() -> Evidence {
    let row = |request: u32| ComparedRow {
        request,
        differences: match request {
            7 => vec![difference(DifferenceKind::Value)],
            _ => Vec::new(),
        },
        noise: match request {
            8 => vec![difference(DifferenceKind::Order)],
            _ => Vec::new(),
        },
        lost: (request == 9).then(|| "incumbent: timeout".to_owned()),
        ..ComparedRow::default()
    };
    let block = |side: Role, block: u32| {
        let slower = u64::from(side == Role::Incumbent) * 300 + u64::from(block) * 7;
        let rows = (0..6_000u32).map(|n| Row {
            observation: observation(0, u64::from(n) * 1000, Some(u64::from(n % 900) + slower)),
            shape: 3,
            value: 4 + u64::from(side == Role::Candidate && n == 5),
        });
        LatencyBlock {
            rate_rps: 1000.0,
            side,
            block,
            figures: BlockFigures {
                side_cpu_us: Some(90_000.0 + slower as f64),
                unmeasured: Some("memory is not measured".to_owned()),
                ..BlockFigures::default()
            },
            rows: rows.collect(),
            happened: Happenings::default(),
        }
    };
    Evidence {
        exits: Vec::new(),
        quality: Vec::new(),
        operations: vec!["GET /".to_owned()],
        requests: vec![RequestFacts {
            bytes: 40,
            reproduce: "curl \"$URL\"'/'".to_owned(),
            size: None,
        }],
        rows: (0..400).map(row).collect(),
        tuned_rows: (0..400).map(row).collect(),
        faults: vec![TriedFault {
            fault: Fault::NumberOff,
            row: ComparedRow::default(),
        }],
        reproduced: Vec::new(),
        starts: Vec::new(),
        settling: Vec::new(),
        load_is_over: false,
        blocks: Role::SIDES
            .into_iter()
            .flat_map(|side| (0..6).map(move |number| (side, number)))
            .map(|(side, number)| block(side, number))
            .collect(),
        capacity: Role::SIDES
            .into_iter()
            .flat_map(|side| (0..6).map(move |number| block(side, number)))
            .collect(),
        floor: Vec::new(),
        counted: Role::SIDES
            .into_iter()
            .flat_map(|side| [(side, 200), (side, 600)])
            .map(|(side, requests)| CountedRun {
                side,
                case: None,
                requests: Some(requests),
                round: 0,
                instructions: 1_000 + u64::from(requests),
                wall_ns: 5_000,
            })
            .collect(),
        endings: Endings::default(),
        environment: Environment {
            governor: Some("performance".to_owned()),
            one_program: true,
            ..Environment::default()
        },
        notes: vec!["a note".to_owned()],
        edges: Some(edges()),
    }
}

/// One class of edge requests, of which one is answered differently.
fn edges() -> EdgeAnswers {
    let operation = "edge:method.delete".to_owned();
    EdgeAnswers {
        facts: EdgeFacts {
            classes: vec![ClassFacts {
                operation: operation.clone(),
                title: "DELETE where no route has it".to_owned(),
                breaks: "Clients that read Allow.".to_owned(),
            }],
            workload: WorkloadFacts {
                operations: vec![operation],
                requests: vec![RequestFacts::default(); 2],
            },
        },
        rows: vec![ComparedRow {
            differences: vec![difference(DifferenceKind::Code)],
            ..ComparedRow::default()
        }],
        ..EdgeAnswers::default()
    }
}

#[test]
fn what_trial_writes_is_valid() {
    let config = trial_config();
    let terms = config.terms();
    let document = judge(&terms, &Rules::default(), &evidence()).verdict;
    let comparison = &document.comparisons[0];
    assert!(document.instructions.is_some());
    let goals = document.goals.iter();
    assert!(
        goals
            .filter_map(|of| of.not_judged_because.as_ref())
            .count()
            > 0
    );
    assert!(!comparison.equivalence.clusters.is_empty() && !comparison.latency.is_empty());
    assert!(!document.gates.is_empty() && !document.aa.is_empty() && !document.slo.is_empty());
    let value = serde_json::to_value(&document).unwrap();
    assert_eq!(
        mistakes(&published::<VerdictDocument>(), &value),
        Vec::<String>::new()
    );
    assert_eq!(
        mistakes(&published::<Environment>(), &value["environment"]),
        Vec::<String>::new()
    );
    let read: VerdictDocument = serde_json::from_value(value).unwrap();
    assert_eq!(read, document, "reading gives what was written");
}

#[test]
fn what_import_writes_is_valid() {
    let archive = include_bytes!("../../import/fixtures/shop.har");
    let log = include_bytes!("../../import/fixtures/vhost.log");
    let sources = [("shop.har", &archive[..]), ("vhost.log", &log[..])];
    let sources = sources.map(|(name, bytes)| Source { name, bytes });
    let summary = import(&sources, &Options::default()).unwrap().summary;
    assert!(!summary.left_out.is_empty() && !summary.variables.is_empty());
    let document = serde_json::to_value(&summary).unwrap();
    assert_eq!(
        mistakes(&published::<Summary>(), &document),
        Vec::<String>::new()
    );
    let read: Summary = serde_json::from_value(document).unwrap();
    assert_eq!(read, summary, "reading gives what was written");
}

#[test]
fn what_case_writes_is_valid() {
    let mut case = Case::new("sample".to_owned(), Currency::USD);
    let figures = [
        (Input::Instances, "500"),
        (Input::IncumbentVcpus, "1 vCPU"),
        (Input::IncumbentMemory, "4 GiB"),
        (Input::CandidateSaving, "40%..60%"),
        (Input::Effort, "2..4 person-months"),
    ];
    for (input, text) in figures {
        let spread = input.read(text, case.currency).unwrap();
        let source = FigureSource::Stated("a test".to_owned());
        case.set(input, Figure { spread, source });
    }
    case.facts.kind = Kind::Proxy;
    let document = assess(&case, &case.resolve().unwrap(), 1_000, 1);
    assert!(!document.tornado.is_empty() && !document.checks.is_empty());
    assert!(document.flip.is_some());
    let value = serde_json::to_value(&document).unwrap();
    let found = mistakes(&published::<CaseDocument>(), &value);
    assert_eq!(found, Vec::<String>::new());
    let read: CaseDocument = serde_json::from_value(value).unwrap();
    assert_eq!(read, document, "reading gives what was written");
}

#[test]
fn what_dataset_writes_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["a.csv", "b.csv"].map(|name| folder.path().join(name));
    fs::write(&a, "id,x,t,only\n1,1.5,a,\n2,1,,\n3,1,z,\n3,1,z,\n").unwrap();
    fs::write(&b, "x,id,t\n1.6,1,a\n1,2,b\n1,3,z\n1,4,z\n").unwrap();
    let tolerance = understudy_compare::dataset::Tolerance::default().absolute("0.01");
    let options = understudy_dataset::Options {
        columns: understudy_compare::dataset::ChosenColumns {
            key: vec!["id".to_owned()],
            tolerances: vec![("x".to_owned(), tolerance.unwrap())],
            ..Default::default()
        },
        filter: None,
        format: None,
        null: None,
        delimiter: None,
        threads: 1,
        memory: 1 << 20,
        passes: None,
        redact: &|_, text| text.to_owned(),
        stop: None,
        progress: &|_| {},
    };
    let report = understudy_dataset::compare_files(&a, &b, &options).unwrap();
    assert!(!report.clusters.is_empty() && !report.only.is_empty() && !report.schema.is_empty());
    let value = serde_json::to_value(&report).unwrap();
    let found = mistakes(&published::<DatasetReport>(), &value);
    assert_eq!(found, Vec::<String>::new());
    let read: DatasetReport = serde_json::from_value(value).unwrap();
    assert_eq!(read, report, "reading gives what was written");
}

#[test]
fn what_suite_writes_is_valid() {
    let change = |about| RowChange {
        about: Measured::Resource(about),
        ratio: Estimate {
            estimate: Some(0.9),
            low: Some(0.8),
            high: None,
        },
    };
    let row = |name: &str| SuiteRow::pending(name.to_owned(), format!("{name}-1"));
    let document = SuiteDocument {
        schema: suite::SCHEMA,
        name: "tools".to_owned(),
        understudy: "0.1.0".to_owned(),
        started_at: "2026-11-30T08:00:00Z".to_owned(),
        complete: false,
        worst: Some(PairVerdict::Failed),
        pairs: vec![
            row("not-run"),
            SuiteRow {
                verdict: Some(PairVerdict::Failed),
                error: Some("there is no program".to_owned()),
                ..row("failed")
            },
            SuiteRow {
                verdict: Some(PairVerdict::Keep),
                because: Some(Reason {
                    code: "no_measured_problem".to_owned(),
                    text: "nothing was asked for".to_owned(),
                    figures: BTreeMap::new(),
                }),
                time: Some(change(Resource::WallUsPerRun)),
                cpu: Some(change(Resource::CpuUsPerRequest)),
                memory: Some(change(Resource::PeakRssBytes)),
                compared: 420,
                ..row("measured")
            },
        ],
    };
    let value = serde_json::to_value(&document).unwrap();
    let found = mistakes(&published::<SuiteDocument>(), &value);
    assert_eq!(found, Vec::<String>::new());
    let read: SuiteDocument = serde_json::from_value(value).unwrap();
    assert_eq!(read, document, "reading gives what was written");
}

#[test]
fn what_is_wrong_is_not_valid() {
    let schema = published::<LoadReport>();
    let right = serde_json::to_value(load_report(Rate::Max)).unwrap();
    let wrong = |change: &dyn Fn(&mut Value)| {
        let mut document = right.clone();
        change(&mut document);
        mistakes(&schema, &document)
    };
    assert_eq!(wrong(&|_| {}), Vec::<String>::new());
    assert_eq!(wrong(&|d| d["unknown"] = json!(1)).len(), 1);
    assert_eq!(wrong(&|d| d["requests"] = json!(-1)).len(), 1);
    assert_eq!(wrong(&|d| d["load_model"] = json!("half_open")).len(), 1);
    assert_eq!(wrong(&|d| d["latency_us"]["p50"] = json!("1ms")).len(), 1);
    let missing = |d: &mut Value| drop(d.as_object_mut().unwrap().remove("valid"));
    assert_eq!(wrong(&missing).len(), 1);
}
