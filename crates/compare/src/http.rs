//! What answers over HTTP mean.

use understudy_model::{Answer, Class, Field, Part, Status};

/// The one part of an answer over HTTP.
pub const BODY: &str = "body";

/// What a status says of the request (RFC 9110, section 15). A status that is none is a failure.
pub fn class(status: i32) -> Class {
    match status {
        100..400 => Class::Ok,
        400..500 => Class::Refused,
        _ => Class::Failed,
    }
}

/// An answer of this status, with these fields and this body.
pub fn answer(status: i32, fields: Vec<Field>, body: Vec<u8>, truncated: bool) -> Answer {
    Answer {
        status: Status {
            code: status,
            class: class(status),
        },
        fields,
        parts: vec![Part {
            name: BODY.to_owned(),
            media: String::new(),
            bytes: body,
            truncated,
        }],
    }
}
