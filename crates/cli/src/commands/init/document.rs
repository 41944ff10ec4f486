//! The text of the trial's file: what is known as keys, what is not as "fill in:", every other key
//! as a comment.
//!
//! Commented keys come in two kinds, which tests hold to the reader of the file: `# key = value  #
//! default; ...` changes nothing when its first `#` goes, `# key = value  # such as; ...` is an example.

use super::folder::Contents;
use super::side::SideDraft;
use toml::Value;
use understudy_model::Role;

/// Where the explanation of a key begins.
const COLUMN: usize = 44;

/// What goes into the file.
pub(super) struct Draft<'a> {
    /// Name of the folder.
    pub(super) name: String,
    pub(super) incumbent: SideDraft,
    pub(super) candidate: SideDraft,
    /// Where commands start, if it is not the folder of the file.
    pub(super) dir: Option<String>,
    /// The request file, as the trial's file names it.
    pub(super) requests: Option<String>,
    /// Methods that change data and would go to a side that runs already.
    pub(super) writes: Vec<String>,
    pub(super) around: &'a Contents,
    /// Who listens on this machine, a line each.
    pub(super) listening: Vec<String>,
}

/// The file.
pub(super) struct Written {
    pub(super) text: String,
    /// What has to be filled in before it is a trial.
    pub(super) missing: Vec<String>,
}

/// Writes the file.
pub(super) fn write(draft: &Draft<'_>) -> Written {
    let mut page = Page::default();
    page.note(
        "A trial: what runs today (the incumbent) against what may replace it (the candidate).",
    );
    page.note(
        "Written by understudy init. \"fill in:\" is still to do; other commented keys show their",
    );
    page.note("defaults (\"default\") or examples (\"such as\"): remove the # to use them. Paths are relative");
    page.note("to this file.");
    page.gap();
    page.key("schema = 1", "version of this format");
    page.section("[trial]", "");
    let name = format!("name = {}", Value::from(draft.name.as_str()));
    page.unset(&name, "the run directory begins with it");
    page.unset(
        "level = \"default\"",
        "or \"quick\", \"thorough\": how long it measures",
    );
    page.unset(
        "seed = 1",
        "fixes schedules, order of blocks and resampling",
    );
    page.section("[subject]", "");
    page.key(
        "kind = \"http\"",
        "services that speak HTTP/1.1 without TLS",
    );
    side(
        &mut page,
        draft,
        Role::Incumbent,
        &draft.incumbent,
        "what runs today",
    );
    side(
        &mut page,
        draft,
        Role::Candidate,
        &draft.candidate,
        "what may replace it; the same keys",
    );
    tuned(&mut page);
    workload(&mut page, draft);
    objectives(&mut page);
    surroundings(&mut page);
    rules(&mut page);
    Written {
        text: page.text,
        missing: page.missing,
    }
}

/// Another setting of the incumbent competes, where it is written down.
fn tuned(page: &mut Page) {
    page.gap();
    page.note(
        "The incumbent with another heap or collector, the same keys. It competes: what tuning",
    );
    page.note(
        "gains alone is not a reason to replace. A third side takes half as much time again.",
    );
    page.block(&[
        ("[side.tuned]", ""),
        ("run = \"./server --port {port}\"", "as the incumbent's"),
        (
            "env = { GOGC = \"400\" }",
            "such as: Go; a JVM takes -Xmx in run",
        ),
    ]);
}

fn side(page: &mut Page, draft: &Draft<'_>, of: Role, side: &SideDraft, what: &str) {
    page.section(&format!("[side.{of}]"), what);
    match side {
        SideDraft::Missing => missing_side(page, draft, of),
        SideDraft::Url { url, pid, .. } => {
            page.key(
                &format!("url = {}", Value::from(url.as_str())),
                "it runs already: nothing is started, limited or frozen",
            );
            let attach = "attach = { pid = 4711 }";
            let explanation = "whose CPU and memory are measured; or { cgroup = \"/path\" }";
            match pid {
                Some(pid) => page.key(&format!("attach = {{ pid = {pid} }}"), explanation),
                None => page.example(attach, explanation),
            }
        }
        SideDraft::Command { run, replaced } => {
            command(page, draft, of, run, replaced.as_deref());
            of_a_start(page);
        }
    }
}

fn command(page: &mut Page, draft: &Draft<'_>, of: Role, run: &str, replaced: Option<&str>) {
    if let Some(dir) = &draft.dir {
        page.key(
            &format!("dir = {}", Value::from(dir.as_str())),
            "build and run start here",
        );
    } else {
        page.unset("dir = \".\"", "build and run start here");
    }
    if let Some(number) = replaced {
        page.note(&format!(
            "{number} became {{port}}: Understudy picks a free port for each start."
        ));
    }
    page.key(
        &format!("run = {}", Value::from(run)),
        "a program and its arguments, no shell",
    );
    if run.contains("{port}") {
        page.example(
            "env = { LOG_LEVEL = \"warn\" }",
            "added to Understudy's own; the same placeholders as run",
        );
    } else {
        page.fill_in(
            of.name(),
            "{port} in run where the command takes its port, or in env:",
        );
        page.example(
            "env = { PORT = \"{port}\" }",
            "added to Understudy's own; the same placeholders as run",
        );
    }
}

fn missing_side(page: &mut Page, draft: &Draft<'_>, of: Role) {
    page.fill_in(
        of.name(),
        "run, the command that starts it, or url, where it runs already:",
    );
    page.example(
        "run = \"./server --port {port}\"",
        "a program and its arguments, no shell; {port} is a free port",
    );
    page.example(
        "url = \"http://127.0.0.1:8080\"",
        "or where it runs already: nothing is started",
    );
    page.example(
        "attach = { pid = 4711 }",
        "with url: whose CPU and memory are measured; or { cgroup = \"/path\" }",
    );
    page.example(
        "env = { LOG_LEVEL = \"warn\" }",
        "added to Understudy's own; the same placeholders as run",
    );
    page.unset("dir = \".\"", "build and run start here");
    of_a_start(page);
    if of == Role::Incumbent {
        for start in &draft.around.starts {
            page.note(&format!("{} in this folder suggests:", start.file));
            for key in &start.keys {
                page.note(&format!("  {key}"));
            }
        }
        if !draft.listening.is_empty() {
            page.note("Listening on this machine:");
        }
        for listener in &draft.listening {
            page.note(&format!("  {listener}"));
        }
    }
}

/// What goes with a command only.
fn of_a_start(page: &mut Page) {
    page.example(
        "build = \"cargo build --release\"",
        "a line for sh, once before anything starts",
    );
    page.example(
        "git = \"main\"",
        "a commit, branch or tag that is built and run instead of dir",
    );
    page.example(
        "ready = \"/healthz\"",
        "path that answers 2xx once it is ready; else: it accepts connections",
    );
    page.example(
        "ready_log = \"listening on\"",
        "or a regular expression that a line of its log matches",
    );
    page.unset("ready_timeout = \"60s\"", "longest time until then");
    page.unset(
        "pauses = \"auto\"",
        "whose pauses are collected: \"go\", \"jvm\", \"node\", \"python\", \"dotnet\", \"off\"",
    );
}

fn workload(page: &mut Page, draft: &Draft<'_>) {
    page.section("[workload]", "what is asked of both");
    match &draft.requests {
        Some(requests) => {
            let key = format!("requests = {}", Value::from(requests.as_str()));
            page.key(&key, "JSON lines, one request each");
            page.example(
                "paths = [\"/items/1\"]",
                "instead of requests: one GET each",
            );
        }
        None => {
            page.fill_in("workload", "requests, the file of what is asked, or paths:");
            page.example(
                "requests = \"requests.jsonl\"",
                "JSON lines; understudy import makes them of real traffic",
            );
            page.example(
                "paths = [\"/items/1\"]",
                "instead of requests: one GET each",
            );
            for file in draft.around.files() {
                page.note(&format!("Found {file}"));
            }
        }
    }
    page.key(
        "rates = [500]",
        "requests a second; put in what it gets at its peak",
    );
    page.example(
        "prepare = \"prepare.jsonl\"",
        "requests sent after each start, unmeasured: log in, fill",
    );
    page.unset(
        "arrivals = \"poisson\"",
        "independent users; \"constant\" is a metronome",
    );
    page.example(
        "fresh = \"pair\"",
        "start all sides anew for each pair of measurements; else once",
    );
    page.unset(
        "connections = 64",
        "keep-alive connections to the side under load",
    );
    page.unset(
        "timeout = \"10s\"",
        "longest time from sending to the last byte",
    );
    page.example(
        "warmup = \"1s\"",
        "load before each measurement, discarded; by level if not given",
    );
    page.example(
        "host = \"shop.example\"",
        "Host for every side; the name in the incumbent's url, else localhost, if not given",
    );
    let writes = "other methods than GET, HEAD, OPTIONS, TRACE may go to a side with a url";
    match draft.writes.as_slice() {
        [] => page.unset("writes = false", writes),
        methods => {
            let methods = methods.join(", ");
            page.fill_in(
                "workload",
                &format!("writes = true, if what runs already may be changed: the requests hold {methods}"),
            );
            page.unset("writes = false", writes);
        }
    }
    page.unset(
        "instructions = false",
        "instructions per request are counted as well, by Valgrind",
    );
}

fn objectives(page: &mut Page) {
    page.gap();
    page.note("What has to be held, at every rate; the first quantile is what the verdict turns on. Without");
    page.note("an objective or a goal, no problem is stated that a replacement could solve.");
    page.block(&[
        ("[[slo]]", ""),
        (
            "operation = \"*\"",
            "all requests; or a template such as \"GET /items/{id}\"",
        ),
        ("quantile = 0.99", "p99"),
        ("max = \"20ms\"", "counted from when a request was due"),
    ]);
    page.gap();
    page.block(&[
        ("[[slo]]", ""),
        (
            "error_rate = \"0.1%\"",
            "requests without an answer, or answered 5xx",
        ),
    ]);
    page.section("[goal]", "what the rewrite is for, at the highest rate");
    page.example("cpu = \"-30%\"", "CPU time per answered request");
    page.example("memory = \"-40%\"", "memory");
    page.example(
        "instructions = \"-20%\"",
        "instructions per request: no noise of the machine is in them",
    );
    page.example(
        "p99 = \"-25%\"",
        "a latency quantile; \"p99.9\" needs quotes",
    );
    page.section("[judge]", "");
    page.unset(
        "goal = \"replace\"",
        "\"no_worse\" asks only whether a newer version is worse",
    );
    page.example(
        "margin = \"5%\"",
        "with no_worse: how much worse still passes",
    );
    page.example(
        "longest = \"15m\"",
        "with no_worse: how long it is measured on while undecided",
    );
}

fn surroundings(page: &mut Page) {
    page.section("[limits]", "the same for both sides");
    page.example(
        "cpus = 1",
        "whole numbers give CPUs of their own, fractions a quota",
    );
    page.example("memory = \"512MiB\"", "of the cgroup");
    page.section(
        "[machine]",
        "divided between generator and sides unless said here",
    );
    page.example("generator = \"0\"", "CPUs of the generator");
    page.example("subject = \"1-3\"", "CPUs of the sides");
    page.gap();
    page.note("A business case that has to agree before anything is replaced.");
    page.block(&[
        ("[case]", ""),
        (
            "fleet = \"fleet.toml\"",
            "fleet, team and prices; see docs/case.md",
        ),
    ]);
    page.gap();
    page.note("Requests that recorded traffic lacks, on which frameworks differ; also by --edges.");
    page.block(&[
        ("[edges]", ""),
        ("writes = false", "also POST, PUT, PATCH and DELETE"),
        (
            "required = false",
            "a difference makes the candidate not_equivalent",
        ),
        ("budget = \"30s\"", "how long they are compared"),
        (
            "idle = \"8s\"",
            "how long a connection is left idle; 0: not asked",
        ),
    ]);
    page.gap();
    page.note("Bodies that are protocol buffers, compared by what they say.");
    page.block(&[
        ("[compare.protobuf]", ""),
        (
            "descriptors = \"api.pb\"",
            "of protoc --include_imports --descriptor_set_out",
        ),
        ("[[compare.protobuf.message]]", ""),
        (
            "operation = \"GET /orders/*\"",
            "where answers do not name it",
        ),
        ("type = \"shop.Order\"", ""),
    ]);
    page.gap();
    page.note("An outside service that the sides call: Understudy stands in for it (docs/dependencies.md).");
    page.block(&[
        ("[[dependency]]", ""),
        (
            "name = \"prices\"",
            "each side finds it at {dependency.prices}, in run or env",
        ),
        ("kind = \"http\"", ""),
        (
            "url = \"http://127.0.0.1:9000\"",
            "asked by the incumbent alone",
        ),
        (
            "latency = \"recorded\"",
            "or how long each of its answers takes",
        ),
        ("timeout = \"10s\"", "longest time for one of its answers"),
        (
            "settle = \"2ms\"",
            "so long after an answer calls still belong to it",
        ),
    ]);
    page.gap();
    page.note("Of another protocol than HTTP: passed through and counted.");
    page.block(&[
        ("[[dependency]]", ""),
        ("name = \"cache\"", ""),
        ("kind = \"tcp\"", ""),
        ("address = \"127.0.0.1:6379\"", ""),
        (
            "shared = true",
            "all sides use its data, and nothing goes wrong then",
        ),
    ]);
    page.gap();
    page.note("The highest rate at which each side holds the objectives. Takes longer.");
    page.block(&[
        ("[capacity]", ""),
        (
            "width = \"5%\"",
            "relative width of the interval that is enough",
        ),
        (
            "first_rate = 500",
            "rate of the first trial; else the highest of rates",
        ),
        ("highest_rate = 1000000", "no higher one is tried"),
        ("warmup = \"1s\"", "before each trial, discarded"),
        ("budget = \"2m\"", "longest time for one side"),
    ]);
    page.gap();
    page.note("The smallest memory limit at which each side holds the objectives. Takes longer.");
    page.block(&[
        ("[memory_floor]", ""),
        ("rate = 500", "offered rate; else the highest of rates"),
        ("repeats = 3", "trials that a limit has to hold in"),
        ("precision = \"5%\"", "width of the bracket that is enough"),
        (
            "start = \"512MiB\"",
            "the first limit; else the measured peak",
        ),
        ("lowest = \"4MiB\"", "no smaller one is tried"),
        ("warmup = \"1s\"", "before each trial, discarded"),
        ("measured = \"5s\"", "length of a trial"),
        ("soak = \"30s\"", "length of the one that verifies"),
    ]);
}

fn rules(page: &mut Page) {
    page.gap();
    page.note("Differences that are accepted.");
    page.block(&[
        ("[[compare.rule]]", ""),
        (
            "path = \"$.generated_at\"",
            "or \"code\", \"header:NAME\", \"cookie:NAME\", \"body\"",
        ),
        ("operation = \"*\"", "where it holds"),
        (
            "kind = \"value\"",
            "which kind of difference; every one if not given",
        ),
        ("reason = \"a time stamp\"", "why"),
        ("owner = \"team\"", "who decided"),
        ("expires = \"2099-12-31\"", "last day on which it holds"),
    ]);
    page.gap();
    page.note("Of a value, what it may be: all that is stated has to hold of both sides.");
    page.block(&[
        ("[[compare.rule]]", ""),
        ("path = \"$.price\"", ""),
        (
            "tolerance = \"0.01\"",
            "or \"1%\", \"4ulp\"; of moments \"2s\"",
        ),
        ("matches = \"[0-9.]+\"", "a regular expression"),
        ("present = true", "any value but null"),
        ("one_of = [\"1.5\", \"1.50\"]", "one of these"),
        (
            "normalise = [\"trailing_zero\"]",
            "\"case\", \"whitespace\", \"unicode\", \"url\"",
        ),
    ]);
    page.gap();
    page.block(&[
        ("[[compare.rule]]", ""),
        ("path = \"$.items\"", ""),
        ("unordered = true", "or the member that is the key"),
    ]);
    page.gap();
    page.block(&[
        ("[[compare.rule]]", ""),
        ("only = [\"code\", \"$.id\"]", "nothing else counts"),
    ]);
}

/// The text as it grows.
#[derive(Default)]
struct Page {
    text: String,
    missing: Vec<String>,
}

impl Page {
    fn line(&mut self, text: &str, explanation: &str) {
        if explanation.is_empty() {
            self.text += text;
        } else {
            self.text += &format!("{text:<COLUMN$}# {explanation}");
        }
        self.text.push('\n');
    }

    fn gap(&mut self) {
        self.text.push('\n');
    }

    fn note(&mut self, text: &str) {
        self.line(&format!("# {text}"), "");
    }

    fn section(&mut self, header: &str, explanation: &str) {
        self.gap();
        self.line(header, explanation);
    }

    /// A key that is set.
    fn key(&mut self, key: &str, explanation: &str) {
        self.line(key, explanation);
    }

    /// A key that is not set, with its default.
    fn unset(&mut self, key: &str, explanation: &str) {
        self.line(&format!("# {key}"), &format!("default; {explanation}"));
    }

    /// A key that is not set and has no default.
    fn example(&mut self, key: &str, explanation: &str) {
        self.line(&format!("# {key}"), &format!("such as; {explanation}"));
    }

    /// A table that is not there, and its keys.
    fn block(&mut self, keys: &[(&str, &str)]) {
        for (key, explanation) in keys {
            self.line(&format!("# {key}"), explanation);
        }
    }

    /// What cannot be left as it is.
    fn fill_in(&mut self, place: &str, what: &str) {
        self.note(&format!("fill in: {what}"));
        self.missing
            .push(format!("{place}: {}", what.trim_end_matches(':')));
    }
}
