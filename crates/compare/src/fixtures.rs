//! Answers that tests of several modules compare.

use understudy_model::{Answer, Field};

/// An answer of JSON.
pub(crate) fn json(body: impl Into<Vec<u8>>) -> Answer {
    crate::http::answer(
        200,
        vec![Field {
            name: "content-type".into(),
            value: b"application/json".to_vec(),
        }],
        body.into(),
        false,
    )
}
