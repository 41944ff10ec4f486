//! The rules of the repository, as tests: what the documents say is so, is so.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]
#![expect(clippy::panic, reason = "a test that cannot continue fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use toml::{Table, Value};

/// Most lines of a source file; more is a sign of two things in one place.
const MOST_LINES: usize = 800;
/// The only crates that may hold code the compiler cannot check.
const MAY_BE_UNSAFE: [&str; 2] = ["crates/host", "crates/probe"];
/// Folders that hold nothing written by hand.
const NOT_OURS: [&str; 8] = [
    "target",
    "runs",
    ".git",
    "corpus",
    "artifacts",
    "coverage",
    "node_modules",
    ".venv",
];
/// What makes the answer of a function depend on more than its arguments.
const IMPURE: [&str; 17] = [
    "std::fs",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "std::thread",
    "std::env",
    "std::process",
    "std::os",
    "std::time::{",
    "Instant::now",
    "SystemTime",
    "stdin(",
    "stdout(",
    "stderr(",
    "RandomState",
    "thread_local!",
];
/// The only crate that is for development alone.
const FOR_TESTS: &str = "testkit";

// Taken apart, so that this file does not find itself.
const ALLOW: &str = concat!("[all", "ow(");
const UNSAFE: &str = concat!("unsafe", "_code");
const FORBID: &str = concat!("#![forbid(unsafe", "_code)]");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// The files of the repository with this ending, relative to its root.
fn files(ending: &str) -> Vec<PathBuf> {
    let mut folders = vec![root()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name();
            if entry.file_type().unwrap().is_dir() {
                if !NOT_OURS.iter().any(|skipped| name == *skipped) {
                    folders.push(entry.path());
                }
            } else if entry.path().extension().is_some_and(|of| of == ending) {
                found.push(entry.path().strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no file ends in {ending}");
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn manifest(path: &Path) -> Table {
    read(path)
        .parse()
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The crates of `crates/`, by the short name that the documents use.
fn crates() -> BTreeMap<String, Table> {
    let of = |path: PathBuf| {
        let mut parts = path.iter().map(|part| part.to_str().unwrap());
        match (parts.next(), parts.next(), parts.next()) {
            (Some("crates"), Some(name), Some("Cargo.toml")) => {
                Some((name.to_owned(), manifest(&path)))
            }
            _ => None,
        }
    };
    files("toml").into_iter().filter_map(of).collect()
}

/// The crates of this workspace that a table of dependencies names.
fn own(dependencies: Option<&Value>) -> BTreeSet<String> {
    let names = dependencies
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(Table::keys);
    names
        .filter_map(|name| name.strip_prefix("understudy-"))
        .map(str::to_owned)
        .collect()
}

/// The crates that a crate uses under any target; those of its tests apart.
fn uses(manifest: &Table) -> (BTreeSet<String>, BTreeSet<String>) {
    let targets = manifest.get("target").and_then(Value::as_table);
    let tables = || {
        targets
            .into_iter()
            .flat_map(Table::values)
            .filter_map(Value::as_table)
            .chain([manifest])
    };
    let named = |kind: &str| {
        tables()
            .flat_map(|table| own(table.get(kind)))
            .collect::<BTreeSet<_>>()
    };
    let mut normal = named("dependencies");
    normal.extend(named("build-dependencies"));
    (normal, named("dev-dependencies"))
}

/// The rows of the table in ARCHITECTURE.md: each crate and the crates it may use.
fn may_use() -> Vec<(String, BTreeSet<String>)> {
    let text = read(Path::new("ARCHITECTURE.md"));
    let rows = text
        .lines()
        .skip_while(|line| !line.starts_with("| crate |"))
        .skip(2);
    let mut table: Vec<(String, BTreeSet<String>)> = Vec::new();
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, _, allowed] = cells.as_slice() else {
            panic!("a row of the crates has three cells: {row}");
        };
        let above: BTreeSet<String> = table.iter().map(|(name, _)| name.clone()).collect();
        let allowed = match *allowed {
            "-" => BTreeSet::new(),
            "all above" => above.clone(),
            names => names
                .split(',')
                .map(|name| name.trim().trim_matches('`').to_owned())
                .collect(),
        };
        let lower: Vec<_> = allowed.difference(&above).collect();
        assert!(
            lower.is_empty(),
            "{name} may use what is not above it: {lower:?}"
        );
        table.push((name.trim_matches('`').to_owned(), allowed));
    }
    table
}

#[test]
fn dependencies_point_up_the_table_of_the_architecture() {
    let crates = crates();
    let table = may_use();
    let documented: BTreeSet<&String> = table.iter().map(|(name, _)| name).collect();
    assert_eq!(
        documented,
        crates.keys().collect(),
        "ARCHITECTURE.md lists exactly the crates"
    );
    for (name, mut allowed) in table {
        let (normal, of_tests) = uses(&crates[&name]);
        let more: Vec<_> = normal.difference(&allowed).collect();
        assert!(
            more.is_empty(),
            "{name} uses {more:?}, which ARCHITECTURE.md does not let it"
        );
        allowed.insert(FOR_TESTS.to_owned());
        let more: Vec<_> = of_tests.difference(&allowed).collect();
        assert!(more.is_empty(), "the tests of {name} use {more:?}");
    }
}

/// The crates that ARCHITECTURE.md calls pure.
fn pure() -> Vec<String> {
    let text = read(Path::new("ARCHITECTURE.md"));
    let sentence = text
        .split("**Architecture Invariant:**")
        .find(|sentence| sentence.contains("are\npure"))
        .unwrap();
    let (names, _) = sentence.split_once("are\npure").unwrap();
    let names: Vec<String> = names
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    assert!(names.len() > 7, "{names:?}");
    names
}

/// The code of a crate without its tests, which may read what they like: path and source.
fn code(name: &str) -> Vec<(PathBuf, String)> {
    const TESTS: &str = "#[cfg(test)]\nmod ";
    let folder = format!("crates/{name}/src");
    let all: Vec<(PathBuf, String)> = files("rs")
        .into_iter()
        .filter(|path| path.starts_with(&folder))
        .map(|path| (path.clone(), read(&path)))
        .collect();
    let of_tests: BTreeSet<String> = all
        .iter()
        .flat_map(|(_, source)| source.split(TESTS).skip(1))
        .filter_map(|rest| rest.split_once([';', ' ']))
        .map(|(module, _)| module.to_owned())
        .collect();
    let is_code = |path: &Path| {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        !of_tests.contains(stem) && !path.iter().any(|part| part == "tests")
    };
    all.into_iter()
        .filter(|(path, _)| is_code(path))
        .map(|(path, source)| {
            let end = source.find("#[cfg(test)]\nmod tests {");
            let code = source[..end.unwrap_or(source.len())].to_owned();
            (path, code)
        })
        .collect()
}

/// Does the comment at the head of a file call it pure?
fn says_pure((_, source): &(PathBuf, String)) -> bool {
    let mut head = source.lines().take_while(|line| line.starts_with("//!"));
    head.any(|line| line.contains(" Pure"))
}

#[test]
fn pure_crates_know_no_clock_no_file_no_socket_and_no_thread() {
    let crates = crates();
    let pure = pure();
    let mut wrong = Vec::new();
    for name in &pure {
        let (normal, _) = uses(&crates[name]);
        let impure = normal.iter().filter(|used| !pure.contains(used));
        wrong.extend(impure.map(|used| format!("{name} uses {used}, which is not pure")));
    }
    let mut read_files = 0;
    // A module of another crate says it of itself.
    let of_others = crates.keys().filter(|name| !pure.contains(name));
    let modules = of_others.flat_map(|name| code(name)).filter(says_pure);
    for (path, source) in pure.iter().flat_map(|name| code(name)).chain(modules) {
        read_files += 1;
        for (number, line) in (1..).zip(source.lines()) {
            let code = line.split("//").next().unwrap();
            if IMPURE.iter().any(|word| code.contains(word)) {
                wrong.push(format!("{}:{number}: {}", path.display(), line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "not pure:\n{}", wrong.join("\n"));
    assert!(read_files > 200, "{read_files} files");
}

#[test]
fn every_crate_is_held_to_the_lints_of_the_workspace() {
    let manifests = files("toml")
        .into_iter()
        .filter(|path| path.ends_with("Cargo.toml"));
    for path in manifests {
        let manifest = manifest(&path);
        // The workspace itself, and what is one of its own: the fuzz targets, a subject with a compiler's needs.
        if manifest.get("workspace").is_some() {
            continue;
        }
        let held = manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"));
        assert_eq!(
            held,
            Some(&Value::Boolean(true)),
            "{}: [lints] workspace = true",
            path.display()
        );
    }
}

#[test]
fn only_host_and_probe_are_unsafe_and_nothing_allows_what_is_denied() {
    let mut wrong = Vec::new();
    let mut excused = 0;
    for path in files("rs") {
        let may = MAY_BE_UNSAFE.iter().any(|of| path.starts_with(of));
        for (number, line) in (1..).zip(read(&path).lines()) {
            let is_unsafe = line.contains(UNSAFE) && line.trim() != FORBID;
            excused += usize::from(is_unsafe && may);
            if line.contains(ALLOW) || is_unsafe && !may {
                wrong.push(format!("{}:{number}: {}", path.display(), line.trim()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "use expect with a reason; unsafe in host and probe only:\n{}",
        wrong.join("\n")
    );
    assert!(
        excused > 0,
        "the search would find an exception if there were one"
    );
}

#[test]
fn source_files_stay_short() {
    let long: Vec<String> = files("rs")
        .into_iter()
        .chain(files("go"))
        .map(|path| (read(&path).lines().count(), path))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .map(|(lines, path)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(
        long.is_empty(),
        "more than {MOST_LINES} lines:\n{}",
        long.join("\n")
    );
}

/// The text of a document outside of fenced blocks, and the lines inside of them.
fn prose_and_code(text: &str) -> (String, Vec<&str>) {
    let (mut prose, mut code, mut inside) = (String::new(), Vec::new(), false);
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if inside {
            code.push(line.trim());
        } else {
            prose += line;
            prose.push('\n');
        }
    }
    (prose, code)
}

/// The targets of the links in a text: `](target)`.
fn links(prose: &str) -> Vec<&str> {
    let after = prose.split("](").skip(1);
    after.filter_map(|rest| rest.split(')').next()).collect()
}

/// What is between backticks and looks like a path of this repository.
fn named_paths(prose: &str) -> Vec<&str> {
    let is_path = |text: &&str| {
        ["crates/", "docs/", "schemas/", "fuzz/", "examples/"]
            .iter()
            .any(|top| text.starts_with(top))
            && !text.contains(['*', '<', '{', ' ', '$'])
    };
    prose
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(is_path)
        .collect()
}

#[test]
fn links_and_paths_in_documents_lead_somewhere() {
    let mut broken = Vec::new();
    let mut checked = 0;
    for document in files("md") {
        let text = read(&document);
        let (prose, _) = prose_and_code(&text);
        let folder = document.parent().unwrap().to_owned();
        let relative = links(&prose)
            .into_iter()
            .filter(|link| !link.contains("://") && !link.starts_with('#'))
            .map(|link| folder.join(link.split('#').next().unwrap()));
        for path in relative.chain(named_paths(&prose).into_iter().map(PathBuf::from)) {
            checked += 1;
            if !root().join(&path).exists() {
                broken.push(format!("{}: {}", document.display(), path.display()));
            }
        }
    }
    assert!(
        broken.is_empty(),
        "nothing is there:\n{}",
        broken.join("\n")
    );
    assert!(checked > 20, "{checked} links and paths");
}

fn help(arguments: &[&str]) -> Option<String> {
    let program = env!("CARGO_BIN_EXE_understudy");
    let output = Command::new(program)
        .args(arguments)
        .arg("--help")
        .output()
        .unwrap();
    output
        .status
        .success()
        .then(|| String::from_utf8(output.stdout).unwrap())
}

/// What follows `understudy ` in a line of a document, word by word, without quoted words and without
/// the comment behind it.
fn arguments(line: &str) -> Option<Vec<&str>> {
    let line = line.trim_start_matches("$ ");
    let rest = line
        .trim_start_matches("./target/release/")
        .strip_prefix("understudy ")?;
    let unquoted = rest.split('"').step_by(2);
    Some(
        unquoted
            .flat_map(str::split_whitespace)
            .take_while(|word| *word != "#")
            .collect(),
    )
}

/// The first of these arguments that the program does not know.
fn unknown<'a>(arguments: &[&'a str]) -> Option<&'a str> {
    let mut words = arguments.iter().filter(|word| !word.starts_with('-'));
    let command = words.next()?;
    let Some(mut known) = help(&[command]) else {
        return Some(command);
    };
    // A command may have commands of its own; what is none is an argument, and the help is the same.
    known += &words
        .next()
        .and_then(|word| help(&[command, word]))
        .unwrap_or_default();
    let flags = arguments.iter().filter(|word| word.starts_with("--"));
    let mut names = flags.filter_map(|flag| flag.split('=').next());
    names.find(|flag| !known.split([' ', ',', '\n', '=']).any(|word| word == *flag))
}

#[test]
fn commands_in_documents_exist_with_their_flags() {
    assert_eq!(unknown(&["load", "URL", "--rate=5"]), None);
    assert_eq!(unknown(&["load", "URL", "--rat"]), Some("--rat"));
    assert_eq!(unknown(&["lode", "URL"]), Some("lode"));
    let quoted = arguments("understudy trial --incumbent \"x --port 1\" --get / # --not");
    assert_eq!(quoted, Some(vec!["trial", "--incumbent", "--get", "/"]));
    let mut wrong = Vec::new();
    for document in files("md") {
        for line in prose_and_code(&read(&document)).1 {
            if let Some(word) = arguments(line).and_then(|words| unknown(&words)) {
                wrong.push(format!("{}: {word}: {line}", document.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "the program knows no such thing:\n{}",
        wrong.join("\n")
    );
}
