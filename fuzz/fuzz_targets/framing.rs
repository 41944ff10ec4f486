#![no_main]
//! What clients of the gateway send: in whatever pieces it comes, it is refused alike, and no head with two lengths that
//! the HTTP parser takes is let through.

use libfuzzer_sys::fuzz_target;

// The module is the gateway's own; nobody outside has a use for it.
#[path = "../../crates/gateway/src/proxy/framing.rs"]
mod framing;

use framing::Framing;

fuzz_target!(|input: (Vec<u8>, Vec<u8>)| {
    let (bytes, pieces) = input;
    let mut whole = Framing::default();
    whole.read(&bytes);
    let mut piecewise = Framing::default();
    let mut rest = &bytes[..];
    for piece in pieces {
        let (now, later) = rest.split_at(rest.len().min(usize::from(piece)));
        piecewise.read(now);
        rest = later;
    }
    piecewise.read(rest);
    assert_eq!(whole.refused(), piecewise.refused());
    // Both are at the same place: what comes next is seen alike.
    for framing in [&mut whole, &mut piecewise] {
        framing.body_ended();
        framing.read(b"\r\n\r\nGET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n");
    }
    assert_eq!(whole.refused(), piecewise.refused());

    let mut first = Framing::default();
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut request = httparse::Request::new(&mut headers);
    if let Ok(httparse::Status::Complete(head)) = request.parse(&bytes) {
        first.read(&bytes[..head]);
        let count = |name: &str| request.headers.iter().filter(|of| of.name.eq_ignore_ascii_case(name)).count();
        let (lengths, codings) = (count("content-length"), count("transfer-encoding"));
        if lengths + codings > 1 {
            assert!(first.refused().is_some(), "two lengths are let through");
        }
    }
});
