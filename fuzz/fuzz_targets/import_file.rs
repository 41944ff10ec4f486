//! A file of any format: importing it never panics, every request that was read is written or left out,
//! and what is written is a request file that the generator takes once the variables are set that the
//! summary names.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use understudy_import::{Format, Imported, LeftOut, Options, Source, import};
use understudy_subject_http::{RequestSource, Requests};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    format: u8,
    sessions: bool,
    skip_static: bool,
    merge_secrets: bool,
    /// The beginning of a request, so that the fuzzer works on what follows.
    framed: bool,
    bytes: &'a [u8],
}

/// The variables that are set.
struct Set(Vec<String>);

impl RequestSource for Set {
    fn body_file(&self, path: &str) -> Result<Vec<u8>, String> {
        panic!("no body was written to {path}");
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.0
            .iter()
            .any(|set| set == name)
            .then(|| "value".to_owned())
    }
}

/// The bytes, in the place of a file where something is made of them.
fn file(input: &Input<'_>, format: Option<Format>) -> Vec<u8> {
    let bytes = input.bytes;
    let (before, after): (&str, &str) = match (input.framed, format) {
        (true, Some(Format::Har)) => (
            r#"{"log":{"entries":[{"response":{"status":200},"request":{"method":"POST","url":"http://h/","#,
            "}}]}}",
        ),
        (true, Some(Format::AccessLog)) => ("1.1.1.1 - - [t] \"GET /", " HTTP/1.1\" 200 1"),
        (true, Some(Format::Gor)) => ("1 a 5\nGET / HTTP/1.1\r\n", "\r\n\r\n"),
        (true, Some(Format::OpenApi)) => (
            r##"{"openapi":"3.0.0","s":{"$ref":"#/s"},"paths":{"/a/{b}":{"post":{"##,
            "}}}}",
        ),
        _ => ("", ""),
    };
    [before.as_bytes(), bytes, after.as_bytes()].concat()
}

fn left_out(all: &[LeftOut]) -> u64 {
    all.iter().map(|left| left.requests).sum()
}

fn assert_holds(imported: &Imported) {
    let summary = &imported.summary;
    assert_eq!(summary.read, summary.written + left_out(&summary.left_out));
    for file in &summary.files {
        assert_eq!(file.read, file.written + left_out(&file.left_out));
    }
    let set = Set(summary.variables.iter().map(|of| of.name.clone()).collect());
    let requests = Requests::parse(&imported.jsonl, &set).expect("what was written is taken");
    assert_eq!(requests.all.len() as u64, summary.lines);
    assert_eq!(
        requests.weights().iter().sum::<f64>(),
        summary.written as f64
    );
    for line in imported.jsonl.lines() {
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        assert!(line["path"].is_string() && line["method"].is_string());
    }
}

fuzz_target!(|input: Input<'_>| {
    let formats = [
        None,
        Some(Format::Har),
        Some(Format::AccessLog),
        Some(Format::Gor),
        Some(Format::OpenApi),
    ];
    let format = formats[usize::from(input.format) % formats.len()];
    let options = Options {
        format,
        sessions: input.sessions,
        skip_static: input.skip_static,
        merge_secrets: input.merge_secrets,
        ..Options::default()
    };
    let bytes = file(&input, format);
    let source = Source {
        name: "file",
        bytes: &bytes,
    };
    match import(&[source], &options) {
        Ok(imported) => assert_holds(&imported),
        Err(errors) => assert_eq!(errors.len(), 1),
    }
});
