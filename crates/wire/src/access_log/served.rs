//! How a server dealt with a request, and how long it took.

use super::{Keys, LineError, MAX_LINE_BYTES, asked, parts, plain, request_line};
use serde_json::{Map, Value};

/// How a server dealt with a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// The status; 0 where the line has none.
    pub status: u16,
    /// How long it took, nanoseconds, as the server counts it; `None` where that is not clear.
    pub took_ns: Option<u64>,
    /// Method and target, as [`Entry`](super::Entry) has them; `None` where no HTTP request is logged.
    pub asked: Option<(String, String)>,
}

/// What a line tells of the answer, read once.
///
/// In a line of text the time is what stands behind the user agent: with its name (`rt=0.012`,
/// `request_time=0.012` in seconds, `us=`, `ms=`), else the first number with a decimal point, in seconds
/// (`$request_time` of nginx). A whole number without a name could be anything (`%D` of Apache is
/// microseconds, `%T` seconds, and others count bytes): it is read only where `unit_ns` says what the last
/// number of a line counts. In JSON the key says the unit, such as `request_time` (s), `duration_ms`,
/// `latency_us`, `event.duration` (ns, Elastic Common Schema) or `responseTime` (ms).
///
/// # Errors
/// Those of [`entry`](super::entry), but that a line without a request tells of an answer, too.
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
        asked: owned(asked(&parts.request)),
        status: parts.status,
        took_ns: match unit_ns {
            Some(unit_ns) => {
                last_number(parts.behind).and_then(|number| nanoseconds(number, unit_ns))
            }
            None => took_behind(parts.behind),
        },
    })
}

fn owned(asked: Result<(&str, &str), LineError>) -> Option<(String, String)> {
    let (method, target) = asked.ok()?;
    Some((method.to_owned(), target.to_owned()))
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
    let line = request_line(object, &Keys::of(object));
    Served {
        asked: line.ok().and_then(|line| owned(asked(&line))),
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
