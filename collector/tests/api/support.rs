//! What tests of other surfaces use too.

#[path = "../support/reports.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
pub(crate) mod reports;
