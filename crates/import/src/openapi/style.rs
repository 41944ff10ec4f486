//! How values are written into paths, queries, headers and cookies (OpenAPI, "Style Values"; RFC 6570).

use super::parameters::{component, text};
use crate::target::encoded;
use serde_json::Value;

/// The style of a parameter.
pub(super) struct Style<'p> {
    name: &'p str,
    explode: bool,
    reserved: bool,
}

impl<'p> Style<'p> {
    /// That of a parameter, or of a field of a form.
    pub(super) fn of(parameter: &'p Value, place: &str) -> Self {
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
        match self.reserved {
            // A fragment is never sent.
            true => encoded(text).replace('#', "%23"),
            false => component(text),
        }
    }

    /// As (part of) a segment of a path.
    pub(super) fn in_path(&self, name: &str, value: &Value) -> String {
        let whole = || self.joined(value, ",", component);
        let each = |before: &str| -> String {
            let parts = self.parts(value, component).into_iter();
            parts.map(|part| format!("{before}{part}")).collect()
        };
        match (self.name, value) {
            ("label", Value::Array(_) | Value::Object(_)) if self.explode => each("."),
            ("label", _) => format!(".{}", whole()),
            ("matrix", Value::Array(_)) if self.explode => each(&format!(";{name}=")),
            ("matrix", Value::Object(_)) if self.explode => each(";"),
            ("matrix", _) => match whole() {
                empty if empty.is_empty() => format!(";{name}"),
                written => format!(";{name}={written}"),
            },
            _ => whole(),
        }
    }

    /// As `name=value` pairs.
    pub(super) fn in_query(&self, name: &str, value: &Value) -> Vec<String> {
        let encode = |text: &str| self.encode(text);
        let between = match self.name {
            "spaceDelimited" => "%20",
            "pipeDelimited" => "%7C",
            _ => ",",
        };
        match value {
            Value::Object(_) if self.name == "deepObject" => self.deep(name, value),
            Value::Array(all) if self.explode => {
                let pair = |value| format!("{}={}", component(name), encode(&text(value)));
                all.iter().map(pair).collect()
            }
            Value::Object(_) if self.explode => self.parts(value, encode),
            value => vec![format!(
                "{}={}",
                component(name),
                self.joined(value, between, encode)
            )],
        }
    }

    /// As the value of a header.
    pub(super) fn in_header(&self, value: &Value) -> String {
        self.joined(value, ",", str::to_owned)
    }

    /// `name[key][key]=value`; the elements of a list one by one.
    fn deep(&self, name: &str, value: &Value) -> Vec<String> {
        match value {
            Value::Object(object) => object
                .iter()
                .flat_map(|(key, value)| self.deep(&format!("{name}[{key}]"), value))
                .collect(),
            Value::Array(all) => all
                .iter()
                .flat_map(|value| self.deep(name, value))
                .collect(),
            value => vec![format!("{}={}", component(name), self.encode(&text(value)))],
        }
    }

    /// The elements of a list, or `key=value` of each member of an object.
    fn parts(&self, value: &Value, encode: impl Fn(&str) -> String) -> Vec<String> {
        match value {
            Value::Array(all) => all.iter().map(|value| encode(&text(value))).collect(),
            Value::Object(object) => object
                .iter()
                .map(|(key, value)| format!("{}={}", encode(key), encode(&text(value))))
                .collect(),
            value => vec![encode(&text(value))],
        }
    }

    /// All in one, with a sign between elements, keys and values.
    fn joined(&self, value: &Value, between: &str, encode: impl Fn(&str) -> String) -> String {
        match value {
            Value::Object(object) if !self.explode => {
                let pair = |(key, value): (&String, &Value)| [encode(key), encode(&text(value))];
                object
                    .iter()
                    .flat_map(pair)
                    .collect::<Vec<_>>()
                    .join(between)
            }
            value => self.parts(value, encode).join(between),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn query(value: Value, more: Value) -> String {
        Style::of(&more, "query").in_query("p", &value).join("&")
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
                object.clone(),
                json!({"style": "deepObject"}),
                "p%5Bg%5D=x&p%5Br%5D=1",
            ),
            (
                json!({"a": {"b": 1, "c": [2, 3]}}),
                json!({"style": "deepObject"}),
                "p%5Ba%5D%5Bb%5D=1&p%5Ba%5D%5Bc%5D=2&p%5Ba%5D%5Bc%5D=3",
            ),
            (
                object.clone(),
                json!({"style": "spaceDelimited"}),
                "p=g%20x%20r%201",
            ),
            (object, json!({"style": "pipeDelimited"}), "p=g%7Cx%7Cr%7C1"),
            (json!("a#b"), json!({"allowReserved": true}), "p=a%23b"),
            (json!([]), json!({}), ""),
            (json!(null), json!({}), "p="),
        ] {
            let shown = format!("{value} {more}");
            assert_eq!(query(value, more), expected, "{shown}");
        }
    }

    #[test]
    fn paths_in_every_style() {
        let (list, object) = (json!([1, "b/c"]), json!({"x": 1, "y": "2"}));
        for (value, more, expected) in [
            (&list, json!({}), "1,b%2Fc"),
            (&list, json!({"style": "label"}), ".1,b%2Fc"),
            (
                &list,
                json!({"style": "label", "explode": true}),
                ".1.b%2Fc",
            ),
            (&list, json!({"style": "matrix"}), ";p=1,b%2Fc"),
            (
                &list,
                json!({"style": "matrix", "explode": true}),
                ";p=1;p=b%2Fc",
            ),
            (&object, json!({}), "x,1,y,2"),
            (&object, json!({"explode": true}), "x=1,y=2"),
            (&object, json!({"style": "label"}), ".x,1,y,2"),
            (
                &object,
                json!({"style": "label", "explode": true}),
                ".x=1.y=2",
            ),
            (&object, json!({"style": "matrix"}), ";p=x,1,y,2"),
            (
                &object,
                json!({"style": "matrix", "explode": true}),
                ";x=1;y=2",
            ),
            (&json!("a"), json!({"style": "matrix"}), ";p=a"),
            (&json!(""), json!({"style": "matrix"}), ";p"),
            (&json!("a"), json!({"style": "label"}), ".a"),
        ] {
            let written = Style::of(&more, "path").in_path("p", value);
            assert_eq!(written, expected, "{value} {more}");
        }
    }
}
