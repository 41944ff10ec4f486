//! The requests of one operation.

use super::body::body;
use super::document::Document;
use super::parameters::{Placed, place, text};
use super::schema::Maker;
use crate::recorded::{Credential, CredentialAt, Origin, Part, Reason, Recorded};
use serde_json::Value;

/// Most requests of one operation.
const MOST_VARIANTS: usize = 20;

/// Makes them: one, or as many as the operation has examples of one part.
pub(super) fn requests<'d>(
    (document, maker): (&'d Document, &Maker<'d>),
    method: &str,
    path: &str,
    item: &'d Value,
    operation: &'d Value,
) -> Vec<Result<Recorded, Reason>> {
    let Some(parameters) = parameters(document, item, operation) else {
        return vec![Err(Reason::Reference)];
    };
    let base = match base(document, item, operation) {
        Ok(base) => base,
        Err(reason) => return vec![Err(reason)],
    };
    let (path, fixed) = fixed_query(path);
    let make = |variant| -> Result<Recorded, Reason> {
        let mut placed = place(document, maker, path, &parameters, variant)?;
        placed
            .query
            .splice(0..0, fixed.iter().map(|pair| (*pair).to_owned()));
        let described = Described {
            document,
            maker,
            operation,
            variant,
        };
        let method = method.to_ascii_uppercase();
        let query = match fixed.as_slice() {
            [] => String::new(),
            pairs => format!("?{}", pairs.join("&")),
        };
        let operation = format!("{method} {base}{path}{query}");
        described.request(method, &base, placed, operation)
    };
    (0..variants(document, &parameters, operation))
        .map(make)
        .collect()
}

/// A path, and the pairs of the query that some documents write into it (`/?Action=List`). What is behind `#` only
/// distinguishes operations of the same path.
fn fixed_query(path: &str) -> (&str, Vec<&str>) {
    let path = path.split('#').next().unwrap_or_default();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    (
        path,
        query.split('&').filter(|pair| !pair.is_empty()).collect(),
    )
}

/// The parameters of the path and those of the operation, which replace them.
fn parameters<'d>(
    document: &'d Document,
    item: &'d Value,
    operation: &'d Value,
) -> Option<Vec<&'d Value>> {
    let mut all: Vec<&Value> = Vec::new();
    for holder in [item, operation] {
        let parameters = holder.get("parameters").and_then(Value::as_array);
        for parameter in parameters.into_iter().flatten() {
            let parameter = document.resolve(parameter)?;
            let key = |of: &Value| (of.get("name").cloned(), of.get("in").cloned());
            all.retain(|known| key(known) != key(parameter));
            all.push(parameter);
        }
    }
    Some(all)
}

fn variants(document: &Document, parameters: &[&Value], operation: &Value) -> usize {
    let body = document.get(operation, "requestBody");
    let content = body
        .and_then(|body| body.get("content"))
        .and_then(Value::as_object);
    let media = content.into_iter().flatten().map(|(_, media)| media);
    let holders = parameters.iter().copied().chain(media);
    let most = holders.map(|holder| document.examples(holder).len()).max();
    most.unwrap_or(1).clamp(1, MOST_VARIANTS)
}

/// The path of the first server, before every path of the document.
fn base(document: &Document, item: &Value, operation: &Value) -> Result<String, Reason> {
    let first = |holder: &Value| holder.get("servers")?.get(0).cloned();
    let server = first(operation)
        .or_else(|| first(item))
        .or_else(|| first(document.root()))
        .unwrap_or_default();
    let url = server
        .get("url")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let url = with_variables(url, server.get("variables"));
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
        None => &url,
    };
    let path = path
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .trim_end_matches('/');
    if path.contains(['{', '}']) {
        return Err(Reason::ServerVariable);
    }
    Ok(match path {
        "" => String::new(),
        path if path.starts_with('/') => path.to_owned(),
        path => format!("/{}", path.trim_start_matches("./")),
    })
}

/// A URL with the default of each variable, else the first of its values. A variable without one stays.
fn with_variables(url: &str, variables: Option<&Value>) -> String {
    let mut url = url.to_owned();
    for (name, variable) in variables.and_then(Value::as_object).into_iter().flatten() {
        let default = variable.get("default").filter(|value| !value.is_null());
        let value = default.or_else(|| variable.get("enum")?.get(0));
        if let Some(value) = value {
            url = url.replace(&format!("{{{name}}}"), &text(value));
        }
    }
    url
}

/// One variant of an operation.
struct Described<'d, 'm> {
    document: &'d Document,
    maker: &'m Maker<'d>,
    operation: &'d Value,
    variant: usize,
}

impl Described<'_, '_> {
    fn request(
        &self,
        method: String,
        base: &str,
        placed: Placed,
        operation: String,
    ) -> Result<Recorded, Reason> {
        let mut headers = placed.headers;
        if !placed.cookies.is_empty() {
            headers.push(("Cookie".to_owned(), placed.cookies.join("; ")));
        }
        let mut without = Vec::new();
        let body = match self.body(&mut without)? {
            None => Vec::new(),
            Some((kind, bytes)) => {
                headers.push(("Content-Type".to_owned(), kind));
                bytes
            }
        };
        let query = match placed.query.as_slice() {
            [] => String::new(),
            pairs => format!("?{}", pairs.join("&")),
        };
        let of = Recorded {
            method,
            headers,
            body,
            operation: Some(operation),
            from: Origin::Description,
            credentials: self.credentials()?,
            without,
            ..Recorded::default()
        };
        crate::recorded::at(&format!("{base}{}{query}", placed.path), of)
    }

    /// The body; a body that may be left away and cannot be made is.
    fn body(&self, without: &mut Vec<Part>) -> Result<Option<super::body::Body>, Reason> {
        let Some(described) = self.operation.get("requestBody") else {
            return Ok(None);
        };
        let described = self.document.resolve(described).ok_or(Reason::Reference)?;
        let content = described.get("content").and_then(Value::as_object);
        let made =
            content.and_then(|content| body(self.document, self.maker, content, self.variant));
        let required = described.get("required") == Some(&Value::Bool(true));
        match made {
            None if required => Err(Reason::NoValue),
            None => {
                without.push(Part::OptionalBody);
                Ok(None)
            }
            made => Ok(made),
        }
    }

    /// The credentials of the first security requirement.
    fn credentials(&self) -> Result<Vec<Credential>, Reason> {
        let root = self.document.root();
        let requirements = self
            .operation
            .get("security")
            .or_else(|| root.get("security"));
        let Some(first) = requirements
            .and_then(|all| all.get(0))
            .and_then(Value::as_object)
        else {
            return Ok(Vec::new());
        };
        let schemes = self
            .document
            .get(root, "components")
            .and_then(|components| components.get("securitySchemes"));
        let mut credentials = Vec::new();
        for name in first.keys() {
            let scheme = schemes
                .and_then(|schemes| self.document.get(schemes, name))
                .ok_or(Reason::Reference)?;
            credentials.extend(credential(name, scheme)?);
        }
        Ok(credentials)
    }
}

/// What a security scheme asks for; nothing where the connection is the credential.
fn credential(name: &str, scheme: &Value) -> Result<Option<Credential>, Reason> {
    let text = |key: &str| scheme.get(key).and_then(Value::as_str).unwrap_or_default();
    let of = |at: CredentialAt, kind: &str| {
        Ok(Some(Credential {
            at,
            scheme: format!("security scheme {name} ({kind})"),
        }))
    };
    let authorization = || CredentialAt::Header("Authorization".to_owned());
    match (text("type"), text("in"), text("name")) {
        ("apiKey", _, "") => Err(Reason::Unreadable),
        ("apiKey", "header", name) => of(CredentialAt::Header(name.to_owned()), "API key"),
        ("apiKey", "cookie", name) => {
            of(CredentialAt::Cookie(name.to_owned()), "API key, a cookie")
        }
        ("apiKey", "query", name) => of(
            CredentialAt::Query(name.to_owned()),
            "API key, in the query",
        ),
        ("http", ..) => {
            let kind = format!(
                "header Authorization, whole, as in \"{} ...\"",
                capital(text("scheme"))
            );
            of(authorization(), &kind)
        }
        ("oauth2" | "openIdConnect", ..) => of(
            authorization(),
            "header Authorization, whole, as in \"Bearer ...\"",
        ),
        ("mutualTLS", ..) => Ok(None),
        _ => Err(Reason::Unreadable),
    }
}

/// `bearer` is written `Bearer`.
fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
