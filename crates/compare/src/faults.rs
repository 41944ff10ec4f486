//! Faults to put into real answers: would the comparison notice them?

pub(crate) mod plain;
mod text;

use crate::character;
use crate::decode;
use crate::document::{self, Form};
use crate::fields;
use crate::http::BODY;
use crate::json::{Json, Value};
use crate::relation::{Identifier, Plain, identifier};
use serde::{Deserialize, Serialize};
use understudy_model::{Answer, Class, Field, Status};

/// Elements of an array that are looked at: the others are like them.
const ITEMS: usize = 3;

macro_rules! faults {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal,)*) => {
        /// A way in which an answer can be wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Fault { $($(#[doc = $doc])* #[serde(rename = $text)] $name,)* }

        impl Fault {
            /// The whole catalogue, of every dialect.
            pub const ALL: &[Fault] = &[$(Fault::$name),*];

            /// The name in documents.
            pub fn name(self) -> &'static str {
                match self { $(Fault::$name => $text,)* }
            }

            /// What it does.
            pub fn describe(self) -> &'static str {
                match self { $(Fault::$name => concat!($($doc),*).trim_ascii(),)* }
            }
        }
    };
}

faults! {
    /// 500 instead of the status
    Status = "status",
    /// a header or cookie is missing
    HeaderMissing = "header_missing",
    /// the value of a header or cookie is another
    HeaderChanged = "header_changed",
    /// the body is empty
    BodyEmpty = "body_empty",
    /// a field is missing
    FieldMissing = "field_missing",
    /// a field is there that should not be
    FieldAdded = "field_added",
    /// null instead of a value
    Null = "null",
    /// the last digit of a number is another
    NumberOff = "number_off",
    /// a number is a thousand times as large
    NumberScaled = "number_scaled",
    /// a number or boolean is written as a text
    TypeChanged = "type_changed",
    /// true instead of false, or false instead of true
    BooleanFlipped = "boolean_flipped",
    /// a letter of a text has another case
    CaseChanged = "case_changed",
    /// the last character of a text is missing
    TextTruncated = "text_truncated",
    /// a time is an hour later
    TimeShifted = "time_shifted",
    /// an identifier is another one of the same form
    IdentifierChanged = "identifier_changed",
    /// two elements of a list have changed places
    ItemsSwapped = "items_swapped",
    /// an element of a list is missing
    ItemMissing = "item_missing",
    /// an element of a list is there twice
    ItemDuplicated = "item_duplicated",
    /// an element of markup is missing
    ElementMissing = "element_missing",
    /// a byte is another
    ByteChanged = "byte_changed",
    /// a byte is missing
    ByteMissing = "byte_missing",
    /// the exit code is another
    ExitCode = "exit_code",
    /// an output is empty
    OutputEmpty = "output_empty",
    /// a line is missing
    LineMissing = "line_missing",
    /// two lines have changed places
    LinesSwapped = "lines_swapped",
    /// the last line feed is missing
    NewlineMissing = "newline_missing",
    /// a file is missing
    FileMissing = "file_missing",
    /// the permissions of a file are others
    ModeChanged = "mode_changed",
    /// a frame is missing
    FrameMissing = "frame_missing",
    /// a frame is there twice
    FrameDuplicated = "frame_duplicated",
    /// two frames have changed places
    FramesSwapped = "frames_swapped",
    /// a block of one frame is another
    BlockChanged = "block_changed",
    /// frames are shown at other times
    TimesChanged = "times_changed",
    /// the picture has another size
    SizeChanged = "size_changed",
    /// the sound comes earlier
    SoundShifted = "sound_shifted",
    /// the sound is missing
    SoundMissing = "sound_missing",
}

impl Fault {
    /// Those of answers over HTTP.
    pub(crate) const HTTP: &[Fault] = &[
        Fault::Status,
        Fault::HeaderMissing,
        Fault::HeaderChanged,
        Fault::BodyEmpty,
        Fault::FieldMissing,
        Fault::FieldAdded,
        Fault::Null,
        Fault::NumberOff,
        Fault::NumberScaled,
        Fault::TypeChanged,
        Fault::BooleanFlipped,
        Fault::CaseChanged,
        Fault::TextTruncated,
        Fault::TimeShifted,
        Fault::IdentifierChanged,
        Fault::ItemsSwapped,
        Fault::ItemMissing,
        Fault::ItemDuplicated,
        Fault::ElementMissing,
        Fault::ByteChanged,
        Fault::ByteMissing,
    ];

    /// Those of sound, pictures and video, which a program outside of this crate puts into them.
    pub const MEDIA: &[Fault] = &[
        Fault::FrameMissing,
        Fault::FrameDuplicated,
        Fault::FramesSwapped,
        Fault::BlockChanged,
        Fault::TimesChanged,
        Fault::SizeChanged,
        Fault::SoundShifted,
        Fault::SoundMissing,
    ];

    /// Those of what programs leave behind; the last ones are of documents alone.
    pub(crate) const PLAIN: &[Fault] = &[
        Fault::ExitCode,
        Fault::OutputEmpty,
        Fault::ByteChanged,
        Fault::LineMissing,
        Fault::LinesSwapped,
        Fault::NewlineMissing,
        Fault::FileMissing,
        Fault::ModeChanged,
        Fault::FieldMissing,
        Fault::FieldAdded,
        Fault::Null,
        Fault::NumberOff,
        Fault::TypeChanged,
        Fault::BooleanFlipped,
        Fault::CaseChanged,
        Fault::ItemsSwapped,
        Fault::ItemMissing,
        Fault::ItemDuplicated,
    ];
}

/// The answer over HTTP with this fault in it, at a place that `draw` decides. `None` if the answer offers no
/// place for it.
pub(crate) fn inject(answer: &Answer, fault: Fault, draw: u64) -> Option<Answer> {
    match fault {
        Fault::Status => Some(Answer {
            status: Status {
                code: 500,
                class: Class::Failed,
            },
            ..answer.clone()
        })
        .filter(|_| answer.status.code != 500),
        Fault::HeaderMissing | Fault::HeaderChanged => header(answer, fault, draw),
        Fault::BodyEmpty => (!answer.bytes(BODY).is_empty()).then(|| {
            let mut answer = answer.clone();
            set_body(&mut answer, Vec::new());
            answer
        }),
        _ => {
            let codings = decode::codings(&answer.fields);
            let body = decode::body(answer.bytes(BODY), &codings, decode::DECODED_BYTES).ok()?;
            in_document(&answer.fields, &body, fault, draw).map(|wrong| with_body(answer, wrong))
        }
    }
}

/// The bytes of a document of the type in these fields with a fault in them.
fn in_document(fields: &[Field], body: &[u8], fault: Fault, draw: u64) -> Option<Vec<u8>> {
    let document = document_of(fields, body);
    let form = document.as_ref().map(|document| document.form);
    let json = match form {
        Some(Form::Json) => Json::parse(body).ok(),
        _ => None,
    };
    let Some(json) = json else {
        let is_markup = form == Some(Form::Markup);
        let wrong = text::inject(body, is_markup, fault, draw)?;
        // What no reader of the type sees (a comment among events) is not a fault.
        let is_same = document.is_some_and(|right| {
            document_of(fields, &wrong).is_some_and(|wrong| wrong.says_the_same(&right))
        });
        return (!is_same).then_some(wrong);
    };
    let sites = Sites { fault, left: None };
    let all = sites.count(&json);
    let site = draw.checked_rem(all)?;
    let Edit::Replace(json) = Sites {
        fault,
        left: Some(site),
    }
    .edit(&json, Within::Nothing)?
    else {
        return None;
    };
    let mut body = String::new();
    json.write(&mut body);
    Some(body.into_bytes())
}

fn document_of(fields: &[Field], body: &[u8]) -> Option<document::Document> {
    match document::read(fields, body, None) {
        document::Body::Document(document) => Some(document),
        document::Body::Text(..) | document::Body::Bytes => None,
    }
}

/// The answer with another body, which has no content coding.
fn with_body(answer: &Answer, body: Vec<u8>) -> Answer {
    let mut answer = answer.clone();
    set_body(&mut answer, body);
    answer
        .fields
        .retain(|field| field.name != "content-encoding");
    answer
}

fn set_body(answer: &mut Answer, body: Vec<u8>) {
    if let Some(part) = answer.parts.iter_mut().find(|part| part.name == BODY) {
        part.bytes = body;
    }
}

fn header(answer: &Answer, fault: Fault, draw: u64) -> Option<Answer> {
    let is_counted = |name: &str| !fields::IGNORED.contains(&name) && name != "content-length";
    let places: Vec<usize> = (0..answer.fields.len())
        .filter(|index| is_counted(&answer.fields[*index].name))
        .collect();
    let place = places[usize::try_from(draw.checked_rem(places.len() as u64)?).ok()?];
    let mut wrong = answer.clone();
    match fault {
        Fault::HeaderMissing => drop(wrong.fields.remove(place)),
        _ => wrong.fields[place].value.extend(b"-understudy"),
    }
    // `Expires: 0-understudy` says what `Expires: 0` says.
    (!fields::compare(answer, &wrong).is_empty()).then_some(wrong)
}

/// What contains a value.
#[derive(Clone, Copy, PartialEq)]
enum Within<'a> {
    Nothing,
    Array,
    Object(&'a str),
}

enum Edit {
    Replace(Json),
    Remove,
    Double,
}

/// Finds the places of a fault, in the order of the document; at the one that is left it is made.
struct Sites {
    fault: Fault,
    left: Option<u64>,
}

impl Sites {
    fn count(mut self, json: &Json) -> u64 {
        self.left = Some(u64::MAX);
        let _ = self.edit(json, Within::Nothing);
        u64::MAX - self.left.unwrap_or(u64::MAX)
    }

    /// The edit of this value that makes the fault, if its place is in here. Recursion is bounded by
    /// the depth that the parser allows.
    fn edit(&mut self, json: &Json, within: Within<'_>) -> Option<Edit> {
        if let Some(edit) = change(self.fault, json, within) {
            match self.left.take() {
                Some(0) => return Some(edit),
                left => self.left = left.map(|left| left - 1),
            }
        }
        match json.value() {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate().take(ITEMS) {
                    if let Some(edit) = self.edit(item, Within::Array) {
                        let mut items = items.clone();
                        match edit {
                            Edit::Replace(item) => items[index] = item,
                            Edit::Remove => drop(items.remove(index)),
                            Edit::Double => items.insert(index, item.clone()),
                        }
                        return Some(Edit::Replace(Json::new(Value::Array(items))));
                    }
                }
                None
            }
            Value::Object(entries) => {
                for (index, (name, value)) in entries.iter().enumerate() {
                    if let Some(edit) = self.edit(value, Within::Object(name)) {
                        let mut entries = entries.clone();
                        match edit {
                            Edit::Replace(value) => entries[index].1 = value,
                            Edit::Remove | Edit::Double => drop(entries.remove(index)),
                        }
                        return Some(Edit::Replace(Json::new(Value::Object(entries))));
                    }
                }
                None
            }
            _ => None,
        }
    }
}

/// What the fault makes of a value; `None` where it makes nothing.
fn change(fault: Fault, json: &Json, within: Within<'_>) -> Option<Edit> {
    let replace = |value: Value| Some(Edit::Replace(Json::new(value)));
    let text = |text: String| replace(Value::String(text.into()));
    match (fault, json.value()) {
        (Fault::FieldMissing, _) => matches!(within, Within::Object(_)).then_some(Edit::Remove),
        (Fault::ItemMissing, _) => (within == Within::Array).then_some(Edit::Remove),
        (Fault::ItemDuplicated, _) => (within == Within::Array).then_some(Edit::Double),
        (Fault::Null, Value::Null) => None,
        (Fault::Null, _) => {
            (within != Within::Nothing).then(|| Edit::Replace(Json::new(Value::Null)))
        }
        (Fault::FieldAdded, Value::Object(entries)) => {
            let mut entries = entries.clone();
            let at = entries.partition_point(|(name, _)| **name < *"understudy");
            entries.insert(at, ("understudy".into(), Json::new(Value::Bool(true))));
            replace(Value::Object(entries))
        }
        (Fault::ItemsSwapped, Value::Array(items)) => {
            let at = items
                .windows(2)
                .position(|two| two[0].hash() != two[1].hash())?;
            let mut items = items.clone();
            items.swap(at, at + 1);
            replace(Value::Array(items))
        }
        (Fault::NumberOff, Value::Number(number)) => replace(Value::Number(off(number).into())),
        (Fault::NumberScaled, Value::Number(number)) => {
            replace(Value::Number(scaled(number)?.into()))
        }
        (Fault::TypeChanged, Value::Number(number)) => text(number.to_string()),
        (Fault::TypeChanged, Value::Bool(value)) => text(value.to_string()),
        (Fault::BooleanFlipped, Value::Bool(value)) => replace(Value::Bool(!value)),
        (Fault::TimeShifted, value) => shifted(value).and_then(replace),
        (Fault::CaseChanged, Value::String(words)) if is_words(words) => text(recased(words)?),
        (Fault::TextTruncated, Value::String(words)) if is_words(words) => {
            let mut words = words.to_string();
            words.pop();
            (!words.is_empty()).then(|| text(words)).flatten()
        }
        (Fault::IdentifierChanged, Value::String(id)) => {
            let name = match within {
                Within::Object(name) => name,
                _ => "",
            };
            let kind = identifier(name, Plain::Text(id))?;
            (kind == Identifier::Long)
                .then(|| text(other(id)))
                .flatten()
        }
        _ => None,
    }
}

fn is_words(text: &str) -> bool {
    character::of_text(text).0 == "text"
}

/// The number with another last digit.
fn off(number: &str) -> String {
    let end = number.find(['e', 'E']).unwrap_or(number.len());
    let mut bytes = number.as_bytes().to_vec();
    if let Some(last) = bytes[..end]
        .iter_mut()
        .rev()
        .find(|byte| byte.is_ascii_digit())
    {
        *last = match *last {
            b'9' => b'8',
            digit => digit + 1,
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The number times a thousand.
fn scaled(number: &str) -> Option<String> {
    let value: f64 = number.parse().ok().filter(|value| *value != 0.0)?;
    if number
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'-')
    {
        return Some(format!("{number}000"));
    }
    let digits = number.split_once('.').map_or(0, |(_, digits)| digits.len());
    let large = value * 1000.0;
    large.is_finite().then(|| format!("{large:.digits$}"))
}

/// The text with the case of its first letter changed.
fn recased(text: &str) -> Option<String> {
    let at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] ^= 0x20;
    String::from_utf8(bytes).ok()
}

/// An identifier of the same form.
fn other(id: &str) -> String {
    let mut bytes = id.as_bytes().to_vec();
    let digit = bytes.iter_mut().rev().find(|byte| byte.is_ascii_hexdigit());
    if let Some(digit) = digit {
        *digit = if *digit == b'0' { b'1' } else { b'0' };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A moment one hour later (or at 23 h on the same day, 23 hours earlier).
fn shifted(value: &Value) -> Option<Value> {
    match value {
        Value::Number(number) => {
            let seconds = 3600_u64 * 10_u64.pow((number.len() as u32).checked_sub(10)?.min(9));
            let moment = Plain::Number(number).is_moment();
            let later = number.parse::<u64>().ok().filter(|_| moment)?;
            Some(Value::Number(
                later.checked_add(seconds)?.to_string().into(),
            ))
        }
        Value::String(text) if character::of_text(text).0.starts_with("timestamp") => {
            // The hour is the text before the first colon.
            let at = text.find(':')?.checked_sub(2)?;
            let hour: u32 = text.get(at..at + 2)?.parse().ok()?;
            let mut text = text.to_string();
            text.replace_range(at..at + 2, &format!("{:02}", (hour + 1) % 24));
            Some(Value::String(text.into()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Differ, Rules};
    use proptest::prelude::*;
    use understudy_model::{Outcome, Place};

    fn answer(body: &str) -> Answer {
        let field = |name: &str, value: &str| Field {
            name: name.into(),
            value: value.into(),
        };
        crate::http::answer(
            200,
            vec![
                field("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                field("content-type", "application/json"),
                field("cache-control", "no-store"),
            ],
            body.into(),
            false,
        )
    }

    const BODY: &str = r#"{"at":"2026-11-25T23:59:59.5Z","epoch":1764000000,"id":"6ba7b810-9dad-11d1-80b4-00c04fd430c8","items":[{"n":1},{"n":2.50}],"name":"Ann Lee","ok":true,"x":"Sun, 06 Nov 1994 08:49:37 GMT"}"#;

    #[test]
    fn every_fault_of_the_catalogue_is_one_difference_that_is_found_without_rules() {
        let (rules, redact) = (Rules::default(), |_: Option<&Place>, text: &str| {
            text.to_owned()
        });
        let differ = Differ::new(&rules, &redact);
        let right = answer(BODY);
        let of_json = |fault: &&Fault| {
            !matches!(
                fault,
                Fault::ElementMissing | Fault::ByteChanged | Fault::ByteMissing
            )
        };
        for fault in Fault::HTTP.iter().filter(of_json) {
            for draw in 0..40 {
                let Some(wrong) = inject(&right, *fault, draw) else {
                    panic!("no place for {}", fault.name());
                };
                let (a, b) = (Outcome::Answered(right.clone()), Outcome::Answered(wrong));
                let mut found = differ.differences("GET /", &a, &b);
                // Each differing token of a text is a difference of its own.
                found.dedup_by(|a, b| a.path == b.path && a.spot.is_some());
                assert_eq!(found.len(), 1, "{} {draw}: {found:?}", fault.name());
            }
            assert!(!fault.describe().is_empty());
        }
        for fault in [Fault::ItemsSwapped, Fault::Null, Fault::NumberOff] {
            assert_eq!(inject(&answer("{}"), fault, 1), None);
            assert_eq!(inject(&answer("no json"), fault, 1), None);
        }
    }

    #[test]
    fn faults_are_what_they_say() {
        for (number, expected) in [("1", "2"), ("19", "18"), ("2.50", "2.51"), ("1e5", "2e5")] {
            assert_eq!(off(number), expected);
        }
        for (number, expected) in [("-7", "-7000"), ("2.50", "2500.00"), ("0.001", "1.000")] {
            assert_eq!(scaled(number).as_deref(), Some(expected));
        }
        assert_eq!(scaled("0"), None);
        let at = |text: &str| match shifted(&Value::String(text.into())) {
            Some(Value::String(text)) => text.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(at("2026-11-25T23:59:59.5Z"), "2026-11-25T00:59:59.5Z");
        assert_eq!(
            at("Sun, 06 Nov 1994 08:49:37 GMT"),
            "Sun, 06 Nov 1994 09:49:37 GMT"
        );
        assert_eq!(
            other("6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
            "6ba7b810-9dad-11d1-80b4-00c04fd430c0"
        );
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(body in "\\PC{0,40}|[\\[\\]{}\":,0-9eE.a-z-]{0,40}", draw: u64) {
            for fault in Fault::HTTP {
                let _ = inject(&answer(&body), *fault, draw);
            }
        }
    }
}
