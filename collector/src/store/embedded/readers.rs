//! The connections that read, on threads where waiting is allowed.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{fault, file};
use crate::store::StoreError;

/// Readers at a time; what comes beyond waits its turn.
const READERS: usize = 3;

/// Read-only connections, lent one at a time.
#[derive(Debug, Clone)]
pub(super) struct Readers {
    path: Arc<Path>,
    turn: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    /// Opens the connections.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let idle = (0..READERS)
            .map(|_| file::open_reader(path))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            path: Arc::from(path),
            turn: Arc::new(Semaphore::new(READERS)),
            idle: Arc::new(Mutex::new(idle)),
        })
    }

    /// Asks `question` on a thread of its own. It should be short: the connection is lent meanwhile.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, Unreadable> + Send + 'static,
    ) -> Result<T, StoreError> {
        let stopped = || fault::unavailable("the store is shutting down");
        let turn = Arc::clone(&self.turn)
            .acquire_owned()
            .await
            .map_err(|_| stopped())?;
        let this = self.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let connection = this.take()?;
            let answer = at_one_time(&connection, question);
            this.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
            answer.map_err(|unreadable| match unreadable {
                Unreadable::File(error) => fault::of(&error, &this.path),
                Unreadable::Content(error) => error,
            })
        });
        asked.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// A connection; a new one if a question has panicked with one.
    fn take(&self) -> Result<Connection, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| file::open_reader(&self.path), Ok)
    }
}

/// Asks in a transaction: every statement sees the file at one time, and the file is locked once for all of them.
fn at_one_time<T>(
    connection: &Connection,
    question: impl FnOnce(&Connection) -> Result<T, Unreadable>,
) -> Result<T, Unreadable> {
    let transaction = connection.unchecked_transaction()?;
    let answer = question(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}

/// Why a question has no answer.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// The file could not be read.
    File(rusqlite::Error),
    /// What lies in it is not what this version writes.
    Content(StoreError),
}

impl From<rusqlite::Error> for Unreadable {
    fn from(error: rusqlite::Error) -> Self {
        Self::File(error)
    }
}

impl From<StoreError> for Unreadable {
    fn from(error: StoreError) -> Self {
        Self::Content(error)
    }
}
