//! The way back: from the fields that a store found to a row or an entry of the ledger.
//!
//! A store gives the identity that it read from tags and time, and the fields in any order, by name.
//! Fields that this version does not know are passed over; those of a part that was not asked for too.

pub mod cell;
mod ledger;
mod row;

use ippm::{Family, ProbeName, TestName, UnixTime};
use thiserror::Error;

use crate::store::StoreError;
use crate::store::point::Value;
use crate::store::row::Parts;

/// The identity of a row, as a store read it from the tags and the time of a point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowKey {
    /// Tag `source`.
    pub source: ProbeName,
    /// Tag `target`.
    pub target: ProbeName,
    /// Tag `family`; `None` for a point of the original collector, which measured only IPv4.
    pub family: Option<Family>,
    /// Tag `test` of `PingTest`; `None` for `Ping`, whose test is `icmp`.
    pub test: Option<TestName>,
    /// Time of the point.
    pub time: UnixTime,
}

/// The fields that a row with these parts is made of, sorted by name.
///
/// `measured` and `period_ns` are on every point that we wrote; `loss` is on every measured one of
/// the original collector, which would be passed over without it.
#[must_use]
pub fn fields_of(parts: Parts) -> Vec<&'static str> {
    let mut names = BASE.to_vec();
    for (is_wanted, fields) in [
        (parts.counts, COUNTS),
        (parts.delay, DELAY),
        (parts.hist, HIST),
        (parts.slices, SLICES),
        (parts.icmp, ICMP),
        (parts.meta, META),
    ] {
        if is_wanted {
            names.extend_from_slice(fields);
        }
    }
    names.sort_unstable();
    names
}

const BASE: &[&str] = &["loss", "measured", "period_ns"];
const COUNTS: &[&str] = &[
    "avg",
    "duplicates",
    "jitter",
    "late",
    "max",
    "min",
    "received",
    "reordered",
    "sent",
    "unsent",
];
const DELAY: &[&str] = &[
    "ipdv_abs_sum_ns",
    "ipdv_pairs",
    "ipdv_smoothed_ns",
    "rtt_count",
    "rtt_m2_ns2",
    "rtt_max_ns",
    "rtt_min_ns",
    "rtt_p50_ns",
    "rtt_p95_ns",
    "rtt_p99_ns",
    "rtt_sum_ns",
];
const HIST: &[&str] = &["rtt_hist"];
const SLICES: &[&str] = &["loss_runs", "slices"];
const ICMP: &[&str] = &["dscp_received", "hop_limits", "icmp_errors", "path_mtu"];
const META: &[&str] = &["address", "clock", "detail", "error", "kind", "params", "plan"];

/// What is wrong with a stored point.
#[derive(Debug, Error)]
enum Fault {
    #[error("field {name} has another type")]
    Type { name: &'static str },
    #[error("field {name} is outside its range")]
    Range { name: &'static str },
    #[error("field {name} is missing beside {beside}")]
    Missing {
        name: &'static str,
        beside: &'static str,
    },
    #[error("field {name} cannot be read: {reason}")]
    Code { name: &'static str, reason: String },
}

/// The fields of one point, taken out by name.
struct Fields<'a>(Vec<(&'a str, Value)>);

impl<'a> Fields<'a> {
    fn new(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        Self(fields.into_iter().collect())
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        let at = self.0.iter().position(|(found, _)| *found == name)?;
        Some(self.0.swap_remove(at).1)
    }

    fn integer(&mut self, name: &'static str) -> Result<Option<i64>, Fault> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Integer(value)) => Ok(Some(value)),
            Some(_) => Err(Fault::Type { name }),
        }
    }

    fn count(&mut self, name: &'static str) -> Result<Option<u64>, Fault> {
        let count = self.integer(name)?.map(u64::try_from).transpose();
        count.map_err(|_| Fault::Range { name })
    }

    /// A number; whole ones are taken too, because the original collector stored what it was sent.
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds and ratios stay far below 2^53"
    )]
    fn float(&mut self, name: &'static str) -> Result<Option<f64>, Fault> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Float(value)) => Ok(Some(value)),
            Some(Value::Integer(value)) => Ok(Some(value as f64)),
            Some(_) => Err(Fault::Type { name }),
        }
    }

    fn boolean(&mut self, name: &'static str) -> Result<Option<bool>, Fault> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Boolean(value)) => Ok(Some(value)),
            Some(_) => Err(Fault::Type { name }),
        }
    }

    fn text(&mut self, name: &'static str) -> Result<Option<String>, Fault> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Text(value)) => Ok(Some(value)),
            Some(_) => Err(Fault::Type { name }),
        }
    }

    /// A coded text.
    fn coded<T, E: ToString>(
        &mut self,
        name: &'static str,
        decode: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Fault> {
        let value = self.text(name)?.map(|text| decode(&text)).transpose();
        value.map_err(|error| Fault::Code {
            name,
            reason: error.to_string(),
        })
    }
}

/// The value of a field that is there whenever `beside` is.
fn beside<T>(value: Option<T>, name: &'static str, beside: &'static str) -> Result<T, Fault> {
    value.ok_or(Fault::Missing { name, beside })
}

/// The error of a store about `what`.
fn unreadable(what: std::fmt::Arguments<'_>, fault: &Fault) -> StoreError {
    StoreError::Unreadable {
        reason: format!("{what}: {fault}"),
    }
}

#[cfg(test)]
mod tests;
