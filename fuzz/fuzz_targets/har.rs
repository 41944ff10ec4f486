//! An HTTP archive: reading never panics, and lines exist and do not go down.
#![no_main]

use libfuzzer_sys::fuzz_target;
use understudy_wire::har::{Archive, entry};

fuzz_target!(|text: &str| {
    let lines = text.bytes().filter(|byte| *byte == b'\n').count() as u64 + 1;
    match Archive::new(text) {
        Ok(archive) => {
            let mut before = 1;
            for (line, _) in archive.entries() {
                assert!(
                    line >= before && line <= lines,
                    "{line} after {before} of {lines}"
                );
                before = line;
            }
        }
        Err(error) => assert!(error.line <= lines, "{error} at {} of {lines}", error.line),
    }
    // Most texts are no whole archive: the fuzzer gets on faster inside of one.
    let inside = format!(r#"{{"request":{{"method":"POST","url":"http://h/",{text}}}}}"#);
    let _ = entry(&inside);
});
