//! Whether a collector was there to take a report.

use std::time::Duration;

use crate::UnixTime;

/// The longest time without a beat that is no gap: one of the beats, ten seconds apart, may be lost.
pub const LONGEST_SILENCE: Duration = Duration::from_secs(20);

/// The beats of all instances together: any one of them could have taken the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beats {
    /// Ascending.
    times: Vec<UnixTime>,
}

impl Beats {
    /// Whether some closed interval of [`LONGEST_SILENCE`] inside [`from`, `to`] holds no beat.
    ///
    /// Beats outside of the span do not count: whoever beat before it may be gone since.
    #[must_use]
    pub fn have_gap(&self, from: UnixTime, to: UnixTime) -> bool {
        let first = self.times.partition_point(|beat| *beat < from);
        let behind = self.times.partition_point(|beat| *beat <= to);
        let beats = self.times.get(first..behind).unwrap_or_default();
        let (Some(earliest), Some(latest)) = (beats.first(), beats.last()) else {
            // Not a single beat: an interval that just fits the span is already empty.
            return to.since(from).is_some_and(|span| LONGEST_SILENCE <= span);
        };
        is_too_long(from, *earliest)
            || is_too_long(*latest, to)
            || beats.windows(2).any(|pair| is_too_long(pair[0], pair[1]))
    }
}

impl FromIterator<UnixTime> for Beats {
    /// Collects beats in any order.
    fn from_iter<I: IntoIterator<Item = UnixTime>>(times: I) -> Self {
        let mut times: Vec<UnixTime> = times.into_iter().collect();
        times.sort_unstable();
        Self { times }
    }
}

/// A closed interval fits between two instants that belong to neither it nor the gap only if they lie further
/// apart than it is long.
fn is_too_long(earlier: UnixTime, later: UnixTime) -> bool {
    later
        .since(earlier)
        .is_some_and(|silence| LONGEST_SILENCE < silence)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition itself, second by second.
    fn have_gap_by_definition(beats: &[i64], from: i64, to: i64) -> bool {
        // Half seconds: an open end between two whole seconds counts as well.
        (2 * from..=2 * (to - 20)).any(|start| {
            !beats
                .iter()
                .any(|beat| (start..=start + 40).contains(&(2 * beat)))
        })
    }

    fn at(seconds: i64) -> UnixTime {
        UnixTime::from_ns(seconds * 1_000_000_000)
    }

    proptest! {
        #[test]
        fn a_gap_is_what_its_definition_says(
            beats in proptest::collection::vec(0..100_i64, 0..12), from in 0..40_i64, length in 0..70_i64,
        ) {
            let to = from + length;
            let expected = have_gap_by_definition(&beats, from, to);
            let beats: Beats = beats.into_iter().map(at).collect();
            prop_assert_eq!(beats.have_gap(at(from), at(to)), expected);
        }
    }
}
