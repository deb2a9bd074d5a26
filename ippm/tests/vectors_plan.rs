#![cfg(test)]
//! Every published case of what is due when, of the defaults, and of a plan's record and version.

#[path = "support/vectors.rs"]
mod vectors;

use std::time::Duration;

use ippm::plan::{self, Plan, Target, Test};
use ippm::wire::plan::ParamsV1;
use ippm::wire::time;
use ippm::{Family, Params};
use serde_json::{Value, json};

use vectors::{Case, for_each_case};

#[test]
fn plans_are_followed_as_published() {
    for_each_case("plan_due.json", 24, |case| {
        match case.given()["ask"].as_str().unwrap() {
            "due" => check_due(case),
            "default" => check_default(case),
            "version" => check_version(case),
            other => panic!("no check for {other}"),
        }
    });
}

fn check_due(case: &Case) {
    let given = case.given();
    let round_start = time::parse(given["round_start"].as_str().unwrap()).unwrap();
    let slot_start = plan::slot_start(round_start, duration(&given["plan_period_ns"]));
    let test_period = duration(&given["test_period_ns"]);
    let step = i64::try_from(test_period.as_nanos()).unwrap();
    let found = json!({
        "slot_start": time::format(slot_start),
        "due": plan::is_due(slot_start, test_period),
        "slot_number": slot_start.floor(test_period).as_ns() / step,
    });
    assert_eq!(found, *case.expect(), "{}", case.label());
}

fn check_default(case: &Case) {
    let Params {
        count: Some(count),
        spread: Some(spread),
        ..
    } = plan::default_params(duration(&case.given()["plan_period_ns"]))
    else {
        panic!("the default test has a count and a spread");
    };
    let departure = |index| plan::departure(spread, count, index).map(ns);
    let found = json!({
        "spread_ns": ns(spread),
        "count": count,
        "first_departure_ns": departure(0),
        "second_departure_ns": departure(1),
        "last_departure_ns": departure(count - 1),
    });
    assert_eq!(found, *case.expect(), "{}", case.label());
}

fn check_version(case: &Case) {
    let given = case.given();
    let legacy_period = given.get("legacy_period_ns");
    let plan = Plan {
        period: duration(legacy_period.unwrap_or(&given["plan_period_ns"])),
        legacy: legacy_period.is_some(),
        tests: given["tests"].as_array().unwrap().iter().map(test).collect(),
    };
    let found = json!({"record": plan.record(), "version": plan.version()});
    assert_eq!(found, *case.expect(), "{}", case.label());
}

fn test(given: &Value) -> Test {
    let params: ParamsV1 = serde_json::from_value(given["params"].clone()).unwrap();
    let windows = given["windows"].as_array().into_iter().flatten();
    Test {
        name: text(&given["test"]).parse().unwrap(),
        kind: text(&given["kind"]).parse().unwrap(),
        period: duration(&given["period_ns"]),
        params: params.into(),
        windows: windows.map(|window| text(window).to_owned()).collect(),
        targets: given["targets"].as_array().unwrap().iter().map(target).collect(),
    }
}

fn target(given: &Value) -> Target {
    Target {
        name: text(&given["target"]).parse().unwrap(),
        family: Family::from_number(given["family"].as_u64().unwrap()).unwrap(),
        address: text(&given["address"]).to_owned(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn duration(value: &Value) -> Duration {
    Duration::from_nanos(value.as_u64().unwrap())
}

fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap()
}
