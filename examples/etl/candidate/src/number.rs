//! Decimal numbers as integers of their last digit.

/// A decimal text such as `12.5` as an integer with this many digits after the point; none if it is not a number or
/// has more digits.
pub(crate) fn fixed(text: &str, digits: usize) -> Option<i64> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = !(whole.is_empty() && fraction.is_empty());
    if !is_number || fraction.len() > digits || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let mut value: i64 = 0;
    for byte in format!("{whole}{fraction:0<digits$}").bytes() {
        value = value.checked_mul(10)?.checked_add((byte - b'0').into())?;
    }
    Some(if negative { -value } else { value })
}

/// Divides and rounds half to even, as `Decimal.quantize` of Python does.
pub(crate) fn rounded(value: i128, by: i128) -> i128 {
    let (whole, rest) = (value.div_euclid(by), value.rem_euclid(by));
    match (rest * 2).cmp(&by) {
        std::cmp::Ordering::Less => whole,
        std::cmp::Ordering::Equal => whole + (whole & 1),
        std::cmp::Ordering::Greater => whole + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_exactly() {
        let cases = [
            ("12.50", Some(1250)),
            ("12.5", Some(1250)),
            ("12", Some(1200)),
            ("12.", Some(1200)),
            (".5", Some(50)),
            ("-0.01", Some(-1)),
            ("", None),
            (".", None),
            ("n/a", None),
            ("1,5", None),
            ("1.234", None),
            ("99999999999999999999", None),
        ];
        for (text, expected) in cases {
            assert_eq!(fixed(text, 2), expected, "{text}");
        }
    }

    #[test]
    fn halves_go_to_the_even_neighbour() {
        let cases = [(24, 2), (25, 2), (26, 3), (35, 4), (-25, -2), (-35, -4)];
        for (value, expected) in cases {
            assert_eq!(rounded(value, 10), expected, "{value}");
        }
    }
}
