//! A store filled through its own interface, as far as one is there: results, hours, days, and the ledger.

use std::sync::Arc;
use std::time::{Duration, Instant};

use collector::config::Config;
use collector::store::cell::Resolution;
use collector::store::influx::line;
use collector::store::ledger::{CollectorRun, PlanVersion};
use collector::store::point::Point;
use collector::store::{Store, StoreError};
use ippm::UnixTime;
use tokio::task::JoinSet;

use crate::influxd::{BUCKET, ORG, TOKEN};
use crate::mesh::{Mesh, PERIOD};
use crate::settings;
use crate::size::{NOW, Size, end};

/// Slots of which the reports are appended together.
const SLOTS_AT_ONCE: usize = 4;
/// The same without results.
const EMPTY_SLOTS_AT_ONCE: usize = 64;
/// Appends, and writes of cells, on their way at a time.
const APPENDS_AT_ONCE: usize = 4;
/// Beats on their way at a time.
const BEATS_AT_ONCE: usize = 1000;
/// Lines of one write.
const LINES_AT_ONCE: usize = 20_000;

/// Fills `store`; `size_of` says how many bytes it takes.
pub(crate) async fn fill(
    store: &Arc<dyn Store>,
    mesh: &Mesh,
    size: &Size,
    config: &Config,
    influx: Option<&Lines>,
    size_of: &dyn Fn() -> u64,
) {
    println!(
        "{:<24} {:>9} {:>11} {:>13} {:>10}",
        "filled with", "", "a second", "of disk", "each"
    );
    let mut told = Told {
        size_of,
        before: size_of(),
    };
    let began = Instant::now();
    let (from, raw_from) = (size.day_from(), size.raw_from());
    let plans = plan_versions(config, from);
    store.put_plan_versions(&plans).await.expect("plans can be put");
    let runs = reports(store, mesh, (from, raw_from), false).await.0;
    told.tell("rounds without results", runs, began);

    let began = Instant::now();
    let beats = beats(store, influx, from).await;
    told.tell("beats", beats, began);

    let began = Instant::now();
    let results = reports(store, mesh, (raw_from, end()), true).await.1;
    told.tell("results", results, began);

    for (what, resolution, from) in [
        ("hours", Resolution::Hour, size.hour_from()),
        ("days", Resolution::Day, size.day_from()),
    ] {
        let began = Instant::now();
        let number = cells(store, mesh, resolution, from).await;
        told.tell(what, number, began);
    }
}

/// The plan of every probe, in force since `time`.
fn plan_versions(config: &Config, time: UnixTime) -> Vec<PlanVersion> {
    let plans = settings::plans(config);
    let versions = plans.iter().map(|(probe, plan)| PlanVersion {
        probe: probe.clone(),
        time,
        version: plan.version(),
        record: plan.record(),
    });
    versions.collect()
}

/// How many rounds, and results.
async fn reports(
    store: &Arc<dyn Store>,
    mesh: &Mesh,
    (from, to): (UnixTime, UnixTime),
    with_results: bool,
) -> (u64, u64) {
    let slots: Vec<UnixTime> = every(PERIOD, from, to).collect();
    let (mut runs, mut results) = (0, 0);
    let mut crew = Crew::of(APPENDS_AT_ONCE);
    let at_once = if with_results {
        SLOTS_AT_ONCE
    } else {
        EMPTY_SLOTS_AT_ONCE
    };
    for slots in slots.chunks(at_once) {
        let reports = slots.iter().flat_map(|slot| mesh.reports(*slot, with_results));
        let reports: Vec<_> = reports.collect();
        runs += reports.len() as u64;
        results += reports
            .iter()
            .map(|report| report.entries.len() as u64)
            .sum::<u64>();
        let store = Arc::clone(store);
        crew.send(async move { store.append(&reports).await.map(drop) })
            .await;
    }
    crew.end().await;
    (runs, results)
}

/// How many cells.
async fn cells(store: &Arc<dyn Store>, mesh: &Mesh, resolution: Resolution, from: UnixTime) -> u64 {
    let (mut number, mut crew) = (0, Crew::of(APPENDS_AT_ONCE));
    for time in every(resolution.length(), from, NOW) {
        let cells = mesh.cells(time, resolution);
        number += cells.len() as u64;
        let store = Arc::clone(store);
        crew.send(async move { store.put_cells(resolution, &cells).await })
            .await;
    }
    crew.end().await;
    number
}

/// One collector beats until the present.
async fn beats(store: &Arc<dyn Store>, influx: Option<&Lines>, from: UnixTime) -> u64 {
    let beats = every(CollectorRun::INTERVAL, from, NOW).map(|time| CollectorRun {
        instance: "bench".to_owned(),
        time,
    });
    let beats: Vec<CollectorRun> = beats.collect();
    let number = beats.len() as u64;
    let Some(lines) = influx else {
        let mut crew = Crew::of(BEATS_AT_ONCE);
        for beat in beats {
            let store = Arc::clone(store);
            crew.send(async move { store.put_collector_run(&beat).await })
                .await;
        }
        crew.end().await;
        return number;
    };
    for beats in beats.chunks(LINES_AT_ONCE) {
        lines.write(beats.iter().map(Point::from)).await;
    }
    number
}

/// Writes that are under way, a bounded number.
struct Crew {
    under_way: JoinSet<Result<(), StoreError>>,
    most: usize,
}

impl Crew {
    fn of(most: usize) -> Self {
        Self {
            under_way: JoinSet::new(),
            most,
        }
    }

    async fn send(&mut self, write: impl Future<Output = Result<(), StoreError>> + Send + 'static) {
        self.under_way.spawn(write);
        if self.under_way.len() >= self.most {
            self.one().await;
        }
    }

    async fn end(mut self) {
        while !self.under_way.is_empty() {
            self.one().await;
        }
    }

    async fn one(&mut self) {
        if let Some(written) = self.under_way.join_next().await {
            written.expect("it ends").expect("the store takes it");
        }
    }
}

/// Lines straight into the ledger of InfluxDB: the store has no way for many beats at once, because a collector has
/// one at a time.
pub(crate) struct Lines {
    /// The base URL.
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
}

impl Lines {
    async fn write(&self, points: impl Iterator<Item = Point>) {
        let mut text = String::new();
        for point in points {
            line::push(&mut text, &point).expect("a point that can be written");
        }
        let path = format!("/api/v2/write?org={ORG}&bucket={BUCKET}_ledger&precision=ns");
        let request = self.client.post(format!("{}{path}", self.url)).body(text);
        let request = request.header("Authorization", format!("Token {TOKEN}"));
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
    }
}

fn every(length: Duration, from: UnixTime, to: UnixTime) -> impl Iterator<Item = UnixTime> {
    std::iter::successors(Some(from), move |time| Some(time.saturating_add(length)))
        .take_while(move |time| *time < to)
}

/// Says how fast something was filled, and what it takes.
struct Told<'a> {
    size_of: &'a dyn Fn() -> u64,
    before: u64,
}

impl Told<'_> {
    fn tell(&mut self, what: &str, number: u64, began: Instant) {
        let size = (self.size_of)();
        let grown = size.saturating_sub(self.before);
        self.before = size;
        println!(
            "{what:<24} {number:>9} {:>9.0}/s {:>10.1} MB {:>8} B",
            number as f64 / began.elapsed().as_secs_f64(),
            grown as f64 / 1e6,
            grown / number.max(1),
        );
    }
}
