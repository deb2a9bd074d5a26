//! What was acknowledged survives: a hundred kills, restarts, reloads and full disks under load.
//!
//! Every acknowledged result must read back equal field by field, none twice; a report that was not
//! acknowledged may be there, wholly or in part, but no result of it twice and none altered.

#![cfg(test)]

#[path = "durability/collector.rs"]
mod collector_process;
#[path = "support/influxd.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod influxd;
#[path = "durability/load.rs"]
mod load;
#[path = "support/nginx.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod nginx;
#[path = "support/posted.rs"]
mod posted;
#[path = "durability/proxy.rs"]
mod proxy;
#[path = "support/reports.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod reports;
#[path = "support/rows.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod rows;
#[path = "durability/tmpfs.rs"]
mod tmpfs;

use std::fs;
use std::time::Duration;

use collector::store::Store;
use collector::store::embedded::{Embedded, Options};
use collector::store::influx::{self, Influx};
use collector::store::query::RowQuery;
use collector::store::row::{Parts, Row};
use ippm::{Family, UnixTime};

use crate::collector_process::Collector;
use crate::influxd::Influxd;
use crate::load::{Load, Posted};
use crate::nginx::Nginx;
use crate::proxy::{Fault, Proxy};
use crate::rows::rows_of;
use crate::tmpfs::SmallDisk;

/// Bucket of the results.
const BUCKET: &str = "kept";

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    KillCollector,
    RestartCollector,
    ReloadNginx,
    FillDisk,
    KillInflux,
    RestartBoth,
    /// The store has written, the collector dies before it hears of it.
    KillAfterWrite,
    /// The store has written the first lines of a batch, then the collector dies.
    KillInsideBatch,
}

#[test]
fn the_embedded_store_keeps_what_was_acknowledged_through_forty_blows() {
    let Some(disk) = SmallDisk::mount("24m") else {
        return;
    };
    let mut collector = Collector::configure("[store]\nbackend = \"embedded\"\n", disk.path(), load::SOURCES);
    let Some(nginx) = Nginx::start(&[collector.address()]) else {
        return;
    };
    collector.start();
    let load = Load::start(nginx.https, &nginx.certificate(), |source| collector.key(source));
    let blows = [
        (Blow::KillCollector, 22),
        (Blow::RestartCollector, 6),
        (Blow::ReloadNginx, 6),
        (Blow::FillDisk, 6),
    ];
    for blow in mixed(&blows) {
        load.until_more_is_acknowledged();
        match blow {
            Blow::RestartCollector => collector.restart(),
            Blow::ReloadNginx => nginx.reload(),
            Blow::FillDisk => {
                let filler = disk.fill();
                load.until_more_is_refused();
                drop(filler);
            }
            _ => collector.kill_and_start(),
        }
    }
    load.until_more_is_acknowledged();
    let posted = load.stop();
    collector.stop();
    let store = Embedded::open(&Options {
        path: disk.path().join("ixpqos.sqlite"),
        legacy_family: Family::V4,
    })
    .unwrap();
    check(&store, &posted);
}

#[test]
fn influxdb_keeps_what_was_acknowledged_through_sixty_blows() {
    let Some(mut influxd) = Influxd::start() else {
        return;
    };
    let proxy = Proxy::start(influxd.address());
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("token"), Influxd::TOKEN).unwrap();
    let settings = format!(
        "[store]\nbackend = \"influx\"\n[store.influx]\nurl = \"http://{}\"\norg = \"{}\"\nbucket = \"{BUCKET}\"\ntoken_file = \"token\"\n",
        proxy.address(),
        Influxd::ORG,
    );
    let mut collector = Collector::configure(&settings, folder.path(), load::SOURCES);
    collector.run(&["setup"]);
    let Some(nginx) = Nginx::start(&[collector.address()]) else {
        return;
    };
    collector.start();
    let load = Load::start(nginx.https, &nginx.certificate(), |source| collector.key(source));
    let blows = [
        (Blow::KillAfterWrite, 17),
        (Blow::KillInsideBatch, 17),
        (Blow::KillCollector, 8),
        (Blow::KillInflux, 10),
        (Blow::RestartBoth, 4),
        (Blow::ReloadNginx, 4),
    ];
    for blow in mixed(&blows) {
        load.until_more_is_acknowledged();
        match blow {
            Blow::KillAfterWrite => proxy.strike(Fault::AfterWrite, &mut collector),
            Blow::KillInsideBatch => proxy.strike(Fault::InsideBatch, &mut collector),
            Blow::KillInflux => {
                influxd.kill();
                influxd.start_again();
            }
            Blow::RestartBoth => {
                influxd.stop();
                influxd.start_again();
                collector.restart();
            }
            Blow::ReloadNginx => nginx.reload(),
            _ => collector.kill_and_start(),
        }
    }
    load.until_more_is_acknowledged();
    let posted = load.stop();
    collector.stop();
    check(&open_influx(&influxd), &posted);
}

/// A store of the test's own, past the proxy.
fn open_influx(influxd: &Influxd) -> Influx {
    Influx::new(&influx::Options {
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
    })
    .unwrap()
}

/// Every blow as often as its number says, the kinds taking turns as long as they last.
fn mixed(blows: &[(Blow, usize)]) -> Vec<Blow> {
    let most = blows.iter().map(|(_, number)| *number).max().unwrap_or(0);
    (0..most)
        .flat_map(|turn| {
            blows
                .iter()
                .filter(move |(_, number)| turn < *number)
                .map(|(blow, _)| *blow)
        })
        .collect()
}

/// Reads everything back and compares it with what was posted.
fn check(store: &dyn Store, posted: &Posted) {
    assert!(
        posted.acknowledged.len() > 100,
        "the load went on: {}",
        posted.acknowledged.len()
    );
    let stored = read_all(store);
    let must = rows_of(&posted.acknowledged);
    let may = rows_of(&posted.open);
    let mut required = must.iter().peekable();
    let mut previous: Option<&Row> = None;
    for row in &stored {
        assert_ne!(previous.map(identity), Some(identity(row)), "stored twice");
        previous = Some(row);
        if required
            .next_if(|next| identity(next) == identity(row))
            .is_some_and(|next| next == row)
        {
            continue;
        }
        assert!(
            may.contains(row),
            "neither acknowledged nor posted like this: {row:?}"
        );
    }
    assert_eq!(required.next(), None, "acknowledged, and not stored");
    println!(
        "{} reports acknowledged, {} open; {} results stored, {} of them of open reports",
        posted.acknowledged.len(),
        posted.open.len(),
        stored.len(),
        stored.len() - must.len()
    );
}

fn identity(row: &Row) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        row.source.clone(),
        row.target.clone(),
        row.family,
        row.test.clone(),
        row.time,
    )
}

fn read_all(store: &dyn Store) -> Vec<Row> {
    let query = RowQuery {
        source: None,
        target: None,
        family: None,
        test: None,
        from: load::start(),
        to: UnixTime::from_ns(i64::MAX),
        parts: Parts::ALL,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async { store.rows(query).collect().await.unwrap() })
}
