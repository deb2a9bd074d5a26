//! Hours in memory: what the matrix asks for again and again, without the file.
//!
//! Only the one writer of the file changes it, so an hour is right as long as nothing of it was written since it was
//! read. Whoever writes forgets it before he says that it is written.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ippm::cell::Cell;
use rusqlite::Connection;

use super::cells::{self, COLUMNS, number, parts_of};
use super::readers::Unreadable;
use crate::store::cell::Resolution;

/// Most cells that are kept: some 28 hours of 30 probes over both families, about 60 MB with their distributions.
pub(super) const MOST: usize = 49_152;

/// All cells of one hour by the number of their series, ascending.
pub(super) type HourOfAll = Arc<[(i64, Cell)]>;

/// Hours that were read and are as they were.
#[derive(Debug)]
pub(super) struct Hours {
    most: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// By slot, each with the turn in which it was asked for last.
    of: BTreeMap<i64, (HourOfAll, u64)>,
    cells: usize,
    turn: u64,
    /// How often something was forgotten: what was read before may be of before.
    forgotten: u64,
}

impl Hours {
    /// None yet, and never more than `most` cells.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            inner: Mutex::default(),
        }
    }

    /// The cells of the hour `slot`, from memory or from the file.
    pub(super) fn of(&self, connection: &Connection, slot: i64) -> Result<HourOfAll, Unreadable> {
        self.remember(slot, || read(connection, slot))
    }

    /// The cells of the hour `slot`, from memory or as `read` finds them.
    fn remember(
        &self,
        slot: i64,
        read: impl FnOnce() -> Result<HourOfAll, Unreadable>,
    ) -> Result<HourOfAll, Unreadable> {
        let forgotten = {
            let mut inner = self.lock();
            if let Some(hour) = inner.find(slot) {
                return Ok(hour);
            }
            inner.forgotten
        };
        let hour = read()?;
        let mut inner = self.lock();
        if inner.forgotten == forgotten {
            inner.keep(slot, &hour, self.most);
        }
        Ok(hour)
    }

    /// Forgets the hours `slots`, of which something was written.
    pub(super) fn forget(&self, slots: impl IntoIterator<Item = i64>) {
        let mut inner = self.lock();
        inner.forgotten += 1;
        for slot in slots {
            inner.remove(slot);
        }
    }

    /// Forgets everything.
    pub(super) fn forget_all(&self) {
        let mut inner = self.lock();
        inner.forgotten += 1;
        inner.of.clear();
        inner.cells = 0;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn find(&mut self, slot: i64) -> Option<HourOfAll> {
        self.turn += 1;
        let (hour, asked) = self.of.get_mut(&slot)?;
        *asked = self.turn;
        Some(Arc::clone(hour))
    }

    /// Keeps an hour in the place of those that nobody asked for since long; not one that would take everything.
    fn keep(&mut self, slot: i64, hour: &HourOfAll, most: usize) {
        if hour.len() > most {
            return;
        }
        self.remove(slot);
        while self.cells + hour.len() > most {
            let oldest = self.of.iter().min_by_key(|(_, (_, asked))| *asked);
            let Some(oldest) = oldest.map(|(slot, _)| *slot) else {
                return;
            };
            self.remove(oldest);
        }
        self.cells += hour.len();
        self.of.insert(slot, (Arc::clone(hour), self.turn));
    }

    fn remove(&mut self, slot: i64) {
        if let Some((hour, _)) = self.of.remove(&slot) {
            self.cells -= hour.len();
        }
    }
}

fn read(connection: &Connection, slot: i64) -> Result<HourOfAll, Unreadable> {
    let sql = format!(
        "SELECT id, {COLUMNS} FROM {} WHERE id >= ?1 AND id < ?2",
        cells::table(Resolution::Hour)
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([number(slot, 0), number(slot + 1, 0)])?;
    let mut hour = Vec::new();
    while let Some(row) = rows.next()? {
        hour.push((parts_of(row.get(0)?).1, cells::cell(row, 1, true)?));
    }
    Ok(hour.into())
}

#[cfg(test)]
mod tests;
