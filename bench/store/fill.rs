//! A store filled through its own interface, as far as one is there: results, hours, days, and the ledger.

use std::sync::Arc;
use std::time::{Duration, Instant};

use collector::config::Config;
use collector::store::Store;
use collector::store::cell::Resolution;
use collector::store::ledger::{CollectorRun, PlanVersion};
use ippm::UnixTime;
use tokio::task::JoinSet;

use crate::mesh::{Mesh, PERIOD};
use crate::settings;
use crate::size::{NOW, Size, end};

/// Slots of which the reports are appended together.
const SLOTS_AT_ONCE: usize = 4;
/// The same without results.
const EMPTY_SLOTS_AT_ONCE: usize = 64;
/// Beats on their way at a time.
const BEATS_AT_ONCE: usize = 1000;

/// Fills `store`; `size_of` says how many bytes it takes.
pub(crate) async fn fill(
    store: &Arc<dyn Store>,
    mesh: &Mesh,
    size: &Size,
    config: &Config,
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
    let beats = beats(store, from).await;
    told.tell("beats", beats, began);

    let began = Instant::now();
    let results = reports(store, mesh, (raw_from, end()), true).await.1;
    told.tell("results", results, began);

    for (what, resolution, from) in [
        ("hours", Resolution::Hour, size.hour_from()),
        ("days", Resolution::Day, size.day_from()),
    ] {
        let (began, mut number) = (Instant::now(), 0);
        for time in every(resolution.length(), from, NOW) {
            let cells = mesh.cells(time, resolution);
            number += cells.len() as u64;
            store
                .put_cells(resolution, &cells)
                .await
                .expect("cells can be put");
        }
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
    for slots in slots.chunks(if with_results {
        SLOTS_AT_ONCE
    } else {
        EMPTY_SLOTS_AT_ONCE
    }) {
        let reports: Vec<_> = slots
            .iter()
            .flat_map(|slot| mesh.reports(*slot, with_results))
            .collect();
        runs += reports.len() as u64;
        results += reports
            .iter()
            .map(|report| report.entries.len() as u64)
            .sum::<u64>();
        store.append(&reports).await.expect("reports can be appended");
    }
    (runs, results)
}

/// One collector beats until the present.
async fn beats(store: &Arc<dyn Store>, from: UnixTime) -> u64 {
    let beats = every(CollectorRun::INTERVAL, from, NOW).map(|time| CollectorRun {
        instance: "bench".to_owned(),
        time,
    });
    let (mut number, mut under_way) = (0, JoinSet::new());
    for beat in beats {
        number += 1;
        let store = Arc::clone(store);
        under_way.spawn(async move { store.put_collector_run(&beat).await });
        while under_way.len() >= BEATS_AT_ONCE {
            done(under_way.join_next().await);
        }
    }
    while let Some(beat) = under_way.join_next().await {
        done(Some(beat));
    }
    number
}

fn done(beat: Option<Result<Result<(), collector::store::StoreError>, tokio::task::JoinError>>) {
    beat.expect("one is under way")
        .expect("it ends")
        .expect("a beat can be put");
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
