//! Environment variables in a case: secrets that are in no file.

/// How a variable's value is written where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// In a path, a query or a form: percent-encoded but for unreserved characters (RFC 3986).
    Encoded,
    /// In a text of JSON: escaped.
    Json,
    /// As it is.
    Plain,
}

impl Written {
    fn write(self, value: &str) -> String {
        match self {
            Written::Plain => value.to_owned(),
            Written::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            Written::Encoded => {
                let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
                let encoded = value.bytes().map(|b| match plain(b) {
                    true => char::from(b).to_string(),
                    false => format!("%{b:02X}"),
                });
                encoded.collect()
            }
        }
    }
}

/// `text` with `${NAME}` replaced for each of these names and no other; `None` if it has none of them.
pub fn fill(text: &str, variables: &[(String, String)], written: Written) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut filled = false;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let here = variables.iter().find_map(|(name, value)| {
            let left = from[2..].strip_prefix(name.as_str())?.strip_prefix('}')?;
            Some((value, left))
        });
        match here {
            Some((value, left)) => {
                out.push_str(&written.write(value));
                filled = true;
                rest = left;
            }
            None => {
                out.push_str("${");
                rest = &from[2..];
            }
        }
    }
    out.push_str(rest);
    filled.then_some(out)
}

/// Replaces `$NAME` and `${NAME}`; `$$` is a dollar sign.
///
/// # Errors
/// A variable that is not set.
pub fn expand(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(escaped) = after.strip_prefix('$') {
            out.push('$');
            rest = escaped;
            continue;
        }
        let (name, left) = match after
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'))
        {
            Some((name, left)) => (name, left),
            None => after.split_at(after.find(|c| !is_name(c)).unwrap_or(after.len())),
        };
        if name.is_empty() || !name.chars().all(is_name) {
            out.push('$');
            rest = after;
            continue;
        }
        let value = env(name)
            .ok_or_else(|| format!("names the environment variable ${name}, which is not set"))?;
        out.push_str(&value);
        rest = left;
    }
    out.push_str(rest);
    Ok(out)
}

/// Is it a name that a shell takes?
pub fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_written_as_their_place_asks() {
        let variables = [
            ("A".to_owned(), "a b&\"c\"".to_owned()),
            ("AB".to_owned(), "${A}".to_owned()),
        ];
        let of = |text, written| fill(text, &variables, written);
        assert_eq!(
            of("/x?a=${A}&b=$A&c=${C}&d=${AB}", Written::Encoded).unwrap(),
            "/x?a=a%20b%26%22c%22&b=$A&c=${C}&d=%24%7BA%7D"
        );
        assert_eq!(
            of("{\"a\":\"${A}\"}", Written::Json).unwrap(),
            r#"{"a":"a b&\"c\""}"#
        );
        assert_eq!(of("${A}", Written::Plain).unwrap(), "a b&\"c\"");
        assert_eq!(
            of("query($id: Int) { x(id: $id) ${ ${C} }", Written::Plain),
            None
        );
    }

    proptest! {
        #[test]
        fn what_is_not_a_variable_stays(text in "[$A{} x]{0,20}") {
            let other = [("B".to_owned(), "b".to_owned())];
            prop_assert_eq!(fill(&text, &other, Written::Plain), None);
        }
    }
}
