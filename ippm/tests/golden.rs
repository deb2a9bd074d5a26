#![cfg(test)]
//! The JSON of every version that was ever shipped: what we write stays as it is, and what was written
//! once can still be read.

use std::fs;
use std::path::Path;
use std::time::Duration;

use ippm::plan::{Plan, Target, Test, default_params};
use ippm::roster::{Entry, Roster};
use ippm::wire::answer::{LegacyStoredV1, RejectedV1, StoredV1};
use ippm::wire::error::ErrorV1;
use ippm::wire::legacy::post::{LegacyItemValues, ReceivedPost};
use ippm::wire::legacy::{self, ProbeResultV1, ProbeResultsV1};
use ippm::wire::plan::{LimitsV1, PlanV1};
use ippm::wire::report::envelope::ReceivedReport;
use ippm::wire::report::{PlanRefV1, ProbeV1, ReportV1, ResultV1};
use ippm::wire::roster::legacy::ProbeListV1;
use ippm::{
    Family, Fate, IcmpError, Measured, Measurement, Outcome, Packet, Rtt, Sample, TestName, UnixTime, Word,
};
use serde::Serialize;

/// 2026-11-21T10:05:00.123456789Z.
const ROUND_START: UnixTime = UnixTime::from_ns(1_795_255_500_123_456_789);
const FIVE_MINUTES: Duration = Duration::from_mins(5);

fn golden(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/golden")
        .join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Keys, their order, numbers and what is left out: everything of `value` is as in `file`.
#[track_caller]
fn check_written(file: &str, value: &impl Serialize) {
    let written = serde_json::to_string_pretty(value).unwrap() + "\n";
    assert_eq!(written, golden(file), "{file}");
}

#[test]
fn a_report_of_schema_1_is_written_as_ever() {
    check_written("report_v1.json", &report());
}

#[test]
fn a_report_of_schema_1_is_read_as_ever() {
    let received = ReceivedReport::parse(golden("report_v1.json").as_bytes()).unwrap();
    let results: Vec<Measurement> = received.results.into_iter().map(Result::unwrap).collect();
    assert_eq!(results, measurements());
    assert_eq!(received.source, "ams1");
    assert_eq!(received.round_start, ROUND_START);
    assert_eq!(received.duration, Duration::from_millis(284_104));
    assert_eq!(received.plan_version, "9f2c41d07b1e55aa");
    assert_eq!(received.plan_origin, word("fetched"));
    assert_eq!(received.engine, word("icmp-datagram"));
    assert_eq!(
        (received.cut_short, received.suspect),
        (None, vec![word("clock")])
    );
    assert_eq!(received.probe, report().probe);
    assert_eq!(received.ignored, [""; 0]);
}

#[test]
fn a_report_with_every_optional_field_is_written_and_read_as_ever() {
    let mut report = report();
    report.probe = ProbeV1 {
        send_lag_p50_ns: Some(21_000),
        send_lag_max_ns: Some(1_204_000),
        cpu_steal_ppm: Some(1_200),
        cpu_own_ns: Some(84_000_000),
        clock_error_ns: Some(1_904_000),
        clock_frequency_ppb: Some(-12_345),
        interface_errors: Some(0),
        interface_drops: Some(2),
        neighbors_unresolved: Some(1),
        neighbor_overflows: Some(0),
        neighbor_limit: Some(1024),
        icmp_ratelimit_ms: Some(1000),
        icmp_msgs_per_s: Some(10_000),
        icmp_rate_limited: Some(0),
        unsent_errors: vec![("enobufs".to_owned(), 1), ("eperm".to_owned(), 2)],
        ..report.probe
    };
    check_written("report_v1_all.json", &report);
    let received = ReceivedReport::parse(golden("report_v1_all.json").as_bytes()).unwrap();
    assert_eq!(received.probe, report.probe);
    assert_eq!(received.unsent_errors, [(word("enobufs"), 1), (word("eperm"), 2)]);
    assert_eq!(received.ignored, [""; 0]);
}

#[test]
fn a_plan_of_schema_1_is_written_and_read_as_ever() {
    let limits = LimitsV1 {
        pps: 2000,
        pps_per_target: 50,
    };
    let plan = PlanV1::new("ams1", &plan(), limits, |_| true);
    check_written("plan_v1.json", &plan);
    let read: PlanV1 = serde_json::from_str(&golden("plan_v1.json")).unwrap();
    assert_eq!(read, plan);
}

#[test]
fn the_legacy_list_is_written_and_read_as_ever() {
    check_written("legacy_list.json", &ProbeListV1::new(&roster(), false));
    check_written("legacy_list_all.json", &ProbeListV1::new(&roster(), true));
    let read: legacy::ProbeListV1 = serde_json::from_str(&golden("legacy_list.json")).unwrap();
    assert_eq!(read.probes.len(), 1);
    assert_eq!(
        (
            read.probes[0].name.as_str(),
            read.probes[0].proto,
            read.probes[0].address.as_str()
        ),
        ("lon1", 4, "192.0.2.10")
    );
}

#[test]
fn a_legacy_post_is_written_and_read_as_ever() {
    let all_lost = ProbeResultV1 {
        name: "fra1".to_owned(),
        proto: 4,
        address: "192.0.2.20".to_owned(),
        pinged: false,
        ping_min: None,
        ping_max: None,
        ping_avg: None,
        ping_jitter: None,
        ping_loss: Some(1.0),
    };
    let measured = ProbeResultV1 {
        name: "lon1".to_owned(),
        address: "192.0.2.10".to_owned(),
        pinged: true,
        ping_min: Some(1.0),
        ping_max: Some(4.0),
        ping_avg: Some(2.5),
        ping_jitter: Some(1.118_033_988_749_895),
        ping_loss: Some(0.0),
        ..all_lost.clone()
    };
    let post = ProbeResultsV1 {
        source: "ams1".to_owned(),
        probes: vec![measured, all_lost],
    };
    check_written("legacy_post.json", &post);

    let read = ReceivedPost::parse(golden("legacy_post.json").as_bytes()).unwrap();
    assert_eq!(read.source.as_deref(), Some("ams1"));
    let values: Vec<_> = read.items.into_iter().map(|item| item.unwrap().values).collect();
    assert_eq!(
        values,
        [
            Some(LegacyItemValues {
                min_ns: Some(1_000_000),
                max_ns: Some(4_000_000),
                avg_ns: Some(2_500_000),
                stddev_ns: Some(1_118_034),
                loss: 0.0,
            }),
            Some(LegacyItemValues {
                min_ns: None,
                max_ns: None,
                avg_ns: None,
                stddev_ns: None,
                loss: 1.0,
            }),
        ]
    );
}

#[test]
fn answers_are_written_as_ever() {
    let rejected = || {
        vec![RejectedV1 {
            index: 1,
            code: "bad_name".to_owned(),
            error: "probe name contains '/', which is not allowed in a name".to_owned(),
        }]
    };
    check_written(
        "stored_v1.json",
        &StoredV1::new(1, rejected(), vec!["results[].foo".to_owned()]),
    );
    check_written("legacy_stored.json", &LegacyStoredV1::new(2, Vec::new()));
    check_written("legacy_stored_in_part.json", &LegacyStoredV1::new(1, rejected()));
    check_written(
        "error_v1.json",
        &ErrorV1 {
            error: "schema 2 is not supported, only 1".to_owned(),
            code: Some("schema_unsupported".to_owned()),
        },
    );
}

fn report() -> ReportV1 {
    ReportV1 {
        schema: 1,
        source: "ams1".to_owned(),
        round_start: "2026-11-21T10:05:00.123456789Z".to_owned(),
        duration_ns: 284_104_000_000,
        plan: PlanRefV1 {
            version: "9f2c41d07b1e55aa".to_owned(),
            origin: "fetched".to_owned(),
        },
        cut_short: None,
        probe: ProbeV1 {
            version: "1.0.0".to_owned(),
            engine: "icmp-datagram".to_owned(),
            clock_offset_ns: Some(-812_000),
            clock_synchronised: Some(true),
            collector_offset_ns: Some(120_000_000),
            send_lag_p99_ns: Some(84_000),
            receive_drops: 0,
            stamps_missing: 1,
            stamps_discarded: 0,
            clock_steps: 0,
            send_lag_p50_ns: None,
            send_lag_max_ns: None,
            cpu_steal_ppm: None,
            cpu_own_ns: None,
            clock_error_ns: None,
            clock_frequency_ppb: None,
            interface_errors: None,
            interface_drops: None,
            neighbors_unresolved: None,
            neighbor_overflows: None,
            neighbor_limit: None,
            icmp_ratelimit_ms: None,
            icmp_msgs_per_s: None,
            icmp_rate_limited: None,
            unsent_errors: Vec::new(),
            suspect: vec!["clock".to_owned()],
        },
        results: measurements().iter().map(ResultV1::new).collect(),
    }
}

/// One with everything, one without a reply, and one that could not be measured.
fn measurements() -> Vec<Measurement> {
    let measurement = |target: &str, family, outcome| Measurement {
        test: TestName::icmp(),
        kind: word("icmp"),
        target: target.parse().unwrap(),
        family,
        period: FIVE_MINUTES,
        outcome,
    };
    let measured = |address: &str, packets: Vec<Packet>| {
        let summary = Sample {
            round_start: ROUND_START,
            packets,
        }
        .summary()
        .unwrap();
        Outcome::Measured(Box::new(Measured {
            address: address.parse().unwrap(),
            params: default_params(FIVE_MINUTES),
            clock: summary.delay.as_ref().map(|_| word("kernel")),
            summary,
        }))
    };
    vec![
        measurement("lon1", Family::V4, measured("192.0.2.10", packets())),
        measurement(
            "par1",
            Family::V6,
            measured("2001:db8::10", vec![packet(0, Fate::Lost)]),
        ),
        measurement(
            "fra1",
            Family::V6,
            Outcome::Unmeasured {
                error: word("resolve"),
                detail: Some("fra1.example: no such host".to_owned()),
            },
        ),
    ]
}

/// Of every fate one.
fn packets() -> Vec<Packet> {
    let returned = |second: u64, rtt_ns: Option<u64>| {
        let fate = Fate::Returned {
            rtt: rtt_ns.map(Rtt::from_ns),
            arrival: Duration::from_secs(second) + Duration::from_nanos(rtt_ns.unwrap_or(800_000)),
            hop_limit: Some(64),
            dscp: None,
        };
        packet(second, fate)
    };
    let unreachable = IcmpError {
        kind: 3,
        code: 1,
        from: "192.0.2.1".parse().unwrap(),
        mtu: None,
    };
    vec![
        returned(0, Some(812_345)),
        Packet {
            duplicates: 2,
            ..returned(5, Some(841_002))
        },
        Packet {
            icmp_error: Some(unreachable),
            ..packet(10, Fate::Lost)
        },
        packet(15, Fate::Late),
        packet(16, Fate::Unsent),
        returned(20, None),
        returned(25, Some(903_221)),
    ]
}

fn packet(second: u64, fate: Fate) -> Packet {
    Packet {
        departure: Duration::from_secs(second),
        fate,
        duplicates: 0,
        icmp_error: None,
    }
}

fn plan() -> Plan {
    let target = |name: &str, family, address: &str| Target {
        name: name.parse().unwrap(),
        family,
        address: address.to_owned(),
    };
    let test = Test {
        name: TestName::icmp(),
        kind: word("icmp"),
        period: FIVE_MINUTES,
        params: default_params(FIVE_MINUTES),
        windows: Vec::new(),
        targets: vec![
            target("lon1", Family::V4, "192.0.2.10"),
            target("fra1", Family::V6, "fra1.example"),
        ],
    };
    let nightly = Test {
        name: "icmp-ef".parse().unwrap(),
        windows: vec!["mon-fri 01:00-05:00 Europe/Rome".to_owned()],
        targets: vec![target("lon1", Family::V4, "192.0.2.10")],
        ..test.clone()
    };
    Plan {
        period: FIVE_MINUTES,
        legacy: false,
        tests: vec![test, nightly],
    }
}

fn roster() -> Roster {
    let entry = |family, address: &str| Entry {
        name: "lon1".parse().unwrap(),
        family,
        address: address.parse().unwrap(),
        site: Some("LON".to_owned()),
        description: None,
        legacy: false,
    };
    Roster::new(vec![
        entry(Family::V4, "192.0.2.10"),
        entry(Family::V6, "2001:db8::10"),
    ])
    .unwrap()
}

fn word(text: &str) -> Word {
    text.parse().unwrap()
}
