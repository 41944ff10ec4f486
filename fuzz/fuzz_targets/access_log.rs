//! A line of an access log: reading never panics, and what is read of a line that was written from it
//! again is the same request, whoever reads it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use understudy_wire::access_log::{LineError, entry, served};

/// Writes a text as nginx does: what would end it is escaped.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'"' | b'\\' | 0..=31 | 127.. => format!("\\x{byte:02X}"),
        plain => char::from(plain).to_string(),
    };
    text.bytes().map(escape).collect()
}

fuzz_target!(|line: &[u8]| {
    for unit_ns in [None, Some(1_000)] {
        if let Ok(read) = served(line, unit_ns) {
            assert!(read.took.ns().is_none_or(|ns| ns <= 86_400_000_000_000));
        }
    }
    let Ok(read) = entry(line) else {
        return;
    };
    let told = served(line, None).map(|served| served.asked);
    assert_eq!(told, Ok(Some((read.method.clone(), read.target.clone()))));
    assert!(!read.method.is_empty() && !read.target.is_empty());
    let request = escaped(&format!("{} {} HTTP/1.1", read.method, read.target));
    let agent = escaped(read.user_agent.as_deref().unwrap_or("-"));
    let again = format!("10.0.0.1 - - [now] \"{request}\" 200 5 \"-\" \"{agent}\"");
    match entry(again.as_bytes()) {
        Ok(again) => {
            assert_eq!((again.method, again.target), (read.method, read.target));
            let agent = read.user_agent.filter(|agent| agent != "-");
            assert_eq!(again.user_agent, agent);
        }
        Err(error) => assert_eq!(error, LineError::TooLong),
    }
});
