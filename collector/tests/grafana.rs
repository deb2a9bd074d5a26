//! Every query of the shipped dashboards finds something in a real InfluxDB 2 with a known history.

#![cfg(test)]

mod support {
    #[expect(dead_code, reason = "other tests use more of it")]
    pub(crate) mod influxd;
}

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use collector::plan::Defaults;
use collector::store::influx::setup::Retention;
use collector::store::influx::{Influx, Options};
use collector::store::point::PING;
use collector::store::{Entry, Report, Store, layout};
use collector::synthetic::{History, Scenario};
use ippm::cell::HOUR;
use ippm::{Family, Measurement, Outcome, TestName, UnixTime, plan};
use serde_json::Value;

use support::influxd::Influxd;

const DASHBOARDS: [&str; 3] = ["mesh", "pair", "probes"];
const BUCKET: &str = "ixpqos";
const PERIOD: Duration = Duration::from_mins(5);

/// A query, and where it stands.
struct Query {
    place: String,
    flux: String,
}

fn dashboard(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../deploy/grafana/{name}.json"));
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The queries of the panels, then those that fill the lists of the variables.
fn queries(name: &str) -> Vec<Query> {
    let dashboard = dashboard(name);
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            queries.push(Query {
                place: format!("{name}: {}", panel["title"]),
                flux: target["query"].as_str().unwrap().to_owned(),
            });
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        if variable["type"] == "query" {
            queries.push(Query {
                place: format!("{name}: variable {}", variable["name"]),
                flux: variable["query"]["query"].as_str().unwrap().to_owned(),
            });
        }
    }
    queries
}

/// What Grafana puts in the place of variables before it sends a query.
fn filled_in(flux: &str, scenario: &Scenario) -> String {
    let time = ippm::wire::time::format;
    let variables = [
        ("${bucket}", BUCKET.to_owned()),
        ("${source}", "ix02".to_owned()),
        ("${target}", "ix03".to_owned()),
        ("${family}", "4".to_owned()),
        ("v.timeRangeStart", time(scenario.start)),
        ("v.timeRangeStop", time(scenario.end)),
        ("v.windowPeriod", "10m".to_owned()),
    ];
    let mut flux = flux.to_owned();
    for (variable, value) in variables {
        flux = flux.replace(variable, &value);
    }
    assert!(
        !flux.contains("${") && !flux.contains("v."),
        "unknown variable: {flux}"
    );
    flux
}

/// Lines of an annotated CSV that are neither annotations nor headers.
fn rows(csv: &str) -> usize {
    let mut rows = 0;
    let mut is_header = true;
    for line in csv.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            is_header = true;
        } else if is_header {
            is_header = false;
        } else {
            rows += 1;
        }
    }
    rows
}

/// Six hours that ended with the last hour: InfluxDB expires what is older than its retention.
fn scenario() -> Scenario {
    let now = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap();
    let end = UnixTime::from_ns(now).floor(HOUR);
    let start = end.saturating_sub(HOUR * 6);
    Scenario {
        probes: 4,
        start,
        end,
        raw_from: start,
        seed: 3,
    }
}

fn store(influxd: &Influxd) -> Influx {
    Influx::new(&Options {
        url: influxd.url(),
        org: Influxd::ORG.to_owned(),
        bucket: BUCKET.to_owned(),
        token: Influxd::TOKEN.into(),
        ca: None,
        legacy_family: Family::V4,
        connect_limit: Duration::from_secs(10),
        request_limit: Duration::from_mins(1),
        append_limit: Duration::from_mins(1),
        concurrency: 4,
        gzip: true,
    })
    .unwrap()
}

/// A result that could not be measured: the history has none, and a dashboard lists them.
async fn store_marker(store: &dyn Store, scenario: &Scenario) {
    let runs = store
        .probe_runs(None, scenario.start, scenario.end)
        .await
        .unwrap();
    let marker = Measurement {
        test: TestName::icmp(),
        kind: "icmp".parse().unwrap(),
        target: "ix99".parse().unwrap(),
        family: Family::V4,
        period: PERIOD,
        outcome: Outcome::Unmeasured {
            error: "resolve".parse().unwrap(),
            detail: None,
        },
    };
    let report = Report {
        run: runs[0].clone(),
        entries: vec![(0, Entry::Native(marker))],
    };
    store.append(&[report]).await.unwrap();
}

/// The panel with the packets behind each ratio, against what was made to happen; four probes are 12 pairs.
async fn the_mesh_counts_the_packets_that_were_made(influxd: &Influxd, history: &History) {
    let queries = queries("mesh");
    let query = queries
        .iter()
        .find(|query| query.place.contains("most loss"))
        .unwrap();
    let answer = influxd.query(&filled_in(&query.flux, history.scenario())).await;
    let mut lines = answer
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let found: BTreeSet<[String; 4]> = lines
        .map(|line| {
            let values: Vec<&str> = line.split(',').collect();
            ["source", "target", "sent", "received"].map(|column| {
                let place = header.iter().position(|name| *name == column).unwrap();
                values[place].to_owned()
            })
        })
        .collect();
    let of_family = history.subjects().filter(|subject| subject.family == Family::V4);
    let expected: BTreeSet<[String; 4]> = of_family
        .map(|subject| {
            let truths: Vec<_> = history.truth(&subject).collect();
            let sent: u64 = truths.iter().map(|truth| truth.sent).sum();
            let lost: u64 = truths.iter().map(|truth| truth.lost).sum();
            [
                subject.source.to_string(),
                subject.target.to_string(),
                sent.to_string(),
                (sent - lost).to_string(),
            ]
        })
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn every_query_of_the_shipped_dashboards_finds_rows() {
    let Some(influxd) = Influxd::start() else { return };
    let store = store(&influxd);
    let retention = Retention {
        raw: None,
        hours: None,
        days: None,
    };
    store.setup(&retention).await.unwrap();
    let defaults = Defaults {
        period: PERIOD,
        params: plan::default_params(PERIOD),
        legacy_period: PERIOD,
        pps: 2_000,
        pps_per_target: 50,
    };
    let history = History::new(scenario(), defaults).unwrap();
    history.write(&store).await.unwrap();
    store_marker(&store, history.scenario()).await;
    let mut executed = 0;
    for query in DASHBOARDS.into_iter().flat_map(queries) {
        let flux = filled_in(&query.flux, history.scenario());
        let answer = influxd.query(&flux).await;
        assert!(
            0 < rows(&answer),
            "nothing for {}:\n{flux}\n{answer}",
            query.place
        );
        executed += 1;
    }
    assert_eq!(executed, 20, "17 panels and 3 variables");
    the_mesh_counts_the_packets_that_were_made(&influxd, &history).await;
}

#[test]
fn rows_are_counted_without_annotations_and_headers() {
    assert_eq!(
        rows("#datatype,string\n,result,_value\n,,1\n,,2\n\n#datatype,string\n,result\n,,3\n"),
        3
    );
    assert_eq!(rows("\r\n"), 0);
}

#[test]
fn dashboards_hold_no_address_no_token_and_only_fields_that_are_stored() {
    let known: BTreeSet<&str> = [PING, "ProbeRun", "CollectorRun"]
        .into_iter()
        .flat_map(layout::fields)
        .map(|(name, _)| name)
        .collect();
    let mut identities = BTreeSet::new();
    for name in DASHBOARDS {
        let dashboard = dashboard(name);
        let text = dashboard.to_string();
        assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("oken"));
        assert!(identities.insert(dashboard["uid"].as_str().unwrap().to_owned()));
        for Query { place, flux } in queries(name) {
            for after in flux.split("r._field == \"").skip(1) {
                let field = after.split('"').next().unwrap();
                assert!(known.contains(field), "{place}: {field}");
            }
        }
    }
}
