//! Why one result of a report, or one item of a legacy post, is not stored.

use std::fmt;

use crate::codec::foreign;

/// The stable code of a rejection; the set is part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RejectCode {
    /// Not of the shape that the interface shows.
    BadShape,
    /// The target is no name of a probe.
    BadName,
    /// The test is no name of a test.
    BadTest,
    /// The family is neither 4 nor 6.
    BadFamily,
    /// A flow other than 0.
    FlowUnsupported,
    /// A period outside 1 s to 1 h.
    BadPeriod,
    /// An earlier result of the report has the same key.
    RepeatedResult,
    /// Measured, but no packet left the host.
    NothingSent,
    /// The packet counts contradict each other.
    BadCounts,
    /// The slices contradict the counts or themselves.
    BadSlices,
    /// The loss runs contradict the losses.
    BadLossRuns,
    /// The delay statistics contradict each other.
    BadDelay,
    /// The histogram contradicts the delay statistics.
    BadHistogram,
    /// The variation contradicts the delay statistics.
    BadIpdv,
    /// A number of a legacy item is none, or impossible.
    BadValue,
    /// One name too many that neither the roster nor the ledger knows.
    TooManyUnknownNames,
    /// The store refused it for good.
    StoreRefused,
}

impl RejectCode {
    /// The code as it stands in an answer.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadShape => "bad_shape",
            Self::BadName => "bad_name",
            Self::BadTest => "bad_test",
            Self::BadFamily => "bad_family",
            Self::FlowUnsupported => "flow_unsupported",
            Self::BadPeriod => "bad_period",
            Self::RepeatedResult => "repeated_result",
            Self::NothingSent => "nothing_sent",
            Self::BadCounts => "bad_counts",
            Self::BadSlices => "bad_slices",
            Self::BadLossRuns => "bad_loss_runs",
            Self::BadDelay => "bad_delay",
            Self::BadHistogram => "bad_histogram",
            Self::BadIpdv => "bad_ipdv",
            Self::BadValue => "bad_value",
            Self::TooManyUnknownNames => "too_many_unknown_names",
            Self::StoreRefused => "store_refused",
        }
    }
}

impl fmt::Display for RejectCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A rejection: its code for programs, and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The first reason that applies.
    pub code: RejectCode,
    /// The same in words; at most 256 bytes, because it may quote what was sent.
    pub error: String,
}

impl Rejection {
    /// A rejection with a text that may quote what was sent.
    #[must_use]
    pub fn new(code: RejectCode, error: &impl ToString) -> Self {
        Self {
            code,
            error: foreign::clean_detail(&error.to_string()),
        }
    }
}
