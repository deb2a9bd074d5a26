//! What is old goes in steps so small that nobody who writes notices them.

use ippm::UnixTime;
use rusqlite::{Connection, OptionalExtension, Result, Transaction, TransactionBehavior, params};

use super::cell_select::first_number_of;
use super::cells;
use crate::store::cell::{Kept, Resolution};

/// Most rows of one step: some milliseconds.
const STEP_ROWS: i64 = 1000;

/// How far an expiry has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    /// What goes.
    what: Kept,
    /// What is of before this time goes.
    before: UnixTime,
    /// What comes next; `None` at the end.
    next: Option<Next>,
    /// Rows or cells deleted so far.
    pub(super) deleted: u64,
}

/// What the next step deletes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Results of the first series after this number.
    RowsAfter(i64),
    /// How many results the hours had.
    Counts,
    /// Cells.
    Cells(Resolution),
    /// Series that nothing is left of.
    Series,
}

impl Progress {
    /// Nothing done yet.
    pub(super) const fn start(what: Kept, before: UnixTime) -> Self {
        Self {
            what,
            before,
            next: Some(match what {
                Kept::Rows => Next::RowsAfter(0),
                Kept::Cells(resolution) => Next::Cells(resolution),
            }),
            deleted: 0,
        }
    }

    /// Whether nothing is left to be done.
    pub(super) const fn is_done(&self) -> bool {
        self.next.is_none()
    }
}

/// Deletes at most [`STEP_ROWS`] rows of the table whose turn it is.
pub(super) fn step(connection: &mut Connection, mut progress: Progress) -> Result<Progress> {
    let Some(next) = progress.next else {
        return Ok(progress);
    };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = progress.before;
    let mut deleted = 0;
    progress.next = match next {
        Next::RowsAfter(series) => rows(&transaction, series, before, &mut deleted)?,
        Next::Counts => {
            let limit = first_number_of(before, Resolution::Hour);
            (oldest(&transaction, "row_count", limit)? > 0).then_some(Next::Counts)
        }
        Next::Cells(resolution) => {
            let limit = first_number_of(before, resolution);
            deleted = oldest(&transaction, cells::table(resolution), limit)?;
            match (deleted, resolution) {
                (0, Resolution::Hour) => None,
                (0, Resolution::Day) => Some(Next::Series),
                // The slices of the hours that are left begin with the first of them.
                (_, Resolution::Hour) => {
                    let first: Option<i64> =
                        transaction.query_row("SELECT min(id) FROM cell_1h", [], |row| row.get(0))?;
                    transaction.execute(
                        "DELETE FROM cell_1h_slices WHERE id < ?1",
                        [first.unwrap_or(limit)],
                    )?;
                    Some(next)
                }
                (_, Resolution::Day) => Some(next),
            }
        }
        Next::Series => {
            forgotten_series(&transaction, before)?;
            None
        }
    };
    transaction.commit()?;
    progress.deleted = progress.deleted.saturating_add(deleted as u64);
    Ok(progress)
}

/// Deletes at most [`STEP_ROWS`] results of the first series after `after`.
fn rows(
    transaction: &Transaction<'_>,
    after: i64,
    before: UnixTime,
    deleted: &mut usize,
) -> Result<Option<Next>> {
    let series: Option<i64> = transaction
        .prepare_cached("SELECT min(id) FROM series WHERE id > ?1")?
        .query_row([after], |row| row.get(0))?;
    let Some(series) = series else {
        return Ok(Some(Next::Counts));
    };
    // The first time that stays in this step: the general limit, or that of the row too many.
    let limit: Option<i64> = transaction
        .prepare_cached(
            "SELECT time FROM ping WHERE series = ?1 AND time < ?2 ORDER BY time LIMIT 1 OFFSET ?3",
        )?
        .query_row(params![series, before.as_ns(), STEP_ROWS], |row| row.get(0))
        .optional()?;
    let limit_or_before = limit.unwrap_or(before.as_ns());
    transaction
        .prepare_cached(
            "DELETE FROM ping_text WHERE id IN (SELECT text FROM ping WHERE series = ?1 AND time < ?2)",
        )?
        .execute(params![series, limit_or_before])?;
    *deleted = transaction
        .prepare_cached("DELETE FROM ping WHERE series = ?1 AND time < ?2")?
        .execute(params![series, limit_or_before])?;
    Ok(Some(Next::RowsAfter(if limit.is_none() {
        series
    } else {
        after
    })))
}

/// Deletes at most [`STEP_ROWS`] rows of `table` below the number `limit`, the oldest first.
fn oldest(transaction: &Transaction<'_>, table: &str, limit: i64) -> Result<usize> {
    transaction
        .prepare_cached(&format!(
            "DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE id < ?1 ORDER BY id LIMIT ?2)"
        ))?
        .execute([limit, STEP_ROWS])
}

/// A series goes with its last day; one without a day may have hours that are still to be added up.
fn forgotten_series(transaction: &Transaction<'_>, before: UnixTime) -> Result<()> {
    transaction.execute(
        "DELETE FROM series WHERE last_day < ?1 AND NOT EXISTS (SELECT 1 FROM ping WHERE series = series.id)",
        [before.as_ns()],
    )?;
    Ok(())
}
