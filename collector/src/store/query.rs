//! Questions for rows, and the answers that come in parts.

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
pub type RowStream = AnswerStream<Row>;

/// A long answer on its way from a store, some of it at a time.
#[derive(Debug)]
pub struct AnswerStream<T> {
    receiver: mpsc::Receiver<Result<Vec<T>, StoreError>>,
    arrived: std::vec::IntoIter<T>,
}

/// The end of a stream into which a store writes: parts of the answer in their order, or the error that ends it.
pub type AnswerSender<T> = mpsc::Sender<Result<Vec<T>, StoreError>>;

impl<T> AnswerStream<T> {
    /// Parts that a store prepares before the reader asks for the next; a store bounds each of them.
    pub const BUFFER: usize = 1;

    /// A stream, and the end into which a store writes.
    #[must_use]
    pub fn channel() -> (AnswerSender<T>, Self) {
        let (sender, receiver) = mpsc::channel(Self::BUFFER);
        let arrived = Vec::new().into_iter();
        (sender, Self { receiver, arrived })
    }

    /// The next one; `None` at the end.
    ///
    /// # Errors
    ///
    /// The store's error, after which the stream ends.
    pub async fn next(&mut self) -> Result<Option<T>, StoreError> {
        loop {
            if let Some(next) = self.arrived.next() {
                return Ok(Some(next));
            }
            match self.receiver.recv().await.transpose()? {
                Some(part) => self.arrived = part.into_iter(),
                None => return Ok(None),
            }
        }
    }

    /// All that remain.
    ///
    /// # Errors
    ///
    /// [`StoreError`] of the store; what came before it is dropped.
    pub async fn collect(mut self) -> Result<Vec<T>, StoreError> {
        let mut all = Vec::new();
        while let Some(next) = self.next().await? {
            all.push(next);
        }
        Ok(all)
    }
}
