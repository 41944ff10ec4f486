//! `suite.toml`: many pairs. Each becomes the document of a trial, which the reader of `trial.toml` reads: its values
//! keep their places in the suite's file, so that a mistake has its line there.

use super::reader::{Problems, Section, shown_key, text};
use super::{Mode, SCHEMA, Surroundings, document, header, text_of, trial};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use understudy_judge::terms::Level;
use understudy_trial::config::{Kind, TrialConfig};

/// What stands for the name of a pair in the template.
const NAME: &str = "{name}";
/// Longest name of a pair, in characters: it is in tables and in the name of a directory.
const LONGEST_NAME: usize = 60;

/// Tables of a trial that the template and each pair may have.
const OF_A_TRIAL: [&str; 11] = [
    "subject",
    "side",
    "workload",
    "compare",
    "slo",
    "goal",
    "judge",
    "limits",
    "machine",
    "capacity",
    "memory_floor",
];

/// Short keys, and the places in the document of a trial that they stand for.
const SHORT: [(&str, &[&str]); 3] = [
    ("incumbent", &["side", "incumbent", "run"]),
    ("candidate", &["side", "candidate", "run"]),
    ("cases", &["workload", "cases"]),
];

/// A suite, read.
#[derive(Debug, PartialEq)]
pub(crate) struct SuiteConfig {
    /// Its name.
    pub(crate) name: String,
    /// In the order in which they are run.
    pub(crate) pairs: Vec<Pair>,
}

/// One pair of a suite.
#[derive(Debug, PartialEq)]
pub(crate) struct Pair {
    /// Its name, which no other one has.
    pub(crate) name: String,
    /// Its trial.
    pub(crate) trial: TrialConfig,
}

/// Reads the suite in a file.
///
/// # Errors
/// Every mistake of every pair, one line each: `FILE:LINE: KEY: what`; or that the file cannot be read.
pub(crate) fn read_suite(path: &Path, mode: Mode<'_>) -> Result<SuiteConfig, Vec<String>> {
    let text = text_of(path)?;
    let absolute =
        std::path::absolute(path).map_err(|error| vec![super::cannot_read(path, &error)])?;
    let folder = absolute.parent().unwrap_or(&absolute);
    parse_suite(&text, folder, &path.display().to_string(), mode)
}

/// Reads a suite whose paths are relative to `folder`; messages call it `file`.
///
/// # Errors
/// Every mistake, one line each.
pub(super) fn parse_suite(
    text: &str,
    folder: &Path,
    file: &str,
    mode: Mode<'_>,
) -> Result<SuiteConfig, Vec<String>> {
    let around = Surroundings { folder, mode };
    document(text, folder, file, |table, problems| {
        suite(table, text, problems, &around)
    })
}

/// The key of a message of a trial's reader, as the suite's file has it: `side.incumbent.run` is `incumbent`.
pub(crate) fn short_key(message: &str) -> Cow<'_, str> {
    for (short, path) in SHORT {
        let rest = message.strip_prefix(&path.join("."));
        if let Some(rest) = rest.filter(|rest| rest.starts_with([':', ' '])) {
            return Cow::Owned(format!("{short}{rest}"));
        }
    }
    Cow::Borrowed(message)
}

/// What makes up one pair.
struct Parts<'d> {
    name: &'d str,
    /// Where it is named.
    at: usize,
    table: DeTable<'d>,
}

/// What all pairs have in common.
struct Common<'d> {
    text: &'d str,
    around: &'d Surroundings<'d>,
    document: &'d DeTable<'d>,
    level: Level,
    seed: u64,
}

/// A key and its value, each with its place.
type Entry<'d> = (&'d Spanned<Cow<'d, str>>, &'d Spanned<DeValue<'d>>);

/// Mistakes by place and message, with the pairs that have them.
type Found<'d> = BTreeMap<(usize, String), Vec<&'d str>>;

fn suite<'d>(
    document: &'d DeTable<'d>,
    text: &'d str,
    problems: &'d Problems<'d>,
    around: &'d Surroundings<'d>,
) -> Option<SuiteConfig> {
    let mut root = Section::root(document, problems);
    if !root.is_of_version(SCHEMA) {
        return None;
    }
    let (name, level, seed) = header(root.section("suite"), around.folder);
    let mut all = templated(root.section("template"));
    for (name, mut section) in root.section("pair").named() {
        if let Err(what) = check_name(name) {
            section.refuse_itself(what);
        }
        let table = parts_of_a_trial(&mut section);
        match all.iter_mut().find(|parts| parts.name == name) {
            Some(parts) => merge(&mut parts.table, table),
            None => all.push(Parts {
                name,
                at: section.at(),
                table,
            }),
        }
        section.finish();
    }
    root.finish();
    if all.is_empty() && problems.is_empty() {
        let what = "no pair is described\nhint: write `names` in [template], or a table [pair.NAME] for each pair";
        problems.add(0, what.to_owned());
    }
    let common = Common {
        text,
        around,
        document,
        level,
        seed,
    };
    let mut found = Found::new();
    let count = all.len();
    let pairs = all.into_iter();
    let pairs = pairs.filter_map(|parts| pair(parts, &common, &mut found));
    let pairs = pairs.collect();
    report(found, count, problems);
    Some(SuiteConfig { name, pairs })
}

/// The pairs that the template makes of its names.
fn templated<'d>(mut template: Section<'d>) -> Vec<Parts<'d>> {
    if template.is_there() {
        template.need(
            &["names"],
            "write the names of its pairs, such as names = [\"sort\", \"cut\"]",
        );
    }
    let names = template.list("names", "a list of names such as [\"sort\", \"cut\"]", text);
    let names = names.unwrap_or_default();
    let mut seen = BTreeSet::new();
    for name in &names {
        if let Err(what) = check_name(name) {
            template.refuse("names", what);
        } else if !seen.insert(*name) {
            template.refuse("names", format!("{name:?} is there twice"));
        }
    }
    let at = template.place("names").unwrap_or(template.at());
    let shared = parts_of_a_trial(&mut template);
    template.finish();
    let filled = |name: &'d str| {
        let mut table = shared.clone();
        for (_, value) in &mut table {
            fill_in(value.get_mut(), name);
        }
        Parts { name, at, table }
    };
    seen.retain(|name| check_name(name).is_ok());
    names
        .into_iter()
        .filter(|name| seen.remove(name))
        .map(filled)
        .collect()
}

/// Can a pair have this name?
fn check_name(name: &str) -> Result<(), String> {
    let shown: String = name.chars().take(LONGEST_NAME).collect();
    match name.chars().count() {
        0 => Err("a pair needs a name\nhint: write one".to_owned()),
        length if length > LONGEST_NAME => Err(format!(
            "{shown:?}... has {length} characters, and a name has at most {LONGEST_NAME}"
        )),
        _ if name.chars().any(char::is_control) => {
            Err(format!("{shown:?} has a control character"))
        }
        _ => Ok(()),
    }
}

/// The tables of a trial that are in the template or in a pair, with its short keys where they belong.
fn parts_of_a_trial<'d>(section: &mut Section<'d>) -> DeTable<'d> {
    let mut parts = DeTable::new();
    for key in OF_A_TRIAL {
        if let Some((written, value)) = entry(section, key) {
            let mut one = DeTable::new();
            one.insert(written.clone(), value.clone());
            merge(&mut parts, one);
        }
    }
    for (key, path) in SHORT {
        if let Some((written, value)) = entry(section, key) {
            if is_written(Some(&parts), path) {
                let long = path.join(".");
                section.refuse(key, format!("excludes {long}, which is the same key"));
            }
            put(&mut parts, path, written.span(), value.clone());
        }
    }
    // What a misspelt key says is read as what was meant: one mistake, and not a second one that it is missing.
    for (written, key) in section.misspelt() {
        let short = SHORT.iter().find(|(short, _)| *short == key);
        let table = section.table().filter(|table| !table.contains_key(key));
        let value = table.and_then(|table| table.get(written));
        if let (Some((_, path)), Some(value)) = (short, value) {
            put(&mut parts, path, value.span(), value.clone());
        }
    }
    parts
}

/// A key as it is written, and its value. Asking for it makes it a known one.
fn entry<'d>(section: &mut Section<'d>, key: &'static str) -> Option<Entry<'d>> {
    section.get(key, Ok::<_, String>)?;
    section.table()?.get_key_value(key)
}

/// Is there a value at the end of this path?
fn is_written(table: Option<&DeTable<'_>>, path: &[&str]) -> bool {
    match (table, path) {
        (None, _) | (_, []) => false,
        (Some(table), [key]) => table.contains_key(*key),
        (Some(table), [key, rest @ ..]) => {
            let inner = table.get(*key).and_then(|value| value.get_ref().as_table());
            is_written(inner, rest)
        }
    }
}

/// Puts a value at the end of a path, whose tables begin where its short key is.
fn put<'d>(
    table: &mut DeTable<'d>,
    path: &[&'static str],
    at: Range<usize>,
    value: Spanned<DeValue<'d>>,
) {
    let [key, rest @ ..] = path else { return };
    let value = match rest {
        [] => value,
        _ => {
            let mut inner = DeTable::new();
            put(&mut inner, rest, at.clone(), value);
            Spanned::new(at.clone(), DeValue::Table(inner))
        }
    };
    let mut one = DeTable::new();
    one.insert(Spanned::new(at, Cow::Borrowed(*key)), value);
    merge(table, one);
}

/// Puts the values of one table over those of another: tables are merged, all else is replaced.
fn merge<'d>(table: &mut DeTable<'d>, over: DeTable<'d>) {
    for (key, value) in over {
        let name: &str = key.get_ref();
        let below = table.get_mut(name).map(Spanned::get_mut);
        match (below, value.get_ref()) {
            (Some(DeValue::Table(below)), DeValue::Table(_)) => {
                if let DeValue::Table(above) = value.into_inner() {
                    merge(below, above);
                }
            }
            _ => {
                // A map keeps the key that it has, and with it the place of the other value.
                table.remove(name);
                table.insert(key, value);
            }
        }
    }
}

/// Writes the name of a pair into every text.
fn fill_in(value: &mut DeValue<'_>, name: &str) {
    match value {
        DeValue::String(text) if text.contains(NAME) => {
            *text = Cow::Owned(text.replace(NAME, name));
        }
        DeValue::Array(elements) => {
            for element in elements.iter_mut() {
                fill_in(element.get_mut(), name);
            }
        }
        DeValue::Table(table) => {
            for (_, value) in table {
                fill_in(value.get_mut(), name);
            }
        }
        _ => {}
    }
}

/// Reads one pair as a trial; what is wrong with it is added to `found`.
fn pair<'d>(mut parts: Parts<'d>, common: &Common<'d>, found: &mut Found<'d>) -> Option<Pair> {
    if let Some((key, value)) = common.document.get_key_value("schema") {
        parts.table.insert(key.clone(), value.clone());
    }
    if !is_written(Some(&parts.table), &["subject", "kind"]) {
        let kind = DeValue::String(Cow::Borrowed(Kind::Command.name()));
        let at = parts.at..parts.at;
        let value = Spanned::new(at.clone(), kind);
        put(&mut parts.table, &["subject", "kind"], at, value);
    }
    let problems = Problems::new(common.text);
    let root = Section::document(&parts.table, &problems, parts.at);
    let config = trial(root, common.around);
    let wrong = problems.into_found();
    let is_right = wrong.is_empty();
    for (at, what) in wrong {
        let key = (at, short_key(&what).into_owned());
        found.entry(key).or_default().push(parts.name);
    }
    let config = config.filter(|_| is_right)?;
    Some(Pair {
        name: parts.name.to_owned(),
        trial: TrialConfig {
            name: parts.name.to_owned(),
            level: common.level,
            seed: common.seed,
            ..config
        },
    })
}

/// Adds what is wrong with pairs; a mistake of several is one.
fn report(found: Found<'_>, count: usize, problems: &Problems<'_>) {
    for ((at, what), pairs) in found {
        problems.add(at, format!("{}: {what}", whose(&pairs, count)));
    }
}

/// Which of the `count` pairs have a mistake.
pub(crate) fn whose(pairs: &[&str], count: usize) -> String {
    match pairs {
        [first, _, ..] if pairs.len() < count => {
            format!("pair {} and {} more", shown_key(first), pairs.len() - 1)
        }
        [first] => format!("pair {}", shown_key(first)),
        _ => format!("all {count} pairs"),
    }
}
