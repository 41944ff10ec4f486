//! MessagePack and CBOR (RFC 8949), as the trees that their values are.
//!
//! What JSON has no word for is an object of one entry: `#undefined`, `#simple`, `#tag` with its value, `#ext` with its
//! bytes. A key that is no text is named by its value behind a `#`; a text that begins with one has a second. A float has a
//! point, an integer has none: `1` and `1.0` are written differently, and are the same number.

use super::{array, object};
use crate::json::{Json, MAX_DEPTH, Value};
use minicbor::Decoder;
use minicbor::data::Type;
use rmp::Marker;

/// The entry of a tagged value.
const VALUE: &str = "#value";

/// A whole MessagePack value; `None` for anything else.
pub(super) fn message_pack(body: &[u8]) -> Option<Json> {
    let mut rest = body;
    let value = value(&mut rest, MAX_DEPTH)?;
    rest.is_empty().then_some(value)
}

/// Reads the next value.
fn value(rest: &mut &[u8], depth: usize) -> Option<Json> {
    let below = depth.checked_sub(1)?;
    let [marker] = take(rest)?;
    Some(match Marker::from_u8(marker) {
        Marker::Null => Json::new(Value::Null),
        Marker::False => Json::new(Value::Bool(false)),
        Marker::True => Json::new(Value::Bool(true)),
        Marker::FixPos(value) => number(value.to_string()),
        Marker::FixNeg(value) => number(value.to_string()),
        Marker::U8 => number(u8::from_be_bytes(take(rest)?).to_string()),
        Marker::U16 => number(u16::from_be_bytes(take(rest)?).to_string()),
        Marker::U32 => number(u32::from_be_bytes(take(rest)?).to_string()),
        Marker::U64 => number(u64::from_be_bytes(take(rest)?).to_string()),
        Marker::I8 => number(i8::from_be_bytes(take(rest)?).to_string()),
        Marker::I16 => number(i16::from_be_bytes(take(rest)?).to_string()),
        Marker::I32 => number(i32::from_be_bytes(take(rest)?).to_string()),
        Marker::I64 => number(i64::from_be_bytes(take(rest)?).to_string()),
        Marker::F32 => float(f64::from(f32::from_be_bytes(take(rest)?))),
        Marker::F64 => float(f64::from_be_bytes(take(rest)?)),
        Marker::FixStr(length) => text(usize::from(length), rest)?,
        Marker::Str8 => text(length::<1>(rest)?, rest)?,
        Marker::Str16 => text(length::<2>(rest)?, rest)?,
        Marker::Str32 => text(length::<4>(rest)?, rest)?,
        Marker::Bin8 => bytes(many(length::<1>(rest)?, rest)?),
        Marker::Bin16 => bytes(many(length::<2>(rest)?, rest)?),
        Marker::Bin32 => bytes(many(length::<4>(rest)?, rest)?),
        Marker::FixArray(length) => items(usize::from(length), rest, below)?,
        Marker::Array16 => items(length::<2>(rest)?, rest, below)?,
        Marker::Array32 => items(length::<4>(rest)?, rest, below)?,
        Marker::FixMap(length) => entries(usize::from(length), rest, below)?,
        Marker::Map16 => entries(length::<2>(rest)?, rest, below)?,
        Marker::Map32 => entries(length::<4>(rest)?, rest, below)?,
        Marker::FixExt1 => extension(1, rest)?,
        Marker::FixExt2 => extension(2, rest)?,
        Marker::FixExt4 => extension(4, rest)?,
        Marker::FixExt8 => extension(8, rest)?,
        Marker::FixExt16 => extension(16, rest)?,
        Marker::Ext8 => extension(length::<1>(rest)?, rest)?,
        Marker::Ext16 => extension(length::<2>(rest)?, rest)?,
        Marker::Ext32 => extension(length::<4>(rest)?, rest)?,
        Marker::Reserved => return None,
    })
}

/// The next bytes.
fn take<const COUNT: usize>(rest: &mut &[u8]) -> Option<[u8; COUNT]> {
    let (taken, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*taken)
}

/// The same where their number is told by the bytes before.
fn many<'b>(count: usize, rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (taken, behind) = rest.split_at_checked(count)?;
    *rest = behind;
    Some(taken)
}

/// A length of so many bytes.
fn length<const BYTES: usize>(rest: &mut &[u8]) -> Option<usize> {
    let bytes: [u8; BYTES] = take(rest)?;
    let add = |sum: usize, byte: &u8| sum << 8 | usize::from(*byte);
    Some(bytes.iter().fold(0, add))
}

fn text(length: usize, rest: &mut &[u8]) -> Option<Json> {
    let content = many(length, rest)?;
    // Old writers put bytes into texts.
    Some(std::str::from_utf8(content).map_or_else(|_| bytes(content), string))
}

fn items(length: usize, rest: &mut &[u8], depth: usize) -> Option<Json> {
    let mut items = Vec::new();
    for _ in 0..length {
        items.push(value(rest, depth)?);
    }
    Some(array(items))
}

fn entries(length: usize, rest: &mut &[u8], depth: usize) -> Option<Json> {
    let mut entries = Vec::new();
    for _ in 0..length {
        let key = value(rest, depth)?;
        entries.push((name(&key), value(rest, depth)?));
    }
    Some(object(entries))
}

fn extension(length: usize, rest: &mut &[u8]) -> Option<Json> {
    let kind = i8::from_be_bytes(take(rest)?);
    Some(object(vec![
        ("#ext".into(), number(kind.to_string())),
        (VALUE.into(), bytes(many(length, rest)?)),
    ]))
}

/// A whole CBOR data item; `None` for anything else.
pub(super) fn cbor(body: &[u8]) -> Option<Json> {
    let mut decoder = Decoder::new(body);
    let item = item(&mut decoder, MAX_DEPTH)?;
    (decoder.position() == body.len()).then_some(item)
}

fn item(decoder: &mut Decoder<'_>, depth: usize) -> Option<Json> {
    let below = depth.checked_sub(1)?;
    Some(match decoder.datatype().ok()? {
        Type::Null => {
            decoder.null().ok()?;
            Json::new(Value::Null)
        }
        Type::Undefined => {
            decoder.undefined().ok()?;
            object(vec![("#undefined".into(), Json::new(Value::Null))])
        }
        Type::Bool => Json::new(Value::Bool(decoder.bool().ok()?)),
        Type::U8
        | Type::U16
        | Type::U32
        | Type::U64
        | Type::I8
        | Type::I16
        | Type::I32
        | Type::I64
        | Type::Int => number(i128::from(decoder.int().ok()?).to_string()),
        Type::F16 => float(f64::from(decoder.f16().ok()?)),
        Type::F32 => float(f64::from(decoder.f32().ok()?)),
        Type::F64 => float(decoder.f64().ok()?),
        Type::Simple => {
            let value = decoder.simple().ok()?;
            object(vec![("#simple".into(), number(value.to_string()))])
        }
        Type::Bytes | Type::BytesIndef => {
            let parts: Result<Vec<&[u8]>, _> = decoder.bytes_iter().ok()?.collect();
            bytes(&parts.ok()?.concat())
        }
        Type::String | Type::StringIndef => {
            let parts: Result<Vec<&str>, _> = decoder.str_iter().ok()?.collect();
            string(&parts.ok()?.concat())
        }
        Type::Array | Type::ArrayIndef => {
            let mut items = Vec::new();
            let length = decoder.array().ok()?;
            while goes_on(decoder, length, items.len())? {
                items.push(item(decoder, below)?);
            }
            array(items)
        }
        Type::Map | Type::MapIndef => {
            let mut entries = Vec::new();
            let length = decoder.map().ok()?;
            while goes_on(decoder, length, entries.len())? {
                let key = item(decoder, below)?;
                entries.push((name(&key), item(decoder, below)?));
            }
            object(entries)
        }
        Type::Tag => {
            let tag = decoder.tag().ok()?.as_u64();
            object(vec![
                ("#tag".into(), number(tag.to_string())),
                (VALUE.into(), item(decoder, below)?),
            ])
        }
        Type::Break | Type::Unknown(_) => return None,
    })
}

/// Is there another element, of so many or until a break, which is consumed?
fn goes_on(decoder: &mut Decoder<'_>, length: Option<u64>, so_far: usize) -> Option<bool> {
    if let Some(length) = length {
        return Some((so_far as u64) < length);
    }
    let is_over = decoder.datatype().ok()? == Type::Break;
    if is_over {
        decoder.set_position(decoder.position() + 1);
    }
    Some(!is_over)
}

/// The name of an entry by its key.
fn name(key: &Json) -> Box<str> {
    match key.value() {
        Value::String(text) if text.starts_with('#') => format!("#{text}").into(),
        Value::String(text) => text.clone(),
        _ => {
            let mut text = "#".to_owned();
            key.write(&mut text);
            text.into()
        }
    }
}

fn number(text: String) -> Json {
    Json::new(Value::Number(text.into()))
}

fn float(value: f64) -> Json {
    super::float(value, format!("{value:?}"))
}

fn string(text: &str) -> Json {
    Json::new(Value::String(text.into()))
}

fn bytes(content: &[u8]) -> Json {
    Json::new(Value::Bytes(content.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(json: Option<Json>) -> String {
        let mut text = String::new();
        match json {
            Some(json) => json.write(&mut text),
            None => text.push_str("none"),
        }
        text
    }

    #[test]
    fn the_examples_of_rfc_8949_are_read() {
        // Appendix A.
        for (body, expected) in [
            ("00", "0"),
            ("1bffffffffffffffff", "18446744073709551615"),
            ("3bffffffffffffffff", "-18446744073709551616"),
            ("f93c00", "1.0"),
            ("f97bff", "65504.0"),
            ("fa47c35000", "100000.0"),
            ("fb3ff199999999999a", "1.1"),
            ("f97c00", "Infinity"),
            ("f97e00", "NaN"),
            ("f4", "false"),
            ("f6", "null"),
            ("f7", r##"{"#undefined":null}"##),
            ("f0", r##"{"#simple":16}"##),
            ("c11a514b67b0", r##"{"#tag":1,"#value":1363896240}"##),
            ("6449455446", "\"IETF\""),
            ("83010203", "[1,2,3]"),
            ("a201020304", r##"{"#1":2,"#3":4}"##),
            ("a26161016162820203", r#"{"a":1,"b":[2,3]}"#),
            ("7f657374726561646d696e67ff", "\"streaming\""),
            ("9f018202039f0405ffff", "[1,[2,3],[4,5]]"),
            ("bf61610161629f0203ffff", r#"{"a":1,"b":[2,3]}"#),
        ] {
            assert_eq!(shown(cbor(&hex(body))), expected, "{body}");
        }
        for wrong in ["", "ff", "8301", "0000", "61ff", "1c"] {
            assert_eq!(shown(cbor(&hex(wrong))), "none", "{wrong}");
        }
    }

    #[test]
    fn values_of_message_pack_are_read() {
        for (body, expected) in [
            ("c0", "null"),
            ("ccff", "255"),
            ("d3ffffffffffffffff", "-1"),
            ("cb3ff0000000000000", "1.0"),
            ("a161", "\"a\""),
            ("93010203", "[1,2,3]"),
            ("82a1610101a162", r##"{"#1":"b","a":1}"##),
            ("81a2236101", r####"{"##a":1}"####),
        ] {
            assert_eq!(shown(message_pack(&hex(body))), expected, "{body}");
        }
        let ext = shown(message_pack(&hex("d6ff5a4af6a5")));
        assert!(
            ext.starts_with(r##"{"#ext":-1,"#value":"4 bytes #"##),
            "{ext}"
        );
        for wrong in ["", "c1", "9301", "0000"] {
            assert_eq!(shown(message_pack(&hex(wrong))), "none", "{wrong}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = |open: u8, inner: u8| {
            let mut body = vec![open; 100_000];
            body.push(inner);
            body
        };
        assert_eq!(shown(cbor(&deep(0x81, 0x00))), "none");
        assert_eq!(shown(message_pack(&deep(0x91, 0x00))), "none");
    }

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<char> = text.chars().collect();
        let byte = |pair: &[char]| {
            let text: String = pair.iter().collect();
            u8::from_str_radix(&text, 16).unwrap()
        };
        digits.chunks(2).map(byte).collect()
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = cbor(&body);
            let _ = message_pack(&body);
        }
    }
}
