//! Quantiles of a sample, by nearest rank: always a delay that was measured, never a value between two of them.

use std::num::NonZeroU64;

/// The quantile that stands for the whole sample: its maximum.
pub const WHOLE: u16 = 1000;

/// The 1-based nearest rank of the quantile `permille` among `count` values: max(1, ⌈count·permille/1000⌉).
///
/// Whole numbers throughout: `count`·0.95 in floating point is not always where it should be. A `permille` above
/// [`WHOLE`] means the maximum.
#[must_use]
pub fn rank(count: NonZeroU64, permille: u16) -> u64 {
    let scaled = u128::from(count.get()) * u128::from(permille.min(WHOLE));
    let rank = scaled.div_ceil(u128::from(WHOLE)).max(1);
    // The rank is at most `count`, so the conversion cannot fail.
    u64::try_from(rank).unwrap_or(count.get())
}

/// The exact quantile of an ascending sample; `None` of an empty one, which has no quantile.
///
/// ```
/// use ippm::quantile::nearest_rank;
/// assert_eq!(nearest_rank(&[1, 2, 3, 4], 500), Some(2));
/// assert_eq!(nearest_rank(&[], 500), None);
/// ```
#[must_use]
pub fn nearest_rank(sorted: &[u64], permille: u16) -> Option<u64> {
    let count = NonZeroU64::new(u64::try_from(sorted.len()).ok()?)?;
    let index = usize::try_from(rank(count, permille) - 1).ok()?;
    sorted.get(index).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_95th_percentile_of_twenty_is_the_nineteenth() {
        let sorted: Vec<u64> = (1..=20).collect();
        assert_eq!(nearest_rank(&sorted, 950), Some(19));
    }

    #[test]
    fn the_largest_possible_count_does_not_overflow() {
        assert_eq!(rank(NonZeroU64::MAX, 1000), u64::MAX);
        assert_eq!(rank(NonZeroU64::MAX, u16::MAX), u64::MAX);
    }

    proptest! {
        #[test]
        fn a_higher_quantile_is_never_a_smaller_value(mut values: Vec<u64>, low in 0..=1000_u16, high in 0..=1000_u16) {
            values.sort_unstable();
            let (low, high) = (low.min(high), low.max(high));
            prop_assert!(nearest_rank(&values, low) <= nearest_rank(&values, high));
        }
    }
}
