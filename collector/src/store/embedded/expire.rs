//! Old rows go in steps so small that nobody who writes notices them.

use ippm::UnixTime;
use rusqlite::{Connection, OptionalExtension, Result, TransactionBehavior, params};

/// Most rows of one step: some milliseconds.
const STEP_ROWS: i64 = 1000;

/// How far an expiry has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    /// Rows before this time go.
    pub(super) before: UnixTime,
    /// The series that comes next is the first one after this number; `None` at the end.
    pub(super) after: Option<i64>,
    /// Rows deleted so far.
    pub(super) deleted: u64,
}

impl Progress {
    /// Nothing done yet.
    pub(super) const fn start(before: UnixTime) -> Self {
        Self {
            before,
            after: Some(0),
            deleted: 0,
        }
    }
}

/// Deletes at most [`STEP_ROWS`] rows of the next series, and the series if none is left of it.
pub(super) fn step(connection: &mut Connection, mut progress: Progress) -> Result<Progress> {
    let Some(after) = progress.after else {
        return Ok(progress);
    };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let series: Option<i64> = transaction
        .prepare_cached("SELECT min(id) FROM series WHERE id > ?1")?
        .query_row([after], |row| row.get(0))?;
    let Some(series) = series else {
        progress.after = None;
        return Ok(progress);
    };
    // The first time that stays in this step: the general limit, or that of the row too many.
    let limit: Option<i64> = transaction
        .prepare_cached(
            "SELECT time FROM ping WHERE series = ?1 AND time < ?2 ORDER BY time LIMIT 1 OFFSET ?3",
        )?
        .query_row(params![series, progress.before.as_ns(), STEP_ROWS], |row| {
            row.get(0)
        })
        .optional()?;
    let limit_or_before = limit.unwrap_or(progress.before.as_ns());
    transaction
        .prepare_cached(
            "DELETE FROM ping_text WHERE id IN (SELECT text FROM ping WHERE series = ?1 AND time < ?2)",
        )?
        .execute(params![series, limit_or_before])?;
    let deleted = transaction
        .prepare_cached("DELETE FROM ping WHERE series = ?1 AND time < ?2")?
        .execute(params![series, limit_or_before])?;
    if limit.is_none() {
        transaction
            .prepare_cached(
                "DELETE FROM series WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM ping WHERE series = ?1)",
            )?
            .execute([series])?;
        progress.after = Some(series);
    }
    transaction.commit()?;
    progress.deleted = progress.deleted.saturating_add(deleted as u64);
    Ok(progress)
}
