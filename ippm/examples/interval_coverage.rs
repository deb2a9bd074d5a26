//! Prints how often the intervals of docs/metrics.md hold the truth: `cargo run --release -p ippm --example
//! interval_coverage`. The seed is fixed, so the figures are the same everywhere.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a program that prints a table"
)]

#[path = "../tests/support/gilbert.rs"]
mod gilbert;

use gilbert::{Model, coverage};

const TIMES: u32 = 4000;
const SEED: u64 = 6;

fn main() {
    println!("loss of packets: a week of 2016 rounds of 280 packets, 0.05 % lost, {TIMES} weeks");
    for burst in [1.0, 5.0, 30.0, 120.0] {
        print(Model {
            clusters: 2016,
            trials: 280,
            ratio: 0.0005,
            burst,
        });
    }
    println!("unavailable slices: a month of 744 hours of 336 slices, 0.1 % unavailable, {TIMES} months");
    for burst in [12.0, 60.0, 360.0] {
        print(Model {
            clusters: 744,
            trials: 336,
            ratio: 0.001,
            burst,
        });
    }
}

fn print(model: Model) {
    let found = coverage(model, TIMES, SEED);
    println!(
        "mean burst {:>4}: plain {:>5.1} %, clustered {:>5.1} %, few events in {:>5.1} %",
        model.burst,
        100.0 * found.plain,
        100.0 * found.clustered,
        100.0 * found.few_events,
    );
}
