//! The program as systemd runs it: what it tells, what signals do, what it never shows.

#![cfg(test)]

mod influx;
mod secrets;
mod service;

use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::influx::Stub;
use crate::service::{Service, Setting, report};

const KEY: &str = "key-of-ams1-0123456789abcdefghijklmnopqrstu";
const NEW_KEY: &str = "new-key-of-ams1-0123456789abcdefghijklmnopq";

#[test]
fn systemd_is_told_when_it_is_ready_reloads_lives_and_stops() {
    let mut service = Service::start(&Setting::embedded(), &[("WATCHDOG_USEC", "300000")]);
    // Whoever starts after us is told only when somebody listens.
    assert_eq!(service.told(), "READY=1");
    for _ in 0..3 {
        assert_eq!(service.told(), "WATCHDOG=1");
    }
    service.signal("HUP");
    let reloading = service.told_beside("WATCHDOG=1");
    assert!(
        reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="),
        "{reloading}"
    );
    assert_eq!(service.told_beside("WATCHDOG=1"), "READY=1");
    service.signal("TERM");
    assert_eq!(service.told_beside("WATCHDOG=1"), "STOPPING=1");
    assert_eq!(service.end().status, Some(0));
}

#[test]
fn sighup_reads_roster_and_keys_at_once() {
    let setting = Setting::embedded().key(KEY, "probe", "ams1");
    let service = Service::start(&setting, &[]);
    let plan = |probe: &str, key: &str| {
        let answer = service.ask("GET", &format!("/api/v2/plan/{probe}"), &[("X-API-Key", key)], "");
        (answer.status, answer.text)
    };
    assert_eq!(service.told(), "READY=1");
    let (status, text) = plan("ams1", KEY);
    assert!(status == 200 && !text.contains("osl1"), "{text}");
    assert_eq!(plan("ams1", NEW_KEY).0, 401);
    Setting::embedded()
        .key(NEW_KEY, "probe", "ams1")
        .write_keys(service.folder());
    let roster = r#"{"probes":[{"name":"ams1","proto":4,"address":"192.0.2.1"},{"name":"osl1","proto":4,"address":"192.0.2.9"}]}"#;
    fs::write(service.folder().join("probes.json"), roster).unwrap();
    service.signal("HUP");
    assert!(service.told().starts_with("RELOADING=1"));
    assert_eq!(service.told(), "READY=1");
    let (status, text) = plan("ams1", NEW_KEY);
    assert!(status == 200 && text.contains("osl1"), "{text}");
    assert_eq!(plan("ams1", KEY).0, 401, "a key that was taken out opens nothing");
}

#[test]
fn a_stop_finishes_and_answers_a_write_that_is_in_progress() {
    let stub = Stub::holding_results();
    let setting = Setting::influx(&stub.url(), "token").key(KEY, "probe", "ams1");
    let mut service = Service::start(&setting, &[]);
    assert_eq!(service.told(), "READY=1");
    let body = report();
    let (status, text) = std::thread::scope(|scope| {
        let post = scope.spawn(|| {
            let headers = [("X-API-Key", KEY), ("Content-Type", "application/json")];
            let answer = service.ask("POST", "/api/v2/reports", &headers, &body);
            (answer.status, answer.text)
        });
        // The store has the results and has not said so.
        let lines = stub.held();
        assert!(lines.starts_with("Ping,"), "{lines}");
        service.signal("TERM");
        assert_eq!(service.told(), "STOPPING=1");
        assert!(!post.is_finished(), "answered before the store has answered");
        stub.let_go();
        post.join().unwrap()
    });
    let answer: Value = serde_json::from_str(text.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!((status, &answer["status"]), (200, &Value::from("ok")), "{text}");
    assert!(0 < answer["stored"].as_u64().unwrap(), "{text}");
    let end = service.end();
    assert_eq!(end.status, Some(0), "{}", end.stderr);
}

#[test]
fn reports_that_wait_count_as_large_as_they_are_unpacked() {
    let stub = Stub::holding_results();
    let mut setting = Setting::influx(&stub.url(), "token").key(KEY, "probe", "ams1");
    setting.configuration += "[limits]\nbody = \"1MiB\"\nqueue_bytes = \"1MiB\"\n";
    let service = Service::start(&setting, &[]);
    let body = || {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        write!(encoder, "{}{}", report(), " ".repeat(700_000)).unwrap();
        encoder.finish().unwrap()
    };
    let post = || {
        let headers = [
            ("X-API-Key", KEY),
            ("Content-Type", "application/json"),
            ("Content-Encoding", "gzip"),
        ];
        service.ask("POST", "/api/v2/reports", &headers, body())
    };
    assert!(body().len() < 10_000);
    std::thread::scope(|scope| {
        let first = scope.spawn(post);
        stub.held();
        let second = post();
        assert!(
            second.status == 503 && second.text.contains("store_unavailable"),
            "{}",
            second.text
        );
        stub.let_go();
        assert_eq!(first.join().unwrap().status, 200);
    });
}
