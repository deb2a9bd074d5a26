//! Milliseconds of the original IXPQoS, and the whole nanoseconds that we keep.

/// The size from which a float no longer holds every whole number: larger times are refused.
const EXACT_NS: f64 = 9_007_199_254_740_992.0;

/// `ms` milliseconds in whole nanoseconds, half away from zero; `None` at 2^53 ns (104 days) and above, and for NaN.
#[must_use]
pub fn ns_from_ms(ms: f64) -> Option<i64> {
    whole_ns(ms * 1e6)
}

/// `ns` nanoseconds in milliseconds, the unit of the legacy-named fields.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "times above 2^53 ns (104 days) are rounded to nearest even"
)]
pub fn ms_from_ns(ns: i64) -> f64 {
    ns as f64 / 1e6
}

/// A time in nanoseconds rounded to whole ones, half away from zero; `None` at 2^53 ns and above, and for NaN.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53 fits")]
pub fn whole_ns(ns: f64) -> Option<i64> {
    let rounded = libm::round(ns);
    (rounded.abs() < EXACT_NS).then_some(rounded as i64)
}
