//! Which rows are compared: `--where "country = 'CH' and price >= 10"`.

use super::cell::{Cell, Target, double, exact, is_equal};
use std::cmp::Ordering;

/// Conditions that all have to hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicate {
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq)]
struct Condition {
    column: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    IsNull,
    IsNotNull,
    /// The orderings that hold, and the value on the right.
    Compared(&'static [Ordering], bool, Literal),
}

#[derive(Clone, Debug, PartialEq)]
enum Literal {
    Text(String),
    Number(String),
    Bool(bool),
}

/// What is wrong with the text of a condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{problem}, at `{at}`\nhint: conditions are `COLUMN = VALUE`, with =, !=, <, <=, >, >=, `is null`, `is not null`, joined by `and`; text is in 'quotes'"
)]
pub struct PredicateError {
    problem: &'static str,
    at: String,
}

/// A word of a condition.
#[derive(Clone, Debug, PartialEq)]
enum Word {
    Name(String),
    Quoted(String),
    Sign(&'static str),
}

impl Predicate {
    /// Reads conditions.
    ///
    /// # Errors
    /// When the text has another form.
    pub fn parse(text: &str) -> Result<Predicate, PredicateError> {
        let words = words(text)?;
        let mut rest = words.as_slice();
        let mut conditions = Vec::new();
        loop {
            let (condition, after) = condition(rest)?;
            conditions.push(condition);
            match after {
                [] => return Ok(Predicate { conditions }),
                [word, after @ ..] if is(word, "and") => rest = after,
                other => return Err(wrong("`and` is expected", other)),
            }
        }
    }

    /// The columns that the conditions name.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.conditions
            .iter()
            .map(|condition| condition.column.as_str())
    }

    /// Removes the rows from `mask` that the conditions of this column exclude.
    pub fn apply<'a>(
        &self,
        column: &str,
        cells: impl Iterator<Item = Cell<'a>>,
        mask: &mut [bool],
    ) {
        let tests: Vec<&Test> = self
            .conditions
            .iter()
            .filter(|condition| condition.column == column)
            .map(|condition| &condition.test)
            .collect();
        for (wanted, cell) in mask.iter_mut().zip(cells) {
            *wanted = *wanted && tests.iter().all(|test| test.holds(cell));
        }
    }
}

impl Test {
    /// As in SQL, a comparison with null never holds.
    fn holds(&self, cell: Cell<'_>) -> bool {
        match self {
            Test::IsNull => cell == Cell::Null,
            Test::IsNotNull => cell != Cell::Null,
            Test::Compared(wanted, unequal, literal) => match cell {
                Cell::Null => false,
                cell => match literal.order(cell) {
                    Some(order) => wanted.contains(&order),
                    // Of other types: unequal, and in no order.
                    None => *unequal,
                },
            },
        }
    }
}

impl Literal {
    /// How a cell compares with it.
    fn order(&self, cell: Cell<'_>) -> Option<Ordering> {
        match (self, cell) {
            (Literal::Bool(value), cell) => {
                let same = is_equal(cell, Cell::Bool(*value), Target::Bool);
                same.then_some(Ordering::Equal)
            }
            (Literal::Number(text), cell) => {
                let number = Cell::Number(text);
                match exact(cell).zip(exact(number)).and_then(|(a, b)| a.minus(b)) {
                    Some(difference) => Some(difference.mantissa.cmp(&0)),
                    None => double(cell)?.partial_cmp(&double(number)?),
                }
            }
            (Literal::Text(text), Cell::Text(cell)) => Some(cell.cmp(text.as_bytes())),
            (Literal::Text(text), cell) => {
                let target = match cell {
                    Cell::Date(_) => Target::Date,
                    Cell::Time(_) => Target::Time,
                    Cell::Timestamp(_) => Target::Timestamp,
                    _ => return None,
                };
                super::cell::order_of_times(cell, text, target)
            }
        }
    }
}

fn wrong(problem: &'static str, rest: &[Word]) -> PredicateError {
    let at = match rest.first() {
        None => "the end".to_owned(),
        Some(Word::Name(text) | Word::Quoted(text)) => text.clone(),
        Some(Word::Sign(sign)) => (*sign).to_owned(),
    };
    PredicateError { problem, at }
}

fn is(word: &Word, keyword: &str) -> bool {
    matches!(word, Word::Name(text) if text.eq_ignore_ascii_case(keyword))
}

fn condition(words: &[Word]) -> Result<(Condition, &[Word]), PredicateError> {
    let [Word::Name(column), rest @ ..] = words else {
        return Err(wrong("a column is expected", words));
    };
    let (test, rest) = match rest {
        [is_, not, null, rest @ ..] if is(is_, "is") && is(not, "not") && is(null, "null") => {
            (Test::IsNotNull, rest)
        }
        [is_, null, rest @ ..] if is(is_, "is") && is(null, "null") => (Test::IsNull, rest),
        [Word::Sign(sign), value, rest @ ..] => {
            let (wanted, unequal): (&[Ordering], bool) = match *sign {
                "=" => (&[Ordering::Equal], false),
                "!=" => (&[Ordering::Less, Ordering::Greater], true),
                "<" => (&[Ordering::Less], false),
                "<=" => (&[Ordering::Less, Ordering::Equal], false),
                ">" => (&[Ordering::Greater], false),
                _ => (&[Ordering::Greater, Ordering::Equal], false),
            };
            let literal = literal(value).ok_or_else(|| {
                wrong(
                    "a number, a text in 'quotes', true or false is expected",
                    std::slice::from_ref(value),
                )
            })?;
            (Test::Compared(wanted, unequal, literal), rest)
        }
        other => return Err(wrong("a comparison is expected", other)),
    };
    let column = column.clone();
    Ok((Condition { column, test }, rest))
}

fn literal(word: &Word) -> Option<Literal> {
    match word {
        Word::Quoted(text) => Some(Literal::Text(text.clone())),
        Word::Name(text) if text.eq_ignore_ascii_case("true") => Some(Literal::Bool(true)),
        Word::Name(text) if text.eq_ignore_ascii_case("false") => Some(Literal::Bool(false)),
        Word::Name(text) => {
            let is_number = text.parse::<f64>().is_ok_and(f64::is_finite);
            is_number.then(|| Literal::Number(text.clone()))
        }
        Word::Sign(_) => None,
    }
}

/// Names (bare, or in `"quotes"` or backticks), texts in `'quotes'`, signs.
fn words(text: &str) -> Result<Vec<Word>, PredicateError> {
    const SIGNS: [&str; 8] = ["!=", "<>", "<=", ">=", "==", "=", "<", ">"];
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            words.push(Word::Sign(match *sign {
                "<>" => "!=",
                "==" => "=",
                other => other,
            }));
            rest = &rest[sign.len()..];
        } else if ['\'', '"', '`'].contains(&first) {
            let (inside, after) = quoted(&rest[1..], first).ok_or_else(|| PredicateError {
                problem: "a quote is not closed",
                at: rest.to_owned(),
            })?;
            words.push(match first {
                '\'' => Word::Quoted(inside),
                _ => Word::Name(inside),
            });
            rest = after;
        } else {
            let end = rest.find(|c: char| c.is_whitespace() || "=<>!'\"`".contains(c));
            let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
            if word.is_empty() {
                return Err(PredicateError {
                    problem: "this is not a sign of a comparison",
                    at: rest.to_owned(),
                });
            }
            words.push(Word::Name(word.to_owned()));
            rest = after;
        }
        rest = rest.trim_start();
    }
    Ok(words)
}

/// Up to the closing quote; two of them in a row are one.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut inside = String::new();
    let mut rest = text;
    loop {
        let at = rest.find(quote)?;
        inside.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.strip_prefix(quote) {
            Some(after) => {
                inside.push(quote);
                rest = after;
            }
            None => return Some((inside, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(condition: &str, cells: &[Cell<'_>]) -> Vec<bool> {
        let predicate = Predicate::parse(condition).unwrap();
        let mut mask = vec![true; cells.len()];
        let column = predicate.columns().next().unwrap().to_owned();
        predicate.apply(&column, cells.iter().copied(), &mut mask);
        mask
    }

    #[test]
    fn conditions_choose_rows() {
        let numbers = [
            Cell::Int(9),
            Cell::Float(10.5),
            Cell::Null,
            Cell::Text(b"11"),
        ];
        assert_eq!(kept("x >= 10", &numbers), [false, true, false, true]);
        assert_eq!(kept("x is null", &numbers), [false, false, true, false]);
        assert_eq!(
            kept("x > 5 and x<10", &numbers),
            [true, false, false, false]
        );
        let texts = [Cell::Text(b"it's"), Cell::Text(b""), Cell::Null];
        assert_eq!(kept("\"a b\" = 'it''s'", &texts), [true, false, false]);
        assert_eq!(kept("x != 'it''s'", &texts), [false, true, false]);
        assert_eq!(kept("x = ''", &texts), [false, true, false]);
        let days = [Cell::Date(0), Cell::Date(1)];
        assert_eq!(kept("x >= '1970-01-02'", &days), [false, true]);
        for wrong in [
            "",
            "x",
            "x =",
            "x = y",
            "x = 1 or y = 2",
            "x = 'open",
            "x ! 1",
            "= 1",
        ] {
            assert!(Predicate::parse(wrong).is_err(), "{wrong}");
        }
    }
}
