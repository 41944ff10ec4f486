//! Rules: differences that people have decided to accept.

use crate::date::Day;
use crate::json::Json;
use crate::media;
use crate::place::{Indices, Step};
use serde::{Deserialize, Serialize};
use serde_json_path::{JsonPath, NormalizedPath, PathElement};
use std::collections::HashMap;
use understudy_model::place::{ValuePath, Within, aspect};
use understudy_model::{DifferenceKind, Place};

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
    /// A place outside the documents, or a part as a whole.
    Place(Place),
    /// Places in the document that this part is.
    Document(Place, JsonPath),
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
    pub fn at_place(&self, operation: &str, place: &Place, kind: DifferenceKind) -> Vec<u32> {
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
        part: &Place,
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
                        .entry(ValuePath::root())
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
        if let Some((part, query)) = Place::split_query(path) {
            return JsonPath::parse(query)
                .map(|query| Target::Document(part, query))
                .map_err(|error| RuleProblem::Path {
                    path: path.to_owned(),
                    message: error.to_string(),
                });
        }
        let is_named = |names: &[&str]| match names.iter().all(|name| is_name(name)) {
            true => Ok(()),
            false => Err(RuleProblem::Name(path.to_owned())),
        };
        let place = match Place::from(path) {
            Place::Header(name) => {
                is_named(&[&name])?;
                Place::header(&name.to_ascii_lowercase())
            }
            Place::Cookie(name, None) => {
                is_named(&[&name])?;
                Place::Cookie(name, None)
            }
            Place::Cookie(name, Some(attribute)) => {
                let attribute = attribute.trim().to_ascii_lowercase();
                is_named(&[&name, &attribute])?;
                Place::Cookie(name, Some(attribute.into()))
            }
            place if is_place(&place) => place,
            _ => return Err(RuleProblem::Place(path.to_owned())),
        };
        Ok(Target::Place(place))
    }
}

/// May it be the name of a header, a cookie or an attribute?
fn is_name(name: &str) -> bool {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !name.is_empty() && name.chars().all(token)
}

/// May a rule be for it: a status, a part, what is said of one, or what the subject did besides?
fn is_place(place: &Place) -> bool {
    match place {
        Place::Status | Place::Effect(_) | Place::Part(_, Within::Whole) => true,
        Place::Part(_, Within::Aspect(of)) => aspect::ALL.contains(&&**of) || media::is_place(of),
        // A value in a document is selected by a query, and a line has no place of its own that noise counts.
        Place::Part(_, Within::Line(_) | Within::Document(_))
        | Place::Outcome
        | Place::Header(_)
        | Place::Cookie(..)
        | Place::Field(_) => false,
    }
}

/// Does a rule for one place cover the other? A cookie's covers its attributes, a part's what is said of it, a stream's
/// what it is.
fn covers(of: &Place, place: &Place) -> bool {
    match of {
        Place::Part(_, Within::Aspect(aspect)) if !media::is_stream(aspect) => of == place,
        Place::Cookie(_, Some(_)) => of == place,
        _ => of.contains(place),
    }
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

type Covering = HashMap<ValuePath, Vec<(u32, Option<DifferenceKind>)>>;

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
        let mut path = ValuePath::root();
        for step in steps {
            step.push(&mut path, Indices::Baseline);
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
            let mut path = ValuePath::root();
            let mut look = |path: &ValuePath| {
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
                step.push(&mut path, side);
                look(&path);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn normalized(location: &NormalizedPath<'_>) -> ValuePath {
    let mut path = ValuePath::root();
    for element in location.iter() {
        match element {
            PathElement::Name(name) => path.push_name(name),
            PathElement::Index(index) => path.push_index(*index),
        }
    }
    path
}

#[cfg(test)]
mod tests;
