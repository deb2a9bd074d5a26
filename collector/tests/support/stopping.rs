//! A store behind which the collector dies: from a certain call on nothing is answered any more.

#![cfg(test)]

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use collector::store::cell::{CellQuery, CellStream, CellTally, Kept, Resolution, RowTally, StoredCell};
use collector::store::ledger::{CollectorRun, MaintenanceVersion, PlanVersion, ProbeRun, Reported};
use collector::store::query::{RowQuery, RowStream};
use collector::store::row::{Parts, Row};
use collector::store::{Answer, Appended, Report, Store, StoreError};
use ippm::{ProbeName, UnixTime};
use tokio::sync::Notify;

/// Answers as many calls as it was told.
pub(crate) struct Stopping {
    store: Arc<dyn Store>,
    left: AtomicUsize,
    stopped: Notify,
}

impl Stopping {
    /// A store that answers `calls` calls.
    pub(crate) fn after(store: Arc<dyn Store>, calls: usize) -> Self {
        Self {
            store,
            left: AtomicUsize::new(calls),
            stopped: Notify::new(),
        }
    }

    /// Runs `work` until it ends, which is answered by `true`, or until a call is not answered: then it is dropped
    /// where it is.
    pub(crate) async fn run(&self, work: impl Future<Output = Result<(), StoreError>>) -> bool {
        tokio::select! {
            done = work => {
                done.unwrap();
                true
            }
            () = self.stopped.notified() => false,
        }
    }

    fn is_answered(&self) -> bool {
        let left = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_err() {
            self.stopped.notify_one();
        }
        left.is_ok()
    }

    /// The call is made; whether its answer is heard is another matter.
    fn answer<'a, T: Send + 'a>(&'a self, answer: Answer<'a, T>) -> Answer<'a, T> {
        let is_answered = self.is_answered();
        Box::pin(async move {
            let answer = answer.await;
            if !is_answered {
                std::future::pending::<()>().await;
            }
            answer
        })
    }
}

impl Store for Stopping {
    fn append<'a>(&'a self, reports: &'a [Report]) -> Answer<'a, Vec<Appended>> {
        self.answer(self.store.append(reports))
    }

    fn rows(&self, query: RowQuery) -> RowStream {
        if self.is_answered() {
            self.store.rows(query)
        } else {
            RowStream::channel().1
        }
    }

    fn latest<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        since: UnixTime,
        parts: Parts,
    ) -> Answer<'a, Vec<Row>> {
        self.answer(self.store.latest(source, since, parts))
    }

    fn probe_runs<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<ProbeRun>> {
        self.answer(self.store.probe_runs(source, from, to))
    }

    fn reported<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<Reported>> {
        self.answer(self.store.reported(source, from, to))
    }

    fn put_collector_run<'a>(&'a self, run: &'a CollectorRun) -> Answer<'a, ()> {
        self.answer(self.store.put_collector_run(run))
    }

    fn collector_runs(&self, from: UnixTime, to: UnixTime) -> Answer<'_, Vec<CollectorRun>> {
        self.answer(self.store.collector_runs(from, to))
    }

    fn put_plan_versions<'a>(&'a self, versions: &'a [PlanVersion]) -> Answer<'a, ()> {
        self.answer(self.store.put_plan_versions(versions))
    }

    fn plan_versions<'a>(
        &'a self,
        probe: Option<&'a ProbeName>,
        to: UnixTime,
    ) -> Answer<'a, Vec<PlanVersion>> {
        self.answer(self.store.plan_versions(probe, to))
    }

    fn names(&self, since: UnixTime) -> Answer<'_, Vec<ProbeName>> {
        self.answer(self.store.names(since))
    }

    fn ready(&self) -> Answer<'_, ()> {
        self.answer(self.store.ready())
    }

    fn cells(&self, query: CellQuery) -> CellStream {
        if self.is_answered() {
            self.store.cells(query)
        } else {
            CellStream::channel().1
        }
    }

    fn put_cells<'a>(&'a self, resolution: Resolution, cells: &'a [StoredCell]) -> Answer<'a, ()> {
        self.answer(self.store.put_cells(resolution, cells))
    }

    fn row_tallies<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<RowTally>> {
        self.answer(self.store.row_tallies(source, from, to))
    }

    fn cell_tallies<'a>(
        &'a self,
        resolution: Resolution,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<CellTally>> {
        self.answer(self.store.cell_tallies(resolution, source, from, to))
    }

    fn put_maintenance<'a>(&'a self, versions: &'a [MaintenanceVersion]) -> Answer<'a, ()> {
        self.answer(self.store.put_maintenance(versions))
    }

    fn maintenance_versions(&self, to: UnixTime) -> Answer<'_, Vec<MaintenanceVersion>> {
        self.answer(self.store.maintenance_versions(to))
    }

    fn expire(&self, what: Kept, before: UnixTime) -> Answer<'_, u64> {
        self.answer(self.store.expire(what, before))
    }
}
