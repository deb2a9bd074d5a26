//! Posts of the original `xprobe.py`: what is accepted fits both stores, and no name comes twice.

#![no_main]

use std::collections::HashSet;

use ippm::wire::legacy::post::{MAX_ITEMS, ReceivedPost};
use libfuzzer_sys::fuzz_target;

/// Whole nanoseconds that a float holds exactly.
const EXACT_NS: u64 = 1 << 53;

fuzz_target!(|body: &[u8]| {
    let Ok(post) = ReceivedPost::parse(body) else {
        return;
    };
    assert!(post.items.len() <= MAX_ITEMS);
    assert!(post.source.is_none_or(|source| !source.is_empty()));
    let mut keys = HashSet::new();
    for item in post.items.iter().flatten() {
        assert!(keys.insert((&item.target, item.family)));
        let Some(values) = &item.values else { continue };
        assert!((0.0..=1.0).contains(&values.loss));
        let delays = [values.min_ns, values.max_ns, values.avg_ns, values.stddev_ns];
        assert!(
            delays
                .into_iter()
                .flatten()
                .all(|ns| ns.unsigned_abs() < EXACT_NS)
        );
        if let (Some(min), Some(max)) = (values.min_ns, values.max_ns) {
            assert!(min <= max);
        }
    }
});
