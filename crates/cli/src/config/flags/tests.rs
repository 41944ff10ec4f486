use super::*;
use clap::Parser;
use std::path::PathBuf;
use understudy_model::{Cpus, Span};
use understudy_trial::config::{Goal, Slo};

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
    assert_eq!(config.workload.rates, [500.0]);
    let paths = vec!["/items/1".to_owned()];
    assert_eq!(config.workload.requests, RequestsFrom::Paths(paths));
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
        "--name=shop",
    ]);
    assert_eq!(flags.given().len(), 12, "{:?}", flags.given());
    let config = in_folder(&flags, folder.path()).unwrap();
    let file: PathBuf = folder.path().join("r.jsonl");
    assert_eq!(config.workload.requests, RequestsFrom::File(file));
    assert_eq!(config.workload.rates, [1000.0, 4000.0]);
    assert!(config.workload.writes);
    let slos = [
        Slo::Latency {
            endpoint: "*".to_owned(),
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
fn every_mistake_is_told_at_once() {
    check(&[], &[]);
}
