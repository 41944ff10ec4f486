//! The time that a request took, out of a line of an access log: only where its unit is certain.

use super::fields::Field;
use serde_json::{Map, Value};

/// How long a request took, as far as its line says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Took {
    /// So many nanoseconds, as the server counts.
    Known(u64),
    /// The line has a number that may be the time, in a unit that nothing in it says.
    Unclear,
    /// The line has no time.
    #[default]
    Missing,
}

impl Took {
    /// The nanoseconds, where they are known.
    pub fn ns(self) -> Option<u64> {
        match self {
            Took::Known(ns) => Some(ns),
            Took::Unclear | Took::Missing => None,
        }
    }

    /// A negative time, or one longer than a day, is a mistake of the log.
    pub(super) fn of(number: f64, unit_ns: u64) -> Took {
        let ns = number * unit_ns as f64;
        match (0.0..=86_400.0 * SECOND as f64).contains(&ns) {
            true => Took::Known(ns.round() as u64),
            false => Took::Missing,
        }
    }
}

pub(super) const SECOND: u64 = 1_000_000_000;
pub(super) const MILLISECOND: u64 = 1_000_000;
const MICROSECOND: u64 = 1_000;

/// Units as the names of keys end in them; those of one letter only as a word of their own.
const UNITS: [(&str, u64); 20] = [
    ("nanoseconds", 1),
    ("nanos", 1),
    ("nsec", 1),
    ("ns", 1),
    ("microseconds", MICROSECOND),
    ("micros", MICROSECOND),
    ("usec", MICROSECOND),
    ("us", MICROSECOND),
    ("milliseconds", MILLISECOND),
    ("millis", MILLISECOND),
    ("msec", MILLISECOND),
    ("msecs", MILLISECOND),
    ("ms", MILLISECOND),
    ("seconds", SECOND),
    ("second", SECOND),
    ("secs", SECOND),
    ("sec", SECOND),
    ("s", SECOND),
    // What has the unit in its value (`latency_human` of Echo).
    ("human", 0),
    ("string", 0),
];

/// What the time of a request is called.
const TIMES: [&str; 11] = [
    "duration",
    "latency",
    "elapsed",
    "elapsedtime",
    "took",
    "timetaken",
    "responsetime",
    "requesttime",
    "processingtime",
    "totaltime",
    "servicetime",
];
/// Words that may be before it and change nothing.
const LEADING: [&str; 6] = ["http", "request", "req", "response", "res", "total"];

/// What a key says about the unit of its value: `None` if it does not name the time of a request.
fn unit_in_name(name: &str) -> Option<Option<u64>> {
    let words = words(name);
    let joined = words.concat();
    let is_time = |stem: &str| {
        let mut stem = stem;
        loop {
            if TIMES.contains(&stem) {
                return true;
            }
            let Some(rest) = LEADING.iter().find_map(|lead| stem.strip_prefix(lead)) else {
                return false;
            };
            stem = rest;
        }
    };
    if is_time(&joined) {
        return Some(None);
    }
    let last = words.last()?;
    UNITS.iter().find_map(|(unit, ns)| {
        let stem = joined.strip_suffix(unit)?;
        let is_word = unit.len() > 1 || last == unit;
        let stem = stem.strip_suffix("in").filter(|stem| is_time(stem));
        let stem = stem.or_else(|| joined.strip_suffix(unit).filter(|stem| is_time(stem)));
        (is_word && stem.is_some()).then_some((*ns > 0).then_some(*ns))
    })
}

/// The words of a key, in lower case: `responseTimeMs` and `response_time.ms` have three.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut within, mut was_lower) = (false, false);
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() {
            within = false;
            continue;
        }
        let begins = !within || (was_lower && c.is_ascii_uppercase());
        match words.last_mut().filter(|_| !begins) {
            Some(word) => word.push(c.to_ascii_lowercase()),
            None => words.push(c.to_ascii_lowercase().to_string()),
        }
        (within, was_lower) = (true, c.is_ascii_lowercase());
    }
    words
}

/// A number with its unit, as Go, Traefik and Google Cloud write it: `12ms`, `0.012s`, `1m2.5s`.
fn with_unit(text: &str) -> Option<Took> {
    const UNITS: [(&str, u64); 7] = [
        ("ns", 1),
        ("us", MICROSECOND),
        ("µs", MICROSECOND),
        ("μs", MICROSECOND),
        ("ms", MILLISECOND),
        ("s", SECOND),
        ("m", 60 * SECOND),
    ];
    // So ends each of them but a number of minutes or hours, which no server writes.
    let mut rest = text.strip_suffix('s').is_some().then_some(text)?;
    let mut ns = 0.0;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .filter(|at| *at > 0)?;
        let number: f64 = rest[..digits].parse().ok()?;
        let letters = &rest[digits..];
        let end = letters
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(letters.len());
        let unit = letters[..end].trim();
        let unit_ns = match unit {
            "h" => 3_600 * SECOND,
            unit => UNITS.iter().find(|(known, _)| *known == unit)?.1,
        };
        ns += number * unit_ns as f64;
        rest = &letters[end..];
    }
    Some(Took::of(ns, 1))
}

/// The time in the fields behind those of a format. `unit_ns` is what a person says that the last
/// field counts; a unit in the line itself is more certain than that.
///
/// Certain without it: a number with its unit (`12ms`), a name with its unit (`us=4200`), `%T/%D` of Apache
/// (`0/12345`), and the seconds with three decimals that nginx writes as `$request_time`. The largest of
/// those is the whole time: others are of its parts (`$upstream_response_time`).
pub(super) fn of_fields(fields: &[Field<'_>], unit_ns: Option<u64>) -> Took {
    if let Some(took) = one_of(fields.iter().filter_map(|field| named(field))) {
        return took;
    }
    let in_one = fields.iter().filter_map(|field| with_unit(&field.text));
    let in_two = fields.windows(2).filter_map(before_unit);
    if let Some(took) = one_of(in_one.chain(in_two)) {
        return took;
    }
    if let (Some(unit_ns), Some(last)) = (unit_ns, fields.last()) {
        return of_last(&last.text, unit_ns);
    }
    if let Some(took) = one_of(fields.iter().filter_map(|field| apache_pair(&field.text))) {
        return took;
    }
    let seconds = fields.iter().filter_map(|field| nginx_seconds(&field.text));
    if let Some(longest) = seconds.max_by(f64::total_cmp) {
        return Took::of(longest, SECOND);
    }
    let is_number = |field: &Field<'_>| field.value().parse::<f64>().is_ok();
    match fields.iter().any(is_number) {
        true => Took::Unclear,
        false => Took::Missing,
    }
}

/// The only one of several, or all the same; else it is not clear which.
fn one_of(mut all: impl Iterator<Item = Took>) -> Option<Took> {
    let first = all.next()?;
    Some(match all.all(|other| other == first) {
        true => first,
        false => Took::Unclear,
    })
}

/// A number and its unit, apart: `12.345 ms`, as Morgan's formats have it.
fn before_unit(two: &[Field<'_>]) -> Option<Took> {
    let [number, unit] = two else {
        return None;
    };
    let is_unit = |(known, ns): &&(&str, u64)| *known == unit.text && *ns > 0 && !unit.quoted;
    let (_, unit_ns) = UNITS.iter().find(is_unit)?;
    Some(Took::of(number.text.parse().ok()?, *unit_ns))
}

fn of_last(last: &str, unit_ns: u64) -> Took {
    let value = last.rsplit(['=', '/']).next().unwrap_or(last);
    match value.parse::<f64>() {
        Ok(number) => Took::of(number, unit_ns),
        Err(_) if matches!(value, "-" | "") => Took::Missing,
        Err(_) => Took::Unclear,
    }
}

/// `rt=0.012`, `request_time=0.012` as nginx writes them, and names with a unit.
fn named(field: &Field<'_>) -> Option<Took> {
    let (name, value) = field.text.split_once('=')?;
    let value = value.trim_matches('"');
    let plain = words(name).concat();
    let unit = match plain.as_str() {
        "ms" => Some(MILLISECOND),
        "us" => Some(MICROSECOND),
        "ns" => Some(1),
        "rt" | "requesttime" => return Some(Took::of(nginx_seconds(value)?, SECOND)),
        _ => unit_in_name(name)?,
    };
    match (unit, with_unit(value)) {
        (_, Some(took)) => Some(took),
        (Some(unit_ns), None) => Some(Took::of(value.parse().ok()?, unit_ns)),
        (None, None) => None,
    }
}

/// Three decimals, as nginx writes seconds; `$msec` and other moments are not durations of requests.
fn nginx_seconds(text: &str) -> Option<f64> {
    let (whole, decimals) = text.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let seconds: f64 = (digits(whole) && digits(decimals) && decimals.len() == 3)
        .then(|| text.parse().ok())
        .flatten()?;
    (seconds <= 86_400.0).then_some(seconds)
}

/// `%T/%D`: whole seconds, and the same in microseconds.
fn apache_pair(text: &str) -> Option<Took> {
    let (seconds, micros) = text.split_once('/')?;
    let (seconds, micros): (u64, u64) = (seconds.parse().ok()?, micros.parse().ok()?);
    Some(match micros / 1_000_000 == seconds {
        true => Took::of(micros as f64, MICROSECOND),
        false => Took::Unclear,
    })
}

/// Objects in which a time is that of the whole request, and not that of a part of it.
const AROUND: [&str; 18] = [
    "http",
    "request",
    "req",
    "response",
    "res",
    "httprequest",
    "httpresponse",
    "event",
    "meta",
    "metadata",
    "data",
    "fields",
    "attributes",
    "jsonpayload",
    "payload",
    "context",
    "nginx",
    "accesslog",
];

/// A value of an object that may be a time.
struct Candidate<'o> {
    name: &'o str,
    value: &'o Value,
    depth: u8,
}

/// The time in a JSON object. `unit_ns` is what a time without a unit counts, if a person says it.
pub(super) fn of_object(object: &Map<String, Value>, unit_ns: Option<u64>) -> Took {
    if let Some(took) = of_known_writer(object) {
        return took;
    }
    let mut candidates = Vec::new();
    collect(object, 0, &mut candidates);
    let (mut clear, mut unclear) = (Vec::new(), Vec::new());
    for Candidate { name, value, depth } in candidates {
        let (Some(unit), Some(number)) = (unit_in_name(name), Number::of(value)) else {
            continue;
        };
        match (number, unit) {
            (Number::WithUnit(took), _) => clear.push((depth, took)),
            (Number::Plain(number), Some(unit_ns)) => {
                clear.push((depth, Took::of(number, unit_ns)));
            }
            (Number::Plain(number), None) => unclear.push((depth, number)),
        }
    }
    // Deeper, it may be the time of a part.
    let at_top = |depths: &mut dyn Iterator<Item = u8>| depths.min();
    if let Some(top) = at_top(&mut clear.iter().map(|(depth, _)| *depth)) {
        let all = clear.iter().filter(|(depth, _)| *depth == top);
        return one_of(all.map(|(_, took)| *took)).unwrap_or_default();
    }
    let Some(top) = at_top(&mut unclear.iter().map(|(depth, _)| *depth)) else {
        return Took::Missing;
    };
    let Some(unit_ns) = unit_ns else {
        return Took::Unclear;
    };
    let all = unclear.iter().filter(|(depth, _)| *depth == top);
    one_of(all.map(|(_, number)| Took::of(*number, unit_ns))).unwrap_or_default()
}

fn collect<'o>(object: &'o Map<String, Value>, depth: u8, all: &mut Vec<Candidate<'o>>) {
    for (name, value) in object {
        match value {
            Value::Object(inner)
                if depth < 3 && AROUND.contains(&words(name).concat().as_str()) =>
            {
                collect(inner, depth + 1, all);
            }
            Value::Number(_) | Value::String(_) => all.push(Candidate { name, value, depth }),
            _ => {}
        }
    }
}

enum Number {
    WithUnit(Took),
    Plain(f64),
}

impl Number {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => match text.trim().parse() {
                Ok(number) => Some(Number::Plain(number)),
                Err(_) => with_unit(text.trim()).map(Number::WithUnit),
            },
            value => value.as_f64().map(Number::Plain),
        }
    }
}

/// The time where the shape of the object shows which program writes it, and with it the unit.
fn of_known_writer(object: &Map<String, Value>) -> Option<Took> {
    let has = |names: &[&str]| names.iter().any(|name| object.contains_key(*name));
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let number = |name: &str| match Number::of(object.get(name)?)? {
        Number::Plain(number) => Some(number),
        Number::WithUnit(_) => None,
    };
    let whole = |name: &str| number(name).filter(|number| number.fract() == 0.0);
    // Traefik: nanoseconds.
    if has(&["DownstreamStatus", "OriginStatus", "StartUTC", "RouterName"]) && has(&["Duration"]) {
        return Some(whole("Duration").map_or(Took::Unclear, |ns| Took::of(ns, 1)));
    }
    // Caddy: seconds, unless its `duration_format` says otherwise; then they are whole numbers.
    let of_caddy = text("logger").is_some_and(|name| name.starts_with("http.log.access"))
        || text("msg") == Some("handled request");
    if of_caddy && let Some(Value::Number(seconds)) = object.get("duration") {
        let seconds = seconds.as_f64().filter(|_| seconds.is_f64())?;
        return Some(Took::of(seconds, SECOND));
    }
    // Envoy and Istio: milliseconds.
    let of_envoy = has(&[
        "response_flags",
        "upstream_cluster",
        "upstream_host",
        "authority",
        "route_name",
    ]);
    if of_envoy
        && has(&["response_code"])
        && let Some(ms) = whole("duration")
    {
        return Some(Took::of(ms, MILLISECOND));
    }
    // pino-http, Fastify, express-winston: milliseconds.
    let around = std::iter::once(object).chain(object.get("meta").and_then(Value::as_object));
    for object in around {
        if let (Some(Value::Object(_)), Some(Value::Number(ms))) =
            (object.get("res"), object.get("responseTime"))
        {
            return ms.as_f64().map(|ms| Took::of(ms, MILLISECOND));
        }
    }
    let within = |outer: &str, inner: &str| object.get(outer)?.get(inner)?.as_f64();
    // Kong: milliseconds. Elastic Common Schema: nanoseconds.
    if let Some(ms) = within("latencies", "request") {
        return Some(Took::of(ms, MILLISECOND));
    }
    if let Some(ns) = within("event", "duration").or_else(|| number("event.duration")) {
        return Some(Took::of(ns, 1));
    }
    // `$request_time` of nginx: seconds with three decimals.
    match object.get("request_time")? {
        Value::String(text) => nginx_seconds(text).map(|seconds| Took::of(seconds, SECOND)),
        Value::Number(number) => {
            let seconds = number.as_f64().filter(|_| number.is_f64())?;
            let thousandths = seconds * 1e3;
            ((thousandths - thousandths.round()).abs() < 1e-6).then(|| Took::of(seconds, SECOND))
        }
        _ => None,
    }
}
