#![cfg(test)]
//! Every published case of a native report: what is stored, what is rejected, and the exact lines.

#[path = "support/vectors.rs"]
mod vectors;

use std::time::Duration;

use collector::ingest::names::Names;
use collector::ingest::native::{Arrival, accept};
use collector::ingest::{Accepted, Settings};
use collector::store::Appended;
use ippm::{Family, ProbeName};
use serde_json::{Map, Value, json};

use vectors::{expected_lines, instant, label, lines_of, load};

/// As the file says.
const SETTINGS: Settings = Settings {
    legacy_period: Duration::from_mins(5),
    retention: Duration::from_hours(90 * 24),
    strict_sources: false,
};

#[test]
fn reports_are_judged_and_written_as_published() {
    let document = load("reports.json", 95);
    for case in document["cases"].as_array().unwrap() {
        check(&document, case);
    }
}

fn check(document: &Value, case: &Value) {
    let given = case["given"].as_object().unwrap();
    let body = body(document, given);
    let source: ProbeName = body["source"].as_str().unwrap().parse().unwrap();
    let setting = |key: &str| given.get(key).unwrap_or(&document[key]);
    let sent_at = setting("sent_at");
    let arrival = Arrival {
        at: instant(setting("arrival")),
        sent_at: sent_at.is_string().then(|| instant(sent_at)),
    };
    let text = serde_json::to_vec(&body).unwrap();
    let expect = &case["expect"];
    match accept(&text, arrival, &source, &[], &SETTINGS, &Names::new()) {
        Err(refusal) => {
            assert_eq!(
                json!(refusal.code()),
                expect["code"],
                "{}: {refusal}",
                label(case)
            );
            assert_eq!(
                json!(status_of(refusal.code())),
                expect["status"],
                "{}",
                label(case)
            );
        }
        Ok(accepted) => {
            let family = given
                .get("legacy_family")
                .map_or(4, |family| family.as_u64().unwrap());
            check_accepted(case, accepted, Family::from_number(family).unwrap());
        }
    }
}

fn check_accepted(case: &Value, Accepted { report, answer }: Accepted, legacy_family: Family) {
    let expect = &case["expect"];
    assert_eq!(expect["status"], 200, "{}", label(case));
    if !expect["lines"].is_null() {
        let lines = lines_of(&report, legacy_family);
        pretty(&lines, &expected_lines(case), &label(case));
    }
    let stored = answer.native(&Appended::default());
    assert_eq!(stored.status, "ok");
    assert_eq!(json!(stored.stored), expect["stored"], "{}", label(case));
    let rejected: Vec<Value> = stored
        .rejected
        .iter()
        .map(|r| json!({"index": r.index, "code": r.code}))
        .collect();
    assert_eq!(json!(rejected), expect["rejected"], "{}", label(case));
    assert!(stored.ignored.is_empty(), "{}: {:?}", label(case), stored.ignored);
    assert!(stored.rejected.iter().all(|r| !r.error.is_empty()));
}

/// The report of a case: the file's, with the keys of `over` replaced and `results` set.
fn body(document: &Value, given: &Map<String, Value>) -> Value {
    let mut body = document["report"].clone();
    if let Some(over) = given.get("over") {
        for (key, value) in over.as_object().unwrap() {
            body[key] = value.clone();
        }
    }
    let results = given["results"].as_array().unwrap().iter();
    let results: Vec<Value> = results
        .map(|result| match result {
            Value::String(name) => document["named"][name].clone(),
            other => other.clone(),
        })
        .collect();
    body["results"] = Value::Array(results);
    body
}

/// The status that the interface gives a refusal with this code.
fn status_of(code: &str) -> u16 {
    match code {
        "bad_json" => 400,
        "schema_unsupported" | "time_ahead" | "time_expired" => 422,
        other => panic!("no status for {other}"),
    }
}

/// Line by line, so that a failure shows the one that differs.
fn pretty(found: &[String], expected: &[String], label: &str) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{label}");
    }
    assert_eq!(found.len(), expected.len(), "{label}");
}
