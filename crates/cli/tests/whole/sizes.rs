//! Commands: the start of a program, and how its time grows with the size of a case.

use crate::harness::{Ended, Scratch, machine, run, understudy};
use serde_json::Value;
use std::fs;

fn trial(scratch: &Scratch) -> Ended {
    run(understudy()
        .current_dir(scratch.path())
        .args(["trial", "--quick"]))
}

fn verdict(scratch: &Scratch) -> Value {
    let text = fs::read_to_string(scratch.run().join("verdict.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Two shell scripts with these lines, and what of `trial.toml` is not about them.
fn write(scratch: &Scratch, [incumbent, candidate]: [&str; 2], rest: &str) {
    let sides = [("incumbent", incumbent), ("candidate", candidate)];
    let mut toml = "schema = 1\n[subject]\nkind = \"command\"\n".to_owned();
    for (side, script) in sides {
        let path = scratch.write(&format!("{side}.sh"), script);
        toml += &format!("[side.{side}]\nrun = \"sh {}\"\n", path.display());
    }
    scratch.write("trial.toml", &(toml + rest));
}

fn estimate(value: &Value) -> f64 {
    value["estimate"].as_f64().unwrap()
}

#[test]
fn a_start_is_an_outcome_of_its_own_and_no_part_of_a_run() {
    let _machine = machine();
    let scratch = Scratch::new("sizes-startup");
    let work = "case \"$1\" in --version) echo 1 ;; *) sleep 0.03; echo done ;; esac\n";
    scratch.write("cases.jsonl", "{\"args\": [\"x\"]}\n");
    write(
        &scratch,
        [&format!("sleep 0.08\n{work}"), work],
        "[workload]\ncases = \"cases.jsonl\"\nstartup = [\"--version\"]\n[goal]\nstartup = \"-50%\"\n",
    );
    let ended = trial(&scratch);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.starts_with("REPLACE"), "{}", ended.stdout);
    let lines = ended.stdout.lines().count();
    assert!(lines <= 24, "{lines} lines:\n{}", ended.stdout);
    assert!(ended.stdout.contains(" ms per run ("), "{}", ended.stdout);
    let document = verdict(&scratch);
    let resources = &document["comparisons"][0]["resources"];
    let of = |name: &str, side: &str| {
        let mut lines = resources.as_array().unwrap().iter();
        let line = lines.find(|line| line["resource"] == name).unwrap();
        estimate(&line[side]) / 1e3
    };
    let start = [of("startup_us", "baseline"), of("startup_us", "contender")];
    assert!(start[0] > 80.0 && start[1] < 50.0, "{start:?} ms");
    // A run takes what it takes without the starts that are measured next to it.
    let run = of("wall_us_per_run", "baseline");
    assert!((110.0..170.0).contains(&run), "{run} ms");
    let cpu = of("cpu_us_per_request", "baseline");
    assert!(cpu < 20.0, "{cpu} ms");
    let html = fs::read_to_string(scratch.run().join("report.html")).unwrap();
    assert!(html.contains("Start-up") && html.contains("per run ("));
}

#[test]
fn the_time_per_unit_is_told_apart_from_the_fixed_time() {
    let _machine = machine();
    let scratch = Scratch::new("sizes-slope");
    let script = |fixed: &str, each: &str| {
        format!("sleep {fixed}\ni=0\nwhile [ $i -lt $1 ]; do sleep {each}; i=$((i+1)); done\n")
    };
    let case = |size: u32| format!("{{\"args\": [\"{size}\"], \"size\": {size}}}\n");
    scratch.write("cases.jsonl", &(case(1) + &case(8)));
    write(
        &scratch,
        [&script("0.02", "0.02"), &script("0.05", "0.002")],
        "[workload]\ncases = \"cases.jsonl\"\nsize_unit = \"naps\"\n[capacity]\ndeadline = \"400ms\"\n",
    );
    let ended = trial(&scratch);
    assert_eq!(ended.code, 6, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("per unit (naps)"), "{}", ended.stdout);
    let lines = ended.stdout.lines().count();
    assert!(lines <= 24, "{lines} lines:\n{}", ended.stdout);
    let document = verdict(&scratch);
    let growth = &document["comparisons"][0]["growth"][0];
    let line = |side: &str| {
        let line = &growth[side]["line"];
        let ms = |name: &str| estimate(&line[name]) / 1e3;
        (
            ms("fixed_us"),
            ms("us_per_unit"),
            line["within_deadline"].clone(),
        )
    };
    // Each nap takes a process as well, and a busy machine adds to all of them.
    let (start, each, within) = line("baseline");
    assert!(
        (18.0..50.0).contains(&start) && (20.0..35.0).contains(&each),
        "{growth}"
    );
    assert_eq!(within["reach"], "up_to", "{growth}");
    assert!(
        (9.0..20.0).contains(&within["size"]["low"].as_f64().unwrap()),
        "{growth}"
    );
    let (later, each, within) = line("contender");
    assert!(
        later > start + 15.0 && (2.0..9.0).contains(&each),
        "{growth}"
    );
    assert_eq!(within["reach"], "at_least", "{growth}");
    assert_eq!(within["size"]["low"], 32.0, "4 times the largest: {growth}");
    assert!(
        (0.08..0.4).contains(&estimate(&growth["ratio"])),
        "{growth}"
    );
    let run_folder = scratch.run();
    let before = fs::read(run_folder.join("verdict.json")).unwrap();
    let again = run(understudy().arg("judge").arg(&run_folder));
    assert_eq!(again.code, 6, "{}", again.stderr);
    assert_eq!(fs::read(run_folder.join("verdict.json")).unwrap(), before);
    let html = fs::read_to_string(run_folder.join("report.html")).unwrap();
    assert!(html.contains("Time by size"));
}

#[test]
fn what_is_wrong_with_sizes_is_said_before_anything_starts() {
    let scratch = Scratch::new("sizes-wrong");
    let wrong = |cases: &str, rest: &str, said: &[&str]| {
        scratch.write("cases.jsonl", cases);
        write(&scratch, ["true", "true"], rest);
        let ended = trial(&scratch);
        assert_eq!(ended.code, 2, "{rest}: {}{}", ended.stdout, ended.stderr);
        for part in said {
            assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
        }
        assert!(!scratch.path().join("runs").exists(), "{rest}");
    };
    let deadline = "[workload]\ncases = \"cases.jsonl\"\n[capacity]\ndeadline = \"1s\"\n";
    for cases in [
        "{}\n",
        "{\"size\": 5}\n{\"size\": 5}\n",
        "{\"size\": 5, \"operation\": \"a\"}\n{\"size\": 6, \"operation\": \"b\"}\n",
        "{\"size\": 5}\n{\"size\": 6, \"weight\": 0}\n",
    ] {
        let said = ["capacity.deadline: no operation has cases of two sizes"];
        wrong(cases, deadline, &said);
    }
    wrong("{\"size\": 0}\n", deadline, &["\"size\" is not a number"]);
    wrong(
        "{}\n",
        "[workload]\nstartup = \"--version\"\nsize_unit = \"\"\n[capacity]\ndeadline = \"0s\"\nwidth = \"5%\"\n[goal]\nstartup = \"-5%\"\n",
        &[
            "workload.startup: expected the arguments of a start",
            "workload.size_unit: is empty",
            "workload.cases: a deadline needs cases with sizes",
            "capacity.deadline: 0 leaves no time",
            "capacity.width: is not a key",
        ],
    );
    let goal = "[workload]\n[goal]\nstartup = \"-5%\"\n";
    wrong("{}\n", goal, &["goal: `startup` is not measured\nhint: "]);
    let of_services = "schema = 1\n[side.incumbent]\nrun = \"a {port}\"\n[side.candidate]\nrun = \"b {port}\"\n[workload]\npaths = [\"/\"]\nrates = [9]\nstartup = []\nsize_unit = \"rows\"\n[[slo]]\nquantile = 0.5\nmax = \"1s\"\n[capacity]\ndeadline = \"1s\"\n[goal]\nstartup = \"-5%\"\n";
    scratch.write("trial.toml", of_services);
    let ended = trial(&scratch);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    for part in [
        "workload.startup: is not a key",
        "workload.size_unit: is not a key",
        "capacity.deadline: is not a key",
        "goal: `startup` is the time of a start of a command",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
}
