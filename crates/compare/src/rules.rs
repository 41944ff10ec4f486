//! Rules: differences that people have decided to accept.

mod condition;
mod selected;

pub(crate) use condition::{At, Values};
pub use condition::{Condition, Normal, Unordered};
pub(crate) use selected::Selected;

use crate::date::Day;
use crate::document::protobuf::Messages;
use crate::json::Json;
use crate::media;
use serde::{Deserialize, Serialize};
use serde_json_path::JsonPath;
use understudy_model::edges::PREFIX;
use understudy_model::place::{Within, aspect};
use understudy_model::{DifferenceKind, Place};

/// The path of a rule for whatever an answer says.
const ANSWER: &str = "answer";

/// One rule as the configuration states it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What it covers: an RFC 9535 path (`$.generated_at`, `$.items[*].etag`, everything below
    /// included), `code`, `header:x`, `cookie:x` (with its attributes), `cookie:x;expires`, or `body`
    /// (everything in it). Of a command: `stdout`, `stderr`, `file:out.json` (with all that is said of it),
    /// `file:out.json;entry` (its type and permissions), `stdout:$.at` (a place in it), `outside:../x`,
    /// `left_behind`. Of edge requests also `answer`: whatever it says. That one side did not answer (`outcome`) cannot be excused.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The operation template it covers, `*` standing for any text; unset: every operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "endpoint")]
    pub operation: Option<String>,
    /// The kind of difference it covers; unset: every kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<DifferenceKind>,
    /// What both values have to be; unset: whatever they are.
    #[serde(default, skip_serializing_if = "Condition::is_empty")]
    pub condition: Condition,
    /// All that counts of an operation, in place of `path`: every difference elsewhere is accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
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
        let place = match self.only.as_slice() {
            [] => self.path.clone(),
            only => format!("all but {}", only.join(", ")),
        };
        format!("rule {}: {place}", index + 1)
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
        "{0:?} is not a place; use a path that begins with $, code, header:NAME, cookie:NAME, body or calls:NAME, and of a \
         command code, stdout, stderr or file:PATH"
    )]
    Place(String),
    /// What follows `header:` or `cookie:` cannot be a name.
    #[error("{0:?} names no header or cookie: a name has letters, digits and !#$%&'*+-.^_`|~ only")]
    Name(String),
    /// It would excuse whatever the candidate answers to what people send.
    #[error(
        "\"{ANSWER}\" excuses whatever an answer says, and goes with a class of edge requests only, such as \
         operation = \"{PREFIX}method.delete\""
    )]
    Everything,
    /// Its condition is none.
    #[error("{why}")]
    Condition {
        /// Which part of it.
        key: &'static str,
        /// What is wrong with that.
        why: String,
    },
    /// `path` and `only` together, or neither.
    #[error("path says what is accepted, and only what counts: a rule has one of them")]
    PathAndOnly,
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
    rules: Vec<Known>,
    messages: Messages,
}

/// A rule that is known to be right.
#[derive(Clone, Debug)]
struct Known {
    rule: Rule,
    target: Target,
    condition: condition::Compiled,
}

#[derive(Clone, Debug)]
enum Target {
    /// Whatever an answer says; of edge requests alone.
    Answer,
    /// A place outside the documents, or a part as a whole.
    Place(Place),
    /// Places in the document that this part is.
    Document(Place, JsonPath),
    /// Everything but these.
    AllBut(Vec<Target>),
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
            let condition = rule.condition.compile();
            let condition = condition.map_err(|(key, why)| RuleProblem::Condition { key, why });
            match Target::of(&rule).and_then(|target| Ok((target, condition?))) {
                Ok((target, condition)) => compiled.push(Known {
                    rule,
                    target,
                    condition,
                }),
                Err(problem) => errors.push(RuleError { index, problem }),
            }
        }
        if errors.is_empty() {
            Ok(Rules {
                rules: compiled,
                messages: Messages::default(),
            })
        } else {
            Err(errors)
        }
    }

    /// The same where bodies hold these messages.
    #[must_use]
    pub fn with_messages(self, messages: Messages) -> Rules {
        Rules { messages, ..self }
    }

    /// Which messages bodies hold.
    pub fn messages(&self) -> &Messages {
        &self.messages
    }

    /// The rules, in the order of the configuration.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rules.iter().map(|known| &known.rule)
    }

    fn of_operation(&self, operation: &str) -> impl Iterator<Item = (u32, &Known)> {
        (0..).zip(&self.rules).filter(move |(_, known)| {
            let pattern = known.rule.operation.as_ref();
            pattern.is_none_or(|pattern| matches(pattern, operation))
        })
    }

    /// The rules that accept a difference at a place outside the documents (`code`, `header:x`, `body`, ...) of which the
    /// values are not known: those without a condition.
    pub fn at_place(&self, operation: &str, place: &Place, kind: DifferenceKind) -> Vec<u32> {
        self.between(operation, place, kind, None)
    }

    /// The same of a difference between these values.
    pub(crate) fn between(
        &self,
        operation: &str,
        place: &Place,
        kind: DifferenceKind,
        values: Values<'_>,
    ) -> Vec<u32> {
        self.of_operation(operation)
            .filter(|(_, known)| known.rule.kind.is_none_or(|of| of == kind))
            .filter(|(_, known)| known.target.covers(place))
            .filter(|(_, known)| known.condition.holds(kind, values, true))
            .map(|(index, _)| index)
            .collect()
    }

    /// Does any rule cover the place, whatever it asks of kinds and values?
    pub(crate) fn may_cover(&self, operation: &str, place: &Place) -> bool {
        let mut rules = self.of_operation(operation);
        rules.any(|(_, known)| known.condition.unordered.is_none() && known.target.covers(place))
    }

    /// Finds the places that the rules of this operation select in either document.
    pub(crate) fn in_documents<'r>(
        &'r self,
        operation: &str,
        part: &Place,
        baseline: &Json,
        contender: &Json,
    ) -> Selected<'r> {
        let mut documents = selected::Documents::new(baseline, contender);
        let mut selected = Selected::default();
        for (index, known) in self.of_operation(operation) {
            let covering = selected::Covering {
                index,
                kind: known.rule.kind,
                condition: &known.condition,
            };
            match &known.target {
                Target::Document(of, path) if of == part => {
                    selected.add(covering, documents.select(path));
                }
                Target::Answer => selected.add_whole(covering),
                Target::Place(place) if place == part => selected.add_whole(covering),
                Target::AllBut(counting) => {
                    // What counts as a whole leaves nothing to accept.
                    let is_whole =
                        |of: &Target| matches!(of, Target::Place(of) if covers(of, part));
                    if counting.iter().any(is_whole) {
                        continue;
                    }
                    let of_part = counting.iter().filter_map(|of| match of {
                        Target::Document(of, path) if of == part => Some(path),
                        _ => None,
                    });
                    let paths = of_part.map(|path| documents.select(path)).collect();
                    selected.add_all_but(covering, paths);
                }
                Target::Place(_) | Target::Document(..) => {}
            }
        }
        selected
    }
}

impl Target {
    /// Is a place outside the documents, or a part as a whole, among what it is for?
    fn covers(&self, place: &Place) -> bool {
        // That a side did not answer is nothing that an answer says.
        let is_answer = *place != Place::Outcome;
        match self {
            Target::Answer => is_answer,
            Target::Place(of) => covers(of, place),
            Target::Document(..) => false,
            Target::AllBut(counting) => {
                let counts = |of: &Target| match of {
                    Target::Place(of) => covers(of, place) || covers(place, of),
                    Target::Document(part, _) => place == part,
                    Target::Answer | Target::AllBut(_) => true,
                };
                is_answer && !counting.iter().any(counts)
            }
        }
    }

    fn of(rule: &Rule) -> Result<Target, RuleProblem> {
        match (rule.path.is_empty(), rule.only.as_slice()) {
            (true, only @ [_, ..]) => {
                let counting: Result<Vec<Target>, RuleProblem> =
                    only.iter().map(|path| Target::parse(path)).collect();
                return counting.map(Target::AllBut);
            }
            (false, [_, ..]) | (true, []) => return Err(RuleProblem::PathAndOnly),
            (false, []) => {}
        }
        if rule.path != ANSWER {
            return Target::parse(&rule.path);
        }
        let named = rule.operation.as_deref().unwrap_or_default();
        match named.starts_with(PREFIX) {
            true => Ok(Target::Answer),
            false => Err(RuleProblem::Everything),
        }
    }

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
        // Of an exchange: `:connection`, `:continue`.
        Place::Field(name) => name.starts_with(':'),
        Place::Part(_, Within::Aspect(of)) => aspect::ALL.contains(&&**of) || media::is_place(of),
        // A value in a document is selected by a query, and a line has no place of its own that noise counts.
        Place::Part(_, Within::Line(_) | Within::Document(_))
        | Place::Outcome
        | Place::Header(_)
        | Place::Cookie(..) => false,
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
pub(crate) fn matches(pattern: &str, operation: &str) -> bool {
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

#[cfg(test)]
mod tests;
