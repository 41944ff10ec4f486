use super::*;
use understudy_compare::Rule;
use understudy_judge::terms::{Fresh, Goal, Slo};
use understudy_model::Arrivals;
use understudy_model::{Cpus, DifferenceKind, Span};
use understudy_observe::Attach;
use understudy_trial::config::{Ready, RequestsFrom, SideConfig};

mod errors;
mod round_trip;
mod suite;

pub(super) const SMALLEST: &str = r#"
schema = 1
side.incumbent.run = "a --port {port}"
side.candidate.run = "b --port {port}"
workload = { paths = ["/"], rates = [500] }
"#;

pub(super) fn today() -> Day {
    "2026-11-22".parse().unwrap()
}

fn judged(text: &str) -> TrialConfig {
    parse(text, Path::new("/lab/shop"), "trial.toml", Mode::Judge).unwrap()
}

#[test]
fn what_is_not_said_has_a_default() {
    let config = judged(SMALLEST);
    assert_eq!(config.name, "shop");
    assert_eq!((config.level, config.seed), (Level::Default, 1));
    let SideConfig::Launched(incumbent) = &config.incumbent else {
        panic!("{:?}", config.incumbent)
    };
    assert_eq!(incumbent.dir, Path::new("/lab/shop"));
    assert_eq!((&incumbent.build, &incumbent.ready), (&None, &Ready::Port));
    assert_eq!(incumbent.ready_timeout, Span::from_secs(60));
    let workload = config.workload.http().unwrap();
    assert_eq!(workload.requests, RequestsFrom::Paths(vec!["/".to_owned()]));
    assert_eq!((workload.connections, workload.writes), (64, false));
    assert_eq!(
        (workload.timeout, workload.warmup),
        (Span::from_secs(10), None)
    );
    assert_eq!(
        (workload.arrivals, workload.fresh),
        (Arrivals::Poisson, None)
    );
    assert!(config.slos.is_empty() && config.goals.is_empty() && config.rules.is_empty());
    assert_eq!(config.limits, LimitsConfig::default());
    assert_eq!(config.machine, MachineConfig::default());
}

const EVERYTHING: &str = r#"
schema = 1
[trial]
name = "read-states"
level = "thorough"
seed = 7
[subject]
kind = "http"
[side.incumbent]
dir = "incumbent/."
build = "go build"
run = "./serve --listen 127.0.0.1:{port} --heap {memory}"
env = { GOMAXPROCS = "{cpus}", "odd name" = "" }
ready_log = "listening on \\d+"
ready_timeout = "1.5s"
pauses = "jvm"
[side.candidate]
url = "http://127.0.0.1:8080"
attach = { pid = 42 }
[side.tuned]
run = "./serve --listen 127.0.0.1:{port}"
env = { GOGC = "400" }
[workload]
requests = "../requests.jsonl"
prepare = "/data/seed.jsonl"
rates = [4000, 1000.5, 4000]
arrivals = "constant"
fresh = "block"
connections = 8
timeout = "2s"
warmup = 0
writes = true
[[slo]]
quantile = 0.99
max = "20ms"
[[slo]]
operation = "GET /items/{id}"
quantile = 0.5
max = "250us"
[[slo]]
error_rate = "0.1%"
[goal]
"p99.9" = "-25%"
cpu = "-30%"
p5 = "+1%"
memory = "-40%"
[limits]
cpus = "0.5"
memory = "512MiB"
[[compare.rule]]
path = "$.generated_at"
operation = "GET *"
kind = "value"
reason = "it is a clock"
owner = "ada"
expires = 2026-12-31
[machine]
generator = "0"
subject = "1-3"
"#;

#[test]
fn everything_that_can_be_said_is_understood() {
    let config = judged(EVERYTHING);
    assert_eq!((config.name.as_str(), config.seed), ("read-states", 7));
    assert_eq!(config.level, Level::Thorough);
    let SideConfig::Launched(incumbent) = &config.incumbent else {
        panic!("{:?}", config.incumbent)
    };
    assert_eq!(incumbent.dir.to_str(), Some("/lab/shop/incumbent"));
    assert_eq!(incumbent.env["GOMAXPROCS"], "{cpus}");
    assert_eq!(incumbent.ready, Ready::Log("listening on \\d+".to_owned()));
    assert_eq!(incumbent.ready_timeout, Span::from_millis(1500));
    assert_eq!(incumbent.pauses.name(), "jvm");
    let url = "http://127.0.0.1:8080".to_owned();
    assert_eq!(
        config.candidate,
        SideConfig::Running {
            url,
            attach: Some(Attach::Pid(42))
        }
    );
    let Some(SideConfig::Launched(tuned)) = &config.tuned else {
        panic!("{:?}", config.tuned)
    };
    assert_eq!(tuned.env["GOGC"], "400");
    let workload = config.workload.http().unwrap();
    let file = PathBuf::from("/lab/shop/../requests.jsonl");
    assert_eq!(workload.requests, RequestsFrom::File(file));
    assert_eq!(workload.rates, [1000.5, 4000.0]);
    assert_eq!(workload.warmup, Some(Span::from_secs(0)));
    let Slo::Latency {
        operation,
        quantile,
        max,
    } = &config.slos[1]
    else {
        panic!("{:?}", config.slos)
    };
    assert_eq!(
        (operation.as_str(), *quantile, max.micros()),
        ("GET /items/{id}", 0.5, 250.0)
    );
    let goals = [
        Goal::Latency {
            quantile: 0.999,
            change: "-25%".parse().unwrap(),
        },
        Goal::Cpu("-30%".parse().unwrap()),
        Goal::Latency {
            quantile: 0.05,
            change: "1%".parse().unwrap(),
        },
        Goal::Memory("-40%".parse().unwrap()),
    ];
    assert_eq!(config.goals, goals, "in the order of the file");
    assert_eq!(config.limits.cpus, Cpus::new(0.5));
    let rule = Rule {
        path: "$.generated_at".to_owned(),
        operation: Some("GET *".to_owned()),
        kind: Some(DifferenceKind::Value),
        reason: Some("it is a clock".to_owned()),
        owner: Some("ada".to_owned()),
        expires: Some("2026-12-31".parse().unwrap()),
        ..Rule::default()
    };
    assert_eq!(config.rules, [rule]);
    assert_eq!(config.machine.subject, Some(CpuList::new(1..=3)));
}

#[test]
fn the_configuration_is_written_with_every_value() {
    insta::assert_snapshot!(write(&judged(EVERYTHING)), @r#"
    schema = 1

    [trial]
    name = "read-states"
    level = "thorough"
    seed = 7

    [subject]
    kind = "http"

    [side.incumbent]
    dir = "/lab/shop/incumbent"
    build = "go build"
    run = "./serve --listen 127.0.0.1:{port} --heap {memory}"
    env = { GOMAXPROCS = "{cpus}", "odd name" = "" }
    ready_log = 'listening on \d+'
    ready_timeout = "1.5s"
    pauses = "jvm"

    [side.candidate]
    url = "http://127.0.0.1:8080"
    attach = { pid = 42 }

    [side.tuned]
    dir = "/lab/shop"
    run = "./serve --listen 127.0.0.1:{port}"
    env = { GOGC = "400" }
    ready_timeout = "1m"
    pauses = "auto"

    [workload]
    requests = "/lab/shop/../requests.jsonl"
    prepare = "/data/seed.jsonl"
    rates = [1000.5, 4000]
    arrivals = "constant"
    fresh = "block"
    connections = 8
    timeout = "2s"
    warmup = "0s"
    writes = true

    [[slo]]
    operation = "*"
    quantile = 0.99
    max = "20ms"

    [[slo]]
    operation = "GET /items/{id}"
    quantile = 0.5
    max = "250us"

    [[slo]]
    error_rate = "0.1%"

    [goal]
    "p99.9" = "-25%"
    cpu = "-30%"
    p5 = "+1%"
    memory = "-40%"

    [judge]
    goal = "replace"

    [limits]
    cpus = 0.5
    memory = "512MiB"

    [[compare.rule]]
    path = "$.generated_at"
    operation = "GET *"
    kind = "value"
    reason = "it is a clock"
    owner = "ada"
    expires = "2026-12-31"

    [machine]
    generator = "0"
    subject = "1,2,3"
    "#);
}

#[test]
fn the_former_name_of_the_operation_is_read_and_not_both() {
    let read = |keys: &str| {
        let text = format!("{SMALLEST}[[slo]]\n{keys}\nquantile = 0.5\nmax = \"1s\"\n");
        parse(&text, Path::new("/lab"), "trial.toml", Mode::Judge)
    };
    let now = read("operation = \"GET /\"").unwrap();
    assert_eq!(read("endpoint = \"GET /\"").unwrap(), now);
    let both = read("operation = \"*\"\nendpoint = \"GET /\"").unwrap_err();
    assert!(both[0].contains("slo.endpoint: is not a key"), "{both:?}");
}

#[test]
fn a_goal_on_instructions_has_them_counted() {
    let counts = |more: &str| judged(&format!("{SMALLEST}{more}")).counts_instructions();
    assert!(!counts("[goal]\ncpu = \"-30%\"\n"));
    assert!(counts("[goal]\ninstructions = \"+1%\"\n"));
    let goals = judged(&format!("{SMALLEST}[goal]\ninstructions = \"+1%\"\n")).goals;
    assert_eq!(goals, [Goal::Instructions("+1%".parse().unwrap())]);
    let asked = SMALLEST.replace("rates = [500]", "rates = [500], instructions = true");
    assert!(judged(&asked).counts_instructions());
}

#[test]
fn the_demo_is_a_trial() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/read-states/trial.toml");
    // Its requests are written by `./demo`; a clean clone has none.
    let config = read(&path, Mode::Judge).unwrap();
    assert_eq!(config.name, "read-states");
    assert_eq!(config.workload.http().unwrap().rates, [1000.0, 4000.0]);
    assert_eq!((config.slos.len(), config.goals.len()), (2, 1));
    let text = write(&config);
    assert_eq!(
        parse(&text, Path::new("/"), "trial.toml", Mode::Judge),
        Ok(config)
    );
}
