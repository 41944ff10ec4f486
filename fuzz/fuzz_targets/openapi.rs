//! An OpenAPI document as JSON or YAML: importing it never panics, ends soon, and what it gives balances.
#![no_main]

use libfuzzer_sys::fuzz_target;
use understudy_import::{Format, Options, Source, import};

fn check(text: &str) {
    let options = Options {
        format: Some(Format::OpenApi),
        ..Options::default()
    };
    let source = Source {
        name: "openapi",
        bytes: text.as_bytes(),
    };
    if let Ok(imported) = import(&[source], &options) {
        let summary = imported.summary;
        let left: u64 = summary.left_out.iter().map(|left| left.requests).sum();
        assert_eq!(summary.read, summary.written + left);
        assert!(imported.jsonl.lines().count() as u64 == summary.lines);
    }
}

fuzz_target!(|text: &str| {
    check(text);
    check(&format!(
        "openapi: 3.0.0\npaths:\n  /a/{{b}}:\n    parameters: [{{name: b, in: path, schema: {{type: integer}}}}]\n    post: {{{text}}}\n"
    ));
});
