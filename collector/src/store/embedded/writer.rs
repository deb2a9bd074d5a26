//! The one thread that writes: what waits together is committed together.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ippm::cell::HOUR;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::cells::slot_of;
use super::expire::{self, Progress};
use super::fault;
use super::hours::Hours;
use super::write::Inserter;
use crate::store::StoreError;
use crate::store::cell::{Resolution, StoredCell};
use crate::store::point::Point;

/// Jobs that may wait for the thread; beyond it the callers wait.
const QUEUE: usize = 256;

/// Most points of one commit, so that the first of them does not wait long for the last.
const GROUP_POINTS: usize = 8192;

/// How long a caller waits for its commit.
const COMMIT_LIMIT: Duration = Duration::from_secs(20);

/// How to reach the thread.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    path: Arc<Path>,
}

#[derive(Debug)]
enum Job {
    Put {
        points: Vec<Point>,
        answer: oneshot::Sender<Result<(), StoreError>>,
    },
    PutCells {
        resolution: Resolution,
        cells: Vec<StoredCell>,
        answer: oneshot::Sender<Result<(), StoreError>>,
    },
    Expire {
        from: Progress,
        answer: oneshot::Sender<Result<Progress, StoreError>>,
    },
}

impl Writer {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the system gives no thread.
    pub(super) fn start(connection: Connection, path: &Path, hours: Arc<Hours>) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let state = State {
            connection,
            inserter: Inserter::new(),
            hours,
            path: path.to_owned(),
        };
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || state.run(queue))
            .map_err(|e| fault::of_file(&e, path))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            path: Arc::from(path),
        })
    }

    /// Makes `points` durable, all or none.
    pub(super) async fn put(&self, points: Vec<Point>) -> Result<(), StoreError> {
        self.ask(|answer| Job::Put { points, answer }).await
    }

    /// Makes `cells` durable, all or none: a caller gives no more than a commit may take.
    pub(super) async fn put_cells(
        &self,
        resolution: Resolution,
        cells: Vec<StoredCell>,
    ) -> Result<(), StoreError> {
        self.ask(|answer| Job::PutCells {
            resolution,
            cells,
            answer,
        })
        .await
    }

    /// One step of an expiry; see [`expire::step`].
    pub(super) async fn expire(&self, from: Progress) -> Result<Progress, StoreError> {
        self.ask(|answer| Job::Expire { from, answer }).await
    }

    async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Job,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job = job(answer);
        let stopped = || fault::unavailable("the store is shutting down");
        let jobs = self.jobs.as_ref().ok_or_else(stopped)?;
        let asked = async {
            jobs.send(job).await.map_err(|_| stopped())?;
            answered.await.map_err(|_| stopped())?
        };
        tokio::time::timeout(COMMIT_LIMIT, asked)
            .await
            .unwrap_or_else(|_| {
                Err(fault::unavailable(format!(
                    "{}: no commit within {COMMIT_LIMIT:?}, the disk is slow",
                    self.path.display()
                )))
            })
    }
}

impl Drop for Writer {
    /// What was accepted is committed before the file is closed.
    fn drop(&mut self) {
        self.jobs = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            log::error!("{}: the writing thread has panicked", self.path.display());
        }
    }
}

/// What the thread owns.
struct State {
    connection: Connection,
    inserter: Inserter,
    /// What is remembered of the file.
    hours: Arc<Hours>,
    path: PathBuf,
}

type Waiting = (Vec<Point>, oneshot::Sender<Result<(), StoreError>>);

impl State {
    fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut next = queue.blocking_recv();
        while let Some(job) = next.take() {
            match job {
                Job::Expire { from, answer } => {
                    let step = self.expire(from);
                    // A caller that is gone asks again on its next round.
                    let _ = answer.send(step);
                }
                Job::PutCells {
                    resolution,
                    cells,
                    answer,
                } => {
                    let put = self.put_cells(resolution, &cells);
                    // A caller that is gone computes them again.
                    let _ = answer.send(put);
                }
                Job::Put { points, answer } => next = self.put_group((points, answer), &mut queue),
            }
            if next.is_none() {
                next = queue.blocking_recv();
            }
        }
    }

    /// Commits `first` and what waits behind it; returns a job of another kind that was met.
    fn put_group(&mut self, first: Waiting, queue: &mut mpsc::Receiver<Job>) -> Option<Job> {
        let mut points = first.0.len();
        let mut group = vec![first];
        let mut other = None;
        while points < GROUP_POINTS
            && let Ok(job) = queue.try_recv()
        {
            match job {
                Job::Put { points: more, answer } => {
                    points += more.len();
                    group.push((more, answer));
                }
                Job::PutCells { .. } | Job::Expire { .. } => {
                    other = Some(job);
                    break;
                }
            }
        }
        // Nobody was told that these are stored, and nobody waits to be told.
        group.retain(|(_, answer)| !answer.is_closed());
        self.commit_and_answer(group);
        other
    }

    /// One transaction for the group; if that fails by what one of them holds, one for each.
    fn commit_and_answer(&mut self, group: Vec<Waiting>) {
        let committed = self.commit(group.iter().flat_map(|(points, _)| points));
        let one_by_one = group.len() > 1 && committed.as_ref().is_err_and(is_about_content);
        for (points, answer) in group {
            let result = if one_by_one {
                self.commit(&points).map_err(|e| fault::of(&e, &self.path))
            } else {
                committed.as_ref().copied().map_err(|e| fault::of(e, &self.path))
            };
            // A caller that is gone was told nothing, and its report comes again.
            let _ = answer.send(result);
        }
    }

    fn commit<'a>(&mut self, points: impl IntoIterator<Item = &'a Point>) -> rusqlite::Result<()> {
        let result = self.try_commit(points);
        if result.is_err() {
            self.inserter.forget_series();
        }
        result
    }

    fn try_commit<'a>(&mut self, points: impl IntoIterator<Item = &'a Point>) -> rusqlite::Result<()> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        for point in points {
            self.inserter.put(&transaction, point)?;
        }
        transaction.commit()
    }

    fn put_cells(&mut self, resolution: Resolution, cells: &[StoredCell]) -> Result<(), StoreError> {
        let result = self.try_put_cells(resolution, cells);
        if result.is_err() {
            self.inserter.forget_series();
        }
        // A commit that is said to have failed may be found in the file all the same.
        if resolution == Resolution::Hour {
            let slots = cells.iter().map(|cell| slot_of(cell.time, HOUR));
            self.hours.forget(slots);
        }
        result.map_err(|e| fault::of(&e, &self.path))
    }

    fn try_put_cells(&mut self, resolution: Resolution, cells: &[StoredCell]) -> rusqlite::Result<()> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        for cell in cells {
            self.inserter.put_cell(&transaction, resolution, cell)?;
        }
        transaction.commit()
    }

    fn expire(&mut self, from: Progress) -> Result<Progress, StoreError> {
        self.inserter.forget_series();
        let step = expire::step(&mut self.connection, from).map_err(|e| fault::of(&e, &self.path));
        self.hours.forget_all();
        step
    }
}

/// Whether the fault lies in what was to be written, and not in the file or its disk.
fn is_about_content(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        None | Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig)
    )
}
