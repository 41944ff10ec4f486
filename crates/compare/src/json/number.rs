//! Numbers as text of any length.

/// Have two JSON numbers the same value? Exact: `1`, `1.0` and `10e-1` do, `9007199254740992` and
/// `9007199254740993` do not. Two numbers whose exponents have more than 18 digits are the same only
/// when they are written the same (or zero).
pub(crate) fn same_value(a: &str, b: &str) -> bool {
    a == b || Decimal::of(a).is_some_and(|a| Some(a) == Decimal::of(b))
}

/// How many digits a number has after its point; `None` with an exponent or without a point.
pub(crate) fn fraction_digits(text: &str) -> Option<usize> {
    let (_, fraction) = text.split_once('.')?;
    fraction
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some(fraction.len())
}

/// `digits` times ten to the power of `exponent`, without zeros at either end of `digits`.
#[derive(PartialEq)]
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    fn of(text: &str) -> Option<Decimal> {
        let (negative, text) = text
            .strip_prefix('-')
            .map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: Vec<u8> = whole
            .bytes()
            .chain(fraction.bytes())
            .skip_while(|&digit| digit == b'0')
            .collect();
        let length = digits.len();
        digits.truncate(
            digits
                .iter()
                .rposition(|&digit| digit != b'0')
                .map_or(0, |last| last + 1),
        );
        if digits.is_empty() {
            return Some(Decimal {
                negative: false,
                digits,
                exponent: 0,
            });
        }
        let moved = (length - digits.len()) as i64 - fraction.len() as i64;
        Some(Decimal {
            negative,
            exponent: bounded(exponent)?.checked_add(moved)?,
            digits,
        })
    }
}

/// The exponent, if it has at most 18 significant digits.
fn bounded(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.trim_start_matches('0');
    match digits.len() {
        0 => Some(0),
        1..=18 => digits.parse::<i64>().ok().map(|value| sign * value),
        _ => None,
    }
}
