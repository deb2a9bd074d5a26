//! The key file: TOML, one `[[key]]` for each key.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use ippm::{ProbeName, UnixTime, wire};
use thiserror::Error;
use toml::{Table, Value};

use crate::key::{KeyEntry, KeyRing};

/// Largest key file.
pub const MAX_BYTES: usize = 4 << 20;
/// Most keys of one file.
pub const MAX_KEYS: usize = 10_000;
/// Longest id, and longest subject of a read or admin key, in bytes.
const MAX_WORDS: usize = 128;

/// Why a key file is refused.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// Larger than [`MAX_BYTES`].
    #[error("has {found} bytes, more than {MAX_BYTES}")]
    TooLarge {
        /// Bytes of the file.
        found: usize,
    },
    /// Not TOML, or not UTF-8; names the line, never its contents.
    #[error("is not TOML{}", .line.map(|line| format!(": line {line}")).unwrap_or_default())]
    Toml {
        /// The line.
        line: Option<usize>,
    },
    /// Every fault of its contents.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Faults(Vec<KeyFault>),
    /// No entry has this id.
    #[error("holds no key with the id {id:?}")]
    NoSuchKey {
        /// The id.
        id: String,
    },
    /// The text around an entry is not as `collector key` writes it.
    #[error("is laid out by hand: delete the [[key]] with the id {id:?} in an editor")]
    Layout {
        /// The id.
        id: String,
    },
}

/// One fault of a key file, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path}: {problem}")]
pub struct KeyFault {
    /// Where: `key[3].role`.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
}

/// Reads a key file.
///
/// # Errors
///
/// [`KeyFileError`]; contents are checked to the end, so that all faults are named at once.
pub fn parse(text: &[u8]) -> Result<KeyRing, KeyFileError> {
    if text.len() > MAX_BYTES {
        return Err(KeyFileError::TooLarge { found: text.len() });
    }
    let text = std::str::from_utf8(text).map_err(|_| KeyFileError::Toml { line: None })?;
    let table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| KeyFileError::Toml {
            line: error.span().map(|span| line_of(text, span.start)),
        })?;
    let mut faults = Faults(Vec::new());
    for name in table.keys().filter(|name| *name != "key") {
        faults.add(name.clone(), "unknown; a key file holds [[key]] and nothing else");
    }
    let entries = match table.get("key") {
        None => Vec::new(),
        Some(Value::Array(items)) if items.len() > MAX_KEYS => {
            faults.add(
                "key".to_owned(),
                format!("has {} entries, more than {MAX_KEYS}", items.len()),
            );
            Vec::new()
        }
        Some(Value::Array(items)) => items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| faults.entry(index, item))
            .collect(),
        Some(_) => {
            faults.add("key".to_owned(), "expected [[key]]");
            Vec::new()
        }
    };
    faults.repeated(&entries);
    if faults.0.is_empty() {
        Ok(KeyRing::new(entries))
    } else {
        Err(KeyFileError::Faults(faults.0))
    }
}

/// The text of one entry, to be appended to a key file.
#[must_use]
pub fn entry_text(entry: &KeyEntry) -> String {
    // A JSON text is a TOML text as long as it holds no control character, which names never do.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut text = format!(
        "\n[[key]]\nid = {}\nrole = \"{}\"\nsubject = {}\nsha256 = \"{}\"\n",
        quoted(&entry.id),
        entry.role,
        quoted(&entry.subject),
        entry.digest
    );
    if let Some(end) = entry.not_after {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "not_after = \"{}\"", wire::time::format(end));
    }
    text
}

/// `text` without the entry `id`; everything else, comments too, stays as it is.
///
/// # Errors
///
/// [`KeyFileError`] if the file is refused, has no such entry, or is not laid out line by line.
pub fn without(text: &str, id: &str) -> Result<String, KeyFileError> {
    let ring = parse(text.as_bytes())?;
    if !ring.entries().iter().any(|entry| entry.id == id) {
        return Err(KeyFileError::NoSuchKey { id: id.to_owned() });
    }
    let kept: String = blocks(text)
        .into_iter()
        .filter(|block| !holds(block, id))
        .collect();
    let expected: Vec<&KeyEntry> = ring.entries().iter().filter(|entry| entry.id != id).collect();
    match parse(kept.as_bytes()) {
        Ok(left) if left.entries().iter().collect::<Vec<_>>() == expected => Ok(kept),
        _ => Err(KeyFileError::Layout { id: id.to_owned() }),
    }
}

/// The text before the first `[[key]]`, then one block for each, with the blank line before it.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if line.trim() == "[[key]]" {
            blocks.push(String::new());
        }
        if let Some(block) = blocks.last_mut() {
            block.push_str(line);
        }
    }
    blocks
}

fn holds(block: &str, id: &str) -> bool {
    block.trim_start().starts_with("[[key]]")
        && parse(block.as_bytes()).is_ok_and(|ring| ring.entries().iter().any(|entry| entry.id == id))
}

fn line_of(text: &str, byte: usize) -> usize {
    1 + text.bytes().take(byte).filter(|byte| *byte == b'\n').count()
}

struct Faults(Vec<KeyFault>);

impl Faults {
    fn add(&mut self, path: String, problem: impl Into<String>) {
        self.0.push(KeyFault {
            path,
            problem: problem.into(),
        });
    }

    fn entry(&mut self, index: usize, item: &Value) -> Option<KeyEntry> {
        const KNOWN: [&str; 5] = ["id", "role", "subject", "sha256", "not_after"];
        let path = |key: &str| format!("key[{index}].{key}");
        let Some(table) = item.as_table() else {
            self.add(format!("key[{index}]"), "expected [[key]]");
            return None;
        };
        for key in table.keys().filter(|key| !KNOWN.contains(&key.as_str())) {
            self.add(path(key), format!("unknown; known are {}", KNOWN.join(", ")));
        }
        let id = self.words(&path("id"), table.get("id"));
        let subject = self.words(&path("subject"), table.get("subject"));
        let role = self.parsed::<super::Role>(&path("role"), table.get("role"));
        let digest = self.parsed(&path("sha256"), table.get("sha256"));
        let not_after = table
            .get("not_after")
            .and_then(|value| self.time(&path("not_after"), value));
        if let (Some(super::Role::Probe), Some(subject)) = (role, &subject)
            && let Err(error) = subject.parse::<ProbeName>()
        {
            self.add(path("subject"), error.to_string());
        }
        Some(KeyEntry {
            id: id?,
            role: role?,
            subject: subject?,
            digest: digest?,
            not_after,
        })
    }

    fn words(&mut self, path: &str, value: Option<&Value>) -> Option<String> {
        let text = value
            .and_then(Value::as_str)
            .filter(|text| (1..=MAX_WORDS).contains(&text.len()) && !text.chars().any(char::is_control));
        if text.is_none() {
            self.add(
                path.to_owned(),
                format!("expected 1 to {MAX_WORDS} bytes without control characters"),
            );
        }
        text.map(str::to_owned)
    }

    fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
        &mut self,
        path: &str,
        value: Option<&Value>,
    ) -> Option<T> {
        let Some(text) = value.and_then(Value::as_str) else {
            self.add(path.to_owned(), "expected a text");
            return None;
        };
        text.parse()
            .map_err(|error: T::Err| self.add(path.to_owned(), error.to_string()))
            .ok()
    }

    fn time(&mut self, path: &str, value: &Value) -> Option<UnixTime> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Datetime(time) => time.to_string(),
            _ => String::new(),
        };
        wire::time::parse(&text)
            .map_err(|error| self.add(path.to_owned(), error.to_string()))
            .ok()
    }

    fn repeated(&mut self, entries: &[KeyEntry]) {
        let (mut ids, mut digests) = (BTreeSet::new(), BTreeSet::new());
        for entry in entries {
            if !ids.insert(entry.id.as_str()) {
                self.add(format!("key {:?}", entry.id), "another key has the same id");
            }
            if !digests.insert(entry.digest.to_string()) {
                self.add(format!("key {:?}", entry.id), "another key has the same sha256");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{KeyDigest, Role};

    fn entry(id: &str) -> KeyEntry {
        KeyEntry {
            id: id.to_owned(),
            role: Role::Probe,
            subject: "am\"s, 1".to_owned(),
            digest: KeyDigest::of(id.as_bytes()),
            not_after: Some(UnixTime::from_ns(1_700_000_000_123_456_789)),
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_one_entry_can_be_taken_out() {
        let text = format!(
            "# ours\n{}# between\n{}",
            entry_text(&entry("a")),
            entry_text(&entry("b"))
        );
        assert_eq!(
            parse(text.as_bytes()).unwrap().entries(),
            [entry("a"), entry("b")]
        );
        let left = without(&text, "b").unwrap();
        assert!(
            left.starts_with("# ours\n") && left.contains("# between"),
            "{left}"
        );
        assert_eq!(parse(left.as_bytes()).unwrap().entries(), [entry("a")]);
        assert!(matches!(without(&text, "c"), Err(KeyFileError::NoSuchKey { .. })));
    }

    #[test]
    fn every_fault_is_named_and_no_message_holds_a_value() {
        let text =
            "other = 1\n[[key]]\nid = \"\"\nrole = \"root\"\nsubject = \"a/b\"\nsha256 = \"s3cret\"\nx = 1\n";
        let error = parse(text.as_bytes()).unwrap_err().to_string();
        for path in ["other", "key[0].id", "key[0].role", "key[0].sha256", "key[0].x"] {
            assert!(error.contains(path), "{path}: {error}");
        }
        assert!(!error.contains("s3cret"), "{error}");
        let error = parse(b"[[key]]\nid = s3cret\n").unwrap_err().to_string();
        assert_eq!(error, "is not TOML: line 2");
    }
}
