//! The requests of a workload: read from JSON lines, checked, rendered.
//!
//! One request a line: `method`, `path`, `headers`, one of `body`, `body_base64` and `body_file`;
//! `weight`, `session` and `operation` are optional. Header values may name environment variables
//! as `$NAME` or `${NAME}`. Path and body, in which dollar signs are common, may do so as `${NAME}` for the
//! names that `variables` lists. What is shown and stored keeps the name.

use crate::credentials::{Capture, Credentials};
use crate::driver::Prepared;
use crate::variables::{Written, expand, fill, is_name};
use base64::Engine as _;
use serde_json::{Map, Value};
use std::sync::Arc;
use understudy_model::unknown_key;
use understudy_wire::http1::RequestHead;

/// Most bytes of a request file.
pub const MAX_FILE_BYTES: u64 = 1 << 30;
/// Most errors that are reported at once.
const MAX_ERRORS: usize = 20;
/// Most headers of one request.
const MAX_HEADERS: usize = 100;

/// What the key `operation` was called before.
const FORMER_OPERATION: &str = "endpoint";

const KEYS: [&str; 11] = [
    "method",
    "path",
    "headers",
    "body",
    "body_base64",
    "body_file",
    "variables",
    "weight",
    "session",
    "operation",
    "capture",
];

/// One request of the workload.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadRequest {
    /// The method, e.g. `GET`.
    pub method: String,
    /// Path and query as written, `${NAME}` unexpanded: what may be shown.
    pub path: String,
    /// Headers as written, `$NAME` unexpanded: what may be shown.
    pub headers: Vec<(String, String)>,
    /// The body as written, `${NAME}` unexpanded: what may be shown.
    pub body: Vec<u8>,
    /// Variables whose `${NAME}` is in path or body.
    pub variables: Vec<String>,
    /// How often it is chosen, relative to the others.
    pub weight: f64,
    /// Requests of one session are answered one after the other.
    pub session: Option<String>,
    /// The operation template, if the file names one.
    pub operation: Option<String>,
    /// What of the answer later requests name; of requests that prepare a side.
    pub capture: Vec<Capture>,
    /// Headers as sent, `$NAME` replaced.
    sent_headers: Vec<(String, String)>,
    /// Path and body as sent, where they have a variable.
    sent_path: Option<String>,
    sent_body: Option<Vec<u8>>,
}

impl WorkloadRequest {
    /// A GET of this path.
    pub fn get(path: &str) -> Self {
        WorkloadRequest {
            method: "GET".to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            variables: Vec::new(),
            weight: 1.0,
            session: None,
            operation: None,
            capture: Vec::new(),
            sent_headers: Vec::new(),
            sent_path: None,
            sent_body: None,
        }
    }

    /// Gives it these headers, `$NAME` replaced by `env`.
    ///
    /// # Errors
    /// A variable that is not set.
    pub fn with_headers(
        mut self,
        headers: Vec<(String, String)>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        self.sent_headers = headers
            .iter()
            .map(|(name, value)| Ok((name.clone(), expand(value, env)?)))
            .collect::<Result<_, String>>()?;
        self.headers = headers;
        Ok(self)
    }

    /// Replaces `${NAME}` in path and body for these names. In a path and a form values are
    /// percent-encoded, in JSON they are escaped.
    ///
    /// # Errors
    /// A name that is none, a variable that is not set, or one that is nowhere.
    pub fn with_variables(
        mut self,
        names: Vec<String>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let value = |name: &String| {
            if !is_name(name) {
                return Err(format!(
                    "\"variables\": {name:?} is not the name of a variable"
                ));
            }
            let unset = || format!("names the environment variable ${name}, which is not set");
            Ok((name.clone(), env(name).ok_or_else(unset)?))
        };
        let variables = names.iter().map(value).collect::<Result<Vec<_>, _>>()?;
        let body = String::from_utf8_lossy(&self.body);
        let is_used = |name: &String| {
            let variable = format!("${{{name}}}");
            self.path.contains(&variable) || body.contains(&variable)
        };
        if let Some(name) = names.iter().find(|name| !is_used(name)) {
            return Err(format!(
                "\"variables\": ${{{name}}} is neither in \"path\" nor in \"body\""
            ));
        }
        self.sent_path = fill(&self.path, &variables, Written::Encoded);
        self.sent_body = fill(&body, &variables, self.body_written()).map(String::into_bytes);
        self.variables = names;
        Ok(self)
    }

    /// How a variable is written in the body, by its type.
    fn body_written(&self) -> Written {
        let named = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("content-type");
        let kind = self
            .headers
            .iter()
            .find(named)
            .map(|(_, kind)| kind.as_str());
        match kind {
            Some(kind) if kind.starts_with("application/x-www-form-urlencoded") => Written::Encoded,
            _ if serde_json::from_slice::<serde::de::IgnoredAny>(&self.body).is_ok() => {
                Written::Json
            }
            _ => Written::Plain,
        }
    }

    fn sent_path(&self) -> &str {
        self.sent_path.as_deref().unwrap_or(&self.path)
    }

    fn sent_body(&self) -> &[u8] {
        self.sent_body.as_deref().unwrap_or(&self.body)
    }

    /// About how many bytes it has on the wire.
    pub fn size(&self) -> usize {
        let headers: usize = self
            .sent_headers
            .iter()
            .map(|(name, value)| name.len() + value.len() + 4)
            .sum();
        self.method.len() + self.sent_path().len() + headers + self.sent_body().len()
    }

    /// Is the method safe (RFC 9110, section 9.2.1)?
    pub fn is_safe(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }

    /// May the request be repeated without asking (RFC 9110, section 9.2.2)?
    pub(crate) fn is_idempotent(&self) -> bool {
        self.is_safe() || matches!(self.method.as_str(), "PUT" | "DELETE")
    }

    /// Head and body as they are sent to `host`.
    ///
    /// # Errors
    /// What would not be valid HTTP.
    pub fn render(&self, host: &str) -> Result<Vec<u8>, understudy_wire::http1::RequestError> {
        self.render_with(host, &Credentials::default())
    }

    /// The same with what the server has handed out before.
    ///
    /// # Errors
    /// What would not be valid HTTP.
    pub fn render_with(
        &self,
        host: &str,
        credentials: &Credentials,
    ) -> Result<Vec<u8>, understudy_wire::http1::RequestError> {
        // A fragment is never sent (RFC 9110, section 4.2.5).
        if self.sent_path().contains('#') {
            let shown = self.path.chars().take(60).collect();
            return Err(understudy_wire::http1::RequestError::Fragment(shown));
        }
        let head = RequestHead {
            method: &self.method,
            target: self.sent_path(),
            host,
            headers: &credentials.headers(self.sent_path(), &self.sent_headers),
        };
        head.render(self.sent_body())
    }
}

/// The files and variables that a request file may name.
pub trait RequestSource {
    /// The bytes of a `body_file`.
    ///
    /// # Errors
    /// One fragment that says why it cannot be read.
    fn body_file(&self, path: &str) -> Result<Vec<u8>, String>;
    /// An environment variable.
    fn variable(&self, name: &str) -> Option<String>;
    /// Is it the name of a value that the server hands out before these requests are sent?
    fn is_captured(&self, _name: &str) -> bool {
        false
    }
}

/// Everything that is wrong with a request file, a line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestsError {
    /// Line number (from 1; 0 for the file as a whole) and what is wrong there.
    pub errors: Vec<(usize, String)>,
}

/// The requests of a workload, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Requests {
    /// In the order of the file; at least one.
    pub all: Vec<WorkloadRequest>,
}

impl Requests {
    /// Reads JSON lines. Empty lines are skipped.
    ///
    /// # Errors
    /// Every line that is not a request (the first twenty), or that there is none.
    pub fn parse(text: &str, source: &dyn RequestSource) -> Result<Self, RequestsError> {
        let mut all = Vec::new();
        let mut errors = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            match parse_line(line, source, &all) {
                Ok(request) => all.push(request),
                Err(error) => errors.push((index + 1, error)),
            }
            if errors.len() == MAX_ERRORS {
                break;
            }
        }
        if errors.is_empty() && all.is_empty() {
            errors.push((
                0,
                "holds no request\nhint: write one JSON object a line".to_owned(),
            ));
        }
        if errors.is_empty() && all.iter().all(|request| request.weight == 0.0) {
            errors.push((
                0,
                "every request has weight 0, so none would be sent".to_owned(),
            ));
        }
        if errors.is_empty() {
            Ok(Requests { all })
        } else {
            Err(RequestsError { errors })
        }
    }

    /// The weights, in order.
    pub fn weights(&self) -> Vec<f64> {
        self.all.iter().map(|request| request.weight).collect()
    }

    /// The names of the values that answers to these requests hand out.
    pub fn captured(&self) -> impl Iterator<Item = &str> {
        let captures = self.all.iter().flat_map(|request| &request.capture);
        captures.map(|capture| capture.name.as_str())
    }

    /// Renders all for `host`; `operation` gives each its operation index.
    ///
    /// # Errors
    /// The index (from 0) of a request that is not valid HTTP, and why.
    pub fn prepare(
        &self,
        host: &str,
        operation: impl Fn(u32) -> u32,
    ) -> Result<Arc<[Prepared]>, (usize, understudy_wire::http1::RequestError)> {
        self.prepare_with(host, &Credentials::default(), operation)
    }

    /// The same with what the server has handed out before.
    ///
    /// # Errors
    /// As [`Requests::prepare`].
    pub fn prepare_with(
        &self,
        host: &str,
        credentials: &Credentials,
        operation: impl Fn(u32) -> u32,
    ) -> Result<Arc<[Prepared]>, (usize, understudy_wire::http1::RequestError)> {
        self.all
            .iter()
            .enumerate()
            .map(|(index, request)| {
                Ok(Prepared {
                    wire: request
                        .render_with(host, credentials)
                        .map_err(|error| (index, error))?,
                    operation: operation(index as u32),
                    is_head: request.method == "HEAD",
                    is_idempotent: request.is_idempotent(),
                })
            })
            .collect()
    }
}

/// Reads one line; those before it may capture what its headers name.
fn parse_line(
    line: &str,
    source: &dyn RequestSource,
    before: &[WorkloadRequest],
) -> Result<WorkloadRequest, String> {
    let value: Value = serde_json::from_str(line).map_err(|error| {
        let text = error.to_string();
        let cause = text.split(" at line ").next().unwrap_or_default();
        format!("is not JSON: {cause} (column {})", error.column())
    })?;
    let Value::Object(object) = value else {
        return Err(
            "is not a JSON object such as {\"method\": \"GET\", \"path\": \"/\"}".to_owned(),
        );
    };
    let is_known = |key: &str| KEYS.contains(&key) || key == FORMER_OPERATION;
    if let Some(key) = object.keys().find(|key| !is_known(key)) {
        return Err(unknown_key(key, &KEYS));
    }
    let request = WorkloadRequest {
        method: text(&object, "method")?.unwrap_or_else(|| "GET".to_owned()),
        path: text(&object, "path")?.ok_or("has no \"path\"")?,
        headers: Vec::new(),
        body: body(&object, source)?,
        variables: Vec::new(),
        weight: weight(&object)?,
        session: text(&object, "session")?,
        operation: match text(&object, "operation")? {
            None => text(&object, FORMER_OPERATION)?,
            named => named,
        },
        capture: capture(&object)?,
        sent_headers: Vec::new(),
        sent_path: None,
        sent_body: None,
    };
    let env = |name: &str| source.variable(name);
    let is_captured = |name: &str| {
        let mut earlier = before.iter().flat_map(|request| &request.capture);
        source.is_captured(name) || earlier.any(|capture| capture.name == name)
    };
    let captured_or_env = |name: &str| match is_captured(name) {
        // It stays as it is until its value is known.
        true => Some(format!("${{{name}}}")),
        false => source.variable(name),
    };
    let request = request
        .with_headers(headers(&object)?, &captured_or_env)?
        .with_variables(variables(&object)?, &env)?;
    request.render("host").map_err(|error| error.to_string())?;
    Ok(request)
}

fn text(object: &Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("{key:?} is not a string")),
    }
}

fn weight(object: &Map<String, Value>) -> Result<f64, String> {
    match object.get("weight") {
        None => Ok(1.0),
        Some(value) => value
            .as_f64()
            .filter(|weight| (0.0..=1e9).contains(weight))
            .ok_or_else(|| "\"weight\" is not a number from 0 to 1e9".to_owned()),
    }
}

fn capture(object: &Map<String, Value>) -> Result<Vec<Capture>, String> {
    let wrong = || "\"capture\" is not an object of names and places".to_owned();
    let Some(captures) = object.get("capture") else {
        return Ok(Vec::new());
    };
    let one =
        |(name, from): (&String, &Value)| Capture::parse(name, from.as_str().ok_or_else(wrong)?);
    captures
        .as_object()
        .ok_or_else(wrong)?
        .iter()
        .map(one)
        .collect()
}

fn variables(object: &Map<String, Value>) -> Result<Vec<String>, String> {
    let wrong = || "\"variables\" is not a list of names".to_owned();
    match object.get("variables") {
        None => Ok(Vec::new()),
        Some(Value::Array(names)) => {
            let name = |name: &Value| name.as_str().map(str::to_owned).ok_or_else(wrong);
            names.iter().map(name).collect()
        }
        Some(_) => Err(wrong()),
    }
}

fn headers(object: &Map<String, Value>) -> Result<Vec<(String, String)>, String> {
    let wrong = || "\"headers\" is not an object of strings or lists of strings".to_owned();
    let Some(headers) = object.get("headers") else {
        return Ok(Vec::new());
    };
    let Value::Object(headers) = headers else {
        return Err(wrong());
    };
    let mut all = Vec::new();
    for (name, value) in headers {
        match value {
            Value::String(value) => all.push((name.clone(), value.clone())),
            Value::Array(values) => {
                for value in values {
                    let value = value.as_str().ok_or_else(wrong)?;
                    all.push((name.clone(), value.to_owned()));
                }
            }
            _ => return Err(wrong()),
        }
    }
    if all.len() > MAX_HEADERS {
        return Err(format!(
            "has {} headers; at most {MAX_HEADERS} are sent",
            all.len()
        ));
    }
    Ok(all)
}

fn body(object: &Map<String, Value>, source: &dyn RequestSource) -> Result<Vec<u8>, String> {
    let given: Vec<&str> = ["body", "body_base64", "body_file"]
        .into_iter()
        .filter(|key| object.contains_key(*key))
        .collect();
    match given.as_slice() {
        [] => Ok(Vec::new()),
        ["body"] => Ok(match &object["body"] {
            Value::String(text) => text.clone().into_bytes(),
            other => other.to_string().into_bytes(),
        }),
        ["body_base64"] => base64::engine::general_purpose::STANDARD
            .decode(text(object, "body_base64")?.unwrap_or_default())
            .map_err(|error| format!("\"body_base64\" is not base64: {error}")),
        ["body_file"] => {
            let path = text(object, "body_file")?.ok_or("\"body_file\" is not a string")?;
            source
                .body_file(&path)
                .map_err(|error| format!("\"body_file\" {path:?}: {error}"))
        }
        several => Err(format!("has more than one body: {}", several.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Fixed;
    impl RequestSource for Fixed {
        fn body_file(&self, path: &str) -> Result<Vec<u8>, String> {
            if path == "there" {
                Ok(b"file".to_vec())
            } else {
                Err("no such file".to_owned())
            }
        }
        fn variable(&self, name: &str) -> Option<String> {
            (name == "TOKEN").then(|| "s3cret".to_owned())
        }
    }

    fn one(line: &str) -> WorkloadRequest {
        Requests::parse(line, &Fixed).unwrap().all.remove(0)
    }

    fn wrong(text: &str) -> Vec<(usize, String)> {
        Requests::parse(text, &Fixed).unwrap_err().errors
    }

    #[test]
    fn the_former_name_of_the_operation_is_read() {
        let named = |key: &str| one(&format!(r#"{{"path":"/a/1","{key}":"GET /a"}}"#)).operation;
        assert_eq!(named("endpoint"), Some("GET /a".to_owned()));
        assert_eq!(named("endpoint"), named("operation"));
    }

    #[test]
    fn reads_every_key() {
        let request = one(
            r#"{"method":"PUT","path":"/a","headers":{"A":["1","2"]},"body":{"x":1},
            "weight":2.5,"session":"s","operation":"PUT /a"}"#
                .replace('\n', " ")
                .as_str(),
        );
        assert_eq!(request.body, br#"{"x":1}"#);
        assert_eq!(
            (request.weight, request.session.as_deref()),
            (2.5, Some("s"))
        );
        assert_eq!(request.headers.len(), 2);
        assert_eq!(one(r#"{"path":"/","body":"text"}"#).body, b"text");
        assert_eq!(one(r#"{"path":"/","body_base64":"AP8="}"#).body, [0, 255]);
        assert_eq!(one(r#"{"path":"/","body_file":"there"}"#).body, b"file");
        assert!(one(r#"{"path":"/"}"#).is_safe());
    }

    #[test]
    fn secrets_are_sent_and_never_shown() {
        let request =
            one(r#"{"path":"/","headers":{"Authorization":"Bearer ${TOKEN} $$1 $TOKEN."}}"#);
        let wire = String::from_utf8(request.render("h").unwrap()).unwrap();
        assert!(
            wire.contains("Authorization: Bearer s3cret $1 s3cret.\r\n"),
            "{wire}"
        );
        assert_eq!(request.headers[0].1, "Bearer ${TOKEN} $$1 $TOKEN.");
    }

    #[test]
    fn variables_of_path_and_body_are_sent_and_never_shown() {
        let request = one(
            r#"{"path":"/a?k=${TOKEN}&v=$TOKEN","body":{"pin":"${TOKEN}","q":"$id"},"variables":["TOKEN"]}"#,
        );
        let wire = String::from_utf8(request.render("h").unwrap()).unwrap();
        assert!(
            wire.starts_with("GET /a?k=s3cret&v=$TOKEN HTTP/1.1\r\n"),
            "{wire}"
        );
        assert!(wire.ends_with(r#"{"pin":"s3cret","q":"$id"}"#), "{wire}");
        assert!(wire.contains("Content-Length: 26\r\n"), "{wire}");
        assert_eq!(request.path, "/a?k=${TOKEN}&v=$TOKEN");
        assert!(!format!("{:?}", request.body).contains("s3cret"));
        let first = |text: &str| wrong(text).remove(0).1;
        assert!(
            first(r#"{"path":"/${NONE}","variables":["NONE"]}"#)
                .contains("$NONE, which is not set")
        );
        assert!(first(r#"{"path":"/$TOKEN","variables":["TOKEN"]}"#).contains("is neither in"));
        assert!(first(r#"{"path":"/","variables":["9a"]}"#).contains("not the name"));
        assert!(first(r#"{"path":"/","variables":"A"}"#).contains("not a list"));
    }

    #[test]
    fn every_wrong_line_is_reported_with_its_number() {
        let errors =
            wrong("{\"path\":\"/\"}\n\nnot json\n{\"pth\":\"/\"}\n[]\n{\"path\":\"/ \"}\n");
        let lines: Vec<usize> = errors.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [3, 4, 5, 6]);
        assert!(errors[1].1.contains("did you mean \"path\"?"), "{errors:?}");
        let first = |text: &str| wrong(text).remove(0).1;
        assert!(first("").contains("holds no request"));
        assert!(first(r#"{"path":"/","weight":0}"#).contains("weight 0"));
        assert!(
            first(r#"{"path":"/","body":"a","body_base64":"a"}"#).contains("more than one body")
        );
        assert!(first(r#"{"path":"/","body_base64":"%"}"#).contains("not base64"));
        assert!(first(r#"{"path":"/","body_file":"gone"}"#).contains("no such file"));
        assert!(
            first(r#"{"path":"/","headers":{"A":"$NONE"}}"#).contains("$NONE, which is not set")
        );
        assert!(first(r#"{"path":"/a#b"}"#).contains("has a fragment"));
        assert!(first(r#"{"path":"/","weight":-1}"#).contains("weight"));
        assert!(first(r#"{"path":1}"#).contains("not a string"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}") {
            let _ = Requests::parse(&text, &Fixed);
        }
    }
}
