//! What is a secret: names and forms of `understudy_redact`, and values that look like tokens.

use super::{is_number, plain};
use crate::Options;
use std::collections::BTreeSet;
use understudy_redact::Redactor;

/// Parameters whose long values are secret: keys of interfaces, one-time codes, signatures.
const SECRET_IF_LONG: [&str; 8] = [
    "code", "hash", "hmac", "key", "nonce", "sig", "state", "ticket",
];
/// From so many characters on such a value is no word.
const LONG: usize = 16;
/// From so many characters on a mixture of small and capital letters and digits is a token.
const TOKEN: usize = 20;

/// Tells secrets from everything else.
pub(super) struct Finder {
    redactor: Redactor,
    not_secret: BTreeSet<String>,
}

impl Finder {
    pub(super) fn new(options: &Options) -> Self {
        Finder {
            // Only whether something is replaced counts, never by what: the key needs no secrecy.
            redactor: Redactor::new([0; 16]).with_names(&options.secret),
            not_secret: options.not_secret.iter().map(|name| plain(name)).collect(),
        }
    }

    /// Does the name, whatever was cleared, say that its value is secret?
    pub(super) fn is_sensitive(&self, name: &str) -> bool {
        self.redactor.is_sensitive(name)
    }

    /// Was it said that values of this name are no secret?
    pub(super) fn is_cleared(&self, name: &str) -> bool {
        self.not_secret.contains(&plain(name))
    }

    /// Does a secret's form stand in it?
    pub(super) fn has_form(&self, text: &str) -> bool {
        self.redactor.redact_text(text) != text
    }

    /// Is the value of a query's parameter a secret? `names`: may its name say so?
    pub(super) fn in_parameter(&self, name: &str, value: &str, names: bool) -> bool {
        if value.is_empty() || self.is_cleared(name) {
            return false;
        }
        let named = names && self.is_sensitive(name);
        named || !is_number(value) && self.has_form(value) || names && looks_like_token(name, value)
    }

    /// Is the value of a form's field a secret?
    pub(super) fn in_form(&self, name: &str, value: &str, names: bool) -> bool {
        let named = names && self.is_sensitive(name);
        !value.is_empty() && !self.is_cleared(name) && (named || self.has_form(value))
    }
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
