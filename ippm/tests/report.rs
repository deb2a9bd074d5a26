#![cfg(test)]
//! Reports that come from strangers: what is refused as a whole, what costs only one result, and what is
//! merely passed over.

use std::fs;
use std::path::Path;

use ippm::wire::report::envelope::{MAX_BODY_BYTES, MAX_IGNORED, MAX_RESULTS, ReceivedReport, ReportError};
use ippm::wire::report::reject::RejectCode;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A good report with one measured and two other results.
fn text() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden/report_v1.json");
    fs::read_to_string(path).unwrap()
}

fn parse(text: &str) -> Result<ReceivedReport, ReportError> {
    ReceivedReport::parse(text.as_bytes())
}

/// The report with `change` made to it.
fn changed(change: impl FnOnce(&mut Value)) -> Result<ReceivedReport, ReportError> {
    let mut report: Value = serde_json::from_str(&text()).unwrap();
    change(&mut report);
    parse(&report.to_string())
}

/// The codes of the results, `-` for a good one.
#[track_caller]
fn codes(report: Result<ReceivedReport, ReportError>) -> Vec<&'static str> {
    let results = report.unwrap().results;
    let code = |result: &Result<_, ippm::wire::report::reject::Rejection>| {
        result
            .as_ref()
            .err()
            .map_or("-", |rejection| rejection.code.as_str())
    };
    results.iter().map(code).collect()
}

/// The code of the first result after `change` was made to it; the others stay good.
#[track_caller]
fn check_first(change: impl FnOnce(&mut Value), expected: &str) {
    let found = codes(changed(|report| change(&mut report["results"][0])));
    assert_eq!(found, [expected, "-", "-"]);
}

#[test]
fn an_envelope_that_is_not_of_the_shape_shown_is_refused() {
    for (path, value) in [
        ("/source", json!(null)),
        ("/round_start", json!("2026-11-21 10:05:00Z")),
        ("/duration_ns", json!(-1)),
        ("/duration_ns", json!(1.0)),
        ("/duration_ns", json!(9_223_372_036_854_775_808_u64)),
        ("/plan", json!({})),
        ("/plan/origin", json!("From Somewhere")),
        ("/plan/version", json!("v".repeat(65))),
        ("/cut_short", json!("")),
        ("/probe/engine", json!(null)),
        ("/probe/suspect", json!(["Clock"])),
        ("/probe/clock_steps", json!(9_223_372_036_854_775_808_u64)),
        ("/results", json!({})),
        ("/schema", json!("1")),
    ] {
        let result = changed(|report| *report.pointer_mut(path).unwrap() = value);
        assert!(
            !matches!(result, Ok(_) | Err(ReportError::Schema { .. })),
            "{path}: {result:?}"
        );
    }
}

#[test]
fn refused_packets_are_counted_under_ascending_names() {
    let unsent = |value: Value| changed(|report| report["probe"]["unsent_errors"] = value);
    unsent(json!([["enobufs", 1], ["eperm", 2]])).unwrap();
    let many: Vec<Value> = (10..43).map(|number| json!([format!("e{number}"), 1])).collect();
    unsent(json!(many[1..])).unwrap();
    for value in [
        json!([["eperm", 2], ["enobufs", 1]]),
        json!([["eperm", 1], ["eperm", 1]]),
        json!([["eperm", 0]]),
        json!([["EPERM", 1]]),
        json!([["eperm"]]),
        json!(many),
    ] {
        assert!(unsent(value.clone()).is_err(), "{value}");
    }
}

#[test]
fn what_is_not_json_is_refused() {
    for text in [
        "",
        "[]",
        "null",
        "{}",
        &text().replace("\"unsent\": 1", "\"unsent\": NaN"),
        &text().replace("284104000000", "Infinity"),
        &(text() + "{}"),
    ] {
        assert!(matches!(parse(text), Err(ReportError::Json(_))), "{text}");
    }
    assert!(matches!(
        ReceivedReport::parse(b"{\"source\":\"\xff\"}"),
        Err(ReportError::NotText)
    ));
}

#[test]
fn a_later_schema_is_told_from_a_bad_report_whatever_else_it_holds() {
    let result = parse(r#"{"schema":2,"rounds":[1]}"#);
    assert!(matches!(result, Err(ReportError::Schema { found: 2 })));
}

#[test]
fn nesting_is_limited_over_the_whole_report_and_the_message_holds_the_limit() {
    let nested = |depth: usize| {
        let value = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        parse(&text().replacen("\"kind\"", &format!("\"later\": {value}, \"kind\""), 1))
    };
    // The envelope, the list and the result are three.
    assert!(nested(13).is_ok());
    let error = nested(14).unwrap_err();
    assert_eq!(error.to_string(), "the report nests deeper than 16");
}

#[test]
fn a_repeated_key_costs_the_result_that_holds_it_or_the_report() {
    let in_result = text().replacen("\"kind\"", "\"kind\": \"udp\", \"k\\u0069nd\"", 1);
    assert_eq!(codes(parse(&in_result)), ["bad_shape", "-", "-"]);
    let in_unknown = text().replacen("\"kind\"", "\"later\": {\"a\": 1, \"a\": 1}, \"kind\"", 1);
    assert_eq!(codes(parse(&in_unknown)), ["bad_shape", "-", "-"]);
    for envelope in [
        text().replacen("\"source\"", "\"source\": \"x\", \"source\"", 1),
        text().replacen("\"origin\"", "\"later\": 1, \"later\": 2, \"origin\"", 1),
    ] {
        assert!(matches!(parse(&envelope), Err(ReportError::Json(_))));
    }
}

#[test]
fn unknown_fields_are_passed_over_and_named_without_their_places() {
    let report = changed(|report| {
        report["later"] = json!(1);
        report["probe"]["temperature"] = json!({"inner": 1});
        for result in report["results"].as_array_mut().unwrap() {
            result["mos"] = json!([1]);
        }
        report["results"][0]["delay"]["owd_fwd"] = json!({});
        report["results"][0]["icmp_errors"][0]["mtu"] = json!(1280);
        report["results"][0]["params"]["flows"] = json!(16);
    })
    .unwrap();
    assert!(report.results.iter().all(Result::is_ok));
    assert_eq!(
        report.ignored,
        [
            "later",
            "probe.temperature",
            "results[].delay.owd_fwd",
            "results[].icmp_errors[].mtu",
            "results[].mos",
            "results[].params.flows",
        ]
    );
}

#[test]
fn at_most_32_unknown_fields_are_named() {
    let report = changed(|report| {
        for number in 0..100 {
            report[format!("later{number:03}")] = json!(1);
        }
        report["k".repeat(1000)] = json!(1);
    })
    .unwrap();
    assert_eq!(report.ignored.len(), MAX_IGNORED);
    assert_eq!(report.ignored[0].len(), 128);
    assert_eq!(report.ignored[31], "later030");
}

#[test]
fn the_limits_are_in_the_messages() {
    let many = changed(|report| {
        report["results"] = Value::Array(vec![json!(7); MAX_RESULTS + 1]);
    });
    assert_eq!(
        many.unwrap_err().to_string(),
        "the report has 2049 results, at most 2048 are accepted"
    );
    let full = changed(|report| report["results"] = Value::Array(vec![json!(7); MAX_RESULTS]));
    assert_eq!(full.unwrap().results.len(), MAX_RESULTS);
    let large = ReceivedReport::parse(&vec![b' '; MAX_BODY_BYTES + 1]);
    assert_eq!(
        large.unwrap_err().to_string(),
        "the report has 16777217 bytes, at most 16777216 are accepted"
    );
}

#[test]
fn a_result_that_is_not_of_the_shape_shown_is_bad_shape() {
    for key in [
        "test",
        "kind",
        "target",
        "family",
        "flow",
        "address",
        "period_ns",
        "params",
        "outcome",
        "sent",
        "received",
        "late",
        "duplicates",
        "reordered",
        "unsent",
        "slices",
    ] {
        let remove = |result: &mut Value| assert!(result.as_object_mut().unwrap().remove(key).is_some());
        check_first(remove, "bad_shape");
    }
    for (path, value) in [
        ("/kind", json!("Ping")),
        ("/clock", json!("sun dial")),
        ("/slices/start", json!("10:05")),
        ("/icmp_errors/0/from", json!("lon1.example")),
        ("/icmp_errors/0/from", json!("fe80::1%eth0")),
        ("/loss_runs/0", json!([1])),
        ("/delay/rtt/sum_ns", json!(9_223_372_036_854_775_808_u64)),
        ("/params/count", json!(9_223_372_036_854_775_808_u64)),
        ("/delay/rtt/m2_ns2", json!("0")),
    ] {
        check_first(|result| *result.pointer_mut(path).unwrap() = value, "bad_shape");
    }
}

#[test]
fn a_number_that_no_float_holds_costs_only_its_result() {
    let text = text().replacen("4316958328.666667", "1e999", 1);
    assert_eq!(codes(parse(&text)), ["bad_shape", "-", "-"]);
}

#[test]
fn a_large_m2_may_be_written_without_a_point() {
    check_first(
        |result| result["delay"]["rtt"]["m2_ns2"] = json!(280_000_000_000_000_000_000_f64),
        "-",
    );
    check_first(
        |result| result["delay"]["rtt"]["m2_ns2"] = json!(10_000_000_000_000_000_000_u64),
        "-",
    );
}

#[test]
fn a_later_word_is_kept_as_it_came() {
    let report = changed(|report| {
        report["plan"]["origin"] = json!("pushed");
        report["probe"]["suspect"] = json!(["b", "a", "b"]);
        report["results"][2]["error"] = json!("too_hot");
    })
    .unwrap();
    assert_eq!(report.plan_origin.as_str(), "pushed");
    assert_eq!(
        report.suspect.iter().map(ippm::Word::as_str).collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert!(report.results[2].is_ok());
}

#[test]
fn optional_fields_are_checked_like_the_others() {
    let check =
        |field: &str, value: Value, expected: &str| check_first(|result| result[field] = value, expected);
    check("dscp_received", json!([[0, 1], [46, 0]]), "bad_counts");
    check("dscp_received", json!([[46, 1], [0, 1]]), "bad_counts");
    check("dscp_received", json!([[0, 2], [46, 3]]), "bad_counts");
    check("dscp_received", json!([[64, 1]]), "bad_counts");
    check("dscp_received", json!([[0, 2], [46, 2]]), "-");
    check("path_mtu", json!("1400"), "bad_shape");
    check("path_mtu", json!(1400), "-");
}

#[test]
fn counts_that_contradict_each_other_are_named() {
    let check = |path: &str, value: Value, expected: &str| {
        check_first(|result| *result.pointer_mut(path).unwrap() = value, expected);
    };
    check("/hop_limits", json!([[64, 0]]), "bad_counts");
    check("/hop_limits", json!([[64, 1], [64, 1]]), "bad_counts");
    check("/hop_limits", json!([[64, 2], [63, 2]]), "bad_counts");
    check("/hop_limits", json!([[63, 2], [64, 3]]), "bad_counts");
    check("/hop_limits", json!([[63, 2], [64, 2]]), "-");
    let error = json!({"type": 3, "code": 1, "from": "192.0.2.1", "count": 1});
    check("/icmp_errors", json!(vec![error.clone(); 64]), "-");
    check("/icmp_errors", json!(vec![error; 65]), "bad_counts");
    check("/loss_runs", json!([[1, 1], [1, 1]]), "bad_loss_runs");
    check("/loss_runs", json!([[0, 5], [2, 1]]), "bad_loss_runs");
    check("/loss_runs", json!([[2, 1], [3, 0]]), "bad_loss_runs");
}

#[test]
fn slices_lie_inside_the_round_and_inside_themselves() {
    let slices = |start: &str, sent: Value, lost: Value, rtt_count: Value| {
        let value = json!({"start": start, "length_ns": 10_000_000_000_u64, "sent": sent, "lost": lost,
            "rtt_count": rtt_count, "rtt_sum_ns": [1_653_347, 0, 903_221]});
        move |result: &mut Value| result["slices"] = value
    };
    let round = "2026-11-21T10:05:00Z";
    check_first(
        slices(round, json!([2, 2, 2]), json!([0, 2, 0]), json!([2, 0, 1])),
        "-",
    );
    check_first(
        slices(round, json!([2, 1, 3]), json!([0, 2, 0]), json!([2, 0, 1])),
        "bad_slices",
    );
    check_first(
        slices(round, json!([2, 2, 2]), json!([0, 2, 0]), json!([2, 1, 0])),
        "bad_slices",
    );
    let before = "2026-11-21T10:04:50Z";
    check_first(
        slices(before, json!([2, 2, 2]), json!([0, 2, 0]), json!([2, 0, 1])),
        "bad_slices",
    );
    let last_begins_at_the_end = "2026-11-21T10:09:20Z";
    check_first(
        slices(
            last_begins_at_the_end,
            json!([2, 2, 2]),
            json!([0, 2, 0]),
            json!([2, 0, 1]),
        ),
        "-",
    );
    let after = "2026-11-21T10:09:30Z";
    check_first(
        slices(after, json!([2, 2, 2]), json!([0, 2, 0]), json!([2, 0, 1])),
        "bad_slices",
    );
}

#[test]
fn a_histogram_begins_with_the_minimum_and_ends_with_the_maximum() {
    let rtt =
        |key: &'static str, value: u64| move |result: &mut Value| result["delay"]["rtt"][key] = json!(value);
    check_first(rtt("min_ns", 700_000), "bad_histogram");
    check_first(rtt("max_ns", 1_000_000), "bad_histogram");
}

#[test]
fn a_result_of_the_wrong_shape_still_takes_its_key() {
    let found = codes(changed(|report| {
        let first = report["results"][0].clone();
        report["results"].as_array_mut().unwrap().push(first);
        report["results"][0]["sent"] = json!("6");
    }));
    assert_eq!(found, ["bad_shape", "-", "-", "repeated_result"]);
}

#[test]
fn the_codes_are_distinct() {
    use RejectCode as C;
    let all = [
        C::BadShape,
        C::BadName,
        C::BadTest,
        C::BadFamily,
        C::FlowUnsupported,
        C::BadPeriod,
        C::RepeatedResult,
        C::NothingSent,
        C::BadCounts,
        C::BadSlices,
        C::BadLossRuns,
        C::BadDelay,
        C::BadHistogram,
        C::BadIpdv,
        C::BadValue,
        C::TooManyUnknownNames,
        C::StoreRefused,
    ];
    let texts: std::collections::BTreeSet<&str> = all.iter().map(|code| code.as_str()).collect();
    assert_eq!(texts.len(), all.len());
}

/// JSON of any kind, with the words of a report more often than others.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (0..400_u64).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z0-9:+/]{0,8}|2026-11-21T10:05:00Z|measured|error|h1:[A-Za-z0-9+/]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,8}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        let _ = ReceivedReport::parse(&bytes);
        let _ = ippm::wire::legacy::post::ReceivedPost::parse(&bytes);
    }

    #[test]
    fn no_value_anywhere_makes_the_reader_panic(place: prop::sample::Index, value in any_json()) {
        let mut report: Value = serde_json::from_str(&text()).unwrap();
        let mut paths = Vec::new();
        collect_paths(&report, String::new(), &mut paths);
        *report.pointer_mut(place.get::<String>(&paths)).unwrap() = value;
        let _ = parse(&report.to_string());
    }
}

/// JSON pointers to everything inside `value`.
fn collect_paths(value: &Value, path: String, paths: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                collect_paths(value, format!("{path}/{key}"), paths);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect_paths(value, format!("{path}/{index}"), paths);
            }
        }
        _ => {}
    }
    paths.push(path);
}
