//! The boundary table recomputed, and the laws that every histogram obeys.

use std::cmp::Ordering;

use proptest::collection::vec;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;

/// An unsigned integer of any size, lowest limb first, without zero limbs at the top.
#[derive(Clone, PartialEq, Eq)]
struct Big(Vec<u64>);

impl Big {
    fn times(&self, factor: u64) -> Self {
        let mut carry = 0_u128;
        let mut limbs = Vec::new();
        for limb in &self.0 {
            let product = u128::from(*limb) * u128::from(factor) + carry;
            limbs.push(u64::try_from(product & u128::from(u64::MAX)).unwrap());
            carry = product >> 64;
        }
        if carry != 0 {
            limbs.push(u64::try_from(carry).unwrap());
        }
        Self(limbs)
    }

    fn plus(&self, other: &Self) -> Self {
        let mut carry = 0_u128;
        let mut limbs = Vec::new();
        for at in 0..self.0.len().max(other.0.len()) {
            let limb = |big: &Self| u128::from(big.0.get(at).copied().unwrap_or(0));
            let sum = limb(self) + limb(other) + carry;
            limbs.push(u64::try_from(sum & u128::from(u64::MAX)).unwrap());
            carry = sum >> 64;
        }
        if carry != 0 {
            limbs.push(u64::try_from(carry).unwrap());
        }
        Self(limbs)
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.0
            .len()
            .cmp(&other.0.len())
            .then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

/// 1000·1.02^i rounded half up is the quotient of 2000·102^i + 100^i and 2·100^i, rounded down.
#[test]
fn every_boundary_is_the_power_that_it_stands_for() {
    let (mut power_102, mut power_100) = (Big(vec![1]), Big(vec![1]));
    for (index, boundary) in BOUNDARIES.iter().enumerate() {
        let dividend = power_102.times(2000).plus(&power_100);
        let divisor = power_100.times(2);
        let (below, above) = (divisor.times(*boundary), divisor.times(*boundary + 1));
        assert_ne!(
            below.compare(&dividend),
            Ordering::Greater,
            "boundary {index} is too large"
        );
        assert_eq!(
            dividend.compare(&above),
            Ordering::Less,
            "boundary {index} is too small"
        );
        (power_102, power_100) = (power_102.times(102), power_100.times(100));
    }
}

#[test]
fn the_committed_table_is_the_published_one() {
    let text = BOUNDARIES.map(|boundary| boundary.to_string()).join("\n");
    let digest = Sha256::digest(text.as_bytes());
    assert_eq!(
        digest
            .iter()
            .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")),
        "8e93bf3e08841924c9c10d00ade9e66af3125338df80e21736ade622445df849"
    );
}

#[test]
fn the_open_ended_buckets_answer_with_the_samples_own_ends() {
    let histogram = recorded(&[10, 900, 70_000_000_000]);
    assert_eq!(histogram.quantile(500, 10, 70_000_000_000), Some(10));
    assert_eq!(histogram.quantile(1000, 10, 70_000_000_000), Some(70_000_000_000));
}

#[test]
fn counts_that_exceed_the_number_range_are_refused() {
    let mut histogram = Histogram {
        buckets: vec![(1, u64::MAX)],
    };
    histogram.merge(&Histogram {
        buckets: vec![(2, 1)],
    });
    assert_eq!(histogram.total(), u64::MAX);
    assert_eq!(Histogram::decode(&histogram.encode()), Err(HistogramError::Total));
}

fn recorded(delays: &[u64]) -> Histogram {
    let mut histogram = Histogram::new();
    for delay in delays {
        histogram.record(*delay);
    }
    histogram
}

fn merged(left: &Histogram, right: &Histogram) -> Histogram {
    let mut sum = left.clone();
    sum.merge(right);
    sum
}

/// Any histogram whatsoever, the largest counts included.
fn histograms() -> impl Strategy<Value = Histogram> {
    proptest::collection::btree_map(0..Histogram::BUCKETS, 1..=u64::MAX, 0..20).prop_map(|buckets| {
        Histogram {
            buckets: buckets.into_iter().collect(),
        }
    })
}

/// Delays between nothing and the overflow bucket, spread over the orders of magnitude.
fn delays() -> impl Strategy<Value = Vec<u64>> {
    vec(
        (0..64_u32, any::<u64>()).prop_map(|(shift, delay)| delay >> shift),
        1..100,
    )
}

proptest! {
    #[test]
    fn merging_does_not_depend_on_the_order(a in histograms(), b in histograms(), c in histograms()) {
        prop_assert_eq!(merged(&a, &b), merged(&b, &a));
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
        prop_assert_eq!(merged(&a, &Histogram::new()), a);
    }

    #[test]
    fn merging_parts_equals_recording_the_whole(left in delays(), right in delays()) {
        let whole: Vec<u64> = left.iter().chain(&right).copied().collect();
        prop_assert_eq!(merged(&recorded(&left), &recorded(&right)), recorded(&whole));
    }

    #[test]
    fn what_was_encoded_is_decoded(delays in delays()) {
        let histogram = recorded(&delays);
        let bytes = histogram.to_bytes();
        prop_assert_eq!(Histogram::from_bytes(&bytes), Ok(histogram.clone()));
        prop_assert_eq!(Histogram::decode(&histogram.encode()), Ok(histogram));
    }

    #[test]
    fn no_text_makes_the_decoder_panic(text: String, tail in "[A-Za-z0-9+/]{0,40}") {
        let _ = Histogram::decode(&text);
        let coded = format!("{PREFIX}{tail}");
        if let Ok(histogram) = Histogram::decode(&coded) {
            prop_assert_eq!(histogram.encode(), coded);
        }
    }

    #[test]
    fn a_quantile_is_within_the_promised_error(mut delays in delays(), permille in 0..=1000_u16) {
        delays.sort_unstable();
        let (min, max) = (delays[0], delays[delays.len() - 1]);
        let exact = quantile::nearest_rank(&delays, permille).unwrap();
        let read = recorded(&delays).quantile(permille, min, max).unwrap();
        prop_assert!((min..=max).contains(&read));
        if (BOUNDARIES[0] + 1..=BOUNDARIES[905]).contains(&exact) {
            prop_assert!(u128::from(read.abs_diff(exact)) * 10_000 <= u128::from(exact) * 105, "{read} for {exact}");
        }
    }

    #[test]
    fn a_higher_quantile_is_never_smaller(delays in delays(), low in 0..=1000_u16, high in 0..=1000_u16) {
        let (min, max) = (*delays.iter().min().unwrap(), *delays.iter().max().unwrap());
        let histogram = recorded(&delays);
        let (low, high) = (low.min(high), low.max(high));
        prop_assert!(histogram.quantile(low, min, max) <= histogram.quantile(high, min, max));
    }
}
