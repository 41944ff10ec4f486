use super::document::{Draft, write};
use super::*;
use crate::config::{self, Mode};
use understudy_compare::Day;
use understudy_trial::config::{RequestsFrom, SideConfig, TrialConfig};

const COMMAND: &str = "./server --port 8080";

fn draft<'a>(around: &'a Contents, incumbent: Option<&str>, candidate: Option<&str>) -> Draft<'a> {
    Draft {
        name: "shop".to_owned(),
        incumbent: SideDraft::read(incumbent).unwrap(),
        candidate: SideDraft::read(candidate).unwrap(),
        dir: None,
        requests: Some("requests.jsonl".to_owned()),
        writes: Vec::new(),
        around,
        listening: Vec::new(),
    }
}

fn parse(text: &str) -> Result<TrialConfig, Vec<String>> {
    // The files that it names are not there, which judging does not ask for.
    config::parse(
        text,
        Path::new("/somewhere/shop"),
        "trial.toml",
        Mode::Judge,
    )
}

#[test]
fn what_is_complete_is_a_trial() {
    let around = Contents::default();
    let written = write(&draft(&around, Some(COMMAND), Some("http://127.0.0.1:9")));
    assert_eq!(written.missing, [""; 0], "{}", written.text);
    assert!(!written.text.contains("fill in: "), "{}", written.text);
    let config = parse(&written.text).unwrap();
    let SideConfig::Launched(incumbent) = config.incumbent else {
        panic!("the incumbent is started");
    };
    assert_eq!(incumbent.run, "./server --port {port}");
    assert!(matches!(config.candidate, SideConfig::Running { .. }));
    let RequestsFrom::File(requests) = &config.workload.http().unwrap().requests else {
        panic!("requests are a file");
    };
    assert_eq!(requests, Path::new("/somewhere/shop/requests.jsonl"));
}

#[test]
fn defaults_in_comments_are_the_defaults() {
    let around = Contents::default();
    for sides in [[COMMAND, COMMAND], ["http://127.0.0.1:9", COMMAND]] {
        let text = write(&draft(&around, Some(sides[0]), Some(sides[1]))).text;
        let mut uncommented = 0;
        let with_defaults: String = text
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(key) if line.contains("# default; ") => {
                    uncommented += 1;
                    format!("{key}\n")
                }
                _ => format!("{line}\n"),
            })
            .collect();
        assert!(uncommented >= 10, "{text}");
        assert_eq!(parse(&with_defaults), parse(&text), "{with_defaults}");
    }
}

/// The texts that come of a text when one of its examples is used, tables as a whole.
fn with_one_example(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut texts = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let end = match line {
            line if line.contains("# such as; ") => at + 1,
            line if line.starts_with("# [[") => {
                let rest = lines[at + 1..].iter();
                at + 1
                    + rest
                        .take_while(|line| line.starts_with("# ") && !line.starts_with("# [["))
                        .count()
            }
            _ => continue,
        };
        let used = lines.iter().enumerate().map(|(index, line)| {
            let line = match (at..end).contains(&index) {
                true => line.strip_prefix("# ").unwrap(),
                false => line,
            };
            format!("{line}\n")
        });
        texts.push(used.collect());
    }
    texts
}

#[test]
fn examples_in_comments_are_keys_that_are_known() {
    let around = Contents::default();
    let text = write(&draft(&around, Some(COMMAND), Some("http://127.0.0.1:9"))).text;
    let examples = with_one_example(&text);
    assert!(examples.len() >= 15, "{text}");
    for example in examples {
        // An example may exclude a key that is already there, or need another one; an unknown key is a fault of the example.
        for mistake in parse(&example).err().unwrap_or_default() {
            let known = [
                "excludes",
                "goes with",
                "descriptors is missing",
                "dependency.name: the",
            ];
            assert!(known.iter().any(|word| mistake.contains(word)), "{mistake}");
        }
    }
}

#[test]
fn every_key_of_the_format_is_in_the_file() {
    let docs = include_str!("../../../../../docs/files.md");
    let table = docs.split("## `trial.toml`").nth(1).unwrap();
    let table = table.split("\n## ").next().unwrap();
    let around = Contents::default();
    let text = write(&draft(&around, None, Some(COMMAND))).text;
    let mut seen = 0;
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let cell = row.trim_start_matches("| ").split(" |").next().unwrap();
        for key in cell.split('`').skip(1).step_by(2) {
            seen += 1;
            // Names of quantiles, of which one will do.
            if key.starts_with('"') {
                continue;
            }
            let written = format!(" {key} = ");
            let is_there = |line: &str| format!(" {line}").contains(&written);
            assert!(
                text.lines().any(is_there),
                "{key} is not in the file:\n{text}"
            );
        }
    }
    assert!(seen > 30, "{seen} keys in docs/files.md");
}

#[test]
fn what_is_not_known_is_to_be_filled_in() {
    let around = Contents::default();
    let mut empty = draft(&around, None, Some("./server"));
    empty.requests = None;
    empty.writes = vec!["POST".to_owned()];
    empty.listening = vec!["127.0.0.1:8080: node server.js (pid 7), answers HTTP 200".to_owned()];
    let written = write(&empty);
    let places: Vec<&str> = written
        .missing
        .iter()
        .map(|of| of.split(':').next().unwrap())
        .collect();
    assert_eq!(
        places,
        ["incumbent", "candidate", "workload", "workload"],
        "{:?}",
        written.missing
    );
    assert_eq!(
        written.text.matches("# fill in: ").count(),
        4,
        "{}",
        written.text
    );
    assert!(
        written.text.contains("#   127.0.0.1:8080: node server.js"),
        "{}",
        written.text
    );
    let mistakes = parse(&written.text).unwrap_err();
    assert!(
        mistakes.iter().all(|of| of.contains("missing")),
        "{mistakes:?}"
    );
}

#[test]
fn commands_in_comments_lose_their_secrets() {
    let listener = Listener {
        address: "127.0.0.1:80".parse().unwrap(),
        process: Some(listeners::Process {
            pid: 3,
            command: "serve --password=hunter22".to_owned(),
        }),
        answers: Some(200),
    };
    let line = described(&listener);
    assert!(
        !line.contains("hunter22") && line.contains("serve --password=<redacted"),
        "{line}"
    );
    assert!(line.ends_with("(pid 3), answers HTTP 200"), "{line}");
}

#[test]
fn what_is_complete_may_run() {
    let around = Contents::default();
    let text = write(&draft(&around, Some(COMMAND), Some(COMMAND))).text;
    let text = text.replace("requests = \"requests.jsonl\"", "paths = [\"/\"]");
    let mode = Mode::Run {
        day: Day::new(2026, 11, 22).unwrap(),
        sides: &[],
    };
    assert!(config::parse(&text, Path::new("/tmp"), "trial.toml", mode).is_ok());
}
