//! What probes of the original IXPQoS send: the recorded requests, and every published post.

use std::collections::HashMap;

use collector::clock::Clock;
use collector::key::Role;
use reqwest::Method;
use serde_json::Value;

use crate::app::{AMS1, SHARED, TestApp};
use crate::reports::{instant, vectors};

#[actix_web::test]
async fn the_recorded_requests_of_the_original_get_its_statuses_and_bodies() {
    let table: Value = serde_json::from_str(include_str!("../fixtures/legacy_requests.json")).unwrap();
    for row in table["requests"].as_array().unwrap() {
        let app = TestApp::start();
        let label = row["why"].as_str().unwrap();
        let method: Method = row["method"].as_str().unwrap().parse().unwrap();
        let mut request = app
            .client
            .request(method, format!("{}{}", app.url, row["path"].as_str().unwrap()));
        // As python-requests sends them.
        request = request
            .header("User-Agent", "python-requests/2.34.0")
            .header("Accept-Encoding", "gzip, deflate");
        match row["key"].as_str() {
            Some("shared") => request = request.header("X-API-Key", SHARED),
            Some("ams1") => request = request.header("X-API-Key", AMS1),
            Some(key) => request = request.header("X-API-Key", key),
            None => {}
        }
        if let Some(body) = row["body"].as_str() {
            request = request
                .header("Content-Type", "application/json")
                .body(body.to_owned());
        }
        let reply = app.send(request).await;
        assert_eq!(
            u64::from(reply.status),
            row["status"].as_u64().unwrap(),
            "{label}: {reply:?}"
        );
        assert_eq!(reply.text, row["answer"].as_str().unwrap(), "{label}");
        assert_eq!(reply.header("content-type"), Some("application/json"), "{label}");
        let stored: usize = app
            .store
            .reports()
            .iter()
            .map(|report| report.entries.len())
            .sum();
        assert_eq!(stored as u64, row["stored"].as_u64().unwrap_or(0), "{label}");
    }
}

#[actix_web::test]
async fn every_published_legacy_post_is_answered_as_published() {
    let document = vectors("legacy.json");
    let mut apps: HashMap<String, TestApp> = HashMap::new();
    for case in document["cases"].as_array().unwrap() {
        let (given, expect) = (&case["given"], &case["expect"]);
        let label = format!("{}: {}", case["name"], case["why"]);
        let probe = given["key"].as_str().and_then(|key| key.strip_prefix("probe:"));
        let app = apps
            .entry(probe.unwrap_or_default().to_owned())
            .or_insert_with(|| {
                let mut keys: Vec<(&str, Role, &str)> = vec![("key of p9", Role::Probe, "p9")];
                keys.extend(probe.map(|probe| ("own key", Role::Probe, probe)));
                let arrival = instant(&given["arrival"]);
                TestApp::with_keys(&keys, &[], Clock::new(move || arrival))
            });
        let mut request = app
            .client
            .post(format!("{}/backend/api/v1/data/probe-result", app.url));
        request = request.header("Content-Type", given["content_type"].as_str().unwrap());
        request = match given["key"].as_str() {
            Some("shared") => request.header("X-API-Key", SHARED),
            Some(_) if probe.is_some() => request.header("X-API-Key", "own key"),
            Some(key) => request.header("X-API-Key", key),
            None => request,
        };
        let reply = app
            .send(request.body(given["body"].as_str().unwrap().to_owned()))
            .await;
        assert_eq!(
            u64::from(reply.status),
            expect["status"].as_u64().unwrap(),
            "{label}: {reply:?}"
        );
        let mut body = reply.json();
        let rejected = body.get_mut("rejected").and_then(Value::as_array_mut);
        for rejected in rejected.into_iter().flatten() {
            // The text is free; the code is not.
            assert!(
                rejected
                    .as_object_mut()
                    .unwrap()
                    .remove("error")
                    .unwrap()
                    .is_string(),
                "{label}"
            );
        }
        assert_eq!(body, expect["body"], "{label}");
    }
}

#[actix_web::test]
async fn two_identical_posts_are_two_points_and_an_unknown_source_is_taken_unless_the_operator_is_strict() {
    let body = r#"{"source":"new1","probes":[]}"#;
    let app = TestApp::start();
    for _ in 0..2 {
        assert_eq!(
            app.post("/api/v1/data/probe-result", SHARED, body).await.text,
            r#"{"status":"ok"}"#
        );
    }
    assert_eq!(app.store.reports().len(), 2);
    let strict = TestApp::with(&[("LEGACY__STRICT_SOURCES", "true")]);
    let reply = strict.post("/api/v1/data/probe-result", SHARED, body).await;
    assert_eq!(reply.code(), (403, "key_invalid".to_owned()));
}

#[actix_web::test]
async fn a_store_that_is_away_is_the_originals_500() {
    let app = TestApp::start();
    app.store.set_away(true);
    let reply = app
        .post(
            "/api/v1/data/probe-result",
            SHARED,
            r#"{"source":"p1","probes":[]}"#,
        )
        .await;
    let expected = r#"{"error":"unable to store probe result","code":"store_unavailable"}"#;
    assert_eq!((reply.status, reply.text.as_str()), (500, expected));
}
