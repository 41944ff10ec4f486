//! The requests of a workload: read from JSON lines, checked, rendered.
//!
//! One request a line: `method`, `path`, `headers`, one of `body`, `body_base64` and `body_file`, and what every kind of
//! case may say. Header values may name environment variables
//! as `$NAME` or `${NAME}`. Path and body, in which dollar signs are common, may do so as `${NAME}` for the
//! names that `variables` lists. What is shown and stored keeps the name.

use crate::credentials::{Capture, Credentials};
use crate::driver::Prepared;
use base64::Engine as _;
use serde_json::Value;
use std::sync::Arc;
use understudy_wire::http1::RequestHead;
use understudy_workload::{Grammar, Line, LinesError, Weighted, Written, expand, fill, is_name};

/// Most headers of one request.
const MAX_HEADERS: usize = 100;

/// A line of a request file.
const GRAMMAR: Grammar = Grammar {
    noun: "request",
    keys: &[
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
    ],
    example: "{\"method\": \"GET\", \"path\": \"/\"}",
};

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

    /// The headers with `$NAME` replaced: what is sent, in the order of those that are shown.
    pub(crate) fn sent_headers(&self) -> &[(String, String)] {
        &self.sent_headers
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
    /// Everything that is wrong with any line, or that there is no request.
    pub fn parse(text: &str, source: &dyn RequestSource) -> Result<Self, LinesError> {
        let all = GRAMMAR.read(text, |line, before| request(line, source, before))?;
        Ok(Requests { all })
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

impl Weighted for WorkloadRequest {
    fn weight(&self) -> f64 {
        self.weight
    }
}

/// Reads one line; those before it may capture what its headers name.
fn request(
    line: &mut Line,
    source: &dyn RequestSource,
    before: &[WorkloadRequest],
) -> Option<WorkloadRequest> {
    let common = line.common();
    let method = line.text("method");
    let path = match line.get("path") {
        None => line.wrong("has no \"path\""),
        Some(_) => line.text("path"),
    };
    let (headers, variables) = (headers(line), variables(line));
    let body = body(line, source);
    let capture = capture(line);
    let request = WorkloadRequest {
        method: method.unwrap_or_else(|| "GET".to_owned()),
        path: path?,
        headers: Vec::new(),
        body: body?,
        variables: Vec::new(),
        weight: common.weight,
        session: common.session,
        operation: common.operation,
        capture,
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
    let request = line.take(request.with_headers(headers, &captured_or_env))?;
    let request = line.take(request.with_variables(variables, &env))?;
    let rendered = request.render("host").map_err(|error| error.to_string());
    line.take(rendered).map(|_| request)
}

fn capture(line: &mut Line) -> Vec<Capture> {
    const EXPECTED: &str = "names and places";
    let mut all = Vec::new();
    for (name, from) in line.table("capture", EXPECTED) {
        let from = from.as_str();
        let from = from.ok_or_else(|| format!("\"capture\" is not an object of {EXPECTED}"));
        all.extend(line.take(from.and_then(|from| Capture::parse(&name, from))));
    }
    all
}

fn variables(line: &mut Line) -> Vec<String> {
    let names = line.list("variables", "names");
    let mut all = Vec::new();
    for name in names {
        match name.as_str() {
            Some(name) => all.push(name.to_owned()),
            None => drop(line.wrong::<()>("\"variables\" is not a list of names")),
        }
    }
    all
}

fn headers(line: &mut Line) -> Vec<(String, String)> {
    const EXPECTED: &str = "texts or lists of texts";
    let mut all = Vec::new();
    for (name, value) in line.table("headers", EXPECTED) {
        let values = match value {
            Value::Array(values) => values,
            one => vec![one],
        };
        for value in values {
            match value {
                Value::String(value) => all.push((name.clone(), value)),
                _ => drop(line.wrong::<()>(format!("\"headers\": {name:?} is not {EXPECTED}"))),
            }
        }
    }
    if all.len() > MAX_HEADERS {
        let count = all.len();
        line.wrong::<()>(format!(
            "has {count} headers; at most {MAX_HEADERS} are sent"
        ));
    }
    all
}

fn body(line: &mut Line, source: &dyn RequestSource) -> Option<Vec<u8>> {
    let given: Vec<&str> = ["body", "body_base64", "body_file"]
        .into_iter()
        .filter(|key| line.value(key).is_some())
        .collect();
    match given.as_slice() {
        [] => Some(Vec::new()),
        ["body"] => line.value("body").map(|body| match body {
            Value::String(text) => text.clone().into_bytes(),
            other => other.to_string().into_bytes(),
        }),
        ["body_base64"] => {
            let text = line.text("body_base64").unwrap_or_default();
            let bytes = base64::engine::general_purpose::STANDARD.decode(text);
            line.take(bytes.map_err(|error| format!("\"body_base64\" is not base64: {error}")))
        }
        ["body_file"] => {
            let path = match line.get("body_file") {
                Some(_) => line.text("body_file")?,
                None => return line.wrong("\"body_file\" is not a text"),
            };
            let bytes = source.body_file(&path);
            line.take(bytes.map_err(|error| format!("\"body_file\" {path:?}: {error}")))
        }
        several => line.wrong(format!("has more than one body: {}", several.join(", "))),
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
        assert_eq!(one(r#"{"path":"/","body":null}"#).body, b"null");
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
        // Line 4 has an unknown key and no path.
        assert_eq!(lines, [3, 4, 4, 5, 6]);
        assert!(errors[1].1.contains("did you mean \"path\"?"), "{errors:?}");
        let first = |text: &str| wrong(text).remove(0).1;
        assert!(first("").contains("has no request"));
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
        assert!(first(r#"{"path":1}"#).contains("not a text"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}") {
            let _ = Requests::parse(&text, &Fixed);
        }
    }
}
