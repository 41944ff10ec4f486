//! The parser: recursive, bounded in depth, over bytes known to be UTF-8.

use super::{EMBEDDED, Json, JsonError, MAX_DEPTH, SPELLING, Value, WEB_TOKEN};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub(super) fn whole(bytes: &[u8]) -> Result<Json, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|error| JsonError {
        problem: "not UTF-8",
        at: error.valid_up_to(),
    })?;
    document(text, false, 0)
}

pub(super) fn answer(text: &str) -> Result<Json, JsonError> {
    document(text, true, 0)
}

pub(super) fn embedded(text: &str, depth: usize) -> Option<Json> {
    if let Some(token) = web_token(text, depth) {
        return Some(token);
    }
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let json = document(text, true, depth)
        .ok()
        .filter(Json::is_structured)?;
    let spelling = Json::new(Value::String(spelling(text).into()));
    // Ordered by name.
    let entries = vec![(EMBEDDED.into(), json), (SPELLING.into(), spelling)];
    Some(Json::new(Value::Object(entries)))
}

/// A signed JSON web token in its compact form (RFC 7519; RFC 7515, section 7.1): what it says, and its signature.
fn web_token(text: &str, depth: usize) -> Option<Json> {
    // What base64 makes of `{"`.
    let mut parts = text.strip_prefix("eyJ").map(|_| text.split('.'))?;
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let read = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        let text = std::str::from_utf8(&bytes).ok()?;
        let json = document(text, true, depth + 2).ok()?;
        matches!(json.value(), Value::Object(_)).then_some(json)
    };
    let signature = Json::new(Value::String(signature.into()));
    // Ordered by name.
    let entries = vec![
        ("claims".into(), read(claims)?),
        ("header".into(), read(header)?),
        ("signature".into(), signature),
    ];
    let token = Json::new(Value::Object(entries));
    Some(Json::new(Value::Object(vec![(WEB_TOKEN.into(), token)])))
}

/// The document whose outermost value is `depth` levels down.
fn document(text: &str, is_answer: bool, depth: usize) -> Result<Json, JsonError> {
    let mut parser = Parser {
        text,
        at: 0,
        is_answer,
    };
    parser.skip_white_space();
    let json = parser.value(depth)?;
    parser.skip_white_space();
    match parser.peek() {
        None => Ok(json),
        Some(_) => Err(parser.error("text after the value")),
    }
}

/// A JSON text without its values: names in their order, white space and escapes. Elements of one array that are
/// written alike count once.
fn spelling(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' => {
                let end = string_end(rest);
                // A name is what a colon follows.
                match rest[end..].trim_start().starts_with(':') {
                    true => out.push_str(&rest[..end]),
                    false => out.push('_'),
                }
                end
            }
            '{' | '}' | '[' | ']' | ',' | ':' => {
                out.push(c);
                1
            }
            c if c.is_whitespace() => {
                out.push(c);
                c.len_utf8()
            }
            _ => {
                out.push('_');
                let is_over = |c: char| c.is_whitespace() || matches!(c, ',' | '}' | ']');
                rest.find(is_over).unwrap_or(rest.len())
            }
        };
        rest = &rest[length..];
        fold_repeated(&mut out);
    }
    out
}

/// The last element of a list is dropped where the one before is written the same.
fn fold_repeated(out: &mut String) {
    let Some(before) = out.strip_suffix(',').or(out.strip_suffix(']')) else {
        return;
    };
    let Some(comma) = before.rfind(',') else {
        return;
    };
    let last = &before[comma + 1..];
    let is_plain = last.trim() == "_";
    let is_twice = is_plain && before[..comma].ends_with(last);
    if is_twice {
        let end = out[before.len()..].to_owned();
        out.truncate(comma);
        out.push_str(&end);
    }
}

/// Where the string that the text begins with ends.
fn string_end(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    /// Is what servers send besides the standard read as well?
    is_answer: bool,
}

impl Parser<'_> {
    fn error(&self, problem: &'static str) -> JsonError {
        JsonError {
            problem,
            at: self.at,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps over the byte if it comes next.
    fn take(&mut self, byte: u8) -> bool {
        let taken = self.peek() == Some(byte);
        self.at += usize::from(taken);
        taken
    }

    fn expect(&mut self, byte: u8, problem: &'static str) -> Result<(), JsonError> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(self.error(problem))
        }
    }

    fn skip_white_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Json, JsonError> {
        let value = match self.peek() {
            Some(b'{') => Value::Object(self.object(depth + 1)?),
            Some(b'[') => Value::Array(self.array(depth + 1)?),
            Some(b'"') => {
                let text = self.string()?;
                let inner = (self.is_answer && depth < MAX_DEPTH)
                    .then(|| embedded(&text, depth + 1))
                    .flatten();
                match inner {
                    Some(json) => return Ok(json),
                    None => Value::String(text),
                }
            }
            Some(b'-') if self.is_answer && self.rest().starts_with("-Infinity") => self.word()?,
            Some(b'-' | b'0'..=b'9') => Value::Number(self.number()?),
            _ => self.word()?,
        };
        Ok(Json::new(value))
    }

    fn word(&mut self) -> Result<Value, JsonError> {
        let words = [
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
        ];
        for (word, value) in words {
            if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        // What JavaScript, Python and others write for numbers that JSON does not have.
        let beyond = ["NaN", "Infinity", "-Infinity"].into_iter();
        let mut beyond = beyond.filter(|word| self.is_answer && self.rest().starts_with(word));
        if let Some(word) = beyond.next() {
            self.at += word.len();
            return Ok(Value::Number(word.into()));
        }
        Err(self.error("no value"))
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// Steps into an array or object and, on an empty one, out again (`true`).
    fn open(&mut self, depth: usize, close: u8) -> Result<bool, JsonError> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        self.at += 1;
        self.skip_white_space();
        Ok(self.take(close))
    }

    /// Steps over `,` (`false`) or the closing byte (`true`).
    fn close(&mut self, close: u8) -> Result<bool, JsonError> {
        self.skip_white_space();
        if self.take(close) {
            return Ok(true);
        }
        self.expect(b',', "neither a comma nor an end")?;
        self.skip_white_space();
        Ok(false)
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Json>, JsonError> {
        let mut items = Vec::new();
        let mut done = self.open(depth, b']')?;
        while !done {
            items.push(self.value(depth)?);
            done = self.close(b']')?;
        }
        Ok(items)
    }

    fn object(&mut self, depth: usize) -> Result<Vec<(Box<str>, Json)>, JsonError> {
        let mut entries = Vec::new();
        let mut done = self.open(depth, b'}')?;
        while !done {
            let name = self.string()?;
            self.skip_white_space();
            self.expect(b':', "no colon after a name")?;
            self.skip_white_space();
            entries.push((name, self.value(depth)?));
            done = self.close(b'}')?;
        }
        // A stable sort: entries of one name keep the order written.
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(entries)
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            Err(self.error("no digit"))
        } else {
            Ok(())
        }
    }

    fn number(&mut self) -> Result<Box<str>, JsonError> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        Ok(self.text[start..self.at].into())
    }

    fn string(&mut self) -> Result<Box<str>, JsonError> {
        self.expect(b'"', "no string")?;
        let mut out = String::new();
        loop {
            let start = self.at;
            while self
                .peek()
                .is_some_and(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
            {
                self.at += 1;
            }
            out.push_str(&self.text[start..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out.into());
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                Some(_) => return Err(self.error("a control character in a string")),
                None => return Err(self.error("a string without end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let escaped = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.code_point();
            }
            _ => return Err(self.error("no such escape")),
        };
        self.at += 1;
        Ok(escaped)
    }

    /// `XXXX` or, for a surrogate pair, `XXXX\uXXXX`.
    fn code_point(&mut self) -> Result<char, JsonError> {
        let high = self.four_hex_digits()?;
        let code = if (0xd800..0xdc00).contains(&high) {
            self.expect(b'\\', "a lone surrogate")?;
            self.expect(b'u', "a lone surrogate")?;
            let low = self.four_hex_digits()?;
            if !(0xdc00..0xe000).contains(&low) {
                return Err(self.error("a lone surrogate"));
            }
            0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
        } else {
            high
        };
        char::from_u32(code).ok_or_else(|| self.error("a lone surrogate"))
    }

    fn four_hex_digits(&mut self) -> Result<u32, JsonError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            code = code * 16 + digit.ok_or_else(|| self.error("no hex digit"))?;
            self.at += 1;
        }
        Ok(code)
    }
}
