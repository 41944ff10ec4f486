//! When a series becomes steady: changepoints of its level and spread.

/// Segments shorter than this have no variance to speak of.
const SHORTEST: usize = 5;

/// Where the mean or the variance of a series of normal values changes: the begins of all segments but
/// the first, ascending. Pruned exact linear time (Killick, Fearnhead, Eckley 2012) with the cost
/// `n ln(variance)` and a penalty of `15 ln n` a change, as Barrett et al. (*Virtual machine warmup blows
/// hot and cold*, OOPSLA 2017) use it.
///
/// `noise` is the standard deviation below which a difference is rounding and no change; values that
/// are not finite make the series one segment.
pub fn changepoints(values: &[f64], noise: f64) -> Vec<usize> {
    let n = values.len();
    if n < 2 * SHORTEST || values.iter().any(|value| !value.is_finite()) {
        return Vec::new();
    }
    let penalty = 15.0 * (n as f64).ln();
    let cost = Cost::new(values, noise);
    // best[t]: least cost of the first t values, and where its last segment begins.
    let mut best = vec![(f64::INFINITY, 0usize); n + 1];
    best[0] = (-penalty, 0);
    let mut candidates = vec![0usize];
    for end in SHORTEST..=n {
        // What the first values cost with a last segment that begins there, the penalty apart.
        let costs: Vec<(f64, usize)> = candidates
            .iter()
            .filter(|begin| end - **begin >= SHORTEST)
            .map(|begin| (best[*begin].0 + cost.of(*begin, end), *begin))
            .collect();
        let least = costs.iter().min_by(|a, b| f64::total_cmp(&a.0, &b.0));
        best[end] = least.map_or((f64::INFINITY, 0), |(cost, begin)| (cost + penalty, *begin));
        let hopeless = |begin: usize| {
            let known = costs.iter().find(|(_, at)| *at == begin);
            known.is_some_and(|(cost, _)| *cost > best[end].0)
        };
        candidates.retain(|begin| !hopeless(*begin));
        candidates.push(end);
    }
    let (mut begins, mut at) = (Vec::new(), n);
    while at > 0 {
        at = best[at].1;
        begins.push(at);
    }
    begins.pop();
    begins.reverse();
    begins
}

/// The cost of a segment from sums.
struct Cost {
    sums: Vec<(f64, f64)>,
    least_variance: f64,
}

impl Cost {
    fn new(values: &[f64], noise: f64) -> Self {
        // Sums of squares lose less where the values are around zero.
        let centre = values.iter().sum::<f64>() / values.len() as f64;
        let mut sums = vec![(0.0, 0.0)];
        let (mut sum, mut squares) = (0.0, 0.0);
        for value in values {
            sum += value - centre;
            squares += (value - centre) * (value - centre);
            sums.push((sum, squares));
        }
        Cost {
            sums,
            least_variance: (noise * noise).max(f64::MIN_POSITIVE),
        }
    }

    fn of(&self, begin: usize, end: usize) -> f64 {
        let n = (end - begin) as f64;
        let sum = self.sums[end].0 - self.sums[begin].0;
        let squares = self.sums[end].1 - self.sums[begin].1;
        let variance = (squares / n - (sum / n) * (sum / n)).max(0.0);
        n * (variance + self.least_variance).ln()
    }
}

/// What a series comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Steady {
    /// Steady from this index on.
    From(usize),
    /// It still changes in its last quarter.
    Never,
}

/// Steady from the last changepoint on, unless that is in the last quarter of the series: then
/// it is unknown what would have come next. Segments whose level is within `tolerance` of the last one
/// belong to it: a change of spread alone, or of a level too small to notice, is not a warm-up.
pub fn steady(values: &[f64], noise: f64, tolerance: f64) -> Steady {
    let changes = changepoints(values, noise);
    let mut begins = vec![0];
    begins.extend(changes);
    let mean = |index: usize| {
        let end = begins.get(index + 1).copied().unwrap_or(values.len());
        let segment = &values[begins[index]..end];
        segment.iter().sum::<f64>() / segment.len().max(1) as f64
    };
    let last = begins.len() - 1;
    let level = mean(last);
    let same = (0..=last)
        .rev()
        .take_while(|index| (mean(*index) - level).abs() <= tolerance);
    let from = same.last().map_or(0, |index| begins[index]);
    match from * 4 > values.len() * 3 {
        true => Steady::Never,
        false => Steady::From(from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use proptest::prelude::*;

    fn series(random: &mut Random, parts: &[(usize, f64, f64)]) -> Vec<f64> {
        let parts = parts.iter();
        parts
            .flat_map(|(n, mean, spread)| {
                let values: Vec<f64> = (0..*n).map(|_| mean + spread * random.normal()).collect();
                values
            })
            .collect()
    }

    /// The least cost over every way to divide a short series, by trying them all.
    fn exhaustive(values: &[f64], noise: f64) -> f64 {
        let (n, cost) = (values.len(), Cost::new(values, noise));
        let penalty = 15.0 * (n as f64).ln();
        let mut best = vec![f64::INFINITY; n + 1];
        best[0] = -penalty;
        for end in 1..=n {
            for begin in 0..end.saturating_sub(SHORTEST - 1) {
                best[end] = best[end].min(best[begin] + cost.of(begin, end) + penalty);
            }
        }
        best[n]
    }

    #[test]
    fn a_change_of_level_or_of_spread_is_found_where_it_is() {
        let mut random = Random::new(11);
        let level = series(&mut random, &[(60, 5.0, 0.2), (140, 3.0, 0.2)]);
        assert_eq!(changepoints(&level, 0.0), [60]);
        let spread = series(&mut random, &[(80, 1.0, 0.05), (120, 1.0, 1.0)]);
        let found = changepoints(&spread, 0.0);
        assert!(found.len() == 1 && found[0].abs_diff(80) <= 3, "{found:?}");
        let three = series(
            &mut random,
            &[(30, 9.0, 0.5), (30, 4.0, 0.5), (140, 2.0, 0.5)],
        );
        assert_eq!(changepoints(&three, 0.0), [30, 60]);
    }

    #[test]
    fn steady_series_have_no_changes() {
        let mut random = Random::new(5);
        let found: usize = (0..200)
            .map(|_| changepoints(&series(&mut random, &[(200, 1.0, 0.3)]), 0.0).len())
            .sum();
        assert!(found <= 2, "{found} changes in 200 series without any");
        assert_eq!(changepoints(&[1.0; 100], 0.0), []);
        assert_eq!(changepoints(&[1.0, f64::INFINITY], 0.0), []);
    }

    #[test]
    fn a_series_that_changes_at_its_end_never_becomes_steady() {
        let mut random = Random::new(3);
        let warms = series(&mut random, &[(40, 2.0, 0.1), (160, 1.0, 0.1)]);
        assert_eq!(steady(&warms, 0.0, 0.05), Steady::From(40));
        let slows = series(&mut random, &[(170, 1.0, 0.1), (30, 2.0, 0.1)]);
        assert_eq!(steady(&slows, 0.0, 0.05), Steady::Never);
        // A change too small to notice.
        let same = series(&mut random, &[(170, 1.0, 0.01), (30, 1.02, 0.01)]);
        assert_eq!(steady(&same, 0.0, 0.05), Steady::From(0));
        assert_eq!(steady(&[], 0.0, 0.05), Steady::From(0));
    }

    proptest! {
        #[test]
        fn pruning_loses_nothing(values in prop::collection::vec(-3.0..3.0f64, 10..60), steps in 0usize..3) {
            let values: Vec<f64> = values
                .iter()
                .enumerate()
                .map(|(at, value)| value * 0.1 + ((at * steps) / values.len()) as f64 * 5.0)
                .collect();
            let mut begins = vec![0];
            begins.extend(changepoints(&values, 0.01));
            let (cost, penalty) = (Cost::new(&values, 0.01), 15.0 * (values.len() as f64).ln());
            let ends: Vec<usize> = begins.iter().skip(1).copied().chain([values.len()]).collect();
            let found: f64 = begins.iter().zip(ends).map(|(b, e)| cost.of(*b, e) + penalty).sum();
            prop_assert!((found - penalty - exhaustive(&values, 0.01)).abs() < 1e-6);
        }
    }
}
