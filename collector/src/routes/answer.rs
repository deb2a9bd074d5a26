//! What the read side answers as JSON: one serializable type for each answer, and nothing else.
//!
//! Delays are integer nanoseconds, ratios 0 to 1, times RFC 3339 with nine decimals. What was not measured is `null`,
//! never 0.

pub(crate) mod account;
pub(crate) mod figures;
pub(crate) mod latest;
pub(crate) mod matrix;
pub(crate) mod probes;
pub(crate) mod rounds;
pub(crate) mod series;

use ippm::{UnixTime, wire};
use serde::Serialize;
use utoipa::ToSchema;

use crate::report::selection::{Subject, Window};

/// A time as answers write it.
pub(crate) fn time(time: UnixTime) -> String {
    wire::time::format(time)
}

/// A span of time: its first instant, and the first one behind it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WindowAnswer {
    /// First instant.
    pub(crate) from: String,
    /// First instant behind it.
    pub(crate) to: String,
}

impl From<Window> for WindowAnswer {
    fn from(window: Window) -> Self {
        Self {
            from: time(window.from()),
            to: time(window.to()),
        }
    }
}

/// One test of one pair over one family, by present names.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SubjectAnswer {
    /// The probe that measures.
    pub(crate) source: String,
    /// The probe that is measured.
    pub(crate) target: String,
    /// 4 or 6.
    pub(crate) family: u8,
    /// The test.
    pub(crate) test: String,
}

impl From<&Subject> for SubjectAnswer {
    fn from(subject: &Subject) -> Self {
        Self {
            source: subject.source.to_string(),
            target: subject.target.to_string(),
            family: subject.family.number(),
            test: subject.test.to_string(),
        }
    }
}
