//! One point as a line of InfluxDB's line protocol.

use std::fmt::Write as _;

use ippm::codec::float;
use thiserror::Error;

use crate::store::point::{Point, Value};

/// Why a point has no line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LineError {
    /// The protocol has no way to write it: empty, or with a control character or a backslash.
    #[error("tag {name} cannot be written")]
    Tag {
        /// The tag's name.
        name: &'static str,
    },
    /// Empty, or not finite: nothing stands for what was not measured.
    #[error("field {name} cannot be written")]
    Field {
        /// The field's name.
        name: &'static str,
    },
    /// A point has at least one field.
    #[error("point without a field")]
    NoField,
}

/// Appends the line of `point` to `lines`, ended by a line feed.
///
/// # Errors
///
/// [`LineError`] if the point has no line; `lines` is then as it was.
pub fn push(lines: &mut String, point: &Point) -> Result<(), LineError> {
    let before = lines.len();
    let result = push_parts(lines, point);
    if result.is_err() {
        lines.truncate(before);
    }
    result
}

fn push_parts(line: &mut String, point: &Point) -> Result<(), LineError> {
    line.push_str(point.measurement);
    for (name, value) in &point.tags {
        line.push(',');
        line.push_str(name);
        line.push('=');
        push_tag(line, value).ok_or(LineError::Tag { name })?;
    }
    let mut separator = ' ';
    for (name, value) in &point.fields {
        line.push(separator);
        separator = ',';
        line.push_str(name);
        line.push('=');
        push_field(line, value).ok_or(LineError::Field { name })?;
    }
    if separator == ' ' {
        return Err(LineError::NoField);
    }
    // Writing to a String cannot fail.
    let _ = writeln!(line, " {}", point.time.as_ns());
    Ok(())
}

fn push_tag(line: &mut String, value: &str) -> Option<()> {
    if value.is_empty() {
        return None;
    }
    for character in value.chars() {
        match character {
            // A backslash before a separator cannot be told from an escape.
            '\\' => return None,
            _ if character.is_control() => return None,
            ',' | ' ' | '=' => line.push('\\'),
            _ => {}
        }
        line.push(character);
    }
    Some(())
}

fn push_field(line: &mut String, value: &Value) -> Option<()> {
    match value {
        Value::Integer(value) => {
            // Writing to a String cannot fail.
            let _ = write!(line, "{value}i");
        }
        Value::Float(value) => line.push_str(&float::encode(*value)?),
        Value::Boolean(value) => line.push_str(if *value { "true" } else { "false" }),
        Value::Text(value) if value.is_empty() => return None,
        Value::Text(value) => {
            line.push('"');
            for character in value.chars() {
                if matches!(character, '\\' | '"') {
                    line.push('\\');
                }
                line.push(character);
            }
            line.push('"');
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use influxdb_line_protocol::{FieldValue, parse_lines};
    use ippm::UnixTime;
    use proptest::prelude::*;

    use super::*;

    fn point(tag: &str, value: Value) -> Point {
        Point {
            measurement: "Ping",
            tags: vec![("source", tag.to_owned())],
            fields: vec![("field", value)],
            time: UnixTime::from_ns(7),
        }
    }

    fn line(point: &Point) -> Result<String, LineError> {
        let mut lines = String::new();
        push(&mut lines, point).map(|()| lines)
    }

    #[test]
    fn what_has_no_line_leaves_none() {
        let one = Value::Integer(1);
        for tag in ["", "a\nb", "a\\", "a\\,b", "a\u{85}"] {
            assert_eq!(
                line(&point(tag, one.clone())),
                Err(LineError::Tag { name: "source" }),
                "{tag:?}"
            );
        }
        for value in [
            Value::Float(f64::NAN),
            Value::Float(f64::INFINITY),
            Value::Text(String::new()),
        ] {
            assert_eq!(line(&point("a", value)), Err(LineError::Field { name: "field" }));
        }
        let empty = Point {
            fields: Vec::new(),
            ..point("a", one)
        };
        let mut lines = "before\n".to_owned();
        assert_eq!(push(&mut lines, &empty), Err(LineError::NoField));
        assert_eq!(lines, "before\n");
    }

    #[test]
    fn numbers_are_written_as_the_interface_says() {
        let written = |value| line(&point("a", value)).unwrap();
        assert_eq!(written(Value::Float(-0.0)), "Ping,source=a field=0 7\n");
        assert_eq!(written(Value::Float(1e-7)), "Ping,source=a field=0.0000001 7\n");
        assert_eq!(written(Value::Integer(-1)), "Ping,source=a field=-1i 7\n");
        assert_eq!(written(Value::Boolean(false)), "Ping,source=a field=false 7\n");
    }

    /// What an independent parser of the protocol makes of one line.
    fn parsed(line: &str) -> (String, FieldValue<'_>) {
        let mut lines = parse_lines(line);
        let parsed = lines.next().unwrap().unwrap();
        assert!(lines.next().is_none(), "{line:?} is more than one line");
        assert_eq!(parsed.timestamp, Some(7));
        let tags = parsed.series.tag_set.unwrap();
        assert_eq!(tags.len(), 1);
        let mut fields = parsed.field_set;
        assert_eq!(fields.len(), 1);
        (tags[0].1.to_string(), fields.remove(0).1)
    }

    proptest! {
        #[test]
        fn another_parser_reads_what_was_written(
            tag in "[^\\\\\\p{Cc}]{1,40}",
            text in "[^\\p{Cc}]{1,40}|[a-z\\n\\\\\",= ]{1,20}",
            float in proptest::num::f64::NORMAL | proptest::num::f64::ZERO,
            integer: i64,
        ) {
            let text_line = line(&point(&tag, Value::Text(text.clone()))).unwrap();
            let (found_tag, found) = parsed(&text_line);
            prop_assert_eq!(&found_tag, &tag);
            prop_assert_eq!(found, FieldValue::String(text.as_str().into()));
            let float_line = line(&point(&tag, Value::Float(float))).unwrap();
            prop_assert_eq!(parsed(&float_line).1, FieldValue::F64(float));
            let integer_line = line(&point(&tag, Value::Integer(integer))).unwrap();
            prop_assert_eq!(parsed(&integer_line).1, FieldValue::I64(integer));
        }
    }
}
