//! Reports of our own probe: every published case over HTTP, and the table of answers.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use collector::clock::Clock;
use collector::key::Role;
use ippm::UnixTime;
use serde_json::{Value, json};

use crate::app::{AMS1, LON1, READ, TestApp};

const PATH: &str = "/api/v2/reports";

/// The published cases.
pub(crate) fn vectors(file: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../ippm/tests/fixtures/vectors")
        .join(file);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The instant that a case spells.
pub(crate) fn instant(value: &Value) -> UnixTime {
    ippm::wire::time::parse(value.as_str().unwrap()).unwrap()
}

/// A report of `ams1` whose round began at `round_start`.
pub(crate) fn report(round_start: &str) -> Value {
    let document = vectors("reports.json");
    let mut report = document["report"].clone();
    report["round_start"] = round_start.into();
    report["results"] = json!([document["named"]["error"].clone()]);
    report
}

/// The round start of [`report`] that is always acceptable: now.
pub(crate) fn now() -> String {
    ippm::wire::time::format(Clock::system().now())
}

#[actix_web::test]
async fn every_published_report_is_answered_as_published() {
    let document = vectors("reports.json");
    let time = Arc::new(Mutex::new(UnixTime::from_ns(0)));
    let shared = Arc::clone(&time);
    let sources: BTreeSet<&str> = document["cases"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|case| case["given"]["over"]["source"].as_str())
        .chain([document["report"]["source"].as_str().unwrap()])
        .collect();
    let keys: Vec<(&str, Role, &str)> = sources
        .iter()
        .map(|source| (*source, Role::Probe, *source))
        .collect();
    let app = TestApp::with_keys(
        &keys,
        &[("LIMITS__BURST", "1000")],
        Clock::new(move || *shared.lock().unwrap()),
    );
    for case in document["cases"].as_array().unwrap() {
        let (given, expect) = (&case["given"], &case["expect"]);
        let label = format!("{}: {}", case["name"], case["why"]);
        let mut report = document["report"].clone();
        for (key, value) in given["over"].as_object().into_iter().flatten() {
            report[key] = value.clone();
        }
        let named = |result: &Value| {
            result
                .as_str()
                .map_or_else(|| result.clone(), |name| document["named"][name].clone())
        };
        let results: Vec<Value> = given["results"].as_array().unwrap().iter().map(named).collect();
        report["results"] = results.into();
        let given_or = |key: &str| given.get(key).unwrap_or(&document[key]).clone();
        *time.lock().unwrap() = instant(&given_or("arrival"));
        // In this test the key of a probe is its name.
        let key = report["source"].as_str().unwrap().as_bytes();
        let mut request = app
            .client
            .post(format!("{}{PATH}", app.url))
            .header("X-API-Key", key);
        if let Some(sent_at) = given_or("sent_at").as_str() {
            let sent_at = ippm::wire::time::parse(sent_at).unwrap();
            request = request.header("IXPQoS-Sent-At", sent_at.as_ns().to_string());
        }
        let reply = app
            .send(
                request
                    .header("Content-Type", "application/json")
                    .body(report.to_string()),
            )
            .await;
        assert_eq!(
            u64::from(reply.status),
            expect["status"].as_u64().unwrap(),
            "{label}: {reply:?}"
        );
        if reply.status != 200 {
            assert_eq!(reply.json()["code"], expect["code"], "{label}");
            continue;
        }
        assert_eq!(reply.json()["stored"], expect["stored"], "{label}");
        let rejected: Vec<Value> = reply.json()["rejected"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rejected| json!([rejected["index"], rejected["code"]]))
            .collect();
        let expected: Vec<Value> = expect["rejected"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| {
                if item.is_array() {
                    item.clone()
                } else {
                    json!([item["index"], item["code"]])
                }
            })
            .collect();
        assert_eq!(rejected, expected, "{label}");
    }
}

#[actix_web::test]
async fn the_answers_beside_the_published_ones() {
    let app = TestApp::start();
    let good = report(&now()).to_string();
    let deep = format!("{{\"schema\":1,\"x\":{}{}}}", "[".repeat(17), "]".repeat(17));
    let other = {
        let mut other = report(&now());
        other["source"] = "lon1".into();
        other.to_string()
    };
    let many = {
        let mut many = report(&now());
        many["results"] = vec![Value::Null; 2049].into();
        many.to_string()
    };
    for (case, key, body, status, code) in [
        ("no key", "", good.as_str(), 401, "key_missing"),
        ("unknown key", "unknown", &good, 401, "key_invalid"),
        (
            "the shared key of the original",
            crate::app::SHARED,
            &good,
            401,
            "key_invalid",
        ),
        ("wrong role", READ, &good, 403, "forbidden"),
        ("another probe's source", LON1, &good, 403, "forbidden"),
        ("another source than the key's", AMS1, &other, 403, "forbidden"),
        ("not JSON", AMS1, "{", 400, "bad_json"),
        ("nothing", AMS1, "", 400, "bad_json"),
        ("an array", AMS1, "[]", 400, "bad_json"),
        ("NaN", AMS1, "{\"schema\":NaN}", 400, "bad_json"),
        ("too deep", AMS1, &deep, 400, "bad_json"),
        ("too many results", AMS1, &many, 413, "too_large"),
    ] {
        let reply = app.post(PATH, key, body.to_owned()).await;
        assert_eq!(reply.code(), (status, code.to_owned()), "{case}");
    }
    let many = app.post(PATH, AMS1, many).await;
    assert!(
        many.json()["error"].as_str().unwrap().contains("2048"),
        "{many:?}"
    );
    let url = format!("{}{PATH}", app.url);
    let typed = |kind: &'static str| {
        app.client
            .post(&url)
            .header("X-API-Key", AMS1)
            .header("Content-Type", kind)
    };
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "",
    ] {
        let reply = app.send(typed(kind).body(good.clone())).await;
        assert_eq!(
            reply.code(),
            (415, "unsupported_media_type".to_owned()),
            "{kind:?}"
        );
    }
    assert_eq!(app.store.reports().len(), 0);
    let reply = app
        .send(typed("Application/JSON; charset=utf-8").body(good))
        .await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(app.store.reports().len(), 1);
}

#[actix_web::test]
async fn unknown_fields_are_named_and_their_report_is_stored() {
    let app = TestApp::start();
    let mut report = report(&now());
    report["later"] = 1.into();
    report["results"][0]["newer"] = "x".into();
    let reply = app
        .post("/backend/api/v2/reports", AMS1, report.to_string())
        .await;
    assert_eq!(reply.json()["ignored"], json!(["later", "results[].newer"]));
    assert_eq!(reply.json()["stored"], 1);
    let metrics = app.get("/metrics", "").await.text;
    assert!(metrics.contains("ixpqos_fields_ignored_total 2\n"), "{metrics}");
    assert!(metrics.contains("ixpqos_results_stored_total 1\n"), "{metrics}");
}

#[actix_web::test]
async fn hostile_names_cost_themselves_and_nothing_else() {
    let app = TestApp::start();
    let long = "n".repeat(300);
    let names = [
        ("a\nb", false),
        ("a,b", true),
        ("a=b", true),
        ("a\"b", true),
        ("a\\", false),
        ("\u{1f4a9}", true),
        (long.as_str(), false),
        ("\u{202e}evil", true),
        ("", false),
        ("a/b", false),
        ("..", false),
        ("a\u{0}", false),
    ];
    let mut report = report(&now());
    let result = report["results"][0].clone();
    let all: Vec<Value> = names
        .iter()
        .map(|(name, _)| {
            let mut result = result.clone();
            result["target"] = (*name).into();
            result
        })
        .collect();
    report["results"] = all.into();
    let reply = app.post(PATH, AMS1, report.to_string()).await;
    let rejected: Vec<u64> = reply.json()["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["index"].as_u64().unwrap())
        .collect();
    let expected: Vec<u64> = (0..)
        .zip(&names)
        .filter(|(_, (_, good))| !good)
        .map(|(index, _)| index)
        .collect();
    assert_eq!(rejected, expected, "{reply:?}");
    for (name, good) in names {
        let name: String = url_encoded(name);
        let reply = app.get(&format!("/api/v1/data/probe/{name}/last"), READ).await;
        assert_eq!(reply.status, 404, "{name} {good}");
        assert!(reply.json()["code"].is_string());
    }
    assert_eq!(
        app.post(PATH, AMS1, crate::reports::report(&now()).to_string())
            .await
            .status,
        200
    );
}

fn url_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        write!(out, "%{byte:02X}").unwrap();
        out
    })
}
