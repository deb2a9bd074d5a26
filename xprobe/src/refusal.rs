//! Why the collector did not do what it was asked, in words for the operator.

use std::fmt;

use ippm::wire::error::ErrorV1;
use thiserror::Error;

use crate::client::{Answer, ExchangeError};
use crate::exit::one_line;

/// Longest text of the collector that is repeated on stderr.
const MAX_TEXT: usize = 300;

/// Why the collector did not do what it was asked.
#[derive(Debug, Error)]
pub(crate) enum Refusal {
    /// It said so.
    #[error("the collector answered {0}")]
    Answered(Complaint),
    /// There was no complete answer.
    #[error(transparent)]
    NoAnswer(#[from] ExchangeError),
    /// A success that no collector sends: something else answers at this address.
    #[error("the answer {status} is not that of a collector: is the address right?")]
    NotACollector {
        /// The status of the answer.
        status: u16,
    },
}

/// The status of an answer, and what it says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) status: u16,
    pub(crate) code: Option<String>,
    pub(crate) text: Option<String>,
}

impl Complaint {
    /// What `answer` says about itself; most of it is absent if it is no JSON of a collector.
    pub(crate) fn of(answer: &Answer) -> Self {
        let (code, text) = match serde_json::from_slice::<ErrorV1>(&answer.body) {
            Ok(error) => (error.code, Some(one_line(&error.error))),
            Err(_) => (None, None),
        };
        Self {
            status: answer.status,
            code,
            text,
        }
    }

    /// What the operator can do about it, where that is known.
    fn next_step(&self) -> Option<&'static str> {
        match (self.status, self.code.as_deref()) {
            (401, _) => Some("check the key of this probe"),
            (403, _) => Some("check that the key belongs to the probe named by -n"),
            (404, Some("unknown_probe")) => Some("check -n against the collector's roster"),
            _ => None,
        }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if let Some(code) = &self.code {
            write!(f, " {}", shortened(code))?;
        }
        if let Some(text) = &self.text {
            write!(f, " ({})", shortened(text))?;
        }
        self.next_step().map_or(Ok(()), |step| write!(f, ": {step}"))
    }
}

/// At most [`MAX_TEXT`] characters of a text that somebody else wrote, on one line.
fn shortened(text: &str) -> String {
    one_line(text).chars().take(MAX_TEXT).collect()
}
