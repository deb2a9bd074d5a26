//! The legacy list and the plan.

use crate::app::{ADMIN, AMS1, LON1, READ, SHARED, TestApp};

#[actix_web::test]
async fn an_original_probe_gets_the_ipv4_entries_in_the_order_of_the_file() {
    let app = TestApp::start();
    let list = r#"{"probes":[{"address":"192.0.2.10","name":"ams1","proto":4,"site":"AMS"},{"address":"192.0.2.20","name":"lon1","proto":4},{"address":"fra1.example","legacy":true,"name":"fra1","proto":4}]}"#;
    for path in ["/api/v1/conf/probes", "/backend/api/v1/conf/probes"] {
        for key in [SHARED, AMS1, READ] {
            let reply = app.get(path, key).await;
            assert_eq!((reply.status, reply.text.as_str()), (200, list));
            assert_eq!(reply.header("content-type"), Some("application/json"));
        }
    }
    let all = app.get("/api/v1/conf/probes?family=all", SHARED).await.json();
    assert_eq!(all["probes"].as_array().unwrap().len(), 4);
    assert_eq!(
        app.get("/api/v1/conf/probes?family=6", SHARED).await.code(),
        (400, "bad_query".to_owned())
    );
}

#[actix_web::test]
async fn the_legacy_list_keeps_the_statuses_and_texts_of_the_original() {
    let app = TestApp::start();
    let missing = r#"{"error":"Please provide an API key","code":"key_missing"}"#;
    let invalid = r#"{"error":"The provided API key is not valid","code":"key_invalid"}"#;
    let path = "/backend/api/v1/conf/probes";
    let reply = app.get(path, "").await;
    assert_eq!((reply.status, reply.text.as_str()), (400, missing));
    let empty = app
        .send(
            app.client
                .get(format!("{}{path}", app.url))
                .header("X-API-Key", ""),
        )
        .await;
    assert_eq!((empty.status, empty.text.as_str()), (400, missing));
    let wrong = app.get(path, "wrong").await;
    assert_eq!((wrong.status, wrong.text.as_str()), (403, invalid));
    assert_eq!(
        app.get("/api/v1/conf/probes/", SHARED).await.code(),
        (404, "not_found".to_owned())
    );
}

#[actix_web::test]
async fn a_plan_is_everybody_else_and_changes_when_the_roster_does() {
    let app = TestApp::start();
    let reply = app.get("/api/v2/plan/ams1", AMS1).await;
    assert_eq!(reply.status, 200);
    assert!(reply.header("date").is_some());
    let etag = reply.header("etag").unwrap().to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    let plan = reply.json();
    assert_eq!((&plan["schema"], &plan["probe"]), (&1.into(), &"ams1".into()));
    assert_eq!(plan["period_ns"], 300_000_000_000_u64);
    assert_eq!(plan["end_before_ns"], 297_000_000_000_u64);
    assert_eq!(plan["tests"][0]["params"]["count"], 280);
    let targets: Vec<String> = plan["tests"][0]["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|target| format!("{}/{}", target["target"].as_str().unwrap(), target["family"]))
        .collect();
    // Of lon1 only the family that ams1 has too.
    assert_eq!(targets, ["lon1/4", "fra1/4"]);
    let again = app
        .client
        .get(format!("{}/api/v2/plan/ams1", app.url))
        .header("X-API-Key", READ);
    let again = app.send(again.header("If-None-Match", &etag)).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    assert_eq!(again.header("etag"), Some(etag.as_str()));
}

#[actix_web::test]
async fn a_plan_is_for_its_probe_and_for_readers() {
    let app = TestApp::start();
    for (path, key, status, code) in [
        ("/api/v2/plan/ams1", "", 401, "key_missing"),
        ("/api/v2/plan/ams1", "wrong", 401, "key_invalid"),
        ("/api/v2/plan/ams1", SHARED, 401, "key_invalid"),
        ("/api/v2/plan/ams1", LON1, 403, "forbidden"),
        ("/api/v2/plan/nobody", AMS1, 403, "forbidden"),
        ("/api/v2/plan/nobody", READ, 404, "unknown_probe"),
        ("/api/v2/plan/a%2Fb", READ, 404, "unknown_probe"),
        ("/api/v2/plan/%FF", READ, 404, "unknown_probe"),
        ("/api/v2/plan/ams1/", READ, 404, "not_found"),
        ("/api/v2/plan/ams1?start=yesterday", READ, 400, "bad_query"),
        (
            "/api/v2/plan/ams1?begin=2026-11-21T10:05:00Z",
            READ,
            400,
            "bad_query",
        ),
        (
            "/api/v2/plan/ams1?start=2026-11-21T10:05:00Z&start=2026-11-21T10:05:00Z",
            READ,
            400,
            "bad_query",
        ),
    ] {
        assert_eq!(
            app.get(path, key).await.code(),
            (status, code.to_owned()),
            "{path}"
        );
    }
    for path in [
        "/api/v2/plan/ams1?start=2026-11-21T10:05:00.5%2B01:00",
        "/backend/api/v2/plan/fra1",
    ] {
        assert_eq!(app.get(path, ADMIN).await.status, 200, "{path}");
    }
}
