//! Any report that a probe could send.

#![cfg(test)]

use std::net::IpAddr;
use std::time::Duration;

use collector::store::{Entry, LegacyValues, Report};
use ippm::{Family, Fate, IcmpError, Outcome, Packet, ProbeName, Rtt, Sample, TestName, UnixTime};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::reports::{measurement, name, report, run};
use super::rows::{legacy, marker};

/// Names of which some mean something to line protocol, CSV, Flux or SQL.
fn names() -> impl Strategy<Value = ProbeName> {
    "[a-z]{1,8}|[^\\p{Cc}/\\\\ ][^\\p{Cc}/\\\\]{0,12}[^\\p{Cc}/\\\\ .]"
        .prop_filter_map("a name", |text| text.parse().ok())
}

fn tests() -> impl Strategy<Value = TestName> {
    prop_oneof![
        Just(TestName::icmp()),
        "[a-z0-9][a-z0-9._-]{0,9}".prop_map(|text| text.parse().unwrap())
    ]
}

fn packet() -> impl Strategy<Value = Packet> {
    let returned = (
        option::of(0..5_000_000_000_u64),
        0..6_000_000_000_u64,
        option::of(any::<u8>()),
    )
        .prop_map(|(rtt, arrival, hop_limit)| Fate::Returned {
            rtt: rtt.map(Rtt::from_ns),
            arrival: Duration::from_nanos(arrival),
            hop_limit,
            dscp: None,
        });
    let fate = prop_oneof![
        6 => returned,
        2 => Just(Fate::Lost),
        1 => Just(Fate::Late),
        1 => Just(Fate::Unsent),
    ];
    let error = (any::<u8>(), any::<u8>(), any::<IpAddr>());
    (0..1800_u64, fate, 0..3_u32, option::weighted(0.1, error)).prop_map(
        |(second, fate, duplicates, error)| Packet {
            departure: Duration::from_secs(second),
            fate,
            duplicates,
            icmp_error: error.map(|(kind, code, from)| IcmpError {
                kind,
                code,
                from,
                mtu: None,
            }),
        },
    )
}

fn legacy_values() -> impl Strategy<Value = LegacyValues> {
    // Up to 26 days: float milliseconds, which the legacy-named fields are, hold every whole nanosecond of them.
    let ns = || option::of(-(1_i64 << 51)..1 << 51);
    (ns(), ns(), ns(), ns(), 0.0..=1.0).prop_map(|(min_ns, max_ns, avg_ns, stddev_ns, loss)| LegacyValues {
        min_ns,
        max_ns,
        avg_ns,
        stddev_ns,
        loss,
    })
}

/// Results before the round's start is known.
#[derive(Debug, Clone)]
enum Draft {
    Sample(ProbeName, Family, TestName, Vec<Packet>),
    Marker(ProbeName, String, Option<String>),
    Legacy(ProbeName, Option<LegacyValues>),
}

fn draft() -> impl Strategy<Value = Draft> {
    let family = prop_oneof![Just(Family::V4), Just(Family::V6)];
    prop_oneof![
        4 => (names(), family, tests(), vec(packet(), 1..20))
            .prop_map(|(target, family, test, packets)| Draft::Sample(target, family, test, packets)),
        1 => (names(), "[a-z0-9_-]{1,32}", option::of("(?s).{1,300}"))
            .prop_map(|(target, error, detail)| Draft::Marker(target, error, detail)),
        1 => (names(), option::of(legacy_values()))
            .prop_map(|(target, values)| Draft::Legacy(target, values)),
    ]
}

/// Reports of one source, all identities distinct, that begin within ten minutes from `start`.
pub(crate) fn reports(source: ProbeName, start: UnixTime) -> impl Strategy<Value = Vec<Report>> {
    let round = (0..600_000_000_000_u64, vec(draft(), 0..12));
    vec(round, 1..5).prop_map(move |mut rounds| {
        rounds.sort_by_key(|(offset, _)| *offset);
        rounds.dedup_by_key(|(offset, _)| *offset);
        let reports = rounds.into_iter().map(|(offset, drafts)| {
            let time = start.saturating_add(Duration::from_nanos(offset));
            report_of(&source, time, drafts)
        });
        reports.collect()
    })
}

fn report_of(source: &ProbeName, time: UnixTime, drafts: Vec<Draft>) -> Report {
    let is_legacy = drafts.iter().all(|draft| matches!(draft, Draft::Legacy(..)));
    let mut entries: Vec<Entry> = Vec::new();
    let mut keys = Vec::new();
    for draft in drafts {
        let entry = match draft {
            Draft::Sample(target, family, test, mut packets) => {
                packets.sort_by_key(|packet| packet.departure);
                let sample = Sample {
                    round_start: time,
                    packets,
                };
                match sample.summary() {
                    Some(summary) if summary.slices.len() <= 360 => {
                        Entry::Native(measurement(&target, family, &test, summary))
                    }
                    _ => continue,
                }
            }
            Draft::Marker(target, error, detail) => marker(&target, &error, detail.as_deref()),
            Draft::Legacy(target, values) => legacy(&target, values),
        };
        let key = key_of(&entry);
        if !keys.contains(&key) {
            keys.push(key);
            entries.push(entry);
        }
    }
    let mut report = report(source, time, entries);
    if is_legacy {
        report.run = collector::store::ledger::ProbeRun {
            origin: "legacy".parse().unwrap(),
            native: None,
            ..run(&name(source.as_str()), time, report.entries.len())
        };
    }
    report
}

fn key_of(entry: &Entry) -> (ProbeName, Family, TestName, bool) {
    match entry {
        Entry::Native(of) => {
            let is_measured = matches!(of.outcome, Outcome::Measured(_));
            (of.target.clone(), of.family, of.test.clone(), is_measured)
        }
        Entry::Legacy(of) => (
            of.target.clone(),
            of.family,
            TestName::icmp(),
            of.values.is_some(),
        ),
    }
}
