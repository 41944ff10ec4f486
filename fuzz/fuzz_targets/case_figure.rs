//! A figure of a business case: reading never panics, and a figure that is read can be shown and is finite.
#![no_main]

use libfuzzer_sys::fuzz_target;
use understudy_case::{Currency, Input};

fuzz_target!(|text: &str| {
    for input in Input::ALL {
        if let Ok(spread) = input.read(text, Currency::USD) {
            let (low, high) = spread.bounds();
            assert!(low <= high && spread.median().is_finite(), "{text:?}");
            assert!(!input.show(spread.median(), Currency::USD).is_empty());
        }
    }
});
