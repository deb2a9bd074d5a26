//! A mesh of six probes, from its two files to the store: exactly what is wanted is measured, and what was expected
//! is computed from the store afterwards.
//!
//! Rounds are those of a quarter of an hour. Packets, replies and requests are real; only the wall clock is told to
//! the collector and to the probes, and goes on to the next minute as soon as every probe has ended its round.

#![cfg(test)]

#[path = "mesh/collector.rs"]
mod collector_here;
#[path = "mesh/lab.rs"]
mod lab;
#[path = "simulation/namespace.rs"]
mod namespace;
#[path = "mesh/wanted.rs"]
mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use collector::plan::history::History;
use collector::store::Store;
use collector::store::ledger::ProbeRun;
use collector::store::query::RowQuery;
use collector::store::row::{Parts, Row};
use ippm::{Family, UnixTime, wire};

use crate::collector_here::{Collector, TestClock, key_file, key_of, runtime};
use crate::lab::Lab;
use crate::wanted::{CONFIGURATION, ICMP, OPEN, OVERRIDE, PROBES, SLOW, TRANSLATED, roster, schedule};

const MINUTE: Duration = Duration::from_mins(1);
const FIVE_MINUTES: Duration = Duration::from_mins(5);
/// Three slots of the longer period.
const ROUNDS: u32 = 15;
/// How long after the minute the probes are started.
const STARTED_AFTER: Duration = Duration::from_millis(300);

/// Source, target, family, test, and the start of the slot.
type Slot = (String, String, Family, String, UnixTime);

#[test]
fn six_probes_bring_exactly_what_is_wanted_and_the_store_tells_what_that_was() {
    let Some(lab) = Lab::new(OPEN, TRANSLATED) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in [
        ("probes.json", roster().to_string()),
        ("schedule.json", schedule().to_string()),
        ("keys.toml", key_file(&PROBES)),
        ("collector.toml", CONFIGURATION.to_owned()),
    ] {
        fs::write(folder.path().join(file), text).unwrap();
    }
    let (start, end) = (start(), start().saturating_add(MINUTE * ROUNDS));
    let clock = TestClock::at(start.saturating_sub(MINUTE));
    let collector = Collector::start(folder.path(), lab.listen(), &clock);
    until_planned(&*collector.store, start);
    let url = format!("http://{}/", collector.address);
    for round in 0..ROUNDS {
        clock.set(start.saturating_add(MINUTE * round + STARTED_AFTER));
        run_round(&lab, &url, &clock);
    }
    let store = collector.stop();

    let rows = runtime().block_on(async { store.rows(everything(start, end)).collect().await.unwrap() });
    let wanted = wanted(start);
    let stored: BTreeSet<Slot> = rows.iter().map(slot_of).collect();
    assert_same("the store", &stored, "the files", &wanted);
    assert_eq!(rows.len(), stored.len(), "each result once");
    rows.iter().for_each(check_row);
    check_roles(&rows, &runs(&*store, start, end));

    let history = runtime().block_on(store.plan_versions(None, end)).unwrap();
    let history = History::new(history).unwrap();
    let mut expected = Vec::new();
    for part in history.expected(start, end, &|_| true) {
        let pair = part.expectation.pair();
        expected.extend(part.slots.iter().map(|slot| {
            let names = (pair.source.to_string(), pair.target.to_string());
            (names.0, names.1, pair.family, pair.test.to_string(), slot)
        }));
    }
    let number = expected.len();
    let expected: BTreeSet<Slot> = expected.into_iter().collect();
    assert_same("the ledger", &expected, "the store", &stored);
    assert_eq!(number, expected.len(), "each slot once");
}

/// Where slots of both periods begin.
fn start() -> UnixTime {
    let start = wire::time::parse("2026-11-21T10:00:00Z").unwrap();
    assert_eq!(start.floor(FIVE_MINUTES), start);
    start
}

/// Waits until the plans of all entries of the roster lie in the ledger.
fn until_planned(store: &dyn Store, before: UnixTime) {
    runtime().block_on(async {
        for _ in 0..3000 {
            if store.plan_versions(None, before).await.unwrap().len() == OPEN.len() + 1 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the plans are not recorded within half a minute");
    });
}

/// One round of all probes at the same time, each in its namespace.
fn run_round(lab: &Lab, url: &str, clock: &TestClock) {
    let started = clock.of_round();
    std::thread::scope(|scope| {
        for name in PROBES {
            let arguments = ["xprobe", "-n", name, "-r", url].map(OsString::from);
            let host = lab.host(name);
            scope.spawn(move || {
                let ended = host.run(move || xprobe::run(arguments, Some(key_of(name).into()), started));
                assert!(ended.is_ok(), "{name}: {ended:?}");
            });
        }
    });
}

/// What the files want in every slot, from the tables that were made by hand.
fn wanted(start: UnixTime) -> BTreeSet<Slot> {
    let mut wanted = BTreeSet::new();
    for (test, table, every) in [("icmp", ICMP, 1), ("slow", SLOW, 5)] {
        for (source, v4, v6) in table {
            let v4 = v4.iter().map(|target| (*target, Family::V4));
            let v6 = v6.iter().map(|target| (*target, Family::V6));
            for (target, family) in v4.chain(v6) {
                wanted.extend((0..ROUNDS).step_by(every).map(|round| {
                    let slot = start.saturating_add(MINUTE * round);
                    let (source, target) = ((*source).to_owned(), target.to_owned());
                    (source, target, family, test.to_owned(), slot)
                }));
            }
        }
    }
    // 21 pairs over IPv4 and 14 over IPv6 in 15 slots, and 3 in each third of them.
    assert_eq!(wanted.len(), 35 * 15 + 3 * 3);
    wanted
}

/// The slot of a row: its time by its own period.
fn slot_of(row: &Row) -> Slot {
    let (source, target) = (row.source.to_string(), row.target.to_string());
    let slot = row.time.floor(row.period.unwrap());
    (source, target, row.family, row.test.to_string(), slot)
}

/// It was measured at the address that this observer uses, by the period of its test, and answered.
#[track_caller]
fn check_row(row: &Row) {
    let (source, target, test) = (row.source.as_str(), row.target.as_str(), row.test.as_str());
    let counts = row.counts.filter(|_| row.measured);
    assert!(
        counts.is_some_and(|counts| counts.sent == 2 && counts.received > 0),
        "{row:?}"
    );
    let addresses = OPEN.iter().find(|(name, _)| *name == target).unwrap().1;
    let own = |family| {
        let mut addresses = addresses.iter().map(|address| address.parse::<IpAddr>().unwrap());
        addresses.find(|address| Family::of(*address) == family)
    };
    let address = match (source, target, row.family) {
        ("ams1", "lon1", Family::V4) => Some(OVERRIDE.parse().unwrap()),
        (_, _, family) => own(family),
    };
    assert_eq!(row.meta.as_ref().unwrap().address, address, "{row:?}");
    let period = if test == "slow" { FIVE_MINUTES } else { MINUTE };
    assert_eq!(row.period, Some(period), "{row:?}");
}

/// Who measures and who is measured; each probe reported every round.
fn check_roles(rows: &[Row], runs: &[ProbeRun]) {
    let sources: BTreeSet<&str> = rows.iter().map(|row| row.source.as_str()).collect();
    let targets: BTreeSet<&str> = rows.iter().map(|row| row.target.as_str()).collect();
    assert_eq!(sources, PROBES.into(), "the device measures nobody");
    assert!(targets.contains("rtr1"), "the device is measured");
    assert!(!targets.contains(TRANSLATED), "nobody reaches behind the gateway");
    let mut reports: BTreeMap<&str, u32> = BTreeMap::new();
    for run in runs {
        *reports.entry(run.source.as_str()).or_default() += 1;
    }
    assert_eq!(reports, PROBES.map(|name| (name, ROUNDS)).into());
    let is_between = |row: &Row, one: &str, other: &str| {
        let ends = (row.source.as_str(), row.target.as_str());
        ends == (one, other) || ends == (other, one)
    };
    assert!(
        !rows.iter().any(|row| is_between(row, "ams1", "fra1")),
        "excluded in both directions"
    );
    assert!(
        rows.iter().any(|row| is_between(row, "lon1", "vie1")),
        "one group excludes them, the other does not"
    );
}

/// Which rows: all, with what is looked at here.
fn everything(from: UnixTime, to: UnixTime) -> RowQuery {
    RowQuery {
        source: None,
        target: None,
        family: None,
        test: None,
        from,
        to,
        parts: Parts {
            counts: true,
            meta: true,
            ..Parts::NONE
        },
    }
}

fn runs(store: &dyn Store, from: UnixTime, to: UnixTime) -> Vec<ProbeRun> {
    runtime().block_on(store.probe_runs(None, from, to)).unwrap()
}

#[track_caller]
fn assert_same(one: &str, ones: &BTreeSet<Slot>, other: &str, others: &BTreeSet<Slot>) {
    let more: Vec<&Slot> = ones.difference(others).collect();
    let less: Vec<&Slot> = others.difference(ones).collect();
    assert!(
        more.is_empty() && less.is_empty(),
        "only in {one}: {more:?}\nonly in {other}: {less:?}"
    );
}
