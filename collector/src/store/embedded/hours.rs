//! Hours in memory: what the matrix asks for again and again, without the file.
//!
//! Only the one writer of the file changes it, so an hour is right as long as nothing of it was written since it was
//! read. Whoever writes forgets it before he says that it is written.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::cells::{self, COLUMNS, number, parts_of};
use super::readers::Unreadable;
use crate::store::cell::Resolution;
use crate::store::cell::shared::{HourOfAll, SharedCells};

/// Most cells that are kept: some 28 hours of 30 probes over both families, about 60 MB with their distributions.
pub(super) const MOST: usize = 49_152;

/// Most hours that were asked for together: those of the matrix's window that have ended and the one that is running, of
/// two windows.
const MOST_SHARED: usize = 4;

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
    /// What was asked for together lately, the latest last.
    shared: VecDeque<(Range<i64>, Arc<SharedCells>)>,
    cells: usize,
    turn: u64,
    /// How often something was forgotten.
    forgotten: u64,
    /// Which of those times it was each hour, and everything: what was read before is of before.
    of_hour: BTreeMap<i64, u64>,
    of_all: u64,
}

/// A time, told by what was forgotten before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AsOf(u64);

impl Hours {
    /// None yet, and never more than `most` cells.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            inner: Mutex::default(),
        }
    }

    /// The present. Whoever reads asks for it before the first statement of his transaction, which sees the file as
    /// it is then, however long the transaction takes.
    pub(super) fn as_of(&self) -> AsOf {
        AsOf(self.lock().forgotten)
    }

    /// The cells of the hour `slot`, from memory or from the file as it was at `as_of` or later.
    pub(super) fn of(
        &self,
        connection: &Connection,
        slot: i64,
        as_of: AsOf,
    ) -> Result<HourOfAll, Unreadable> {
        self.remember(slot, as_of, || read(connection, slot))
    }

    /// The cells of the hour `slot`, from memory or as `read` finds them, at `as_of` or later.
    fn remember(
        &self,
        slot: i64,
        as_of: AsOf,
        read: impl FnOnce() -> Result<HourOfAll, Unreadable>,
    ) -> Result<HourOfAll, Unreadable> {
        if let Some(hour) = self.lock().find(slot) {
            return Ok(hour);
        }
        let hour = read()?;
        let mut inner = self.lock();
        if inner.forgotten(slot) <= as_of {
            inner.keep(slot, &hour, self.most);
        }
        Ok(hour)
    }

    /// The hours `slots` together, if somebody asked for them lately and nothing of them was forgotten since.
    pub(super) fn shared(&self, slots: &Range<i64>) -> Option<Arc<SharedCells>> {
        let inner = self.lock();
        let (_, shared) = inner.shared.iter().find(|(of, _)| of == slots)?;
        Some(Arc::clone(shared))
    }

    /// Remembers that the hours `slots` were asked for together, and as what they were found at `as_of` or later.
    pub(super) fn share(&self, slots: Range<i64>, shared: &Arc<SharedCells>, as_of: AsOf) {
        let mut inner = self.lock();
        if slots.clone().any(|slot| as_of < inner.forgotten(slot)) {
            return;
        }
        inner.shared.retain(|(of, _)| *of != slots);
        if inner.shared.len() == MOST_SHARED {
            inner.shared.pop_front();
        }
        inner.shared.push_back((slots, Arc::clone(shared)));
    }

    /// Forgets the hours `slots`, of which something was written.
    pub(super) fn forget(&self, slots: impl IntoIterator<Item = i64>) {
        let mut inner = self.lock();
        inner.forgotten += 1;
        let forgotten = inner.forgotten;
        for slot in slots {
            inner.remove(slot);
            inner.of_hour.insert(slot, forgotten);
            inner.shared.retain(|(of, _)| !of.contains(&slot));
        }
    }

    /// Forgets everything.
    pub(super) fn forget_all(&self) {
        let mut inner = self.lock();
        inner.forgotten += 1;
        inner.of_all = inner.forgotten;
        inner.of_hour.clear();
        inner.shared.clear();
        inner.of.clear();
        inner.cells = 0;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// When the hour was forgotten last.
    fn forgotten(&self, slot: i64) -> AsOf {
        AsOf(self.of_hour.get(&slot).copied().unwrap_or(0).max(self.of_all))
    }

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
