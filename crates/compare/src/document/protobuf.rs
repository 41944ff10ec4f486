//! Protocol buffers, by the descriptors that say what their bytes mean (protobuf.dev, "Encoding", "ProtoJSON").
//!
//! | message | tree |
//! |---|---|
//! | field | an entry of its name in the `.proto` file; one without presence that has its default is not there |
//! | enum | the name of the value; a number that has no name is that number |
//! | map | an object; keys as texts |
//! | `google.protobuf.Any` | `{"#type": ..., "#value": ...}` where its type is described |
//! | field without a description | `#NUMBER`, its bytes on the wire |
//!
//! In which order fields were written, and whether numbers were packed, means nothing and is gone.

use super::{array, object};
use crate::fields;
use crate::json::{Json, MAX_DEPTH, Value};
use crate::rules::matches;
use prost_reflect::prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, Kind, MapKey, MessageDescriptor, ReflectMessage as _,
    Value as Field,
};
use std::collections::BTreeMap;
use understudy_model::Field as Header;

/// The message that holds a message of any type, and how the name of that begins.
const ANY: &str = "google.protobuf.Any";
/// Parameters of a media type that name the message: of Prometheus, gRPC gateways and others.
const PARAMETERS: [&str; 3] = ["proto", "messagetype", "message"];
/// The header in which Spring names it.
const SPRING: &str = "x-protobuf-message";

/// Which messages bodies hold, and what they mean.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    pool: Option<DescriptorPool>,
    /// By pattern of an operation, the first that matches.
    of: Vec<(String, MessageDescriptor)>,
}

/// Why nothing can be read by descriptors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessagesError {
    /// The file is none.
    #[error(
        "is not a set of descriptors ({0})\nhint: make one with protoc --include_imports --descriptor_set_out=FILE"
    )]
    Descriptors(String),
    /// A message that is not described.
    #[error("{name:?} is not in the descriptors{}", .meant.as_ref().map_or_else(String::new, |meant| format!("\nhint: did you mean {meant:?}?")))]
    Unknown {
        /// What it was called.
        name: String,
        /// The one that is most like it.
        meant: Option<String>,
    },
}

impl Messages {
    /// By the descriptors of a file that `protoc --descriptor_set_out` wrote.
    ///
    /// # Errors
    /// It is none.
    pub fn read(descriptors: &[u8]) -> Result<Messages, MessagesError> {
        let pool = DescriptorPool::decode(descriptors);
        let pool = pool.map_err(|error| MessagesError::Descriptors(error.to_string()))?;
        Ok(Messages {
            pool: Some(pool),
            of: Vec::new(),
        })
    }

    /// Answers of the operations that this pattern matches hold the message of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn name(&mut self, operation: String, name: &str) -> Result<(), MessagesError> {
        let found = self
            .pool
            .as_ref()
            .and_then(|pool| pool.get_message_by_name(name));
        let Some(message) = found else {
            let all = self.pool.iter().flat_map(DescriptorPool::all_messages);
            let all: Vec<String> = all.map(|message| message.full_name().to_owned()).collect();
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            return Err(MessagesError::Unknown {
                name: name.to_owned(),
                meant: understudy_model::meant(name, &all).map(str::to_owned),
            });
        };
        self.of.push((operation, message));
        Ok(())
    }

    /// The message that an answer holds: as was said of its operation, else as its headers name it. What says that it is
    /// JSON or anything else that is no message holds none.
    pub(crate) fn of(&self, operation: &str, headers: &[Header]) -> Option<Held> {
        let pool = self.pool.as_ref()?;
        let media = fields::media_type(headers);
        let is_message = media.as_deref().is_some_and(is_media_type);
        let is_unsaid = matches!(media.as_deref(), None | Some("application/octet-stream"));
        let parameter = |name: &str| fields::parameter(headers, name);
        let is_delimited = parameter("encoding").is_some_and(|way| way == "delimited");
        let held = |message| Held {
            message,
            is_delimited,
        };
        let mut said = self.of.iter().filter(|_| is_message || is_unsaid);
        if let Some((_, message)) = said.find(|(pattern, _)| matches(pattern, operation)) {
            return Some(held(message.clone()));
        }
        let header = headers.iter().find(|header| header.name == SPRING);
        let header = header.and_then(|header| String::from_utf8(header.value.clone()).ok());
        let mut named = PARAMETERS
            .iter()
            .filter_map(|name| parameter(name))
            .chain(header);
        let message = named.find_map(|name| pool.get_message_by_name(&name));
        message.filter(|_| is_message).map(held)
    }
}

/// Is a body of this media type a message?
pub(super) fn is_media_type(media: &str) -> bool {
    let subtype = media.split_once('/').map_or("", |(_, subtype)| subtype);
    matches!(
        subtype,
        "protobuf" | "x-protobuf" | "vnd.google.protobuf" | "x-google-protobuf"
    ) || subtype.ends_with("+protobuf")
        || subtype.ends_with("+proto")
}

/// The message of a body.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    message: MessageDescriptor,
    /// The body is a sequence of such messages, each with its length before it.
    is_delimited: bool,
}

impl Held {
    /// What a body says; `None` if it is no such message.
    pub(super) fn read(&self, body: &[u8]) -> Option<Json> {
        let message = || self.message.clone();
        if !self.is_delimited {
            return tree(&DynamicMessage::decode(message(), body).ok()?, MAX_DEPTH);
        }
        let (mut rest, mut all) = (body, Vec::new());
        while !rest.is_empty() {
            let mut next = DynamicMessage::new(message());
            next.merge_length_delimited(&mut rest).ok()?;
            all.push(tree(&next, MAX_DEPTH.checked_sub(1)?)?);
        }
        Some(array(all))
    }
}

fn tree(message: &DynamicMessage, depth: usize) -> Option<Json> {
    let below = depth.checked_sub(1)?;
    if let Some(held) = held_by_any(message, below) {
        return Some(held);
    }
    let mut entries = Vec::new();
    for (field, value) in message.fields() {
        entries.push((field.name().into(), value_of(value, &field.kind(), below)?));
    }
    for (extension, value) in message.extensions() {
        let name = format!("[{}]", extension.full_name());
        entries.push((name.into(), value_of(value, &extension.kind(), below)?));
    }
    let mut unknown: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    for field in message.unknown_fields() {
        field.encode(unknown.entry(field.number()).or_default());
    }
    entries.extend(unknown.into_iter().map(|(number, bytes)| {
        let bytes = Json::new(Value::Bytes(bytes.into()));
        (format!("#{number}").into(), bytes)
    }));
    Some(object(entries))
}

/// What an `Any` holds, where its type is described and its bytes are one.
fn held_by_any(message: &DynamicMessage, depth: usize) -> Option<Json> {
    let descriptor = message.descriptor();
    if descriptor.full_name() != ANY {
        return None;
    }
    let of_type = message.get_field_by_name("type_url")?;
    let name = of_type.as_str()?.rsplit('/').next()?;
    let held = descriptor.parent_pool().get_message_by_name(name)?;
    let bytes = message.get_field_by_name("value")?;
    let held = DynamicMessage::decode(held, bytes.as_bytes()?.clone()).ok()?;
    let of_type = Json::new(Value::String(name.into()));
    Some(object(vec![
        ("#type".into(), of_type),
        ("#value".into(), tree(&held, depth)?),
    ]))
}

fn value_of(value: &Field, kind: &Kind, depth: usize) -> Option<Json> {
    let below = depth.checked_sub(1)?;
    let number = |text: String| Json::new(Value::Number(text.into()));
    Some(match value {
        Field::Bool(value) => Json::new(Value::Bool(*value)),
        Field::I32(value) => number(value.to_string()),
        Field::I64(value) => number(value.to_string()),
        Field::U32(value) => number(value.to_string()),
        Field::U64(value) => number(value.to_string()),
        Field::F32(value) => super::float(f64::from(*value), format!("{value:?}")),
        Field::F64(value) => super::float(*value, format!("{value:?}")),
        Field::String(text) => super::string(text),
        Field::Bytes(bytes) => Json::new(Value::Bytes(bytes.to_vec().into())),
        Field::EnumNumber(value) => match kind {
            Kind::Enum(of) => match of.get_value(*value) {
                Some(named) => Json::new(Value::String(named.name().into())),
                None => number(value.to_string()),
            },
            _ => number(value.to_string()),
        },
        Field::Message(message) => tree(message, below)?,
        Field::List(values) => {
            let all = values.iter().map(|value| value_of(value, kind, below));
            array(all.collect::<Option<Vec<_>>>()?)
        }
        Field::Map(entries) => {
            // The kind of a map is that of its entries.
            let kind = match kind {
                Kind::Message(entry) => entry.map_entry_value_field().kind(),
                kind => kind.clone(),
            };
            let entry = |(key, value): (&MapKey, &Field)| {
                Some((name_of(key).into(), value_of(value, &kind, below)?))
            };
            object(entries.iter().map(entry).collect::<Option<Vec<_>>>()?)
        }
    })
}

fn name_of(key: &MapKey) -> String {
    match key {
        MapKey::Bool(value) => value.to_string(),
        MapKey::I32(value) => value.to_string(),
        MapKey::I64(value) => value.to_string(),
        MapKey::U32(value) => value.to_string(),
        MapKey::U64(value) => value.to_string(),
        MapKey::String(text) => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use prost_reflect::prost_types::field_descriptor_proto::{Label, Type};
    use prost_reflect::prost_types::{
        DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto,
        FileDescriptorProto, FileDescriptorSet, MessageOptions,
    };

    fn field(
        name: &str,
        number: i32,
        label: Label,
        of: Type,
        type_name: &str,
    ) -> FieldDescriptorProto {
        FieldDescriptorProto {
            name: Some(name.to_owned()),
            number: Some(number),
            label: Some(label.into()),
            r#type: Some(of.into()),
            type_name: Some(type_name.to_owned()).filter(|name| !name.is_empty()),
            ..FieldDescriptorProto::default()
        }
    }

    /// shop.Order { int64 id = 1; repeated int32 items = 2; State state = 3; map<string, double> prices = 4; Order next = 5;
    /// bytes raw = 6; }
    fn descriptors() -> Vec<u8> {
        let one = Label::Optional;
        let state = |name: &str, number| EnumValueDescriptorProto {
            name: Some(name.to_owned()),
            number: Some(number),
            ..EnumValueDescriptorProto::default()
        };
        let entry = DescriptorProto {
            name: Some("PricesEntry".to_owned()),
            field: vec![
                field("key", 1, one, Type::String, ""),
                field("value", 2, one, Type::Double, ""),
            ],
            options: Some(MessageOptions {
                map_entry: Some(true),
                ..MessageOptions::default()
            }),
            ..DescriptorProto::default()
        };
        let order = DescriptorProto {
            name: Some("Order".to_owned()),
            field: vec![
                field("id", 1, one, Type::Int64, ""),
                field("items", 2, Label::Repeated, Type::Int32, ""),
                field("state", 3, one, Type::Enum, ".shop.State"),
                field(
                    "prices",
                    4,
                    Label::Repeated,
                    Type::Message,
                    ".shop.Order.PricesEntry",
                ),
                field("next", 5, one, Type::Message, ".shop.Order"),
                field("raw", 6, one, Type::Bytes, ""),
            ],
            nested_type: vec![entry],
            ..DescriptorProto::default()
        };
        let file = FileDescriptorProto {
            name: Some("shop.proto".to_owned()),
            package: Some("shop".to_owned()),
            syntax: Some("proto3".to_owned()),
            message_type: vec![order],
            enum_type: vec![EnumDescriptorProto {
                name: Some("State".to_owned()),
                value: vec![state("NEW", 0), state("PAID", 1)],
                ..EnumDescriptorProto::default()
            }],
            ..FileDescriptorProto::default()
        };
        FileDescriptorSet { file: vec![file] }.encode_to_vec()
    }

    fn messages() -> Messages {
        Messages::read(&descriptors()).unwrap()
    }

    fn headers(media: &str) -> Vec<Header> {
        vec![Header {
            name: "content-type".to_owned(),
            value: media.as_bytes().to_vec(),
        }]
    }

    fn shown(messages: &Messages, media: &str, body: &[u8]) -> String {
        let held = messages.of("GET /orders/{id}", &headers(media));
        let mut text = String::new();
        match held.and_then(|held| held.read(body)) {
            Some(json) => json.write(&mut text),
            None => text.push_str("none"),
        }
        text
    }

    const NAMED: &str = "application/x-protobuf; messageType=\"shop.Order\"";

    #[test]
    fn a_message_is_read_by_its_descriptor_however_it_is_written() {
        let messages = messages();
        let packed: &[u8] = &[8, 150, 1, 18, 2, 1, 2, 24, 1];
        let apart: &[u8] = &[24, 1, 16, 1, 16, 2, 8, 150, 1];
        let expected = r#"{"id":150,"items":[1,2],"state":"PAID"}"#;
        assert_eq!(shown(&messages, NAMED, packed), expected);
        assert_eq!(shown(&messages, NAMED, apart), expected);
        // A default is as good as nothing, a number without a name stays one.
        assert_eq!(shown(&messages, NAMED, &[8, 0, 24, 7]), r#"{"state":7}"#);
        let map: &[u8] = &[
            34, 12, 10, 1, b'a', 17, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 42, 2, 8, 1,
        ];
        assert_eq!(
            shown(&messages, NAMED, map),
            r#"{"next":{"id":1},"prices":{"a":1.5}}"#
        );
        let unknown = shown(&messages, NAMED, &[0xa0, 6, 1, 8, 1]);
        assert!(unknown.starts_with(r##"{"#100":"3 bytes #"##), "{unknown}");
        for wrong in [&[8][..], &[18, 5, 1], &[255; 12]] {
            assert_eq!(shown(&messages, NAMED, wrong), "none", "{wrong:?}");
        }
    }

    #[test]
    fn the_operation_or_a_header_says_which_message_it_is() {
        let mut messages = messages();
        let body: &[u8] = &[8, 1];
        for (media, is_known) in [
            (NAMED, true),
            ("application/vnd.google.protobuf; proto=shop.Order", true),
            ("application/vnd.google.protobuf; proto=shop.Nothing", false),
            ("application/protobuf", false),
            ("application/json; proto=shop.Order", false),
        ] {
            assert_eq!(shown(&messages, media, body) != "none", is_known, "{media}");
        }
        let spring = Header {
            name: SPRING.to_owned(),
            value: b"shop.Order".to_vec(),
        };
        let all = [headers("application/x-protobuf"), vec![spring]].concat();
        assert!(messages.of("GET /", &all).is_some());

        messages
            .name("GET /orders/*".to_owned(), "shop.Order")
            .unwrap();
        assert_eq!(
            shown(&messages, "application/octet-stream", body),
            r#"{"id":1}"#
        );
        assert_eq!(shown(&messages, "application/json", body), "none");
        assert!(
            messages
                .of("GET /other", &headers("application/protobuf"))
                .is_none()
        );
        let error = messages.name("*".to_owned(), "shop.Ordr").unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"shop.Ordr\" is not in the descriptors\nhint: did you mean \"shop.Order\"?"
        );
        assert!(Messages::read(b"no descriptors").is_err());
    }

    #[test]
    fn a_sequence_of_messages_is_an_array() {
        let media = "application/vnd.google.protobuf; proto=shop.Order; encoding=delimited";
        let body: &[u8] = &[2, 8, 1, 0, 2, 8, 2];
        assert_eq!(shown(&messages(), media, body), r#"[{"id":1},{},{"id":2}]"#);
        assert_eq!(shown(&messages(), media, &body[..6]), "none");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = shown(&messages(), NAMED, &body);
        }
    }
}
