//! From stored evidence to a verdict. Pure: the same evidence gives the same document, bit for bit.

#![forbid(unsafe_code)]

mod assumptions;
mod blocks;
#[cfg(test)]
mod bunches;
mod business;
pub mod clips;
mod comparisons;
mod culprit;
mod decide;
#[cfg(test)]
mod disturbed;
mod edges;
mod exits;
mod gates;
mod growth;
mod instructions;
mod limits;
#[cfg(test)]
mod looks;
mod method;
mod objectives;
pub mod plan;
mod refusals;
pub mod search;
mod self_test;
mod sentences;
pub mod series;
#[cfg(test)]
mod simulated;
mod tail;
pub mod terms;
mod tuning;
mod under_load;
mod warm_up;

pub use blocks::latency_us;
pub use business::complete;
pub use comparisons::estimate;
pub use culprit::sentence as with_culprit;
pub use edges::EdgeAnswers;
pub use refusals::{bearing_of, is_refused};
pub use tail::tail;

use crate::plan::{Plan, RatePlan};
use crate::search::floor::runs::Endings;
use crate::terms::{Question, Terms};
use blocks::Latencies;
use std::collections::BTreeMap;
use understudy_case::CaseDocument;
use understudy_compare::{Noise, PairClass, Row, Rules, TriedFault, Workload, classify, tally};
use understudy_model::instructions::CountedRun;
use understudy_model::quality::QualityPoint;
use understudy_model::stored::{Exited, LatencyBlock, ReproducedCluster, RequestFacts, Start};
use understudy_model::verdict::{
    Comparison, Environment, Equivalence, Figure, Held, SCHEMA, Verdict, VerdictDocument,
    VerdictRules,
};
use understudy_model::{Pacing, Role};
use understudy_stats::binomial;

/// Everything that a verdict rests on.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Operation templates, by index.
    pub operations: Vec<String>,
    /// What is known of each request of the workload.
    pub requests: Vec<RequestFacts>,
    /// One row per exchange of the equivalence stage, the candidate against the incumbent.
    pub rows: Vec<Row>,
    /// The same exchanges, the tuned incumbent against the incumbent; empty where there is none.
    pub tuned_rows: Vec<Row>,
    /// What was compared of edge requests; `None` where none were made.
    pub edges: Option<EdgeAnswers>,
    /// Faults that were put into answers of the incumbent, as the candidate's would be compared.
    pub faults: Vec<TriedFault>,
    /// Clusters that were asked again.
    pub reproduced: Vec<ReproducedCluster>,
    /// Every start of a side.
    pub starts: Vec<Start>,
    /// The first load of each side.
    pub settling: Vec<LatencyBlock>,
    /// The measurements under load.
    pub blocks: Vec<LatencyBlock>,
    /// The time for them was over before all that were planned were made: no more come, whatever these show.
    pub load_is_over: bool,
    /// The trials of the search for the capacity, in the order in which they were made.
    pub capacity: Vec<LatencyBlock>,
    /// The trials of the search for the memory floor, in the order in which they were made.
    pub floor: Vec<LatencyBlock>,
    /// Runs of sides whose instructions were counted.
    pub counted: Vec<CountedRun>,
    /// How runs ended where outputs were compared; empty where no trial at a memory limit is held against it.
    pub endings: Endings,
    /// The quality of what encoders wrote, in the order in which it was measured.
    pub quality: Vec<QualityPoint>,
    /// Contenders that ended while they were needed.
    pub exits: Vec<Exited>,
    /// The machine.
    pub environment: Environment,
    /// What the stages noted about the reach of the result.
    pub notes: Vec<String>,
}

impl Evidence {
    /// What was compared of a contender.
    pub fn rows_of(&self, contender: Role) -> &[Row] {
        match contender {
            Role::Tuned => &self.tuned_rows,
            Role::Candidate | Role::Incumbent | Role::Second => &self.rows,
        }
    }

    /// What was compared of every contender.
    pub fn compared(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().chain(&self.tuned_rows)
    }
}

/// What the evidence comes to.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The verdict; where there is a business case, only if that agrees.
    pub verdict: VerdictDocument,
    /// The business case of a trial that has one, if its figures are complete.
    pub case: Option<CaseDocument>,
}

/// Judges the evidence by the rules of the verdict.
pub fn judge(terms: &Terms, rules: &Rules, evidence: &Evidence) -> Judgement {
    let mut verdict = measured(terms, rules, evidence);
    let case = business::business(terms, &verdict);
    if let Some(case) = &case {
        business::agree(&mut verdict, case);
    }
    exits::explain(terms, &mut verdict, &evidence.exits);
    let case = case.and_then(Result::ok);
    Judgement { verdict, case }
}

/// The verdict of the measurements alone.
pub fn measured(terms: &Terms, rules: &Rules, evidence: &Evidence) -> VerdictDocument {
    let plan = Plan::under(evidence.environment.rules, terms);
    let made = pairs(&plan, evidence);
    let plan = &match evidence.load_is_over {
        true => plan.of_abbas(made / 2),
        false => plan.until(plan.look_of(made)),
    };
    // What was not measured (the answers differ, or the run was interrupted) has no lines.
    let measured = Plan {
        rates: measured_rates(plan, &evidence.blocks),
        ..plan.clone()
    };
    let (planned, plan) = (plan, &measured);
    let rules_of_run = evidence.environment.rules;
    let latencies = Latencies::new(&evidence.blocks, terms, &evidence.operations, rules_of_run);
    let step = assumptions::thinning(plan, &latencies, &evidence.blocks);
    let counting = assumptions::thinned(&evidence.blocks, plan, step);
    let thinned;
    let pairs = match step {
        1 => &latencies,
        _ => {
            thinned = Latencies::new(
                counting.iter().copied(),
                terms,
                &evidence.operations,
                rules_of_run,
            );
            &thinned
        }
    };
    let aa = comparisons::aa(plan, terms, &latencies);
    let aa_resources = comparisons::aa_resources(plan, terms, &evidence.blocks);
    let counted = Counted {
        pairs,
        blocks: &counting,
    };
    let compare = |contender: Role| compare(contender, (terms, plan, rules), evidence, &counted);
    let contenders = terms.sides().filter(|side| *side != Role::Incumbent);
    let mut judged = objectives::judge(terms, plan, pairs, (evidence, &counting));
    let of_itself = (&aa[..], &aa_resources[..]);
    let mut gates = gates::judge(terms, plan, &evidence.blocks, &latencies, of_itself);
    gates.extend(assumptions::judge(
        terms,
        plan,
        &evidence.blocks,
        &latencies,
        step,
    ));
    let mut compared: Vec<Comparison> = contenders.map(compare).collect();
    if rules_of_run >= VerdictRules::BOUNDS {
        judged.refuse(&gates, plan);
        for comparison in &mut compared {
            refusals::refuse(comparison, &gates);
        }
    }
    let mut document = VerdictDocument {
        schema: SCHEMA,
        name: terms.name.clone(),
        verdict: Verdict::Inconclusive,
        because: Vec::new(),
        comparisons: compared,
        aa,
        aa_resources,
        warm_up: match terms.pacing {
            Pacing::Offered => warm_up::describe(&evidence.starts, &evidence.settling),
            Pacing::Serial => Vec::new(),
        },
        tails: tail::attribute(plan, &evidence.blocks, terms.seed),
        slo: judged.slos,
        goals: judged.goals,
        tuned_goals: judged.tuned_goals,
        gates,
        refused: Vec::new(),
        primary: Some(plan.primary.clone()),
        method: method::describe(terms, plan, evidence),
        environment: evidence.environment.clone(),
        limits_of_this_result: Vec::new(),
        capacity: search::capacity::judge(terms, evidence),
        memory_floors: search::floor::judge(terms, evidence),
        instructions: instructions::describe(&terms.sides().collect::<Vec<_>>(), evidence),
    };
    document.limits_of_this_result = limits::of(terms, evidence, &document);
    (document.verdict, document.because) = decide::decide(terms, planned, evidence, &document);
    if document.verdict != Verdict::Invalid {
        document.refused = refusals::sentences(&document.gates, &document.slo);
    }
    document
}

/// The measurements that count.
struct Counted<'a> {
    pairs: &'a Latencies,
    blocks: &'a [&'a LatencyBlock],
}

/// A contender against the incumbent.
fn compare(
    contender: Role,
    (terms, plan, rules): (&Terms, &Plan, &Rules),
    evidence: &Evidence,
    counted: &Counted<'_>,
) -> Comparison {
    let noise = Noise::learn(evidence.rows_of(contender));
    let quality = clips::of(&evidence.quality, contender);
    Comparison {
        baseline: Role::Incumbent,
        contender,
        equivalence: equivalence(terms, evidence, contender, &noise, rules),
        self_test: (contender == Role::Candidate)
            .then(|| self_test::judge(evidence, &noise, rules))
            .flatten(),
        under_load: under_load::compare(evidence, contender),
        edges: edges::judge(terms, evidence, contender, rules),
        quality_over_clips: clips::over(&quality),
        quality,
        latency: comparisons::latency(plan, terms, counted.pairs, contender),
        resources: comparisons::resources(plan, terms, counted.blocks, contender),
        growth: growth::compare(
            plan,
            terms,
            &growth::Measured {
                operations: &evidence.operations,
                requests: &evidence.requests,
                blocks: counted.blocks,
            },
            contender,
        ),
    }
}

/// Do the answers decide for certain, whatever a measurement under load would show? What was compared too little may
/// still be worth measuring.
pub fn answers_decide(terms: &Terms, evidence: &Evidence, noise: &Noise, rules: &Rules) -> bool {
    let equivalence = equivalence(terms, evidence, Role::Candidate, noise, rules);
    let self_test = self_test::judge(evidence, noise, rules);
    equivalence.lost > equivalence.compared
        || decide::differences(&equivalence).is_some()
        || decide::mostly_refused(terms, &equivalence).is_some()
        || edges::judge(terms, evidence, Role::Candidate, rules)
            .as_ref()
            .and_then(decide::edges_differ)
            .is_some()
        || self_test.as_ref().and_then(decide::blind).is_some()
}

/// Is there nothing to measure on? The evidence decides, or what it lacks is not more of the same: only an answer that
/// is open, or an incumbent that seems to differ from itself, can change with more pairs.
pub fn is_settled(terms: &Terms, evidence: &Evidence, document: &VerdictDocument) -> bool {
    let question = terms.question;
    // Whether to replace may turn on one goal that is open, whatever is refused next to it.
    let is_open = || question == Question::Replace && decide::is_open(terms, evidence, document);
    match document.verdict {
        Verdict::Keep if terms.judged_goals().is_empty() && terms.slos.is_empty() => {
            is_resolved(document)
        }
        Verdict::Inconclusive => match question {
            Question::Replace => !is_open(),
            Question::NoWorse { .. } => waits_for_counts(document),
        },
        Verdict::Invalid => {
            let mut failed = document.gates.iter().filter(|gate| !gate.passed);
            failed.any(|gate| gate.code != gates::AA) && !is_open()
        }
        _ => true,
    }
}

/// Is all that is left open what is counted after everything that is timed?
fn waits_for_counts(document: &VerdictDocument) -> bool {
    let goals = document.goals.iter();
    let mut open = goals.filter(|goal| goal.held != Held::Holds).peekable();
    open.peek().is_some() && open.all(|goal| goal.about == Figure::Instructions)
}

/// Is the primary outcome known as closely as people can use? It is asked where nothing else was: then more pairs only
/// narrow its interval.
fn is_resolved(document: &VerdictDocument) -> bool {
    let resource = document
        .primary
        .as_ref()
        .and_then(|primary| primary.resource);
    let Some(resource) = resource else {
        return true;
    };
    let lines = document.comparisons[0].resources.iter();
    let ratio = lines
        .filter(|line| line.resource == resource)
        .find_map(|line| line.ratio);
    let ends = ratio.and_then(|ratio| ratio.low.zip(ratio.high));
    ends.is_some_and(|(low, high)| (high / low).ln() / 2.0 <= RESOLVED)
}

/// Half the width of an interval of a ratio, on the log scale, that is narrow enough: 1 %.
const RESOLVED: f64 = 0.01;

/// Pairs of measurements at the primary rate, the begun one included.
fn pairs(plan: &Plan, evidence: &Evidence) -> u32 {
    let of = |side: Role| {
        let here = |b: &&LatencyBlock| b.side == side && b.rate_rps == plan.primary.rate_rps;
        evidence.blocks.iter().filter(here).count() as u32
    };
    of(Role::Incumbent).max(of(Role::Candidate))
}

fn measured_rates(plan: &Plan, blocks: &[LatencyBlock]) -> Vec<RatePlan> {
    let measured = |rate: &&RatePlan| blocks.iter().any(|block| block.rate_rps == rate.rate_rps);
    plan.rates.iter().filter(measured).copied().collect()
}

/// The ledger and the clusters of a contender, alone: what decides whether a trial continues to measure.
pub fn equivalence(
    terms: &Terms,
    evidence: &Evidence,
    contender: Role,
    noise: &Noise,
    rules: &Rules,
) -> Equivalence {
    let answers = Answers {
        operations: &evidence.operations,
        requests: &evidence.requests,
        rows: evidence.rows_of(contender),
        reproduced: &evidence.reproduced,
    };
    let mut equivalence = answers.ledger(contender, noise, rules);
    if terms.pacing == Pacing::Serial {
        by_cases(&mut equivalence, evidence.rows_of(contender), noise);
    }
    equivalence
}

/// What was compared of one contender.
pub(crate) struct Answers<'a> {
    pub(crate) operations: &'a [String],
    pub(crate) requests: &'a [RequestFacts],
    pub(crate) rows: &'a [Row],
    pub(crate) reproduced: &'a [ReproducedCluster],
}

impl Answers<'_> {
    /// Counts them, with what asking a cluster again showed.
    pub(crate) fn ledger(&self, contender: Role, noise: &Noise, rules: &Rules) -> Equivalence {
        let facts = |request: u32| self.requests.get(request as usize);
        let workload = Workload {
            operations: self.operations,
            size: &|request| facts(request).map_or(usize::MAX, |f| f.bytes as usize),
            reproduce: &|request| facts(request).map_or_else(String::new, |f| f.reproduce.clone()),
        };
        let mut ledger = tally(self.rows, noise, rules, workload);
        for cluster in &mut ledger.clusters {
            let mut again = self.reproduced.iter();
            let again = again.find(|again| again.is(contender, cluster));
            cluster.reproduced = again.map(|again| again.reproduced);
        }
        ledger
    }
}

/// Runs of one case are no sample of other cases: the bound counts each case once, as different if any of its runs is.
fn by_cases(equivalence: &mut Equivalence, rows: &[Row], noise: &Noise) {
    let mut cases: BTreeMap<u32, bool> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.lost.is_none()) {
        let differs = matches!(classify(row, noise).class, PairClass::Different(_));
        *cases.entry(row.request).or_default() |= differs;
    }
    let different = cases.values().filter(|differs| **differs).count() as u64;
    equivalence.counted = cases.len() as u64;
    equivalence.mismatch_upper_95 = binomial::upper_95(different, equivalence.counted);
}
