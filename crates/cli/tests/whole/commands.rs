//! Commands: whole trials of real programs whose differences are known.

use crate::harness::{Ended, Scratch, git, machine, run, understudy};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs a trial of two commands; again, and at most three times, where the machine was too busy to measure (exit code 3): then the
/// incumbent differs from itself.
fn trial(scratch: &Scratch, arguments: &[&str]) -> Ended {
    let mut command = understudy();
    command
        .current_dir(scratch.path())
        .args(["trial", "--quick"])
        .args(arguments);
    let before = runs(scratch);
    let mut ended = run(&mut command);
    for _ in 0..2 {
        if ended.code != 3 {
            break;
        }
        for refused in runs(scratch).difference(&before) {
            fs::remove_dir_all(refused).unwrap();
        }
        ended = run(&mut command);
    }
    ended
}

/// The run directories.
fn runs(scratch: &Scratch) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(scratch.path().join("runs"));
    let entries = entries.into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The verdict of the last run.
fn document(scratch: &Scratch) -> Value {
    let mut runs: Vec<PathBuf> = runs(scratch).into_iter().collect();
    runs.sort_by_key(|run| {
        fs::metadata(run.join("begun.json"))
            .unwrap()
            .modified()
            .unwrap()
    });
    let text = fs::read_to_string(runs.last().unwrap().join("verdict.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The clusters of the candidate: kind and place.
fn clusters(document: &Value) -> Vec<(String, String)> {
    let clusters = document["comparisons"][0]["equivalence"]["clusters"]
        .as_array()
        .unwrap();
    let text = |cluster: &Value, key: &str| cluster[key].as_str().unwrap().to_owned();
    clusters
        .iter()
        .map(|cluster| (text(cluster, "kind"), text(cluster, "path")))
        .collect()
}

#[test]
fn every_planted_difference_is_found_and_named() {
    let _machine = machine();
    let scratch = Scratch::new("commands-differ");
    for (incumbent, candidate, kind, place) in [
        ("printf 'a\\nb\\n'", "printf 'a\\nB\\n'", "text", "stdout"),
        ("exit 0; echo", "exit 3; echo", "code", "code"),
        ("echo x > out", "true", "missing", "file:out"),
        ("echo x > out", "echo y > out", "text", "file:out"),
        (
            "echo x > out",
            "echo x > out; chmod 600 out",
            "value",
            "file:out;entry",
        ),
        ("ln -s a out", "ln -s b out", "value", "file:out;entry"),
        ("printf '1\\n2\\n'", "printf '2\\n1\\n'", "order", "stdout"),
        ("printf '1\\n'", "printf '1'", "text", "stdout;layout"),
        ("true", "echo oops >&2", "value", "stderr;class"),
        ("true", "kill -SEGV $$", "code", "code"),
        ("true", "echo x > ../outside", "extra", "outside:../outside"),
        ("true", "sleep 9", "outcome", "outcome"),
    ] {
        let ended = trial(
            &scratch,
            &["--shell", "--timeout", "1s", incumbent, candidate],
        );
        assert_eq!(
            ended.code, 5,
            "{candidate}: {}{}",
            ended.stdout, ended.stderr
        );
        let found = clusters(&document(&scratch));
        let planted = (kind.to_owned(), place.to_owned());
        assert!(found.contains(&planted), "{candidate}: {found:?}");
        fs::remove_dir_all(scratch.path().join("runs")).unwrap();
    }
}

#[test]
fn a_file_that_is_written_to_an_absolute_path_is_found_and_a_shared_one_is_a_limit() {
    let _machine = machine();
    let scratch = Scratch::new("commands-elsewhere");
    let file = scratch.path().join("elsewhere.txt");
    // Not as one word: a run that changes a file that the command names ends the trial.
    let write = format!(
        "d='{}'; echo x > $d/elsewhere.txt",
        scratch.path().display()
    );
    let place = format!("outside:{}", file.display());
    let limits = |document: &Value| document["limits_of_this_result"].to_string();

    let ended = trial(&scratch, &["--shell", "true", &write]);
    assert_eq!(ended.code, 5, "{}{}", ended.stdout, ended.stderr);
    let found = clusters(&document(&scratch));
    assert_eq!(found, [("extra".to_owned(), place)]);
    fs::remove_dir_all(scratch.path().join("runs")).unwrap();

    // No difference: and the timed runs, in which it is not looked for, are not different either.
    let ended = trial(&scratch, &["--shell", &write, &format!("{write}; true")]);
    assert_ne!(ended.code, 5, "{}{}", ended.stdout, ended.stderr);
    let document = document(&scratch);
    assert_eq!(clusters(&document), []);
    let shared = format!("both write to `{}`", file.display());
    assert!(limits(&document).contains(&shared), "{}", limits(&document));
}

#[test]
fn a_faster_command_replaces_and_judging_again_gives_the_same_bytes() {
    let _machine = machine();
    let scratch = Scratch::new("commands-faster");
    let asked = ["--goal", "wall=-30%", "sleep 0.1", "sleep 0.02"];
    let ended = trial(&scratch, &asked);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.starts_with("REPLACE"), "{}", ended.stdout);
    let lines = ended.stdout.lines().count();
    assert!(lines <= 24, "{lines} lines:\n{}", ended.stdout);
    let run_folder = scratch.run();
    let before = fs::read(run_folder.join("verdict.json")).unwrap();
    let again = run(understudy().arg("judge").arg(&run_folder));
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(fs::read(run_folder.join("verdict.json")).unwrap(), before);
    let document = document(&scratch);
    let resources = document["comparisons"][0]["resources"].as_array().unwrap();
    let of = |name: &str| {
        let line = resources.iter().find(|line| line["resource"] == name);
        line.unwrap()["contender"]["estimate"].as_f64().unwrap()
    };
    assert!(
        (20e3..60e3).contains(&of("wall_us_per_run")),
        "{}",
        of("wall_us_per_run")
    );
    // The memory of the process that starts it is none of it: what is not more than that is not told.
    let memory = resources
        .iter()
        .find(|line| line["resource"] == "peak_rss_bytes");
    let memory = memory.unwrap();
    match memory["contender"]["estimate"].as_f64() {
        Some(bytes) => assert!(bytes < 8e6, "{bytes}"),
        None => assert!(memory["unmeasured"].as_str().unwrap().contains("launcher")),
    }
    let html = fs::read_to_string(run_folder.join("report.html")).unwrap();
    assert!(
        html.contains("Wall time per run"),
        "the report says what was measured"
    );
    assert!(!html.contains(" 0/s"), "no rate was offered");
}

#[test]
fn nothing_is_replaced_by_itself() {
    let _machine = machine();
    let scratch = Scratch::new("commands-itself");
    // A goal that it meets anyway.
    let flags = ["--goal", "wall=+400%"];
    let of = |commands: [&str; 2]| trial(&scratch, &[&commands[..], &flags].concat());
    let ended = of(["seq 20000", "/bin/seq 20000"]);
    assert_eq!(ended.code, 6, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(document(&scratch)["because"][0]["code"], "one_program");
    let ended = of(["seq 20000", "seq -w 20000 20000"]);
    assert_eq!(ended.code, 5, "{}{}", ended.stdout, ended.stderr);
    let ended = of(["seq 20000", "seq 1 20000"]);
    // On a machine that is too busy it stays open, or is refused.
    assert!(
        [0, 3, 4].contains(&ended.code),
        "{}{}",
        ended.stdout,
        ended.stderr
    );
}

#[test]
fn instructions_are_counted_on_request() {
    let _machine = machine();
    let scratch = Scratch::new("commands-instructions");
    let commands = [
        "seq 2000 2001",
        "sh -c \"seq 1 200000 | tail -n +2000 | head -n 2\"",
    ];
    let without = run(understudy()
        .current_dir(scratch.path())
        .env("PATH", "/none")
        .args([
            "trial",
            "/bin/seq 2000 2001",
            "/bin/seq 2000 2001",
            "--instructions",
        ]));
    assert_eq!(without.code, 2);
    assert!(
        without
            .stderr
            .contains("there is no `valgrind` in PATH\nhint: "),
        "{}",
        without.stderr
    );
    if !understudy_trial::instructions::can_count() {
        assert!(std::env::var_os("CI").is_none(), "CI installs valgrind");
        return eprintln!("skipped: there is no valgrind on this machine");
    }
    let ended = trial(&scratch, &[commands[0], commands[1], "--instructions"]);
    let document = document(&scratch);
    let counted = &document["instructions"];
    assert_eq!(counted["cases"], 1, "{}{}", ended.stdout, ended.stderr);
    // Three programs, and a list a hundred thousand times as long.
    assert!(counted["ratio"]["low"].as_f64().unwrap() > 5.0, "{counted}");
    assert!(counted["slowdown"].as_f64().unwrap() > 2.0, "{counted}");
    assert!(
        ended.stdout.contains("instructions  incumbent "),
        "{}",
        ended.stdout
    );
    let logs = fs::read_dir(scratch.run().join("logs/instructions-candidate")).unwrap();
    assert_eq!(logs.count(), 0, "what was read is removed");
}

#[test]
fn cases_come_from_a_file_and_from_a_pattern_and_rules_excuse() {
    let _machine = machine();
    let scratch = Scratch::new("commands-cases");
    scratch.write("one.txt", "b\na\n");
    scratch.write("two.txt", "d\nc\n");
    let ended = trial(
        &scratch,
        &[
            "sort {in}",
            "sort -r {in}",
            "--cases",
            "*.txt",
            "--output",
            "stdout=sorted-lines",
        ],
    );
    assert_eq!(
        ended.code, 6,
        "the same lines: {}{}",
        ended.stdout, ended.stderr
    );
    let cases = r#"{"args": ["-c", "sleep 0.03; cat x; echo 2 > y"], "files": {"x": "1\n"}, "operation": "copy"}
{"args": ["-c", "sleep 0.03; head -c 3"], "stdin": "abcdef", "operation": "head", "weight": 2}
"#;
    scratch.write("cases.jsonl", cases);
    let toml = r#"
        schema = 1
        [subject]
        kind = "command"
        [side.incumbent]
        run = "sh"
        [side.candidate]
        run = "dash"
        [workload]
        cases = "cases.jsonl"
        timeout = "5s"
        [compare]
        stderr = "bytes"
        [[compare.output]]
        path = "y"
        as = "lines"
        [judge]
        goal = "no_worse"
        margin = "100%"
    "#;
    scratch.write("trial.toml", toml);
    let ended = trial(&scratch, &[]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.starts_with("NO WORSE"), "{}", ended.stdout);
    let document = document(&scratch);
    let equivalence = &document["comparisons"][0]["equivalence"];
    assert_eq!(
        equivalence["counted"], 2,
        "two cases, however often they ran"
    );
    let under_load = &document["comparisons"][0]["under_load"];
    assert_eq!(under_load["deviating"], 0);
    assert_eq!(under_load["agreeing"], under_load["answered"]);
}

#[test]
fn a_shell_line_finds_its_files_and_leaves_them_alone() {
    let _machine = machine();
    let scratch = Scratch::new("commands-shell-files");
    let input = scratch.path().join("in.txt");
    fs::write(&input, "2\n1\n").unwrap();
    let sorted = "sort -o in.txt in.txt; cat in.txt; touch pwned";
    let ended = trial(&scratch, &["--shell", sorted, "sort -r in.txt"]);
    assert_eq!(ended.code, 5, "{}{}", ended.stdout, ended.stderr);
    let found = clusters(&document(&scratch));
    assert!(
        found.contains(&("order".to_owned(), "stdout".to_owned())),
        "both found it: {found:?}"
    );
    assert_eq!(fs::read_to_string(&input).unwrap(), "2\n1\n");
    assert!(!scratch.path().join("pwned").exists());
}

#[test]
fn a_limit_of_cpus_leaves_the_runs_one() {
    let _machine = machine();
    let scratch = Scratch::new("commands-limit-cpus");
    let file = "schema = 1\n[subject]\nkind = \"command\"\n[side.incumbent]\nrun = \"nproc\"\n\
                [side.candidate]\nrun = \"echo 1\"\n[limits]\ncpus = 1\n";
    fs::write(scratch.path().join("trial.toml"), file).unwrap();
    let ended = trial(&scratch, &[]);
    assert_eq!(ended.code, 6, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("12 equal"), "{}", ended.stdout);
}

#[test]
fn a_data_set_is_compared_by_its_rows() {
    let _machine = machine();
    let scratch = Scratch::new("commands-dataset");
    let a = r"printf 'id,n\n1,2\n3,\n' > out.csv";
    let as_data = ["--shell", "--output", "*.csv=dataset"];
    for (b, code) in [
        (r"printf 'id,n\n3,\n1,2\n' > out.csv", 6),
        (r"printf 'id,n\n3,0\n1,2\n' > out.csv", 5),
        (r"printf 'id,n\n1,2\n3,\n3,\n' > out.csv", 5),
        (r"printf 'id;n\n' > out.csv", 5),
    ] {
        let ended = trial(&scratch, &[&as_data[..], &[a, b]].concat());
        assert_eq!(ended.code, code, "{b}: {}{}", ended.stdout, ended.stderr);
    }
}

#[test]
fn a_plan_of_runs_speaks_of_runs() {
    let scratch = Scratch::new("commands-plan");
    let plan = understudy()
        .current_dir(scratch.path())
        .args(["plan", "sleep 0.1", "sleep 0.2"])
        .output()
        .unwrap();
    let text = String::from_utf8(plan.stdout).unwrap();
    assert!(text.contains(": 1 case\n"), "{text}");
    assert!(text.contains("one run after the other: 6 pairs"), "{text}");
    assert!(
        text.contains("smallest effect on wall time per run: about +"),
        "{text}"
    );
    assert!(!text.contains("0/s") && !text.contains("request"), "{text}");
}

#[test]
fn what_is_wrong_is_said_before_anything_starts() {
    let scratch = Scratch::new("commands-wrong");
    let wrong = |arguments: &[&str], said: &[&str]| {
        let ended = trial(&scratch, arguments);
        assert_eq!(ended.code, 2, "{arguments:?}: {}", ended.stderr);
        for part in said {
            assert!(
                ended.stderr.contains(part),
                "{arguments:?}: {}",
                ended.stderr
            );
        }
        assert!(!scratch.path().join("runs").exists(), "{arguments:?}");
    };
    wrong(
        &["sort x", "no-such-program x"],
        &["no-such-program", "PATH"],
    );
    wrong(
        &["sort x | uniq", "sort -u x"],
        &["`|` is a word of a shell", "--shell"],
    );
    wrong(&["sort {in}", "sort"], &["{in}"]);
    wrong(
        &["true", "true", "--cases", "none*.x"],
        &["matches no file"],
    );
    wrong(
        &["true", "true", "--get", "/"],
        &["--get", "is about services"],
    );
    wrong(&["true", "true", "--goal", "p99=-10%"], &["use `wall`"]);
    wrong(
        &["true", "true", "--output", "stdout=jsn"],
        &["did you mean \"json\"?"],
    );
    wrong(&["true", "true", "--timeout", "0s"], &["--timeout"]);
    let toml = "schema = 1\n[subject]\nkind = \"command\"\n[side.incumbent]\nrun = \"true\"\nready = \"/\"\n[side.candidate]\nurl = \"http://127.0.0.1:1\"\n[workload]\nrates = [5]\n[capacity]\n[compare]\nstdot = \"json\"\n";
    scratch.write("trial.toml", toml);
    wrong(
        &[],
        &[
            "side.incumbent.ready",
            "side.candidate.url",
            "rates",
            "capacity",
            "stdout",
        ],
    );
}

#[test]
fn what_cannot_be_compared_is_no_verdict() {
    let _machine = machine();
    let scratch = Scratch::new("commands-lost");
    let hang = "sleep 9";
    let ended = trial(&scratch, &["--timeout", "300ms", hang, hang]);
    assert_eq!(
        ended.code, 4,
        "two time-outs are not the same: {}",
        ended.stdout
    );
    fs::remove_dir_all(scratch.path().join("runs")).unwrap();
    let ended = trial(&scratch, &["false", "false"]);
    assert_eq!(ended.code, 4, "{}", ended.stdout);
    assert!(ended.stdout.contains("ended with 0"), "{}", ended.stdout);
    // Noise excuses nearly all of it.
    fs::remove_dir_all(scratch.path().join("runs")).unwrap();
    let goal = ["--goal", "wall=+500%"];
    let ended = trial(
        &scratch,
        &[&goal[..], &["date +%N", "date -u +%N"]].concat(),
    );
    assert!([4, 5].contains(&ended.code), "{}", ended.stdout);
    // Every later run would meet another input.
    fs::remove_dir_all(scratch.path().join("runs")).unwrap();
    scratch.write("data", "x\na\n");
    let ended = trial(&scratch, &["sort -o data data", "sort data"]);
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    assert!(ended.stderr.contains("would change"), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: "), "{}", ended.stderr);
    let kept = fs::read_to_string(scratch.path().join("data")).unwrap();
    assert_eq!(kept, "x\na\n");
}

#[test]
fn an_interrupted_run_is_continued() {
    let _machine = machine();
    let scratch = Scratch::new("commands-resume");
    let mut child = understudy()
        .current_dir(scratch.path())
        .args([
            "trial",
            "--quick",
            "--goal",
            "wall=-5%",
            "sleep 0.05",
            "sleep 0.049",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let runs = scratch.path().join("runs");
    let deadline = Instant::now() + Duration::from_secs(60);
    let measured = || {
        let run = fs::read_dir(&runs).ok()?.next()?.ok()?.path();
        Some(fs::read_dir(run.join("requests")).ok()?.count() >= 8)
    };
    while measured() != Some(true) {
        assert!(Instant::now() < deadline, "it measures");
        std::thread::sleep(Duration::from_millis(20));
    }
    let kill = ["-INT", &child.id().to_string()];
    assert!(Command::new("kill").args(kill).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let folder = scratch.run();
    let again = run(understudy()
        .current_dir(scratch.path())
        .args(["trial", "--resume"])
        .arg(&folder));
    assert!(
        [4, 6].contains(&again.code),
        "{}{}",
        again.stdout,
        again.stderr
    );
    let left = fs::read_dir(folder.join("work")).unwrap().count();
    assert_eq!(left, 0, "directories of runs are removed");
}

#[test]
fn two_versions_of_a_command_are_commits() {
    let _machine = machine();
    let scratch = Scratch::new("commands-versions");
    let git = |arguments: &[&str]| git(scratch.path(), arguments);
    git(&["init", "-q"]);
    for (body, tag) in [
        ("sleep 0.03; echo one", "first"),
        ("sleep 0.03; echo \"one\"", "same"),
        ("sleep 0.2; echo one", "slow"),
        ("sleep 0.03; echo two", "other"),
    ] {
        let tool = scratch.write("tool.sh", &format!("#!/bin/sh\n{body}\n"));
        assert!(
            Command::new("chmod")
                .arg("+x")
                .arg(tool)
                .status()
                .unwrap()
                .success()
        );
        git(&["add", "tool.sh"]);
        git(&["commit", "-q", "-m", tag]);
        git(&["tag", tag]);
    }
    // The working tree is not what is asked for.
    scratch.write("tool.sh", "exit 9\n");
    let toml = "schema = 1\n[subject]\nkind = \"command\"\n[side.incumbent]\nrun = \"./tool.sh\"\n[side.candidate]\nrun = \"./tool.sh\"\n[workload]\n[judge]\ngoal = \"no_worse\"\nmargin = \"60%\"\n";
    scratch.write("trial.toml", toml);
    for (candidate, codes) in [("same", &[0][..]), ("slow", &[6]), ("other", &[5])] {
        let side = format!("candidate=git:{candidate}");
        let ended = trial(
            &scratch,
            &["--side", "incumbent=git:first", "--side", &side],
        );
        assert!(
            codes.contains(&ended.code),
            "{candidate}: {}{}",
            ended.stdout,
            ended.stderr
        );
    }
}
