//! Hours and days survive SIGKILL: whenever a collector is killed, the pass of its next start mends what was left.
//!
//! Reports come late, out of order and over weeks, while the real program is killed again and again: after some
//! report was acknowledged, while a pass has written some of its cells, when its file is written, between the hours
//! of a day and that day. In the end every cell has to be the one that follows from what was posted.

#![cfg(test)]

mod support {
    pub(crate) mod cells;
    #[expect(dead_code, reason = "other tests use more of it")]
    pub(crate) mod influxd;
    pub(crate) mod posted;
    #[expect(dead_code, reason = "other tests use more of it")]
    pub(crate) mod reports;
    #[expect(dead_code, reason = "other tests use more of it")]
    pub(crate) mod rows;
}

#[path = "durability/collector.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod collector_process;
#[path = "support/moment.rs"]
mod moment;
#[path = "support/poster.rs"]
mod poster;

use std::fs;
use std::path::Path;
use std::time::Duration;

use collector::store::cell::{Resolution, StoredCell};
use collector::store::embedded::{Embedded, Options};
use collector::store::influx::{self, Influx};
use collector::store::{Report, Store};
use ippm::Family;
use ippm::cell::{Cell, DAY};

use crate::collector_process::Collector;
use crate::moment::{Moment, Watch};
use crate::poster::{Post, Poster};
use crate::support::cells::{a_day_ago, expected, stored};
use crate::support::influxd::Influxd;
use crate::support::posted::wire;
use crate::support::reports::{measured, name, report, summary};
use crate::support::rows::marker;

const SOURCES: &[&str] = &["p0", "p1", "p2", "p3"];
/// Minutes of a day at which each source measured: two rounds of one hour, and the last one of the day.
const MINUTES: [u64; 3] = [600, 605, 1435];
const BUCKET: &str = "killed";

#[test]
fn in_the_embedded_store_every_cell_is_right_after_twenty_eight_kills() {
    let folder = tempfile::tempdir().unwrap();
    // What a pass at start looks through.
    let settings = "[store]\nbackend = \"embedded\"\n[retention]\nraw = \"20d\"\n";
    let mut collectors = [Collector::configure(settings, folder.path(), SOURCES)];
    let watch = Watch::of(&collectors[0], &read_key(&collectors[0]), folder.path());
    let reports = reports(SOURCES, 18);
    let poster = poster(&collectors, &reports);
    let mut behind = 0;
    for kill in 0..24 {
        collectors[0].start();
        poster.allow(reports.len() / 24);
        let moment = match kill % 4 {
            0 => Moment::Acknowledged(kill * 9 + 1 + kill % 8),
            1 => Moment::Written(1 + 5 * (kill as u64)),
            2 => Moment::Touched(1 + kill / 3),
            _ => Moment::BetweenHoursAndDays,
        };
        watch.until(moment, &poster);
        collectors[0].kill();
        let left = left_behind(folder.path(), &reports[..poster.acknowledged()]);
        behind += usize::from(left.is_behind);
    }
    // Else the kills came when nothing was left to do.
    assert!(12 <= behind, "{behind} of 24 kills left cells behind");
    collectors[0].start();
    poster.allow(reports.len());
    poster.until_acknowledged(reports.len());
    collectors[0].kill();
    // Nothing is posted any more: a day that is behind its hours now is mended for being so, or never.
    let mut between = 0;
    for _ in 0..4 {
        collectors[0].start();
        watch.until(Moment::BetweenHoursAndDays, &poster);
        collectors[0].kill();
        between += usize::from(left_behind(folder.path(), &reports).is_between);
    }
    assert!(0 < between, "no kill came between hours and days");
    collectors[0].start();
    watch.until(Moment::Passed, &poster);
    collectors[0].stop();
    poster.finish();
    check(&open(&folder.path().join("ixpqos.sqlite")), &reports);
}

#[test]
fn in_influxdb_every_cell_is_right_after_two_collectors_were_killed_in_turn() {
    let Some(influxd) = Influxd::start() else { return };
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let settings = format!(
        "[store]\nbackend = \"influx\"\n[store.influx]\nurl = \"{}\"\norg = \"{}\"\nbucket = \"{BUCKET}\"\ntoken_file = \"token\"\n[retention]\nraw = \"10d\"\n",
        influxd.url(),
        Influxd::ORG,
    );
    let mut collectors = [0, 1].map(|at: usize| {
        fs::write(folders[at].path().join("token"), Influxd::TOKEN).unwrap();
        Collector::configure(&settings, folders[at].path(), SOURCES)
    });
    let read = read_key(&collectors[0]);
    fs::copy(
        folders[0].path().join("keys.toml"),
        folders[1].path().join("keys.toml"),
    )
    .unwrap();
    collectors[0].run(&["setup"]);
    // A pass asks InfluxDB some eight times for each probe and day.
    let reports = reports(&SOURCES[..2], 8);
    let poster = poster(&collectors, &reports);
    let watches = [0, 1].map(|at: usize| Watch::of(&collectors[at], &read, folders[at].path()));
    collectors.iter_mut().for_each(Collector::start);
    for kill in 0..6 {
        poster.allow(reports.len() / 6);
        let moment = match kill % 2 {
            0 => Moment::Acknowledged(kill * 8 + 1 + kill),
            _ => Moment::Written(1 + 5 * (kill as u64)),
        };
        watches[kill % 2].until(moment, &poster);
        collectors[kill % 2].kill_and_start();
    }
    poster.until_acknowledged(reports.len());
    collectors.iter_mut().for_each(Collector::kill_and_start);
    for (collector, watch) in collectors.iter_mut().zip(&watches) {
        watch.until(Moment::Passed, &poster);
        collector.stop();
    }
    poster.finish();
    let store = Influx::new(&influx::Options {
        url: influxd.url(),
        org: Influxd::ORG.to_owned(),
        bucket: BUCKET.to_owned(),
        token: Influxd::TOKEN.into(),
        ca: None,
        legacy_family: Family::V4,
        connect_limit: Duration::from_secs(3),
        request_limit: Duration::from_secs(20),
        append_limit: Duration::from_secs(20),
        concurrency: 1,
        gzip: true,
    });
    check(&store.unwrap(), &reports);
}

/// The reports of these probes over so many days, in the order in which they are posted: none that is sensible.
fn reports(sources: &[&str], days: u32) -> Vec<Report> {
    let last = a_day_ago();
    let sorted: Vec<Report> = (0..days)
        .flat_map(|day| sources.iter().map(move |source| (day, source)))
        .flat_map(|(day, source)| (0_u32..).zip(MINUTES).map(move |round| (day, source, round)))
        .map(|(day, source, (round, minute))| {
            let at = last.saturating_sub(DAY * day);
            let at = at.saturating_add(Duration::from_mins(minute) + Duration::from_millis(250));
            let number = day * 3 + round;
            let delays = format!("0.{:06} - 1.{number:04} 0.5", 100_000 + number);
            let results = vec![
                measured(&name("a"), summary(at, &delays)),
                measured(&name("b"), summary(at, "- -")),
                marker(&name("c"), "resolve", None),
            ];
            let mut report = report(&name(source), at, results);
            if number % 7 != 3
                && let Some(native) = &mut report.run.native
            {
                native.suspect.clear();
            }
            report
        })
        .collect();
    // A step that has no divisor in common with the number visits each of them once: 85 is 5 times 17.
    let (number, step) = (sorted.len(), 85);
    assert!(!number.is_multiple_of(5) && !number.is_multiple_of(17));
    (0..number).map(|at| sorted[at * step % number].clone()).collect()
}

/// What is posted of a report.
fn body(report: &Report) -> Vec<u8> {
    let mut wire = wire(report);
    if let Some(native) = &report.run.native {
        wire.probe.suspect = native.suspect.iter().map(ToString::to_string).collect();
    }
    serde_json::to_vec(&wire).unwrap()
}

fn poster(collectors: &[Collector], reports: &[Report]) -> Poster {
    let posts = reports.iter().map(|report| Post {
        key: collectors[0].key(report.run.source.as_str()),
        report: report.clone(),
    });
    Poster::start(
        posts.collect(),
        collectors.iter().map(Collector::address).collect(),
    )
}

/// A key that may read.
fn read_key(collector: &Collector) -> String {
    let printed = collector.run(&["key", "add", "--role", "read", "--subject", "noc"]);
    let secret = printed.split_whitespace().find(|word| word.len() >= 43);
    secret.expect("a key is printed").to_owned()
}

fn open(path: &Path) -> Embedded {
    Embedded::open(&Options {
        path: path.to_owned(),
        legacy_family: Family::V4,
    })
    .unwrap()
}

/// What a kill left undone.
struct Left {
    /// A cell of what was acknowledged is missing, or another one.
    is_behind: bool,
    /// A day is not the sum of its hours, as far as those are there.
    is_between: bool,
}

/// Asks a copy of the store, so that the next collector finds it as the kill left it.
fn left_behind(folder: &Path, acknowledged: &[Report]) -> Left {
    let copy = tempfile::tempdir().unwrap();
    for file in ["ixpqos.sqlite", "ixpqos.sqlite-wal"] {
        if folder.join(file).exists() {
            fs::copy(folder.join(file), copy.path().join(file)).unwrap();
        }
    }
    let (hours, days) = expected(acknowledged);
    let found = cells_of(&open(&copy.path().join("ixpqos.sqlite")));
    let day_of = |cell: &StoredCell| (cell.series(), cell.time.floor(DAY));
    let summed: Vec<StoredCell> = found[0]
        .chunk_by(|a, b| day_of(a) == day_of(b))
        .map(|hours| {
            let ((series, day), cells) = (day_of(&hours[0]), hours.iter().map(|hour| &hour.cell));
            StoredCell::new(series, day, Cell::of_hours(cells).unwrap())
        })
        .collect();
    Left {
        is_behind: found != [hours, days],
        is_between: summed != found[1],
    }
}

/// The hours and the days of a store.
fn cells_of(store: &dyn Store) -> [Vec<StoredCell>; 2] {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    [Resolution::Hour, Resolution::Day].map(|resolution| runtime.block_on(stored(store, None, resolution)))
}

/// The cells are those that the reports make, bit by bit.
fn check(store: &dyn Store, reports: &[Report]) {
    let (hours, days) = expected(reports);
    for (found, expected) in cells_of(store).iter().zip([hours, days]) {
        assert!(40 < expected.len(), "{} cells", expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected);
        }
        assert_eq!(found.len(), expected.len());
    }
}
