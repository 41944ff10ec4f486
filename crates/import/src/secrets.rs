//! Secrets: in headers they become variables, elsewhere they leave the request out.
//!
//! Names and forms are those of `understudy_redact`. Beside them a parameter of a query is secret when
//! its value looks like a token, and the value of every cookie is, unless it is plainly a setting.

use crate::Options;
use crate::headers;
use crate::recorded::{Origin, Reason, Recorded};
use crate::summary::Variable;
use crate::target::{decoded, parameters, parts};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use understudy_redact::Redactor;

/// Parameters whose long values are secret: keys of interfaces, one-time codes, signatures.
const SECRET_IF_LONG: [&str; 8] = [
    "code", "hash", "hmac", "key", "nonce", "sig", "state", "ticket",
];
/// From so many characters on such a value is no word.
const LONG: usize = 16;
/// From so many characters on a mixture of small and capital letters and digits is a token.
const TOKEN: usize = 20;

/// Variables that every shell has: `$PWD` would be sent as the folder.
const OF_THE_SHELL: [&str; 10] = [
    "HOME", "HOST", "HOSTNAME", "LANG", "PATH", "PWD", "SHELL", "TERM", "UID", "USER",
];

/// Finds secrets, and remembers the variables that stand for them.
pub(crate) struct Secrets {
    redactor: Redactor,
    not_secret: BTreeSet<String>,
    dropped: Vec<String>,
    /// All values of one header are one.
    merge: bool,
    /// Index of the variable by the name it would have and the value it stands for.
    known: BTreeMap<(String, String), usize>,
    names: BTreeSet<String>,
    variables: Vec<Variable>,
}

impl Secrets {
    pub(crate) fn new(options: &Options) -> Self {
        Secrets {
            // Only whether something is replaced counts, never by what: the key needs no secrecy.
            redactor: Redactor::new([0; 16]).with_names(&options.secret),
            not_secret: options.not_secret.iter().map(|name| plain(name)).collect(),
            dropped: options.drop_headers.clone(),
            merge: options.merge_secrets,
            known: BTreeMap::new(),
            names: BTreeSet::new(),
            variables: Vec::new(),
        }
    }

    /// Does the name say that its value is secret?
    pub(crate) fn is_name(&self, name: &str) -> bool {
        self.redactor.is_sensitive(name) && !self.is_cleared(name)
    }

    fn is_cleared(&self, name: &str) -> bool {
        self.not_secret.contains(&plain(name))
    }

    fn has_form(&self, text: &str) -> bool {
        self.redactor.redact_text(text) != text
    }

    /// Is there a secret where no variable can stand?
    pub(crate) fn check(&self, request: &Recorded) -> Result<(), Reason> {
        let names = request.from != Origin::Description;
        if self.in_path(&request.path, names) {
            return Err(Reason::SecretInPath);
        }
        if self.in_body(request, names) {
            return Err(Reason::SecretInBody);
        }
        Ok(())
    }

    fn in_path(&self, target: &str, names: bool) -> bool {
        let (path, query) = parts(target);
        // Long numbers in paths are identifiers, not cards.
        let segments = path.split('/').filter(|segment| !is_number(segment));
        let segments: Vec<String> = segments.map(|segment| decoded(segment, false)).collect();
        self.has_form(&segments.join("/"))
            || parameters(query).any(|(name, value)| self.in_parameter(&name, &value, names))
    }

    fn in_parameter(&self, name: &str, value: &str, names: bool) -> bool {
        if value.is_empty() || self.is_cleared(name) {
            return false;
        }
        let named = names && self.redactor.is_sensitive(name);
        named || !is_number(value) && self.has_form(value) || names && looks_like_token(name, value)
    }

    fn in_body(&self, request: &Recorded, names: bool) -> bool {
        if request.body.is_empty() {
            return false;
        }
        if let Ok(json) = serde_json::from_slice::<Value>(&request.body) {
            return self.in_json("", &json, names);
        }
        let text = String::from_utf8_lossy(&request.body);
        let form = request.headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("content-type")
                && value.starts_with("application/x-www-form-urlencoded")
        });
        if form {
            return parameters(&text).any(|(name, value)| {
                let named = names && self.redactor.is_sensitive(&name);
                !value.is_empty() && !self.is_cleared(&name) && (named || self.has_form(&value))
            });
        }
        self.has_form(&text)
    }

    fn in_json(&self, name: &str, value: &Value, names: bool) -> bool {
        if self.is_cleared(name) {
            return false;
        }
        let named = names && self.redactor.is_sensitive(name);
        match value {
            Value::Null | Value::Bool(_) => false,
            Value::Number(_) => named,
            Value::String(text) => !text.is_empty() && (named || self.has_form(text)),
            Value::Array(all) => all.iter().any(|value| self.in_json(name, value, names)),
            Value::Object(object) => object
                .iter()
                .any(|(name, value)| self.in_json(name, value, names)),
        }
    }

    /// The headers as they are written: secrets as variables, dollar signs doubled.
    pub(crate) fn headers(&mut self, request: &Recorded) -> Vec<(String, String)> {
        let mut out = Vec::new();
        let mut cookies = Vec::new();
        for (name, value) in &request.headers {
            let is_dropped = |dropped: &String| dropped.eq_ignore_ascii_case(name);
            if !headers::is_kept(name) || self.dropped.iter().any(is_dropped) {
                continue;
            }
            if name.eq_ignore_ascii_case("cookie") {
                cookies.extend(value.split(';').filter_map(|pair| self.cookie(pair.trim())));
            } else if let Some(value) = self.header(name, value) {
                out.push((name.clone(), value));
            }
        }
        for credential in &request.credentials {
            let what = format!("{} of the document", credential.scheme);
            match &credential.cookie {
                Some(cookie) => {
                    let base = format!("{cookie}_COOKIE");
                    let variable = self.variable(&base, &credential.scheme, &what);
                    cookies.push(format!("{}={variable}", escaped(cookie)));
                }
                None => {
                    let header = &credential.header;
                    let variable = self.variable(header, &credential.scheme, &what);
                    out.retain(|(name, _)| !name.eq_ignore_ascii_case(header));
                    out.push((header.clone(), variable));
                }
            }
        }
        if !cookies.is_empty() {
            out.push(("Cookie".to_owned(), cookies.join("; ")));
        }
        out
    }

    fn header(&mut self, name: &str, value: &str) -> Option<String> {
        let secret = !self.is_cleared(name) && (self.is_name(name) || self.has_form(value));
        if !secret {
            return Some(escaped(value));
        }
        if name.eq_ignore_ascii_case("referer") {
            // The secret is one of the page before; nobody could supply it.
            return None;
        }
        let scheme = value
            .split_once(' ')
            .map(|(scheme, _)| scheme)
            .filter(|scheme| {
                name.eq_ignore_ascii_case("authorization")
                    && scheme.len() <= 16
                    && scheme.bytes().all(|b| b.is_ascii_alphabetic())
            });
        let what = match scheme {
            Some(scheme) => format!("header {name}, whole, as in \"{scheme} ...\""),
            None => format!("header {name}"),
        };
        Some(self.variable(name, value, &what))
    }

    fn cookie(&mut self, pair: &str) -> Option<String> {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name.is_empty() {
            return None;
        }
        let plain = !self.redactor.is_sensitive(name) && is_setting(value);
        let value = if plain || self.is_cleared(name) {
            escaped(value)
        } else {
            self.variable(&format!("{name}_COOKIE"), value, &format!("cookie {name}"))
        };
        Some(format!("{}={value}", escaped(name)))
    }

    /// The variable that stands for a value, as the request file names it.
    fn variable(&mut self, base: &str, value: &str, what: &str) -> String {
        let base = variable_name(base);
        let value = if self.merge { "" } else { value };
        let key = (base, value.to_owned());
        let index = match self.known.get(&key) {
            Some(index) => *index,
            None => self.introduce(key, what),
        };
        let variable = &mut self.variables[index];
        variable.requests += 1;
        format!("${}", variable.name)
    }

    fn introduce(&mut self, key: (String, String), what: &str) -> usize {
        let base = &key.0;
        let candidates = (1u64..).map(|n| match n {
            1 => base.clone(),
            n => format!("{base}_{n}"),
        });
        let name = candidates
            .into_iter()
            .find(|name| !self.names.contains(name))
            .expect("there are more numbers than names");
        self.names.insert(name.clone());
        self.variables.push(Variable {
            name,
            stands_for: what.to_owned(),
            requests: 0,
        });
        self.known.insert(key, self.variables.len() - 1);
        self.variables.len() - 1
    }

    /// Every variable that has to be set, in the order in which they were met.
    pub(crate) fn into_variables(self) -> Vec<Variable> {
        self.variables
    }
}

/// As an environment variable is written: `x-api-key` is `X_API_KEY`.
fn variable_name(text: &str) -> String {
    let mut name: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    if OF_THE_SHELL.contains(&name.as_str()) {
        name += "_HEADER";
    }
    name
}

/// A value in which no dollar sign begins a variable.
fn escaped(value: &str) -> String {
    value.replace('$', "$$")
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// A cookie's value that is plainly no secret: a short word (`dark`, `en-US`) or a small number.
fn is_setting(value: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphabetic() || matches!(b, b'-' | b'_');
    value.len() <= 8 && value.bytes().all(word) || value.len() <= 3 && is_number(value)
}

/// Does the value of a parameter look like a token?
fn looks_like_token(name: &str, value: &str) -> bool {
    let any = |test: fn(&u8) -> bool| value.as_bytes().iter().any(test);
    let letters = |b: u8| b.is_ascii_alphanumeric() || b"-_.~+/=".contains(&b);
    if !value.bytes().all(letters) || !any(u8::is_ascii_digit) {
        return false;
    }
    let named = SECRET_IF_LONG.contains(&plain(name).as_str()) && value.len() >= LONG;
    let mixed = any(u8::is_ascii_lowercase) && any(u8::is_ascii_uppercase);
    named && !is_number(value) || mixed && value.len() >= TOKEN
}

#[cfg(test)]
mod tests;
