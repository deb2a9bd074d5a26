//! A small exchange with two probes, the rounds of one afternoon, and the statements over them.

use std::collections::BTreeMap;
use std::time::Duration;

use collector::report::directory::Directory;
use collector::report::sla::gather::{self, Ground, NoRecord, Question, SlaError};
use collector::report::sla::pairs::Load;
use collector::report::sla::profile::{AvailabilityForm, DelayTarget, Profile, Quantile, Targets};
use collector::report::sla::statement::{Period, Statement};
use collector::store::cell::{Resolution, StoredCell};
use collector::store::embedded::{Embedded, Options};
use collector::store::ledger::{CollectorRun, MaintenanceVersion, PlanVersion};
use collector::store::query::RowQuery;
use collector::store::row::Parts;
use collector::store::{Entry, Report, Store};
use ippm::cell::Cell;
use ippm::class::maintenance::{Maintenance, Scope};
use ippm::limit::LossLimit;
use ippm::plan::{Plan, Target, Test};
use ippm::roster::Roster;
use ippm::{Family, Measurement, Outcome, TestName, UnixTime};

use super::reports::{PERIOD, measured, name, report, summary};

/// One packet a second over 280 s: 28 slices of ten packets.
pub(crate) const PACKETS: usize = 280;

pub(crate) fn at(text: &str) -> UnixTime {
    ippm::wire::time::parse(&format!("2026-10-05T{text}Z")).unwrap()
}

/// A round in which the packets that `is_lost` says are lost, and the others come back after `ms`.
pub(crate) fn packets(ms: &str, is_lost: impl Fn(usize) -> bool) -> String {
    let packet = |at| if is_lost(at) { "-" } else { ms };
    (0..PACKETS).map(packet).collect::<Vec<_>>().join(" ")
}

/// What became of the round of a slot.
pub(crate) enum Round {
    Measured(String),
    Suspect(String),
    Unmeasured,
    Missing,
}

pub(crate) struct Story {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) store: Embedded,
    pub(crate) roster: Roster,
}

pub(crate) const ROSTER: &str = r#"{"probes":[
    {"name":"ams1","proto":4,"address":"192.0.2.1","site":"Amsterdam"},
    {"name":"lon1","proto":4,"address":"192.0.2.2","site":"London"}]}"#;

impl Story {
    pub(crate) fn new(roster: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(&Options {
            path: folder.path().join("ixpqos.sqlite"),
            legacy_family: Family::V4,
        })
        .unwrap();
        Self {
            folder,
            store,
            roster: ippm::wire::roster::parse(roster.as_bytes()).unwrap(),
        }
    }

    pub(crate) async fn plan(&self, probe: &str, target: &str) {
        self.plan_from("00:00:00", probe, &[target]).await;
    }

    pub(crate) async fn plan_from(&self, from: &str, probe: &str, targets: &[&str]) {
        let target = |target: &&str| Target {
            name: name(target),
            family: Family::V4,
            address: "192.0.2.9".to_owned(),
        };
        let plan = Plan {
            period: PERIOD,
            legacy: false,
            tests: vec![Test {
                name: TestName::icmp(),
                kind: "icmp".parse().unwrap(),
                period: PERIOD,
                params: ippm::plan::default_params(PERIOD),
                windows: Vec::new(),
                targets: targets.iter().map(target).collect(),
            }],
        };
        let record = plan.record();
        let version = PlanVersion {
            probe: name(probe),
            time: at(from),
            version: plan.version(),
            record,
        };
        self.store.put_plan_versions(&[version]).await.unwrap();
    }

    /// Stores a round of each slot from `from` on.
    pub(crate) async fn rounds(
        &self,
        source: &str,
        target: &str,
        from: &str,
        to: &str,
        round: impl Fn(&str) -> Round,
    ) {
        let mut slot = at(from);
        let mut reports = Vec::new();
        while slot < at(to) {
            let clock = ippm::wire::time::format(slot)[11..16].to_owned();
            reports.extend(Self::round(source, target, slot, &round(&clock)));
            slot = slot.saturating_add(PERIOD);
        }
        self.store.append(&reports).await.unwrap();
    }

    fn round(source: &str, target: &str, slot: UnixTime, round: &Round) -> Option<Report> {
        let time = slot.saturating_add(Duration::from_millis(123));
        let (entry, is_suspect) = match round {
            Round::Missing => return None,
            Round::Measured(packets) => (measured(&name(target), summary(time, packets)), false),
            Round::Suspect(packets) => (measured(&name(target), summary(time, packets)), true),
            Round::Unmeasured => {
                let measurement = Measurement {
                    test: TestName::icmp(),
                    kind: "icmp".parse().unwrap(),
                    target: name(target),
                    family: Family::V4,
                    period: PERIOD,
                    outcome: Outcome::Unmeasured {
                        error: "resolve".parse().unwrap(),
                        detail: None,
                    },
                };
                (Entry::Native(measurement), false)
            }
        };
        let mut report = report(&name(source), time, vec![entry]);
        if !is_suspect && let Some(native) = &mut report.run.native {
            native.suspect.clear();
        }
        Some(report)
    }

    /// Computes the cells of every hour, as the collector does in the background.
    pub(crate) async fn roll_up(&self) {
        let rows = self.store.rows(RowQuery {
            source: None,
            target: None,
            family: None,
            test: None,
            from: at("00:00:00"),
            to: at("23:59:59"),
            parts: Parts::ALL,
        });
        let runs = self
            .store
            .probe_runs(None, at("00:00:00"), at("23:59:59"))
            .await
            .unwrap();
        let mut hours: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for row in rows.collect().await.unwrap() {
            let is_suspect = runs.iter().any(|run| {
                run.source == row.source
                    && run.time == row.time
                    && run
                        .native
                        .as_ref()
                        .is_some_and(|native| !native.suspect.is_empty())
            });
            let series = row.series();
            let row = row.into_cell_row(is_suspect);
            hours.entry((series, row.hour())).or_default().push(row);
        }
        let cells: Vec<StoredCell> = hours
            .into_iter()
            .map(|((series, hour), rows)| StoredCell::new(series, hour, Cell::of_rows(hour, rows).unwrap()))
            .collect();
        self.store.put_cells(Resolution::Hour, &cells).await.unwrap();
    }

    /// A collector is there from `from` until `to`.
    pub(crate) async fn beats(&self, from: &str, to: &str) {
        let mut time = at(from);
        while time < at(to) {
            let instance = "collector".to_owned();
            self.store
                .put_collector_run(&CollectorRun { instance, time })
                .await
                .unwrap();
            time = time.saturating_add(CollectorRun::INTERVAL);
        }
    }

    pub(crate) async fn maintenance(&self, from: &str, to: &str) {
        let version = MaintenanceVersion {
            entry: Maintenance {
                id: format!("chg-{from}"),
                loaded: at("00:00:00"),
                from: at(from),
                to: at(to),
                scope: Scope {
                    source: Some(name("ams1")),
                    ..Scope::ALL
                },
                is_deleted: false,
            },
            reason: "new optic".to_owned(),
        };
        self.store.put_maintenance(&[version]).await.unwrap();
    }

    pub(crate) async fn ask(
        &self,
        question: &Question,
        kept: Kept,
        loads: &[Load],
    ) -> Result<Statement, SlaError> {
        self.ask_at("15:00:00", question, kept, loads).await
    }

    pub(crate) async fn ask_at(
        &self,
        now: &str,
        question: &Question,
        kept: Kept,
        loads: &[Load],
    ) -> Result<Statement, SlaError> {
        let directory = Directory::of(&self.roster);
        let ground = Ground {
            directory: &directory,
            roster: &self.roster,
            loads,
            raw_retention: kept.rows,
            hour_retention: kept.cells,
            legacy_period: PERIOD,
            now: at(now),
        };
        gather::read(&self.store, &ground, question, &mut NoRecord).await
    }

    pub(crate) async fn state(&self) -> Statement {
        self.ask(&question(), Kept::EVERYTHING, &[]).await.unwrap()
    }
}

/// How long before the present what is kept.
#[derive(Clone, Copy)]
pub(crate) struct Kept {
    pub(crate) rows: Duration,
    pub(crate) cells: Duration,
}

impl Kept {
    pub(crate) const EVERYTHING: Self = Self {
        rows: Duration::from_hours(24),
        cells: Duration::from_hours(24),
    };
}

pub(crate) fn question() -> Question {
    let (from, to) = (at("10:00:00"), at("14:00:00"));
    Question {
        period: Period::between(from, to, "UTC", "four hours", at("15:00:00")).unwrap(),
        profile: Profile {
            name: "gold".to_owned(),
            title: String::new(),
            window: 10,
            threshold: LossLimit::from_ppm(500_000).unwrap(),
            form: AvailabilityForm::Announced,
            least_coverage: LossLimit::from_ppm(900_000).unwrap(),
            targets: Targets {
                unavailability: LossLimit::from_ppm(10_000).ok(),
                loss: LossLimit::from_ppm(500).ok(),
                delay: Some(DelayTarget {
                    quantile: Quantile::P95,
                    limit: Duration::from_micros(1900),
                }),
                ..Targets::NONE
            },
        },
        sites: Vec::new(),
        source: None,
        target: None,
        family: None,
        test: TestName::icmp(),
    }
}

/// Amsterdam to London, four hours of 48 rounds:
///
/// * 11:10 all 28 slices are lost, and of 11:15 the first five: 33 slices without a break longer than the 20 s
///   between two rounds;
/// * 12:02 to 12:12 is announced, which touches three slots; in it the round of 12:05 is lost;
/// * 13:00 is suspect, 13:05 missing, 13:10 not measured, and in 13:20 the first packet is lost.
///
/// London to Amsterdam loses nothing.
pub(crate) async fn outage() -> Story {
    let story = outage_without_cells().await;
    story.roll_up().await;
    story
}

/// The same before any cell was made.
pub(crate) async fn outage_without_cells() -> Story {
    let story = Story::new(ROSTER);
    story.plan("ams1", "lon1").await;
    story.plan("lon1", "ams1").await;
    let lost = |number: usize| Round::Measured(packets("1", move |at| at < number));
    story
        .rounds("ams1", "lon1", "10:00:00", "14:00:00", |clock| match clock {
            "11:10" | "12:05" => lost(PACKETS),
            "11:15" => lost(50),
            "13:00" => Round::Suspect(packets("1", |_| true)),
            "13:05" => Round::Missing,
            "13:10" => Round::Unmeasured,
            "13:20" => lost(1),
            _ => lost(0),
        })
        .await;
    story
        .rounds("lon1", "ams1", "10:00:00", "14:00:00", |_| {
            Round::Measured(packets("2", |_| false))
        })
        .await;
    story.maintenance("12:02:00", "12:12:00").await;
    // A beat comes every ten seconds; in debug builds each takes its time, so only those that matter are there.
    story.beats("13:09:30", "13:11:10").await;
    story
}
