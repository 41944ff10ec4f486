//! The position of a value between the two ends of an axis.

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scale {
    /// From zero, with ticks at multiples of `step`.
    Linear { high: f64, step: f64 },
    /// Logarithmic, both ends above zero.
    Log { low: f64, high: f64 },
    /// Quantiles by their nines: p90 is as far from p99 as p99 from p99.9.
    Nines { high: f64 },
}

/// Most ticks of a logarithmic axis.
const MOST_TICKS: usize = 7;

impl Scale {
    /// From zero to at least `highest`, about four ticks at round multiples of `unit`.
    pub(crate) fn linear(highest: f64, unit: f64) -> Self {
        let highest = if highest > 0.0 { highest } else { unit };
        let step = round_up(highest / unit / 4.0) * unit;
        Scale::Linear {
            high: (highest / step).ceil() * step,
            step,
        }
    }

    /// Over all values above zero, to round ends; `None` where there is none.
    pub(crate) fn log(values: impl Iterator<Item = f64>) -> Option<Self> {
        let (low, high) = values
            .filter(|value| value.is_finite() && *value > 0.0)
            .fold((f64::INFINITY, 0.0_f64), |(low, high), value| {
                (low.min(value), high.max(value))
            });
        if low > high {
            return None;
        }
        let (low, high) = (round_down(low), round_up(high));
        // A single round value is not a range.
        let high = if low < high { high } else { high * 2.0 };
        Some(Scale::Log { low, high })
    }

    /// From p0 to the highest quantile.
    pub(crate) fn nines(highest: f64) -> Self {
        Scale::Nines {
            high: nines(highest).max(1.0),
        }
    }

    /// 0 at the low end, 1 at the high end; what is beyond is drawn at the end.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let share = match *self {
            Scale::Linear { high, .. } => value / high,
            Scale::Log { low, high } => (value / low).ln() / (high / low).ln(),
            Scale::Nines { high } => nines(value) / high,
        };
        if share.is_nan() {
            0.0
        } else {
            share.clamp(0.0, 1.0)
        }
    }

    /// Round values for the axis, ascending.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        match *self {
            Scale::Linear { high, step } => {
                let steps = (high / step).round() as u32;
                (0..=steps).map(|k| f64::from(k) * step).collect()
            }
            Scale::Log { low, high } => log_ticks(low, high),
            Scale::Nines { high } => {
                let round = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999_999];
                let ends = |q: &f64| nines(*q) <= high + 1e-9;
                round.into_iter().filter(ends).collect()
            }
        }
    }
}

/// How many nines a quantile has: 0.99 has two. What is beyond twelve is drawn there.
fn nines(quantile: f64) -> f64 {
    -(1.0 - quantile).max(1e-12).log10()
}

fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    let within = |multiples: &[f64]| -> Vec<f64> {
        let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
        decades
            .flat_map(|decade| multiples.iter().map(move |m| m * 10_f64.powi(decade)))
            .filter(|tick| *tick >= low * 0.999 && *tick <= high * 1.001)
            .collect()
    };
    let choices: [&[f64]; 4] = [
        &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0],
        &[1.0, 2.0, 5.0],
        &[1.0, 3.0],
        &[1.0],
    ];
    let mut ticks = choices.into_iter().map(within);
    let fits = |ticks: &Vec<f64>| ticks.len() <= MOST_TICKS;
    ticks.find(fits).unwrap_or_else(|| {
        // Many decades: every few of them.
        let all = within(&[1.0]);
        let every = all.len().div_ceil(MOST_TICKS);
        all.into_iter().step_by(every).collect()
    })
}

/// The next of 1, 2, 5, 10 ... that is not below; not beyond what a number can be.
fn round_up(value: f64) -> f64 {
    let decade = decade_of(value);
    let multiple = value / decade;
    let round = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|m| multiple <= m * 1.000_001);
    round.unwrap_or(10.0) * decade
}

/// The next of 1, 2, 5, 10 ... that is not above.
fn round_down(value: f64) -> f64 {
    let decade = decade_of(value);
    let multiple = value / decade;
    let round = [5.0, 2.0].into_iter().find(|m| multiple >= m * 0.999_999);
    round.unwrap_or(1.0) * decade
}

fn decade_of(value: f64) -> f64 {
    10_f64.powf(value.max(1e-300).log10().floor())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn axes_have_round_ends_and_ticks() {
        let linear = Scale::linear(3.4, 1.0);
        assert_eq!(linear.ticks(), [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert!((linear.at(1.0) - 0.25).abs() < 1e-12);
        let log = Scale::log([130.0, 7_000.0].into_iter()).unwrap();
        assert_eq!(
            log,
            Scale::Log {
                low: 100.0,
                high: 10_000.0
            }
        );
        assert_eq!(
            log.ticks(),
            [100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0]
        );
        assert!((log.at(1000.0) - 0.5).abs() < 1e-12);
        let nines = Scale::nines(0.9999);
        assert_eq!(nines.ticks(), [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999]);
        assert!((nines.at(0.99) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn what_cannot_be_placed_has_no_axis_or_a_place_at_its_end() {
        assert_eq!(Scale::log([0.0, -1.0, f64::NAN].into_iter()), None);
        let zero = Scale::linear(0.0, 1.0);
        assert_eq!(zero.at(0.0), 0.0);
        assert_eq!(zero.at(f64::NAN), 0.0);
        assert_eq!(Scale::nines(1.0).at(1.0), 1.0);
    }

    proptest! {
        #[test]
        fn every_value_is_within_its_axis_and_ticks_ascend(
            values in prop::collection::vec(1e-9_f64..1e15, 1..20),
        ) {
            let highest = values.iter().copied().fold(0.0, f64::max);
            let scales = [Scale::log(values.iter().copied()).unwrap(), Scale::linear(highest, 1.0)];
            for scale in scales {
                let ticks = scale.ticks();
                prop_assert!((2..=11).contains(&ticks.len()), "{scale:?}: {ticks:?}");
                prop_assert!(ticks.windows(2).all(|w| w[0] < w[1]));
                for value in &values {
                    // Clamping hides nothing: both ends enclose every value.
                    let (low, high) = match scale {
                        Scale::Log { low, high } => (low, high),
                        Scale::Linear { high, .. } => (0.0, high),
                        Scale::Nines { .. } => unreachable!(),
                    };
                    prop_assert!(*value >= low * 0.999_99 && *value <= high * 1.000_01);
                }
            }
        }
    }
}
