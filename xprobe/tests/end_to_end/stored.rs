//! Points as InfluxDB gives them back, and as the contract says that a report becomes them.
//!
//! The expectation is written anew here from the contract, and shares no code with the collector.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde_json::Value as Json;

/// A stored point: its tags, and its fields as (type, text).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) fields: BTreeMap<String, Field>,
}

/// Data type (as annotated CSV names it) and value of a field.
pub(crate) type Field = (&'static str, String);

pub(crate) fn text(value: &str) -> Field {
    ("string", value.to_owned())
}

/// Reads the annotated CSV of a Flux query without a pivot.
pub(crate) fn read(csv: &str) -> Vec<Point> {
    let mut points: BTreeMap<BTreeMap<String, String>, BTreeMap<String, Field>> = BTreeMap::new();
    let (mut types, mut names): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(csv.as_bytes());
    for record in reader.records() {
        let record: Vec<String> = record.unwrap().iter().map(str::to_owned).collect();
        if record[0] == "#datatype" {
            types = record;
            names.clear();
        } else if names.is_empty() {
            names = record;
        } else {
            let cell = |name: &str| {
                names
                    .iter()
                    .position(|n| n == name)
                    .map(|index| record[index].clone())
            };
            let index = names.iter().position(|n| n == "_value").unwrap();
            let kind = ["double", "long", "boolean", "string"]
                .into_iter()
                .find(|kind| *kind == types[index])
                .unwrap();
            let tags = ["family", "source", "status", "target", "test"];
            let tags = tags
                .into_iter()
                .filter_map(|tag| Some((tag.to_owned(), cell(tag)?)))
                .collect();
            points
                .entry(tags)
                .or_default()
                .insert(cell("_field").unwrap(), (kind, record[index].clone()));
        }
    }
    points
        .into_iter()
        .map(|(tags, fields)| Point { tags, fields })
        .collect()
}

/// What the contract says that InfluxDB holds of this report's results.
pub(crate) fn expected_points(report: &Json) -> Vec<Point> {
    report["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| expected_point(report, result))
        .collect()
}

fn expected_point(report: &Json, result: &Json) -> Point {
    assert_eq!(result["outcome"], "measured");
    let tag = |name: &str, value: &Json| (name.to_owned(), plain(value));
    let tags = BTreeMap::from([
        tag("family", &result["family"]),
        tag("source", &report["source"]),
        ("status".to_owned(), "ok".to_owned()),
        tag("target", &result["target"]),
    ]);
    let mut fields = BTreeMap::from([("measured".to_owned(), ("boolean", "true".to_owned()))]);
    for name in [
        "period_ns",
        "sent",
        "received",
        "late",
        "duplicates",
        "reordered",
        "unsent",
    ] {
        fields.insert(name.to_owned(), ("long", plain(&result[name])));
    }
    for (name, value) in [
        ("kind", &result["kind"]),
        ("address", &result["address"]),
        ("plan", &report["plan"]["version"]),
    ] {
        fields.insert(name.to_owned(), text(value.as_str().unwrap()));
    }
    fields.insert(
        "params".to_owned(),
        text("count=30;df=0;dscp=0;payload=56;spread=3s;timeout=2s"),
    );
    fields.insert("slices".to_owned(), text(&slices(&result["slices"])));
    list(&mut fields, "loss_runs", &result["loss_runs"], |run| {
        format!("{}:{}", run[0], run[1])
    });
    list(&mut fields, "hop_limits", &result["hop_limits"], |hop| {
        format!("{}:{}", hop[0], hop[1])
    });
    list(&mut fields, "dscp_received", &result["dscp_received"], |point| {
        format!("{}:{}", point[0], point[1])
    });
    if let Some(mtu) = result["path_mtu"].as_u64() {
        fields.insert("path_mtu".to_owned(), ("long", mtu.to_string()));
    }
    list(&mut fields, "icmp_errors", &result["icmp_errors"], |e| {
        format!("{}/{}@{}:{}", e["type"], e["code"], plain(&e["from"]), e["count"])
    });
    if let Some(hop) = result["hop_limits"].as_array().and_then(|hops| hops.first()) {
        fields.insert("hop_limit".to_owned(), ("long", plain(&hop[0])));
    }
    let rtt = &result["delay"]["rtt"];
    if rtt.is_object() {
        delay(&mut fields, result, rtt);
    }
    if result["ipdv"].is_object() {
        for name in ["pairs", "abs_sum_ns", "smoothed_ns"] {
            fields.insert(format!("ipdv_{name}"), ("long", plain(&result["ipdv"][name])));
        }
    }
    if result["family"] == 4 {
        let (sent, received) = (
            result["sent"].as_f64().unwrap(),
            result["received"].as_f64().unwrap(),
        );
        fields.insert("loss".to_owned(), double((sent - received) / sent));
        if rtt.is_object() {
            legacy_delay(&mut fields, rtt);
        }
    }
    Point { tags, fields }
}

fn delay(fields: &mut BTreeMap<String, Field>, result: &Json, rtt: &Json) {
    for name in [
        "count", "sum_ns", "min_ns", "max_ns", "p50_ns", "p95_ns", "p99_ns",
    ] {
        fields.insert(format!("rtt_{name}"), ("long", plain(&rtt[name])));
    }
    fields.insert("rtt_m2_ns2".to_owned(), double(rtt["m2_ns2"].as_f64().unwrap()));
    fields.insert("rtt_hist".to_owned(), text(rtt["hist"].as_str().unwrap()));
    fields.insert("clock".to_owned(), text(result["clock"].as_str().unwrap()));
}

/// Milliseconds of whole nanoseconds: what dashboards made for the original show.
fn legacy_delay(fields: &mut BTreeMap<String, Field>, rtt: &Json) {
    let number = |name: &str| rtt[name].as_f64().unwrap();
    let milliseconds = |ns: f64| double(ns / 1e6);
    fields.insert("min".to_owned(), milliseconds(number("min_ns")));
    fields.insert("max".to_owned(), milliseconds(number("max_ns")));
    fields.insert(
        "avg".to_owned(),
        milliseconds((number("sum_ns") / number("count")).round()),
    );
    fields.insert(
        "jitter".to_owned(),
        milliseconds((number("m2_ns2") / number("count")).sqrt().round()),
    );
}

/// `s1:` and base64 of LEB128: start ÷ 10 s, number, then four values for each slice.
fn slices(slices: &Json) -> String {
    let start: jiff::Timestamp = slices["start"].as_str().unwrap().parse().unwrap();
    let lists = ["sent", "lost", "rtt_count", "rtt_sum_ns"].map(|name| slices[name].as_array().unwrap());
    let mut numbers = vec![
        u64::try_from(start.as_second() / 10).unwrap(),
        lists[0].len() as u64,
    ];
    for index in 0..lists[0].len() {
        numbers.extend(lists.iter().map(|list| list[index].as_u64().unwrap()));
    }
    let mut bytes = Vec::new();
    for mut number in numbers {
        while number > 0x7f {
            bytes.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
            number >>= 7;
        }
        bytes.push(u8::try_from(number).unwrap());
    }
    format!(
        "s1:{}",
        base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes)
    )
}

fn list(fields: &mut BTreeMap<String, Field>, name: &str, items: &Json, item: impl Fn(&Json) -> String) {
    let items: Vec<String> = items.as_array().into_iter().flatten().map(item).collect();
    if !items.is_empty() {
        fields.insert(name.to_owned(), text(&items.join(",")));
    }
}

fn double(value: f64) -> Field {
    ("double", format!("{value}"))
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
