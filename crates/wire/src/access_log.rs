//! Lines of access logs: the common and the combined format of Apache and nginx, with or without a
//! virtual host before them, and JSON objects.
//!
//! A line in the combined format is
//! `[host[:port] ]client ident user [time] "request" status bytes["referer" "user agent" ...]`
//! (Apache `mod_log_config`, nginx `ngx_http_log_module`); what follows is ignored. In JSON the names
//! of the keys are the writer's choice: the usual ones are known, whatever their case and with or
//! without `_`, `-`, `.` and `@`, also one object deep (`"request": {"method": ...}`).

mod duration;
mod fields;
mod proxies;
mod served;

pub use duration::Took;
pub use served::{Served, served};

use serde_json::{Map, Value};
use std::borrow::Cow;
use std::net::IpAddr;

/// Most bytes of one line.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

/// One request that a server logged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Address or name of the client.
    pub client: Option<String>,
    /// Name that the server was asked under, with its port if the log has it.
    pub host: Option<String>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// The method.
    pub method: String,
    /// The target as it was sent, escapes of the log undone.
    pub target: String,
    /// The body and its type, which some JSON logs hold.
    pub body: Option<(String, Option<String>)>,
}

/// Why a line gives no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It is too long.
    #[error("is longer than {MAX_LINE_BYTES} bytes")]
    TooLong,
    /// It has none of the known forms.
    #[error("is not a line of an access log (common, combined or JSON)")]
    Form,
    /// The server was not sent an HTTP request: a TLS handshake, an empty connection, garbage.
    #[error("holds no HTTP request")]
    Request,
}

/// Reads one line.
///
/// # Errors
/// It is no line of an access log, or what it logs was no HTTP request.
pub fn entry(line: &[u8]) -> Result<Entry, LineError> {
    if line.len() > MAX_LINE_BYTES {
        return Err(LineError::TooLong);
    }
    let line = line.trim_ascii();
    if line.starts_with(b"{") {
        json(line)
    } else {
        combined(&String::from_utf8_lossy(line))
    }
}

fn combined(line: &str) -> Result<Entry, LineError> {
    let Parts {
        before,
        request,
        agent,
        ..
    } = parts(line).ok_or(LineError::Form)?;
    let (host, client) = who(before).ok_or(LineError::Form)?;
    let user_agent = agent.filter(|agent| agent != "-");
    let (method, target) = asked(&request)?;
    Ok(Entry {
        client: Some(client.to_owned()),
        host: host.map(str::to_owned),
        user_agent: user_agent.map(Cow::into_owned),
        method: method.to_owned(),
        target: target.to_owned(),
        body: None,
    })
}

/// A line in the combined format, taken apart.
struct Parts<'l> {
    before: &'l str,
    request: Cow<'l, str>,
    status: u16,
    agent: Option<Cow<'l, str>>,
    /// What stands behind all that the format knows.
    behind: &'l str,
}

fn parts(line: &str) -> Option<Parts<'_>> {
    let (before, rest) = line.split_once(" [")?;
    let (_time, rest) = rest.split_once("] \"")?;
    let (request, rest) = quoted(rest)?;
    let (status, _) = rest
        .trim_start()
        .split_once(' ')
        .unwrap_or((rest.trim(), ""));
    if status.len() != 3 || !status.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // `bytes "referer" "user agent"`
    let referer = rest.split_once(" \"").and_then(|(_, rest)| quoted(rest));
    let agent = referer.and_then(|(_, rest)| quoted(rest.trim_start().strip_prefix('"')?));
    let behind = agent.as_ref().map_or(rest, |(_, behind)| behind);
    Some(Parts {
        before,
        request,
        status: status.parse().ok()?,
        behind,
        agent: agent.map(|(agent, _)| agent),
    })
}

/// Host, if there is one, and client from what stands before the time.
fn who(before: &str) -> Option<(Option<&str>, &str)> {
    let words: Vec<&str> = before.split_ascii_whitespace().collect();
    let is_address = |word: &str| word.parse::<IpAddr>().is_ok();
    match words.as_slice() {
        [host, client, ident, _, ..]
            if is_address(client) || *ident == "-" && !is_address(host) =>
        {
            Some((Some(host), client))
        }
        [client, _, _, ..] => Some((None, client)),
        _ => None,
    }
}

/// The text up to the next quote that is not escaped, its escapes undone, and what follows.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let end = text.bytes().position(|byte| matches!(byte, b'"' | b'\\'))?;
    match text.as_bytes()[end] {
        b'"' => Some((Cow::Borrowed(&text[..end]), &text[end + 1..])),
        _ => unescaped(text),
    }
}

/// The same of a text with escapes in it.
fn unescaped(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes().enumerate();
    while let Some((at, byte)) = rest.next() {
        match byte {
            b'"' => {
                let undone = String::from_utf8_lossy(&bytes).into_owned();
                return Some((Cow::Owned(undone), &text[at + 1..]));
            }
            b'\\' => match rest.next()?.1 {
                b'x' => {
                    let digits = text.get(at + 2..at + 4)?;
                    bytes.push(u8::from_str_radix(digits, 16).ok()?);
                    rest.nth(1);
                }
                b'n' => bytes.push(b'\n'),
                b'r' => bytes.push(b'\r'),
                b't' => bytes.push(b'\t'),
                other => bytes.push(other),
            },
            other => bytes.push(other),
        }
    }
    None
}

/// Method and target of a request line (`GET /a HTTP/1.1`).
fn asked(line: &str) -> Result<(&str, &str), LineError> {
    let (method, rest) = line.split_once(' ').ok_or(LineError::Request)?;
    // A target with spaces in it is the mistake of a client, but it was sent.
    let target = match rest.rsplit_once(' ') {
        Some((target, version)) if version.starts_with("HTTP/") => target,
        _ => rest,
    };
    let is_method =
        !method.is_empty() && method.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
    match is_method && !target.is_empty() {
        true => Ok((method, target)),
        false => Err(LineError::Request),
    }
}

const METHOD: &[&str] = &[
    "requestmethod",
    "method",
    "httpmethod",
    "httprequestmethod",
    "verb",
];
const TARGET: &[&str] = &[
    "requesturi",
    "requestpath",
    "urloriginal",
    "httpurl",
    "uri",
    "url",
    "path",
    "target",
];
const QUERY: &[&str] = &["args", "querystring", "query", "urlquery"];
const LINE: &[&str] = &["request", "requestline", "httprequest"];
const CLIENT: &[&str] = &[
    "remoteaddr",
    "clientip",
    "remoteip",
    "clienthost",
    "remotehost",
    "clientaddr",
    "clientaddress",
    "sourceip",
    "client",
    "ip",
];
const AGENT: &[&str] = &["httpuseragent", "useragent", "useragentoriginal", "agent"];
const HOST: &[&str] = &[
    "httphost",
    "requesthost",
    "host",
    "vhost",
    "servername",
    "virtualhost",
];
const BODY: &[&str] = &["requestbody", "httprequestbody", "body"];
const TYPE: &[&str] = &["contenttype", "httpcontenttype", "requestcontenttype"];

fn json(line: &[u8]) -> Result<Entry, LineError> {
    let Ok(Value::Object(object)) = serde_json::from_slice(line) else {
        return Err(LineError::Form);
    };
    let keys = Keys::of(&object);
    let line = request_line(&object, &keys)?;
    let (method, target) = asked(&line)?;
    let owned = |names| keys.text(names).map(str::to_owned);
    Ok(Entry {
        client: owned(CLIENT),
        host: owned(HOST),
        user_agent: owned(AGENT),
        method: method.to_owned(),
        target: target.to_owned(),
        body: owned(BODY).map(|body| (body, owned(TYPE))),
    })
}

/// The request of a JSON object as its first line.
fn request_line<'o>(
    object: &Map<String, Value>,
    keys: &Keys<'o>,
) -> Result<Cow<'o, str>, LineError> {
    match (keys.text(METHOD), keys.text(TARGET), keys.text(LINE)) {
        (Some(method), Some(target), _) => {
            let query = keys.text(QUERY).filter(|_| !target.contains('?'));
            let query = query.map(|query| format!("?{}", query.trim_start_matches('?')));
            let query = query.unwrap_or_default();
            Ok(Cow::Owned(format!("{method} {target}{query} HTTP/1.1")))
        }
        (_, _, Some(line)) => Ok(Cow::Borrowed(line)),
        _ if object.contains_key("request") => Err(LineError::Request),
        _ => Err(LineError::Form),
    }
}

/// The texts of an object by their plain names; those one object deeper by both names together and,
/// inside of `request`, by their own.
struct Keys<'o>(Vec<(String, &'o str)>);

impl<'o> Keys<'o> {
    fn of(object: &'o Map<String, Value>) -> Self {
        let mut keys: Vec<(String, &str)> = Vec::new();
        for (name, value) in object {
            match value {
                Value::String(text) => keys.push((plain(name), text)),
                Value::Object(inner) => Self::inner(&plain(name), inner, 1, &mut keys),
                _ => {}
            }
        }
        Keys(keys)
    }

    /// Names such as `http.request.method` of the Elastic Common Schema are three deep.
    fn inner(
        name: &str,
        object: &'o Map<String, Value>,
        depth: u8,
        keys: &mut Vec<(String, &'o str)>,
    ) {
        for (inner, value) in object {
            let whole = format!("{name}{}", plain(inner));
            match value {
                Value::String(text) => {
                    if name == "request" {
                        keys.push((plain(inner), text));
                    }
                    keys.push((whole, text));
                }
                // Header values of Caddy are lists.
                Value::Array(values) if name == "requestheaders" => {
                    if let Some(Value::String(text)) = values.first() {
                        keys.push((plain(inner), text));
                    }
                }
                Value::Object(deeper) if depth < 3 => Self::inner(&whole, deeper, depth + 1, keys),
                _ => {}
            }
        }
    }

    /// The first of these names that has a text.
    fn text(&self, names: &[&str]) -> Option<&'o str> {
        let of = |name: &&str| self.0.iter().find(|(key, _)| key == name);
        let mut texts = names.iter().filter_map(of).map(|(_, text)| *text);
        texts.find(|text| !text.is_empty() && *text != "-")
    }
}

/// Lower case, only letters and digits.
fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests;
