//! Records are read back as they were written, and nothing else is read.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::{Params, ProbeName};

const LINE: &str = "icmp|icmp|lon1|4|192.0.2.10|300s|count=280;spread=280s|mon-fri 01:00-05:00 Europe/Rome";

#[track_caller]
fn check_refused(record: &str, message: &str) {
    assert_eq!(Plan::parse_record(record).unwrap_err().to_string(), message);
}

#[test]
fn a_record_with_everything_is_read() {
    let text = format!(
        "period|60s\n{LINE};sun 00:00-24:00 UTC\nicmp|icmp|p%7Cq%25|6|p.example|60s||\nvoice|icmp|p%7Cq%25|6|p.example|60s||\n"
    );
    let plan = Plan::parse_record(&text).unwrap();
    assert_eq!((plan.period, plan.legacy), (Duration::from_mins(1), false));
    let [first, second, third] = &plan.tests[..] else {
        panic!("{plan:?}")
    };
    assert_eq!(first.period, Duration::from_mins(5));
    assert_eq!(
        first.windows,
        ["mon-fri 01:00-05:00 Europe/Rome", "sun 00:00-24:00 UTC"]
    );
    assert_eq!(first.params.count, Some(280));
    assert_eq!(second.targets[0].name.as_str(), "p|q%");
    assert_eq!(second.targets[0].family, Family::V6);
    assert_eq!(third.name.as_str(), "voice");
    assert_eq!(plan.record(), text);
}

#[test]
fn a_legacy_record_and_an_empty_one_are_read() {
    let legacy = Plan::parse_record("legacy|300s\n").unwrap();
    assert!(legacy.legacy && legacy.tests.is_empty());
    let empty = Plan::parse_record("period|20s\n").unwrap();
    assert!(!empty.legacy && empty.tests.is_empty());
}

#[test]
fn what_no_plan_writes_is_refused_with_its_line() {
    check_refused(
        "",
        "the record does not begin with the period of the plan, 1s to 3600s",
    );
    check_refused(
        "period|300000ms\n",
        "the record does not begin with the period of the plan, 1s to 3600s",
    );
    check_refused(
        "period|999ms\n",
        "the record does not begin with the period of the plan, 1s to 3600s",
    );
    check_refused(
        &format!("period|300s\n{LINE}"),
        "the last line of the record has no end",
    );
    check_refused(
        "period|300s\n\n",
        "line 2 of the record: expected test|kind|target|family|address|period|params|windows",
    );
    check_refused(
        &format!("period|300s\n{LINE}|\n"),
        "line 2 of the record: expected test|kind|target|family|address|period|params|windows",
    );
    check_refused(
        &format!("period|300s\n{LINE}\n{LINE}\n"),
        "line 3 of the record: it does not come after the line before it",
    );
    check_refused(
        "period|300s\nicmp|icmp|a|4|a.example|300s||\nicmp|icmp|a|4|b.example|300s||\n",
        "line 3 of the record: an earlier line has the same test, target and family",
    );
    check_refused(
        "period|300s\nicmp|icmp|a%2|4|a.example|300s||\n",
        "line 2 of the record: a percent sign that is neither %25 nor %7C",
    );
    check_refused(
        "period|300s\nicmp|icmp|a|4|a.example|450s||\n",
        "line 2 of the record: the period is not a multiple of the plan's, or outside 1s to 3600s",
    );
    check_refused(
        "period|300s\nicmp|icmp|a|4|a.example|300s||sun 00:00-24:00 UTC;\n",
        "line 2 of the record: a window is empty or holds a control character",
    );
    check_refused(
        "period|300s\nicmp|icmp|a|5|a.example|300s||\n",
        "line 2 of the record: the family is neither 4 nor 6",
    );
    check_refused(
        "period|300s\nicmp|icmp|a|6|2001:DB8::1|300s||\n",
        "line 2 of the record: coded text is not the one that the encoder writes",
    );
}

#[test]
fn a_record_has_limits() {
    let lines: Vec<String> = (0..=Plan::MAX_RESULTS)
        .map(|n| format!("icmp|icmp|p{n:04}|4|p.example|300s||\n"))
        .collect();
    let lines = lines.concat();
    check_refused(
        &format!("period|300s\n{lines}"),
        "line 2050 of the record: a plan has at most 2048 results",
    );
    let long = format!("period|300s\n{}", "x".repeat(Plan::MAX_RECORD_BYTES));
    check_refused(&long, "the record has 16777228 bytes, more than 16777216");
}

proptest! {
    #[test]
    fn the_record_of_any_plan_is_read_back(plan in plans()) {
        let record = plan.record();
        let read = Plan::parse_record(&record).unwrap();
        prop_assert_eq!(read.record(), record);
        prop_assert_eq!(normal(read), normal(plan));
    }

    #[test]
    fn what_is_read_is_what_was_written(text in "(period|legacy)\\|[1-9]0{0,2}s\n(icmp\\|icmp\\|[a%25]{1,3}\\|[46]\\|[a.]{1,3}\\|[0-9]{1,3}s\\|(df=1|)\\|[a;]{0,3}\n){0,3}") {
        if let Ok(plan) = Plan::parse_record(&text) {
            prop_assert_eq!(plan.record(), text);
        }
    }
}

/// A plan as a set: each result with everything that is asked of it.
fn normal(plan: Plan) -> (Duration, bool, BTreeMap<String, Test>) {
    let mut results = BTreeMap::new();
    for test in plan.tests {
        for target in &test.targets {
            let key = format!("{} {} {}", test.name, target.name, target.family);
            let targets = vec![target.clone()];
            results.insert(
                key,
                Test {
                    targets,
                    ..test.clone()
                },
            );
        }
    }
    (plan.period, plan.legacy, results)
}

fn plans() -> impl Strategy<Value = Plan> {
    let test = (
        1_u32..=12,
        params(),
        vec("[a-z%|:, /-]{1,12}", 0..3),
        btree_map(("[a-z%| é]{1,6}", any::<bool>()), "[a-z]{1,8}(\\.example)?", 1..8),
    );
    (
        any::<bool>(),
        1_u64..=300,
        btree_map("[a-z][a-z0-9]{0,3}", test, 0..5),
    )
        .prop_map(|(legacy, seconds, tests)| {
            let period = Duration::from_secs(seconds);
            let tests = tests
                .into_iter()
                .map(|(name, (times, params, windows, targets))| Test {
                    name: name.parse().unwrap(),
                    kind: "icmp".parse().unwrap(),
                    period: period * times,
                    params,
                    windows,
                    targets: targets
                        .into_iter()
                        .filter_map(|((name, is_six), address)| {
                            Some(Target {
                                name: name.parse::<ProbeName>().ok()?,
                                family: if is_six { Family::V6 } else { Family::V4 },
                                address,
                            })
                        })
                        .collect(),
                });
            let tests = tests.filter(|test| !test.targets.is_empty()).collect();
            Plan {
                period,
                legacy,
                tests,
            }
        })
}

fn params() -> impl Strategy<Value = Params> {
    let duration = || option::of(any::<u64>().prop_map(Duration::from_nanos));
    (
        (option::of(any::<u64>()), duration(), duration()),
        (
            option::of(any::<u64>()),
            option::of(any::<u64>()),
            option::of(any::<bool>()),
        ),
    )
        .prop_map(
            |((count, spread, timeout), (payload_bytes, dscp, dont_fragment))| Params {
                count,
                spread,
                timeout,
                payload_bytes,
                dscp,
                dont_fragment,
            },
        )
}
