//! Hours whose cells are not made yet, or of fewer results than there are: their cells are made here, as they will be.
//!
//! A cell is made within about a minute after a late report, and the hour that has just ended may lack it. What a
//! statement says must not depend on whether that has happened. Where results have expired, cells are what there is.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ippm::cell::row::CellRow;
use ippm::cell::{Cell, DAY, HOUR, needs_redo};
use ippm::{ProbeName, UnixTime};

use crate::report::segment::kept_since;
use crate::report::sla::raw::PARTS;
use crate::report::sla::statement::Period;
use crate::report::view::View;
use crate::store::cell::{CellCount, Resolution, Series, StoredCell};
use crate::store::query::RowQuery;
use crate::store::{Store, StoreError};

/// Hours of series with more results than their cells were made of.
#[derive(Debug)]
pub(super) struct Stale {
    hours: HashMap<Series, BTreeSet<UnixTime>>,
}

impl Stale {
    /// Counts the results of `period`, as far as they are kept, of the series that are wanted, and compares.
    pub(super) async fn find(
        store: &dyn Store,
        view: &View<'_>,
        period: &Period,
        is_wanted: &(dyn Fn(&Series) -> bool + Sync),
    ) -> Result<Self, StoreError> {
        let mut stale = Self {
            hours: HashMap::new(),
        };
        let mut from = period.from.max(kept_since(None, view)).floor(HOUR);
        while from < period.to {
            let to = from.floor(DAY).saturating_add(DAY).min(period.to);
            stale.compare(store, (from, to), is_wanted).await?;
            from = to;
        }
        Ok(stale)
    }

    async fn compare(
        &mut self,
        store: &dyn Store,
        (from, to): (UnixTime, UnixTime),
        is_wanted: &(dyn Fn(&Series) -> bool + Sync),
    ) -> Result<(), StoreError> {
        let rows = store.row_tallies(None, from, to).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let cells = store.cell_tallies(Resolution::Hour, None, from, to).await?;
        let cells: HashMap<Series, Vec<CellCount>> = cells
            .into_iter()
            .map(|tally| (tally.series, tally.cells))
            .collect();
        for tally in rows {
            let cells = cells.get(&tally.series).map_or(&[][..], Vec::as_slice);
            let is_stale = |(hour, rows): &(UnixTime, u64)| {
                let cell = cells.binary_search_by_key(hour, |cell| cell.time).ok();
                needs_redo(*rows, cell.map(|at| cells[at].rows))
            };
            let hours = tally.hours.iter().filter(|hour| is_stale(hour));
            let hours: BTreeSet<UnixTime> = hours.map(|(hour, _)| *hour).collect();
            if !hours.is_empty() && is_wanted(&tally.series) {
                self.hours.entry(tally.series).or_default().extend(hours);
            }
        }
        Ok(())
    }

    /// Whether the cell that is stored says less than the results.
    pub(super) fn contains(&self, series: &Series, hour: UnixTime) -> bool {
        let hours = self.hours.get(series);
        hours.is_some_and(|hours| hours.contains(&hour))
    }

    /// The days with such an hour of the sources `names`.
    pub(super) fn days(&self, names: &[ProbeName]) -> BTreeSet<UnixTime> {
        let own = self
            .hours
            .iter()
            .filter(|(series, _)| names.contains(&series.source));
        let hours = own.flat_map(|(_, hours)| hours);
        hours.map(|hour| hour.floor(DAY)).collect()
    }

    /// The cells of these hours of the source `name` in `[from, to)`, whole hours of one day, as they will be.
    pub(super) async fn cells(
        &self,
        store: &dyn Store,
        name: &ProbeName,
        (from, to): (UnixTime, UnixTime),
    ) -> Result<Vec<StoredCell>, StoreError> {
        // The last slot that begins in an hour may reach an hour beyond it.
        let end = to.saturating_add(HOUR);
        let runs = store.probe_runs(Some(name), from, end).await?;
        let suspect: HashSet<UnixTime> = runs
            .iter()
            .filter(|run| run.is_suspect())
            .map(|run| run.time)
            .collect();
        let mut rows = store.rows(RowQuery {
            source: Some(name.clone()),
            target: None,
            family: None,
            test: None,
            from,
            to: end,
            parts: PARTS,
        });
        let mut cells = Vec::new();
        let mut current: Option<(Series, BTreeMap<UnixTime, Vec<CellRow>>)> = None;
        while let Some(row) = rows.next().await? {
            let series = row.series();
            if current.as_ref().is_none_or(|(known, _)| *known != series) {
                made(current.replace((series, BTreeMap::new())), &mut cells);
            }
            let is_suspect = suspect.contains(&row.time);
            let row = row.into_cell_row(is_suspect);
            let hour = row.hour();
            if let Some((series, hours)) = &mut current
                && from <= hour
                && hour < to
                && self.contains(series, hour)
            {
                hours.entry(hour).or_default().push(row);
            }
        }
        made(current, &mut cells);
        Ok(cells)
    }
}

fn made(of: Option<(Series, BTreeMap<UnixTime, Vec<CellRow>>)>, cells: &mut Vec<StoredCell>) {
    let Some((series, hours)) = of else { return };
    for (hour, rows) in hours {
        let cell = Cell::of_rows(hour, rows);
        cells.extend(cell.map(|cell| StoredCell::new(series.clone(), hour, cell)));
    }
}
