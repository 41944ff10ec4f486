use super::*;
use crate::random::Random;

const MIB: u64 = 1 << 20;

fn goal() -> Goal {
    Goal {
        repeats: 3,
        precision: 0.05,
        start: None,
        lowest: 4 * MIB,
        highest: None,
        soak: true,
    }
}

/// Searches a side that behaves so; everything it was asked.
fn search(goal: &Goal, mut side: impl FnMut(Step) -> Trial) -> (Floor, Vec<Trial>) {
    let mut trials = Vec::new();
    while let Some(step) = next(goal, &trials) {
        trials.push(side(step));
        assert!(trials.len() < 200, "it ends");
    }
    (conclude(goal, &trials), trials)
}

/// A side that needs `need` bytes and has used `peak` where nothing held it back.
fn needs(need: u64, peak: u64) -> impl FnMut(Step) -> Trial {
    move |step| Trial {
        limit: step.limit,
        soak: step.soak,
        outcome: match step.limit.is_none_or(|limit| limit >= need) {
            true => Outcome::Held,
            false => Outcome::Ended,
        },
        peak,
        growing: false,
    }
}

#[test]
fn a_known_need_is_in_a_bracket_as_narrow_as_asked() {
    for need_mib in [5, 17, 64, 100, 333, 1000] {
        for peak_mib in [need_mib, need_mib * 2, need_mib * 9] {
            let need = need_mib * MIB;
            let (floor, trials) = search(&goal(), needs(need, peak_mib * MIB));
            let Floor::Between { low, high } = floor else {
                panic!("{floor:?}")
            };
            assert!(low < need && need <= high, "{low} {need} {high}");
            assert!(high as f64 <= low as f64 * 1.05);
            let held = trials.iter().filter(|t| t.limit == Some(high) && !t.soak);
            assert_eq!(held.count(), 3);
            let last = trials.last().unwrap();
            assert!(last.soak && last.limit == Some(above(high)));
            assert!(trials.len() <= 40, "{}", trials.len());
        }
    }
}

#[test]
fn the_peak_may_be_below_the_need_and_the_bounds_are_kept() {
    // Memory that a limit counts and a peak does not.
    let (floor, _) = search(&goal(), needs(100 * MIB, 80 * MIB));
    assert!(matches!(floor, Floor::Between { low, high } if low < 100 * MIB && high >= 100 * MIB));
    let bounded = Goal {
        highest: Some(90 * MIB),
        ..goal()
    };
    let (floor, trials) = search(&bounded, needs(100 * MIB, 80 * MIB));
    assert_eq!(floor, Floor::NoneHeld);
    assert!(
        trials
            .iter()
            .all(|t| t.limit.is_none_or(|limit| limit <= 90 * MIB))
    );
    let (floor, trials) = search(&goal(), needs(MIB, 80 * MIB));
    assert_eq!(floor, Floor::AtMost(4 * MIB));
    assert!(
        trials
            .iter()
            .all(|t| t.limit.is_none_or(|limit| limit >= 4 * MIB))
    );
    let (floor, _) = search(&goal(), needs(MIB, 0));
    assert_eq!(floor, Floor::NoPeak);
}

#[test]
fn noise_raises_a_floor_and_never_lowers_it() {
    let need = 60 * MIB;
    let mut close = 0;
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let mut truth = needs(need, 100 * MIB);
        let (floor, _) = search(&goal(), |step| {
            let mut trial = truth(step);
            // One trial in thirty misses for no fault of the limit; one in thirty is refused.
            let draw = random.uniform();
            if trial.outcome == Outcome::Held && draw < 1.0 / 15.0 && step.limit.is_some() {
                trial.outcome = match draw < 1.0 / 30.0 {
                    true => Outcome::Missed,
                    false => Outcome::Refused,
                };
            }
            trial
        });
        match floor {
            Floor::Between { high, .. } => {
                assert!(high >= need, "{high}");
                close += usize::from(high as f64 <= need as f64 * 1.1);
            }
            Floor::NoneHeld | Floor::Refused | Floor::NotVerified(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(close >= 180, "{close} of 300");
}

#[test]
fn a_leak_gets_no_floor() {
    // It holds any limit above 30 MiB for the length of a short trial, and is killed in the long one.
    let mut short = needs(30 * MIB, 50 * MIB);
    let (floor, trials) = search(&goal(), |step| Trial {
        outcome: match step.soak {
            true => Outcome::Ended,
            false => short(step).outcome,
        },
        ..short(step)
    });
    assert_eq!(floor, Floor::Leaks);
    assert_eq!(trials.iter().filter(|t| t.soak).count(), 1);
    // It grows, and the long trial was over before it was killed.
    let mut short = needs(30 * MIB, 50 * MIB);
    let (floor, _) = search(&goal(), |step| Trial {
        growing: step.soak,
        ..short(step)
    });
    assert_eq!(floor, Floor::Leaks);
}

#[test]
fn what_verifies_is_made_again_once() {
    let misses = |mut first: usize| {
        let mut truth = needs(30 * MIB, 50 * MIB);
        move |step: Step| {
            let mut trial = truth(step);
            if step.soak && first > 0 {
                first -= 1;
                trial.outcome = Outcome::Missed;
            }
            trial
        }
    };
    assert!(matches!(
        search(&goal(), misses(1)).0,
        Floor::Between { .. }
    ));
    assert!(matches!(
        search(&goal(), misses(2)).0,
        Floor::NotVerified(_)
    ));
}

#[test]
fn what_cannot_be_trusted_or_never_holds_ends_the_search() {
    let mut any = needs(30 * MIB, 50 * MIB);
    let (floor, trials) = search(&goal(), |step| Trial {
        outcome: Outcome::Refused,
        ..any(step)
    });
    assert_eq!((floor, trials.len()), (Floor::Refused, 3));
    let mut any = needs(30 * MIB, 50 * MIB);
    let (floor, trials) = search(&goal(), |step| Trial {
        outcome: Outcome::Missed,
        ..any(step)
    });
    assert_eq!((floor, trials.len()), (Floor::NeverHeld, 1));
    assert_eq!(conclude(&goal(), &[]), Floor::Unfinished);
}

#[test]
fn growth_is_what_is_left_after_collections_and_does_not_flatten() {
    let of = 100.0;
    assert!(is_growing(&[50.0, 52.0, 54.0, 56.0, 58.0], of));
    assert!(!is_growing(&[50.0, 56.0, 57.0, 57.5, 57.6], of), "warms up");
    assert!(
        !is_growing(&[50.0, 52.0, 51.0, 56.0, 58.0], of),
        "was emptied"
    );
    assert!(
        !is_growing(&[50.0, 50.1, 50.2, 50.3, 50.4], of),
        "too little"
    );
    assert!(!is_growing(&[], of) && !is_growing(&[1.0], of));
}

#[test]
fn what_ends_by_itself_is_not_verified_by_a_longer_trial() {
    let goal = Goal {
        soak: false,
        ..goal()
    };
    let (floor, trials) = search(&goal, needs(64 * MIB, 70 * MIB));
    let Floor::Between { low, high } = floor else {
        panic!("{floor:?}")
    };
    assert!(low < 64 * MIB && 64 * MIB <= high, "{low} {high}");
    assert!(trials.iter().all(|trial| !trial.soak), "{trials:?}");
    assert_eq!(trials_expected(&goal, 70 * MIB, 64 * MIB).1, 0);
}
