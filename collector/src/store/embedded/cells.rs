//! Hours and days as rows of tables.
//!
//! Each has the number `slot << 32 | series`; see the layout. Cells are written whole, never updated.

use std::ops::Range;
use std::time::Duration;

use ippm::cell::row::hour_of;
use ippm::cell::{Cell, CellDelay, HOUR};
use ippm::codec::loss_hist;
use ippm::histogram::Histogram;
use ippm::{Moments, UnixTime};
use rusqlite::{Connection, Result, Row, params};

use super::readers::Unreadable;
use crate::store::StoreError;
use crate::store::cell::{Resolution, StoredCell};

/// The bits of a number that name the series.
const SERIES_BITS: u32 = 32;

/// The columns of a cell in the order of [`values`] and [`cell`], without slices; the last is the distribution.
pub(super) const COLUMNS: &str = "[rows], rounds, rounds_suspect, rounds_lossy, rounds_down, rounds_error, \
     rounds_legacy, sent, received, late, duplicates, reordered, unsent, lost_sq_sum, ipdv_pairs, \
     ipdv_abs_sum_ns, legacy_avg_count, legacy_avg_sum_ns, legacy_loss_sum, rtt_count, rtt_sum_ns, rtt_m2_ns2, \
     rtt_min_ns, rtt_max_ns, loss_hist, rtt_hist";

/// The table of the cells.
pub(super) const fn table(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::Hour => "cell_1h",
        Resolution::Day => "cell_1d",
    }
}

/// Which slot of this length begins at `time` or is running then.
pub(super) fn slot_of(time: UnixTime, length: Duration) -> i64 {
    let length = i64::try_from(length.as_nanos()).unwrap_or(i64::MAX);
    time.as_ns().div_euclid(length)
}

/// When the slot begins.
pub(super) fn time_of(slot: i64, length: Duration) -> UnixTime {
    let length = i64::try_from(length.as_nanos()).unwrap_or(i64::MAX);
    UnixTime::from_ns(slot.saturating_mul(length))
}

/// The slots that begin in `[from, to)`.
pub(super) fn slots(from: UnixTime, to: UnixTime, length: Duration) -> Range<i64> {
    let first_not_before = |time: UnixTime| {
        let slot = slot_of(time, length);
        if time_of(slot, length) < time {
            slot + 1
        } else {
            slot
        }
    };
    first_not_before(from)..first_not_before(to)
}

/// The number of a series in a slot.
pub(super) const fn number(slot: i64, series: i64) -> i64 {
    (slot << SERIES_BITS) | series
}

/// The slot and the series of a number.
pub(super) const fn parts_of(number: i64) -> (i64, i64) {
    (number >> SERIES_BITS, number & ((1 << SERIES_BITS) - 1))
}

/// What is known of a result that is there already.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    /// Its period.
    pub(super) period_ns: Option<i64>,
}

/// Counts a new result of `series`, or one that moves from the hour that it was in before.
pub(super) fn count_row(
    connection: &Connection,
    series: i64,
    time: UnixTime,
    period_ns: Option<i64>,
    before: Option<Before>,
) -> Result<()> {
    let hour = |period_ns: Option<i64>| {
        let period = period_ns
            .and_then(|ns| u64::try_from(ns).ok())
            .map(Duration::from_nanos);
        slot_of(hour_of(time, period), HOUR)
    };
    let now = hour(period_ns);
    if let Some(before) = before {
        let before = hour(before.period_ns);
        if before == now {
            return Ok(());
        }
        connection
            .prepare_cached("UPDATE row_count SET [rows] = [rows] - 1 WHERE id = ?1")?
            .execute([number(before, series)])?;
    }
    connection
        .prepare_cached(
            "INSERT INTO row_count (id, [rows]) VALUES (?1, 1) ON CONFLICT DO UPDATE SET [rows] = [rows] + 1",
        )?
        .execute([number(now, series)])?;
    Ok(())
}

/// Writes a cell of the series with this number in the place of the one that was there.
pub(super) fn put(
    connection: &Connection,
    resolution: Resolution,
    series: i64,
    stored: &StoredCell,
) -> Result<()> {
    let cell = &stored.cell;
    let number = number(slot_of(stored.time, resolution.length()), series);
    let places = (1..=27).map(|at| format!("?{at}")).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "INSERT OR REPLACE INTO {} (id, {COLUMNS}) VALUES ({places})",
        table(resolution)
    );
    let count = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let delay = cell.delay.as_ref();
    let of_delay = |value: fn(&CellDelay) -> u64| delay.map(|delay| count(value(delay)));
    connection.prepare_cached(&sql)?.execute(params![
        number,
        count(cell.rows),
        count(cell.rounds),
        count(cell.rounds_suspect),
        count(cell.rounds_lossy),
        count(cell.rounds_down),
        count(cell.rounds_error),
        count(cell.rounds_legacy),
        count(cell.sent),
        count(cell.received),
        count(cell.late),
        count(cell.duplicates),
        count(cell.reordered),
        count(cell.unsent),
        count(cell.lost_sq_sum),
        count(cell.ipdv_pairs),
        count(cell.ipdv_abs_sum_ns),
        count(cell.legacy_avg_count),
        cell.legacy_avg_sum_ns,
        cell.legacy_loss_sum,
        of_delay(|delay| delay.moments.count).unwrap_or(0),
        of_delay(|delay| delay.moments.sum_ns),
        delay.map(|delay| delay.moments.m2_ns2),
        of_delay(|delay| delay.min_ns),
        of_delay(|delay| delay.max_ns),
        loss_hist::encode(&cell.loss_hist),
        delay.and(cell.hist.as_ref()).map(Histogram::to_bytes),
    ])?;
    match resolution {
        Resolution::Hour => put_slices(connection, number, cell),
        Resolution::Day => {
            let day = stored.time.as_ns();
            connection
                .prepare_cached(
                    "UPDATE series SET last_day = ?2 WHERE id = ?1 AND (last_day IS NULL OR last_day < ?2)",
                )?
                .execute([series, day])?;
            Ok(())
        }
    }
}

fn put_slices(connection: &Connection, number: i64, cell: &Cell) -> Result<()> {
    match cell.slices.as_ref().filter(|_| cell.rounds > 0) {
        Some(slices) => connection
            .prepare_cached("INSERT OR REPLACE INTO cell_1h_slices (id, slices) VALUES (?1, ?2)")?
            .execute(params![number, slices.as_bytes()])?,
        None => connection
            .prepare_cached("DELETE FROM cell_1h_slices WHERE id = ?1")?
            .execute([number])?,
    };
    Ok(())
}

/// The cell in the columns from `first` on, the distribution only if it is wanted.
pub(super) fn cell(row: &Row<'_>, first: usize, with_hist: bool) -> std::result::Result<Cell, Unreadable> {
    let count = |at: usize| Ok::<u64, Unreadable>(u64::try_from(row.get::<_, i64>(first + at)?).unwrap_or(0));
    let text = row.get_ref(first + 24)?.as_str().map_err(rusqlite::Error::from)?;
    let delays = count(19)?;
    let mut cell = Cell {
        rows: count(0)?,
        rounds: count(1)?,
        rounds_suspect: count(2)?,
        rounds_lossy: count(3)?,
        rounds_down: count(4)?,
        rounds_error: count(5)?,
        rounds_legacy: count(6)?,
        sent: count(7)?,
        received: count(8)?,
        late: count(9)?,
        duplicates: count(10)?,
        reordered: count(11)?,
        unsent: count(12)?,
        lost_sq_sum: count(13)?,
        ipdv_pairs: count(14)?,
        ipdv_abs_sum_ns: count(15)?,
        legacy_avg_count: count(16)?,
        legacy_avg_sum_ns: row.get(first + 17)?,
        legacy_loss_sum: row.get(first + 18)?,
        loss_hist: loss_hist::decode(text).map_err(|error| unreadable("loss_hist", &error))?,
        delay: None,
        hist: None,
        slices: None,
    };
    if delays > 0 {
        cell.delay = Some(CellDelay {
            moments: Moments {
                count: delays,
                sum_ns: count(20)?,
                m2_ns2: row.get(first + 21)?,
            },
            min_ns: count(22)?,
            max_ns: count(23)?,
        });
        if with_hist
            && let Some(bytes) = row
                .get_ref(first + 25)?
                .as_blob_or_null()
                .map_err(rusqlite::Error::from)?
        {
            let hist = Histogram::from_bytes(bytes).map_err(|error| unreadable("rtt_hist", &error))?;
            cell.hist = Some(hist);
        }
    }
    Ok(cell)
}

/// What a column of a cell holds is not what we write.
pub(super) fn unreadable(name: &str, error: &dyn std::fmt::Display) -> Unreadable {
    Unreadable::Content(StoreError::Unreadable {
        reason: format!("field {name} of a cell: {error}"),
    })
}
