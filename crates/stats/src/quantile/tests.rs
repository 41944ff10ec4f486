use super::*;
use proptest::prelude::*;

/// Latencies without structure a weight could cancel against: `17 i^2 mod 1009`, sorted.
fn samples(n: u64) -> Vec<f64> {
    let mut values: Vec<f64> = (0..n)
        .map(|i| (17 * i * i % 1009) as f64 + i as f64 / 1e4)
        .collect();
    values.sort_by(f64::total_cmp);
    values
}

#[test]
fn harrell_davis_agrees_with_scipy() {
    // scipy.stats.mstats.hdquantiles over the same samples.
    let cases = [
        (1000, 0.5, 506.8243726871083),
        (1000, 0.9, 897.8090126434217),
        (5000, 0.99, 986.7052201982981),
        (100000, 0.999, 1004.4666),
        (500, 0.1, 111.37408291911885),
    ];
    for (n, q, expected) in cases {
        let found = harrell_davis(&samples(n), q).unwrap();
        assert!(
            (found / expected - 1.0).abs() < 1e-9,
            "{n} {q}: {found} != {expected}"
        );
    }
}

#[test]
fn harrell_davis_needs_fifty_on_either_side() {
    let values = samples(5_000);
    assert!(harrell_davis(&values, 0.99).is_some());
    assert!(harrell_davis(&values[..4_999], 0.99).is_none());
    assert!(harrell_davis(&values, 0.01).is_some());
    assert!(harrell_davis(&values, 0.009).is_none());
    for q in [0.0, 1.0, -1.0, f64::NAN] {
        assert_eq!(harrell_davis(&values, q), None);
        assert_eq!(order_statistic(&values, q), None);
        assert_eq!(order_statistic_ranks(5_000, q), None);
        assert_eq!(smallest_sample(q), None);
        let found = block_quantile(&values, 0, q);
        assert_eq!(
            found,
            BlockQuantile::NotJudged {
                have: 5_000,
                need: u64::MAX
            }
        );
    }
}

#[test]
fn ten_requests_beyond_the_quantile_are_needed() {
    for (q, need) in [
        (0.5, 20),
        (0.9, 100),
        (0.95, 200),
        (0.99, 1_000),
        (0.999, 10_000),
    ] {
        let values = samples(need);
        let judged = block_quantile(&values, 0, q);
        assert_eq!(
            judged,
            BlockQuantile::Value(order_statistic(&values, q).unwrap())
        );
        let short = block_quantile(&values[1..], 0, q);
        assert_eq!(
            short,
            BlockQuantile::NotJudged {
                have: need - 1,
                need
            }
        );
        // The unanswered count as requests.
        assert!(matches!(
            block_quantile(&values[1..], 1, q),
            BlockQuantile::Value(_)
        ));
    }
    assert_eq!(
        block_quantile(&[], 0, 0.99),
        BlockQuantile::NotJudged {
            have: 0,
            need: 1_000
        }
    );
}

#[test]
fn the_unanswered_rank_above_every_answer() {
    let values = samples(10_000);
    let smooth = harrell_davis(&values, 0.9).unwrap();
    // Far above the window they change nothing.
    assert_eq!(
        block_quantile(&values[..9_900], 100, 0.9),
        BlockQuantile::Value(smooth)
    );
    // In the window the plain order statistic is used.
    assert_eq!(
        block_quantile(&values[..9_000], 1_000, 0.9),
        BlockQuantile::Value(values[8_999])
    );
    // Past it the quantile is infinite.
    assert_eq!(
        block_quantile(&values[..8_999], 1_001, 0.9),
        BlockQuantile::Infinite
    );
    assert_eq!(block_quantile(&[], 10_000, 0.9), BlockQuantile::Infinite);
}

#[test]
fn ranks_are_the_reference_ones() {
    assert_eq!(order_statistic_ranks(10_000, 0.99), Some((9_880, 9_921)));
    assert_eq!(
        order_statistic_ranks(100_000, 0.999),
        Some((99_880, 99_921))
    );
    assert_eq!(order_statistic_ranks(100, 0.99), None);
    assert_eq!(order_statistic_ranks(0, 0.5), None);
}

#[test]
fn smallest_samples_are_the_reference_ones() {
    assert_eq!(smallest_sample(0.99), Some(299));
    assert_eq!(smallest_sample(0.999), Some(2_995));
    assert_eq!(smallest_sample(0.9999), Some(29_956));
}

proptest! {
    #[test]
    fn quantiles_lie_within_the_samples_and_grow_with_q(
        mut values in proptest::collection::vec(0.0..1e6f64, 200..1500),
        q in 0.1..0.9f64,
        step in 0.0..0.1f64,
    ) {
        values.sort_by(f64::total_cmp);
        let estimates = [harrell_davis(&values, q), harrell_davis(&values, q + step)];
        if let [Some(low), Some(high)] = estimates {
            prop_assert!(low <= high * (1.0 + 1e-12), "{low} > {high}");
            prop_assert!(values[0] <= low && high <= values[values.len() - 1]);
        }
        prop_assert!(order_statistic(&values, q) <= order_statistic(&values, q + step));
    }

    #[test]
    fn losing_answers_never_lowers_a_quantile(
        mut values in proptest::collection::vec(0.0..1e6f64, 1000..2000),
        lost in 0usize..500,
        q in 0.5..0.95f64,
    ) {
        values.sort_by(f64::total_cmp);
        let kept = &values[..values.len() - lost];
        let as_number = |quantile| match quantile {
            BlockQuantile::Value(value) => value,
            BlockQuantile::Infinite => f64::INFINITY,
            BlockQuantile::NotJudged { .. } => f64::NAN,
        };
        let whole = order_statistic(&values, q).unwrap();
        let found = as_number(block_quantile(kept, lost as u64, q));
        // The samples dropped were the largest, so the order statistic is what it was, or infinite.
        prop_assert!(found == whole || found == f64::INFINITY || harrell_davis(&values, q) == Some(found));
    }
}

/// Ranks from the tables of the sign test: 6 to 8 values have their extremes, 9 to 11 the second ones, 20 the sixth.
#[test]
fn a_median_has_the_interval_of_the_sign_test() {
    let of = |n: u32| {
        let values: Vec<f64> = (1..=n).rev().map(f64::from).collect();
        median_interval(&values).map(|of| (of.low, of.estimate, of.high))
    };
    assert_eq!([of(0), of(1), of(5)], [None; 3]);
    assert_eq!(of(6), Some((1.0, 3.5, 6.0)));
    assert_eq!(of(8), Some((1.0, 4.5, 8.0)));
    assert_eq!(of(9), Some((2.0, 5.0, 8.0)));
    assert_eq!(of(12), Some((3.0, 6.5, 10.0)));
    assert_eq!(of(20), Some((6.0, 10.5, 15.0)));
    let large = of(1000).unwrap();
    assert_eq!((large.0, large.2), (469.0, 532.0));
    assert_eq!(of(2000), Some((956.0, 1000.5, 1045.0)));
    assert_eq!(median_interval(&[1.0, f64::NAN, 1.0, 1.0, 1.0, 1.0]), None);
}
