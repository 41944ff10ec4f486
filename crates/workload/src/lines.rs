//! Cases as JSON lines: an object a line, of which everything that is wrong is told at once.

use serde_json::{Map, Value};
use understudy_model::{Quantity, Span, unknown_key};

/// Most bytes of a file of cases.
pub const MAX_BYTES: u64 = 1 << 30;
/// Most errors that are reported at once.
const MAX_ERRORS: usize = 100;
/// What the key `operation` was called before.
const FORMER_OPERATION: &str = "endpoint";

/// What a line of one kind of workload is.
pub struct Grammar {
    /// What a line is called: `request`, `case`.
    pub noun: &'static str,
    /// Every key that a line may have.
    pub keys: &'static [&'static str],
    /// The shortest line that says something.
    pub example: &'static str,
}

/// How often a case is chosen, relative to the others.
pub trait Weighted {
    /// 0 to 1e9.
    fn weight(&self) -> f64;
}

/// Everything that is wrong with the lines of a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinesError {
    /// Line number (from 1; 0 for the file as a whole) and what is wrong there, with a hint in a second line where there
    /// is one.
    pub errors: Vec<(usize, String)>,
    /// How many more there are.
    pub more: usize,
}

impl LinesError {
    /// The errors as people read them, of what has this name.
    pub fn of(&self, name: &str) -> Vec<String> {
        let errors = self.errors.iter().map(|(line, what)| match line {
            0 => format!("{name} {what}"),
            _ => format!("{name}:{line}: {what}"),
        });
        let more = (self.more > 0).then(|| format!("{name}: {} more errors", self.more));
        errors.chain(more).collect()
    }

    fn add(&mut self, number: usize, what: String) {
        // Counted only: a large file of another kind is wrong in every line.
        match self.errors.len() < MAX_ERRORS {
            true => self.errors.push((number, what)),
            false => self.more += 1,
        }
    }
}

impl Grammar {
    /// Reads a case of each line but the empty ones; `read` is given those before it too, and its case counts where it
    /// notes nothing wrong.
    ///
    /// # Errors
    /// Everything that is wrong with any line, that there is no case, or that none would be chosen.
    pub fn read<T: Weighted>(
        &self,
        text: &str,
        mut read: impl FnMut(&mut Line, &[T]) -> Option<T>,
    ) -> Result<Vec<T>, LinesError> {
        let mut all = Vec::new();
        let mut wrong = LinesError::default();
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() {
                continue;
            }
            let errors = match self.line(line) {
                Ok(mut line) => {
                    let case = read(&mut line, &all);
                    all.extend(case.filter(|_| line.errors.is_empty()));
                    line.errors
                }
                Err(what) => vec![what],
            };
            errors.into_iter().for_each(|what| wrong.add(number, what));
        }
        let Grammar { noun, example, .. } = self;
        if wrong.errors.is_empty() && all.is_empty() {
            wrong.add(
                0,
                format!("has no {noun}\nhint: write one JSON object a line, such as {example}"),
            );
        }
        if wrong.errors.is_empty() && all.iter().all(|case| case.weight() == 0.0) {
            wrong.add(
                0,
                format!("gives every {noun} the weight 0, so none would be chosen"),
            );
        }
        match wrong.errors.is_empty() {
            true => Ok(all),
            false => Err(wrong),
        }
    }

    fn line(&self, text: &str) -> Result<Line, String> {
        let value = serde_json::from_str(text).map_err(|error| {
            let text = error.to_string();
            let cause = text.split(" at line ").next().unwrap_or_default();
            format!("is not JSON: {cause} (column {})", error.column())
        })?;
        let Value::Object(object) = value else {
            return Err(format!("is not a JSON object such as {}", self.example));
        };
        let has_operation = self.keys.contains(&"operation");
        let is_known =
            |key: &str| self.keys.contains(&key) || (has_operation && key == FORMER_OPERATION);
        let unknown = object.keys().filter(|key| !is_known(key));
        let errors = unknown.map(|key| unknown_key(key, self.keys)).collect();
        Ok(Line { object, errors })
    }
}

/// What a line of any kind may say of its case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Common {
    /// What it is an example of, if that is given.
    pub operation: Option<String>,
    /// Cases of one session follow each other.
    pub session: Option<String>,
    /// How often it is chosen, relative to the others.
    pub weight: f64,
}

/// One line, and what is wrong with it so far.
#[derive(Debug)]
pub struct Line {
    object: Map<String, Value>,
    errors: Vec<String>,
}

impl Line {
    /// Notes what is wrong; there is no value.
    pub fn wrong<T>(&mut self, what: impl Into<String>) -> Option<T> {
        self.errors.push(what.into());
        None
    }

    /// The value, or a note of what is wrong with it.
    pub fn take<T>(&mut self, value: Result<T, String>) -> Option<T> {
        value.map_or_else(|what| self.wrong(what), Some)
    }

    /// What a key has; `null` is as if it were left out.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.value(key).filter(|value| !value.is_null())
    }

    /// What a key has, where `null` is a value as any other.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.object.get(key)
    }

    /// A text.
    pub fn text(&mut self, key: &str) -> Option<String> {
        match self.get(key)? {
            Value::String(text) => Some(text.clone()),
            _ => self.wrong(format!("{key:?} is not a text")),
        }
    }

    /// A table; an empty one where it is left out. `expected` says what of.
    pub fn table(&mut self, key: &str, expected: &str) -> Map<String, Value> {
        match self.get(key) {
            None => Map::new(),
            Some(Value::Object(table)) => table.clone(),
            Some(_) => {
                let wrong = self.wrong(format!("{key:?} is not an object of {expected}"));
                wrong.unwrap_or_default()
            }
        }
    }

    /// A list; an empty one where it is left out. `expected` says what of.
    pub fn list(&mut self, key: &str, expected: &str) -> Vec<Value> {
        match self.get(key) {
            None => Vec::new(),
            Some(Value::Array(values)) => values.clone(),
            Some(_) => {
                let wrong = self.wrong(format!("{key:?} is not a list of {expected}"));
                wrong.unwrap_or_default()
            }
        }
    }

    /// A length of time above 0, and at most `longest`.
    pub fn span(&mut self, key: &str, longest: Span) -> Option<Span> {
        let span = self.get(key)?.as_str().and_then(|text| text.parse().ok());
        let fits = |span: &Span| span.nanos() > 0 && *span <= longest;
        match span.filter(fits) {
            Some(span) => Some(span),
            None => self.wrong(format!(
                "{key:?} is not {}, up to {longest}",
                Span::EXPECTED
            )),
        }
    }

    /// What every kind may say of a case.
    pub fn common(&mut self) -> Common {
        Common {
            operation: self
                .name("operation")
                .or_else(|| self.name(FORMER_OPERATION)),
            session: self.text("session"),
            weight: self.weight(),
        }
    }

    fn name(&mut self, key: &str) -> Option<String> {
        let name = self.text(key)?;
        match name.trim().is_empty() {
            true => self.wrong(format!("{key:?} is not a name")),
            false => Some(name),
        }
    }

    fn weight(&mut self) -> f64 {
        let Some(value) = self.get("weight") else {
            return 1.0;
        };
        let weight = value.as_f64().filter(|weight| (0.0..=1e9).contains(weight));
        weight
            .or_else(|| self.wrong("\"weight\" is not a number from 0 to 1e9"))
            .unwrap_or(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GRAMMAR: Grammar = Grammar {
        noun: "case",
        keys: &["args", "operation", "session", "weight", "timeout"],
        example: "{\"args\": [\"-n\"]}",
    };

    #[derive(Debug, PartialEq)]
    struct Case(Common, Option<Span>);

    impl Weighted for Case {
        fn weight(&self) -> f64 {
            self.0.weight
        }
    }

    fn read(text: &str) -> Result<Vec<Case>, LinesError> {
        GRAMMAR.read(text, |line, _| {
            line.list("args", "texts");
            Some(Case(
                line.common(),
                line.span("timeout", Span::from_secs(60)),
            ))
        })
    }

    fn wrong(text: &str) -> Vec<(usize, String)> {
        read(text).unwrap_err().errors
    }

    #[test]
    fn what_all_kinds_say_is_read_and_null_is_left_out() {
        let said = r#"{"operation":"a","session":"s","weight":2.5,"timeout":"1.5s"}"#;
        let common = Common {
            operation: Some("a".to_owned()),
            session: Some("s".to_owned()),
            weight: 2.5,
        };
        let nothing = Common {
            weight: 1.0,
            ..Common::default()
        };
        let nulls = r#"{"args":null,"operation":null,"session":null,"weight":null,"timeout":null}"#;
        assert_eq!(
            read(&format!("{said}\n\n{nulls}\n{{}}")).unwrap(),
            [
                Case(common, Some(Span::from_secs_f64(1.5))),
                Case(nothing.clone(), None),
                Case(nothing, None)
            ]
        );
        let named = |key: &str| read(&format!(r#"{{"{key}":"GET /a"}}"#)).unwrap().remove(0);
        assert_eq!(named("endpoint"), named("operation"));
    }

    #[test]
    fn everything_that_is_wrong_is_told_with_its_line() {
        let errors = wrong(
            "{}\n\nnot json\n{\"arg\":[],\"weight\":-1,\"timeout\":3}\n[]\n{\"session\":1}\n",
        );
        let lines: Vec<usize> = errors.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [3, 4, 4, 4, 5, 6], "{errors:?}");
        let words = [
            "is not JSON: expected ident (column ",
            "has the unknown key \"arg\"\nhint: did you mean \"args\"?",
            "\"weight\" is not a number",
            "\"timeout\" is not a time such as",
            "is not a JSON object such as {\"args\": [\"-n\"]}",
            "\"session\" is not a text",
        ];
        for word in words {
            assert!(
                errors.iter().any(|(_, what)| what.starts_with(word)),
                "{word}: {errors:?}"
            );
        }
        let first = |text: &str| wrong(text).remove(0);
        assert_eq!(first("").0, 0);
        assert!(
            first(" \n")
                .1
                .starts_with("has no case\nhint: write one JSON object")
        );
        assert!(
            first(r#"{"weight":0}"#)
                .1
                .starts_with("gives every case the weight 0")
        );
        assert!(
            first(r#"{"operation":" "}"#)
                .1
                .starts_with("\"operation\" is not a name")
        );
        assert!(
            first(r#"{"timeout":"2min"}"#).1.ends_with("up to 1m"),
            "{:?}",
            first(r#"{"timeout":"2min"}"#)
        );
        assert!(
            first(r#"{"timeout":"0s"}"#)
                .1
                .starts_with("\"timeout\" is not a time")
        );
    }

    #[test]
    fn errors_are_counted_where_they_are_too_many_to_read() {
        let many = read(&"[]\n".repeat(250)).unwrap_err();
        assert_eq!((many.errors.len(), many.more), (100, 150));
        let told = many.of("cases.jsonl");
        assert!(told[0].starts_with("cases.jsonl:1: is not a JSON object"));
        assert_eq!(told[100], "cases.jsonl: 150 more errors");
        assert!(
            read("").unwrap_err().of("cases.jsonl")[0].starts_with("cases.jsonl has no case\n")
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}") {
            let _ = read(&text);
        }
    }
}
