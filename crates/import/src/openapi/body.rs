//! Bodies of described requests.

use super::document::Document;
use super::parameters::{component, text};
use super::schema::Maker;
use serde_json::{Map, Value};

/// Between the parts of a form; nothing that is made or given in a document ends with it.
const BOUNDARY: &str = "understudy-4f0c9d1e";

/// A body and its media type.
pub(super) type Body = (String, Vec<u8>);

/// The body of a described request; `None` if there is no value that can be sent.
pub(super) fn body<'d>(
    document: &'d Document,
    maker: &Maker<'d>,
    content: &'d Map<String, Value>,
    variant: usize,
) -> Option<Body> {
    let (kind, media) = preferred(content)?;
    let kind = if kind.contains('*') {
        "application/json"
    } else {
        kind
    };
    let example = document.example(media, variant).cloned();
    let value = example.or_else(|| maker.value(media.get("schema")?));
    let plain = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let bytes = match (plain.as_str(), value?) {
        (json, value) if is_json(json) => json_text(&value).into_bytes(),
        ("application/x-www-form-urlencoded", Value::Object(fields)) => form(&fields).into_bytes(),
        ("multipart/form-data", Value::Object(fields)) => {
            let kind = format!("multipart/form-data; boundary={BOUNDARY}");
            return Some((kind, parts(&fields).into_bytes()));
        }
        // XML of a schema would be a guess; a text in the document is none.
        (_, Value::String(text)) => text.into_bytes(),
        (text_kind, Value::Number(number)) if text_kind.starts_with("text/") => {
            number.to_string().into_bytes()
        }
        _ => return None,
    };
    Some((kind.to_owned(), bytes))
}

/// The media type that is sent: JSON where there is one, then forms, then the first.
fn preferred(content: &Map<String, Value>) -> Option<(&str, &Value)> {
    let find = |wanted: &dyn Fn(&str) -> bool| {
        let found = content
            .iter()
            .find(|(kind, _)| wanted(&kind.to_ascii_lowercase()));
        found.map(|(kind, media)| (kind.as_str(), media))
    };
    find(&|kind| is_json(kind.split(';').next().unwrap_or_default().trim()))
        .or_else(|| find(&|kind| kind.contains('*')))
        .or_else(|| find(&|kind| kind.contains("form")))
        .or_else(|| find(&|_| true))
}

fn is_json(kind: &str) -> bool {
    kind == "application/json" || kind.ends_with("+json") || kind == "text/json"
}

/// JSON; an example that is the text of an object or list is taken as it is.
fn json_text(value: &Value) -> String {
    if let Value::String(text) = value
        && let Ok(Value::Object(_) | Value::Array(_)) = serde_json::from_str(text)
    {
        return text.clone();
    }
    value.to_string()
}

fn form(fields: &Map<String, Value>) -> String {
    let mut pairs = Vec::new();
    for (name, value) in fields {
        let values = match value {
            Value::Array(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        };
        for value in values {
            pairs.push(format!("{}={}", component(name), component(&text(value))));
        }
    }
    pairs.join("&")
}

/// The parts of a form (RFC 7578).
fn parts(fields: &Map<String, Value>) -> String {
    let mut out = String::new();
    for (name, value) in fields {
        let name = name.replace('"', "%22").replace(['\r', '\n'], " ");
        let kind = match value {
            Value::Object(_) | Value::Array(_) => "\r\nContent-Type: application/json",
            _ => "",
        };
        let value = text(value);
        out += &format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{kind}\r\n\r\n{value}\r\n"
        );
    }
    out + &format!("--{BOUNDARY}--\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(content: Value) -> Option<(String, String)> {
        let document = Document::new(json!({}));
        let body = body(
            &document,
            &Maker::new(&document),
            content.as_object().unwrap(),
            0,
        )?;
        Some((body.0, String::from_utf8(body.1).unwrap()))
    }

    fn body_of(kind: &str, media: Value) -> Option<(String, String)> {
        of(json!({ kind: media }))
    }

    #[test]
    fn each_kind_is_written_its_way() {
        let object = json!({"example": {"a": "x y", "b": [1, 2]}});
        for (kind, media, sent, text) in [
            (
                "application/json; charset=utf-8",
                object.clone(),
                "",
                r#"{"a":"x y","b":[1,2]}"#,
            ),
            (
                "application/problem+json",
                json!({"example": "[1]"}),
                "",
                "[1]",
            ),
            (
                "application/json",
                json!({"example": "word"}),
                "",
                "\"word\"",
            ),
            (
                "*/*",
                object.clone(),
                "application/json",
                r#"{"a":"x y","b":[1,2]}"#,
            ),
            (
                "application/x-www-form-urlencoded",
                object.clone(),
                "",
                "a=x%20y&b=1&b=2",
            ),
            (
                "text/plain",
                json!({"schema": {"type": "string"}}),
                "",
                "string",
            ),
            ("text/plain", json!({"example": 5}), "", "5"),
            ("application/xml", json!({"example": "<a/>"}), "", "<a/>"),
        ] {
            let sent = if sent.is_empty() { kind } else { sent };
            assert_eq!(
                body_of(kind, media),
                Some((sent.to_owned(), text.to_owned())),
                "{kind}"
            );
        }
        let (kind, text) = body_of("multipart/form-data", object).unwrap();
        assert_eq!(kind, format!("multipart/form-data; boundary={BOUNDARY}"));
        assert!(text.contains("name=\"a\"\r\n\r\nx y\r\n--"), "{text}");
        assert!(
            text.contains("name=\"b\"\r\nContent-Type: application/json\r\n\r\n[1,2]\r\n"),
            "{text}"
        );
        assert_eq!(
            body_of("application/xml", json!({"schema": {"type": "object"}})),
            None
        );
        assert_eq!(body_of("application/json", json!({})), None);
    }

    #[test]
    fn json_is_preferred() {
        let both = json!({
            "application/xml": {"example": "<a/>"},
            "application/x-www-form-urlencoded": {"example": {"a": 1}},
            "application/vnd.api+json": {"example": {"a": 1}},
        });
        assert_eq!(of(both).unwrap().0, "application/vnd.api+json");
        assert_eq!(of(json!({})), None);
    }
}
