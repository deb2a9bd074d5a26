#![cfg(test)]
//! Every published case of the coded strings, and of the times, numbers and names that lie beside them.

#[path = "support/vectors.rs"]
mod vectors;

use std::time::Duration;

use ippm::cell::slices::CellSlices;
use ippm::codec::{cell_slices, float, hop_limits, icmp_errors, legacy, loss_runs, params, slices};
use ippm::{IcmpErrorCount, Params, ProbeName, Slices, TestName, UnixTime, wire};
use serde_json::{Value, json};

use vectors::{Case, for_each_case};

#[test]
fn the_codec_reproduces_every_published_case() {
    for_each_case("codec.json", 65, |case| {
        let given = &case.given()["value"];
        match case.given()["what"].as_str().unwrap() {
            "slices" => {
                let value = slices_of(given, &given["start"]);
                check_code(case, &slices::encode(&value), &value, slices::decode);
            }
            "slices_decode" => {
                let text = case.given()["text"].as_str().unwrap();
                assert_eq!(case.expect()["refused"], "bad_slices", "{}", case.label());
                assert!(slices::decode(text).is_err(), "{}", case.label());
            }
            "cell_slices" => {
                let value = CellSlices::from(&slices_of(given, &case.given()["start"])).pack();
                check_code(case, &cell_slices::encode(&value), &value, cell_slices::decode);
            }
            "loss_runs" => {
                let value: Vec<(u64, u64)> = pairs(given);
                check_code(case, &loss_runs::encode(&value), &value, loss_runs::decode);
            }
            "hop_limits" => check_hop_limits(case, given),
            "icmp_errors" => {
                let value: Vec<IcmpErrorCount> =
                    given.as_array().unwrap().iter().map(icmp_error_of).collect();
                check_code(case, &icmp_errors::encode(&value), &value, icmp_errors::decode);
            }
            "params" => {
                let value = params_of(given);
                check_code(case, &params::encode(&value), &value, params::decode);
            }
            "time" => check_time(case),
            "float" => check_floats(case, given),
            "legacy_ms_to_ns" => check_legacy(case, given),
            "name" => check_name(case, given.as_str().unwrap().parse::<ProbeName>().is_ok()),
            "test" => check_name(case, given.as_str().unwrap().parse::<TestName>().is_ok()),
            other => panic!("no check for {other}"),
        }
    });
}

fn check_code<T: PartialEq + std::fmt::Debug, E: std::fmt::Debug>(
    case: &Case,
    text: &str,
    value: &T,
    decode: impl Fn(&str) -> Result<T, E>,
) {
    assert_eq!(text, case.expect()["text"], "{}", case.label());
    assert_eq!(&decode(text).unwrap(), value, "{}", case.label());
}

fn check_hop_limits(case: &Case, given: &Value) {
    let value: Vec<(u8, u64)> = pairs(given)
        .into_iter()
        .map(|(hop_limit, count)| (u8::try_from(hop_limit).unwrap(), count))
        .collect();
    check_code(case, &hop_limits::encode(&value), &value, hop_limits::decode);
    assert_eq!(
        json!(hop_limits::most_frequent(&value)),
        case.expect()["hop_limit"],
        "{}",
        case.label()
    );
}

fn check_time(case: &Case) {
    let parsed = wire::time::parse(case.given()["text"].as_str().unwrap());
    if case.expect().get("refused").is_some() {
        assert!(parsed.is_err(), "{}", case.label());
    } else {
        let time = parsed.unwrap();
        assert_eq!(time.as_ns().to_string(), case.expect()["ns"], "{}", case.label());
        assert_eq!(
            wire::time::format(time),
            case.expect()["text"],
            "{}",
            case.label()
        );
    }
}

fn check_floats(case: &Case, given: &Value) {
    let texts: Vec<String> = floats(given)
        .into_iter()
        .map(|value| float::encode(value).unwrap())
        .collect();
    assert_eq!(json!(texts), case.expect()["text"], "{}", case.label());
}

fn check_legacy(case: &Case, given: &Value) {
    let ns: Vec<i64> = floats(given)
        .into_iter()
        .map(|ms| legacy::ns_from_ms(ms).unwrap())
        .collect();
    assert_eq!(json!(ns), case.expect()["ns"], "{}", case.label());
    let stored: Vec<String> = ns
        .into_iter()
        .map(|ns| float::encode(legacy::ms_from_ns(ns)).unwrap())
        .collect();
    assert_eq!(json!(stored), case.expect()["stored"], "{}", case.label());
}

fn check_name(case: &Case, is_valid: bool) {
    assert_eq!(case.expect()["ok"], is_valid, "{}", case.label());
}

fn slices_of(value: &Value, start: &Value) -> Slices {
    Slices {
        start: time_of(start),
        sent: integers(&value["sent"]),
        lost: integers(&value["lost"]),
        rtt_count: integers(&value["rtt_count"]),
        rtt_sum_ns: integers(&value["rtt_sum_ns"]),
    }
}

fn icmp_error_of(value: &Value) -> IcmpErrorCount {
    let small = |key: &str| u8::try_from(value[key].as_u64().unwrap()).unwrap();
    IcmpErrorCount {
        kind: small("type"),
        code: small("code"),
        from: value["from"].as_str().unwrap().parse().unwrap(),
        count: value["count"].as_u64().unwrap(),
    }
}

fn params_of(value: &Value) -> Params {
    Params {
        count: value["count"].as_u64(),
        spread: value["spread_ns"].as_u64().map(Duration::from_nanos),
        timeout: value["timeout_ns"].as_u64().map(Duration::from_nanos),
        payload_bytes: value["payload_bytes"].as_u64(),
        dscp: value["dscp"].as_u64(),
        dont_fragment: value["dont_fragment"].as_bool(),
    }
}

fn time_of(value: &Value) -> UnixTime {
    wire::time::parse(value.as_str().unwrap()).unwrap()
}

fn pairs(value: &Value) -> Vec<(u64, u64)> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| (pair[0].as_u64().unwrap(), pair[1].as_u64().unwrap()))
        .collect()
}

fn integers(value: &Value) -> Vec<u64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_u64().unwrap())
        .collect()
}

fn floats(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap())
        .collect()
}
