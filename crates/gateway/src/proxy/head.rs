//! A request's head, before it is known which server gets it.

use super::headers;
use crate::config::UpstreamAddress;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version, header};

/// What a request is, so that it can be sent, and sent once more.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
}

impl Head {
    /// For this server.
    pub(crate) fn request<B>(
        self,
        to: &UpstreamAddress,
        authority: &HeaderValue,
        body: B,
    ) -> Request<B> {
        let mut request = Request::new(body);
        let host = self.headers.get(header::HOST).unwrap_or(authority);
        *request.uri_mut() = headers::target(&self.uri, to.http2.then_some((to.tls, host)));
        *request.method_mut() = self.method;
        *request.headers_mut() = self.headers;
        if to.http2 {
            request.headers_mut().remove(header::HOST);
            *request.version_mut() = Version::HTTP_2;
        } else if !request.headers().contains_key(header::HOST) {
            request
                .headers_mut()
                .insert(header::HOST, authority.clone());
        }
        request
    }

    /// That of a request that came back, as it was for any server.
    pub(crate) fn of<B>(request: Request<B>) -> (Head, B) {
        let (mut parts, body) = request.into_parts();
        headers::host_from_authority(&parts.uri, &mut parts.headers);
        (
            Head {
                method: parts.method,
                uri: parts.uri,
                headers: parts.headers,
            },
            body,
        )
    }
}
