//! Decimal numbers as logs write them, without the rounding of a floating-point number.

/// Nanoseconds of a unit.
pub(super) const SECOND: u64 = 1_000_000_000;
pub(super) const MILLISECOND: u64 = 1_000_000;

/// A number of a log: its value, and what one step of its last digit is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) ns: u64,
    pub(super) step_ns: u64,
}

/// Digits with at most one point, in units of `unit_ns`. Digits below a nanosecond are dropped.
pub(super) fn decimal(text: &str, unit_ns: u64) -> Option<Decimal> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let mut ns = whole.parse::<u64>().ok()?.checked_mul(unit_ns)?;
    let mut step_ns = unit_ns;
    for digit in fraction.bytes() {
        step_ns /= 10;
        ns = ns.checked_add(u64::from(digit - b'0') * step_ns)?;
    }
    Some(Decimal {
        ns,
        step_ns: step_ns.max(1),
    })
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}
