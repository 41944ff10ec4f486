use super::*;
use proptest::prelude::*;

fn goal() -> Goal {
    Goal {
        allowed: vec![0.01],
        width: 0.05,
        first_rate: 100.0,
        lowest_rate: 10.0,
        highest_rate: 10_000.0,
        most_trials: 100,
    }
}

/// Searches a subject whose share of violations at a rate is known, up to so many requests a second
/// that the generator can send.
fn search(goal: &Goal, share: impl Fn(f64) -> Vec<f64>, sendable: f64) -> (Capacity, Vec<Trial>) {
    let mut trials = Vec::new();
    loop {
        match next(goal, &trials) {
            Step::Done(capacity) => return (capacity, trials),
            Step::Measure { rate, requests } => {
                let count =
                    |share: f64| Count::exact(requests as u64, (share * requests).round() as u64);
                trials.push(Trial {
                    rate,
                    counts: share(rate).into_iter().map(count).collect(),
                    trusted: rate <= sendable,
                });
            }
        }
    }
}

fn cliff(at: f64) -> impl Fn(f64) -> Vec<f64> {
    move |rate| vec![if rate < at { 0.0 } else { 0.9 }]
}

#[test]
fn a_cliff_is_found_from_both_sides() {
    let (capacity, trials) = search(&goal(), cliff(2345.0), f64::INFINITY);
    let Capacity::Between {
        interval, narrow, ..
    } = capacity
    else {
        panic!("{capacity:?}");
    };
    assert!(
        interval.low <= 2345.0 && 2345.0 <= interval.high,
        "{interval:?} {trials:?}"
    );
    assert!(narrow, "{interval:?} after {}", trials.len());
}

#[test]
fn bounds_are_reported_where_the_capacity_is_beyond_them() {
    let (above, _) = search(&goal(), cliff(1e6), f64::INFINITY);
    assert_eq!(above, Capacity::AtLeast(10_000.0));
    let (below, _) = search(&goal(), cliff(1.0), f64::INFINITY);
    assert_eq!(below, Capacity::Below(10.0));
}

#[test]
fn a_generator_that_cannot_keep_up_is_not_a_capacity() {
    let (capacity, trials) = search(&goal(), cliff(1e6), 3000.0);
    let refused: Vec<f64> = trials
        .iter()
        .filter(|t| !t.trusted)
        .map(|t| t.rate)
        .collect();
    assert_eq!(refused, [3200.0; 3], "asked again twice, then never");
    let Capacity::AtLeast(rate) = capacity else {
        panic!("{capacity:?}");
    };
    assert!((2000.0..=3000.0).contains(&rate), "{rate}");
    assert_eq!(search(&goal(), cliff(1e6), 0.0).0, Capacity::Unknown);
}

/// The ceiling is next to the capacity: what was seen below it is still said.
#[test]
fn what_is_known_below_a_ceiling_is_reported() {
    let trial = |rate: f64, violations: u64, trusted: bool| Trial {
        rate,
        counts: vec![Count::exact(1000, violations)],
        trusted,
    };
    let mut trials = vec![trial(400.0, 0, true), trial(720.0, 7, true)];
    trials.extend([800.0; 3].map(|rate| trial(rate, 42, false)));
    // 7 of 1,000 where 10 are allowed is a trial that may have been lucky.
    assert_eq!(conclude(&goal(), &trials), Capacity::AtLeast(400.0));
}

/// A burst that did not happen lets a trial above the capacity hold, next to one that broke: two trials
/// next to each other are not an interval of 95 %, and not a reason to stop.
#[test]
fn a_lucky_trial_makes_no_bracket() {
    let trial = |rate: f64, violations: u64| Trial {
        rate,
        counts: vec![Count::exact(1000, violations)],
        trusted: true,
    };
    let mut trials = vec![trial(400.0, 0), trial(800.0, 6), trial(920.0, 80)];
    let Step::Measure { rate, .. } = next(&goal(), &trials) else {
        panic!("the search continues");
    };
    assert!(rate > 800.0 && rate < 920.0, "{rate}");
    let interval = |trials: &[Trial]| match conclude(&goal(), trials) {
        Capacity::Between {
            interval, narrow, ..
        } => (interval.low, interval.high, narrow),
        other => panic!("{other:?}"),
    };
    assert_eq!(interval(&trials), (400.0, 920.0, false));
    trials[2] = trial(920.0, 20);
    assert_eq!(interval(&trials), (400.0, 10_000.0, false));
    assert_eq!(conclude(&goal(), &trials[1..]), Capacity::Unknown);
    trials[0] = trial(400.0, 50);
    assert_eq!(interval(&trials), (10.0, 400.0, false));
}

#[test]
fn the_strictest_objective_binds() {
    let goal = Goal {
        allowed: vec![0.01, 0.001],
        ..goal()
    };
    let power = |rate: f64, at: f64, allowed: f64| allowed * (rate / at).powi(12);
    let share = |rate: f64| {
        let shares = [power(rate, 4000.0, 0.01), power(rate, 1500.0, 0.001)];
        shares.map(|share| share.min(1.0)).to_vec()
    };
    let (capacity, _) = search(&goal, share, f64::INFINITY);
    let Capacity::Between {
        interval, binding, ..
    } = capacity
    else {
        panic!("{capacity:?}");
    };
    assert_eq!(binding, 1);
    assert!(
        interval.low <= 1500.0 && 1500.0 <= interval.high,
        "{interval:?}"
    );
}

#[test]
fn trials_that_contradict_one_another_leave_open_what_is_between() {
    let trial = |rate: f64, requests: u64, violations: u64| Trial {
        rate,
        counts: vec![Count::exact(requests, violations)],
        trusted: true,
    };
    let goal = Goal {
        allowed: vec![1e-6],
        ..goal()
    };
    let found = conclude(&goal, &[trial(7_557_758.0, 126, 0), trial(0.001, 1, 1)]);
    let Capacity::Between { interval, .. } = found else {
        panic!("{found:?}");
    };
    assert_eq!((interval.low, interval.high), (0.001, 7_557_758.0));
}

/// A trial at a rate: at least and at most so many of 10,000 requests violated the objective.
fn bounded(rate: f64, at_least: u64, violations: u64) -> Trial {
    Trial {
        rate,
        counts: vec![Count {
            requests: 10_000,
            violations,
            at_least,
        }],
        trusted: true,
    }
}

#[test]
fn a_trial_turns_on_lateness_unless_its_bounds_say_the_same() {
    let turns = |at_least, violations| {
        turns_on(&goal(), &bounded(1000.0, at_least, violations).counts).is_some()
    };
    // 100 violations are allowed.
    assert!(!turns(0, 33), "far below, however it is counted");
    assert!(!turns(300, 9_000), "far above, however it is counted");
    assert!(!turns(72, 105), "within a third");
    assert!(turns(65, 105));
    assert!(turns(0, 100) && turns(0, 9_000) && turns(250, 400));
    let both = Goal {
        allowed: vec![0.01, 0.001],
        ..goal()
    };
    let counts = [Count::exact(10_000, 500), bounded(1.0, 0, 20).counts[0]];
    assert_eq!(
        turns_on(&both, &counts),
        None,
        "the first is missed in any case"
    );
    let counts = [Count::exact(10_000, 50), bounded(1.0, 0, 20).counts[0]];
    assert_eq!(turns_on(&both, &counts), Some(1));
}

#[test]
fn the_interval_spans_what_both_readings_leave_open() {
    let share = |rate: f64, at: f64| (100.0 * (rate / at).powi(12)).min(9_000.0) as u64;
    let rates = || (0..40).map(|n| 1800.0 + 20.0 * f64::from(n));
    let interval = |trials: Vec<Trial>| match conclude(&goal(), &trials) {
        Capacity::Between { interval, .. } => interval,
        other => panic!("{other:?}"),
    };
    let of = |at: f64| {
        let trials = rates().map(|rate| bounded(rate, share(rate, at), share(rate, at)));
        interval(trials.collect())
    };
    let (due, least) = (of(2000.0), of(2200.0));
    let trials = rates().map(|rate| bounded(rate, share(rate, 2200.0), share(rate, 2000.0)));
    let both = interval(trials.collect());
    assert!(due.high < 2150.0 && least.low > 2050.0, "{due:?} {least:?}");
    assert_eq!((both.low, both.high), (due.low, least.high));
    assert_eq!(both.estimate, due.estimate, "traffic as it was planned");
    // One reading finds no end.
    let held = [bounded(400.0, 0, 0), bounded(800.0, 0, 5_000)];
    assert_eq!(conclude(&goal(), &held), Capacity::AtLeast(400.0));
    let broken = [bounded(800.0, 0, 5_000), bounded(1600.0, 5_000, 5_000)];
    assert_eq!(conclude(&goal(), &broken), Capacity::Below(1600.0));
    assert_eq!(conclude(&goal(), &broken[..1]), Capacity::Unknown);
}

/// The interval of each reading is narrow, that of both is not: the search continues to its last trial.
#[test]
fn a_search_is_content_when_the_interval_of_both_readings_is_narrow() {
    let made = |late: f64| {
        let mut trials = Vec::new();
        loop {
            match next(&goal(), &trials) {
                Step::Done(capacity) => return (capacity, trials.len()),
                Step::Measure { rate, requests } => {
                    let share = (0.01 * (rate / 2000.0).powi(30)).min(0.9);
                    let count = Count {
                        requests: requests as u64,
                        violations: ((share * (1.0 + late)).min(1.0) * requests) as u64,
                        at_least: (share * requests) as u64,
                    };
                    trials.push(Trial {
                        rate,
                        counts: vec![count],
                        trusted: true,
                    });
                }
            }
        }
    };
    let narrow = |capacity: &Capacity| matches!(capacity, Capacity::Between { narrow: true, .. });
    let (quiet, few) = made(0.0);
    assert!(narrow(&quiet) && few < 100, "{quiet:?} after {few}");
    // Six times the violations are 6 % of the rate; 5 % are asked for.
    let (late, all) = made(5.0);
    assert!(!narrow(&late) && all == 100, "{late:?} after {all}");
}

proptest! {
    /// Whatever trials say, there is an answer, and the same for the same trials.
    #[test]
    fn no_trials_break_it(
        trials in proptest::collection::vec((1e-3..1e7f64, 0u64..10_000, 0u64..20_000, 0u64..20_000, any::<bool>()), 0..30),
        allowed in 1e-6..0.9f64,
    ) {
        let goal = Goal { allowed: vec![allowed], ..goal() };
        let trials: Vec<Trial> = trials
            .into_iter()
            .map(|(rate, requests, violations, at_least, trusted)| Trial {
                rate,
                counts: vec![Count { requests, violations, at_least }],
                trusted,
            })
            .collect();
        let step = next(&goal, &trials);
        prop_assert_eq!(&step, &next(&goal, &trials));
        if let Step::Measure { rate, requests } = step {
            prop_assert!(rate.is_finite() && rate > 0.0 && requests > 0.0);
        }
        if let Capacity::Between { interval, .. } = conclude(&goal, &trials) {
            prop_assert!(interval.low <= interval.estimate && interval.estimate <= interval.high);
        }
    }
}
