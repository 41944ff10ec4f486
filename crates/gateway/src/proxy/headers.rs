//! Headers between two connections (RFC 9110, section 7.6).

use super::refusal::Refusal;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri, Version};
use std::net::IpAddr;
use understudy_wire::http1::is_host;

/// What belongs to one connection; `Connection` itself first.
static HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
];
const CONNECTION: usize = 0;
static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// Marks a copy: it is never copied again.
pub(crate) static MARKER: HeaderName = HeaderName::from_static("x-understudy-shadow");
/// W3C Trace Context.
pub(crate) static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Removes what belongs to one connection only. `te: trailers` stays: it says to the server that
/// trailers (gRPC) reach the client.
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    // Most heads have one of these or none: to look at all names once costs less than to look each of
    // these up, and their lengths distinguish them from nearly all others.
    let mut present = [false; HOP_BY_HOP.len()];
    for name in headers.keys() {
        if matches!(name.as_str().len(), 2 | 7 | 10 | 14 | 16 | 17)
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

/// Does a field of this name belong to one connection only?
pub(super) fn is_of_connection(name: &str) -> bool {
    HOP_BY_HOP
        .iter()
        .chain([&header::CONTENT_LENGTH])
        .any(|of| of.as_str().eq_ignore_ascii_case(name))
}

/// Headers that name a client and the address it asked for: they are taken only with `trust_forwarded`.
const IDENTITY: [&str; 5] = [
    "forwarded",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "x-cluster-client-ip",
];

/// Removes what a server could take for something that it is not: what a stranger says of itself, and
/// names with underscores, which many servers take for hyphens, that look like a header of framing or
/// forwarding.
pub(crate) fn remove_misleading(headers: &mut HeaderMap, trusted: bool) {
    let is_identity = |name: &str| name.starts_with("x-forwarded-") || IDENTITY.contains(&name);
    let is_misleading = |name: &&HeaderName| {
        let name = name.as_str();
        if !trusted && matches!(name.as_bytes(), [b'x' | b'f' | b't', ..]) && is_identity(name) {
            return true;
        }
        if !name.contains('_') {
            return false;
        }
        let read = name.replace('_', "-");
        is_identity(&read) || is_of_connection(&read) || LOOK_ALIKE.contains(&&read[..])
    };
    // Nearly always there is none, and then nothing is allocated.
    let misleading: Vec<HeaderName> = headers.keys().filter(is_misleading).cloned().collect();
    for name in misleading {
        headers.remove(name);
    }
}

/// Other names whose look-alikes are removed.
const LOOK_ALIKE: [&str; 4] = [
    "trailer",
    "x-understudy-shadow",
    "content-encoding",
    "max-forwards",
];

/// Says that the gateway has passed it on (RFC 9110, section 7.6.3).
pub(crate) fn add_via(headers: &mut HeaderMap, version: Version) {
    let via = match version {
        Version::HTTP_10 => "1.0 understudy",
        Version::HTTP_2 => "2 understudy",
        _ => "1.1 understudy",
    };
    headers.append(header::VIA, HeaderValue::from_static(via));
}

/// Counts down how often a TRACE or OPTIONS may still be passed on (RFC 9110, section 7.6.2).
///
/// # Errors
/// Not once more: the gateway answers it.
pub(super) fn count_forward(method: &Method, headers: &mut HeaderMap) -> Result<(), Refusal> {
    if !matches!(*method, Method::TRACE | Method::OPTIONS) {
        return Ok(());
    }
    let Some(value) = headers.get(header::MAX_FORWARDS) else {
        return Ok(());
    };
    let left = value
        .to_str()
        .ok()
        .and_then(|text| text.parse::<u32>().ok());
    match left {
        None => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "Max-Forwards is not a number",
        )),
        Some(0) if *method == Method::OPTIONS => Err(Refusal::new(
            StatusCode::OK,
            "Max-Forwards is 0: this is the gateway",
        )),
        Some(0) => Err(Refusal::new(
            StatusCode::NOT_IMPLEMENTED,
            "Max-Forwards is 0, and the gateway does not answer TRACE",
        )),
        Some(left) => {
            headers.insert(header::MAX_FORWARDS, HeaderValue::from(left - 1));
            Ok(())
        }
    }
}

/// Is there no `Expect`, or none but `100-continue`?
pub(super) fn expects_only_continue(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::EXPECT).iter();
    values.all(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// What HTTP/2 wants of a request beyond what its library looks at.
///
/// # Errors
/// It is malformed (RFC 9113, sections 8.2.1 and 8.3.1).
pub(super) fn check_http2(uri: &Uri, headers: &HeaderMap) -> Result<(), &'static str> {
    let is_padded = |value: &HeaderValue| {
        let is_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
        is_space(value.as_bytes().first()) || is_space(value.as_bytes().last())
    };
    if headers.values().any(is_padded) {
        return Err("the value of a header begins or ends with white space");
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    let (authority, host) = (uri.authority(), hosts.next());
    if hosts.next().is_some() {
        return Err("host is given twice");
    }
    match (authority, host) {
        (None, None) => Err(":authority is missing"),
        (Some(authority), _) if !is_host(authority.as_str().as_bytes()) => {
            Err(":authority is malformed")
        }
        (_, Some(host)) if !is_host(host.as_bytes()) => Err("host is malformed"),
        (Some(authority), Some(host))
            if !host
                .as_bytes()
                .eq_ignore_ascii_case(authority.as_str().as_bytes()) =>
        {
            Err("host is not what :authority is")
        }
        _ => Ok(()),
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

/// The protocol that both ends of a connection want to change to. HTTP/2 is none of them: what follows
/// would be requests that nothing has looked at.
pub(crate) fn upgrade_of(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(header::UPGRADE)?;
    let asks = |value: &HeaderValue| {
        value.to_str().is_ok_and(|text| {
            text.split(',')
                .any(|word| word.trim().eq_ignore_ascii_case("upgrade"))
        })
    };
    if !headers.get_all(header::CONNECTION).iter().any(asks) {
        return None;
    }
    let values = headers.get_all(header::UPGRADE).iter();
    let protocols: Vec<&str> = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .map(str::trim)
        .filter(|protocol| !protocol.is_empty() && !is_http(protocol))
        .collect();
    match protocols[..] {
        [] => None,
        _ => HeaderValue::try_from(protocols.join(", ")).ok(),
    }
}

fn is_http(protocol: &str) -> bool {
    let name = protocol.split('/').next().unwrap_or_default();
    ["h2", "h2c", "http"]
        .iter()
        .any(|http| name.eq_ignore_ascii_case(http))
}

/// The address of a client as `X-Forwarded-For` has it.
pub(crate) fn address(of: IpAddr) -> HeaderValue {
    let text = of.to_canonical().to_string();
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("unknown"))
}

/// Who asked, by which scheme and for which host, as the server behind a proxy wants to know.
pub(crate) fn add_forwarded(headers: &mut HeaderMap, peer: &HeaderValue, tls: bool, trusted: bool) {
    let address = match trusted && headers.contains_key(&FORWARDED_FOR) {
        true => {
            let before = headers.get_all(&FORWARDED_FOR).iter().chain([peer]);
            let before: Vec<&[u8]> = before.map(HeaderValue::as_bytes).collect();
            HeaderValue::from_bytes(&before.join(&b", "[..]))
        }
        false => Ok(peer.clone()),
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
        let whole = http2_target(&Uri::from_static("*"), true, &authority);
        assert_eq!(whole.path_and_query().map(|path| path.as_str()), Some("*"));
        let mut headers = map(&[("cookie", "a=1"), ("cookie", "b=2")]);
        join_cookies(&mut headers, Version::HTTP_2);
        assert_eq!(headers, map(&[("cookie", "a=1; b=2")]));
    }
}
