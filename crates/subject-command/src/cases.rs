//! What is run: cases of a command, from a file with a JSON object a line, or a file a case.
//!
//! A line has `args` (a list), one of `stdin` (a text) and `stdin_file`, `files` (an object of paths in the
//! working directory and their content, a text or `{"file": path}`), `env`, `operation`, `weight`, `size` and
//! `timeout`; all are optional. Paths of files that are read are relative to the case file; paths in the working
//! directory never lead out of it.

use crate::script::with_input;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;
use understudy_model::{Quantity, Span, plain_words, unknown_key};

/// Most bytes of a case file.
pub const MAX_CASES_BYTES: u64 = 1 << 30;
/// Most errors that are reported at once.
const MAX_ERRORS: usize = 100;
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

const KEYS: [&str; 9] = [
    "args",
    "stdin",
    "stdin_file",
    "files",
    "env",
    "operation",
    "weight",
    "size",
    "timeout",
];

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
        }
    }
}

/// Everything that is wrong with cases.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct CasesError {
    /// The file, or the pattern.
    pub source_name: String,
    /// Line number (from 1; 0 for the file as a whole) and what is wrong there, with a hint in a second line
    /// where there is one.
    pub errors: Vec<(usize, String)>,
    /// How many more there are.
    pub more: usize,
}

impl fmt::Display for CasesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.source_name;
        for (index, (line, what)) in self.errors.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            match line {
                0 => write!(f, "{end}{name} {what}")?,
                _ => write!(f, "{end}{name}:{line}: {what}")?,
            }
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "\n{name}: {more} more errors"),
        }
    }
}

/// The cases of a workload, checked; at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Cases {
    /// In the order of the file.
    pub all: Vec<Case>,
}

impl Cases {
    /// Reads a case file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(path: &Path) -> Result<Cases, CasesError> {
        let whole = |what: String| CasesError {
            source_name: path.display().to_string(),
            errors: vec![(0, what)],
            more: 0,
        };
        let cannot = |error| whole(format!("cannot be read: {}", plain_words(&error)));
        let size = fs::metadata(path).map_err(cannot)?.len();
        if size > MAX_CASES_BYTES {
            return Err(whole(format!(
                "has {size} bytes; at most {MAX_CASES_BYTES} are read"
            )));
        }
        let text = fs::read_to_string(path).map_err(cannot)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let is_file = |path: &Path| match fs::metadata(path) {
            Ok(data) if data.is_file() => Ok(()),
            Ok(_) => Err("it is not a file".to_owned()),
            Err(error) => Err(plain_words(&error)),
        };
        Self::parse(&text, folder, &is_file).map_err(|error| CasesError {
            source_name: path.display().to_string(),
            ..error
        })
    }

    /// Reads JSON lines; empty ones are skipped. Files that are named are relative to `folder`, and `is_file`
    /// says why one of them cannot be used.
    ///
    /// # Errors
    /// Everything that is wrong with any line, or that there is no case.
    pub fn parse(
        text: &str,
        folder: &Path,
        is_file: &dyn Fn(&Path) -> Result<(), String>,
    ) -> Result<Cases, CasesError> {
        let mut all = Vec::new();
        let (mut errors, mut more) = (Vec::new(), 0);
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() {
                continue;
            }
            let mut reader = Line {
                folder,
                is_file,
                errors: Vec::new(),
            };
            let case = reader.case(line);
            for what in reader.errors {
                // Counted only: a large file of another kind is wrong in every line.
                match errors.len() < MAX_ERRORS {
                    true => errors.push((number, what)),
                    false => more += 1,
                }
            }
            all.extend(case);
        }
        if errors.is_empty() && all.is_empty() {
            let what =
                "has no case\nhint: write one JSON object a line, such as {\"args\": [\"-n\"]}";
            errors.push((0, what.to_owned()));
        }
        if errors.is_empty() && all.iter().all(|case| case.weight == 0.0) {
            let what = "gives every case the weight 0, so none would run";
            errors.push((0, what.to_owned()));
        }
        if errors.is_empty() {
            return Ok(Cases { all });
        }
        Err(CasesError {
            source_name: "the case file".to_owned(),
            errors,
            more,
        })
    }
}

/// A case for each file that matches a pattern such as `data/*.json`, in the order of their names. `{in}` in a
/// command stands for the file.
///
/// # Errors
/// The pattern is not valid, matches nothing, or a file cannot be used.
pub fn file_cases(pattern: &str) -> Result<Cases, CasesError> {
    let failed = |errors: Vec<String>| CasesError {
        source_name: format!("`{pattern}`"),
        errors: errors.into_iter().map(|what| (0, what)).collect(),
        more: 0,
    };
    let paths = glob::glob(pattern)
        .map_err(|error| failed(vec![format!("is not a valid pattern: {}", error.msg)]))?;
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
    if errors.is_empty() {
        return Ok(Cases { all });
    }
    let more = errors.len().saturating_sub(MAX_ERRORS);
    errors.truncate(MAX_ERRORS);
    Err(CasesError {
        more,
        ..failed(errors)
    })
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

/// Reads a line and collects everything that is wrong with it.
struct Line<'l> {
    folder: &'l Path,
    is_file: &'l dyn Fn(&Path) -> Result<(), String>,
    errors: Vec<String>,
}

impl Line<'_> {
    fn case(&mut self, line: &str) -> Option<Case> {
        let object = match serde_json::from_str(line) {
            Ok(Value::Object(object)) => object,
            Ok(_) => return self.wrong("is not a JSON object such as {\"args\": [\"-n\"]}"),
            Err(error) => {
                let text = error.to_string();
                let cause = text.split(" at line ").next().unwrap_or_default();
                return self.wrong(format!("is not JSON: {cause} (column {})", error.column()));
            }
        };
        for key in object.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            self.errors.push(unknown_key(key, &KEYS));
        }
        let case = Case {
            args: self.args(&object),
            stdin: self.stdin(&object),
            files: self.files(&object),
            env: self.env(&object),
            operation: self.operation(&object),
            weight: self.weight(&object),
            size: self.size(&object),
            timeout: self.timeout(&object),
            input: None,
        };
        self.errors.is_empty().then_some(case)
    }

    /// Notes what is wrong; there is no value.
    fn wrong<T>(&mut self, what: impl Into<String>) -> Option<T> {
        self.errors.push(what.into());
        None
    }

    fn args(&mut self, object: &Map<String, Value>) -> Vec<String> {
        let words = match object.get("args") {
            None => return Vec::new(),
            Some(Value::Array(words)) => words,
            Some(_) => {
                self.wrong::<()>("\"args\" is not a list of texts");
                return Vec::new();
            }
        };
        let mut args = Vec::new();
        for (index, word) in (1..).zip(words) {
            match word {
                Value::String(word) if word.contains('\0') => {
                    self.wrong::<()>(format!("\"args\": argument {index} contains a NUL"));
                }
                Value::String(word) => args.push(word.clone()),
                _ => {
                    let words = format!(
                        "\"args\": argument {index} is not a text\nhint: write {:?}",
                        word.to_string().chars().take(40).collect::<String>()
                    );
                    self.wrong::<()>(words);
                }
            }
        }
        args
    }

    fn stdin(&mut self, object: &Map<String, Value>) -> Option<Input> {
        match (object.get("stdin"), object.get("stdin_file")) {
            (None, None) => None,
            (Some(_), Some(_)) => self.wrong("has both \"stdin\" and \"stdin_file\""),
            (Some(Value::String(text)), None) => Some(Input::Text(text.clone().into_bytes())),
            (Some(_), None) => self.wrong("\"stdin\" is not a text"),
            (None, Some(Value::String(path))) => self.source("\"stdin_file\"", path),
            (None, Some(_)) => self.wrong("\"stdin_file\" is not a path"),
        }
    }

    fn files(&mut self, object: &Map<String, Value>) -> BTreeMap<PathBuf, Input> {
        let mut files = BTreeMap::new();
        let given = match object.get("files") {
            None => return files,
            Some(Value::Object(given)) => given,
            Some(_) => {
                self.wrong::<()>("\"files\" is not an object of paths and contents");
                return files;
            }
        };
        if given.len() > MAX_FILES {
            let count = given.len();
            self.wrong::<()>(format!(
                "\"files\" has {count} files; at most {MAX_FILES} are placed"
            ));
            return files;
        }
        for (name, content) in given {
            let content = self.content(name, content);
            match (inside(name), content) {
                (Ok(path), Some(content)) => {
                    if files.insert(path, content).is_some() {
                        self.wrong::<()>(format!("\"files\" names {name:?} twice"));
                    }
                }
                (Err(why), _) => drop(self.wrong::<()>(format!("\"files\": {name:?} {why}"))),
                (Ok(_), None) => {}
            }
        }
        let folders: BTreeSet<&Path> = files
            .keys()
            .flat_map(|path| path.ancestors().skip(1))
            .collect();
        if let Some(both) = files.keys().find(|path| folders.contains(path.as_path())) {
            let both = both.clone();
            self.wrong::<()>(format!("\"files\": {both:?} is a file and a directory"));
        }
        files
    }

    fn content(&mut self, name: &str, content: &Value) -> Option<Input> {
        let one_file = |object: &Map<String, Value>| {
            let only = object.len() == 1;
            object
                .get("file")
                .filter(|_| only)?
                .as_str()
                .map(str::to_owned)
        };
        match content {
            Value::String(text) => Some(Input::Text(text.clone().into_bytes())),
            Value::Object(object) => match one_file(object) {
                Some(path) => self.source(&format!("\"files\": {name:?}:"), &path),
                None => self.wrong(format!(
                    "\"files\": {name:?} is neither a text nor {{\"file\": path}}"
                )),
            },
            _ => self.wrong(format!(
                "\"files\": {name:?} is neither a text nor {{\"file\": path}}"
            )),
        }
    }

    /// A file that is read, relative to the case file.
    fn source(&mut self, key: &str, path: &str) -> Option<Input> {
        let whole = self.folder.join(path);
        // The system takes no such name, and its own word for that is about something else.
        if path.is_empty() || path.contains('\0') {
            return self.wrong(format!("{key} {path:?} is not the name of a file"));
        }
        match (self.is_file)(&whole) {
            Ok(()) => Some(Input::File(whole)),
            Err(why) => self.wrong(format!("{key} {path:?} cannot be used: {why}")),
        }
    }

    fn env(&mut self, object: &Map<String, Value>) -> BTreeMap<String, String> {
        let mut env = BTreeMap::new();
        let given = match object.get("env") {
            None => return env,
            Some(Value::Object(given)) => given,
            Some(_) => {
                self.wrong::<()>("\"env\" is not an object of names and texts");
                return env;
            }
        };
        for (name, value) in given {
            let problem = if name.is_empty() || name.contains(['=', '\0']) {
                "is not the name of a variable"
            } else if OURS.contains(&name.as_str()) {
                "is set by Understudy: it leads into the directory of the run"
            } else {
                match value {
                    Value::String(value) if !value.contains('\0') => {
                        env.insert(name.clone(), value.clone());
                        continue;
                    }
                    Value::String(_) => "has a NUL in its value",
                    _ => "is not a text",
                }
            };
            self.wrong::<()>(format!("\"env\": {name:?} {problem}"));
        }
        env
    }

    fn operation(&mut self, object: &Map<String, Value>) -> Option<String> {
        match object.get("operation") {
            None => None,
            Some(Value::String(name)) if !name.trim().is_empty() => Some(name.clone()),
            Some(_) => self.wrong("\"operation\" is not a name"),
        }
    }

    fn weight(&mut self, object: &Map<String, Value>) -> f64 {
        let Some(value) = object.get("weight") else {
            return 1.0;
        };
        let weight = value.as_f64().filter(|weight| (0.0..=1e9).contains(weight));
        weight
            .or_else(|| self.wrong("\"weight\" is not a number from 0 to 1e9"))
            .unwrap_or(1.0)
    }

    fn size(&mut self, object: &Map<String, Value>) -> Option<f64> {
        let size = object.get("size")?.as_f64();
        let size = size.filter(|size| (SMALLEST_SIZE..=LARGEST_SIZE).contains(size));
        size.or_else(|| {
            let range = format!("from {SMALLEST_SIZE} to {LARGEST_SIZE:e}");
            self.wrong(format!("\"size\" is not a number {range}"))
        })
    }

    fn timeout(&mut self, object: &Map<String, Value>) -> Option<Duration> {
        let expected = || format!("\"timeout\" is not {}, up to {LONGEST}", Span::EXPECTED);
        let span = match object.get("timeout")? {
            Value::String(text) => text.parse::<Span>().ok(),
            _ => None,
        };
        match span.filter(|span| span.nanos() > 0 && *span <= LONGEST) {
            Some(span) => Some(span.duration()),
            None => self.wrong(expected()),
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
