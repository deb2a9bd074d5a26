//! How many results a second a real collector takes, and how long a probe waits for its answer; beside it
//! what the same InfluxDB takes of the same lines without a collector in front, or what is left of it while
//! somebody loads pages.

mod client;
mod collector;
#[path = "../../collector/tests/support/influxd.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod influxd;
mod pages;
mod reports;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use clap::Parser;
use ippm::UnixTime;

use crate::client::{Figures, Pace, Request};
use crate::collector::Collector;
use crate::influxd::Influxd;

/// Results of a report: a small and a large exchange; also lines of one raw write.
const SIZES: [usize; 2] = [1000, 50];
const BUCKET: &str = "bench";
const RAW_BUCKET: &str = "raw";

/// Measures how many results a second a collector takes from probes, and how long they wait for its answer.
///
/// Load generator, collector and InfluxDB share the processors of this machine: compare the figures of one run.
/// InfluxDB is $INFLUXD, else what scripts/influxd finds; without one only the embedded store is measured.
#[derive(Parser)]
struct Args {
    /// The collector's release program
    #[arg(long, default_value = "../target/release/collector")]
    collector: PathBuf,
    /// Results of one measurement
    #[arg(long, default_value_t = 80_000)]
    results: usize,
    /// Interleaved runs; the median of each figure is printed
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Connections at once, each of a probe of its own
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Only this: embedded or influx
    #[arg(long, value_parser = ["embedded", "influx"])]
    only: Option<String>,
    /// Measures instead what is left while a reader loads pages of a mesh: posts as fast as they are acknowledged
    /// and at two fixed rates, each without a reader, with one page a second, and with pages in a loop
    #[arg(long)]
    with_pages: bool,
    /// With pages: only posts as fast as they are acknowledged, as when these shall be many or long
    #[arg(long, requires = "with_pages")]
    flat: bool,
    /// With pages: probes of the mesh, whose last day is in the store
    #[arg(long, default_value_t = 30)]
    probes: usize,
    /// With pages: seconds of a measurement at a fixed rate
    #[arg(long, default_value_t = 10)]
    seconds: usize,
}

/// One row of the table, with the figures of every run.
struct Row {
    name: &'static str,
    size: usize,
    runs: Vec<Figures>,
}

fn main() {
    let args = Args::parse();
    let program = std::path::absolute(&args.collector).expect("a path");
    let start = |store: &str| {
        if args.with_pages {
            Collector::start_with_history(&program, store, args.probes)
        } else {
            Collector::start(&program, store, SIZES[0], args.connections)
        }
    };
    let wanted = |store: &str| args.only.as_ref().is_none_or(|only| only == store);
    let embedded = || wanted("embedded").then(|| start("[store]\nbackend = \"embedded\""));
    let influx = || {
        let server = wanted("influx").then(Influxd::start).flatten()?;
        // The raw bucket is made in the same way, so that both have the same retention and shards.
        let [_, store] = [RAW_BUCKET, BUCKET].map(|bucket| set_up(&program, &server, bucket));
        let collector = start(&store);
        Some(Influx { server, collector })
    };
    if args.with_pages {
        // One after the other, so that none computes hours while the other one is measured.
        let mut table = pages::Table::default();
        if let Some(collector) = embedded() {
            table.measure(&args, "embedded", &collector);
            tell("embedded", &collector);
        }
        if let Some(influx) = influx() {
            table.measure(&args, "InfluxDB", &influx.collector);
            tell("InfluxDB", &influx.collector);
        }
        table.print(&args);
    } else {
        let (influx, embedded) = (influx(), embedded());
        ingest(&args, embedded.as_ref(), influx.as_ref());
        if let Some(collector) = &embedded {
            tell("embedded", collector);
        }
        if let Some(influx) = &influx {
            tell("InfluxDB", &influx.collector);
        }
    }
}

/// What a collector used, and on the error output what it complained about.
fn tell(name: &str, collector: &Collector) {
    let (processor, peak) = collector.usage();
    println!(
        "collector, {name}: {:.1} s of processor time, {} MiB at most",
        processor.as_secs_f64(),
        peak / 1024
    );
    let log = collector.log();
    log.lines()
        .filter(|line| !line.contains(" INFO "))
        .for_each(|line| eprintln!("{line}"));
}

fn ingest(args: &Args, embedded: Option<&Collector>, influx: Option<&Influx>) {
    let mut rows: Vec<Row> = Vec::new();
    for run in 0..args.runs {
        for (part, size) in SIZES.into_iter().enumerate() {
            // Every measurement has rounds of its own, so that none writes what another one wrote.
            let load = Load::new(args, size, run * SIZES.len() + part);
            let mut measured = Vec::new();
            if let Some(collector) = embedded {
                measured.push((
                    "embedded",
                    client::send(collector.address, &load.posts(&collector.keys), Pace::Flat),
                ));
            }
            if let Some(influx) = influx {
                let collector = &influx.collector;
                measured.push((
                    "InfluxDB",
                    client::send(collector.address, &load.posts(&collector.keys), Pace::Flat),
                ));
                measured.push((
                    "InfluxDB alone",
                    client::send(influx.server.address(), &load.writes(), Pace::Flat),
                ));
            }
            for (name, figures) in measured {
                eprintln!(
                    "run {run}: {name}, {size}: {:.0}/s, p99 {:.1?}",
                    figures.rate, figures.p99
                );
                match rows.iter_mut().find(|row| (row.name, row.size) == (name, size)) {
                    Some(row) => row.runs.push(figures),
                    None => rows.push(Row {
                        name,
                        size,
                        runs: vec![figures],
                    }),
                }
            }
        }
    }
    print(args, rows);
}

/// An InfluxDB with a bucket for the raw lines, and a collector in front of another one.
struct Influx {
    server: Influxd,
    collector: Collector,
}

/// Makes `bucket` and those that belong to it; the configuration of a store there.
fn set_up(program: &Path, server: &Influxd, bucket: &str) -> String {
    let store = format!(
        "[store]\nbackend = \"influx\"\n[store.influx]\nurl = \"{}\"\norg = \"{}\"\nbucket = \"{bucket}\"\ntoken = \"{}\"\n",
        server.url(),
        Influxd::ORG,
        Influxd::TOKEN
    );
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("collector.toml");
    std::fs::write(&config, &store).expect("the configuration");
    let output = Command::new(program)
        .arg("--config")
        .arg(&config)
        .arg("setup")
        .output()
        .expect("setup");
    assert!(
        output.status.success(),
        "setup: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    store
}

/// The reports of one measurement, for each source those of consecutive rounds.
struct Load {
    reports: Vec<Vec<(UnixTime, Vec<u8>)>>,
    size: usize,
}

impl Load {
    fn new(args: &Args, size: usize, part: usize) -> Self {
        let rounds = (args.results / size / args.connections).max(1);
        let first = now()
            .floor(reports::PERIOD)
            .saturating_sub(Duration::from_hours(24 * 4) * u32::try_from(part + 1).expect("few parts"));
        let report = |source: usize, round: usize| {
            let start = first
                .saturating_add(reports::PERIOD * u32::try_from(round).expect("few rounds"))
                .saturating_add(Duration::from_millis(17 * (1 + source as u64)));
            (start, reports::body(source, start, size))
        };
        let reports = (0..args.connections)
            .map(|source| (0..rounds).map(|round| report(source, round)).collect())
            .collect();
        Self { reports, size }
    }

    /// As a probe posts them.
    fn posts(&self, keys: &[String]) -> Vec<Vec<Request>> {
        let post = |key: &str, body: &[u8]| {
            let headers = [("X-API-Key", key), ("Content-Type", "application/json")];
            Request::post("/api/v2/reports", &headers, body, self.size)
        };
        self.reports
            .iter()
            .zip(keys)
            .map(|(reports, key)| reports.iter().map(|(_, body)| post(key, body)).collect())
            .collect()
    }

    /// The same results as lines, `size` in each write; the line of the round is left out.
    fn writes(&self) -> Vec<Vec<Request>> {
        let path = format!(
            "/api/v2/write?org={}&bucket={RAW_BUCKET}&precision=ns",
            Influxd::ORG
        );
        let token = format!("Token {}", Influxd::TOKEN);
        let write = |source: usize, start: UnixTime, body: &[u8]| {
            let mut lines = reports::lines(body, source, start);
            lines.truncate(self.size);
            let headers = [
                ("Authorization", token.as_str()),
                ("Content-Type", "text/plain; charset=utf-8"),
            ];
            Request::post(&path, &headers, lines.concat().as_bytes(), self.size)
        };
        self.reports
            .iter()
            .enumerate()
            .map(|(source, reports)| {
                reports
                    .iter()
                    .map(|(start, body)| write(source, *start, body))
                    .collect()
            })
            .collect()
    }
}

fn now() -> UnixTime {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("a clock");
    UnixTime::from_ns(i64::try_from(now.as_nanos()).expect("before 2262"))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn print(args: &Args, rows: Vec<Row>) {
    println!(
        "{} connections, {} results a measurement, median of {} interleaved runs (lowest to highest rate)\n",
        args.connections, args.results, args.runs
    );
    println!("| store | results a request | results/s | p50 | p99 |\n|---|---|---|---|---|");
    for Row { name, size, mut runs } in rows {
        let ms = |of: fn(&Figures) -> Duration, runs: &[Figures]| {
            median(
                runs.iter()
                    .map(|figures| of(figures).as_secs_f64() * 1e3)
                    .collect(),
            )
        };
        let (p50, p99) = (ms(|f| f.p50, &runs), ms(|f| f.p99, &runs));
        runs.sort_by(|a, b| a.rate.total_cmp(&b.rate));
        let rate = |at: usize| runs[at].rate;
        println!(
            "| {name} | {size} | {:.0} ({:.0} to {:.0}) | {p50:.1} ms | {p99:.1} ms |",
            rate(runs.len() / 2),
            rate(0),
            rate(runs.len() - 1)
        );
    }
}
