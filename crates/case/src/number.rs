//! Numbers as people of different countries write them, where that has one meaning.

/// Why a text is not one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NumberError {
    /// It is not a number.
    Not,
    /// The separator may be before thousands or before decimals.
    Ambiguous {
        /// The number if it separates thousands.
        thousands: String,
        /// The number if it separates decimals; `None` unless it is then valid.
        decimal: String,
    },
}

/// `20 GiB` as `20` and `GiB`: everything up to the last digit of the number, and the unit.
pub(crate) fn split(text: &str) -> (&str, &str) {
    let is_inside =
        |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '_' | '-' | '+') || is_group(c);
    let end = text.find(|c| !is_inside(c)).unwrap_or(text.len());
    let number = text[..end].trim_end_matches(is_group);
    (number, text[number.len()..].trim())
}

/// A sign that is between groups of three digits and nowhere else: apostrophes, and spaces of every width.
fn is_group(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}') || c.is_whitespace()
}

/// A number in the notation of programs.
///
/// # Errors
/// It is not a number, or could be two.
pub(crate) fn plain(text: &str) -> Result<String, NumberError> {
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (&text[..1], digits),
        None => ("", text),
    };
    let signed = |number: String| format!("{}{number}", sign.trim_start_matches('+'));
    if let Some(group) = digits.chars().find(|c| is_group(*c)) {
        let (whole, decimals) = digits.split_once(['.', ',']).unwrap_or((digits, ""));
        return grouped(whole, group)
            .and_then(|whole| with(&whole, decimals))
            .map(signed);
    }
    let digits = digits.replace('_', "");
    let separators: Vec<(usize, char)> = digits
        .char_indices()
        .filter(|(_, c)| matches!(c, '.' | ','))
        .collect();
    match separators.as_slice() {
        [] => with(&digits, ""),
        [(at, _)] => one_separator(&digits[..*at], &digits[at + 1..], sign),
        // Several of one kind separate thousands, and the last of two kinds separates decimals.
        [(_, first), .., (at, last)] => match first == last {
            true => grouped(&digits, *first),
            false => {
                grouped(&digits[..*at], *first).and_then(|whole| with(&whole, &digits[at + 1..]))
            }
        },
    }
    .map(signed)
}

fn one_separator(whole: &str, rest: &str, sign: &str) -> Result<String, NumberError> {
    let number = with(whole, rest)?;
    let is_group = rest.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0');
    match is_group {
        false => Ok(number),
        true => Err(NumberError::Ambiguous {
            thousands: format!("{sign}{whole}{rest}"),
            decimal: format!("{sign}{whole}.{rest}0"),
        }),
    }
}

/// Digits in groups of three.
fn grouped(text: &str, between: char) -> Result<String, NumberError> {
    let mut groups = text.split(between);
    let first = groups.next().unwrap_or_default();
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_whole = is_digits(first)
        && first.len() <= 3
        && groups.all(|group| group.len() == 3 && is_digits(group));
    is_whole
        .then(|| text.replace(between, ""))
        .ok_or(NumberError::Not)
}

/// Digits with decimals.
fn with(whole: &str, decimals: &str) -> Result<String, NumberError> {
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    match (whole, decimals) {
        _ if !is_digits(whole) || !is_digits(decimals) => Err(NumberError::Not),
        ("", "") => Err(NumberError::Not),
        (whole, "") => Ok(whole.to_owned()),
        ("", decimals) => Ok(format!("0.{decimals}")),
        (whole, decimals) => Ok(format!("{whole}.{decimals}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_has_one_meaning_is_read() {
        for (text, expected) in [
            ("20000", "20000"),
            ("20_000", "20000"),
            ("-5", "-5"),
            ("+5", "5"),
            ("0.031611", "0.031611"),
            ("0.123", "0.123"),
            ("0,123", "0.123"),
            (".5", "0.5"),
            ("20.5", "20.5"),
            ("20,5", "20.5"),
            ("20,50", "20.50"),
            ("1234.567", "1234.567"),
            ("1234,567", "1234.567"),
            ("1.2345", "1.2345"),
            ("1.234.567", "1234567"),
            ("1,234,567", "1234567"),
            ("1,234.56", "1234.56"),
            ("1.234,56", "1234.56"),
            ("1,234,567.8", "1234567.8"),
            ("1'234", "1234"),
            ("1\u{2019}234.5", "1234.5"),
            ("1 234", "1234"),
            ("12 345 678,9", "12345678.9"),
            ("1\u{a0}234", "1234"),
            ("1\u{202f}234", "1234"),
            ("-1 234", "-1234"),
        ] {
            assert_eq!(plain(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_has_two_meanings_is_refused_with_both() {
        for (text, thousands, decimal) in [
            ("20.000", "20000", "20.0000"),
            ("1.234", "1234", "1.2340"),
            ("1,234", "1234", "1.2340"),
            ("-10.000", "-10000", "-10.0000"),
            ("999,999", "999999", "999.9990"),
        ] {
            let error = NumberError::Ambiguous {
                thousands: thousands.to_owned(),
                decimal: decimal.to_owned(),
            };
            assert_eq!(plain(text), Err(error), "{text}");
            assert!(
                plain(thousands).is_ok() && plain(decimal).is_ok(),
                "both can be written"
            );
        }
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        for text in [
            "",
            "-",
            ".",
            "1 23",
            "12 34 567",
            "1.23.456",
            "1,23,456.7",
            "1,234,56",
            "1.2,3.4",
            "1''234",
            "1--2",
            "5-",
            "1 234 ",
            "0.123.45",
        ] {
            assert_eq!(plain(text), Err(NumberError::Not), "{text}");
        }
    }

    #[test]
    fn a_number_ends_where_its_unit_begins() {
        for (text, number, unit) in [
            ("20 GiB", "20", "GiB"),
            ("4GB", "4", "GB"),
            ("1 234 USD", "1 234", "USD"),
            ("1\u{a0}234\u{a0}USD", "1\u{a0}234", "USD"),
            ("20%", "20", "%"),
            ("12000/s", "12000", "/s"),
            ("500m", "500", "m"),
            ("USD", "", "USD"),
        ] {
            assert_eq!(split(text), (number, unit), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_number_is_read_in_every_notation(number in 1_000u64..1_000_000_000_000, cents in 0u8..100) {
            let digits = number.to_string();
            let group = |between: &str| {
                let (first, rest) = digits.split_at((digits.len() - 1) % 3 + 1);
                let rest = rest.as_bytes().chunks(3).map(|chunk| std::str::from_utf8(chunk).unwrap());
                std::iter::once(first).chain(rest).collect::<Vec<_>>().join(between)
            };
            for (between, decimal) in [(",", "."), (".", ","), ("'", "."), (" ", ","), ("\u{202f}", ",")] {
                let text = format!("{}{decimal}{cents:02}", group(between));
                prop_assert_eq!(plain(&text), Ok(format!("{digits}.{cents:02}")), "{}", text);
            }
        }

        #[test]
        fn no_text_panics(text: String, signs in "[-+0-9.,' _]{0,12}") {
            for text in [text, signs] {
                let (number, _) = split(&text);
                if let Ok(number) = plain(number) {
                    prop_assert!(number.parse::<f64>().is_ok(), "{}", number);
                }
            }
        }
    }
}
