//! What tests of other surfaces use too.

#[path = "../support/influxd.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
pub(crate) mod influxd;
#[path = "../support/posted.rs"]
pub(crate) mod posted;
#[path = "../support/reports.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
pub(crate) mod reports;
