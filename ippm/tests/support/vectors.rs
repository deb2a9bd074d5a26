#![cfg(test)]
//! Loads the published test vectors and makes sure that none is passed over.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// One case of a vector file.
pub(crate) struct Case {
    name: String,
    why: String,
    given: Value,
    expect: Value,
}

impl Case {
    /// What the case puts in.
    pub(crate) fn given(&self) -> &Value {
        &self.given
    }

    /// What has to come out.
    pub(crate) fn expect(&self) -> &Value {
        &self.expect
    }

    /// Name and reason, for the message of a failed assertion.
    pub(crate) fn label(&self) -> String {
        format!("{}: {}", self.name, self.why)
    }
}

/// Runs `check` over every case of `file`, and fails unless there are exactly `expected_cases`.
///
/// `check` has to cover every kind of case: it panics for one that it does not know.
pub(crate) fn for_each_case(file: &str, expected_cases: usize, mut check: impl FnMut(&Case)) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/vectors")
        .join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut document: Value = serde_json::from_str(&text).unwrap();
    let cases = document["cases"].as_array_mut().unwrap();
    assert_eq!(cases.len(), expected_cases, "{file} has another number of cases");
    for case in cases {
        check(&Case {
            name: case["name"].as_str().unwrap().to_owned(),
            why: case["why"].as_str().unwrap().to_owned(),
            given: case["given"].take(),
            expect: case["expect"].take(),
        });
    }
}
