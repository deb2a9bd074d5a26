//! Where what was measured is kept, in the words of the measurement.
//!
//! Two backends answer the same questions equally: [`embedded`] (one file on this host) and
//! [`influx`] (InfluxDB 2, any number of collectors). No verdict is made here; a store keeps what
//! was measured and gives it back.

pub mod cell;
pub mod embedded;
pub mod influx;
pub mod layout;
pub mod ledger;
pub mod point;
pub mod query;
pub mod row;
pub mod scope;
pub mod stored;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ippm::{Family, Measurement, ProbeName, UnixTime};
use thiserror::Error;

use crate::store::cell::shared::SharedCells;
use crate::store::cell::{CellQuery, CellStream, CellTally, Kept, Resolution, RowTally, StoredCell};
use crate::store::ledger::{CollectorRun, MaintenanceVersion, PlanVersion, ProbeRun, Reported};
use crate::store::query::{RowQuery, RowStream};
use crate::store::row::{Parts, Row};

/// What a store answers, some time later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A place that keeps reports.
///
/// # Contract
///
/// * What [`append`](Store::append) has answered is durable. Appending a report again changes nothing;
///   appending another one with the same identity replaces each stored field that it brings.
/// * Rows come ordered by (source, target, family, test, time, measured before unmeasured), cells by
///   (source, target, family, test, time).
/// * A question about nothing is answered with nothing, never with an error.
pub trait Store: Send + Sync + 'static {
    /// Makes `reports` durable before it answers; the `ProbeRun` of each is written last of it.
    ///
    /// One answer for each report, in their order: what of it the store refused for good.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if anything may not be durable; whatever was written is overwritten by an
    /// identical second call.
    fn append<'a>(&'a self, reports: &'a [Report]) -> Answer<'a, Vec<Appended>>;

    /// The rows that `query` selects, as a bounded stream.
    fn rows(&self, query: RowQuery) -> RowStream;

    /// The latest row of every (target, family, test) of `source`, or of every source, that lies
    /// not before `since`, with `parts` of it. All its fields are of that one time.
    fn latest<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        since: UnixTime,
        parts: Parts,
    ) -> Answer<'a, Vec<Row>>;

    /// The rows that `query` selects, and the latest one not before `since` of every series that it selects of which
    /// none of them was measured; ordered by series and time.
    fn lately(&self, query: RowQuery, since: UnixTime) -> Answer<'_, Vec<Row>> {
        Box::pin(async move {
            let (rows, latest) = tokio::try_join!(
                self.rows(query.clone()).collect(),
                self.latest(query.source.as_ref(), since, query.parts),
            )?;
            Ok(query::with_latest(&query, rows, latest))
        })
    }

    /// The rounds of `source`, or of every source, in `[from, to)`, ordered by (source, time).
    fn probe_runs<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<ProbeRun>>;

    /// Who reported when in `[from, to)`, of `source` or of every source: the same rounds in the same order, and of
    /// each only whether its probe doubted itself.
    fn reported<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<Reported>>;

    /// Writes one beat of a collector.
    fn put_collector_run<'a>(&'a self, run: &'a CollectorRun) -> Answer<'a, ()>;

    /// The beats of every instance in `[from, to)`, ordered by (time, instance).
    fn collector_runs(&self, from: UnixTime, to: UnixTime) -> Answer<'_, Vec<CollectorRun>>;

    /// Writes versions of plans.
    fn put_plan_versions<'a>(&'a self, versions: &'a [PlanVersion]) -> Answer<'a, ()>;

    /// Every version of the plan of `probe`, or of every probe, loaded before `to`, ordered by (probe, time).
    fn plan_versions<'a>(
        &'a self,
        probe: Option<&'a ProbeName>,
        to: UnixTime,
    ) -> Answer<'a, Vec<PlanVersion>>;

    /// The names of all sources and targets that occur in rows since `since`.
    fn names(&self, since: UnixTime) -> Answer<'_, Vec<ProbeName>>;

    /// Whether the store can take a report now.
    fn ready(&self) -> Answer<'_, ()>;

    /// The cells that `query` selects, as a bounded stream.
    fn cells(&self, query: CellQuery) -> CellStream;

    /// The cells of the hours that start in `[from, to)`, of everybody, from memory; `None` from a store that does not
    /// keep them there, or not so many: [`cells`](Store::cells) has the same.
    fn shared_cells(&self, _from: UnixTime, _to: UnixTime) -> Answer<'_, Option<Arc<SharedCells>>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Writes cells in the place of those that were there; durable when it answers, but not all at once.
    fn put_cells<'a>(&'a self, resolution: Resolution, cells: &'a [StoredCell]) -> Answer<'a, ()>;

    /// How many results of `source`, or of every source, the hours that start in `[from, to)` hold, ordered by series.
    ///
    /// The answer grows with the time: ask for a day.
    fn row_tallies<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<RowTally>>;

    /// Of how many results the cells of `source`, or of every source, that start in `[from, to)` were made,
    /// ordered by series.
    ///
    /// The answer grows with the time: ask for a day of hours.
    fn cell_tallies<'a>(
        &'a self,
        resolution: Resolution,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<CellTally>>;

    /// Writes versions of announced work.
    fn put_maintenance<'a>(&'a self, versions: &'a [MaintenanceVersion]) -> Answer<'a, ()>;

    /// Every version of announced work that was loaded before `to`, ordered by (id, time).
    fn maintenance_versions(&self, to: UnixTime) -> Answer<'_, Vec<MaintenanceVersion>>;

    /// Deletes what is older than `before`, in steps that do not hold up writers; the ledger is never touched.
    /// Answers how many rows or cells went; a store that expires by itself has nothing to do.
    ///
    /// Cells go by their start, and a cell that is running at `before` stays.
    fn expire(&self, what: Kept, before: UnixTime) -> Answer<'_, u64>;
}

/// A report as it is to be stored: accepted results only.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The round: its source, its start and the fitness of the probe.
    pub run: ProbeRun,
    /// The accepted results, each with its index in the report as it came.
    pub entries: Vec<(usize, Entry)>,
}

/// One accepted result.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// Of a native report.
    Native(Measurement),
    /// Of a legacy post.
    Legacy(LegacyResult),
}

/// One item of a legacy post: statistics without packet counts.
#[derive(Debug, Clone, PartialEq)]
pub struct LegacyResult {
    /// The probe that was measured.
    pub target: ProbeName,
    /// The family (`proto`).
    pub family: Family,
    /// The period that the operator configured for legacy probes.
    pub period: Duration,
    /// The values; `None` for an item of five nulls: not measured.
    pub values: Option<LegacyValues>,
}

/// Values of a legacy item; delays are signed, because its clock may have gone back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LegacyValues {
    /// Smallest delay, ns.
    pub min_ns: Option<i64>,
    /// Largest delay, ns.
    pub max_ns: Option<i64>,
    /// Mean delay, ns.
    pub avg_ns: Option<i64>,
    /// Population standard deviation of the delay, ns.
    pub stddev_ns: Option<i64>,
    /// Lost ÷ sent, 0 to 1.
    pub loss: f64,
}

/// What became of one appended report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Appended {
    /// Results that the store refused for good: the index in the report, and the store's own words.
    pub refused: Vec<(usize, String)>,
}

/// Why a store could not do what it was asked; what the caller can do decides the variant.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Away, full or slow: the same call may succeed later.
    #[error("the store is unavailable: {reason}")]
    Unavailable {
        /// What happened, for the log.
        reason: String,
        /// When to try again, if the store said so.
        retry_after: Option<Duration>,
    },
    /// The store refuses us: the operator has to mend the configuration.
    #[error("the store refuses this collector: {reason}")]
    Refused {
        /// What it said, for the log.
        reason: String,
    },
    /// What the store gave back is not what this version writes.
    #[error("the store holds something unreadable: {reason}")]
    Unreadable {
        /// What and where, for the log.
        reason: String,
    },
}
