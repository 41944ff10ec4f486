//! p values of many questions asked at once (Holm 1979).

/// The p values after Holm's step-down correction, in the order given: rejecting where one is at most
/// alpha keeps the chance of any false rejection below alpha, however the questions hang together.
///
/// A p value that is not a number counts as 1.
pub fn adjust(p_values: &[f64]) -> Vec<f64> {
    let asked: Vec<f64> = p_values
        .iter()
        .map(|&p| if p.is_nan() { 1.0 } else { p.clamp(0.0, 1.0) })
        .collect();
    let mut order: Vec<usize> = (0..asked.len()).collect();
    order.sort_by(|&a, &b| asked[a].total_cmp(&asked[b]));
    let mut adjusted = vec![1.0; asked.len()];
    let mut largest: f64 = 0.0;
    for (done, &index) in order.iter().enumerate() {
        let left = (asked.len() - done) as f64;
        largest = largest.max((left * asked[index]).min(1.0));
        adjusted[index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_textbook_example() {
        // statsmodels.stats.multitest.multipletests([0.01, 0.04, 0.03, 0.005], method='holm')
        let found = adjust(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in found.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-15, "{found} != {expected}");
        }
        assert_eq!(adjust(&[]), Vec::<f64>::new());
        assert_eq!(adjust(&[f64::NAN, 0.02]), [1.0, 0.04]);
    }

    proptest! {
        #[test]
        fn never_below_the_p_value_and_in_the_same_order(p in proptest::collection::vec(0.0..=1.0f64, 0..20)) {
            let adjusted = adjust(&p);
            for i in 0..p.len() {
                prop_assert!(p[i] <= adjusted[i] && adjusted[i] <= 1.0);
                for j in 0..p.len() {
                    prop_assert!(p[i] > p[j] || adjusted[i] <= adjusted[j]);
                }
            }
        }
    }
}
