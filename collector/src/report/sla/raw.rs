//! Hours that are cut by an edge, read round by round.

use std::collections::{BTreeMap, BTreeSet};

use ippm::cell::row::CellRow;
use ippm::cell::{Cell, HOUR};
use ippm::class::slot::Aliases;
use ippm::{ProbeName, UnixTime};

use crate::report::sla::pairs::Expectations;
use crate::report::sla::statement::Period;
use crate::store::query::RowQuery;
use crate::store::row::{Parts, Row};
use crate::store::{Store, StoreError};

/// What of a result its cell is made of.
const PARTS: Parts = Parts {
    counts: true,
    delay: true,
    hist: true,
    slices: true,
    icmp: false,
    meta: false,
};

/// An hour of a pair, apart for the rounds outside announced work, in it, and under our own load.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CutHour {
    /// Outside announced work.
    pub(super) outside: Option<Cell>,
    /// In it.
    pub(super) in_maintenance: Option<Cell>,
    /// Under our own load: in no figure.
    pub(super) loaded: Option<Cell>,
}

/// Reads the cut hours of the pairs of one source: for each pair, in their order, its hours.
///
/// `source` and `targets` are stored names; an hour is read for all pairs at once.
pub(super) async fn read(
    store: &dyn Store,
    sources: &[ProbeName],
    aliases: &Aliases,
    pairs: &[Expectations],
    period: &Period,
    record: &mut (dyn FnMut(&Row, bool) + Send),
) -> Result<Vec<BTreeMap<UnixTime, CutHour>>, StoreError> {
    let mut found: Vec<BTreeMap<UnixTime, CutHour>> = vec![BTreeMap::new(); pairs.len()];
    let hours: BTreeSet<UnixTime> = pairs.iter().flat_map(|pair| pair.cut.iter().copied()).collect();
    let longest = pairs
        .iter()
        .flat_map(|pair| &pair.expected)
        .map(|expected| expected.expectation.period)
        .max()
        .unwrap_or(HOUR);
    for hour in hours {
        let end = hour.saturating_add(HOUR).saturating_add(longest);
        let mut rows: Vec<Vec<CellRow>> = vec![Vec::new(); pairs.len()];
        for source in sources {
            let suspects: BTreeSet<UnixTime> = store
                .probe_runs(Some(source), hour, end)
                .await?
                .into_iter()
                .filter(|run| run.native.as_ref().is_some_and(|run| !run.suspect.is_empty()))
                .map(|run| run.time)
                .collect();
            let mut stream = store.rows(RowQuery {
                source: Some(source.clone()),
                target: None,
                family: None,
                test: None,
                from: hour,
                to: end,
                parts: PARTS,
            });
            while let Some(row) = stream.next().await? {
                let target = aliases.resolve(&row.target);
                let place = pairs.iter().position(|pair| {
                    pair.target.probe == *target && pair.family == row.family && pair.test == row.test
                });
                let Some(place) = place.filter(|place| pairs[*place].cut.contains(&hour)) else {
                    continue;
                };
                let is_suspect = suspects.contains(&row.time);
                let slot = row.period.map_or(row.time, |period| row.time.floor(period));
                if slot < period.from || period.to <= slot || slot.floor(HOUR) != hour {
                    continue;
                }
                record(&row, is_suspect);
                rows[place].push(row.into_cell_row(is_suspect));
            }
        }
        for ((pair, rows), found) in pairs.iter().zip(rows).zip(&mut found) {
            if pair.cut.contains(&hour) {
                found.insert(hour, apart(pair, hour, rows));
            }
        }
    }
    Ok(found)
}

/// All results of a slot go the same way, so which of them counts does not change.
fn apart(pair: &Expectations, hour: UnixTime, rows: Vec<CellRow>) -> CutHour {
    let (mut outside, mut inside, mut loaded) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let (from, to) = match row.period {
            Some(period) => {
                let slot = row.time.floor(period);
                (slot, slot.saturating_add(period))
            }
            None => (row.time, UnixTime::from_ns(row.time.as_ns().saturating_add(1))),
        };
        if pair.loaded.meets(from, to) {
            loaded.push(row);
        } else if pair.maintenance.meets(from, to) {
            inside.push(row);
        } else {
            outside.push(row);
        }
    }
    CutHour {
        outside: Cell::of_rows(hour, outside),
        in_maintenance: Cell::of_rows(hour, inside),
        loaded: Cell::of_rows(hour, loaded),
    }
}
