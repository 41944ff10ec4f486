//! `understudy init`: what it writes is a trial, or says what it lacks.

use crate::harness::{Ended, Scratch, run, understudy};
use crate::import::fixture;
use std::fs;
use std::net::TcpListener;

fn init(scratch: &Scratch, arguments: &[&str]) -> Ended {
    run(understudy()
        .current_dir(scratch.path())
        .arg("init")
        .args(arguments))
}

fn plan(scratch: &Scratch, variables: &[&str]) -> Ended {
    let mut command = understudy();
    for variable in variables {
        command.env(variable, "value");
    }
    run(command
        .current_dir(scratch.path())
        .args(["plan", "trial.toml"]))
}

#[test]
fn two_commands_and_a_capture_are_a_trial_that_can_be_planned() {
    let scratch = Scratch::new("init-complete");
    for (flag, name, variables) in [
        ("--from", "access.log", vec!["TOKEN"]),
        (
            "--from",
            "shop.har",
            vec![
                "SESSION_COOKIE",
                "AUTHORIZATION",
                "PASSWORD",
                "ACCESS_TOKEN",
            ],
        ),
        (
            "--openapi",
            "shop.openapi.yaml",
            vec!["AUTHORIZATION", "API_KEY"],
        ),
    ] {
        let file = fixture(name);
        let sides = [
            "--incumbent",
            "./old --port 8080",
            "--candidate",
            "./new --listen 127.0.0.1:{port}",
        ];
        let mut arguments = sides.to_vec();
        arguments.extend([flag, file.to_str().unwrap(), "--force"]);
        let ended = init(&scratch, &arguments);
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (0, ""),
            "{}",
            ended.stderr
        );
        assert!(!ended.stderr.contains("fill in"), "{}", ended.stderr);
        assert!(
            ended.stderr.contains("understudy plan trial.toml"),
            "{}",
            ended.stderr
        );
        let planned = plan(&scratch, &variables);
        assert_eq!(planned.code, 0, "{}", planned.stderr);
        assert!(
            planned.stdout.contains("smallest effect"),
            "{}",
            planned.stdout
        );
        if !variables.is_empty() {
            let unset = plan(&scratch, &[]);
            assert_eq!(unset.code, 2);
            let named = |name: &&str| unset.stderr.contains(&format!("${name}, which is not set"));
            assert!(variables.iter().any(named), "{}", unset.stderr);
        }
    }
    let text = fs::read_to_string(scratch.path().join("trial.toml")).unwrap();
    assert!(text.contains("run = \"./old --port {port}\""), "{text}");
}

#[test]
fn without_arguments_it_says_what_it_found() {
    // It asks everything that listens here, also the servers of other tests, which count what they are asked.
    let _machine = crate::harness::machine();
    let scratch = Scratch::new("init-around");
    scratch.write("access.log", "");
    scratch.write("shop.har", "");
    scratch.write(
        "package.json",
        "{\"scripts\": {\"start\": \"node server.js\"}}",
    );
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ended = init(&scratch, &[]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let text = fs::read_to_string(scratch.path().join("trial.toml")).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    for part in [
        "understudy init --from access.log",
        "understudy init --from shop.har",
        address.as_str(),
    ] {
        assert!(
            ended.stderr.contains(part),
            "{part} is not in {}",
            ended.stderr
        );
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(text.contains("#   run = \"node server.js\""), "{text}");
    assert_eq!(text.matches("# fill in: ").count(), 3, "{text}");
    assert!(
        ended
            .stderr
            .contains("fill these in, then: understudy plan trial.toml"),
        "{}",
        ended.stderr
    );
}

#[test]
fn what_runs_already_is_found_and_protected() {
    // It asks everything that listens here, also the servers of other tests, which count what they are asked.
    let _machine = crate::harness::machine();
    let scratch = Scratch::new("init-url");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    scratch.write(
        "requests.jsonl",
        "{\"method\":\"POST\",\"path\":\"/a\"}\n{\"path\":\"/b\"}\n",
    );
    let ended = init(
        &scratch,
        &["--incumbent", &url, "--candidate", "./new {port}"],
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let text = fs::read_to_string(scratch.path().join("trial.toml")).unwrap();
    if cfg!(target_os = "linux") {
        assert!(
            text.contains(&format!("attach = {{ pid = {} }}", std::process::id())),
            "{text}"
        );
    }
    assert!(
        text.contains("fill in: writes = true") && text.contains("the requests hold POST"),
        "{text}"
    );
    assert!(
        ended.stderr.contains("workload: writes = true"),
        "{}",
        ended.stderr
    );
}

#[test]
fn nothing_is_overwritten_unasked_and_mistakes_are_reported_at_once() {
    let scratch = Scratch::new("init-mistakes");
    scratch.write("trial.toml", "mine");
    let ended = init(
        &scratch,
        &[
            "--incumbent",
            "https://127.0.0.1/",
            "--candidate",
            "a 'b",
            "--requests",
            "gone.jsonl",
        ],
    );
    assert_eq!(ended.code, 2);
    for part in [
        "--incumbent: ",
        "--candidate: ",
        "gone.jsonl is not a file",
        "`trial.toml` exists\nhint: `--force` overwrites it",
    ] {
        assert!(
            ended.stderr.contains(part),
            "{part} is not in {}",
            ended.stderr
        );
    }
    let log = fixture("access.log");
    scratch.write("requests.jsonl", "mine");
    let ended = init(
        &scratch,
        &["--out", "other.toml", "--from", log.to_str().unwrap()],
    );
    assert_eq!(ended.code, 2);
    assert!(
        ended.stderr.contains("requests.jsonl` exists"),
        "{}",
        ended.stderr
    );
    assert_eq!(
        fs::read_to_string(scratch.path().join("requests.jsonl")).unwrap(),
        "mine"
    );
    assert_eq!(
        fs::read_to_string(scratch.path().join("trial.toml")).unwrap(),
        "mine"
    );
    assert!(!scratch.path().join("other.toml").exists());
}

#[test]
fn a_file_elsewhere_names_paths_that_lead_back() {
    let scratch = Scratch::new("init-elsewhere");
    fs::create_dir(scratch.path().join("trials")).unwrap();
    scratch.write("asked.jsonl", "{\"path\":\"/\"}\n");
    let sides = ["--incumbent", "./old {port}", "--candidate", "./new {port}"];
    let mut arguments = sides.to_vec();
    arguments.extend(["--requests", "asked.jsonl", "--out", "trials/trial.toml"]);
    assert_eq!(init(&scratch, &arguments).code, 0);
    let planned = run(understudy()
        .arg("plan")
        .arg(scratch.path().join("trials/trial.toml")));
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    assert!(
        planned.stdout.starts_with("trials: 1 request"),
        "{}",
        planned.stdout
    );
}
