//! From where one looks at what is stored: the present, the present names, the limit of loss.

use std::time::Duration;

use ippm::UnixTime;
use ippm::limit::LossLimit;
use thiserror::Error;

use crate::report::directory::Directory;
use crate::report::selection::SelectionError;
use crate::store::StoreError;

/// What every report needs beside the store. No clock is read below it.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Who is who.
    pub directory: &'a Directory,
    /// The display profile's limit of loss, above which a slot is degraded.
    pub limit: LossLimit,
    /// The period of rows of the original collector, which did not store it.
    pub legacy_period: Duration,
    /// For how long single results are kept.
    pub raw_retention: Duration,
    /// For how long hour cells are kept.
    pub hour_retention: Duration,
    /// The present.
    pub now: UnixTime,
}

/// How old what an answer is made of is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// When it was read.
    pub read_at: UnixTime,
    /// Start of the youngest round in it; of a cell, its start. `None` if nothing is in it.
    pub latest: Option<UnixTime>,
}

impl Freshness {
    /// How long the youngest round in the answer is past; `None` if nothing is in it.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        let latest = self.latest?;
        Some(self.read_at.since(latest).unwrap_or(Duration::ZERO))
    }
}

/// Why a report could not be made.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The question has no answer: whoever asked has to ask for something else.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// Single results that the answer needs are no longer kept, and it is not approximated.
    #[error("results that this range needs are no longer kept")]
    Expired,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}
