//! Answers that tests of several modules compare.

use understudy_model::{Answer, Field};

/// An answer of JSON.
pub(crate) fn json(body: impl Into<Vec<u8>>) -> Answer {
    Answer {
        code: 200,
        fields: vec![Field {
            name: "content-type".into(),
            value: b"application/json".to_vec(),
        }],
        body: body.into(),
        truncated: false,
    }
}
