//! Accepted reports on their way to the store: all that wait while one write is under way go into the
//! next one together, and each sender is answered when its report is durable, not before.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use ippm::{ProbeName, UnixTime};
use thiserror::Error;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, TryAcquireError, mpsc, oneshot};

use crate::rollup::mark::Marks;
use crate::store::{Appended, Report, Store, StoreError};

/// How much may wait, and how much is written at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Reports that are not answered yet, those in a write included.
    pub reports: usize,
    /// Bytes of their bodies together, unpacked.
    pub bytes: u32,
    /// Results in one write; a report is never divided.
    pub batch_results: usize,
}

impl Limits {
    /// Room for every probe of a large exchange at once, and for the spools that they bring after an
    /// outage; what does not fit is sent again by its probe.
    pub const DEFAULT: Self = Self {
        reports: 1024,
        bytes: 512 << 20,
        batch_results: 5000,
    };
}

/// Why a report is not durable, or is not known to be.
#[derive(Debug, Clone, Error)]
pub enum QueueError {
    /// As much waits as may wait.
    #[error("as much as {} reports or {} bytes are waiting for the store", .0.reports, .0.bytes)]
    Full(Limits),
    /// The collector is going and takes nothing new.
    #[error("the collector is stopping")]
    Stopping,
    /// The store could not do it.
    #[error(transparent)]
    Store(Arc<StoreError>),
}

impl QueueError {
    /// When to try again, if the store has said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Store(error) => match **error {
                StoreError::Unavailable { retry_after, .. } => retry_after,
                _ => None,
            },
            Self::Full(_) | Self::Stopping => None,
        }
    }
}

/// The end into which reports are put.
#[derive(Debug)]
pub struct Queue {
    limits: Limits,
    jobs: mpsc::Sender<Job>,
    reports: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    stopping: Arc<Notify>,
}

/// The end that writes; nothing is written unless [`Writer::run`] runs.
pub struct Writer {
    limits: Limits,
    store: Arc<dyn Store>,
    marks: Arc<Marks>,
    jobs: mpsc::Receiver<Job>,
    /// Jobs whose identity was already in the batch.
    held_back: VecDeque<Job>,
    stopping: Arc<Notify>,
}

/// A report, and whoever waits for it.
#[derive(Debug)]
struct Job {
    report: Report,
    waiters: Vec<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    answer: oneshot::Sender<Result<Appended, QueueError>>,
    /// Its share of what may wait, given back when it is answered.
    _shares: [OwnedSemaphorePermit; 2],
}

impl Queue {
    /// A queue in front of `store`, and the task that empties it; `marks` learns of every report that is durable.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, marks: Arc<Marks>, limits: Limits) -> (Self, Writer) {
        let (sender, receiver) = mpsc::channel(limits.reports.max(1));
        let bytes = usize::try_from(limits.bytes).unwrap_or(usize::MAX);
        let room = |permits: usize| Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        let stopping = Arc::new(Notify::new());
        let queue = Self {
            limits,
            jobs: sender,
            reports: room(limits.reports),
            bytes: room(bytes),
            stopping: Arc::clone(&stopping),
        };
        let writer = Writer {
            limits,
            store,
            marks,
            jobs: receiver,
            held_back: VecDeque::new(),
            stopping,
        };
        (queue, writer)
    }

    /// Stores `report`, whose body had `bytes` bytes, and returns when it is durable.
    ///
    /// A caller that goes away takes nothing back: what was accepted is written.
    ///
    /// # Errors
    ///
    /// [`QueueError`]; at once if too much is waiting already.
    pub async fn append(&self, report: Report, bytes: usize) -> Result<Appended, QueueError> {
        let (answer, answered) = oneshot::channel();
        let waiter = Waiter {
            answer,
            _shares: [
                self.share(&self.reports, 1)?,
                self.share(&self.bytes, u32::try_from(bytes).unwrap_or(u32::MAX))?,
            ],
        };
        let job = Job {
            report,
            waiters: vec![waiter],
        };
        self.jobs.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => QueueError::Full(self.limits),
            mpsc::error::TrySendError::Closed(_) => QueueError::Stopping,
        })?;
        // Only a writer that ended in the middle of a write drops a waiter without an answer.
        answered.await.unwrap_or(Err(QueueError::Stopping))
    }

    fn share(&self, of: &Arc<Semaphore>, size: u32) -> Result<OwnedSemaphorePermit, QueueError> {
        let share = Arc::clone(of).try_acquire_many_owned(size);
        share.map_err(|error| match error {
            TryAcquireError::Closed => QueueError::Stopping,
            TryAcquireError::NoPermits => QueueError::Full(self.limits),
        })
    }

    /// Reports that are not answered yet, those in a write included.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.limits
            .reports
            .saturating_sub(self.reports.available_permits())
    }

    /// Takes nothing more; the writer ends when everything accepted is answered.
    pub fn stop(&self) {
        self.reports.close();
        self.stopping.notify_one();
    }
}

impl Writer {
    /// Writes until the queue is stopped or dropped, and everything that it took is answered.
    pub async fn run(mut self) {
        while let Some(first) = self.next().await {
            let batch = self.batch(first);
            self.write(batch).await;
        }
    }

    /// The next job; waits for one.
    async fn next(&mut self) -> Option<Job> {
        if let Some(job) = self.held_back.pop_front() {
            return Some(job);
        }
        loop {
            tokio::select! {
                job = self.jobs.recv() => return job,
                () = self.stopping.notified() => self.jobs.close(),
            }
        }
    }

    /// `first` and whatever waits beside it: each identity once, within the limit of results.
    ///
    /// The same report from several senders is written once. Another report with the same identity
    /// waits for the next batch, because it replaces the earlier one.
    fn batch(&mut self, first: Job) -> Vec<Job> {
        let mut batch = Batch::new(first);
        for job in mem::take(&mut self.held_back) {
            self.held_back.extend(batch.add(job));
        }
        while batch.results < self.limits.batch_results {
            let Ok(job) = self.jobs.try_recv() else {
                break;
            };
            self.held_back.extend(batch.add(job));
        }
        batch.jobs
    }

    async fn write(&self, batch: Vec<Job>) {
        let (reports, waiters): (Vec<Report>, Vec<Vec<Waiter>>) =
            batch.into_iter().map(|job| (job.report, job.waiters)).unzip();
        match self.store.append(&reports).await {
            Ok(appended) => {
                // Before anybody is answered: who has an answer may ask at once for what follows from it.
                for report in &reports {
                    self.marks.mark(report);
                }
                for (waiters, appended) in waiters.into_iter().zip(appended) {
                    answer(waiters, &Ok(appended));
                }
            }
            Err(error) => {
                let error = Err(QueueError::Store(Arc::new(error)));
                for waiters in waiters {
                    answer(waiters, &error);
                }
            }
        }
    }
}

fn answer(waiters: Vec<Waiter>, with: &Result<Appended, QueueError>) {
    for waiter in waiters {
        // Whoever has gone away does not need the answer.
        let _ = waiter.answer.send(with.clone());
    }
}

/// Jobs that are written together.
struct Batch {
    jobs: Vec<Job>,
    places: HashMap<(ProbeName, UnixTime), usize>,
    results: usize,
}

impl Batch {
    fn new(first: Job) -> Self {
        let mut batch = Self {
            jobs: Vec::new(),
            places: HashMap::new(),
            results: 0,
        };
        batch.insert(first);
        batch
    }

    /// Adds `job`, or gives it back because another report with its identity is in the batch.
    fn add(&mut self, job: Job) -> Option<Job> {
        let Some(place) = self.places.get(&identity(&job.report)) else {
            self.insert(job);
            return None;
        };
        let earlier = &mut self.jobs[*place];
        if !is_resent(&earlier.report, &job.report) {
            return Some(job);
        }
        // Of two attempts the times of the later one are kept.
        earlier.report = job.report;
        earlier.waiters.extend(job.waiters);
        None
    }

    fn insert(&mut self, job: Job) {
        self.results += job.report.entries.len() + 1;
        self.places.insert(identity(&job.report), self.jobs.len());
        self.jobs.push(job);
    }
}

/// The identity of a report.
fn identity(report: &Report) -> (ProbeName, UnixTime) {
    (report.run.source.clone(), report.run.time)
}

/// Whether two reports differ at most in what belongs to the attempt.
fn is_resent(earlier: &Report, later: &Report) -> bool {
    let mut run = earlier.run.clone();
    run.received_at = later.run.received_at;
    run.skew_ns = later.run.skew_ns;
    run == later.run && earlier.entries == later.entries
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
