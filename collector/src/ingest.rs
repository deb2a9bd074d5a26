//! From the bytes of a report to what is stored: what is believed, what is rejected, and why.
//!
//! No socket, no clock and no status of HTTP: who posts, when it arrived and what is configured are
//! parameters, so that the same bytes are always judged the same.
//!
//! # Layout
//!
//! * [`native`], [`legacy`]: one report, one post of the original IXPQoS
//! * [`names`]: the bound on names that nobody knows
//! * [`answer`]: what the sender is told
//! * [`queue`]: accepted reports on their way to the store, many in one write

pub mod answer;
pub mod legacy;
pub mod names;
pub mod native;
pub mod queue;

use std::time::Duration;

use crate::ingest::answer::Answer;
use crate::store::Report;

/// What the operator has configured about reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The period of the probes that run the original's program.
    pub legacy_period: Duration,
    /// How long results are kept; an older report is refused.
    pub retention: Duration,
    /// Whether the shared key is refused for sources that the roster does not list.
    pub strict_sources: bool,
}

/// A report that is to be stored, and what its sender is told when it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The accepted results; the round is stored also without any.
    pub report: Report,
    /// The answer, as far as it is known before the store has spoken.
    pub answer: Answer,
}
