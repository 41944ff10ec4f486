//! `fleet.toml`: the figures and facts of a business case.

use super::reader::{Problems, Section, expected, number};
use super::{SCHEMA, no_document, text_of};
use std::collections::BTreeMap;
use std::path::Path;
use toml::de::{DeTable, DeValue};
use understudy_case::{
    Case, Currency, Facts, Input, Kind, Problem, Resolved, Source, Spread, Value,
};
use understudy_model::meant;
use understudy_trial::config::CaseConfig;

/// The tables that hold figures, in the order of the file.
const TABLES: [&str; 9] = [
    "fleet",
    "price",
    "incumbent",
    "candidate",
    "tuned",
    "team",
    "effort",
    "yearly",
    "finance",
];

/// What the file is called that is kept with a run.
pub(crate) const FLEET: &str = "fleet.toml";

/// Reads the file of a case and what `--set` says about it. `complete` adds what was measured.
///
/// # Errors
/// Every mistake, one line each.
pub(crate) fn fleet(
    path: &Path,
    set: &[String],
    complete: impl FnOnce(&mut Case),
) -> Result<(Case, Resolved), Vec<String>> {
    let text = text_of(path)?;
    parse(&text, &path.display().to_string(), set, complete)
}

/// The case of a trial, which measures some of its figures itself.
///
/// # Errors
/// Every mistake, one line each.
pub(super) fn of_trial(path: &Path, measured: &[Input]) -> Result<CaseConfig, Vec<String>> {
    let text = text_of(path)?;
    let mut stated = None;
    let complete = |case: &mut Case| {
        stated = Some(case.clone());
        for input in measured {
            if let Some(one) = Spread::point(1.0) {
                case.set_if_open(*input, self::stated(one, "the trial"));
            }
        }
    };
    let (complete_case, _) = parse(&text, &path.display().to_string(), &[], complete)?;
    let case = stated.unwrap_or(complete_case);
    Ok(CaseConfig { case, text })
}

fn parse(
    text: &str,
    file: &str,
    set: &[String],
    complete: impl FnOnce(&mut Case),
) -> Result<(Case, Resolved), Vec<String>> {
    let problems = Problems::new(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    if no_document(&errors, text, &problems) {
        return Err(problems.lines(file));
    }
    let mut read = Reading::default();
    let case = read.case(Section::root(document.get_ref(), &problems), file);
    let Some(mut case) = case else {
        return Err(problems.lines(file));
    };
    let mut arguments = Vec::new();
    for argument in set {
        if let Err(error) = read.argument(&mut case, argument) {
            arguments.push(format!("--set {argument:?}: {error}"));
        }
    }
    complete(&mut case);
    let resolved = case.resolve();
    for problem in resolved.as_ref().err().into_iter().flatten() {
        read.report(problem, &problems);
    }
    let lines: Vec<String> = problems.lines(file).into_iter().chain(arguments).collect();
    match resolved {
        Ok(resolved) if lines.is_empty() => Ok((case, resolved)),
        _ => Err(lines),
    }
}

/// The figures of a shape, in this order.
const SHAPE: [&str; 3] = ["vcpus", "memory", "instance_hour"];
/// Which figures of a side they are.
const SHAPED: [(&str, [Input; 3]); 2] = [
    (
        "incumbent",
        [
            Input::IncumbentVcpus,
            Input::IncumbentMemory,
            Input::IncumbentHour,
        ],
    ),
    (
        "candidate",
        [
            Input::CandidateVcpus,
            Input::CandidateMemory,
            Input::CandidateHour,
        ],
    ),
];

/// Instance shapes by name.
type Shapes = BTreeMap<String, [Option<Spread>; 3]>;

/// `[shape.NAME]`: sizes and price of an instance as a cloud sells it.
fn shapes(section: &Section<'_>, currency: Option<Currency>) -> Shapes {
    let of_shape = |(name, mut shape): (&str, Section<'_>)| {
        let (_, inputs) = SHAPED[0];
        let mut figures = [None; 3];
        for ((key, input), figure) in SHAPE.into_iter().zip(inputs).zip(&mut figures) {
            *figure = shape
                .get(key, |value| read(input, value, currency))
                .flatten();
        }
        shape.need(
            &["instance_hour"],
            "what an instance costs an hour, e.g. \"0.0816 USD\"",
        );
        shape.finish();
        (name.to_owned(), figures)
    };
    section.named().into_iter().map(of_shape).collect()
}

/// What has been met on the way.
#[derive(Default)]
struct Reading {
    /// The currency of the case; nothing if the file's is wrong.
    currency: Option<Currency>,
    /// Figures that are there and wrong.
    wrong: Vec<Input>,
    /// Where figures are.
    places: BTreeMap<Input, usize>,
}

impl Reading {
    fn case(&mut self, mut root: Section<'_>, file: &str) -> Option<Case> {
        if !root.is_of_version(SCHEMA) {
            return None;
        }
        let name = root.text("name").unwrap_or(file).to_owned();
        let currency = match root.text("currency") {
            None if root.has("currency") => None,
            None => Some(Currency::USD),
            Some(code) => {
                let currency = Currency::new(code);
                if currency.is_none() {
                    root.refuse("currency", "expected three capital letters such as \"EUR\"");
                }
                currency
            }
        };
        self.currency = currency;
        let mut case = Case::new(name, currency.unwrap_or(Currency::USD));
        let shapes = shapes(&root.section("shape"), currency);
        for table in TABLES {
            let mut section = root.section(table);
            self.figures(&mut section, table, &mut case);
            self.shaped(&mut section, table, &shapes, &mut case);
            if table == "team" {
                case.facts.systems_experience = section.boolean("systems_experience");
                case.facts.deadline = section.boolean("deadline").unwrap_or_default();
            }
            section.finish();
        }
        facts(&mut root, &mut case.facts);
        root.finish();
        Some(case)
    }

    fn figures(&mut self, section: &mut Section<'_>, table: &str, case: &mut Case) {
        for input in Input::ALL {
            let Some((_, key)) = input.name().split_once('.').filter(|(of, _)| *of == table) else {
                continue;
            };
            if let Some(at) = section.place(key) {
                self.places.insert(input, at);
            }
            let currency = self.currency;
            match section.get(key, |value| read(input, value, currency)) {
                Some(Some(spread)) => case.set(input, stated(spread, "the case's file")),
                Some(None) => self.refused(case, input),
                None if section.has(key) => self.refused(case, input),
                None => {}
            }
        }
    }

    /// `shape = "NAME"` of a side: the shape's sizes and price.
    fn shaped(&mut self, section: &mut Section<'_>, table: &str, shapes: &Shapes, case: &mut Case) {
        let Some((_, inputs)) = SHAPED.iter().find(|(side, _)| *side == table) else {
            return;
        };
        let Some(name) = section.text("shape") else {
            return;
        };
        let Some(shape) = shapes.get(name) else {
            let known: Vec<&str> = shapes.keys().map(String::as_str).collect();
            let hint = match meant(name, &known) {
                Some(known) => format!("did you mean {known:?}?"),
                None => format!("describe it in a table [shape.{name}]"),
            };
            return section.refuse(
                "shape",
                format!("{name:?} is not a shape of this file\nhint: {hint}"),
            );
        };
        for (input, spread) in inputs.iter().zip(shape) {
            match spread {
                Some(_) if case.is_stated(*input) => {
                    let key = input.name().split('.').nth(1).unwrap_or_default();
                    section.refuse(
                        key,
                        "is that of the shape, too\nhint: leave one of them out",
                    );
                }
                Some(spread) => case.set(*input, stated(*spread, &format!("shape {name}"))),
                None => {}
            }
        }
    }

    /// `NAME=VALUE` of `--set`.
    fn argument(&mut self, case: &mut Case, argument: &str) -> Result<(), String> {
        let (name, text) = argument
            .split_once('=')
            .ok_or_else(|| "expected NAME=VALUE such as instances=10000".to_owned())?;
        let input = Input::find(name.trim()).map_err(|meant| unknown(&meant))?;
        if self.currency.is_none() && input.is_money() {
            self.refused(case, input);
            return Ok(());
        }
        match input.read(text.trim(), case.currency) {
            Ok(spread) => {
                case.replace(input, stated(spread, "--set"));
                Ok(())
            }
            Err(error) => {
                self.refused(case, input);
                Err(error)
            }
        }
    }

    /// Sets a placeholder for a wrong figure: reporting it as missing would be a second error for one mistake.
    fn refused(&mut self, case: &mut Case, input: Input) {
        self.wrong.push(input);
        if let Some(one) = Spread::point(1.0) {
            case.set(input, stated(one, "a placeholder"));
        }
    }

    fn report(&self, problem: &Problem, problems: &Problems<'_>) {
        let counted = [Input::People, Input::RustPeople].contains(&problem.input);
        if counted && self.wrong.contains(&Input::People) || self.wrong.contains(&problem.input) {
            return;
        }
        let at = self.places.get(&problem.input).copied().unwrap_or(0);
        problems.add(at, format!("{}: {}", problem.input.name(), problem.what));
    }
}

/// A figure in quotes, or a plain number. Nothing for money if its currency is not known: that it is in another one
/// would be a mistake that the file does not have.
fn read(
    input: Input,
    value: &DeValue<'_>,
    currency: Option<Currency>,
) -> Result<Option<Spread>, String> {
    let Some(currency) = currency.or((!input.is_money()).then_some(Currency::USD)) else {
        return Ok(None);
    };
    match (value.as_str(), number(value)) {
        (Some(text), _) => input.read(text, currency).map(Some),
        (None, Some(number)) => input.read_number(number, currency).map(Some),
        (None, None) => Err(expected(
            "a figure such as 3, \"4 GiB\" or \"40%..60%\"",
            value,
        )),
    }
}

/// `[fit]` and `[evidence]`.
fn facts(root: &mut Section<'_>, facts: &mut Facts) {
    let mut fit = root.section("fit");
    facts.kind = fit.choice("kind", &Kind::NAMED).unwrap_or_default();
    facts.unsettled_data_model = fit.boolean("unsettled_data_model").unwrap_or_default();
    facts.memory_safe = fit.boolean("memory_safe");
    fit.finish();
    let mut evidence = root.section("evidence");
    facts.equivalent = evidence.boolean("equivalent");
    facts.candidate_meets_slo = evidence.boolean("candidate_meets_slo");
    facts.incumbent_meets_slo = evidence.boolean("incumbent_meets_slo");
    evidence.finish();
}

fn stated(spread: Spread, origin: &str) -> Value {
    Value {
        spread,
        source: Source::Stated(origin.to_owned()),
    }
}

fn unknown(meant: &[Input]) -> String {
    let names = |inputs: &[Input]| {
        let names: Vec<&str> = inputs.iter().map(|input| input.name()).collect();
        names.join(", ")
    };
    match meant {
        [] => format!(
            "is not a figure\nhint: known figures are {}",
            names(&Input::ALL)
        ),
        several => format!("could be {}\nhint: write one of them", names(several)),
    }
}
