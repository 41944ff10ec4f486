//! Figures as people write them: `"20000 USD"`, `"40%..60%"`, `"6..9..24 person-months"`; and back.

use crate::input::{Input, Unit};
use crate::number::{self, NumberError, split};
use crate::spread::Spread;
use crate::unit::Currency;
use understudy_model::{ByteSize, Cpus};

/// What can be written behind a number, and what it is multiplied with. The first is shown. Units of memory and
/// CPUs are those of every other file besides.
fn words(unit: Unit) -> &'static [(&'static str, f64)] {
    match unit {
        Unit::Factor => &[("", 1.0)],
        Unit::Instances => &[("", 1.0), ("instances", 1.0), ("instance", 1.0)],
        Unit::People => &[("", 1.0), ("people", 1.0), ("person", 1.0)],
        Unit::Lines => &[("", 1.0), ("lines", 1.0)],
        Unit::PerSecond => &[("/s", 1.0)],
        Unit::Vcpus => &[("vCPU", 1.0), ("vCPUs", 1.0)],
        Unit::Gib => &[("GiB", 1.0)],
        Unit::Money => &[],
        Unit::Share => &[("%", 1.0)],
        Unit::Months => &[
            ("months", 1.0),
            ("month", 1.0),
            ("years", 12.0),
            ("year", 12.0),
        ],
        Unit::Years => &[
            ("years", 1.0),
            ("year", 1.0),
            ("months", 1.0 / 12.0),
            ("month", 1.0 / 12.0),
        ],
        Unit::PersonMonths => &[
            ("person-months", 1.0),
            ("person-month", 1.0),
            ("person-years", 12.0),
            ("person-year", 12.0),
        ],
    }
}

impl Unit {
    /// What a number in this unit is multiplied with; nothing for a unit of something else.
    fn factor(self, word: &str) -> Option<f64> {
        let of_gib = || Some(ByteSize::scale(word)? / ByteSize::scale("GiB")?);
        let known = words(self).iter().find(|(known, _)| *known == word);
        match (known, self) {
            (Some((_, factor)), _) => Some(*factor),
            (None, Unit::Gib) => of_gib(),
            (None, Unit::Vcpus) => Cpus::scale(word),
            (None, _) => None,
        }
    }

    /// What is shown behind a number in the unit of the model.
    pub(crate) fn word(self, currency: Currency) -> String {
        match self {
            Unit::Money => currency.to_string(),
            other => words(other)[0].0.to_owned(),
        }
    }

    /// What a figure looks like, for messages.
    fn example(self, currency: Currency) -> String {
        match self {
            Unit::Factor => "1.3 or \"1.2..1.5\"".to_owned(),
            Unit::Instances | Unit::People | Unit::Lines => "12 or \"10..20\"".to_owned(),
            Unit::PerSecond => "\"12000/s\"".to_owned(),
            Unit::Vcpus => "\"2 vCPU\" or \"500m\"".to_owned(),
            Unit::Gib => "\"4 GiB\" or \"512Mi\"".to_owned(),
            Unit::Money => format!("\"20000 {currency}\""),
            Unit::Share => "\"60%\" or \"45%..55%..60%\"".to_owned(),
            Unit::Months => "\"3..6 months\"".to_owned(),
            Unit::Years => "\"3 years\"".to_owned(),
            Unit::PersonMonths => "\"6..9..24 person-months\"".to_owned(),
        }
    }
}

impl Input {
    /// Is it an amount of money?
    pub fn is_money(self) -> bool {
        self.about().unit == Unit::Money
    }

    /// Reads a figure: one number with its unit, `low..high` or `low..likely..high`. A unit at the end
    /// holds for all of them.
    ///
    /// # Errors
    /// One clear sentence: what is wrong and what a figure looks like.
    pub fn read(self, text: &str, currency: Currency) -> Result<Spread, String> {
        let pieces: Vec<&str> = text.split("..").map(str::trim).collect();
        let last = pieces.last().copied().unwrap_or_default();
        let (_, common) = split(last);
        let numbers = pieces
            .iter()
            .map(|piece| self.number(text, piece, common, currency))
            .collect::<Result<Vec<f64>, String>>()?;
        self.check(&numbers, currency)?;
        self.spread(&numbers)
    }

    /// Reads a plain count, written as a number and not as a text: its point separates decimals.
    ///
    /// # Errors
    /// As of [`Input::read`]; the figure needs a unit.
    pub fn read_number(self, number: f64, currency: Currency) -> Result<Spread, String> {
        let unit = self.about().unit;
        let Some(factor) = unit.factor("") else {
            let example = unit.example(currency);
            return Err(format!("{number} is not a figure such as {example}"));
        };
        let numbers = [number * factor];
        self.check(&numbers, currency)?;
        self.spread(&numbers)
    }

    fn number(
        self,
        text: &str,
        piece: &str,
        common: &str,
        currency: Currency,
    ) -> Result<f64, String> {
        let unit = self.about().unit;
        let shown: String = text.chars().take(60).collect();
        let expected = || {
            let example = unit.example(currency);
            format!("{shown:?} is not a figure such as {example}")
        };
        let (number, own) = split(piece);
        // The point is moved in the text: 99.9 x 0.01 is not 0.999.
        let exponent = if unit == Unit::Share { "e-2" } else { "" };
        let plain = number::plain(number).map_err(|error| match error {
            NumberError::Not => expected(),
            NumberError::Ambiguous { thousands, decimal } => {
                format!("{shown:?} is ambiguous: {number} is {thousands} or {decimal}\nhint: write one of them")
            }
        })?;
        let number: f64 = format!("{plain}{exponent}")
            .parse()
            .map_err(|_| expected())?;
        let word = if own.is_empty() { common } else { own };
        let factor = match unit {
            Unit::Money => match Currency::new(word) {
                Some(other) if other == currency => 1.0,
                Some(other) => {
                    return Err(format!(
                        "{shown:?} is in {other}, but this case is in {currency}; nothing is converted, a case has one currency"
                    ));
                }
                None => return Err(expected()),
            },
            _ => unit.factor(word).ok_or_else(expected)?,
        };
        Ok(number * factor)
    }

    fn check(self, numbers: &[f64], currency: Currency) -> Result<(), String> {
        let about = self.about();
        let inside = |number: &&f64| !(about.least..=about.most).contains(*number);
        match numbers.iter().find(inside) {
            None => Ok(()),
            Some(number) => Err(format!(
                "{} is out of bounds; it must be between {} and {}",
                self.show(*number, currency),
                self.show(about.least, currency),
                self.show(about.most, currency)
            )),
        }
    }

    /// Numbers in the unit of the model as a spread.
    pub(crate) fn spread(self, numbers: &[f64]) -> Result<Spread, String> {
        let order = || "a range goes from low to high".to_owned();
        let single = [Input::Threshold, Input::CodeLines].contains(&self);
        match (numbers, self.about().tailed) {
            ([one], _) => Spread::point(*one).ok_or_else(order),
            _ if single => Err("is one number and no range".to_owned()),
            ([low, high], true) if low < high && *low <= 0.0 => {
                Err("an effort from 0 has no middle\nhint: write low..likely..high".to_owned())
            }
            ([low, high], true) => {
                Spread::tailed(*low, (low * high).sqrt(), *high).ok_or_else(order)
            }
            ([low, high], false) => Spread::between(*low, *high).ok_or_else(order),
            ([low, likely, high], false) => {
                Spread::triangular(*low, *likely, *high).ok_or_else(order)
            }
            ([low, likely, high], true) if low <= likely && likely <= high => {
                let tail = "efforts overrun: high has to be further from likely than low is; or write low..high";
                Spread::tailed(*low, *likely, *high).ok_or_else(|| tail.to_owned())
            }
            ([_, _, _], true) => Err(order()),
            _ => Err(
                "has too many numbers\nhint: write one, low..high or low..likely..high".to_owned(),
            ),
        }
    }

    /// A number in the unit of the model, for people.
    pub fn show(self, number: f64, currency: Currency) -> String {
        let unit = self.about().unit;
        match (unit, unit.word(currency)) {
            (Unit::Share, _) => format!("{} %", plain(number * 100.0)),
            (Unit::PerSecond, _) => format!("{}/s", plain(number)),
            (_, word) if word.is_empty() => plain(number),
            (_, word) => format!("{} {word}", plain(number)),
        }
    }
}

/// At most six significant digits, thousands apart, without dust.
pub(crate) fn plain(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return "0".to_owned();
    }
    let before = number.abs().log10().floor() as i32 + 1;
    let decimals = usize::try_from((6 - before).clamp(0, 9)).unwrap_or(0);
    let text = format!("{number:.decimals$}");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let rest = rest.trim_end_matches('0');
    let (sign, digits) = match whole.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", whole),
    };
    let mut out = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    match rest {
        "" => out,
        rest => format!("{out}.{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn figures_are_read_in_their_units() {
        let read = |input: Input, text: &str| input.read(text, Currency::USD).unwrap();
        assert_eq!(read(Input::IncumbentMemory, "512 MiB").median(), 0.5);
        assert_eq!(read(Input::Horizon, "18 months").median(), 1.5);
        assert_eq!(read(Input::IncumbentMemory, "512Mi").median(), 0.5);
        assert_eq!(read(Input::IncumbentMemory, "4GiB").median(), 4.0);
        assert_eq!(read(Input::IncumbentMemory, "1TiB").median(), 1024.0);
        let gigabytes = read(Input::IncumbentMemory, "4GB").median();
        assert!(
            (gigabytes - 4e9 / f64::from(1 << 30)).abs() < 1e-12,
            "{gigabytes}"
        );
        assert_eq!(read(Input::IncumbentVcpus, "500m").median(), 0.5);
        assert_eq!(read(Input::IncumbentVcpus, "0.5").median(), 0.5);
        assert_eq!(
            read(Input::IncumbentVcpus, "1..2 vCPU").bounds(),
            (1.0, 2.0)
        );
        assert_eq!(read(Input::PersonMonth, "20_000 USD").median(), 20_000.0);
        assert_eq!(read(Input::PersonMonth, "20 000,50 USD").median(), 20_000.5);
        assert_eq!(
            read(Input::PersonMonth, "1.234.567 USD").median(),
            1_234_567.0
        );
        assert_eq!(read(Input::PersonMonth, "20'000 USD").median(), 20_000.0);
        assert_eq!(read(Input::Headroom, "1,5").median(), 1.5);
        let number = |number: f64| Input::Headroom.read_number(number, Currency::USD).unwrap();
        assert_eq!(number(1.234).median(), 1.234);
        assert_eq!(read(Input::Instances, "10000").median(), 10_000.0);
        assert_eq!(read(Input::Threshold, "99.9%").median(), 0.999);
        let saving = read(Input::CandidateSaving, "40..50..60%");
        assert_eq!((saving.form(), saving.quantile(0.5)), ("triangular", 0.5));
        let effort = read(Input::Effort, "6..24 person-months");
        assert_eq!((effort.form(), effort.median()), ("lognormal", 12.0));
        assert_eq!(
            read(Input::HandOver, "1 month..1 year").bounds(),
            (1.0, 12.0)
        );
    }

    #[test]
    fn what_is_wrong_is_one_sentence() {
        let wrong = |input: Input, text: &str| input.read(text, Currency::USD).unwrap_err();
        let cases = [
            (
                Input::PersonMonth,
                "20000 EUR",
                "is in EUR, but this case is in USD",
            ),
            (
                Input::PersonMonth,
                "20000",
                "is not a figure such as \"20000 USD\"",
            ),
            (
                Input::IncumbentMemory,
                "4 vCPU",
                "is not a figure such as \"4 GiB\"",
            ),
            (
                Input::PersonMonth,
                "20.000 USD",
                "\"20.000 USD\" is ambiguous: 20.000 is 20000 or 20.0000\nhint: write one of them",
            ),
            (
                Input::Maintenance,
                "-10000..20,000 USD",
                "\"-10000..20,000 USD\" is ambiguous: 20,000 is 20000 or 20.0000",
            ),
            (Input::Headroom, "1.234", "1.234 is 1234 or 1.2340"),
            (
                Input::IncumbentMemory,
                "4",
                "is not a figure such as \"4 GiB\"",
            ),
            (
                Input::IncumbentMemory,
                "500m",
                "is not a figure such as \"4 GiB\"",
            ),
            (
                Input::IncumbentVcpus,
                "4GB",
                "is not a figure such as \"2 vCPU\"",
            ),
            (
                Input::Instances,
                "-5",
                "-5 is out of bounds; it must be between 1 and",
            ),
            (Input::CandidateSaving, "60%..40%", "from low to high"),
            (Input::Effort, "6..9..10 person-months", "efforts overrun"),
            (Input::Effort, "0..9 person-months", "has no middle"),
            (Input::Threshold, "99.95%", "99.95 % is out of bounds"),
            (Input::Threshold, "60%..80%", "one number and no range"),
            (Input::Growth, "1..2..3..4%", "too many numbers"),
            (Input::Growth, "", "is not a figure"),
        ];
        for (input, text, what) in cases {
            assert!(wrong(input, text).contains(what), "{}", wrong(input, text));
        }
    }

    #[test]
    fn numbers_are_shown_without_dust() {
        let shown = [0.1 + 0.2, 1_234_567.891, -1500.0, 0.031_611, 160_846.4];
        assert_eq!(
            shown.map(plain),
            ["0.3", "1,234,568", "-1,500", "0.031611", "160,846"]
        );
    }

    proptest! {
        #[test]
        fn no_text_crashes_it(text in any::<String>(), pieces in "[0-9.,' eE+-]{0,20}[ %/a-zA-Z]{0,8}") {
            for input in Input::ALL {
                let _ = input.read(&text, Currency::USD);
                let _ = input.read_number(text.len() as f64, Currency::USD);
                if let Ok(spread) = input.read(&pieces, Currency::USD) {
                    prop_assert!(spread.quantile(0.999_999).is_finite());
                }
            }
        }
    }
}
