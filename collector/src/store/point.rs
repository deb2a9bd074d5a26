//! What a result and a ledger entry look like in a store: one list of named fields for both backends.
//!
//! [`points_of`] makes the points of a report, `From` that of each cell and of each entry of the ledger; the way back is
//! [`stored`](crate::store::stored).
//!
//! The names, and which of them may be absent, are a contract with every dashboard that an operator
//! has built on the stored points: none of them depends on configuration or on our version.

mod cell;
mod ledger;
mod result;

use ippm::codec::foreign;
use ippm::{Family, UnixTime};

use crate::store::Report;

/// Measurement of the results of the test `icmp`.
pub const PING: &str = "Ping";
/// Measurement of the results of every other packet test; the test is a tag.
pub const PING_TEST: &str = "PingTest";
/// Measurement of the rounds.
pub const PROBE_RUN: &str = "ProbeRun";
/// Measurement of the beats of collectors.
pub const COLLECTOR_RUN: &str = "CollectorRun";
/// Measurement of the versions of plans.
pub const PLAN_VERSION: &str = "PlanVersion";
/// Measurement of the versions of announced work.
pub const MAINTENANCE: &str = "Maintenance";

/// The tag `status` of a measured point.
pub const STATUS_MEASURED: &str = "ok";
/// The tag `status` of a marker.
pub const STATUS_UNMEASURED: &str = "unmeasured";

/// The points of `report`: one for each result in the order of the report, the `ProbeRun` last.
///
/// Of native results only those of `legacy_family` have the five legacy-named fields.
#[must_use]
pub fn points_of(report: &Report, legacy_family: Family) -> Vec<Point> {
    let mut points: Vec<Point> = report
        .entries
        .iter()
        .map(|(_, entry)| result::point_of(&report.run, entry, legacy_family))
        .collect();
    points.push(Point::from(&report.run));
    points
}

/// One point: its identity (measurement, tags, time) and its fields.
///
/// Tags and fields are sorted by name; no field is empty, and none stands for what was not measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// `Ping`, `PingTest`, `ProbeRun`…
    pub measurement: &'static str,
    /// Tags, sorted by name.
    pub tags: Vec<(&'static str, String)>,
    /// Fields, sorted by name.
    pub fields: Vec<(&'static str, Value)>,
    /// Time of the point.
    pub time: UnixTime,
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Float(f64),
    /// A truth value.
    Boolean(bool),
    /// A text; never empty. Only the record of a plan has more than one line.
    Text(String),
}

/// Fields on their way to a point: what is absent or empty is left out.
#[derive(Debug, Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn integer(&mut self, name: &'static str, value: impl Into<Option<i64>>) {
        self.0
            .extend(value.into().map(|value| (name, Value::Integer(value))));
    }

    /// Accepted counts and times are below 2^63, so that nothing saturates.
    fn count(&mut self, name: &'static str, value: impl Into<Option<u64>>) {
        let value = value.into().map(|value| i64::try_from(value).unwrap_or(i64::MAX));
        self.integer(name, value);
    }

    fn float(&mut self, name: &'static str, value: impl Into<Option<f64>>) {
        let value = value.into().filter(|value| value.is_finite());
        self.0.extend(value.map(|value| (name, Value::Float(value))));
    }

    fn boolean(&mut self, name: &'static str, value: impl Into<Option<bool>>) {
        self.0
            .extend(value.into().map(|value| (name, Value::Boolean(value))));
    }

    /// A text of our own making.
    fn text(&mut self, name: &'static str, value: impl Into<Option<String>>) {
        let value = value.into().filter(|value| !value.is_empty());
        self.0.extend(value.map(|value| (name, Value::Text(value))));
    }

    /// A text that a probe or an operator wrote.
    fn foreign(&mut self, name: &'static str, value: &str) {
        self.text(name, foreign::clean(value));
    }

    fn sorted(mut self) -> Vec<(&'static str, Value)> {
        self.0.sort_unstable_by_key(|(name, _)| *name);
        self.0
    }
}
