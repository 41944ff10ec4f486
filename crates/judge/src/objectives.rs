//! Service level objectives and goals, judged.
//!
//! The primary objective is judged by its own 95 % interval. Everything else about incumbent and
//! candidate shares one Holm correction, so that a third side changes nothing of it, and everything
//! about the tuned incumbent another: a conclusion needs an adjusted two-sided p below 5 %. Where the evidence is looked at
//! several times, the looks share these 5 % ([`Plan::alpha`]).

use crate::Evidence;
use crate::blocks::{From, Latencies, Sorted};
use crate::comparisons::{
    Values, estimate, log_differences, resource_values, side_estimate, values,
};
use crate::instructions::{Rounds, unjudged};
use crate::plan::Plan;
use crate::refusals::{is_refused, leave_what_holds};
use crate::terms::{Goal, Question, Slo, Terms};
use understudy_model::instructions::CountedRun;
use understudy_model::stored::LatencyBlock;
use understudy_model::verdict::{
    Estimate, Figure, Gate, GoalResult, Held, LatencyQuantile, Resource, SloResult,
};
use understudy_model::{Pacing, Role};
use understudy_stats::paired::{effect_at, p_above, p_against, p_below};
use understudy_stats::quantile::{order_statistic, order_statistic_ranks};
use understudy_stats::{binomial, holm};

/// An estimate against a bound, before the correction.
struct Judged {
    /// Of a latency: the estimate from when requests were due, and the widest interval of both readings.
    value: Option<Estimate>,
    /// Of a latency: from when requests were sent.
    from_sent: Option<Estimate>,
    /// One-sided p values against "at most the bound" and "at least the bound"; `None` where
    /// nothing can be tested. Of a latency each is that of the reading that is nearer to it: what is concluded
    /// holds under both.
    p: Option<(f64, f64)>,
    /// The conclusion, where no test is needed or possible.
    fixed: Option<Held>,
}

impl Judged {
    fn not_judged() -> Self {
        Judged {
            value: None,
            from_sent: None,
            p: None,
            fixed: Some(Held::NotJudged),
        }
    }

    /// By the interval alone.
    fn by_interval(&self, bound: f64) -> Held {
        match (self.fixed, self.value) {
            (Some(held), _) => held,
            (None, None) => Held::NotJudged,
            (None, Some(e)) if e.high.is_some_and(|high| high <= bound) => Held::Holds,
            (None, Some(e)) if e.low.is_none_or(|low| low > bound) => Held::Misses,
            (None, Some(_)) => Held::Undecided,
        }
    }
}

/// What was judged.
pub(crate) struct Objectives {
    pub(crate) slos: Vec<SloResult>,
    pub(crate) goals: Vec<GoalResult>,
    pub(crate) tuned_goals: Vec<GoalResult>,
}

/// Judges every objective for each side and rate, and every goal for each contender. Errors are those of all
/// measurements, everything else is taken from those whose pairs count, as `latencies` is.
pub(crate) fn judge(
    terms: &Terms,
    plan: &Plan,
    latencies: &Latencies,
    (evidence, counting): (&Evidence, &[&LatencyBlock]),
) -> Objectives {
    let measured = Measured {
        terms,
        plan,
        latencies,
        blocks: &evidence.blocks,
        counting,
        counted: &evidence.counted,
    };
    let both = [Role::Incumbent, Role::Candidate];
    let (mut slos, goals) = measured.family(&both, Role::Candidate);
    let mut tuned_goals = Vec::new();
    if terms.sides().any(|side| side == Role::Tuned) {
        let (of_tuned, goals) = measured.family(&[Role::Tuned], Role::Tuned);
        // Both lists go through objectives and rates in the same order.
        let tuned = of_tuned.into_iter();
        slos = slos
            .chunks(2)
            .zip(tuned)
            .flat_map(|(both, tuned)| [both, &[tuned]].concat())
            .collect();
        tuned_goals = goals;
    }
    Objectives {
        slos,
        goals,
        tuned_goals,
    }
}

impl Objectives {
    /// Refuses what a failed gate bears on; goals are about the primary rate.
    pub(crate) fn refuse(&mut self, gates: &[Gate], plan: &Plan) {
        for slo in &mut self.slos {
            let is_left =
                slo.held == Held::Holds && leave_what_holds(gates, slo.rate_rps, plan.rules);
            if is_refused(gates, &slo.about, slo.rate_rps) && !is_left {
                slo.held = Held::Refused;
            }
        }
        for goal in self.goals.iter_mut().chain(&mut self.tuned_goals) {
            if is_refused(gates, &goal.about, plan.primary.rate_rps) {
                goal.held = Held::Refused;
            }
        }
    }
}

/// What is judged from.
struct Measured<'a> {
    terms: &'a Terms,
    plan: &'a Plan,
    latencies: &'a Latencies,
    blocks: &'a [LatencyBlock],
    /// Those whose pairs count.
    counting: &'a [&'a LatencyBlock],
    /// Runs of sides whose instructions were counted.
    counted: &'a [CountedRun],
}

impl Measured<'_> {
    /// The results that share one correction: the objectives of these sides, the goals of a contender.
    fn family(&self, sides: &[Role], contender: Role) -> (Vec<SloResult>, Vec<GoalResult>) {
        let Measured {
            terms,
            plan,
            latencies,
            blocks,
            ..
        } = *self;
        let mut slos = Vec::new();
        let mut goals = Vec::new();
        let mut judged = Vec::new();
        for slo in &terms.slos {
            for rate in &plan.rates {
                for side in sides {
                    let (one, bound) =
                        judge_slo(slo, (rate.rate_rps, *side), plan, latencies, blocks);
                    let primary = is_primary(plan, slo, rate.rate_rps);
                    slos.push(SloResult {
                        slo: slo.describe(),
                        about: about(slo),
                        side: *side,
                        rate_rps: rate.rate_rps,
                        value: one.value,
                        from_sent: one.from_sent,
                        bound,
                        held: one.by_interval(bound),
                        primary,
                    });
                    judged.push(one);
                }
            }
        }
        for goal in &terms.judged_goals() {
            let (one, bound, about) = self.judge_goal(goal, contender);
            let held = one.by_interval(bound);
            let not_counted = held == Held::NotJudged && about == Figure::Instructions;
            goals.push(GoalResult {
                goal: goal.describe(terms.pacing),
                about,
                ratio: one.value,
                ratio_from_sent: one.from_sent,
                bound,
                held,
                not_judged_because: not_counted
                    .then(|| unjudged(self.rounds(contender).count()).to_owned()),
                required: is_required(goal, terms),
            });
            judged.push(one);
        }
        let all_must_hold = terms.question != Question::Replace;
        correct(&judged, plan.alpha(), all_must_hold, &mut slos, &mut goals);
        (slos, goals)
    }
}

/// Where it is asked whether a version is worse and no bound of its own is stated for it, a tail
/// quantile has only to be not worse for certain: on most machines it varies by more than any useful
/// margin from one minute to the next, for every side.
fn is_required(goal: &Goal, terms: &Terms) -> bool {
    let tail = matches!(goal, Goal::Latency { quantile, .. } if *quantile > 0.5);
    terms.question == Question::Replace || !terms.goals.is_empty() || !tail
}

fn about(slo: &Slo) -> Figure {
    match slo {
        Slo::Latency {
            operation,
            quantile,
            ..
        } => Figure::Latency(LatencyQuantile {
            operation: operation.clone(),
            quantile: *quantile,
        }),
        Slo::ErrorRate { .. } => Figure::ErrorShare,
    }
}

fn is_primary(plan: &Plan, slo: &Slo, rate_rps: f64) -> bool {
    let primary = &plan.primary;
    matches!(slo, Slo::Latency { operation, quantile, .. }
        if *operation == primary.operation && *quantile == primary.quantile)
        && rate_rps == primary.rate_rps
}

/// Replaces the conclusions of the secondary results by the corrected ones. Where every goal must
/// hold before anything is concluded, each may do so by its own interval (an intersection-union
/// test: Berger, Technometrics 1982); that one is missed is still corrected.
fn correct(
    judged: &[Judged],
    alpha: f64,
    all_must_hold: bool,
    slos: &mut [SloResult],
    goals: &mut [GoalResult],
) {
    let secondary: Vec<usize> = judged
        .iter()
        .enumerate()
        .filter(|(index, one)| one.p.is_some() && !slos.get(*index).is_some_and(|slo| slo.primary))
        .map(|(index, _)| index)
        .collect();
    let two_sided: Vec<f64> = secondary
        .iter()
        .filter_map(|index| judged[*index].p)
        .map(|(above, below)| (2.0 * above.min(below)).min(1.0))
        .collect();
    for (index, adjusted) in secondary.iter().zip(holm::adjust(&two_sided)) {
        let held = match judged[*index].p {
            Some((above, below)) if adjusted < alpha && above < below => Held::Misses,
            Some(_) if adjusted < alpha => Held::Holds,
            _ => Held::Undecided,
        };
        match slos.get_mut(*index) {
            Some(slo) => slo.held = held,
            None => {
                let goal = &mut goals[*index - slos.len()];
                if !(all_must_hold && goal.held == Held::Holds) {
                    goal.held = held;
                }
            }
        }
    }
}

fn judge_slo(
    slo: &Slo,
    (rate_rps, side): (f64, Role),
    plan: &Plan,
    latencies: &Latencies,
    blocks: &[LatencyBlock],
) -> (Judged, f64) {
    match slo {
        Slo::Latency {
            operation,
            quantile,
            max,
        } => {
            let bound = max.micros();
            if rate_rps == Pacing::NO_RATE {
                let runs = latencies.pooled(rate_rps, side, operation);
                return (quantile_of_runs(&runs, *quantile, bound), bound);
            }
            let blocks = latencies.of(rate_rps, side, operation);
            let of = |from| values(&blocks, *quantile, from);
            let judged = match (of(From::Due), of(From::Sent)) {
                (Values::Judged(due), Values::Judged(sent)) => {
                    against((&due, &sent), bound, plan.alpha())
                }
                _ => Judged::not_judged(),
            };
            (judged, bound)
        }
        Slo::ErrorRate { max } => (error_rate(rate_rps, side, blocks, max.get()), max.get()),
    }
}

/// A quantile of all runs against a bound. Each run is a start of its own, so the number of those beyond the bound is
/// binomial, and the interval is that of order statistics: no distribution is assumed.
fn quantile_of_runs(runs: &Sorted, quantile: f64, bound_us: f64) -> Judged {
    let all = runs.answered_us.len() as u64 + runs.unanswered;
    let (Some((low, high)), Some(estimate)) = (
        order_statistic_ranks(all, quantile),
        order_statistic(&runs.answered_us, quantile),
    ) else {
        return Judged::not_judged();
    };
    let at = |rank: u64| {
        runs.answered_us
            .get(rank.saturating_sub(1) as usize)
            .copied()
    };
    let within = runs.answered_us.partition_point(|us| *us <= bound_us) as u64;
    let beyond = all - within;
    Judged {
        value: Some(Estimate {
            estimate: Some(estimate),
            low: at(low),
            high: at(high),
        }),
        from_sent: None,
        p: Some((
            binomial::p_above(beyond, all, 1.0 - quantile),
            binomial::p_below(beyond, all, 1.0 - quantile),
        )),
        fixed: None,
    }
}

/// Positive values of blocks against a bound, on the log scale, from when requests were due and from when they were
/// sent. The latter are never larger, so the bound is held for certain if the former hold it, and missed if the latter
/// miss it (partial identification: Manski, Partial Identification of Probability Distributions, 2003).
fn against((due, sent): (&[f64], &[f64]), bound: f64, alpha: f64) -> Judged {
    let (of_due, of_sent) = (side_estimate(due, alpha), side_estimate(sent, alpha));
    let value = of_due.zip(of_sent).map(|(due, sent)| Estimate {
        low: sent.low,
        ..due
    });
    let from_sent = of_sent.filter(|_| due != sent);
    let infinite = due.iter().filter(|v| v.is_infinite()).count();
    if infinite > 0 {
        // Nothing to average: all blocks infinite is a miss, some is for the interval to say.
        let fixed = (infinite == due.len()).then_some(Held::Misses);
        return Judged {
            value,
            from_sent,
            p: None,
            fixed,
        };
    }
    Judged {
        value,
        from_sent,
        p: p_above(sent, bound).zip(p_below(due, bound)),
        fixed: None,
    }
}

/// The share of errors over all blocks. Errors come in bursts: where blocks vary more than
/// independent errors would, the sample counts for correspondingly less.
fn error_rate(rate_rps: f64, side: Role, blocks: &[LatencyBlock], bound: f64) -> Judged {
    let counts: Vec<(u64, u64)> = blocks
        .iter()
        .filter(|b| b.side == side && b.rate_rps == rate_rps)
        .map(|b| {
            let errors = b
                .rows
                .iter()
                .filter(|row| row.observation.is_error())
                .count() as u64;
            (errors, b.rows.len() as u64)
        })
        .collect();
    let (k, n) = counts
        .iter()
        .fold((0, 0), |(k, n), (errors, all)| (k + errors, n + all));
    if n < 300 {
        return Judged::not_judged();
    }
    let inflation = dispersion(&counts, k as f64 / n as f64);
    let n = (n as f64 / inflation) as u64;
    let k = ((k as f64 / inflation).ceil() as u64).min(n);
    Judged {
        value: binomial::interval(k, n).map(estimate),
        from_sent: None,
        p: Some((
            binomial::p_above(k, n, bound),
            binomial::p_below(k, n, bound),
        )),
        fixed: None,
    }
}

/// Pearson's chi-square of the counts over its degrees of freedom, at least 1.
fn dispersion(counts: &[(u64, u64)], share: f64) -> f64 {
    if counts.len() < 2 || share <= 0.0 || share >= 1.0 {
        return 1.0;
    }
    let chi_square: f64 = counts
        .iter()
        .filter(|(_, n)| *n > 0)
        .map(|(k, n)| {
            let expected = *n as f64 * share;
            (*k as f64 - expected).powi(2) / (expected * (1.0 - share))
        })
        .sum();
    (chi_square / (counts.len() - 1) as f64).max(1.0)
}

impl Measured<'_> {
    /// The rounds in which the incumbent and a contender were counted alike.
    fn rounds(&self, contender: Role) -> Rounds<'_> {
        Rounds::of(&[Role::Incumbent, contender], self.counted)
    }

    fn judge_goal(&self, goal: &Goal, contender: Role) -> (Judged, f64, Figure) {
        let Measured {
            terms,
            plan,
            latencies,
            counting,
            ..
        } = *self;
        let rate = plan.primary.rate_rps;
        let of_resource = |of: Resource, change| {
            let pairs = resource_pairs(rate, of, counting, contender);
            let readings = pairs.map(|pairs| (pairs, None));
            (readings, change, Figure::Resource(of))
        };
        let (readings, change, about) = match goal {
            Goal::Latency { quantile, change } => {
                let of = |side, from| match values(&latencies.of(rate, side, "*"), *quantile, from)
                {
                    Values::Judged(values) => Some(values),
                    Values::NotJudged(_) => None,
                };
                let pairs = |from| of(Role::Incumbent, from).zip(of(contender, from));
                let about = Figure::Latency(LatencyQuantile {
                    operation: "*".to_owned(),
                    quantile: *quantile,
                });
                let readings = pairs(From::Due).zip(pairs(From::Sent));
                (readings.map(|(due, sent)| (due, Some(sent))), change, about)
            }
            Goal::Wall(change) => of_resource(Resource::WallUsPerRun, change),
            Goal::Startup(change) => of_resource(Resource::StartupUs, change),
            Goal::Cpu(change) => of_resource(Resource::CpuUsPerRequest, change),
            Goal::Instructions(change) => {
                let rounds = self.rounds(contender);
                let pairs = (rounds.each(Role::Incumbent), rounds.each(contender));
                (Some((pairs, None)), change, Figure::Instructions)
            }
            Goal::Memory(change) => {
                let measured =
                    |of| resource_pairs(rate, of, counting, contender).map(|pairs| (pairs, of));
                let memory = measured(Resource::PeakPssBytes)
                    .or_else(|| measured(Resource::PeakRssBytes))
                    .map_or((None, Resource::PeakPssBytes), |(pairs, of)| {
                        (Some(pairs), of)
                    });
                let (pairs, of) = memory;
                (
                    pairs.map(|pairs| (pairs, None)),
                    change,
                    Figure::Resource(of),
                )
            }
        };
        let bound = change.ratio();
        let judge = |pairs: &Pairs| ratio(pairs, bound, plan, terms.seed);
        let judged = readings.and_then(|(of_due, of_sent)| {
            let due = judge(&of_due)?;
            match of_sent.filter(|sent| *sent != of_due) {
                Some(sent) => Some(both_readings(&due, &judge(&sent)?)),
                None => Some(due),
            }
        });
        (judged.unwrap_or_else(Judged::not_judged), bound, about)
    }
}

/// Values of the incumbent and of a contender, pair by pair.
type Pairs = (Vec<f64>, Vec<f64>);

/// The ratio of pairs against a bound.
fn ratio((a, b): &Pairs, bound: f64, plan: &Plan, seed: u64) -> Option<Judged> {
    let differences = log_differences(a, b);
    let effect = effect_at(&differences, plan.alpha(), plan.centre(), seed)?;
    Some(Judged {
        value: Some(estimate(effect.ratio)),
        from_sent: None,
        p: p_against(&differences, bound, plan.centre()),
        fixed: None,
    })
}

/// What holds of a ratio from when requests were due and from when they were sent: traffic as it was planned, and as
/// it left, the same for both sides. Each conclusion has to hold under both (an intersection-union test).
fn both_readings(due: &Judged, sent: &Judged) -> Judged {
    let wider = |of_due: Estimate, of_sent: Estimate| Estimate {
        estimate: of_due.estimate,
        low: of_due.low.zip(of_sent.low).map(|(a, b)| a.min(b)),
        high: of_due.high.zip(of_sent.high).map(|(a, b)| a.max(b)),
    };
    let larger = |a: (f64, f64), b: (f64, f64)| (a.0.max(b.0), a.1.max(b.1));
    Judged {
        value: due
            .value
            .zip(sent.value)
            .map(|(due, sent)| wider(due, sent)),
        from_sent: sent.value,
        p: due.p.zip(sent.p).map(|(due, sent)| larger(due, sent)),
        fixed: None,
    }
}

fn resource_pairs(
    rate_rps: f64,
    resource: Resource,
    blocks: &[&LatencyBlock],
    contender: Role,
) -> Option<Pairs> {
    let (a, b) = resource_values(rate_rps, resource, blocks, contender);
    let a: Option<Vec<f64>> = a.into_iter().collect();
    let b: Option<Vec<f64>> = b.into_iter().collect();
    a.zip(b)
}
