//! Reports as probes make them.

#![cfg(test)]

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use collector::store::ledger::{Condition, NativeRun, ProbeRun};
use collector::store::{Entry, Report};
use ippm::{
    Family, Fate, IcmpError, Measured, Measurement, Outcome, Packet, Params, ProbeName, Rtt, Sample, Summary,
    TestName, UnixTime, codec,
};

pub(crate) const PERIOD: Duration = Duration::from_mins(5);
pub(crate) const PLAN: &str = "9f2c41d07b1e55aa";

pub(crate) fn name(text: &str) -> ProbeName {
    text.parse().unwrap()
}

/// Two hours ago, on the hour: inside every retention, and never in the middle of a slot.
pub(crate) fn two_hours_ago() -> UnixTime {
    let now = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap();
    UnixTime::from_ns(now)
        .floor(Duration::from_hours(1))
        .saturating_sub(Duration::from_hours(2))
}

/// The round that begins `slots` periods after `start`, off the edge as rounds are.
pub(crate) fn round(start: UnixTime, slots: u32) -> UnixTime {
    start.saturating_add(PERIOD * slots + Duration::from_nanos(123_456_789))
}

/// A sample from a text: `0.5` is a reply after 0.5 ms, `-` a loss, `l` late, `?` without a delay, `!` answered by
/// an ICMP error, `u` refused by the own kernel; one packet a second.
pub(crate) fn summary(start: UnixTime, packets: &str) -> Summary {
    let packets = packets.split(' ').zip(0..).map(|(token, second)| {
        let departure = Duration::from_secs(second);
        let returned = |rtt: Option<Rtt>| Fate::Returned {
            rtt,
            arrival: departure + Duration::from_nanos(rtt.map_or(1_000_000, Rtt::as_ns)),
            hop_limit: Some(if second % 3 == 0 { 63 } else { 64 }),
            dscp: None,
        };
        Packet {
            departure,
            fate: match token {
                "-" | "!" => Fate::Lost,
                "l" => Fate::Late,
                "u" => Fate::Unsent,
                "?" => returned(None),
                ms => returned(Some(Rtt::from_ns(
                    codec::legacy::ns_from_ms(ms.parse().unwrap())
                        .unwrap()
                        .cast_unsigned(),
                ))),
            },
            duplicates: u32::from(token == "0.7"),
            icmp_error: (token == "!").then_some(IcmpError {
                kind: 3,
                code: 1,
                from: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
                mtu: None,
            }),
        }
    });
    let sample = Sample {
        round_start: start,
        packets: packets.collect(),
    };
    sample.summary().unwrap()
}

pub(crate) fn run(source: &ProbeName, time: UnixTime, results: usize) -> ProbeRun {
    ProbeRun {
        source: source.clone(),
        time,
        origin: "fetched".parse().unwrap(),
        results: results as u64,
        received_at: time.saturating_add(Duration::from_secs(285)),
        skew_ns: Some(-120_000),
        native: Some(NativeRun {
            duration: Duration::from_millis(284_104),
            plan: PLAN.to_owned(),
            cut_short: None,
            version: "1.0.0".to_owned(),
            engine: "icmp-datagram".parse().unwrap(),
            clock_offset_ns: Some(-812_000),
            clock_synchronised: Some(true),
            collector_offset_ns: None,
            send_lag_p99_ns: Some(84_000),
            receive_drops: Some(0),
            stamps_missing: Some(0),
            stamps_discarded: Some(0),
            clock_steps: Some(0),
            suspect: vec!["clock".parse().unwrap(), "send_lag".parse().unwrap()],
            condition: Condition {
                send_lag_p50_ns: Some(21_000),
                send_lag_max_ns: Some(1_204_000),
                cpu_steal_ppm: Some(1_200),
                cpu_own_ns: Some(84_000_000),
                clock_error_ns: Some(1_904_000),
                clock_frequency_ppb: Some(-12_345),
                interface_drops: Some(2),
                unsent_errors: vec![("enobufs".parse().unwrap(), 1), ("eperm".parse().unwrap(), 2)],
                ..Condition::UNKNOWN
            },
        }),
    }
}

pub(crate) fn report(source: &ProbeName, time: UnixTime, entries: Vec<Entry>) -> Report {
    Report {
        run: run(source, time, entries.len()),
        entries: entries.into_iter().enumerate().collect(),
    }
}

/// A measured result of the default test over IPv4.
pub(crate) fn measured(target: &ProbeName, summary: Summary) -> Entry {
    Entry::Native(measurement(target, Family::V4, &TestName::icmp(), summary))
}

pub(crate) fn measurement(
    target: &ProbeName,
    family: Family,
    test: &TestName,
    summary: Summary,
) -> Measurement {
    let address = match family {
        Family::V4 => "192.0.2.10",
        Family::V6 => "2001:db8::10",
    };
    Measurement {
        test: test.clone(),
        kind: "icmp".parse().unwrap(),
        target: target.clone(),
        family,
        period: PERIOD,
        outcome: Outcome::Measured(Box::new(Measured {
            address: address.parse().unwrap(),
            params: Params {
                count: Some(280),
                spread: Some(Duration::from_secs(280)),
                timeout: Some(Duration::from_secs(2)),
                payload_bytes: Some(56),
                dscp: Some(0),
                dont_fragment: Some(false),
            },
            clock: summary.delay.is_some().then(|| "kernel".parse().unwrap()),
            summary,
        })),
    }
}
