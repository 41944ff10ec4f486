//! HTTP/1.1 (RFC 9110, RFC 9112) as a client sees it: requests are rendered, responses are read,
//! and so are requests that were captured.

mod framing;
mod received;
mod request;
mod response;

pub use received::{ReceivedError, ReceivedRequest};
pub use request::{RequestError, RequestHead};
pub use response::{Head, Limits, ResponseError, ResponseReader, Sink, Step};
