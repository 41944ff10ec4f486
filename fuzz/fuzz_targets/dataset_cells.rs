//! Cells of data sets as text, and conditions on them: no panic; a cell equals itself; equality has no direction.
#![no_main]

use libfuzzer_sys::fuzz_target;
use understudy_compare::dataset::{Cell, Predicate, Target, is_equal};

const TARGETS: [Target; 9] = [
    Target::Bool,
    Target::Int,
    Target::Float,
    Target::Single,
    Target::Decimal(3),
    Target::Number,
    Target::Date,
    Target::Timestamp,
    Target::Any,
];

fuzz_target!(|texts: (&str, &str)| {
    let cells = |text| [Cell::Text(str::as_bytes(text)), Cell::Number(text)];
    for target in TARGETS {
        for (a, b) in cells(texts.0).into_iter().zip(cells(texts.1)) {
            assert!(is_equal(a, a, target), "{a:?}");
            assert_eq!(
                is_equal(a, b, target),
                is_equal(b, a, target),
                "{a:?} {b:?}"
            );
            assert!(!a.shown().is_empty() || texts.0.is_empty());
        }
    }
    if let Ok(predicate) = Predicate::parse(texts.0) {
        let mut mask = [true];
        for column in predicate.columns() {
            predicate.apply(
                column,
                [Cell::Text(texts.1.as_bytes())].into_iter(),
                &mut mask,
            );
        }
    }
});
