//! Requests that an OpenAPI document describes (2.0, 3.0, 3.1).
//!
//! Of each operation one request; as many as it has named examples where there are several. A value is
//! the example that the document gives, else what its schema says: default, first of an enumeration,
//! or made. Only what is required is sent, and the body. Credentials of the first security
//! requirement become variables. Other files in the folder of the document are read where it refers to them.

mod body;
mod bundle;
mod document;
mod operation;
mod parameters;
mod parse;
mod schema;
mod style;
mod swagger;

pub use bundle::Neighbours;

use crate::recorded::{Found, Place, Reason};
use crate::{Problem, Wrong};
use document::{Document, reference};
use schema::Maker;
use serde_json::Value;

/// The methods that an operation can have.
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// The requests of a document of this name.
pub(crate) fn requests(
    text: &str,
    name: &str,
    neighbours: &dyn Neighbours,
) -> Result<Vec<Found>, Wrong> {
    let root = bundle::bundled(parse::parsed(text)?, name, neighbours);
    let root = match version(&root)? {
        Version::Two => swagger::converted(root),
        Version::Three => root,
    };
    let document = Document::new(root);
    let maker = Maker::new(&document);
    let paths = document.root().get("paths").and_then(Value::as_object);
    let mut all = Vec::new();
    // Keys that are not paths are extensions.
    for (path, item) in paths
        .into_iter()
        .flatten()
        .filter(|(path, _)| path.starts_with('/'))
    {
        all.extend(of_path(&document, &maker, path, item));
    }
    if all.is_empty() {
        return Err((None, wrong("it describes no operation under `paths`")));
    }
    Ok(all)
}

/// The requests of one path.
fn of_path<'d>(
    document: &'d Document,
    maker: &Maker<'d>,
    path: &str,
    item: &'d Value,
) -> Vec<Found> {
    document.take_missing();
    let Some(referred) = document.resolve(item) else {
        return vec![unresolved(document, path, reference(item))];
    };
    let mut all = Vec::new();
    for method in METHODS {
        let Some(operation) = item.get(method).or_else(|| referred.get(method)) else {
            continue;
        };
        let name = format!("{} {path}", method.to_ascii_uppercase());
        document.take_missing();
        let Some(operation) = document.resolve(operation) else {
            all.push(unresolved(document, &name, reference(operation)));
            continue;
        };
        let requests = operation::requests((document, maker), method, path, referred, operation);
        let missing = document.take_missing();
        all.extend(
            requests
                .into_iter()
                .map(|request| match (request, &missing) {
                    (Err(Reason::Reference | Reason::NoValue), Some(_)) => {
                        unresolved(document, &name, missing.as_deref())
                    }
                    (request, _) => Found {
                        place: Place::Operation(name.clone()),
                        request,
                    },
                }),
        );
    }
    all
}

/// A request that needs what is not there.
fn unresolved(document: &Document, name: &str, reference: Option<&str>) -> Found {
    let missing = document.take_missing();
    let to = missing.as_deref().or(reference).unwrap_or_default();
    let reason = match to.starts_with('#') {
        true => Reason::Reference,
        false => Reason::OtherFile,
    };
    let to: String = to.chars().take(120).collect();
    Found {
        place: Place::Operation(format!("{name} ({to})")),
        request: Err(reason),
    }
}

enum Version {
    Two,
    Three,
}

fn version(root: &Value) -> Result<Version, Wrong> {
    let (version, known, read) = match (root.get("openapi"), root.get("swagger")) {
        (Some(version), _) => (version, ["3.0", "3.1"].as_slice(), Version::Three),
        (None, Some(version)) => (version, ["2.0", "2"].as_slice(), Version::Two),
        (None, None) => return Err((None, wrong("it has no key `openapi`"))),
    };
    // YAML without quotes makes a number of 3.1.
    let version = parameters::text(version);
    let is = |known: &&str| version == **known || version.starts_with(&format!("{known}."));
    if known.iter().any(is) {
        return Ok(read);
    }
    let shown: String = version.chars().take(20).collect();
    let what = format!("version {shown:?} is not read; 2.0, 3.0 and 3.1 are");
    Err((None, wrong(&what)))
}

fn wrong(what: &str) -> Problem {
    Problem::OpenApi(what.to_owned())
}

#[cfg(test)]
mod tests;
