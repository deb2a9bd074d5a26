//! Which hours of a day have more results than their cells, day by day, the latest first.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use ippm::cell::{DAY, HOUR, needs_redo};
use ippm::{ProbeName, UnixTime};

use super::mark::Marked;
use super::redo::{self, Redone};
use crate::store::cell::{CellCount, CellTally, Resolution, RowTally, Series};
use crate::store::{Store, StoreError};

/// How far ahead a probe's clock may be.
const AHEAD: Duration = Duration::from_hours(1);

/// How many suspect rounds an hour of a source had when it was last found to lack some.
///
/// A round that is suspect and does not count for its slot is in no cell, so that its hour would be computed again
/// by every pass. Whoever begins anew computes it once more.
#[derive(Debug, Default)]
pub(super) struct Known(Suspect);

impl Known {
    /// Most hours of sources that are kept in mind.
    const MOST: usize = 65_536;

    /// Whether `rounds` is another number than the last time.
    fn is_news(&mut self, source: &ProbeName, hour: UnixTime, rounds: u64) -> bool {
        if self.0.len() >= Self::MOST {
            self.0.clear();
        }
        self.0.insert((source.clone(), hour), rounds) != Some(rounds)
    }
}

/// A comparison of results and cells on its way through the days.
#[derive(Debug)]
pub(super) struct Pass {
    /// The day that comes next; the first one of all is the last.
    day: UnixTime,
    first: UnixTime,
    /// What the day before needs, source by source.
    needed: Vec<(ProbeName, Needed)>,
}

/// What of a source has to be computed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Needed {
    hours: BTreeSet<UnixTime>,
    days: BTreeSet<UnixTime>,
}

impl Pass {
    /// A pass over the time `span` before `now`.
    pub(super) fn new(now: UnixTime, span: Duration) -> Self {
        Self {
            day: now.saturating_add(AHEAD).floor(DAY),
            first: now.saturating_sub(span).floor(DAY),
            needed: Vec::new(),
        }
    }

    /// Whether nothing is left to be compared or computed.
    pub(super) fn is_done(&self) -> bool {
        self.needed.is_empty() && self.day < self.first
    }

    /// Compares one day, or computes one source of it; `None` if it was a comparison.
    pub(super) async fn step(
        &mut self,
        store: &dyn Store,
        known: &mut Known,
    ) -> Result<Option<Redone>, StoreError> {
        if let Some((source, needed)) = self.needed.last() {
            let redone = redo::redo(store, source, &needed.hours, &needed.days).await?;
            self.needed.pop();
            return Ok(Some(redone));
        }
        self.needed = compare(store, self.day, known).await?.into_iter().collect();
        self.day = self.day.saturating_sub(DAY);
        Ok(None)
    }

    /// Passes over what the next step would do.
    pub(super) fn skip(&mut self) {
        if self.needed.pop().is_none() {
            self.day = self.day.saturating_sub(DAY);
        }
    }
}

/// What the day that begins at `day` needs.
async fn compare(
    store: &dyn Store,
    day: UnixTime,
    known: &mut Known,
) -> Result<BTreeMap<ProbeName, Needed>, StoreError> {
    let end = day.saturating_add(DAY);
    let rows = store.row_tallies(None, day, end).await?;
    let hours = store.cell_tallies(Resolution::Hour, None, day, end).await?;
    let days = store.cell_tallies(Resolution::Day, None, day, end).await?;
    let suspect = suspect_rounds(store, day, end).await?;
    let mut needed: BTreeMap<ProbeName, Needed> = BTreeMap::new();
    for (source, hours) in stale_hours(&rows, &hours) {
        needed.entry(source).or_default().hours = hours;
    }
    for (source, hour) in unaware_hours(&hours, &suspect) {
        let rounds = suspect.get(&(source.clone(), hour)).copied().unwrap_or(0);
        if known.is_news(&source, hour, rounds) {
            needed.entry(source).or_default().hours.insert(hour);
        }
    }
    for source in stale_days(&hours, &days) {
        needed.entry(source).or_default().days.insert(day);
    }
    Ok(needed)
}

/// How many rounds of each source and hour say that they were not fit to measure.
type Suspect = HashMap<(ProbeName, UnixTime), u64>;

async fn suspect_rounds(store: &dyn Store, from: UnixTime, to: UnixTime) -> Result<Suspect, StoreError> {
    let mut suspect = Suspect::new();
    for run in store.probe_runs(None, from, to).await? {
        if run.native.is_some_and(|native| !native.suspect.is_empty()) {
            *suspect.entry((run.source, run.time.floor(HOUR))).or_default() += 1;
        }
    }
    Ok(suspect)
}

/// Hours with more results than their cells.
fn stale_hours(rows: &[RowTally], cells: &[CellTally]) -> Marked {
    let known: HashMap<&Series, &[CellCount]> = cells
        .iter()
        .map(|tally| (&tally.series, tally.cells.as_slice()))
        .collect();
    let mut stale = Marked::new();
    for tally in rows {
        let cells = known.get(&tally.series).copied().unwrap_or_default();
        for (hour, rows) in &tally.hours {
            let cell = cells.binary_search_by_key(hour, |cell| cell.time).ok();
            if needs_redo(*rows, cell.map(|at| cells[at].rows)) {
                stale
                    .entry(tally.series.source.clone())
                    .or_default()
                    .insert(*hour);
            }
        }
    }
    stale
}

/// Hours whose cells do not know of every suspect round: the record of a round comes after its results, and may come
/// when these are long in a cell. If retention took some of the results meanwhile, the cell stays all the same.
fn unaware_hours(cells: &[CellTally], suspect: &Suspect) -> BTreeSet<(ProbeName, UnixTime)> {
    let mut unaware = BTreeSet::new();
    if suspect.is_empty() {
        return unaware;
    }
    for tally in cells {
        for cell in tally.cells.iter().filter(|cell| cell.rounds > 0) {
            let key = (tally.series.source.clone(), cell.time);
            if suspect
                .get(&key)
                .is_some_and(|rounds| cell.rounds_suspect < *rounds)
            {
                unaware.insert(key);
            }
        }
    }
    unaware
}

/// Sources with a day that does not know all of its hours: its computer was stopped between the two.
fn stale_days(hours: &[CellTally], days: &[CellTally]) -> BTreeSet<ProbeName> {
    let known: HashMap<&Series, CellCount> = days
        .iter()
        .filter_map(|tally| Some((&tally.series, *tally.cells.first()?)))
        .collect();
    let mut stale = BTreeSet::new();
    for tally in hours {
        let rows = tally.cells.iter().map(|cell| cell.rows).sum();
        let suspect: u64 = tally.cells.iter().map(|cell| cell.rounds_suspect).sum();
        let day = known.get(&tally.series);
        let lacks_suspect = day.is_some_and(|day| day.rows == rows && day.rounds_suspect != suspect);
        if needs_redo(rows, day.map(|day| day.rows)) || lacks_suspect {
            stale.insert(tally.series.source.clone());
        }
    }
    stale
}
