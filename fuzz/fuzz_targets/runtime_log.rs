#![no_main]
//! Logs of runtimes: whatever a program writes, an event ends after it begins.

use libfuzzer_sys::fuzz_target;
use understudy_wire::runtime::{Format, read};

fuzz_target!(|log: &[u8]| {
    for format in Format::ALL {
        for event in read(format, log) {
            assert!(event.start_ns <= event.end_ns);
        }
    }
});
