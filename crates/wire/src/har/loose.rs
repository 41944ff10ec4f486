//! Values of another type than the format says, where they have one meaning.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// A text; a number or truth value as it is written, nothing for `null`.
#[derive(Clone, Debug, Default)]
pub(super) struct Text(pub(super) Option<String>);

impl Text {
    /// The number that it is.
    pub(super) fn number(&self) -> Option<f64> {
        self.0.as_deref()?.trim().parse().ok()
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&'de RawValue>::deserialize(deserializer)?.get();
        match json.as_bytes().first() {
            Some(b'"') => serde_json::from_str(json)
                .map(|text| Text(Some(text)))
                .map_err(D::Error::custom),
            Some(b'n') => Ok(Text(None)),
            Some(b'{' | b'[') => Err(D::Error::custom("not a text")),
            _ => Ok(Text(Some(json.to_owned()))),
        }
    }
}

/// A value that is there, `null` included.
pub(super) fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Text>, D::Error> {
    Text::deserialize(deserializer).map(Some)
}

/// Is the value there, and neither `null`, `false`, 0 nor empty?
pub(super) fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let json = <&'de RawValue>::deserialize(deserializer)?.get();
    Ok(!matches!(
        json,
        "null" | "false" | "0" | "\"\"" | "{}" | "[]"
    ))
}

/// Name and value of a header, a cookie or a parameter.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Named {
    #[serde(default)]
    pub(super) name: Text,
    #[serde(default)]
    pub(super) value: Text,
}

/// Those that have a name and a value.
pub(super) fn pairs(all: Vec<Named>) -> Vec<(String, String)> {
    let complete = |of: Named| Some((of.name.0.filter(|name| !name.is_empty())?, of.value.0?));
    all.into_iter().filter_map(complete).collect()
}

/// A list of names with values: nothing for `null`, and an object as the list of its members.
pub(super) fn listed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Named>, D::Error> {
    struct Listed;
    impl<'de> Visitor<'de> for Listed {
        type Value = Vec<Named>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of names with values")
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Self::Value, A::Error> {
            let mut out = Vec::new();
            while let Some(one) = all.next_element()? {
                out.extend::<Option<Named>>(one);
            }
            Ok(out)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<Self::Value, A::Error> {
            let mut out = Vec::new();
            while let Some((name, value)) = all.next_entry()? {
                let name = Text(Some(name));
                out.push(Named { name, value });
            }
            Ok(out)
        }
    }
    deserializer.deserialize_any(Listed)
}
