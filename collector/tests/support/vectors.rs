#![cfg(test)]
//! Loads the published test vectors and makes sure that none is passed over.

use std::fs;
use std::path::Path;

use collector::store::Report;
use collector::store::influx::line;
use collector::store::point::points_of;
use ippm::wire::time;
use ippm::{Family, UnixTime};
use serde_json::Value;

/// The whole of `file`, whose number of cases has to be `expected_cases`.
pub(crate) fn load(file: &str, expected_cases: usize) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../ippm/tests/fixtures/vectors")
        .join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let document: Value = serde_json::from_str(&text).unwrap();
    let found = document["cases"].as_array().unwrap().len();
    assert_eq!(found, expected_cases, "{file} has another number of cases");
    document
}

/// Name and reason of `case`, for the message of a failed assertion.
pub(crate) fn label(case: &Value) -> String {
    format!(
        "{}: {}",
        case["name"].as_str().unwrap(),
        case["why"].as_str().unwrap()
    )
}

/// The instant that a case spells.
pub(crate) fn instant(value: &Value) -> UnixTime {
    time::parse(value.as_str().unwrap()).unwrap()
}

/// The lines of everything that `report` leaves in a store, in their order.
pub(crate) fn lines_of(report: &Report, legacy_family: Family) -> Vec<String> {
    let mut lines = String::new();
    for point in points_of(report, legacy_family) {
        line::push(&mut lines, &point).unwrap();
    }
    lines.lines().map(str::to_owned).collect()
}

/// The lines that `case` expects.
pub(crate) fn expected_lines(case: &Value) -> Vec<String> {
    let lines = case["expect"]["lines"].as_array().unwrap();
    lines
        .iter()
        .map(|line| line.as_str().unwrap().to_owned())
        .collect()
}
