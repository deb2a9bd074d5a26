//! Announced work, as the operator writes it.

use crate::class::maintenance::Scope;
use crate::{Label, UnixTime};

/// One announcement of the schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaintenanceSpec {
    /// What its versions have in common: a ticket number.
    pub id: Label,
    /// First instant of the work.
    pub from: UnixTime,
    /// First instant after it; later than `from`.
    pub to: UnixTime,
    /// What it touches.
    pub scope: Scope,
    /// Words for people, possibly none.
    pub reason: String,
}

impl MaintenanceSpec {
    /// Longest reason, in bytes of UTF-8.
    pub const MAX_REASON_BYTES: usize = 256;
}
