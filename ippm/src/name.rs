//! Names of probes, of tests, and labels: names of groups and profiles, ids of announcements.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use thiserror::Error;

/// Name of a probe, unique within one roster, compared as bytes.
///
/// It is handed on with every result, so a copy of it shares the text.
///
/// Invariant: 1 to 128 bytes of UTF-8 without control characters (Unicode category Cc), `/` or `\`,
/// without a space (U+0020) at either end, and neither `.` nor `..`; so it can be an InfluxDB tag,
/// a metric label and a path segment.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeName(Arc<str>);

/// Why a text is not the name of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProbeNameError {
    /// Empty, or longer than [`ProbeName::MAX_BYTES`].
    #[error("probe name has {found} bytes, expected 1 to {}", ProbeName::MAX_BYTES)]
    Length {
        /// Bytes of the text.
        found: usize,
    },
    /// A character that no name may hold.
    #[error("probe name contains {found:?}, which is not allowed in a name")]
    Character {
        /// The first such character.
        found: char,
    },
    /// A space at the beginning or at the end.
    #[error("probe name begins or ends with a space")]
    OuterSpace,
    /// `.` and `..` have a meaning in paths.
    #[error("probe name is {found:?}, which means a directory in a path")]
    Dots {
        /// The text.
        found: String,
    },
}

impl ProbeName {
    /// Longest name, in bytes of UTF-8.
    pub const MAX_BYTES: usize = 128;

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name keeps to `[A-Za-z0-9._-]`, which needs no quoting anywhere.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.0
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    }
}

impl FromStr for ProbeName {
    type Err = ProbeNameError;

    fn from_str(text: &str) -> Result<Self, ProbeNameError> {
        if text.is_empty() || text.len() > Self::MAX_BYTES {
            return Err(ProbeNameError::Length { found: text.len() });
        }
        if let Some(found) = text.chars().find(|c| c.is_control() || matches!(c, '/' | '\\')) {
            return Err(ProbeNameError::Character { found });
        }
        if text.starts_with(' ') || text.ends_with(' ') {
            return Err(ProbeNameError::OuterSpace);
        }
        if text == "." || text == ".." {
            return Err(ProbeNameError::Dots {
                found: text.to_owned(),
            });
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for ProbeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ProbeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProbeName({:?})", self.0)
    }
}

/// Name of a test: `[a-z0-9][a-z0-9._-]{0,63}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TestName(Arc<str>);

/// Why a text is not the name of a test.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "test name {found:?} is not 1 to {} characters of a-z, 0-9, '.', '_', '-', beginning with a letter or digit",
    TestName::MAX_BYTES
)]
pub struct TestNameError {
    found: String,
}

impl TestName {
    /// Longest name, in bytes (the grammar is ASCII).
    pub const MAX_BYTES: usize = 64;

    /// The default test, the only one that is kept in the measurement `Ping`.
    #[must_use]
    pub fn icmp() -> Self {
        static ICMP: LazyLock<TestName> = LazyLock::new(|| TestName("icmp".into()));
        ICMP.clone()
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the default test `icmp`.
    #[must_use]
    pub fn is_icmp(&self) -> bool {
        &*self.0 == "icmp"
    }
}

impl FromStr for TestName {
    type Err = TestNameError;

    fn from_str(text: &str) -> Result<Self, TestNameError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let valid = (1..=Self::MAX_BYTES).contains(&text.len())
            && text.bytes().next().is_some_and(plain)
            && text.bytes().all(|b| plain(b) || matches!(b, b'.' | b'_' | b'-'));
        if valid {
            Ok(Self(text.into()))
        } else {
            Err(TestNameError {
                found: text.chars().take(Self::MAX_BYTES).collect(),
            })
        }
    }
}

impl fmt::Display for TestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TestName({:?})", self.0)
    }
}

/// Name of a group or of a traffic profile, id of an announcement: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`,
/// compared as bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(String);

/// Why a text is not a label.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{found:?} is not 1 to {} characters of A-Z, a-z, 0-9, '.', '_', '-', beginning with a letter or digit",
    Label::MAX_BYTES
)]
pub struct LabelError {
    found: String,
}

impl Label {
    /// Longest label, in bytes (the grammar is ASCII).
    pub const MAX_BYTES: usize = 64;

    /// The label as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Label {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        let valid = (1..=Self::MAX_BYTES).contains(&text.len())
            && text.as_bytes()[0].is_ascii_alphanumeric()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(LabelError {
                found: text.chars().take(Self::MAX_BYTES).collect(),
            })
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Label({:?})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_needs_no_quoting_anywhere() {
        for text in [
            "core",
            "DC-1",
            "voip-g711",
            "CHG0012345",
            "2026.11_a",
            &"a".repeat(64),
        ] {
            assert!(text.parse::<Label>().is_ok(), "{text:?}");
        }
        for text in ["", "-a", ".a", "a b", "a;b", "a|b", "é", "a\n", &"a".repeat(65)] {
            let error = text.parse::<Label>().unwrap_err();
            assert!(error.to_string().contains("1 to 64 characters"), "{error}");
        }
    }

    #[test]
    fn the_message_of_a_long_name_holds_the_limit() {
        let error = "n".repeat(129).parse::<ProbeName>().unwrap_err();
        assert_eq!(error.to_string(), "probe name has 129 bytes, expected 1 to 128");
    }

    #[test]
    fn hostile_names_are_refused_by_the_first_fault() {
        for name in [
            "", " a", "a ", ".", "..", "a/b", "a\\b", "a\nb", "a\u{85}", "a\u{7f}",
        ] {
            assert!(name.parse::<ProbeName>().is_err(), "{name:?}");
        }
        for name in ["a b", "a,b", "a=b", "é", "a\u{ad}b", "...", "\u{a0}a"] {
            assert!(name.parse::<ProbeName>().is_ok(), "{name:?}");
        }
    }
}
