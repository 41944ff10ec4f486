//! HTTP/1.1 (RFC 9110, RFC 9112). As a client sees it: requests are rendered, responses are read. As a
//! server sees it: requests are read from a connection, or as they were captured.

mod body;
mod framing;
mod head;
mod head_end;
mod host;
mod incoming;
mod received;
mod request;
mod request_reader;
mod response;

pub use body::{BodyReader, Piece};
pub use framing::{Framing, Length};
pub use head::{Head, MAX_HEADERS, ROOM, Room};
pub use head_end::HeadEnd;
pub use host::is_host;
pub use incoming::{IncomingHead, Refused, Target, lower_minor_version};
pub use received::{ReceivedError, ReceivedRequest};
pub use request::{RequestError, RequestHead, standard_method};
pub use request_reader::RequestReader;
pub use response::{Limits, ResponseError, ResponseReader, Sink, Step};
