//! Answers read back by hand: JSON, labels of Prometheus, HTML and links.

use std::collections::BTreeSet;

use serde_json::Value;

/// The source and the target of each entry.
pub(crate) fn subjects(entries: &Value) -> BTreeSet<(String, String)> {
    let entries = entries.as_array().unwrap().iter();
    let text = |entry: &Value, key: &str| entry["subject"][key].as_str().unwrap().to_owned();
    entries
        .map(|entry| (text(entry, "source"), text(entry, "target")))
        .collect()
}

/// What each entry has under `key`.
pub(crate) fn texts(entries: &Value, key: &str) -> BTreeSet<String> {
    let entries = entries.as_array().unwrap().iter();
    entries
        .map(|entry| entry[key].as_str().unwrap().to_owned())
        .collect()
}

/// Every string of a document.
pub(crate) fn strings(value: &Value) -> BTreeSet<String> {
    match value {
        Value::String(text) => BTreeSet::from([text.clone()]),
        Value::Array(values) => values.iter().flat_map(strings).collect(),
        Value::Object(map) => map.values().flat_map(strings).collect(),
        _ => BTreeSet::new(),
    }
}

/// Source and target of a sample of the text format of Prometheus, behind its brace.
pub(crate) fn labels_of(line: &str) -> (String, String) {
    let mut rest = line;
    let mut values = Vec::new();
    for label in ["source=\"", ",target=\""] {
        rest = rest
            .strip_prefix(label)
            .unwrap_or_else(|| panic!("no {label} in {line}"));
        let (mut value, mut is_escaped, mut end) = (String::new(), false, rest.len());
        for (at, character) in rest.char_indices() {
            match character {
                '\\' if !is_escaped => is_escaped = true,
                '"' if !is_escaped => {
                    end = at + 1;
                    break;
                }
                _ => {
                    value.push(if is_escaped && character == 'n' {
                        '\n'
                    } else {
                        character
                    });
                    is_escaped = false;
                }
            }
        }
        rest = &rest[end..];
        values.push(value);
    }
    (values[0].clone(), values[1].clone())
}

/// HTML as it is read: without its entities.
pub(crate) fn unescape(html: &str) -> String {
    let mut parts = html.split('&');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (entity, rest) = part.split_once(';').expect("an ampersand begins an entity");
        text.push(match entity {
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "amp" => '&',
            number => {
                let number = number.strip_prefix('#').expect("a number");
                let code = match number.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16),
                    None => number.parse(),
                };
                char::from_u32(code.unwrap()).unwrap()
            }
        });
        text.push_str(rest);
    }
    text
}

/// One segment of a path, decoded.
pub(crate) fn decode(segment: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = segment.as_bytes();
    while let [first, tail @ ..] = rest {
        if let (b'%', [high, low, tail @ ..]) = (first, tail) {
            let digits = String::from_utf8(vec![*high, *low]).unwrap();
            bytes.push(u8::from_str_radix(&digits, 16).unwrap());
            rest = tail;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap()
}
