//! An arbitrary request file: reading it never panics, mistakes are reported with a line that exists, and
//! every request that is accepted is exactly one HTTP request on the wire.
#![no_main]

use libfuzzer_sys::fuzz_target;
use understudy_subject_http::{RequestSource, Requests, WorkloadRequest};

/// No files, and one variable whose value would end a header.
struct NoFiles;

impl RequestSource for NoFiles {
    fn body_file(&self, _: &str) -> Result<Vec<u8>, String> {
        Err("no such file".to_owned())
    }

    fn variable(&self, name: &str) -> Option<String> {
        match name {
            "T" => Some("token".to_owned()),
            "EVIL" => Some("a\r\nb: c".to_owned()),
            _ => None,
        }
    }
}

/// Rendered, it is read back by another parser as what was asked for, to the last byte.
fn assert_renders(request: &WorkloadRequest) {
    let wire = request.render("host:1").expect("accepted, so it renders");
    let mut space = [httparse::EMPTY_HEADER; 128];
    let mut read = httparse::Request::new(&mut space);
    let parsed = read.parse(&wire).expect("valid HTTP");
    assert_eq!(
        parsed,
        httparse::Status::Complete(wire.len() - request.body.len())
    );
    assert_eq!(read.method, Some(request.method.as_str()));
    assert_eq!(read.path, Some(request.path.as_str()));
    let lengths: Vec<&[u8]> = read
        .headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case("content-length"))
        .map(|header| header.value)
        .collect();
    let length = request.body.len().to_string();
    match lengths.as_slice() {
        [] => assert!(request.body.is_empty()),
        [only] => assert_eq!(*only, length.as_bytes()),
        several => panic!("{} Content-Length headers", several.len()),
    }
}

fuzz_target!(|text: &str| {
    match Requests::parse(text, &NoFiles) {
        Ok(requests) => {
            assert!(!requests.all.is_empty());
            assert!(requests.weights().iter().sum::<f64>() > 0.0);
            requests.all.iter().for_each(assert_renders);
            let prepared = requests.prepare("host:1", |index| index).expect("renders");
            assert_eq!(prepared.len(), requests.all.len());
        }
        Err(mistakes) => {
            let lines = text.lines().count();
            assert!((1..=100).contains(&mistakes.errors.len()));
            assert!(mistakes.errors.iter().all(|(line, _)| *line <= lines));
        }
    }
});
