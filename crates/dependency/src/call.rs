//! What a side asks of an outside service, as it is matched and compared. Pure.

use serde_json::{Map, Value};
use understudy_compare::hide_authority;
use understudy_model::{Answer, Field, Part};
use xxhash_rust::xxh3::xxh3_128;

/// Headers that a call is compared by, besides the type of its body: what an HTTP client adds by itself differs from one
/// library to the next and is nothing that the service asked for.
const COMPARED: [&str; 5] = [
    "accept-language",
    "authorization",
    "idempotency-key",
    "if-match",
    "if-none-match",
];

/// A request of a side to an outside service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The headers in the order received, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, without its framing.
    pub body: Vec<u8>,
}

/// What calls have in common that one recorded answer answers: method, path, query and body by what they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(u128);

impl Call {
    /// May it be made without changing anything (RFC 9110, section 9.2.1)?
    pub fn is_safe(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }

    /// The same with one placeholder for what the side may call itself: a side that says where it wants to be called back says
    /// the same as another at another address.
    #[must_use]
    pub fn without_authorities(&self, authorities: &[String]) -> Call {
        let mut said = Answer {
            fields: vec![Field {
                name: "target".to_owned(),
                value: self.target.clone().into_bytes(),
            }],
            parts: vec![Part {
                bytes: self.body.clone(),
                ..Part::default()
            }],
            ..Answer::default()
        };
        hide_authority(&mut said, authorities);
        let target = said.fields.pop().map(|field| field.value);
        let target = target.and_then(|bytes| String::from_utf8(bytes).ok());
        Call {
            target: target.unwrap_or_else(|| self.target.clone()),
            body: said.parts.pop().map(|part| part.bytes).unwrap_or_default(),
            ..self.clone()
        }
    }

    /// By what a recorded answer is found. The order of different names in the query and of members in a JSON body says
    /// nothing.
    pub fn key(&self) -> Key {
        let said = [
            self.method.as_str(),
            self.path(),
            &Value::Object(self.query()).to_string(),
            &match self.json() {
                Some(json) => format!("j{json}"),
                None => format!("b{:x}", xxh3_128(&self.body)),
            },
        ];
        Key(xxh3_128(said.join("\n").as_bytes()))
    }

    /// As it is compared: a JSON object with `method`, `path`, and where there is one `query` (the values of each name),
    /// `content_type`, the compared headers and `body` (JSON as such, else a text, else length and digest).
    pub fn described(&self) -> Value {
        let mut all = Map::new();
        all.insert("method".into(), self.method.as_str().into());
        all.insert("path".into(), self.path().into());
        let query = self.query();
        if !query.is_empty() {
            all.insert("query".into(), query.into());
        }
        if let Some(kind) = self
            .header("content-type")
            .filter(|_| !self.body.is_empty())
        {
            let essence = kind.split(';').next().unwrap_or(kind).trim();
            all.insert("content_type".into(), essence.to_ascii_lowercase().into());
        }
        for name in COMPARED {
            if let Some(value) = self.header(name) {
                all.insert(name.replace('-', "_"), value.into());
            }
        }
        if !self.body.is_empty() {
            all.insert("body".into(), self.body_described());
        }
        all.into()
    }

    fn body_described(&self) -> Value {
        if let Some(json) = self.json() {
            return json;
        }
        match std::str::from_utf8(&self.body) {
            Ok(text) => text.into(),
            Err(_) => {
                let digest = format!("{:032x}", xxh3_128(&self.body));
                let described = [
                    ("bytes".to_owned(), Value::from(self.body.len())),
                    ("digest".to_owned(), Value::from(digest)),
                ];
                Value::Object(Map::from_iter(described))
            }
        }
    }

    fn json(&self) -> Option<Value> {
        let is_document = |byte: &u8| matches!(byte, b'{' | b'[');
        let first = self.body.iter().find(|byte| !byte.is_ascii_whitespace())?;
        is_document(first).then(|| serde_json::from_slice(&self.body).ok())?
    }

    fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The values of each name in their order, as written.
    fn query(&self) -> Map<String, Value> {
        let mut all: Map<String, Value> = Map::new();
        let Some((_, query)) = self.target.split_once('?') else {
            return all;
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let values = all.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(values) = values {
                values.push(value.into());
            }
        }
        all
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        all.find(|(of, _)| of == name)
            .map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call(method: &str, target: &str, body: &str) -> Call {
        Call {
            method: method.into(),
            target: target.into(),
            headers: vec![
                ("user-agent".into(), "one/1".into()),
                (
                    "content-type".into(),
                    "Application/JSON; charset=utf-8".into(),
                ),
                ("authorization".into(), "Bearer t".into()),
            ],
            body: body.into(),
        }
    }

    #[test]
    fn calls_that_say_the_same_have_one_answer() {
        let one = call("POST", "/a?x=1&y=2", r#"{"b": 1, "a": [2]}"#);
        let mut other = call("POST", "/a?y=2&x=1", r#"{"a":[2],"b":1}"#);
        other.headers.clear();
        assert_eq!(one.key(), other.key());
        for differs in [
            call("PUT", "/a?x=1&y=2", r#"{"b": 1, "a": [2]}"#),
            call("POST", "/b?x=1&y=2", r#"{"b": 1, "a": [2]}"#),
            call("POST", "/a?x=2&y=1", r#"{"b": 1, "a": [2]}"#),
            call("POST", "/a?x=1&x=2", r#"{"b": 1, "a": [2]}"#),
            call("POST", "/a?x=1&y=2", r#"{"b": 1, "a": [3]}"#),
            call("POST", "/a?x=1&y=2", ""),
        ] {
            assert_ne!(one.key(), differs.key(), "{differs:?}");
        }
        assert_ne!(
            call("GET", "/?x=1&x=2", "").key(),
            call("GET", "/?x=2&x=1", "").key()
        );
    }

    #[test]
    fn where_a_side_is_makes_no_other_call_of_it() {
        let of = |port: u16| {
            let body = format!(r#"{{"call": "http://127.0.0.1:{port}/back"}}"#);
            let call = call("POST", &format!("/hooks?at=127.0.0.1%3A{port}"), &body);
            call.without_authorities(&[format!("127.0.0.1:{port}")])
        };
        assert_eq!(of(4001), of(4002));
        assert!(of(4001).target.starts_with("/hooks?at="));
        assert_eq!(of(4001).described()["path"], "/hooks");
    }

    #[test]
    fn a_call_is_described_by_what_the_service_asked_for() {
        assert_eq!(
            call("POST", "/a?x=1&x=2&flag", r#"{"b": 1}"#).described(),
            json!({
                "method": "POST",
                "path": "/a",
                "query": {"x": ["1", "2"], "flag": [""]},
                "content_type": "application/json",
                "authorization": "Bearer t",
                "body": {"b": 1},
            })
        );
        assert_eq!(
            call("GET", "/a", "").described(),
            json!({"method": "GET", "path": "/a", "authorization": "Bearer t"})
        );
        let mut binary = call("PUT", "/a", "");
        binary.body = vec![0xff, 0];
        assert_eq!(binary.described()["body"]["bytes"], 2);
        assert_eq!(
            call("PUT", "/a", "12").described()["body"],
            "12",
            "a text, not a number"
        );
    }
}
