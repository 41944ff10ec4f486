//! Names that say that a value is secret.

use std::collections::BTreeSet;

/// Secret when the whole name is one of these (lower case, without separators).
const WHOLE: [&str; 29] = [
    "auth",
    "cardnumber",
    "cookie",
    "cvc",
    "cvv",
    "hmac",
    "iban",
    "jwt",
    "otp",
    "pan",
    "pass",
    "passcode",
    "pin",
    "privatekey",
    "proxyauthenticate",
    "pwd",
    "samlart",
    "samlresponse",
    "session",
    "sessionid",
    "sid",
    "sig",
    "ssn",
    "totp",
    "taxid",
    "wwwauthenticate",
    "xapikey",
    "xcsrf",
    "xsrf",
];

/// Secret when the name contains one of these.
const PART: [&str; 24] = [
    "accesskey",
    "apikey",
    "authkey",
    "authorization",
    "cardnumber",
    "creditcard",
    "credential",
    "encryptionkey",
    "functionskey",
    "masterkey",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    // PHPSESSID, JSESSIONID, ASPSESSIONIDXY.
    "sessid",
    "sessionid",
    "sessiontoken",
    "setcookie",
    "sharedkey",
    "signingkey",
    "socialsecurity",
    "subscriptionkey",
    "accountnumber",
];

/// Secret when the name ends so, whatever number follows: `refresh_token`, but not `token_count`;
/// `X-Amz-Signature`, `X-Hub-Signature-256`, but not `SignatureVersion`.
const ENDINGS: [&str; 4] = ["token", "signature", "assertion", "codeverifier"];

/// Secret when the last word of the name is one of these: `connect.sid`, but not `classid`.
const LAST_WORDS: [&str; 4] = ["hmac", "jwt", "sid", "sig"];

/// The names known as sensitive.
#[derive(Debug, Default)]
pub(crate) struct Names {
    added: BTreeSet<String>,
}

impl Names {
    pub(crate) fn add(&mut self, name: &str) {
        self.added.insert(plain(name));
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        let last = name.rsplit(|c: char| !c.is_alphanumeric()).next();
        let last = last.map(str::to_ascii_lowercase).unwrap_or_default();
        let name = plain(name);
        let unnumbered = name.trim_end_matches(|c: char| c.is_ascii_digit());
        !name.is_empty()
            && (WHOLE.contains(&name.as_str())
                || LAST_WORDS.contains(&last.as_str())
                || ENDINGS.iter().any(|ending| unnumbered.ends_with(ending))
                || PART.iter().any(|part| name.contains(part))
                || self.added.contains(&name))
    }
}

/// Lower case, only letters and digits: `X-Api-Key`, `xApiKey` and `x_api_key` are one name.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// A name as a whole, and what separators leave of it.
pub(crate) fn pieces(name: &str) -> impl Iterator<Item = &str> {
    let pieces = name.split(['.', '[', ']', '\'', '"', ':', ';']);
    std::iter::once(name).chain(pieces)
}

/// The shell variable that stands for a header's value: `x-api-key` is `$X_API_KEY`.
pub fn variable(name: &str) -> String {
    let letters = name.chars().map(|c| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    });
    std::iter::once('$').chain(letters).collect()
}

/// Is the value already a variable, perhaps after a scheme (`Bearer $TOKEN`, `${TOKEN}`)?
pub(crate) fn is_variable(value: &str) -> bool {
    let last = value.rsplit(' ').next().unwrap_or(value);
    let scheme = value[..value.len() - last.len()].trim_end();
    let bare = last.strip_prefix('$').is_some_and(is_variable_name);
    scheme.len() <= 16
        && scheme.chars().all(|c| c.is_ascii_alphabetic())
        && (bare || is_braced_variable(last))
}

/// Is it `${NAME}`?
pub(crate) fn is_braced_variable(value: &str) -> bool {
    let inner = value
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'));
    inner.is_some_and(is_variable_name)
}

fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
