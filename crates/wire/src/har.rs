//! HTTP archives (HAR 1.2) as browsers, proxies and converters write them: the requests in them.
//!
//! Answers are skipped over without being kept. An entry that is broken is an error of its own; the
//! others are read. A value of another type than the format says is read where it has one meaning: a number or a
//! truth value as its text, `null` as absent. Fields that exporters add are known where they matter:
//! `_fromCache`, `_fetchedViaServiceWorker`, `_resourceType` and `_webSocketMessages` (Chrome), `_fetchType`
//! (Safari), `encoding` of a body (proxies).

mod body;
mod loose;

pub use body::Body;

use crate::http1::standard_method;
use crate::json::{self, Mistake};
use body::{PostData, Stated};
use loose::{Named, Text, is_there, listed};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// One request that a browser or proxy made.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// The page during whose load it was made.
    pub page: Option<String>,
    /// The method; those of the standard in capital letters.
    pub method: String,
    /// The whole URL; the query also where the archive has it only as a list.
    pub url: String,
    /// The headers in order, pseudo headers of HTTP/2 included; `Cookie` also where the archive has
    /// it only as a list, `Content-Type` where only the body has it.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// Was it answered inside of the browser (cache, service worker), so that no server saw it?
    pub cached: bool,
    /// Did it open a WebSocket?
    pub websocket: bool,
    /// The status of the answer; 0 when there was none (blocked, cancelled, failed), nothing where the
    /// archive has requests only.
    pub status: Option<u16>,
}

impl fmt::Debug for Entry {
    /// Bodies and headers may hold secrets: they are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

/// Why a text is not an archive.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
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
    #[serde(default)]
    pageref: Text,
    request: RawRequest,
    response: Option<RawResponse>,
    #[serde(default, rename = "_fromCache", deserialize_with = "is_there")]
    from_cache: bool,
    #[serde(default, rename = "_fetchType")]
    fetch_type: Text,
    cache: Option<RawCache>,
    #[serde(default)]
    time: Text,
    #[serde(rename = "_webSocketMessages")]
    messages: Option<serde::de::IgnoredAny>,
    #[serde(default, rename = "_resourceType")]
    resource: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawCache {
    #[serde(default, deserialize_with = "is_there")]
    before_request: bool,
    #[serde(default, deserialize_with = "is_there")]
    after_request: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRequest {
    method: Text,
    url: Text,
    #[serde(default, deserialize_with = "listed")]
    headers: Vec<Named>,
    #[serde(default, deserialize_with = "listed")]
    cookies: Vec<Named>,
    #[serde(default, deserialize_with = "listed")]
    query_string: Vec<Named>,
    post_data: Option<PostData>,
    #[serde(default)]
    body_size: Text,
}

#[derive(Deserialize)]
struct RawResponse {
    #[serde(default, deserialize_with = "loose::present")]
    status: Option<Text>,
    #[serde(
        default,
        rename = "_fetchedViaServiceWorker",
        deserialize_with = "is_there"
    )]
    by_worker: bool,
}

/// The entries of an archive.
#[derive(Debug)]
pub struct Archive<'t> {
    text: Cow<'t, str>,
    entries: Vec<Range<usize>>,
}

impl<'t> Archive<'t> {
    /// Finds them.
    ///
    /// # Errors
    /// The text is not a JSON document with `log.entries`.
    pub fn new(text: &'t str) -> Result<Self, HarError> {
        match places(text) {
            Ok(entries) => Ok(Archive {
                text: Cow::Borrowed(text),
                entries,
            }),
            Err(mistake) => {
                let wrong = |mistake: Mistake| HarError {
                    line: mistake.line,
                    what: mistake.what,
                };
                // A time that is not a number does not matter here, and has no other meaning than being unknown.
                let text = json::without_nan(text).ok_or_else(|| wrong(mistake))?;
                let entries = places(&text).map_err(wrong)?;
                Ok(Archive {
                    text: Cow::Owned(text),
                    entries,
                })
            }
        }
    }

    /// The entries, each with the number (from 1) of its line.
    pub fn entries(&self) -> impl Iterator<Item = (u64, Result<Entry, EntryError>)> {
        let (mut line, mut counted) = (1, 0);
        self.entries.iter().map(move |at| {
            let between = self.text.as_bytes().get(counted..at.start);
            line += memchr::memchr_iter(b'\n', between.unwrap_or_default()).count() as u64;
            counted = at.start;
            (line, entry(self.text.get(at.clone()).unwrap_or_default()))
        })
    }
}

/// Where in the text the entries are.
fn places(text: &str) -> Result<Vec<Range<usize>>, Mistake> {
    let document: Document<'_> = serde_json::from_str(text)
        .map_err(|error| json::mistake(text, &error, "it has no list `log.entries`"))?;
    // An entry is a part of the text: where it begins is the distance of the two.
    let place = |raw: &RawValue| {
        let at = (raw.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        at..at + raw.get().len()
    };
    Ok(document.log.entries.into_iter().map(place).collect())
}

/// Reads one entry.
///
/// # Errors
/// It has no request with a method and a URL.
pub fn entry(json: &str) -> Result<Entry, EntryError> {
    let raw: RawEntry = serde_json::from_str(json).map_err(|error| {
        EntryError(json::mistake(json, &error, "it has no request with method and URL").what)
    })?;
    let request = raw.request;
    let needed = |text: Text, what: &str| {
        text.0
            .filter(|text| !text.is_empty())
            .ok_or_else(|| EntryError(format!("its request has no {what}")))
    };
    let method = standard_method(needed(request.method, "method")?);
    let url = with_query(needed(request.url, "URL")?, &request.query_string);
    let mut headers = loose::pairs(request.headers);
    let has_cookie = headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("cookie"));
    if !has_cookie && !request.cookies.is_empty() {
        let cookies = loose::pairs(request.cookies).into_iter();
        let pairs: Vec<String> = cookies
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        headers.push(("Cookie".to_owned(), pairs.join("; ")));
    }
    let stated = Stated::of(&method, &headers, request.body_size.number());
    let body = body::body(request.post_data, &stated, &mut headers);
    let response = raw.response;
    // Firefox names the entry of its cache, also of answers that the server confirmed: those took time.
    let in_cache = raw
        .cache
        .is_some_and(|cache| cache.before_request || cache.after_request);
    let fetched = raw.fetch_type.0.unwrap_or_default();
    Ok(Entry {
        page: raw.pageref.0,
        websocket: raw.messages.is_some()
            || raw.resource.0.as_deref() == Some("websocket")
            || url.starts_with("ws:")
            || url.starts_with("wss:"),
        cached: raw.from_cache
            || in_cache && raw.time.number() == Some(0.0)
            || !matches!(fetched.as_str(), "" | "Network Load")
            || response.as_ref().is_some_and(|response| response.by_worker),
        status: response.and_then(|response| response.status).map(status),
        method,
        url,
        headers,
        body,
    })
}

/// A status that is not a number is none: the request was not answered.
fn status(status: Text) -> u16 {
    // A conversion from a float saturates: nothing outside of the range comes through.
    status.number().map_or(0, |status| status as u16)
}

/// The URL, with the query that the archive has only as a list.
fn with_query(url: String, query: &[Named]) -> String {
    if url.contains('?') || query.is_empty() {
        return url;
    }
    let pairs = query.iter().filter_map(|pair| {
        let name = body::encoded(pair.name.0.as_deref()?);
        let value = pair.value.0.as_deref().map(body::encoded);
        Some(value.map_or(name.clone(), |value| format!("{name}={value}")))
    });
    let pairs: Vec<String> = pairs.collect();
    let (before, fragment) = match url.find('#') {
        Some(at) => url.split_at(at),
        None => (url.as_str(), ""),
    };
    format!("{before}?{}{fragment}", pairs.join("&"))
}

#[cfg(test)]
mod tests;
