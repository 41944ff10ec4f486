//! How a server dealt with a request, and how long it took.

use super::duration::{self, Took};
use super::envelope::{Logged, logged};
use super::fields::fields;
use super::{Keys, LineError, asked, is_request, parts, plain, proxies, request_line};
use serde_json::{Map, Value};

/// How a server dealt with a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// The status; 0 where the line has none.
    pub status: u16,
    /// How long it took.
    pub took: Took,
    /// Method and target, as [`Entry`](super::Entry) has them; `None` where no HTTP request is logged.
    pub asked: Option<(String, String)>,
}

/// What a line says of the answer, read once; the framing of collectors is taken away
/// first, as [`entry`](super::entry) does it.
///
/// Read are the common and the combined format (also Traefik's), JSON, the text of Envoy, Istio, HAProxy and
/// the load balancers of AWS. The time is read where its unit is certain: the format, the name of the key
/// (`duration_ms`) or the value (`"12ms"`) says it, or the shape of the line shows its program (nginx, Apache
/// `%T/%D`, Caddy, Traefik, Envoy, pino, Kong, Google Cloud, Elastic Common Schema). Else it is
/// [`Took::Unclear`], unless `unit_ns` says what the last field of a line of text, or the time of a JSON
/// object, counts.
///
/// # Errors
/// Those of [`entry`](super::entry), but that a line without a request has an answer, too.
pub fn served(line: &[u8], unit_ns: Option<u64>) -> Result<Served, LineError> {
    let line = match logged(line, is_served)? {
        Logged::Object(object) => return Ok(of_object(&object, unit_ns)),
        Logged::Text(line) => line,
    };
    let Some(parts) = parts(&line) else {
        return proxies::served(&line).ok_or(LineError::Form);
    };
    let mut behind = fields(parts.behind);
    if parts.agent.is_none() {
        // Status and bytes are numbers, and no time.
        behind.drain(..behind.len().min(2));
    }
    Ok(Served {
        asked: owned(asked(&parts.request)),
        status: parts.status,
        took: duration::of_fields(&behind, unit_ns),
    })
}

/// Does the line have a request, or an answer and its time?
fn is_served(line: &Logged<'_>) -> bool {
    let is_answer = |object| {
        let read = of_object(object, None);
        read.status != 0 && read.took != Took::Missing
    };
    is_request(line) || matches!(line, Logged::Object(object) if is_answer(object))
}

pub(super) fn owned(asked: Result<(&str, &str), LineError>) -> Option<(String, String)> {
    let (method, target) = asked.ok()?;
    Some((method.to_owned(), target.to_owned()))
}

const STATUS: [&str; 8] = [
    "status",
    "statuscode",
    "httpresponsestatuscode",
    "responsestatuscode",
    "responsestatus",
    "responsecode",
    "downstreamstatus",
    "httprequeststatus",
];

fn of_object(object: &Map<String, Value>, unit_ns: Option<u64>) -> Served {
    let mut numbers = Vec::new();
    collect_numbers("", object, 0, &mut numbers);
    let status = STATUS
        .iter()
        .find_map(|status| numbers.iter().find(|(name, _)| name == status));
    let line = request_line(object, &Keys::of(object));
    Served {
        asked: line.ok().and_then(|line| owned(asked(&line))),
        status: status
            .filter(|(_, status)| (100.0..600.0).contains(status))
            .map_or(0, |(_, status)| *status as u16),
        took: duration::of_object(object, unit_ns),
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

#[cfg(test)]
mod tests;
