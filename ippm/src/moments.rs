//! Mean and spread of delays, from sums that merge.

use crate::interval::as_f64;

/// Count, sum and squared deviations of the delays of some packets: all that mean and spread need.
///
/// Invariant of whoever makes one: `count` is at least 1; what has no delay has no moments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// Packets with a delay.
    pub count: u64,
    /// Sum of the delays, nanoseconds.
    pub sum_ns: u64,
    /// Sum of squared deviations from the mean, ns²: the population variance times `count`.
    pub m2_ns2: f64,
}

impl Moments {
    /// The mean in whole nanoseconds, rounded half up.
    #[must_use]
    pub fn mean_ns(&self) -> u64 {
        let (sum, count) = (u128::from(self.sum_ns), u128::from(self.count.max(1)));
        u64::try_from((2 * sum + count) / (2 * count)).unwrap_or(u64::MAX)
    }

    /// Population standard deviation of the delays (`rtt_stddev`), nanoseconds, not rounded.
    #[must_use]
    pub fn stddev_ns(&self) -> f64 {
        libm::sqrt(self.m2_ns2 / as_f64(self.count.max(1)))
    }

    /// Adds the delays of `other`, by the pairwise form of Chan, Golub and `LeVeque` (1983).
    ///
    /// Floating point makes the last digits depend on the order: merge in ascending time, and equal parts give equal
    /// bytes. Sums stay at `u64::MAX` rather than wrap.
    pub fn merge(&mut self, other: &Self) {
        let (ours, theirs) = (as_f64(self.count), as_f64(other.count));
        let count = self.count.saturating_add(other.count);
        let distance = as_f64(other.sum_ns) / theirs - as_f64(self.sum_ns) / ours;
        let weight = ours * theirs / as_f64(count);
        *self = Self {
            count,
            sum_ns: self.sum_ns.saturating_add(other.sum_ns),
            m2_ns2: (self.m2_ns2 + other.m2_ns2) + (distance * distance) * weight,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(delays: &[u64]) -> Moments {
        let mean = as_f64(delays.iter().sum()) / as_f64(delays.len() as u64);
        let squares = delays.iter().map(|delay| (as_f64(*delay) - mean).powi(2));
        Moments {
            count: delays.len() as u64,
            sum_ns: delays.iter().sum(),
            m2_ns2: squares.sum(),
        }
    }

    #[test]
    fn one_to_four_milliseconds_have_the_spread_of_the_worked_example() {
        let moments = of(&[1_000_000, 2_000_000, 3_000_000, 4_000_000]);
        assert_eq!(moments.mean_ns(), 2_500_000);
        assert!((moments.stddev_ns() - 1_118_033.988_749_895).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn two_parts_have_the_moments_of_the_whole(
            first in proptest::collection::vec(0..60_000_000_000_u64, 1..30),
            second in proptest::collection::vec(0..60_000_000_000_u64, 1..30),
        ) {
            let mut merged = of(&first);
            merged.merge(&of(&second));
            let whole = of(&[first, second].concat());
            prop_assert_eq!((merged.count, merged.sum_ns), (whole.count, whole.sum_ns));
            prop_assert!((merged.m2_ns2 - whole.m2_ns2).abs() <= whole.m2_ns2.max(1.0) * 1e-9);
        }
    }
}
