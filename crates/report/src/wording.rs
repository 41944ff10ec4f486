//! What every form of a report says in the same words: verdicts, judgements, effects, ledgers.

use crate::figures::{change, count, memory, quantile, rate, share, time};
use understudy_model::place::{PartName, Within};
use understudy_model::verdict::{
    Cluster, Comparison, Equivalence, Estimate, Figure, GoalResult, Held, LatencyComparison,
    Resource, ResourceComparison, SloResult, UnderLoad, Verdict, VerdictDocument,
};
use understudy_model::{Pacing, Place, Role};

/// The verdict as a heading.
pub(crate) fn headline(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Invalid => "Invalid",
        Verdict::NotEquivalent => "Not equivalent",
        Verdict::Inconclusive => "Inconclusive",
        Verdict::Keep => "Keep",
        Verdict::Replace => "Replace",
        Verdict::Worse => "Worse",
        Verdict::NoWorse => "No worse",
    }
}

/// What the verdict means for the person who acts on it, in one or two sentences.
pub(crate) fn meaning(document: &VerdictDocument) -> &'static str {
    let because = document.because.first().map(|reason| reason.code.as_str());
    match (document.verdict, because) {
        (Verdict::Replace, _) => {
            "Replace the incumbent: the candidate gives the same answers and reaches what was asked for."
        }
        (Verdict::Keep, Some("no_measured_problem")) if document.slo.is_empty() => {
            "Keep the incumbent: nothing was asked for that a replacement would have to reach."
        }
        (Verdict::Keep, Some("no_measured_problem")) => {
            "Keep the incumbent: it does what is asked of it. That is a good outcome: a rewrite would solve no problem that was measured."
        }
        (Verdict::Keep, Some("goal_not_reached")) => {
            "Keep the incumbent: the candidate does not reach what the rewrite is for."
        }
        (Verdict::Keep, Some("tuning_gains_it")) => {
            "Keep the incumbent and tune it: what was asked for is reached without a replacement."
        }
        (Verdict::Keep, _) => "Keep the incumbent: the candidate does not do what is asked of it.",
        (Verdict::NotEquivalent, _) => {
            "The candidate answers differently. However fast it is, it replaces nothing until it answers the same or a rule accepts the difference."
        }
        (Verdict::Inconclusive, _) => {
            "The evidence does not decide. The reasons say what to measure next."
        }
        (Verdict::Invalid, _) => {
            "This measurement cannot be trusted and says nothing about either side. The reasons say what to change before it is repeated."
        }
        (Verdict::Worse, _) => {
            "The candidate is worse than the incumbent by more than the margin that was allowed."
        }
        (Verdict::NoWorse, _) => {
            "The candidate gives the same answers and is not worse than the incumbent by more than the margin that was allowed."
        }
    }
}

/// What an interval says about an objective.
pub(crate) fn objective_held(held: Held) -> &'static str {
    match held {
        Held::Holds => "holds",
        Held::Misses => "misses",
        Held::Undecided => "undecided",
        Held::NotJudged => "not judged",
        Held::Refused => "refused",
    }
}

/// What an interval says about a goal. One that allows for more is a margin: it is kept to, not reached.
pub(crate) fn goal_held(goal: &GoalResult) -> &'static str {
    let is_margin = goal.bound >= 1.0;
    match goal.held {
        Held::Holds if is_margin => "holds",
        Held::Misses if is_margin => "missed",
        Held::Holds => "reached",
        Held::Misses => "not reached",
        Held::Undecided => "undecided",
        Held::NotJudged => "not judged",
        Held::Refused => "refused",
    }
}

/// A figure, or that there is none because requests were never answered.
pub(crate) fn or_infinite(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "infinite".to_owned(), show)
}

/// An estimate alone: `246 us`, `infinite`, or `-` where there is none.
pub(crate) fn estimate(value: Option<Estimate>, show: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), |e| or_infinite(e.estimate, show))
}

/// Both ends of an interval: `231 us to 262 us`.
pub(crate) fn interval(value: Estimate, show: impl Fn(f64) -> String) -> String {
    format!(
        "{} to {}",
        or_infinite(value.low, &show),
        or_infinite(value.high, &show)
    )
}

/// An estimate with its interval: `246 us (231 us to 262 us)`.
pub(crate) fn with_interval(value: Option<Estimate>, show: impl Fn(f64) -> String) -> String {
    value.map_or_else(
        || "-".to_owned(),
        |e| {
            format!(
                "{} ({})",
                or_infinite(e.estimate, &show),
                interval(e, &show)
            )
        },
    )
}

/// A ratio as a change with its interval: `-30.0 % (-35.1 % to -24.2 %)`.
pub(crate) fn effect(ratio: Option<Estimate>) -> String {
    match ratio {
        Some(_) => with_interval(ratio, change),
        None => "no ratio".to_owned(),
    }
}

/// How many times its lower end an interval's upper end may be for the figure to say something.
const RESOLVED: f64 = 10.0;

/// Does an interval say something of a change?
fn is_narrow(ratio: Estimate) -> bool {
    match (ratio.low, ratio.high) {
        (Some(low), Some(high)) => high <= RESOLVED * low,
        _ => false,
    }
}

/// Did this run resolve how a quantile changes?
pub(crate) fn is_resolved(line: &LatencyComparison) -> bool {
    line.judged && line.ratio.is_some_and(is_narrow)
}

/// As [`effect`]; an interval that spans ten times and more says little, and takes little room.
pub(crate) fn resolved(ratio: Option<Estimate>) -> String {
    match ratio {
        Some(ratio) if !is_narrow(ratio) => "not resolved by this run".to_owned(),
        ratio => effect(ratio),
    }
}

/// In which direction a ratio lies for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The whole interval is below 1.
    Lower,
    /// The whole interval is above 1.
    Higher,
    /// There may be no difference at all.
    Unclear,
}

/// The direction of a ratio; a missing end is infinite.
pub(crate) fn direction(ratio: Estimate) -> Direction {
    match (ratio.low, ratio.high) {
        (_, Some(high)) if high < 1.0 => Direction::Lower,
        (Some(low), _) if low <= 1.0 => Direction::Unclear,
        _ => Direction::Higher,
    }
}

/// With every "no significant difference": the smallest change that would have been detected.
fn no_difference(line: &LatencyComparison) -> Option<String> {
    let (ratio, mde) = line.ratio.zip(line.mde)?;
    (direction(ratio) == Direction::Unclear).then(|| {
        format!(
            "no significant difference (a change of {} would have been detected)",
            change(1.0 + mde)
        )
    })
}

/// Share of a latency from which on the generator's own lateness in it is worth a word.
const LATE: f64 = 0.05;

/// Is a latency from when requests were due another figure than from when they were sent, by the generator's lateness?
pub fn is_late(from_due_us: f64, from_sent_us: f64) -> bool {
    from_sent_us < from_due_us * (1.0 - LATE)
}

/// A quantile counted from when requests were sent, where that is another figure than from when they were due.
fn from_sent(line: &LatencyComparison) -> Option<String> {
    let sides = [
        (line.baseline_us, line.baseline_from_sent_us),
        (line.contender_us, line.contender_from_sent_us),
    ];
    let is_late = |(due, sent): &(Option<Estimate>, Option<Estimate>)| {
        let estimates = due
            .and_then(|due| due.estimate)
            .zip(sent.and_then(|sent| sent.estimate));
        estimates.is_some_and(|(due, sent)| is_late(due, sent))
    };
    sides.iter().any(is_late).then(|| {
        let [baseline, contender] = sides.map(|(_, sent)| estimate(sent, time));
        let effect = effect(line.ratio_from_sent);
        format!(
            "the generator was late; counted from sending: {baseline} and {contender}, {effect}"
        )
    })
}

/// What is to be said of a quantile next to its figures.
pub(crate) fn remarks(line: &LatencyComparison) -> Option<String> {
    let all: Vec<String> = no_difference(line)
        .into_iter()
        .chain(from_sent(line))
        .collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// Why a quantile is not judged.
pub(crate) fn not_judged(line: &LatencyComparison) -> &str {
    line.not_judged_because
        .as_deref()
        .unwrap_or("too few samples")
}

/// `latency p99`, or with the operation that it is of.
pub(crate) fn latency_label(line: &LatencyComparison) -> String {
    let of = match line.operation.as_str() {
        "*" => "latency",
        operation => operation,
    };
    format!("{of} {}", quantile(line.quantile))
}

/// Is this the quantile that was declared before the run?
pub(crate) fn is_primary(document: &VerdictDocument, line: &LatencyComparison) -> bool {
    document.primary.as_ref().is_some_and(|primary| {
        primary.operation == line.operation
            && primary.quantile == line.quantile
            && primary.rate_rps == line.rate_rps
    })
}

/// The rates that a comparison has figures of, in their order.
pub(crate) fn rates(latency: &[LatencyComparison], resources: &[ResourceComparison]) -> Vec<f64> {
    let all = latency.iter().map(|line| line.rate_rps);
    let mut rates: Vec<f64> = all
        .chain(resources.iter().map(|line| line.rate_rps))
        .collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    rates
}

/// Under which load: `at 4,000/s`.
pub(crate) fn at(rate_rps: f64) -> String {
    match rate_rps == Pacing::NO_RATE {
        true => Pacing::at(rate_rps),
        false => format!("at {}", rate(rate_rps)),
    }
}

/// The load as the cell of a table.
pub(crate) fn load(rate_rps: f64) -> String {
    match rate_rps == Pacing::NO_RATE {
        true => "-".to_owned(),
        false => rate(rate_rps),
    }
}

/// What a resource is called where it was measured under this load.
pub(crate) fn resource_label(of: Resource, rate_rps: f64) -> &'static str {
    match (of, rate_rps == Pacing::NO_RATE) {
        (Resource::CpuUsPerRequest, true) => "CPU per run",
        _ => of.label(),
    }
}

/// Is this the mean that was declared before the run?
pub(crate) fn is_primary_resource(document: &VerdictDocument, line: &ResourceComparison) -> bool {
    document.primary.as_ref().is_some_and(|primary| {
        primary.resource == Some(line.resource) && primary.rate_rps == line.rate_rps
    })
}

/// A resource with its unit.
pub(crate) fn resource(of: Resource, value: f64) -> String {
    match of {
        Resource::WallUsPerRun | Resource::StartupUs | Resource::CpuUsPerRequest => time(value),
        Resource::PeakRssBytes | Resource::PeakPssBytes | Resource::PeakCgroupBytes => {
            memory(value)
        }
    }
}

/// An objective's figure with its unit: a share for error rates, else a time.
pub(crate) fn objective_value(slo: &SloResult, value: f64) -> String {
    if is_error_rate(slo) {
        share(value)
    } else {
        time(value)
    }
}

/// Is this objective about errors?
pub(crate) fn is_error_rate(slo: &SloResult) -> bool {
    slo.about == Figure::ErrorShare
}

/// A goal, what became of it and by how much.
pub(crate) fn goal(goal: &GoalResult) -> String {
    if let Some(why) = &goal.not_judged_because {
        return format!("{}: {why}", goal_held(goal));
    }
    let weight = if goal.required {
        ""
    } else {
        " (enough that it is not missed for certain)"
    };
    format!("{}, {}{weight}", goal_held(goal), effect(goal.ratio))
}

/// The ledger of the equivalence stage in one line: `6,000 compared (200: 5,990, 404: 10): ...`.
pub(crate) fn ledger(e: &Equivalence) -> String {
    let statuses: Vec<String> = e
        .statuses
        .iter()
        .map(|(code, answers)| format!("{code}: {}", count(*answers)))
        .collect();
    let statuses = match statuses.as_slice() {
        [] => String::new(),
        some => format!(" ({})", some.join(", ")),
    };
    let lost = match e.lost {
        0 => String::new(),
        lost => format!("; {} not compared", count(lost)),
    };
    format!(
        "{} compared{statuses}: {} equal, {} different, {} excused{lost}",
        count(e.compared),
        count(e.equal),
        count(e.different),
        count(e.excused),
    )
}

/// How many requests like these may differ nevertheless, and how much of the answers was looked at.
pub(crate) fn mismatch(pacing: Pacing, e: &Equivalence) -> String {
    let like_these = match pacing {
        Pacing::Offered => "requests",
        Pacing::Serial => "cases",
    };
    let looked_at = match e.coverage.noise + e.coverage.rules {
        0 => String::new(),
        _ => format!(
            "; {} of their bytes were compared",
            share(e.coverage.share())
        ),
    };
    format!(
        "at most {} of {like_these} like these differ (95 % bound){looked_at}",
        share(e.mismatch_upper_95)
    )
}

/// Differences of one kind at one place, of however many operations: most likely one cause.
pub(crate) struct Cause<'d> {
    /// The cluster with most pairs.
    pub(crate) largest: &'d Cluster,
    /// Pairs of all its clusters.
    pub(crate) count: u64,
    /// Pairs compared of their operations.
    pub(crate) of: u64,
    /// Operations that show it.
    pub(crate) operations: usize,
}

impl Cause<'_> {
    /// `value at $.price of GET /items/{id}: 40 of 40; reproduced 3 of 3`
    pub(crate) fn sentence(&self) -> String {
        match self.operations {
            1 => format!("{}: {}", place(self.largest), seen(self.largest)),
            operations => format!(
                "{} at {} of {operations} operations, most often {}: {} of {}",
                self.largest.kind,
                self.largest.path,
                self.largest.operation,
                count(self.count),
                count(self.of),
            ),
        }
    }
}

impl Cause<'_> {
    /// The keys of the rule that would excuse it; none where no rule may (a side that does not answer).
    pub(crate) fn rule(&self) -> Option<Vec<String>> {
        let path = self.largest.path.to_string();
        if self.largest.kind == understudy_model::DifferenceKind::Outcome {
            return None;
        }
        let mut keys = vec![match path.contains('"') {
            true => format!("path = '{path}'"),
            false => format!("path = \"{path}\""),
        }];
        // Another order alone is less than whatever else may differ there.
        if self.largest.kind == understudy_model::DifferenceKind::Order {
            keys.push("kind = \"order\"".to_owned());
        }
        if self.operations == 1 {
            keys.push(format!("operation = \"{}\"", self.largest.operation));
        }
        Some(keys)
    }
}

/// Is it the body over HTTP, or a value in it?
fn is_in_body(place: &Place) -> bool {
    let is_content = |within: &Within| matches!(within, Within::Whole | Within::Document(_));
    matches!(place, Place::Part(PartName::Body, within) if is_content(within))
}

/// Clusters by kind and place, the most frequent first. In headers, cookies and statuses a place means the same
/// for every operation; in bodies it does where the values are the same, too.
pub(crate) fn causes(clusters: &[Cluster]) -> Vec<Cause<'_>> {
    let value = |cluster: &Cluster| match is_in_body(&cluster.path) {
        true => cluster
            .examples
            .first()
            .map(|example| (example.baseline.clone(), example.contender.clone())),
        false => None,
    };
    let mut causes: Vec<(_, Cause<'_>)> = Vec::new();
    for cluster in clusters {
        let key = (cluster.kind, &cluster.path, value(cluster));
        match causes.iter_mut().find(|(known, _)| *known == key) {
            Some((_, cause)) => {
                cause.count += cluster.count;
                cause.of += cluster.of;
                cause.operations += 1;
            }
            None => causes.push((
                key,
                Cause {
                    largest: cluster,
                    count: cluster.count,
                    of: cluster.of,
                    operations: 1,
                },
            )),
        }
    }
    let mut causes: Vec<Cause<'_>> = causes.into_iter().map(|(_, cause)| cause).collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.count));
    causes
}

/// The ledger of answers under load in one line.
pub(crate) fn under_load(u: &UnderLoad) -> String {
    format!(
        "{} of {} answers agree with the incumbent's, {} deviate, {} not inspected",
        count(u.agreeing),
        count(u.answered),
        count(u.deviating),
        count(u.not_inspected),
    )
}

/// A cluster's place: `value at $.price of GET /items/{id}`.
pub(crate) fn place(cluster: &Cluster) -> String {
    format!(
        "{} at {} of {}",
        cluster.kind, cluster.path, cluster.operation
    )
}

/// How often a cluster was seen, and whether it shows again.
pub(crate) fn seen(cluster: &Cluster) -> String {
    let again = cluster.reproduced.map_or_else(String::new, |again| {
        format!("; reproduced {} of {}", again.times, again.of)
    });
    format!("{} of {}{again}", count(cluster.count), count(cluster.of))
}

/// A value of an answer; what is empty is absent.
pub(crate) fn value(value: &str) -> &str {
    if value.is_empty() { "absent" } else { value }
}

/// After which numbers of pairs it was or would have been judged, where that is more than one.
pub(crate) fn looks(document: &VerdictDocument) -> Option<String> {
    let (pairs, number) = look(document)?;
    let looks = &document.method.looks;
    let all: Vec<String> = looks.iter().map(u32::to_string).collect();
    Some(format!(
        "judged after {pairs} pairs, look {number} of {} (after {} pairs); intervals of goals and objectives hold for all looks together, those of the figures for one",
        looks.len(),
        all.join(", "),
    ))
}

/// The same in one line of a terminal.
pub(crate) fn looks_in_brief(document: &VerdictDocument) -> Option<String> {
    let (pairs, number) = look(document)?;
    let looks = document.method.looks.len();
    Some(format!(
        "{pairs} pairs, look {number} of {looks}; intervals of goals hold for all looks"
    ))
}

/// How many pairs there are, and at which look that is.
fn look(document: &VerdictDocument) -> Option<(u32, usize)> {
    let pairs = document.method.rates.last()?.pairs;
    let looks = document.method.looks.iter();
    let number = looks.take_while(|look| **look < pairs).count() + 1;
    (number <= document.method.looks.len()).then_some((pairs, number))
}

/// The comparison of a contender with the incumbent.
pub(crate) fn of_contender(document: &VerdictDocument, contender: Role) -> Option<&Comparison> {
    let mut comparisons = document.comparisons.iter();
    comparisons.find(|comparison| comparison.contender == contender)
}

/// One objective at one rate, side by side.
pub(crate) struct Objective<'d> {
    /// The incumbent's result, from which text, rate and bound are.
    pub(crate) incumbent: &'d SloResult,
    /// The candidate's.
    pub(crate) candidate: Option<&'d SloResult>,
    /// That of the tuned incumbent, if there is one.
    pub(crate) tuned: Option<&'d SloResult>,
}

/// The objectives, each with all sides.
pub(crate) fn objectives(document: &VerdictDocument) -> impl Iterator<Item = Objective<'_>> {
    let of = move |side| document.slo.iter().filter(move |slo| slo.side == side);
    let at = move |side, incumbent: &SloResult| {
        of(side).find(|slo| slo.slo == incumbent.slo && slo.rate_rps == incumbent.rate_rps)
    };
    of(Role::Incumbent).map(move |incumbent| Objective {
        incumbent,
        candidate: at(Role::Candidate, incumbent),
        tuned: at(Role::Tuned, incumbent),
    })
}

/// Units that stay on the line of their number.
const UNITS: [&str; 8] = ["%", "us", "ms", "s", "B", "KiB", "MiB", "GiB"];

/// The text with a no-break space between each number and its unit.
pub(crate) fn unbroken(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 {
            let unit = word.trim_end_matches([')', ',', ';', '.', ':']);
            let stays = UNITS.contains(&unit) && out.ends_with(|c: char| c.is_ascii_digit());
            out.push(if stays { '\u{a0}' } else { ' ' });
        }
        out += word;
    }
    out
}

/// Makes characters that control a terminal, or that no document may hold, visible: `ESC` becomes
/// `\u{241b}`. Line breaks and tabs stay.
pub(crate) fn visible(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => c,
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}' | '\u{fdd0}'..='\u{fdef}' => '\u{fffd}',
        c if u32::from(c) & 0xfffe == 0xfffe => '\u{fffd}',
        c => c,
    };
    text.chars().map(shown).collect()
}

/// The same on one line: line breaks and tabs are shown, too.
pub(crate) fn one_line(text: &str) -> String {
    visible(text)
        .replace('\n', "\u{240a}")
        .replace('\t', "\u{2409}")
}

/// With a capital at its beginning.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_seen_and_not_obeyed() {
        assert_eq!(visible("a\u{1b}[31m\0\u{7f}\u{9b}\n"), "a␛[31m␀␡\u{fffd}\n");
        assert_eq!(visible("\u{fffe}\u{1ffff}é"), "\u{fffd}\u{fffd}é");
        assert_eq!(one_line("a\r\n\tb"), "a␍␊␉b");
    }
}
