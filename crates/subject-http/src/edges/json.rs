//! Bodies in JSON of which one thing is unusual: a number, a name, a member, the whole. Pure.

use super::class::Class;
use serde::de::IgnoredAny;
use std::ops::Range;

/// Of uploads in JSON: each changes the first member that allows it, or the whole.
pub(super) const CLASSES: &[Class] = &[
    Class {
        id: "json.two_to_63",
        title: "a number of 2^63",
        breaks: "Clients with large identifiers are refused, or their numbers wrap or lose digits.",
        share: 0.8024,
        writes: true,
        make: |recorded| {
            recorded.json(|object| object.with_number(|_| "9223372036854775808".to_owned()))
        },
    },
    Class {
        id: "json.lone_surrogate",
        title: "a text with half a surrogate pair",
        breaks: "Clients that cut texts within an emoji are refused, or another text is stored.",
        share: 0.6996,
        writes: true,
        make: |recorded| recorded.json(|object| object.with_text(br#""\ud800""#)),
    },
    Class {
        id: "json.invalid_utf8",
        title: "a text that is not UTF-8",
        breaks: "Clients that send Latin-1 as JSON are refused, or other characters are stored.",
        share: 0.6403,
        writes: true,
        make: |recorded| recorded.json(|object| object.with_text(b"\"\xff\xfe\"")),
    },
    Class {
        id: "json.decimal_point",
        title: "a whole number with .0",
        breaks: "Clients whose language writes whole numbers as 1.0 are refused.",
        share: 0.6364,
        writes: true,
        make: |recorded| recorded.json(|object| object.with_number(|number| format!("{number}.0"))),
    },
    Class {
        id: "json.exponent",
        title: "a whole number with an exponent",
        breaks: "Clients whose language writes round numbers as 1e2 are refused.",
        share: 0.6364,
        writes: true,
        make: |recorded| recorded.json(|object| object.with_number(|_| "1e2".to_owned())),
    },
    Class {
        id: "json.array_for_object",
        title: "an array of the values in place of the object",
        breaks: "Clients that send an array by mistake are refused by one of the two.",
        share: 0.6324,
        writes: true,
        make: |recorded| recorded.json(|object| Some(object.as_array())),
    },
    Class {
        id: "json.trailing_text",
        title: "text after the end of the document",
        breaks: "Clients that send more than one document are refused, or lose all but the first.",
        share: 0.5968,
        writes: true,
        make: |recorded| recorded.json(|object| Some(object.between("", " x"))),
    },
    Class {
        id: "json.wrong_type",
        title: "a member of another type",
        breaks: "Clients that send a number as a text, or the reverse, are refused by one.",
        share: 0.5889,
        writes: true,
        make: |recorded| recorded.json(|object| object.with_wrong_type()),
    },
    Class {
        id: "json.long_number",
        title: "a number of 40 digits",
        breaks: "Clients with amounts of many digits are refused, or their digits are lost.",
        share: 0.581,
        writes: true,
        make: |recorded| recorded.json(|object| object.with_number(|_| "9".repeat(40))),
    },
    Class {
        id: "json.byte_order_mark",
        title: "a byte order mark at the begin",
        breaks: "Clients on Windows that write a byte order mark are refused.",
        share: 0.5652,
        writes: true,
        make: |recorded| recorded.json(|object| Some(object.between("\u{feff}", ""))),
    },
    Class {
        id: "json.null_member",
        title: "`null` for a member",
        breaks: "Clients that write `null` for what they leave out are refused by one.",
        share: 0.5494,
        writes: true,
        make: |recorded| recorded.json(|object| object.with_null()),
    },
    Class {
        id: "json.key_case",
        title: "a name in upper case",
        breaks: "Clients that spell a name in another case are refused, or it is ignored.",
        share: 0.5494,
        writes: true,
        make: |recorded| recorded.json(|object| object.with_other_case()),
    },
    Class {
        id: "json.null",
        title: "`null` in place of the object",
        breaks: "Clients that send `null` for nothing see another error, or none.",
        share: 0.502,
        writes: true,
        make: |recorded| recorded.json(|_| Some(b"null".to_vec())),
    },
    Class {
        id: "json.missing_member",
        title: "a member less",
        breaks: "Clients that leave a member out see another error, or a default is stored.",
        share: 0.502,
        writes: true,
        make: |recorded| recorded.json(|object| object.without_first()),
    },
    Class {
        id: "json.duplicate_key",
        title: "a member twice",
        breaks: "Clients that send a key twice are refused, or the other of the two values counts.",
        share: 0.498,
        writes: true,
        make: |recorded| recorded.json(|object| object.with_duplicate()),
    },
    Class {
        id: "json.minus_zero",
        title: "a number of -0",
        breaks: "Clients that compute -0 are refused, or see it come back as a fraction.",
        share: 0.4822,
        writes: true,
        make: |recorded| recorded.json(|object| object.with_number(|_| "-0".to_owned())),
    },
    Class {
        id: "json.scalar",
        title: "a text in place of the object",
        breaks: "Clients that encode a document twice see another error, or none.",
        share: 0.4506,
        writes: true,
        make: |recorded| recorded.json(|_| Some(br#""x""#.to_vec())),
    },
    Class {
        id: "json.beyond_double",
        title: "a number of 1e400",
        breaks: "Clients whose figures exceed a double are refused, or infinity is stored.",
        share: 0.3953,
        writes: true,
        make: |recorded| recorded.json(|object| object.with_number(|_| "1e400".to_owned())),
    },
    Class {
        id: "json.malformed",
        title: "a document that breaks off",
        breaks: "Clients that read the error of a malformed body see another one.",
        share: 0.3913,
        writes: true,
        make: |recorded| recorded.json(|object| object.cut()),
    },
    Class {
        id: "json.leading_zero",
        title: "a number with a leading zero",
        breaks: "Clients that pad numbers with zeros are refused.",
        share: 0.3913,
        writes: true,
        make: |recorded| recorded.json(|object| object.with_number(|number| format!("0{number}"))),
    },
    Class {
        id: "json.plus_sign",
        title: "a number with a plus sign",
        breaks: "Clients that write a plus sign are refused.",
        share: 0.3913,
        writes: true,
        make: |recorded| recorded.json(|object| object.with_number(|number| format!("+{number}"))),
    },
    Class {
        id: "json.empty",
        title: "no body",
        breaks: "Clients that send nothing see another error, or none.",
        share: 0.3913,
        writes: true,
        make: |recorded| recorded.json(|_| Some(Vec::new())),
    },
    Class {
        id: "json.two_to_53_plus_1",
        title: "a number of 2^53 + 1",
        breaks: "Clients with identifiers beyond 53 bits get another one back.",
        share: 0.3123,
        writes: true,
        make: |recorded| {
            recorded.json(|object| object.with_number(|_| "9007199254740993".to_owned()))
        },
    },
    Class {
        id: "json.unknown_member",
        title: "a member more",
        breaks: "Newer clients that send members of a later version are refused.",
        share: 0.087,
        writes: true,
        make: |recorded| recorded.json(|object| object.with_member("\"understudy\":1")),
    },
];

/// An object in JSON, as it is written.
pub(super) struct Object {
    text: String,
    members: Vec<Member>,
}

/// Where a member is in the text of its object.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Member {
    /// The name with its quotes.
    name: Range<usize>,
    value: Range<usize>,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    /// A number without sign, point and exponent.
    Integer,
    Other,
}

impl Object {
    /// The object that a body is.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let is_object = text.trim_start().starts_with('{');
        if !is_object || serde_json::from_str::<IgnoredAny>(text).is_err() {
            return None;
        }
        Some(Object {
            text: text.to_owned(),
            members: members(text),
        })
    }

    fn kind(&self, member: &Member) -> Kind {
        let value = &self.text[member.value.clone()];
        if value.starts_with('"') {
            Kind::Text
        } else if value.bytes().all(|byte| byte.is_ascii_digit()) {
            Kind::Integer
        } else {
            Kind::Other
        }
    }

    fn first(&self, kind: Kind) -> Option<&Member> {
        self.members.iter().find(|member| self.kind(member) == kind)
    }

    /// The text with this in place of a part of it.
    fn with(&self, part: Range<usize>, new: &[u8]) -> Vec<u8> {
        let text = self.text.as_bytes();
        [&text[..part.start], new, &text[part.end..]].concat()
    }

    /// The same with another spelling of its first whole number.
    fn with_number(&self, spell: impl FnOnce(&str) -> String) -> Option<Vec<u8>> {
        let member = self.first(Kind::Integer)?;
        let number = &self.text[member.value.clone()];
        Some(self.with(member.value.clone(), spell(number).as_bytes()))
    }

    /// The same with this in place of its first text.
    fn with_text(&self, new: &[u8]) -> Option<Vec<u8>> {
        Some(self.with(self.first(Kind::Text)?.value.clone(), new))
    }

    /// The same with a value of another type in its first member that is a text or a number.
    fn with_wrong_type(&self) -> Option<Vec<u8>> {
        self.with_text(b"5")
            .or_else(|| self.with_number(|number| format!("\"{number}\"")))
    }

    /// The same with `null` in its first member.
    fn with_null(&self) -> Option<Vec<u8>> {
        Some(self.with(self.members.first()?.value.clone(), b"null"))
    }

    /// The same with the name of its first member in the other case.
    fn with_other_case(&self) -> Option<Vec<u8>> {
        let name = self.members.first()?.name.clone();
        let written = &self.text[name.clone()];
        let upper = written.to_ascii_uppercase();
        // The letter of an escape may not change.
        if written.contains('\\') || upper == written {
            return None;
        }
        Some(self.with(name, upper.as_bytes()))
    }

    /// The same with its first text or number once more at its end, and another value there.
    fn with_duplicate(&self) -> Option<Vec<u8>> {
        let member = self
            .first(Kind::Text)
            .or_else(|| self.first(Kind::Integer))?;
        let (name, value) = (
            &self.text[member.name.clone()],
            &self.text[member.value.clone()],
        );
        let other = match (self.kind(member), value) {
            (Kind::Text, "\"b\"") => "\"c\"",
            (Kind::Text, _) => "\"b\"",
            (_, "2") => "3",
            _ => "2",
        };
        self.with_member(&format!("{name}:{other}"))
    }

    /// The same with a member more at its end.
    fn with_member(&self, member: &str) -> Option<Vec<u8>> {
        let end = self.text.trim_end().len().checked_sub(1)?;
        let comma = if self.members.is_empty() { "" } else { "," };
        Some(self.with(end..end, format!("{comma}{member}").as_bytes()))
    }

    /// The same without its first member.
    fn without_first(&self) -> Option<Vec<u8>> {
        let first = self.members.first()?;
        let end = match self.members.get(1) {
            Some(next) => next.name.start,
            None => first.value.end,
        };
        Some(self.with(first.name.start..end, b""))
    }

    /// Its values as an array.
    fn as_array(&self) -> Vec<u8> {
        let values = self.members.iter().map(|member| member.value.clone());
        let values: Vec<&str> = values.map(|value| &self.text[value]).collect();
        format!("[{}]", values.join(",")).into_bytes()
    }

    /// It breaks off before the value of its first member.
    fn cut(&self) -> Option<Vec<u8>> {
        let first = self.members.first()?;
        Some(self.text.as_bytes()[..first.value.start].to_vec())
    }

    /// The same between these.
    fn between(&self, before: &str, after: &str) -> Vec<u8> {
        [before, self.text.as_str(), after].concat().into_bytes()
    }
}

/// The members of the object that a valid text in JSON is.
fn members(text: &str) -> Vec<Member> {
    let mut members = Vec::new();
    let (mut depth, mut in_string, mut is_escaped) = (0u32, false, false);
    let (mut start, mut name) = (0, None);
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            in_string = is_escaped || byte != b'"';
            is_escaped = !is_escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b':' if depth == 1 => name = Some(trimmed(text, start..at)),
            b',' | b'}' if depth == 1 => {
                let value = trimmed(text, start..at);
                members.extend(name.take().map(|name| Member { name, value }));
            }
            _ => {}
        }
        if depth == 1 && matches!(byte, b'{' | b':' | b',') {
            start = at + 1;
        }
        if matches!(byte, b'}' | b']') {
            depth = depth.saturating_sub(1);
        }
    }
    members
}

/// A part of a text without the white space around it.
fn trimmed(text: &str, part: Range<usize>) -> Range<usize> {
    let whole = &text[part.clone()];
    let start = part.start + whole.len() - whole.trim_start().len();
    start..start + whole.trim().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn object(text: &str) -> Object {
        Object::parse(text.as_bytes()).unwrap()
    }

    fn edited(text: &str, edit: impl Fn(&Object) -> Option<Vec<u8>>) -> String {
        let bytes = edit(&object(text)).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn only_an_object_has_members() {
        for text in ["", "[1]", "1", "{\"a\":}", "{\"a\":1} x", "\"{}\""] {
            assert!(Object::parse(text.as_bytes()).is_none(), "{text}");
        }
        assert!(Object::parse(b"{\"a\":\"\xff\"}").is_none());
        assert!(object(" { } ").members.is_empty());
    }

    #[test]
    fn the_first_suitable_member_is_changed_and_nothing_else() {
        const TEXT: &str = r#" {"n": {"name": 1, "x": [1,{}]}, "na\"me" : "a,}" ,"count":17 } "#;
        let check = |edit: &dyn Fn(&Object) -> Option<Vec<u8>>, from: &str, to: &str| {
            assert_eq!(edited(TEXT, edit), TEXT.replacen(from, to, 1));
        };
        check(&|o| o.with_number(|n| format!("{n}.0")), "17", "17.0");
        check(&|o| o.with_text(b"5"), "\"a,}\"", "5");
        check(&Object::with_wrong_type, "\"a,}\"", "5");
        check(&Object::with_null, r#"{"name": 1, "x": [1,{}]}"#, "null");
        check(&Object::with_other_case, "\"n\"", "\"N\"");
        check(&Object::with_duplicate, "17 }", r#"17 ,"na\"me":"b"}"#);
        check(
            &Object::without_first,
            r#""n": {"name": 1, "x": [1,{}]}, "#,
            "",
        );
        check(&|o| o.with_member("\"z\":1"), "17 }", "17 ,\"z\":1}");
        assert_eq!(edited(TEXT, Object::cut), r#" {"n": "#);
        assert_eq!(
            edited(TEXT, |o| Some(o.as_array())),
            r#"[{"name": 1, "x": [1,{}]},"a,}",17]"#
        );
    }

    #[test]
    fn what_has_no_suitable_member_is_left_alone() {
        let empty = object("{}");
        for edit in [
            Object::with_null,
            Object::with_duplicate,
            Object::without_first,
            Object::cut,
            Object::with_wrong_type,
            Object::with_other_case,
        ] {
            assert!(edit(&empty).is_none());
        }
        assert_eq!(edited("{}", |o| o.with_member("\"z\":1")), "{\"z\":1}");
        assert_eq!(edited("{\"a\":2}", Object::without_first), "{}");
        assert_eq!(
            edited("{\"a\":2}", Object::with_duplicate),
            "{\"a\":2,\"a\":3}"
        );
        assert!(
            object("{\"a\":-1.5}")
                .with_number(|_| String::new())
                .is_none()
        );
    }

    proptest! {
        /// What the scanner calls members is what a parser calls members.
        #[test]
        fn members_are_those_of_a_parser(
            all in proptest::collection::btree_map("\\PC{0,4}", "\\PC{0,6}", 0..5),
            pretty: bool,
        ) {
            let text = match pretty {
                true => serde_json::to_string_pretty(&all).unwrap(),
                false => serde_json::to_string(&all).unwrap(),
            };
            let object = object(&text);
            let read = |part: &Range<usize>| {
                serde_json::from_str::<String>(&text[part.clone()]).unwrap()
            };
            let members = object.members.iter();
            let found: Vec<_> = members.map(|m| (read(&m.name), read(&m.value))).collect();
            prop_assert_eq!(found, all.into_iter().collect::<Vec<_>>());
        }
    }
}
