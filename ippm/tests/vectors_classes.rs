#![cfg(test)]
//! Every published case of the classes: one expected slot, what is known of it, and what follows.

#[path = "support/vectors.rs"]
mod vectors;

use std::collections::BTreeSet;
use std::time::Duration;

use ippm::class::maintenance::{Calendar, Maintenance, Scope};
use ippm::class::result::{Finding, Run, SlotResult};
use ippm::class::slot::{Aliases, Expected};
use ippm::class::watch::Beats;
use ippm::class::{Classified, Evidence, classify};
use ippm::limit::LossLimit;
use ippm::{Family, ProbeName, TestName, UnixTime, wire};
use serde_json::Value;

use vectors::{Case, for_each_case};

#[test]
fn the_classes_reproduce_every_published_case() {
    for_each_case("classes.json", 54, check);
}

fn check(case: &Case) {
    let given = case.given();
    let names = Names::of(given);
    let results: Vec<SlotResult<'_>> = list(&given["rows"])
        .iter()
        .map(|row| result_of(row, &names))
        .collect();
    let runs: Vec<Run<'_>> = list(&given["runs"])
        .iter()
        .map(|run| Run {
            source: names.probe(&run["source"]),
            time: time_of(&run["time"]),
            is_suspect: run["suspect"] != "",
        })
        .collect();
    let evidence = Evidence {
        results: &results,
        runs: &runs,
        beats: &list(&given["beats"]).iter().map(time_of).collect::<Beats>(),
        aliases: &aliases_of(given),
        calendar: &list(&given["maintenance"])
            .iter()
            .map(maintenance_of)
            .collect::<Calendar>(),
        is_loaded: false,
        limit: given["limit_ppm"]
            .as_u64()
            .map_or(LossLimit::DISPLAY_DEFAULT, |ppm| {
                LossLimit::from_ppm(u32::try_from(ppm).unwrap()).unwrap()
            }),
        now: time_of(&given["now"]),
    };
    check_classified(
        case,
        classify(&expected_of(&given["expected"], &names), &evidence),
    );
}

fn check_classified(case: &Case, found: Option<Classified<'_>>) {
    let expect = case.expect();
    assert_eq!(
        found.map(|found| found.class.as_str()),
        expect["class"].as_str(),
        "{}",
        case.label()
    );
    let overlays: &[&str] = if found.is_some_and(|found| found.in_maintenance) {
        &["maintenance"]
    } else {
        &[]
    };
    assert_eq!(
        serde_json::json!(overlays),
        expect["overlays"],
        "{}",
        case.label()
    );
    let counting = found.and_then(|found| found.counting).map(|result| result.time);
    assert_eq!(counting, expect.get("counting").map(time_of), "{}", case.label());
}

/// The names of a case, kept where the borrowing inputs can point at them.
struct Names {
    probes: BTreeSet<ProbeName>,
    tests: BTreeSet<TestName>,
}

impl Names {
    fn of(given: &Value) -> Self {
        let objects = || {
            list(&given["rows"])
                .iter()
                .chain(list(&given["runs"]))
                .chain([&given["expected"]])
        };
        let texts = |key: &'static str| objects().filter_map(move |object| object[key].as_str());
        Self {
            probes: texts("source")
                .chain(texts("target"))
                .map(|name| name.parse().unwrap())
                .collect(),
            tests: texts("test").map(|name| name.parse().unwrap()).collect(),
        }
    }

    fn probe(&self, value: &Value) -> &ProbeName {
        self.probes.iter().find(|name| name.as_str() == value).unwrap()
    }

    fn test(&self, value: &Value) -> &TestName {
        self.tests.iter().find(|name| name.as_str() == value).unwrap()
    }
}

fn expected_of<'a>(value: &Value, names: &'a Names) -> Expected<'a> {
    Expected {
        source: names.probe(&value["source"]),
        source_site: None,
        target: names.probe(&value["target"]),
        target_site: None,
        family: Family::from_number(value["family"].as_u64().unwrap()).unwrap(),
        test: names.test(&value["test"]),
        period: duration_of(&value["period_ns"]),
        plan_period: duration_of(&value["plan_period_ns"]),
        spread: duration_of(&value["spread_ns"]),
        count: value["count"].as_u64().unwrap(),
        slot_start: time_of(&value["slot_start"]),
    }
}

fn result_of<'a>(row: &Value, names: &'a Names) -> SlotResult<'a> {
    let finding = match (row["measured"].as_bool().unwrap(), row["sent"].as_u64()) {
        (false, _) => Finding::Unmeasured,
        (true, Some(sent)) => Finding::Counted {
            sent,
            received: row["received"].as_u64().unwrap(),
        },
        (true, None) => Finding::Ratio {
            loss: row["loss"].as_f64().unwrap(),
        },
    };
    SlotResult {
        source: names.probe(&row["source"]),
        target: names.probe(&row["target"]),
        family: Family::from_number(row["family"].as_u64().unwrap()).unwrap(),
        test: names.test(&row["test"]),
        period: duration_of(&row["period_ns"]),
        time: time_of(&row["time"]),
        finding,
    }
}

fn aliases_of(given: &Value) -> Aliases {
    let aliases = given["aliases"].as_object().into_iter().flatten();
    aliases
        .map(|(former, present)| {
            (
                former.parse().unwrap(),
                present.as_str().unwrap().parse().unwrap(),
            )
        })
        .collect()
}

fn maintenance_of(value: &Value) -> Maintenance {
    let scope = value["scope"].as_object().unwrap();
    let name = |key: &str| scope.get(key).map(|name| name.as_str().unwrap().parse().unwrap());
    assert!(
        scope.keys().all(|key| key == "probe" || key == "source"),
        "a scope that this test does not read"
    );
    Maintenance {
        id: value["id"].as_str().unwrap().to_owned(),
        loaded: time_of(&value["loaded"]),
        from: time_of(&value["from"]),
        to: time_of(&value["to"]),
        scope: Scope {
            probe: name("probe"),
            source: name("source"),
            ..Scope::ALL
        },
        is_deleted: value["deleted"].as_bool().unwrap_or(false),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn time_of(value: &Value) -> UnixTime {
    wire::time::parse(value.as_str().unwrap()).unwrap()
}

fn duration_of(value: &Value) -> Duration {
    Duration::from_nanos(value.as_u64().unwrap())
}
