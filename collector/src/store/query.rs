//! Questions for rows, and their answer.

use ippm::{Family, ProbeName, TestName, UnixTime};
use tokio::sync::mpsc;

use crate::store::StoreError;
use crate::store::row::{Parts, Row};

/// Which rows, of which time, with which parts. An absent choice means all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowQuery {
    /// Only this source.
    pub source: Option<ProbeName>,
    /// Only this target.
    pub target: Option<ProbeName>,
    /// Only this family.
    pub family: Option<Family>,
    /// Only this test.
    pub test: Option<TestName>,
    /// From this time on.
    pub from: UnixTime,
    /// Before this time.
    pub to: UnixTime,
    /// What of each row.
    pub parts: Parts,
}

/// Rows on their way from a store, ordered, a bounded number at a time.
#[derive(Debug)]
pub struct RowStream {
    receiver: mpsc::Receiver<Result<Row, StoreError>>,
}

impl RowStream {
    /// Rows that a store prepares before the reader asks for the next.
    pub const BUFFER: usize = 256;

    /// A stream, and the end into which a store writes.
    #[must_use]
    pub fn channel() -> (mpsc::Sender<Result<Row, StoreError>>, Self) {
        let (sender, receiver) = mpsc::channel(Self::BUFFER);
        (sender, Self { receiver })
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    ///
    /// The store's error, after which the stream ends.
    pub async fn next(&mut self) -> Result<Option<Row>, StoreError> {
        self.receiver.recv().await.transpose()
    }

    /// All remaining rows.
    ///
    /// # Errors
    ///
    /// [`StoreError`] of the store; the rows before it are dropped.
    pub async fn collect(mut self) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        while let Some(row) = self.next().await? {
            rows.push(row);
        }
        Ok(rows)
    }
}
