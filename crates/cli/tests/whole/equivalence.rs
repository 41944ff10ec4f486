//! Planted changes of answers are found where they were planted, and nothing else is.

use crate::harness::{Trial, because, clusters};
use understudy_testkit::Plant;

#[test]
fn every_planted_change_is_found_at_its_place_and_nothing_else_is() {
    let _machine = crate::harness::machine();
    for plant in Plant::ALL {
        let mut trial = Trial::new(&format!("plant-{}", plant.name()));
        trial.candidate = format!("--plant {}", plant.name());
        let (ended, verdict) = trial.run();
        assert_eq!(ended.code, 5, "{plant:?}: {}", ended.stderr);
        assert_eq!(verdict["verdict"], "not_equivalent", "{plant:?}");
        assert_eq!(because(&verdict), "answers_differ", "{plant:?}");
        let (path, kind) = plant.expected();
        assert_eq!(
            clusters(&verdict),
            [(path.to_owned(), kind.to_owned())],
            "{plant:?}"
        );
        let cluster = &verdict["comparisons"][0]["equivalence"]["clusters"][0];
        assert_eq!(cluster["operation"], "GET /items/{id}", "{plant:?}");
        assert_eq!(
            cluster["reproduced"]["times"], 3,
            "{plant:?}: shows every time"
        );
        let reproduce = cluster["reproduce"].as_str().unwrap();
        assert!(
            reproduce.starts_with("curl ") && reproduce.contains("/items/"),
            "{reproduce}"
        );
        if plant == Plant::TwoPercent {
            // Items 7 and 57 of 60, in each of the 7 passes that make at least 400 exchanges.
            assert_eq!(
                (&cluster["count"], &cluster["of"]),
                (&14.into(), &420.into())
            );
        }
    }
}

#[test]
fn a_rule_excuses_what_it_names_and_no_more() {
    let _machine = crate::harness::machine();
    let mut trial = Trial::new("rule");
    trial.candidate = "--plant value".to_owned();
    trial.tables = "[[compare.rule]]\npath = \"$.price\"\nreason = \"another field\"\n".to_owned();
    let (ended, verdict) = trial.run();
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert_eq!(clusters(&verdict).len(), 1);
    // The candidate never differs where the rule is: the self-test says so, and what it hides there.
    let test = &verdict["comparisons"][0]["self_test"];
    assert!(test["injected"].as_u64().unwrap() > 100, "{test}");
    let hidden = test["hidden_by"].as_array().unwrap();
    let rule = hidden.iter().find(|of| of["by"] == "rule 1: $.price");
    let rule = rule.unwrap_or_else(|| panic!("{test:#}"));
    assert_eq!(rule["needless"][0], "GET /items/{id} $.price", "{rule:#}");
}
