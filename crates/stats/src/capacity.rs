//! The highest rate at which objectives are held, as an interval: which load to try next, and what
//! the trials so far say.
//!
//! After MLRsearch (IETF, draft-ietf-bmwg-mlrsearch-15): many short trials instead of one long one, a
//! search that first brackets the load and then narrows it until a relative width is reached. Two
//! things differ, because queues are not links. What is counted is not packets lost but *violations*:
//! requests that took longer than the objective allows, or were never answered. And a load is not
//! passed or failed by a majority of its trials: near saturation violations come in long bursts, most
//! trials see none of them and the median trial is better than the service is. The share over all
//! trials is unbiased however bursty they are, so the trials around the capacity are put into one
//! model of that share, and the interval is what the model cannot rule out (`fit`).
//!
//! Where the generator itself was late, a count is known between two bounds: what violates the objective
//! from when requests were due, and what does so without the lateness. The result has to hold under both
//! (`either`), and a trial whose bounds are too far apart to say anything is not to be trusted
//! ([`turns_on`]).
//!
//! Everything here is a function of the trials so far: a search that was interrupted continues where it
//! was, and a stored one gives the same interval again.

mod fit;
#[cfg(test)]
mod simulations;
#[cfg(test)]
mod tests;

use crate::Interval;

/// What is looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// For each objective the share of requests that may violate it, above 0 and below 1: 0.01 for p99.
    /// The first one decides how long trials are.
    pub allowed: Vec<f64>,
    /// Relative width of the interval at which the search is content: 0.05 for 5 %.
    pub width: f64,
    /// The rate that is tried first, requests per second.
    pub first_rate: f64,
    /// The lowest rate of interest.
    pub lowest_rate: f64,
    /// The highest rate of interest.
    pub highest_rate: f64,
    /// The search ends after so many trials, content or not.
    pub most_trials: usize,
}

/// What one short trial showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Offered rate, requests per second.
    pub rate: f64,
    /// What it counted, for each objective of the goal.
    pub counts: Vec<Count>,
    /// False: it was refused, and says nothing of the subject.
    pub trusted: bool,
}

/// What a trial counted of one objective.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Requests that were due and that the objective is about.
    pub requests: u64,
    /// How many of them violated it, counted from when they were due: the most that it may be.
    pub violations: u64,
    /// How many of them did so without the generator's own lateness: the least that it may be.
    pub at_least: u64,
}

impl Count {
    /// Of a generator that was not late.
    pub fn exact(requests: u64, violations: u64) -> Self {
        Count {
            requests,
            violations,
            at_least: violations,
        }
    }

    /// What is counted under a reading, within the number of requests.
    fn read(self, reading: Reading) -> Count {
        let most = self.violations.min(self.requests);
        match reading {
            Reading::Most => Count::exact(self.requests, most),
            Reading::Least => Count::exact(self.requests, self.at_least.min(most)),
        }
    }

    /// Share of the requests that violated the objective, at most.
    pub fn share(self) -> f64 {
        self.violations as f64 / (self.requests as f64).max(1.0)
    }
}

/// Which bound of the counts is taken for the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// From when requests were due.
    Most,
    /// Without the generator's own lateness.
    Least,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Measure a trial.
    Measure {
        /// Offered rate, requests per second.
        rate: f64,
        /// Requests that it should have; fewer say less, and harm nothing.
        requests: f64,
    },
    /// The search is over.
    Done(Capacity),
}

/// Where the highest rate is that holds every objective.
#[derive(Clone, Debug, PartialEq)]
pub enum Capacity {
    /// Between the ends of a 95 % interval, requests per second.
    Between {
        /// The interval.
        interval: Interval,
        /// The objective that ends it, by its index in the goal.
        binding: usize,
        /// Is the interval as narrow as was asked for?
        narrow: bool,
    },
    /// At least here: the highest rate that could be tried held.
    AtLeast(f64),
    /// Below here: the lowest rate that was tried violated an objective.
    Below(f64),
    /// Nothing could be measured: no trial can be trusted.
    Unknown,
}

/// While there is no bracket, one trial that is as far off as this decides about its load: whatever
/// more trials of it would show, the capacity is elsewhere.
const FAR: f64 = 3.0;
/// Factor of the steps while only one end of the bracket is known.
const STRIDE: f64 = 2.0;
/// The same near a load that is neither clearly held nor clearly violated.
const SHORT_STRIDE: f64 = 1.15;
/// A bracket this narrow is handed to the model.
const BRACKET: f64 = 1.25;
/// Fewest trials around the capacity before an interval is believed.
const FEWEST: usize = 12;
/// Fewest bursts of violations among them: with fewer, their variation cannot be estimated.
const FEWEST_BURSTS: f64 = 40.0;
/// Violations that a trial should expect at the capacity while that is looked for...
const EXPECTED_FAR: f64 = 10.0;
/// ...and near it: so many bursts of them, as large as they were so far, within these bounds. Short
/// trials that see no burst at all would let the search creep past the capacity.
const BURSTS: f64 = 4.0;
const EXPECTED: [f64; 2] = [100.0, 500.0];
/// Trials at each side of a cliff.
const CLIFF_TRIALS: usize = 3;
/// Numbers of trials after which the search may be content.
const LOOKS: [usize; 12] = [20, 30, 40, 60, 90, 130, 200, 300, 450, 700, 1000, 1500];
/// Trials at a rate in which the generator was too slow, before that rate is a ceiling: once or twice
/// it may have been disturbed.
const UNTRUSTED: usize = 3;
/// The bounds of a count near the capacity may be so far apart, as a share of the count: the interval, which spans
/// both readings, has room for that. As a share of what is allowed, trials with few bursts of violations would be
/// trusted and those with many refused: at lateness of 3 ms, 27 of 200 simulated intervals missed the answer.
const MOST_APART: f64 = 1.0 / 3.0;
/// Distance below a ceiling that is still tried.
const BELOW_CEILING: f64 = 0.9;

/// The next load to try, or the result. Rates follow the counts from when requests were due.
pub fn next(goal: &Goal, trials: &[Trial]) -> Step {
    let search = Search::new(goal, trials, Reading::Most);
    match search.step() {
        Step::Measure { .. } if trials.len() >= goal.most_trials => {
            Step::Done(conclude(goal, trials))
        }
        Step::Done(found) => {
            let of_both = search.and_least(goal, trials, found.clone());
            match of_both.is_narrow() || !found.is_narrow() {
                true => Step::Done(of_both),
                // The readings are further apart than the interval of each is wide.
                false if trials.len() >= goal.most_trials => Step::Done(of_both),
                false => search.around(),
            }
        }
        step => step,
    }
}

/// The result of the trials as they are, also of a search that was cut short.
pub fn conclude(goal: &Goal, trials: &[Trial]) -> Capacity {
    let search = Search::new(goal, trials, Reading::Most);
    search.and_least(goal, trials, search.conclude())
}

/// The objective whose counts turn on the generator's lateness: with it and without it a search would do
/// something else with the trial. One that is far off is decided by its side alone, one near the capacity
/// goes into the model with its count. `None` where the trial says the same under both readings.
pub fn turns_on(goal: &Goal, counts: &[Count]) -> Option<usize> {
    let excess = |count: &Count, allowed: &f64, reading| count.read(reading).share() / allowed;
    let pairs = || counts.iter().zip(&goal.allowed);
    let most = |(count, allowed): (&Count, &f64)| excess(count, allowed, Reading::Most);
    let least = |(count, allowed): (&Count, &f64)| excess(count, allowed, Reading::Least);
    let is_far_below = pairs().map(most).fold(0.0, f64::max) < 1.0 / FAR;
    let is_far_above = pairs().map(least).fold(0.0, f64::max) >= FAR;
    if is_far_below || is_far_above {
        return None;
    }
    pairs().position(|pair| most(pair) - least(pair) > MOST_APART * most(pair))
}

impl Capacity {
    /// An interval as narrow as was asked for?
    fn is_narrow(&self) -> bool {
        matches!(self, Capacity::Between { narrow: true, .. })
    }

    /// The rates that are not ruled out.
    fn ends(&self) -> (f64, f64) {
        match self {
            Capacity::Between { interval, .. } => (interval.low, interval.high),
            Capacity::AtLeast(rate) => (*rate, f64::INFINITY),
            Capacity::Below(rate) => (0.0, *rate),
            Capacity::Unknown => (0.0, f64::INFINITY),
        }
    }
}

/// What holds under both readings: everything that either of them does not rule out (partial identification:
/// Manski, Partial Identification of Probability Distributions, 2003). Estimate and objective are those
/// from when requests were due.
fn either(due: Capacity, least: Capacity, width: f64) -> Capacity {
    let ((low, high), (other_low, other_high)) = (due.ends(), least.ends());
    let (low, high) = (low.min(other_low), high.max(other_high));
    let of = |found: &Capacity| match found {
        Capacity::Between {
            interval, binding, ..
        } => Some((interval.estimate, *binding)),
        _ => None,
    };
    match (low > 0.0, high.is_finite()) {
        (true, true) => {
            let (estimate, binding) = of(&due).or(of(&least)).unwrap_or(((low * high).sqrt(), 0));
            Capacity::Between {
                interval: Interval {
                    estimate,
                    low,
                    high,
                },
                binding,
                narrow: due.is_narrow() && least.is_narrow() && high - low <= width * estimate,
            }
        }
        (true, false) => Capacity::AtLeast(low),
        (false, true) => Capacity::Below(high),
        (false, false) => Capacity::Unknown,
    }
}

/// A goal and the trials that say something.
struct Search<'a> {
    goal: &'a Goal,
    trials: Vec<&'a Trial>,
    reading: Reading,
    /// The rate that the generator cannot keep, if any; it is not tried again.
    ceiling: f64,
    last: Option<&'a Trial>,
}

impl<'a> Search<'a> {
    fn new(goal: &'a Goal, trials: &'a [Trial], reading: Reading) -> Self {
        let refused = |rate: f64| {
            let same = trials
                .iter()
                .filter(|t| !t.trusted && is_same(t.rate, rate));
            same.count() >= UNTRUSTED
        };
        let kept = |rate: f64| trials.iter().any(|t| t.trusted && t.rate >= rate);
        let ceilings = trials.iter().map(|trial| trial.rate);
        let ceilings = ceilings.filter(|rate| refused(*rate) && !kept(*rate));
        let ceiling = ceilings.fold(f64::INFINITY, f64::min);
        Search {
            goal,
            trials: trials
                .iter()
                .filter(|t| t.trusted && t.counts.iter().any(|count| count.requests > 0))
                .collect(),
            reading,
            ceiling,
            last: trials.last(),
        }
    }

    /// What is found, held against the other reading where the generator was late at all.
    fn and_least(&self, goal: &Goal, trials: &[Trial], found: Capacity) -> Capacity {
        let mut counts = self.trials.iter().flat_map(|trial| &trial.counts);
        match counts.all(|count| count.read(Reading::Most) == count.read(Reading::Least)) {
            true => found,
            false => {
                let least = Search::new(goal, trials, Reading::Least).conclude();
                either(found, least, goal.width)
            }
        }
    }

    /// The highest rate that may be tried.
    fn highest(&self) -> f64 {
        self.goal.highest_rate.min(self.ceiling * BELOW_CEILING)
    }

    fn step(&self) -> Step {
        if let Some(last) = self.last
            && !last.trusted
            && last.rate <= self.highest()
        {
            // A disturbed moment, perhaps: the same again.
            return self.measure(last.rate, EXPECTED[0]);
        }
        match self.bracket() {
            Bracketed::Try(rate) => self.measure(rate, EXPECTED_FAR),
            Bracketed::Over(capacity) => Step::Done(capacity),
            Bracketed::Near => self.narrow(),
        }
    }

    /// Looks for a load that holds and one that does not, close together.
    fn bracket(&self) -> Bracketed {
        let (held, broken) = self.ends();
        let stride = |trial: &Trial| match self.is_far(trial) {
            true => STRIDE,
            false => SHORT_STRIDE,
        };
        let (highest, lowest) = (self.highest(), self.goal.lowest_rate);
        match (held, broken) {
            (None, None) if highest < lowest => Bracketed::Over(Capacity::Unknown),
            (None, None) => Bracketed::Try(self.goal.first_rate.min(highest).max(lowest)),
            (Some(held), None) if self.tried(highest) => match self.is_far(held) {
                true => Bracketed::Over(Capacity::AtLeast(held.rate)),
                false => Bracketed::Near,
            },
            (Some(held), None) => Bracketed::Try((held.rate * stride(held)).min(highest)),
            (None, Some(broken)) if self.tried(lowest) => match self.is_far(broken) {
                true => Bracketed::Over(Capacity::Below(broken.rate)),
                false => Bracketed::Near,
            },
            (None, Some(broken)) => Bracketed::Try((broken.rate / stride(broken)).max(lowest)),
            (Some(held), Some(broken)) if broken.rate > held.rate * BRACKET => {
                Bracketed::Try((held.rate * broken.rate).sqrt())
            }
            (Some(_), Some(_)) => Bracketed::Near,
        }
    }

    /// Narrows the interval, with loads on both sides of the estimate.
    fn narrow(&self) -> Step {
        let Some((binding, fit)) = self.binding() else {
            // Too few trials for a model: a lucky one can make a bracket of two.
            return self.measure(self.middle(), EXPECTED[0]);
        };
        match self.is_content(&fit) {
            true => Step::Done(self.between(binding, &fit)),
            false => self.beside(&fit),
        }
    }

    /// One more trial, although the interval of this reading is narrow.
    fn around(&self) -> Step {
        match self.binding() {
            Some((_, fit)) => self.beside(&fit),
            None => self.measure(self.middle(), EXPECTED[0]),
        }
    }

    /// A load on one side of the estimate.
    fn beside(&self, fit: &fit::Fit) -> Step {
        let offset = fit.spacing() * fit::PATTERN[self.trials.len() % fit::PATTERN.len()];
        let rate = fit.interval.estimate * offset.exp();
        let expected = (BURSTS * fit.dispersion).clamp(EXPECTED[0], EXPECTED[1]);
        self.measure(
            rate.min(self.highest()).max(self.goal.lowest_rate),
            expected,
        )
    }

    /// A trial in which so many violations are expected where the first objective is just held.
    fn measure(&self, rate: f64, expected: f64) -> Step {
        let allowed = self.goal.allowed.first().copied().unwrap_or(1.0);
        Step::Measure {
            rate,
            requests: expected / allowed,
        }
    }

    fn is_content(&self, fit: &fit::Fit) -> bool {
        let Interval {
            estimate,
            low,
            high,
        } = self.interval(fit);
        // Looking after every trial would stop at a lucky moment.
        LOOKS.contains(&self.trials.len())
            && high - low <= self.goal.width * estimate
            && (fit.trials >= FEWEST && fit.bursts >= FEWEST_BURSTS || self.is_cliff(low, high))
    }

    /// The model's interval, and the gap between loads that all held and loads that all did not: where
    /// no trial was made, nothing is known.
    fn interval(&self, fit: &fit::Fit) -> Interval {
        let (Some(held), Some(broken)) = self.ends() else {
            return fit.interval;
        };
        match held.rate < broken.rate {
            true => Interval {
                low: fit.interval.low.min(held.rate),
                high: fit.interval.high.max(broken.rate),
                ..fit.interval
            },
            false => fit.interval,
        }
    }

    /// Do trials either hold with ease or collapse, several of them close to both ends? Then there are
    /// no bursts to wait for.
    fn is_cliff(&self, low: f64, high: f64) -> bool {
        let collapsed = |trial: &Trial| {
            let mut shares = trial
                .counts
                .iter()
                .map(|count| count.read(self.reading).share());
            shares.any(|share| share >= fit::OVERLOADED)
        };
        let held = |trial: &Trial| self.excess(trial) < 1.0 / FAR;
        let reach = 1.0 + 2.0 * self.goal.width;
        let close = |trial: &&&Trial| (low / reach..=high * reach).contains(&trial.rate);
        let count = |which: &dyn Fn(&Trial) -> bool| {
            let trials = self.trials.iter().filter(close);
            trials.filter(|trial| which(trial)).count()
        };
        self.trials.iter().all(|t| held(t) || collapsed(t))
            && count(&held) >= CLIFF_TRIALS
            && count(&collapsed) >= CLIFF_TRIALS
    }

    /// The highest load that held and the lowest that did not.
    fn ends(&self) -> (Option<&Trial>, Option<&Trial>) {
        self.ends_of(|_| true)
    }

    /// The same of those trials that count.
    fn ends_of(&self, counts: impl Fn(&Trial) -> bool) -> (Option<&Trial>, Option<&Trial>) {
        let (held, broken): (Vec<&Trial>, Vec<&Trial>) = self
            .trials
            .iter()
            .filter(|trial| counts(trial))
            .partition(|trial| self.excess(trial) <= 1.0);
        (
            held.into_iter().max_by(|a, b| a.rate.total_cmp(&b.rate)),
            broken.into_iter().min_by(|a, b| a.rate.total_cmp(&b.rate)),
        )
    }

    /// The objective with the lowest capacity, and what is known of that.
    fn binding(&self) -> Option<(usize, fit::Fit)> {
        let fits = (0..self.goal.allowed.len()).filter_map(|objective| {
            let points: Vec<fit::Point> = self
                .trials
                .iter()
                .map(|trial| {
                    let Count {
                        requests,
                        violations,
                        ..
                    } = self.count(trial, objective);
                    fit::Point::new(trial.rate, requests, violations)
                })
                .collect();
            Some((objective, fit::fit(&points, self.goal.allowed[objective])?))
        });
        fits.min_by(|(_, a), (_, b)| a.interval.estimate.total_cmp(&b.interval.estimate))
    }

    fn conclude(&self) -> Capacity {
        match self.bracket() {
            Bracketed::Over(capacity) => capacity,
            Bracketed::Near => match self.binding() {
                Some((binding, fit)) => self.between(binding, &fit),
                None => self.cut_short(),
            },
            Bracketed::Try(_) => self.cut_short(),
        }
    }

    /// What a search knows that ended while it was looking for a bracket. Only trials that were far off
    /// say by themselves on which side of the capacity they are.
    fn cut_short(&self) -> Capacity {
        let (held, broken) = self.ends_of(|trial| self.is_far(trial));
        let rate = |trial: &Trial| trial.rate;
        match (held.map(rate), broken.map(rate), self.ends()) {
            // A lower load than one that held may have broken: the interval spans what they leave open.
            (Some(held), Some(broken), _) => self.spanning(held, broken),
            (Some(held), None, (_, Some(_))) => self.spanning(held, self.highest()),
            (None, Some(broken), (Some(_), _)) => self.spanning(self.goal.lowest_rate, broken),
            (Some(held), None, (_, None)) => Capacity::AtLeast(held),
            (None, Some(broken), (None, _)) => Capacity::Below(broken),
            (None, None, _) => Capacity::Unknown,
        }
    }

    fn spanning(&self, one: f64, other: f64) -> Capacity {
        let (low, high) = (one.min(other), one.max(other));
        Capacity::Between {
            interval: Interval {
                estimate: self.middle().clamp(low, high),
                low,
                high,
            },
            binding: 0,
            narrow: false,
        }
    }

    /// Between the highest load that held and the lowest that did not, as far as there are any.
    fn middle(&self) -> f64 {
        match self.ends() {
            (Some(held), Some(broken)) => (held.rate * broken.rate).sqrt(),
            (Some(end), None) | (None, Some(end)) => end.rate,
            (None, None) => self.goal.first_rate,
        }
    }

    fn between(&self, binding: usize, fit: &fit::Fit) -> Capacity {
        Capacity::Between {
            interval: self.interval(fit),
            binding,
            narrow: self.is_content(fit),
        }
    }

    /// The share of violations over the share that is allowed, of the objective that is worst off.
    fn excess(&self, trial: &Trial) -> f64 {
        let allowed = self.goal.allowed.iter().enumerate();
        let excess =
            allowed.map(|(objective, allowed)| self.count(trial, objective).share() / allowed);
        excess.fold(0.0, f64::max)
    }

    fn count(&self, trial: &Trial, objective: usize) -> Count {
        let count = trial.counts.get(objective).copied().unwrap_or_default();
        count.read(self.reading)
    }

    fn is_far(&self, trial: &Trial) -> bool {
        let excess = self.excess(trial);
        !(1.0 / FAR..FAR).contains(&excess)
    }

    fn tried(&self, rate: f64) -> bool {
        self.trials.iter().any(|trial| is_same(trial.rate, rate))
    }
}

enum Bracketed {
    /// This load next.
    Try(f64),
    /// There is no bracket within the bounds.
    Over(Capacity),
    /// The model can take over.
    Near,
}

fn is_same(rate: f64, other: f64) -> bool {
    (rate / other - 1.0).abs() < 1e-6
}
