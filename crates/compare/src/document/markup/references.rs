//! Character references: the characters that they stand for.

use std::borrow::Cow;

/// The text of an element. HTML has more than two thousand names and rules for those without a semicolon.
pub(super) fn text(text: &str, is_html: bool) -> Cow<'_, str> {
    match is_html {
        true => htmlize::unescape(text),
        false => xml(text),
    }
}

/// The value of an attribute.
pub(super) fn attribute(value: &str, is_html: bool) -> Cow<'_, str> {
    match is_html {
        true => htmlize::unescape_attribute(value),
        // White space that is not written as a reference is a space (XML, section 3.3.3).
        false => Cow::Owned(xml(&value.replace(['\n', '\t'], " ")).into_owned()),
    }
}

/// Numbers and the five names that XML predefines (section 4.6); any other entity stays as it is written.
fn xml(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        // No name or number is longer than an escape of this size.
        let end = behind.bytes().take(16).position(|b| b == b';');
        let found = end.and_then(|end| Some((character(&behind[..end])?, end + 1)));
        let (character, length) = found.unwrap_or(('&', 0));
        out.push(character);
        rest = &behind[length..];
    }
    Cow::Owned(out + rest)
}

fn character(name: &str) -> Option<char> {
    let number = |digits: &str, radix: u32| {
        let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        let code = u32::from_str_radix(digits, radix)
            .ok()
            .filter(|_| is_number)?;
        char::from_u32(code).filter(|c| *c != '\0')
    };
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => match name.strip_prefix("#x") {
            Some(digits) => number(digits, 16),
            None => number(name.strip_prefix('#')?, 10),
        },
    }
}
