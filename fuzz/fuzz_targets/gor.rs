//! A GoReplay capture: reading never panics, lines exist and go up, messages are parts of the file, and
//! a request that is read is read the same when it is rendered again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use understudy_wire::gor::records;
use understudy_wire::http1::{ReceivedRequest, RequestHead};

/// Headers that rendering writes itself.
const OWN: [&str; 2] = ["content-length", "transfer-encoding"];

fn assert_reads_again(request: &ReceivedRequest) {
    let headers: Vec<(String, String)> = request
        .headers
        .iter()
        .filter(|(name, _)| !OWN.iter().any(|own| name.eq_ignore_ascii_case(own)))
        .cloned()
        .collect();
    let head = RequestHead {
        method: &request.method,
        target: &request.target,
        host: "h",
        headers: &headers,
    };
    // Not everything that can be captured may be sent: absolute targets, control characters.
    let Ok(wire) = head.render(&request.body) else {
        return;
    };
    if headers.len() > 100 {
        return;
    }
    let (again, length) = ReceivedRequest::read(&wire).expect("rendered, so it is a request");
    assert_eq!(length, wire.len());
    assert_eq!(
        (&again.method, &again.target),
        (&request.method, &request.target)
    );
    assert_eq!(again.body, request.body);
}

fuzz_target!(|file: &[u8]| {
    let lines = file.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    let mut before = 0;
    for (line, record) in records(file) {
        assert!(
            line > before && line <= lines,
            "{line} after {before} of {lines}"
        );
        before = line;
        let Ok(record) = record else {
            continue;
        };
        assert!(record.message.len() < file.len());
        // One request may follow another.
        let mut rest = record.message;
        while let Ok((request, length)) = ReceivedRequest::read(rest) {
            assert!(length > 0 && length <= rest.len());
            assert_reads_again(&request);
            rest = &rest[length..];
        }
    }
});
