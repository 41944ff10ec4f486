//! Parameters as they are written into paths, queries, headers and cookies (OpenAPI, "Style Values").

use super::document::Document;
use super::schema::Maker;
use crate::recorded::Reason;
use crate::target::encoded;
use serde_json::{Map, Value};

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

/// Writes the required parameters into the path and beside it.
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
                .push((name.to_owned(), style.joined(&value, str::to_owned))),
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
        return Some(example.clone());
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

/// How a value is written.
struct Style<'p> {
    name: &'p str,
    explode: bool,
    reserved: bool,
}

impl<'p> Style<'p> {
    fn of(parameter: &'p Value, place: &str) -> Self {
        let default = match place {
            "query" | "cookie" => "form",
            _ => "simple",
        };
        let name = parameter
            .get("style")
            .and_then(Value::as_str)
            .unwrap_or(default);
        let explode = parameter.get("explode").and_then(Value::as_bool);
        Style {
            name,
            explode: explode.unwrap_or(name == "form" || name == "deepObject"),
            reserved: parameter.get("allowReserved") == Some(&Value::Bool(true)),
        }
    }

    fn encode(&self, text: &str) -> String {
        if self.reserved {
            encoded(text)
        } else {
            component(text)
        }
    }

    fn in_path(&self, name: &str, value: &Value) -> String {
        let encode = |text: &str| component(text);
        match (self.name, value) {
            ("label", Value::Array(all)) if self.explode => all
                .iter()
                .map(|value| format!(".{}", encode(&text(value))))
                .collect(),
            ("label", _) => format!(".{}", self.joined(value, encode)),
            ("matrix", Value::Array(all)) if self.explode => all
                .iter()
                .map(|value| format!(";{name}={}", encode(&text(value))))
                .collect(),
            ("matrix", _) => format!(";{name}={}", self.joined(value, encode)),
            _ => self.joined(value, encode),
        }
    }

    /// `name=value` pairs.
    fn in_query(&self, name: &str, value: &Value) -> Vec<String> {
        let pair = |name: &str, value: &str| format!("{}={}", component(name), self.encode(value));
        match value {
            Value::Array(all) if self.explode => {
                all.iter().map(|value| pair(name, &text(value))).collect()
            }
            Value::Array(all) => {
                let between = match self.name {
                    "spaceDelimited" => "%20",
                    "pipeDelimited" => "%7C",
                    _ => ",",
                };
                let all: Vec<String> = all.iter().map(|value| self.encode(&text(value))).collect();
                vec![format!("{}={}", component(name), all.join(between))]
            }
            Value::Object(object) if self.name == "deepObject" => {
                let of =
                    |(key, value): (&String, &Value)| pair(&format!("{name}[{key}]"), &text(value));
                object.iter().map(of).collect()
            }
            Value::Object(object) if self.explode => object
                .iter()
                .map(|(key, value)| pair(key, &text(value)))
                .collect(),
            value => vec![format!(
                "{}={}",
                component(name),
                self.joined(value, |text| self.encode(text))
            )],
        }
    }

    /// Elements and members with commas between them.
    fn joined(&self, value: &Value, encode: impl Fn(&str) -> String) -> String {
        let parts: Vec<String> = match value {
            Value::Array(all) => all.iter().map(|value| encode(&text(value))).collect(),
            Value::Object(object) => self.members(object, &encode),
            value => return encode(&text(value)),
        };
        parts.join(",")
    }

    fn members(
        &self,
        object: &Map<String, Value>,
        encode: &impl Fn(&str) -> String,
    ) -> Vec<String> {
        let between = if self.explode { '=' } else { ',' };
        object
            .iter()
            .map(|(key, value)| format!("{}{between}{}", encode(key), encode(&text(value))))
            .collect()
    }
}

/// A value as text: what stands in quotes without them, nothing for null.
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

    fn query(value: Value, more: Value) -> String {
        let mut parameter = json!({"name": "p", "in": "query", "required": true, "example": value});
        parameter
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let document = Document::new(json!({}));
        let placed = place(&document, &Maker::new(&document), "/", &[&parameter], 0).unwrap();
        placed.query.join("&")
    }

    #[test]
    fn queries_in_every_style() {
        let (list, object) = (json!(["a b", "c"]), json!({"r": 1, "g": "x"}));
        for (value, more, expected) in [
            (json!("a&b"), json!({}), "p=a%26b"),
            (json!("a/b"), json!({"allowReserved": true}), "p=a/b"),
            (list.clone(), json!({}), "p=a%20b&p=c"),
            (list.clone(), json!({"explode": false}), "p=a%20b,c"),
            (
                list.clone(),
                json!({"style": "spaceDelimited"}),
                "p=a%20b%20c",
            ),
            (list, json!({"style": "pipeDelimited"}), "p=a%20b%7Cc"),
            (object.clone(), json!({}), "g=x&r=1"),
            (object.clone(), json!({"explode": false}), "p=g,x,r,1"),
            (
                object,
                json!({"style": "deepObject"}),
                "p%5Bg%5D=x&p%5Br%5D=1",
            ),
            (json!(null), json!({}), "p="),
        ] {
            assert_eq!(
                query(value.clone(), more.clone()),
                expected,
                "{value} {more}"
            );
        }
    }

    #[test]
    fn paths_in_every_style() {
        let path = |value: Value, more: Value| {
            let mut parameter = json!({"name": "p", "in": "path", "example": value});
            parameter
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            placed(parameter).map(|placed| placed.path)
        };
        let list = json!([1, "b/c"]);
        for (more, expected) in [
            (json!({}), "/a/1,b%2Fc"),
            (json!({"style": "label"}), "/a/.1,b%2Fc"),
            (json!({"style": "label", "explode": true}), "/a/.1.b%2Fc"),
            (json!({"style": "matrix"}), "/a/;p=1,b%2Fc"),
            (
                json!({"style": "matrix", "explode": true}),
                "/a/;p=1;p=b%2Fc",
            ),
        ] {
            assert_eq!(
                path(list.clone(), more.clone()).unwrap(),
                expected,
                "{more}"
            );
        }
        let object = path(json!({"k": 1}), json!({"explode": true}));
        assert_eq!(object.unwrap(), "/a/k=1");
        assert_eq!(path(json!(""), json!({})), Err(Reason::NoValue));
    }

    #[test]
    fn what_is_not_required_or_cannot_be_had() {
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
