//! Every mistake has its line and says what to do; all are reported at once.

use super::*;

/// Reads a text as if to run it, in a folder with nothing but `requests.jsonl`.
fn refused(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("requests.jsonl"), "").unwrap();
    let errors = parse(
        text,
        folder.path(),
        "trial.toml",
        Mode::Run {
            day: today(),
            sides: &[],
        },
    )
    .unwrap_err();
    let path = folder.path().display().to_string();
    errors
        .iter()
        .map(|error| error.replace(&path, "/lab"))
        .collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(refused(text), expected, "{text}");
}

/// Adds sections to a trial that is right otherwise; the first added line is line 6.
#[track_caller]
fn check_added(added: &str, expected: &[&str]) {
    check(&format!("{SMALLEST}{added}"), expected);
}

#[test]
fn what_has_to_be_said_is_missed() {
    check(
        "",
        &[
            "trial.toml:1: side.incumbent.run is missing\nhint: write run, the command that starts it, or url, where it runs already",
            "trial.toml:1: side.candidate.run is missing\nhint: write run, the command that starts it, or url, where it runs already",
            "trial.toml:1: workload.requests is missing\nhint: write requests, a file of JSON lines, or paths, such as [\"/items/1\"]",
            "trial.toml:1: workload.rates is missing\nhint: write the requests per second, such as rates = [500]",
            "trial.toml:1: schema is missing\nhint: write schema = 1",
        ],
    );
}

#[test]
fn an_unknown_key_is_reported_with_the_one_that_was_meant() {
    check(
        "schema = 1\n[trail]\n[side.incumbent]\nrun = 'a {port}'\nredy = '/'\n[side.candidat]\n\
         [workload]\nrequets = 'requests.jsonl'\nrates = [1]\nthis_is_nothing = 1\n'a b' = 2\n",
        &[
            "trial.toml:2: trail: is not a key\nhint: did you mean `trial`?",
            "trial.toml:3: side.candidate.run is missing\nhint: write run, the command that starts it, or url, where it runs already",
            "trial.toml:5: side.incumbent.redy: is not a key\nhint: did you mean `ready`?",
            "trial.toml:6: side.candidat: is not a key\nhint: did you mean `candidate`?",
            "trial.toml:8: workload.requets: is not a key\nhint: did you mean `requests`?",
            "trial.toml:10: workload.this_is_nothing: is not a key\nhint: known keys are requests, paths, rates, prepare, arrivals, fresh, connections, timeout, warmup, writes, instructions, host",
            "trial.toml:11: workload.\"a b\": is not a key\nhint: known keys are requests, paths, rates, prepare, arrivals, fresh, connections, timeout, warmup, writes, instructions, host",
        ],
    );
}

#[test]
fn a_side_is_started_or_runs_already() {
    check(
        r#"schema = 1
[side.incumbent]
run = "a {port}"
url = "http://127.0.0.1:1"
ready = "/"
ready_log = "up"
[side.candidate]
url = "https://127.0.0.1/"
build = "make"
env = {}
[workload]
requests = "requests.jsonl"
paths = ["/"]
rates = [1]
"#,
        &[
            "trial.toml:4: side.incumbent.url: excludes run: a side is started, or runs already",
            "trial.toml:6: side.incumbent.ready_log: excludes ready: a path that answers, or a line of the log",
            "trial.toml:8: side.candidate.url: \"https://\" is not supported: only http:// is, in this version",
            "trial.toml:9: side.candidate.build: goes with run only: with url, nothing is started",
            "trial.toml:10: side.candidate.env: goes with run only: with url, nothing is started",
            "trial.toml:13: workload.paths: excludes requests: a file, or paths",
        ],
    );
}

#[test]
fn a_command_uses_the_port_and_only_limits_that_are_set() {
    check(
        r#"schema = 1
[side.incumbent]
run = "a 'b"
attach = { pid = 7 }
ready_timeout = "0s"
[side.candidate]
run = "a --heap {memory}"
dir = "gone"
ready = "healthz"
[side.candidate.env]
PORT = "{port}"
CPUS = "{cpus}"
WORKERS = 4
"=" = ""
[workload]
requests = "gone.jsonl"
prepare = "."
rates = [1]
"#,
        &[
            "trial.toml:3: side.incumbent.run: the command \"a 'b\" cannot be split into words\nhint: close the open quote",
            "trial.toml:3: side.incumbent.run: `{port}` is missing\nhint: write it where the command takes the port to listen on",
            "trial.toml:4: side.incumbent.attach: goes with url only: it names the process that answers there",
            "trial.toml:5: side.incumbent.ready_timeout: 0 leaves no time to start",
            "trial.toml:7: side.candidate.run: `{memory}` is used, but memory has no limit\nhint: set `limits.memory`",
            "trial.toml:8: side.candidate.dir: \"/lab/gone\" is not a folder",
            "trial.toml:9: side.candidate.ready: path \"healthz\" must begin with \"/\" and hold no space or control character\nhint: percent-encode them",
            "trial.toml:10: side.candidate.env: `{cpus}` is used, but cpus has no limit\nhint: set `limits.cpus`",
            "trial.toml:13: side.candidate.env.WORKERS: expected a text in quotes, found 4",
            "trial.toml:14: side.candidate.env.\"=\": is not the name of an environment variable",
            "trial.toml:16: workload.requests: \"/lab/gone.jsonl\" is not a file",
            "trial.toml:17: workload.prepare: \"/lab\" is not a file",
        ],
    );
}

#[test]
fn every_value_of_the_workload_is_checked() {
    check(
        r#"schema = 1
side.incumbent.run = "a {port}"
side.candidate.run = "b {port}"
[workload]
paths = ["/", 1,
  "items/1"]
rates = [500, "fast",
  0, -1, inf, 1e9]
arrivals = "posson"
fresh = 1
connections = 0
timeout = "0ms"
warmup = 2
writes = "yes"
"#,
        &[
            "trial.toml:5: workload.paths: expected a text in quotes, found 1",
            "trial.toml:6: workload.paths: path \"items/1\" must begin with \"/\" and hold no space or control character\nhint: percent-encode them",
            "trial.toml:7: workload.rates: expected a finite number, found a text",
            "trial.toml:8: workload.rates: 0 is not a rate from 0.001 to 10000000 requests per second",
            "trial.toml:8: workload.rates: -1 is not a rate from 0.001 to 10000000 requests per second",
            "trial.toml:8: workload.rates: expected a finite number, found inf",
            "trial.toml:8: workload.rates: 1000000000 is not a rate from 0.001 to 10000000 requests per second",
            "trial.toml:9: workload.arrivals: \"posson\" is not known\nhint: use \"poisson\" or \"constant\"",
            "trial.toml:10: workload.fresh: expected a text in quotes, found 1",
            "trial.toml:11: workload.connections: expected a whole number from 1 to 65536, found 0",
            "trial.toml:12: workload.timeout: 0 leaves no time to answer",
            "trial.toml:13: workload.warmup: expected a time such as \"250us\", \"20ms\", \"1.5s\" or \"2m\", found 2",
            "trial.toml:14: workload.writes: expected true or false, found a text",
        ],
    );
}

#[test]
fn objectives_and_goals_are_checked() {
    check_added(
        r#"[[slo]]
quantile = 99
max = "0ms"
[[slo]]
operation = "*"
error_rate = "1"
[[slo]]
[[slo]]
quantile = 0.9
[goal]
cpu = "30"
memory = 0.3
p100 = "-1%"
p99.9 = "-25%"
speed = "-25%"
"#,
        &[
            "trial.toml:7: slo.quantile: 99 is not between 0 and 1\nhint: write p99 as 0.99",
            "trial.toml:8: slo.max: 0 can never be held",
            "trial.toml:10: slo.operation: does not go with `error_rate`\nhint: write another `[[slo]]` for it",
            "trial.toml:11: slo.error_rate: \"1\" is not a share such as \"0.1%\"",
            "trial.toml:12: slo.quantile is missing\nhint: write a quantile with its max, or an error_rate",
            "trial.toml:12: slo.max is missing\nhint: write the bound, such as max = \"20ms\"",
            "trial.toml:13: slo.max is missing\nhint: write the bound, such as max = \"20ms\"",
            "trial.toml:16: goal.cpu: \"30\" is not a change such as \"-30%\"",
            "trial.toml:17: goal.memory: expected a change such as \"-30%\", found 0.3",
            "trial.toml:18: goal.p100: is not a goal\nhint: use `cpu`, `memory`, `instructions`, a quantile such as `p99`, or, of commands, `wall` or `startup`",
            "trial.toml:19: goal.p99: is a table in TOML, because of the dot\nhint: write \"p99.9\" in quotes",
            "trial.toml:20: goal.speed: is not a goal\nhint: use `cpu`, `memory`, `instructions`, a quantile such as `p99`, or, of commands, `wall` or `startup`",
        ],
    );
    check_added(
        "slo = 1\ngoal = 'cpu'\n",
        &[
            "trial.toml:6: slo: expected tables [[slo]], found 1",
            "trial.toml:7: goal: expected a table [goal], found a text",
        ],
    );
    check_added(
        "slo = [{ error_rate = '1%' },\n 2]\n",
        &["trial.toml:7: slo: expected tables [[slo]], found 2"],
    );
}

#[test]
fn header_limits_and_machine_are_checked() {
    check_added(
        r#"[trial]
name = ""
level = "slow"
seed = -1
[subject]
kind = "dns"
[limits]
cpus = 0
memory = "0B"
[machine]
generator = "3-1"
subject = 0
"#,
        &[
            "trial.toml:7: trial.name: is empty\nhint: give it a value or leave it out",
            "trial.toml:8: trial.level: \"slow\" is not known\nhint: use \"quick\", \"default\" or \"thorough\"",
            "trial.toml:9: trial.seed: expected a whole number from 0 to 9223372036854775807, found -1",
            "trial.toml:11: subject.kind: \"dns\" is not known\nhint: use \"http\" or \"command\"",
            "trial.toml:13: limits.cpus: expected a number of CPUs such as 1 or 0.5, found 0",
            "trial.toml:14: limits.memory: 0 leaves nothing to run in",
            "trial.toml:16: machine.generator: \"3-1\" is not a list of CPUs such as \"0\", \"0,2\" or \"1-3\"",
            "trial.toml:17: machine.subject: expected a list of CPUs such as \"0\", \"0,2\" or \"1-3\", found 0",
        ],
    );
    check_added(
        "[limits]\ncpus = [1]\nmemory = \"512\"\n",
        &[
            "trial.toml:7: limits.cpus: expected a number of CPUs such as 1 or 0.5, found a list",
            "trial.toml:8: limits.memory: \"512\" is not an amount of memory such as \"512MiB\" or \"2GiB\"",
        ],
    );
}

const RULES: &str = r#"[[compare.rule]]
path = "$.["
kind = "vlue"
[[compare.rule]]
reason = "why not"
expires = "soon"
[[compare.rule]]
path = "$.at"
expires = 2026-11-21
owner = "ada"
[[compare.rule]]
path = "code"
expires = 2026-11-22
[compare]
rules = 1
"#;

#[test]
fn rules_are_checked() {
    check_added(
        RULES,
        &[
            "trial.toml:7: compare.rule.path: \"$.[\" is not a valid JSONPath (RFC 9535): at position 2, in dot member name, must start with lowercase alpha or '_'",
            "trial.toml:8: compare.rule.kind: \"vlue\" is not known\nhint: use \"outcome\", \"code\", \"value\", \"number_text\", \"type\", \"null\", \"missing\", \"extra\", \"order\", \"duplicate_key\", \"text\" or \"bytes\"",
            "trial.toml:9: compare.rule.path is missing\nhint: write the place it covers, such as path = \"$.generated_at\"",
            "trial.toml:11: compare.rule.expires: \"soon\" is not a day such as \"2026-01-31\"",
            "trial.toml:14: compare.rule.expires: the rule for \"$.at\" expired on 2026-11-21 (owner: ada); renew or remove it",
            "trial.toml:20: compare.rules: is not a key\nhint: did you mean `rule`?",
        ],
    );
}

#[test]
fn judging_does_not_need_the_files_of_the_trial() {
    let text = r#"
schema = 1
[side.incumbent]
dir = "gone"
run = "a {port}"
[side.candidate]
url = "http://no.such.host.invalid:80"
[workload]
requests = "gone.jsonl"
rates = [1]
[[compare.rule]]
path = "$.at"
expires = 2000-01-01
"#;
    let config = judged(text);
    assert_eq!(config.rules.len(), 1);
    let errors = refused(text).join("\n");
    for line in [4, 7, 9, 13] {
        assert!(errors.contains(&format!("trial.toml:{line}: ")), "{errors}");
    }
    assert_eq!(errors.lines().count(), 4, "{errors}");
}

#[test]
fn another_format_is_recognised() {
    check(
        "schema = 2\nfuture = true\n",
        &[
            "trial.toml:1: schema: 2 needs a later version of understudy; this is 0.1.0, which reads 1",
        ],
    );
    for schema in ["0", "-1", "'1'", "1.0"] {
        let errors = refused(&SMALLEST.replace("schema = 1", &format!("schema = {schema}")));
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(
            errors[0].starts_with("trial.toml:2: schema: "),
            "{errors:?}"
        );
    }
}

#[test]
fn what_is_not_toml_is_reported_with_its_line() {
    check(
        "schema = 1\n[trial\n",
        &["trial.toml:2: this is not TOML: unclosed table, expected `]`"],
    );
    check(
        "name = \nseed = 1\nseed = 2\n[side]\nrun = 'a\n",
        &[
            "trial.toml:1: this is not TOML: string values must be quoted, expected literal string",
            "trial.toml:3: this is not TOML: duplicate key",
            "trial.toml:5: this is not TOML: invalid literal string, expected `'`",
        ],
    );
}

#[test]
fn a_search_for_the_capacity_needs_an_objective_and_sound_bounds() {
    let lines = |text: &str| {
        parse(text, Path::new("/"), "trial.toml", Mode::Judge)
            .unwrap_err()
            .join("\n")
    };
    let text = format!(
        "{SMALLEST}[capacity]\nwidth = \"0%\"\nfirst_rate = 500\nhighest_rate = 100\nbudget = \"1s\"\nwidht = 1\n"
    );
    let said = lines(&text);
    for expected in [
        "capacity: needs an objective",
        "capacity.width: is not above 0%",
        "capacity.highest_rate: is below",
        "capacity.budget: leaves no time",
        "capacity.widht",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trial.toml");
    let refused = || read(&path, Mode::Judge).unwrap_err().join("\n");
    let cannot = format!("cannot read {}: ", path.display());
    assert!(refused().starts_with(&cannot), "{}", refused());
    fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(refused().contains("UTF-8"), "{}", refused());
    fs::write(&path, " ".repeat(MOST_BYTES as usize + 1)).unwrap();
    assert!(
        refused().contains("more than 4194304 bytes"),
        "{}",
        refused()
    );
    fs::create_dir(folder.path().join("folder")).unwrap();
    assert!(read(&folder.path().join("folder"), Mode::Judge).is_err());
}

#[test]
fn a_memory_floor_has_the_keys_of_its_kind_of_subject() {
    let of_command = "schema = 1\nsubject.kind = 'command'\nside.incumbent.run = 'a'\nside.candidate.run = 'b'\n";
    let of_load = |line: usize, key: &str| {
        format!(
            "trial.toml:{line}: memory_floor.{key}: is about the load on a service, and a command is run for each case\nhint: \
             leave it out; `slower` says how much longer a run may take"
        )
    };
    let text = format!(
        "{of_command}[memory_floor]\nrate = 5\nwarmup = '1s'\nsoak = '9s'\nmeasured = '1s'\nslower = '150%'\nrepeats = 0\nlowest = '0'\n"
    );
    let errors = refused(&text);
    for (line, key) in [(6, "rate"), (7, "warmup"), (8, "soak"), (9, "measured")] {
        assert!(errors.contains(&of_load(line, key)), "{errors:#?}");
    }
    assert_eq!(errors.len(), 7, "each mistake once: {errors:#?}");
    assert!(errors[4].starts_with("trial.toml:10: memory_floor.slower: "));
    assert!(errors[5].starts_with("trial.toml:11: memory_floor.repeats: "));
    assert_eq!(
        errors[6],
        "trial.toml:12: memory_floor.lowest: 0 leaves nothing to run in"
    );
    check_added(
        "[[slo]]\nquantile = 0.5\nmax = '1s'\n[memory_floor]\nslower = '20%'\n",
        &[
            "trial.toml:10: memory_floor.slower: is about runs of a command, and the subject is a service\nhint: write the bound as an `[[slo]]`",
        ],
    );
    check_added(
        "[[slo]]\nquantile = 0.5\nmax = '1s'\n[memory_floor]\nbudget = '5m'\n",
        &[
            "trial.toml:10: memory_floor.budget: is about runs of a command, and the subject is a service\nhint: leave it out; `measured` and `soak` say how long a trial takes",
        ],
    );
    let errors = refused(&format!("{of_command}[memory_floor]\nbudget = '5ms'\n"));
    assert_eq!(
        errors,
        ["trial.toml:6: memory_floor.budget: is shorter than a second"]
    );
}

#[test]
fn a_kind_that_is_not_known_is_the_one_mistake_of_an_outside_service() {
    check_added(
        "[[dependency]]\nname = 'cache'\nkind = 'tpc'\naddress = '127.0.0.1:6379'\nshared = true\n",
        &["trial.toml:8: dependency.kind: \"tpc\" is not known\nhint: use \"http\" or \"tcp\""],
    );
}
