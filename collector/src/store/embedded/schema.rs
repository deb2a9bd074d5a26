//! The layout of the file, and the way from every earlier layout to today's.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::fault;
use crate::store::StoreError;

/// The step that makes each layout from the one before it; the first makes it from an empty file.
///
/// A step that was released is never edited: what it made lies on operators' disks.
const STEPS: &[&str] = &[
    include_str!("schema/0.sql"),
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
];

/// The layout that this version reads and writes.
pub(super) const CURRENT: i64 = 4;

/// Brings the file at `path` to the layout [`CURRENT`], all steps or none.
///
/// # Errors
///
/// [`StoreError::Refused`] for a file of a newer version and for one that is not ours;
/// [`StoreError::Unavailable`] if there is no space for it.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let fault = |error: &rusqlite::Error| fault::of(error, path);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Exclusive)
        .map_err(|e| fault(&e))?;
    let found = version(&transaction, path)?;
    let first_step = found.map_or(0, |version| version + 1);
    for (version, step) in (0..).zip(STEPS).skip(usize::try_from(first_step).unwrap_or(0)) {
        transaction.execute_batch(step).map_err(|e| fault(&e))?;
        transaction
            .execute("UPDATE schema_version SET version = ?1", [version])
            .map_err(|e| fault(&e))?;
    }
    transaction.commit().map_err(|e| fault(&e))?;
    if let Some(found) = found.filter(|found| *found < CURRENT) {
        log::info!(
            "{}: layout {found} was brought to layout {CURRENT}",
            path.display()
        );
    }
    Ok(())
}

/// The layout of the file; `None` if it is empty.
///
/// # Errors
///
/// [`StoreError::Refused`] if it is newer than [`CURRENT`], or not a file of ours.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<Option<i64>, StoreError> {
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let fault = |error: &rusqlite::Error| fault::of(error, path);
    let is_ours =
        count("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'")
            .map_err(|e| fault(&e))?;
    if is_ours == 0 {
        return match count("SELECT count(*) FROM sqlite_schema").map_err(|e| fault(&e))? {
            0 => Ok(None),
            _ => Err(StoreError::Refused {
                reason: format!(
                    "{} is a database of something else: name another file",
                    path.display()
                ),
            }),
        };
    }
    let found: i64 = connection
        .query_row("SELECT version FROM schema_version", [], |row| row.get(0))
        .optional()
        .map_err(|e| fault(&e))?
        .ok_or_else(|| StoreError::Unreadable {
            reason: format!("{}: no layout version in it", path.display()),
        })?;
    if (0..=CURRENT).contains(&found) {
        return Ok(Some(found));
    }
    Err(StoreError::Refused {
        reason: format!(
            "{} has layout {found}, and this version knows the layouts up to {CURRENT}: install the newer collector that wrote it, or restore a backup of before",
            path.display()
        ),
    })
}

#[cfg(test)]
mod tests;
