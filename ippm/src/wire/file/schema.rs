//! A JSON Schema (draft 2020-12) made from the description that the reader uses.
//!
//! It says less than the reader checks: what one value has to do with another is known only to the reader.

use serde_json::{Map, Value, json};

use super::shape::{Key, Shape, Text};

/// The schema of a file of this `shape`, as pretty-printed JSON with a final line feed.
pub(crate) fn document(title: &str, shape: &Shape) -> String {
    let mut schema = of(shape);
    schema.insert(
        "$schema".to_owned(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    schema.insert("title".to_owned(), json!(title));
    // A tree of text keys and finite numbers can always be written.
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

fn of(shape: &Shape) -> Map<String, Value> {
    let schema = match *shape {
        Shape::Truth => json!({"type": "boolean"}),
        Shape::Whole(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Shape::OneOf(numbers) => json!({"enum": numbers}),
        Shape::Word(words) => json!({"enum": words}),
        Shape::Text(text) => return of_text(text),
        Shape::List(item, most) => json!({"type": "array", "items": of(item), "maxItems": most}),
        Shape::OneOrList(item, most) => json!({"anyOf": [of(item), of(&Shape::List(item, most))]}),
        Shape::Map(key, value, most) => json!({
            "type": "object",
            "propertyNames": of_text(key),
            "additionalProperties": of(value),
            "maxProperties": most,
        }),
        Shape::Object(keys) => of_keys(keys),
    };
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

fn of_text(text: &Text) -> Map<String, Value> {
    // A text of so many bytes has at most so many characters.
    let mut schema = Map::from_iter([
        ("type".to_owned(), json!("string")),
        ("maxLength".to_owned(), json!(text.most)),
        ("description".to_owned(), json!(text.about)),
    ]);
    if let Some(pattern) = text.pattern {
        schema.insert("pattern".to_owned(), json!(pattern));
    }
    schema
}

fn of_keys(keys: &[Key]) -> Value {
    let property = |key: &Key| {
        let mut schema = of(&key.shape);
        schema.insert("description".to_owned(), json!(key.about));
        (key.name.to_owned(), Value::Object(schema))
    };
    let required: Vec<&str> = keys
        .iter()
        .filter(|key| key.required)
        .map(|key| key.name)
        .collect();
    json!({
        "type": "object",
        "properties": keys.iter().map(property).collect::<Map<String, Value>>(),
        "required": required,
        "additionalProperties": false,
    })
}
