//! The lines of the request file.

use crate::Options;
use crate::recorded::Recorded;
use crate::secrets::Secrets;
use crate::sessions;
use crate::target::parts;
use base64::Engine as _;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use understudy_compare::Templates;

/// One line, in the order in which its keys are written.
#[derive(Debug, Serialize)]
struct Line {
    method: String,
    path: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, Values>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    /// Those of path and body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    variables: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
}

/// The values of one header.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Many(Vec<String>),
}

/// A line with how often its request occurred.
struct Weighted {
    json: String,
    weight: u64,
}

/// The request file.
pub(crate) struct Lines {
    lines: Vec<Weighted>,
    /// Requests by operation.
    pub(crate) operations: BTreeMap<String, u64>,
    /// Requests by session, where a session is one.
    pub(crate) sessions: BTreeMap<u32, u64>,
}

impl Lines {
    /// Makes lines of requests, in their order.
    pub(crate) fn of(requests: Vec<Recorded>, secrets: &mut Secrets, options: &Options) -> Self {
        let of_sessions = match options.sessions {
            true => sessions::find(&requests, secrets),
            false => vec![None; requests.len()],
        };
        let prepare = |request| Prepared::of(request, secrets);
        let requests: Vec<Prepared> = requests.into_iter().map(prepare).collect();
        // Templates are learned of what is written: the name of an operation holds no secret.
        let targets = requests
            .iter()
            .map(|of| (of.request.method.as_str(), of.named.as_str()));
        let templates = Templates::learn(targets);
        let mut all = Lines {
            lines: Vec::new(),
            operations: BTreeMap::new(),
            sessions: BTreeMap::new(),
        };
        // The position of the line of a request without a session.
        let mut places: HashMap<String, usize> = HashMap::new();
        for (request, session) in requests.into_iter().zip(of_sessions) {
            let described = request.request.operation.clone();
            let operation = described
                .filter(|operation| !secrets.is_in_name(operation))
                .unwrap_or_else(|| templates.template(&request.request.method, &request.named));
            let json = line(request, session, &operation);
            *all.operations.entry(operation).or_default() += 1;
            match session {
                Some(session) => *all.sessions.entry(session).or_default() += 1,
                None => {
                    if let Some(place) = places.get(&json) {
                        all.lines[*place].weight += 1;
                        continue;
                    }
                    places.insert(json.clone(), all.lines.len());
                }
            }
            all.lines.push(Weighted { json, weight: 1 });
        }
        all
    }

    /// How many lines there are.
    pub(crate) fn len(&self) -> u64 {
        self.lines.len() as u64
    }

    /// How many requests they stand for.
    pub(crate) fn requests(&self) -> u64 {
        self.lines.iter().map(|line| line.weight).sum()
    }

    /// The text of the file.
    pub(crate) fn jsonl(&self) -> String {
        let mut out =
            String::with_capacity(self.lines.iter().map(|line| line.json.len() + 16).sum());
        for line in &self.lines {
            // The last key of a line, before its closing brace.
            let open = line.json.strip_suffix('}').unwrap_or(&line.json);
            match line.weight {
                1 => out += &line.json,
                weight => out += &format!("{open},\"weight\":{weight}}}"),
            }
            out.push('\n');
        }
        out
    }
}

/// A request whose secrets are replaced.
struct Prepared {
    request: Recorded,
    headers: BTreeMap<String, Values>,
    /// The variables of path and body.
    variables: Vec<String>,
    /// The path, with a placeholder for each secret.
    named: String,
}

impl Prepared {
    fn of(mut request: Recorded, secrets: &mut Secrets) -> Self {
        let headers = grouped(secrets.headers(&request));
        let variables = secrets.replace(&mut request);
        let mut named = request.path.clone();
        for variable in &variables {
            named = named.replace(&format!("${{{variable}}}"), "{id}");
        }
        Prepared {
            request,
            headers,
            variables,
            named,
        }
    }
}

fn line(of: Prepared, session: Option<u32>, operation: &str) -> String {
    let Prepared {
        request,
        headers,
        variables,
        ..
    } = of;
    // A template that is the path says nothing that is not there.
    let (path, _) = parts(&request.path);
    let operation =
        (operation != format!("{} {path}", request.method)).then(|| operation.to_owned());
    let (body, body_base64) = match String::from_utf8(request.body) {
        Ok(text) if text.is_empty() => (None, None),
        Ok(text) => (Some(text), None),
        Err(error) => {
            let engine = base64::engine::general_purpose::STANDARD;
            (None, Some(engine.encode(error.as_bytes())))
        }
    };
    let line = Line {
        method: request.method,
        path: request.path,
        headers,
        body,
        body_base64,
        variables,
        session: session.map(|number| format!("s{number}")),
        operation,
    };
    serde_json::to_string(&line).expect("texts, and maps whose keys are texts, are JSON")
}

/// The values of each name, whatever its case, under the name that came first.
fn grouped(headers: Vec<(String, String)>) -> BTreeMap<String, Values> {
    let mut grouped: BTreeMap<String, Values> = BTreeMap::new();
    for (name, value) in headers {
        let known = grouped
            .keys()
            .find(|known| known.eq_ignore_ascii_case(&name));
        let name = known.cloned().unwrap_or(name);
        let values = match grouped.remove(&name) {
            None => Values::One(value),
            Some(Values::One(first)) => Values::Many(vec![first, value]),
            Some(Values::Many(mut values)) => {
                values.push(value);
                Values::Many(values)
            }
        };
        grouped.insert(name, values);
    }
    grouped
}
