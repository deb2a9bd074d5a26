//! Checks on a text that is read into types afterwards, without building a tree of it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use serde::Serialize;
use serde_json::Value;

use super::{JsonError, MAX_DEPTH};

/// Largest whole number that is read: what every store holds.
pub(crate) const MAX_INTEGER: u64 = i64::MAX.cast_unsigned();

/// Whether `text` has as many digits in a row as a number above [`MAX_INTEGER`]; most texts do not, and
/// need not be looked at more closely.
pub(crate) fn may_hold_too_large(text: &str) -> bool {
    const DIGITS: usize = 19;
    let runs = text.as_bytes().split(|byte| !byte.is_ascii_digit());
    runs.into_iter().any(|run| run.len() >= DIGITS)
}

/// Whether `value` holds a whole number above [`MAX_INTEGER`]; a float is none, however large.
pub(crate) fn holds_too_large(value: &impl Serialize) -> bool {
    // What cannot be written as JSON did not come from JSON.
    serde_json::to_value(value).is_ok_and(|value| has_too_large(&value))
}

fn has_too_large(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_u64().is_some_and(|integer| integer > MAX_INTEGER),
        Value::Array(items) => items.iter().any(has_too_large),
        Value::Object(entries) => entries.values().any(has_too_large),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// Whether arrays and objects nest deeper than [`MAX_DEPTH`] anywhere in `text`.
///
/// Of a text that is not JSON the answer means nothing, but it is given without recursion.
pub(crate) fn is_too_deep(text: &str) -> bool {
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        if in_string {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

/// Refuses a key that an object holds twice, at any depth; the value of `skipped` in the outermost
/// object is not looked into.
pub(crate) fn check_keys(text: &str, skipped: Option<&'static str>) -> Result<(), JsonError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Keys { skipped }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(())
}

#[derive(Clone, Copy)]
struct Keys {
    skipped: Option<&'static str>,
}

impl<'de> DeserializeSeed<'de> for Keys {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keys {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = Self { skipped: None };
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let inner = Self { skipped: None };
        let mut keys = HashSet::new();
        while let Some(key) = entries.next_key_seed(Key)? {
            if self.skipped == Some(&*key) {
                entries.next_value::<IgnoredAny>()?;
            } else {
                entries.next_value_seed(inner)?;
            }
            if keys.contains(&key) {
                return Err(A::Error::custom(format_args!("repeated key {key:?}")));
            }
            keys.insert(key);
        }
        Ok(())
    }
}

/// A key, borrowed from the text if it is written without an escape.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_inside_a_string_do_not_nest() {
        assert!(!is_too_deep(&format!(
            "[\"{}\\\"{}\"]",
            "[".repeat(20),
            "{".repeat(20)
        )));
        assert!(!is_too_deep(&"[".repeat(16)));
        assert!(is_too_deep(&"[".repeat(17)));
        assert!(!is_too_deep(&"[],".repeat(17)));
    }

    #[test]
    fn a_key_is_the_same_however_it_is_escaped() {
        assert!(check_keys(r#"[{"a":1,"\u0061":2}]"#, None).is_err());
        assert!(check_keys(r#"{"a":{"b":1,"b":2}}"#, None).is_err());
        assert!(check_keys(r#"{"a":{"b":1,"b":2}}"#, Some("a")).is_ok());
        assert!(check_keys(r#"{"a":1,"a":2}"#, Some("a")).is_err());
        assert!(check_keys(r#"{"a":{"a":1},"b":{"a":1}}"#, None).is_ok());
    }
}
