//! A side's own address in its answers: two sides that are the same service at two addresses write it differently.

use crate::decode;
use understudy_model::Answer;

/// What replaces it, the same for all sides.
const PLACEHOLDER: &[u8] = b"own-address.invalid";

/// Puts one placeholder in place of what a side may call itself (`127.0.0.1:8080`), in headers and body, also where the
/// colon is percent-encoded. A body with content codings is decoded only if that changes it.
pub fn hide_authority(answer: &mut Answer, authorities: &[String]) {
    let forms: Vec<Vec<u8>> = authorities
        .iter()
        .flat_map(|authority| {
            [
                authority.clone(),
                authority.replace(':', "%3A"),
                authority.replace(':', "%3a"),
            ]
        })
        .map(String::into_bytes)
        .collect();
    let hidden = |bytes: &[u8]| replaced(bytes, &forms, PLACEHOLDER, is_whole);
    for field in &mut answer.fields {
        if let Some(hidden) = hidden(&field.value) {
            field.value = hidden;
        }
    }
    let codings = decode::codings(&answer.fields);
    let mut is_decoded = false;
    for part in &mut answer.parts {
        let Ok(bytes) = decode::body(&part.bytes, &codings, decode::DECODED_BYTES) else {
            continue;
        };
        if let Some(hidden) = hidden(&bytes) {
            part.bytes = hidden;
            is_decoded = true;
        }
    }
    if is_decoded {
        answer
            .fields
            .retain(|field| field.name != "content-encoding");
    }
}

/// Is this part of the bytes an authority, and not a part of a longer one?
fn is_whole(bytes: &[u8], start: usize, end: usize) -> bool {
    let before = start.checked_sub(1).and_then(|at| bytes.get(at));
    // What a percent-encoded character is before begins there as well.
    let is_escape = start >= 3 && bytes[start - 3] == b'%';
    let begins =
        is_escape || before.is_none_or(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'.' | b'-'));
    begins && bytes.get(end).is_none_or(|b| !b.is_ascii_digit())
}

/// The bytes with the placeholder in place of every form that is whole; `None` where there is none.
pub(crate) fn replaced(
    bytes: &[u8],
    forms: &[Vec<u8>],
    placeholder: &[u8],
    is_whole: impl Fn(&[u8], usize, usize) -> bool,
) -> Option<Vec<u8>> {
    let mut out: Option<Vec<u8>> = None;
    for form in forms {
        let source = out.as_deref().unwrap_or(bytes);
        let at: Vec<usize> = memchr::memmem::find_iter(source, form)
            .filter(|at| is_whole(source, *at, at + form.len()))
            .collect();
        if at.is_empty() {
            continue;
        }
        let mut replaced = Vec::with_capacity(source.len());
        let mut from = 0;
        for at in at {
            replaced.extend_from_slice(&source[from..at]);
            replaced.extend_from_slice(placeholder);
            from = at + form.len();
        }
        replaced.extend_from_slice(&source[from..]);
        out = Some(replaced);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_model::Field;

    #[test]
    fn links_to_itself_are_the_same_of_every_side_and_others_are_not() {
        let answer = |port: u16, id: u32| {
            let mut answer = crate::http::answer(302, vec![Field {
                    name: "location".into(),
                    value: format!("http://127.0.0.1:{port}/items/{id}?to=http%3A%2F%2Flocalhost%3A{port}%2F").into_bytes(),
                }], format!(r#"{{"self":"http:\/\/localhost:{port}/{id}","other":"http://127.0.0.1:{port}1/"}}"#).into_bytes(), false);
            let own = ["127.0.0.1", "localhost"].map(|name| format!("{name}:{port}"));
            hide_authority(&mut answer, &own);
            answer
        };
        let (a, b) = (answer(4001, 7), answer(5002, 7));
        assert_eq!(a.fields, b.fields);
        assert_ne!(a.parts, b.parts, "another port is another address");
        let text = |answer: &Answer| {
            String::from_utf8_lossy(answer.bytes("body"))
                .replace("40011", "_")
                .replace("50021", "_")
        };
        assert_eq!(text(&a), text(&b));
        assert_ne!(answer(4001, 8).fields, b.fields);
    }

    #[test]
    fn compressed_bodies_are_looked_into() {
        use std::io::Write;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"see localhost:4001/").unwrap();
        let field = Field {
            name: "content-encoding".into(),
            value: b"gzip".to_vec(),
        };
        let mut answer = crate::http::answer(200, vec![field], gzip.finish().unwrap(), false);
        hide_authority(&mut answer, &["localhost:4001".to_owned()]);
        assert_eq!(
            (answer.bytes("body"), answer.fields.len()),
            (&b"see own-address.invalid/"[..], 0)
        );
    }
}
