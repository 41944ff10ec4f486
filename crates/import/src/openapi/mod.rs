//! Requests that an OpenAPI document describes (3.0, 3.1).
//!
//! Of each operation one request; as many as it has named examples where there are several. A value is
//! the example that the document gives, else what its schema says: default, first of an enumeration,
//! or made. Only what is required is sent, and the body. Credentials of the first security
//! requirement become variables.

mod body;
mod document;
mod operation;
mod parameters;
mod schema;

use crate::recorded::{Found, Place};
use crate::{Problem, Wrong};
use document::Document;
use schema::Maker;
use serde_json::Value;

/// Most bytes of a document.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Most nodes of a YAML document, aliases followed.
const MAX_NODES: usize = 2_000_000;
/// The methods that an operation can have.
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// The requests of a document.
pub(crate) fn requests(text: &str) -> Result<Vec<Found>, Wrong> {
    let document = Document::new(parsed(text)?);
    check_version(&document)?;
    let maker = Maker::new(&document);
    let paths = document.root().get("paths").and_then(Value::as_object);
    let mut all = Vec::new();
    for (path, item) in paths.into_iter().flatten() {
        // Keys that are no paths are extensions.
        let Some(item) = document.resolve(item).filter(|_| path.starts_with('/')) else {
            continue;
        };
        for method in METHODS {
            let Some(operation) = item.get(method) else {
                continue;
            };
            let name = format!("{} {path}", method.to_ascii_uppercase());
            let requests = operation::requests((&document, &maker), method, path, item, operation);
            all.extend(requests.into_iter().map(|request| Found {
                place: Place::Operation(name.clone()),
                request,
            }));
        }
    }
    if all.is_empty() {
        let what = "it describes no operation under \"paths\"".to_owned();
        return Err((None, Problem::OpenApi(what)));
    }
    Ok(all)
}

fn parsed(text: &str) -> Result<Value, Wrong> {
    if text.len() > MAX_BYTES {
        let what = format!("it has more than {MAX_BYTES} bytes");
        return Err((None, Problem::OpenApi(what)));
    }
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| {
            let what = error.to_string();
            let what = what
                .split(" at line ")
                .next()
                .unwrap_or_default()
                .to_owned();
            (Some(error.line() as u64), Problem::OpenApi(what))
        });
    }
    let options = serde_saphyr::options! {
        // YAML 1.2, as OpenAPI asks for: `yes` and `on` are words.
        strict_booleans: true,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_nodes: MAX_NODES,
            max_events: 3 * MAX_NODES,
        },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let what = error.to_string();
        let what = what
            .split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned();
        let line = error.location().map(|location| location.line());
        (line, Problem::OpenApi(what))
    })
}

fn check_version(document: &Document) -> Result<(), Wrong> {
    let root = document.root();
    let version = match (root.get("openapi"), root.get("swagger")) {
        (None, Some(_)) => return Err((None, Problem::Swagger)),
        (None, None) => return Err((None, wrong_version("it has no key \"openapi\""))),
        // YAML without quotes makes a number of 3.1.
        (Some(Value::String(version)), _) => version.clone(),
        (Some(other), _) => other.to_string(),
    };
    let read = ["3.0", "3.1"];
    if read
        .iter()
        .any(|known| version == *known || version.starts_with(&format!("{known}.")))
    {
        return Ok(());
    }
    let shown: String = version.chars().take(20).collect();
    Err((
        None,
        wrong_version(&format!("version {shown:?} is not read, 3.0 and 3.1 are")),
    ))
}

fn wrong_version(what: &str) -> Problem {
    Problem::OpenApi(what.to_owned())
}

#[cfg(test)]
mod tests;
