//! From the bytes of a report to the lines of a store and back: what was accepted can be written, another parser
//! reads what was written, and the row that comes of it can be read.

#![no_main]

use std::time::Duration;

use collector::ingest::names::Names;
use collector::ingest::native::{Arrival, accept};
use collector::ingest::{Accepted, Settings};
use collector::store::influx::line;
use collector::store::point::{PROBE_RUN, Point, Value, points_of};
use collector::store::row::{Parts, Row};
use collector::store::stored::RowKey;
use influxdb_line_protocol::{FieldValue, parse_lines};
use ippm::wire::report::envelope::ReceivedReport;
use ippm::{Family, UnixTime};
use libfuzzer_sys::fuzz_target;

const SETTINGS: Settings = Settings {
    legacy_period: Duration::from_mins(5),
    retention: Duration::from_hours(1),
    strict_sources: false,
};

fuzz_target!(|body: &[u8]| {
    // Whoever sends the report is whom it names, and it arrives when it says.
    let Ok(received) = ReceivedReport::parse(body) else {
        return;
    };
    let Ok(source) = received.source.parse() else {
        return;
    };
    let arrival = Arrival {
        at: received.round_start,
        sent_at: Some(UnixTime::from_ns(0)),
    };
    let Accepted { report, answer } = accept(body, arrival, &source, &[], &SETTINGS, &Names::new()).unwrap();
    assert_eq!(answer.accepted, report.entries.len());
    assert_eq!(answer.accepted + answer.rejected.len(), received.results.len());
    let points = points_of(&report, Family::V4);
    assert_eq!(points.len(), report.entries.len() + 1);
    assert_eq!(points.last().unwrap().measurement, PROBE_RUN);
    for point in &points {
        check_line(point);
    }
    for point in &points[..points.len() - 1] {
        check_row(point);
    }
});

fn check_line(point: &Point) {
    assert!(point.tags.is_sorted_by(|a, b| a.0 < b.0) && point.fields.is_sorted_by(|a, b| a.0 < b.0));
    let mut text = String::new();
    line::push(&mut text, point).unwrap();
    let mut lines = parse_lines(&text);
    let parsed = lines.next().unwrap().unwrap();
    assert!(lines.next().is_none(), "{text:?}");
    assert_eq!(parsed.timestamp, Some(point.time.as_ns()));
    let tags: Vec<(String, String)> = parsed
        .series
        .tag_set
        .iter()
        .flatten()
        .map(|(k, v)| (k.to_string(), v.to_string()))
        .collect();
    let expected: Vec<(String, String)> = point
        .tags
        .iter()
        .map(|(k, v)| ((*k).to_owned(), v.clone()))
        .collect();
    assert_eq!(tags, expected, "{text:?}");
    assert_eq!(parsed.field_set.len(), point.fields.len());
    for ((name, value), (found_name, found)) in point.fields.iter().zip(&parsed.field_set) {
        assert_eq!(found_name.to_string(), *name);
        let is_equal = match (value, found) {
            (Value::Integer(a), FieldValue::I64(b)) => a == b,
            (Value::Float(a), FieldValue::F64(b)) => a == b,
            (Value::Boolean(a), FieldValue::Boolean(b)) => a == b,
            (Value::Text(a), FieldValue::String(b)) => a == b.as_str(),
            _ => false,
        };
        assert!(is_equal, "{name}: {value:?} was written, {found:?} is read");
    }
}

fn check_row(point: &Point) {
    let tag = |name: &str| {
        point
            .tags
            .iter()
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value.as_str())
    };
    let key = RowKey {
        source: tag("source").unwrap().parse().unwrap(),
        target: tag("target").unwrap().parse().unwrap(),
        family: tag("family").and_then(|family| Family::from_number(family.parse().ok()?)),
        test: tag("test").map(|test| test.parse().unwrap()),
        time: point.time,
    };
    let row = Row::from_stored(key, point.fields.clone(), Parts::ALL).unwrap();
    assert_eq!(row.measured, tag("status") == Some("ok"));
}
