//! HTTP archives (HAR 1.2) as browsers and proxies export them: the requests in them.
//!
//! Answers are skipped over without being kept. An entry that is broken is an error of its own; the
//! others are read. Fields that exporters add are known where they matter: `_fromCache` (Chrome),
//! `_resourceType` and `_webSocketMessages` (Chrome), `encoding` of a body (proxies).

use base64::Engine as _;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::fmt;

/// One request that a browser or proxy made.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// The page during whose load it was made.
    pub page: Option<String>,
    /// The method.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// The headers in order, pseudo headers of HTTP/2 included; `Cookie` also where the archive has
    /// it only as a list.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// Was it answered from the browser's cache, so that no server saw it?
    pub cached: bool,
    /// Did it open a WebSocket?
    pub websocket: bool,
    /// The status of the answer; 0 when there was none (blocked, cancelled, failed).
    pub status: u16,
}

impl fmt::Debug for Entry {
    /// Bodies and headers may hold secrets: they are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

/// What an archive knows of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// There was none.
    None,
    /// The bytes.
    Bytes(Vec<u8>),
    /// There was one, and the archive does not hold it (uploaded files are left out by browsers).
    NotKept,
}

/// Why a text is no archive.
#[derive(Debug, thiserror::Error)]
#[error("is not a HAR file: {what}")]
pub struct HarError {
    /// Line (from 1) of the mistake.
    pub line: u64,
    what: String,
}

/// Why an entry cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not an entry of a HAR file: {0}")]
pub struct EntryError(String);

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    log: Log<'a>,
}

#[derive(Deserialize)]
struct Log<'a> {
    #[serde(borrow)]
    entries: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEntry {
    pageref: Option<String>,
    request: RawRequest,
    response: Option<RawResponse>,
    #[serde(rename = "_fromCache")]
    from_cache: Option<serde::de::IgnoredAny>,
    #[serde(rename = "_webSocketMessages")]
    messages: Option<serde::de::IgnoredAny>,
    #[serde(rename = "_resourceType")]
    resource: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRequest {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Named>,
    #[serde(default)]
    cookies: Vec<Named>,
    post_data: Option<PostData>,
    body_size: Option<f64>,
}

#[derive(Deserialize)]
struct RawResponse {
    status: Option<f64>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    #[serde(default)]
    mime_type: String,
    text: Option<String>,
    encoding: Option<String>,
    #[serde(default)]
    params: Vec<Param>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Param {
    name: String,
    value: Option<String>,
    file_name: Option<String>,
}

/// The entries of an archive, each with the number (from 1) of its line.
///
/// # Errors
/// The text is not a JSON document with `log.entries`.
pub fn entries(
    text: &str,
) -> Result<impl Iterator<Item = (u64, Result<Entry, EntryError>)>, HarError> {
    let document: Document<'_> = serde_json::from_str(text).map_err(|error| HarError {
        line: error.line() as u64,
        what: cause(&error),
    })?;
    let mut line = 1;
    let mut counted = 0;
    Ok(document.log.entries.into_iter().map(move |raw| {
        // An entry is a part of the text: where it begins is the distance of the two.
        let at = (raw.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        let between = text.as_bytes().get(counted..at).unwrap_or_default();
        line += memchr::memchr_iter(b'\n', between).count() as u64;
        counted = at;
        (line, entry(raw.get()))
    }))
}

/// Reads one entry.
///
/// # Errors
/// It has no request with a method and a URL, or a body whose base64 is broken.
pub fn entry(json: &str) -> Result<Entry, EntryError> {
    let raw: RawEntry = serde_json::from_str(json).map_err(|error| EntryError(cause(&error)))?;
    let request = raw.request;
    let mut headers: Vec<(String, String)> = request
        .headers
        .into_iter()
        .map(|header| (header.name, header.value))
        .collect();
    let has_cookie = headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("cookie"));
    if !has_cookie && !request.cookies.is_empty() {
        let pairs = request.cookies.iter();
        let pairs: Vec<String> = pairs.map(|c| format!("{}={}", c.name, c.value)).collect();
        headers.push(("Cookie".to_owned(), pairs.join("; ")));
    }
    let announced = request.body_size.is_some_and(|size| size > 0.0)
        || headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("content-length") && !matches!(value.trim(), "" | "0")
        });
    let status = raw.response.and_then(|response| response.status);
    Ok(Entry {
        page: raw.pageref,
        websocket: raw.messages.is_some()
            || raw.resource.as_deref() == Some("websocket")
            || request.url.starts_with("ws:")
            || request.url.starts_with("wss:"),
        method: request.method,
        url: request.url,
        body: body(request.post_data, announced)?,
        headers,
        cached: raw.from_cache.is_some(),
        // A conversion from a float saturates: nothing outside of the range comes through.
        status: status.map_or(0, |status| status as u16),
    })
}

/// The message of an error of serde_json without its place, which counts from the entry.
fn cause(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ")
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn body(data: Option<PostData>, announced: bool) -> Result<Body, EntryError> {
    let missing = if announced { Body::NotKept } else { Body::None };
    let Some(data) = data else {
        return Ok(missing);
    };
    match data.text {
        Some(text) if !text.is_empty() => match data.encoding.as_deref() {
            Some("base64") => base64::engine::general_purpose::STANDARD
                .decode(text.trim())
                .map(Body::Bytes)
                .map_err(|error| EntryError(format!("its body is not base64: {error}"))),
            _ => Ok(Body::Bytes(text.into_bytes())),
        },
        _ if data.params.is_empty() => Ok(missing),
        _ => Ok(form(&data.mime_type, &data.params).map_or(Body::NotKept, Body::Bytes)),
    }
}

/// The body of a form; `None` if it held a file.
fn form(mime_type: &str, params: &[Param]) -> Option<Vec<u8>> {
    if params.iter().any(|param| param.file_name.is_some()) {
        return None;
    }
    let value = |param: &Param| param.value.clone().unwrap_or_default();
    let (kind, parameters) = mime_type.split_once(';').unwrap_or((mime_type, ""));
    if kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        let boundary = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            let named = name.trim().eq_ignore_ascii_case("boundary");
            named.then(|| value.trim().trim_matches('"'))
        })?;
        let mut out = String::new();
        for param in params {
            // RFC 7578, section 4.2; quotes in names as browsers write them.
            let name = param.name.replace('"', "%22");
            let value = value(param);
            out += &format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
        }
        return Some(format!("{out}--{boundary}--\r\n").into_bytes());
    }
    let pairs = params.iter();
    let pairs: Vec<String> = pairs
        .map(|param| format!("{}={}", encoded(&param.name), encoded(&value(param))))
        .collect();
    Some(pairs.join("&").into_bytes())
}

/// As in `application/x-www-form-urlencoded`. Archives hold the decoded text or the encoded one: what
/// is encoded already stays.
fn encoded(text: &str) -> String {
    let already = text.contains(['%', '+'])
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~*%+!'()".contains(&b));
    if already {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b if b.is_ascii_alphanumeric() || b"-._*".contains(&b) => out.push(char::from(b)),
            b => out += &format!("%{b:02X}"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(json: &str) -> Entry {
        entry(json).unwrap()
    }

    #[test]
    fn a_request_is_read_with_what_exporters_add() {
        let plain = read(
            r#"{"pageref":"page_1","request":{"method":"GET","url":"https://shop.test/a?b=1",
            "headers":[{"name":"Accept","value":"*/*"}],"cookies":[{"name":"sid","value":"x"},{"name":"t","value":"d"}]},
            "response":{"status":200,"content":{"text":"long"}},"time":3.5}"#,
        );
        assert_eq!((plain.page.as_deref(), plain.status), (Some("page_1"), 200));
        assert_eq!(
            plain.headers[1],
            ("Cookie".to_owned(), "sid=x; t=d".to_owned())
        );
        assert_eq!((plain.body, plain.cached), (Body::None, false));
        let cached = read(
            r#"{"request":{"method":"GET","url":"/"},"_fromCache":"disk","response":{"status":0}}"#,
        );
        assert_eq!((cached.cached, cached.status), (true, 0));
        assert!(read(r#"{"request":{"method":"GET","url":"wss://a/"}}"#).websocket);
        assert!(
            read(r#"{"request":{"method":"GET","url":"https://a/"},"_webSocketMessages":[]}"#)
                .websocket
        );
        assert_eq!(
            read(r#"{"request":{"method":"G","url":""},"response":{"status":-5e9}}"#).status,
            0
        );
    }

    #[test]
    fn bodies_come_as_text_base64_or_params() {
        let of = |request: &str| {
            read(&format!(
                r#"{{"request":{{"method":"POST","url":"/",{request}}}}}"#
            ))
            .body
        };
        let bytes = |text: &str| Body::Bytes(text.as_bytes().to_vec());
        assert_eq!(
            of(r#""postData":{"mimeType":"application/json","text":"{}"}"#),
            bytes("{}")
        );
        assert_eq!(
            of(r#""postData":{"text":"aGk=","encoding":"base64"}"#),
            bytes("hi")
        );
        let form = r#""postData":{"mimeType":"application/x-www-form-urlencoded","params":[{"name":"a b","value":"ü&"},{"name":"c","value":"d%20e"},{"name":"f"}]}"#;
        assert_eq!(of(form), bytes("a+b=%C3%BC%26&c=d%20e&f="));
        let parts = r#""postData":{"mimeType":"multipart/form-data; boundary=\"XX\"","params":[{"name":"n\"","value":"v"}]}"#;
        assert_eq!(
            of(parts),
            bytes("--XX\r\nContent-Disposition: form-data; name=\"n%22\"\r\n\r\nv\r\n--XX--\r\n")
        );
        let file = r#""postData":{"mimeType":"multipart/form-data; boundary=X","params":[{"name":"f","fileName":"a.png"}]}"#;
        assert_eq!(of(file), Body::NotKept);
        assert_eq!(of(r#""bodySize":12"#), Body::NotKept);
        assert_eq!(
            of(r#""bodySize":-1,"headers":[{"name":"content-length","value":"7"}]"#),
            Body::NotKept
        );
        assert_eq!(
            of(r#""bodySize":0,"postData":{"mimeType":"","text":""}"#),
            Body::None
        );
        assert!(
            entry(
                r#"{"request":{"method":"P","url":"","postData":{"text":"%","encoding":"base64"}}}"#
            )
            .is_err()
        );
    }

    #[test]
    fn broken_entries_are_told_one_by_one_with_their_line() {
        let text = "{\"log\": {\n\"entries\": [\n{\"request\": {\"method\": \"GET\", \"url\": \"/\"}},\n\n{\"request\": 5},\n{\"request\": {\"method\": \"GET\", \"url\": \"/b\"}}]}}";
        let all: Vec<_> = entries(text).unwrap().collect();
        assert_eq!(
            all.iter().map(|(line, _)| *line).collect::<Vec<_>>(),
            [3, 5, 6]
        );
        assert_eq!(all[2].1.as_ref().unwrap().url, "/b");
        let wrong = all[1].1.as_ref().unwrap_err().to_string();
        assert!(
            wrong.contains("expected struct") && !wrong.contains("at line"),
            "{wrong}"
        );
        let error = entries("{\n\"log\": {}}").map(drop).unwrap_err();
        assert_eq!(error.line, 2);
        assert!(
            error.to_string().contains("missing field `entries`"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}", inner in "\\PC{0,80}") {
            drop(entries(&text).map(Iterator::count));
            let _ = entry(&format!(r#"{{"request":{{"method":"P","url":"/","postData":{inner}}}}}"#));
        }
    }
}
