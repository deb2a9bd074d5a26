//! The counts of a sample per slice of ten seconds.

use std::time::Duration;

use crate::UnixTime;

/// Counts per slice of ten seconds, aligned to UTC multiples of ten seconds, from the slice of the
/// first departure to that of the last.
///
/// A packet belongs to the slice of its departure. The four lists have the same length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slices {
    /// Start of the first slice, a multiple of [`Slices::LENGTH`].
    pub start: UnixTime,
    /// Packets sent.
    pub sent: Vec<u64>,
    /// Packets lost.
    pub lost: Vec<u64>,
    /// Packets with a delay.
    pub rtt_count: Vec<u64>,
    /// Sum of their delays, nanoseconds.
    pub rtt_sum_ns: Vec<u64>,
}

impl Slices {
    /// Length of a slice.
    pub const LENGTH: Duration = Duration::from_secs(10);
    /// Most slices of one result: one hour.
    pub const MAX: usize = 360;

    /// Number of slices.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sent.len()
    }

    /// Whether there is no slice at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }
}
