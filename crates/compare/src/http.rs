//! What answers over HTTP mean.

use crate::dialect::{Dialect, FieldDifference, Reading};
use crate::faults::{self, Fault};
use crate::fields;
use std::borrow::Cow;
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
            digest: String::new(),
        }],
        unread: Vec::new(),
    }
}

/// The dialect of HTTP: headers by the grammar of their standard, the body by its media type.
#[derive(Clone, Copy, Debug, Default)]
pub struct Http;

impl Dialect for Http {
    fn status(&self, code: i32) -> String {
        code.to_string()
    }

    fn class(&self, code: i32) -> Class {
        class(code)
    }

    fn answered(&self) -> &'static str {
        "answered"
    }

    fn fields(&self, baseline: &Answer, contender: &Answer) -> Vec<FieldDifference> {
        fields::compare(baseline, contender)
    }

    /// The headers say it, unless the part says it itself.
    fn reading<'a>(&self, part: &'a Part, answer: &'a Answer) -> Reading<'a> {
        Reading::Media(match part.media.as_str() {
            "" => Cow::Borrowed(&answer.fields),
            media => Cow::Owned(vec![Field {
                name: "content-type".to_owned(),
                value: media.as_bytes().to_vec(),
            }]),
        })
    }

    fn cut_off(&self, _part: &Part) -> String {
        "body beyond the capture bound".to_owned()
    }

    fn faults(&self) -> &'static [Fault] {
        Fault::HTTP
    }

    fn plant(&self, answer: &Answer, fault: Fault, draw: u64) -> Option<Answer> {
        faults::inject(answer, fault, draw)
    }
}
