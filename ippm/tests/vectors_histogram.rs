#![cfg(test)]
//! Every published case of the histogram: table, buckets, text, quantiles, merging.

#[path = "support/vectors.rs"]
mod vectors;

use ippm::histogram::Histogram;
use ippm::quantile::nearest_rank;
use serde_json::{Value, json};

use vectors::{Case, for_each_case};

#[test]
fn the_histogram_reproduces_every_published_case() {
    for_each_case("histogram.json", 45, |case| {
        match case.given()["ask"].as_str().unwrap() {
            "table" => check_table(case),
            "bucket" => check_buckets(case),
            "encode" => check_encode(case),
            "decode" => check_decode(case),
            "samples" => check_samples(case),
            "merge" => check_merge(case),
            other => panic!("no check for {other}"),
        }
    });
}

/// A boundary is the last delay of its bucket; digest and sum of the table are tested beside it.
fn check_table(case: &Case) {
    assert_eq!(case.expect()["count"], Histogram::OVERFLOW);
    for (index, boundary) in case.expect()["some"].as_object().unwrap() {
        let (index, boundary): (u16, u64) = (index.parse().unwrap(), boundary.as_u64().unwrap());
        assert_eq!(Histogram::bucket_of(boundary), index, "{}", case.label());
        assert_eq!(Histogram::bucket_of(boundary + 1), index + 1, "{}", case.label());
    }
}

fn check_buckets(case: &Case) {
    let found: Vec<u16> = integers(&case.given()["values"])
        .into_iter()
        .map(Histogram::bucket_of)
        .collect();
    assert_eq!(json!(found), case.expect()["buckets"], "{}", case.label());
}

/// Encoding has to give the text; the pairs come out of it again.
fn check_encode(case: &Case) {
    let text = case.expect()["text"].as_str().unwrap();
    let histogram = Histogram::decode(text).unwrap();
    assert_eq!(pairs(&histogram), case.given()["pairs"], "{}", case.label());
    assert_eq!(histogram.encode(), text, "{}", case.label());
}

fn check_decode(case: &Case) {
    let decoded = Histogram::decode(case.given()["text"].as_str().unwrap());
    if case.expect().get("refused").is_some() {
        assert!(decoded.is_err(), "{}", case.label());
    } else {
        assert_eq!(
            pairs(&decoded.unwrap()),
            case.expect()["pairs"],
            "{}",
            case.label()
        );
    }
}

fn check_samples(case: &Case) {
    let mut values = integers(&case.given()["values"]);
    let mut histogram = Histogram::new();
    for value in &values {
        histogram.record(*value);
    }
    values.sort_unstable();
    let (min, max) = (values[0], values[values.len() - 1]);

    assert_eq!(pairs(&histogram), case.expect()["pairs"], "{}", case.label());
    assert_eq!(histogram.encode(), case.expect()["text"], "{}", case.label());
    for permille in permilles(case) {
        let key = permille.to_string();
        assert_eq!(
            json!(nearest_rank(&values, permille)),
            case.expect()["exact"][&key],
            "{}",
            case.label()
        );
        let read = histogram.quantile(permille, min, max);
        assert_eq!(
            json!(read),
            case.expect()["from_histogram"][&key],
            "{}",
            case.label()
        );
    }
}

fn check_merge(case: &Case) {
    let parts = case.given()["parts"].as_array().unwrap();
    let mut merged = Histogram::new();
    for part in parts {
        merged.merge(&Histogram::decode(part["text"].as_str().unwrap()).unwrap());
    }
    let min = parts.iter().filter_map(|part| part["min_ns"].as_u64()).min();
    let max = parts.iter().filter_map(|part| part["max_ns"].as_u64()).max();

    assert_eq!(pairs(&merged), case.expect()["pairs"], "{}", case.label());
    assert_eq!(merged.encode(), case.expect()["text"], "{}", case.label());
    assert_eq!(merged.total(), case.expect()["count"], "{}", case.label());
    assert_eq!(json!(min), case.expect()["min_ns"], "{}", case.label());
    assert_eq!(json!(max), case.expect()["max_ns"], "{}", case.label());
    for permille in permilles(case) {
        let read = min
            .zip(max)
            .and_then(|(min, max)| merged.quantile(permille, min, max));
        assert_eq!(
            json!(read),
            case.expect()["quantiles"][&permille.to_string()],
            "{}",
            case.label()
        );
    }
}

fn pairs(histogram: &Histogram) -> Value {
    json!(histogram.buckets().collect::<Vec<_>>())
}

fn integers(values: &Value) -> Vec<u64> {
    values
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_u64().unwrap())
        .collect()
}

fn permilles(case: &Case) -> Vec<u16> {
    integers(&case.given()["permille"])
        .into_iter()
        .map(|permille| u16::try_from(permille).unwrap())
        .collect()
}
