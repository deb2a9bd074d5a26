//! `GET /api/v2/plan/{probe}`: whom a probe measures, and how.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::plan::Plan;
use crate::{Params, plan};

/// The answer to a plan request, schema 1. Durations only, so that it changes when the plan does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanV1 {
    /// 1.
    pub schema: u64,
    /// The probe whose plan it is.
    pub probe: String,
    /// Hash of the probe's record; see [`Plan::version`].
    pub version: String,
    /// How often the probe is started, ns.
    pub period_ns: u64,
    /// When the process has to be gone, counted from the slot's start, ns.
    pub end_before_ns: u64,
    /// The report schemas that this collector reads.
    pub report_schemas: Vec<u64>,
    /// The optional report fields that this collector stores.
    #[serde(default)]
    pub report_fields: Vec<String>,
    /// Rates that the probe keeps below.
    pub limits: LimitsV1,
    /// What it measures.
    pub tests: Vec<TestV1>,
}

/// Rate limits of a plan, packets per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitsV1 {
    /// In all.
    pub pps: u64,
    /// To one target.
    pub pps_per_target: u64,
}

/// One test of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestV1 {
    /// Its name.
    pub test: String,
    /// Its kind; a probe reports one that it does not know as `unsupported_kind`.
    pub kind: String,
    /// How often it is done, ns: a multiple of the plan's period.
    pub period_ns: u64,
    /// Whether it is listed only because its time window is open: a cached plan does not run it.
    #[serde(default)]
    pub windowed: bool,
    /// How its packets look and leave.
    #[serde(default)]
    pub params: ParamsV1,
    /// Whom it measures.
    pub targets: Vec<TargetV1>,
}

/// One address that a test measures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetV1 {
    /// The probe behind it.
    pub target: String,
    /// 4 or 6.
    pub family: u64,
    /// A literal or a host name.
    pub address: String,
}

/// Parameters of a packet test; in a plan and, repeated, in a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ParamsV1 {
    /// Packets for each target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Over how long they are spread, ns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread_ns: Option<u64>,
    /// Waiting time, ns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ns: Option<u64>,
    /// Bytes after the ICMP header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_bytes: Option<u64>,
    /// Differentiated services code point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dscp: Option<u64>,
    /// Whether routers may not fragment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dont_fragment: Option<bool>,
}

impl From<ParamsV1> for Params {
    fn from(wire: ParamsV1) -> Self {
        Self {
            count: wire.count,
            spread: wire.spread_ns.map(Duration::from_nanos),
            timeout: wire.timeout_ns.map(Duration::from_nanos),
            payload_bytes: wire.payload_bytes,
            dscp: wire.dscp,
            dont_fragment: wire.dont_fragment,
        }
    }
}

impl From<Params> for ParamsV1 {
    fn from(params: Params) -> Self {
        Self {
            count: params.count,
            spread_ns: params.spread.map(ns),
            timeout_ns: params.timeout.map(ns),
            payload_bytes: params.payload_bytes,
            dscp: params.dscp,
            dont_fragment: params.dont_fragment,
        }
    }
}

impl PlanV1 {
    /// The wire form of `plan` for `probe`, with the tests that `is_open` accepts: all without
    /// windows, and those whose window is open.
    pub fn new(probe: &str, plan: &Plan, limits: LimitsV1, is_open: impl Fn(&plan::Test) -> bool) -> Self {
        Self {
            schema: 1,
            probe: probe.to_owned(),
            version: plan.version(),
            period_ns: ns(plan.period),
            end_before_ns: ns(plan::end_before(plan.period)),
            report_schemas: vec![1],
            report_fields: Vec::new(),
            limits,
            tests: plan
                .tests
                .iter()
                .filter(|test| is_open(test))
                .map(TestV1::from)
                .collect(),
        }
    }
}

impl From<&plan::Test> for TestV1 {
    fn from(test: &plan::Test) -> Self {
        Self {
            test: test.name.to_string(),
            kind: test.kind.to_string(),
            period_ns: ns(test.period),
            windowed: !test.windows.is_empty(),
            params: test.params.into(),
            targets: test
                .targets
                .iter()
                .map(|target| TargetV1 {
                    target: target.name.to_string(),
                    family: u64::from(target.family.number()),
                    address: target.address.clone(),
                })
                .collect(),
        }
    }
}

/// Whole nanoseconds, at most what 64 bits hold (584 years).
pub(crate) fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
