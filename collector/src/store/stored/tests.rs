use super::*;
use crate::store::ledger::{CollectorRun, Condition, NativeRun, PlanVersion, ProbeRun};
use crate::store::point::{Point, points_of};
use crate::store::row::{Meta, Row};
use crate::store::{Entry, LegacyResult, LegacyValues, Report};
use ippm::{Family, ProbeName, UnixTime};
use std::time::Duration;

fn name(text: &str) -> ProbeName {
    text.parse().unwrap()
}

fn key() -> RowKey {
    RowKey {
        source: name("ams1"),
        target: name("lon1"),
        family: Some(Family::V4),
        test: None,
        time: UnixTime::from_ns(7),
    }
}

#[test]
fn a_point_of_the_original_collector_is_a_legacy_row_of_family_4_without_period() {
    let key = RowKey {
        family: None,
        ..key()
    };
    let fields = [
        ("avg", Value::Float(2.5)),
        ("jitter", Value::Float(1.118_033_988_749_895)),
        ("loss", Value::Integer(0)),
        ("max", Value::Float(4.0)),
        ("min", Value::Float(1.0)),
    ];
    let row = Row::from_stored(key, fields, Parts::ALL).unwrap();
    assert_eq!((row.family, row.period, row.measured), (Family::V4, None, true));
    assert_eq!(
        row.legacy,
        Some(LegacyValues {
            min_ns: Some(1_000_000),
            max_ns: Some(4_000_000),
            avg_ns: Some(2_500_000),
            stddev_ns: Some(1_118_034),
            loss: 0.0,
        })
    );
    assert_eq!(row.meta, Some(Meta::default()));
}

#[test]
fn a_field_that_this_version_does_not_know_is_passed_over() {
    let fields = [("measured", Value::Boolean(false)), ("later", Value::Integer(1))];
    assert!(!Row::from_stored(key(), fields, Parts::ALL).unwrap().measured);
}

#[test]
fn a_part_that_was_not_asked_for_is_not_read() {
    let fields = [("rtt_hist", Value::Text("garbage".to_owned()))];
    assert!(Row::from_stored(key(), fields, Parts::NONE).is_ok());
}

#[test]
fn what_no_encoder_wrote_is_unreadable_and_the_reason_names_point_and_field() {
    let unreadable = |fields: [(&'static str, Value); 1]| {
        Row::from_stored(key(), fields, Parts::ALL)
            .unwrap_err()
            .to_string()
    };
    let reason = unreadable([("rtt_hist", Value::Text("h1:AAE=".to_owned()))]);
    assert!(
        reason.contains("ProbeName(\"ams1\") to ProbeName(\"lon1\") at 7: field rtt_hist"),
        "{reason}"
    );
    let reason = unreadable([("sent", Value::Integer(3))]);
    assert!(
        reason.contains("field received is missing beside sent"),
        "{reason}"
    );
    let reason = unreadable([("sent", Value::Integer(-3))]);
    assert!(reason.contains("field sent is outside its range"), "{reason}");
    let reason = unreadable([("measured", Value::Integer(1))]);
    assert!(reason.contains("field measured has another type"), "{reason}");
}

#[test]
fn the_names_of_all_fields_are_distinct() {
    let names = fields_of(Parts::ALL);
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    assert_eq!(fields_of(Parts::NONE), ["loss", "measured", "period_ns"]);
}

fn run() -> ProbeRun {
    ProbeRun {
        source: name("ams1"),
        time: UnixTime::from_ns(1_000),
        origin: "fetched".parse().unwrap(),
        results: 3,
        received_at: UnixTime::from_ns(2_000),
        skew_ns: Some(-5),
        native: Some(NativeRun {
            duration: Duration::from_secs(284),
            plan: "9f2c41d07b1e55aa".to_owned(),
            cut_short: Some("signal".parse().unwrap()),
            version: "1.0.0".to_owned(),
            engine: "icmp-datagram".parse().unwrap(),
            clock_offset_ns: Some(-812_000),
            clock_synchronised: Some(false),
            collector_offset_ns: None,
            send_lag_p99_ns: None,
            receive_drops: Some(0),
            stamps_missing: Some(1),
            stamps_discarded: Some(2),
            clock_steps: Some(3),
            suspect: vec!["clock".parse().unwrap(), "send_lag".parse().unwrap()],
            condition: Condition::UNKNOWN,
        }),
    }
}

fn told_condition() -> Condition {
    Condition {
        send_lag_p50_ns: Some(1),
        send_lag_max_ns: Some(2),
        cpu_steal_ppm: Some(3),
        cpu_own_ns: Some(4),
        clock_error_ns: Some(5),
        clock_frequency_ppb: Some(-6),
        interface_errors: Some(7),
        interface_drops: Some(8),
        neighbors_unresolved: Some(9),
        neighbor_overflows: Some(10),
        neighbor_limit: Some(11),
        icmp_ratelimit_ms: Some(12),
        icmp_msgs_per_s: Some(13),
        icmp_rate_limited: Some(0),
        unsent_errors: vec![("enobufs".parse().unwrap(), 1), ("eperm".parse().unwrap(), 2)],
    }
}

#[test]
fn a_round_comes_back_as_it_was_stored() {
    let mut told = run();
    told.native.as_mut().unwrap().condition = told_condition();
    for run in [
        run(),
        told,
        ProbeRun {
            native: None,
            skew_ns: None,
            ..run()
        },
    ] {
        let point = Point::from(&run);
        let back = ProbeRun::from_stored(run.source.clone(), run.time, point.fields).unwrap();
        assert_eq!(back, run);
    }
}

#[test]
fn a_plan_comes_back_as_it_was_stored_also_through_csv() {
    let plan = PlanVersion {
        probe: name("ams1"),
        time: UnixTime::from_ns(5),
        version: "9f2c41d07b1e55aa".to_owned(),
        record: "period|300s\nicmp|icmp|lon1|4|192.0.2.10|300s|count=280|\n".to_owned(),
    };
    let point = Point::from(&plan);
    let csv = point.fields.iter().map(|(name, value)| match value {
        Value::Text(text) => (*name, Value::Text(text.replace('\n', "\r\n"))),
        other => (*name, other.clone()),
    });
    let back = PlanVersion::from_stored(plan.probe.clone(), plan.time, csv.collect::<Vec<_>>());
    assert_eq!(back.unwrap(), plan);
}

#[test]
fn a_beat_is_a_point_with_one_field() {
    let beat = CollectorRun {
        instance: "a".to_owned(),
        time: UnixTime::from_ns(0),
    };
    assert_eq!(Point::from(&beat).fields, [("listening", Value::Boolean(true))]);
}

#[test]
fn a_legacy_item_comes_back_to_the_nanosecond() {
    let values = LegacyValues {
        min_ns: Some(-1),
        max_ns: Some(61_234_567_891),
        avg_ns: None,
        stddev_ns: Some(2_251_799_813_685_247),
        loss: 0.25,
    };
    let report = Report {
        run: ProbeRun {
            native: None,
            ..run()
        },
        entries: vec![(
            0,
            Entry::Legacy(LegacyResult {
                target: name("lon1"),
                family: Family::V4,
                period: Duration::from_mins(5),
                values: Some(values),
            }),
        )],
    };
    let points = points_of(&report, Family::V4);
    let row = Row::from_stored(key(), points[0].fields.clone(), Parts::ALL).unwrap();
    assert_eq!(row.legacy, Some(values));
    assert_eq!(row.period, Some(Duration::from_mins(5)));
}
