//! Dates, times and instants of tables: read from text, written as text.

/// Nanoseconds of a second, and of a day.
const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Days since 1970-01-01 of a date such as `2026-01-31`.
pub(super) fn date(text: &str) -> Option<i64> {
    let day: crate::Day = text.parse().ok()?;
    Some(day.since_epoch())
}

/// Nanoseconds since midnight of `12:30`, `12:30:05` or `12:30:05.25`.
pub(super) fn time(text: &str) -> Option<i64> {
    let two = |text: &str| {
        let plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        if plain {
            text.parse::<i64>().ok()
        } else {
            None
        }
    };
    let mut parts = text.split(':');
    let (hours, minutes) = (two(parts.next()?)?, two(parts.next()?)?);
    let (seconds, fraction) = match parts.next() {
        Some(last) => {
            let (seconds, fraction) = last.split_once('.').unwrap_or((last, "0"));
            (two(seconds)?, nanoseconds(fraction)?)
        }
        None => (0, 0),
    };
    let is_time = parts.next().is_none() && hours < 24 && minutes < 60 && seconds < 60;
    is_time.then_some((hours * 3600 + minutes * 60 + seconds) * SECOND + fraction)
}

/// Digits after the point of a second. More than nine have to be zeros: nothing is cut off.
fn nanoseconds(fraction: &str) -> Option<i64> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (kept, cut) = fraction.split_at(fraction.len().min(9));
    if cut.bytes().any(|digit| digit != b'0') {
        return None;
    }
    format!("{kept:0<9}").parse().ok()
}

/// Nanoseconds since 1970 of `2026-01-31`, `2026-01-31 12:30:05.25` or `2026-01-31T12:30:05+01:00`. Without an
/// offset it is taken as UTC.
pub(super) fn timestamp(text: &str) -> Option<i128> {
    if !text.is_ascii() || text.len() < 10 {
        return None;
    }
    let (day, rest) = text.split_at(10);
    let midnight = i128::from(date(day)?) * i128::from(DAY);
    if rest.is_empty() {
        return Some(midnight);
    }
    let clock = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, offset) = match clock.strip_suffix(['Z', 'z']) {
        Some(clock) => (clock, 0),
        None => match clock.rfind(['+', '-']) {
            Some(at) => (&clock[..at], offset(&clock[at..])?),
            None => (clock, 0),
        },
    };
    Some(midnight + i128::from(time(clock)?) - i128::from(offset))
}

/// Nanoseconds of `+01`, `+0130` or `-01:30`.
fn offset(text: &str) -> Option<i64> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text[1..].split(':').collect();
    let whole = match digits.len() {
        2 => time(&format!("{digits}:00")),
        4 => time(&format!("{}:{}", &digits[..2], &digits[2..])),
        _ => None,
    };
    Some(sign * whole?)
}

/// A date as text. Days far outside of the calendar stay a number.
pub(super) fn written_date(days: i64) -> String {
    // Hinnant, "chrono-compatible low-level date algorithms".
    if days.unsigned_abs() > 4_000_000_000 {
        return format!("day {days}");
    }
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = (shifted_month + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A time of day as text.
pub(super) fn written_time(ns: i64) -> String {
    if !(0..=DAY).contains(&ns) {
        return format!("{ns} ns");
    }
    let (seconds, fraction) = (ns / SECOND, ns % SECOND);
    let clock = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    if fraction == 0 {
        return clock;
    }
    format!("{clock}.{}", format!("{fraction:09}").trim_end_matches('0'))
}

/// An instant as text, without a zone: which one it is of is in the type.
pub(super) fn written_timestamp(ns: i128) -> String {
    let day = i128::from(DAY);
    // i64 units of at most a second fit: the quotient is within 10^14 days.
    let days = i64::try_from(ns.div_euclid(day)).unwrap_or(i64::MAX);
    let rest = i64::try_from(ns.rem_euclid(day)).unwrap_or(0);
    format!("{} {}", written_date(days), written_time(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_and_written() {
        let instant = timestamp("2026-01-31T12:30:05.25+01:00").unwrap();
        assert_eq!(written_timestamp(instant), "2026-01-31 11:30:05.25");
        assert_eq!(
            timestamp("2026-01-31 11:30:05.250000000000Z"),
            Some(instant)
        );
        assert_eq!(timestamp("1970-01-01"), Some(0));
        assert_eq!(timestamp("1969-12-31 23:59:59.999999999-00:00"), Some(-1));
        assert_eq!(written_timestamp(-1), "1969-12-31 23:59:59.999999999");
        for wrong in [
            "",
            "2026-02-30",
            "2026-01-31T24:00",
            "2026-01-31T1:2",
            "2026-01-31Tx",
            "äöüäöü",
        ] {
            assert_eq!(timestamp(wrong), None, "{wrong}");
        }
        assert_eq!(
            timestamp("2026-01-31 00:00:00.0000000001"),
            None,
            "nothing is cut off"
        );
        assert_eq!(written_date(-719_162), "0001-01-01");
        assert_eq!(written_date(i64::MIN + 1), "day -9223372036854775807");
        assert_eq!(time("23:59:59.5"), Some(86_399_500_000_000));
    }
}
