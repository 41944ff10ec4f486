//! Requests that the gateway answers itself.

use super::download::Download;
use super::upload::Fault;
use crate::traffic::End;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use std::borrow::Cow;

/// The answer, and why.
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) why: Cow<'static, str>,
    pub(super) end: End,
    /// What comes next on this connection cannot be trusted, or is of no use.
    pub(super) closes: bool,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, why: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal {
            status,
            why: why.into(),
            end: End::Refused,
            closes: false,
        }
    }

    pub(super) fn closing(status: StatusCode, why: &'static str) -> Refusal {
        Refusal {
            closes: true,
            ..Refusal::new(status, why)
        }
    }

    pub(super) fn of(end: End, why: impl Into<Cow<'static, str>>) -> Refusal {
        let status = match end {
            End::Timeout => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_GATEWAY,
        };
        Refusal {
            end,
            ..Refusal::new(status, why)
        }
    }

    pub(super) fn of_fault(fault: Fault) -> Refusal {
        let (status, why) = match fault {
            Fault::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "the request's body is larger than this server takes",
            ),
            Fault::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "the request's body did not come in time",
            ),
            Fault::Broken => (
                StatusCode::BAD_REQUEST,
                "the request's body is malformed or broke off",
            ),
        };
        Refusal {
            end: End::ClientBody,
            ..Refusal::closing(status, why)
        }
    }

    pub(super) fn response(&self) -> Response<Download> {
        let text = Bytes::from(format!("{} {}\n", self.status.as_u16(), self.why));
        let mut response = Response::new(Download::Text(Some(text)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
