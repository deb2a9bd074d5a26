use serde_json::{Value, json};

use super::*;

/// The plan of the API's documentation: 300 s, two targets.
fn plan() -> Value {
    json!({
        "schema": 1, "probe": "ams1", "version": "9f2c41d07b1e55aa",
        "period_ns": 300_000_000_000_u64, "end_before_ns": 297_000_000_000_u64,
        "report_schemas": [1], "report_fields": [], "limits": {"pps": 2000, "pps_per_target": 50},
        "tests": [{
            "test": "icmp", "kind": "icmp", "period_ns": 300_000_000_000_u64, "windowed": false,
            "params": {"count": 280, "spread_ns": 280_000_000_000_u64, "timeout_ns": 2_000_000_000_u64,
                       "payload_bytes": 56, "dscp": 0, "dont_fragment": false},
            "targets": [{"target": "lon1", "family": 4, "address": "192.0.2.10"},
                        {"target": "fra1", "family": 6, "address": "fra1.example"}]
        }]
    })
}

/// 10:05:00.12: slot 10:05.
const START: UnixTime = UnixTime::from_ns(1_795_255_500_120_000_000);

fn read_value(plan: &Value, is_cached: bool) -> Result<Agenda, PlanFault> {
    read(plan.to_string().as_bytes(), START, is_cached)
}

fn due(plan: &Value, is_cached: bool) -> Vec<String> {
    let agenda = read_value(plan, is_cached).unwrap();
    agenda
        .items
        .iter()
        .map(|item| format!("{}>{}/{}", item.test, item.target, item.family))
        .collect()
}

#[test]
fn the_documented_plan_is_followed() {
    let agenda = read_value(&plan(), false).unwrap();
    assert_eq!(agenda.version, "9f2c41d07b1e55aa");
    assert_eq!(agenda.limits, Limits::new(2000, 50));
    assert_eq!(due(&plan(), false), ["icmp>lon1/4", "icmp>fra1/6"]);
}

#[test]
fn what_a_later_collector_adds_is_passed_over() {
    let mut plan = plan();
    plan["new"] = json!({"a": [1]});
    plan["tests"][0]["new"] = json!(1);
    plan["tests"][0]["params"]["new"] = json!(1);
    plan["tests"][0]["targets"][0]["new"] = json!(1);
    assert_eq!(due(&plan, false).len(), 2);
}

#[test]
fn absent_parameters_take_the_defaults_of_the_period() {
    let mut plan = plan();
    plan["tests"][0].as_object_mut().unwrap().remove("params");
    let agenda = read_value(&plan, false).unwrap();
    assert_eq!(agenda.items[0].params, ippm::plan::default_params(agenda.period));
}

#[test]
fn only_due_tests_are_measured_and_a_cached_plan_leaves_out_windows() {
    let mut plan = plan();
    let mut second = plan["tests"][0].clone();
    second["test"] = json!("hourly");
    second["period_ns"] = json!(3_600_000_000_000_u64);
    let mut third = plan["tests"][0].clone();
    third["test"] = json!("night");
    third["windowed"] = json!(true);
    plan["tests"] = json!([plan["tests"][0], second, third]);
    assert_eq!(
        due(&plan, false),
        ["icmp>lon1/4", "icmp>fra1/6", "night>lon1/4", "night>fra1/6"]
    );
    assert_eq!(due(&plan, true), ["icmp>lon1/4", "icmp>fra1/6"]);
}

#[test]
fn an_unknown_kind_is_kept_to_be_reported_and_its_parameters_are_not_judged() {
    let mut plan = plan();
    plan["tests"][0]["kind"] = json!("twamp");
    plan["tests"][0]["params"] = json!({"count": 100_000_000});
    let agenda = read_value(&plan, false).unwrap();
    assert!(agenda.items.iter().all(|item| !item.is_supported()));
}

#[track_caller]
fn refused(change: impl FnOnce(&mut Value), expected: &str) {
    let mut plan = plan();
    change(&mut plan);
    let error = crate::exit::chain(&read_value(&plan, false).unwrap_err());
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_plan_that_cannot_be_followed_is_refused_with_the_path() {
    refused(|p| p["schema"] = json!(2), "schema 2");
    refused(|p| p["report_schemas"] = json!([2]), "report schemas");
    refused(
        |p| p["period_ns"] = json!(10_000_000_000_u64),
        "period_ns: a period of 10s is outside 20s to 3600s",
    );
    refused(
        |p| p["period_ns"] = json!(70_000_000_000_u64),
        "does not divide one hour",
    );
    refused(
        |p| p["end_before_ns"] = json!(300_000_000_001_u64),
        "end_before_ns",
    );
    refused(|p| p["tests"][0]["test"] = json!("ICMP"), "tests[0].test: ");
    refused(
        |p| p["tests"][0]["period_ns"] = json!(450_000_000_000_u64),
        "tests[0].period_ns: ",
    );
    refused(
        |p| p["tests"][0]["period_ns"] = json!(7_200_000_000_000_u64),
        "tests[0].period_ns: ",
    );
    refused(
        |p| p["tests"][0]["targets"][1]["target"] = json!("a/b"),
        "tests[0].targets[1].target: ",
    );
    refused(
        |p| p["tests"][0]["targets"][1]["family"] = json!(5),
        "tests[0].targets[1].family: expected 4 or 6",
    );
    refused(
        |p| p["tests"][0]["targets"][1] = p["tests"][0]["targets"][0].clone(),
        "tests[0].targets[1]: listed twice",
    );
    refused(
        |p| p["tests"][0]["params"]["count"] = json!(0),
        "tests[0].params.count",
    );
    refused(
        |p| p["tests"][0]["params"]["spread_ns"] = json!(298_000_000_000_u64),
        "tests[0].params.spread_ns",
    );
    refused(
        |p| p["tests"][0]["params"]["timeout_ns"] = json!(0),
        "tests[0].params.timeout_ns",
    );
    refused(|p| *p = json!("plan"), "not JSON of a plan");
}

#[test]
fn the_probes_own_limits_hold_whatever_the_plan_says() {
    let mut plan = plan();
    plan["limits"] = json!({"pps": 1_000_000, "pps_per_target": 1_000_000});
    assert_eq!(read_value(&plan, false).unwrap().limits, Limits::HARD);
    let targets = |number: usize| -> Value {
        (0..number)
            .map(|i| json!({"target": format!("p{i}"), "family": 4, "address": "192.0.2.1"}))
            .collect()
    };
    plan["tests"][0]["targets"] = targets(2048);
    assert_eq!(due(&plan, false).len(), 2048);
    refused(
        |p| p["tests"][0]["targets"] = targets(2049),
        "2049 results, more than 2048",
    );
}

#[test]
fn an_empty_plan_is_a_plan() {
    let mut plan = plan();
    plan["tests"] = json!([]);
    assert!(due(&plan, false).is_empty());
}
