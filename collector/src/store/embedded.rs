//! The store of one collector without a database server: one file on this host.
//!
//! What an operator's own `sqlite3` finds in it has the names of the points in InfluxDB: `ping` holds counts and
//! delays by (series, time, status), `ping_text` the histogram, the slices and every other text; `probe_run`,
//! `collector_run`, `plan_version` and `maintenance` are the ledger, which no expiry touches; `cell_1h`, its
//! slices apart, and `cell_1d` are hours and days.
//!
//! # Layout
//!
//! * [`backup()`], [`restore()`]: a copy while the collector works, and the way back
//! * `schema`: the layout of the file and the steps from every earlier one; `file`: who may use it
//! * `writer`: one thread, one commit for all that wait; over `write` and `expire`
//! * `readers`: connections that only read; over `select`, `cell_select` and `ledger`
//! * `cells`: how cells and the number of results of an hour lie in their tables; `hours`: those in memory

mod backup;
mod cell_select;
mod cells;
mod expire;
mod fault;
mod file;
mod hours;
mod ledger;
mod readers;
mod schema;
mod select;
mod write;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ippm::cell::HOUR;
use ippm::{Family, ProbeName, UnixTime};

use self::cell_select::Reading;
use self::expire::Progress;
use self::file::Lock;
use self::hours::Hours;
use self::readers::Readers;
use self::select::Place;
use self::writer::Writer;
use crate::store::cell::shared::SharedCells;
use crate::store::cell::{CellQuery, CellStream, CellTally, Kept, Resolution, RowTally, StoredCell};
use crate::store::ledger::{CollectorRun, MaintenanceVersion, PlanVersion, ProbeRun, Reported};
use crate::store::point::{Point, points_of};
use crate::store::query::{AnswerSender, RowQuery, RowStream};
use crate::store::row::{Parts, Row};
use crate::store::{Answer, Appended, Report, Store, StoreError};

/// After this time a beat is given up: committed later, it would tell of a readiness that was not there.
const BEAT_LIMIT: Duration = Duration::from_secs(5);

/// Cells of one commit: some milliseconds.
const CELLS_AT_ONCE: usize = 500;

/// Where the store lies, and how it writes.
#[derive(Debug, Clone)]
pub struct Options {
    /// The file; its write-ahead log and its lock lie beside it.
    pub path: PathBuf,
    /// The family whose native results have the legacy-named fields too.
    pub legacy_family: Family,
}

/// A store in one file.
///
/// The fields are dropped in their order: the writer closes the file last, because only it can fold the log into
/// it, and the lock is free only then.
#[derive(Debug)]
pub struct Embedded {
    readers: Readers,
    /// `None` if it was opened for reading only.
    writer: Option<Writer>,
    /// `None` too: somebody else may write the file, and would not say so.
    hours: Option<Arc<Hours>>,
    legacy_family: Family,
    _lock: Option<Lock>,
}

impl Embedded {
    /// Opens the store, makes it if it is not there, and brings an older one to today's layout.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`] if another collector uses the file, or it is of a newer version, or not ours;
    /// [`StoreError::Unreadable`] if it is damaged; [`StoreError::Unavailable`] if the disk is full.
    pub fn open(options: &Options) -> Result<Self, StoreError> {
        let path = options.path.as_path();
        let lock = Lock::take(path)?;
        file::make_private(path)?;
        let mut connection = file::open_writer(path)?;
        schema::migrate(&mut connection, path)?;
        let hours = Arc::new(Hours::new(hours::MOST));
        Ok(Self {
            readers: Readers::open(path)?,
            writer: Some(Writer::start(connection, path, Arc::clone(&hours))?),
            hours: Some(hours),
            legacy_family: options.legacy_family,
            _lock: Some(lock),
        })
    }

    /// Opens a store that is there to read it, also while a collector writes it. Whatever writes is refused.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`] if it is not ours or of another version; [`StoreError::Unavailable`] or
    /// [`StoreError::Refused`] if there is none.
    pub fn open_to_read(options: &Options) -> Result<Self, StoreError> {
        let path = options.path.as_path();
        let connection = file::open_reader(path)?;
        match schema::version(&connection, path)? {
            Some(schema::CURRENT) => Ok(Self {
                readers: Readers::open(path)?,
                writer: None,
                hours: None,
                legacy_family: options.legacy_family,
                _lock: None,
            }),
            _ => Err(StoreError::Refused {
                reason: format!(
                    "{} is of an older version: `collector setup` brings it up to date, or start the collector",
                    path.display()
                ),
            }),
        }
    }

    fn writer(&self) -> Result<&Writer, StoreError> {
        self.writer.as_ref().ok_or_else(|| StoreError::Refused {
            reason: "the store was opened for reading only".to_owned(),
        })
    }
}

/// Copies the store at `from`, which may be in use, into the new file `to`.
///
/// The copy is of one moment, complete and on the disk when this returns; a copy that fails leaves no `to`.
///
/// # Errors
///
/// [`StoreError::Refused`] if `to` is there already or `from` is not a store;
/// [`StoreError::Unavailable`] if there is no space for it.
pub fn backup(from: &Path, to: &Path) -> Result<(), StoreError> {
    backup::backup(from, to)
}

/// Replaces the store at `to` by the copy `from`, which [`backup()`] has made.
///
/// # Errors
///
/// [`StoreError::Refused`] if a collector uses `to`, or `from` is of a newer version;
/// [`StoreError::Unreadable`] if `from` is damaged. In both cases `to` is untouched.
pub fn restore(from: &Path, to: &Path) -> Result<(), StoreError> {
    backup::restore(from, to)
}

impl Store for Embedded {
    fn append<'a>(&'a self, reports: &'a [Report]) -> Answer<'a, Vec<Appended>> {
        Box::pin(async move {
            let points = reports
                .iter()
                .flat_map(|report| points_of(report, self.legacy_family))
                .collect();
            self.writer()?.put(points).await?;
            Ok(vec![Appended::default(); reports.len()])
        })
    }

    fn rows(&self, query: RowQuery) -> RowStream {
        let (sender, stream) = RowStream::channel();
        let readers = self.readers.clone();
        tokio::spawn(async move {
            if let Err(error) = send_rows(&readers, query, &sender).await {
                // A reader that is gone needs no error.
                let _ = sender.send(Err(error)).await;
            }
        });
        stream
    }

    fn latest<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        since: UnixTime,
        parts: Parts,
    ) -> Answer<'a, Vec<Row>> {
        let query = RowQuery {
            source: source.cloned(),
            target: None,
            family: None,
            test: None,
            from: since,
            to: UnixTime::from_ns(i64::MAX),
            parts,
        };
        Box::pin(self.readers.ask(move |connection| {
            let series = select::series(connection, &query)?;
            select::latest(connection, &series, since, parts)
        }))
    }

    fn lately(&self, query: RowQuery, since: UnixTime) -> Answer<'_, Vec<Row>> {
        Box::pin(self.readers.ask(move |connection| {
            let series = select::series(connection, &query)?;
            select::lately(connection, &series, &query, since)
        }))
    }

    fn probe_runs<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<ProbeRun>> {
        let source = source.cloned();
        Box::pin(
            self.readers
                .ask(move |connection| ledger::probe_runs(connection, source.as_ref(), from, to)),
        )
    }

    fn reported<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<Reported>> {
        let source = source.cloned();
        Box::pin(
            self.readers
                .ask(move |connection| ledger::reported(connection, source.as_ref(), from, to)),
        )
    }

    fn put_collector_run<'a>(&'a self, run: &'a CollectorRun) -> Answer<'a, ()> {
        Box::pin(async move {
            let put = self.writer()?.put(vec![Point::from(run)]);
            tokio::time::timeout(BEAT_LIMIT, put).await.unwrap_or_else(|_| {
                Err(fault::unavailable(format!(
                    "no commit of a beat within {BEAT_LIMIT:?}"
                )))
            })
        })
    }

    fn collector_runs(&self, from: UnixTime, to: UnixTime) -> Answer<'_, Vec<CollectorRun>> {
        Box::pin(
            self.readers
                .ask(move |connection| ledger::collector_runs(connection, from, to)),
        )
    }

    fn put_plan_versions<'a>(&'a self, versions: &'a [PlanVersion]) -> Answer<'a, ()> {
        let points = versions.iter().map(Point::from).collect();
        Box::pin(async move { self.writer()?.put(points).await })
    }

    fn plan_versions<'a>(
        &'a self,
        probe: Option<&'a ProbeName>,
        to: UnixTime,
    ) -> Answer<'a, Vec<PlanVersion>> {
        let probe = probe.cloned();
        Box::pin(
            self.readers
                .ask(move |connection| ledger::plan_versions(connection, probe.as_ref(), to)),
        )
    }

    fn names(&self, since: UnixTime) -> Answer<'_, Vec<ProbeName>> {
        Box::pin(
            self.readers
                .ask(move |connection| select::names(connection, since)),
        )
    }

    /// An empty transaction shows that the thread works and the file can be written; a full disk shows
    /// only when a report comes.
    fn ready(&self) -> Answer<'_, ()> {
        Box::pin(async move { self.writer()?.put(Vec::new()).await })
    }

    fn cells(&self, query: CellQuery) -> CellStream {
        let (sender, stream) = CellStream::channel();
        let readers = self.readers.clone();
        tokio::spawn(async move {
            if let Err(error) = send_cells(&readers, query, &sender).await {
                // A reader that is gone needs no error.
                let _ = sender.send(Err(error)).await;
            }
        });
        stream
    }

    fn shared_cells(&self, from: UnixTime, to: UnixTime) -> Answer<'_, Option<Arc<SharedCells>>> {
        let Some(hours) = self.hours.clone() else {
            return Box::pin(std::future::ready(Ok(None)));
        };
        Box::pin(async move {
            let slots = cells::slots(from, to, HOUR);
            if let Some(shared) = hours.shared(&slots) {
                return Ok(Some(shared));
            }
            self.readers
                .ask(move |connection| cell_select::shared(connection, &hours, slots))
                .await
        })
    }

    fn put_cells<'a>(&'a self, resolution: Resolution, cells: &'a [StoredCell]) -> Answer<'a, ()> {
        Box::pin(async move {
            for some in cells.chunks(CELLS_AT_ONCE) {
                self.writer()?.put_cells(resolution, some.to_vec()).await?;
            }
            Ok(())
        })
    }

    fn row_tallies<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<RowTally>> {
        let source = source.cloned();
        Box::pin(
            self.readers
                .ask(move |connection| cell_select::row_tallies(connection, source.as_ref(), from, to)),
        )
    }

    fn cell_tallies<'a>(
        &'a self,
        resolution: Resolution,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<CellTally>> {
        let source = source.cloned();
        Box::pin(self.readers.ask(move |connection| {
            cell_select::cell_tallies(connection, resolution, source.as_ref(), from, to)
        }))
    }

    fn put_maintenance<'a>(&'a self, versions: &'a [MaintenanceVersion]) -> Answer<'a, ()> {
        let points = versions.iter().map(Point::from).collect();
        Box::pin(async move { self.writer()?.put(points).await })
    }

    fn maintenance_versions(&self, to: UnixTime) -> Answer<'_, Vec<MaintenanceVersion>> {
        Box::pin(
            self.readers
                .ask(move |connection| ledger::maintenance_versions(connection, to)),
        )
    }

    fn expire(&self, what: Kept, before: UnixTime) -> Answer<'_, u64> {
        Box::pin(async move {
            let mut progress = Progress::start(what, before);
            while !progress.is_done() {
                progress = self.writer()?.expire(progress).await?;
            }
            Ok(progress.deleted)
        })
    }
}

/// Answer by answer, so that no connection is lent while a slow reader takes its rows.
async fn send_rows(readers: &Readers, query: RowQuery, sender: &AnswerSender<Row>) -> Result<(), StoreError> {
    let for_series = query.clone();
    let mut series = readers
        .ask(move |connection| select::series(connection, &for_series))
        .await?;
    let mut next = Some(Place::START);
    while let Some(place) = next.take() {
        let query = query.clone();
        let (given_back, rows, following) = readers
            .ask(move |connection| {
                let (rows, following) = select::rows(connection, &series, &query, place)?;
                Ok((series, rows, following))
            })
            .await?;
        series = given_back;
        next = following;
        if sender.send(Ok(rows)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Part by part, as for rows.
async fn send_cells(
    readers: &Readers,
    query: CellQuery,
    sender: &AnswerSender<StoredCell>,
) -> Result<(), StoreError> {
    let reading = readers
        .ask(move |connection| Reading::begin(connection, query))
        .await?;
    let reading = Arc::new(reading);
    let mut next = reading.first();
    while let Some(place) = next {
        let shared = Arc::clone(&reading);
        let (cells, following) = readers
            .ask(move |connection| shared.part(connection, place))
            .await?;
        next = following;
        let mut cells = cells.into_iter().peekable();
        while cells.peek().is_some() {
            let some = cells.by_ref().take(cell_select::HANDED).collect();
            if sender.send(Ok(some)).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
