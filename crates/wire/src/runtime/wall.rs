//! Times of the system's clock as logs write them: `2026-11-29T10:00:00.123+0000`.

use super::number::{Decimal, SECOND, decimal};

/// Nanoseconds since 1970-01-01 UTC. The offset is `Z`, `+hhmm` or `+hh:mm`; without one the time is not
/// known.
pub(super) fn time(text: &str) -> Option<Decimal> {
    let (date, rest) = text.split_once('T')?;
    let number = |text: &str, digits: usize, most: u64| {
        let is_number = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
        let number: u64 = is_number.then(|| text.parse().ok()).flatten()?;
        (number <= most).then_some(number)
    };
    let mut parts = date.split('-');
    let year = number(parts.next()?, 4, 9999).filter(|year| *year >= 1970)?;
    let month = number(parts.next()?, 2, 12).filter(|month| *month > 0)?;
    let day = number(parts.next()?, 2, 31).filter(|day| *day > 0)?;
    let at = rest.find(['Z', '+', '-'])?;
    let (clock, offset) = rest.split_at(at);
    let mut parts = clock.split(':');
    let (hour, minute) = (number(parts.next()?, 2, 23)?, number(parts.next()?, 2, 59)?);
    let text = parts
        .next()
        .filter(|_| parts.next().is_none())?
        .replace(',', ".");
    let seconds = decimal(&text, SECOND).filter(|seconds| seconds.ns <= 61 * SECOND)?;
    let minutes = days(year, month, day) * 1_440 + hour * 60 + minute;
    let digits: String = offset[1..].chars().filter(|c| *c != ':').collect();
    let east = match offset.as_bytes()[0] {
        b'Z' if digits.is_empty() => 0,
        b'Z' => return None,
        _ => number(digits.get(..2)?, 2, 23)? * 60 + number(digits.get(2..)?, 2, 59)?,
    };
    let minutes = match offset.starts_with('-') {
        true => minutes.checked_add(east)?,
        false => minutes.checked_sub(east)?,
    };
    Some(Decimal {
        ns: minutes.checked_mul(60 * SECOND)?.checked_add(seconds.ns)?,
        step_ns: seconds.step_ns,
    })
}

/// Days since 1970-01-01 (Howard Hinnant, `days_from_civil`).
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_date() {
        // By `date -u -d ... +%s%N`.
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-29T10:00:00.123+0000", 1_795_946_400_123_000_000),
            ("2026-11-29T10:00:00.123Z", 1_795_946_400_123_000_000),
            ("2026-11-29T12:30:00.123+02:30", 1_795_946_400_123_000_000),
            ("2026-11-29T02:00:00,123-0800", 1_795_946_400_123_000_000),
            ("2024-02-29T23:59:59.5Z", 1_709_251_199_500_000_000),
        ] {
            assert_eq!(time(text).map(|at| at.ns), Some(expected), "{text}");
        }
        let step = time("2026-11-29T10:00:00.123Z").map(|at| at.step_ns);
        assert_eq!(step, Some(1_000_000));
        for text in [
            "2026-11-29T10:00:00.123",
            "2026-13-29T10:00:00Z",
            "2026-11-29 10:00:00Z",
            "1969-11-29T10:00:00Z",
            "2026-11-29T10:00Z",
            "2026-11-29T10:00:00+9",
            "1970-01-01T00:00:00+0100",
            "T",
            "",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
