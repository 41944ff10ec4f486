//! Units as types, so that no formula adds gibibytes to money.

use std::fmt;
use std::ops::{Add, Div, Mul, Sub};

/// Hours of a year of 365 days: the prices of clouds are by the hour.
pub(crate) const HOURS_PER_YEAR: f64 = 8760.0;
const MONTHS_PER_YEAR: f64 = 12.0;

macro_rules! quantities {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
        pub(crate) struct $name(pub(crate) f64);

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                $name(self.0 + other.0)
            }
        }
        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                $name(self.0 - other.0)
            }
        }
        impl Mul<f64> for $name {
            type Output = Self;
            fn mul(self, factor: f64) -> Self {
                $name(self.0 * factor)
            }
        }
        impl Div for $name {
            type Output = f64;
            fn div(self, other: Self) -> f64 {
                self.0 / other.0
            }
        }
    )*};
}

quantities!(
    /// Virtual CPUs of an instance.
    Vcpus,
    /// Memory in GiB.
    Gib,
    /// Requests per second.
    PerSecond,
    /// Instances, a fraction before rounding.
    Instances,
    /// Money in the currency of the case.
    Money,
    /// Money per instance and hour.
    HourlyPrice,
    /// Money per vCPU and hour.
    VcpuPrice,
    /// Money per GiB and hour.
    GibPrice,
    /// Money per month of a person.
    MonthlyCost,
    /// Months of work of one person.
    PersonMonths,
    /// A number of people.
    People,
    /// Calendar months.
    Months,
    /// Calendar years.
    Years,
);

impl Mul<Vcpus> for VcpuPrice {
    type Output = HourlyPrice;
    fn mul(self, vcpus: Vcpus) -> HourlyPrice {
        HourlyPrice(self.0 * vcpus.0)
    }
}

impl Mul<Gib> for GibPrice {
    type Output = HourlyPrice;
    fn mul(self, gib: Gib) -> HourlyPrice {
        HourlyPrice(self.0 * gib.0)
    }
}

impl HourlyPrice {
    /// What this many instances cost in a year.
    pub(crate) fn for_a_year(self, instances: Instances) -> Money {
        Money(self.0 * instances.0 * HOURS_PER_YEAR)
    }
}

impl Mul<PersonMonths> for MonthlyCost {
    type Output = Money;
    fn mul(self, work: PersonMonths) -> Money {
        Money(self.0 * work.0)
    }
}

impl Mul<Months> for People {
    type Output = PersonMonths;
    fn mul(self, months: Months) -> PersonMonths {
        PersonMonths(self.0 * months.0)
    }
}

impl PersonMonths {
    /// How long these people take for it together.
    pub(crate) fn shared_by(self, people: People) -> Months {
        Months(self.0 / people.0)
    }
}

impl Months {
    /// The same time in years.
    pub(crate) fn years(self) -> Years {
        Years(self.0 / MONTHS_PER_YEAR)
    }
}

/// A currency by its code of three letters (ISO 4217). A case has one; nothing is converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency([u8; 3]);

impl Currency {
    /// US dollars: the currency of the default prices.
    pub const USD: Currency = Currency(*b"USD");

    /// From a code such as `EUR`.
    pub fn new(code: &str) -> Option<Self> {
        let code: [u8; 3] = code.as_bytes().try_into().ok()?;
        code.iter()
            .all(u8::is_ascii_uppercase)
            .then_some(Currency(code))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}
