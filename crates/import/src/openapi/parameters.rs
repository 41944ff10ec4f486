//! Where the parameters of a request go: path, query, headers and cookies.

use super::document::Document;
use super::schema::{Maker, fitted};
use super::style::Style;
use crate::recorded::Reason;
use serde_json::Value;

/// Where the parameters of one request have gone.
#[derive(Debug, Default)]
pub(super) struct Placed {
    pub(super) path: String,
    pub(super) query: Vec<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) cookies: Vec<String>,
}

/// Headers that are described elsewhere; a parameter of this name means nothing.
const NOT_PARAMETERS: [&str; 3] = ["accept", "content-type", "authorization"];

/// Writes the required parameters into path, query, headers and cookies.
pub(super) fn place<'d>(
    document: &'d Document,
    maker: &Maker<'d>,
    path: &str,
    parameters: &[&'d Value],
    variant: usize,
) -> Result<Placed, Reason> {
    let mut placed = Placed {
        path: path.to_owned(),
        ..Placed::default()
    };
    for parameter in parameters {
        let text = |key: &str| parameter.get(key).and_then(Value::as_str);
        let (Some(name), Some(place)) = (text("name"), text("in")) else {
            return Err(Reason::Unreadable);
        };
        let required = place == "path" || parameter.get("required") == Some(&Value::Bool(true));
        let ignored = place == "header" && NOT_PARAMETERS.contains(&name.to_lowercase().as_str());
        if !required || ignored {
            continue;
        }
        let value = value(document, maker, parameter, variant).ok_or(Reason::NoValue)?;
        let style = Style::of(parameter, place);
        match place {
            "path" => {
                let written = style.in_path(name, &value);
                // An empty segment would be another path.
                if written.is_empty() {
                    return Err(Reason::NoValue);
                }
                placed.path = placed.path.replace(&format!("{{{name}}}"), &written);
            }
            "query" => placed.query.extend(style.in_query(name, &value)),
            "header" => placed
                .headers
                .push((name.to_owned(), style.in_header(&value))),
            "cookie" => placed.cookies.extend(style.in_query(name, &value)),
            _ => return Err(Reason::Unreadable),
        }
    }
    if placed.path.contains(['{', '}']) {
        return Err(Reason::NoValue);
    }
    Ok(placed)
}

/// The value of a parameter.
fn value<'d>(
    document: &'d Document,
    maker: &Maker<'d>,
    parameter: &'d Value,
    variant: usize,
) -> Option<Value> {
    if let Some(example) = document.example(parameter, variant) {
        let fitted = parameter
            .get("schema")
            .and_then(|schema| fitted(document, example, schema));
        return Some(fitted.unwrap_or_else(|| example.clone()));
    }
    if let Some(content) = parameter.get("content").and_then(Value::as_object) {
        // The one media type of the content: its text is the value.
        let media = content.values().next()?;
        let value = match document.example(media, variant) {
            Some(example) => example.clone(),
            None => maker.value(media.get("schema")?)?,
        };
        return Some(match value {
            Value::String(text) => Value::String(text),
            other => Value::String(other.to_string()),
        });
    }
    maker.value(parameter.get("schema")?)
}

/// A value as text: a string without its quotes, nothing for null.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Percent-encodes all but unreserved characters (RFC 3986, section 2.3).
pub(super) fn component(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn placed(parameter: Value) -> Result<Placed, Reason> {
        let document = Document::new(json!({}));
        place(
            &document,
            &Maker::new(&document),
            "/a/{p}",
            &[&parameter],
            0,
        )
    }

    #[test]
    fn a_parameter_of_the_path_has_a_value() {
        let path = |value: Value| placed(json!({"name": "p", "in": "path", "example": value}));
        assert_eq!(path(json!("b c")).unwrap().path, "/a/b%20c");
        assert_eq!(path(json!("")).unwrap_err(), Reason::NoValue);
        let typed = placed(
            json!({"name": "p", "in": "path", "example": "7", "schema": {"type": "integer"}}),
        );
        assert_eq!(typed.unwrap().path, "/a/7");
    }

    #[test]
    fn what_is_not_required_or_not_available() {
        assert_eq!(
            placed(json!({"name": "q", "in": "query"})).unwrap_err(),
            Reason::NoValue,
            "{{p}} is left"
        );
        assert_eq!(
            placed(json!({"name": "p", "in": "path"})).unwrap_err(),
            Reason::NoValue
        );
        assert_eq!(
            placed(json!({"name": "p", "in": "nowhere", "required": true, "example": 1}))
                .unwrap_err(),
            Reason::Unreadable
        );
        assert_eq!(
            placed(json!({"in": "path"})).unwrap_err(),
            Reason::Unreadable
        );
        let content = json!({"name": "p", "in": "path", "content": {"application/json": {"schema": {"example": {"a": 1}}}}});
        assert_eq!(placed(content).unwrap().path, "/a/%7B%22a%22%3A1%7D");
    }
}
