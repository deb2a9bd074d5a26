//! Times that a pair shares with announced work, or with our own load.

use ippm::UnixTime;

/// Spans of time that touch one pair.
///
/// Invariant: not empty, ascending, and apart from one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    spans: Vec<(UnixTime, UnixTime)>,
}

/// How much of a time an overlay covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cover {
    /// Nothing.
    None,
    /// All of it.
    Whole,
    /// A part: an edge lies inside, and what belongs where is only known from single rounds.
    Cut,
}

impl Overlay {
    /// Touches nothing.
    pub const NONE: Self = Self { spans: Vec::new() };

    /// Whether it touches nothing.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.spans.is_empty()
    }

    /// The spans, ascending.
    #[must_use]
    pub fn spans(&self) -> &[(UnixTime, UnixTime)] {
        &self.spans
    }

    /// Whether it meets `[from, to)`. A round is touched if its slot is.
    #[must_use]
    pub fn meets(&self, from: UnixTime, to: UnixTime) -> bool {
        let first = self.spans.partition_point(|(_, end)| *end <= from);
        self.spans.get(first).is_some_and(|(begin, _)| *begin < to)
    }

    /// How much of `[from, to)` it covers.
    #[must_use]
    pub fn cover(&self, from: UnixTime, to: UnixTime) -> Cover {
        let first = self.spans.partition_point(|(_, end)| *end <= from);
        match self.spans.get(first) {
            Some((begin, end)) if *begin <= from && to <= *end => Cover::Whole,
            Some((begin, _)) if *begin < to => Cover::Cut,
            _ => Cover::None,
        }
    }
}

impl FromIterator<(UnixTime, UnixTime)> for Overlay {
    /// Joins spans that meet; empty ones are left out.
    fn from_iter<I: IntoIterator<Item = (UnixTime, UnixTime)>>(spans: I) -> Self {
        let mut sorted: Vec<_> = spans.into_iter().filter(|(from, to)| from < to).collect();
        sorted.sort_unstable();
        let mut joined: Vec<(UnixTime, UnixTime)> = Vec::with_capacity(sorted.len());
        for (from, to) in sorted {
            match joined.last_mut() {
                Some((_, end)) if from <= *end => *end = (*end).max(to),
                _ => joined.push((from, to)),
            }
        }
        Self { spans: joined }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixTime {
        UnixTime::from_ns(seconds * 1_000_000_000)
    }

    fn overlay(spans: &[(i64, i64)]) -> Overlay {
        spans.iter().map(|(from, to)| (at(*from), at(*to))).collect()
    }

    #[test]
    fn an_hour_is_touched_wholly_partly_or_not_at_all() {
        let overlay = overlay(&[(3600, 7200), (7200, 9000)]);
        for (from, cover) in [
            (0, Cover::None),
            (3600, Cover::Whole),
            (7200, Cover::Cut),
            (10800, Cover::None),
        ] {
            assert_eq!(overlay.cover(at(from), at(from + 3600)), cover, "{from}");
        }
        assert!(!overlay.meets(at(9000), at(9300)));
        assert!(overlay.meets(at(8999), at(9300)));
    }

    #[test]
    fn empty_and_reversed_spans_touch_nothing() {
        assert!(overlay(&[(5, 5), (7, 6)]).is_none());
    }
}
