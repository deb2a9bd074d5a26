//! One result of a report, once it is known to be valid.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::{Family, Params, ProbeName, Summary, TestName};

/// One (test, target, family) of a report: what was asked, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// The test; with target and family it is the result's identity inside its report.
    pub test: TestName,
    /// What kind of test it is (`icmp`).
    pub kind: Word,
    /// The probe that was measured.
    pub target: ProbeName,
    /// The address family that was used.
    pub family: Family,
    /// The test's period, as the plan had it: it decides the slot.
    pub period: Duration,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a measurement.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// At least one packet left the host.
    Measured(Box<Measured>),
    /// Nothing could be measured; it says nothing about the path.
    Unmeasured {
        /// Why: `resolve`, `permission`, `unreachable_locally`, `unsupported_kind`, `internal`, or a later word.
        error: Word,
        /// The cause in words, at most 256 bytes when stored.
        detail: Option<String>,
    },
}

/// A sample's statistics together with how it was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The address that was used.
    pub address: IpAddr,
    /// How the packets looked and left.
    pub params: Params,
    /// The clock of the delays: `kernel`; `None` without a delay.
    pub clock: Option<Word>,
    /// The statistics.
    pub summary: Summary,
}

/// A word of a list that later versions may extend: `[a-z0-9_-]{1,32}`.
///
/// A word that this version does not know is kept as it came.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(String);

/// Why a text is not a [`Word`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a word of 1 to {} characters of a-z, 0-9, '_', '-'", Word::MAX_BYTES)]
pub struct WordError;

impl Word {
    /// Longest word, in bytes (it is ASCII).
    pub const MAX_BYTES: usize = 32;

    /// `legacy`: the origin of what a probe of the original IXPQoS has sent.
    #[must_use]
    pub fn legacy() -> Self {
        Self("legacy".to_owned())
    }

    /// The word as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Word {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
        let valid = (1..=Self::MAX_BYTES).contains(&text.len()) && text.bytes().all(plain);
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(WordError)
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Word({:?})", self.0)
    }
}
