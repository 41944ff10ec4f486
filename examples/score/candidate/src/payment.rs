//! A payment as a checkout describes it, checked field by field.

use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// A checked payment. `NUMBERS` and `TEXTS` give the order of the figures.
#[derive(Debug)]
pub(crate) struct Payment<'r> {
    numbers: [f64; 5],
    texts: [&'r str; 3],
}

impl<'r> Payment<'r> {
    pub(crate) const NUMBERS: [&'static str; 5] = [
        "amount_cents",
        "account_age_days",
        "declines_24h",
        "distance_km",
        "hour",
    ];
    pub(crate) const TEXTS: [&'static str; 3] = ["channel", "merchant", "country"];

    /// Reads a payment, or names the fields that are wrong: none of them if it is no object at all.
    pub(crate) fn read(value: &'r Value) -> Result<Self, BTreeSet<String>> {
        let Some(fields) = value.as_object() else {
            return Err(BTreeSet::new());
        };
        let numbers = Self::NUMBERS.map(|name| number(fields, name));
        let texts = Self::TEXTS.map(|name| text(fields, name));
        let known = || Self::NUMBERS.iter().chain(&Self::TEXTS).copied();
        let wrong_numbers = Self::NUMBERS
            .iter()
            .zip(&numbers)
            .filter(|(_, of)| of.is_none());
        let wrong_texts = Self::TEXTS
            .iter()
            .zip(&texts)
            .filter(|(_, of)| of.is_none());
        let wrong: BTreeSet<String> = wrong_numbers
            .map(|(name, _)| (*name).to_owned())
            .chain(wrong_texts.map(|(name, _)| (*name).to_owned()))
            .chain(
                fields
                    .keys()
                    .filter(|key| known().all(|name| name != *key))
                    .cloned(),
            )
            .collect();
        match wrong.is_empty() {
            true => Ok(Payment {
                numbers: numbers.map(Option::unwrap_or_default),
                texts: texts.map(Option::unwrap_or_default),
            }),
            false => Err(wrong),
        }
    }

    /// A figure of `NUMBERS`; 0 for any other name.
    pub(crate) fn number(&self, name: &str) -> f64 {
        let place = Self::NUMBERS.iter().position(|of| *of == name);
        place.map_or(0.0, |place| self.numbers[place])
    }

    /// A text of `TEXTS`; empty for any other name.
    pub(crate) fn text(&self, name: &str) -> &'r str {
        let place = Self::TEXTS.iter().position(|of| *of == name);
        place.map_or("", |place| self.texts[place])
    }
}

fn number(fields: &Map<String, Value>, name: &str) -> Option<f64> {
    let (least, most) = match name {
        "amount_cents" => (1, 100_000_000),
        "account_age_days" => (0, 40_000),
        "declines_24h" => (0, 1_000),
        "hour" => (0, 23),
        _ => {
            let value = fields.get(name)?.as_f64()?;
            return (0.0..=21_000.0).contains(&value).then_some(value);
        }
    };
    let value = fields.get(name)?.as_i64()?;
    (least..=most).contains(&value).then_some(value as f64)
}

fn text<'r>(fields: &'r Map<String, Value>, name: &str) -> Option<&'r str> {
    let value = fields.get(name)?.as_str()?;
    let right = match name {
        "channel" => matches!(value, "web" | "app" | "pos"),
        "merchant" => (1..=40).contains(&value.chars().count()),
        _ => value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_uppercase()),
    };
    right.then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn mistakes_name_their_fields() {
        let right = json!({
            "amount_cents": 4990, "account_age_days": 700, "declines_24h": 0, "distance_km": 12,
            "hour": 14, "channel": "web", "merchant": "grocery", "country": "DE"
        });
        assert!(Payment::read(&right).is_ok());
        let cases = [
            (json!({"hour": 24}), vec!["hour"]),
            (
                json!({"hour": "3", "amount_cents": 1.0}),
                vec!["amount_cents", "hour"],
            ),
            (json!({"declines_24h": true}), vec!["declines_24h"]),
            (json!({"colour": 1}), vec!["colour"]),
            (
                json!({"country": "de", "channel": "fax", "merchant": ""}),
                vec!["channel", "country", "merchant"],
            ),
        ];
        for (changes, wrong) in cases {
            let mut payment = right.clone();
            for (name, value) in changes.as_object().unwrap() {
                payment[name] = value.clone();
            }
            let found = Payment::read(&payment).unwrap_err();
            assert_eq!(found.into_iter().collect::<Vec<_>>(), wrong);
        }
        assert!(Payment::read(&json!([])).unwrap_err().is_empty());
    }
}
