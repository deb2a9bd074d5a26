//! Questions for rows, and the answers that come in parts.

use std::collections::HashSet;

use ippm::{Family, ProbeName, TestName, UnixTime};
use tokio::sync::mpsc;

use crate::store::StoreError;
use crate::store::cell::Series;
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

impl RowQuery {
    /// Whether it selects the series of `row`.
    fn selects(&self, row: &Row) -> bool {
        self.source.as_ref().is_none_or(|source| *source == row.source)
            && self.target.as_ref().is_none_or(|target| *target == row.target)
            && self.family.is_none_or(|family| family == row.family)
            && self.test.as_ref().is_none_or(|test| *test == row.test)
    }
}

/// `rows`, which `query` has selected, and those of `latest` whose series it selects and has no measured one among
/// them; ordered by series and time.
pub(super) fn with_latest(query: &RowQuery, mut rows: Vec<Row>, latest: Vec<Row>) -> Vec<Row> {
    let measured: HashSet<Series> = rows.iter().filter(|row| row.measured).map(Row::series).collect();
    let is_there = |row: &Row| query.from <= row.time && row.time < query.to;
    rows.extend(
        latest
            .into_iter()
            .filter(|row| query.selects(row) && !is_there(row) && !measured.contains(&row.series())),
    );
    rows.sort_by_cached_key(|row| (row.series(), row.time, !row.measured));
    rows
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

    /// The next ones, as many as there are at once; `None` at the end.
    ///
    /// # Errors
    ///
    /// As [`AnswerStream::next`].
    pub async fn next_part(&mut self) -> Result<Option<Vec<T>>, StoreError> {
        let left = std::mem::take(&mut self.arrived);
        if left.len() > 0 {
            return Ok(Some(left.collect()));
        }
        self.receiver.recv().await.transpose()
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
