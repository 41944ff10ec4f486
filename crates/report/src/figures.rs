//! How figures are written: three significant digits, always with a unit.

pub use understudy_model::count;

/// A time given in microseconds: `212 us`, `1.23 ms`, `2.5 s`.
pub fn time(us: f64) -> String {
    match us {
        us if us < 999.5 => format!("{} us", significant(us)),
        us if us < 999_500.0 => format!("{} ms", significant(us / 1e3)),
        us => format!("{} s", significant(us / 1e6)),
    }
}

/// A time given in microseconds that may be far below one: `400 ns`, `12.3 us`.
pub(crate) fn short_time(us: f64) -> String {
    match us.abs() {
        small if small < 1.0 => format!("{} ns", significant(us * 1e3)),
        _ => time(us),
    }
}

/// A number of things in three significant digits: `312,000`, `12.3`.
pub(crate) fn amount(number: f64) -> String {
    match number.abs() {
        large if large >= 1000.0 => {
            let sign = if number < 0.0 { "-" } else { "" };
            format!("{sign}{}", count(three_digits(large) as u64))
        }
        _ => significant(number),
    }
}

/// An amount of memory given in bytes: `48.3 MiB`.
pub fn memory(bytes: f64) -> String {
    let (scale, unit) = match bytes {
        b if b >= 1_073_741_824.0 => (1_073_741_824.0, "GiB"),
        b if b >= 1_048_576.0 => (1_048_576.0, "MiB"),
        b if b >= 1024.0 => (1024.0, "KiB"),
        _ => (1.0, "B"),
    };
    format!("{} {unit}", significant(bytes / scale))
}

/// A rate: `4,000/s`.
pub fn rate(per_second: f64) -> String {
    format!(
        "{}/s",
        if per_second >= 100.0 {
            count(per_second.round() as u64)
        } else {
            significant(per_second)
        }
    )
}

/// A share between 0 and 1: `0.1 %`. Less than all is never `100 %`.
pub fn share(share: f64) -> String {
    let lost = (1.0 - share) * 100.0;
    if 0.0 < lost && lost < 0.05 {
        let decimals = (-lost.log10()).ceil().clamp(2.0, 9.0) as usize;
        let most = 100.0 - 0.1_f64.powi(decimals as i32);
        return format!("{:.decimals$} %", (share * 100.0).min(most));
    }
    format!("{} %", significant(share * 100.0))
}

/// A ratio as a change: 0.7 is `-30.0 %`, 1.05 is `+5.0 %`; from three times on as a factor: `4.2 times`.
pub fn change(ratio: f64) -> String {
    if ratio >= 3.0 {
        format!("{ratio:.1} times")
    } else {
        format!("{:+.1} %", (ratio - 1.0) * 100.0)
    }
}

/// An amount of money in three significant digits: `1.23M USD`, `-45,600 USD`, `12.0 USD`.
pub fn money(amount: f64, currency: &str) -> String {
    format!("{} {currency}", amount_of(amount))
}

/// An amount of money without its currency, for places that already show it.
pub fn amount_of(amount: f64) -> String {
    let sign = if amount < 0.0 { "-" } else { "" };
    let size = amount.abs();
    let digits = match size {
        s if s >= 999.5e6 => format!("{}B", significant(s / 1e9)),
        s if s >= 999.5e3 => format!("{}M", significant(s / 1e6)),
        s if s >= 1000.0 => count(three_digits(s) as u64),
        0.0 => "0".to_owned(),
        s => significant(s),
    };
    format!("{sign}{digits}")
}

/// A round amount on an axis: `2M`, `-500k`, `0`.
pub(crate) fn amount_on_axis(amount: f64) -> String {
    let (scale, unit) = match amount.abs() {
        size if size >= 0.9995e9 => (1e9, "B"),
        size if size >= 0.9995e6 => (1e6, "M"),
        size if size >= 0.9995e3 => (1e3, "k"),
        _ => (1.0, ""),
    };
    format!("{}{unit}", three_digits(amount / scale))
}

/// Three significant digits of a number.
pub(crate) fn three_digits(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return 0.0;
    }
    let digits = 2 - number.abs().log10().floor() as i32;
    // Dividing by a power of ten rounds correctly where multiplying with its inverse does not.
    match digits < 0 {
        true => (number / 10f64.powi(-digits)).round() * 10f64.powi(-digits),
        false => (number * 10f64.powi(digits)).round() / 10f64.powi(digits),
    }
}

/// A quantile: 0.99 is `p99`, 0.999 is `p99.9`.
pub fn quantile(q: f64) -> String {
    format!("p{}", (q * 1e8).round() / 1e6)
}

/// Three significant digits without an exponent.
fn significant(value: f64) -> String {
    match value.abs() {
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        v if v >= 0.9995 => format!("{value:.2}"),
        0.0 => "0".to_owned(),
        v if v >= 0.001 => format!("{value:.3}"),
        _ => format!("{value:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_all_is_not_all() {
        for (part, expected) in [
            (1.0, "100 %"),
            (0.0, "0 %"),
            (82_028.0 / 82_031.0, "99.996 %"),
            (0.9996, "99.96 %"),
            (0.9995, "99.95 %"),
            (0.999, "99.9 %"),
            (1.0 - 1e-12, "99.999999999 %"),
            (0.5, "50.0 %"),
            (0.001, "0.100 %"),
        ] {
            assert_eq!(share(part), expected);
        }
    }

    #[test]
    fn money_keeps_three_digits() {
        let of = |amount| money(amount, "USD");
        assert_eq!(
            [
                0.0,
                0.0405,
                12.0,
                999.0,
                45_612.0,
                -160_846.0,
                1_234_567.0,
                2.5e9
            ]
            .map(of),
            [
                "0 USD",
                "0.041 USD",
                "12.0 USD",
                "999 USD",
                "45,600 USD",
                "-161,000 USD",
                "1.23M USD",
                "2.50B USD"
            ]
        );
    }

    #[test]
    fn figures_have_three_digits_and_a_unit() {
        assert_eq!(
            [time(0.0), time(0.25), time(212.3), time(999.6)],
            ["0 us", "0.250 us", "212 us", "1.00 ms"]
        );
        assert_eq!([time(12_345.0), time(2_500_000.0)], ["12.3 ms", "2.50 s"]);
        assert_eq!([memory(512.0), memory(50_647_859.0)], ["512 B", "48.3 MiB"]);
        assert_eq!([rate(4000.0), rate(12.5)], ["4,000/s", "12.5/s"]);
        assert_eq!(
            [share(0.001), share(1.0), share(0.0)],
            ["0.100 %", "100 %", "0 %"]
        );
        assert_eq!(
            [change(0.7), change(1.05), change(4.21)],
            ["-30.0 %", "+5.0 %", "4.2 times"]
        );
        assert_eq!(
            [quantile(0.99), quantile(0.999), quantile(0.5)],
            ["p99", "p99.9", "p50"]
        );
    }
}
