//! Pairs become trials; every mistake of every pair has its line in the suite's file.

use super::super::suite::{SuiteConfig, parse_suite, short_key, whose};
use super::*;
use understudy_trial::config::{Cache, CasesFrom, CommandWorkload};

fn read(text: &str) -> Result<SuiteConfig, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let mode = Mode::Run {
        day: today(),
        sides: &[],
    };
    let read = parse_suite(text, folder.path(), "suite.toml", mode);
    let path = folder.path().display().to_string();
    read.map_err(|errors| {
        errors
            .iter()
            .map(|error| error.replace(&path, "/lab"))
            .collect()
    })
}

fn suite(text: &str) -> SuiteConfig {
    parse_suite(text, Path::new("/lab/tools"), "suite.toml", Mode::Judge).unwrap()
}

fn commands(trial: &TrialConfig) -> (&str, &str, &CommandWorkload) {
    let WorkloadConfig::Command(workload) = &trial.workload else {
        panic!("{trial:?}")
    };
    (trial.incumbent.runs(), trial.candidate.runs(), workload)
}

const TOOLS: &str = r#"
schema = 1
[suite]
name = "tools"
level = "quick"
seed = 7
[template]
incumbent = "{name} --old"
candidate = "new/{name}"
cases = "cases/{name}.jsonl"
names = ["sort", "cut"]
[template.side.candidate.env]
WHAT = "{name} of {name}"
[template.compare]
stdout = "text"
[[template.compare.output]]
path = "{name}.json"
as = "json"
[template.workload]
cache = "cold"
timeout = "5s"
[template.goal]
wall = "-20%"
[pair.cut]
candidate = "new/cut --{name}"
[pair.cut.workload]
timeout = "1m"
[pair.jq]
incumbent = "jq '{name}'"
candidate = "jaq '{name}'"
"#;

#[test]
fn the_template_is_filled_with_each_name_and_a_pair_overrides_it() {
    let suite = suite(TOOLS);
    assert_eq!(suite.name, "tools");
    let names: Vec<&str> = suite.pairs.iter().map(|pair| pair.name.as_str()).collect();
    assert_eq!(names, ["sort", "cut", "jq"]);
    let [sort, cut, jq] = &suite.pairs[..] else {
        panic!("{names:?}")
    };
    for pair in [sort, cut, jq] {
        assert_eq!(pair.trial.name, pair.name);
        assert_eq!((pair.trial.level, pair.trial.seed), (Level::Quick, 7));
    }
    let (incumbent, candidate, workload) = commands(&sort.trial);
    assert_eq!((incumbent, candidate), ("sort --old", "new/sort"));
    let file = PathBuf::from("/lab/tools/cases/sort.jsonl");
    assert_eq!(workload.cases, CasesFrom::File(file));
    assert_eq!(
        (workload.cache, workload.timeout),
        (Cache::Cold, Span::from_secs(5))
    );
    let outputs = workload.outputs.entries();
    assert!(outputs.contains(&("sort.json", "json")), "{outputs:?}");
    assert_eq!(sort.trial.goals.len(), 1);
    let SideConfig::Launched(launched) = &sort.trial.candidate else {
        panic!("{:?}", sort.trial.candidate)
    };
    assert_eq!(launched.env["WHAT"], "sort of sort");

    // What a pair says itself is taken as it is written; tables are merged by key.
    let (incumbent, candidate, workload) = commands(&cut.trial);
    assert_eq!((incumbent, candidate), ("cut --old", "new/cut --{name}"));
    assert_eq!(
        (workload.cache, workload.timeout),
        (Cache::Cold, Span::from_secs(60))
    );
    // A pair that the template does not name has nothing of it.
    let (incumbent, _, workload) = commands(&jq.trial);
    assert_eq!(
        (incumbent, &workload.cases),
        ("jq '{name}'", &CasesFrom::Alone)
    );
    assert_eq!((workload.cache, jq.trial.goals.len()), (Cache::Warm, 0));
}

#[test]
fn pairs_of_services_are_trials_as_well() {
    let suite = suite(
        "schema = 1\n[pair.shop]\nincumbent = 'a {port}'\ncandidate = 'b {port}'\nsubject.kind = 'http'\n\
         workload = { paths = ['/'], rates = [500] }\n",
    );
    assert_eq!(suite.name, "tools", "that of the folder");
    assert_eq!(suite.pairs[0].trial.workload.kind(), Kind::Http);
}

#[test]
fn every_mistake_of_every_pair_is_reported_at_once() {
    let text = r#"schema = 1
[suite]
nmae = "x"
level = "fast"
[template]
incumbnet = "{name}"
candidate = "{name} | x"
names = ["sort", "cat", "sort", ""]
[template.compare]
stdout = "jsn"
[template.workload]
cach = "warm"
[pair.sort]
candidate = "sort"
side.candidate.run = "sort"
[pair.other]
candidate = 5
[pair.third]
incumbent = "{port}"
side.candidate.ready = "/"
"#;
    let expected = [
        "suite.toml:3: suite.nmae: is not a key\nhint: did you mean `name`?",
        "suite.toml:4: suite.level: \"fast\" is not known\nhint: use \"quick\", \"default\" or \"thorough\"",
        "suite.toml:6: template.incumbnet: is not a key\nhint: did you mean `incumbent`?",
        "suite.toml:7: pair cat: candidate: `|` is a word of a shell, and no shell reads the command\nhint: set `shell = true` (`--shell`)",
        "suite.toml:8: template.names: \"sort\" is there twice",
        "suite.toml:8: template.names: a pair needs a name\nhint: write one",
        "suite.toml:10: pair sort and 1 more: compare.stdout: \"jsn\" is not a way to compare an output\nhint: did you mean \"json\"?",
        "suite.toml:12: pair sort and 1 more: workload.cach: is not a key\nhint: did you mean `cache`?",
        "suite.toml:14: pair.sort.candidate: excludes side.candidate.run, which is the same key",
        "suite.toml:17: pair other: candidate: expected a text in quotes, found 5",
        "suite.toml:17: pair other: incumbent is missing\nhint: write the program with its leading arguments",
        "suite.toml:20: pair third: candidate is missing\nhint: write the program with its leading arguments",
        "suite.toml:20: pair third: side.candidate.ready: is about a service, and the subject is a command",
    ];
    assert_eq!(read(text).unwrap_err(), expected);
}

#[test]
fn a_suite_without_pairs_says_how_to_write_them() {
    let first = |text: &str| read(text).unwrap_err();
    assert_eq!(
        first("schema = 1\n"),
        [
            "suite.toml:1: no pair is described\nhint: write `names` in [template], or a table [pair.NAME] for each pair"
        ]
    );
    assert_eq!(
        first("schema = 1\n[template]\nincumbent = 'a'\n"),
        [
            "suite.toml:2: template.names is missing\nhint: write the names of its pairs, such as names = [\"sort\", \"cut\"]"
        ]
    );
    assert_eq!(
        first("schema = 1\npair = 5\n[template]\nnames = 'a'\n"),
        [
            "suite.toml:2: pair: expected a table [pair], found 5",
            "suite.toml:4: template.names: expected a list of names such as [\"sort\", \"cut\"], found a text",
        ]
    );
    assert_eq!(
        first("schema = 9\n[pairs]\n").len(),
        1,
        "nothing else can be said about a later format"
    );
    let long = format!("schema = 1\n[pair.{}]\n", "x".repeat(61));
    assert!(first(&long)[0].contains("has 61 characters, and a name has at most 60"));
    assert!(first("schema = 1\n[pair.\"a\\u001bb\"]\n")[0].contains("has a control character"));
    let hint = first("schema = 1\n[template\n");
    assert!(
        hint[0].starts_with("suite.toml:2: this is not TOML"),
        "{hint:?}"
    );
}

#[test]
fn a_mistake_of_several_pairs_names_them_once() {
    assert_eq!(whose(&["a"], 3), "pair a");
    assert_eq!(whose(&["["], 1), "pair \"[\"");
    assert_eq!(whose(&["a", "b"], 3), "pair a and 1 more");
    assert_eq!(whose(&["a", "b", "c"], 3), "all 3 pairs");
    assert_eq!(short_key("side.incumbent.run: x"), "incumbent: x");
    assert_eq!(
        short_key("side.incumbent.runs: x"),
        "side.incumbent.runs: x"
    );
    assert_eq!(short_key("workload.cases is missing"), "cases is missing");
}
