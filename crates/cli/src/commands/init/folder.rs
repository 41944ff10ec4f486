//! What is in the folder of the trial's file.

use crate::show;
use serde_json::Value;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Most entries of the folder that are looked at.
const MOST_ENTRIES: usize = 10_000;
/// Most bytes of a project's file.
const MOST_BYTES: u64 = 1024 * 1024;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Contents {
    folder: PathBuf,
    names: Vec<String>,
    /// A line each about files that requests can be made of.
    files: Vec<String>,
    /// Ways to build and start what is in the folder, as keys of a side.
    pub(super) starts: Vec<Start>,
}

/// A way to start a project.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// The file that says so.
    pub(super) file: &'static str,
    /// The keys of a side, a line each.
    pub(super) keys: Vec<String>,
}

impl Contents {
    /// Looks at the names in a folder, and into the files of projects.
    pub(super) fn look(folder: &Path) -> Self {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .take(MOST_ENTRIES)
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        let mut files: Vec<String> = names.iter().filter_map(|name| source(name)).collect();
        if names.iter().any(|name| name == super::DEFAULT_OUT) {
            files.insert(0, format!("{}: requests", super::DEFAULT_OUT));
        }
        let starts = ["package.json", "Cargo.toml", "go.mod", "pom.xml"];
        let starts = starts
            .into_iter()
            .filter(|file| names.iter().any(|name| name == file));
        let starts = starts.filter_map(|file| start(file, &content(&folder.join(file))));
        Contents {
            starts: starts.collect(),
            folder: folder.to_owned(),
            names,
            files,
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// A line about each file that is or gives requests.
    pub(super) fn files(&self) -> &[String] {
        &self.files
    }
}

/// The line about a file that requests can be made of.
fn source(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    let (stem, ending) = lower.rsplit_once('.')?;
    let described = stem.ends_with("openapi") || stem.ends_with("swagger");
    let (what, flag) = match ending {
        "json" | "yaml" | "yml" if described => ("OpenAPI document", "--openapi"),
        "har" => ("HAR file", "--from"),
        "gor" => ("GoReplay capture", "--from"),
        "log" if stem.contains("access") => ("access log", "--from"),
        _ => return None,
    };
    Some(format!(
        "{name}: {what}, requests by: understudy init {flag} {}",
        show::argument(Path::new(name))
    ))
}

fn content(path: &Path) -> String {
    let mut text = String::new();
    // A project that cannot be read gives no hint.
    let _ = File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
    text
}

fn start(file: &'static str, text: &str) -> Option<Start> {
    let key = |name: &str, value: &str| format!("{name} = {}", toml::Value::from(value));
    let keys = match file {
        "package.json" => {
            let package: Value = serde_json::from_str(text).ok()?;
            let script = package
                .get("scripts")
                .and_then(|scripts| scripts.get("start"));
            let run = script.and_then(Value::as_str).unwrap_or("npm start");
            vec![key("run", run), "env = { PORT = \"{port}\" }".to_owned()]
        }
        "Cargo.toml" => {
            let manifest: toml::Table = text.parse().ok()?;
            let name = manifest
                .get("package")
                .and_then(|package| package.get("name"));
            let name = name.and_then(toml::Value::as_str).unwrap_or("NAME");
            vec![
                key("build", "cargo build --release"),
                key("run", &format!("target/release/{name} --port {{port}}")),
            ]
        }
        "go.mod" => vec![
            key("build", "go build -o server ."),
            key("run", "./server --port {port}"),
        ],
        _ => vec![
            key("build", "mvn -q package"),
            key("run", "java -jar target/NAME.jar --server.port={port}"),
        ],
    };
    Some(Start { file, keys })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_of_requests_are_known_by_their_names() {
        for (name, expected) in [
            (
                "openapi.yaml",
                "openapi.yaml: OpenAPI document, requests by: understudy init --openapi openapi.yaml",
            ),
            (
                "Shop 1.har",
                "Shop 1.har: HAR file, requests by: understudy init --from 'Shop 1.har'",
            ),
            (
                "it's.gor",
                "it's.gor: GoReplay capture, requests by: understudy init --from 'it'\\''s.gor'",
            ),
            (
                "access.log",
                "access.log: access log, requests by: understudy init --from access.log",
            ),
        ] {
            assert_eq!(source(name).as_deref(), Some(expected));
        }
        for name in ["package.json", "error.log", "har", "notes.yaml"] {
            assert_eq!(source(name), None, "{name}");
        }
    }

    #[test]
    fn projects_say_how_they_are_started() {
        let keys = |file, text| start(file, text).unwrap().keys.join("; ");
        assert_eq!(
            keys("package.json", r#"{"scripts":{"start":"node \"a b.js\""}}"#),
            "run = 'node \"a b.js\"'; env = { PORT = \"{port}\" }"
        );
        assert!(
            keys("Cargo.toml", "[package]\nname = \"chat\"")
                .contains("target/release/chat --port {port}")
        );
        assert!(keys("go.mod", "").contains("go build"));
        assert!(keys("pom.xml", "").contains("mvn"));
        assert_eq!(start("package.json", "{broken"), None);
    }
}
