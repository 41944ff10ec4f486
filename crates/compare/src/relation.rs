//! How far apart two values are, and which values are identifiers.

use crate::date::{Day, http_date};
use crate::json::{Json, Value};
use crate::tree::{NAME, Seen};
use crate::{character, text};
use understudy_model::{Bond, Course, Distance, Relation};

/// Smallest exponent of a distance: no double is smaller.
const SMALLEST: i16 = -1074;
/// Fewest characters of an identifier that is not drawn twice by chance: 64 bits as hexadecimal.
const LONG: usize = 16;

/// A text or number at a place, as far as relations go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Plain<'a> {
    Number(&'a str),
    Text(&'a str),
}

impl<'a> Plain<'a> {
    /// The value a document has at a place, if it is one of these.
    pub(crate) fn seen(seen: Seen<'a>) -> Option<Plain<'a>> {
        match seen {
            Seen::Value(json) => Plain::json(json),
            Seen::Name(name) => Some(Plain::Text(name)),
            Seen::Absent | Seen::Times(_) => None,
        }
    }

    fn json(json: &'a Json) -> Option<Plain<'a>> {
        match json.value() {
            Value::Number(text) => Some(Plain::Number(text)),
            Value::String(text) => Some(Plain::Text(text)),
            _ => None,
        }
    }

    pub(crate) fn text(self) -> &'a str {
        match self {
            Plain::Number(text) | Plain::Text(text) => text,
        }
    }

    /// Its value, if it is a number or a text of digits.
    pub(crate) fn number(self) -> Option<f64> {
        let text = match self {
            Plain::Number(text) => text,
            Plain::Text(text) => Some(text).filter(|text| {
                (1..=19).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
            })?,
        };
        text.parse().ok().filter(|number: &f64| number.is_finite())
    }

    pub(crate) fn is_moment(self) -> bool {
        self.moment().is_some()
    }

    /// Seconds since 1970, if it is a moment or a day.
    fn moment(self) -> Option<f64> {
        match self {
            Plain::Number(text) => epoch(text),
            Plain::Text(text) => epoch(text).or_else(|| moment(text)),
        }
    }
}

/// How far apart two values are; `None` where their form has no measure.
pub(crate) fn distance(a: Plain<'_>, b: Plain<'_>) -> Option<Distance> {
    if let Some(apart) = seconds_apart(a, b) {
        let seconds = exponent(apart).max(1);
        return Some(Distance::Time { seconds });
    }
    let (x, y) = (a.number()?, b.number()?);
    let apart = exactly(a.text(), b.text()).unwrap_or((x - y).abs());
    Some(Distance::Number {
        absolute: exponent(apart),
        relative: exponent(apart / x.abs().max(y.abs())),
    })
}

/// How far apart two moments are, seconds; `None` where one of them is none.
pub(crate) fn seconds_apart(a: Plain<'_>, b: Plain<'_>) -> Option<f64> {
    // Milliseconds in place of seconds may be the same moment and are not the same value.
    let one_unit = a.number().is_none() || whole(a.text()).len() == whole(b.text()).len();
    let apart = (a.moment()? - b.moment()?).abs();
    one_unit.then_some(apart)
}

/// The farthest that the relations of one place go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) seconds: Option<i16>,
    pub(crate) number: Option<(i16, i16)>,
    /// There were values without a measure.
    pub(crate) beyond_measure: bool,
    pub(crate) fell: bool,
    /// Identifiers were met again: they still map to each other, or no longer do.
    pub(crate) kept: bool,
    pub(crate) broke: bool,
}

impl Reach {
    /// Takes in one more; true if it goes beyond all before.
    pub(crate) fn take(&mut self, relation: &Relation) -> bool {
        let before = *self;
        match relation.distance {
            None => self.beyond_measure = true,
            Some(Distance::Time { seconds }) => self.seconds = self.seconds.max(Some(seconds)),
            Some(Distance::Number { absolute, relative }) => {
                let (a, r) = self.number.unwrap_or((absolute, relative));
                self.number = Some((a.max(absolute), r.max(relative)));
            }
        }
        self.fell |= relation.course == Some(Course::Fell);
        self.kept |= matches!(relation.bond, Some(Bond::Kept | Bond::Unnamed));
        self.broke |= relation.bond == Some(Bond::Broken);
        *self != before
    }
}

/// The difference of two integers that a double cannot hold.
fn exactly(a: &str, b: &str) -> Option<f64> {
    let (a, b): (i128, i128) = (a.parse().ok()?, b.parse().ok()?);
    Some(a.checked_sub(b)?.unsigned_abs() as f64)
}

/// The least e with `x <= 2^e`, taken from the bits: a logarithm may differ in its last digit from
/// one machine to the next.
fn exponent(x: f64) -> i16 {
    if x.is_nan() || x < f64::MIN_POSITIVE {
        return SMALLEST;
    }
    let bits = x.to_bits();
    let below = ((bits >> 52) & 0x7ff) as i16 - 1023;
    let is_power = bits & ((1 << 52) - 1) == 0;
    below + i16::from(!is_power)
}

/// The digits before the point.
fn whole(text: &str) -> &str {
    text.split('.').next().unwrap_or_default()
}

/// Seconds since 1970 of a count of seconds, milliseconds, microseconds or nanoseconds that lies
/// between 2001 and 2100.
fn epoch(text: &str) -> Option<f64> {
    let unit = match whole(text).len() {
        10 => 1.0,
        13 => 1e3,
        16 => 1e6,
        19 => 1e9,
        _ => return None,
    };
    let is_digits = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    let number = is_digits(text)
        .then(|| text.parse::<f64>().ok())
        .flatten()?;
    Some(number / unit).filter(|seconds| (1e9..4.1e9).contains(seconds))
}

/// Seconds since 1970 of a date with or without time: RFC 3339 and its relatives, HTTP.
fn moment(text: &str) -> Option<f64> {
    if character::of_text(text).0.starts_with("timestamp basic") {
        let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
        let (y, m, d) = (part(0, 4), part(4, 6), part(6, 8));
        let (h, min, s) = (part(9, 11), part(11, 13), part(13, 15));
        return moment(&format!("{y}-{m}-{d}T{h}:{min}:{s}Z"));
    }
    let (date, rest) = text.split_at_checked(10)?;
    let Ok(day) = date.parse::<Day>() else {
        return http_date(text).map(|seconds| seconds as f64);
    };
    let midnight = day.since_epoch() as f64 * 86_400.0;
    let Some(time) = rest.strip_prefix(['T', 't', ' ']) else {
        return rest.is_empty().then_some(midnight);
    };
    // The zone begins at the first character that belongs to no time of day.
    let end = time
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.' | ',')))
        .unwrap_or(time.len());
    let (clock, zone) = time.split_at(end);
    let clock = clock.replace(',', ".");
    let mut parts = clock.splitn(3, ':');
    let mut part = || parts.next()?.parse::<f64>().ok();
    let of_day = part()? * 3600.0 + part()? * 60.0 + part()?;
    Some(midnight + of_day - offset(zone)?)
}

/// Seconds by which a zone is ahead of UTC. A local time is taken for UTC: only distances count.
fn offset(zone: &str) -> Option<f64> {
    let (sign, rest) = match zone.chars().next() {
        None | Some('Z' | 'z') => return Some(0.0),
        Some('+') => (1.0, &zone[1..]),
        Some('-') => (-1.0, &zone[1..]),
        Some(_) => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let seconds = hours.parse::<f64>().ok()? * 3600.0 + minutes.parse::<f64>().ok()? * 60.0;
    Some(sign * seconds)
}

/// Is a value an identifier, and by which text is it known?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identifier {
    /// So long that it is the same thing at every place.
    Long,
    /// A short one, at a place that is named like one: it counts among those of its name.
    Short,
}

/// Is the value at a place of this name an identifier?
pub(crate) fn identifier(name: &str, value: Plain<'_>) -> Option<Identifier> {
    if let Plain::Text(text) = value
        && is_long(&character::of_text(text).0)
    {
        return Some(Identifier::Long);
    }
    let is_short = match value {
        Plain::Number(text) => text.bytes().all(|byte| byte.is_ascii_digit()),
        Plain::Text(text) => !text.is_empty() && text.len() <= 64 && !text.contains(' '),
    };
    (names_identifiers(name) && is_short).then_some(Identifier::Short)
}

/// Does the name of a place say that its values are identifiers?
fn names_identifiers(name: &str) -> bool {
    matches!(name, "id" | "Id" | "ID" | "uuid" | "guid")
        || ["_id", "-id", "Id", "ID", "_uuid", "Uuid"]
            .iter()
            .any(|end| name.ends_with(end))
}

/// Does the name of a place say that its values mean nothing but themselves? Besides identifiers these are
/// entity tags (RFC 9110, section 8.8.3).
pub(crate) fn is_opaque(name: &str) -> bool {
    names_identifiers(name) || name == "etag" || name == NAME
}

/// Is a name of a member one that only a generator writes: a UUID, or at least 64 bits of hexadecimal or of base64?
/// The entries of such an object are a list in which each has an identifier.
pub(crate) fn is_made_up(name: &str) -> bool {
    name.len() >= LONG && {
        let character = character::of_text(name).0;
        is_long(&character) && (!character.starts_with("token") || text::is_random_run(name))
    }
}

/// Has an identifier of this character at least 64 bits?
pub(crate) fn is_long(character: &str) -> bool {
    let form = character.strip_prefix("quoted ").unwrap_or(character);
    match form.split_once(' ') {
        None => form == "uuid",
        Some(("hex" | "hex-upper", length)) => length.parse().is_ok_and(|n: usize| n >= LONG),
        Some(("token", _)) => true,
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn apart(a: &str, b: &str) -> Option<Distance> {
        distance(Plain::Text(a), Plain::Text(b))
    }

    fn numbers(a: &str, b: &str) -> (i16, i16) {
        match distance(Plain::Number(a), Plain::Number(b)) {
            Some(Distance::Number { absolute, relative }) => (absolute, relative),
            other => panic!("{a} {b}: {other:?}"),
        }
    }

    #[test]
    fn moments_are_apart_by_time_in_whatever_form() {
        let seconds = |a: &str, b: &str| match apart(a, b) {
            Some(Distance::Time { seconds }) => seconds,
            other => panic!("{a} {b}: {other:?}"),
        };
        for (a, b, expected) in [
            ("2024-05-01T10:00:00Z", "2024-05-01T10:00:01.5Z", 1),
            ("2024-05-01T10:00:00Z", "2024-05-01T11:00:00Z", 12),
            ("2024-05-01T10:00:00Z", "2024-05-01T12:00:00+02:00", 1),
            ("2024-05-01T10:00:00Z", "2024-05-01T12:00:00-00:30", 14),
            ("2024-05-01 10:00:00", "2024-05-01 10:00:03,25", 2),
            ("2024-05-01", "2024-05-02", 17),
            (
                "Sun, 06 Nov 1994 08:49:37 GMT",
                "Sun, 06 Nov 1994 08:49:47 GMT",
                4,
            ),
            ("1732500000", "1732500064", 6),
            ("1732500000000", "1732500000999", 1),
            ("1732500000.25", "1732500003.5", 2),
        ] {
            assert_eq!(seconds(a, b), expected, "{a} {b}");
        }
        for (a, b) in [
            ("2024-05-01T10:00:00Z", "yesterday"),
            ("2024-05-01T10:00:00X", "2024-05-01T10:00:00Z"),
            ("hello", "world"),
            ("", ""),
        ] {
            assert_eq!(apart(a, b), None, "{a} {b}");
        }
    }

    #[test]
    fn numbers_are_apart_absolutely_and_relatively() {
        assert_eq!(numbers("3", "5"), (1, -1));
        assert_eq!(numbers("3", "-5"), (3, 1));
        assert_eq!(numbers("0", "7"), (3, 0));
        assert_eq!(numbers("0.1", "0.10000000000000002"), (-56, -52));
        // Beyond what a double holds.
        assert_eq!(numbers("90071992547409930", "90071992547409931").0, 0);
        assert_eq!(numbers("0", "0.0"), (SMALLEST, SMALLEST));
        assert_eq!(
            numbers("1732500000", "1732500000000"),
            (41, 0),
            "another unit"
        );
        assert_eq!(
            distance(Plain::Number("1e999"), Plain::Number("1")),
            None,
            "no distance to what a double cannot hold"
        );
    }

    #[test]
    fn identifiers_are_known_by_form_or_by_name() {
        let of = |name, text| identifier(name, Plain::Text(text));
        let uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
        assert_eq!(of("x", uuid), Some(Identifier::Long));
        assert_eq!(of("x", "d41d8cd98f00b204"), Some(Identifier::Long));
        assert_eq!(of("etag", "W/\"d41d8cd98f00b204\""), Some(Identifier::Long));
        assert_eq!(of("x", "d41d8cd9"), None);
        assert_eq!(of("userId", "d41d8cd9"), Some(Identifier::Short));
        assert_eq!(
            identifier("user_id", Plain::Number("7")),
            Some(Identifier::Short)
        );
        assert_eq!(identifier("paid", Plain::Number("7")), None);
        assert_eq!(identifier("id", Plain::Number("7.5")), None);
        assert_eq!(of("at", "2024-05-01T10:00:00.123Z"), None);
    }

    proptest! {
        #[test]
        fn a_distance_is_the_same_both_ways_and_bounds_what_it_measures(a in -1e12f64..1e12, b in -1e12f64..1e12) {
            let (x, y) = (a.to_string(), b.to_string());
            let there = distance(Plain::Number(&x), Plain::Number(&y));
            prop_assert_eq!(there, distance(Plain::Number(&y), Plain::Number(&x)));
            if let Some(Distance::Number { absolute, .. }) = there {
                prop_assert!((a - b).abs() <= f64::from(absolute).exp2());
                prop_assert!((a - b).abs() > f64::from(absolute - 1).exp2() || absolute == SMALLEST);
            }
        }

        #[test]
        fn no_text_makes_it_panic(a: String, b in "\\PC{0,12}[T ]?[0-9:.,+Z-]{0,12}") {
            let _ = apart(&a, &b);
            let _ = moment(&b);
            let _ = identifier(&a, Plain::Text(&b));
        }
    }
}
