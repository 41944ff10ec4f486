//! `[side.incumbent]`, `[side.candidate]` and `[side.tuned]`: how the sides come to run.

use super::reader::{self, Section};
use super::{Mode, Surroundings};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use understudy_model::{Role, Span};
use understudy_observe::Attach;
use understudy_probe::split_command;
use understudy_subject_http::{Target, WorkloadRequest};
use understudy_trial::config::{Kind, Launched, Pauses, Ready, SideConfig};

/// Longest time until a side is ready, where nothing is said.
pub(super) const READY_TIMEOUT: Span = Span::from_secs(60);

/// Keys that say how to start a side.
const OF_A_START: [&str; 8] = [
    "dir",
    "git",
    "build",
    "env",
    "ready",
    "ready_log",
    "ready_timeout",
    "pauses",
];

/// Keys that say how to start a service.
const OF_A_SERVICE: [&str; 6] = [
    "url",
    "attach",
    "ready",
    "ready_log",
    "ready_timeout",
    "pauses",
];

/// What kind of subject the sides are, and which limits are set, well or badly.
#[derive(Clone, Copy)]
pub(super) struct Limited {
    pub(super) kind: Kind,
    pub(super) memory: bool,
    pub(super) cpus: bool,
}

/// Reads one side; `None` if a problem says why.
pub(super) fn read(
    sides: &mut Section<'_>,
    side: Role,
    limited: Limited,
    around: &Surroundings<'_>,
) -> Option<SideConfig> {
    let mut section = sides.section(side.name());
    match limited.kind {
        Kind::Http => section.need(
            &["run", "url"],
            "write run, the command that starts it, or url, where it runs already",
        ),
        Kind::Command => {
            section.need(&["run"], "write the program with its leading arguments");
            for key in OF_A_SERVICE.into_iter().filter(|key| section.has(key)) {
                section.refuse(key, "is about a service, and the subject is a command");
            }
        }
    }
    let launched = launched(&mut section, limited, around);
    let running = running(&mut section, around);
    match (section.has("run"), section.has("url")) {
        (true, true) => section.refuse("url", "excludes run: a side is started, or runs already"),
        (false, true) => {
            for key in OF_A_START.into_iter().filter(|key| section.has(key)) {
                section.refuse(key, "goes with run only: with url, nothing is started");
            }
        }
        (_, false) if section.has("attach") => {
            section.refuse(
                "attach",
                "goes with url only: it names the process that answers there",
            );
        }
        _ => {}
    }
    section.finish();
    running.or(launched)
}

fn launched(
    section: &mut Section<'_>,
    limited: Limited,
    around: &Surroundings<'_>,
) -> Option<SideConfig> {
    let dir = around.folder(section, "dir");
    let git = section.text("git").map(str::to_owned);
    let git = git.map(|name| match around.mode {
        Mode::Judge => Ok(name),
        Mode::Run { .. } => resolve(dir.as_deref().unwrap_or(around.folder), &name),
    });
    if let Some(Err(error)) = &git {
        section.refuse("git", error);
    }
    let git = git.and_then(Result::ok);
    let build = section.text("build").map(str::to_owned);
    let run = section.text("run");
    let shell = section.boolean("shell");
    if shell.is_some() && limited.kind == Kind::Http {
        section.refuse(
            "shell",
            "is about commands\nhint: write `sh -c '...'` to start a service by a shell",
        );
    }
    let env = env(section.section("env"));
    let ready = ready(section);
    let ready_timeout = section.quantity("ready_timeout").unwrap_or(READY_TIMEOUT);
    if ready_timeout.nanos() == 0 {
        section.refuse("ready_timeout", "0 leaves no time to start");
    }
    let choices = Pauses::ALL.map(|choice| (choice.name(), choice));
    let pauses = section.choice("pauses", &choices).unwrap_or_default();
    let launched = Launched {
        dir: dir.unwrap_or_else(|| around.folder.to_owned()),
        git,
        build,
        shell: shell.unwrap_or(false),
        run: run?.to_owned(),
        env,
        ready,
        ready_timeout,
        pauses,
    };
    for (key, what) in mistakes(&launched, limited) {
        section.refuse(key, what);
    }
    Some(SideConfig::Launched(launched))
}

/// The commit that a name stands for, in the repository around a folder.
pub(super) fn resolve(dir: &Path, name: &str) -> Result<String, String> {
    understudy_trial::commit(dir, name).map_err(|error| {
        format!("{name:?} is not a commit, branch or tag that can be checked out: {error}")
    })
}

fn running(section: &mut Section<'_>, around: &Surroundings<'_>) -> Option<SideConfig> {
    let attach = attach(section.section("attach"));
    let url = section.text("url")?;
    if around.mode != Mode::Judge
        && let Err(error) = Target::parse_server(url)
    {
        section.refuse("url", error);
    }
    Some(SideConfig::Running {
        url: url.to_owned(),
        attach,
    })
}

/// What of a side that runs already is measured.
fn attach(mut section: Section<'_>) -> Option<Attach> {
    let pids = 1..=i32::MAX as u64;
    let pid = section.whole("pid", pids.clone());
    let jvm = section.whole("jvm", pids);
    let cgroup = section.text("cgroup").map(PathBuf::from);
    let given: Vec<&str> = ["pid", "jvm", "cgroup"]
        .into_iter()
        .filter(|key| section.has(key))
        .collect();
    for excluded in given.iter().skip(1) {
        let what = format!(
            "excludes {}: one process (pid, or jvm to log its pauses too), or a whole group",
            given[0]
        );
        section.refuse(excluded, what);
    }
    section.finish();
    let process = |id: Option<u64>| id.and_then(|id| u32::try_from(id).ok());
    let pid = process(pid).map(Attach::Pid);
    let jvm = process(jvm).map(Attach::Jvm);
    pid.or(jvm).or(cgroup.map(Attach::Cgroup))
}

fn ready(section: &mut Section<'_>) -> Ready {
    let path = section.text("ready");
    let log = section.text("ready_log");
    if let Some(Err(error)) = path.map(check_path) {
        section.refuse("ready", error);
    }
    if section.has("ready") && section.has("ready_log") {
        section.refuse(
            "ready_log",
            "excludes ready: a path that answers, or a line of the log",
        );
    }
    match (path, log) {
        (Some(path), _) => Ready::Path(path.to_owned()),
        (None, Some(log)) => Ready::Log(log.to_owned()),
        (None, None) => Ready::Port,
    }
}

fn env(section: Section<'_>) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    for (name, value) in section.entries() {
        if name.is_empty() || name.contains(['=', '\0']) {
            section.refuse(name, "is not the name of an environment variable");
        }
        match reader::text(value) {
            Ok(text) => drop(env.insert(name.to_owned(), text.to_owned())),
            Err(error) => section.refuse(name, error),
        }
    }
    env
}

/// Is it a path that can be asked for?
pub(super) fn check_path(path: &str) -> Result<(), String> {
    match WorkloadRequest::get(path).render("localhost") {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// What is wrong with the commands of a side, by key.
pub(super) fn mistakes(launched: &Launched, limited: Limited) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    match split_command(&launched.run) {
        _ if launched.shell => {}
        Err(error) => found.push(("run", error.to_string())),
        Ok(words) if limited.kind == Kind::Command => {
            found.extend(super::command::not_a_shell(&words).map(|what| ("run", what)));
        }
        Ok(_) => {}
    }
    let uses = |text: &str| {
        let in_env = launched.env.values().any(|value| value.contains(text));
        match launched.run.contains(text) {
            true => Some("run"),
            false => in_env.then_some("env"),
        }
    };
    if uses("{port}").is_none() && limited.kind == Kind::Http {
        let what =
            "`{port}` is missing\nhint: write it where the command takes the port to listen on";
        found.push(("run", what.to_owned()));
    }
    let words = [
        ("memory", "memory", limited.memory),
        ("memory_mib", "memory", limited.memory),
        ("heap_mib", "memory", limited.memory),
        ("cpus", "cpus", limited.cpus),
    ];
    for (word, limit, set) in words {
        if let Some(key) = uses(&format!("{{{word}}}"))
            && !set
        {
            let what = format!(
                "`{{{word}}}` is used, but {limit} has no limit\nhint: set `limits.{limit}`"
            );
            found.push((key, what));
        }
    }
    found
}
