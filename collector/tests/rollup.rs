//! Hours and days: whoever computes them, however often, and wherever he was stopped, they are what their results say.

#![cfg(test)]

mod support {
    pub(crate) mod cells;
    #[expect(dead_code, reason = "other tests use more of it")]
    pub(crate) mod influxd;
    #[expect(dead_code, reason = "other tests use more of it")]
    pub(crate) mod reports;
    #[expect(dead_code, reason = "other tests use more of it")]
    pub(crate) mod rows;
    pub(crate) mod stopping;
}

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use collector::metrics::Metrics;
use collector::rollup::Rollup;
use collector::rollup::mark::Marks;
use collector::store::cell::{Kept, Resolution};
use collector::store::embedded::{self, Embedded};
use collector::store::influx::setup::Retention;
use collector::store::influx::{self, Influx};
use collector::store::{Report, Store};
use ippm::cell::DAY;
use ippm::{Family, ProbeName, UnixTime};

use support::cells::{a_day_ago, expected, stored};
use support::influxd::Influxd;
use support::reports::{PERIOD, measured, name, report, summary};
use support::rows::marker;
use support::stopping::Stopping;

/// Until when a pass looks.
fn end(start: UnixTime) -> UnixTime {
    start.saturating_add(DAY)
}

const SPAN: Duration = Duration::from_hours(48);

fn embedded(folder: &Path) -> Embedded {
    Embedded::open(&embedded::Options {
        path: folder.join("store.sqlite"),
        legacy_family: Family::V4,
    })
    .unwrap()
}

async fn influx(influxd: &Influxd) -> Influx {
    let store = Influx::new(&influx::Options {
        url: influxd.url(),
        org: Influxd::ORG.to_owned(),
        bucket: "ixpqos".to_owned(),
        token: Influxd::TOKEN.into(),
        ca: None,
        legacy_family: Family::V4,
        connect_limit: Duration::from_secs(5),
        request_limit: Duration::from_secs(30),
        append_limit: Duration::from_mins(1),
        concurrency: 4,
        gzip: true,
    })
    .unwrap();
    store.setup(&Retention::DEFAULT).await.unwrap();
    store
}

/// `number` reports of a probe, from 22:30 on, so that they reach over two days and several hours; every seventh is
/// suspect, every fifth finds one target down.
fn reports_of(source: &ProbeName, start: UnixTime, number: u32) -> Vec<Report> {
    let begin = start.saturating_add(Duration::from_mins(22 * 60 + 30));
    (0..number)
        .map(|round| {
            let at = begin.saturating_add(PERIOD * round + Duration::from_millis(250));
            let packets = if round % 5 == 0 { "- -" } else { "0.5 0.7 - 0.6" };
            let mut report = report(
                source,
                at,
                vec![
                    measured(&name("lon1"), summary(at, packets)),
                    measured(&name("fra1"), summary(at, "1.5 1.25")),
                    marker(&name("gone"), "resolve", None),
                ],
            );
            if round % 7 != 3
                && let Some(native) = &mut report.run.native
            {
                native.suspect.clear();
            }
            report
        })
        .collect()
}

/// The cells of `source` are those that `reports` make, bit by bit.
async fn check(store: &dyn Store, source: &ProbeName, reports: &[Report]) {
    let (hours, days) = expected(reports);
    for (resolution, expected) in [(Resolution::Hour, hours), (Resolution::Day, days)] {
        let found = stored(store, Some(source), resolution).await;
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected);
        }
        assert_eq!(found.len(), expected.len(), "{resolution:?} of {source:?}");
    }
}

/// What computes cells, with marks and counters of its own: a collector of its own.
#[derive(Default)]
struct Collector {
    marks: Marks,
    metrics: Metrics,
}

impl Collector {
    fn rollup<'a>(&'a self, store: &'a dyn Store) -> Rollup<'a> {
        Rollup {
            store,
            marks: &self.marks,
            metrics: &self.metrics,
        }
    }

    /// As the way of every report: durable, then marked.
    async fn append(&self, store: &dyn Store, reports: &[Report]) {
        store.append(reports).await.unwrap();
        for report in reports {
            self.marks.mark(report);
        }
    }
}

/// Reports late, out of order and twice; the marks alone suffice.
async fn marked_hours_follow_their_results(store: &dyn Store, start: UnixTime) {
    let source = name("marked");
    let collector = Collector::default();
    let reports = reports_of(&source, start, 30);
    let mut given: Vec<Report> = Vec::new();
    for at in [29, 3, 17, 4, 0, 5, 28, 3, 12] {
        collector.append(store, &reports[at..=at]).await;
        given.retain(|known| known.run.time != reports[at].run.time);
        given.push(reports[at].clone());
        collector.rollup(store).marked().await.unwrap();
        check(store, &source, &given).await;
    }
    assert_eq!(collector.marks.number(), 0);
    collector.append(store, &reports).await;
    assert_eq!(collector.marks.number(), 3);
    collector.rollup(store).marked().await.unwrap();
    check(store, &source, &reports).await;
}

/// The record of a round comes after its results and may come when they are long in a cell: the same results, and
/// nothing marked.
async fn a_round_that_turns_out_to_be_suspect_leaves_its_cells(store: &dyn Store, start: UnixTime) {
    let source = name("found suspect");
    let collector = Collector::default();
    let reports = reports_of(&source, start, 12);
    let mut unaware = reports.clone();
    for report in &mut unaware {
        if let Some(native) = &mut report.run.native {
            native.suspect.clear();
        }
    }
    collector.append(store, &unaware).await;
    collector.rollup(store).marked().await.unwrap();
    check(store, &source, &unaware).await;
    store.append(&reports).await.unwrap();
    collector.rollup(store).pass(end(start), SPAN).await.unwrap();
    check(store, &source, &reports).await;
}

/// Stopped at every call to the store in turn; a pass of whoever comes next mends it. Nobody remembers anything.
async fn a_pass_mends_what_a_killed_one_left(store: Arc<dyn Store>, start: UnixTime, step: usize) {
    let mut calls = 0;
    let mut stopped = true;
    while stopped {
        let source = name(&format!("killed {calls}"));
        let reports = reports_of(&source, start, 20);
        let stopping = Stopping::after(Arc::clone(&store), calls);
        let collector = Collector::default();
        collector.append(store.as_ref(), &reports[..12]).await;
        let mut ended = stopping.run(collector.rollup(&stopping).marked()).await;
        // What came meanwhile, behind the back of the marks.
        store.append(&reports[12..]).await.unwrap();
        ended &= stopping
            .run(collector.rollup(&stopping).pass(end(start), SPAN))
            .await;
        stopped = !ended;
        Collector::default()
            .rollup(store.as_ref())
            .pass(end(start), SPAN)
            .await
            .unwrap();
        check(store.as_ref(), &source, &reports).await;
        calls += step;
    }
    assert!(calls > 20, "{calls} calls: it was hardly ever stopped");
}

/// Two collectors share a store: reports come to either, and both compute all the time.
async fn two_collectors_come_to_the_same_cells(store: Arc<dyn Store>, start: UnixTime) {
    let source = name("two collectors");
    let reports = reports_of(&source, start, 36);
    let one = |mine: Vec<Report>| {
        let store = Arc::clone(&store);
        async move {
            let collector = Collector::default();
            for report in mine {
                collector
                    .append(store.as_ref(), std::slice::from_ref(&report))
                    .await;
                collector.rollup(store.as_ref()).marked().await.unwrap();
            }
            let rollup = collector.rollup(store.as_ref());
            rollup.pass(end(start), SPAN).await.unwrap();
        }
    };
    let (mut odd, mut even) = (Vec::new(), Vec::new());
    for (at, report) in reports.iter().enumerate() {
        if at % 2 == 0 { &mut even } else { &mut odd }.push(report.clone());
    }
    odd.reverse();
    tokio::join!(one(odd), one(even));
    let collector = Collector::default();
    collector
        .rollup(store.as_ref())
        .pass(end(start), SPAN)
        .await
        .unwrap();
    check(store.as_ref(), &source, &reports).await;
    // Whoever comes next finds nothing to do.
    let again = Collector::default();
    again.rollup(store.as_ref()).pass(end(start), SPAN).await.unwrap();
    assert_eq!(again.metrics.cells_written.get(), 0);
    check(store.as_ref(), &source, &reports).await;
}

#[tokio::test]
async fn in_the_embedded_store_cells_are_what_their_results_say() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(embedded(folder.path()));
    let start = a_day_ago();
    marked_hours_follow_their_results(store.as_ref(), start).await;
    a_round_that_turns_out_to_be_suspect_leaves_its_cells(store.as_ref(), start).await;
    two_collectors_come_to_the_same_cells(Arc::clone(&store), start).await;
    a_pass_mends_what_a_killed_one_left(store, start, 1).await;
}

#[tokio::test]
async fn in_influxdb_cells_are_what_their_results_say() {
    let Some(influxd) = Influxd::start() else {
        return;
    };
    let store: Arc<dyn Store> = Arc::new(influx(&influxd).await);
    let start = a_day_ago();
    marked_hours_follow_their_results(store.as_ref(), start).await;
    a_round_that_turns_out_to_be_suspect_leaves_its_cells(store.as_ref(), start).await;
    two_collectors_come_to_the_same_cells(Arc::clone(&store), start).await;
    a_pass_mends_what_a_killed_one_left(store, start, 5).await;
}

/// Retention takes results, never from a cell; what comes late for an hour of which some are gone changes nothing.
#[tokio::test]
async fn a_cell_keeps_what_retention_took_from_the_results() {
    let folder = tempfile::tempdir().unwrap();
    let store = embedded(folder.path());
    let (source, start) = (name("ams1"), a_day_ago());
    let reports = reports_of(&source, start, 30);
    let collector = Collector::default();
    collector.append(&store, &reports[..24]).await;
    collector.append(&store, &reports[25..]).await;
    collector.rollup(&store).marked().await.unwrap();
    let before = [
        stored(&store, Some(&source), Resolution::Hour).await,
        stored(&store, Some(&source), Resolution::Day).await,
    ];
    // In the middle of the last hour but one.
    store.expire(Kept::Rows, reports[22].run.time).await.unwrap();
    collector.append(&store, &reports[24..25]).await;
    collector.rollup(&store).marked().await.unwrap();
    collector.rollup(&store).pass(end(start), SPAN).await.unwrap();
    let after = stored(&store, Some(&source), Resolution::Hour).await;
    assert!(collector.metrics.cells_left.get() > 0);
    let hour = reports[24].run.time.floor(ippm::cell::HOUR);
    for (before, after) in before[0].iter().zip(&after) {
        if before.time < hour {
            assert_eq!(before, after);
        }
    }
    assert_eq!(before[0].len(), after.len());
    // Then the cells go too, the slot that is running excepted, and nothing else does.
    let day = start.saturating_add(DAY);
    assert!(store.expire(Kept::Cells(Resolution::Hour), day).await.unwrap() > 0);
    let left = stored(&store, Some(&source), Resolution::Hour).await;
    assert_eq!(
        left,
        after
            .into_iter()
            .filter(|cell| cell.time >= day)
            .collect::<Vec<_>>()
    );
    let days = stored(&store, Some(&source), Resolution::Day).await;
    assert_eq!(days.len(), before[1].len());
    store.expire(Kept::Cells(Resolution::Day), day).await.unwrap();
    let left = stored(&store, Some(&source), Resolution::Day).await;
    assert_eq!(
        left,
        days.into_iter()
            .filter(|cell| cell.time >= day)
            .collect::<Vec<_>>()
    );
    // A pass does not bring back what has no results any more.
    collector.rollup(&store).pass(end(start), SPAN).await.unwrap();
}
