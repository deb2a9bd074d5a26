//! Reading JSON from strangers: with a limit on nesting, and without losing a repeated key.

pub(crate) mod strict;

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use thiserror::Error;

/// Deepest nesting of arrays and objects that is read.
pub const MAX_DEPTH: usize = 16;

/// What to do with a key that an object holds twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeated {
    /// The text is refused: one of the two would be lost.
    Refuse,
    /// The last one counts, as in the original's Python.
    LastCounts,
}

/// Why a text cannot be read; the message names line and column.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct JsonError(#[from] serde_json::Error);

/// Reads one JSON text.
///
/// # Errors
///
/// [`JsonError`] if `text` is not JSON (NaN and Infinity are not), holds something behind the value,
/// nests deeper than [`MAX_DEPTH`], or repeats a key that `repeated` says to refuse.
pub fn parse(text: &[u8], repeated: Repeated) -> Result<Value, JsonError> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Seed { repeated, depth: 0 }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Seed {
    repeated: Repeated,
    depth: usize,
}

impl Seed {
    fn inner<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH}")));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let seed = self.inner()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(seed)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let seed = self.inner()?;
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(seed)?;
            if self.repeated == Repeated::Refuse && object.contains_key(&key) {
                return Err(A::Error::custom(format_args!("repeated key {key:?}")));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_limited_and_the_message_holds_the_limit() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert!(parse(&nested(MAX_DEPTH), Repeated::Refuse).is_ok());
        let error = parse(&nested(MAX_DEPTH + 1), Repeated::Refuse).unwrap_err();
        assert!(error.to_string().starts_with("nested deeper than 16"), "{error}");
    }

    #[test]
    fn a_repeated_key_is_refused_or_the_last_one_counts() {
        let text = br#"{"a":1,"b":{"a":2},"a":3}"#;
        assert!(
            parse(text, Repeated::Refuse)
                .unwrap_err()
                .to_string()
                .starts_with("repeated key \"a\"")
        );
        assert_eq!(parse(text, Repeated::LastCounts).unwrap()["a"], 3);
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            "NaN",
            "[1,]",
            "{} {}",
            "1e999",
            "{\"a\":Infinity}",
            "\u{feff}{}",
        ] {
            assert!(parse(text.as_bytes(), Repeated::LastCounts).is_err(), "{text:?}");
        }
    }
}
