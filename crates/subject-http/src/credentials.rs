//! What a server hands out for later requests: cookies (RFC 6265), and values that the configuration
//! names.

use std::collections::BTreeMap;
use understudy_compare::http;
use understudy_model::Answer;

/// Cookies of one server that are kept.
const COOKIES: usize = 100;
/// The longest value that is kept, in bytes.
const VALUE_BYTES: usize = 16 * 1024;

/// Cookies of one client of one server. That they were set for another host or for TLS alone does not count:
/// a trial replaces the real host, without TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Jar {
    /// By name and path.
    cookies: BTreeMap<(String, String), String>,
}

impl Jar {
    /// Takes the cookies that an answer to a request for this path sets, and drops those that it deletes.
    pub fn take(&mut self, path: &str, answer: &Answer) {
        for field in answer.field("set-cookie") {
            let text = String::from_utf8_lossy(field);
            let mut parts = text.split(';');
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
            let mut of_path = default_path(path).to_owned();
            let mut is_deleted = false;
            for part in parts {
                let (key, setting) = part.split_once('=').unwrap_or((part, ""));
                let setting = setting.trim();
                match key.trim().to_ascii_lowercase().as_str() {
                    "path" if setting.starts_with('/') => of_path = setting.to_owned(),
                    "max-age" => is_deleted |= setting.parse::<i64>().is_ok_and(|age| age <= 0),
                    "expires" => is_deleted |= setting.contains("1970"),
                    _ => {}
                }
            }
            let key = (name, of_path);
            if is_deleted {
                self.cookies.remove(&key);
            } else if value.len() <= VALUE_BYTES
                && (self.cookies.len() < COOKIES || self.cookies.contains_key(&key))
            {
                self.cookies.insert(key, value);
            }
        }
    }

    /// The cookies for a request of this path, in the form of the header: the longest path first.
    pub(crate) fn for_path(&self, path: &str) -> Vec<(&str, &str)> {
        let path = path.split('?').next().unwrap_or_default();
        let mut all: Vec<_> = self
            .cookies
            .iter()
            .filter(|((_, of), _)| is_below(of, path))
            .collect();
        all.sort_by_key(|((_, of), _)| std::cmp::Reverse(of.len()));
        all.into_iter()
            .map(|((name, _), value)| (name.as_str(), value.as_str()))
            .collect()
    }
}

/// RFC 6265, section 5.1.4.
fn default_path(path: &str) -> &str {
    let path = path.split('?').next().unwrap_or_default();
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(at) => &path[..at],
    }
}

fn is_below(of: &str, path: &str) -> bool {
    path.strip_prefix(of)
        .is_some_and(|rest| rest.is_empty() || of.ends_with('/') || rest.starts_with('/'))
}

/// A value of an answer that later requests name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// What requests call it: `$NAME` in their headers.
    pub name: String,
    /// Where it is.
    pub from: CaptureFrom,
}

/// Where a captured value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaptureFrom {
    /// In the JSON body, at this pointer (RFC 6901).
    Body(String),
    /// In the header of this name (lower case).
    Header(String),
}

impl Capture {
    /// Reads `/access_token` or `header:x-token`.
    ///
    /// # Errors
    /// It is neither.
    pub(crate) fn parse(name: &str, from: &str) -> Result<Capture, String> {
        let from = match from.strip_prefix("header:") {
            Some(header) if !header.is_empty() => CaptureFrom::Header(header.to_ascii_lowercase()),
            None if from.starts_with('/') => CaptureFrom::Body(from.to_owned()),
            _ => {
                return Err(format!(
                    "\"capture\": {from:?} is not a JSON pointer such as \"/access_token\" or a header such as \"header:x-token\""
                ));
            }
        };
        match understudy_workload::is_name(name) {
            true => Ok(Capture {
                name: name.to_owned(),
                from,
            }),
            false => Err(format!(
                "\"capture\": {name:?} is not the name of a variable"
            )),
        }
    }

    /// The value in an answer.
    fn value(&self, answer: &Answer) -> Option<String> {
        let value = match &self.from {
            CaptureFrom::Header(name) => {
                String::from_utf8_lossy(answer.field(name).next()?).into_owned()
            }
            CaptureFrom::Body(pointer) => {
                let body: serde_json::Value =
                    serde_json::from_slice(answer.bytes(http::BODY)).ok()?;
                match body.pointer(pointer)? {
                    serde_json::Value::String(text) => text.clone(),
                    serde_json::Value::Number(number) => number.to_string(),
                    _ => return None,
                }
            }
        };
        let is_sendable = value.len() <= VALUE_BYTES && !value.contains(['\r', '\n', '\0']);
        is_sendable.then_some(value)
    }
}

/// What one side has handed out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Its cookies.
    pub jar: Jar,
    /// Captured values by name.
    pub values: BTreeMap<String, String>,
}

impl Credentials {
    /// Takes what an answer to a request for this path hands out.
    ///
    /// # Errors
    /// The first capture whose value the answer does not have.
    pub fn take<'c>(
        &mut self,
        path: &str,
        captures: &'c [Capture],
        answer: &Answer,
    ) -> Result<(), &'c Capture> {
        self.jar.take(path, answer);
        for capture in captures {
            let value = capture.value(answer).ok_or(capture)?;
            self.values.insert(capture.name.clone(), value);
        }
        Ok(())
    }

    /// The headers of a request for this path: captured values in place of `${NAME}`, and the cookies. A cookie that
    /// the request brings itself wins over one of the jar.
    pub(crate) fn headers(
        &self,
        path: &str,
        headers: &[(String, String)],
    ) -> Vec<(String, String)> {
        let mut sent: Vec<(String, String)> = headers
            .iter()
            .map(|(name, value)| (name.clone(), self.filled(value)))
            .collect();
        let cookies = self.jar.for_path(path);
        if cookies.is_empty() {
            return sent;
        }
        let own = sent
            .iter_mut()
            .find(|(name, _)| name.eq_ignore_ascii_case("cookie"));
        let brings = |name: &str, own: &str| {
            own.split(';')
                .any(|pair| pair.split('=').next().unwrap_or_default().trim() == name)
        };
        let pair = |(name, value): &(&str, &str)| format!("{name}={value}");
        match own {
            Some((_, own)) => {
                let more = cookies.iter().filter(|(name, _)| !brings(name, own));
                let more: Vec<String> = more.map(pair).collect();
                for cookie in more {
                    own.push_str("; ");
                    own.push_str(&cookie);
                }
            }
            None => {
                let all: Vec<String> = cookies.iter().map(pair).collect();
                sent.push(("Cookie".to_owned(), all.join("; ")));
            }
        }
        sent
    }

    fn filled(&self, value: &str) -> String {
        let one = |text: String, (name, value): (&String, &String)| {
            text.replace(&format!("${{{name}}}"), value)
        };
        self.values.iter().fold(value.to_owned(), one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_model::Field;

    fn answer(fields: &[(&str, &str)], body: &str) -> Answer {
        let field = |(name, value): &(&str, &str)| Field {
            name: (*name).to_owned(),
            value: value.as_bytes().to_vec(),
        };
        understudy_compare::http::answer(
            200,
            fields.iter().map(field).collect(),
            body.into(),
            false,
        )
    }

    #[test]
    fn cookies_are_sent_back_where_they_belong_until_they_are_deleted() {
        let mut jar = Jar::default();
        jar.take(
            "/login?x=/a/b",
            &answer(
                &[
                    ("set-cookie", "sid=7; Path=/; HttpOnly"),
                    ("set-cookie", "a=1"),
                ],
                "",
            ),
        );
        jar.take("/shop/cart/add", &answer(&[("set-cookie", "cart=x=y")], ""));
        assert_eq!(jar.for_path("/"), [("a", "1"), ("sid", "7")]);
        assert_eq!(
            jar.for_path("/shop/cart?y"),
            [("cart", "x=y"), ("a", "1"), ("sid", "7")]
        );
        assert_eq!(jar.for_path("/shop/carts"), [("a", "1"), ("sid", "7")]);
        jar.take(
            "/",
            &answer(
                &[
                    ("set-cookie", "sid=; Path=/; Max-Age=0"),
                    ("set-cookie", "a=; expires=Thu, 01 Jan 1970 00:00:00 GMT"),
                ],
                "",
            ),
        );
        assert!(jar.for_path("/").is_empty());
    }

    #[test]
    fn a_request_brings_its_own_cookies_and_captured_values() {
        let captures = [
            Capture::parse("TOKEN", "/data/token").unwrap(),
            Capture::parse("CSRF", "header:X-Csrf").unwrap(),
        ];
        let mut credentials = Credentials::default();
        let login = answer(
            &[
                ("set-cookie", "sid=7; Path=/"),
                ("set-cookie", "b=2; Path=/"),
                ("x-csrf", "c"),
            ],
            r#"{"data":{"token":"t"}}"#,
        );
        assert_eq!(credentials.take("/login", &captures, &login), Ok(()));
        let of = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = [
            of("Authorization", "Bearer ${TOKEN}"),
            of("X-Csrf", "${CSRF}"),
            of("cookie", "sid=own"),
        ];
        assert_eq!(
            credentials.headers("/a", &headers),
            [
                of("Authorization", "Bearer t"),
                of("X-Csrf", "c"),
                of("cookie", "sid=own; b=2")
            ]
        );
        let missing = credentials.take("/login", &captures, &answer(&[], "{}"));
        assert_eq!(missing.unwrap_err().name, "TOKEN");
        assert!(Capture::parse("TOKEN", "token").is_err());
        assert!(Capture::parse("1", "/a").is_err());
    }
}
