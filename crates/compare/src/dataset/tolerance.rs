//! How far two numbers of a column may be apart.

use super::cell::{Cell, double, exact};
use super::decimal::Decimal;

/// The tolerance of a column. Numbers are the same when one of both bounds holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tolerance {
    /// The largest difference, as it was written.
    absolute: Option<Decimal>,
    /// The largest difference as a share of the larger of both.
    relative: Option<f64>,
}

impl Tolerance {
    /// Adds an absolute bound such as `0.01`. `None`: not a finite number of at least 0.
    #[must_use]
    pub fn absolute(self, text: &str) -> Option<Tolerance> {
        let bound = Decimal::parse(text).filter(|bound| bound.mantissa >= 0)?;
        Some(Tolerance {
            absolute: Some(bound),
            ..self
        })
    }

    /// Adds a relative bound such as `1e-9`. `None`: not a number from 0 to 1.
    #[must_use]
    pub fn relative(self, text: &str) -> Option<Tolerance> {
        let bound: f64 = text.parse().ok()?;
        (0.0..=1.0).contains(&bound).then_some(Tolerance {
            relative: Some(bound),
            ..self
        })
    }

    /// Are two cells numbers within the bounds?
    pub(crate) fn allows(&self, a: Cell<'_>, b: Cell<'_>) -> bool {
        let is_absolute = |bound: &Decimal| match apart(a, b) {
            // In decimal digits: 1.00 and 1.01 are 0.01 apart, which their doubles are not.
            Some(difference) => difference
                .is_at_most(*bound)
                .unwrap_or_else(|| difference.to_float().abs() <= bound.to_float()),
            None => gap(a, b).is_some_and(|gap| gap <= bound.to_float()),
        };
        let is_relative = |bound: f64| {
            let gap = gap(a, b).unwrap_or(f64::NAN);
            gap <= bound * larger(a, b)
        };
        self.absolute.as_ref().is_some_and(is_absolute) || self.relative.is_some_and(is_relative)
    }
}

/// The exact difference of two numbers.
fn apart(a: Cell<'_>, b: Cell<'_>) -> Option<Decimal> {
    exact(a)?.minus(exact(b)?)
}

/// The size of the difference of two finite numbers, as a double.
pub(super) fn gap(a: Cell<'_>, b: Cell<'_>) -> Option<f64> {
    if let Some(exact) = apart(a, b) {
        return Some(exact.to_float().abs());
    }
    let gap = (double(a)? - double(b)?).abs();
    gap.is_finite().then_some(gap)
}

/// The larger size of two numbers.
pub(super) fn larger(a: Cell<'_>, b: Cell<'_>) -> f64 {
    let size = |cell| double(cell).unwrap_or(f64::NAN).abs();
    size(a).max(size(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_exact_in_decimal_digits() {
        let cent = Tolerance::default().absolute("0.01").unwrap();
        assert!(cent.allows(Cell::Float(1.00), Cell::Float(1.01)));
        assert!(!cent.allows(Cell::Float(1.00), Cell::Float(1.010_000_1)));
        assert!(!cent.allows(Cell::Float(f64::NAN), Cell::Float(1.0)));
        assert!(!cent.allows(Cell::Float(f64::INFINITY), Cell::Float(1.0)));
        assert!(!cent.allows(Cell::Null, Cell::Float(0.0)));
        let share = Tolerance::default().relative("1e-9").unwrap();
        assert!(share.allows(Cell::Float(1e9), Cell::Float(1e9 + 1.0)));
        assert!(!share.allows(Cell::Float(1e9), Cell::Float(1e9 + 2.0)));
        assert!(!share.allows(Cell::Float(f64::INFINITY), Cell::Float(1.0)));
        for wrong in ["-1", "x", "NaN", "", "inf"] {
            assert_eq!(Tolerance::default().absolute(wrong), None, "{wrong}");
        }
        assert_eq!(Tolerance::default().relative("2"), None);
    }
}
