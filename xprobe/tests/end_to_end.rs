//! The main job, end to end: a probe in a namespace, nginx with TLS, a collector, InfluxDB 2.

#![cfg(test)]

#[path = "end_to_end/exchange.rs"]
mod exchange;
#[path = "end_to_end/http.rs"]
mod http;
#[path = "../../collector/tests/support/influxd.rs"]
#[expect(dead_code, reason = "the tests of the collector use more of it")]
mod influxd;
#[path = "end_to_end/lab.rs"]
mod lab;
#[path = "../../collector/tests/support/nginx.rs"]
#[expect(dead_code, reason = "the tests of the collector use more of it")]
mod nginx;
#[path = "end_to_end/stored.rs"]
mod stored;

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::exchange::Exchange;
use crate::stored::{Point, expected_points};

const HOSTS: &[exchange::Host] = &[("ams1", 11), ("lon1", 12), ("fra1", 13), ("dead1", 14)];
const ALIVE: &[&str] = &["ams1", "lon1", "fra1"];

/// Every tenth echo request that reaches the host is dropped, exactly.
const DROP_EVERY_TENTH: &str = "add table inet t; add chain inet t pre { type filter hook prerouting priority -300; }; \
     add rule inet t pre icmp type echo-request numgen inc mod 10 == 3 drop";

#[test]
fn what_influxdb_holds_is_what_the_probe_saw() {
    let Some(mut exchange) = Exchange::start(HOSTS, ALIVE) else {
        return;
    };
    exchange.lab.nft("lon1", DROP_EVERY_TENTH);
    let state = exchange.path("state");
    let arguments = ["--state-dir", state.to_str().unwrap()];

    // A round that is delivered at once.
    assert_silent_success(&exchange.round("ams1", &arguments), &exchange);
    assert!(spooled(&state).is_empty(), "what was acknowledged is not kept");

    // A round that the collector does not take: its bytes stay in the spool, where this test can read them.
    exchange.stop_collector();
    let output = exchange.round("ams1", &arguments);
    assert_eq!(
        output.status.code(),
        Some(1),
        "measured, not delivered: {}",
        stderr(&output)
    );
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    let [report] = &spooled(&state)[..] else {
        panic!("one report is kept")
    };

    // The next round delivers it.
    exchange.start_collector();
    assert_silent_success(&exchange.round("ams1", &arguments), &exchange);
    assert!(spooled(&state).is_empty(), "what was acknowledged is not kept");

    let stored = points(&exchange, report["round_start"].as_str().unwrap());
    let expected = expected_points(report);
    assert_eq!(expected.len(), 6, "three targets, two families");
    for point in &expected {
        let found: Vec<&Point> = stored.iter().filter(|stored| stored.tags == point.tags).collect();
        assert_eq!(found, [point]);
    }
    assert_eq!(stored.len(), expected.len(), "nothing else of that time");
    the_links_are_what_they_are(&exchange, report);
}

/// The link that drops every tenth packet and the one to a host that is not there, in the report and
/// in what the collector says about the latest round.
fn the_links_are_what_they_are(exchange: &Exchange, report: &Value) {
    let result = |target: &str, family: u64| {
        let results = report["results"].as_array().unwrap();
        results
            .iter()
            .find(|r| r["target"] == target && r["family"] == family)
            .unwrap()
            .clone()
    };
    let lossy = result("lon1", 4);
    assert_eq!((&lossy["sent"], &lossy["received"]), (&30.into(), &27.into()));
    assert_eq!(lossy["loss_runs"], serde_json::json!([[1, 3]]));
    assert_eq!(
        lossy["delay"]["rtt"]["count"], 27,
        "a lost packet takes no delay with it"
    );
    let dead = result("dead1", 4);
    assert_eq!(
        (&dead["sent"], &dead["received"], &dead["delay"]),
        (&30.into(), &0.into(), &Value::Null)
    );
    assert_eq!(result("fra1", 6)["received"], 30);
    // The plan lists the optional fields, so the probe tells them.
    for field in ["cpu_own_ns", "send_lag_p50_ns", "send_lag_max_ns"] {
        assert!(
            report["probe"][field].as_u64().is_some_and(|ns| ns > 0),
            "{field}"
        );
    }

    let key = fs::read_to_string(exchange.path("read.key")).unwrap();
    let last = http::get_json(exchange.listen(), "/api/v1/data/probe/ams1/last", &key);
    let class = |target: &str, family: u64| {
        let probes = last["probes"].as_array().unwrap();
        let entry = probes
            .iter()
            .find(|p| p["name"] == target && p["family"] == family)
            .unwrap();
        (
            entry["class"].as_str().unwrap().to_owned(),
            entry["ping_loss"].clone(),
        )
    };
    assert_eq!(class("lon1", 4), ("degraded".to_owned(), 0.1.into()));
    assert_eq!(class("dead1", 4), ("down".to_owned(), 1.0.into()));
    assert_eq!(class("fra1", 6), ("ok".to_owned(), 0.0.into()));
}

#[test]
fn a_target_that_cannot_be_resolved_is_an_error_and_not_a_loss() {
    let Some(mut exchange) = Exchange::start(&[("ams1", 11), ("lon1", 12)], &["ams1", "lon1"]) else {
        return;
    };
    exchange.stop_collector();
    let mut roster: Value = serde_json::from_slice(&fs::read(exchange.path("probes.json")).unwrap()).unwrap();
    roster["probes"]
        .as_array_mut()
        .unwrap()
        .push(serde_json::json!({"name": "ghost", "proto": 4, "address": "ghost.invalid"}));
    fs::write(exchange.path("probes.json"), roster.to_string()).unwrap();
    exchange.start_collector();
    let distrusting = exchange.round_without_trust("ams1");
    assert_eq!(distrusting.status.code(), Some(2), "no plan from a stranger");
    assert!(
        stderr(&distrusting).contains("certificate"),
        "{}",
        stderr(&distrusting)
    );
    assert_silent_success(&exchange.round_by_os_trust("ams1"), &exchange);

    let key = fs::read_to_string(exchange.path("read.key")).unwrap();
    let last = http::get_json(exchange.listen(), "/api/v1/data/probe/ams1/last", &key);
    let ghost = last["probes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|p| p["name"] == "ghost")
        .unwrap();
    assert_eq!(
        (&ghost["class"], &ghost["pinged"], &ghost["ping_loss"]),
        (&"error".into(), &false.into(), &Value::Null)
    );

    let stored = points(&exchange, last["time"].as_str().unwrap());
    let marker = stored
        .iter()
        .find(|point| point.tags["target"] == "ghost")
        .unwrap();
    assert_eq!(marker.tags["status"], "unmeasured");
    assert_eq!(marker.fields["error"], stored::text("resolve"));
    assert!(!marker.fields.contains_key("loss"), "{:?}", marker.fields);
}

#[track_caller]
fn assert_silent_success(output: &Output, exchange: &Exchange) {
    let nginx = exchange.nginx.log();
    let log = exchange.collector_log();
    assert!(
        output.status.success(),
        "{:?}: {}\n{log}\n{nginx}",
        output.status,
        stderr(output)
    );
    assert_eq!(
        (stderr(output), &output.stdout[..]),
        (String::new(), &b""[..]),
        "silent on success"
    );
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The reports in the spool of a state directory.
fn spooled(state: &Path) -> Vec<Value> {
    let files = fs::read_dir(state.join("spool"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.is_file())
        .map(|path| {
            let mut text = String::new();
            flate2::read::GzDecoder::new(fs::File::open(path).unwrap())
                .read_to_string(&mut text)
                .unwrap();
            serde_json::from_str(&text).unwrap()
        })
        .collect()
}

/// The points of `Ping` and `PingTest` at exactly this time, read with Flux.
fn points(exchange: &Exchange, time: &str) -> Vec<Point> {
    let flux = format!(
        "import \"experimental\"\n\
         from(bucket: \"{}\") |> range(start: {time}, stop: experimental.addDuration(d: 1ns, to: {time})) \
         |> filter(fn: (r) => r._measurement == \"Ping\" or r._measurement == \"PingTest\")",
        Exchange::BUCKET
    );
    stored::read(&http::block_on(exchange.influxd.query(&flux)))
}
