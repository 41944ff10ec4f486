//! Instructions of services: a decision that the noise of the machine has no part in.

use crate::harness::{Trial, machine, run, understudy};
use std::fs;

#[test]
fn a_service_is_no_worse_than_itself_by_its_instructions_alone() {
    let _machine = machine();
    if !understudy_trial::instructions::can_count() {
        assert!(std::env::var_os("CI").is_none(), "CI installs valgrind");
        return eprintln!("skipped: there is no valgrind on this machine");
    }
    let mut trial = Trial::new("instructions");
    trial.tables = "[[slo]]\nquantile = 0.5\nmax = \"1s\"\n[goal]\ninstructions = \"+1%\"\n\
                    [judge]\ngoal = \"no_worse\"\n"
        .to_owned();
    trial.workload += "\nfresh = \"trial\"";
    let (ended, verdict) = trial.run();
    assert_eq!(verdict["verdict"], "no_worse", "{}", ended.stderr);
    assert_eq!(ended.code, 0);
    let goal = &verdict["goals"][0];
    assert_eq!(goal["goal"], "instructions per request +1%");
    assert_eq!(goal["held"], "holds", "{goal}");
    let counted = &verdict["instructions"];
    assert_eq!(counted["cases"], 60, "{counted}");
    assert!(counted["rounds"].as_u64().unwrap() >= 2, "{counted}");
    // No server reads and answers a request with less, and none of its start is in it.
    let mean = counted["sides"]["candidate"]["mean"].as_f64().unwrap();
    assert!((2_000.0..2_000_000.0).contains(&mean), "{counted}");
    // More pairs would show nothing of what is asked.
    assert_eq!(verdict["method"]["rates"][0]["pairs"], 6);

    let directory = trial.scratch.run();
    let before = fs::read_to_string(directory.join("instructions.jsonl")).unwrap();
    fs::remove_file(directory.join("verdict.json")).unwrap();
    let resumed = run(understudy().args(["trial", "--resume"]).arg(&directory));
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    let after = fs::read_to_string(directory.join("instructions.jsonl")).unwrap();
    assert_eq!(after, before, "nothing is counted again");
}
