use super::*;
use proptest::prelude::*;

fn scaled(points: &[(f64, f64)], by: f64) -> Vec<(f64, f64)> {
    points
        .iter()
        .map(|(quality, rate)| (*quality, rate * by))
        .collect()
}

const ANCHOR: [(f64, f64); 4] = [
    (32.0, 500.0),
    (35.0, 1000.0),
    (38.0, 2100.0),
    (41.0, 4500.0),
];

#[test]
fn a_curve_against_itself_is_zero_and_a_scaled_one_is_its_scale() {
    assert_eq!(bd_rate(&ANCHOR, &ANCHOR), Ok(0.0));
    for by in [0.5, 0.77, 1.1, 3.0] {
        let rate = bd_rate(&ANCHOR, &scaled(&ANCHOR, by)).unwrap();
        assert!((rate - (by - 1.0)).abs() < 1e-12, "{rate} {by}");
    }
    // Points in any order.
    let mut turned = scaled(&ANCHOR, 1.1);
    turned.reverse();
    assert!((bd_rate(&ANCHOR, &turned).unwrap() - 0.1).abs() < 1e-12);
}

#[test]
fn curves_that_cannot_be_compared_say_why() {
    let few = Err(NoRate::TooFew { points: 3 });
    assert_eq!(bd_rate(&ANCHOR, &ANCHOR[..3]), few);
    let twice = [ANCHOR[0], ANCHOR[0], ANCHOR[1], ANCHOR[2]];
    assert_eq!(
        bd_rate(&twice, &ANCHOR),
        few,
        "a point that is there twice is one"
    );
    let apart: Vec<(f64, f64)> = ANCHOR.iter().map(|(q, rate)| (q + 9.0, *rate)).collect();
    assert_eq!(
        bd_rate(&ANCHOR, &apart),
        Err(NoRate::NoOverlap),
        "41 is one quality"
    );
    for wrong in [
        (f64::NAN, 1.0),
        (f64::INFINITY, 1.0),
        (50.0, 0.0),
        (50.0, -1.0),
        (50.0, f64::NAN),
    ] {
        let mut points = ANCHOR.to_vec();
        points.push(wrong);
        assert_eq!(
            bd_rate(&ANCHOR, &points),
            Err(NoRate::NotACurve),
            "{wrong:?}"
        );
    }
    assert_eq!(bd_rate(&[], &[]), Err(NoRate::TooFew { points: 0 }));
}

proptest! {
    /// Nothing panics, and what is a figure is one.
    #[test]
    fn any_points(a in proptest::collection::vec((any::<f64>(), any::<f64>()), 0..8), b in proptest::collection::vec((any::<f64>(), any::<f64>()), 0..8)) {
        if let Ok(rate) = bd_rate(&a, &b) {
            prop_assert!(rate.is_finite() && rate >= -1.0);
        }
    }

    /// Which one is the baseline turns the ratio around.
    #[test]
    fn the_other_way_round_is_the_inverse(steps in proptest::collection::vec((0.5..3.0f64, 1.1..3.0f64), 4..8), other in proptest::collection::vec((0.5..3.0f64, 1.1..3.0f64), 4..8)) {
        let curve = |steps: &[(f64, f64)]| {
            let mut at = (30.0, 100.0);
            let next = |(step, times): &(f64, f64)| {
                at = (at.0 + step, at.1 * times);
                at
            };
            steps.iter().map(next).collect::<Vec<_>>()
        };
        let (a, b) = (curve(&steps), curve(&other));
        if let (Ok(there), Ok(back)) = (bd_rate(&a, &b), bd_rate(&b, &a)) {
            prop_assert!(((1.0 + there) * (1.0 + back) - 1.0).abs() < 1e-9);
        }
    }
}

/// Computed with SciPy 1.17.1: `PchipInterpolator(quality, log(rate)).integrate(low, high) / (high - low)`.
#[test]
fn figures_are_those_of_scipy() {
    type Points<'p> = &'p [(f64, f64)];
    // Two usual pairs of curves, and two that turn, with points far apart.
    let pairs: [(Points<'_>, Points<'_>, f64); 4] = [
        (
            &[
                (40.037, 9487.76),
                (38.615, 4593.60),
                (36.845, 2486.44),
                (34.851, 1358.24),
            ],
            &[
                (40.121, 9787.80),
                (38.651, 4469.00),
                (36.970, 2451.52),
                (34.987, 1356.24),
            ],
            -0.0441748535058899,
        ),
        (
            &[
                (40.28, 686.76),
                (37.18, 309.58),
                (34.24, 157.11),
                (31.42, 85.95),
            ],
            &[
                (40.39, 893.34),
                (37.21, 407.8),
                (34.17, 204.93),
                (31.24, 112.75),
            ],
            0.3137987820239754,
        ),
        (&TURNING, &STEEP, -0.03707742328345698),
        (&STEEP, &TURNING, 0.03850509291192106),
    ];
    for (a, b, expected) in pairs {
        let rate = bd_rate(a, b).unwrap();
        assert!((rate - expected).abs() < 1e-12, "{rate} {expected}");
    }
}

const TURNING: [(f64, f64); 5] = [
    (30.0, 100.0),
    (31.0, 400.0),
    (35.0, 300.0),
    (36.0, 1000.0),
    (44.0, 1100.0),
];
const STEEP: [(f64, f64); 4] = [(28.5, 90.0), (32.25, 180.0), (33.0, 800.0), (41.0, 900.0)];
