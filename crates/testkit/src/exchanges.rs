use understudy_model::stored::Row;
use understudy_model::{Class, Ending, Observation};

/// An answered exchange: when it was due and had a connection, was sent, and ended, nanoseconds.
pub fn answered(request: u32, (due, sent, ended): (u64, u64, u64)) -> Row {
    Row::from(Observation {
        case: request,
        operation: 0,
        due_ns: due,
        free_ns: due,
        sent_ns: sent,
        first_ns: ended,
        last_ns: ended,
        ending: Ending::Answered,
        class: Class::Ok,
        code: 200,
        bytes: 1,
        hash: 0,
    })
}
