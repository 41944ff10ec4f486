//! What a body says, as one tree for every type that has a structure.
//!
//! | type | tree |
//! |---|---|
//! | JSON | itself; a text that is JSON is `{"#json": ..., "#spelling": ...}` |
//! | JSON lines | an array of documents; a line that is not JSON is `{"#text": ...}` |
//! | server-sent events | an array of objects by field |
//! | XML, HTML | an element is `{"@attribute": ..., "child": [...], "#text": [...]}` |
//! | CSV, TSV | `{"header": [...], "rows": [{"column": ...}]}`; without a header rows are arrays |
//! | forms | an object; repeated names in their order |
//! | multipart | an array of `{"headers": ..., "body": ...}` |
//! | MessagePack, CBOR | its value |
//! | protocol buffers | an object by field, where a descriptor says what it means |
//!
//! What means nothing in the type (the order of members and attributes, quotes, escapes) is gone. What a
//! strict reader sees and the tree does not hold (a byte order mark, a prefix, line ends, white space between
//! elements) is the document's *layout*.

mod binary;
mod charset;
mod events;
mod form;
mod json_text;
mod lines;
mod markup;
mod multipart;
pub(crate) mod protobuf;
mod table;

use crate::fields;
use crate::json::{Json, Value};
use protobuf::Held;
use std::borrow::Cow;
use std::collections::BTreeSet;
use understudy_model::Field;

/// Entries of a layout that are kept.
const LAYOUT: usize = 256;
/// The entry of a document that begins with U+FEFF.
const BYTE_ORDER_MARK: &str = "byte order mark";

/// The types of body that have a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    JsonLines,
    Events,
    Markup,
    Table,
    Fields,
    Multipart,
    MessagePack,
    Cbor,
    Protobuf,
}

impl Form {
    /// The name in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Form::Json => "json",
            Form::JsonLines => "json lines",
            Form::Events => "server-sent events",
            Form::Markup => "markup",
            Form::Table => "a table",
            Form::Fields => "a form",
            Form::Multipart => "multipart",
            Form::MessagePack => "MessagePack",
            Form::Cbor => "CBOR",
            Form::Protobuf => "protocol buffers",
        }
    }
}

/// How a document is written, where the type gives it no meaning and a strict reader sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout(BTreeSet<String>);

impl Layout {
    pub(crate) fn note(&mut self, what: impl Into<String>) {
        if self.0.len() < LAYOUT {
            self.0.insert(what.into());
        }
    }

    fn forget(&mut self, what: &str) {
        self.0.remove(what);
    }

    /// In words; empty for what is written as most writers do.
    pub(crate) fn text(&self) -> String {
        let all: Vec<&str> = self.0.iter().map(String::as_str).collect();
        all.join(", ")
    }
}

/// A body by its type.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) form: Form,
    pub(crate) root: Json,
    pub(crate) layout: Layout,
}

impl Document {
    /// Do both say the same, written in the same way?
    pub(crate) fn says_the_same(&self, other: &Document) -> bool {
        self.form == other.form
            && self.root.hash() == other.root.hash()
            && self.layout == other.layout
    }
}

/// What a body is.
#[derive(Clone, Debug)]
pub(crate) enum Body<'b> {
    Document(Document),
    /// Any other text.
    Text(Cow<'b, str>, Layout),
    Bytes,
}

/// Reads a body without its content codings, which holds this message, where that is known.
pub(crate) fn read<'b>(fields: &[Field], body: &'b [u8], held: Option<&Held>) -> Body<'b> {
    let said = match held {
        Some(_) => Some(Form::Protobuf),
        None => form_of(fields),
    };
    let binary = said.and_then(|form| match form {
        // Without a descriptor, its bytes can mean many things.
        Form::Protobuf => Some((form, held.and_then(|held| held.read(body)))),
        Form::MessagePack => Some((form, binary::message_pack(body))),
        Form::Cbor => Some((form, binary::cbor(body))),
        _ => None,
    });
    if let Some((form, root)) = binary {
        let layout = Layout::default();
        return root.map_or(Body::Bytes, |root| {
            Body::Document(Document { form, root, layout })
        });
    }
    let Some((text, mut layout)) = charset::decode(fields, body) else {
        return match form_of(fields) {
            // Parts may be of any bytes.
            Some(form @ Form::Multipart) => {
                let mut layout = Layout::default();
                match multipart::read(fields, body, &mut layout) {
                    Some(root) => Body::Document(Document { form, root, layout }),
                    None => Body::Bytes,
                }
            }
            _ => Body::Bytes,
        };
    };
    match document(fields, body, &text, &mut layout) {
        Some((form, root)) => Body::Document(Document { form, root, layout }),
        None => {
            lines::note_ends(&text, &mut layout);
            Body::Text(text, layout)
        }
    }
}

/// The text of bytes that say nothing of themselves but by a byte order mark; `None` for what is not text.
pub(crate) fn text(body: &[u8]) -> Option<(Cow<'_, str>, Layout)> {
    charset::decode(&[], body)
}

/// As what it says it is, else as what it looks like.
fn document(
    fields: &[Field],
    body: &[u8],
    text: &str,
    layout: &mut Layout,
) -> Option<(Form, Json)> {
    let said = form_of(fields);
    let form = said.or_else(|| sniff(text))?;
    let root = match form {
        Form::Json => {
            json_text::read(text, layout).filter(|json| said.is_some() || json.is_structured())
        }
        Form::JsonLines => lines::read(text, layout),
        Form::Events => Some(events::read(text, layout)),
        Form::Markup => Some(markup::read(text, is_html(fields, text), layout)),
        Form::Table => table::read(text, says_tabs(fields), layout),
        Form::Fields => form::read(text),
        Form::Multipart => multipart::read(fields, body, layout),
        // Read before, since they are no text.
        Form::MessagePack | Form::Cbor | Form::Protobuf => None,
    };
    root.map(|root| (form, root))
}

/// What the answer says that its body is.
pub(crate) fn form_of(fields: &[Field]) -> Option<Form> {
    let media = fields::media_type(fields)?;
    let (class, subtype) = media.split_once('/')?;
    if fields::is_json_type(&media) {
        return Some(Form::Json);
    }
    Some(match (class, subtype) {
        (
            _,
            "x-ndjson" | "ndjson" | "jsonl" | "jsonlines" | "x-jsonlines" | "json-seq"
            | "stream+json",
        ) => Form::JsonLines,
        (_, "event-stream") => Form::Events,
        (_, "html" | "xhtml+xml" | "xml" | "svg+xml") => Form::Markup,
        (_, subtype) if subtype.ends_with("+xml") => Form::Markup,
        ("text", "csv" | "tab-separated-values") | (_, "csv") => Form::Table,
        (_, "x-www-form-urlencoded") => Form::Fields,
        ("multipart", _) => Form::Multipart,
        (_, "msgpack" | "x-msgpack" | "vnd.msgpack") => Form::MessagePack,
        (_, "cbor") => Form::Cbor,
        (_, subtype) if subtype.ends_with("+msgpack") => Form::MessagePack,
        (_, subtype) if subtype.ends_with("+cbor") => Form::Cbor,
        _ if protobuf::is_media_type(&media) => Form::Protobuf,
        _ => return None,
    })
}

/// What a text looks like that says nothing of use.
fn sniff(text: &str) -> Option<Form> {
    let start = text.trim_start();
    let begins = |with: &str| {
        start
            .get(..with.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    if begins("<?xml") || begins("<!doctype html") || begins("<html") {
        return Some(Form::Markup);
    }
    if start.starts_with(['{', '[']) && lines::looks_like(text) {
        return Some(Form::JsonLines);
    }
    // Also behind a prefix or in a call.
    Some(Form::Json)
}

fn is_html(fields: &[Field], text: &str) -> bool {
    match fields::media_type(fields).as_deref() {
        Some("text/html") => true,
        Some(media) if media.ends_with("xml") => false,
        _ => !text.trim_start().starts_with("<?xml"),
    }
}

fn says_tabs(fields: &[Field]) -> bool {
    fields::media_type(fields).as_deref() == Some("text/tab-separated-values")
}

pub(crate) use lines::{as_text as lines_as_text, of as lines_of};
pub(crate) use markup::ORDER;

/// A float, and these digits of it: those of Rust's debug form are the fewest that read back, with a point or an
/// exponent.
fn float(value: f64, digits: String) -> Json {
    let text = match value {
        value if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        _ => digits,
    };
    Json::new(Value::Number(text.into()))
}

/// An object of these entries.
fn object(mut entries: Vec<(Box<str>, Json)>) -> Json {
    // A stable sort: entries of one name keep the order written.
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    Json::new(Value::Object(entries))
}

fn array(items: Vec<Json>) -> Json {
    Json::new(Value::Array(items))
}

/// A text in a document; if it is itself a JSON document, that.
fn string(text: &str) -> Json {
    crate::json::embedded(text).unwrap_or_else(|| Json::new(Value::String(text.into())))
}

#[cfg(test)]
mod tests;
