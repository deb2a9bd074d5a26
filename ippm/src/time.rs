//! A point on the wall clock, used to label rounds and slots.

use std::time::Duration;

/// A wall-clock time: nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// It labels a round and decides its slot; no delay is ever computed from two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(i64);

impl UnixTime {
    /// The time that lies `ns` nanoseconds after the epoch (before it, if negative).
    #[must_use]
    pub const fn from_ns(ns: i64) -> Self {
        Self(ns)
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn as_ns(self) -> i64 {
        self.0
    }

    /// The latest multiple of `step` since the epoch that is not after this time.
    ///
    /// With the plan's period as `step` it is the start of the slot; with ten seconds, of the slice.
    /// A step of zero, or above 292 years, leaves the time as it is.
    #[must_use]
    pub fn floor(self, step: Duration) -> Self {
        match i64::try_from(step.as_nanos()) {
            Ok(step) if step > 0 => Self(self.0.saturating_sub(self.0.rem_euclid(step))),
            _ => self,
        }
    }

    /// This time plus `duration`, at most the last time that can be expressed (year 2262).
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)),
        )
    }

    /// This time minus `duration`, at least the first time that can be expressed (year 1677).
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)),
        )
    }

    /// How long after `earlier` this time is; `None` if it is before it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Option<Duration> {
        let ns = i128::from(self.0) - i128::from(earlier.0);
        u64::try_from(ns).ok().map(Duration::from_nanos)
    }

    /// Signed nanoseconds from `other` to this time, saturating.
    #[must_use]
    pub fn ns_after(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_begins_at_the_multiple_of_its_period_also_before_the_epoch() {
        let step = Duration::from_nanos(300);
        for (ns, floor) in [(0, 0), (299, 0), (300, 300), (-1, -300), (-300, -300)] {
            assert_eq!(
                UnixTime::from_ns(ns).floor(step),
                UnixTime::from_ns(floor),
                "{ns}"
            );
        }
    }

    #[test]
    fn times_in_the_wrong_order_have_no_duration_between_them() {
        let (a, b) = (UnixTime::from_ns(5), UnixTime::from_ns(7));
        assert_eq!(b.since(a), Some(Duration::from_nanos(2)));
        assert_eq!(a.since(b), None);
        assert_eq!(
            UnixTime::from_ns(i64::MAX).since(UnixTime::from_ns(i64::MIN)),
            Some(Duration::from_nanos(u64::MAX))
        );
    }
}
