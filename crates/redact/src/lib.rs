//! What may be stored or shown. Pure.
//!
//! A [`Redactor`] replaces secrets by a placeholder such as `<redacted 24 bytes #9f2c41d0>`. The
//! mark after `#` is a hash keyed per run: two different secrets stay distinguishable in a
//! difference, equal ones stay equal, and without the key nothing can be tried against it. The key
//! must therefore never be stored with the evidence.
//!
//! A value is a secret when its *name* says so ([`Redactor::is_sensitive`]) or when its *form* does,
//! wherever it is ([`Redactor::redact_text`]). What has neither (a name of a person in a field
//! called `comment`) is not recognised: add its field with [`Redactor::with_names`].

mod form;
mod mark;
mod names;
mod preview;
mod shell;

pub use mark::{is_redacted, is_redaction_of, is_same_around_secrets};
pub use names::variable;
pub use preview::preview;
pub use shell::{shell_filled, shell_printed, shell_quoted, shell_word};

use names::Names;
use siphasher::sip::SipHasher24;
use understudy_model::Place;

/// Decides what may be stored or shown, and replaces the rest.
pub struct Redactor {
    names: Names,
    hasher: SipHasher24,
}

impl std::fmt::Debug for Redactor {
    /// Leaves the key out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl Redactor {
    /// A redactor that knows the usual names and forms of secrets.
    ///
    /// `key` should be random for each run and forgotten with it.
    pub fn new(key: [u8; 16]) -> Self {
        Redactor {
            names: Names::default(),
            hasher: SipHasher24::new_with_key(&key),
        }
    }

    /// Adds names of fields, headers or JSON keys whose values are secret.
    ///
    /// Case, `-` and `_` do not matter: `customer_no` also covers `Customer-No` and `customerNo`.
    #[must_use]
    pub fn with_names<N: AsRef<str>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        for name in names {
            self.names.add(name.as_ref());
        }
        self
    }

    /// Does this name (of a header, a field, a JSON key, a variable) say that its value is secret?
    pub fn is_sensitive(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The text that may be shown of the value at a place; without one, of the name of a member.
    ///
    /// The value is replaced as a whole when any name on the way to it is sensitive, and every cookie's value is (its
    /// attributes are not); otherwise as [`Redactor::redact_text`].
    pub fn redact_value(&self, place: Option<&Place>, text: &str) -> String {
        let is_sensitive = |name: &str| names::pieces(name).any(|name| self.is_sensitive(name));
        let secret = match place {
            Some(Place::Cookie(_, attribute)) => attribute.is_none(),
            Some(place) => place.names().any(|name| is_sensitive(&name)),
            None => false,
        };
        if secret {
            self.placeholder(text.as_bytes())
        } else {
            self.redact_text(text)
        }
    }

    /// The text that may be shown of a header's value. Bytes that are not UTF-8 become U+FFFD.
    pub fn redact_field(&self, name: &str, value: &[u8]) -> String {
        if self.is_sensitive(name) {
            self.placeholder(value)
        } else {
            self.redact_text(&String::from_utf8_lossy(value))
        }
    }

    /// Replaces everything in a text that has the form of a secret: JSON web tokens, bearer and
    /// basic credentials, keys of AWS, GitHub, Slack, Stripe and Google, PEM blocks, passwords in
    /// URLs, card numbers (13 to 19 digits that pass Luhn's check and begin as cards do), and the
    /// values of assignments to sensitive names (`password=x`, `"token": "x"`).
    pub fn redact_text(&self, text: &str) -> String {
        form::redact(text, &self.names, &|secret| {
            self.placeholder(secret.as_bytes())
        })
    }

    /// A header's value as a reproducing command may show it: the value itself when it holds no
    /// secret, else a variable for the reader to set (`authorization: Bearer abc` becomes
    /// `$AUTHORIZATION`). A value that already is a variable (`Bearer $TOKEN`) stays as it is.
    pub fn reproducible_field(&self, name: &str, value: &str) -> String {
        let secret = self.is_sensitive(name) || self.redact_text(value) != value;
        if secret && !names::is_variable(value) {
            names::variable(name)
        } else {
            value.to_owned()
        }
    }

    /// Stands for a secret: its length and its keyed mark.
    pub fn placeholder(&self, secret: &[u8]) -> String {
        let mark = self.hasher.hash(secret) as u32;
        format!("{}{} bytes #{mark:08x}>", mark::BEGIN, secret.len())
    }
}

#[cfg(test)]
mod tests;
