//! A request's head, before it is known which server gets it.

use super::fields::Written;
use super::headers;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version, header};

/// What a request is, so that it can be sent, and sent once more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    /// How its names were spelled.
    pub(crate) written: Written,
    /// The target as it was spelled, where a `Uri` cannot be.
    pub(crate) raw_target: Option<Bytes>,
}

impl Head {
    /// The target as an HTTP/1.1 server gets it.
    pub(super) fn target(&self) -> &[u8] {
        match (&self.raw_target, self.uri.path_and_query()) {
            (Some(raw), _) => raw,
            (None, Some(path)) => path.as_str().as_bytes(),
            (None, None) => b"/",
        }
    }

    /// For a server that speaks HTTP/2.
    pub(crate) fn http2_request<B>(
        &self,
        tls: bool,
        authority: &HeaderValue,
        body: B,
    ) -> Request<B> {
        let mut request = Request::new(body);
        let host = self.headers.get(header::HOST).unwrap_or(authority);
        *request.uri_mut() = headers::http2_target(&self.uri, tls, host);
        *request.method_mut() = self.method.clone();
        request.headers_mut().clone_from(&self.headers);
        request.headers_mut().remove(header::HOST);
        *request.version_mut() = Version::HTTP_2;
        request
    }
}
