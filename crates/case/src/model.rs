//! The formulas. Sources: `docs/case.md`.

use crate::case::Resolved;
use crate::document::Arm;
use crate::input::Input;
use crate::unit::{
    Gib, GibPrice, HourlyPrice, Instances, Money, MonthlyCost, Months, People, PerSecond,
    PersonMonths, VcpuPrice, Vcpus, Years,
};

/// An excess this small over a whole number is rounding error of the arithmetic, not an instance.
const DUST: f64 = 1e-9;

/// Are instances whole?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// As they are paid.
    Whole,
    /// Before rounding: every figure then depends on the demand without steps.
    Fraction,
}

/// One number for every input that there is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point([Option<f64>; Input::COUNT]);

impl Point {
    /// Every figure at this quantile of its own.
    pub(crate) fn medians(resolved: &Resolved) -> Self {
        Point(Input::ALL.map(|input| resolved.get(input).map(|value| value.spread.median())))
    }

    pub(crate) fn get(&self, input: Input) -> Option<f64> {
        self.0[input as usize]
    }

    /// Of an input that has a default or is required.
    fn or_zero(&self, input: Input) -> f64 {
        self.get(input).unwrap_or(0.0)
    }

    pub(crate) fn set(&mut self, input: Input, value: f64) {
        self.0[input as usize] = Some(value);
    }

    pub(crate) fn with(&self, input: Input, value: f64) -> Self {
        let mut other = self.clone();
        other.set(input, value);
        other
    }
}

/// Instances of the incumbent that the demand of today needs.
fn demanded(point: &Point) -> Instances {
    match point.get(Input::Instances) {
        Some(instances) => Instances(instances),
        None => {
            let provided = PerSecond(point.or_zero(Input::Demand)) * point.or_zero(Input::Headroom);
            Instances(provided / PerSecond(point.or_zero(Input::IncumbentCapacity)))
        }
    }
}

impl Sizes {
    fn of(point: &Point, arm: Arm) -> Self {
        let own = |input| (arm == Arm::Candidate).then(|| point.get(input)).flatten();
        let vcpus = own(Input::CandidateVcpus).unwrap_or(point.or_zero(Input::IncumbentVcpus));
        let memory = match arm {
            Arm::Incumbent => None,
            Arm::Tuned => point.get(Input::TunedMemory),
            Arm::Candidate => point.get(Input::CandidateMemory),
        };
        let vcpus = Vcpus(vcpus);
        let memory = Gib(memory.unwrap_or(point.or_zero(Input::IncumbentMemory)));
        let state = point.or_zero(Input::State);
        let holding = if state > 0.0 {
            Gib(state) / memory
        } else {
            0.0
        };
        let stated = own(Input::CandidateHour).or(point.get(Input::IncumbentHour));
        Sizes {
            ratio: ratio(point, arm),
            floor: holding.max(point.or_zero(Input::Redundancy)),
            price: stated.map_or_else(
                || {
                    VcpuPrice(point.or_zero(Input::VcpuHour)) * vcpus
                        + GibPrice(point.or_zero(Input::GibHour)) * memory
                },
                HourlyPrice,
            ),
        }
    }
}

/// Instances of an arm for one of the incumbent, as far as the demand needs them.
fn ratio(point: &Point, arm: Arm) -> f64 {
    let (saving, capacity) = match arm {
        Arm::Incumbent => return 1.0,
        Arm::Tuned => (Input::TunedSaving, Input::TunedCapacity),
        Arm::Candidate => (Input::CandidateSaving, Input::CandidateCapacity),
    };
    match (point.get(saving), point.get(capacity)) {
        (Some(saving), _) => 1.0 - saving,
        (None, Some(capacity)) => point.or_zero(Input::IncumbentCapacity) / capacity,
        (None, None) => 1.0,
    }
}

/// The case at one point.
pub(crate) struct Model<'p> {
    point: &'p Point,
    rounding: Rounding,
    /// Vulnerabilities of memory safety count: the incumbent can have them.
    unsafe_memory: bool,
    /// ln(1 + r) of the discount rate r.
    force: f64,
    /// Instances of the incumbent that the demand of today needs.
    demanded: Instances,
    /// What the demand grows by in a year, as a factor.
    growth: f64,
    /// What follows for each arm, computed once: a simulation asks for it in every year.
    arms: [Sizes; 3],
}

/// What the sizes of an arm's instances lead to.
#[derive(Clone, Copy)]
struct Sizes {
    /// Instances for one of the incumbent, as far as the demand needs them.
    ratio: f64,
    /// Instances that are needed whatever the demand is: redundancy floor, ceil(state / memory).
    floor: f64,
    /// What an instance costs in an hour.
    price: HourlyPrice,
}

impl<'p> Model<'p> {
    pub(crate) fn new(point: &'p Point, rounding: Rounding, unsafe_memory: bool) -> Self {
        Model {
            point,
            rounding,
            unsafe_memory,
            force: point.or_zero(Input::Discount).ln_1p(),
            demanded: demanded(point),
            growth: 1.0 + point.or_zero(Input::Growth),
            arms: Arm::ALL.map(|arm| Sizes::of(point, arm)),
        }
    }

    fn get(&self, input: Input) -> f64 {
        self.point.or_zero(input)
    }

    /// max(ceil(demand x headroom / capacity), redundancy floor, ceil(state / memory)) in the year that
    /// begins after `year` years.
    pub(crate) fn instances(&self, arm: Arm, year: i32) -> Instances {
        let sizes = &self.arms[arm as usize];
        let demanded = self.demanded.0 * self.growth.powi(year) * sizes.ratio;
        // The largest is rounded up instead of each: the result is the same.
        let needed = demanded.max(sizes.floor);
        Instances(match self.rounding {
            Rounding::Whole => (needed * (1.0 - DUST)).ceil(),
            Rounding::Fraction => needed,
        })
    }

    /// What an instance costs in an hour.
    pub(crate) fn price(&self, arm: Arm) -> HourlyPrice {
        self.arms[arm as usize].price
    }

    /// Infrastructure of an arm in the year that begins after `year` years.
    pub(crate) fn yearly_cost(&self, arm: Arm, year: i32) -> Money {
        self.price(arm).for_a_year(self.instances(arm, year))
    }

    /// What an arm saves against doing nothing, in that year.
    pub(crate) fn net(&self, arm: Arm, year: i32) -> Money {
        if arm == Arm::Incumbent {
            return Money(0.0);
        }
        let saved = self.yearly_cost(Arm::Incumbent, year) - self.yearly_cost(arm, year);
        match arm {
            Arm::Candidate => {
                let vulnerabilities = match self.unsafe_memory {
                    true => self.get(Input::Vulnerabilities),
                    false => 0.0,
                };
                saved + Money(self.get(Input::Incidents)) + Money(vulnerabilities)
                    - Money(self.get(Input::Maintenance))
            }
            Arm::Incumbent | Arm::Tuned => saved,
        }
    }

    /// The work that an arm takes, learning included.
    pub(crate) fn work(&self, arm: Arm) -> PersonMonths {
        match arm {
            Arm::Incumbent => PersonMonths(0.0),
            Arm::Tuned => PersonMonths(self.get(Input::TunedEffort)),
            Arm::Candidate => self.building() + self.learning(),
        }
    }

    fn building(&self) -> PersonMonths {
        PersonMonths(self.get(Input::Effort)) + PersonMonths(self.get(Input::Rebuild))
    }

    /// Half of the ramp-up is lost, and all of the training, for each newcomer.
    pub(crate) fn learning(&self) -> PersonMonths {
        let newcomers = (self.get(Input::People) - self.get(Input::RustPeople)).max(0.0);
        let months = self.get(Input::RampUp) * 0.5 + self.get(Input::Training);
        People(newcomers) * Months(months)
    }

    /// Both run for a while: the candidate's infrastructure comes on top.
    pub(crate) fn dual_running(&self, arm: Arm) -> Money {
        match arm {
            Arm::Candidate => {
                let years = Months(self.get(Input::DualRunning)).years();
                self.yearly_cost(Arm::Candidate, 0) * years.0
            }
            Arm::Incumbent | Arm::Tuned => Money(0.0),
        }
    }

    /// What an arm costs once.
    pub(crate) fn one_off(&self, arm: Arm) -> Money {
        MonthlyCost(self.get(Input::PersonMonth)) * self.work(arm) + self.dual_running(arm)
    }

    /// The time until an arm earns.
    pub(crate) fn earns_after(&self, arm: Arm) -> Years {
        let months = match arm {
            Arm::Incumbent => Months(0.0),
            Arm::Tuned => Months(self.get(Input::TunedAfter)),
            Arm::Candidate => match self.point.get(Input::EarnsAfter) {
                Some(months) => Months(months),
                None => {
                    let people = People(self.get(Input::People));
                    self.building().shared_by(people) + Months(self.get(Input::HandOver))
                }
            },
        };
        months.years()
    }

    /// The net present value of an arm against doing nothing, after so many years:
    /// the sum over the years of net x ((1+r)^-from - (1+r)^-to) / r, less what it costs once. Without
    /// growth that is A x net - E with A = ((1+r)^-d - (1+r)^-T) / r.
    pub(crate) fn npv_after(&self, arm: Arm, years: Years) -> Money {
        if arm == Arm::Incumbent {
            return Money(0.0);
        }
        let begin = self.earns_after(arm).0;
        let mut value = Money(0.0) - self.one_off(arm);
        let mut year = begin.floor();
        while year < years.0 {
            let weight = self.annuity(year.max(begin), (year + 1.0).min(years.0));
            value = value + self.net(arm, year as i32) * weight;
            year += 1.0;
        }
        value
    }

    /// The net present value over the horizon.
    pub(crate) fn npv(&self, arm: Arm) -> Money {
        self.npv_after(arm, Years(self.get(Input::Horizon)))
    }

    /// ((1+r)^-from - (1+r)^-to) / r, and its limit to - from for r = 0.
    pub(crate) fn annuity(&self, from: f64, to: f64) -> f64 {
        let rate = self.get(Input::Discount);
        let force = self.force;
        if to - from == 1.0 {
            // Of a whole year it is (1+r)^-to: most years are, and this is cheap.
            return (-force * to).exp();
        }
        if rate == 0.0 {
            return to - from;
        }
        (-force * from).exp() * -(-force * (to - from)).exp_m1() / rate
    }

    /// Months until the discounted savings have paid what the arm costs once; `None` within the horizon
    /// never.
    pub(crate) fn payback(&self, arm: Arm) -> Option<f64> {
        let months = (self.get(Input::Horizon) * 12.0 + DUST).floor() as u32;
        (1..=months).map(f64::from).find(|months| {
            let paid = self.npv_after(arm, Months(*months).years());
            paid >= Money(0.0) && months / 12.0 >= self.earns_after(arm).0
        })
    }
}
