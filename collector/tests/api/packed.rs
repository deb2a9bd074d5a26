//! Answers as gzip: for whom, how they are marked, and that it keeps no thread busy that accepts results.

use std::io::Read as _;
use std::sync::mpsc;

use flate2::read::GzDecoder;

use crate::app::{READ, TestApp};

/// Answers that are longer than a packet.
const LONG: [&str; 3] = ["/openapi.json", "/", "/metrics-explained"];

struct Packed {
    headers: reqwest::header::HeaderMap,
    body: Vec<u8>,
}

impl Packed {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

async fn get(app: &TestApp, path: &str, accepted: &str) -> Packed {
    let request = app.client.get(format!("{}{path}", app.url));
    let response = request
        .header("X-API-Key", READ)
        .header("Accept-Encoding", accepted)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200, "{path}");
    Packed {
        headers: response.headers().clone(),
        body: response.bytes().await.unwrap().to_vec(),
    }
}

fn unpack(body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    GzDecoder::new(body).read_to_end(&mut plain).unwrap();
    plain
}

#[actix_web::test]
async fn whoever_takes_gzip_gets_the_same_answer_in_fewer_bytes() {
    let app = TestApp::start();
    for path in LONG {
        let plain = get(&app, path, "identity").await;
        let packed = get(&app, path, "br, gzip;q=0.5").await;
        assert_eq!(plain.header("content-encoding"), None, "{path}");
        assert_eq!(packed.header("content-encoding"), Some("gzip"), "{path}");
        assert_eq!(unpack(&packed.body), plain.body, "{path}");
        assert!(packed.body.len() < plain.body.len(), "{path}");
        for answer in [&plain, &packed] {
            let length = answer.body.len().to_string();
            assert_eq!(answer.header("content-length"), Some(length.as_str()), "{path}");
            let varies = answer.header("vary").unwrap_or_default();
            assert!(varies.contains("Accept-Encoding"), "{path}: {varies}");
        }
    }
}

#[actix_web::test]
async fn the_tag_of_a_packed_answer_is_weak_and_known_again() {
    let app = TestApp::start();
    let path = "/metrics-explained";
    let packed = get(&app, path, "gzip").await;
    let tag = packed.header("etag").unwrap_or_default().to_owned();
    assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");
    let request = app.client.get(format!("{}{path}", app.url));
    let request = request
        .header("X-API-Key", READ)
        .header("Accept-Encoding", "gzip");
    let again = app.send(request.header("If-None-Match", &tag)).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    assert_eq!(again.header("content-encoding"), None);
    assert_eq!(again.header("vary"), Some("Accept-Encoding"));
}

#[actix_web::test]
async fn who_does_not_take_gzip_and_what_is_short_gets_it_plain() {
    let app = TestApp::start();
    for accepted in ["", "identity", "gzip;q=0", "br", "*;q=0", "nonsense;;"] {
        let plain = get(&app, "/openapi.json", accepted).await;
        assert_eq!(plain.header("content-encoding"), None, "{accepted}");
    }
    let short = get(&app, "/api/v2/probes", "gzip").await;
    assert!(short.body.len() < 1024);
    assert_eq!(short.header("content-encoding"), None);
}

#[actix_web::test]
async fn an_answer_is_packed_where_it_keeps_nobody_who_accepts_results() {
    let app = TestApp::with(&[("SERVER__WORKERS", "1")]);
    // The only thread for readers is kept until `free` is dropped.
    let (began, beginning) = tokio::sync::oneshot::channel();
    let (free, is_freed) = mpsc::channel::<()>();
    let context = app.context.clone();
    let held = actix_web::rt::spawn(async move {
        let wait = async move {
            began.send(()).unwrap();
            let _ = is_freed.recv();
        };
        context.read_threads.make(wait).await
    });
    beginning.await.unwrap();
    let request = app.client.get(format!("{}/openapi.json", app.url));
    let packed = actix_web::rt::spawn(request.header("Accept-Encoding", "gzip").send());
    // What is not packed is answered meanwhile, many times over.
    for _ in 0..50 {
        assert!(!get(&app, "/openapi.json", "identity").await.body.is_empty());
    }
    assert!(!packed.is_finished());
    drop(free);
    let packed = packed.await.unwrap().unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    held.await.unwrap().unwrap();
}
