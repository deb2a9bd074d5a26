//! The collector's acknowledgment of a report.

use serde::Deserialize;

use crate::exit::one_line;

/// What the collector did with the results of a report that it stored.
#[derive(Debug, Deserialize)]
pub(crate) struct Receipt {
    status: String,
    #[serde(default)]
    rejected: Vec<Rejected>,
}

/// One result that the collector will not store.
#[derive(Debug, Deserialize)]
struct Rejected {
    index: u64,
    #[serde(default)]
    code: String,
    #[serde(default)]
    error: String,
}

impl Receipt {
    /// Reads the body of a 200; none if no collector wrote it.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body)
            .ok()
            .filter(|receipt: &Self| receipt.status == "ok")
    }

    /// A line about the results that were not stored; none if all were.
    pub(crate) fn rejected(&self) -> Option<String> {
        let first = self.rejected.first()?;
        let cause: String = one_line(&format!("{} {}", first.code, first.error))
            .chars()
            .take(300)
            .collect();
        let number = self.rejected.len();
        Some(format!(
            "delivered, but the collector rejected {number} result(s), the first at index {}: {cause}",
            first.index
        ))
    }
}
