//! A store that counts what is asked of it, and for how much time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use collector::read_threads;
use collector::store::cell::{CellQuery, CellStream, CellTally, Kept, Resolution, RowTally, StoredCell};
use collector::store::ledger::{CollectorRun, MaintenanceVersion, PlanVersion, ProbeRun, Reported};
use collector::store::query::{RowQuery, RowStream};
use collector::store::row::{Parts, Row};
use collector::store::{Answer, Appended, Report, Store};
use ippm::{ProbeName, UnixTime};

/// Passes everything on.
pub(crate) struct Counting {
    store: Arc<dyn Store>,
    asked: Mutex<Asked>,
}

/// What was asked since the last look.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Questions of whatever kind.
    pub(crate) questions: usize,
    /// Those that a thread asked which does not give way.
    pub(crate) in_the_way: usize,
    /// The sum of the spans of those for rows, rounds or beats.
    pub(crate) of_rows: Duration,
    /// The sum of the spans of those for hours.
    pub(crate) of_hours: Duration,
    /// The sum of the spans of those for days.
    pub(crate) of_days: Duration,
}

impl Counting {
    /// Counts the questions to `store`.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            asked: Mutex::default(),
        }
    }

    /// What was asked since the last call.
    pub(crate) fn take(&self) -> Asked {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    fn note(&self, change: impl FnOnce(&mut Asked)) {
        let mut asked = self.asked.lock().unwrap();
        asked.questions += 1;
        if std::thread::current().name() != Some(read_threads::NAME) {
            asked.in_the_way += 1;
        }
        change(&mut asked);
    }

    fn note_rows(&self, from: UnixTime, to: UnixTime) {
        self.note(|asked| asked.of_rows += span(from, to));
    }

    fn note_cells(&self, resolution: Resolution, from: UnixTime, to: UnixTime) {
        self.note(|asked| match resolution {
            Resolution::Hour => asked.of_hours += span(from, to),
            Resolution::Day => asked.of_days += span(from, to),
        });
    }
}

/// A span that no store can answer is as long as time.
fn span(from: UnixTime, to: UnixTime) -> Duration {
    to.since(from).unwrap_or(Duration::ZERO)
}

impl Store for Counting {
    fn append<'a>(&'a self, reports: &'a [Report]) -> Answer<'a, Vec<Appended>> {
        self.store.append(reports)
    }

    fn rows(&self, query: RowQuery) -> RowStream {
        self.note_rows(query.from, query.to);
        self.store.rows(query)
    }

    fn latest<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        since: UnixTime,
        parts: Parts,
    ) -> Answer<'a, Vec<Row>> {
        self.note(|_| {});
        self.store.latest(source, since, parts)
    }

    fn probe_runs<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<ProbeRun>> {
        self.note_rows(from, to);
        self.store.probe_runs(source, from, to)
    }

    fn reported<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<Reported>> {
        self.note_rows(from, to);
        self.store.reported(source, from, to)
    }

    fn put_collector_run<'a>(&'a self, run: &'a CollectorRun) -> Answer<'a, ()> {
        self.store.put_collector_run(run)
    }

    fn collector_runs(&self, from: UnixTime, to: UnixTime) -> Answer<'_, Vec<CollectorRun>> {
        self.note_rows(from, to);
        self.store.collector_runs(from, to)
    }

    fn put_plan_versions<'a>(&'a self, versions: &'a [PlanVersion]) -> Answer<'a, ()> {
        self.store.put_plan_versions(versions)
    }

    fn plan_versions<'a>(
        &'a self,
        probe: Option<&'a ProbeName>,
        to: UnixTime,
    ) -> Answer<'a, Vec<PlanVersion>> {
        self.note(|_| {});
        self.store.plan_versions(probe, to)
    }

    fn names(&self, since: UnixTime) -> Answer<'_, Vec<ProbeName>> {
        self.note(|_| {});
        self.store.names(since)
    }

    fn ready(&self) -> Answer<'_, ()> {
        self.store.ready()
    }

    fn cells(&self, query: CellQuery) -> CellStream {
        self.note_cells(query.resolution, query.from, query.to);
        self.store.cells(query)
    }

    fn put_cells<'a>(&'a self, resolution: Resolution, cells: &'a [StoredCell]) -> Answer<'a, ()> {
        self.store.put_cells(resolution, cells)
    }

    fn row_tallies<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<RowTally>> {
        self.note_rows(from, to);
        self.store.row_tallies(source, from, to)
    }

    fn cell_tallies<'a>(
        &'a self,
        resolution: Resolution,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<CellTally>> {
        self.note_cells(resolution, from, to);
        self.store.cell_tallies(resolution, source, from, to)
    }

    fn put_maintenance<'a>(&'a self, versions: &'a [MaintenanceVersion]) -> Answer<'a, ()> {
        self.store.put_maintenance(versions)
    }

    fn maintenance_versions(&self, to: UnixTime) -> Answer<'_, Vec<MaintenanceVersion>> {
        self.note(|_| {});
        self.store.maintenance_versions(to)
    }

    fn expire(&self, what: Kept, before: UnixTime) -> Answer<'_, u64> {
        self.store.expire(what, before)
    }
}
