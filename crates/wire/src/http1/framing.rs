//! How long the body of a response is (RFC 9112, section 6.3).

use super::response::ResponseError;

/// The framing of a body, and whether the connection lives on after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// How long the body is.
    pub length: Length,
    /// May the connection carry another request?
    pub keep_alive: bool,
}

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// So many bytes.
    Exact(u64),
    /// It says itself where it ends.
    Chunked,
    /// It ends with the connection.
    UntilClose,
}

/// Decides the framing from the head. Ambiguity is an error, never a guess: a client that guesses
/// reads the next answer from the middle of this one.
pub(super) fn framing(
    status: u16,
    minor_version: u8,
    headers: &[httparse::Header<'_>],
    answers_head: bool,
) -> Result<Framing, ResponseError> {
    let mut length: Option<u64> = None;
    let mut coding: Option<&[u8]> = None;
    let mut keep_alive = minor_version >= 1;
    for header in headers {
        // The length of the name sorts out nearly all headers without a comparison.
        match header.name.len() {
            14 if header.name.eq_ignore_ascii_case("content-length") => {
                let value = parse_length(header.value)?;
                if length.is_some_and(|before| before != value) {
                    return Err(ResponseError::Ambiguous(
                        "two different Content-Length headers",
                    ));
                }
                length = Some(value);
            }
            17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                if coding.is_some() {
                    return Err(ResponseError::Ambiguous("two Transfer-Encoding headers"));
                }
                coding = Some(header.value);
            }
            10 if header.name.eq_ignore_ascii_case("connection") => {
                for option in header.value.split(|b| *b == b',') {
                    match option.trim_ascii() {
                        o if o.eq_ignore_ascii_case(b"close") => keep_alive = false,
                        o if o.eq_ignore_ascii_case(b"keep-alive") => keep_alive = true,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    if answers_head || status == 204 || status == 304 {
        return Ok(Framing {
            length: Length::Exact(0),
            keep_alive,
        });
    }
    let length = match (coding, length) {
        (Some(_), Some(_)) => {
            return Err(ResponseError::Ambiguous(
                "both Transfer-Encoding and Content-Length",
            ));
        }
        (Some(coding), None) if coding.trim_ascii().eq_ignore_ascii_case(b"chunked") => {
            if minor_version == 0 {
                return Err(ResponseError::Ambiguous("Transfer-Encoding in HTTP/1.0"));
            }
            Length::Chunked
        }
        (Some(_), None) => {
            return Err(ResponseError::Ambiguous(
                "a Transfer-Encoding other than chunked",
            ));
        }
        (None, Some(length)) => Length::Exact(length),
        (None, None) => Length::UntilClose,
    };
    Ok(Framing {
        length,
        keep_alive: keep_alive && length != Length::UntilClose,
    })
}

fn parse_length(value: &[u8]) -> Result<u64, ResponseError> {
    let digits = value.trim_ascii();
    if digits.is_empty() || digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(ResponseError::ContentLength);
    }
    Ok(digits
        .iter()
        .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}
