//! Rules: differences that people have decided to accept.

use crate::date::Day;
use crate::http::BODY;
use crate::json::Json;
use crate::media;
use crate::place::{Indices, Step, write_index, write_name};
use serde::{Deserialize, Serialize};
use serde_json_path::{JsonPath, NormalizedPath, PathElement};
use std::collections::HashMap;
use understudy_model::DifferenceKind;

/// What is said of a part besides its content: how a text is written, what a file is, whether an output is empty, how it
/// is compressed.
const ASPECTS: [&str; 4] = ["layout", "entry", "class", "coding"];

/// One rule as the configuration states it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What it covers: an RFC 9535 path (`$.generated_at`, `$.items[*].etag`, everything below
    /// included), `code`, `header:x`, `cookie:x` (with its attributes), `cookie:x;expires`, or `body`
    /// (everything in it). Of a command: `stdout`, `stderr`, `file:out.json` (with all that is said of it),
    /// `file:out.json;entry` (its type and permissions), `stdout:$.at` (a place in it), `outside:../x`,
    /// `left_behind`. That one side did not answer (`outcome`) cannot be excused.
    pub path: String,
    /// The operation template it covers, `*` standing for any text; unset: every operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "endpoint")]
    pub operation: Option<String>,
    /// The kind of difference it covers; unset: every kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<DifferenceKind>,
    /// Why the difference is acceptable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who decided that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The last day on which it holds; unset: forever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Day>,
}

impl Rule {
    /// What documents call the rule of this index: `rule 1: $.generated_at`.
    pub fn name(&self, index: u32) -> String {
        format!("rule {}: {}", index + 1, self.path)
    }

    /// The names of rules in the order of the configuration.
    pub fn names<'r>(rules: impl IntoIterator<Item = &'r Rule>) -> impl Iterator<Item = String> {
        (0..).zip(rules).map(|(index, rule)| rule.name(index))
    }
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule {}: {problem}", .index + 1)]
pub struct RuleError {
    /// Index of the rule in the configuration, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub problem: RuleProblem,
}

/// The ways in which a rule can be wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleProblem {
    /// Not a path of RFC 9535.
    #[error("{path:?} is not a valid JSONPath (RFC 9535): {message}")]
    Path {
        /// The path.
        path: String,
        /// What the parser says.
        message: String,
    },
    /// Neither a path nor one of the words.
    #[error(
        "{0:?} is not a place; use a path that begins with $, code, header:NAME, cookie:NAME or body, and of a command \
         code, stdout, stderr or file:PATH"
    )]
    Place(String),
    /// What follows `header:` or `cookie:` cannot be a name.
    #[error("{0:?} names no header or cookie: a name has letters, digits and !#$%&'*+-.^_`|~ only")]
    Name(String),
    /// It held until a day that is over.
    #[error("the rule for {path:?} expired on {expires}{}; renew or remove it", of(.owner))]
    Expired {
        /// The path.
        path: String,
        /// The last day on which it held.
        expires: Day,
        /// Who to ask.
        owner: Option<String>,
    },
}

fn of(owner: &Option<String>) -> String {
    owner
        .as_ref()
        .map_or_else(String::new, |owner| format!(" (owner: {owner})"))
}

/// Rules that are known to be right.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    rules: Vec<(Rule, Target)>,
}

#[derive(Clone, Debug)]
enum Target {
    /// A place outside the documents, or the body as a whole.
    Place(String),
    /// Places in the document that a part is.
    Document(String, JsonPath),
}

impl Rules {
    /// Checks every rule as of `today`.
    ///
    /// # Errors
    /// All mistakes of all rules at once; a rule that has expired is one.
    pub fn compile(rules: Vec<Rule>, today: Day) -> Result<Rules, Vec<RuleError>> {
        let mut errors = Vec::new();
        let mut compiled = Vec::with_capacity(rules.len());
        for (index, rule) in rules.into_iter().enumerate() {
            if let Some(expires) = rule.expires.filter(|expires| *expires < today) {
                let (path, owner) = (rule.path.clone(), rule.owner.clone());
                let problem = RuleProblem::Expired {
                    path,
                    expires,
                    owner,
                };
                errors.push(RuleError { index, problem });
            }
            match Target::parse(&rule.path) {
                Ok(target) => compiled.push((rule, target)),
                Err(problem) => errors.push(RuleError { index, problem }),
            }
        }
        if errors.is_empty() {
            Ok(Rules { rules: compiled })
        } else {
            Err(errors)
        }
    }

    /// The rules, in the order of the configuration.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rules.iter().map(|(rule, _)| rule)
    }

    fn of_operation<'r>(
        &'r self,
        operation: &str,
    ) -> impl Iterator<Item = (u32, &'r Rule, &'r Target)> {
        (0..)
            .zip(&self.rules)
            .filter(move |(_, (rule, _))| {
                rule.operation
                    .as_ref()
                    .is_none_or(|pattern| matches(pattern, operation))
            })
            .map(|(index, (rule, target))| (index, rule, target))
    }

    /// The rules that cover a place outside the documents (`code`, `header:x`, `body`, ...).
    pub fn at_place(&self, operation: &str, place: &str, kind: DifferenceKind) -> Vec<u32> {
        self.of_operation(operation)
            .filter(|(_, rule, _)| rule.kind.is_none_or(|of| of == kind))
            .filter(|(_, _, target)| matches!(target, Target::Place(of) if covers(of, place)))
            .map(|(index, ..)| index)
            .collect()
    }

    /// Finds the places that the rules of this operation select in either document.
    pub(crate) fn in_documents(
        &self,
        operation: &str,
        part: &str,
        baseline: &Json,
        contender: &Json,
    ) -> Selected {
        let mut selected = Selected::default();
        let mut documents = None;
        for (index, rule, target) in self.of_operation(operation) {
            match target {
                Target::Document(of, path) if of == part => {
                    let (a, b) = documents
                        .get_or_insert_with(|| (baseline.to_serde(), contender.to_serde()));
                    selected.add(index, rule.kind, path, a, Indices::Baseline);
                    selected.add(index, rule.kind, path, b, Indices::Contender);
                }
                Target::Place(place) if place == part => {
                    selected
                        .baseline
                        .entry("$".into())
                        .or_default()
                        .push((index, rule.kind));
                }
                Target::Place(_) | Target::Document(..) => {}
            }
        }
        selected
    }
}

impl Target {
    fn parse(path: &str) -> Result<Target, RuleProblem> {
        // The name of a file may contain `:$` itself (`file:$HOME/a`).
        let parts = path.match_indices(":$");
        let (part, within) = parts
            .map(|(at, _)| (&path[..at], &path[at + 1..]))
            .find(|(part, _)| is_part(part))
            .unwrap_or((BODY, path));
        if within.starts_with('$') && is_part(part) {
            return JsonPath::parse(within)
                .map(|path| Target::Document(part.to_owned(), path))
                .map_err(|error| RuleProblem::Path {
                    path: path.to_owned(),
                    message: error.to_string(),
                });
        }
        let name = match path.split_once(':') {
            _ if path == "code" || is_of_part(path) => {
                return Ok(Target::Place(path.to_owned()));
            }
            Some(("header", name)) => return Self::named(path, name, path.to_ascii_lowercase()),
            Some(("cookie", name)) => name,
            _ => return Err(RuleProblem::Place(path.to_owned())),
        };
        match name.split_once(';') {
            None => Self::named(path, name, path.to_owned()),
            Some((name, attribute)) => {
                let place = format!("cookie:{name};{}", attribute.trim().to_ascii_lowercase());
                Self::named(path, attribute.trim(), place.clone())
                    .and_then(|_| Self::named(path, name, place))
            }
        }
    }

    fn named(path: &str, name: &str, place: String) -> Result<Target, RuleProblem> {
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if !name.is_empty() && name.chars().all(token) {
            Ok(Target::Place(place))
        } else {
            Err(RuleProblem::Name(path.to_owned()))
        }
    }
}

/// Is it the name of a part of an answer?
fn is_part(name: &str) -> bool {
    matches!(name, BODY | "stdout" | "stderr")
        || name
            .strip_prefix("file:")
            .is_some_and(|file| !file.is_empty() && !file.contains([':', ';']))
}

/// Is it the place of a part, of what is said of one, or of what is said of all of them together?
fn is_of_part(place: &str) -> bool {
    let outside = place.strip_prefix("outside:");
    match place.split_once(';') {
        Some((part, aspect)) if is_part(part) => {
            ASPECTS.contains(&aspect) || media::is_place(aspect)
        }
        _ => {
            is_part(place) || place == "left_behind" || outside.is_some_and(|path| !path.is_empty())
        }
    }
}

/// Does a rule for one place cover the other? A cookie's covers its attributes, a body's its layout, a stream's what it is.
fn covers(of: &str, place: &str) -> bool {
    let is_stream = || {
        of.split_once(';')
            .is_some_and(|(_, aspect)| media::is_stream(aspect))
    };
    let has_parts = is_part(of) || of.starts_with("cookie:") && !of.contains(';') || is_stream();
    place
        .strip_prefix(of)
        .is_some_and(|rest| rest.is_empty() || has_parts && rest.starts_with(';'))
}

/// Does the operation match the pattern, in which `*` stands for any text?
fn matches(pattern: &str, operation: &str) -> bool {
    let mut parts = pattern.split('*');
    let start = parts.next().unwrap_or_default();
    let Some(mut rest) = operation.strip_prefix(start) else {
        return false;
    };
    let Some(end) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(end)
}

type Covering = HashMap<String, Vec<(u32, Option<DifferenceKind>)>>;

/// The places that rules select in a pair of documents, by normalized path.
#[derive(Debug, Default)]
pub(crate) struct Selected {
    baseline: Covering,
    contender: Covering,
}

impl Selected {
    fn add(
        &mut self,
        index: u32,
        kind: Option<DifferenceKind>,
        path: &JsonPath,
        document: &serde_json::Value,
        side: Indices,
    ) {
        let covering = match side {
            Indices::Contender => &mut self.contender,
            _ => &mut self.baseline,
        };
        for location in path.query_located(document).locations() {
            covering
                .entry(normalized(location))
                .or_default()
                .push((index, kind));
        }
    }

    /// Does any rule, of whatever kind, select exactly the place to which these steps lead?
    pub(crate) fn covers(&self, steps: &[Step<'_>]) -> bool {
        if self.baseline.is_empty() {
            return false;
        }
        let mut path = String::from("$");
        for step in steps {
            step.write(&mut path, Indices::Baseline);
        }
        self.baseline.contains_key(&path)
    }

    /// The rules that select the place to which these steps lead or one above it.
    pub(crate) fn at(&self, steps: &[Step<'_>], kind: DifferenceKind) -> Vec<u32> {
        let mut found = Vec::new();
        for (covering, side) in [
            (&self.baseline, Indices::Baseline),
            (&self.contender, Indices::Contender),
        ] {
            if covering.is_empty() {
                continue;
            }
            let mut path = String::from("$");
            let mut look = |path: &str| {
                let rules = covering.get(path).into_iter().flatten();
                found.extend(
                    rules
                        .filter(|(_, of)| of.is_none_or(|of| of == kind))
                        .map(|(i, _)| *i),
                );
            };
            look(&path);
            // A side's path ends where the side has nothing.
            for step in steps.iter().take_while(|step| step.exists(side)) {
                step.write(&mut path, side);
                look(&path);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn normalized(location: &NormalizedPath<'_>) -> String {
    let mut path = String::from("$");
    for element in location.iter() {
        match element {
            PathElement::Name(name) => write_name(&mut path, name),
            PathElement::Index(index) => write_index(&mut path, *index),
        }
    }
    path
}

#[cfg(test)]
mod tests;
