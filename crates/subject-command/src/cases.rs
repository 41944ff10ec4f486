//! What is run: cases of a command, from a file with a JSON object a line, or a file a case.
//!
//! A line has `args` (a list), one of `stdin` (a text) and `stdin_file`, `files` (an object of paths in the
//! working directory and their content, a text or `{"file": path}`), `env`, `operation`, `weight`, `size`, `timeout` and
//! `clip` (the name of what an encoder gets); all are optional. Paths of files that are read are relative to the case
//! file; paths in the working directory never lead out of it.

use crate::script::with_input;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;
use understudy_model::{Span, plain_words};
use understudy_workload::{Grammar, Line, LinesError, Weighted};

/// Most files of one case.
const MAX_FILES: usize = 10_000;
/// Longest time limit of a case.
const LONGEST: Span = Span::from_secs(7 * 24 * 3600);
/// Range of sizes, far beyond what fits into a machine on both ends.
const SMALLEST_SIZE: f64 = 1e-6;
const LARGEST_SIZE: f64 = 1e18;
/// What a command has in the place of the name of its input file.
pub(crate) const PLACEHOLDER: &str = "{in}";
/// Variables that Understudy sets: they lead into the directories of a run.
const OURS: [&str; 2] = ["HOME", "TMPDIR"];

/// A line of a case file.
const GRAMMAR: Grammar = Grammar {
    noun: "case",
    keys: &[
        "args",
        "clip",
        "stdin",
        "stdin_file",
        "files",
        "env",
        "operation",
        "weight",
        "size",
        "timeout",
    ],
    example: "{\"args\": [\"-n\"]}",
};

/// Where the content of a file comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From the case itself.
    Text(Vec<u8>),
    /// From this file, which is copied.
    File(PathBuf),
}

/// One thing to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Arguments that follow the command of a side.
    pub args: Vec<String>,
    /// Standard input; none is an empty one.
    pub stdin: Option<Input>,
    /// Files of the working directory: each path is relative and stays within it.
    pub files: BTreeMap<PathBuf, Input>,
    /// Variables added to the fixed environment.
    pub env: BTreeMap<String, String>,
    /// What it is an example of, if that is given.
    pub operation: Option<String>,
    /// How often it is chosen, relative to the others.
    pub weight: f64,
    /// How much a run has to do, in the unit of the workload, if that is given.
    pub size: Option<f64>,
    /// How long it may take, if that is not the time limit of the trial.
    pub timeout: Option<Duration>,
    /// What replaces `{in}` in the command of a side: the name of its input file.
    pub input: Option<String>,
    /// What it encodes: the cases of one clip are points of one curve.
    pub clip: Option<String>,
}

impl Default for Case {
    fn default() -> Self {
        Case {
            args: Vec::new(),
            stdin: None,
            files: BTreeMap::new(),
            env: BTreeMap::new(),
            operation: None,
            weight: 1.0,
            size: None,
            timeout: None,
            input: None,
            clip: None,
        }
    }
}

impl Weighted for Case {
    fn weight(&self) -> f64 {
        self.weight
    }
}

/// The cases of a workload, checked; at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Cases {
    /// In the order of the file.
    pub all: Vec<Case>,
}

impl Cases {
    /// Reads JSON lines; empty ones are skipped. Files that are named are relative to `folder`, and `is_file`
    /// says why one of them cannot be used.
    ///
    /// # Errors
    /// Everything that is wrong with any line, or that there is no case.
    pub fn parse(
        text: &str,
        folder: &Path,
        is_file: &dyn Fn(&Path) -> Result<(), String>,
    ) -> Result<Cases, LinesError> {
        let all = GRAMMAR.read(text, |line, _| {
            Some(
                Reader {
                    line,
                    folder,
                    is_file,
                }
                .case(),
            )
        })?;
        Ok(Cases { all })
    }
}

/// A case for each file that matches a pattern such as `data/*.json`, in the order of their names. `{in}` in a
/// command stands for the file.
///
/// # Errors
/// The pattern is not valid, matches nothing, or a file cannot be used.
pub fn file_cases(pattern: &str) -> Result<Cases, Vec<String>> {
    let named = |what: String| format!("`{pattern}` {what}");
    let paths = glob::glob(pattern)
        .map_err(|error| vec![named(format!("is not a valid pattern: {}", error.msg))])?;
    let (mut all, mut errors) = (Vec::new(), Vec::new());
    for path in paths {
        match path {
            Ok(path) if path.is_dir() => {}
            Ok(path) => match file_case(&path) {
                Ok(case) => all.push(case),
                Err(what) => errors.push(what),
            },
            Err(error) => {
                let path = error.path().display().to_string();
                let why = plain_words(&error.into());
                errors.push(format!("matches `{path}`, which cannot be read: {why}"));
            }
        }
    }
    errors.extend(passed_over(pattern));
    if errors.is_empty() && all.is_empty() {
        errors.push("matches no file".to_owned());
    }
    match errors.is_empty() {
        true => Ok(Cases { all }),
        false => Err(errors.into_iter().map(named).collect()),
    }
}

/// A folder as the beginning of a pattern that is valid for this folder alone.
pub fn literal_pattern(folder: &Path) -> PathBuf {
    glob::Pattern::escape(&folder.to_string_lossy()).into()
}

/// Files that a pattern matches but for names that are not text: `glob` leaves them out without a word, and a case that
/// was not run is not the same.
fn passed_over(pattern: &str) -> Vec<String> {
    let (folders, name) = pattern.rsplit_once('/').unwrap_or((".", pattern));
    let folders = if folders.is_empty() { "/" } else { folders };
    let Ok(name) = glob::Pattern::new(name) else {
        return Vec::new();
    };
    let folders = glob::glob(folders).into_iter().flatten().flatten();
    let entries = folders
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flatten()
        .flatten();
    entries
        .filter(|entry| entry.file_name().to_str().is_none())
        .filter(|entry| name.matches(&entry.file_name().to_string_lossy()))
        .filter(|entry| !entry.path().is_dir())
        .filter_map(|entry| file_case(&entry.path()).err())
        .collect()
}

fn file_case(path: &Path) -> Result<Case, String> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name =
        name.ok_or_else(|| format!("matches `{}`, whose name is not UTF-8 text", path.display()))?;
    // What begins with a dash would be taken for an option.
    let input = match name.starts_with('-') {
        true => format!("./{name}"),
        false => name.to_owned(),
    };
    Ok(Case {
        files: BTreeMap::from([(name.into(), Input::File(path.to_owned()))]),
        input: Some(input),
        ..Case::default()
    })
}

/// The words of a command with those of a case: `{in}` is replaced in the command, `args` follow it.
///
/// # Errors
/// `{in}` without an input file, or an input file that the command does not name: cause and hint.
pub fn command_line(command: &[String], case: &Case) -> Result<Vec<String>, String> {
    let has_place = command.iter().any(|word| word.contains(PLACEHOLDER));
    check_placeholder(has_place, case)?;
    let input = case.input.as_deref().unwrap_or_default();
    let words = command.iter().map(|word| word.replace(PLACEHOLDER, input));
    Ok(words.chain(case.args.iter().cloned()).collect())
}

/// The words that make a shell run a line with those of a case: `{in}` is replaced in the line, `args` follow it.
///
/// # Errors
/// As [`command_line`], and where the shell would take the name of the input file for something else.
pub fn script_line(line: &str, case: &Case) -> Result<Vec<String>, String> {
    check_placeholder(line.contains(PLACEHOLDER), case)?;
    let line = match &case.input {
        Some(input) => with_input(line, input)?,
        None => line.to_owned(),
    };
    let line = match case.args.is_empty() {
        true => line,
        // What a case adds follows the line as words of their own, whatever is in them.
        false => format!("{line} \"$@\""),
    };
    let mut words = vec!["sh".to_owned(), "-c".to_owned(), line];
    if !case.args.is_empty() {
        words.push("sh".to_owned());
    }
    Ok(words.into_iter().chain(case.args.iter().cloned()).collect())
}

/// Do a command and a case agree about an input file?
fn check_placeholder(has_place: bool, case: &Case) -> Result<(), String> {
    match (&case.input, has_place) {
        (Some(_), false) => Err(format!(
            "the command does not name its input file\nhint: write `{PLACEHOLDER}` where the file belongs"
        )),
        (None, true) => Err(format!(
            "`{PLACEHOLDER}` in the command stands for an input file, and the cases have none\nhint: give \
             `--cases` a pattern such as 'data/*.json', or name the file in `args`"
        )),
        _ => Ok(()),
    }
}

/// Reads a line.
struct Reader<'l> {
    line: &'l mut Line,
    folder: &'l Path,
    is_file: &'l dyn Fn(&Path) -> Result<(), String>,
}

impl Reader<'_> {
    fn case(&mut self) -> Case {
        let common = self.line.common();
        Case {
            args: self.args(),
            stdin: self.stdin(),
            files: self.files(),
            env: self.env(),
            operation: common.operation,
            weight: common.weight,
            size: self.size(),
            timeout: self.line.span("timeout", LONGEST).map(Span::duration),
            input: None,
            clip: self.clip(),
        }
    }

    fn args(&mut self) -> Vec<String> {
        let mut args = Vec::new();
        for (index, word) in (1..).zip(self.line.list("args", "texts")) {
            match word {
                Value::String(word) if word.contains('\0') => {
                    self.wrong(format!("\"args\": argument {index} contains a NUL"));
                }
                Value::String(word) => args.push(word),
                _ => {
                    let shown: String = word.to_string().chars().take(40).collect();
                    self.wrong(format!(
                        "\"args\": argument {index} is not a text\nhint: write {shown:?}"
                    ));
                }
            }
        }
        args
    }

    fn wrong(&mut self, what: impl Into<String>) {
        self.line.wrong::<()>(what);
    }

    fn stdin(&mut self) -> Option<Input> {
        let (text, path) = (self.line.text("stdin"), self.line.text("stdin_file"));
        match (text, path) {
            (Some(_), Some(_)) => self.line.wrong("has both \"stdin\" and \"stdin_file\""),
            (Some(text), None) => Some(Input::Text(text.into_bytes())),
            (None, Some(path)) => self.source("\"stdin_file\"", &path),
            (None, None) => None,
        }
    }

    fn files(&mut self) -> BTreeMap<PathBuf, Input> {
        let mut files = BTreeMap::new();
        let given = self.line.table("files", "paths and contents");
        if given.len() > MAX_FILES {
            let count = given.len();
            self.wrong(format!(
                "\"files\" has {count} files; at most {MAX_FILES} are placed"
            ));
            return files;
        }
        for (name, content) in &given {
            let content = self.content(name, content);
            match (inside(name), content) {
                (Ok(path), Some(content)) => {
                    if files.insert(path, content).is_some() {
                        self.wrong(format!("\"files\" names {name:?} twice"));
                    }
                }
                (Err(why), _) => self.wrong(format!("\"files\": {name:?} {why}")),
                (Ok(_), None) => {}
            }
        }
        let folders: BTreeSet<&Path> = files
            .keys()
            .flat_map(|path| path.ancestors().skip(1))
            .collect();
        if let Some(both) = files.keys().find(|path| folders.contains(path.as_path())) {
            let both = both.clone();
            self.wrong(format!("\"files\": {both:?} is a file and a directory"));
        }
        files
    }

    fn content(&mut self, name: &str, content: &Value) -> Option<Input> {
        let path = match content {
            Value::String(text) => return Some(Input::Text(text.clone().into_bytes())),
            Value::Object(object) if object.len() == 1 => object.get("file"),
            _ => None,
        };
        match path.and_then(Value::as_str) {
            Some(path) => self.source(&format!("\"files\": {name:?}:"), path),
            None => self.line.wrong(format!(
                "\"files\": {name:?} is neither a text nor {{\"file\": path}}"
            )),
        }
    }

    /// A file that is read, relative to the case file.
    fn source(&mut self, key: &str, path: &str) -> Option<Input> {
        let whole = self.folder.join(path);
        // The system takes no such name, and its own word for that is about something else.
        if path.is_empty() || path.contains('\0') {
            let what = format!("{key} {path:?} is not the name of a file");
            return self.line.wrong(what);
        }
        match (self.is_file)(&whole) {
            Ok(()) => Some(Input::File(whole)),
            Err(why) => self
                .line
                .wrong(format!("{key} {path:?} cannot be used: {why}")),
        }
    }

    fn env(&mut self) -> BTreeMap<String, String> {
        let mut env = BTreeMap::new();
        for (name, value) in self.line.table("env", "names and texts") {
            let problem = if name.is_empty() || name.contains(['=', '\0']) {
                "is not the name of a variable"
            } else if OURS.contains(&name.as_str()) {
                "is set by Understudy: it leads into the directory of the run"
            } else {
                match value {
                    Value::String(value) if !value.contains('\0') => {
                        env.insert(name, value);
                        continue;
                    }
                    Value::String(_) => "has a NUL in its value",
                    _ => "is not a text",
                }
            };
            self.wrong(format!("\"env\": {name:?} {problem}"));
        }
        env
    }

    fn size(&mut self) -> Option<f64> {
        let size = self.line.get("size")?.as_f64();
        let size = size.filter(|size| (SMALLEST_SIZE..=LARGEST_SIZE).contains(size));
        size.or_else(|| {
            let range = format!("from {SMALLEST_SIZE} to {LARGEST_SIZE:e}");
            self.line.wrong(format!("\"size\" is not a number {range}"))
        })
    }

    fn clip(&mut self) -> Option<String> {
        // It becomes a part of the path of a reference.
        let is_name = |name: &str| {
            !name.trim().is_empty()
                && name != ".."
                && !name.contains(|c: char| c.is_control() || matches!(c, '/' | ';'))
        };
        match self.line.text("clip")? {
            name if is_name(&name) => Some(name),
            _ => self.line.wrong("\"clip\" is not the name of a clip"),
        }
    }
}

/// A path in the working directory, without what does not change it.
pub(crate) fn inside(name: &str) -> Result<PathBuf, &'static str> {
    if name.contains('\0') {
        return Err("contains a NUL");
    }
    if name.ends_with('/') {
        return Err("is a directory\nhint: name a file in it");
    }
    let mut path = PathBuf::new();
    for part in Path::new(name).components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir => return Err("leads out of the working directory (`..`)"),
            Component::RootDir | Component::Prefix(_) => {
                return Err("is absolute\nhint: name it relative to the working directory");
            }
        }
    }
    if path.as_os_str().is_empty() {
        return Err("is not the name of a file");
    }
    Ok(path)
}

#[cfg(test)]
mod tests;
