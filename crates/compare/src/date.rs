//! Dates as HTTP writes them, and calendar days.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    year: u16,
    month: u8,
    day: u8,
}

/// A text or numbers that are not a day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a day such as \"2026-01-31\"")]
pub struct DayError(String);

impl Day {
    /// The day of these numbers, month and day counted from 1.
    ///
    /// # Errors
    /// When the calendar has no such day.
    pub fn new(year: u16, month: u8, day: u8) -> Result<Day, DayError> {
        let days = match month {
            2 if year.is_multiple_of(4)
                && (!year.is_multiple_of(100) || year.is_multiple_of(400)) =>
            {
                29
            }
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => 0,
        };
        if (1..=days).contains(&day) && year <= 9999 {
            Ok(Day { year, month, day })
        } else {
            Err(DayError(format!("{year:04}-{month:02}-{day:02}")))
        }
    }

    /// Days since 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms").
    pub(crate) fn since_epoch(self) -> i64 {
        let (month, day) = (i64::from(self.month), i64::from(self.day));
        let year = i64::from(self.year) - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Day, DayError> {
        let error = || DayError(text.chars().take(40).collect());
        let parts: Vec<&str> = text.split('-').collect();
        let [year, month, day] = parts.as_slice() else {
            return Err(error());
        };
        let number = |text: &str, digits: usize| {
            let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
            if plain {
                text.parse::<u16>().ok()
            } else {
                None
            }
        };
        let day = number(year, 4).zip(number(month, 2)).zip(number(day, 2));
        let ((year, month), day) = day.ok_or_else(error)?;
        Day::new(year, month as u8, day as u8).map_err(|_| error())
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Seconds since 1970 of a date as cookies and headers write it, read as RFC 6265, section 5.1.1,
/// asks: every form in use (RFC 1123, RFC 850, asctime, with hyphens) is understood.
pub(crate) fn http_date(text: &str) -> Option<i64> {
    let delimiter = |c: char| matches!(c, '\t' | ' '..='/' | ';'..='@' | '['..='`' | '{'..='~');
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(delimiter).filter(|token| !token.is_empty()) {
        if time.is_none() && token.contains(':') {
            time = Some(time_of_day(token)?);
        } else if let Ok(number) = token.parse::<u16>() {
            match (day, token.len()) {
                (None, 1..=2) => day = Some(number),
                (None, 3..=4) | (Some(_), 2..=4) if year.is_none() => {
                    year = Some(full_year(number))
                }
                _ => return None,
            }
        } else if month.is_none() {
            month = month_of(token);
        }
    }
    let day = Day::new(year?, month?, u8::try_from(day?).ok()?).ok()?;
    Some(day.since_epoch() * 86_400 + time?)
}

fn time_of_day(token: &str) -> Option<i64> {
    let parts: Vec<i64> = token
        .split(':')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    match parts.as_slice() {
        [h @ 0..=23, m @ 0..=59, s @ 0..=60] => Some(h * 3600 + m * 60 + s),
        _ => None,
    }
}

fn full_year(year: u16) -> u16 {
    match year {
        0..=69 => year + 2000,
        70..=99 => year + 1900,
        _ => year,
    }
}

fn month_of(token: &str) -> Option<u8> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let start = token.get(..3)?.to_ascii_lowercase();
    (1..)
        .zip(MONTHS)
        .find(|(_, name)| *name == start)
        .map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_date_in_use_is_the_same_moment() {
        // `date -u -d '1994-11-06 08:49:37' +%s`
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 06-Nov-1994 08:49:37 GMT",
        ] {
            assert_eq!(http_date(text), Some(784_111_777), "{text}");
        }
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(
            http_date("Tue, 29 Feb 2000 12:00:00 GMT"),
            Some(951_825_600)
        );
        for text in [
            "",
            "0",
            "-1",
            "yesterday",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "1994",
            "1:2:3:4",
        ] {
            assert_eq!(http_date(text), None, "{text}");
        }
    }

    #[test]
    fn days_are_read_written_and_ordered() {
        let day: Day = "2024-02-29".parse().unwrap();
        assert_eq!(day.to_string(), "2024-02-29");
        assert!(day < "2024-03-01".parse().unwrap());
        for text in [
            "",
            "2023-02-29",
            "2024-2-9",
            "2024-13-01",
            "2024-01-00",
            "+024-01-01",
            "tomorrow",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }
}
