//! Lines of access logs: the common and the combined format of Apache and nginx, with or without a
//! virtual host before them, JSON objects, and those of load balancers and proxies that have the request line in
//! quotes.
//!
//! A line in the combined format is
//! `[host[:port] ]client ident user [time] "request" status bytes["referer" "user agent" ["forwarded for"] ...]`
//! (Apache `mod_log_config`, nginx `ngx_http_log_module`); what follows is ignored. In JSON the names
//! of the keys are the writer's choice: the usual ones are known, whatever their case and with or
//! without `_`, `-`, `.` and `@`, also in objects inside of one another (`"request": {"method": ...}`). What collectors
//! put around a line is taken away first.

mod columns;
mod duration;
mod envelope;
mod fields;
mod proxies;
mod records;
mod served;
mod text;

pub use duration::Took;
pub use records::entries;
pub use served::{Served, served};

use crate::framing;
use crate::http1::standard_method;
use envelope::{Logged, logged};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

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
/// It is not a line of an access log, or what it logs was no HTTP request.
pub fn entry(line: &[u8]) -> Result<Entry, LineError> {
    match logged(line, is_request)? {
        Logged::Object(object) => of_object(&object),
        Logged::Text(line) => match parts(&line) {
            Some(parts) => combined(parts),
            None => text::entry(&line),
        },
    }
}

fn combined(parts: Parts<'_>) -> Result<Entry, LineError> {
    // Formats of their own have at least an address before the time.
    let some_address = || parts.before.split_ascii_whitespace().find_map(address);
    let (host, client) = who(parts.before).unwrap_or_else(|| (None, some_address()));
    let client = text::forwarded(&parts).or_else(|| client.map(str::to_owned));
    let (method, target) = asked(&parts.request)?;
    let user_agent = parts.agent.filter(|agent| agent != "-");
    Ok(Entry {
        client,
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
    /// What is behind all that the format knows.
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

/// Host, if there is one, and client from what is before the time: `[host] client[, client ...] ident user`,
/// perhaps behind the names of a pod and a container.
fn who(before: &str) -> Option<(Option<&str>, Option<&str>)> {
    let words: Vec<&str> = before.split_ascii_whitespace().collect();
    // `ident` is a hyphen in nearly every log.
    let ident = words.iter().skip(1).position(|word| *word == "-");
    let Some(ident) = ident.map(|at| at + 1) else {
        return match words.as_slice() {
            [host, client, _, _, ..] if address(client).is_some() => {
                Some((Some(host), address(client)))
            }
            [client, _, _, ..] => Some((None, named(client))),
            _ => None,
        };
    };
    // A list of addresses may have spaces behind its commas.
    let before = words[..ident - 1].iter().rev();
    let first = ident - 1 - before.take_while(|word| word.ends_with(',')).count();
    let mut clients = words[first..ident].iter().flat_map(|word| word.split(','));
    let client = clients.find_map(address);
    if client.is_none()
        && let Some(client) = words[..first].iter().find_map(|word| address(word))
    {
        return Some((None, Some(client)));
    }
    let client = client.or_else(|| named(words[first].trim_end_matches(',')));
    let host = first.checked_sub(1).map(|at| words[at]);
    Some((
        host.filter(|host| first == 1 || host.contains(['.', ':'])),
        client,
    ))
}

/// The address of a word, without its port.
fn address(word: &str) -> Option<&str> {
    let word = word.trim_matches([',', '"']);
    if word.parse::<IpAddr>().is_ok() {
        return Some(word);
    }
    let bare = |word: &'_ str| word.starts_with('[') && word.ends_with(']');
    if bare(word) {
        let inner = &word[1..word.len() - 1];
        return inner.parse::<IpAddr>().is_ok().then_some(inner);
    }
    word.parse::<SocketAddr>().ok()?;
    let (address, _port) = word.rsplit_once(':')?;
    Some(address.trim_matches(['[', ']']))
}

/// The first address of a list: proxies add theirs behind it.
fn first_address(list: &str) -> Option<&str> {
    list.split(',').find_map(|word| address(word.trim()))
}

/// A client by its name.
fn named(word: &str) -> Option<&str> {
    (!matches!(word, "-" | "unknown" | "unix:" | "")).then_some(word)
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
                let undone = framing::text_of(&bytes).into_owned();
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
                b'b' => bytes.push(0x08),
                b'v' => bytes.push(0x0b),
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
    "csmethod",
];
const TARGET: &[&str] = &[
    "requesturi",
    "requestpath",
    "requesturl",
    "urloriginal",
    "urlfull",
    "httpurl",
    "httptarget",
    "xenvoyoriginalpath",
    "urlpath",
    "uri",
    "url",
    "path",
    "target",
    "csuristem",
];
const QUERY: &[&str] = &[
    "args",
    "querystring",
    "query",
    "urlquery",
    "requestquery",
    "csuriquery",
];
const LINE: &[&str] = &["request", "requestline", "httprequest"];
/// What a proxy before the server says comes first: without it every client has the address of that proxy.
const CLIENT: &[&str] = &[
    "httpxforwardedfor",
    "xforwardedfor",
    "forwardedfor",
    "clientip",
    "realip",
    "remoteaddr",
    "remoteip",
    "clienthost",
    "remotehost",
    "clientaddr",
    "clientaddress",
    "remoteaddress",
    "sourceip",
    "sourceaddress",
    "downstreamremoteaddress",
    "networkclientip",
    "networkpeeraddress",
    "cip",
    "client",
    "ip",
];
const AGENT: &[&str] = &[
    "httpuseragent",
    "useragent",
    "useragentoriginal",
    "requestuseragent",
    "csuseragent",
    "agent",
];
const HOST: &[&str] = &[
    "httphost",
    "requesthost",
    "authority",
    "urldomain",
    "host",
    "vhost",
    "servername",
    "serveraddress",
    "virtualhost",
    "xhostheader",
    "cshost",
];
const BODY: &[&str] = &["requestbody", "httprequestbody", "body"];
const TYPE: &[&str] = &["contenttype", "httpcontenttype", "requestcontenttype"];

fn of_object(object: &Map<String, Value>) -> Result<Entry, LineError> {
    let keys = Keys::of(object);
    let line = request_line(object, &keys)?;
    let (method, target) = asked(&line)?;
    let owned = |names| keys.text(names).map(str::to_owned);
    let client = keys.text(CLIENT);
    let client = client.and_then(|list| first_address(list).or(named(list)));
    Ok(Entry {
        client: client.map(str::to_owned),
        host: owned(HOST),
        user_agent: owned(AGENT),
        method: method.to_owned(),
        target: target.to_owned(),
        body: owned(BODY).map(|body| (body, owned(TYPE))),
    })
}

/// Is this the line of a request?
fn is_request(line: &Logged<'_>) -> bool {
    match line {
        Logged::Object(object) => {
            let line = request_line(object, &Keys::of(object));
            !matches!(line, Err(LineError::Form))
        }
        Logged::Text(text) => text::is_known(text),
    }
}

/// The request of a JSON object as its first line.
fn request_line<'o>(
    object: &Map<String, Value>,
    keys: &Keys<'o>,
) -> Result<Cow<'o, str>, LineError> {
    let line = keys.text(LINE);
    // What Apache's own example of a JSON format calls the request is the path.
    let target = keys
        .text(TARGET)
        .or(line.filter(|line| line.starts_with('/')));
    match (keys.text(METHOD), target, line) {
        (Some(method), Some(target), _) => {
            let query = keys.text(QUERY).filter(|_| !target.contains('?'));
            let query = query.map(|query| format!("?{}", query.trim_start_matches('?')));
            let query = query.unwrap_or_default();
            // Loggers write methods in small letters, too.
            let method = standard_method(method.to_owned());
            Ok(Cow::Owned(format!("{method} {target}{query} HTTP/1.1")))
        }
        (_, _, Some(line)) => Ok(Cow::Borrowed(line)),
        _ if object.contains_key("request") => Err(LineError::Request),
        _ => Err(LineError::Form),
    }
}

/// The texts of an object by their plain names; those of objects inside of it by all names together and, inside of
/// the request and its headers, by their own.
struct Keys<'o>(Vec<(String, &'o str)>);

/// Objects whose members are known by their own names.
const REQUESTS: [&str; 3] = ["request", "req", "httprequest"];

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
        let is_own = REQUESTS.contains(&name.strip_suffix("headers").unwrap_or(name));
        for (inner, value) in object {
            let whole = format!("{name}{}", plain(inner));
            // Header values of Caddy are lists.
            let text = match value {
                Value::Array(values) if is_own => values.first().and_then(Value::as_str),
                other => other.as_str(),
            };
            match (text, value) {
                (Some(text), _) => {
                    if is_own {
                        keys.push((plain(inner), text));
                    }
                    keys.push((whole, text));
                }
                (None, Value::Object(deeper)) if depth < 3 => {
                    Self::inner(&whole, deeper, depth + 1, keys);
                }
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
