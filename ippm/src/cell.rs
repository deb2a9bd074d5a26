//! One hour or one day of a series: everything that can be added up without choosing a threshold.
//!
//! A cell of an hour is computed from all stored results of that hour, one of a day from its hours, always anew
//! and always in ascending order of time, so that whoever computes it gets the same bits. It holds nothing that
//! depends on a limit, on a profile or on a plan: what is promised tomorrow can be held against last year.
//!
//! [`row`] says what a stored result gives to its cell, and which one counts for its slot; [`slices`] are those of an
//! hour.

pub mod row;
pub mod slices;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::histogram::Histogram;
use crate::limit::LossLimit;
use crate::{Moments, Slices, UnixTime};
use row::{CellRow, Counted, RowFinding};
use slices::{CellSlices, PackedSlices};

/// Length of the smaller cells.
pub const HOUR: Duration = Duration::from_hours(1);

/// Length of the larger cells, made of the hours of one day (UTC).
pub const DAY: Duration = Duration::from_hours(24);

/// Upper bounds of [`Cell::loss_hist`] in parts per million: 0, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20 and 50 %.
///
/// Behind them come two more places: below 100 %, and 100 %. A limit that is to be held against cells has to be
/// one of these.
pub const LOSS_BOUNDS_PPM: [u32; 10] = [
    0, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
];

/// Places of [`Cell::loss_hist`].
pub const LOSS_PLACES: usize = LOSS_BOUNDS_PPM.len() + 2;

/// What the results of one hour or one day of a series add up to.
///
/// A *round* is a result that counts for its slot, has packet counts and is not suspect; only rounds are in the
/// counts of packets and delays. Every other kind is counted apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Stored results, the markers and those that do not count for their slot included.
    pub rows: u64,
    /// Rounds.
    pub rounds: u64,
    /// Rounds with at least one packet lost.
    pub rounds_lossy: u64,
    /// Rounds in which nothing came back.
    pub rounds_down: u64,
    /// Slots whose counting result came from a probe that was not fit to measure.
    pub rounds_suspect: u64,
    /// Slots with nothing but markers.
    pub rounds_error: u64,
    /// Slots whose counting result has no packet counts.
    pub rounds_legacy: u64,
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
    /// Sum over the rounds of the square of the packets that each lost: what a clustered interval needs.
    pub lost_sq_sum: u64,
    /// Rounds by their loss ratio; see [`LOSS_BOUNDS_PPM`].
    pub loss_hist: [u64; LOSS_PLACES],
    /// Delays; `None` if no packet has one.
    pub delay: Option<CellDelay>,
    /// The delays' distribution; `None` without delay, and where it was not read.
    pub hist: Option<Histogram>,
    /// Neighbors that both have a delay.
    pub ipdv_pairs: u64,
    /// Sum of the absolute variations between them, nanoseconds.
    pub ipdv_abs_sum_ns: u64,
    /// Legacy results that have a mean delay.
    pub legacy_avg_count: u64,
    /// Sum of those mean delays, nanoseconds; signed, because the clocks of legacy probes may have gone back.
    pub legacy_avg_sum_ns: i64,
    /// Sum of the loss ratios of legacy results.
    pub legacy_loss_sum: f64,
    /// The 360 slices of an hour; `None` for a day, for an hour without rounds that have slices, and where they
    /// were not read.
    pub slices: Option<PackedSlices>,
}

/// Delays of a cell, or of one result on its way into one; of at least one packet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CellDelay {
    /// Count, sum and squared deviations.
    pub moments: Moments,
    /// Smallest delay, nanoseconds.
    pub min_ns: u64,
    /// Largest delay, nanoseconds.
    pub max_ns: u64,
}

impl CellDelay {
    /// Adds the delays of a later part.
    fn merge(&mut self, later: &Self) {
        self.moments.merge(&later.moments);
        self.min_ns = self.min_ns.min(later.min_ns);
        self.max_ns = self.max_ns.max(later.max_ns);
    }
}

impl Cell {
    /// The cell of the hour that begins at `hour`, from all rows of that hour in any order; `None` without a row.
    ///
    /// Whether a row belongs to the hour is decided by [`CellRow::hour`], before this is called.
    #[must_use]
    pub fn of_rows(hour: UnixTime, mut rows: Vec<CellRow>) -> Option<Self> {
        if rows.is_empty() {
            return None;
        }
        rows.sort_by_key(CellRow::order);
        let counting = row::counting(&rows);
        let mut cell = Self::nothing();
        cell.rows = count(rows.len());
        let mut slices = None;
        for (row, _) in rows.into_iter().zip(counting).filter(|(_, counts)| *counts) {
            if let Some(counted) = cell.add_row(row)
                && let Some(of_round) = &counted.slices
            {
                add_slices(&mut slices, hour, of_round);
            }
        }
        cell.slices = slices.as_ref().map(|slices| CellSlices::from(slices).pack());
        Some(cell)
    }

    /// The cell of a longer time from its cells in ascending order of time; `None` without one.
    ///
    /// Made of the hours of a day it is the cell of that day. It has no slices, and the distribution of delays
    /// only if every part with a delay has one.
    #[must_use]
    pub fn of_hours<'a>(hours: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut hours = hours.into_iter();
        let first = hours.next()?;
        let mut cell = Self {
            slices: None,
            ..first.clone()
        };
        for hour in hours {
            cell.add_cell(hour, hour.hist.as_ref());
        }
        Some(cell)
    }

    /// Adds a cell of a later time; the sum has no slices.
    pub fn merge(&mut self, later: &Self) {
        self.slices = None;
        self.add_cell(later, later.hist.as_ref());
    }

    /// Adds the numbers of a cell of a later time; the sum has neither distribution nor slices.
    pub fn merge_numbers(&mut self, later: &Self) {
        (self.hist, self.slices) = (None, None);
        self.add_cell(later, None);
    }

    /// Packets without a reply within the waiting time.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.sent.saturating_sub(self.received)
    }

    /// Rounds with more loss than `limit`; `None` if the limit is none of [`LOSS_BOUNDS_PPM`], nor 100 %.
    #[must_use]
    pub fn rounds_above(&self, limit: LossLimit) -> Option<u64> {
        if limit.as_ppm() == LossLimit::MAX_PPM {
            return Some(0);
        }
        let place = LOSS_BOUNDS_PPM
            .iter()
            .position(|bound| *bound == limit.as_ppm())?;
        Some(
            self.loss_hist
                .iter()
                .skip(place + 1)
                .fold(0, |sum, rounds| sum.saturating_add(*rounds)),
        )
    }

    /// The numbers alone: neither distribution nor slices.
    #[must_use]
    pub fn without_lists(&self) -> Self {
        Self {
            hist: None,
            slices: None,
            ..*self
        }
    }

    const fn nothing() -> Self {
        Self {
            rows: 0,
            rounds: 0,
            rounds_lossy: 0,
            rounds_down: 0,
            rounds_suspect: 0,
            rounds_error: 0,
            rounds_legacy: 0,
            sent: 0,
            received: 0,
            late: 0,
            duplicates: 0,
            reordered: 0,
            unsent: 0,
            lost_sq_sum: 0,
            loss_hist: [0; LOSS_PLACES],
            delay: None,
            hist: None,
            ipdv_pairs: 0,
            ipdv_abs_sum_ns: 0,
            legacy_avg_count: 0,
            legacy_avg_sum_ns: 0,
            legacy_loss_sum: 0.0,
            slices: None,
        }
    }

    /// Adds a row that counts for its slot, but for its slices; gives back what it counted if it is a round.
    fn add_row(&mut self, row: CellRow) -> Option<Counted> {
        match row.finding {
            RowFinding::Unmeasured => self.rounds_error += 1,
            _ if row.is_suspect => self.rounds_suspect += 1,
            RowFinding::Legacy { loss, avg_ns } => {
                self.rounds_legacy += 1;
                self.legacy_loss_sum += loss;
                if let Some(avg_ns) = avg_ns {
                    self.legacy_avg_count += 1;
                    self.legacy_avg_sum_ns = self.legacy_avg_sum_ns.saturating_add(avg_ns);
                }
            }
            RowFinding::Counted(counted) => {
                self.add_round(&counted);
                return Some(*counted);
            }
        }
        None
    }

    /// Adds a round, but for its slices.
    fn add_round(&mut self, round: &Counted) {
        let lost = round.sent.saturating_sub(round.received);
        self.rounds += 1;
        self.rounds_lossy += u64::from(0 < lost);
        self.rounds_down += u64::from(round.received == 0);
        self.loss_hist[loss_place(lost, round.sent)] += 1;
        add(&mut self.sent, round.sent);
        add(&mut self.received, round.received);
        add(&mut self.late, round.late);
        add(&mut self.duplicates, round.duplicates);
        add(&mut self.reordered, round.reordered);
        add(&mut self.unsent, round.unsent);
        add(&mut self.lost_sq_sum, lost.saturating_mul(lost));
        add(&mut self.ipdv_pairs, round.ipdv_pairs);
        add(&mut self.ipdv_abs_sum_ns, round.ipdv_abs_sum_ns);
        self.add_delay(round.delay, round.hist.as_ref());
    }

    /// Adds the cell of a later time, whose distribution is `later_hist`.
    fn add_cell(&mut self, later: &Self, later_hist: Option<&Histogram>) {
        for (sum, value) in [
            (&mut self.rows, later.rows),
            (&mut self.rounds, later.rounds),
            (&mut self.rounds_lossy, later.rounds_lossy),
            (&mut self.rounds_down, later.rounds_down),
            (&mut self.rounds_suspect, later.rounds_suspect),
            (&mut self.rounds_error, later.rounds_error),
            (&mut self.rounds_legacy, later.rounds_legacy),
            (&mut self.sent, later.sent),
            (&mut self.received, later.received),
            (&mut self.late, later.late),
            (&mut self.duplicates, later.duplicates),
            (&mut self.reordered, later.reordered),
            (&mut self.unsent, later.unsent),
            (&mut self.lost_sq_sum, later.lost_sq_sum),
            (&mut self.ipdv_pairs, later.ipdv_pairs),
            (&mut self.ipdv_abs_sum_ns, later.ipdv_abs_sum_ns),
            (&mut self.legacy_avg_count, later.legacy_avg_count),
        ] {
            add(sum, value);
        }
        for (sum, rounds) in self.loss_hist.iter_mut().zip(later.loss_hist) {
            add(sum, rounds);
        }
        self.legacy_avg_sum_ns = self.legacy_avg_sum_ns.saturating_add(later.legacy_avg_sum_ns);
        self.legacy_loss_sum += later.legacy_loss_sum;
        self.add_delay(later.delay, later_hist);
    }

    /// Adds the delays of a later part. A distribution that one of the parts lacks is unknown for all of them.
    fn add_delay(&mut self, later: Option<CellDelay>, later_hist: Option<&Histogram>) {
        let Some(later) = later else { return };
        let Some(delay) = &mut self.delay else {
            self.delay = Some(later);
            self.hist = later_hist.cloned();
            return;
        };
        delay.merge(&later);
        match (&mut self.hist, later_hist) {
            (Some(hist), Some(later)) => hist.merge(later),
            _ => self.hist = None,
        }
    }
}

/// Whether a cell is to be computed anew: there are more rows than it was made of.
///
/// Of fewer rows it is left as it is, because then retention took some of them. `cell_rows` is `None` where there
/// is no cell.
#[must_use]
pub fn needs_redo(rows: u64, cell_rows: Option<u64>) -> bool {
    rows > cell_rows.unwrap_or(0)
}

/// The place of a round in [`Cell::loss_hist`]; a ratio that equals a bound belongs to it.
fn loss_place(lost: u64, sent: u64) -> usize {
    if 0 < lost && sent <= lost {
        return LOSS_PLACES - 1;
    }
    LOSS_BOUNDS_PPM
        .iter()
        .position(|bound| {
            u128::from(lost) * u128::from(LossLimit::MAX_PPM) <= u128::from(*bound) * u128::from(sent)
        })
        .unwrap_or(LOSS_PLACES - 2)
}

/// Adds the slices that lie in the hour; what a round sent after the hour's end is in no slice of it.
fn add_slices(sum: &mut Option<Slices>, hour: UnixTime, slices: &Slices) {
    let sum = sum.get_or_insert_with(|| Slices {
        start: hour,
        sent: vec![0; Slices::MAX],
        lost: vec![0; Slices::MAX],
        rtt_count: vec![0; Slices::MAX],
        rtt_sum_ns: vec![0; Slices::MAX],
    });
    let length = i64::try_from(Slices::LENGTH.as_nanos()).unwrap_or(i64::MAX);
    let first = slices.start.ns_after(hour).div_euclid(length);
    for (into, from) in [
        (&mut sum.sent, &slices.sent),
        (&mut sum.lost, &slices.lost),
        (&mut sum.rtt_count, &slices.rtt_count),
        (&mut sum.rtt_sum_ns, &slices.rtt_sum_ns),
    ] {
        for (place, value) in (first..).zip(from) {
            if let Some(sum) = usize::try_from(place).ok().and_then(|place| into.get_mut(place)) {
                add(sum, *value);
            }
        }
    }
}

fn add(sum: &mut u64, value: u64) {
    *sum = sum.saturating_add(value);
}

fn count(length: usize) -> u64 {
    // A `usize` has at most 64 bits on every platform that Rust knows.
    u64::try_from(length).unwrap_or(u64::MAX)
}
