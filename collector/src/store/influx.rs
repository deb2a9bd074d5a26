//! The store of an exchange: InfluxDB 2, behind which any number of collectors stand without state of their own.
//!
//! Results lie in the measurements `Ping` and `PingTest` of `<bucket>`, the ledger in `<bucket>_ledger`, hours and days
//! in `<bucket>_1h` and `<bucket>_1d`.
//!
//! # Layout
//!
//! * `client`: HTTP, with `fault`: what an answer means
//! * `write`: batches of lines, again after a pause, without the few that are refused; [`mod@line`]: one point, one line
//! * `series`, `rows`, `cells`, `tally`, `ledger`: questions, cut so that no answer grows large; over `flux` and `answer`
//! * [`setup`]: buckets and their retention; [`conflict`]: fields of another type

mod answer;
mod cells;
mod client;
pub mod conflict;

mod fault;
mod flux;
#[cfg(fuzzing)]
pub mod fuzzing;
mod ledger;
pub mod line;
mod rows;
mod series;
pub mod setup;
mod tally;
mod write;

use std::collections::BTreeSet;
use std::time::Duration;

use ippm::{Family, ProbeName, UnixTime};
use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio::time::Instant;

use self::client::Client;
use self::conflict::Conflict;
use self::fault::WriteFault;
use self::line::LineError;
use self::setup::{Retention, SetupStep};
use crate::store::cell::{CellQuery, CellStream, CellTally, Kept, Resolution, RowTally, StoredCell};
use crate::store::ledger::{CollectorRun, MaintenanceVersion, PlanVersion, ProbeRun, Reported};
use crate::store::point::{Point, points_of};
use crate::store::query::{RowQuery, RowStream};
use crate::store::row::{Parts, Row};
use crate::store::{Answer, Appended, Report, Store, StoreError};

/// How to reach InfluxDB, and how long to wait for it.
#[derive(Debug, Clone)]
pub struct Options {
    /// `http://` or `https://`, with the path under which a proxy shows InfluxDB, if there is one.
    pub url: String,
    /// The organization.
    pub org: String,
    /// The bucket of the results; the others begin with its name.
    pub bucket: String,
    /// A token that reads and writes the buckets.
    pub token: SecretString,
    /// CA certificates as PEM, in place of those of the operating system.
    pub ca: Option<Vec<u8>>,
    /// The family whose native results have the legacy-named fields too.
    pub legacy_family: Family,
    /// Time for a connection.
    pub connect_limit: Duration,
    /// Time for a request and its whole answer.
    pub request_limit: Duration,
    /// Time for an append with all its tries; after it the probe keeps its report.
    pub append_limit: Duration,
    /// Requests at a time.
    pub concurrency: usize,
    /// Whether lines are compressed on their way.
    pub gzip: bool,
}

/// How long what was found out about the types of fields is taken for true.
const CHECK_INTERVAL: Duration = Duration::from_mins(1);

/// Fields of a bucket conflict within one shard, which holds a day; two of them are looked at.
const CHECKED_TIME: Duration = Duration::from_hours(48);

/// What the line of a result usually takes.
const LINE_BYTES: usize = 1280;

/// A bucket of InfluxDB 2 and those that belong to it.
#[derive(Debug)]
pub struct Influx {
    client: Client,
    bucket: String,
    ledger: String,
    legacy_family: Family,
    append_limit: Duration,
    conflicts: Mutex<Option<(Instant, Vec<Conflict>)>>,
}

impl Influx {
    /// A store that connects when it is first asked.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`] if the URL, the token or the certificates cannot be used.
    pub fn new(options: &Options) -> Result<Self, StoreError> {
        Ok(Self {
            client: Client::new(options)?,
            bucket: options.bucket.clone(),
            ledger: format!("{}_ledger", options.bucket),
            legacy_family: options.legacy_family,
            append_limit: options.append_limit,
            conflicts: Mutex::new(None),
        })
    }

    /// Creates the buckets that are missing, makes those keep long enough that keep too short, and looks for fields
    /// in the results of `raw`'s time with another type than ours. A second call changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`] if the token may not manage buckets.
    pub async fn setup(&self, retention: &Retention) -> Result<Vec<SetupStep>, StoreError> {
        let mut steps = Vec::new();
        for (bucket, retention) in setup::buckets(&self.bucket, retention) {
            steps.push(setup::bucket(&self.client, &bucket, retention).await?);
        }
        let (from, to) = (UnixTime::from_ns(0), UnixTime::from_ns(i64::MAX));
        let conflicts = conflict::find(&self.client, &self.bucket, from, to).await?;
        steps.extend(conflicts.into_iter().map(SetupStep::Conflict));
        *self.conflicts.lock().await = None;
        Ok(steps)
    }

    /// Results first, the ledger's entry of each report last.
    async fn append_all(&self, reports: &[Report]) -> Result<Vec<Appended>, StoreError> {
        let deadline = Instant::now() + self.append_limit;
        let mut appended = vec![Appended::default(); reports.len()];
        let (mut lines, mut origins, mut runs) = (Vec::new(), Vec::new(), Vec::new());
        for (number, report) in reports.iter().enumerate() {
            let mut points = points_of(report, self.legacy_family);
            runs.extend(points.pop());
            for ((index, _), point) in report.entries.iter().zip(&points) {
                match line_of(point) {
                    Ok(line) => {
                        lines.push(line);
                        origins.push((number, *index));
                    }
                    Err(error) => appended[number].refused.push((*index, error.to_string())),
                }
            }
        }
        for (line, text) in write::write(&self.client, &self.bucket, lines, deadline).await? {
            let (number, index) = origins[line];
            appended[number].refused.push((index, text));
        }
        self.put(&runs, deadline).await?;
        Ok(appended)
    }

    /// Writes entries of the ledger, of which none can do without the others.
    async fn put(&self, points: &[Point], deadline: Instant) -> Result<(), StoreError> {
        self.put_all(&self.ledger, "an entry of the ledger", points, deadline)
            .await
    }

    /// Writes points of which none can be refused; `what` they are stands in the error.
    async fn put_all(
        &self,
        bucket: &str,
        what: &str,
        points: &[Point],
        deadline: Instant,
    ) -> Result<(), StoreError> {
        let lines = points.iter().map(line_of).collect::<Result<Vec<_>, _>>();
        let refused = |reason: String| StoreError::Refused {
            reason: format!("{what}: {reason}"),
        };
        let lines = lines.map_err(|error| refused(error.to_string()))?;
        let refused_lines = write::write(&self.client, bucket, lines, deadline).await?;
        match refused_lines.into_iter().next() {
            Some((_, text)) => Err(refused(text)),
            None => Ok(()),
        }
    }

    /// The conflicts of the last days, asked anew once a minute.
    async fn recent_conflicts(&self) -> Result<Vec<Conflict>, StoreError> {
        let mut known = self.conflicts.lock().await;
        if let Some((at, conflicts)) = known.as_ref()
            && at.elapsed() < CHECK_INTERVAL
        {
            return Ok(conflicts.clone());
        }
        let now = jiff::Timestamp::now().as_nanosecond();
        let now = UnixTime::from_ns(i64::try_from(now).unwrap_or(i64::MAX));
        let (from, to) = (now.saturating_sub(CHECKED_TIME), now.saturating_add(CHECKED_TIME));
        let conflicts = conflict::find(&self.client, &self.bucket, from, to).await?;
        *known = Some((Instant::now(), conflicts.clone()));
        Ok(conflicts)
    }

    /// An empty write is refused like any other if the bucket is missing or the token may not write into it.
    async fn check_writable(&self, bucket: &str) -> Result<(), StoreError> {
        match self.client.write(bucket, String::new()).await {
            // Some versions answer that an empty write writes nothing.
            Ok(()) | Err(WriteFault::Lines { .. } | WriteFault::TooLarge { .. }) => Ok(()),
            Err(WriteFault::Store(error)) => Err(error),
        }
    }
}

impl Store for Influx {
    fn append<'a>(&'a self, reports: &'a [Report]) -> Answer<'a, Vec<Appended>> {
        Box::pin(self.append_all(reports))
    }

    fn rows(&self, query: RowQuery) -> RowStream {
        let (sender, stream) = RowStream::channel();
        let (client, bucket) = (self.client.clone(), self.bucket.clone());
        tokio::spawn(async move {
            if let Err(error) = rows::send(&client, &bucket, query, &sender).await {
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
            parts,
            ..everything(source, since)
        };
        Box::pin(async move { rows::latest(&self.client, &self.bucket, &query).await })
    }

    fn probe_runs<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<ProbeRun>> {
        Box::pin(ledger::probe_runs(&self.client, &self.ledger, source, from, to))
    }

    fn reported<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<Reported>> {
        Box::pin(ledger::reported(&self.client, &self.ledger, source, from, to))
    }

    /// One try: a beat that came late would tell of a readiness that was not there.
    fn put_collector_run<'a>(&'a self, run: &'a CollectorRun) -> Answer<'a, ()> {
        Box::pin(async move {
            let line = line_of(&Point::from(run)).map_err(|error| StoreError::Refused {
                reason: format!("the name of this collector: {error}"),
            })?;
            match self.client.write(&self.ledger, line).await {
                Ok(()) => Ok(()),
                Err(WriteFault::Store(error)) => Err(error),
                Err(WriteFault::Lines { text, .. } | WriteFault::TooLarge { text }) => {
                    Err(StoreError::Refused { reason: text })
                }
            }
        })
    }

    fn collector_runs(&self, from: UnixTime, to: UnixTime) -> Answer<'_, Vec<CollectorRun>> {
        Box::pin(ledger::collector_runs(&self.client, &self.ledger, from, to))
    }

    fn put_plan_versions<'a>(&'a self, versions: &'a [PlanVersion]) -> Answer<'a, ()> {
        Box::pin(async move {
            let points: Vec<Point> = versions.iter().map(Point::from).collect();
            self.put(&points, Instant::now() + self.append_limit).await
        })
    }

    fn plan_versions<'a>(
        &'a self,
        probe: Option<&'a ProbeName>,
        to: UnixTime,
    ) -> Answer<'a, Vec<PlanVersion>> {
        Box::pin(ledger::plan_versions(&self.client, &self.ledger, probe, to))
    }

    fn names(&self, since: UnixTime) -> Answer<'_, Vec<ProbeName>> {
        Box::pin(async move {
            let spans = series::list(
                &self.client,
                &self.bucket,
                &everything(None, since),
                &series::ANCHORS,
            )
            .await?;
            let names: BTreeSet<ProbeName> = spans
                .into_keys()
                .flat_map(|series| [series.source, series.target])
                .collect();
            Ok(names.into_iter().collect())
        })
    }

    fn ready(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.check_writable(&self.bucket).await?;
            self.check_writable(&self.ledger).await?;
            match self.recent_conflicts().await?.first() {
                Some(conflict) => Err(StoreError::Refused {
                    reason: conflict.to_string(),
                }),
                None => Ok(()),
            }
        })
    }

    fn cells(&self, query: CellQuery) -> CellStream {
        let (sender, stream) = CellStream::channel();
        let (client, bucket) = (self.client.clone(), self.bucket.clone());
        tokio::spawn(async move {
            if let Err(error) = cells::send(&client, &bucket, query, &sender).await {
                // A reader that is gone needs no error.
                let _ = sender.send(Err(error)).await;
            }
        });
        stream
    }

    fn put_cells<'a>(&'a self, resolution: Resolution, cells: &'a [StoredCell]) -> Answer<'a, ()> {
        Box::pin(async move {
            let bucket = cells::bucket_of(&self.bucket, resolution);
            let points: Vec<Point> = cells.iter().map(Point::from).collect();
            self.put_all(&bucket, "a cell", &points, Instant::now() + self.append_limit)
                .await
        })
    }

    fn row_tallies<'a>(
        &'a self,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<RowTally>> {
        let query = RowQuery {
            to,
            ..everything(source, from)
        };
        Box::pin(async move { tally::tallies(&self.client, &self.bucket, &query).await })
    }

    fn cell_tallies<'a>(
        &'a self,
        resolution: Resolution,
        source: Option<&'a ProbeName>,
        from: UnixTime,
        to: UnixTime,
    ) -> Answer<'a, Vec<CellTally>> {
        let query = RowQuery {
            to,
            ..everything(source, from)
        };
        Box::pin(async move { cells::tallies(&self.client, &self.bucket, resolution, &query).await })
    }

    fn put_maintenance<'a>(&'a self, versions: &'a [MaintenanceVersion]) -> Answer<'a, ()> {
        Box::pin(async move {
            let points: Vec<Point> = versions.iter().map(Point::from).collect();
            self.put(&points, Instant::now() + self.append_limit).await
        })
    }

    fn maintenance_versions(&self, to: UnixTime) -> Answer<'_, Vec<MaintenanceVersion>> {
        Box::pin(ledger::maintenance_versions(&self.client, &self.ledger, to))
    }

    /// The retention of the bucket does it.
    fn expire(&self, _what: Kept, _before: UnixTime) -> Answer<'_, u64> {
        Box::pin(std::future::ready(Ok(0)))
    }
}

/// The line of `point`, ended by a line feed.
fn line_of(point: &Point) -> Result<String, LineError> {
    let mut line = String::with_capacity(LINE_BYTES);
    line::push(&mut line, point)?;
    Ok(line)
}

/// Every result of `source`, or of all, since `since`.
fn everything(source: Option<&ProbeName>, since: UnixTime) -> RowQuery {
    RowQuery {
        source: source.cloned(),
        target: None,
        family: None,
        test: None,
        from: since,
        to: UnixTime::from_ns(i64::MAX),
        parts: Parts::ALL,
    }
}
