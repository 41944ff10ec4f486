//! Reads the tables of a TOML document and collects everything that is wrong with them.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use toml::de::{DeArray, DeTable, DeValue};
use understudy_model::meant;
use understudy_model::{Cpus, Quantity, UnitError};

/// Keys that had another name, which is still read: documents of earlier runs have it.
const FORMER: [(&str, &str); 1] = [("operation", "endpoint")];

/// What a key was called before.
fn former(key: &str) -> Option<&'static str> {
    let mut all = FORMER.iter();
    all.find(|(now, _)| *now == key).map(|(_, former)| *former)
}

/// What is wrong with a document, by where it is.
pub(super) struct Problems<'t> {
    text: &'t str,
    found: RefCell<Vec<(usize, String)>>,
}

impl<'t> Problems<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Problems {
            text,
            found: RefCell::default(),
        }
    }

    /// Adds one that is at this byte of the text.
    pub(super) fn add(&self, at: usize, what: String) {
        self.found.borrow_mut().push((at, what));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.borrow().is_empty()
    }

    /// Each with its place.
    pub(super) fn into_found(self) -> Vec<(usize, String)> {
        self.found.into_inner()
    }

    /// One line each, in the order of the text: `FILE:LINE: what`.
    pub(super) fn lines(self, file: &str) -> Vec<String> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|(at, _)| *at);
        let line = |at: usize| {
            let before = self.text.bytes().take(at);
            before.filter(|byte| *byte == b'\n').count() + 1
        };
        found
            .into_iter()
            .map(|(at, what)| format!("{file}:{}: {what}", line(at)))
            .collect()
    }
}

/// A quantity in percent, with as many digits as are written again: it reads the same once more.
pub(super) fn percentage<Q: Quantity>(text: &str) -> Result<Q, UnitError> {
    text.parse::<Q>()?.to_string().parse()
}

/// A key as TOML wants it: in quotes where it is not a bare one.
pub(super) fn shown_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) {
        key.to_owned()
    } else {
        format!("{:?}", key.chars().take(60).collect::<String>())
    }
}

/// `"a", "b" or "c"`.
fn alternatives(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// The error of a value that should be another one, or another sort of thing.
pub(super) fn expected(what: &str, value: &DeValue<'_>) -> String {
    let found = match value {
        DeValue::String(_) => "a text".to_owned(),
        DeValue::Integer(integer) => integer.to_string(),
        DeValue::Float(float) => float.to_string(),
        DeValue::Boolean(boolean) => boolean.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    };
    format!("expected {what}, found {found}")
}

/// One of these words.
pub(super) fn one_of<T: Copy>(
    value: &DeValue<'_>,
    choices: &[(&'static str, T)],
) -> Result<T, String> {
    let word = text(value)?;
    let chosen = choices.iter().find(|(name, _)| *name == word);
    chosen.map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let word: String = word.chars().take(40).collect();
        format!("{word:?} is not known\nhint: use {}", alternatives(&names))
    })
}

/// A finite number, whole or not.
pub(super) fn number(value: &DeValue<'_>) -> Option<f64> {
    let number: f64 = match value {
        DeValue::Integer(i) => i64::from_str_radix(i.as_str(), i.radix()).ok()? as f64,
        DeValue::Float(float) => float.as_str().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// A text that the system can be given.
pub(super) fn text<'v>(value: &'v DeValue<'_>) -> Result<&'v str, String> {
    match value.as_str() {
        None => Err(expected("a text in quotes", value)),
        Some(text) if text.contains('\0') => {
            Err("holds a NUL character\nhint: remove it".to_owned())
        }
        Some(text) => Ok(text),
    }
}

/// One table of the document, or the absence of one, that hands out its values by key.
///
/// A value that is wrong is a problem and then as good as absent: reading continues, so that
/// everything that is wrong is found at once.
pub(super) struct Section<'r> {
    problems: &'r Problems<'r>,
    /// Dotted; empty for the document itself.
    name: String,
    /// Where it begins.
    at: usize,
    table: Option<&'r DeTable<'r>>,
    /// The keys that were asked for: all that there are.
    asked: Vec<&'static str>,
    /// Of these keys, one has to be there; and what it is for.
    needed: Vec<(&'static [&'static str], &'static str)>,
}

impl<'r> Section<'r> {
    /// The whole document.
    pub(super) fn root(table: &'r DeTable<'r>, problems: &'r Problems<'r>) -> Self {
        Section::document(table, problems, 0)
    }

    /// A whole document that is put together of tables of another one; what it lacks is missing at this place of it.
    pub(super) fn document(table: &'r DeTable<'r>, problems: &'r Problems<'r>, at: usize) -> Self {
        Section::new(problems, String::new(), at, Some(table))
    }

    /// The table as it is written.
    pub(super) fn table(&self) -> Option<&'r DeTable<'r>> {
        self.table
    }

    /// Where it begins.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn new(
        problems: &'r Problems<'r>,
        name: String,
        at: usize,
        table: Option<&'r DeTable<'r>>,
    ) -> Self {
        Section {
            problems,
            name,
            at,
            table,
            asked: Vec::new(),
            needed: Vec::new(),
        }
    }

    /// Is the document, by its key `schema`, of a version that can be read? A later format has other
    /// keys: nothing else can be said about it.
    pub(super) fn is_of_version(&mut self, known: u64) -> bool {
        self.need(&["schema"], "write schema = 1");
        let Some(schema) = self.whole("schema", 1..=u64::MAX).filter(|v| *v != known) else {
            return true;
        };
        let version = env!("CARGO_PKG_VERSION");
        let what = "needs a later version of understudy; this is";
        self.refuse(
            "schema",
            format!("{schema} {what} {version}, which reads {known}"),
        );
        false
    }

    fn path(&self, key: &str) -> String {
        match self.name.as_str() {
            "" => shown_key(key),
            name => format!("{name}.{}", shown_key(key)),
        }
    }

    /// Does it have the key, right or wrong?
    pub(super) fn has(&self, key: &str) -> bool {
        self.place(key).is_some()
    }

    /// Is the table written at all?
    pub(super) fn is_there(&self) -> bool {
        self.table.is_some()
    }

    /// Adds a problem with the table as a whole.
    pub(super) fn refuse_itself(&self, what: impl Display) {
        self.problems.add(self.at, format!("{}: {what}", self.name));
    }

    /// Adds a problem with the value of a key.
    pub(super) fn refuse(&self, key: &str, what: impl Display) {
        let at = self.place(key).unwrap_or(self.at);
        self.refuse_at(at, key, what);
    }

    fn refuse_at(&self, at: usize, key: &str, what: impl Display) {
        self.problems.add(at, format!("{}: {what}", self.path(key)));
    }

    /// Asks that one of these keys be there; `what` says what to write.
    pub(super) fn need(&mut self, keys: &'static [&'static str], what: &'static str) {
        self.needed.push((keys, what));
    }

    fn find(&mut self, key: &'static str) -> Option<&'r DeValue<'r>> {
        self.asked.push(key);
        let table = self.table?;
        let value = table.get(key).or_else(|| table.get(former(key)?));
        Some(value?.get_ref())
    }

    /// Where the key is.
    pub(super) fn place(&self, key: &str) -> Option<usize> {
        let table = self.table?;
        let entry = table.get_key_value(key);
        let (key, _) = entry.or_else(|| table.get_key_value(former(key)?))?;
        Some(key.span().start)
    }

    /// The value of a key, as `read` understands it.
    pub(super) fn get<T, E: Display>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&'r DeValue<'r>) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.find(key)?;
        read(value).map_err(|error| self.refuse(key, error)).ok()
    }

    /// A text that is not empty.
    pub(super) fn text(&mut self, key: &'static str) -> Option<&'r str> {
        self.get(key, |value| match text(value) {
            Ok("") => Err("is empty\nhint: give it a value or leave it out".to_owned()),
            other => other,
        })
    }

    /// A text that is a quantity with its unit.
    pub(super) fn quantity<Q: Quantity>(&mut self, key: &'static str) -> Option<Q> {
        self.quantity_as(key, str::parse)
    }

    /// A text that is a quantity in percent.
    pub(super) fn percentage<Q: Quantity>(&mut self, key: &'static str) -> Option<Q> {
        self.quantity_as(key, percentage)
    }

    fn quantity_as<Q: Quantity>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&str) -> Result<Q, UnitError>,
    ) -> Option<Q> {
        self.get(key, |value| {
            let text = match value {
                // Nothing needs no unit.
                DeValue::Integer(number) if number.as_str() == "0" => Some("0"),
                value => value.as_str(),
            };
            let text = text.ok_or_else(|| expected(Q::EXPECTED, value))?;
            read(text).map_err(|error| error.to_string())
        })
    }

    /// A text, or a date without quotes, that stands for something.
    pub(super) fn parsed<T: FromStr<Err: Display>>(
        &mut self,
        key: &'static str,
        what: &str,
    ) -> Option<T> {
        self.get(key, |value| {
            let parsed = match value {
                DeValue::String(text) => text.parse::<T>(),
                DeValue::Datetime(date) => date.to_string().parse(),
                _ => return Err(expected(what, value)),
            };
            parsed.map_err(|error| error.to_string())
        })
    }

    /// A number of CPUs, in quotes or not.
    pub(super) fn cpus(&mut self, key: &'static str) -> Option<Cpus> {
        self.get(key, |value| match value.as_str() {
            Some(text) => text.parse().map_err(|error: UnitError| error.to_string()),
            None => number(value)
                .and_then(Cpus::new)
                .ok_or_else(|| expected(Cpus::EXPECTED, value)),
        })
    }

    /// A whole number.
    pub(super) fn whole(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        self.get(key, |value| {
            let number = match value {
                DeValue::Integer(i) => u64::from_str_radix(i.as_str(), i.radix()).ok(),
                _ => None,
            };
            number
                .filter(|number| range.contains(number))
                .ok_or_else(|| {
                    let (least, most) = (range.start(), range.end());
                    expected(&format!("a whole number from {least} to {most}"), value)
                })
        })
    }

    /// A finite number.
    pub(super) fn number(&mut self, key: &'static str) -> Option<f64> {
        self.get(key, |value| {
            number(value).ok_or_else(|| expected("a finite number", value))
        })
    }

    /// True or false.
    pub(super) fn boolean(&mut self, key: &'static str) -> Option<bool> {
        self.get(key, |value| {
            value
                .as_bool()
                .ok_or_else(|| expected("true or false", value))
        })
    }

    /// One of these words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&'static str, T)],
    ) -> Option<T> {
        self.get(key, |value| one_of(value, choices))
    }

    /// A list with at least one element; a problem with an element is one of that line.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        what: &str,
        read: impl Fn(&'r DeValue<'r>) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let elements = self.get(key, |value| match value {
            DeValue::Array(elements) if !elements.is_empty() => Ok(elements),
            DeValue::Array(_) => Err(format!("is empty\nhint: write {what}")),
            _ => Err(expected(what, value)),
        })?;
        self.elements(key, elements, read)
    }

    /// A list of texts, which may be empty.
    pub(super) fn words(&mut self, key: &'static str, what: &str) -> Option<Vec<String>> {
        let elements = self.get(key, |value| {
            value.as_array().ok_or_else(|| expected(what, value))
        })?;
        self.elements(key, elements, |value| text(value).map(str::to_owned))
    }

    fn elements<T>(
        &self,
        key: &str,
        elements: &'r DeArray<'r>,
        read: impl Fn(&'r DeValue<'r>) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let read = elements.iter().map(|element| {
            read(element.get_ref())
                .map_err(|error| self.refuse_at(element.span().start, key, error))
                .ok()
        });
        // Every element is read before the first bad one makes the list absent.
        read.collect::<Vec<Option<T>>>().into_iter().collect()
    }

    /// The table of a key, absent or not.
    pub(super) fn section(&mut self, key: &'static str) -> Section<'r> {
        let name = self.path(key);
        let table = self.get(key, |value| {
            value
                .as_table()
                .ok_or_else(|| expected(&format!("a table [{name}]"), value))
        });
        let entry = self.table.and_then(|table| table.get_key_value(key));
        let at = entry.map_or(self.at, |(key, _)| key.span().start);
        Section::new(self.problems, name, at, table)
    }

    /// Every table in this one: their keys are names that the file gives.
    pub(super) fn named(&self) -> Vec<(&'r str, Section<'r>)> {
        let mut all = Vec::new();
        for (key, value) in self.entries() {
            let at = self.place(key).unwrap_or(self.at);
            match value.as_table() {
                Some(table) => all.push((
                    key,
                    Section::new(self.problems, self.path(key), at, Some(table)),
                )),
                None => self.refuse(
                    key,
                    expected(&format!("a table [{}]", self.path(key)), value),
                ),
            }
        }
        all
    }

    /// The tables of a key.
    pub(super) fn sections(&mut self, key: &'static str) -> Vec<Section<'r>> {
        let name = self.path(key);
        let what = format!("tables [[{name}]]");
        let elements = self.get(key, |value| {
            value.as_array().ok_or_else(|| expected(&what, value))
        });
        let sections = elements.into_iter().flat_map(|elements| elements.iter());
        let mut found = Vec::new();
        for element in sections {
            let at = element.span().start;
            match element.get_ref().as_table() {
                Some(table) => {
                    found.push(Section::new(self.problems, name.clone(), at, Some(table)));
                }
                None => self.refuse_at(at, key, expected(&what, element.get_ref())),
            }
        }
        found
    }

    /// Every key with its value, in the order of the document: for tables whose keys are data.
    pub(super) fn entries(&self) -> Vec<(&'r str, &'r DeValue<'r>)> {
        let mut entries: Vec<_> = self
            .table
            .into_iter()
            .flat_map(|table| table.iter())
            .collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries
            .into_iter()
            .map(|(key, value)| (key.get_ref().as_ref(), value.get_ref()))
            .collect()
    }

    /// Is it the former name of a key that was asked for, and is not there by its name of today?
    fn is_former(&self, key: &str) -> bool {
        let table = |now: &str| self.table.is_some_and(|table| table.contains_key(now));
        let mut asked = self.asked.iter();
        asked.any(|now| former(now) == Some(key) && !table(now))
    }

    /// The keys that are not known, each with the one that was probably meant.
    pub(super) fn misspelt(&self) -> Vec<(&'r str, &'static str)> {
        let unknown = self.entries().into_iter().filter(|(key, _)| {
            let is_known = self.asked.contains(key) || self.is_former(key);
            !is_known
        });
        unknown
            .filter_map(|(key, _)| Some((key, meant(key, &self.asked)?)))
            .collect()
    }

    /// Ends the reading: keys that were not asked for, and those that are not there but have to be.
    pub(super) fn finish(self) {
        let mut missed = Vec::new();
        for (key, _) in self.entries() {
            if self.asked.contains(&key) || self.is_former(key) {
                continue;
            }
            match meant(key, &self.asked) {
                Some(known) => {
                    missed.push(known);
                    self.refuse(key, format!("is not a key\nhint: did you mean `{known}`?"));
                }
                None => {
                    let known = self.asked.join(", ");
                    self.refuse(key, format!("is not a key\nhint: known keys are {known}"));
                }
            }
        }
        for (keys, what) in &self.needed {
            // A misspelt key is one mistake, not two.
            if !keys.iter().any(|key| self.has(key) || missed.contains(key)) {
                let what = format!("{} is missing\nhint: {what}", self.path(keys[0]));
                self.problems.add(self.at, what);
            }
        }
    }
}
