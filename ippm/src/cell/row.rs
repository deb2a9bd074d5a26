//! What a stored result gives to its cell.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use super::{CellDelay, HOUR};
use crate::histogram::Histogram;
use crate::{Slices, UnixTime};

/// One stored result of a series, as far as cells are concerned.
#[derive(Debug, Clone, PartialEq)]
pub struct CellRow {
    /// Start of the round.
    pub time: UnixTime,
    /// The period of the test when it was measured; `None` for a point of the original collector, which did not
    /// store it: such a row is a slot of its own.
    pub period: Option<Duration>,
    /// Whether the probe was not fit to measure in this round, by its own record (`ProbeRun`).
    pub is_suspect: bool,
    /// What it says.
    pub finding: RowFinding,
}

/// What a stored result says.
#[derive(Debug, Clone, PartialEq)]
pub enum RowFinding {
    /// A marker: nothing could be measured.
    Unmeasured,
    /// A ratio without packet counts, as a probe of the original IXPQoS posts it.
    Legacy {
        /// Lost ÷ sent, 0 to 1.
        loss: f64,
        /// Mean delay, nanoseconds, if there is one.
        avg_ns: Option<i64>,
    },
    /// Packets were counted.
    Counted(Box<Counted>),
}

/// Counts of one result.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// Packets that left the source.
    pub sent: u64,
    /// Packets answered within the waiting time.
    pub received: u64,
    /// Lost packets answered after it.
    pub late: u64,
    /// Replies beyond the first of their packet.
    pub duplicates: u64,
    /// Received packets that a later-sent one overtook.
    pub reordered: u64,
    /// Packets that the source's own kernel refused to send.
    pub unsent: u64,
    /// Delays; `None` if no packet has one.
    pub delay: Option<CellDelay>,
    /// Their distribution.
    pub hist: Option<Histogram>,
    /// Neighbors that both have a delay.
    pub ipdv_pairs: u64,
    /// Sum of the absolute variations between them, nanoseconds.
    pub ipdv_abs_sum_ns: u64,
    /// Counts per ten seconds.
    pub slices: Option<Slices>,
}

impl CellRow {
    /// The hour to whose cell the row belongs: the one in which its slot starts.
    #[must_use]
    pub fn hour(&self) -> UnixTime {
        hour_of(self.time, self.period)
    }

    /// The order in which rows are added up: time, measured before unmeasured.
    pub(super) fn order(&self) -> (UnixTime, bool) {
        (self.time, self.finding == RowFinding::Unmeasured)
    }

    /// What makes a row count before others of its slot: the least does.
    fn precedence(&self) -> (bool, Reverse<u64>, UnixTime) {
        let sent = match &self.finding {
            RowFinding::Counted(counted) => counted.sent,
            RowFinding::Unmeasured | RowFinding::Legacy { .. } => 0,
        };
        (self.finding == RowFinding::Unmeasured, Reverse(sent), self.time)
    }
}

/// The hour to whose cell a row of this time and period belongs: the one in which its slot starts.
#[must_use]
pub fn hour_of(time: UnixTime, period: Option<Duration>) -> UnixTime {
    period.map_or(time, |period| time.floor(period)).floor(HOUR)
}

/// Which of `rows` count for their slot, in their order: one of each slot, as [`class`](crate::class) has it.
pub(super) fn counting(rows: &[CellRow]) -> Vec<bool> {
    let mut best: HashMap<(Duration, UnixTime), usize> = HashMap::with_capacity(rows.len());
    let mut counting = vec![false; rows.len()];
    for (at, row) in rows.iter().enumerate() {
        let Some(period) = row.period else {
            counting[at] = true;
            continue;
        };
        let slot = best.entry((period, row.time.floor(period))).or_insert(at);
        if row.precedence() < rows[*slot].precedence() {
            *slot = at;
        }
    }
    for at in best.into_values() {
        counting[at] = true;
    }
    counting
}
