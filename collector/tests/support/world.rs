//! A small mesh over 26 hours, in which everything happens that a report has to tell apart.

#![cfg(test)]

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use collector::report::directory::Directory;
use collector::report::selection::Subject;
use collector::report::view::View;
use collector::store::cell::{Resolution, Series, StoredCell};
use collector::store::ledger::{CollectorRun, MaintenanceVersion, PlanVersion, ProbeRun};
use collector::store::query::RowQuery;
use collector::store::row::{Parts, Row};
use collector::store::{Answer, Entry, Report, Store};
use ippm::cell::row::CellRow;
use ippm::cell::{Cell, DAY, HOUR};
use ippm::class::maintenance::{Maintenance, Scope};
use ippm::class::slot::Aliases;
use ippm::limit::LossLimit;
use ippm::plan::{Plan, Target, Test, default_params};
use ippm::{Family, ProbeName, TestName, UnixTime};

use super::reports::{PERIOD, measured, name, run, summary};
use super::rows::marker;

/// Slots of [`PERIOD`] in the world.
pub(crate) const SLOTS: u32 = 26 * 12;
const PROBES: [&str; 3] = ["ams1", "fra1", "lon1"];

/// What happens to one result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Good,
    /// One of ten packets is lost.
    Lossy,
    Down,
    /// Could not be measured.
    Marker,
    /// Not in a report that came.
    LeftOut,
    /// Measured twice in the slot, the second time with more packets.
    Twice,
}

/// What happens to one report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    Arrives,
    Doubted,
    Missing,
}

/// Everything that is stored, and how it is looked at.
pub(crate) struct World {
    pub(crate) start: UnixTime,
    pub(crate) now: UnixTime,
    pub(crate) reports: Vec<Report>,
    pub(crate) beats: Vec<CollectorRun>,
    pub(crate) plans: Vec<PlanVersion>,
    pub(crate) maintenance: Vec<MaintenanceVersion>,
    pub(crate) directory: Directory,
}

impl World {
    /// The world in which `delivery(source, slot)` and `fate(source, target, slot)` happen.
    pub(crate) fn new(
        start: UnixTime,
        delivery: impl Fn(&str, u32) -> Delivery,
        fate: impl Fn(&str, &str, u32) -> Fate,
    ) -> Self {
        let aliases: Aliases = [(name("lon-old"), name("lon1"))].into_iter().collect();
        let sites = PROBES.map(|probe| (name(probe), format!("hall {}", &probe[..3])));
        let mut world = Self {
            start,
            now: at_slot(start, SLOTS).saturating_add(Duration::from_secs(90)),
            reports: Vec::new(),
            beats: Vec::new(),
            plans: Vec::new(),
            maintenance: Vec::new(),
            directory: Directory::new(aliases, BTreeMap::from(sites)),
        };
        for slot in 0..SLOTS {
            for source in PROBES {
                // It was renamed in the middle; nobody else noticed before that.
                let is_old = |probe: &str| probe == "lon1" && slot < SLOTS / 2;
                let stored = |probe: &str| name(if is_old(probe) { "lon-old" } else { probe });
                let suspect = match delivery(source, slot) {
                    Delivery::Missing => continue,
                    Delivery::Doubted => vec!["send_lag".parse().unwrap()],
                    Delivery::Arrives => Vec::new(),
                };
                let targets = PROBES.into_iter().filter(|target| *target != source);
                let fates: Vec<(ProbeName, Fate)> = targets
                    .map(|target| (stored(target), fate(source, target, slot)))
                    .collect();
                for again in [false, true] {
                    let time =
                        at_slot(start, slot).saturating_add(Duration::from_secs(if again { 150 } else { 1 }));
                    let entries: Vec<Entry> = fates
                        .iter()
                        .filter_map(|(target, fate)| entry(target, *fate, time, slot, again))
                        .collect();
                    if again && entries.is_empty() {
                        continue;
                    }
                    let mut run = run(&stored(source), time, entries.len());
                    if let Some(native) = &mut run.native {
                        native.suspect.clone_from(&suspect);
                    }
                    let entries = entries.into_iter().enumerate().collect();
                    world.reports.push(Report { run, entries });
                }
            }
        }
        world.plans = PROBES.map(|probe| plan(probe, start)).to_vec();
        world
    }

    /// Beats all the time except in `gaps`, minutes from the start.
    pub(crate) fn with_beats(mut self, gaps: &[(i64, i64)]) -> Self {
        let seconds = self.now.since(self.start).unwrap().as_secs();
        for beat in 0..seconds / 10 {
            let minute = i64::try_from(beat / 6).unwrap();
            if !gaps.iter().any(|(from, to)| (*from..*to).contains(&minute)) {
                self.beats.push(CollectorRun {
                    instance: "c1".to_owned(),
                    time: self.start.saturating_add(Duration::from_secs(10 * beat)),
                });
            }
        }
        self
    }

    /// Announces work on `scope`, minutes from the start.
    pub(crate) fn with_work(mut self, id: &str, scope: Scope, (from, to): (u64, u64)) -> Self {
        self.maintenance.push(MaintenanceVersion {
            entry: Maintenance {
                id: id.to_owned(),
                loaded: self.start,
                from: self.start.saturating_add(Duration::from_mins(from)),
                to: self.start.saturating_add(Duration::from_mins(to)),
                scope,
                is_deleted: false,
            },
            reason: "new optics".to_owned(),
        });
        self
    }

    pub(crate) fn view(&self) -> View<'_> {
        View {
            directory: &self.directory,
            limit: LossLimit::DISPLAY_DEFAULT,
            legacy_period: PERIOD,
            raw_retention: Duration::from_hours(90 * 24),
            hour_retention: Duration::from_hours(730 * 24),
            now: self.now,
        }
    }

    pub(crate) fn at(&self, minutes: u64) -> UnixTime {
        self.start.saturating_add(Duration::from_mins(minutes))
    }

    pub(crate) fn runs(&self) -> impl Iterator<Item = &ProbeRun> {
        self.reports.iter().map(|report| &report.run)
    }

    /// Stores all of it, and the cells of every hour and day that is over.
    pub(crate) async fn store_in(&self, store: &dyn Store) {
        for reports in self.reports.chunks(200) {
            store.append(reports).await.unwrap();
        }
        for beats in self.beats.chunks(500) {
            all(beats.iter().map(|beat| store.put_collector_run(beat)).collect()).await;
        }
        store.put_plan_versions(&self.plans).await.unwrap();
        if !self.maintenance.is_empty() {
            store.put_maintenance(&self.maintenance).await.unwrap();
        }
        let hours = self.hours(store).await;
        store.put_cells(Resolution::Hour, &hours).await.unwrap();
        store.put_cells(Resolution::Day, &days(&hours)).await.unwrap();
    }

    async fn hours(&self, store: &dyn Store) -> Vec<StoredCell> {
        let suspect: BTreeMap<(ProbeName, UnixTime), bool> = self
            .runs()
            .map(|run| {
                let is_suspect = run
                    .native
                    .as_ref()
                    .is_some_and(|native| !native.suspect.is_empty());
                ((run.source.clone(), run.time), is_suspect)
            })
            .collect();
        let mut of: BTreeMap<(Series, UnixTime), Vec<CellRow>> = BTreeMap::new();
        for row in self.rows(store).await {
            let series = row.series();
            let is_suspect = suspect[&(row.source.clone(), row.time)];
            let row = row.into_cell_row(is_suspect);
            of.entry((series, row.hour())).or_default().push(row);
        }
        let cells = of.into_iter().filter_map(|((series, hour), rows)| {
            let cell = Cell::of_rows(hour, rows)?;
            (hour.saturating_add(HOUR) <= self.now).then(|| StoredCell::new(series, hour, cell))
        });
        cells.collect()
    }

    pub(crate) async fn rows(&self, store: &dyn Store) -> Vec<Row> {
        let query = RowQuery {
            source: None,
            target: None,
            family: None,
            test: None,
            from: self.start,
            to: self.now,
            parts: Parts::ALL,
        };
        store.rows(query).collect().await.unwrap()
    }
}

/// Waits for all of them at once: a store that commits in groups does so here.
async fn all(mut answers: Vec<Answer<'_, ()>>) {
    poll_fn(|context| {
        answers.retain_mut(|answer| match answer.as_mut().poll(context) {
            Poll::Ready(done) => {
                done.unwrap();
                false
            }
            Poll::Pending => true,
        });
        if answers.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

fn days(hours: &[StoredCell]) -> Vec<StoredCell> {
    let mut of: BTreeMap<(Series, UnixTime), Vec<&Cell>> = BTreeMap::new();
    for stored in hours {
        let key = (stored.series(), stored.time.floor(DAY));
        of.entry(key).or_default().push(&stored.cell);
    }
    of.into_iter()
        .filter_map(|((series, day), cells)| Some(StoredCell::new(series, day, Cell::of_hours(cells)?)))
        .collect()
}

pub(crate) fn subject(source: &str, target: &str) -> Subject {
    Subject {
        source: name(source),
        target: name(target),
        family: Family::V4,
        test: TestName::icmp(),
    }
}

/// Every pair of the world.
pub(crate) fn subjects() -> Vec<Subject> {
    let pairs = PROBES.into_iter().flat_map(|source| {
        let targets = PROBES.into_iter().filter(move |target| *target != source);
        targets.map(move |target| subject(source, target))
    });
    pairs.collect()
}

pub(crate) fn at_slot(start: UnixTime, slot: u32) -> UnixTime {
    start.saturating_add(PERIOD * slot)
}

fn entry(target: &ProbeName, fate: Fate, time: UnixTime, slot: u32, again: bool) -> Option<Entry> {
    let base = 0.5 + f64::from(slot % 7) / 100.0;
    let reply = |index: u32| format!("{}", base + f64::from(index % 3) / 1000.0);
    let packets = |count: u32, lost: u32| {
        let tokens = (0..count).map(|index| {
            if index < lost {
                "-".to_owned()
            } else {
                reply(index)
            }
        });
        tokens.collect::<Vec<_>>().join(" ")
    };
    let sample = |packets: &str| Some(measured(target, summary(time, packets)));
    match (fate, again) {
        (Fate::Good, false) => sample(&packets(10, 0)),
        (Fate::Lossy, false) => sample(&packets(10, 1)),
        (Fate::Down, false) => sample(&packets(10, 10)),
        (Fate::Marker, false) => Some(marker(target, "resolve", None)),
        (Fate::Twice, false) => sample(&packets(5, 0)),
        (Fate::Twice, true) => sample(&packets(12, 6)),
        _ => None,
    }
}

fn plan(probe: &str, start: UnixTime) -> PlanVersion {
    let targets = PROBES.into_iter().filter(|target| *target != probe);
    let plan = Plan {
        period: PERIOD,
        legacy: false,
        tests: vec![Test {
            name: TestName::icmp(),
            kind: "icmp".parse().unwrap(),
            period: PERIOD,
            params: default_params(PERIOD),
            windows: Vec::new(),
            targets: targets
                .map(|target| Target {
                    name: name(target),
                    family: Family::V4,
                    address: "192.0.2.10".to_owned(),
                })
                .collect(),
        }],
    };
    PlanVersion {
        probe: name(probe),
        time: start.saturating_sub(Duration::from_hours(30)),
        version: plan.version(),
        record: plan.record(),
    }
}
