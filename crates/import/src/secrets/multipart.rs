//! The positions of the fields of a `multipart/form-data` body (RFC 7578).

use std::ops::Range;

/// One field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    /// The position of its value.
    pub(super) at: Range<usize>,
    pub(super) is_file: bool,
}

/// The fields of a body of this type; nothing if it is of another type or not well formed.
pub(super) fn fields(kind: &str, text: &str) -> Option<Vec<Field>> {
    let (plain, parameters) = kind.split_once(';')?;
    if !plain.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary")?;
    let delimiter = format!("--{boundary}");
    let mut fields = Vec::new();
    let mut at = text.find(&delimiter)? + delimiter.len();
    loop {
        let rest = &text[at..];
        if rest.starts_with("--") {
            return Some(fields);
        }
        let begin = at + rest.find("\r\n\r\n")? + 4;
        let end = begin + text[begin..].find(&format!("\r\n{delimiter}"))?;
        let head = &text[at..begin];
        let disposition = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim()
                .eq_ignore_ascii_case("content-disposition")
                .then_some(value)
        })?;
        fields.push(Field {
            name: parameter(disposition, "name")?,
            at: begin..end,
            is_file: parameter(disposition, "filename").is_some(),
        });
        at = end + 2 + delimiter.len();
    }
}

/// The value of a parameter of a header.
fn parameter(text: &str, wanted: &str) -> Option<String> {
    text.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"').to_owned();
        name.trim().eq_ignore_ascii_case(wanted).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_are_found_with_their_names() {
        let body = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\ny\r\n\
                    --B\r\ncontent-disposition: form-data; name=f; filename=\"f.txt\"\r\nContent-Type: text/plain\r\n\r\n\r\n\
                    --B--\r\n";
        let kind = "multipart/form-data; boundary=\"B\"";
        let found: Vec<(String, &str, bool)> = fields(kind, body)
            .unwrap()
            .into_iter()
            .map(|field| (field.name, &body[field.at], field.is_file))
            .collect();
        assert_eq!(
            found,
            [
                ("a".to_owned(), "x\r\ny", false),
                ("f".to_owned(), "", true)
            ]
        );
        for (kind, body) in [
            ("multipart/form-data", body),
            ("text/plain; boundary=B", body),
            ("multipart/form-data; boundary=C", body),
            (kind, &body[..60]),
        ] {
            assert_eq!(fields(kind, body), None, "{kind}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(--B|--|\r\n|: |name=|;|é|[a-z]){0,40}") {
            for field in fields("multipart/form-data; boundary=B", &text).unwrap_or_default() {
                let _ = &text[field.at];
            }
        }
    }
}
