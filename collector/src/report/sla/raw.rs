//! Hours that are cut by an edge, read round by round.

use std::collections::{BTreeMap, BTreeSet};

use ippm::UnixTime;
use ippm::cell::row::CellRow;
use ippm::cell::{Cell, HOUR};

use crate::report::ledger::Ledger;
use crate::report::sla::book::Book;
use crate::report::sla::gather::Recorder;
use crate::report::sla::pairs::Expectations;
use crate::report::sla::reading::Source;
use crate::store::StoreError;
use crate::store::query::RowQuery;
use crate::store::row::{Parts, Row};

/// What of a result its cell is made of.
pub(super) const PARTS: Parts = Parts {
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

/// Reads the cut hours of the pairs of one source into `books`, and gives back for each pair, in their order, its
/// hours. An hour is read for all pairs at once.
pub(super) async fn read(
    source: Source<'_>,
    books: &mut [Book],
    record: &Recorder<'_>,
) -> Result<Vec<BTreeMap<UnixTime, CutHour>>, StoreError> {
    let pairs = source.pairs;
    let mut ledger = Ledger::empty();
    let mut found: Vec<BTreeMap<UnixTime, CutHour>> = vec![BTreeMap::new(); pairs.len()];
    let hours: BTreeSet<UnixTime> = pairs.iter().flat_map(|pair| pair.cut.iter().copied()).collect();
    for hour in hours {
        let rows = rows(source, hour, PARTS, &mut ledger, |place| {
            pairs[place].cut.contains(&hour)
        })
        .await?;
        for (place, rows) in rows {
            let pair = &pairs[place];
            books[place].take_rows(hour, &rows, &ledger, source.view);
            let rows = rows.into_iter().map(|row| {
                let is_suspect = ledger.is_suspect(&pair.source.probe, row.time);
                record.row(&row, is_suspect);
                row.into_cell_row(is_suspect)
            });
            found[place].insert(hour, apart(pair, hour, rows.collect()));
        }
    }
    Ok(found)
}

/// The results of the slots that begin in `hour` and in the period, of the pairs at the places that are wanted; and
/// the reports that brought them into `ledger`.
pub(super) async fn rows(
    source: Source<'_>,
    hour: UnixTime,
    parts: Parts,
    ledger: &mut Ledger,
    is_wanted: impl Fn(usize) -> bool,
) -> Result<BTreeMap<usize, Vec<Row>>, StoreError> {
    let Source { store, view, .. } = source;
    let period = &source.question.period;
    // No slot is longer than an hour.
    let span = (hour, hour.saturating_add(HOUR * 2));
    ledger
        .read_runs(store, view.directory, Some(source.name()), span)
        .await?;
    let wanted = (0..source.pairs.len()).filter(|place| is_wanted(*place));
    let mut rows: BTreeMap<usize, Vec<Row>> = wanted.map(|place| (place, Vec::new())).collect();
    for name in source.names() {
        let mut stream = store.rows(RowQuery {
            source: Some(name),
            target: None,
            family: None,
            test: None,
            from: span.0,
            to: span.1,
            parts,
        });
        while let Some(row) = stream.next().await? {
            let slot = row.period.map_or(row.time, |period| row.time.floor(period));
            let is_within = period.from <= slot && slot < period.to && slot.floor(HOUR) == hour;
            let place = source.place_of(&row.target, row.family, &row.test);
            if let Some(rows) = place.filter(|_| is_within).and_then(|place| rows.get_mut(&place)) {
                rows.push(row);
            }
        }
    }
    Ok(rows)
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
