//! `[[slo]]` and `[goal]`: what has to be held, and what the rewrite is for.

use super::reader::{self, Section, percentage};
use toml::de::DeValue;
use understudy_judge::terms::{Goal, Slo};
use understudy_model::{Change, Quantity, Share, Span, UnitError};

/// Reads the objectives.
pub(super) fn slos(sections: Vec<Section<'_>>) -> Vec<Slo> {
    sections.into_iter().filter_map(slo).collect()
}

fn slo(mut section: Section<'_>) -> Option<Slo> {
    section.need(
        &["quantile", "error_rate"],
        "write a quantile with its max, or an error_rate",
    );
    section.need(
        &["max", "error_rate"],
        "write the bound, such as max = \"20ms\"",
    );
    let operation = section.text("operation").unwrap_or("*").to_owned();
    let quantile = section.number("quantile");
    let max = section.quantity::<Span>("max");
    let error_rate = section.percentage::<Share>("error_rate");
    if let Some(Err(error)) = quantile.map(check_quantile) {
        section.refuse("quantile", error);
    }
    if let Some(Err(error)) = max.map(check_bound) {
        section.refuse("max", error);
    }
    let latency = ["operation", "quantile", "max"];
    for key in latency.into_iter().filter(|key| section.has(key)) {
        if section.has("error_rate") {
            section.refuse(
                key,
                "does not go with `error_rate`\nhint: write another `[[slo]]` for it",
            );
        }
    }
    section.finish();
    match (error_rate, quantile, max) {
        (Some(max), ..) => Some(Slo::ErrorRate { max }),
        (None, Some(quantile), Some(max)) => Some(Slo::Latency {
            operation,
            quantile,
            max,
        }),
        _ => None,
    }
}

fn check_quantile(quantile: f64) -> Result<f64, String> {
    if quantile > 0.0 && quantile < 1.0 {
        Ok(quantile)
    } else {
        Err(format!(
            "{quantile} is not between 0 and 1\nhint: write p99 as 0.99"
        ))
    }
}

fn check_bound(max: Span) -> Result<Span, String> {
    if max.nanos() > 0 {
        Ok(max)
    } else {
        Err("0 can never be held".to_owned())
    }
}

/// Reads the goals, in the order of the document.
pub(super) fn goals(section: &Section<'_>) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (key, value) in section.entries() {
        let goal = match value {
            DeValue::String(text) => goal(key, text),
            // p99.9 = "-25%" without quotes.
            DeValue::Table(table) if quantile_of(key).is_some() => {
                let rest = table.keys().next().map_or("9", |rest| rest.get_ref());
                Err(format!(
                    "is a table in TOML, because of the dot\nhint: write \"{key}.{rest}\" in quotes"
                ))
            }
            value => Err(reader::expected(Change::EXPECTED, value)),
        };
        match goal {
            Ok(goal) => goals.push(goal),
            Err(error) => section.refuse(key, error),
        }
    }
    goals
}

fn goal(key: &str, change: &str) -> Result<Goal, String> {
    let change = || percentage::<Change>(change).map_err(|error| error.to_string());
    match key {
        "wall" => Ok(Goal::Wall(change()?)),
        "startup" => Ok(Goal::Startup(change()?)),
        "cpu" => Ok(Goal::Cpu(change()?)),
        "memory" => Ok(Goal::Memory(change()?)),
        "instructions" => Ok(Goal::Instructions(change()?)),
        _ => match quantile_of(key) {
            Some(quantile) => Ok(Goal::Latency {
                quantile,
                change: change()?,
            }),
            None => Err(
                "is not a goal\nhint: use `cpu`, `memory`, `instructions`, a quantile such as `p99`, or, of commands, `wall` or `startup`".to_owned(),
            ),
        },
    }
}

/// A goal as an argument: `cpu=-30%`, `p99=-25%`.
pub(super) fn goal_argument(text: &str) -> Result<Goal, String> {
    match text.split_once('=') {
        Some((key, change)) => {
            goal(key.trim(), change).map_err(|error| format!("{}: {error}", key.trim()))
        }
        None => Err(format!("{text:?} is not a goal such as \"cpu=-30%\"")),
    }
}

/// An objective as an argument: `p99<20ms`, `errors<0.1%`.
pub(crate) fn slo_argument(text: &str) -> Result<Slo, String> {
    let error = || format!("{text:?} is not an objective such as \"p99<20ms\" or \"errors<0.1%\"");
    let (what, bound) = text.split_once('<').ok_or_else(error)?;
    let bound = bound.strip_prefix('=').unwrap_or(bound);
    if what.trim() == "errors" {
        let max = percentage(bound).map_err(|error| error.to_string())?;
        return Ok(Slo::ErrorRate { max });
    }
    let quantile = quantile_of(what.trim()).ok_or_else(error)?;
    let max = bound
        .parse()
        .map_err(|error: UnitError| error.to_string())?;
    Ok(Slo::Latency {
        operation: "*".to_owned(),
        quantile,
        max: check_bound(max)?,
    })
}

/// 0.999 for `p99.9`.
fn quantile_of(name: &str) -> Option<f64> {
    let percent = name.strip_prefix('p')?;
    let plain = percent.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    // The decimal point is moved in the text: dividing by 100 would add dust to 0.999.
    let quantile: f64 = format!("{percent}e-2").parse().ok()?;
    (plain && check_quantile(quantile).is_ok()).then_some(quantile)
}

/// `p99.9` for 0.999: the inverse of reading such a key.
pub(super) fn quantile_name(quantile: f64) -> String {
    let shown = quantile.to_string();
    let digits = format!("{:0<2}", shown.strip_prefix("0.").unwrap_or(&shown));
    let (percent, rest) = digits.split_at(2);
    let percent = percent.strip_prefix('0').unwrap_or(percent);
    match rest {
        "" => format!("p{percent}"),
        rest => format!("p{percent}.{rest}"),
    }
}
