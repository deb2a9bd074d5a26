//! Health, metrics, the form of every answer, and the collector's own ledger.

use collector::clock::Clock;
use ippm::wire;
use reqwest::Method;

use crate::app::{AMS1, READ, TestApp, eventually};

#[actix_web::test]
async fn a_collector_lives_and_is_ready_as_long_as_its_store_is() {
    let app = TestApp::start();
    assert_eq!(app.get("/healthz", "").await.text, r#"{"status":"ok"}"#);
    let ready = app.get("/readyz", "").await;
    assert_eq!((ready.status, &ready.json()["status"]), (200, &"ready".into()));
    assert_eq!(ready.json()["digests"]["roster"].as_str().unwrap().len(), 64);
    let away = TestApp::start();
    away.store.set_away(true);
    let reply = away.get("/readyz", "").await;
    assert_eq!(
        (reply.status, &reply.json()["store"]),
        (503, &"unavailable".into())
    );
    assert!(!reply.text.contains("SECRET-INTERNAL-REASON"));
    assert_eq!(away.get("/healthz", "").await.status, 200);
}

#[actix_web::test]
async fn the_date_of_every_answer_is_the_time_by_which_reports_are_received() {
    let time = wire::time::parse("2026-11-21T10:00:00.9Z").unwrap();
    let app = TestApp::build(&[], Clock::new(move || time));
    for (path, key, status) in [
        ("/healthz", "", 200),
        ("/api/v2/plan/ams1", AMS1, 200),
        ("/nothing", "", 404),
    ] {
        let reply = app.get(path, key).await;
        assert_eq!(reply.status, status, "{path}");
        assert_eq!(
            reply.header("date"),
            Some("Sat, 21 Nov 2026 10:00:00 GMT"),
            "{path}"
        );
    }
}

#[actix_web::test]
async fn every_answer_that_is_no_success_is_json_and_carries_an_id_and_the_security_headers() {
    let app = TestApp::start();
    for (method, path, status, code) in [
        (Method::GET, "/nothing", 404, "not_found"),
        (Method::GET, "/backend", 404, "not_found"),
        (Method::GET, "/backend/nothing", 404, "not_found"),
        (Method::POST, "/api/v2/plan/ams1", 405, "method_not_allowed"),
        (Method::DELETE, "/backend/healthz", 405, "method_not_allowed"),
        (Method::OPTIONS, "/api/v1/conf/probes", 405, "method_not_allowed"),
        (Method::GET, "/%2e%2e/etc/passwd", 404, "not_found"),
    ] {
        let reply = app
            .send(app.client.request(method, format!("{}{path}", app.url)))
            .await;
        assert_eq!(reply.code(), (status, code.to_owned()), "{path}");
        assert_eq!(reply.header("content-type"), Some("application/json"), "{path}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(reply.header("x-request-id").unwrap().len(), 32, "{path}");
        assert_eq!(reply.header("allow").is_some(), status == 405, "{path}");
    }
}

#[actix_web::test]
async fn a_trusted_proxy_names_the_request_and_nobody_else_does() {
    let app = TestApp::start();
    let other = TestApp::with(&[("SERVER__TRUSTED_PROXIES", "192.0.2.1")]);
    for (app, id, kept) in [
        (&app, "0123456789abcdef", true),
        (&app, "too short", false),
        (&app, &"x".repeat(65), false),
        (&other, "0123456789abcdef", false),
    ] {
        let reply = app
            .send(
                app.client
                    .get(format!("{}/healthz", app.url))
                    .header("X-Request-Id", id),
            )
            .await;
        assert_eq!(reply.header("x-request-id") == Some(id), kept, "{id}");
    }
}

#[actix_web::test]
async fn metrics_need_no_key_on_this_host_and_one_elsewhere() {
    let app = TestApp::start();
    app.get("/api/v2/plan/ams1", AMS1).await;
    let text = app.get("/metrics", "").await.text;
    assert!(
        text.contains("ixpqos_http_requests_total{route=\"/api/v2/plan/{probe}\",status=\"200\"} 1\n"),
        "{text}"
    );
    assert!(
        text.contains("ixpqos_ready 1\n") && text.contains("ixpqos_queue_reports 0\n"),
        "{text}"
    );
    let from_outside = |key: &'static str| {
        let request = app
            .client
            .get(format!("{}/metrics", app.url))
            .header("X-Forwarded-For", "192.0.2.99");
        app.send(if key.is_empty() {
            request
        } else {
            request.header("X-API-Key", key)
        })
    };
    assert_eq!(from_outside("").await.code(), (401, "key_missing".to_owned()));
    assert_eq!(from_outside(AMS1).await.code(), (403, "forbidden".to_owned()));
    assert_eq!(from_outside(READ).await.status, 200);
}

#[actix_web::test]
async fn a_collector_beats_and_records_every_plan_once() {
    let app = TestApp::start();
    eventually(|| !app.store.beats().is_empty() && app.store.plans().len() == 3).await;
    let beat = app.store.beats()[0].clone();
    assert_eq!(
        (beat.instance.as_str(), beat.time.as_ns() % 10_000_000_000),
        ("test", 0)
    );
    let plans = app.store.plans().clone();
    let record = |probe: &str| {
        plans
            .iter()
            .find(|plan| plan.probe.as_str() == probe)
            .unwrap()
            .record
            .clone()
    };
    assert!(
        record("ams1").starts_with("period|300s\nicmp|icmp|fra1|4|fra1.example|300s|"),
        "{}",
        record("ams1")
    );
    assert!(record("fra1").starts_with("legacy|300s\n"), "{}", record("fra1"));
    assert!(!record("fra1").contains("|6|"), "{}", record("fra1"));
    let loaded = app.context.watch.loaded();
    assert_eq!(
        collector::beat::plans::record(&app.context, &loaded)
            .await
            .unwrap(),
        0
    );
}
