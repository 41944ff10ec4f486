//! Exact decimal numbers of up to 38 digits: how numbers of different types are compared by value.

/// `mantissa` times ten to the power of `exponent`, without zeros at the end of the mantissa.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) mantissa: i128,
    pub(super) exponent: i32,
}

/// The most digits of a mantissa that always fits.
const DIGITS: usize = 38;

impl Decimal {
    pub(super) fn new(mut mantissa: i128, mut exponent: i32) -> Decimal {
        if mantissa == 0 {
            exponent = 0;
        }
        while mantissa != 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            exponent = exponent.saturating_add(1);
        }
        Decimal { mantissa, exponent }
    }

    /// A finite double as the shortest decimal that reads back as it: what people see of it.
    pub(super) fn of_float(value: f64) -> Option<Decimal> {
        if !value.is_finite() {
            return None;
        }
        Decimal::parse(&format!("{value:e}"))
    }

    /// A number as JSON, CSV or SQL write it. `None`: not a number, or with more than 38 digits.
    pub(super) fn parse(text: &str) -> Option<Decimal> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (number, exponent) = match rest.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let fraction_kept = fraction.trim_end_matches('0');
        let mut mantissa: i128 = 0;
        let mut digits = 0;
        for byte in whole.bytes().chain(fraction_kept.bytes()) {
            if !byte.is_ascii_digit() {
                return None;
            }
            digits += usize::from(digits > 0 || byte != b'0');
            if digits > DIGITS {
                return None;
            }
            mantissa = mantissa * 10 + i128::from(byte - b'0');
        }
        if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let moved = i32::try_from(fraction_kept.len()).ok()?;
        let signed = if negative { -mantissa } else { mantissa };
        Some(Decimal::new(signed, exponent.checked_sub(moved)?))
    }

    /// The mantissa at this number of digits after the point, if it has no more and fits.
    pub(super) fn at_scale(self, scale: i32) -> Option<i128> {
        rescaled(self.mantissa, -i64::from(self.exponent), i64::from(scale))
    }

    /// The difference of two numbers, where it can be had exactly.
    pub(super) fn minus(self, other: Decimal) -> Option<Decimal> {
        let exponent = self.exponent.min(other.exponent);
        let scale = exponent.checked_neg()?;
        let difference = self.at_scale(scale)?.checked_sub(other.at_scale(scale)?)?;
        Some(Decimal::new(difference, exponent))
    }

    /// Is the size of this number at most that of the other? Exact where both fit one scale.
    pub(super) fn is_at_most(self, other: Decimal) -> Option<bool> {
        let scale = self.exponent.min(other.exponent).checked_neg()?;
        let (this, that) = (self.at_scale(scale)?, other.at_scale(scale)?);
        Some(this.unsigned_abs() <= that.unsigned_abs())
    }

    pub(super) fn to_float(self) -> f64 {
        // The parser of std rounds correctly, which a product of two roundings does not.
        format!("{}e{}", self.mantissa, self.exponent)
            .parse()
            .unwrap_or(f64::NAN)
    }
}

/// `unscaled` with `from` digits after the point as one with `to` of them, if nothing is cut off and it fits.
pub(super) fn rescaled(unscaled: i128, from: i64, to: i64) -> Option<i128> {
    let more = to - from;
    if more == 0 || unscaled == 0 {
        return Some(unscaled);
    }
    let power = 10i128.checked_pow(u32::try_from(more.abs()).ok()?)?;
    if more > 0 {
        unscaled.checked_mul(power)
    } else {
        (unscaled % power == 0).then(|| unscaled / power)
    }
}

/// `unscaled` with `scale` digits after the point, as people write it.
pub(super) fn written(unscaled: i128, scale: i32) -> String {
    let Some(scale) = usize::try_from(scale).ok().filter(|scale| *scale > 0) else {
        let zeros = usize::try_from(-i64::from(scale)).unwrap_or(0).min(400);
        let zeros = if unscaled == 0 { 0 } else { zeros };
        return format!("{unscaled}{}", "0".repeat(zeros));
    };
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!(
        "{:0>width$}",
        unscaled.unsigned_abs(),
        width = scale.min(400) + 1
    );
    let (whole, fraction) = digits.split_at(digits.len() - scale.min(400));
    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_equal_by_value() {
        let same = [
            ("1", "1.0"),
            ("1e2", "100"),
            ("-0", "0"),
            ("0.10", "1e-1"),
            ("+5", "5.000"),
        ];
        for (a, b) in same {
            assert_eq!(Decimal::parse(a), Decimal::parse(b), "{a} {b}");
            assert!(Decimal::parse(a).is_some());
        }
        assert_ne!(
            Decimal::parse("9007199254740993"),
            Decimal::parse("9007199254740992")
        );
        for wrong in [
            "",
            "-",
            ".",
            "1 ",
            "0x1",
            "1e",
            "1e99999999999",
            "NaN",
            "1.2.3",
            "1.0x",
        ] {
            assert_eq!(Decimal::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Decimal::parse(&"9".repeat(39)), None, "38 digits fit");
        assert!(Decimal::parse(&format!("{}e-2147483648", "9".repeat(38))).is_some());
        assert_eq!(Decimal::of_float(0.1), Decimal::parse("0.1"));
        assert_eq!(Decimal::of_float(f64::INFINITY), None);
    }

    #[test]
    fn decimals_are_written_with_their_scale() {
        assert_eq!(written(350, 2), "3.50");
        assert_eq!(written(-5, 3), "-0.005");
        assert_eq!(written(7, 0), "7");
        assert_eq!(written(7, -2), "700");
        assert_eq!(rescaled(350, 2, 4), Some(35_000));
        assert_eq!(rescaled(351, 2, 1), None);
        assert_eq!(rescaled(i128::MAX, 0, 1), None);
    }
}
