//! The plan of runs that are made one after the other: how long one takes is not known beforehand, so the time is what
//! is planned, and the number of runs follows from it.

use super::{Plan, RatePlan};
use crate::terms::{Level, Question, Terms};
use understudy_model::verdict::{Primary, Resource, VerdictRules};
use understudy_model::{Pacing, Span};

/// ABBA blocks at the first look: six pairs.
const FIRST: u32 = 3;

/// What a level allows.
struct Budget {
    equivalence: Span,
    runs: Span,
    /// Looks, each at twice as many pairs as the one before.
    looks: u32,
}

fn budget(level: Level) -> Budget {
    let (equivalence_s, runs_s, looks) = match level {
        Level::Quick => (5, 10, 5),
        Level::Default => (30, 60, 7),
        Level::Thorough => (180, 900, 10),
    };
    Budget {
        equivalence: Span::from_secs(equivalence_s),
        runs: Span::from_secs(runs_s),
        looks,
    }
}

pub(super) fn plan(rules: VerdictRules, terms: &Terms) -> Plan {
    let sides = terms.sides().count() as u32;
    let budget = budget(terms.level);
    let longest = match terms.question {
        Question::Replace => None,
        Question::NoWorse { longest, .. } => longest,
    };
    let looks: Vec<u32> = (0..budget.looks).map(|look| FIRST << look).collect();
    Plan {
        equivalence: budget.equivalence,
        edges: Span::default(),
        settle: Span::default(),
        sides,
        rates: vec![RatePlan {
            rate_rps: Pacing::NO_RATE,
            abbas: *looks.last().unwrap_or(&FIRST),
            sides,
            warmup: Span::default(),
            measured: Span::default(),
            restart: Span::default(),
        }],
        looks,
        question: terms.question,
        undecided: None,
        rules,
        primary: Primary {
            operation: "*".to_owned(),
            quantile: 0.5,
            rate_rps: Pacing::NO_RATE,
            resource: Some(Resource::WallUsPerRun),
        },
        // A third side takes half as much time again: the pairs of the other two stay as many.
        runs: longest.unwrap_or(Span::from_secs_f64(
            budget.runs.secs() * f64::from(sides) / 2.0,
        )),
        search: Span::default(),
        floor: terms.memory_floor.map_or_else(Span::default, |floor| {
            floor.expected(&terms.slos, Span::default())
        }),
        longest_floor: terms
            .memory_floor
            .and_then(|floor| floor.budget())
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ASSUMED_VARIATION;
    use crate::search::floor::{ASSUMED_RUNS, FloorConfig, FloorTrial, RunsTrial};
    use crate::simulated;
    use understudy_model::Share;

    #[test]
    fn more_looks_show_smaller_effects_and_the_time_is_that_of_the_level() {
        let terms = Terms {
            pacing: Pacing::Serial,
            ..simulated::terms(Level::Quick, &[Pacing::NO_RATE], 0.99)
        };
        let plan = Plan::new(&terms);
        assert_eq!(plan.looks, [3, 6, 12, 24, 48]);
        assert_eq!(plan.seconds(1), 15.0);
        // Each of 5,000 cases is compared, however long that takes.
        assert_eq!(plan.seconds(5000), 60.0);
        let effect = |look| plan.until(look).smallest_effect(ASSUMED_VARIATION).unwrap();
        assert!(effect(0) > 2.0 * effect(2) && effect(2) > 1.5 * effect(4));
        // 96 pairs of 3 % each: (t + t) times the standard error of a mean.
        assert!((0.010..0.016).contains(&effect(4)), "{}", effect(4));
    }

    #[test]
    fn the_memory_floor_of_commands_is_counted_trial_by_trial() {
        let mut terms = Terms {
            pacing: Pacing::Serial,
            ..simulated::terms(Level::Quick, &[Pacing::NO_RATE], 0.99)
        };
        let without = Plan::new(&terms).seconds(1);
        terms.memory_floor = Some(FloorConfig {
            repeats: 3,
            precision: Share::new(0.05),
            start: None,
            lowest: FloorConfig::LOWEST,
            trial: FloorTrial::Runs(RunsTrial {
                slower: Share::new(0.2),
                budget: RunsTrial::BUDGET,
            }),
        });
        let plan = Plan::new(&terms);
        assert_eq!(plan.longest_floor, RunsTrial::BUDGET);
        // As in a search under load, without the trial that verifies.
        let trials = plan.floor.secs() / ASSUMED_RUNS.secs();
        assert!((17.0..=23.0).contains(&trials), "{trials}");
        assert_eq!(plan.seconds(1), without + 2.0 * plan.floor.secs());
        let floor = terms.memory_floor.as_mut().unwrap();
        floor.trial = FloorTrial::Runs(RunsTrial {
            slower: Share::new(0.2),
            budget: Span::from_secs(5),
        });
        assert_eq!(
            Plan::new(&terms).floor,
            Span::from_secs(5),
            "no more than that"
        );
    }
}
