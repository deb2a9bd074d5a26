//! Every limit: what is beyond it costs its sender and nobody else.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::app::{AMS1, LON1, SHARED, TestApp};
use crate::reports::{now, report};

const PATH: &str = "/api/v2/reports";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn packed(app: &TestApp, encoding: &str, body: Vec<u8>) -> crate::app::Reply {
    let request = app
        .client
        .post(format!("{}{PATH}", app.url))
        .header("X-API-Key", AMS1);
    let request = request
        .header("Content-Type", "application/json")
        .header("Content-Encoding", encoding);
    app.send(request.body(body)).await
}

#[actix_web::test]
async fn a_report_may_be_packed_and_a_bomb_is_refused_before_it_unfolds() {
    let app = TestApp::start();
    let good = report(&now()).to_string();
    assert_eq!(packed(&app, "gzip", gzip(good.as_bytes())).await.status, 200);
    let bomb = gzip(&vec![b' '; 20 << 20]);
    assert!(bomb.len() < 100_000, "{}", bomb.len());
    let twice = [gzip(&vec![b' '; 9 << 20]), gzip(&vec![b' '; 9 << 20])].concat();
    for body in [bomb, twice] {
        let reply = packed(&app, "gzip", body).await;
        assert_eq!(reply.code(), (413, "too_large".to_owned()));
        assert!(reply.text.contains("16777216"), "{reply:?}");
    }
    assert_eq!(
        packed(&app, "gzip", good.clone().into_bytes()).await.code(),
        (400, "bad_encoding".to_owned())
    );
    let cut = gzip(good.as_bytes());
    let cut = cut[..cut.len() / 2].to_vec();
    assert_eq!(
        packed(&app, "gzip", cut).await.code(),
        (400, "bad_encoding".to_owned())
    );
    for encoding in ["br", "deflate", "gzip, gzip"] {
        let reply = packed(&app, encoding, good.clone().into_bytes()).await;
        assert_eq!(reply.code(), (415, "unsupported_encoding".to_owned()));
    }
    assert_eq!(app.store.reports().len(), 1);
}

#[actix_web::test]
async fn a_body_above_the_limit_is_refused_on_both_paths_and_only_behind_a_key() {
    let app = TestApp::with(&[("LIMITS__BODY", "4KiB")]);
    let body = vec![b' '; 4097];
    for (path, key, status, code) in [
        (PATH, AMS1, 413, "too_large"),
        ("/backend/api/v1/data/probe-result", SHARED, 413, "too_large"),
        (PATH, "unknown", 401, "key_invalid"),
        ("/api/v1/data/probe-result", "unknown", 403, "key_invalid"),
    ] {
        let reply = app.post(path, key, body.clone()).await;
        assert_eq!(reply.code(), (status, code.to_owned()), "{path}");
    }
    let body = vec![b' '; 4096];
    assert_eq!(
        app.post(PATH, AMS1, body).await.code(),
        (400, "bad_json".to_owned())
    );
}

#[actix_web::test]
async fn a_slow_body_is_answered_and_slow_headers_end_the_connection() {
    let settings = [("LIMITS__BODY_TIME", "200ms"), ("LIMITS__HEADER_TIME", "2s")];
    let app = TestApp::with(&settings);
    let address = app.url.strip_prefix("http://").unwrap().to_owned();
    let slow = move |head: String| {
        let address = address.clone();
        actix_web::web::block(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            let mut answer = String::new();
            // The end of the connection is what is waited for; how it ends does not matter.
            let _ = stream.read_to_string(&mut answer);
            answer
        })
    };
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-API-Key: {AMS1}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
    );
    let answer = slow(head).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"request_timeout\""),
        "{answer}"
    );
    let answer = slow("GET /healthz HTTP/1.1\r\nHost:".to_owned()).await.unwrap();
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 408 "),
        "{answer}"
    );
    assert_eq!(app.get("/healthz", "").await.status, 200);
}

#[actix_web::test]
async fn a_key_that_is_too_fast_waits_and_no_other_key_does() {
    let app = TestApp::with(&[("LIMITS__RATE", "1/h"), ("LIMITS__BURST", "3")]);
    for _ in 0..3 {
        assert_eq!(app.get("/api/v2/plan/ams1", AMS1).await.status, 200);
    }
    let reply = app.get("/api/v2/plan/ams1", AMS1).await;
    assert_eq!(reply.code(), (429, "too_many_requests".to_owned()));
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3600).contains(&wait), "{wait}");
    assert_eq!(app.get("/api/v2/plan/lon1", LON1).await.status, 200);
}

#[actix_web::test]
async fn the_shared_key_of_the_original_probes_is_limited_too() {
    let app = TestApp::with(&[("LIMITS__RATE", "1/h"), ("LIMITS__BURST", "1")]);
    assert_eq!(app.get("/api/v1/conf/probes", SHARED).await.status, 200);
    let reply = app.get("/api/v1/conf/probes", SHARED).await;
    assert_eq!(reply.code(), (429, "too_many_requests".to_owned()));
}

#[actix_web::test]
async fn an_address_that_fails_too_often_is_told_to_wait_and_its_valid_keys_work() {
    let app = TestApp::with(&[("LIMITS__FAILED_RATE", "1/h"), ("LIMITS__FAILED_BURST", "2")]);
    let from = |address: &'static str, key: &'static str| {
        let request = app
            .client
            .get(format!("{}/api/v2/plan/ams1", app.url))
            .header("X-API-Key", key);
        app.send(request.header("X-Forwarded-For", address))
    };
    for _ in 0..2 {
        assert_eq!(from("192.0.2.1", "wrong").await.status, 401);
    }
    let reply = from("192.0.2.1", "wrong").await;
    assert_eq!(reply.code(), (429, "too_many_requests".to_owned()));
    assert!(reply.header("retry-after").is_some());
    assert_eq!(from("192.0.2.1", AMS1).await.status, 200);
    assert_eq!(from("192.0.2.2", "wrong").await.status, 401);
}

#[actix_web::test]
async fn an_address_that_guessed_too_often_does_not_learn_that_it_has_guessed_the_shared_key() {
    let app = TestApp::with(&[("LIMITS__FAILED_RATE", "1/h"), ("LIMITS__FAILED_BURST", "2")]);
    let from = |address: &'static str, key: &'static str| {
        let request = app
            .client
            .get(format!("{}/api/v1/conf/probes", app.url))
            .header("X-API-Key", key);
        app.send(request.header("X-Forwarded-For", address))
    };
    for _ in 0..2 {
        assert_eq!(from("192.0.2.1", "wrong").await.status, 403);
    }
    for key in ["wrong", SHARED] {
        let reply = from("192.0.2.1", key).await;
        assert_eq!(reply.code(), (429, "too_many_requests".to_owned()));
    }
    assert_eq!(from("192.0.2.1", AMS1).await.status, 200);
    assert_eq!(from("192.0.2.2", SHARED).await.status, 200);
}

#[actix_web::test]
async fn the_shared_key_is_paced_for_each_address() {
    let app = TestApp::with(&[("LIMITS__RATE", "1/h"), ("LIMITS__BURST", "2")]);
    let from = |address: &'static str| {
        let request = app
            .client
            .get(format!("{}/api/v1/conf/probes", app.url))
            .header("X-API-Key", SHARED);
        app.send(request.header("X-Forwarded-For", address))
    };
    for status in [200, 200, 429] {
        assert_eq!(from("192.0.2.1").await.status, status);
    }
    assert_eq!(from("192.0.2.2").await.status, 200);
}

#[actix_web::test]
async fn a_report_posted_a_hundred_times_at_once_is_stored_once() {
    let app = TestApp::start();
    let body = report(&now()).to_string();
    let posts: Vec<_> = (0..100)
        .map(|_| {
            let request = app
                .client
                .post(format!("{}{PATH}", app.url))
                .header("X-API-Key", AMS1);
            actix_web::rt::spawn(
                request
                    .header("Content-Type", "application/json")
                    .body(body.clone())
                    .send(),
            )
        })
        .collect();
    for post in posts {
        let response = post.await.unwrap().unwrap();
        assert_eq!(response.status().as_u16(), 200);
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["stored"], 1);
    }
    assert_eq!(app.store.reports().len(), 1);
}

#[actix_web::test]
async fn a_store_that_is_away_is_503_and_the_same_report_is_taken_when_it_is_back() {
    let app = TestApp::start();
    let body = report(&now()).to_string();
    app.store.set_away(true);
    let reply = app.post(PATH, AMS1, body.clone()).await;
    assert_eq!(reply.code(), (503, "store_unavailable".to_owned()));
    assert!(reply.header("retry-after").is_some());
    assert!(!reply.text.contains("SECRET-INTERNAL-REASON"), "{reply:?}");
    app.store.set_away(false);
    assert_eq!(app.post(PATH, AMS1, body).await.status, 200);
}

#[actix_web::test]
async fn what_was_accepted_before_a_stop_is_answered() {
    let app = TestApp::start();
    let body = report(&now()).to_string();
    assert_eq!(app.post(PATH, AMS1, body).await.status, 200);
    app.handle.stop(true).await;
    assert!(
        app.client
            .get(format!("{}/healthz", app.url))
            .send()
            .await
            .is_err()
    );
    assert_eq!(app.store.reports().len(), 1);
}
