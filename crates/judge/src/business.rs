//! The business case of a trial: what the run has measured, and what was stated of fleet, team and prices.

use crate::terms::Terms;
use understudy_case::{Case, CaseDocument, DRAWS, Input, Problem, Source, Spread, Value, assess};
use understudy_model::Role;
use understudy_model::capacity::{CapacityKind, SideCapacity};
use understudy_model::floor::FloorKind;
use understudy_model::growth::{Reach, SideGrowth};
use understudy_model::verdict::{
    Comparison, Estimate, Held, Reason, Resource, SloResult, Verdict, VerdictDocument,
};

const GIB: f64 = 1_073_741_824.0;

/// The case of a trial that has one, its figures completed by what the verdict's document holds.
///
/// # Errors
/// Figures that are neither stated nor measured.
pub(crate) fn business(
    terms: &Terms,
    document: &VerdictDocument,
) -> Option<Result<CaseDocument, Vec<Problem>>> {
    let mut case = terms.case.clone()?;
    complete(&mut case, terms, document);
    Some(
        case.resolve()
            .map(|resolved| assess(&case, &resolved, DRAWS, terms.seed)),
    )
}

/// Adds what was measured. What is stated stays: a stated figure may be that of another machine on purpose.
pub fn complete(case: &mut Case, terms: &Terms, document: &VerdictDocument) {
    let facts = &mut case.facts;
    facts.equivalent = facts.equivalent.or(equivalent(terms, document));
    facts.candidate_meets_slo = facts
        .candidate_meets_slo
        .or(holds_objectives(document, Role::Candidate));
    facts.incumbent_meets_slo =
        facts
            .incumbent_meets_slo
            .or(holds_objectives(document, Role::Incumbent).filter(|holds| *holds));
    let at_no_rate =
        |of: &SideCapacity| of.side == Role::Incumbent && of.capacity.kind == CapacityKind::Below;
    if document.capacity.iter().any(at_no_rate) {
        case.facts.incumbent_meets_slo.get_or_insert(false);
    }
    let run = match document.verdict {
        // Its searches refuse what is wrong with them by themselves; a reader should know all the same.
        Verdict::Invalid => "this run, whose verdict is invalid",
        _ => "this run",
    };
    let counts = |side: Role| side != Role::Tuned || tuned_answers_the_same(document);
    for of in handled(terms, document) {
        let spread = of.per_s.as_ref().and_then(interval);
        if let Some(spread) = spread.filter(|_| counts(of.side)) {
            let input = match of.side {
                Role::Incumbent | Role::Second => Input::IncumbentCapacity,
                Role::Candidate => Input::CandidateCapacity,
                Role::Tuned => Input::TunedCapacity,
            };
            let source = Source::Measured(format!("{} in {run}", of.what));
            case.set_if_open(input, Value { spread, source });
        }
    }
    let floors = document.memory_floors.iter();
    let floors = floors.filter(|floor| floor.kind == FloorKind::Between);
    for of in floors.filter(|of| counts(of.side)) {
        let input = match of.side {
            Role::Incumbent | Role::Second => Input::IncumbentMemory,
            Role::Candidate => Input::CandidateMemory,
            Role::Tuned => Input::TunedMemory,
        };
        // Somewhere in the bracket: above the limit that did not hold, at most the one that did.
        let gib = |bytes: Option<f64>| bytes.map(|bytes| bytes / GIB);
        let bracket = gib(of.low_bytes).zip(gib(of.high_bytes));
        if let Some(spread) = bracket.and_then(|(low, high)| Spread::between(low, high)) {
            let source = Source::Measured(format!(
                "memory floor of the {} in {run}",
                of.side.in_words()
            ));
            case.set_if_open(input, Value { spread, source });
        }
    }
    if let Some(cpus) = terms.limits.cpus {
        let source = || Source::Measured("the limit under which the trial measured".to_owned());
        for input in [Input::IncumbentVcpus, Input::CandidateVcpus] {
            if let Some(spread) = Spread::point(cpus.get()) {
                case.set_if_open(
                    input,
                    Value {
                        spread,
                        source: source(),
                    },
                );
            }
        }
    }
}

/// What an instance of a side handles in a second.
struct Handled {
    side: Role,
    per_s: Option<Estimate>,
    /// What that is, in words.
    what: String,
}

/// The same unit for all sides, the one that was asked for: a side that has no figure in it has none.
fn handled(terms: &Terms, document: &VerdictDocument) -> Vec<Handled> {
    let comparisons = document.comparisons.iter();
    if terms.sizing.deadline.is_some() {
        return comparisons.flat_map(within_deadline).collect();
    }
    let searched = document.capacity.iter().map(|of| Handled {
        side: of.side,
        per_s: Some(of.capacity.rate_rps),
        what: format!("capacity of the {}", of.side.in_words()),
    });
    searched
        .chain(comparisons.flat_map(one_after_the_other))
        .collect()
}

/// Of a fleet that runs a batch: the largest size within the deadline, over the deadline. Only where one operation is all
/// that it runs: of several, nothing says in which proportion.
fn within_deadline(comparison: &Comparison) -> Vec<Handled> {
    let [growth] = &comparison.growth[..] else {
        return Vec::new();
    };
    let of = |(side, of): (Role, &SideGrowth)| {
        let within = of.line.as_ref().and_then(|line| line.within_deadline);
        let known = within.filter(|within| within.reach == Reach::UpTo);
        Handled {
            side,
            per_s: known.map(|within| {
                let per_s = |size: f64| size / (within.deadline_us / 1e6);
                Estimate {
                    estimate: within.size.estimate.map(per_s),
                    low: within.size.low.map(per_s),
                    high: within.size.high.map(per_s),
                }
            }),
            what: format!(
                "{} per second within the deadline, of the {}",
                growth.unit,
                side.in_words()
            ),
        }
    };
    let sides = [
        (comparison.baseline, &growth.baseline),
        (comparison.contender, &growth.contender),
    ];
    sides.map(of).into()
}

/// Of a worker that makes one run after the other: its runs.
fn one_after_the_other(comparison: &Comparison) -> Vec<Handled> {
    let mut lines = comparison.resources.iter();
    let Some(wall) = lines.find(|line| line.resource == Resource::WallUsPerRun) else {
        return Vec::new();
    };
    let of = |(side, took): (Role, Option<Estimate>)| {
        let per_s = |took_us: Option<f64>| took_us.map(|us| 1e6 / us);
        Handled {
            side,
            per_s: took.map(|took| Estimate {
                estimate: per_s(took.estimate),
                low: per_s(took.high),
                high: per_s(took.low),
            }),
            what: format!(
                "runs per second of the {}, one after the other,",
                side.in_words()
            ),
        }
    };
    let sides = [
        (comparison.baseline, wall.baseline),
        (comparison.contender, wall.contender),
    ];
    sides.map(of).into()
}

/// A measured interval with both ends; one that is open says too little for money.
fn interval(estimate: &Estimate) -> Option<Spread> {
    Spread::interval(estimate.low?, estimate.estimate?, estimate.high?)
}

/// Were the answers the same? `None`: too few were compared.
fn equivalent(terms: &Terms, document: &VerdictDocument) -> Option<bool> {
    let comparison = document.comparisons.first()?;
    let fewest = terms.fewest_compared(document.method.requests as usize);
    let deviates = document.verdict == Verdict::NotEquivalent;
    match comparison.equivalence.different {
        0 if deviates => Some(false),
        0 => (comparison.equivalence.compared >= fewest).then_some(true),
        _ => Some(false),
    }
}

/// Tuning that changes answers is not an alternative, whatever it saves.
fn tuned_answers_the_same(document: &VerdictDocument) -> bool {
    let mut comparisons = document.comparisons.iter();
    let tuned = comparisons.find(|of| of.contender == Role::Tuned);
    tuned.is_some_and(|of| of.equivalence.different == 0)
}

/// Does a side hold every objective at every rate? `None`: that is open, as it is where latencies were refused.
fn holds_objectives(document: &VerdictDocument, side: Role) -> Option<bool> {
    if document.verdict == Verdict::Invalid {
        return None;
    }
    let mut mine = document.slo.iter().filter(|slo| slo.side == side);
    let misses = |slo: &SloResult| slo.held == Held::Misses;
    match mine.clone().any(misses) {
        true => Some(false),
        false => mine.all(|slo| slo.held == Held::Holds).then_some(true),
    }
}

/// A verdict to replace is kept only if the case agrees; the reasons of the case join its own.
pub(crate) fn agree(document: &mut VerdictDocument, case: &Result<CaseDocument, Vec<Problem>>) {
    if document.verdict != Verdict::Replace {
        return;
    }
    let measured = std::mem::take(&mut document.because);
    let prefixed = |reason: &Reason| Reason {
        code: format!("case_{}", reason.code),
        text: format!("the business case: {}", reason.text),
        figures: reason.figures.clone(),
    };
    (document.verdict, document.because) = match case {
        Err(problems) => (Verdict::Inconclusive, incomplete(problems)),
        Ok(case) => {
            let of_case = case.because.iter().map(prefixed);
            let because = match case.verdict {
                Verdict::Replace => measured.into_iter().chain(of_case).collect(),
                _ => of_case.chain(measured).collect(),
            };
            (case.verdict, because)
        }
    };
}

fn incomplete(problems: &[Problem]) -> Vec<Reason> {
    let missing = problems.iter().map(|problem| Reason {
        code: "case_incomplete".to_owned(),
        text: format!(
            "the business case cannot be made: {} {}",
            problem.input.name(),
            problem.what
        ),
        figures: Default::default(),
    });
    missing.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Evidence;
    use crate::terms::Level;
    use understudy_case::Currency;
    use understudy_compare::Rules;
    use understudy_model::verdict::ResourceComparison;
    use understudy_model::{Pacing, Span};

    /// What a trial of nothing comes to, with this verdict instead.
    fn document(verdict: Verdict) -> VerdictDocument {
        let terms = crate::simulated::terms(Level::Quick, &[100.0], 0.99);
        let mut document = crate::measured(&terms, &Rules::default(), &Evidence::default());
        document.verdict = verdict;
        document.because = vec![Reason {
            code: "goal_reached".to_owned(),
            text: "a goal is reached".to_owned(),
            figures: Default::default(),
        }];
        document
    }

    /// A fleet of so many instances that the candidate halves, for six person-months.
    fn case(instances: &str) -> Result<CaseDocument, Vec<Problem>> {
        let mut case = Case::new("fleet".to_owned(), Currency::USD);
        for (input, text) in [
            (Input::Instances, instances),
            (Input::IncumbentVcpus, "1 vCPU"),
            (Input::IncumbentMemory, "4 GiB"),
            (Input::CandidateSaving, "50%"),
            (Input::Effort, "6 person-months"),
        ] {
            let spread = input.read(text, case.currency).unwrap();
            let source = Source::Stated("a test".to_owned());
            case.set(input, Value { spread, source });
        }
        case.facts.equivalent = Some(true);
        case.facts.candidate_meets_slo = Some(true);
        case.resolve()
            .map(|resolved| assess(&case, &resolved, 1000, 1))
    }

    #[test]
    fn a_replacement_is_kept_only_if_the_case_agrees() {
        let agreed = |verdict, case: &_| {
            let mut document = document(verdict);
            agree(&mut document, case);
            let codes: Vec<String> = document
                .because
                .into_iter()
                .map(|reason| reason.code)
                .collect();
            (document.verdict, codes)
        };
        let (small, large) = (case("10"), case("10000"));
        assert_eq!(
            agreed(Verdict::Replace, &small),
            (
                Verdict::Keep,
                vec!["case_fleet_too_small".to_owned(), "goal_reached".to_owned()]
            )
        );
        assert_eq!(
            agreed(Verdict::Replace, &large),
            (
                Verdict::Replace,
                vec!["goal_reached".to_owned(), "case_pays".to_owned()]
            )
        );
        // Money makes nothing right that is wrong, and no problem where there is none.
        for verdict in [
            Verdict::Keep,
            Verdict::NotEquivalent,
            Verdict::Invalid,
            Verdict::Inconclusive,
        ] {
            assert_eq!(agreed(verdict, &large).0, verdict);
        }
        let open = Err(vec![Problem {
            input: Input::IncumbentCapacity,
            what: "is missing".to_owned(),
        }]);
        let (verdict, codes) = agreed(Verdict::Replace, &open);
        assert_eq!(
            (verdict, codes[0].as_str()),
            (Verdict::Inconclusive, "case_incomplete")
        );
    }

    /// The wall time of a run of incumbent and candidate, microseconds.
    fn wall(incumbent: Estimate, candidate: Estimate) -> ResourceComparison {
        ResourceComparison {
            resource: Resource::WallUsPerRun,
            rate_rps: Pacing::NO_RATE,
            baseline: Some(incumbent),
            contender: Some(candidate),
            ratio: None,
            pairs: 6,
            unmeasured: None,
        }
    }

    #[test]
    fn a_worker_makes_one_run_after_the_other() {
        let mut document = document(Verdict::Replace);
        let took = |low: f64, us: f64, high: f64| Estimate {
            estimate: Some(us),
            low: Some(low),
            high: Some(high),
        };
        document.comparisons[0].resources = vec![wall(took(4e5, 5e5, 1e6), took(1e5, 1e5, 1e5))];
        let terms = crate::simulated::terms(Level::Quick, &[Pacing::NO_RATE], 0.99);
        let mut case = Case::new("batch".to_owned(), Currency::USD);
        complete(&mut case, &terms, &document);
        let text = format!("{case:?}");
        assert!(text.contains("Interval(1.0, 2.0, 2.5)"), "{text}");
        assert!(text.contains("runs per second of the candidate, one after the other"));
    }

    #[test]
    fn the_largest_size_within_a_deadline_is_the_capacity_of_a_batch() {
        use understudy_model::growth::{Growth, Line, WithinDeadline};
        let around = |value: f64| Estimate {
            estimate: Some(value),
            low: Some(value - 10.0),
            high: Some(value + 10.0),
        };
        let side = |reach, rows| SideGrowth {
            line: Some(Line {
                fixed_us: around(1e4),
                us_per_unit: around(20.0),
                units_per_s: around(5e4),
                within_deadline: Some(WithinDeadline {
                    deadline_us: 1e7,
                    reach,
                    size: around(rows),
                    line_ends_at: 1e6,
                }),
            }),
            no_line: None,
            worst_error: None,
            times: Vec::new(),
        };
        let growth = Growth {
            operation: "parse".to_owned(),
            unit: "rows".to_owned(),
            sizes: vec![1.0, 2.0],
            baseline: side(Reach::UpTo, 5000.0),
            contender: side(Reach::AtLeast, 9000.0),
            ratio: None,
            pairs: 12,
            no_ratio: None,
        };
        let completed = |growth: &[&Growth]| {
            let mut terms = crate::simulated::terms(Level::Quick, &[100.0], 0.99);
            terms.sizing.deadline = Some(Span::from_secs(10));
            let mut document = document(Verdict::Replace);
            // Runs per second are another unit: they stand for no side next to one whose size is known.
            document.comparisons[0].resources = vec![wall(around(1e5), around(1e5))];
            document.comparisons[0].growth = growth.iter().map(|of| (*of).clone()).collect();
            let mut case = Case::new("batch".to_owned(), Currency::USD);
            complete(&mut case, &terms, &document);
            case
        };
        let one = completed(&[&growth]);
        assert!(one.is_stated(Input::IncumbentCapacity));
        let text = format!("{one:?}");
        assert!(text.contains("Interval(499.0, 500.0, 501.0)"), "{text}");
        assert!(text.contains("rows per second within the deadline, of the incumbent"));
        let beyond = Input::CandidateCapacity;
        assert!(!one.is_stated(beyond), "it was not measured so far");
        let several = completed(&[&growth, &growth]);
        assert!(!several.is_stated(Input::IncumbentCapacity));
    }
}
