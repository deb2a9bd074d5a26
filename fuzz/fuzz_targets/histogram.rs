//! `h1:` texts, and delays that become one: nothing is lost on the way, merging keeps the order of the quantiles.

#![no_main]

use ippm::histogram::Histogram;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = str::from_utf8(bytes)
        && let Ok(histogram) = Histogram::decode(text)
    {
        assert_eq!(histogram.encode(), text);
        check(&histogram, 0, u64::MAX);
    }
    let delays: Vec<u64> = bytes
        .as_chunks()
        .0
        .iter()
        .copied()
        .map(u64::from_le_bytes)
        .collect();
    let (left, right) = delays.split_at(delays.len() / 2);
    let whole = of(&delays);
    let mut merged = of(left);
    merged.merge(&of(right));
    assert_eq!(merged, whole);
    assert_eq!(whole.total(), delays.len() as u64);
    assert_eq!(Histogram::decode(&whole.encode()).unwrap(), whole);
    if let (Some(min), Some(max)) = (delays.iter().min(), delays.iter().max()) {
        assert_eq!(whole.first(), Some(Histogram::bucket_of(*min)));
        assert_eq!(whole.last(), Some(Histogram::bucket_of(*max)));
        check(&whole, *min, *max);
    }
});

fn of(delays: &[u64]) -> Histogram {
    let mut histogram = Histogram::new();
    delays.iter().for_each(|delay| histogram.record(*delay));
    histogram
}

fn check(histogram: &Histogram, min: u64, max: u64) {
    let buckets: Vec<(u16, u64)> = histogram.buckets().collect();
    assert!(buckets.is_sorted_by(|earlier, later| earlier.0 < later.0));
    assert!(
        buckets
            .iter()
            .all(|(index, count)| *index < Histogram::BUCKETS && *count > 0)
    );
    let quantiles = [1, 500, 950, 990, 1000].map(|permille| histogram.quantile(permille, min, max));
    assert!(
        quantiles
            .iter()
            .all(|quantile| quantile.is_none() == buckets.is_empty())
    );
    assert!(quantiles.is_sorted());
    assert!(
        quantiles
            .iter()
            .flatten()
            .all(|quantile| (min..=max).contains(quantile))
    );
}
