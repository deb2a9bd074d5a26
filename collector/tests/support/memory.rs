//! A store in memory, for tests of what is before the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use collector::store::cell::{
    CellCount, CellQuery, CellStream, CellTally, Kept, Resolution, RowTally, Series, StoredCell,
};
use collector::store::ledger::{CollectorRun, MaintenanceVersion, PlanVersion, ProbeRun, Reported};
use collector::store::query::{RowQuery, RowStream};
use collector::store::row::{Parts, Row};
use collector::store::{Answer, Appended, Report, Store, StoreError};
use ippm::{ProbeName, UnixTime};

/// What was stored, in the order in which it came.
#[derive(Default)]
pub(crate) struct Memory {
    reports: Mutex<Vec<Report>>,
    beats: Mutex<Vec<CollectorRun>>,
    plans: Mutex<Vec<PlanVersion>>,
    rows: Mutex<Vec<Row>>,
    cells: Mutex<BTreeMap<(Resolution, Series, UnixTime), StoredCell>>,
    maintenance: Mutex<Vec<MaintenanceVersion>>,
    away: AtomicBool,
}

impl Memory {
    /// From now on nothing works, or all does again.
    pub(crate) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// The reports.
    pub(crate) fn reports(&self) -> MutexGuard<'_, Vec<Report>> {
        self.reports.lock().unwrap()
    }

    /// The beats.
    pub(crate) fn beats(&self) -> MutexGuard<'_, Vec<CollectorRun>> {
        self.beats.lock().unwrap()
    }

    /// The plans.
    pub(crate) fn plans(&self) -> MutexGuard<'_, Vec<PlanVersion>> {
        self.plans.lock().unwrap()
    }

    /// What `latest` answers.
    pub(crate) fn rows_mut(&self) -> MutexGuard<'_, Vec<Row>> {
        self.rows.lock().unwrap()
    }

    fn answer<'a, T: Send + 'a>(&self, value: T) -> Answer<'a, T> {
        let away = self.away.load(Ordering::SeqCst);
        Box::pin(async move {
            if away {
                let reason = "SECRET-INTERNAL-REASON".to_owned();
                return Err(StoreError::Unavailable {
                    reason,
                    retry_after: None,
                });
            }
            Ok(value)
        })
    }

    fn is_away(&self) -> bool {
        self.away.load(Ordering::SeqCst)
    }
}

impl Store for Memory {
    fn append<'a>(&'a self, reports: &'a [Report]) -> Answer<'a, Vec<Appended>> {
        if !self.is_away() {
            let mut kept = self.reports();
            for report in reports {
                let identity = |other: &Report| (other.run.source.clone(), other.run.time);
                kept.retain(|other| identity(other) != identity(report));
                kept.push(report.clone());
            }
        }
        self.answer(vec![Appended::default(); reports.len()])
    }

    fn rows(&self, _query: RowQuery) -> RowStream {
        RowStream::channel().1
    }

    fn latest<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        since: UnixTime,
        _parts: Parts,
    ) -> Answer<'a, Vec<Row>> {
        let rows = self.rows_mut();
        let chosen = rows
            .iter()
            .filter(|row| source.is_none_or(|source| row.source == *source) && row.time >= since);
        self.answer(chosen.cloned().collect())
    }

    fn probe_runs<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<ProbeRun>> {
        let runs = self
            .reports()
            .iter()
            .map(|report| report.run.clone())
            .filter(|run| {
                source.is_none_or(|source| run.source == *source) && from <= run.time && run.time < to
            })
            .collect();
        self.answer(runs)
    }

    fn reported<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<Reported>> {
        let runs = self.probe_runs(source, from, to);
        Box::pin(async move { Ok(runs.await?.iter().map(Reported::from).collect()) })
    }

    fn put_collector_run<'a>(&'a self, run: &'a CollectorRun) -> Answer<'a, ()> {
        if !self.is_away() {
            self.beats().push(run.clone());
        }
        self.answer(())
    }

    fn collector_runs(&self, _from: UnixTime, _to: UnixTime) -> Answer<'_, Vec<CollectorRun>> {
        self.answer(self.beats().clone())
    }

    fn put_plan_versions<'a>(&'a self, versions: &'a [PlanVersion]) -> Answer<'a, ()> {
        if !self.is_away() {
            self.plans().extend_from_slice(versions);
        }
        self.answer(())
    }

    fn plan_versions<'a>(
        &'a self,
        probe: Option<&'a ProbeName>,
        to: UnixTime,
    ) -> Answer<'a, Vec<PlanVersion>> {
        let plans = self.plans();
        let mut chosen: Vec<PlanVersion> = plans
            .iter()
            .filter(|plan| probe.is_none_or(|probe| plan.probe == *probe) && plan.time < to)
            .cloned()
            .collect();
        chosen.sort_by(|a, b| (&a.probe, a.time).cmp(&(&b.probe, b.time)));
        self.answer(chosen)
    }

    fn names(&self, _since: UnixTime) -> Answer<'_, Vec<ProbeName>> {
        let names: BTreeSet<ProbeName> = self
            .reports()
            .iter()
            .map(|report| report.run.source.clone())
            .collect();
        self.answer(names.into_iter().collect())
    }

    fn ready(&self) -> Answer<'_, ()> {
        self.answer(())
    }

    fn cells(&self, query: CellQuery) -> CellStream {
        let (sender, stream) = CellStream::channel();
        let chosen: Vec<StoredCell> = self
            .cells
            .lock()
            .unwrap()
            .iter()
            .filter(|((resolution, series, time), _)| {
                *resolution == query.resolution
                    && (query.from..query.to).contains(time)
                    && query.source.as_ref().is_none_or(|name| *name == series.source)
                    && query.target.as_ref().is_none_or(|name| *name == series.target)
                    && query.family.is_none_or(|family| family == series.family)
                    && query.test.as_ref().is_none_or(|test| *test == series.test)
            })
            .map(|(_, stored)| {
                let mut stored = stored.clone();
                stored.cell.hist = stored.cell.hist.filter(|_| query.parts.hist);
                stored.cell.slices = stored.cell.slices.filter(|_| query.parts.slices);
                stored
            })
            .collect();
        sender.try_send(Ok(chosen)).unwrap();
        stream
    }

    fn put_cells<'a>(&'a self, resolution: Resolution, cells: &'a [StoredCell]) -> Answer<'a, ()> {
        if !self.is_away() {
            let put = cells
                .iter()
                .map(|cell| ((resolution, cell.series(), cell.time), cell.clone()));
            self.cells.lock().unwrap().extend(put);
        }
        self.answer(())
    }

    /// As [`Memory::rows`]: there are none.
    fn row_tallies<'a>(
        &'a self,
        _source: Option<&'a ProbeName>,
        _from: UnixTime,
        _to: UnixTime,
    ) -> Answer<'a, Vec<RowTally>> {
        self.answer(Vec::new())
    }

    fn cell_tallies<'a>(
        &'a self,
        resolution: Resolution,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<CellTally>> {
        let mut tallies: BTreeMap<Series, Vec<CellCount>> = BTreeMap::new();
        for ((of, series, time), stored) in self.cells.lock().unwrap().iter() {
            if *of == resolution
                && (from..to).contains(time)
                && source.is_none_or(|source| *source == series.source)
            {
                tallies.entry(series.clone()).or_default().push(CellCount {
                    time: *time,
                    rows: stored.cell.rows,
                    rounds: stored.cell.rounds,
                    rounds_suspect: stored.cell.rounds_suspect,
                });
            }
        }
        let tallies = tallies.into_iter();
        self.answer(
            tallies
                .map(|(series, cells)| CellTally { series, cells })
                .collect(),
        )
    }

    fn put_maintenance<'a>(&'a self, versions: &'a [MaintenanceVersion]) -> Answer<'a, ()> {
        if !self.is_away() {
            self.maintenance.lock().unwrap().extend_from_slice(versions);
        }
        self.answer(())
    }

    fn maintenance_versions(&self, to: UnixTime) -> Answer<'_, Vec<MaintenanceVersion>> {
        let mut versions = self.maintenance.lock().unwrap().clone();
        versions.retain(|version| version.entry.loaded < to);
        versions.sort_by(|a, b| (&a.entry.id, a.entry.loaded).cmp(&(&b.entry.id, b.entry.loaded)));
        self.answer(versions)
    }

    fn expire(&self, _what: Kept, _before: UnixTime) -> Answer<'_, u64> {
        self.answer(0)
    }
}
