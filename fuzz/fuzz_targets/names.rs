//! Names and words: what is accepted keeps the promises that stores, labels and paths rely on.

#![no_main]

use ippm::{ProbeName, TestName, Word};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(name) = text.parse::<ProbeName>() {
        assert_eq!(name.as_str(), text);
        assert!((1..=ProbeName::MAX_BYTES).contains(&text.len()));
        assert!(!text.contains(|c: char| c.is_control() || c == '/' || c == '\\'));
        assert_eq!(text.trim_matches(' '), text);
        assert!(text != "." && text != "..");
    }
    if let Ok(name) = text.parse::<TestName>() {
        assert_eq!(name.to_string(), text);
        assert!(text.len() <= TestName::MAX_BYTES && text.is_ascii());
        // A line of a plan's record is split at these.
        assert!(!text.contains(['|', '%', '\n', ' ', ',', '=']));
    }
    if let Ok(word) = text.parse::<Word>() {
        assert_eq!(word.as_str(), text);
        assert!((1..=Word::MAX_BYTES).contains(&text.len()));
        assert!(!text.contains([',', ' ', '|']));
    }
});
