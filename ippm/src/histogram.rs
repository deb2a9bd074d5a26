//! Distribution of delays that can be merged: the only honest way to a percentile over many rounds.
//!
//! Bucket edges grow by 2 %, so a quantile read from a histogram is within 1.05 % of the exact one, whatever
//! was merged in whatever order. The edges are one committed table of integers and every histogram uses them;
//! no configuration can make two histograms incomparable.

mod table;

use std::num::NonZeroU64;

use thiserror::Error;

use crate::codec::varint::{Reader, VarintError, Writer};
use crate::quantile;
use table::BOUNDARIES;

/// What a coded histogram begins with: kind and version.
const PREFIX: &str = "h1:";

/// Counts of delays in buckets that grow by 2 %, from 1 µs to 60.7 s.
///
/// Only buckets with something in them take memory: some tens in a round, of [`Histogram::BUCKETS`].
///
/// Invariant: indices ascend strictly, and no count is zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    buckets: Vec<(u16, u64)>,
}

impl Histogram {
    /// Number of buckets: one for every boundary, and one for what lies above the last.
    pub const BUCKETS: u16 = 907;

    /// The bucket of every delay above 60.7 s, the last boundary.
    pub const OVERFLOW: u16 = Self::BUCKETS - 1;

    /// A histogram of nothing, the neutral element of [`Histogram::merge`].
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a measured type has no default value")]
    pub const fn new() -> Self {
        Self { buckets: Vec::new() }
    }

    /// Index of the bucket that a delay of `nanoseconds` belongs to.
    ///
    /// A delay that equals a boundary lies in the bucket that the boundary closes.
    #[must_use]
    pub fn bucket_of(nanoseconds: u64) -> u16 {
        let index = BOUNDARIES.partition_point(|boundary| *boundary < nanoseconds);
        // The partition point of 906 boundaries is at most 906.
        u16::try_from(index).unwrap_or(Self::OVERFLOW)
    }

    /// Counts one delay of `nanoseconds`.
    pub fn record(&mut self, nanoseconds: u64) {
        self.add(Self::bucket_of(nanoseconds), 1);
    }

    /// Adds the counts of `other`.
    ///
    /// Associative and commutative, also at the end of the number range, where a count stays at `u64::MAX`.
    pub fn merge(&mut self, other: &Self) {
        let mut from = 0;
        for (index, count) in other.buckets() {
            // Both ascend, and the parts of one path have nearly the same buckets: the next is hardly ever far.
            let ahead = self.buckets[from..].iter();
            from += ahead.take_while(|(bucket, _)| *bucket < index).count();
            match self.buckets.get_mut(from) {
                Some((bucket, sum)) if *bucket == index => *sum = sum.saturating_add(count),
                _ => self.buckets.insert(from, (index, count)),
            }
        }
    }

    /// Adds `count` delays to a bucket. Most buckets of a round are already there, so nothing moves.
    fn add(&mut self, index: u16, count: u64) {
        match self.buckets.binary_search_by_key(&index, |(bucket, _)| *bucket) {
            Ok(at) => self.buckets[at].1 = self.buckets[at].1.saturating_add(count),
            Err(at) => self.buckets.insert(at, (index, count)),
        }
    }

    /// Number of delays counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.buckets
            .iter()
            .fold(0, |total, (_, count)| total.saturating_add(*count))
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// The non-empty buckets as (index, count), indices ascending.
    #[must_use]
    pub fn buckets(&self) -> impl ExactSizeIterator<Item = (u16, u64)> + '_ {
        self.buckets.iter().copied()
    }

    /// Index of the lowest non-empty bucket: the one that holds the sample's minimum.
    #[must_use]
    pub fn first(&self) -> Option<u16> {
        self.buckets.first().map(|(index, _)| *index)
    }

    /// Index of the highest non-empty bucket: the one that holds the sample's maximum.
    #[must_use]
    pub fn last(&self) -> Option<u16> {
        self.buckets.last().map(|(index, _)| *index)
    }

    /// The quantile `permille` in nanoseconds, by nearest rank; `None` when nothing was counted.
    ///
    /// `min` and `max` are those of the same delays: they stand for the open-ended buckets, and no quantile lies
    /// outside of them. Of a merged histogram they are the smallest and the largest of the parts.
    #[must_use]
    pub fn quantile(&self, permille: u16, min: u64, max: u64) -> Option<u64> {
        let rank = quantile::rank(NonZeroU64::new(self.total())?, permille);
        let mut seen = 0_u64;
        let (index, _) = self.buckets.iter().find(|(_, count)| {
            seen = seen.saturating_add(*count);
            rank <= seen
        })?;
        Some(representative(*index, min, max).max(min).min(max))
    }

    /// The text `h1:…`: the non-empty buckets in ascending order as pairs of index (after the first the
    /// difference to the previous one) and count, unsigned LEB128, standard base64 without padding.
    #[must_use]
    pub fn encode(&self) -> String {
        self.write().finish(PREFIX)
    }

    /// The bytes of which [`Histogram::encode`] makes a text, for a store that keeps bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.write().into_bytes()
    }

    fn write(&self) -> Writer {
        let mut writer = Writer::new();
        let mut previous = 0;
        for (index, count) in self.buckets() {
            writer.push(u64::from(index - previous));
            writer.push(count);
            previous = index;
        }
        writer
    }

    /// Reads the text of [`Histogram::encode`], and nothing else.
    ///
    /// # Errors
    ///
    /// [`HistogramError`] names the first thing that no encoder would have written.
    pub fn decode(text: &str) -> Result<Self, HistogramError> {
        Self::read(Reader::new(PREFIX, text)?)
    }

    /// Reads the bytes of [`Histogram::to_bytes`], and nothing else.
    ///
    /// # Errors
    ///
    /// [`HistogramError`] as for [`Histogram::decode`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HistogramError> {
        Self::read(Reader::of_bytes(bytes))
    }

    fn read(mut reader: Reader<'_>) -> Result<Self, HistogramError> {
        // A bucket takes two bytes at least.
        let most = usize::from(Self::BUCKETS).min(reader.left() / 2);
        let mut buckets: Vec<(u16, u64)> = Vec::with_capacity(most);
        let mut total = 0_u64;
        while reader.left() > 0 {
            let (step, count) = reader.next_two()?;
            let index = match buckets.last() {
                None => Some(step),
                Some(_) if step == 0 => return Err(HistogramError::Repeated),
                Some((previous, _)) => u64::from(*previous).checked_add(step),
            };
            let index = index
                .and_then(|index| u16::try_from(index).ok())
                .filter(|index| *index < Self::BUCKETS)
                .ok_or(HistogramError::Index)?;
            if count == 0 {
                return Err(HistogramError::EmptyBucket { index });
            }
            total = total.checked_add(count).ok_or(HistogramError::Total)?;
            buckets.push((index, count));
        }
        Ok(Self { buckets })
    }
}

/// Why a text is not a histogram.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HistogramError {
    /// The text itself cannot be taken apart.
    #[error("histogram {0}")]
    Text(#[from] VarintError),
    /// A bucket appears twice.
    #[error("histogram names a bucket twice")]
    Repeated,
    /// A bucket's index is above the last one.
    #[error("histogram has a bucket above {}", Histogram::OVERFLOW)]
    Index,
    /// A bucket without a delay in it was written.
    #[error("histogram holds the empty bucket {index}")]
    EmptyBucket {
        /// Which one.
        index: u16,
    },
    /// The counts add up to more than a `u64` holds.
    #[error("histogram counts more than {} delays", u64::MAX)]
    Total,
}

/// The delay that stands for a bucket: the middle of its edges, rounded down.
///
/// The two open-ended buckets have no middle; the sample's own minimum and maximum stand for them.
fn representative(index: u16, min: u64, max: u64) -> u64 {
    let upper = usize::from(index);
    match (
        upper.checked_sub(1).and_then(|lower| BOUNDARIES.get(lower)),
        BOUNDARIES.get(upper),
    ) {
        (Some(lower), Some(upper)) => lower.midpoint(*upper),
        (None, _) => min,
        (_, None) => max,
    }
}

#[cfg(test)]
mod tests;
