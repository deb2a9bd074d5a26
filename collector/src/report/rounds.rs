//! The single rounds of one subject, down to slices of ten seconds.

use ippm::UnixTime;

use crate::report::accounting::SlotClass;
use crate::report::selection::{Subject, Window};
use crate::report::view::Freshness;
use crate::store::ledger::ProbeRun;
use crate::store::row::Row;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundsQuestion {
    /// Of what.
    pub subject: Subject,
    /// Over which time, at most [`super::selection::MAX_ROUNDS_WINDOW`].
    pub window: Window,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Rounds {
    /// Of what.
    pub subject: Subject,
    /// What it covers.
    pub window: Window,
    /// Every stored result, also those that do not count, ascending in time.
    pub rounds: Vec<Round>,
    /// Expected slots without a result, ascending.
    pub silent: Vec<SlotClass>,
    /// How old it is.
    pub freshness: Freshness,
}

/// One stored result.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// The result, with every part, under the names with which it came.
    pub row: Row,
    /// Start of its slot, by its own period.
    pub slot_start: UnixTime,
    /// The expected slot for which it counts; `None` if another result counts there, or none was expected.
    pub slot: Option<SlotClass>,
    /// What the report said about the probe; `None` of a point of the original collector.
    pub run: Option<ProbeRun>,
}
