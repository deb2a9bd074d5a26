#![cfg(test)]
//! Wilson's interval equals that of another implementation.
//!
//! `fixtures/wilson_statsmodels.json` was made once, with `pip install statsmodels` in a virtual environment, by
//! `proportion_confint(lost, sent, alpha, method="wilson")` for each of its cases.

use ippm::interval::{Sides, wilson};
use serde_json::Value;

#[test]
fn wilson_intervals_equal_those_of_statsmodels() {
    let text = include_str!("fixtures/wilson_statsmodels.json");
    let file: Value = serde_json::from_str(text).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 30);
    for case in cases {
        let count = |key: &str| case[key].as_u64().unwrap();
        let sides = match count("sides") {
            1 => Sides::One,
            _ => Sides::Two,
        };
        let interval = wilson(count("lost"), count("sent"), sides).unwrap();
        for (found, key) in [(interval.lower(), "lower"), (interval.upper(), "upper")] {
            let expected = case[key].as_f64().unwrap();
            assert!((found - expected).abs() < 1e-9, "{case}: {key} {found}");
        }
    }
}
