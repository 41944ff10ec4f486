//! The rules of the verdict, in order; the first that matches decides.

use crate::Evidence;
use crate::plan::{Plan, RatePlan};
use crate::sentences::{
    goal_figures, goal_text, lateness_text, reason, slo_figures, slo_text, slo_text_with,
};
use crate::terms::{Question, Terms};
use crate::tuning::{self, Need, Tuning};
use understudy_model::edges::Edges;
use understudy_model::proof::SelfTest;
use understudy_model::stored::LatencyBlock;
use understudy_model::verdict::{
    Bearing, Comparison, Equivalence, Figure, Gate, GoalResult, Held, MOST_LOST, MOST_MISSED,
    MOST_REFUSED, Reason, SloResult, UnderLoad, Verdict, VerdictDocument, VerdictRules,
};
use understudy_model::{Pacing, Role};
use understudy_stats::binomial;

/// A share of deviating answers under load that is surely above this is a difference.
const MOST_DEVIATING: f64 = 0.001;

/// The share of the outputs of commands that has to be compared.
const LEAST_COVERED: f64 = 0.5;

type Decision = (Verdict, Vec<Reason>);

/// Decides.
pub(crate) fn decide(
    terms: &Terms,
    plan: &Plan,
    evidence: &Evidence,
    document: &VerdictDocument,
) -> Decision {
    let comparison = &document.comparisons[0];
    let is_first = evidence.environment.rules < VerdictRules::BOUNDS;
    let bears_on_all =
        |gate: &Gate| is_first || Bearing::ALL.iter().all(|of| gate.bears_on.contains(of));
    answers(terms, evidence, comparison)
        .or_else(|| failed_gates(document, bears_on_all))
        .or_else(|| refused(document).filter(|_| is_all_refused(document)))
        .or_else(|| not_measured(terms, plan, evidence))
        .or_else(|| match terms.question {
            Question::Replace => replace_or_keep(terms, evidence, document),
            Question::NoWorse { .. } => worse_or_not(terms, evidence, document),
        })
        .or_else(|| refused(document))
        .unwrap_or_else(|| undecided(document))
}

/// What the answers alone decide: no gate bears on them, since all of them are about time and resources.
fn answers(terms: &Terms, evidence: &Evidence, comparison: &Comparison) -> Option<Decision> {
    let fewest = terms.fewest_compared(evidence.requests.len());
    let equivalence = &comparison.equivalence;
    differences(equivalence)
        .or_else(|| comparison.under_load.as_ref().and_then(deviations))
        .or_else(|| comparison.edges.as_ref().and_then(edges_differ))
        .or_else(|| too_little_compared(equivalence, fewest))
        .or_else(|| hardly_compared(terms, equivalence))
        .or_else(|| mostly_refused(terms, equivalence))
        .or_else(|| comparison.self_test.as_ref().and_then(blind))
}

/// Rules 4 to 6.
fn replace_or_keep(
    terms: &Terms,
    evidence: &Evidence,
    document: &VerdictDocument,
) -> Option<Decision> {
    one_program(document)
        .or_else(|| candidate_misses(document))
        .or_else(|| failures(evidence, Role::Candidate).map(|why| (Verdict::Keep, why)))
        .or_else(|| problem_solved(evidence, document))
        .or_else(|| no_problem(terms, document))
}

/// Nothing is replaced by itself, whatever it reaches.
fn one_program(document: &VerdictDocument) -> Option<Decision> {
    const TEXT: &str =
        "incumbent and candidate are one and the same program, started in the same way";
    let because = || vec![reason("one_program", TEXT.to_owned(), [])];
    document
        .environment
        .one_program
        .then(|| (Verdict::Keep, because()))
}

/// Rules 4 to 6 where two versions of one service are compared.
fn worse_or_not(
    terms: &Terms,
    evidence: &Evidence,
    document: &VerdictDocument,
) -> Option<Decision> {
    let mut worse = newly_missed(document);
    worse.extend(failures(evidence, Role::Candidate).unwrap_or_default());
    worse.extend(goal_reasons(document, "worse", "is missed", |goal| {
        goal.held == Held::Misses
    }));
    if !worse.is_empty() {
        return Some((Verdict::Worse, worse));
    }
    let required = |goal: &GoalResult| goal.required && !is_left_out(terms, goal);
    let mut goals = document.goals.iter().filter(|goal| required(goal));
    if goals.all(|goal| goal.held == Held::Holds) {
        let held = goal_reasons(document, "not_worse", "holds", required);
        return Some((Verdict::NoWorse, held));
    }
    None
}

/// A goal that was not stated, about a resource that was not measured: its absence is one of the limits
/// of the result. A stated goal has to be judged.
pub(crate) fn is_left_out(terms: &Terms, goal: &GoalResult) -> bool {
    terms.goals.is_empty()
        && goal.held == Held::NotJudged
        && matches!(goal.about, Figure::Resource(_))
}

/// Objectives that the candidate misses and the incumbent holds, both for certain.
fn newly_missed(document: &VerdictDocument) -> Vec<Reason> {
    let by_incumbent = |slo: &SloResult| {
        slos(document, Role::Incumbent, Held::Holds)
            .any(|held| held.slo == slo.slo && held.rate_rps == slo.rate_rps)
    };
    slos(document, Role::Candidate, Held::Misses)
        .filter(|slo| by_incumbent(slo))
        .map(|slo| {
            let text = slo_text(slo, "misses");
            reason("candidate_misses_slo", text, slo_figures(slo))
        })
        .collect()
}

/// One reason for each goal of a kind.
fn goal_reasons(
    document: &VerdictDocument,
    code: &str,
    verb: &str,
    which: impl Fn(&GoalResult) -> bool,
) -> Vec<Reason> {
    let goals = document.goals.iter().filter(|goal| which(goal));
    goals
        .map(|goal| reason(code, goal_text(goal, verb), goal_figures(goal)))
        .collect()
}

/// What could decide: how each objective and goal was judged, and what it is about.
fn asked(document: &VerdictDocument) -> impl Iterator<Item = (Held, &Figure)> {
    let slos = document.slo.iter().filter(|slo| slo.side != Role::Tuned);
    let goals = document.goals.iter().map(|goal| (goal.held, &goal.about));
    slos.map(|slo| (slo.held, &slo.about)).chain(goals)
}

/// Is something undecided, because its interval contains the bound, that more pairs at the primary rate may decide?
pub(crate) fn is_open(terms: &Terms, evidence: &Evidence, document: &VerdictDocument) -> bool {
    let at = document.primary.as_ref().map(|primary| primary.rate_rps);
    let mut slos = document
        .slo
        .iter()
        .filter(|slo| slo.side != Role::Tuned && Some(slo.rate_rps) == at);
    let mut goals = document.goals.iter();
    let is_open = slos.any(|slo| slo.held == Held::Undecided)
        || goals.any(|goal| goal.held == Held::Undecided)
        || tuning_is_open(document);
    is_open && answers(terms, evidence, &document.comparisons[0]).is_none()
}

/// Is it all that is left, and undecided, whether tuning alone would do?
fn tuning_is_open(document: &VerdictDocument) -> bool {
    let at = document.primary.as_ref().map(|primary| primary.rate_rps);
    let tuned = |slo: &&SloResult| slo.side == Role::Tuned && Some(slo.rate_rps) == at;
    let mut slos = document.slo.iter().filter(tuned);
    let mut goals = document.tuned_goals.iter();
    let is_undecided = slos.any(|slo| slo.held == Held::Undecided)
        || goals.any(|goal| goal.held == Held::Undecided);
    let mut reasons = document.because.iter();
    is_undecided && reasons.any(|reason| reason.code == tuning::UNDECIDED)
}

/// Is nothing left that was asked for, but for errors?
fn is_all_refused(document: &VerdictDocument) -> bool {
    let mut others = asked(document).filter(|(_, about)| **about != Figure::ErrorShare);
    others.all(|(held, _)| held == Held::Refused)
}

/// Rule 2: what could decide is refused.
fn refused(document: &VerdictDocument) -> Option<Decision> {
    let refused = asked(document).filter(|(held, _)| *held == Held::Refused);
    let refused: Vec<Bearing> = refused
        .filter_map(|(_, about)| Bearing::of(about))
        .collect();
    let (verdict, mut reasons) = failed_gates(document, |gate| {
        gate.bears_on.iter().any(|of| refused.contains(of))
    })?;
    // What no gate refused did not decide either.
    let is_open = |goal: &GoalResult| goal.held == Held::Undecided;
    reasons.extend(goal_reasons(document, "goal_undecided", OPEN, is_open));
    Some((verdict, reasons))
}

/// Rule 2, of gates like this.
fn failed_gates(document: &VerdictDocument, which: impl Fn(&Gate) -> bool) -> Option<Decision> {
    let failed: Vec<Reason> = document
        .gates
        .iter()
        .filter(|gate| !gate.passed && which(gate))
        .map(|gate| reason(&format!("gate_{}", gate.code), gate.text.clone(), []))
        .collect();
    (!failed.is_empty()).then_some((Verdict::Invalid, failed))
}

/// Rule 1, from the equivalence stage.
pub(crate) fn differences(equivalence: &Equivalence) -> Option<Decision> {
    if equivalence.different == 0 {
        return None;
    }
    let mut text = format!(
        "{} of {} answers differ, in {} way{}",
        equivalence.different,
        equivalence.compared,
        equivalence.clusters.len(),
        if equivalence.clusters.len() == 1 {
            ""
        } else {
            "s"
        },
    );
    if let Some(largest) = equivalence.clusters.first() {
        text.push_str(&format!(
            "; most often {} at {} of {} ({} of {})",
            largest.kind, largest.path, largest.operation, largest.count, largest.of,
        ));
    }
    let figures = [
        ("different", equivalence.different as f64),
        ("compared", equivalence.compared as f64),
        ("clusters", equivalence.clusters.len() as f64),
    ];
    Some((
        Verdict::NotEquivalent,
        vec![reason("answers_differ", text, figures)],
    ))
}

/// Rule 1, of edge requests, where they are required to be answered alike.
pub(crate) fn edges_differ(edges: &Edges) -> Option<Decision> {
    if !edges.required || edges.different == 0 {
        return None;
    }
    let titles: Vec<&str> = edges
        .clusters
        .iter()
        .take(3)
        .map(|cluster| cluster.title.as_str())
        .collect();
    let more = match edges.clusters.len().saturating_sub(titles.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let text = format!(
        "{} of {} edge requests are answered differently: {}{more}",
        edges.different,
        edges.compared,
        titles.join(", "),
    );
    let figures = [
        ("different", edges.different as f64),
        ("compared", edges.compared as f64),
        ("classes", edges.clusters.len() as f64),
    ];
    Some((
        Verdict::NotEquivalent,
        vec![reason("edges_differ", text, figures)],
    ))
}

/// Rule 1, from the answers under load.
fn deviations(under_load: &UnderLoad) -> Option<Decision> {
    let low = deviating_low(under_load)?;
    if !is_surely_deviating(under_load) {
        return None;
    }
    let places: Vec<String> = under_load
        .deviations
        .iter()
        .take(3)
        .map(|d| format!("{} of {} ({} times)", d.what, d.operation, d.count))
        .collect();
    let text = format!(
        "under load {} of {} answers deviate from what the incumbent shows for the same request: {}",
        under_load.deviating,
        under_load.answered,
        places.join(", "),
    );
    let figures = [
        ("deviating", under_load.deviating as f64),
        ("answered", under_load.answered as f64),
        ("share_low", low),
    ];
    Some((
        Verdict::NotEquivalent,
        vec![reason("answers_deviate_under_load", text, figures)],
    ))
}

/// The lower end of the interval of the share that deviates.
fn deviating_low(under_load: &UnderLoad) -> Option<f64> {
    binomial::interval(under_load.deviating, under_load.answered).map(|share| share.low)
}

/// Do more answers under load deviate than chance would have?
pub(crate) fn is_surely_deviating(under_load: &UnderLoad) -> bool {
    deviating_low(under_load).is_some_and(|low| low > MOST_DEVIATING)
}

/// Rule 1, of what is missing.
fn too_little_compared(equivalence: &Equivalence, fewest: u64) -> Option<Decision> {
    let lost = equivalence.lost as f64 / (equivalence.eligible as f64).max(1.0);
    let figures = [
        ("compared", equivalence.compared as f64),
        ("lost", equivalence.lost as f64),
        ("eligible", equivalence.eligible as f64),
    ];
    if lost > MOST_LOST {
        let reasons = equivalence.lost_by_reason.iter();
        let most = reasons.max_by_key(|(_, count)| **count);
        let most = most.map_or_else(String::new, |(why, count)| format!(": {why} ({count})"));
        let text = format!(
            "{} of {} exchanges were not compared ({:.2} %, at most 0.1 % may be){most}; fix the cause, or state in a [[compare.rule]] what may differ, and repeat",
            equivalence.lost,
            equivalence.eligible,
            lost * 100.0,
        );
        return Some((
            Verdict::Inconclusive,
            vec![reason("exchanges_lost", text, figures)],
        ));
    }
    (equivalence.compared < fewest).then(|| {
        let text = format!(
            "{} exchanges were compared, at least {fewest} are needed; add requests or use a longer level",
            equivalence.compared,
        );
        (Verdict::Inconclusive, vec![reason("too_few_compared", text, figures)])
    })
}

/// Rule 1, of outputs that noise and rules excuse for the most part: what is left is no ground for a verdict. (Answers
/// of services are bound by what each excused pair shows of itself.)
fn hardly_compared(terms: &Terms, equivalence: &Equivalence) -> Option<Decision> {
    let share = equivalence.coverage.share();
    if terms.pacing == Pacing::Offered || share >= LEAST_COVERED {
        return None;
    }
    let text = format!(
        "only {:.1} % of the bytes of the outputs were compared (at least {:.0} % are needed): noise and rules excuse the rest; give the cases what makes their outputs the same each time (a seed, a fixed time), or compare them by structure (--output)",
        share * 100.0,
        LEAST_COVERED * 100.0,
    );
    let figures = [("compared_share", share)];
    Some((
        Verdict::Inconclusive,
        vec![reason("hardly_compared", text, figures)],
    ))
}

/// Rule 1, of answers that say nothing: whether two services refuse alike is not whether they work alike.
/// (A command that does not end with 0 answers: `grep` says so that it has found nothing. Where none of them does,
/// something that they need is missing.)
pub(crate) fn mostly_refused(terms: &Terms, equivalence: &Equivalence) -> Option<Decision> {
    let refused: u64 = refusals(equivalence).map(|(_, count)| count).sum();
    let share = refused as f64 / (equivalence.compared as f64).max(1.0);
    let is_too_much = match terms.pacing {
        Pacing::Offered => share > MOST_REFUSED,
        Pacing::Serial => share >= 1.0,
    };
    if !is_too_much {
        return None;
    }
    let statuses: Vec<String> = refusals(equivalence)
        .map(|(code, count)| format!("{code}: {count}"))
        .collect();
    if terms.pacing == Pacing::Serial {
        let text = format!(
            "none of the {} compared runs ended with 0 ({}), so nothing was compared but failures; give the cases what they need (files, input), or add cases that succeed",
            equivalence.compared,
            statuses.join(", "),
        );
        let figures = [("compared", equivalence.compared as f64)];
        return Some((
            Verdict::Inconclusive,
            vec![reason("mostly_refused", text, figures)],
        ));
    }
    let text = format!(
        "{refused} of {} compared answers are refusals or errors ({}), so little was compared but refusals; give the requests what they need (credentials, existing ids), and repeat",
        equivalence.compared,
        statuses.join(", "),
    );
    let figures = [
        ("refused", refused as f64),
        ("compared", equivalence.compared as f64),
    ];
    Some((
        Verdict::Inconclusive,
        vec![reason("mostly_refused", text, figures)],
    ))
}

/// The statuses that refuse or fail, with their counts.
fn refusals(equivalence: &Equivalence) -> impl Iterator<Item = (i32, u64)> + '_ {
    equivalence
        .refusals
        .iter()
        .map(|(code, count)| (*code, *count))
}

/// Rule 1, of a comparison that does not notice what is put before it.
pub(crate) fn blind(test: &SelfTest) -> Option<Decision> {
    let (injected, missed) = test.blindness()?;
    let hides = test
        .hidden_by
        .first()
        .map_or("", |hiding| hiding.by.as_str());
    let text = format!(
        "the comparison missed {missed} of {injected} faults that were put into real answers (at most {:.0} % may be); most of them: {hides}",
        MOST_MISSED * 100.0,
    );
    let figures = [("missed", missed as f64), ("injected", injected as f64)];
    Some((
        Verdict::Inconclusive,
        vec![reason("comparison_misses_faults", text, figures)],
    ))
}

/// An interrupted run, or one that ended before it had measured what was planned: what is missing
/// could be what would have decided.
fn not_measured(terms: &Terms, plan: &Plan, evidence: &Evidence) -> Option<Decision> {
    let measured = |rate: &RatePlan, side| {
        let here = |b: &&LatencyBlock| b.side == side && b.rate_rps == rate.rate_rps;
        evidence.blocks.iter().filter(here).count() as u32
    };
    let missing = plan.rates.iter().find_map(|rate| {
        terms
            .sides()
            .map(|side| (rate, side, measured(rate, side)))
            .find(|(rate, _, count)| *count < rate.pairs())
    });
    let (rate, side, count) = missing?;
    let text = format!(
        "{count} of {} measurements of the {} {} are stored: the run is not complete; continue it (understudy trial --resume)",
        rate.pairs(),
        side.in_words(),
        Pacing::at(rate.rate_rps),
    );
    let figures = [
        ("blocks", f64::from(count)),
        ("planned_blocks", f64::from(rate.pairs())),
        ("rate_rps", rate.rate_rps),
    ];
    Some((
        Verdict::Inconclusive,
        vec![reason("not_measured", text, figures)],
    ))
}

/// Rule 4 for trials without an objective on errors: a contender that surely fails more often than
/// 0.1 % of the time, and more often than the incumbent, is not a replacement. Errors are fast and
/// cheap: no other figure would show them.
pub(crate) fn failures(evidence: &Evidence, contender: Role) -> Option<Vec<Reason>> {
    let count = |side| {
        let rows = evidence.blocks.iter().filter(|b| b.side == side);
        rows.flat_map(|b| &b.rows).fold((0, 0), |(k, n), row| {
            (k + u64::from(row.observation.is_error()), n + 1)
        })
    };
    let (incumbent, contending) = (count(Role::Incumbent), count(contender));
    let most = binomial::interval(incumbent.0, incumbent.1)?
        .high
        .max(MOST_DEVIATING);
    let share = binomial::interval(contending.0, contending.1)?;
    if share.low <= most {
        return None;
    }
    let text = format!(
        "under load the {} leaves {} of {} requests without an answer or answers 5xx ({:.2} %), the incumbent {} of {}",
        contender.in_words(),
        contending.0,
        contending.1,
        share.estimate * 100.0,
        incumbent.0,
        incumbent.1,
    );
    let (code, names) = match contender {
        Role::Tuned => (
            "tuned_fails_under_load",
            ["tuned_error_share", "tuned_error_share_low"],
        ),
        Role::Candidate | Role::Incumbent | Role::Second => (
            "candidate_fails_under_load",
            ["candidate_error_share", "candidate_error_share_low"],
        ),
    };
    let figures = [
        (names[0], share.estimate),
        (names[1], share.low),
        ("incumbent_errors", incumbent.0 as f64),
    ];
    Some(vec![reason(code, text, figures)])
}

/// Rule 4.
fn candidate_misses(document: &VerdictDocument) -> Option<Decision> {
    let reasons: Vec<Reason> = slos(document, Role::Candidate, Held::Misses)
        .map(|slo| {
            reason(
                "candidate_misses_slo",
                slo_text(slo, "misses"),
                slo_figures(slo),
            )
        })
        .collect();
    (!reasons.is_empty()).then_some((Verdict::Keep, reasons))
}

/// Rule 5: what is asked for and the candidate reaches, unless the tuned incumbent reaches it as well.
fn problem_solved(evidence: &Evidence, document: &VerdictDocument) -> Option<Decision> {
    let (mut gained, mut open) = (Vec::new(), Vec::new());
    for (need, solved) in [objectives_solved(document), goals_reached(document)]
        .into_iter()
        .flatten()
    {
        match tuning::judge(document, evidence, &need) {
            Tuning::FallsShort(why) => {
                return Some((Verdict::Replace, [solved, why].concat()));
            }
            Tuning::Reaches(why) => gained.extend([why, solved].concat()),
            Tuning::Open(why) => open.extend([with_next(why), solved].concat()),
        }
    }
    // Goals that are open may yet be what tuning does not reach.
    let undecided = |goal: &GoalResult| matches!(goal.held, Held::Undecided | Held::NotJudged);
    match (gained.is_empty(), open.is_empty()) {
        (_, false) => Some((Verdict::Inconclusive, open)),
        (false, true) if !document.goals.iter().any(undecided) => Some((Verdict::Keep, gained)),
        _ => None,
    }
}

/// Reasons that leave something open, with what to measure next.
fn with_next(open: Vec<Reason>) -> Vec<Reason> {
    let with_next = |why: Reason| Reason {
        text: format!("{}; {NEXT}", why.text),
        ..why
    };
    open.into_iter().map(with_next).collect()
}

/// The objectives that the incumbent misses, if the candidate holds each of them at the same rate.
fn objectives_solved(document: &VerdictDocument) -> Option<(Need<'_>, Vec<Reason>)> {
    let missed: Vec<&SloResult> = slos(document, Role::Incumbent, Held::Misses).collect();
    let held = |miss: &&SloResult| {
        slos(document, Role::Candidate, Held::Holds)
            .find(|held| held.slo == miss.slo && held.rate_rps == miss.rate_rps)
    };
    let holds: Vec<&SloResult> = missed.iter().map(held).collect::<Option<_>>()?;
    if missed.is_empty() {
        return None;
    }
    let because = |code: &str, verb: &str, of: &[&SloResult]| -> Vec<Reason> {
        let each = of.iter();
        each.map(|slo| reason(code, slo_text(slo, verb), slo_figures(slo)))
            .collect()
    };
    let mut reasons = because("incumbent_misses_slo", "misses", &missed);
    reasons.extend(because("candidate_holds_slo", "holds", &holds));
    Some((Need::Objectives(missed), reasons))
}

/// The goals, if the candidate reaches all of them.
fn goals_reached(document: &VerdictDocument) -> Option<(Need<'_>, Vec<Reason>)> {
    let goals = &document.goals;
    let all = !goals.is_empty() && goals.iter().all(|goal| goal.held == Held::Holds);
    all.then(|| {
        let reached = goal_reasons(document, "goal_reached", "is reached", |_| true);
        (Need::Goals, reached)
    })
}

/// Rule 6.
fn no_problem(terms: &Terms, document: &VerdictDocument) -> Option<Decision> {
    let incumbent: Vec<&SloResult> = document
        .slo
        .iter()
        .filter(|slo| slo.side == Role::Incumbent)
        .collect();
    if !incumbent.iter().all(|slo| slo.held == Held::Holds) {
        return None;
    }
    let missed: Vec<Reason> = document
        .goals
        .iter()
        .filter(|goal| goal.held == Held::Misses)
        .map(|goal| {
            reason(
                "goal_not_reached",
                goal_text(goal, "is not reached"),
                goal_figures(goal),
            )
        })
        .collect();
    if !missed.is_empty() {
        return Some((Verdict::Keep, missed));
    }
    if !document.goals.is_empty() {
        return None;
    }
    if terms.slos.is_empty() {
        let text = "no objective and no goal is stated, so no problem has been measured that a \
                    replacement would solve; state an [[slo]] or a [goal]";
        return Some((
            Verdict::Keep,
            vec![reason("no_measured_problem", text.to_owned(), [])],
        ));
    }
    let mut reasons = vec![reason(
        "no_measured_problem",
        "no measured problem: the incumbent holds every objective".to_owned(),
        [],
    )];
    reasons.extend(incumbent.iter().map(|slo| {
        reason(
            "incumbent_holds_slo",
            slo_text(slo, "holds"),
            slo_figures(slo),
        )
    }));
    Some((Verdict::Keep, reasons))
}

/// Rule 7, with what to measure next.
fn undecided(document: &VerdictDocument) -> Decision {
    let mut reasons: Vec<Reason> = document
        .slo
        .iter()
        // What is open of the tuned side matters only where the candidate would replace.
        .filter(|slo| slo.side != Role::Tuned)
        .filter(|slo| matches!(slo.held, Held::Undecided | Held::NotJudged))
        .map(|slo| {
            let (code, how) = match slo.held {
                Held::NotJudged => ("slo_not_judged", "cannot be judged from these samples for"),
                _ => (
                    "slo_undecided",
                    "is undecided (the interval contains the bound) for",
                ),
            };
            let next = lateness_text(slo).unwrap_or_else(|| NEXT.to_owned());
            let text = format!("{}; {next}", slo_text_with(slo, how));
            reason(code, text, slo_figures(slo))
        })
        .collect();
    reasons.extend(
        document
            .goals
            .iter()
            // What is not required leaves nothing open.
            .filter(|goal| goal.required && goal.held != Held::Holds)
            .map(|goal| reason("goal_undecided", open_text(goal), goal_figures(goal))),
    );
    if reasons.is_empty() {
        let text = format!("the evidence does not decide; {NEXT}");
        reasons.push(reason("undecided", text, []));
    }
    (Verdict::Inconclusive, reasons)
}

/// A goal that the evidence leaves open, with what to do.
fn open_text(goal: &GoalResult) -> String {
    match (&goal.about, goal.held) {
        // Why not says what to do.
        (Figure::Instructions, Held::NotJudged) => goal_text(goal, "is not judged"),
        (Figure::Instructions, _) => format!("{}; {ROUNDS_DIFFER}", goal_text(goal, OPEN)),
        _ => format!("{}; {NEXT}", goal_text(goal, OPEN)),
    }
}

/// What is said of a goal that the evidence leaves open.
const OPEN: &str = "is undecided (the interval contains the goal)";
const NEXT: &str = "measure longer (--thorough) or at a rate nearer to the bound";
const ROUNDS_DIFFER: &str = "what the sides do differs from round to round by more than that: state a goal that is \
                             further away, or give them the same to do each time (a fixed seed)";

pub(crate) fn slos(
    document: &VerdictDocument,
    side: Role,
    held: Held,
) -> impl Iterator<Item = &SloResult> {
    document
        .slo
        .iter()
        .filter(move |slo| slo.side == side && slo.held == held)
}
