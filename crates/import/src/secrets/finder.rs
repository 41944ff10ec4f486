//! What is a secret: names and forms of `understudy_redact`, and values that look like tokens.

use super::{is_number, plain};
use crate::Options;
use crate::target::decoded;
use std::collections::BTreeSet;
use understudy_redact::Redactor;

/// Parameters whose long values are secret: keys of interfaces, one-time codes, signatures.
const SECRET_IF_LONG: [&str; 12] = [
    "code", "digest", "h", "hash", "key", "mac", "nonce", "policy", "s", "sign", "state", "ticket",
];
/// Parameters that say who signed a URL (CloudFront, Google Cloud Storage, Tencent).
const SIGNERS: [&str; 3] = ["googleaccessid", "keypairid", "qak"];
/// URLs inside of URLs that are looked into.
const NESTED: u8 = 3;
/// From so many characters on such a value is not a word.
const LONG: usize = 16;
/// From so many characters on a mixture of small and capital letters and digits is a token.
const TOKEN: usize = 20;

/// Decides which values are secrets.
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

    /// Was it said that values of this name are not secret?
    pub(super) fn is_cleared(&self, name: &str) -> bool {
        self.not_secret.contains(&plain(name))
    }

    /// Does it hold the form of a secret, as it is or percent-encoded?
    pub(super) fn has_form(&self, text: &str) -> bool {
        let in_it = |text: &str| self.redactor.redact_text(text) != text;
        in_it(text) || text.contains('%') && in_it(&decoded(text, false))
    }

    /// Is there a secret in a text, also as a parameter of a URL?
    pub(super) fn is_in(&self, text: &str) -> bool {
        let is_url = text.starts_with('/') || text.contains("://");
        self.has_form(text) || is_url && self.is_in_url(text, NESTED)
    }

    /// Is the value of a query's parameter a secret? `names`: may its name say so?
    pub(super) fn in_parameter(&self, name: &str, value: &str, names: bool) -> bool {
        self.in_nested(name, value, names, NESTED)
    }

    fn in_nested(&self, name: &str, value: &str, names: bool, depth: u8) -> bool {
        if value.is_empty() || self.is_cleared(name) {
            return false;
        }
        let named = || self.is_sensitive(name) || SIGNERS.contains(&plain(name).as_str());
        names && (named() || looks_like_token(name, value) || self.is_in_url(value, depth))
            || !is_number(value) && self.has_form(value)
    }

    /// Is there a secret among the parameters of a URL (path, query, fragment)?
    fn is_in_url(&self, url: &str, depth: u8) -> bool {
        let Some(depth) = depth.checked_sub(1) else {
            return false;
        };
        let encoded = || url.contains('%').then(|| decoded(url, false));
        let pairs = url
            .split_once(['?', '#', ';'])
            .map(|(_, rest)| rest.split(['?', '#', ';', '&']))
            .into_iter()
            .flatten();
        let is_secret = |(name, value): (&str, &str)| {
            let (name, value) = (decoded(name, true), decoded(value, true));
            self.in_nested(&name, &value, true, depth)
        };
        pairs.filter_map(|pair| pair.split_once('=')).any(is_secret)
            || encoded().is_some_and(|inner| self.has_form(&inner) || self.is_in_url(&inner, depth))
    }

    /// Is a segment of a path a secret? `before` is the segment before it.
    pub(super) fn in_segment(&self, before: &str, value: &str, names: bool) -> bool {
        let is_value = || value.len() >= 8 && value.bytes().any(|b| b.is_ascii_digit());
        self.has_form(value)
            || names && self.is_sensitive(before) && !self.is_cleared(before) && is_value()
    }

    /// Is the value of a form's field a secret?
    pub(super) fn in_form(&self, name: &str, value: &str, names: bool) -> bool {
        let named = names && self.is_sensitive(name);
        let inside = || self.has_form(value) || names && self.is_in(value);
        !value.is_empty() && !self.is_cleared(name) && (named || inside())
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
