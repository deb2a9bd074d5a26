#![cfg(test)]
//! From bytes to rows: what is accepted comes back from the stored fields as it was measured.

use std::collections::HashSet;
use std::time::Duration;

use collector::ingest::names::{MAX_PER_SOURCE, Names};
use collector::ingest::native::{Arrival, MAX_AHEAD, Refusal};
use collector::ingest::{Accepted, Settings, legacy, native};
use collector::store::ledger::Condition;
use collector::store::point::{Point, points_of};
use collector::store::row::{Counts, DelayRow, Parts, Row};
use collector::store::stored::RowKey;
use collector::store::{Appended, Entry};
use ippm::wire::report::{PlanRefV1, ProbeV1, ReportV1, ResultV1};
use ippm::wire::time;
use ippm::{
    Family, Fate, IcmpError, Measured, Measurement, Outcome, Packet, Params, ProbeName, Rtt, Sample,
    TestName, UnixTime,
};
use proptest::prelude::*;

const SETTINGS: Settings = Settings {
    legacy_period: Duration::from_mins(5),
    retention: Duration::from_hours(90 * 24),
    strict_sources: false,
};

/// 2026-11-21T10:05:00.123456789Z.
const ROUND_START: UnixTime = UnixTime::from_ns(1_795_255_500_123_456_789);

fn name(text: &str) -> ProbeName {
    text.parse().unwrap()
}

fn report(results: &[Measurement]) -> ReportV1 {
    ReportV1 {
        schema: 1,
        source: "ams1".to_owned(),
        round_start: time::format(ROUND_START),
        duration_ns: 3_600_000_000_000,
        plan: PlanRefV1 {
            version: "9f2c41d07b1e55aa".to_owned(),
            origin: "fetched".to_owned(),
        },
        cut_short: None,
        probe: ProbeV1 {
            version: "1.0.0".to_owned(),
            engine: "icmp-datagram".to_owned(),
            clock_offset_ns: None,
            clock_synchronised: None,
            collector_offset_ns: None,
            send_lag_p99_ns: None,
            receive_drops: 0,
            stamps_missing: 0,
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
            suspect: Vec::new(),
        },
        results: results.iter().map(ResultV1::new).collect(),
    }
}

fn unresolved(target: &str) -> Measurement {
    Measurement {
        test: TestName::icmp(),
        kind: "icmp".parse().unwrap(),
        target: name(target),
        family: Family::V4,
        period: Duration::from_mins(5),
        outcome: Outcome::Unmeasured {
            error: "resolve".parse().unwrap(),
            detail: None,
        },
    }
}

/// Posts `report` at `at` with the key of `probe`, formerly `former`.
fn post(report: &ReportV1, at: UnixTime, names: &Names) -> Result<Accepted, Refusal> {
    let arrival = Arrival { at, sent_at: None };
    let body = serde_json::to_vec(report).unwrap();
    native::accept(&body, arrival, &name("ams2"), &[name("ams1")], &SETTINGS, names)
}

#[test]
fn a_probe_may_still_send_under_its_former_name_and_under_no_other() {
    let mut report = report(&[]);
    let accepted = post(&report, ROUND_START, &Names::new()).unwrap();
    assert_eq!(accepted.report.run.source, name("ams1"));
    report.source = "ams3".to_owned();
    let refusal = post(&report, ROUND_START, &Names::new()).unwrap_err();
    assert_eq!(refusal.code(), "forbidden");
}

#[test]
fn everything_that_a_report_tells_about_its_host_is_kept() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../ippm/tests/fixtures/golden/report_v1_all.json"
    );
    let body = std::fs::read(path).unwrap();
    let arrival = Arrival {
        at: ROUND_START,
        sent_at: None,
    };
    let accepted = native::accept(&body, arrival, &name("ams1"), &[], &SETTINGS, &Names::new()).unwrap();
    let expected = Condition {
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
        unsent_errors: vec![("enobufs".parse().unwrap(), 1), ("eperm".parse().unwrap(), 2)],
    };
    assert_eq!(accepted.report.run.native.unwrap().condition, expected);
}

#[test]
fn a_refusal_by_time_names_both_times() {
    let early = ROUND_START
        .saturating_sub(MAX_AHEAD)
        .saturating_sub(Duration::from_secs(1));
    let refusal = post(&report(&[]), early, &Names::new()).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the round starts at 2026-11-21T10:05:00.123456789Z, more than 300 s ahead of this collector's \
         2026-11-21T09:59:59.123456789Z"
    );
    let late = ROUND_START.saturating_add(SETTINGS.retention + Duration::from_secs(1));
    let refusal = post(&report(&[]), late, &Names::new()).unwrap_err();
    assert_eq!(refusal.code(), "time_expired");
    assert_eq!(
        refusal.to_string(),
        "the round starts at 2026-11-21T10:05:00.123456789Z, more than the 7776000 s that are kept before this \
         collector's 2027-02-19T10:05:01.123456789Z"
    );
}

#[test]
fn one_unknown_name_too_many_costs_its_result_only() {
    let targets: Vec<Measurement> = (0..=MAX_PER_SOURCE)
        .map(|n| unresolved(&format!("new-{n}")))
        .collect();
    let names = Names::new();
    let accepted = post(&report(&targets), ROUND_START, &names).unwrap();
    assert_eq!(accepted.report.entries.len(), MAX_PER_SOURCE);
    let answer = accepted.answer.native(&Appended::default());
    assert_eq!(answer.stored, 64);
    let rejected: Vec<_> = answer
        .rejected
        .iter()
        .map(|r| (r.index, r.code.as_str()))
        .collect();
    assert_eq!(rejected, [(64, "too_many_unknown_names")]);
    assert!(
        answer.rejected[0].error.contains("64"),
        "{}",
        answer.rejected[0].error
    );
    // The same report again is stored in the same way.
    let again = post(&report(&targets), ROUND_START, &names).unwrap();
    assert_eq!(again.report.entries, accepted.report.entries);
    // A known name takes no place.
    names.set_known(HashSet::from([name("new-64")]));
    let again = post(&report(&targets), ROUND_START, &names).unwrap();
    assert!(again.answer.rejected.is_empty());
}

#[test]
fn strict_sources_refuse_the_shared_key_for_a_stranger() {
    let strict = Settings {
        strict_sources: true,
        ..SETTINGS
    };
    let is_listed = |source: &ProbeName| source.as_str() == "ams1";
    let poster = legacy::Poster::Shared {
        has_own_key: &|_| false,
        is_listed: &is_listed,
    };
    let post = |source: &str| {
        let body = format!(r#"{{"source":"{source}","probes":[]}}"#);
        let accepted = legacy::accept(body.as_bytes(), ROUND_START, poster, &strict, &Names::new());
        accepted.map_err(|refusal| refusal.code())
    };
    assert!(post("ams1").is_ok());
    assert_eq!(post("ams2"), Err("key_invalid"));
}

#[test]
fn strangers_with_the_shared_key_cannot_fill_the_ledger() {
    let names = Names::new();
    let poster = legacy::Poster::Shared {
        has_own_key: &|_| false,
        is_listed: &|_| false,
    };
    let post = |number: usize| {
        let body = format!(r#"{{"source":"s{number}","probes":[]}}"#);
        legacy::accept(body.as_bytes(), ROUND_START, poster, &SETTINGS, &names).is_ok()
    };
    assert!((0..1000).all(post));
    assert!(!post(1000));
    assert!(post(0));
}

#[test]
fn a_legacy_post_has_a_limit_and_the_message_holds_it() {
    let items = vec!["7"; 2049].join(",");
    let body = format!(r#"{{"source":"a","probes":[{items}]}}"#);
    let poster = legacy::Poster::Probe(&name("a"));
    let refusal = legacy::accept(body.as_bytes(), ROUND_START, poster, &SETTINGS, &Names::new()).unwrap_err();
    assert_eq!(refusal.code(), "too_large");
    assert_eq!(
        refusal.to_string(),
        "the post has 2049 items, at most 2048 are accepted"
    );
}

/// The row that a store gives back for `point`.
fn row_of(point: &Point) -> Row {
    let tag = |name: &str| {
        let tag = point.tags.iter().find(|(found, _)| *found == name);
        tag.map(|(_, value)| value.as_str())
    };
    let key = RowKey {
        source: tag("source").unwrap().parse().unwrap(),
        target: tag("target").unwrap().parse().unwrap(),
        family: tag("family").map(|f| Family::from_number(f.parse().unwrap()).unwrap()),
        test: tag("test").map(|test| test.parse().unwrap()),
        time: point.time,
    };
    Row::from_stored(key, point.fields.iter().cloned(), Parts::ALL).unwrap()
}

/// Whether `row` is what `measurement` says, as far as it is stored.
fn check_row(row: &Row, measurement: &Measurement) {
    assert_eq!(row.target, measurement.target);
    assert_eq!(row.family, measurement.family);
    assert_eq!(row.test, measurement.test);
    assert_eq!(row.period, Some(measurement.period));
    assert_eq!(row.legacy, None);
    let meta = row.meta.as_ref().unwrap();
    match &measurement.outcome {
        Outcome::Unmeasured { error, .. } => {
            assert!(!row.measured);
            assert_eq!(meta.error.as_deref(), Some(error.as_str()));
            assert_eq!((row.counts, row.delay, row.ipdv), (None, None, None));
        }
        Outcome::Measured(measured) => {
            let Measured {
                address,
                params,
                summary,
                ..
            } = &**measured;
            assert!(row.measured);
            let counts = Counts {
                sent: summary.sent,
                received: summary.received,
                late: summary.late,
                duplicates: summary.duplicates,
                reordered: summary.reordered,
                unsent: summary.unsent,
            };
            assert_eq!(row.counts, Some(counts));
            let delay = summary.delay.as_ref().map(|delay| DelayRow {
                count: delay.count,
                sum_ns: delay.sum_ns,
                m2_ns2: delay.m2_ns2,
                min_ns: delay.min.as_ns(),
                max_ns: delay.max.as_ns(),
                p50_ns: delay.p50.as_ns(),
                p95_ns: delay.p95.as_ns(),
                p99_ns: delay.p99.as_ns(),
            });
            assert_eq!(row.delay, delay);
            assert_eq!(row.hist, summary.delay.as_ref().map(|delay| delay.hist.clone()));
            assert_eq!(row.ipdv, summary.ipdv);
            assert_eq!(row.slices.as_ref(), Some(&summary.slices));
            assert_eq!(row.loss_runs, summary.loss_runs);
            assert_eq!(row.icmp_errors, summary.icmp_errors);
            assert_eq!(row.hop_limits, summary.hop_limits);
            assert_eq!(row.dscp_received, summary.dscp_received);
            assert_eq!(row.path_mtu, summary.path_mtu);
            assert_eq!(meta.address, Some(*address));
            let params = ippm::codec::params::encode(params);
            assert_eq!(meta.params.clone().unwrap_or_default(), params);
            assert_eq!(meta.kind.as_deref(), Some("icmp"));
        }
    }
}

fn any_packet() -> impl Strategy<Value = (Fate, u32, Option<IcmpError>)> {
    let rtt = prop_oneof![0..5_000_u64, 200_000..2_000_000_u64, 0..2_000_000_000_u64];
    let returned = (
        prop::option::weighted(0.9, rtt),
        prop::option::of(60..70_u8),
        prop::option::of(0..64_u8),
    )
        .prop_map(|(rtt, hop_limit, dscp)| {
            Fate::Returned {
                rtt: rtt.map(Rtt::from_ns),
                // The departure is added when the packet gets its place.
                arrival: Duration::from_nanos(rtt.unwrap_or(1_000_000)),
                hop_limit,
                dscp,
            }
        });
    let fate = prop_oneof![
        6 => returned,
        2 => Just(Fate::Lost),
        1 => Just(Fate::Late),
        1 => Just(Fate::Unsent),
    ];
    let error = (0..4_u8, 0..3_u8, any::<bool>()).prop_map(|(kind, code, is_v6)| IcmpError {
        kind,
        code,
        from: if is_v6 { "2001:db8::1" } else { "192.0.2.1" }.parse().unwrap(),
        mtu: (kind == 3 && code == 1).then_some(1400),
    });
    (fate, 0..3_u32, prop::option::weighted(0.1, error))
}

fn any_sample() -> impl Strategy<Value = Sample> {
    prop::collection::vec(any_packet(), 1..60).prop_map(|packets| {
        let place = |(index, (fate, duplicates, icmp_error)): (u64, (Fate, u32, Option<IcmpError>))| {
            let departure = Duration::from_millis(1500 * index);
            let fate = match fate {
                Fate::Returned {
                    rtt,
                    arrival,
                    hop_limit,
                    dscp,
                } => Fate::Returned {
                    rtt,
                    arrival: departure + arrival,
                    hop_limit,
                    dscp,
                },
                other => other,
            };
            Packet {
                departure,
                fate,
                duplicates,
                icmp_error,
            }
        };
        Sample {
            round_start: ROUND_START,
            packets: (0..).zip(packets).map(place).collect(),
        }
    })
}

/// What a probe reports about a sample; nothing about one of which no packet left.
fn measurement(index: usize, sample: &Sample, count: Option<u64>) -> Option<Measurement> {
    let summary = sample.summary()?;
    Some(Measurement {
        test: if index.is_multiple_of(2) {
            TestName::icmp()
        } else {
            "icmp-ef".parse().unwrap()
        },
        kind: "icmp".parse().unwrap(),
        target: name(&format!("t {index},=")),
        family: if index.is_multiple_of(3) {
            Family::V6
        } else {
            Family::V4
        },
        period: Duration::from_mins(5),
        outcome: Outcome::Measured(Box::new(Measured {
            address: "2001:db8::10".parse().unwrap(),
            params: Params {
                count,
                ..Params::NONE
            },
            clock: summary.delay.as_ref().map(|_| "kernel".parse().unwrap()),
            summary,
        })),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_a_probe_measures_is_accepted_and_comes_back_as_it_was(
        samples in prop::collection::vec(any_sample(), 1..5),
        count in prop::option::of(0..500_u64),
    ) {
        let measurements: Vec<Measurement> = samples
            .iter()
            .enumerate()
            .filter_map(|(index, sample)| measurement(index, sample, count))
            .collect();
        let accepted = post(&report(&measurements), ROUND_START, &Names::new()).unwrap();
        prop_assert!(accepted.answer.rejected.is_empty(), "{:?}", accepted.answer.rejected);
        let entries: Vec<_> = accepted.report.entries.iter().map(|(_, entry)| entry.clone()).collect();
        let expected: Vec<_> = measurements.iter().cloned().map(Entry::Native).collect();
        prop_assert_eq!(entries, expected);
        for family in [Family::V4, Family::V6] {
            let points = points_of(&accepted.report, family);
            prop_assert_eq!(points.len(), measurements.len() + 1);
            for (point, measurement) in points.iter().zip(&measurements) {
                check_row(&row_of(point), measurement);
            }
        }
    }

    #[test]
    fn no_bytes_make_ingest_panic(bytes: Vec<u8>) {
        let arrival = Arrival { at: ROUND_START, sent_at: Some(UnixTime::from_ns(i64::MIN)) };
        let _ = native::accept(&bytes, arrival, &name("a"), &[], &SETTINGS, &Names::new());
        let poster = legacy::Poster::Probe(&name("a"));
        let _ = legacy::accept(&bytes, ROUND_START, poster, &SETTINGS, &Names::new());
    }

    #[test]
    fn every_legacy_item_is_stored_or_named(
        numbers in prop::array::uniform5(prop::option::of(prop_oneof![-10.0..10.0, any::<f64>(), Just(0.5)])),
        family in 3..7_u64,
    ) {
        let [min, max, avg, jitter, loss] = numbers.map(|n| n.filter(|n: &f64| n.is_finite()));
        let body = serde_json::json!({"source": "a", "probes": [
            {"name": "b", "proto": family, "address": "", "ping_min": min, "ping_max": max, "ping_avg": avg,
             "ping_jitter": jitter, "ping_loss": loss},
            {"name": "good", "proto": 4, "address": null, "ping_min": null, "ping_max": null, "ping_avg": null,
             "ping_jitter": null, "ping_loss": null},
        ]});
        let poster = legacy::Poster::Probe(&name("a"));
        let accepted =
            legacy::accept(body.to_string().as_bytes(), ROUND_START, poster, &SETTINGS, &Names::new()).unwrap();
        prop_assert_eq!(accepted.report.entries.len() + accepted.answer.rejected.len(), 2);
        for (point, (_, entry)) in points_of(&accepted.report, Family::V4).iter().zip(&accepted.report.entries) {
            let Entry::Legacy(result) = entry else { panic!("a legacy post") };
            let row = row_of(point);
            prop_assert_eq!(row.measured, result.values.is_some());
            // Times above 2^50 ns (13 days) may come back a nanosecond off, because they are stored as floats.
            let large = |ns: Option<i64>| ns.is_some_and(|ns| ns.unsigned_abs() > 1 << 50);
            let values = result.values;
            if !values.is_some_and(|v| [v.min_ns, v.max_ns, v.avg_ns, v.stddev_ns].into_iter().any(large)) {
                prop_assert_eq!(row.legacy, values);
            }
        }
    }
}
