//! Numbers and texts that a schema allows.

use super::flat::Flat;
use serde_json::{Number, Value, json};

/// Most characters of a text.
const MOST_CHARACTERS: f64 = 10_000.0;

/// The smallest number from 1 on that the bounds allow, else the greatest below.
pub(super) fn number(schema: &Flat<'_>, whole: bool) -> Value {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let step = bound("multipleOf").filter(|step| *step > 0.0);
    let unit = step.unwrap_or(if whole { 1.0 } else { 0.5 });
    // In 3.0 "exclusive" says how the bound is meant, in 3.1 it is the bound.
    let excluded = |key: &str| schema.get(key) == Some(&Value::Bool(true));
    let mut low = schema.highest("minimum").unwrap_or(f64::NEG_INFINITY);
    if excluded("exclusiveMinimum") {
        low += unit;
    }
    let low = low.max(bound("exclusiveMinimum").map_or(low, |bound| bound + unit));
    let mut high = schema.lowest("maximum").unwrap_or(f64::INFINITY);
    if excluded("exclusiveMaximum") {
        high -= unit;
    }
    let high = high.min(bound("exclusiveMaximum").map_or(high, |bound| bound - unit));
    let mut value = 1.0_f64.max(low).min(high);
    if let Some(step) = step {
        value = (value / step).ceil() * step;
        if value > high {
            value = (high / step).floor() * step;
        }
    }
    if whole && value.ceil() <= high {
        value = value.ceil();
    }
    if whole || value.fract() == 0.0 && value.abs() < 1e15 {
        return json!(value as i64);
    }
    Number::from_f64(value).map_or(json!(1), Value::Number)
}

/// A text of the format, as long as it has to be.
pub(super) fn text(schema: &Flat<'_>) -> String {
    let text = match schema
        .get("format")
        .and_then(Value::as_str)
        .unwrap_or_default()
    {
        "date" => "2026-01-15",
        "date-time" => "2026-01-15T10:00:00Z",
        "time" => "10:00:00Z",
        "duration" => "PT1M",
        "uuid" => "00000000-0000-4000-8000-000000000001",
        "email" | "idn-email" => "user@example.com",
        "hostname" | "idn-hostname" => "example.com",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        "uri" | "url" | "iri" => "https://example.com/",
        "uri-reference" | "iri-reference" => "/",
        "byte" => return "c3RyaW5n".to_owned(),
        _ => "string",
    };
    // Conversions from floats saturate.
    let least = schema
        .highest("minLength")
        .unwrap_or(0.0)
        .min(MOST_CHARACTERS) as usize;
    let most = schema
        .lowest("maxLength")
        .map_or(usize::MAX, |most| most as usize);
    let padding = std::iter::repeat_n('x', least.saturating_sub(text.len()));
    text.chars().chain(padding).take(most).collect()
}
