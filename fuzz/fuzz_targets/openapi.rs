//! An OpenAPI document as JSON or YAML, which may refer to itself as to another file: importing it never panics,
//! ends soon, and what it gives balances.
#![no_main]

use libfuzzer_sys::fuzz_target;
use understudy_import::{Format, Neighbours, Options, Source, import_with};

/// Every file is the document itself.
struct Itself<'t>(&'t str);

impl Neighbours for Itself<'_> {
    fn read(&self, _document: &str, path: &str) -> Option<Vec<u8>> {
        assert!(!path.starts_with('/') && !path.split('/').any(|piece| matches!(piece, "" | "." | "..")));
        Some(self.0.as_bytes().to_vec())
    }
}

fn check(text: &str) {
    let options = Options {
        format: Some(Format::OpenApi),
        ..Options::default()
    };
    let source = Source {
        name: "openapi",
        bytes: text.as_bytes(),
    };
    if let Ok(imported) = import_with(&[source], &options, &Itself(text)) {
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
    check(&format!(
        "{{\"swagger\":\"2.0\",\"paths\":{{\"/a\":{{\"post\":{text}}},\"/b\":{{\"$ref\":\"b.yaml\"}}}}}}"
    ));
});
