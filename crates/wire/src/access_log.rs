//! Lines of access logs: the common and the combined format of Apache and nginx, with or without a
//! virtual host before them, and JSON objects.
//!
//! A line in the combined format is
//! `[host[:port] ]client ident user [time] "request" status bytes["referer" "user agent" ...]`
//! (Apache `mod_log_config`, nginx `ngx_http_log_module`); what follows is ignored. In JSON the names
//! of the keys are the writer's choice: the usual ones are known, whatever their case and with or
//! without `_`, `-`, `.` and `@`, also one object deep (`"request": {"method": ...}`).

use serde_json::{Map, Value};
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
    let entry = Entry {
        client: Some(client.to_owned()),
        host: host.map(str::to_owned),
        user_agent,
        ..Entry::default()
    };
    with_request(entry, &request)
}

/// A line in the combined format, taken apart.
struct Parts<'l> {
    before: &'l str,
    request: String,
    status: u16,
    agent: Option<String>,
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
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes().enumerate();
    while let Some((at, byte)) = rest.next() {
        match byte {
            b'"' => {
                return Some((
                    String::from_utf8_lossy(&bytes).into_owned(),
                    &text[at + 1..],
                ));
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

/// Adds method and target from a request line (`GET /a HTTP/1.1`).
fn with_request(mut entry: Entry, line: &str) -> Result<Entry, LineError> {
    let (method, rest) = line.split_once(' ').ok_or(LineError::Request)?;
    // A target with spaces in it is the mistake of a client, but it was sent.
    let target = match rest.rsplit_once(' ') {
        Some((target, version)) if version.starts_with("HTTP/") => target,
        _ => rest,
    };
    let is_method =
        !method.is_empty() && method.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
    if !is_method || target.is_empty() {
        return Err(LineError::Request);
    }
    method.clone_into(&mut entry.method);
    target.clone_into(&mut entry.target);
    Ok(entry)
}

/// How a server dealt with a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// The status; 0 where the line has none.
    pub status: u16,
    /// How long it took, nanoseconds, as the server counts it; `None` where that is not clear.
    pub took_ns: Option<u64>,
}

/// What a line tells of the answer.
///
/// In a line of text the time is what stands behind the user agent: with its name (`rt=0.012`,
/// `request_time=0.012` in seconds, `us=`, `ms=`), else the first number with a decimal point, in seconds
/// (`$request_time` of nginx). A whole number without a name could be anything (`%D` of Apache is
/// microseconds, `%T` seconds, and others count bytes): it is read only where `unit_ns` says what the last
/// number of a line counts. In JSON the key says the unit, such as `request_time` (s), `duration_ms`,
/// `latency_us`, `event.duration` (ns, Elastic Common Schema) or `responseTime` (ms).
///
/// # Errors
/// Those of [`entry`], but that nobody asks for a request.
pub fn served(line: &[u8], unit_ns: Option<u64>) -> Result<Served, LineError> {
    if line.len() > MAX_LINE_BYTES {
        return Err(LineError::TooLong);
    }
    let line = line.trim_ascii();
    if line.starts_with(b"{") {
        let Ok(Value::Object(object)) = serde_json::from_slice(line) else {
            return Err(LineError::Form);
        };
        return Ok(served_of(&object));
    }
    let line = String::from_utf8_lossy(line);
    let parts = parts(&line).ok_or(LineError::Form)?;
    Ok(Served {
        status: parts.status,
        took_ns: match unit_ns {
            Some(unit_ns) => {
                last_number(parts.behind).and_then(|number| nanoseconds(number, unit_ns))
            }
            None => took_behind(parts.behind),
        },
    })
}

const SECOND: u64 = 1_000_000_000;
const MILLISECOND: u64 = 1_000_000;
const MICROSECOND: u64 = 1_000;

/// Names of a time in lines of text, and what it counts.
const NAMED: [(&str, u64); 7] = [
    ("rt", SECOND),
    ("requesttime", SECOND),
    ("duration", SECOND),
    ("ms", MILLISECOND),
    ("us", MICROSECOND),
    ("durationms", MILLISECOND),
    ("durationus", MICROSECOND),
];

fn took_behind(behind: &str) -> Option<u64> {
    let words = || {
        behind
            .split_ascii_whitespace()
            .map(|word| word.trim_matches('"'))
    };
    let named = words().find_map(|word| {
        let (name, value) = word.split_once('=')?;
        let name = plain(name);
        let (_, unit_ns) = NAMED.iter().find(|(known, _)| *known == name)?;
        nanoseconds(value.trim_matches('"').parse().ok()?, *unit_ns)
    });
    named.or_else(|| {
        let seconds = words().find(|word| word.contains('.') && word.parse::<f64>().is_ok())?;
        nanoseconds(seconds.parse().ok()?, SECOND)
    })
}

fn last_number(behind: &str) -> Option<f64> {
    let mut words = behind.split_ascii_whitespace().rev();
    words.find_map(|word| {
        let word = word.trim_matches('"');
        word.rsplit('=').next()?.parse().ok()
    })
}

/// A time that is none, or longer than a day, is a mistake of the log.
fn nanoseconds(number: f64, unit_ns: u64) -> Option<u64> {
    let ns = number * unit_ns as f64;
    (0.0..=86_400.0 * SECOND as f64)
        .contains(&ns)
        .then_some(ns.round() as u64)
}

/// Names of a time in JSON without a unit of their own, and what it counts.
const TOOK: [(&str, u64); 3] = [
    ("requesttime", SECOND),
    ("responsetime", MILLISECOND),
    ("eventduration", 1),
];
/// What a time is called before its unit, and the units.
const TIMES: [&str; 6] = [
    "duration",
    "latency",
    "elapsed",
    "took",
    "responsetime",
    "requesttime",
];
const UNITS: [(&str, u64); 9] = [
    ("ns", 1),
    ("us", MICROSECOND),
    ("ms", MILLISECOND),
    ("s", SECOND),
    ("nanos", 1),
    ("micros", MICROSECOND),
    ("millis", MILLISECOND),
    ("sec", SECOND),
    ("seconds", SECOND),
];
const STATUS: [&str; 5] = [
    "status",
    "statuscode",
    "httpresponsestatuscode",
    "responsestatuscode",
    "responsestatus",
];

fn served_of(object: &Map<String, Value>) -> Served {
    let mut numbers = Vec::new();
    collect_numbers("", object, 0, &mut numbers);
    let of = |wanted: &dyn Fn(&str) -> Option<u64>| {
        numbers
            .iter()
            .find_map(|(name, number)| nanoseconds(*number, wanted(name)?))
    };
    let known = |name: &str| {
        TOOK.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, ns)| *ns)
    };
    let with_unit = |name: &str| {
        let unit = TIMES.iter().find_map(|time| name.strip_prefix(time))?;
        UNITS
            .iter()
            .find(|(known, _)| *known == unit)
            .map(|(_, ns)| *ns)
    };
    let status = STATUS
        .iter()
        .find_map(|status| numbers.iter().find(|(name, _)| name == status));
    Served {
        status: status
            .filter(|(_, status)| (100.0..600.0).contains(status))
            .map_or(0, |(_, status)| *status as u16),
        took_ns: of(&known).or_else(|| of(&with_unit)),
    }
}

/// The numbers of an object, and texts that are numbers, by their plain names; of one inside of another
/// by all names together and by their own.
fn collect_numbers(
    before: &str,
    object: &Map<String, Value>,
    depth: u8,
    numbers: &mut Vec<(String, f64)>,
) {
    for (name, value) in object {
        let whole = format!("{before}{}", plain(name));
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.parse().ok(),
            Value::Object(inner) if depth < 3 => {
                collect_numbers(&whole, inner, depth + 1, numbers);
                None
            }
            _ => None,
        };
        if let Some(number) = number {
            if depth > 0 {
                numbers.push((plain(name), number));
            }
            numbers.push((whole, number));
        }
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
    let entry = Entry {
        client: keys.text(CLIENT),
        host: keys.text(HOST),
        user_agent: keys.text(AGENT),
        body: keys.text(BODY).map(|body| (body, keys.text(TYPE))),
        ..Entry::default()
    };
    match (keys.text(METHOD), keys.text(TARGET), keys.text(LINE)) {
        (Some(method), Some(target), _) => {
            let query = keys.text(QUERY).filter(|_| !target.contains('?'));
            let query = query.map(|query| format!("?{}", query.trim_start_matches('?')));
            let target = target + &query.unwrap_or_default();
            with_request(entry, &format!("{method} {target} HTTP/1.1"))
        }
        (_, _, Some(line)) => with_request(entry, &line),
        _ if object.contains_key("request") => Err(LineError::Request),
        _ => Err(LineError::Form),
    }
}

/// The texts of an object by their plain names; those one object deeper by both names together and,
/// inside of `request`, by their own.
struct Keys(Vec<(String, String)>);

impl Keys {
    fn of(object: &Map<String, Value>) -> Self {
        let mut keys = Vec::new();
        for (name, value) in object {
            match value {
                Value::String(text) => keys.push((plain(name), text.clone())),
                Value::Object(inner) => Self::inner(&plain(name), inner, 1, &mut keys),
                _ => {}
            }
        }
        Keys(keys)
    }

    /// Names such as `http.request.method` of the Elastic Common Schema are three deep.
    fn inner(name: &str, object: &Map<String, Value>, depth: u8, keys: &mut Vec<(String, String)>) {
        for (inner, value) in object {
            let whole = format!("{name}{}", plain(inner));
            match value {
                Value::String(text) => {
                    if name == "request" {
                        keys.push((plain(inner), text.clone()));
                    }
                    keys.push((whole, text.clone()));
                }
                // Header values of Caddy are lists.
                Value::Array(values) if name == "requestheaders" => {
                    if let Some(Value::String(text)) = values.first() {
                        keys.push((plain(inner), text.clone()));
                    }
                }
                Value::Object(deeper) if depth < 3 => Self::inner(&whole, deeper, depth + 1, keys),
                _ => {}
            }
        }
    }

    /// The first of these names that has a text.
    fn text(&self, names: &[&str]) -> Option<String> {
        let of = |name: &&str| self.0.iter().find(|(key, _)| key == name);
        let texts = names.iter().filter_map(of).map(|(_, text)| text);
        texts
            .into_iter()
            .find(|text| !text.is_empty() && *text != "-")
            .cloned()
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
