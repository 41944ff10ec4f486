//! HTTP/1.1 (RFC 9110, RFC 9112) as a client sees it: requests are rendered, responses are read,
//! and so are requests that were captured.

mod body;
mod framing;
mod head;
mod received;
mod request;
mod response;

pub use body::{BodyReader, Piece};
pub use framing::{Framing, Length};
pub use head::{Head, MAX_HEADERS, ROOM, Room};
pub use received::{ReceivedError, ReceivedRequest};
pub use request::{RequestError, RequestHead, standard_method};
pub use response::{Limits, ResponseError, ResponseReader, Sink, Step};
