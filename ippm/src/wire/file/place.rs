//! Keys of a file, and the lines on which they stand.

use std::collections::HashMap;
use std::fmt::{self, Write as _};

use super::{Fault, MAX_FAULTS};
use crate::wire::file::shape::Found;

/// The way from the top of a file to one value, written `probes[3].override["10.0.0.1"]`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Path<'a> {
    /// The file itself.
    Top,
    /// A key of an object.
    Key(&'a Path<'a>, &'a str),
    /// An item of a list, counted from 0.
    Item(&'a Path<'a>, usize),
}

/// Most characters of a key that are shown.
const MAX_KEY_CHARS: usize = 64;
/// How the file itself is called.
const TOP: &str = "(top)";

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Top => f.write_str(TOP),
            Self::Key(Path::Top, key) => write_key(f, "", key),
            Self::Key(parent, key) => {
                write!(f, "{parent}")?;
                write_key(f, ".", key)
            }
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

fn write_key(f: &mut impl fmt::Write, separator: &str, key: &str) -> fmt::Result {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
    if !key.is_empty() && key.len() <= MAX_KEY_CHARS && key.chars().all(is_plain) {
        write!(f, "{separator}{key}")
    } else {
        let shown: String = key.chars().take(MAX_KEY_CHARS).collect();
        write!(f, "[{shown:?}]")
    }
}

/// The line of every key and every item of a file.
#[derive(Debug)]
pub struct Places(HashMap<String, usize>);

impl Places {
    /// The places in `text`, which is JSON; of any other text they mean nothing.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        let mut scan = Scan {
            text,
            at: 0,
            line: 1,
            path: String::new(),
            places: HashMap::new(),
        };
        scan.value();
        Self(scan.places)
    }

    /// The line on which `path` stands, or what should hold it.
    #[must_use]
    pub fn line(&self, path: &str) -> usize {
        let mut path = path;
        loop {
            if let Some(line) = self.0.get(path) {
                return *line;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return 1,
            }
        }
    }

    /// What was found, each with its line; at most [`MAX_FAULTS`] and a word about the rest.
    pub(crate) fn faults(&self, found: Found) -> Vec<Fault> {
        let more = found.0.len().saturating_sub(MAX_FAULTS);
        let mut faults: Vec<Fault> = found
            .0
            .into_iter()
            .take(MAX_FAULTS)
            .map(|(path, problem)| Fault {
                line: self.line(&path),
                path,
                problem,
            })
            .collect();
        faults.sort_by_key(|fault| fault.line);
        if more > 0 {
            faults.push(Fault {
                line: 1,
                path: TOP.to_owned(),
                problem: format!("{more} more faults, {MAX_FAULTS} are named"),
            });
        }
        faults
    }
}

/// One pass over a text that is known to be JSON no deeper than the reader allows.
struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
    path: String,
    places: HashMap<String, usize>,
}

impl Scan<'_> {
    fn value(&mut self) {
        match self.next_token() {
            Some(b'{') => self.members(b'}', |scan, _| scan.member()),
            Some(b'[') => self.members(b']', |scan, index| {
                let _ = write!(scan.path, "[{index}]");
                scan.note();
                scan.value();
            }),
            Some(b'"') => {
                self.string();
            }
            _ => {
                while self
                    .text
                    .get(self.at)
                    .is_some_and(|byte| !b",]}".contains(byte) && !byte.is_ascii_whitespace())
                {
                    self.at += 1;
                }
            }
        }
    }

    fn members(&mut self, end: u8, mut member: impl FnMut(&mut Self, usize)) {
        self.at += 1;
        let length = self.path.len();
        for index in 0.. {
            match self.next_token() {
                None => return,
                Some(byte) if byte == end => {
                    self.at += 1;
                    return;
                }
                Some(b',') => self.at += 1,
                Some(_) => {}
            }
            self.next_token();
            let before = self.at;
            member(self, index);
            self.path.truncate(length);
            if self.at == before {
                return;
            }
        }
    }

    fn member(&mut self) {
        let line = self.line;
        let key: String = serde_json::from_slice(self.string()).unwrap_or_default();
        let separator = if self.path.is_empty() { "" } else { "." };
        let _ = write_key(&mut self.path, separator, &key);
        self.places.insert(self.path.clone(), line);
        if self.next_token() == Some(b':') {
            self.at += 1;
        }
        self.value();
    }

    fn note(&mut self) {
        self.next_token();
        self.places.insert(self.path.clone(), self.line);
    }

    /// The first byte that is no white space.
    fn next_token(&mut self) -> Option<u8> {
        while let Some(byte) = self.text.get(self.at) {
            match byte {
                b'\n' => self.line += 1,
                b' ' | b'\t' | b'\r' => {}
                _ => return Some(*byte),
            }
            self.at += 1;
        }
        None
    }

    /// The string that begins here, quotes included.
    fn string(&mut self) -> &[u8] {
        let begin = self.at;
        let mut end = begin + 1;
        while let Some(byte) = self.text.get(end) {
            match byte {
                b'\\' => end += 2,
                b'"' => break,
                _ => end += 1,
            }
        }
        self.at = (end + 1).min(self.text.len());
        &self.text[begin..self.at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_and_every_item_has_its_line() {
        let text = b"{\n \"probes\": [\n  {\"name\": \"a]}\\\"\", \"proto\"\n:\n4},\n\n  7\n ],\n \"a.b\": {\"\\u0063\":\n[1,\n[2]]}\n}";
        let places = Places::of(text);
        for (path, line) in [
            ("probes", 2),
            ("probes[0]", 3),
            ("probes[0].name", 3),
            ("probes[0].proto", 3),
            ("probes[1]", 7),
            ("[\"a.b\"]", 9),
            ("[\"a.b\"].c", 9),
            ("[\"a.b\"].c[0]", 10),
            ("[\"a.b\"].c[1][0]", 11),
        ] {
            assert_eq!(places.line(path), line, "{path}");
        }
    }

    #[test]
    fn what_is_not_there_has_the_line_of_what_should_hold_it() {
        let places = Places::of(b"{\n\"probes\": [\n{},\n{}]}");
        assert_eq!(places.line("probes[1].address"), 4);
        assert_eq!(places.line("probes[1].override[\"x\"]"), 4);
        assert_eq!(places.line("tests"), 1);
        assert_eq!(places.line("(top)"), 1);
    }

    #[test]
    fn a_text_that_is_not_json_does_no_harm() {
        for text in [
            "",
            "{",
            "[",
            "\"",
            "\"\\",
            "{\"a\"",
            "{\"a\":",
            "{]",
            "[}",
            "}",
            "{,}",
            "{\"a\" \"b\"}",
            "[1 2",
            "{1:2}",
            ":",
            ",",
        ] {
            let _ = Places::of(text.as_bytes());
        }
    }

    #[test]
    fn a_long_or_odd_key_is_shown_quoted_and_cut() {
        let odd = Path::Key(&Path::Top, "a\nb");
        assert_eq!(Path::Item(&odd, 2).to_string(), "[\"a\\nb\"][2]");
        let long = "k".repeat(100);
        assert_eq!(Path::Key(&Path::Top, &long).to_string().len(), 64 + 4);
    }
}
