//! The resolved configuration as text: what a run directory keeps and `judge` reads again.

use super::objectives::quantile_name;
use super::reader::shown_key;
use super::{FLEET, SCHEMA, dependencies};
use std::collections::BTreeMap;
use std::path::Path;
use toml::Value;
use understudy_compare::{Condition, Rule, Unordered};
use understudy_judge::search::floor::FloorTrial;
use understudy_judge::terms::{Goal, Question, Slo};
use understudy_model::Span;
use understudy_observe::Attach;
use understudy_subject_command::ComparedAs;
use understudy_trial::config::{
    CasesFrom, CommandWorkload, DependencyConfig, DependencyKind, HostHeader, HttpWorkload, Kind,
    Launched, Ready, RequestsFrom, SideConfig, TrialConfig, WorkloadConfig,
};

/// Writes every value, defaults included and paths absolute; reading it gives an equal
/// configuration.
pub(crate) fn write(config: &TrialConfig) -> String {
    let mut out = Document::default();
    out.value("schema", SCHEMA as i64);
    out.table("trial");
    out.value("name", config.name.as_str());
    out.value("level", config.level.name());
    out.value("seed", config.seed as i64);
    out.table("subject");
    out.value("kind", config.workload.kind().name());
    for of in config.sides() {
        out.table(&format!("side.{of}"));
        side(&mut out, config.side(of), config.workload.kind());
    }
    out.table("workload");
    match &config.workload {
        WorkloadConfig::Http(http) => workload(&mut out, http),
        WorkloadConfig::Command(command) => commands(&mut out, command),
    }
    for objective in &config.slos {
        out.tables("slo");
        slo(&mut out, objective);
    }
    if !config.goals.is_empty() {
        out.table("goal");
        config.goals.iter().for_each(|of| goal(&mut out, of));
    }
    out.table("judge");
    match config.question {
        Question::Replace => out.value("goal", "replace"),
        Question::NoWorse { margin, longest } => {
            out.value("goal", "no_worse");
            out.value("margin", margin.to_string());
            out.optional("longest", longest.map(|longest| longest.to_string()));
        }
    }
    if config.case.is_some() {
        out.table("case");
        out.value("fleet", FLEET);
    }
    let (limits, machine) = (&config.limits, &config.machine);
    out.table("limits");
    out.optional("cpus", limits.cpus.map(|cpus| number(cpus.get())));
    out.optional("memory", limits.memory.map(|memory| memory.to_string()));
    if let WorkloadConfig::Command(command) = &config.workload {
        outputs(&mut out, command);
    }
    if let Some(edges) = config.workload.http().and_then(|of| of.edges) {
        out.table("edges");
        out.value("writes", edges.writes);
        out.value("required", edges.required);
        out.value("budget", span(edges.budget));
        out.value("idle", span(edges.idle));
    }
    let http = config.workload.http();
    if let Some(protobuf) = http.and_then(|of| of.protobuf.as_ref()) {
        out.table("compare.protobuf");
        out.value("descriptors", path(&protobuf.descriptors));
        for (operation, name) in &protobuf.named {
            out.tables("compare.protobuf.message");
            out.value("operation", operation.as_str());
            out.value("type", name.as_str());
        }
    }
    for one in http.map_or(&[][..], |of| &of.dependencies) {
        out.tables("dependency");
        dependency(&mut out, one);
    }
    for accepted in &config.rules {
        out.0 += &rule_text(accepted);
    }
    out.table("machine");
    out.optional(
        "generator",
        machine.generator.as_ref().map(ToString::to_string),
    );
    out.optional("subject", machine.subject.as_ref().map(ToString::to_string));
    let commands = config.workload.command();
    if let Some(deadline) = commands.and_then(|of| of.sizing.deadline) {
        out.table("capacity");
        out.value("deadline", span(deadline));
    }
    if let Some(capacity) = &config.capacity {
        out.table("capacity");
        out.value("width", capacity.width.to_string());
        out.value("first_rate", number(capacity.first_rate));
        out.value("highest_rate", number(capacity.highest_rate));
        out.value("warmup", span(capacity.warmup));
        out.optional("budget", capacity.budget.map(span));
    }
    if let Some(floor) = &config.memory_floor {
        out.table("memory_floor");
        out.value("repeats", i64::from(floor.repeats));
        out.value("precision", floor.precision.to_string());
        out.optional("start", floor.start.map(|start| start.to_string()));
        out.value("lowest", floor.lowest.to_string());
        floor_trial(&mut out, &floor.trial);
    }
    out.0
}

fn floor_trial(out: &mut Document, trial: &FloorTrial) {
    match trial {
        FloorTrial::Load(load) => {
            out.value("rate", number(load.rate));
            out.value("warmup", span(load.warmup));
            out.optional("measured", load.measured.map(span));
            out.value("soak", span(load.soak));
        }
        FloorTrial::Runs(runs) => {
            out.value("slower", runs.slower.to_string());
            out.value("budget", span(runs.budget));
        }
    }
}

fn side(out: &mut Document, side: &SideConfig, kind: Kind) {
    match side {
        SideConfig::Launched(side) => launched(out, side, kind),
        SideConfig::Running { url, attach } => {
            out.value("url", url.as_str());
            out.optional("attach", attach.as_ref().map(attached));
        }
    }
}

fn attached(attach: &Attach) -> Value {
    let (key, value) = match attach {
        Attach::Pid(pid) => ("pid", Value::from(i64::from(*pid))),
        Attach::Jvm(pid) => ("jvm", Value::from(i64::from(*pid))),
        Attach::Cgroup(group) => ("cgroup", Value::from(path(group))),
    };
    Value::from(BTreeMap::from([(key.to_owned(), value)]))
}

fn launched(out: &mut Document, side: &Launched, kind: Kind) {
    out.value("dir", path(&side.dir));
    out.optional("git", side.git.as_deref());
    out.optional("build", side.build.as_deref());
    out.value("run", side.run.as_str());
    out.value("env", Value::from(side.env.clone()));
    if kind == Kind::Command {
        return out.value("shell", side.shell);
    }
    match &side.ready {
        Ready::Port => {}
        Ready::Path(path) => out.value("ready", path.as_str()),
        Ready::Log(pattern) => out.value("ready_log", pattern.as_str()),
    }
    out.value("ready_timeout", span(side.ready_timeout));
    out.value("pauses", side.pauses.name());
}

fn commands(out: &mut Document, workload: &CommandWorkload) {
    match &workload.cases {
        CasesFrom::File(file) => out.value("cases", path(file)),
        CasesFrom::Pattern(pattern) => out.value("cases", pattern.as_str()),
        CasesFrom::Alone => {}
    }
    out.value("cache", workload.cache.name());
    if workload.instructions {
        out.value("instructions", true);
    }
    out.value("timeout", span(workload.timeout));
    out.optional("startup", workload.startup.clone());
    out.value("size_unit", workload.sizing.unit.as_str());
}

fn outputs(out: &mut Document, workload: &CommandWorkload) {
    let outputs = &workload.outputs;
    let entries = outputs.entries();
    let (own, files): (Vec<_>, Vec<_>) = entries
        .into_iter()
        .partition(|(name, _)| matches!(*name, "stdout" | "stderr"));
    out.table("compare");
    for (name, word) in own {
        out.value(name, word);
    }
    for (pattern, word) in files {
        out.tables("compare.output");
        out.value("path", pattern);
        out.value("as", word);
        let mut qualities = outputs.qualities();
        if let Some((_, quality)) = qualities.find(|(of, _)| *of == pattern) {
            let table = [
                ("reference", quality.reference.clone()),
                ("metric", quality.metric.name().to_owned()),
                ("margin", quality.margin.to_string()),
            ];
            let table = table.map(|(key, value)| (key.to_owned(), value));
            out.value("quality", Value::from(BTreeMap::from(table)));
        }
    }
    if outputs.ways().any(|way| way == ComparedAs::Media) {
        out.table("compare.media");
        out.value("ffmpeg", workload.ffmpeg.as_str());
    }
}

fn workload(out: &mut Document, workload: &HttpWorkload) {
    match &workload.requests {
        RequestsFrom::File(file) => out.value("requests", path(file)),
        RequestsFrom::Paths(paths) => out.value("paths", paths.clone()),
    }
    out.optional("prepare", workload.prepare.as_deref().map(path));
    let rates = workload.rates.iter().map(|rate| number(*rate));
    out.value("rates", rates.collect::<Vec<Value>>());
    out.value("arrivals", workload.arrivals.name());
    let named = |fresh| super::workload::FRESH.iter().find(|(_, one)| *one == fresh);
    let fresh = workload.fresh.and_then(named).map(|(name, _)| *name);
    out.optional("fresh", fresh);
    out.value("connections", i64::from(workload.connections));
    out.value("timeout", span(workload.timeout));
    out.optional("warmup", workload.warmup.map(span));
    out.value("writes", workload.writes);
    if workload.instructions {
        out.value("instructions", true);
    }
    match &workload.host {
        HostHeader::Same => {}
        HostHeader::Named(name) => out.value("host", name.as_str()),
        HostHeader::Own => out.value("host", super::workload::OWN_HOST),
    }
}

fn dependency(out: &mut Document, of: &DependencyConfig) {
    out.value("name", of.name.as_str());
    match &of.kind {
        DependencyKind::Http(of) => {
            out.value("kind", dependencies::HTTP);
            out.value("url", of.url.as_str());
            match of.latency {
                None => out.value("latency", dependencies::RECORDED),
                Some(latency) => out.value("latency", span(latency)),
            }
            out.value("timeout", span(of.timeout));
            out.value("settle", span(of.settle));
        }
        DependencyKind::Tcp(address) => {
            out.value("kind", dependencies::TCP);
            out.value("address", address.as_str());
            out.value("shared", true);
        }
    }
}

fn slo(out: &mut Document, slo: &Slo) {
    match slo {
        Slo::Latency {
            operation,
            quantile,
            max,
        } => {
            out.value("operation", operation.as_str());
            out.value("quantile", *quantile);
            out.value("max", span(*max));
        }
        Slo::ErrorRate { max } => out.value("error_rate", max.to_string()),
    }
}

fn goal(out: &mut Document, goal: &Goal) {
    match goal {
        Goal::Wall(change) => out.value("wall", change.to_string()),
        Goal::Startup(change) => out.value("startup", change.to_string()),
        Goal::Cpu(change) => out.value("cpu", change.to_string()),
        Goal::Memory(change) => out.value("memory", change.to_string()),
        Goal::Instructions(change) => out.value("instructions", change.to_string()),
        Goal::Latency { quantile, change } => {
            out.value(&quantile_name(*quantile), change.to_string());
        }
    }
}

/// A rule as it is in a file.
pub(crate) fn rule_text(accepted: &Rule) -> String {
    let mut out = Document::default();
    out.tables("compare.rule");
    rule(&mut out, accepted);
    out.0
}

fn rule(out: &mut Document, rule: &Rule) {
    match rule.only.as_slice() {
        [] => out.value("path", rule.path.as_str()),
        only => out.value("only", only.to_vec()),
    }
    condition(out, &rule.condition);
    out.optional("operation", rule.operation.as_deref());
    out.optional("kind", rule.kind.map(|kind| kind.name()));
    out.optional("reason", rule.reason.as_deref());
    out.optional("owner", rule.owner.as_deref());
    out.optional("expires", rule.expires.map(|day| day.to_string()));
}

fn condition(out: &mut Document, condition: &Condition) {
    out.optional("tolerance", condition.tolerance.as_deref());
    out.optional("matches", condition.matches.as_deref());
    if condition.present {
        out.value("present", true);
    }
    if !condition.one_of.is_empty() {
        out.value("one_of", condition.one_of.clone());
    }
    if !condition.normalise.is_empty() {
        let names = condition.normalise.iter().map(|normal| normal.name());
        out.value("normalise", names.collect::<Vec<_>>());
    }
    match &condition.unordered {
        None => {}
        Some(Unordered::Likeness) => out.value("unordered", true),
        Some(Unordered::Key(name)) => out.value("unordered", name.as_str()),
    }
}

/// The text of a document, a line a value.
#[derive(Default)]
struct Document(String);

impl Document {
    fn table(&mut self, name: &str) {
        self.0 += &format!("\n[{name}]\n");
    }

    fn tables(&mut self, name: &str) {
        self.0 += &format!("\n[[{name}]]\n");
    }

    fn value(&mut self, key: &str, value: impl Into<Value>) {
        self.0 += &format!("{} = {}\n", shown_key(key), value.into());
    }

    fn optional(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.value(key, value);
        }
    }
}

/// Paths are texts: [`super::parse`] and [`super::from_flags`] let no other in.
fn path(path: &Path) -> String {
    path.display().to_string()
}

/// A number without a point where it is whole.
fn number(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        Value::Integer(number as i64)
    } else {
        Value::Float(number)
    }
}

/// In the unit that people would use, unless it has more digits than that unit carries.
fn span(span: Span) -> String {
    let text = span.to_string();
    match text.parse() {
        Ok(again) if span == again => text,
        _ => format!("{}ns", span.nanos()),
    }
}
