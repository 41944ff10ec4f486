//! What the answer turns on: break-even, tornado, and the figure that flips it.

use crate::case::{Resolved, Source};
use crate::document::{Arm, BreakEven, Defaults, FleetCost, Flip, Swing};
use crate::input::Input;
use crate::model::{Model, Point, Rounding};
use crate::unit::{Currency, Instances};

/// Bisections: more than a number of 64 bits can resolve.
const HALVINGS: u32 = 200;
/// No fleet is larger.
const MOST_INSTANCES: f64 = 1e9;
/// Steps of the fleet sizes that are shown.
const FLEETS: u32 = 60;
/// Steps in which a figure is moved, up to a factor of ten.
const STEPS: u32 = 60;

/// One case, all but one figure at their medians.
pub(crate) struct Sensitivity<'r> {
    resolved: &'r Resolved,
    medians: Point,
    unsafe_memory: bool,
}

impl<'r> Sensitivity<'r> {
    pub(crate) fn new(resolved: &'r Resolved, unsafe_memory: bool) -> Self {
        Sensitivity {
            resolved,
            medians: Point::medians(resolved),
            unsafe_memory,
        }
    }

    /// Net present value of the candidate before rounding: without steps in any figure.
    fn npv(&self, point: &Point) -> f64 {
        let model = Model::new(point, Rounding::Fraction, self.unsafe_memory);
        model.npv(Arm::Candidate).0
    }

    /// The fleet from which on the candidate pays.
    pub(crate) fn break_even(&self) -> BreakEven {
        let now = Model::new(&self.medians, Rounding::Fraction, self.unsafe_memory);
        let today = now.instances(Arm::Incumbent, 0).0;
        let instances = self.smallest_fleet();
        let price = now.price(Arm::Incumbent);
        let get = |input| self.medians.get(input);
        let demand = |instances: f64| {
            let capacity = get(Input::IncumbentCapacity)?;
            Some(instances * capacity / get(Input::Headroom)?)
        };
        BreakEven {
            instances,
            yearly_spend: instances.map(|instances| price.for_a_year(Instances(instances)).0),
            demand_rps: instances.and_then(demand),
            today,
        }
    }

    /// Above the floors the net present value is linear in the fleet, so that it has one zero at most
    /// where it rises.
    fn smallest_fleet(&self) -> Option<f64> {
        let mut point = self.medians.clone();
        let mut pays = |instances: f64| {
            point.set(Input::Instances, instances);
            self.npv(&point) >= 0.0
        };
        if pays(1.0) {
            return Some(1.0);
        }
        if !pays(MOST_INSTANCES) {
            return None;
        }
        Some(bisect(1.0, MOST_INSTANCES, pays))
    }

    /// What each arm costs a year, from one instance to ten times today's fleet or the break-even,
    /// whichever is larger, in equal factors.
    pub(crate) fn fleets(&self, break_even: &BreakEven) -> Vec<FleetCost> {
        let largest = break_even.instances.unwrap_or(1.0).max(break_even.today);
        let decades = (largest * 10.0).clamp(100.0, MOST_INSTANCES).log10();
        let mut point = self.medians.clone();
        let cost = |n: u32| {
            let instances = 10f64.powf(decades * f64::from(n) / f64::from(FLEETS));
            point.set(Input::Instances, instances);
            let model = Model::new(&point, Rounding::Fraction, self.unsafe_memory);
            let annuity = model.annuity(0.0, self.medians.get(Input::Horizon).unwrap_or(1.0));
            let incumbent = model.yearly_cost(Arm::Incumbent, 0).0;
            let equivalent = |arm| incumbent - model.npv(arm).0 / annuity;
            FleetCost {
                instances,
                incumbent,
                tuned: equivalent(Arm::Tuned),
                candidate: equivalent(Arm::Candidate),
            }
        };
        (0..=FLEETS).map(cost).collect()
    }

    /// One figure at a time from its P10 to its P90.
    pub(crate) fn tornado(&self) -> Vec<Swing> {
        let uncertain = self
            .resolved
            .all()
            .filter(|(_, value)| !value.spread.is_point());
        let mut swings: Vec<Swing> = uncertain
            .map(|(input, value)| {
                let (p10, p90) = (value.spread.quantile(0.1), value.spread.quantile(0.9));
                Swing {
                    input: input.name().to_owned(),
                    p10,
                    p90,
                    npv_at_p10: self.npv(&self.medians.with(input, p10)),
                    npv_at_p90: self.npv(&self.medians.with(input, p90)),
                    source: source_name(&value.source).to_owned(),
                }
            })
            .filter(|swing| swing.npv_at_p10 != swing.npv_at_p90)
            .collect();
        swings.sort_by(|a, b| b.width().total_cmp(&a.width()));
        swings
    }

    pub(crate) fn defaults(&self, tornado: &[Swing]) -> Defaults {
        let sources = || self.resolved.all().map(|(_, value)| &value.source);
        let default = |source: &&Source| matches!(source, Source::Default(_));
        let square = |swing: &Swing| swing.width() * swing.width();
        // Not sum(): of nothing that is -0.
        let all = tornado.iter().map(square).fold(0.0, |a, b| a + b);
        let by_default = tornado.iter().filter(|swing| swing.source == "default");
        let by_default = by_default.map(square).fold(0.0, |a, b| a + b);
        Defaults {
            figures: sources().filter(default).count() as u32,
            of: sources().count() as u32,
            share_of_uncertainty: (all > 0.0).then_some(by_default / all),
        }
    }

    /// The figure whose smallest relative change turns the sign.
    pub(crate) fn flip(&self, currency: Currency) -> Option<Flip> {
        let candidates = self.resolved.all().filter_map(|(input, _)| {
            let from = self.medians.get(input).filter(|from| *from != 0.0)?;
            let factor = self.turning_factor(input, from)?;
            Some((factor.ln().abs(), input, from, from * factor))
        });
        let (_, input, from, to) = candidates.min_by(|a, b| a.0.total_cmp(&b.0))?;
        Some(Flip {
            input: input.name().to_owned(),
            from,
            to,
            text: format!(
                "{} from {} to {}",
                input.name(),
                input.show(from, currency),
                input.show(to, currency)
            ),
        })
    }

    /// The factor nearest to 1, by at most ten, that turns the sign when one figure changes by it.
    fn turning_factor(&self, input: Input, from: f64) -> Option<f64> {
        let about = input.about();
        let now = self.npv(&self.medians) >= 0.0;
        let turned = |factor: f64| {
            let point = self.medians.with(input, from * factor);
            (self.npv(&point) >= 0.0) != now
        };
        let inside = |factor: &f64| (about.least..=about.most).contains(&(from * factor));
        let step = |n: u32| 10f64.powf(f64::from(n) / f64::from(STEPS));
        let nearest = |up: bool| {
            let towards = |n: u32| if up { step(n) } else { 1.0 / step(n) };
            let n = (1..=STEPS)
                .take_while(|n| inside(&towards(*n)))
                .find(|n| turned(towards(*n)))?;
            Some(bisect(towards(n - 1), towards(n), turned))
        };
        match (nearest(true), nearest(false)) {
            (Some(up), Some(down)) => Some(if up * down > 1.0 { down } else { up }),
            (up, down) => up.or(down),
        }
    }
}

impl Swing {
    fn width(&self) -> f64 {
        (self.npv_at_p90 - self.npv_at_p10).abs()
    }
}

/// The place between `no` and `yes` where `holds` becomes true.
fn bisect(mut no: f64, mut yes: f64, mut holds: impl FnMut(f64) -> bool) -> f64 {
    for _ in 0..HALVINGS {
        let middle = no + (yes - no) / 2.0;
        match holds(middle) {
            true => yes = middle,
            false => no = middle,
        }
    }
    yes
}

pub(crate) fn source_name(source: &Source) -> &'static str {
    match source {
        Source::Measured(_) => "measured",
        Source::Stated(_) => "stated",
        Source::Default(_) => "default",
    }
}
