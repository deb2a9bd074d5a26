//! The slices of a cell: their counts as runs, because an hour without loss is three of them.

use crate::codec::{CodecError, cell_slices};
use crate::{Slices, UnixTime};

/// Slices as they lie in a store: the bytes of [`codec::cell_slices`](crate::codec::cell_slices), a tenth of what
/// they take unpacked. Nobody has looked yet whether they are some.
///
/// One value has exactly one form, so equal bytes are equal slices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedSlices(Vec<u8>);

/// Counts per slice of ten seconds: what [`Slices`] are for a result, for all results of an hour.
///
/// The four lists have the same length, at most [`Slices::MAX`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellSlices {
    start: UnixTime,
    sent: Runs,
    lost: Runs,
    rtt_count: Runs,
    /// Hardly two of them are equal.
    rtt_sum_ns: Vec<u64>,
}

/// Numbers in their order, one for each slice.
///
/// Invariant: no run is empty, and neighbors have different values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runs {
    runs: Vec<Run>,
    length: usize,
}

/// A value that comes several times one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The value.
    pub value: u64,
    /// How many times, at least once.
    pub times: usize,
}

impl PackedSlices {
    /// What a store holds.
    #[must_use]
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// What a store is to hold.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The slices.
    ///
    /// # Errors
    ///
    /// [`CodecError`] of bytes that [`CellSlices::pack`] does not write.
    pub fn unpack(&self) -> Result<CellSlices, CodecError> {
        cell_slices::from_bytes(&self.0)
    }
}

impl CellSlices {
    /// The same as a store holds it.
    #[must_use]
    pub fn pack(&self) -> PackedSlices {
        PackedSlices(cell_slices::to_bytes(self))
    }

    /// Slices from `start` on; `None` if the lists `sent`, `lost`, `rtt_count` and `rtt_sum_ns` have different
    /// lengths, or more than [`Slices::MAX`] values.
    #[must_use]
    pub fn new(start: UnixTime, counts: [Runs; 3], rtt_sum_ns: Vec<u64>) -> Option<Self> {
        let length = rtt_sum_ns.len();
        let is_as_long = counts.iter().all(|list| list.length == length);
        let [sent, lost, rtt_count] = counts;
        (length <= Slices::MAX && is_as_long).then_some(Self {
            start,
            sent,
            lost,
            rtt_count,
            rtt_sum_ns,
        })
    }

    /// The same counts, from `start` on.
    #[must_use]
    pub fn starting(self, start: UnixTime) -> Self {
        Self { start, ..self }
    }

    /// Start of the first slice, a multiple of [`Slices::LENGTH`].
    #[must_use]
    pub const fn start(&self) -> UnixTime {
        self.start
    }

    /// Packets sent.
    #[must_use]
    pub const fn sent(&self) -> &Runs {
        &self.sent
    }

    /// Packets lost.
    #[must_use]
    pub const fn lost(&self) -> &Runs {
        &self.lost
    }

    /// Packets with a delay.
    #[must_use]
    pub const fn rtt_count(&self) -> &Runs {
        &self.rtt_count
    }

    /// Sum of their delays, nanoseconds.
    #[must_use]
    pub fn rtt_sum_ns(&self) -> &[u64] {
        &self.rtt_sum_ns
    }

    /// The lists of packets: sent, lost, with a delay.
    #[must_use]
    pub const fn counts(&self) -> [&Runs; 3] {
        [&self.sent, &self.lost, &self.rtt_count]
    }

    /// Number of slices.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.sent.length
    }

    /// Whether there is no slice at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.sent.length == 0
    }

    /// How many of the slices hold packets.
    #[must_use]
    pub fn with_packets(&self) -> usize {
        let with_packets = self.sent.runs.iter().filter(|run| run.value > 0);
        with_packets.map(|run| run.times).sum()
    }

    /// The same, a number for each slice.
    #[must_use]
    pub fn to_slices(&self) -> Slices {
        let [sent, lost, rtt_count] = self.counts().map(|list| list.values().collect());
        Slices {
            start: self.start,
            sent,
            lost,
            rtt_count,
            rtt_sum_ns: self.rtt_sum_ns.clone(),
        }
    }
}

/// The first [`Slices::MAX`] slices. Of lists that do not have the same length, the part that they have in common.
impl From<&Slices> for CellSlices {
    fn from(slices: &Slices) -> Self {
        let lists = [&slices.sent, &slices.lost, &slices.rtt_count, &slices.rtt_sum_ns];
        let length = lists.iter().map(|list| list.len()).min().unwrap_or(0);
        let [sent, lost, rtt_count, rtt_sum_ns] = lists.map(|list| &list[..length.min(Slices::MAX)]);
        let runs = |list: &[u64]| list.iter().copied().collect();
        Self {
            start: slices.start,
            sent: runs(sent),
            lost: runs(lost),
            rtt_count: runs(rtt_count),
            rtt_sum_ns: rtt_sum_ns.to_vec(),
        }
    }
}

impl Runs {
    /// Appends `value`, `times` times.
    pub fn push(&mut self, value: u64, times: usize) {
        if times == 0 {
            return;
        }
        self.length += times;
        match self.runs.last_mut() {
            Some(last) if last.value == value => last.times += times,
            _ => self.runs.push(Run { value, times }),
        }
    }

    /// The runs.
    #[must_use]
    pub fn as_slice(&self) -> &[Run] {
        &self.runs
    }

    /// Number of values.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether there is no value at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The values.
    pub fn values(&self) -> impl Iterator<Item = u64> + '_ {
        self.runs
            .iter()
            .flat_map(|run| std::iter::repeat_n(run.value, run.times))
    }

    /// The values of both beside each other, and how often they come so; as far as both have values.
    pub fn zip<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (u64, u64, usize)> + 'a {
        let (mut ones, mut others) = (self.runs.iter().copied(), other.runs.iter().copied());
        let (mut one, mut other) = (Run::EMPTY, Run::EMPTY);
        std::iter::from_fn(move || {
            if one.times == 0 {
                one = ones.next()?;
            }
            if other.times == 0 {
                other = others.next()?;
            }
            let times = one.times.min(other.times);
            one.times -= times;
            other.times -= times;
            Some((one.value, other.value, times))
        })
    }

    /// The sums of the first `first` values, of the next `each` of them, and so on; the last of what is left. A sum
    /// beyond 64 bits is the largest number. Both have to be above 0.
    #[must_use]
    pub fn sums(&self, first: usize, each: usize) -> Sums<'_> {
        Sums {
            runs: self.runs.iter(),
            run: Run::EMPTY,
            left: self.length,
            wanted: first.max(1),
            each: each.max(1),
        }
    }
}

/// What [`Runs::sums`] gives.
#[derive(Debug, Clone)]
pub struct Sums<'a> {
    runs: std::slice::Iter<'a, Run>,
    /// What is left of the present run.
    run: Run,
    left: usize,
    wanted: usize,
    each: usize,
}

impl Iterator for Sums<'_> {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        let mut missing = self.wanted.min(self.left);
        if missing == 0 {
            return None;
        }
        self.left -= missing;
        self.wanted = self.each;
        let mut sum = 0_u64;
        loop {
            let taken = self.run.times.min(missing);
            let times = u64::try_from(taken).unwrap_or(u64::MAX);
            sum = sum.saturating_add(self.run.value.saturating_mul(times));
            self.run.times -= taken;
            missing -= taken;
            if missing == 0 {
                return Some(sum);
            }
            self.run = *self.runs.next()?;
        }
    }
}

impl Run {
    const EMPTY: Self = Self { value: 0, times: 0 };
}

impl FromIterator<u64> for Runs {
    fn from_iter<T: IntoIterator<Item = u64>>(values: T) -> Self {
        let mut runs = Self::default();
        for value in values {
            runs.push(value, 1);
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn runs(values: &[u64]) -> Runs {
        values.iter().copied().collect()
    }

    #[test]
    fn equal_neighbors_are_one_run() {
        let mut runs = runs(&[4, 4, 0]);
        runs.push(0, 2);
        runs.push(7, 0);
        runs.push(4, 1);
        let found: Vec<(u64, usize)> = runs.as_slice().iter().map(|run| (run.value, run.times)).collect();
        assert_eq!(found, [(4, 2), (0, 3), (4, 1)]);
        assert_eq!(runs.len(), 6);
    }

    #[test]
    fn a_sum_beyond_64_bits_is_the_largest_number() {
        let runs = runs(&[u64::MAX, u64::MAX, 1, 2]);
        assert_eq!(runs.sums(2, 2).collect::<Vec<u64>>(), [u64::MAX, 3]);
    }

    #[test]
    fn lists_of_different_lengths_are_no_slices() {
        let of = |lost: &[u64]| {
            let counts = [runs(&[1, 1]), runs(lost), runs(&[0, 0])];
            CellSlices::new(UnixTime::from_ns(0), counts, vec![5, 6])
        };
        assert_eq!(of(&[0, 0]).unwrap().with_packets(), 2);
        assert_eq!(of(&[0]), None);
        let many = vec![1; Slices::MAX + 1];
        let long = || runs(&many);
        let found = CellSlices::new(UnixTime::from_ns(0), [long(), long(), long()], many.clone());
        assert_eq!(found, None);
    }

    proptest! {
        #[test]
        fn values_come_back(values in prop::collection::vec(0..3_u64, 0..50)) {
            prop_assert_eq!(runs(&values).values().collect::<Vec<u64>>(), values);
        }

        #[test]
        fn values_stand_beside_each_other(values in prop::collection::vec((0..3_u64, 0..2_u64), 0..50)) {
            let (one, other): (Vec<u64>, Vec<u64>) = values.iter().copied().unzip();
            let (one, other) = (runs(&one), runs(&other));
            let zipped = one.zip(&other).flat_map(|(one, other, times)| std::iter::repeat_n((one, other), times));
            prop_assert_eq!(zipped.collect::<Vec<(u64, u64)>>(), values);
        }

        #[test]
        fn sums_are_those_of_the_values(
            values in prop::collection::vec(0..3_u64, 0..50), first in 1..8_usize, each in 1..8_usize,
        ) {
            let (head, rest) = values.split_at(first.min(values.len()));
            let parts = std::iter::once(head).filter(|head| !head.is_empty()).chain(rest.chunks(each));
            let expected: Vec<u64> = parts.map(|part| part.iter().sum()).collect();
            prop_assert_eq!(runs(&values).sums(first, each).collect::<Vec<u64>>(), expected);
        }
    }
}
