//! What a result and a ledger entry look like in a store: one list of named fields for both backends.

use ippm::UnixTime;

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
    /// A text; never empty.
    Text(String),
}
