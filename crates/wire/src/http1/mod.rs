//! HTTP/1.1 (RFC 9110, RFC 9112) as a client sees it: requests are rendered, responses are read.

mod framing;
mod request;
mod response;

pub use request::{RequestError, RequestHead};
pub use response::{Head, Limits, ResponseError, ResponseReader, Sink, Step};
