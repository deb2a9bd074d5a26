#![cfg(test)]
//! The share of times in which an interval holds the truth is the one that `docs/metrics.md` states.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "random numbers"
)]

#[path = "support/gilbert.rs"]
mod gilbert;

use gilbert::{Model, coverage};

/// Three standard deviations of a share of 95 % or less over 500 times are at most 6.7 percentage points.
const TOLERANCE: f64 = 0.067;

#[track_caller]
fn check(clusters: u64, trials: u64, ratio: f64, burst: f64, stated: [f64; 3]) {
    let model = Model {
        clusters,
        trials,
        ratio,
        burst,
    };
    let found = coverage(model, 500, 1);
    for (found, stated) in [found.plain, found.clustered, found.few_events]
        .into_iter()
        .zip(stated)
    {
        assert!(
            (found - stated).abs() < TOLERANCE,
            "{model:?}: {found} for {stated}"
        );
    }
}

#[test]
fn clustered_intervals_of_loss_hold_what_the_documentation_says() {
    check(2016, 280, 0.0005, 1.0, [0.953, 0.954, 0.0]);
    check(2016, 280, 0.0005, 5.0, [0.494, 0.938, 0.0]);
    check(2016, 280, 0.0005, 30.0, [0.195, 0.902, 1.0]);
    check(2016, 280, 0.0005, 120.0, [0.096, 0.718, 1.0]);
}

#[test]
fn clustered_intervals_of_availability_hold_what_the_documentation_says() {
    check(744, 336, 0.001, 12.0, [0.309, 0.925, 0.95]);
    check(744, 336, 0.001, 60.0, [0.136, 0.837, 1.0]);
    check(744, 336, 0.001, 360.0, [0.035, 0.334, 1.0]);
}
