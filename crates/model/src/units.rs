//! Quantities as people write them in configuration: `"20ms"`, `"0.1%"`, `"512MiB"`, `"-30%"`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A text that is not the quantity it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct UnitError {
    text: String,
    expected: &'static str,
}

/// A quantity that is read from and written as text with its unit.
pub trait Quantity: FromStr<Err = UnitError> + fmt::Display {
    /// What the text should look like, for error messages: `a time such as "20ms"`.
    const EXPECTED: &'static str;
}

fn error<Q: Quantity>(text: &str) -> UnitError {
    UnitError {
        text: text.chars().take(40).collect(),
        expected: Q::EXPECTED,
    }
}

/// Splits `20ms` into the number 20 and the unit `ms`.
fn split<Q: Quantity>(text: &str) -> Result<(f64, &str), UnitError> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | '_')))
        .unwrap_or(text.len());
    let number: f64 = text[..end]
        .replace('_', "")
        .parse()
        .map_err(|_| error::<Q>(text))?;
    if !number.is_finite() {
        return Err(error::<Q>(text));
    }
    Ok((number, text[end..].trim()))
}

macro_rules! as_text {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
as_text!(Span, Share, ByteSize, Change, Cpus);

/// A length of time, stored in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

impl Span {
    /// From nanoseconds.
    pub const fn from_nanos(ns: u64) -> Self {
        Span(ns)
    }
    /// From milliseconds.
    pub const fn from_millis(ms: u64) -> Self {
        Span(ms * 1_000_000)
    }
    /// From seconds.
    pub const fn from_secs(s: u64) -> Self {
        Span(s * 1_000_000_000)
    }
    /// From seconds; negative or not finite becomes zero, too long the longest.
    pub fn from_secs_f64(s: f64) -> Self {
        Span((s * 1e9) as u64)
    }
    /// In nanoseconds.
    pub const fn nanos(self) -> u64 {
        self.0
    }
    /// In microseconds.
    pub fn micros(self) -> f64 {
        self.0 as f64 / 1e3
    }
    /// In seconds.
    pub fn secs(self) -> f64 {
        self.0 as f64 / 1e9
    }
    /// As the standard library's duration.
    pub const fn duration(self) -> std::time::Duration {
        std::time::Duration::from_nanos(self.0)
    }
}

impl Quantity for Span {
    const EXPECTED: &'static str = "a time such as \"250us\", \"20ms\", \"1.5s\" or \"2m\"";
}

impl FromStr for Span {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = split::<Self>(text)?;
        let scale = match unit {
            "ns" => 1.0,
            "us" | "µs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" | "min" => 60e9,
            "h" => 3600e9,
            "" if number == 0.0 => 1.0,
            _ => return Err(error::<Self>(text)),
        };
        let ns = number * scale;
        if !(0.0..=1e18).contains(&ns) {
            return Err(error::<Self>(text));
        }
        Ok(Span(ns.round() as u64))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scale, unit) = match self.0 {
            ns if ns >= 60_000_000_000 && ns % 60_000_000_000 == 0 => (60e9, "m"),
            ns if ns >= 1_000_000_000 || ns == 0 => (1e9, "s"),
            ns if ns >= 1_000_000 => (1e6, "ms"),
            ns if ns >= 1_000 => (1e3, "us"),
            _ => (1.0, "ns"),
        };
        write!(f, "{}{unit}", self.0 as f64 / scale)
    }
}

/// A share between 0 and 1, written in percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    /// From a number between 0 and 1; outside it is clamped.
    pub fn new(share: f64) -> Self {
        Share(if share.is_nan() {
            0.0
        } else {
            share.clamp(0.0, 1.0)
        })
    }
    /// Between 0 and 1.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Quantity for Share {
    const EXPECTED: &'static str = "a share such as \"0.1%\"";
}

impl FromStr for Share {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        match split::<Self>(text)? {
            (percent, "%") if (0.0..=100.0).contains(&percent) => Ok(Share(percent / 100.0)),
            (0.0, "") => Ok(Share(0.0)),
            _ => Err(error::<Self>(text)),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", percent(self.0))
    }
}

/// Percent without the dust of binary fractions (`0.1`, not `0.10000000000000002`).
fn percent(share: f64) -> f64 {
    (share * 1e12).round() / 1e10
}

/// A relative change, written in percent with its sign: `"-30%"` is a ratio of 0.7.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Change(f64);

impl Change {
    /// From a share: 0.05 is `"+5%"`.
    pub fn new(share: f64) -> Self {
        Change(share)
    }
    /// The ratio of new to old: 0.7 for `"-30%"`.
    pub fn ratio(self) -> f64 {
        1.0 + self.0
    }
}

impl Quantity for Change {
    const EXPECTED: &'static str = "a change such as \"-30%\"";
}

impl FromStr for Change {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        match split::<Self>(text)? {
            (percent, "%") if percent > -100.0 && percent <= 10_000.0 => {
                Ok(Change(percent / 100.0))
            }
            _ => Err(error::<Self>(text)),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+}%", percent(self.0))
    }
}

/// An amount of memory, stored in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

impl ByteSize {
    /// From bytes.
    pub const fn new(bytes: u64) -> Self {
        ByteSize(bytes)
    }
    /// In bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl Quantity for ByteSize {
    const EXPECTED: &'static str = "an amount of memory such as \"512MiB\" or \"2GiB\"";
}

impl FromStr for ByteSize {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = split::<Self>(text)?;
        let scale = match unit {
            "B" => 1.0,
            "KiB" => 1024.0,
            "MiB" => 1_048_576.0,
            "GiB" => 1_073_741_824.0,
            "kB" | "KB" => 1e3,
            "MB" => 1e6,
            "GB" => 1e9,
            "" if number == 0.0 => 1.0,
            _ => return Err(error::<Self>(text)),
        };
        let bytes = number * scale;
        if !(0.0..=1e18).contains(&bytes) {
            return Err(error::<Self>(text));
        }
        Ok(ByteSize(bytes.round() as u64))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0;
        for (scale, unit) in [(1u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
            if bytes >= scale {
                let value = bytes as f64 / scale as f64;
                return if bytes.is_multiple_of(scale) {
                    write!(f, "{value}{unit}")
                } else if f.alternate() {
                    write!(f, "{value:.1}{unit}")
                } else {
                    write!(f, "{bytes}B")
                };
            }
        }
        write!(f, "{bytes}B")
    }
}

/// A number of CPUs, possibly a fraction.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Cpus(f64);

impl Cpus {
    /// From a number above 0.
    pub fn new(cpus: f64) -> Option<Self> {
        (cpus.is_finite() && cpus > 0.0 && cpus <= 4096.0).then_some(Cpus(cpus))
    }
    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
    /// The number, if it is whole: those are given by a CPU set, fractions by a quota.
    pub fn whole(self) -> Option<usize> {
        (self.0.fract() == 0.0).then_some(self.0 as usize)
    }
}

impl Quantity for Cpus {
    const EXPECTED: &'static str = "a number of CPUs such as 1 or 0.5";
}

impl FromStr for Cpus {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        match split::<Self>(text)? {
            (number, "") => Cpus::new(number).ok_or_else(|| error::<Self>(text)),
            _ => Err(error::<Self>(text)),
        }
    }
}

impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<Q: Quantity>(text: &str, shown: &str) {
        assert_eq!(text.parse::<Q>().unwrap().to_string(), shown, "{text}");
        let again: Q = shown.parse().unwrap();
        assert_eq!(again.to_string(), shown, "what is shown reads back");
    }

    #[test]
    fn quantities_read_and_show() {
        check::<Span>("20ms", "20ms");
        check::<Span>("0.25 ms", "250us");
        check::<Span>("90s", "90s");
        check::<Span>("2m", "2m");
        // Nothing needs no unit.
        check::<Span>("0", "0s");
        check::<Share>("0", "0%");
        check::<ByteSize>("0", "0B");
        check::<Share>("0.1%", "0.1%");
        check::<Share>("100%", "100%");
        check::<Change>("-30%", "-30%");
        check::<Change>("5%", "+5%");
        check::<ByteSize>("512MiB", "512MiB");
        check::<ByteSize>("1536KiB", "1572864B");
        check::<Cpus>("0.5", "0.5");
    }

    #[test]
    fn nonsense_is_refused_with_an_example() {
        let refused = "20".parse::<Span>().unwrap_err().to_string();
        assert!(
            refused.contains("\"20\" is not a time such as"),
            "{refused}"
        );
        assert!("-1ms".parse::<Span>().is_err());
        assert!("101%".parse::<Share>().is_err());
        assert!("-100%".parse::<Change>().is_err());
        assert!("512".parse::<ByteSize>().is_err());
        assert!("0".parse::<Cpus>().is_err());
        assert!("".parse::<Span>().is_err());
        assert!("1e400s".parse::<Span>().is_err());
    }
}
