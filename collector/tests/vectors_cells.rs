#![cfg(test)]
//! Every published case of the cells, from stored rows to the exact lines that InfluxDB gets.

#[path = "support/vectors.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod vectors;

use std::collections::BTreeMap;
use std::time::Duration;

use collector::store::LegacyValues;
use collector::store::cell::{Series, StoredCell};
use collector::store::influx::line;
use collector::store::point::Point;
use collector::store::row::{Counts, DelayRow, Row};
use ippm::cell::{Cell, DAY, HOUR, needs_redo};
use ippm::codec::slices;
use ippm::histogram::Histogram;
use ippm::{Family, IpdvSummary, TestName, UnixTime};
use serde_json::{Value, json};

use vectors::{expected_lines, instant, label, load};

#[test]
fn cells_are_made_of_rows_and_written_as_published() {
    let document = load("cells.json", 24);
    let (mut with_rows, mut with_lines) = (0, 0);
    for case in document["cases"].as_array().unwrap() {
        if let Some(redo) = case["given"]["redo"].as_array() {
            check_redo(case, redo);
        } else {
            with_rows += 1;
            with_lines += u32::from(check_lines(case));
        }
    }
    assert_eq!(
        (with_rows, with_lines),
        (18, 3),
        "cases with rows, and with lines"
    );
}

/// Rows that a store holds, and those that the cell was made of.
fn check_redo(case: &Value, redo: &[Value]) {
    let found = needs_redo(number(&redo[0]), redo[1].as_u64());
    assert_eq!(json!(found), case["expect"]["redo"], "{}", label(case));
}

/// Whether the case publishes lines; those of every other case follow from its fields.
fn check_lines(case: &Value) -> bool {
    let rows = case["given"]["rows"].as_array().unwrap();
    let series = Series {
        source: "ams1".parse().unwrap(),
        target: "lon1".parse().unwrap(),
        family: Family::V4,
        test: TestName::icmp(),
    };
    let mut hours: BTreeMap<UnixTime, Vec<_>> = BTreeMap::new();
    for row in rows {
        let is_suspect = row["suspect"] == true;
        let row = row_of(row, &series).into_cell_row(is_suspect);
        hours.entry(row.hour()).or_default().push(row);
    }
    let hours: BTreeMap<UnixTime, Cell> = hours
        .into_iter()
        .map(|(hour, rows)| (hour, Cell::of_rows(hour, rows).unwrap()))
        .collect();
    let mut days: BTreeMap<UnixTime, Vec<&Cell>> = BTreeMap::new();
    for (hour, cell) in &hours {
        days.entry(hour.floor(DAY)).or_default().push(cell);
    }
    let days = days
        .into_iter()
        .map(|(day, hours)| (day, Cell::of_hours(hours).unwrap()));
    let found: Vec<String> = hours
        .clone()
        .into_iter()
        .chain(days)
        .map(|(time, cell)| line_of(&StoredCell::new(series.clone(), time, cell)))
        .collect();
    let expect = &case["expect"];
    let from_fields = ["hours", "days"]
        .into_iter()
        .flat_map(|key| expect[key].as_object().unwrap())
        .map(|(time, fields)| spelled(time, fields))
        .collect::<Vec<_>>();
    assert_eq!(found, from_fields, "{}", label(case));
    let is_published = !expect["lines"].is_null();
    if is_published {
        let tags = json!({"family": "4", "source": "ams1", "target": "lon1"});
        assert_eq!(case["given"]["line_tags"], tags, "{}", label(case));
        assert_eq!(found, expected_lines(case), "{}", label(case));
    }
    is_published
}

/// What the collector writes.
fn line_of(stored: &StoredCell) -> String {
    assert!(stored.time.floor(HOUR) == stored.time);
    let mut line = String::new();
    line::push(&mut line, &Point::from(stored)).unwrap();
    line.trim_end_matches('\n').to_owned()
}

/// The line of published fields, by the rules of the interface: fields sorted by name, integers with `i`, floats
/// as Rust prints them, the places of the loss histogram joined by commas.
fn spelled(time: &str, fields: &Value) -> String {
    let fields: BTreeMap<&String, &Value> = fields.as_object().unwrap().iter().collect();
    let fields: Vec<String> = fields
        .into_iter()
        .map(|(name, value)| match (name.as_str(), value) {
            ("rtt_m2_ns2" | "legacy_loss_sum", value) => format!("{name}={}", value.as_f64().unwrap()),
            (_, Value::String(text)) => format!("{name}=\"{text}\""),
            (_, Value::Array(places)) => {
                let places: Vec<String> = places.iter().map(Value::to_string).collect();
                format!("{name}=\"{}\"", places.join(","))
            }
            (_, value) => format!("{name}={}i", value.as_i64().unwrap()),
        })
        .collect();
    let time = instant(&json!(time)).as_ns();
    format!(
        "Ping,family=4,source=ams1,target=lon1 {} {time}",
        fields.join(",")
    )
}

/// The row as a store gives it back.
fn row_of(row: &Value, series: &Series) -> Row {
    let is_measured = row["measured"] == true;
    let is_legacy = row["legacy"] == true;
    let count = |key: &str| number(&row[key]);
    let rtt = row.get("rtt");
    Row {
        source: series.source.clone(),
        target: series.target.clone(),
        family: series.family,
        test: series.test.clone(),
        time: instant(&row["time"]),
        period: Some(Duration::from_nanos(count("period_ns"))),
        measured: is_measured,
        counts: (is_measured && !is_legacy).then(|| Counts {
            sent: count("sent"),
            received: count("received"),
            late: count("late"),
            duplicates: count("duplicates"),
            reordered: count("reordered"),
            unsent: count("unsent"),
        }),
        legacy: is_legacy.then(|| LegacyValues {
            min_ns: None,
            max_ns: None,
            avg_ns: row["avg_ns"].as_i64(),
            stddev_ns: None,
            loss: row["loss"].as_f64().unwrap(),
        }),
        delay: rtt.map(delay_of),
        ipdv: row.get("ipdv").map(|ipdv| IpdvSummary {
            pairs: number(&ipdv["pairs"]),
            abs_sum_ns: number(&ipdv["abs_sum_ns"]),
            smoothed_ns: 0,
        }),
        hist: rtt.map(|rtt| Histogram::decode(rtt["hist"].as_str().unwrap()).unwrap()),
        slices: row["slices"].as_str().map(|text| slices::decode(text).unwrap()),
        loss_runs: Vec::new(),
        icmp_errors: Vec::new(),
        hop_limits: Vec::new(),
        dscp_received: Vec::new(),
        path_mtu: None,
        meta: None,
    }
}

/// The quantiles of a row are in no cell; any will do.
fn delay_of(rtt: &Value) -> DelayRow {
    DelayRow {
        count: number(&rtt["count"]),
        sum_ns: number(&rtt["sum_ns"]),
        m2_ns2: rtt["m2_ns2"].as_f64().unwrap(),
        min_ns: number(&rtt["min_ns"]),
        max_ns: number(&rtt["max_ns"]),
        p50_ns: number(&rtt["min_ns"]),
        p95_ns: number(&rtt["max_ns"]),
        p99_ns: number(&rtt["max_ns"]),
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}
