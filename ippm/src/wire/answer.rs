//! The body of the answer to a report that was stored.

use serde::{Deserialize, Serialize};

/// Answer of `POST /api/v2/reports`: what is durable now, and what is not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredV1 {
    /// `ok`.
    pub status: String,
    /// Results that are stored, also those that were stored before.
    pub stored: u64,
    /// Results that are not, ascending by index.
    pub rejected: Vec<RejectedV1>,
    /// Paths of fields that this collector does not know.
    pub ignored: Vec<String>,
}

/// Answer of `POST /api/v1/data/probe-result`; if nothing was rejected it is the original's, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyStoredV1 {
    /// `ok`.
    pub status: String,
    /// Items that are stored; only beside `rejected`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<u64>,
    /// Items that are not, ascending by index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<RejectedV1>,
}

/// One result that is not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedV1 {
    /// Its place in the report, from 0.
    pub index: usize,
    /// The stable code; see [`RejectCode`](crate::wire::report::reject::RejectCode).
    pub code: String,
    /// The same for people.
    pub error: String,
}

impl StoredV1 {
    /// The answer for `stored` results, with what was `rejected` and `ignored`.
    #[must_use]
    pub fn new(stored: u64, rejected: Vec<RejectedV1>, ignored: Vec<String>) -> Self {
        Self {
            status: "ok".to_owned(),
            stored,
            rejected,
            ignored,
        }
    }
}

impl LegacyStoredV1 {
    /// The answer for `stored` items, with what was `rejected`.
    #[must_use]
    pub fn new(stored: u64, rejected: Vec<RejectedV1>) -> Self {
        Self {
            status: "ok".to_owned(),
            stored: (!rejected.is_empty()).then_some(stored),
            rejected,
        }
    }
}
