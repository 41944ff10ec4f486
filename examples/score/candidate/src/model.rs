//! The logistic regression of `model.json`, that was trained elsewhere.

use crate::payment::Payment;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;

const REASONS: usize = 3;

/// All of `model.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    pub(crate) version: String,
    intercept: f64,
    numbers: Vec<Number>,
    categories: Vec<Category>,
    review_from: f64,
    decline_from: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Number {
    name: String,
    transform: Transform,
    mean: f64,
    scale: f64,
    weight: f64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Transform {
    None,
    Log1p,
    Night,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Category {
    name: String,
    weights: HashMap<String, f64>,
    /// Weight of a value that the model does not name.
    #[serde(default)]
    other: f64,
}

#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Score<'m> {
    model: &'m str,
    probability: f64,
    decision: &'static str,
    reasons: Vec<&'m str>,
}

/// Reads and checks the file: every feature of the model is one of a payment.
pub(crate) fn read(path: &Path) -> Result<Model, String> {
    let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let model: Model =
        serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let numbers = model.numbers.iter().map(|of| &of.name);
    let unknown = numbers.filter(|name| !Payment::NUMBERS.contains(&name.as_str()));
    let categories = model.categories.iter().map(|of| &of.name);
    let unknown = unknown.chain(categories.filter(|name| !Payment::TEXTS.contains(&name.as_str())));
    match unknown.map(String::as_str).collect::<Vec<_>>().join(", ") {
        names if names.is_empty() => Ok(model),
        names => Err(format!("{}: a payment has no {names}", path.display())),
    }
}

impl Model {
    pub(crate) fn score(&self, payment: &Payment<'_>) -> Score<'_> {
        let parts = self.contributions(payment);
        let log_odds = self.intercept + parts.iter().fold(0.0, |sum, (_, part)| sum + part);
        let probability = four_decimals(1.0 / (1.0 + (-log_odds).exp()));
        let mut raising: Vec<_> = parts.into_iter().filter(|(_, part)| *part > 0.0).collect();
        // Stable: features that add the same stay in the order of the model.
        raising.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        Score {
            model: &self.version,
            probability,
            decision: self.decide(probability),
            reasons: raising
                .iter()
                .take(REASONS)
                .map(|(name, _)| *name)
                .collect(),
        }
    }

    /// What each feature adds to the log-odds, in the order of the model: floating-point sums depend
    /// on their order.
    fn contributions(&self, payment: &Payment<'_>) -> Vec<(&str, f64)> {
        let numbers = self.numbers.iter().map(|of| {
            let value = payment.number(&of.name);
            let value = match of.transform {
                Transform::None => value,
                Transform::Log1p => value.ln_1p(),
                Transform::Night => f64::from(u8::from(value < 6.0)),
            };
            (of.name.as_str(), of.weight * ((value - of.mean) / of.scale))
        });
        let categories = self.categories.iter().map(|of| {
            let weight = of.weights.get(payment.text(&of.name));
            (of.name.as_str(), weight.copied().unwrap_or(of.other))
        });
        numbers.chain(categories).collect()
    }

    fn decide(&self, probability: f64) -> &'static str {
        match probability {
            p if p >= self.decline_from => "decline",
            p if p >= self.review_from => "review",
            _ => "approve",
        }
    }
}

/// The nearest number of four decimals, as Python's `round` finds it: from the exact decimal
/// expansion. Multiplying, rounding and dividing would differ near halves.
fn four_decimals(value: f64) -> f64 {
    format!("{value:.4}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn model() -> Model {
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../model.json")).unwrap()
    }

    fn payment() -> Value {
        json!({
            "amount_cents": 4990, "account_age_days": 700, "declines_24h": 0, "distance_km": 12.5,
            "hour": 14, "channel": "web", "merchant": "grocery", "country": "DE"
        })
    }

    #[test]
    fn an_ordinary_payment_is_approved() {
        let (model, payment) = (model(), payment());
        // The incumbent's test has the same figures.
        let expected = Score {
            model: "2026-11-3",
            probability: 0.0076,
            decision: "approve",
            reasons: vec!["channel", "amount_cents", "distance_km"],
        };
        assert_eq!(model.score(&Payment::read(&payment).unwrap()), expected);
    }

    #[test]
    fn the_bounds_of_a_decision_belong_to_the_harder_one() {
        let model = model();
        let decisions = [0.0999, 0.1, 0.4999, 0.5].map(|at| model.decide(at));
        assert_eq!(decisions, ["approve", "review", "review", "decline"]);
    }

    #[test]
    fn rounding_is_that_of_the_exact_value() {
        // 0.00015 is a little less than that, 0.00025 a little more; 1/32 is exact and goes to even.
        assert_eq!(four_decimals(0.000_15), 0.0001);
        assert_eq!(four_decimals(0.000_25), 0.0003);
        assert_eq!(four_decimals(0.031_25), 0.0312);
    }
}
