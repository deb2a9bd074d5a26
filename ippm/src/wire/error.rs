//! The body of every answer that is not a success.

use serde::{Deserialize, Serialize};

/// `{"error": "for people", "code": "for_programs"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorV1 {
    /// What is wrong, for people; never an internal of the collector.
    pub error: String,
    /// The stable code; a server of the original IXPQoS sends none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}
