use super::*;
use clap::Parser;
use std::path::PathBuf;
use understudy_judge::terms::{Goal, Slo};
use understudy_model::{Cpus, Span};

#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    flags: Flags,
}

fn flags(arguments: &[&str]) -> Flags {
    let arguments = std::iter::once(&"understudy").chain(arguments);
    Arguments::try_parse_from(arguments).unwrap().flags
}

#[test]
fn the_example_of_the_readme_is_a_trial() {
    let flags = flags(&[
        "--incumbent",
        "node server.js --port {port}",
        "--candidate",
        "./server --port {port}",
        "--get",
        "/items/1",
    ]);
    assert_eq!(flags.given(), ["--incumbent", "--candidate", "--get"]);
    let config = in_folder(&flags, Path::new("/lab/shop")).unwrap();
    assert_eq!((config.name.as_str(), config.seed), ("shop", 1));
    let SideConfig::Launched(candidate) = &config.candidate else {
        panic!("{:?}", config.candidate)
    };
    assert_eq!(candidate.run, "./server --port {port}");
    assert_eq!(candidate.dir, Path::new("/lab/shop"));
    assert_eq!(config.workload.http().unwrap().rates, [500.0]);
    let paths = vec!["/items/1".to_owned()];
    assert_eq!(
        config.workload.http().unwrap().requests,
        RequestsFrom::Paths(paths)
    );
}

#[test]
fn every_flag_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("r.jsonl"), "").unwrap();
    let flags = flags(&[
        "--incumbent=http://127.0.0.1:8080",
        "--candidate=./server {port} {cpus} {memory}",
        "--requests=r.jsonl",
        "--rate=4000",
        "--rate=1e3",
        "--slo=p99 < 20ms",
        "--slo=errors<=0.1%",
        "--goal=cpu=-30%",
        "--goal=p99.9=-25%",
        "--cpus=0.5",
        "--memory=512MiB",
        "--ready=/healthz",
        "--seed=7",
        "--writes",
        "--instructions",
        "--name=shop",
    ]);
    assert_eq!(flags.given().len(), 13, "{:?}", flags.given());
    let config = in_folder(&flags, folder.path()).unwrap();
    let file: PathBuf = folder.path().join("r.jsonl");
    assert_eq!(
        config.workload.http().unwrap().requests,
        RequestsFrom::File(file)
    );
    assert_eq!(config.workload.http().unwrap().rates, [1000.0, 4000.0]);
    assert!(config.workload.http().unwrap().writes);
    assert!(config.counts_instructions());
    let slos = [
        Slo::Latency {
            operation: "*".to_owned(),
            quantile: 0.99,
            max: Span::from_millis(20),
        },
        Slo::ErrorRate {
            max: "0.1%".parse().unwrap(),
        },
    ];
    assert_eq!(config.slos, slos);
    let goals = [
        Goal::Cpu("-30%".parse().unwrap()),
        Goal::Latency {
            quantile: 0.999,
            change: "-25%".parse().unwrap(),
        },
    ];
    assert_eq!(config.goals, goals);
    assert_eq!(config.limits.cpus, Cpus::new(0.5));
    assert_eq!(config.limits.memory, Some(ByteSize::new(512 << 20)));
    assert_eq!((config.seed, config.name.as_str()), (7, "shop"));
    let SideConfig::Launched(candidate) = &config.candidate else {
        panic!("{:?}", config.candidate)
    };
    assert_eq!(candidate.ready, Ready::Path("/healthz".to_owned()));
}

#[track_caller]
fn check(arguments: &[&str], expected: &[&str]) {
    let errors = in_folder(&flags(arguments), Path::new("/lab")).unwrap_err();
    assert_eq!(errors, expected, "{arguments:?}");
}

#[test]
fn every_mistake_is_reported_at_once() {
    check(
        &[],
        &[
            "--incumbent: is missing\nhint: give the command that starts it, or its `http://` URL",
            "--candidate: is missing\nhint: give the command that starts it, or its `http://` URL",
            "`--get` is missing\nhint: give a path, or a file with `--requests`",
        ],
    );
    check(
        &[
            "--incumbent=https://127.0.0.1/",
            "--candidate=./server 'x {memory}",
            "--get=items/1",
            "--requests=gone.jsonl",
            "--rate=0",
            "--rate=fast",
            "--slo=p99",
            "--slo=p100<1s",
            "--slo=p99<20",
            "--slo=p99<0s",
            "--slo=errors<1",
            "--goal=cpu",
            "--goal=speed=-1%",
            "--goal=cpu=1",
            "--cpus=0",
            "--ready=healthz",
            "--seed=-1",
            "--name=",
        ],
        &[
            "--incumbent: \"https://\" is not supported: only http:// is, in this version",
            "--candidate: the command \"./server 'x {memory}\" cannot be split into words\nhint: close the open quote",
            "--candidate: `{port}` is missing\nhint: write it where the command takes the port to listen on",
            "--candidate: `{memory}` is used, but memory has no limit\nhint: set `limits.memory`",
            "--ready: path \"healthz\" must begin with \"/\" and hold no space or control character\nhint: percent-encode them",
            "--get: path \"items/1\" must begin with \"/\" and hold no space or control character\nhint: percent-encode them",
            "--requests: excludes --get: a file, or paths",
            "--rate: 0 is not a rate from 0.001 to 10000000 requests per second",
            "--rate: \"fast\" is not a number of requests per second",
            "--slo: \"p99\" is not an objective such as \"p99<20ms\" or \"errors<0.1%\"",
            "--slo: \"p100<1s\" is not an objective such as \"p99<20ms\" or \"errors<0.1%\"",
            "--slo: \"20\" is not a time such as \"250us\", \"20ms\", \"1.5s\" or \"2m\"",
            "--slo: 0 can never be held",
            "--slo: \"1\" is not a share such as \"0.1%\"",
            "--goal: \"cpu\" is not a goal such as \"cpu=-30%\"",
            "--goal: speed: is not a goal\nhint: use `cpu`, `memory`, `instructions`, a quantile such as `p99`, or, of commands, `wall` or `startup`",
            "--goal: cpu: \"1\" is not a change such as \"-30%\"",
            "--cpus: \"0\" is not a number of CPUs such as 1 or 0.5",
            "--seed: \"-1\" is not a whole number from 0 to 9223372036854775807",
            "`--name` is empty\nhint: give a name, or leave it out",
        ],
    );
    check(
        &[
            "--incumbent=http://127.0.0.1:1",
            "--candidate=http://127.0.0.1:2",
            "--requests=gone.jsonl",
            "--ready=/",
            "--memory=0B",
        ],
        &[
            "--ready: no side is started, so that none is awaited",
            "--requests: \"gone.jsonl\" is not a file",
            "--memory: 0 leaves nothing to run in",
        ],
    );
}
