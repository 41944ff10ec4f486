//! Headers between two connections (RFC 9110, section 7.6).

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Uri, Version};
use std::net::IpAddr;

/// What belongs to one connection; `Connection` itself first.
static HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];
const CONNECTION: usize = 0;
static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// Marks a copy: it is never copied again.
pub(crate) static MARKER: HeaderName = HeaderName::from_static("x-understudy-shadow");
/// W3C Trace Context.
pub(crate) static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Removes what belongs to one connection only. `te: trailers` stays: it tells the server that
/// trailers (gRPC) reach the client.
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    // Most heads have one of these or none: to look at all names once costs less than to look each of
    // these up, and their lengths tell them from nearly all others.
    let mut present = [false; HOP_BY_HOP.len()];
    for name in headers.keys() {
        if matches!(name.as_str().len(), 2 | 7 | 10 | 16 | 17)
            && let Some(place) = HOP_BY_HOP.iter().position(|of| of == name)
        {
            present[place] = true;
        }
    }
    if present[CONNECTION] {
        remove_named(headers);
    }
    for (name, present) in HOP_BY_HOP.iter().zip(present) {
        let is_of_use =
            || name == header::TE && headers.get(name).is_some_and(|te| te == "trailers");
        if present && !is_of_use() {
            headers.remove(name);
        }
    }
}

/// Removes what `Connection` names.
fn remove_named(headers: &mut HeaderMap) {
    // These name nothing but what is removed anyway.
    let is_usual = |value: &&HeaderValue| {
        let usual: [&[u8]; 3] = [b"keep-alive", b"close", b"upgrade"];
        usual
            .iter()
            .any(|usual| value.as_bytes().eq_ignore_ascii_case(usual))
    };
    let values = headers.get_all(header::CONNECTION).iter();
    let unusual: Vec<HeaderValue> = values.filter(|value| !is_usual(value)).cloned().collect();
    for value in unusual {
        let named = value.to_str().unwrap_or_default().split(',');
        for name in named.map(str::trim).filter(|name| !name.is_empty()) {
            // A client cannot make the proxy drop what the proxy itself needs.
            if !name.eq_ignore_ascii_case("host") {
                headers.remove(name);
            }
        }
    }
}

/// The protocol that both ends of a connection want to change to.
pub(crate) fn upgrade_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let protocol = headers.get(header::UPGRADE)?;
    let asks = |value: &HeaderValue| {
        value.to_str().is_ok_and(|text| {
            text.split(',')
                .any(|word| word.trim().eq_ignore_ascii_case("upgrade"))
        })
    };
    let connection = headers.get_all(header::CONNECTION).iter().any(asks);
    connection.then(|| protocol.clone())
}

/// The address of a client as `X-Forwarded-For` has it.
pub(crate) fn address(of: IpAddr) -> HeaderValue {
    let text = of.to_canonical().to_string();
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("unknown"))
}

/// Who asked, by which scheme and for which host, as the server behind a proxy wants to know.
pub(crate) fn add_forwarded(headers: &mut HeaderMap, peer: &HeaderValue, tls: bool, trusted: bool) {
    let before = match trusted {
        true => headers.get(&FORWARDED_FOR),
        false => None,
    };
    let address = match before {
        Some(before) => {
            HeaderValue::from_bytes(&[before.as_bytes(), b", ", peer.as_bytes()].concat())
        }
        None => Ok(peer.clone()),
    };
    if let Ok(address) = address {
        headers.insert(&FORWARDED_FOR, address);
    }
    if !trusted || !headers.contains_key(&FORWARDED_PROTO) {
        headers.insert(
            &FORWARDED_PROTO,
            HeaderValue::from_static(if tls { "https" } else { "http" }),
        );
    }
    if let Some(host) = headers.get(header::HOST)
        && (!trusted || !headers.contains_key(&FORWARDED_HOST))
    {
        let host = host.clone();
        headers.insert(&FORWARDED_HOST, host);
    }
}

/// Puts the authority of an HTTP/2 request, or of an absolute target, where HTTP/1.1 has it.
pub(crate) fn host_from_authority(uri: &Uri, headers: &mut HeaderMap) {
    if let Some(authority) = uri.authority()
        && let Ok(value) = HeaderValue::from_str(authority.as_str())
    {
        headers.insert(header::HOST, value);
    }
}

/// Joins cookies that HTTP/2 may send apart (RFC 9113, section 8.2.3).
pub(crate) fn join_cookies(headers: &mut HeaderMap, version: Version) {
    if version != Version::HTTP_2 || headers.get_all(header::COOKIE).iter().nth(1).is_none() {
        return;
    }
    let parts: Vec<&[u8]> = headers
        .get_all(header::COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if let Ok(value) = HeaderValue::from_bytes(&parts.join(&b"; "[..])) {
        headers.insert(header::COOKIE, value);
    }
}

/// The target of an HTTP/2 request, with scheme and authority.
pub(crate) fn http2_target(uri: &Uri, tls: bool, authority: &HeaderValue) -> Uri {
    let path = uri
        .path_and_query()
        .cloned()
        .unwrap_or_else(|| http::uri::PathAndQuery::from_static("/"));
    let built = Uri::builder()
        .scheme(if tls { "https" } else { "http" })
        .authority(authority.as_bytes())
        .path_and_query(path)
        .build();
    // An authority that is none is refused by the server: the request says what it says.
    built.unwrap_or_else(|_| uri.clone())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::proxy) fn map(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            map.append(*name, HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn what_belongs_to_a_connection_is_left_out() {
        let mut headers = map(&[
            ("connection", "close, x-private, host"),
            ("keep-alive", "timeout=5"),
            ("te", "gzip"),
            ("transfer-encoding", "chunked"),
            ("x-private", "1"),
            ("host", "a"),
            ("accept", "b"),
        ]);
        remove_hop_by_hop(&mut headers);
        assert_eq!(headers, map(&[("host", "a"), ("accept", "b")]));
        let mut twice = map(&[
            ("connection", "keep-alive"),
            ("connection", "X-Private"),
            ("proxy-connection", "close"),
            ("upgrade", "h2c"),
            ("x-private", "1"),
            ("accept", "b"),
        ]);
        remove_hop_by_hop(&mut twice);
        assert_eq!(twice, map(&[("accept", "b")]));
        let mut grpc = map(&[("te", "trailers")]);
        remove_hop_by_hop(&mut grpc);
        assert_eq!(grpc.len(), 1);
    }

    #[test]
    fn clients_are_believed_only_behind_another_proxy() {
        let peer = &address("::ffff:10.0.0.1".parse().unwrap());
        let claimed = [
            ("host", "shop"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-proto", "https"),
        ];
        let mut headers = map(&claimed);
        add_forwarded(&mut headers, peer, false, false);
        assert_eq!(
            (
                &headers["x-forwarded-for"],
                &headers["x-forwarded-proto"],
                &headers["x-forwarded-host"]
            ),
            (
                &HeaderValue::from_static("10.0.0.1"),
                &HeaderValue::from_static("http"),
                &HeaderValue::from_static("shop")
            )
        );
        let mut headers = map(&claimed);
        add_forwarded(&mut headers, peer, false, true);
        assert_eq!(
            (&headers["x-forwarded-for"], &headers["x-forwarded-proto"]),
            (
                &HeaderValue::from_static("1.2.3.4, 10.0.0.1"),
                &HeaderValue::from_static("https")
            )
        );
    }

    #[test]
    fn an_upgrade_needs_both_headers() {
        assert!(upgrade_of(&map(&[("upgrade", "websocket")])).is_none());
        assert!(
            upgrade_of(&map(&[
                ("connection", "keep-alive, Upgrade"),
                ("upgrade", "websocket")
            ]))
            .is_some()
        );
    }

    #[test]
    fn targets_fit_the_protocol() {
        let uri: Uri = "http://shop:81/a?b".parse().unwrap();
        let authority = HeaderValue::from_static("shop:81");
        assert_eq!(
            http2_target(&Uri::from_static("/a?b"), false, &authority),
            uri
        );
        let mut headers = map(&[("cookie", "a=1"), ("cookie", "b=2")]);
        join_cookies(&mut headers, Version::HTTP_2);
        assert_eq!(headers, map(&[("cookie", "a=1; b=2")]));
    }
}
