//! Bodies of described requests.

use super::document::Document;
use super::parameters::{component, text};
use super::schema::{Maker, fitted};
use super::style::Style;
use serde_json::{Map, Value};

/// Between the parts of a form; nothing that is made or given in a document ends with it.
const BOUNDARY: &str = "understudy-4f0c9d1e";

/// A body and its media type.
pub(super) type Body = (String, Vec<u8>);

/// The body of a described request; `None` if the document gives no value that can be sent.
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
    let schema = media.get("schema");
    let example = document.example(media, variant).map(|example| {
        let fitted = schema.and_then(|schema| fitted(document, example, schema));
        fitted.unwrap_or_else(|| example.clone())
    });
    let value = example.or_else(|| maker.value(schema?));
    let encoding = media.get("encoding");
    let plain = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let bytes = match (plain.as_str(), value?) {
        (json, value) if is_json(json) => json_text(&value).into_bytes(),
        ("application/x-www-form-urlencoded", Value::Object(fields)) => {
            form(&fields, encoding).into_bytes()
        }
        ("multipart/form-data", Value::Object(fields)) => {
            let kind = format!("multipart/form-data; boundary={BOUNDARY}");
            let property = |name: &str| maker.property(schema?, name);
            let parts = parts(document, &fields, encoding, property)?;
            return Some((kind, parts.into_bytes()));
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

fn form(fields: &Map<String, Value>, encoding: Option<&Value>) -> String {
    let mut pairs = Vec::new();
    for (name, value) in fields {
        let described = encoding.and_then(|encoding| encoding.get(name));
        if let Some(described) = described.filter(|described| described.get("style").is_some()) {
            pairs.extend(Style::of(described, "query").in_query(name, value));
            continue;
        }
        for value in elements(value) {
            pairs.push(format!("{}={}", component(name), component(&text(value))));
        }
    }
    pairs.join("&")
}

/// A list field by field, anything else alone.
fn elements(value: &Value) -> &[Value] {
    match value {
        Value::Array(all) => all,
        one => std::slice::from_ref(one),
    }
}

/// The parts of a form (RFC 7578). A file has a name and a type. `None` if a part has a type in which its value
/// cannot be written.
fn parts<'d>(
    document: &'d Document,
    fields: &Map<String, Value>,
    encoding: Option<&Value>,
    property: impl Fn(&str) -> Option<&'d Value>,
) -> Option<String> {
    let mut out = String::new();
    for (field, value) in fields {
        let name = field.replace('"', "%22").replace(['\r', '\n'], " ");
        let schema = property(field);
        let items = schema.and_then(|schema| document.get(schema, "items"));
        let is_file = [schema, items].into_iter().flatten().any(is_file);
        let file = match is_file {
            true => format!("; filename=\"{name}\""),
            false => String::new(),
        };
        let stated =
            encoding.and_then(|encoding| encoding.get(field)?.get("contentType")?.as_str());
        let of_schema = |schema: &'d Value| schema.get("contentMediaType")?.as_str();
        let stated = stated
            .or_else(|| of_schema(items.or(schema)?))
            .and_then(first_type);
        for value in elements(value) {
            if matches!(value, Value::Object(_)) && !stated.is_none_or(is_json) {
                return None;
            }
            let kind = stated.or(match value {
                _ if is_file => Some("application/octet-stream"),
                Value::Object(_) | Value::Array(_) => Some("application/json"),
                _ => None,
            });
            let kind = kind.map_or_else(String::new, |kind| format!("\r\nContent-Type: {kind}"));
            let value = text(value);
            out += &format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}{kind}\r\n\r\n{value}\r\n"
            );
        }
    }
    Some(out + &format!("--{BOUNDARY}--\r\n"))
}

/// The first type of a list that is one and not a range of types.
fn first_type(kinds: &str) -> Option<&str> {
    let mut kinds = kinds.split(',').map(str::trim);
    kinds.find(|kind| kind.contains('/') && !kind.contains(['*', '\r', '\n']))
}

/// Are the values of the schema the bytes of a file?
fn is_file(schema: &Value) -> bool {
    let text = |key: &str| schema.get(key).and_then(Value::as_str);
    text("format") == Some("binary")
        || text("contentMediaType").is_some() && text("contentEncoding").is_none()
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
            text.contains("name=\"b\"\r\n\r\n1\r\n--")
                && text.contains("name=\"b\"\r\n\r\n2\r\n--"),
            "{text}"
        );
        assert_eq!(
            body_of("application/xml", json!({"schema": {"type": "object"}})),
            None
        );
        assert_eq!(body_of("application/json", json!({})), None);
    }

    #[test]
    fn files_have_a_name_and_the_type_that_the_document_gives() {
        let media = json!({
            "schema": {"type": "object", "properties": {
                "f": {"type": "string", "format": "binary"},
                "g": {"type": "array", "items": {"type": "string", "format": "binary"}},
                "h": {"type": "string", "contentMediaType": "text/csv"},
                "o": {"type": "object", "properties": {"a": {"const": 1}}},
                "t": {"type": "string", "format": "byte"},
            }},
            "encoding": {"f": {"contentType": "image/png, image/jpeg"}, "g": {"contentType": "image/*"}},
        });
        let (_, text) = body_of("multipart/form-data", media).unwrap();
        for part in [
            "name=\"f\"; filename=\"f\"\r\nContent-Type: image/png\r\n\r\n",
            "name=\"g\"; filename=\"g\"\r\nContent-Type: application/octet-stream\r\n\r\n",
            "name=\"h\"; filename=\"h\"\r\nContent-Type: text/csv\r\n\r\n",
            "name=\"o\"\r\nContent-Type: application/json\r\n\r\n{\"a\":1}\r\n",
            "name=\"t\"\r\n\r\nc3RyaW5n\r\n",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn a_part_whose_type_cannot_hold_its_value_is_not_sent() {
        let media = |kind: &str| json!({"example": {"o": {"a": 1}}, "encoding": {"o": {"contentType": kind}}});
        assert_eq!(
            body_of("multipart/form-data", media("application/xml")),
            None
        );
        assert!(body_of("multipart/form-data", media("application/vnd.x+json")).is_some());
    }

    #[test]
    fn fields_of_forms_have_styles() {
        let media = json!({
            "example": {"a": [1, 2], "d": {"x": 1}},
            "encoding": {"a": {"style": "pipeDelimited"}, "d": {"style": "deepObject"}},
        });
        let (_, text) = body_of("application/x-www-form-urlencoded", media).unwrap();
        assert_eq!(text, "a=1%7C2&d%5Bx%5D=1");
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
