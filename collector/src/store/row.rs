//! One stored result, as it is read back.

use std::net::IpAddr;
use std::time::Duration;

use ippm::histogram::Histogram;
use ippm::{Family, IcmpErrorCount, IpdvSummary, Moments, ProbeName, Slices, TestName, UnixTime};

use crate::store::LegacyValues;

/// One stored result. What was not asked for (see [`Parts`]) or is not stored is absent.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The probe that measured, as its report named it.
    pub source: ProbeName,
    /// The probe that was measured, as the report named it.
    pub target: ProbeName,
    /// The family.
    pub family: Family,
    /// The test.
    pub test: TestName,
    /// Start of the round; of a legacy post the arrival.
    pub time: UnixTime,
    /// The test's period; `None` for a point of the original collector, which did not store it.
    pub period: Option<Duration>,
    /// Whether it was measured; an unmeasured row is a marker.
    pub measured: bool,
    /// Packet counts; absent for legacy rows and markers. Part `counts`.
    pub counts: Option<Counts>,
    /// The legacy-named values of a row without packet counts. Part `counts`.
    pub legacy: Option<LegacyValues>,
    /// Delay statistics without the histogram. Part `delay`.
    pub delay: Option<DelayRow>,
    /// Variation between neighbors. Part `delay`.
    pub ipdv: Option<IpdvSummary>,
    /// The delays' distribution. Part `hist`.
    pub hist: Option<Histogram>,
    /// Counts per ten seconds. Part `slices`.
    pub slices: Option<Slices>,
    /// Lengths of losses. Part `slices`.
    pub loss_runs: Vec<(u64, u64)>,
    /// ICMP errors. Part `icmp`.
    pub icmp_errors: Vec<IcmpErrorCount>,
    /// Hop limits of the replies. Part `icmp`.
    pub hop_limits: Vec<(u8, u64)>,
    /// Code points of the replies. Part `icmp`.
    pub dscp_received: Vec<(u8, u64)>,
    /// Smallest MTU that a router named, in bytes. Part `icmp`.
    pub path_mtu: Option<u64>,
    /// How it was measured, or why not. Part `meta`.
    pub meta: Option<Meta>,
}

/// Packet counts of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Packets that left the host.
    pub sent: u64,
    /// Packets answered within the waiting time.
    pub received: u64,
    /// Lost packets answered after it.
    pub late: u64,
    /// Replies beyond the first.
    pub duplicates: u64,
    /// Received packets that a later-sent one overtook.
    pub reordered: u64,
    /// Packets refused by the probe's own kernel.
    pub unsent: u64,
}

/// Delay statistics of a row, ns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DelayRow {
    /// Packets with a delay.
    pub count: u64,
    /// Sum of the delays.
    pub sum_ns: u64,
    /// Sum of squared deviations from the mean, ns².
    pub m2_ns2: f64,
    /// Smallest.
    pub min_ns: u64,
    /// Largest.
    pub max_ns: u64,
    /// Median.
    pub p50_ns: u64,
    /// 95th percentile.
    pub p95_ns: u64,
    /// 99th percentile.
    pub p99_ns: u64,
}

impl DelayRow {
    /// What mean and spread are computed from; `None` of a row that counts no delay.
    #[must_use]
    pub fn moments(&self) -> Option<Moments> {
        (0 < self.count).then_some(Moments {
            count: self.count,
            sum_ns: self.sum_ns,
            m2_ns2: self.m2_ns2,
        })
    }
}

/// How a row was measured, or why it was not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Meta {
    /// Kind of the test.
    pub kind: Option<String>,
    /// The address that was used.
    pub address: Option<IpAddr>,
    /// The parameters, as `ippm::codec` writes them.
    pub params: Option<String>,
    /// The clock of the delays.
    pub clock: Option<String>,
    /// Version of the plan that was followed.
    pub plan: Option<String>,
    /// Why it was not measured.
    pub error: Option<String>,
    /// The cause in words.
    pub detail: Option<String>,
}

/// Which parts of a row are wanted: reading a histogram that nobody looks at is dear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a set of six parts, each wanted or not"
)]
pub struct Parts {
    /// Packet counts, or the legacy-named values.
    pub counts: bool,
    /// Delay statistics and variation.
    pub delay: bool,
    /// The delays' distribution.
    pub hist: bool,
    /// Counts per ten seconds and lengths of losses.
    pub slices: bool,
    /// ICMP errors with the MTU that they named, hop limits and code points.
    pub icmp: bool,
    /// How it was measured.
    pub meta: bool,
}

impl Parts {
    /// Everything that is stored.
    pub const ALL: Self = Self {
        counts: true,
        delay: true,
        hist: true,
        slices: true,
        icmp: true,
        meta: true,
    };
    /// Only whether and when something was measured.
    pub const NONE: Self = Self {
        counts: false,
        delay: false,
        hist: false,
        slices: false,
        icmp: false,
        meta: false,
    };
}
