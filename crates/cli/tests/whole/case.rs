//! `understudy case`: from a file of stated figures to a decision.

use crate::harness::{Ended, Scratch, run, understudy};
use serde_json::Value;
use std::fs;
use std::path::Path;
use understudy_case::CaseDocument;

fn case(file: &Path, arguments: &[&str]) -> Ended {
    run(understudy().arg("case").arg(file).args(arguments))
}

fn example() -> &'static Path {
    Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/fleet/fleet.toml"
    ))
}

fn document(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {}", ended.stderr))
}

#[test]
fn the_example_decides_by_its_size() {
    let large = case(example(), &["--set", "instances=10000", "--json", "-"]);
    assert_eq!(large.code, 0, "{}", large.stderr);
    let large = document(&large);
    assert_eq!(large["verdict"], "replace");
    assert_eq!(large["arms"][0]["instances"]["p50"], 10_000.0);
    assert!(serde_json::from_value::<CaseDocument>(large).is_ok());
    let small = case(example(), &["--set", "fleet.instances=10"]);
    assert_eq!(small.code, 6, "{}", small.stderr);
    assert!(
        small.stdout.starts_with("KEEP  read-states\n"),
        "{}",
        small.stdout
    );
    assert!(
        small.stdout.contains("the fleet is too small"),
        "{}",
        small.stdout
    );
    let p = "finance.threshold=99.9%";
    let arguments = [
        "--set",
        "instances=900",
        "--set",
        p,
        "--set",
        "tuned.saving=0%",
    ];
    let between = case(example(), &arguments);
    assert_eq!(between.code, 4, "{}", between.stdout);
    assert!(
        between.stdout.contains("next: measure or narrow"),
        "{}",
        between.stdout
    );
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let json = |seed: &str| case(example(), &["--seed", seed, "--json", "-"]).stdout;
    assert_eq!(json("5"), json("5"));
    assert_ne!(json("5"), json("6"));
}

#[test]
fn what_it_says_can_be_explained_and_taken_to_a_spreadsheet() {
    let scratch = Scratch::new("case-csv");
    let table = scratch.path().join("case.csv");
    let ended = case(example(), &["--explain", "--csv", table.to_str().unwrap()]);
    assert!(ended.stdout.contains("candidate: net present value:"));
    assert!(ended.stdout.contains("fleet.demand 600,000/s (stated)"));
    assert!(ended.stdout.contains("default: no state is assumed"));
    let text = fs::read_to_string(table).unwrap();
    let columns = text.lines().next().unwrap().split(',').count();
    assert!(text.lines().count() > 60, "{text}");
    assert!(text.contains("\r\nresult,candidate: net present value,"));
    let plain = text.lines().filter(|line| !line.contains('"'));
    assert!(plain.clone().count() > 30);
    assert!(
        plain
            .into_iter()
            .all(|line| line.split(',').count() == columns)
    );
}

#[test]
fn every_mistake_is_reported_at_once() {
    let scratch = Scratch::new("case-wrong");
    let file = scratch.write(
        "fleet.toml",
        "schema = 1\ncurrency = \"EUR\"\n[fleet]\ninstances = -3\ngrowht = \"5%\"\n[team]\nperson_month = \"20 USD\"\n[candidate]\nsaving = \"60%\"\nmemory = \"2 GiB\"\n",
    );
    let arguments = ["--set", "memory=5", "--set", "foo=1", "--set", "horizon=x"];
    let ended = case(&file, &arguments);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    let said = ended.errors();
    let expected = [
        "effort.build: is missing\nhint: state it, or effort.lines",
        "incumbent.vcpus: is missing",
        "incumbent.memory: is missing",
        "price.vcpu_hour: is missing\nhint: the default is in USD",
        "price.gib_hour: is missing",
        ":4: fleet.instances: -3 is out of bounds",
        ":5: fleet.growht: is not a key\nhint: did you mean `growth`?",
        ":7: team.person_month: \"20 USD\" is in USD, but this case is in EUR",
        ":10: candidate.memory: contradicts candidate.saving",
        "--set \"memory=5\": could be incumbent.memory, candidate.memory",
        "--set \"foo=1\": is not a figure\nhint: known figures are",
        "--set \"horizon=x\": \"x\" is not a figure such as \"3 years\"",
    ];
    assert_eq!(said.len(), expected.len(), "{}", ended.stderr);
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.contains(expected), "{said}\n{expected}");
    }
}

#[test]
fn an_ambiguous_figure_is_refused_with_both_readings_and_nothing_else() {
    let scratch = Scratch::new("case-ambiguous");
    let errors = |from: &str, to: &str| {
        let text = fs::read_to_string(example()).unwrap();
        assert!(text.contains(from), "{from}");
        let ended = case(&scratch.write("fleet.toml", &text.replace(from, to)), &[]);
        (ended.code, ended.errors())
    };
    let months = "person_month = \"20000 USD\"";
    for (to, said) in [
        ("20.000 USD", "20.000 is 20000 or 20.0000"),
        ("20,000 USD", "20,000 is 20000 or 20.0000"),
        ("20.000", "is ambiguous"),
        ("20000 EUR", "is in EUR, but this case is in USD"),
    ] {
        let (code, lines) = errors(months, &format!("person_month = \"{to}\""));
        assert_eq!((code, lines.len()), (2, 1), "{lines:?}");
        assert!(
            lines[0].contains("team.person_month: ") && lines[0].contains(said),
            "{lines:?}"
        );
    }
    for to in [
        "20 000 USD",
        "20'000 USD",
        "20000,00 USD",
        "20.000,00 USD",
        "20_000 USD",
    ] {
        let (code, lines) = errors(months, &format!("person_month = \"{to}\""));
        assert_ne!(code, 2, "{to}: {lines:?}");
    }
    let (code, lines) = errors("currency = \"USD\"", "currency = \"usd\"\ncurency = 1");
    assert_eq!((code, lines.len()), (2, 2), "{lines:?}");
    assert!(
        lines[0].contains("currency: expected three capital letters"),
        "{lines:?}"
    );
    assert!(lines[1].contains("curency: is not a key"), "{lines:?}");
}

#[test]
fn what_cannot_be_read_is_said() {
    let scratch = Scratch::new("case-unread");
    let said = |text: &str| {
        let ended = case(&scratch.write("fleet.toml", text), &[]);
        assert_eq!(ended.code, 2);
        ended.stderr
    };
    assert!(said("schema = 2").contains("needs a later version"));
    assert!(said("schema = ").contains("this is not TOML"));
    assert!(said("schema = 1\ncurrency = \"Euro\"").contains("three capital letters"));
    let none = case(&scratch.path().join("none.toml"), &[]);
    assert!(none.stderr.contains("cannot read"), "{}", none.stderr);
}

#[test]
fn a_shape_is_an_instance_as_it_is_sold() {
    let scratch = Scratch::new("case-shape");
    let with = |side: &str, shape: &str| {
        format!(
            r#"schema = 1
fleet.instances = 100
effort.build = "6 person-months"
candidate.saving = "50%"
[incumbent]
{side}
[shape.large]
{shape}
"#
        )
    };
    let sized = "vcpus = \"2 vCPU\"\nmemory = \"8 GiB\"\ninstance_hour = \"0.1632 USD\"";
    let file = scratch.write("fleet.toml", &with("shape = \"large\"", sized));
    let ended = case(&file, &["--json", "-"]);
    let document: CaseDocument = serde_json::from_str(&ended.stdout).unwrap();
    // 100 instances x 0.1632 USD x 8,760 hours.
    assert_eq!(document.arms[0].yearly_cost.p50.round(), 142_963.0);

    let wrong = |side: &str, shape: &str| {
        case(&scratch.write("fleet.toml", &with(side, shape)), &[]).stderr
    };
    let misspelt = wrong("shape = \"larg\"", sized);
    assert!(
        misspelt.contains("\"larg\" is not a shape of this file\nhint: did you mean \"large\"?"),
        "{misspelt}"
    );
    let twice = wrong("shape = \"large\"\nvcpus = \"1 vCPU\"", sized);
    assert!(
        twice.contains("incumbent.vcpus: is that of the shape, too"),
        "{twice}"
    );
    let without = wrong("shape = \"large\"", "vcpus = \"2 vCPU\"");
    assert!(
        without.contains("shape.large.instance_hour is missing"),
        "{without}"
    );
}
