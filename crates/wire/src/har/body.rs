//! What an archive knows of a body: text, bytes or the fields of a form, and whether that is all of it.
//!
//! Browsers leave uploaded files out, decode what was compressed and replace bytes that are not text. A body is
//! taken if its length is the one that the request states, or if none is stated and nothing speaks against it.

use super::loose::Text;
use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

/// What an archive knows of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// There was none.
    None,
    /// The bytes.
    Bytes(Vec<u8>),
    /// There was one, and the archive does not hold it (uploaded files are left out by browsers).
    NotKept,
    /// The archive holds something else than what was sent: its length is not the stated one, bytes were replaced,
    /// or its coding is broken.
    Differs,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostData {
    #[serde(default)]
    mime_type: Text,
    #[serde(default)]
    text: Text,
    #[serde(default)]
    encoding: Text,
    params: Option<Vec<Param>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Param {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    value: Text,
    #[serde(default)]
    file_name: Text,
    #[serde(default)]
    content_type: Text,
}

/// What a request says about its body.
#[derive(Debug)]
pub(super) struct Stated {
    /// `Content-Length`.
    length: Option<usize>,
    /// `bodySize`, where it says something.
    size: Option<usize>,
    /// Is there a body, whatever its length?
    announced: bool,
    /// Is it compressed?
    compressed: bool,
}

impl Stated {
    pub(super) fn of(method: &str, headers: &[(String, String)], size: Option<f64>) -> Self {
        let value = |name| value(headers, name);
        let length = value("content-length").and_then(|length| length.trim().parse().ok());
        // -1 stands for unknown. So does 0 where a body is there all the same.
        let positive = size.filter(|size| *size > 0.0).map(|size| size as usize);
        let has_type =
            value("content-type").is_some() && matches!(method, "POST" | "PUT" | "PATCH");
        let unstated = length.is_none() && size.is_none_or(|size| size < 0.0);
        Stated {
            length,
            size: positive,
            announced: length.map_or(positive.is_some(), |length| length > 0)
                || value("transfer-encoding").is_some()
                || unstated && has_type,
            compressed: value("content-encoding")
                .is_some_and(|coding| !coding.trim().eq_ignore_ascii_case("identity")),
        }
    }

    /// Is this the stated length, if one is stated?
    fn allows(&self, length: usize) -> bool {
        self.length
            .or(self.size)
            .is_none_or(|stated| stated == length)
    }

    /// Is this the stated length?
    fn is(&self, length: usize) -> bool {
        self.length.or(self.size) == Some(length)
    }
}

fn value<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    let named = headers
        .iter()
        .find(|(other, _)| other.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.as_str())
}

/// The body, and its type among the headers if they do not have it.
pub(super) fn body(
    data: Option<PostData>,
    stated: &Stated,
    headers: &mut Vec<(String, String)>,
) -> Body {
    let missing = match stated.announced {
        true => Body::NotKept,
        false => Body::None,
    };
    let Some(data) = data else {
        return missing;
    };
    let kind = data.mime_type.0.unwrap_or_default();
    let params = data.params.unwrap_or_default();
    let text = data.text.0.filter(|text| !text.is_empty());
    let body = match (text, data.encoding.0.as_deref()) {
        (Some(text), Some(encoding)) if encoding.eq_ignore_ascii_case("base64") => {
            let bytes = decoded(&text).filter(|bytes| stated.allows(bytes.len()));
            bytes.map_or(Body::Differs, Body::Bytes)
        }
        (Some(_), Some(other)) if !other.is_empty() => Body::Differs,
        (Some(text), _) => sent(text, stated).map_or(Body::Differs, Body::Bytes),
        (None, _) if params.is_empty() => missing,
        (None, _) => return form(&kind, &params, headers),
    };
    if let Body::Bytes(bytes) = &body {
        with_type(&kind, bytes, headers);
    }
    body
}

/// Adds the type of a body where the headers do not have it, and the boundary that its parts have where the type
/// does not name it.
fn with_type(kind: &str, body: &[u8], headers: &mut Vec<(String, String)>) {
    let named = value(headers, "content-type").map(str::to_owned);
    let known = named.as_deref().unwrap_or(kind).trim();
    let is_multipart = known.to_ascii_lowercase().starts_with("multipart/");
    let first = body.split(|byte| matches!(byte, b'\r' | b'\n')).next();
    let first = first.and_then(|line| std::str::from_utf8(line).ok()?.strip_prefix("--"));
    let missing = first.filter(|of| is_multipart && !of.is_empty() && boundary(known).is_none());
    let full = match missing {
        Some(boundary) => format!(
            "{}; boundary={boundary}",
            known.trim_end_matches([';', ' '])
        ),
        None if named.is_none() && !kind.is_empty() => kind.to_owned(),
        None => return,
    };
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
    headers.push(("Content-Type".to_owned(), full));
}

/// With or without padding and line breaks, in either alphabet.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, config);
    let plain = text
        .chars()
        .filter(|c| !c.is_ascii_whitespace())
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            other => other,
        });
    engine.decode(plain.collect::<String>()).ok()
}

/// The bytes that a text stands for; nothing if they cannot be those that were sent.
fn sent(text: String, stated: &Stated) -> Option<Vec<u8>> {
    let characters = text.chars().count();
    let is_narrow = text.chars().all(|c| u32::from(c) < 256);
    // Lost bytes show as U+FFFD, and what was compressed is shown unpacked: only the length can prove otherwise.
    let doubtful = stated.compressed || text.contains('\u{fffd}');
    if stated.is(text.len()) || !doubtful && stated.allows(text.len()) {
        return Some(text.into_bytes());
    }
    if is_narrow && stated.is(characters) {
        // A character a byte (ISO 8859-1).
        return Some(text.chars().map(|c| c as u8).collect());
    }
    // Some browsers count UTF-16 units in `bodySize`.
    let units = text.encode_utf16().count();
    let counted = stated.length.is_none() && stated.size == Some(units) && !doubtful;
    counted.then(|| text.into_bytes())
}

/// The body of a form by its fields.
fn form(kind: &str, params: &[Param], headers: &mut Vec<(String, String)>) -> Body {
    let named = value(headers, "content-type").unwrap_or(kind).to_owned();
    let plain = |kind: &str| {
        kind.split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    };
    let is_multipart = [plain(kind), plain(&named)]
        .iter()
        .any(|kind| kind == "multipart/form-data");
    let is_file = |param: &Param| param.file_name.0.is_some();
    let is_kept = |param: &Param| {
        param
            .value
            .0
            .as_ref()
            .is_some_and(|value| !value.is_empty())
    };
    if params.iter().any(|param| is_file(param) && !is_kept(param)) {
        return Body::NotKept;
    }
    if !is_multipart {
        if params.iter().any(is_file) {
            return Body::NotKept;
        }
        let text = |text: &Text| encoded(text.0.as_deref().unwrap_or_default());
        let pairs = params
            .iter()
            .map(|of| format!("{}={}", text(&of.name), text(&of.value)));
        let pairs: Vec<String> = pairs.collect();
        if value(headers, "content-type").is_none() && !kind.is_empty() {
            headers.push(("Content-Type".to_owned(), kind.to_owned()));
        }
        return Body::Bytes(pairs.join("&").into_bytes());
    }
    let boundary = match boundary(&named).or_else(|| boundary(kind)) {
        Some(boundary) => boundary.to_owned(),
        None => {
            let boundary = own_boundary(params);
            headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
            let kind = format!("multipart/form-data; boundary={boundary}");
            headers.push(("Content-Type".to_owned(), kind));
            boundary
        }
    };
    if value(headers, "content-type").is_none() {
        headers.push(("Content-Type".to_owned(), kind.to_owned()));
    }
    Body::Bytes(multipart(&boundary, params).into_bytes())
}

/// The parameter `boundary` of a type.
fn boundary(kind: &str) -> Option<&str> {
    kind.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        let named = name.trim().eq_ignore_ascii_case("boundary") && !value.is_empty();
        named.then_some(value)
    })
}

/// A boundary of our own, which occurs in no field.
fn own_boundary(params: &[Param]) -> String {
    let occurs = |boundary: &str| {
        let has = |text: &Text| text.0.as_ref().is_some_and(|text| text.contains(boundary));
        params
            .iter()
            .any(|param| has(&param.value) || has(&param.name))
    };
    let mut candidates = (0..100).map(|number| format!("understudy-form-{number}"));
    candidates
        .find(|boundary| !occurs(boundary))
        .unwrap_or_default()
}

/// The parts of a form (RFC 7578, section 4.2); quotes in names as browsers write them.
fn multipart(boundary: &str, params: &[Param]) -> String {
    let name = |text: &Text| {
        let text = text.0.as_deref().unwrap_or_default();
        text.replace('"', "%22")
            .replace('\r', "%0D")
            .replace('\n', "%0A")
    };
    let mut out = String::new();
    for param in params {
        let file = match &param.file_name.0 {
            Some(_) => format!("; filename=\"{}\"", name(&param.file_name)),
            None => String::new(),
        };
        let kind = match &param.content_type.0 {
            Some(kind) if !kind.is_empty() => format!("\r\nContent-Type: {kind}"),
            _ => String::new(),
        };
        out += &format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"{file}{kind}\r\n\r\n{}\r\n",
            name(&param.name),
            param.value.0.as_deref().unwrap_or_default()
        );
    }
    format!("{out}--{boundary}--\r\n")
}

/// As in `application/x-www-form-urlencoded`. Archives hold the decoded text or the encoded one: what
/// is encoded already stays.
pub(super) fn encoded(text: &str) -> String {
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
