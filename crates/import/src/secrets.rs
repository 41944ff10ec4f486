//! Secrets become variables; a request with a secret that no variable can replace is left out.
//!
//! Names and forms are those of `understudy_redact`. Besides them a parameter of a query is secret when
//! its value looks like a token, and the value of every cookie is, unless it is plainly a setting.

mod finder;
mod json;
mod multipart;
mod places;

use crate::Options;
use crate::headers;
use crate::recorded::{Credential, CredentialAt, Reason, Recorded};
use crate::summary::Variable;
use crate::target::encoded;
use finder::Finder;
use places::{Place, Places};
use std::collections::{BTreeMap, BTreeSet};

/// Variables that every shell has: `$PWD` would be sent as the folder.
const OF_THE_SHELL: [&str; 10] = [
    "HOME", "HOST", "HOSTNAME", "LANG", "PATH", "PWD", "SHELL", "TERM", "UID", "USER",
];

/// Finds secrets, and remembers the variables that stand for them.
pub(crate) struct Secrets {
    finder: Finder,
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
            finder: Finder::new(options),
            dropped: options.drop_headers.clone(),
            merge: options.merge_secrets,
            known: BTreeMap::new(),
            names: BTreeSet::new(),
            variables: Vec::new(),
        }
    }

    /// Does the name say that its value is secret?
    pub(crate) fn is_name(&self, name: &str) -> bool {
        self.finder.is_sensitive(name) && !self.finder.is_cleared(name)
    }

    /// Is a secret part of the name of an operation?
    pub(crate) fn is_in_name(&self, operation: &str) -> bool {
        self.finder.has_form(operation)
    }

    /// Is there a secret that no variable can replace?
    pub(crate) fn check(&self, request: &Recorded) -> Result<(), Reason> {
        Places::find(request, &self.finder).map(drop)
    }

    /// Replaces the secrets of path and body by `${NAME}`; returns the names, each once, sorted.
    pub(crate) fn replace(&mut self, request: &mut Recorded) -> Vec<String> {
        // One that cannot be replaced was left out before.
        let Ok(places) = Places::find(request, &self.finder) else {
            return Vec::new();
        };
        let mut names = BTreeSet::new();
        let mut name_all = |places: &[Place], part: &str| -> Vec<String> {
            let named = places.iter().map(|place| {
                let what = format!("{} in the {part}", place.name);
                self.variable(&place.name, &place.value, &what)
            });
            let named: Vec<String> = named.collect();
            names.extend(named.iter().cloned());
            named
        };
        if !places.path.is_empty() {
            let variables = name_all(&places.path, "path or query");
            request.path = places::replaced(&request.path, &places.path, &variables);
        }
        if !places.body.is_empty() {
            let variables = name_all(&places.body, "body");
            let text = String::from_utf8_lossy(&request.body);
            request.body = places::replaced(&text, &places.body, &variables).into_bytes();
        }
        for credential in &request.credentials {
            if let CredentialAt::Query(parameter) = &credential.at {
                let variable = self.credential(parameter, credential);
                let joint = if request.path.contains('?') { '&' } else { '?' };
                request.path += &format!("{joint}{}=${{{variable}}}", encoded(parameter));
                names.insert(variable);
            }
        }
        names.into_iter().collect()
    }

    /// The variable of a credential that the description asks for.
    fn credential(&mut self, base: &str, credential: &Credential) -> String {
        let what = format!("{} of the document", credential.scheme);
        self.variable(base, &credential.scheme, &what)
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
            match &credential.at {
                CredentialAt::Cookie(cookie) => {
                    let variable = self.credential(&format!("{cookie}_COOKIE"), credential);
                    cookies.push(format!("{}=${variable}", escaped(cookie)));
                }
                CredentialAt::Header(header) => {
                    let variable = self.credential(header, credential);
                    out.retain(|(name, _)| !name.eq_ignore_ascii_case(header));
                    out.push((header.clone(), format!("${variable}")));
                }
                // A part of the path, which `replace` writes.
                CredentialAt::Query(_) => {}
            }
        }
        if !cookies.is_empty() {
            out.push(("Cookie".to_owned(), cookies.join("; ")));
        }
        out
    }

    fn header(&mut self, name: &str, value: &str) -> Option<String> {
        let secret =
            !self.finder.is_cleared(name) && (self.is_name(name) || self.finder.is_in(value));
        if !secret {
            return Some(escaped(value));
        }
        if name.eq_ignore_ascii_case("referer") {
            // The secret belongs to the page before and cannot be supplied.
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
        Some(format!("${}", self.variable(name, value, &what)))
    }

    fn cookie(&mut self, pair: &str) -> Option<String> {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name.is_empty() {
            return None;
        }
        let plain = !self.finder.is_sensitive(name) && is_setting(value);
        let value = if plain || self.finder.is_cleared(name) {
            escaped(value)
        } else {
            let base = format!("{name}_COOKIE");
            format!(
                "${}",
                self.variable(&base, value, &format!("cookie {name}"))
            )
        };
        Some(format!("{}={value}", escaped(name)))
    }

    /// The name of the variable that stands for a value.
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
        variable.name.clone()
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

#[cfg(test)]
mod tests;
