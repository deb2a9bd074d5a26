//! One source's hours from its results, and its days from their hours.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ippm::cell::row::CellRow;
use ippm::cell::{Cell, DAY, HOUR};
use ippm::{ProbeName, UnixTime};

use crate::store::cell::{CellParts, CellQuery, Resolution, Series, StoredCell};
use crate::store::query::RowQuery;
use crate::store::row::Parts;
use crate::store::{Store, StoreError};

/// Most hours that are read together: a day.
const HOURS_TOGETHER: usize = 24;

/// Most cells that are written together; with their slices they take 3 MB.
const WRITTEN_TOGETHER: usize = 256;

/// What of its results a cell is made of.
const PARTS: Parts = Parts {
    counts: true,
    delay: true,
    hist: true,
    slices: true,
    icmp: false,
    meta: false,
};

/// What became of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Redone {
    /// Cells that were written.
    pub(super) written: u64,
    /// Cells that were left as they are, because fewer results are left than they were made of.
    pub(super) left: u64,
}

/// Computes `hours` of `source`, and the days that they or `days` belong to.
pub(super) async fn redo(
    store: &dyn Store,
    source: &ProbeName,
    hours: &BTreeSet<UnixTime>,
    days: &BTreeSet<UnixTime>,
) -> Result<Redone, StoreError> {
    let mut redone = Redone::default();
    let mut days = days.clone();
    for together in together(hours) {
        let mut writing = Writing::begin(store, Resolution::Hour, source, &together).await?;
        redo_hours(&mut writing, source, &together).await?;
        writing.end(&mut redone).await?;
        days.extend(together.iter().map(|hour| hour.floor(DAY)));
    }
    for day in days {
        let mut writing = Writing::begin(store, Resolution::Day, source, &[day]).await?;
        redo_day(&mut writing, source, day).await?;
        writing.end(&mut redone).await?;
    }
    Ok(redone)
}

/// Hours that follow each other, a bounded number of them together.
fn together(hours: &BTreeSet<UnixTime>) -> Vec<Vec<UnixTime>> {
    let mut groups: Vec<Vec<UnixTime>> = Vec::new();
    for hour in hours {
        match groups.last_mut() {
            Some(group)
                if group.len() < HOURS_TOGETHER
                    && group
                        .last()
                        .is_some_and(|last| last.saturating_add(HOUR) == *hour) =>
            {
                group.push(*hour);
            }
            _ => groups.push(vec![*hour]),
        }
    }
    groups
}

async fn redo_hours(
    writing: &mut Writing<'_>,
    source: &ProbeName,
    hours: &[UnixTime],
) -> Result<(), StoreError> {
    let (Some(first), Some(last)) = (hours.first(), hours.last()) else {
        return Ok(());
    };
    // The last slot that begins in an hour may reach an hour beyond it.
    let end = last.saturating_add(HOUR * 2);
    let suspect: HashSet<UnixTime> = writing
        .store
        .probe_runs(Some(source), *first, end)
        .await?
        .into_iter()
        .filter(|run| {
            run.native
                .as_ref()
                .is_some_and(|native| !native.suspect.is_empty())
        })
        .map(|run| run.time)
        .collect();
    let mut rows = writing.store.rows(RowQuery {
        source: Some(source.clone()),
        target: None,
        family: None,
        test: None,
        from: *first,
        to: end,
        parts: PARTS,
    });
    let mut current: Option<(Series, BTreeMap<UnixTime, Vec<CellRow>>)> = None;
    while let Some(row) = rows.next().await? {
        let is_same = current.as_ref().is_some_and(|(series, _)| {
            series.target == row.target && series.family == row.family && series.test == row.test
        });
        if !is_same && let Some((series, of_hours)) = current.replace((row.series(), BTreeMap::new())) {
            writing.hours(&series, of_hours).await?;
        }
        let is_suspect = suspect.contains(&row.time);
        let row = row.into_cell_row(is_suspect);
        let hour = row.hour();
        if let Some((_, of_hours)) = &mut current
            && hours.contains(&hour)
        {
            of_hours.entry(hour).or_default().push(row);
        }
    }
    if let Some((series, of_hours)) = current {
        writing.hours(&series, of_hours).await?;
    }
    Ok(())
}

async fn redo_day(writing: &mut Writing<'_>, source: &ProbeName, day: UnixTime) -> Result<(), StoreError> {
    let mut hours = writing.store.cells(CellQuery {
        source: Some(source.clone()),
        target: None,
        family: None,
        test: None,
        from: day,
        to: day.saturating_add(DAY),
        resolution: Resolution::Hour,
        parts: CellParts {
            hist: true,
            slices: false,
        },
    });
    let mut current: Option<(Series, Vec<Cell>)> = None;
    while let Some(hour) = hours.next().await? {
        let is_same = current.as_ref().is_some_and(|(series, _)| hour.is_of(series));
        if !is_same && let Some((series, cells)) = current.replace((hour.series(), Vec::new())) {
            writing.day(&series, day, &cells).await?;
        }
        if let Some((_, cells)) = &mut current {
            cells.push(hour.cell);
        }
    }
    if let Some((series, cells)) = current {
        writing.day(&series, day, &cells).await?;
    }
    Ok(())
}

/// Cells on their way to the store, and what they were made of before.
struct Writing<'a> {
    store: &'a dyn Store,
    resolution: Resolution,
    before: HashMap<(Series, UnixTime), u64>,
    batch: Vec<StoredCell>,
    redone: Redone,
}

impl<'a> Writing<'a> {
    async fn begin(
        store: &'a dyn Store,
        resolution: Resolution,
        source: &ProbeName,
        times: &[UnixTime],
    ) -> Result<Self, StoreError> {
        let mut before = HashMap::new();
        if let (Some(first), Some(last)) = (times.first(), times.last()) {
            let end = last.saturating_add(resolution.length());
            for tally in store.cell_tallies(resolution, Some(source), *first, end).await? {
                let cells = tally.cells.iter();
                before.extend(cells.map(|cell| ((tally.series.clone(), cell.time), cell.rows)));
            }
        }
        Ok(Self {
            store,
            resolution,
            before,
            batch: Vec::new(),
            redone: Redone::default(),
        })
    }

    async fn hours(
        &mut self,
        series: &Series,
        hours: BTreeMap<UnixTime, Vec<CellRow>>,
    ) -> Result<(), StoreError> {
        for (hour, rows) in hours {
            if let Some(cell) = Cell::of_rows(hour, rows) {
                self.put(series, hour, cell).await?;
            }
        }
        Ok(())
    }

    async fn day(&mut self, series: &Series, day: UnixTime, hours: &[Cell]) -> Result<(), StoreError> {
        match Cell::of_hours(hours) {
            Some(cell) => self.put(series, day, cell).await,
            None => Ok(()),
        }
    }

    /// What retention took from the results stays in the cell.
    async fn put(&mut self, series: &Series, time: UnixTime, cell: Cell) -> Result<(), StoreError> {
        let before = self.before.get(&(series.clone(), time));
        if before.is_some_and(|rows| cell.rows < *rows) {
            self.redone.left += 1;
            return Ok(());
        }
        self.batch.push(StoredCell::new(series.clone(), time, cell));
        if self.batch.len() == WRITTEN_TOGETHER {
            self.write().await?;
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), StoreError> {
        self.store.put_cells(self.resolution, &self.batch).await?;
        self.redone.written += self.batch.len() as u64;
        self.batch.clear();
        Ok(())
    }

    async fn end(mut self, redone: &mut Redone) -> Result<(), StoreError> {
        self.write().await?;
        redone.written += self.redone.written;
        redone.left += self.redone.left;
        Ok(())
    }
}
