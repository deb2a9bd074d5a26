//! What a file may hold: one description for the reader and for the schema that editors use.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::place::Path;

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// true or false.
    Truth,
    /// A whole number in these limits.
    Whole(u64, u64),
    /// One of these numbers.
    OneOf(&'static [u64]),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A text.
    Text(&'static Text),
    /// A list of at most so many.
    List(&'static Self, usize),
    /// One of these, or a list of at most so many.
    OneOrList(&'static Self, usize),
    /// An object with at most so many keys that are such texts.
    Map(&'static Text, &'static Self, usize),
    /// An object with these keys.
    Object(&'static [Key]),
}

/// A key of an object.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// Whether it has to be there.
    pub(crate) required: bool,
    pub(crate) shape: Shape,
    /// One sentence for people.
    pub(crate) about: &'static str,
}

/// A kind of text.
#[derive(Debug)]
pub(crate) struct Text {
    /// What it is, for messages and for the schema.
    pub(crate) about: &'static str,
    /// Its reader; the values are read again when they are taken.
    pub(crate) check: fn(&str) -> Result<(), String>,
    /// Most bytes.
    pub(crate) most: usize,
    /// What every such text matches, as ECMA 262 writes it; the reader may be stricter.
    pub(crate) pattern: Option<&'static str>,
}

/// Every fault so far: key and problem.
#[derive(Debug, Default)]
pub(crate) struct Found(pub(crate) Vec<(String, String)>);

impl Found {
    pub(crate) fn add(&mut self, path: impl fmt::Display, problem: impl fmt::Display) {
        self.0.push((path.to_string(), problem.to_string()));
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Key {
    pub(crate) const fn required(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self {
            name,
            required: true,
            shape,
            about,
        }
    }

    pub(crate) const fn optional(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self {
            name,
            required: false,
            shape,
            about,
        }
    }
}

/// Whether `text` is a `T`.
pub(crate) fn parses<T: FromStr<Err: fmt::Display>>(text: &str) -> Result<(), String> {
    text.parse::<T>().map(|_| ()).map_err(|error| error.to_string())
}

impl Shape {
    /// Adds to `found` what `value` at `path` has of another shape.
    pub(crate) fn check(&self, value: &Value, path: &Path<'_>, found: &mut Found) {
        match (*self, value) {
            (Self::Truth, Value::Bool(_)) => {}
            (Self::Truth, _) => found.add(path, "expected true or false"),
            (Self::Whole(least, most), value) => {
                if !value.as_u64().is_some_and(|n| (least..=most).contains(&n)) {
                    found.add(
                        path,
                        format_args!("expected a whole number from {least} to {most}"),
                    );
                }
            }
            (Self::OneOf(numbers), value) => {
                if !value.as_u64().is_some_and(|n| numbers.contains(&n)) {
                    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
                    found.add(path, format_args!("expected {}", numbers.join(" or ")));
                }
            }
            (Self::Word(words), value) => {
                if !value.as_str().is_some_and(|text| words.contains(&text)) {
                    found.add(
                        path,
                        format_args!("expected one of the words {}", words.join(", ")),
                    );
                }
            }
            (Self::Text(text), value) => check_text(text, value, path, found),
            (Self::List(of, most) | Self::OneOrList(of, most), Value::Array(items)) => {
                check_items(of, most, items, path, found);
            }
            (Self::List(..), _) => found.add(path, "expected a list"),
            (Self::OneOrList(of, _), value) => of.check(value, path, found),
            (Self::Map(key, of, most), Value::Object(object)) => {
                check_map(key, of, most, object, path, found);
            }
            (Self::Map(..), _) => found.add(path, "expected an object"),
            (Self::Object(keys), Value::Object(object)) => check_keys(keys, object, path, found),
            (Self::Object(keys), _) => {
                let names: Vec<&str> = keys
                    .iter()
                    .filter(|key| key.required)
                    .map(|key| key.name)
                    .collect();
                if names.is_empty() {
                    found.add(path, "expected an object");
                } else {
                    found.add(path, format_args!("expected an object with {}", names.join(", ")));
                }
            }
        }
    }
}

fn check_text(text: &Text, value: &Value, path: &Path<'_>, found: &mut Found) {
    match value.as_str() {
        None => found.add(path, format_args!("expected a text: {}", text.about)),
        Some(given) if given.len() > text.most => {
            found.add(
                path,
                format_args!(
                    "has {} bytes, more than {}: {}",
                    given.len(),
                    text.most,
                    text.about
                ),
            );
        }
        Some(given) => {
            if let Err(problem) = (text.check)(given) {
                found.add(path, problem);
            }
        }
    }
}

fn check_items(of: &Shape, most: usize, items: &[Value], path: &Path<'_>, found: &mut Found) {
    if items.len() > most {
        found.add(
            path,
            format_args!("has {} entries, more than {most}", items.len()),
        );
        return;
    }
    for (index, item) in items.iter().enumerate() {
        of.check(item, &Path::Item(path, index), found);
    }
}

fn check_map(
    key: &Text,
    of: &Shape,
    most: usize,
    object: &Map<String, Value>,
    path: &Path<'_>,
    found: &mut Found,
) {
    if object.len() > most {
        found.add(
            path,
            format_args!("has {} entries, more than {most}", object.len()),
        );
        return;
    }
    for (name, value) in object {
        let path = Path::Key(path, name);
        check_text(key, &Value::from(name.as_str()), &path, found);
        of.check(value, &path, found);
    }
}

fn check_keys(keys: &[Key], object: &Map<String, Value>, path: &Path<'_>, found: &mut Found) {
    let known = |name: &str| keys.iter().find(|key| key.name == name);
    for (name, value) in object {
        let path = Path::Key(path, name);
        if let Some(key) = known(name) {
            key.shape.check(value, &path, found);
        } else {
            let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
            found.add(path, format_args!("unknown key; known are {}", names.join(", ")));
        }
    }
    for key in keys
        .iter()
        .filter(|key| key.required && !object.contains_key(key.name))
    {
        found.add(
            Path::Key(path, key.name),
            format_args!("is missing: {}", key.about),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const WORD: Text = Text {
        about: "a short word",
        check: parses::<crate::Label>,
        most: 8,
        pattern: None,
    };
    const THING: Shape = Shape::Object(&[
        Key::required("name", Shape::Text(&WORD), "its name"),
        Key::optional("size", Shape::Whole(1, 9), "its size"),
        Key::optional("on", Shape::Truth, "whether it is on"),
        Key::optional("tags", Shape::List(&Shape::Text(&WORD), 2), "its tags"),
        Key::optional(
            "near",
            Shape::Map(&WORD, &Shape::OneOf(&[4, 6]), 1),
            "its neighbors",
        ),
        Key::optional(
            "way",
            Shape::OneOrList(&Shape::Word(&["in", "out"]), 2),
            "its ways",
        ),
    ]);

    #[track_caller]
    fn check(value: &Value, faults: &[(&str, &str)]) {
        let mut found = Found::default();
        THING.check(value, &Path::Top, &mut found);
        let found: Vec<(&str, &str)> = found.0.iter().map(|(p, f)| (p.as_str(), f.as_str())).collect();
        assert_eq!(found, faults, "{value}");
    }

    #[test]
    fn every_value_of_another_shape_is_named_with_its_limit() {
        check(
            &json!({"name": "a", "size": 9, "on": true, "tags": [], "near": {"b": 6}, "way": ["in"]}),
            &[],
        );
        check(&json!({"name": "a", "way": "out"}), &[]);
        check(&json!(7), &[("(top)", "expected an object with name")]);
        check(
            &json!({"size": 10, "on": 1, "tags": ["a", 2], "near": [], "way": "up"}),
            &[
                ("near", "expected an object"),
                ("on", "expected true or false"),
                ("size", "expected a whole number from 1 to 9"),
                ("tags[1]", "expected a text: a short word"),
                ("way", "expected one of the words in, out"),
                ("name", "is missing: its name"),
            ],
        );
        check(
            &json!({"name": "a".repeat(9), "tags": ["a", "b", "c"], "near": {"a": 4, "b": 4}, "size": 1.0, "sighs": 1}),
            &[
                ("name", "has 9 bytes, more than 8: a short word"),
                ("near", "has 2 entries, more than 1"),
                ("sighs", "unknown key; known are name, size, on, tags, near, way"),
                ("size", "expected a whole number from 1 to 9"),
                ("tags", "has 3 entries, more than 2"),
            ],
        );
        check(
            &json!({"name": "a", "near": {"b c": 5}}),
            &[
                (
                    "near[\"b c\"]",
                    "\"b c\" is not 1 to 64 characters of A-Z, a-z, 0-9, '.', '_', '-', beginning with a letter or digit",
                ),
                ("near[\"b c\"]", "expected 4 or 6"),
            ],
        );
    }
}
