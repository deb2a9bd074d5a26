//! Spans of time, and the slots that begin in them.

use std::iter;
use std::sync::Arc;
use std::time::Duration;

use ippm::UnixTime;

/// A span of time, its end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    from: UnixTime,
    to: UnixTime,
}

impl Span {
    /// From `from` to before `to`; empty if that is not later.
    #[must_use]
    pub fn new(from: UnixTime, to: UnixTime) -> Self {
        Self {
            from,
            to: to.max(from),
        }
    }

    /// The first instant of it.
    #[must_use]
    pub fn from(self) -> UnixTime {
        self.from
    }

    /// The first instant after it.
    #[must_use]
    pub fn to(self) -> UnixTime {
        self.to
    }

    /// What it has in common with `other`; `None` if that is nothing.
    #[must_use]
    pub fn intersection(self, other: Self) -> Option<Self> {
        let (from, to) = (self.from.max(other.from), self.to.min(other.to));
        (from < to).then_some(Self { from, to })
    }
}

/// Spans in order that neither meet nor touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spans(Arc<[Span]>);

impl Spans {
    /// The instants that lie in any of `spans`, which come in any order.
    #[must_use]
    pub fn of(spans: impl IntoIterator<Item = Span>) -> Self {
        let mut given: Vec<Span> = spans.into_iter().filter(|span| span.from < span.to).collect();
        given.sort_unstable();
        let mut spans: Vec<Span> = Vec::with_capacity(given.len());
        for span in given {
            match spans.last_mut() {
                Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
                _ => spans.push(span),
            }
        }
        Self(spans.into())
    }

    /// The spans.
    #[must_use]
    pub fn as_slice(&self) -> &[Span] {
        &self.0
    }

    /// Whether no instant lies in them.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The instants that lie in these or in `other`.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::of(self.0.iter().chain(other.0.iter()).copied())
    }

    /// The instants that lie in these and not in `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        for span in &*self.0 {
            let mut from = span.from;
            for hole in other.0.iter().filter(|hole| hole.intersection(*span).is_some()) {
                left.push(Span::new(from, hole.from));
                from = hole.to;
            }
            left.push(Span::new(from, span.to));
        }
        Self::of(left)
    }
}

/// The slots of one period that begin within spans of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots {
    period: Duration,
    spans: Spans,
}

impl Slots {
    /// The multiples of `period`, at least one nanosecond, that lie in `spans`.
    #[must_use]
    pub fn new(period: Duration, spans: Spans) -> Self {
        let period = period.max(Duration::from_nanos(1));
        Self { period, spans }
    }

    /// Length of a slot.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// The starts of the slots, ascending.
    pub fn iter(&self) -> impl Iterator<Item = UnixTime> + '_ {
        self.spans.as_slice().iter().flat_map(|span| {
            let first = self.first_in(*span);
            iter::successors(first, |slot| slot.checked_add(self.period_ns()))
                .take_while(|slot| UnixTime::from_ns(*slot) < span.to)
                .map(UnixTime::from_ns)
        })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        let spans = self.spans.as_slice().iter();
        spans.filter_map(|span| self.count_of(*span)).sum()
    }

    /// How many of them begin in `span`.
    #[must_use]
    pub fn count_in(&self, span: Span) -> u64 {
        let spans = self.spans.as_slice();
        let first = spans.partition_point(|own| own.to <= span.from);
        let common = spans.iter().skip(first).map_while(|own| own.intersection(span));
        common.filter_map(|common| self.count_of(common)).sum()
    }

    fn count_of(&self, span: Span) -> Option<u64> {
        let first = self.first_in(span)?;
        let length = i128::from(span.to.as_ns()) - i128::from(first);
        let period = i128::from(self.period_ns());
        u64::try_from(length.max(0).unsigned_abs().div_ceil(period.unsigned_abs())).ok()
    }

    /// Whether a slot begins at `time`.
    #[must_use]
    pub fn contains(&self, time: UnixTime) -> bool {
        let spans = self.spans.as_slice();
        let next = spans.partition_point(|span| span.to <= time);
        time.floor(self.period) == time && spans.get(next).is_some_and(|span| span.from <= time)
    }

    /// The spans in which the slots begin.
    #[must_use]
    pub fn spans(&self) -> &Spans {
        &self.spans
    }

    /// The first multiple of the period that is not before the span; it may lie behind it.
    fn first_in(&self, span: Span) -> Option<i64> {
        let floor = span.from.floor(self.period);
        if floor == span.from {
            return Some(floor.as_ns());
        }
        floor.as_ns().checked_add(self.period_ns())
    }

    fn period_ns(&self) -> i64 {
        i64::try_from(self.period.as_nanos()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spans(list: &[(i64, i64)]) -> Spans {
        Spans::of(list.iter().map(|(from, to)| span(*from, *to)))
    }

    fn span(from: i64, to: i64) -> Span {
        Span::new(UnixTime::from_ns(from), UnixTime::from_ns(to))
    }

    fn starts(slots: &Slots) -> Vec<i64> {
        slots.iter().map(UnixTime::as_ns).collect()
    }

    #[test]
    fn spans_that_meet_or_touch_are_one() {
        assert_eq!(
            spans(&[(5, 8), (0, 3), (3, 4), (7, 9), (20, 20)]),
            spans(&[(0, 4), (5, 9)])
        );
        assert_eq!(
            spans(&[(0, 10), (20, 30)]).without(&spans(&[(2, 4), (4, 5), (8, 22)])),
            spans(&[(0, 2), (5, 8), (22, 30)])
        );
    }

    #[test]
    fn a_slot_belongs_to_the_span_in_which_it_begins() {
        let slots = Slots::new(Duration::from_nanos(10), spans(&[(-10, 0), (1, 10), (11, 41)]));
        assert_eq!(starts(&slots), [-10, 20, 30, 40]);
        assert_eq!(slots.count(), 4);
    }

    proptest! {
        #[test]
        fn the_count_is_that_of_the_slots(
            list in proptest::collection::vec((-50_i64..50, -50_i64..50), 0..5),
            period in 1_u64..20, from in -60_i64..60, to in -60_i64..60,
        ) {
            let slots = Slots::new(Duration::from_nanos(period), spans(&list));
            let walked = starts(&slots);
            prop_assert_eq!(slots.count(), walked.len() as u64);
            let within = walked.iter().filter(|start| (from..to).contains(*start)).count();
            prop_assert_eq!(slots.count_in(span(from, to)), within as u64);
            for time in -60..60 {
                prop_assert_eq!(slots.contains(UnixTime::from_ns(time)), walked.contains(&time));
            }
        }
    }
}
