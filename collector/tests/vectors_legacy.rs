#![cfg(test)]
//! Every published case of a legacy post that gets past its key and its content type.

#[path = "support/vectors.rs"]
mod vectors;

use std::time::Duration;

use collector::ingest::legacy::{Poster, Refusal, accept};
use collector::ingest::names::Names;
use collector::ingest::{Accepted, Settings};
use collector::store::Appended;
use ippm::{Family, ProbeName};
use serde_json::{Value, json};

use vectors::{expected_lines, instant, label, lines_of, load};

#[test]
fn legacy_posts_are_judged_and_written_as_published() {
    let document = load("legacy.json", 52);
    let mut at_the_door = Vec::new();
    for case in document["cases"].as_array().unwrap() {
        if is_refused_at_the_door(&case["given"]) {
            at_the_door.push(case["name"].as_str().unwrap());
            continue;
        }
        check(case);
    }
    // What is decided before anybody reads the body is held against the running server elsewhere.
    assert_eq!(
        at_the_door,
        ["content-type-form", "key-empty", "key-absent", "key-unknown"]
    );
}

/// No valid key, or not JSON by its own word.
fn is_refused_at_the_door(given: &Value) -> bool {
    let key = given["key"].as_str().unwrap_or_default();
    let is_json = given["content_type"]
        .as_str()
        .unwrap()
        .to_ascii_lowercase()
        .starts_with("application/json");
    !is_json || !(key == "shared" || key.starts_with("probe:"))
}

fn check(case: &Value) {
    let given = &case["given"];
    let own_keys: Vec<&str> = given["own_keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    let has_own_key = |name: &ProbeName| own_keys.contains(&name.as_str());
    let probe: Option<ProbeName> = given["key"]
        .as_str()
        .unwrap()
        .strip_prefix("probe:")
        .map(|name| name.parse().unwrap());
    let poster = match &probe {
        Some(probe) => Poster::Probe(probe),
        None => Poster::Shared {
            has_own_key: &has_own_key,
            is_listed: &|_| false,
        },
    };
    let settings = Settings {
        legacy_period: Duration::from_nanos(given["legacy_period_ns"].as_u64().unwrap_or(300_000_000_000)),
        retention: Duration::from_hours(90 * 24),
        strict_sources: false,
    };
    let body = given["body"].as_str().unwrap().as_bytes();
    match accept(body, instant(&given["arrival"]), poster, &settings, &Names::new()) {
        Ok(accepted) => check_accepted(case, accepted),
        Err(refusal) => check_refused(case, &refusal),
    }
}

fn check_accepted(case: &Value, Accepted { report, answer }: Accepted) {
    let expect = &case["expect"];
    assert_eq!(expect["status"], 200, "{}", label(case));
    assert_eq!(
        lines_of(&report, Family::V4),
        expected_lines(case),
        "{}",
        label(case)
    );
    let mut body = serde_json::to_value(answer.legacy(&Appended::default())).unwrap();
    if let Some(rejected) = body.get_mut("rejected").and_then(Value::as_array_mut) {
        for item in rejected {
            assert!(item.as_object_mut().unwrap().remove("error").is_some());
        }
    }
    assert_eq!(body, expect["body"], "{}", label(case));
}

fn check_refused(case: &Value, refusal: &Refusal) {
    let expect = &case["expect"];
    let body = json!({"error": refusal.public_text(), "code": refusal.code()});
    assert_eq!(body, expect["body"], "{}: {refusal}", label(case));
    let status = if refusal.code() == "key_invalid" { 403 } else { 500 };
    assert_eq!(json!(status), expect["status"], "{}", label(case));
}
