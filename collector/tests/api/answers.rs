//! The read side over HTTP: what was posted comes back as JSON, as a table and as metrics.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use collector::clock::Clock;
use ippm::UnixTime;
use serde_json::Value;

use crate::app::{AMS1, READ, TestApp};

/// 12:00:00 of some day: five minutes behind it every slot of the story has a class.
const NOON: UnixTime = UnixTime::from_ns(1_795_262_400_000_000_000);

fn noon() -> Clock {
    Clock::new(|| NOON.saturating_add(Duration::from_secs(70)))
}

/// A collector that was started in the morning and has recorded its plans; now it is noon and 70 s.
async fn since_the_morning(settings: &[(&str, &str)]) -> TestApp {
    let seconds_before_noon = Arc::new(AtomicU64::new(2 * 3600));
    let before = Arc::clone(&seconds_before_noon);
    let clock = Clock::new(move || {
        let noon = NOON.saturating_add(Duration::from_secs(70));
        noon.saturating_sub(Duration::from_secs(before.load(Ordering::SeqCst)))
    });
    let app = TestApp::embedded(settings, clock);
    let recorded = async || app.context.store.plan_versions(None, NOON).await.unwrap().len();
    for _ in 0..1000 {
        if recorded().await == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(recorded().await, 3, "three probes have a plan");
    seconds_before_noon.store(0, Ordering::SeqCst);
    app
}

/// A report of `ams1` for the slot that begins so many minutes before noon: `lost` of 280 packets to `lon1`.
fn report(minutes: u64, lost: u64) -> String {
    let start = NOON.saturating_sub(Duration::from_mins(minutes));
    let second = |offset: u64| ippm::wire::time::format(start.saturating_add(Duration::from_secs(offset)));
    let answered = 280 - lost;
    let sum = answered * 1_000_000;
    let slices = |value: u64| {
        let mut values = vec![value; 28];
        if value == 0 {
            values[0] = lost;
        }
        values
    };
    let loss_runs = if lost == 0 { vec![] } else { vec![[1, lost]] };
    let counts: Vec<u64> = slices(0).iter().map(|lost| 10 - lost).collect();
    let sums: Vec<u64> = counts.iter().map(|count| count * 1_000_000).collect();
    let mut hist = ippm::histogram::Histogram::new();
    for _ in 0..answered {
        hist.record(1_000_000);
    }
    let measured = serde_json::json!({
        "test":"icmp","kind":"icmp","target":"lon1","family":4,"flow":0,"address":"192.0.2.20","period_ns":300_000_000_000_u64,
        "params":{"count":280,"spread_ns":280_000_000_000_u64,"timeout_ns":2_000_000_000_u64,"payload_bytes":56,"dscp":0,"dont_fragment":false},
        "outcome":"measured","sent":280,"received":answered,"late":0,"duplicates":0,"reordered":0,"unsent":0,
        "slices":{"start":second(0),"length_ns":10_000_000_000_u64,"sent":vec![10; 28],"lost":slices(0),"rtt_count":counts,"rtt_sum_ns":sums},
        "loss_runs":loss_runs,"clock":"kernel","hop_limits":[[64,answered]],
        "delay":{"rtt":{"count":answered,"sum_ns":sum,"m2_ns2":0.0,"min_ns":1_000_000,"max_ns":1_000_000,
            "p50_ns":1_000_000,"p95_ns":1_000_000,"p99_ns":1_000_000,"hist":hist.encode()}},
    });
    serde_json::json!({
        "schema":1,"source":"ams1","round_start":second(1),"duration_ns":284_000_000_000_u64,
        "plan":{"version":"9f2c41d07b1e55aa","origin":"fetched"},"cut_short":null,
        "probe":{"version":"1.0.0","engine":"icmp-datagram","receive_drops":0,"stamps_missing":0,"stamps_discarded":0,"clock_steps":0,"suspect":[]},
        "results":[measured],
    })
    .to_string()
}

/// A collector at noon that has the reports of the last half hour, one of them with loss.
async fn story() -> TestApp {
    let app = since_the_morning(&[("LIMITS__RATE", "1000/s"), ("LIMITS__BURST", "10000")]).await;
    for (minutes, lost) in [(30, 0), (25, 0), (20, 7), (15, 0), (10, 0), (5, 0)] {
        let reply = app.post("/api/v2/reports", AMS1, report(minutes, lost)).await;
        assert_eq!(
            (reply.status, reply.json()["stored"].as_u64()),
            (200, Some(1)),
            "{reply:?}"
        );
    }
    app
}

const PAIR: &str = "source=ams1&target=lon1";

#[actix_web::test]
async fn a_series_has_the_loss_of_its_points_and_their_classes() {
    let app = story().await;
    let reply = app
        .get(
            &format!("/api/v2/series?{PAIR}&from=2026-11-21T11:30:00Z&to=2026-11-21T12:00:00Z&step=10m"),
            READ,
        )
        .await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let series = reply.json();
    assert_eq!(series["step_ns"], 600_000_000_000_u64);
    let points = series["points"].as_array().unwrap();
    assert_eq!(points.len(), 3);
    let lost: Vec<_> = points
        .iter()
        .map(|point| point["figures"]["loss"]["lost"].as_u64().unwrap())
        .collect();
    assert_eq!(lost, [0, 7, 0]);
    assert_eq!(points[1]["figures"]["sent"], 560);
    assert_eq!(points[1]["account"]["degraded"], 1);
    assert_eq!(points[1]["account"]["ok"], 1);
    assert_eq!(points[0]["figures"]["rtt"]["min_ns"], 1_000_000);
    // The youngest round began 11:55:01, it is 12:01:10.
    assert_eq!(reply.header("ixpqos-data-age"), Some("369"));
}

#[actix_web::test]
async fn a_matrix_shows_pairs_that_said_nothing_too() {
    let app = story().await;
    let matrix = app
        .get("/api/v2/matrix?last=30m&percentiles=false", READ)
        .await
        .json();
    let entries = matrix["entries"].as_array().unwrap();
    let entry = |target: &str, family: u64| {
        let is = |entry: &&Value| {
            let subject = &entry["subject"];
            subject["source"] == "ams1" && subject["target"] == target && subject["family"] == family
        };
        entries.iter().find(is).unwrap_or_else(|| {
            panic!(
                "{target} {family}: {}",
                entries
                    .iter()
                    .map(|entry| entry["subject"].to_string())
                    .collect::<String>()
            )
        })
    };
    let measured = entry("lon1", 4);
    assert_eq!(measured["figures"]["loss"]["lost"], 7);
    assert_eq!(measured["figures"]["loss"]["confidence"], "clustered");
    assert!(measured["figures"]["rtt"]["percentiles"].is_null());
    let silent = entry("fra1", 4);
    assert!(silent["figures"].is_null());
    assert_eq!(silent["standing"]["stale"], true);
}

#[actix_web::test]
async fn rounds_and_the_latest_are_the_stored_results() {
    let app = story().await;
    let rounds = app
        .get(&format!("/api/v2/results?{PAIR}&last=1h"), READ)
        .await
        .json();
    let list = rounds["rounds"].as_array().unwrap();
    assert_eq!(list.len(), 6);
    assert_eq!(list[2]["result"]["counts"]["lost"], 7);
    assert_eq!(list[2]["result"]["slices"]["lost"][0], 7);
    assert_eq!(list[2]["slot"]["class"], "degraded");
    let latest = app
        .get("/api/v2/results?view=latest&source=ams1&family=4", READ)
        .await
        .json();
    let entries = latest["entries"].as_array().unwrap();
    let lon1 = entries
        .iter()
        .find(|entry| entry["subject"]["target"] == "lon1")
        .unwrap();
    assert_eq!(lon1["result"]["time"], "2026-11-21T11:55:01.000000000Z");
    assert_eq!(lon1["standing"]["class"], "ok");
}

#[actix_web::test]
async fn the_same_answer_as_a_table_has_a_row_for_each_point() {
    let app = story().await;
    for (path, rows) in [
        (format!("/api/v2/series?{PAIR}&last=30m&step=10m"), 4),
        (format!("/api/v2/results?{PAIR}&last=1h"), 6),
    ] {
        let reply = app.get(&format!("{path}&format=csv"), READ).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert!(reply.header("content-type").unwrap().starts_with("text/csv"));
        assert!(
            reply
                .header("content-disposition")
                .unwrap()
                .contains("attachment")
        );
        assert!(reply.text.lines().all(|line| !line.is_empty()));
        assert_eq!(reply.text.matches("\r\n").count(), rows + 1, "{}", reply.text);
        let mut reader = csv::Reader::from_reader(reply.text.as_bytes());
        let lost = reader
            .headers()
            .unwrap()
            .iter()
            .position(|name| name == "lost")
            .unwrap();
        let sum: u64 = reader
            .records()
            .filter_map(|record| record.unwrap()[lost].parse::<u64>().ok())
            .sum();
        assert_eq!(sum, 7);
    }
}

#[actix_web::test]
async fn an_answer_that_did_not_change_is_not_sent_again() {
    let app = story().await;
    let path = format!("/api/v2/series?{PAIR}&last=1h");
    let first = app.get(&path, READ).await;
    let tag = first.header("etag").unwrap().to_owned();
    assert_eq!(first.header("cache-control"), Some("private, no-cache"));
    let again = app
        .client
        .get(format!("{}{path}", app.url))
        .header("X-API-Key", READ);
    let again = app.send(again.header("If-None-Match", &tag)).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    app.post("/api/v2/reports", AMS1, report(35, 1)).await;
    let changed = app
        .client
        .get(format!("{}{path}", app.url))
        .header("X-API-Key", READ);
    let changed = app.send(changed.header("If-None-Match", &tag)).await;
    assert_eq!(changed.status, 200);
}

#[actix_web::test]
async fn reading_needs_a_key_that_may_read_unless_it_is_public() {
    let app = story().await;
    for path in ["/api/v2/probes", "/api/v2/matrix", "/api/v2/results?view=latest"] {
        assert_eq!(
            app.get(path, "").await.code(),
            (401, "key_missing".to_owned()),
            "{path}"
        );
        assert_eq!(
            app.get(path, AMS1).await.code(),
            (403, "forbidden".to_owned()),
            "{path}"
        );
        assert_eq!(app.get(path, READ).await.status, 200, "{path}");
    }
    let public = TestApp::build(&[("ACCESS__PUBLIC_READ", "true")], noon());
    assert_eq!(public.get("/api/v2/probes", "").await.status, 200);
}

#[actix_web::test]
async fn a_store_that_is_away_is_503_without_its_words() {
    let app = TestApp::build(&[], noon());
    app.store.set_away(true);
    for path in [
        format!("/api/v2/series?{PAIR}"),
        "/api/v2/matrix".to_owned(),
        "/api/v2/probes".to_owned(),
    ] {
        let reply = app.get(&path, READ).await;
        assert_eq!(reply.code(), (503, "store_unavailable".to_owned()));
        assert!(!reply.text.contains("SECRET"), "{reply:?}");
        assert!(reply.header("retry-after").is_some());
    }
    assert_eq!(app.get("/metrics", READ).await.status, 200);
}

#[actix_web::test]
async fn the_latest_of_every_pair_is_a_metric() {
    let app = story().await;
    let text = app.get("/metrics", READ).await.text;
    let labels = r#"source="ams1",target="lon1",family="4",test="icmp""#;
    for line in [
        format!("ixpqos_rtt_seconds{{{labels},quantile=\"0.5\"}} 0.001000000"),
        format!("ixpqos_loss_ratio{{{labels}}} 0"),
        format!("ixpqos_last_round_timestamp_seconds{{{labels}}} 1795262101.000"),
        format!("ixpqos_slot_class{{{labels},class=\"ok\"}} 1"),
        "ixpqos_pairs_left_out 0".to_owned(),
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let off = TestApp::build(&[("DISPLAY__PAIR_METRICS", "0")], noon());
    assert!(!off.get("/metrics", READ).await.text.contains("ixpqos_loss_ratio"));
    let one = since_the_morning(&[("DISPLAY__PAIR_METRICS", "1")]).await;
    one.post("/api/v2/reports", AMS1, report(5, 0)).await;
    let text = one.get("/metrics", READ).await.text;
    assert!(!text.contains("ixpqos_pairs_left_out 0"), "{text}");
}

#[actix_web::test]
async fn promtool_finds_nothing_wrong_with_the_metrics() {
    let app = story().await;
    let text = app.get("/metrics", READ).await.text;
    let spawned = std::process::Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn();
    let Ok(mut promtool) = spawned else {
        let required = std::env::var("IXPQOS_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|part| part == "promtool"),
            "needs promtool"
        );
        println!("skipped: needs promtool (Debian package prometheus)");
        return;
    };
    std::io::Write::write_all(&mut promtool.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

#[actix_web::test]
async fn the_committed_description_is_the_one_that_is_served() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let built = collector::routes::openapi::document();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &built).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        committed, built,
        "run the test with UPDATE_OPENAPI=1 and review the change"
    );
    let app = TestApp::start();
    assert_eq!(app.get("/openapi.json", "").await.text, built);
}

#[actix_web::test]
async fn the_description_knows_exactly_the_parameters_that_the_endpoints_know() {
    let app = TestApp::start();
    let description: Value = serde_json::from_str(&collector::routes::openapi::document()).unwrap();
    assert_eq!(description["openapi"], "3.1.0");
    for path in [
        "/api/v2/probes",
        "/api/v2/results",
        "/api/v2/series",
        "/api/v2/matrix",
        "/api/v2/sla",
    ] {
        let described: BTreeSet<String> = description["paths"][path]["get"]["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect();
        let refusal = app.get(&format!("{path}?zzz=1"), READ).await.json();
        let text = refusal["error"].as_str().unwrap();
        let known = text
            .split_once("known are ")
            .unwrap()
            .1
            .split(", ")
            .map(str::to_owned);
        assert_eq!(described, known.collect::<BTreeSet<String>>(), "{path}");
    }
}

#[actix_web::test]
async fn every_described_path_is_served_and_its_codes_are_those_of_the_table() {
    let app = TestApp::start();
    let description: Value = serde_json::from_str(&collector::routes::openapi::document()).unwrap();
    for (path, methods) in description["paths"].as_object().unwrap() {
        let concrete = path.replace("{probe}", "ams1").replace("{name}", "ams1");
        // A path that is not served is 404 without a key; one that is wants a key, another method, or answers.
        let reply = app.get(&concrete, "").await;
        assert_ne!(reply.status, 404, "{path}");
        assert_eq!(
            methods.get("post").is_some(),
            reply.status == 405,
            "{path}: {reply:?}"
        );
    }
    let described: BTreeSet<&str> = description["components"]["schemas"]["ErrorAnswer"]["properties"]["code"]
        ["enum"]
        .as_array()
        .unwrap()
        .iter()
        .map(|code| code.as_str().unwrap())
        .collect();
    let known: BTreeSet<&str> = collector::error::CODES.iter().map(|(_, code, _)| *code).collect();
    assert_eq!(described, known);
}
