//! The load at which a share of violations is reached, from trials at loads around it.
//!
//! Inverse estimation ("effective dose") in a logistic model of the share over the logarithm of the
//! rate, restricted to loads near the answer: for FIFO queues the logarithm of the tail probability
//! is close to linear there (exactly linear in the rate for M/M/1). Bursts make counts vary more than
//! binomial ones, so likelihoods are divided by a dispersion that the trials themselves show
//! (quasi-likelihood: McCullagh and Nelder, Generalized Linear Models, 1989, chapters 4 and 9). The
//! interval is that of the profile likelihood ratio with the F distribution's bound: it keeps the
//! model monotone, and unlike a symmetrical one it is right when few bursts were seen.

use crate::Interval;
use crate::special::student_upper_quantile;

/// One trial of one objective.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    /// Logarithm of the offered rate.
    pub(super) x: f64,
    pub(super) requests: f64,
    pub(super) violations: f64,
    /// Log odds of a violation beyond which the trial says nothing: infinite, unless it was overloaded.
    pub(super) most: f64,
}

impl Point {
    /// Of a trial at a rate.
    pub(super) fn new(rate: f64, requests: u64, violations: u64) -> Self {
        let (requests, violations) = (requests as f64, violations as f64);
        // How many of the requests of an overloaded trial violate depends on its length alone.
        let overloaded = violations >= OVERLOADED * requests;
        Point {
            x: rate.ln(),
            requests,
            violations: match overloaded {
                true => OVERLOADED * requests,
                false => violations,
            },
            most: match overloaded {
                true => (OVERLOADED / (1.0 - OVERLOADED)).ln(),
                false => f64::INFINITY,
            },
        }
    }
}

/// What the trials say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fit {
    /// The rate at which the allowed share is reached.
    pub(super) interval: Interval,
    /// Growth of the log odds of a violation with the logarithm of the rate.
    slope: f64,
    /// Trials that it rests on.
    pub(super) trials: usize,
    /// How much more their counts vary than binomial ones: about the violations of one burst.
    pub(super) dispersion: f64,
    /// Violations in them over the dispersion: about how many bursts of violations were seen.
    pub(super) bursts: f64,
}

/// Where trials are around the estimate, in units of [`Fit::spacing`].
pub(super) const PATTERN: [f64; 4] = [-1.0, 1.0, 0.5, -0.5];

/// Slopes that are distinguished: below, rate and violations have nothing to do with each other; above,
/// the capacity is a cliff.
const SLOPES: [f64; 2] = [1.0, 2000.0];
/// A trial with such a share of violations is overloaded: it says that the share is at least this.
pub(super) const OVERLOADED: f64 = 0.5;
/// The model is made of trials whose expected share is within these factors of the allowed one.
const NEAR: [f64; 2] = [1.0 / 20.0, 6.0];
/// The dispersion is taken of those within these: it grows with the load.
const NEARER: [f64; 2] = [1.0 / 5.0, 5.0];
/// By how much the slope near the answer may differ from the one over all trials.
const SLOPE_FREEDOM: f64 = 2.0;
/// Odds factor between the estimate and the loads that are tried next to it.
const SPACING_ODDS: f64 = 2.0;
const SPACING: [f64; 2] = [0.004, 0.15];
/// A dispersion of bursty counts is known less well than one of normal ones, as if of this share of
/// the trials: 2 / (2 + excess kurtosis), with the kurtosis of a compound Poisson count of about two
/// bursts of exponential size.
const DISPERSION_KNOWN: f64 = 1.0 / 3.0;
/// Fewest trials a model is made of.
const FEWEST: usize = 4;
/// How far from the nearest trial the ends are looked for, as a logarithm.
const REACH: f64 = 0.1;

impl Fit {
    /// Distance of useful loads from the estimate, as a logarithm: far enough to show the slope,
    /// close enough for the model.
    pub(super) fn spacing(&self) -> f64 {
        (SPACING_ODDS.ln() / self.slope).clamp(SPACING[0], SPACING[1])
    }
}

/// Fits the model to the trials. `None` if there are too few.
pub(super) fn fit(points: &[Point], allowed: f64) -> Option<Fit> {
    let log_odds = (allowed / (1.0 - allowed)).ln();
    if points.len() < FEWEST {
        return None;
    }
    let rough = Model::new(points, log_odds, SLOPES);
    let (x0, slope) = rough.best();
    let near = rough.within(NEAR, x0, slope);
    if near.len() < FEWEST {
        return Some(rough.fit());
    }
    // Few trials next to each other do not show a slope, all trials do.
    let slopes = [slope / SLOPE_FREEDOM, slope * SLOPE_FREEDOM];
    Some(Model::new(&near, log_odds, slopes).fit())
}

/// Logit of the share at `x` = `log_odds + slope (x - x0)`: `x0` is where the allowed share is
/// reached.
struct Model<'a> {
    points: &'a [Point],
    log_odds: f64,
    /// Bounds of the slope.
    slopes: [f64; 2],
    /// Where `x0` is looked for.
    bounds: [f64; 2],
}

impl<'a> Model<'a> {
    fn new(points: &'a [Point], log_odds: f64, slopes: [f64; 2]) -> Self {
        let xs = || points.iter().map(|point| point.x);
        Model {
            points,
            log_odds,
            slopes,
            bounds: [
                xs().fold(f64::INFINITY, f64::min) - REACH,
                xs().fold(f64::NEG_INFINITY, f64::max) + REACH,
            ],
        }
    }

    fn fit(&self) -> Fit {
        let (best, slope) = self.best();
        let nearer = self.within(NEARER, best, slope);
        let degrees = (nearer.len() as f64 - 2.0).max(1.0);
        let t = student_upper_quantile(0.025, (degrees * DISPERSION_KNOWN).max(1.0));
        let dispersion = self.dispersion(&nearer, best, slope, degrees);
        let least = self.likelihood(best, slope) - dispersion * t * t / 2.0;
        let plausible = |x: f64| self.likelihood(x, self.slope(x)) >= least;
        let [lowest, highest] = self.bounds;
        let interval = Interval {
            estimate: best,
            low: turn(lowest, best, |x| !plausible(x)),
            high: turn(best, highest, plausible),
        };
        Fit {
            interval: interval.exp(),
            slope,
            trials: nearer.len(),
            dispersion,
            bursts: nearer.iter().map(|p| p.violations).sum::<f64>() / dispersion,
        }
    }

    /// The trials whose expected share is within these factors of the allowed one.
    fn within(&self, factors: [f64; 2], x0: f64, slope: f64) -> Vec<Point> {
        let share = |eta: f64| logistic(eta) / logistic(self.log_odds);
        let points = self.points.iter().copied();
        let near = points.filter(|point| {
            let of_allowed = share(self.eta(point, x0, slope));
            (factors[0]..=factors[1]).contains(&of_allowed)
        });
        near.collect()
    }

    fn eta(&self, point: &Point, x0: f64, slope: f64) -> f64 {
        self.log_odds + slope * (point.x - x0)
    }

    fn likelihood(&self, x0: f64, slope: f64) -> f64 {
        let terms = self.points.iter().map(|point| {
            let eta = self.eta(point, x0, slope).min(point.most);
            point.violations * eta - point.requests * softplus(eta)
        });
        terms.sum()
    }

    /// The most likely slope where the allowed share is reached at `x0`: Newton's method, kept within
    /// a bracket. The likelihood is concave in the slope.
    fn slope(&self, x0: f64) -> f64 {
        let [mut flat, mut steep] = self.slopes;
        let mut slope = (flat * steep).sqrt();
        for _ in 0..40 {
            let (mut score, mut information) = (0.0, 0.0);
            for point in self.points {
                let eta = self.eta(point, x0, slope);
                if eta >= point.most {
                    continue;
                }
                let share = logistic(eta);
                let distance = point.x - x0;
                score += (point.violations - point.requests * share) * distance;
                information += point.requests * share * (1.0 - share) * distance * distance;
            }
            match score > 0.0 {
                true => flat = slope,
                false => steep = slope,
            }
            let newton = slope + score / information;
            let next = match newton > flat && newton < steep {
                true => newton,
                false => (flat * steep).sqrt(),
            };
            let change = (next / slope - 1.0).abs();
            slope = next;
            if change < 1e-9 {
                break;
            }
        }
        slope
    }

    /// The most likely `x0` and its slope, by golden section: level sets are intervals, since the
    /// likelihood is concave in the coefficients of the line.
    fn best(&self) -> (f64, f64) {
        const GOLDEN: f64 = 0.618_033_988_749_894_9;
        let profile = |x: f64| self.likelihood(x, self.slope(x));
        let [mut low, mut high] = self.bounds;
        let (mut left, mut right) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
        let (mut at_left, mut at_right) = (profile(left), profile(right));
        while high - low > 1e-6 {
            if at_left >= at_right {
                (high, right, at_right) = (right, left, at_left);
                left = high - GOLDEN * (high - low);
                at_left = profile(left);
            } else {
                (low, left, at_left) = (left, right, at_right);
                right = low + GOLDEN * (high - low);
                at_right = profile(right);
            }
        }
        let x0 = f64::midpoint(low, high);
        (x0, self.slope(x0))
    }

    /// How much more counts vary than binomial ones: Pearson's chi-square over its degrees of freedom,
    /// never below 1.
    fn dispersion(&self, points: &[Point], x0: f64, slope: f64, degrees: f64) -> f64 {
        let terms = points.iter().map(|point| {
            let share = logistic(self.eta(point, x0, slope));
            let expected = point.requests * share;
            let variance = (expected * (1.0 - share)).max(1e-9);
            (point.violations - expected).powi(2) / variance
        });
        (terms.sum::<f64>() / degrees).max(1.0)
    }
}

/// The point at which `is_left` turns from true to false, as finely as a rate needs.
fn turn(mut low: f64, mut high: f64, is_left: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..24 {
        let middle = f64::midpoint(low, high);
        match is_left(middle) {
            true => low = middle,
            false => high = middle,
        }
    }
    f64::midpoint(low, high)
}

/// ln(1 + e^x).
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn logistic(x: f64) -> f64 {
    (-softplus(-x)).exp()
}
