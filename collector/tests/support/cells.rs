//! The cells that reports make, computed from what was sent, and those that a store holds.

#![cfg(test)]

use std::collections::BTreeMap;

use collector::store::cell::{CellParts, CellQuery, Resolution, Series, StoredCell};
use collector::store::{Report, Store};
use ippm::cell::row::CellRow;
use ippm::cell::{Cell, DAY};
use ippm::{ProbeName, UnixTime};

use super::rows::rows_of;

/// Far enough back that no slot of a test is still running, and inside every retention.
pub(crate) fn a_day_ago() -> UnixTime {
    let now = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap();
    UnixTime::from_ns(now).floor(DAY).saturating_sub(DAY)
}

/// The hours and the days that these reports make: from what was sent, not from what a store gives back.
pub(crate) fn expected(reports: &[Report]) -> (Vec<StoredCell>, Vec<StoredCell>) {
    let mut rows: BTreeMap<Series, BTreeMap<UnixTime, Vec<CellRow>>> = BTreeMap::new();
    for report in reports {
        let is_suspect = report
            .run
            .native
            .as_ref()
            .is_some_and(|native| !native.suspect.is_empty());
        for row in rows_of([report]) {
            let series = row.series();
            let row = row.into_cell_row(is_suspect);
            let hours = rows.entry(series).or_default();
            hours.entry(row.hour()).or_default().push(row);
        }
    }
    let (mut of_hours, mut of_days) = (Vec::new(), Vec::new());
    for (series, hours) in rows {
        let mut days: BTreeMap<UnixTime, Vec<Cell>> = BTreeMap::new();
        for (hour, rows) in hours {
            let cell = Cell::of_rows(hour, rows).unwrap();
            days.entry(hour.floor(DAY)).or_default().push(cell.clone());
            of_hours.push(StoredCell::new(series.clone(), hour, cell));
        }
        for (day, cells) in days {
            let cell = Cell::of_hours(&cells).unwrap();
            of_days.push(StoredCell::new(series.clone(), day, cell));
        }
    }
    (of_hours, of_days)
}

/// Every cell of `source`, or of every source, with all its parts.
pub(crate) async fn stored(
    store: &dyn Store,
    source: Option<&ProbeName>,
    resolution: Resolution,
) -> Vec<StoredCell> {
    let query = CellQuery {
        source: source.cloned(),
        target: None,
        family: None,
        test: None,
        from: UnixTime::from_ns(0),
        to: UnixTime::from_ns(i64::MAX),
        resolution,
        parts: CellParts::ALL,
    };
    store.cells(query).collect().await.unwrap()
}
