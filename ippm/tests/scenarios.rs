#![cfg(test)]
//! Small samples whose statistics were derived by hand, in the comments of their files.
//!
//! `packets` lists what became of each packet, in sending order: a delay in milliseconds, `1*3` for one with
//! three replies, `-` for a lost one, `late` for a reply after the waiting time, `?` for a reply without a
//! stamp, `unsent`, or an ICMP error as `type/code@address`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use ippm::codec::icmp_errors;
use ippm::wire::time;
use ippm::{Delay, Fate, IcmpError, IpdvSummary, Packet, Rtt, Sample, Slices, Summary};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    packets: String,
    #[serde(default = "round_start")]
    start: String,
    #[serde(default = "one_second")]
    interval_ms: u64,
    /// Absent if nothing was measured.
    expected: Option<Expected>,
}

fn round_start() -> String {
    "2026-11-21T10:05:00Z".to_owned()
}

const fn one_second() -> u64 {
    1000
}

/// What is said about the sample; an absent part has to be absent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    sent: u64,
    received: u64,
    #[serde(default)]
    late: u64,
    #[serde(default)]
    duplicates: u64,
    #[serde(default)]
    reordered: u64,
    #[serde(default)]
    unsent: u64,
    loss_ratio: f64,
    loss_runs: Vec<(u64, u64)>,
    #[serde(default)]
    icmp_errors: String,
    /// Looked at only if it is there.
    slices: Option<ExpectedSlices>,
    rtt: Option<ExpectedRtt>,
    ipdv: Option<ExpectedIpdv>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedSlices {
    start: String,
    sent: Vec<u64>,
    lost: Vec<u64>,
    rtt_count: Vec<u64>,
    rtt_sum_ns: Vec<u64>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedRtt {
    count: u64,
    min_ns: u64,
    max_ns: u64,
    mean_ns: u64,
    m2_ns2: f64,
    stddev_ns: u64,
    p50_ns: u64,
    p95_ns: u64,
    p99_ns: u64,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedIpdv {
    pairs: u64,
    abs_sum_ns: u64,
    smoothed_ns: u64,
}

#[track_caller]
fn check(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/scenarios")
        .join(name)
        .with_extension("toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let scenario: Scenario = toml::from_str(&text).unwrap();
    let interval = Duration::from_millis(scenario.interval_ms);
    let packets = scenario.packets.split_whitespace().zip(0..);
    let sample = Sample {
        round_start: time::parse(&scenario.start).unwrap(),
        packets: packets
            .map(|(text, index)| packet(text, interval * index))
            .collect(),
    };
    match (sample.summary(), scenario.expected) {
        (Some(summary), Some(expected)) => check_summary(name, &summary, &expected),
        (None, None) => {}
        (found, _) => panic!("{name}: {found:?}"),
    }
}

#[track_caller]
fn check_summary(name: &str, summary: &Summary, expected: &Expected) {
    let counts = [
        summary.sent,
        summary.received,
        summary.late,
        summary.duplicates,
        summary.reordered,
        summary.unsent,
    ];
    let expected_counts = [
        expected.sent,
        expected.received,
        expected.late,
        expected.duplicates,
        expected.reordered,
        expected.unsent,
    ];
    assert_eq!(counts, expected_counts, "{name}");
    let loss_ratio = summary.loss_ratio().unwrap().get();
    assert_eq!(loss_ratio.to_bits(), expected.loss_ratio.to_bits(), "{name}");
    assert_eq!(summary.loss_runs, expected.loss_runs, "{name}");
    assert_eq!(
        icmp_errors::encode(&summary.icmp_errors),
        expected.icmp_errors,
        "{name}"
    );
    assert_eq!(summary.delay.as_ref().map(rtt), expected.rtt, "{name}");
    assert_eq!(summary.ipdv.as_ref().map(ipdv), expected.ipdv, "{name}");
    if let Some(slices) = &expected.slices {
        let expected = Slices {
            start: time::parse(&slices.start).unwrap(),
            sent: slices.sent.clone(),
            lost: slices.lost.clone(),
            rtt_count: slices.rtt_count.clone(),
            rtt_sum_ns: slices.rtt_sum_ns.clone(),
        };
        assert_eq!(summary.slices, expected, "{name}");
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a standard deviation of seconds in whole nanoseconds"
)]
fn rtt(delay: &Delay) -> ExpectedRtt {
    ExpectedRtt {
        count: delay.count,
        min_ns: delay.min.as_ns(),
        max_ns: delay.max.as_ns(),
        mean_ns: delay.mean_ns(),
        m2_ns2: delay.m2_ns2,
        stddev_ns: delay.stddev_ns().round() as u64,
        p50_ns: delay.p50.as_ns(),
        p95_ns: delay.p95.as_ns(),
        p99_ns: delay.p99.as_ns(),
    }
}

fn ipdv(ipdv: &IpdvSummary) -> ExpectedIpdv {
    ExpectedIpdv {
        pairs: ipdv.pairs,
        abs_sum_ns: ipdv.abs_sum_ns,
        smoothed_ns: ipdv.smoothed_ns,
    }
}

fn packet(text: &str, departure: Duration) -> Packet {
    let (text, replies) = match text.split_once('*') {
        Some((text, replies)) => (text, replies.parse().unwrap()),
        None => (text, 1_u32),
    };
    let returned = |rtt: Option<Rtt>| Fate::Returned {
        rtt,
        arrival: departure + Duration::from_nanos(rtt.map_or(0, Rtt::as_ns)),
        hop_limit: None,
        dscp: None,
    };
    let icmp_error = text.split_once('@').map(|(cause, from)| {
        let (kind, code) = cause.split_once('/').unwrap();
        IcmpError {
            kind: kind.parse().unwrap(),
            code: code.parse().unwrap(),
            from: from.parse().unwrap(),
            mtu: None,
        }
    });
    let fate = match text {
        _ if icmp_error.is_some() => Fate::Lost,
        "-" => Fate::Lost,
        "late" => Fate::Late,
        "unsent" => Fate::Unsent,
        "?" => returned(None),
        delay => {
            let ms: f64 = delay.parse().unwrap();
            returned(Some(Rtt::from(Duration::try_from_secs_f64(ms / 1e3).unwrap())))
        }
    };
    Packet {
        departure,
        fate,
        duplicates: replies - 1,
        icmp_error,
    }
}

#[test]
fn statistics_without_loss() {
    check("four");
    check("smoothing");
}

#[test]
fn a_lost_packet_counts_and_leaves_the_delays_of_the_others_intact() {
    check("gap");
    check("first_packet_lost");
    check("bursts");
}

#[test]
fn total_loss_has_no_delay() {
    check("dead");
}

#[test]
fn a_reply_after_the_waiting_time_counts_as_lost_and_late() {
    check("late_reply");
}

#[test]
fn duplicates_and_overtaking_change_no_delay() {
    check("duplicates");
    check("overtaken");
}

#[test]
fn an_icmp_error_is_kept_with_who_sent_it() {
    check("unreachable");
}

/// A collector rejects a result with more, and whoever answers each packet from another invented address
/// must not be able to make that happen.
#[test]
fn of_more_icmp_errors_than_a_report_may_hold_the_most_frequent_are_kept() {
    let answered = |last: u8| Packet {
        departure: Duration::from_secs(u64::from(last)),
        fate: Fate::Lost,
        duplicates: 0,
        icmp_error: Some(IcmpError {
            kind: 3,
            code: 1,
            from: [192, 0, 2, last].into(),
            mtu: None,
        }),
    };
    let sample = Sample {
        round_start: time::parse(&round_start()).unwrap(),
        packets: (0..100).chain([99, 99]).map(answered).collect(),
    };
    let errors = sample.summary().unwrap().icmp_errors;
    assert_eq!(errors.len(), 64);
    assert_eq!(
        (errors[0].from, errors[62].from),
        ([192, 0, 2, 0].into(), [192, 0, 2, 62].into())
    );
    assert_eq!((errors[63].from, errors[63].count), ([192, 0, 2, 99].into(), 3));
}

#[test]
fn a_packet_that_never_left_is_not_lost() {
    check("unsent");
    check("nothing_sent");
}

#[test]
fn a_reply_without_a_stamp_is_received_without_a_delay() {
    check("stamp_missing");
}

#[test]
fn slices_begin_on_the_ten_seconds_of_utc() {
    check("slices");
}

#[test]
fn code_points_are_those_of_first_replies_and_the_smallest_mtu_that_was_named_is_kept() {
    let returned = |dscp| Fate::Returned {
        rtt: None,
        arrival: Duration::from_secs(1),
        hop_limit: None,
        dscp,
    };
    let packet = |fate, mtu: Option<Option<u32>>| Packet {
        departure: Duration::ZERO,
        fate,
        duplicates: 0,
        icmp_error: mtu.map(|mtu| IcmpError {
            kind: 3,
            code: 4,
            from: [192, 0, 2, 254].into(),
            mtu,
        }),
    };
    let sample = Sample {
        round_start: time::parse(&round_start()).unwrap(),
        packets: vec![
            packet(returned(Some(46)), None),
            packet(returned(Some(0)), None),
            packet(returned(Some(46)), Some(Some(1500))),
            packet(returned(None), Some(None)),
            packet(Fate::Lost, Some(Some(1400))),
        ],
    };
    let summary = sample.summary().unwrap();
    assert_eq!(summary.dscp_received, [(0, 1), (46, 2)]);
    assert_eq!(summary.path_mtu, Some(1400));
}
