//! A stored point as a cell.

use ippm::cell::{Cell, CellDelay};
use ippm::codec::{cell_slices, loss_hist};
use ippm::histogram::Histogram;
use ippm::{Moments, UnixTime};

use super::{Fault, Fields, beside, unreadable};
use crate::store::StoreError;
use crate::store::cell::{CellParts, Series, StoredCell};
use crate::store::layout::{CELL_HIST, CELL_NUMBERS, CELL_SLICES, Field};
use crate::store::point::Value;

/// The fields that a cell with these parts is made of.
#[must_use]
pub fn cell_fields(parts: CellParts) -> Vec<Field> {
    let mut fields = CELL_NUMBERS.to_vec();
    fields.extend(parts.hist.then_some(CELL_HIST));
    fields.extend(parts.slices.then_some(CELL_SLICES));
    fields
}

impl StoredCell {
    /// The cell of `series` at `time` with these fields.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unreadable`] if a field is missing or has another form than we write.
    pub fn from_stored<'a>(
        series: Series,
        time: UnixTime,
        fields: impl IntoIterator<Item = (&'a str, Value)>,
    ) -> Result<Self, StoreError> {
        match read(Fields::new(fields)) {
            Ok(cell) => Ok(Self::new(series, time, cell)),
            Err(fault) => Err(unreadable(
                format_args!(
                    "cell of {:?} to {:?} at {}",
                    series.source,
                    series.target,
                    time.as_ns()
                ),
                &fault,
            )),
        }
    }
}

fn read(mut fields: Fields<'_>) -> Result<Cell, Fault> {
    let mut count = |name| beside(fields.count(name)?, name, "rows");
    let mut cell = Cell {
        rows: count("rows")?,
        rounds: count("rounds")?,
        rounds_lossy: count("rounds_lossy")?,
        rounds_down: count("rounds_down")?,
        rounds_suspect: count("rounds_suspect")?,
        rounds_error: count("rounds_error")?,
        rounds_legacy: count("rounds_legacy")?,
        sent: count("sent")?,
        received: count("received")?,
        late: count("late")?,
        duplicates: count("duplicates")?,
        reordered: count("reordered")?,
        unsent: count("unsent")?,
        lost_sq_sum: count("lost_sq_sum")?,
        ipdv_pairs: count("ipdv_pairs")?,
        ipdv_abs_sum_ns: count("ipdv_abs_sum_ns")?,
        legacy_avg_count: count("legacy_avg_count")?,
        loss_hist: beside(fields.coded("loss_hist", loss_hist::decode)?, "loss_hist", "rows")?,
        legacy_avg_sum_ns: beside(fields.integer("legacy_avg_sum_ns")?, "legacy_avg_sum_ns", "rows")?,
        legacy_loss_sum: beside(fields.float("legacy_loss_sum")?, "legacy_loss_sum", "rows")?,
        delay: None,
        hist: None,
        slices: None,
    };
    // A store that replaces field by field keeps what an earlier cell had and this one has not: what came of a
    // round that turned out to be suspect.
    let delays = beside(fields.count("rtt_count")?, "rtt_count", "rows")?;
    if delays > 0 {
        cell.delay = Some(delay(&mut fields, delays)?);
        cell.hist = fields.coded("rtt_hist", Histogram::decode)?;
    }
    if cell.rounds > 0 {
        cell.slices = fields.coded("slices", cell_slices::decode)?;
    }
    Ok(cell)
}

fn delay(fields: &mut Fields<'_>, count: u64) -> Result<CellDelay, Fault> {
    let m2_ns2 = beside(fields.float("rtt_m2_ns2")?, "rtt_m2_ns2", "rtt_count")?;
    let mut ns = |name| beside(fields.count(name)?, name, "rtt_count");
    Ok(CellDelay {
        moments: Moments {
            count,
            sum_ns: ns("rtt_sum_ns")?,
            m2_ns2,
        },
        min_ns: ns("rtt_min_ns")?,
        max_ns: ns("rtt_max_ns")?,
    })
}
