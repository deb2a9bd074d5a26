//! The InfluxDB client of the collector beside the crate `influxdb2`, against the same InfluxDB 2.

mod awkward;
mod client;
#[path = "../../collector/tests/support/influxd.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod influxd;
mod load;
#[path = "../store/mesh.rs"]
#[expect(dead_code, reason = "only its hours are written")]
mod mesh;
mod read;
#[path = "../ingest/reports.rs"]
#[expect(dead_code, reason = "its lines are for the raw speed")]
mod reports;
#[path = "../store/round.rs"]
mod round;
#[path = "../store/size.rs"]
#[expect(dead_code, reason = "the store is asked nothing")]
mod size;
#[path = "../engine/usage.rs"]
mod usage;
mod wire;
mod write;

use clap::{Parser, ValueEnum};

use crate::influxd::Influxd;

/// Measures the InfluxDB client of the collector beside the crate influxdb2 0.5.2, against the same InfluxDB 2.
///
/// Starts an InfluxDB 2 of its own in a temporary folder: $INFLUXD, else what scripts/influxd finds.
///
/// Both clients share the processors with InfluxDB: compare the figures of one run.
#[derive(Parser)]
struct Args {
    /// Only these parts
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["write", "read", "awkward"])]
    only: Vec<Part>,
    /// Points of one measurement
    #[arg(long, default_value_t = 10_000)]
    points: usize,
    /// Times that a question is asked in one measurement
    #[arg(long, default_value_t = 5)]
    questions: usize,
    /// Interleaved runs; the median of each figure is printed
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

/// A part of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Points a second, processor time and bytes of a point
    Write,
    /// Rows a second of the same Flux
    Read,
    /// What becomes of values and answers that are out of the ordinary
    Awkward,
}

fn main() {
    let args = Args::parse();
    let Some(influxd) = Influxd::start() else {
        return;
    };
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(async {
            if args.only.contains(&Part::Write) {
                write::run(&args, &influxd).await;
            }
            if args.only.contains(&Part::Read) {
                read::run(&args, &influxd).await;
            }
            if args.only.contains(&Part::Awkward) {
                awkward::run(&influxd).await;
            }
        });
}

/// The middle one.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The smallest and the largest.
fn range(values: &[f64]) -> (f64, f64) {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    (least, most)
}

/// The number in the last line of an answer; no line is none.
fn count(csv: &str) -> usize {
    let last = csv.lines().rfind(|line| !line.trim().is_empty());
    last.and_then(|line| line.trim().rsplit(',').next()?.parse().ok())
        .unwrap_or(0)
}
