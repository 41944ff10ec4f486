//! The published API against formulas that are computed here once more, on their own.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use proptest::prelude::*;
use statrs::function::erf::erfc;
use understudy_case::{
    Arm, ArmFigures, Case, CaseDocument, Currency, Input, Kind, Source, Spread, Value, assess,
};
use understudy_model::verdict::Verdict;

/// Few: what is exact needs no draws.
const FEW: u32 = 100;

fn stated(case: &mut Case, input: Input, text: &str) {
    let spread = input.read(text, case.currency).unwrap();
    let source = Source::Stated("test".to_owned());
    case.replace(input, Value { spread, source });
}

fn case(figures: &[(Input, &str)]) -> Case {
    let mut case = Case::new("test".to_owned(), Currency::USD);
    for (input, text) in figures {
        stated(&mut case, *input, text);
    }
    case
}

fn assessed(case: &Case, draws: u32) -> CaseDocument {
    assess(case, &case.resolve().unwrap(), draws, 1)
}

fn arm(document: &CaseDocument, arm: Arm) -> &ArmFigures {
    document.arms.iter().find(|of| of.arm == arm).unwrap()
}

fn cents(value: f64) -> i64 {
    (value * 100.0).round() as i64
}

/// 12 person-months of 20,000 USD and nothing else, 1 vCPU and 4 GiB on Fargate, 60 % saved.
fn illustration() -> Case {
    case(&[
        (Input::Instances, "316"),
        (Input::Redundancy, "1"),
        (Input::VcpuHour, "0.04048 USD"),
        (Input::GibHour, "0.004445 USD"),
        (Input::IncumbentVcpus, "1 vCPU"),
        (Input::IncumbentMemory, "4 GiB"),
        (Input::CandidateSaving, "60%"),
        (Input::TunedSaving, "0%"),
        (Input::TunedEffort, "0 person-months"),
        (Input::TunedAfter, "0 months"),
        (Input::People, "2"),
        (Input::RustPeople, "2"),
        (Input::PersonMonth, "20000 USD"),
        (Input::Effort, "12 person-months"),
        (Input::RampUp, "0 months"),
        (Input::Training, "0 months"),
        (Input::DualRunning, "0 months"),
        (Input::EarnsAfter, "0 months"),
        (Input::Discount, "10%"),
        (Input::Horizon, "3 years"),
    ])
}

const UNIT: f64 = (0.04048 + 4.0 * 0.004445) * 8760.0;

/// A = ((1+r)^-d - (1+r)^-T) / r at 10 % and three years.
fn annuity(d: f64) -> f64 {
    (1.1f64.powf(-d) - 1.1f64.powf(-3.0)) / 0.1
}

#[test]
fn both_illustrations_of_the_reference_come_out() {
    for (months, d, spend, units) in [
        ("0 months", 0.0, 160_846.0, 316.0),
        ("12 months", 1.0, 253_524.0, 497.0),
    ] {
        let mut case = illustration();
        stated(&mut case, Input::EarnsAfter, months);
        let document = assessed(&case, FEW);
        let needed = 240_000.0 / annuity(d) / 0.6;
        let even = document.break_even;
        assert_eq!(cents(even.yearly_spend.unwrap()), cents(needed));
        assert!((needed - spend).abs() < 1.0, "{needed}");
        assert!((even.instances.unwrap() - needed / UNIT).abs() < 1e-6);
        assert_eq!(even.instances.unwrap().ceil(), units);
        // 316 instances become ceil(316 x 0.4) = 127.
        let npv = annuity(d) * (316.0 - 127.0) * UNIT - 240_000.0;
        assert_eq!(cents(arm(&document, Arm::Candidate).npv.p50), cents(npv));
        assert_eq!(arm(&document, Arm::Candidate).instances.p50, 127.0);
        assert_eq!(arm(&document, Arm::Incumbent).instances.p50, 316.0);
    }
}

#[test]
fn every_part_of_the_formula_counts_to_the_cent() {
    let mut case = case(&[
        (Input::Demand, "100000/s"),
        (Input::Growth, "10%"),
        (Input::Headroom, "1.5"),
        (Input::State, "1000 GiB"),
        (Input::VcpuHour, "0.04 USD"),
        (Input::GibHour, "0.005 USD"),
        (Input::IncumbentCapacity, "700/s"),
        (Input::IncumbentVcpus, "2 vCPU"),
        (Input::IncumbentMemory, "8 GiB"),
        (Input::CandidateCapacity, "1600/s"),
        (Input::CandidateMemory, "4 GiB"),
        (Input::TunedSaving, "10%"),
        (Input::TunedEffort, "2 person-months"),
        (Input::TunedAfter, "3 months"),
        (Input::People, "3"),
        (Input::RustPeople, "1"),
        (Input::PersonMonth, "15000 USD"),
        (Input::Effort, "9 person-months"),
        (Input::Rebuild, "3 person-months"),
        (Input::RampUp, "4 months"),
        (Input::Training, "2 months"),
        (Input::HandOver, "2 months"),
        (Input::DualRunning, "3 months"),
        (Input::Maintenance, "10000 USD"),
        (Input::Incidents, "7000 USD"),
        (Input::Vulnerabilities, "5000 USD"),
        (Input::Discount, "8%"),
        (Input::Horizon, "30 months"),
    ]);
    case.facts.memory_safe = Some(false);
    let document = assessed(&case, FEW);
    // Demand in year y: 100,000 x 1.1^y; state: 1000/8 = 125 and 1000/4 = 250 instances.
    let demanded = |y: i32, capacity: f64| (100_000.0 * 1.1f64.powi(y) * 1.5 / capacity).ceil();
    let old = |y| demanded(y, 700.0).max(125.0) * (2.0 * 0.04 + 8.0 * 0.005) * 8760.0;
    let new = |y| demanded(y, 1600.0).max(250.0) * (2.0 * 0.04 + 4.0 * 0.005) * 8760.0;
    let net = |y| old(y) - new(y) + 7_000.0 + 5_000.0 - 10_000.0;
    let once = (9.0 + 3.0 + 2.0 * (2.0 + 2.0)) * 15_000.0 + new(0) * 0.25;
    // It earns after (12 / 3 + 2) months: from half of the first to half of the third year.
    let discount = |t: f64| 1.08f64.powf(-t);
    let weight = |from: f64, to: f64| (discount(from) - discount(to)) / 0.08;
    let npv = net(0) * weight(0.5, 1.0) + net(1) * weight(1.0, 2.0) + net(2) * weight(2.0, 2.5);
    let candidate = arm(&document, Arm::Candidate);
    assert_eq!(cents(candidate.one_off.p50), cents(once));
    assert_eq!(cents(candidate.yearly_saving.p50), cents(net(0)));
    assert_eq!(cents(candidate.npv.p50), cents(npv - once));
    let tuned = |y| {
        (100_000.0 * 1.1f64.powi(y) * 1.5 / 700.0 * 0.9)
            .ceil()
            .max(125.0)
    };
    let gained = |y| old(y) - tuned(y) * (2.0 * 0.04 + 8.0 * 0.005) * 8760.0;
    let npv =
        gained(0) * weight(0.25, 1.0) + gained(1) * weight(1.0, 2.0) + gained(2) * weight(2.0, 2.5);
    assert_eq!(
        cents(arm(&document, Arm::Tuned).npv.p50),
        cents(npv - 30_000.0)
    );
    // A memory-safe incumbent has no such vulnerabilities to avoid.
    case.facts.memory_safe = Some(true);
    let safe = assessed(&case, FEW);
    let saving = |of: &CaseDocument| arm(of, Arm::Candidate).yearly_saving.p50;
    assert_eq!(cents(saving(&document) - saving(&safe)), cents(5_000.0));
}

/// The share of draws below `x` of: slope x U(low, high) - 20,000 x effort, integrated over U.
fn below(x: f64, slope: f64, effort: [f64; 2]) -> f64 {
    let normal_upper = |z: f64| 0.5 * erfc(z / std::f64::consts::SQRT_2);
    let (median, sigma) = (
        (effort[0] * effort[1]).sqrt(),
        (effort[1] / effort[0]).ln() / 2.0 / 1.281_551_565_544_600_4,
    );
    let steps = 20_000;
    let cells = (0..steps).map(|n| 0.4 + 0.3 * (f64::from(n) + 0.5) / f64::from(steps));
    let share = cells.map(|saving| {
        let months = (slope * saving - x) / 20_000.0;
        match months > 0.0 {
            true => normal_upper((months / median).ln() / sigma),
            false => 1.0,
        }
    });
    share.sum::<f64>() / f64::from(steps)
}

#[test]
fn quantiles_are_those_of_a_numerical_integration() {
    let mut case = illustration();
    stated(&mut case, Input::Instances, "1000000");
    stated(&mut case, Input::IncumbentMemory, "0.001 GiB");
    stated(&mut case, Input::IncumbentVcpus, "0.001 vCPU");
    stated(&mut case, Input::CandidateSaving, "40%..70%");
    stated(&mut case, Input::Effort, "6..24 person-months");
    let document = assessed(&case, 1_000_000);
    // A million small instances: rounding to whole ones moves nothing.
    let unit = 0.001 * (0.04048 + 0.004445) * 8760.0;
    let slope = annuity(0.0) * 1e6 * unit;
    let quantile = |p: f64| {
        let (mut low, mut high) = (-1e8, slope);
        for _ in 0..100 {
            let middle = (low + high) / 2.0;
            match below(middle, slope, [6.0, 24.0]) < p {
                true => low = middle,
                false => high = middle,
            }
        }
        high
    };
    let spread = quantile(0.95) - quantile(0.05);
    for of in document
        .npv
        .iter()
        .filter(|of| (0.05..=0.95).contains(&of.p))
    {
        let error = (of.value - quantile(of.p)) / spread;
        assert!(error.abs() < 0.005, "{}: {error}", of.p);
    }
    let positive = 1.0 - below(0.0, slope, [6.0, 24.0]);
    assert!(
        (document.p_npv_positive - positive).abs() < 0.002,
        "{positive}"
    );
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let mut case = illustration();
    stated(&mut case, Input::CandidateSaving, "10%..90%");
    let resolved = case.resolve().unwrap();
    let bytes = |seed| serde_json::to_string(&assess(&case, &resolved, 10_000, seed)).unwrap();
    assert_eq!(bytes(7), bytes(7));
    assert_ne!(bytes(7), bytes(8));
}

#[test]
fn the_bounds_of_the_article_come_out() {
    let at = |instances: &str| {
        let mut case = illustration();
        stated(&mut case, Input::Instances, instances);
        case.facts.equivalent = Some(true);
        case.facts.candidate_meets_slo = Some(true);
        assessed(&case, FEW)
    };
    let small = at("10");
    assert_eq!(
        (small.verdict, small.because[0].code.as_str()),
        (Verdict::Keep, "fleet_too_small")
    );
    assert_eq!(at("10000").verdict, Verdict::Replace);
    // 40 to 60 % less memory of 10,000 instances of 4 GiB: 0.62 to 0.93 million a year.
    for (memory, least, most) in [("2.4 GiB", 0.62e6, 0.63e6), ("1.6 GiB", 0.93e6, 0.94e6)] {
        let mut case = illustration();
        stated(&mut case, Input::Instances, "10000");
        stated(&mut case, Input::CandidateMemory, memory);
        let saving = arm(&assessed(&case, FEW), Arm::Candidate).yearly_saving.p50;
        assert!((least..most).contains(&saving), "{saving}");
    }
}

#[test]
fn verdicts_have_their_reasons() {
    let verdict = |change: &dyn Fn(&mut Case)| {
        let mut case = illustration();
        stated(&mut case, Input::Instances, "1000");
        case.facts.equivalent = Some(true);
        case.facts.candidate_meets_slo = Some(true);
        change(&mut case);
        let document = assessed(&case, 2_000);
        (
            document.verdict,
            document.because[0].code.clone(),
            document.next.len(),
        )
    };
    let expect = |change: &dyn Fn(&mut Case), of: Verdict, code: &str| {
        let (verdict, because, next) = verdict(change);
        assert_eq!((verdict, because.as_str()), (of, code));
        assert_eq!(next > 0, of == Verdict::Inconclusive, "{code}");
    };
    use Verdict::{Inconclusive, Keep, Replace};
    expect(&|_| {}, Replace, "pays");
    expect(
        &|c| c.facts.equivalent = Some(false),
        Keep,
        "not_equivalent",
    );
    expect(
        &|c| c.facts.candidate_meets_slo = Some(false),
        Keep,
        "candidate_misses_slo",
    );
    expect(&|c| c.facts.equivalent = None, Inconclusive, "unproven");
    expect(
        &|c| c.facts.unsettled_data_model = true,
        Keep,
        "unsettled_data_model",
    );
    expect(
        &|c| (c.facts.deadline, c.facts.systems_experience) = (true, Some(false)),
        Keep,
        "team_cannot_carry_it",
    );
    expect(
        &|c| stated(c, Input::TunedSaving, "60%"),
        Keep,
        "tuning_gains_as_much",
    );
    expect(
        &|c| stated(c, Input::CandidateSaving, "0%"),
        Keep,
        "no_measured_problem",
    );
    expect(
        &|c| stated(c, Input::Maintenance, "-1000 USD..300000 USD"),
        Inconclusive,
        "uncertain",
    );
    expect(
        &|c| stated(c, Input::EarnsAfter, "4 years"),
        Keep,
        "does_not_pay",
    );
    let api = |c: &mut Case| {
        c.facts.kind = Kind::WebApi;
        stated(c, Input::IncumbentCapacity, "1/s");
        stated(c, Input::Demand, "500/s");
    };
    expect(&api, Keep, "small_web_api");
    let misses = |c: &mut Case| {
        c.facts.incumbent_meets_slo = Some(false);
        stated(c, Input::Instances, "3");
    };
    expect(&misses, Replace, "incumbent_misses_slo");
}

#[test]
fn everything_that_is_wrong_is_reported_at_once() {
    let said = |case: &Case| {
        let problems = case.resolve().unwrap_err();
        problems.iter().map(|p| p.input.name()).collect::<Vec<_>>()
    };
    let empty = case(&[]);
    assert_eq!(
        said(&empty),
        [
            "fleet.instances",
            "effort.build",
            "candidate.saving",
            "incumbent.vcpus",
            "incumbent.memory"
        ]
    );
    let mut euro = Case::new("euro".to_owned(), Currency::new("EUR").unwrap());
    stated(&mut euro, Input::Demand, "5/s");
    stated(&mut euro, Input::CandidateSaving, "5%");
    stated(&mut euro, Input::Effort, "1 person-month");
    assert_eq!(
        said(&euro),
        [
            "incumbent.capacity",
            "incumbent.vcpus",
            "incumbent.memory",
            "price.vcpu_hour",
            "price.gib_hour",
            "team.person_month"
        ]
    );
    let mut twice = illustration();
    let one = Value {
        spread: Spread::point(3.0).unwrap(),
        source: Source::Stated("test".to_owned()),
    };
    for input in [
        Input::Demand,
        Input::IncumbentCapacity,
        Input::CandidateMemory,
        Input::RustPeople,
    ] {
        twice.set(input, one.clone());
    }
    assert_eq!(
        said(&twice),
        ["fleet.demand", "candidate.memory", "team.with_rust"]
    );
}

proptest! {
    #[test]
    fn more_demand_never_costs_less(demand in 1.0..1e7f64, more in 1.0..3.0f64, capacity in 1.0..5e3f64) {
        // A case states two decimals; what is expected is computed from what was stated.
        let stated_as = |figure: f64| (figure * 100.0).round() / 100.0;
        let (demand, capacity) = (stated_as(demand), stated_as(capacity));
        let at = |demand: f64| {
            let mut case = illustration();
            stated(&mut case, Input::IncumbentCapacity, "500/s");
            stated(&mut case, Input::CandidateCapacity, &format!("{capacity:.2}/s"));
            stated(&mut case, Input::Demand, &format!("{demand:.2}/s"));
            assessed(&case, 1)
        };
        let (less, more) = (at(demand), at(demand * more));
        for of in Arm::ALL {
            let (less, more) = (arm(&less, of), arm(&more, of));
            prop_assert!(less.instances.p50 <= more.instances.p50);
            prop_assert!(less.yearly_cost.p50 <= more.yearly_cost.p50);
        }
        let exact = demand * 1.3 / capacity;
        let whole = arm(&less, Arm::Candidate).instances.p50;
        prop_assert!(whole >= exact * 0.999 && whole < exact * 1.001 + 1.001, "{} {}", whole, exact);
    }

    #[test]
    fn no_figures_crash_it(numbers in prop::collection::vec((0usize..Input::ALL.len(), -1e9..1e9f64, 0.0..1e6f64), 0..12)) {
        let mut case = illustration();
        for (index, low, width) in numbers {
            let input = Input::ALL[index];
            let unit = match input.name() {
                name if name.starts_with("price") || name.starts_with("yearly") => " USD",
                _ => "",
            };
            for text in [format!("{low:.2}{unit}"), format!("{low:.2}..{:.2}{unit}", low + width)] {
                if let Ok(spread) = input.read(&text, Currency::USD) {
                    let source = Source::Measured("test".to_owned());
                    case.replace(input, Value { spread, source });
                }
            }
        }
        if let Ok(resolved) = case.resolve() {
            let document = assess(&case, &resolved, 20, 3);
            let text = serde_json::to_string(&document).unwrap();
            prop_assert_eq!(serde_json::from_str::<CaseDocument>(&text).unwrap(), document);
        }
    }
}
