//! `understudy report` on run directories, whole and broken ones.

use crate::harness::{Scratch, run, understudy};
use std::fs;
use std::path::{Path, PathBuf};
use understudy_evidence::RunDirectory;
use understudy_model::Role;
use understudy_model::series::{PercentileCurve, SeriesDocument};
use understudy_model::verdict::{
    Environment, Figure, Held, Method, Reason, SloResult, Verdict, VerdictDocument,
};

pub(crate) fn verdict() -> VerdictDocument {
    VerdictDocument {
        schema: 1,
        name: "planted <one>".to_owned(),
        verdict: Verdict::Keep,
        because: vec![Reason {
            code: "no_measured_problem".to_owned(),
            text: "no measured problem".to_owned(),
            figures: Default::default(),
        }],
        comparisons: Vec::new(),
        aa: Vec::new(),
        aa_resources: Vec::new(),
        warm_up: Vec::new(),
        tails: Vec::new(),
        slo: Vec::new(),
        goals: Vec::new(),
        tuned_goals: Vec::new(),
        gates: Vec::new(),
        refused: Vec::new(),
        primary: None,
        method: Method {
            pacing: understudy_model::Pacing::Offered,
            level: "quick".to_owned(),
            seed: 1,
            arrivals: "poisson".to_owned(),
            connections: 64,
            requests: 60,
            rates: Vec::new(),
            looks: Vec::new(),
            sides: Default::default(),
            limits: Default::default(),
            repeat: "understudy trial trial.toml".to_owned(),
        },
        environment: Environment::default(),
        capacity: Vec::new(),
        memory_floors: Vec::new(),
        instructions: None,
        limits_of_this_result: Vec::new(),
    }
}

/// A run directory without anything in it.
pub(crate) fn empty_run(scratch: &Scratch) -> RunDirectory {
    RunDirectory::create(&scratch.path().join("runs"), "planted", "20261122T000000Z").unwrap()
}

fn report(run_directory: &Path, arguments: &[&str]) -> crate::harness::Ended {
    run(understudy()
        .arg("report")
        .arg(run_directory)
        .args(arguments))
}

#[test]
fn the_page_is_written_into_the_run_and_its_path_is_printed() {
    let scratch = Scratch::new("report-page");
    let stored = empty_run(&scratch);
    stored.write_json("verdict.json", &verdict()).unwrap();
    let without = report(stored.path(), &[]);
    assert_eq!((without.code, without.stderr.as_str()), (0, ""));
    let path = PathBuf::from(without.stdout.trim_end());
    assert_eq!(path, stored.path().join("report.html"));
    let page = fs::read_to_string(&path).unwrap();
    assert!(page.contains("<h1>planted &lt;one&gt;</h1>") && page.contains("no series.json"));

    let series = SeriesDocument {
        schema: 1,
        curves: vec![PercentileCurve {
            rate_rps: 1500.0,
            side: Role::Incumbent,
            blocks: 6,
            requests: 9000,
            unanswered: 0,
            points: Vec::new(),
        }],
        blocks: Vec::new(),
    };
    stored.write_json("series.json", &series).unwrap();
    let with = report(stored.path(), &["--format", "html", "--out", "-"]);
    assert_eq!(with.code, 0, "{}", with.stderr);
    assert!(with.stdout.contains("At 1,500/s") && !with.stdout.contains("no series.json"));
}

#[test]
fn the_other_forms_go_to_standard_output_or_to_a_file() {
    let scratch = Scratch::new("report-forms");
    let stored = empty_run(&scratch);
    stored.write_json("verdict.json", &verdict()).unwrap();
    for (format, begins) in [
        ("markdown", "## "),
        (
            "junit",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites",
        ),
        ("json", "{\n  \"schema\": 1,"),
    ] {
        let printed = report(stored.path(), &["--format", format]);
        assert_eq!(printed.code, 0, "{format}: {}", printed.stderr);
        assert!(printed.stdout.starts_with(begins), "{}", printed.stdout);
        let file = scratch.path().join(format);
        let written = report(
            stored.path(),
            &["--format", format, "--out", file.to_str().unwrap()],
        );
        assert_eq!(written.stdout, format!("{}\n", file.display()));
        assert_eq!(fs::read_to_string(&file).unwrap(), printed.stdout);
        let file = file.to_str().unwrap();
        let again = report(stored.path(), &["--format", format, "--out", file]);
        assert_eq!(again.code, 2, "{}", again.stderr);
        assert!(
            again.stderr.contains("hint: `--force` overwrites it"),
            "{}",
            again.stderr
        );
        let forced = report(
            stored.path(),
            &["--format", format, "--out", file, "--force"],
        );
        assert_eq!(forced.code, 0, "{}", forced.stderr);
    }
    let json = report(stored.path(), &["--format", "json"]).stdout;
    assert_eq!(
        json,
        stored.read_text("verdict.json").unwrap(),
        "as it is stored"
    );
    assert!(!stored.path().join("report.html").exists());
}

#[test]
fn what_is_not_a_judged_run_is_one_error_and_exits_2() {
    let scratch = Scratch::new("report-wrong");
    let refused = |path: &Path, arguments: &[&str], expected: &str| {
        let ended = report(path, arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{expected}");
        assert_eq!(ended.errors().len(), 1, "{}", ended.stderr);
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    };
    refused(scratch.path(), &[], "is not a run directory");
    refused(&scratch.path().join("none"), &[], "cannot open");
    let stored = empty_run(&scratch);
    refused(
        stored.path(),
        &[],
        "has no verdict yet\nhint: judge it first, `understudy judge ",
    );
    refused(stored.path(), &[], "`understudy trial --resume ");
    stored
        .write_text("verdict.json", "{\"schema\": 1}")
        .unwrap();
    refused(stored.path(), &[], "missing field `name`");
    stored.write_json("verdict.json", &verdict()).unwrap();
    let nowhere = scratch.path().join("no/such/folder");
    refused(
        stored.path(),
        &["--format", "json", "--out", nowhere.to_str().unwrap()],
        "--out: cannot write",
    );
}

#[test]
fn a_run_completes_the_figures_of_a_case() {
    let scratch = Scratch::new("case-of-run");
    let stored = empty_run(&scratch);
    let mut document = verdict();
    document.slo = Role::SIDES.map(held).to_vec();
    stored.write_json("verdict.json", &document).unwrap();
    let side = "url = \"http://127.0.0.1:1\"";
    let trial = format!(
        "schema = 1\n[side.incumbent]\n{side}\n[side.candidate]\n{side}\n[workload]\npaths = [\"/\"]\nrates = [1]\n[limits]\ncpus = 2\n"
    );
    fs::write(stored.path().join("trial.toml"), trial).unwrap();
    let case =
        |arguments: &[&str]| run(understudy().arg("case").arg(stored.path()).args(arguments));
    let without = case(&[]);
    assert_eq!(without.code, 2);
    assert!(
        without.stderr.contains("`--fleet` is missing"),
        "{}",
        without.stderr
    );

    let fleet = scratch.write(
        "fleet.toml",
        "schema = 1\nfleet.instances = 100\neffort.build = \"6 person-months\"\nincumbent.memory = \"4 GiB\"\ncandidate.saving = \"50%\"\n",
    );
    let fleet = fleet.to_str().unwrap();
    let ended = case(&["--fleet", fleet, "--json", "-"]);
    let document: understudy_case::CaseDocument =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{}", ended.stderr));
    let vcpus = document
        .assumptions
        .iter()
        .find(|of| of.input == "incumbent.vcpus")
        .unwrap();
    assert_eq!((vcpus.median, vcpus.source.as_str()), (2.0, "measured"));
    let elsewhere = run(understudy().args(["case", fleet, "--fleet", fleet]));
    assert_eq!(elsewhere.code, 2);
    assert!(
        elsewhere
            .stderr
            .contains("`--fleet` goes with a run directory"),
        "{}",
        elsewhere.stderr
    );
}

fn held(side: Role) -> SloResult {
    SloResult {
        slo: "p99 of all requests at most 20ms".to_owned(),
        about: Figure::ErrorShare,
        side,
        rate_rps: 1.0,
        value: None,
        from_sent: None,
        bound: 1.0,
        held: Held::Holds,
        primary: false,
    }
}
