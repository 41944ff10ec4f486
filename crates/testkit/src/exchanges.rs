use understudy_model::stored::Row;
use understudy_model::{Ending, Observation};

/// An answered exchange: when it was due and had a connection, was sent, and ended, nanoseconds.
pub fn answered(request: u32, (due, sent, ended): (u64, u64, u64)) -> Row {
    Row::from(Observation {
        request,
        endpoint: 0,
        intended_ns: due,
        free_ns: due,
        sent_ns: sent,
        first_byte_ns: ended,
        last_byte_ns: ended,
        ending: Ending::Answered,
        code: 200,
        bytes: 1,
        body_hash: 0,
    })
}
