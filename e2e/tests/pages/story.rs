//! Six hours of a small exchange in which everything happens that a page has to show.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use collector::store::cell::{Resolution, Series, StoredCell};
use collector::store::ledger::{CollectorRun, MaintenanceVersion};
use collector::store::query::RowQuery;
use collector::store::row::Parts;
use collector::store::{Entry, Report, Store};
use ippm::cell::row::CellRow;
use ippm::cell::{Cell, HOUR};
use ippm::class::maintenance::{Maintenance, Scope};
use ippm::{Family, ProbeName, TestName, UnixTime};

use crate::app::App;
use crate::reports::{PERIOD, measurement, name, run, summary};

/// 2026-11-21 06:46:30 UTC.
pub(crate) const NOW: UnixTime = UnixTime::from_ns(1_795_243_590_000_000_000);
/// 2026-11-21 00:45:00 UTC, the beginning of the first slot.
pub(crate) const START: UnixTime = UnixTime::from_ns(1_795_221_900_000_000_000);
/// Slots until the latest one that is over at [`NOW`].
const SLOTS: u32 = 72;
/// Probes and their sites; [`HOSTILE`] is at none.
pub(crate) const SITES: [(&str, &str); 5] = [
    ("ams1", "AMS"),
    ("ams2", "AMS"),
    ("fra1", "FRA"),
    ("lon1", "LON"),
    ("mil1", "MIL"),
];
/// A name with what could break a page or a link.
pub(crate) const HOSTILE: &str = "nüt \"<b>&'%2F?#";

/// From ams2 to lon1 each round loses so many packets of so many.
pub(crate) const LOST: u64 = 5;
pub(crate) const SENT: u64 = 280;
/// 5 ÷ 280 is 1.79 %.
pub(crate) const LOSSY_PERCENT: &str = "1.8";
/// No collector was there from 03:00 to 03:15.
pub(crate) const GAP_SLOTS: usize = 3;
const GAP: std::ops::Range<u32> = 27..30;
/// The last round of lon1 began at 05:35.
const SILENT_FROM: u32 = 59;
/// From 05:35:02 to 06:46:30.
pub(crate) const SILENT_AGE: &str = "71m";
/// From 06:00 on ams1 and fra1 do not reach each other.
const DEAD_FROM: u32 = 63;
/// At mil1 there is work from 06:00 to 08:00: five sources, five targets.
pub(crate) const CELLS_IN_MAINTENANCE: usize = 10;

/// What was told.
pub(crate) struct Story {
    /// Rounds of a probe that reported all the time.
    pub(crate) rounds: u64,
}

impl Story {
    /// Stores it.
    pub(crate) async fn tell(app: &App) -> Self {
        let store = Arc::clone(&app.context.store);
        let seconds = NOW.since(START).unwrap().as_secs();
        let mut beats = Vec::new();
        for beat in 0..seconds / 10 {
            let slot = u32::try_from(beat / 30).unwrap();
            if GAP.contains(&slot) {
                continue;
            }
            let store = Arc::clone(&store);
            let run = CollectorRun {
                instance: "e2e".to_owned(),
                time: START.saturating_add(Duration::from_secs(beat * 10)),
            };
            beats.push(actix_web::rt::spawn(async move {
                store.put_collector_run(&run).await.unwrap();
            }));
        }
        for beat in beats {
            beat.await.unwrap();
        }
        store
            .put_maintenance(&[MaintenanceVersion {
                entry: Maintenance {
                    id: "2026-mil".to_owned(),
                    loaded: START,
                    from: START.saturating_add(PERIOD * DEAD_FROM),
                    to: NOW.saturating_add(Duration::from_mins(74)),
                    scope: Scope {
                        site: Some("MIL".to_owned()),
                        ..Scope::ALL
                    },
                    is_deleted: false,
                },
                reason: "new optics".to_owned(),
            }])
            .await
            .unwrap();
        let names: Vec<ProbeName> = SITES
            .iter()
            .map(|(probe, _)| name(probe))
            .chain([name(HOSTILE)])
            .collect();
        let mut rounds = 0;
        for slot in (0..SLOTS).filter(|slot| !GAP.contains(slot)) {
            let reports: Vec<Report> = names
                .iter()
                .filter(|source| source.as_str() != "lon1" || slot < SILENT_FROM)
                .map(|source| report(source, &names, slot))
                .collect();
            store.append(&reports).await.unwrap();
            rounds += 1;
        }
        store
            .put_cells(Resolution::Hour, &hours(&*store).await)
            .await
            .unwrap();
        Self { rounds }
    }
}

/// The cells of every hour that is over: a collector that had been there all the time would have them.
async fn hours(store: &dyn Store) -> Vec<StoredCell> {
    let query = RowQuery {
        source: None,
        target: None,
        family: None,
        test: None,
        from: START,
        to: NOW,
        parts: Parts::ALL,
    };
    let runs = store.probe_runs(None, START, NOW).await.unwrap();
    let doubted: BTreeSet<(ProbeName, UnixTime)> = runs
        .into_iter()
        .filter(|run| {
            run.native
                .as_ref()
                .is_some_and(|native| !native.suspect.is_empty())
        })
        .map(|run| (run.source, run.time))
        .collect();
    let mut of: BTreeMap<(Series, UnixTime), Vec<CellRow>> = BTreeMap::new();
    for row in store.rows(query).collect().await.unwrap() {
        let series = row.series();
        let is_suspect = doubted.contains(&(row.source.clone(), row.time));
        let row = row.into_cell_row(is_suspect);
        of.entry((series, row.hour())).or_default().push(row);
    }
    let is_over = |hour: &UnixTime| hour.saturating_add(HOUR) <= NOW;
    of.into_iter()
        .filter(|((_, hour), _)| is_over(hour))
        .filter_map(|((series, hour), rows)| Some(StoredCell::new(series, hour, Cell::of_rows(hour, rows)?)))
        .collect()
}

/// The fastest packet of a pair, ms.
pub(crate) fn base_ms(source: &str, target: &str) -> f64 {
    let site = |name: &str| name.get(..3).unwrap_or("???").to_owned();
    let far: u8 = site(source)
        .bytes()
        .chain(site(target).bytes())
        .fold(0, |a, b| a.wrapping_mul(31).wrapping_add(b));
    if site(source) == site(target) {
        0.08
    } else {
        0.4 + f64::from(far) / 200.0
    }
}

fn report(source: &ProbeName, names: &[ProbeName], slot: u32) -> Report {
    let time = START.saturating_add(PERIOD * slot + Duration::from_secs(2));
    let mut entries = Vec::new();
    for target in names.iter().filter(|target| *target != source) {
        let packets = packets(source.as_str(), target.as_str(), slot);
        entries.push(measurement(
            target,
            Family::V4,
            &TestName::icmp(),
            summary(time, &packets),
        ));
        if target.as_str() == "lon1" {
            entries.push(measurement(
                target,
                Family::V6,
                &TestName::icmp(),
                summary(time, &packets),
            ));
        }
    }
    let mut run = run(source, time, entries.len());
    if let Some(native) = &mut run.native {
        // fra1 doubts its clock now and then, at the end too.
        native
            .suspect
            .retain(|word| word.as_str() == "clock" && source.as_str() == "fra1" && slot % 24 == 23);
    }
    Report {
        run,
        entries: entries.into_iter().map(Entry::Native).enumerate().collect(),
    }
}

/// The packets of one round as the text that `summary` reads.
fn packets(source: &str, target: &str, slot: u32) -> String {
    let is = |a: &str, b: &str| source == a && target == b;
    let is_dead = (is("ams1", "fra1") || is("fra1", "ams1")) && slot >= DEAD_FROM;
    let is_lossy = is("ams2", "lon1");
    // A path that became longer at 04:00, and queues in the evening of the day before.
    let detour = if is("mil1", "ams1") && slot >= 39 {
        1.9
    } else {
        0.0
    };
    let base = base_ms(source, target) + detour;
    let packet = |index: u64| {
        let loses = is_dead || (is_lossy && index % 56 == 13);
        if loses {
            return "-".to_owned();
        }
        // Even between 0 and 1, the same in every run.
        let mixed = (index + 1)
            .wrapping_mul(0x9e37_79b9)
            .wrapping_add(u64::from(slot) * 7919)
            % 1000;
        #[expect(clippy::cast_precision_loss, reason = "below a thousand")]
        let part = mixed as f64 / 1000.0;
        let queue = if is("ams2", "mil1") && (20..26).contains(&slot) {
            3.0 * part
        } else {
            0.0
        };
        let delay = base + 0.06 * part * part + 0.5 * part.powi(40) + queue;
        format!("{delay:.6}")
    };
    (0..SENT).map(packet).collect::<Vec<String>>().join(" ")
}
