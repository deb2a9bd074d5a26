//! `POST /api/v2/reports`: what a round sends, and what the collector makes of it.
//!
//! # Layout
//!
//! * here: the JSON of schema 1, and outward the way from a [`Measurement`] to it
//! * [`envelope`]: inward, a report as a whole
//! * `result`, `check`: inward, one result; its shape, then what its numbers say about each other
//! * [`reject`]: the codes

mod check;
pub mod envelope;
pub mod reject;
mod result;

use serde::{Deserialize, Serialize};

use crate::wire::plan::{ParamsV1, ns};
use crate::wire::time;
use crate::{Delay, IpdvSummary, Measured, Measurement, Outcome, Slices, Summary};

/// The fields of a report that a probe sends only to a collector whose plan lists them in `report_fields`, by the
/// paths that an answer uses in `ignored`.
pub const OPTIONAL_FIELDS: &[&str] = &[
    "probe.clock_error_ns",
    "probe.clock_frequency_ppb",
    "probe.cpu_own_ns",
    "probe.cpu_steal_ppm",
    "probe.icmp_msgs_per_s",
    "probe.icmp_rate_limited",
    "probe.icmp_ratelimit_ms",
    "probe.interface_drops",
    "probe.interface_errors",
    "probe.neighbor_limit",
    "probe.neighbor_overflows",
    "probe.neighbors_unresolved",
    "probe.send_lag_max_ns",
    "probe.send_lag_p50_ns",
    "probe.unsent_errors",
    DSCP_RECEIVED,
    PATH_MTU,
];

const DSCP_RECEIVED: &str = "results[].dscp_received";
const PATH_MTU: &str = "results[].path_mtu";

/// A report, schema 1. Its identity is (source, round start); its bytes never change between attempts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportV1 {
    /// 1.
    pub schema: u64,
    /// The probe that measured.
    pub source: String,
    /// Start of the round, RFC 3339 with nine decimals.
    pub round_start: String,
    /// From the round's start until the report was made, ns.
    pub duration_ns: u64,
    /// The plan that was followed.
    pub plan: PlanRefV1,
    /// Why the round was shorter than planned: `signal`, `deadline`, `late_start`.
    pub cut_short: Option<String>,
    /// The fitness of the probe itself.
    pub probe: ProbeV1,
    /// One entry for each (test, target, family, flow).
    pub results: Vec<ResultV1>,
}

/// Which plan a round followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRefV1 {
    /// The plan's version.
    pub version: String,
    /// `fetched`, `cached` or `local`.
    pub origin: String,
}

/// Whether the probe itself was fit to measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeV1 {
    /// Version of the program.
    pub version: String,
    /// `icmp-datagram` or `icmp-raw`.
    pub engine: String,
    /// Probe minus reference as the clock daemon states it, ns; absent when unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_ns: Option<i64>,
    /// Whether the clock daemon states that the clock is synchronized; absent when unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_synchronised: Option<bool>,
    /// Probe minus collector, good to a second, ns; absent with a cached plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collector_offset_ns: Option<i64>,
    /// 99th percentile of how late packets were handed to the kernel, ns; absent when none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_lag_p99_ns: Option<u64>,
    /// Replies that the kernel dropped because our receive buffer was full.
    pub receive_drops: u64,
    /// Received packets without a kernel stamp.
    pub stamps_missing: u64,
    /// Received packets whose stamps contradict the monotonic clock.
    pub stamps_discarded: u64,
    /// Steps of the wall clock seen during the round.
    pub clock_steps: u64,
    /// Median of how late packets were handed to the kernel, ns. Optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_lag_p50_ns: Option<u64>,
    /// The most that a packet was handed to the kernel late, ns. Optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_lag_max_ns: Option<u64>,
    /// Share of the host's processor time that its hypervisor gave to others, parts per million. Optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_steal_ppm: Option<u64>,
    /// Processor time of the program's own process, ns. Optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_own_ns: Option<u64>,
    /// Bound of the clock's error as the clock daemon states it, ns. Optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_error_ns: Option<u64>,
    /// Correction of the clock's frequency that the clock daemon applies, parts per billion. Optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_frequency_ppb: Option<i64>,
    /// Packets that the host's interfaces counted as errors during the round. Optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface_errors: Option<u64>,
    /// Packets that the host's interfaces dropped during the round. Optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface_drops: Option<u64>,
    /// Addresses of targets whose neighbor entry was unresolved when the round ended. Optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbors_unresolved: Option<u64>,
    /// How often the host's neighbor tables were full during the round. Optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbor_overflows: Option<u64>,
    /// Most entries that the smaller one of the host's neighbor tables holds (`gc_thresh3`). Optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbor_limit: Option<u64>,
    /// Shortest time between two limited ICMP messages of the host to one address (`icmp_ratelimit`), ms; 0 means no limit. Optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icmp_ratelimit_ms: Option<u64>,
    /// Most limited ICMP messages of the host a second (`icmp_msgs_per_sec`). Optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icmp_msgs_per_s: Option<u64>,
    /// ICMP messages that the host withheld during the round because of these limits. Optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icmp_rate_limited: Option<u64>,
    /// Packets that the host itself refused, by the name of its error: `[name, packets]`, ascending. Optional.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsent_errors: Vec<(String, u64)>,
    /// Why the round says nothing about the network: `send_lag`, `receive_drops`, `clock`, `stamps`, `neighbour_table`.
    pub suspect: Vec<String>,
}

/// One measured or unmeasured (test, target, family, flow).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResultV1 {
    /// Name of the test.
    pub test: String,
    /// Kind of the test.
    pub kind: String,
    /// The probe that was measured.
    pub target: String,
    /// 4 or 6.
    pub family: u64,
    /// 0; other flows come later.
    pub flow: u64,
    /// The literal that was used; null if none was.
    pub address: Option<String>,
    /// The test's period, ns.
    pub period_ns: u64,
    /// How the packets looked and left; always there if measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<ParamsV1>,
    /// `measured` or `error`.
    pub outcome: String,
    /// Why it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The cause in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Packets that left the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<u64>,
    /// Packets answered within the waiting time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<u64>,
    /// Lost packets answered after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<u64>,
    /// Replies beyond the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicates: Option<u64>,
    /// Received packets that a later-sent one overtook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reordered: Option<u64>,
    /// Packets refused by the probe's own kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsent: Option<u64>,
    /// Counts per ten seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slices: Option<SlicesV1>,
    /// `[length, how many]`, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loss_runs: Vec<(u64, u64)>,
    /// Packets by the first ICMP error that answered them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub icmp_errors: Vec<IcmpErrorV1>,
    /// The clock of the delays: `kernel`; absent without a delay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,
    /// `[hop limit, packets]`, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hop_limits: Vec<(u8, u64)>,
    /// `[code point, packets]`, ascending; optional, see [`OPTIONAL_FIELDS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dscp_received: Vec<(u8, u64)>,
    /// Smallest MTU that a router named; optional, see [`OPTIONAL_FIELDS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_mtu: Option<u64>,
    /// Delay statistics; absent when no packet has a delay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<DelaysV1>,
    /// Variation between neighbors; absent when there is no pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipdv: Option<IpdvV1>,
}

/// Counts per slice of ten seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlicesV1 {
    /// Start of the first slice, RFC 3339.
    pub start: String,
    /// Length of a slice, ns.
    pub length_ns: u64,
    /// Packets sent.
    pub sent: Vec<u64>,
    /// Packets lost.
    pub lost: Vec<u64>,
    /// Packets with a delay.
    pub rtt_count: Vec<u64>,
    /// Sum of their delays, ns.
    pub rtt_sum_ns: Vec<u64>,
}

/// Packets answered by one kind of ICMP error from one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IcmpErrorV1 {
    /// The message's type.
    #[serde(rename = "type")]
    pub kind: u8,
    /// The message's code.
    pub code: u8,
    /// Who sent it.
    pub from: String,
    /// How many packets it answered first.
    pub count: u64,
}

/// Delay statistics by what was timed; later kinds add keys beside `rtt`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DelaysV1 {
    /// The round trip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt: Option<DelayV1>,
}

/// Delay statistics, ns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DelayV1 {
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
    /// Median, nearest rank.
    pub p50_ns: u64,
    /// 95th percentile, nearest rank.
    pub p95_ns: u64,
    /// 99th percentile, nearest rank.
    pub p99_ns: u64,
    /// The distribution, `h1:…`.
    pub hist: String,
}

/// Round-trip IPDV.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpdvV1 {
    /// Neighbors that both have a delay.
    pub pairs: u64,
    /// Sum of the absolute variations, ns.
    pub abs_sum_ns: u64,
    /// Smoothed absolute variation, ns.
    pub smoothed_ns: u64,
}

impl ResultV1 {
    /// The wire form of `measurement`; `params` and `address` are repeated also for an unmeasured one
    /// if they are known.
    #[must_use]
    pub fn new(measurement: &Measurement) -> Self {
        let mut result = Self {
            test: measurement.test.to_string(),
            kind: measurement.kind.to_string(),
            target: measurement.target.to_string(),
            family: u64::from(measurement.family.number()),
            flow: 0,
            address: None,
            period_ns: ns(measurement.period),
            params: Some(ParamsV1::default()),
            outcome: "error".to_owned(),
            error: None,
            detail: None,
            sent: None,
            received: None,
            late: None,
            duplicates: None,
            reordered: None,
            unsent: None,
            slices: None,
            loss_runs: Vec::new(),
            icmp_errors: Vec::new(),
            clock: None,
            hop_limits: Vec::new(),
            dscp_received: Vec::new(),
            path_mtu: None,
            delay: None,
            ipdv: None,
        };
        match &measurement.outcome {
            Outcome::Measured(measured) => result.measured(measured),
            Outcome::Unmeasured { error, detail } => {
                result.error = Some(error.to_string());
                result.detail.clone_from(detail);
            }
        }
        result
    }

    fn measured(&mut self, measured: &Measured) {
        let Summary {
            sent,
            received,
            late,
            duplicates,
            reordered,
            unsent,
            ..
        } = measured.summary;
        "measured".clone_into(&mut self.outcome);
        self.address = Some(measured.address.to_string());
        self.params = Some(measured.params.into());
        self.clock = measured.clock.as_ref().map(ToString::to_string);
        (self.sent, self.received, self.late) = (Some(sent), Some(received), Some(late));
        (self.duplicates, self.reordered, self.unsent) = (Some(duplicates), Some(reordered), Some(unsent));
        self.slices = Some(SlicesV1::from(&measured.summary.slices));
        self.loss_runs.clone_from(&measured.summary.loss_runs);
        self.icmp_errors = measured
            .summary
            .icmp_errors
            .iter()
            .map(|e| IcmpErrorV1 {
                kind: e.kind,
                code: e.code,
                from: e.from.to_string(),
                count: e.count,
            })
            .collect();
        self.hop_limits.clone_from(&measured.summary.hop_limits);
        self.dscp_received.clone_from(&measured.summary.dscp_received);
        self.path_mtu = measured.summary.path_mtu;
        self.delay = measured.summary.delay.as_ref().map(|delay| DelaysV1 {
            rtt: Some(delay.into()),
        });
        self.ipdv = measured.summary.ipdv.as_ref().map(IpdvV1::from);
    }
}

impl ReportV1 {
    /// The report without the optional fields that `fields` does not list.
    #[must_use]
    pub fn limited_to(mut self, fields: &[String]) -> Self {
        let lacks = |name: &str| !fields.iter().any(|field| field == name);
        self.probe.limit(|field| {
            fields
                .iter()
                .any(|listed| listed.strip_prefix("probe.") == Some(field))
        });
        let (no_dscp, no_mtu) = (lacks(DSCP_RECEIVED), lacks(PATH_MTU));
        for result in &mut self.results {
            if no_dscp {
                result.dscp_received = Vec::new();
            }
            if no_mtu {
                result.path_mtu = None;
            }
        }
        self
    }
}

impl ProbeV1 {
    /// Leaves the optional fields away that `is_listed` does not name.
    fn limit(&mut self, is_listed: impl Fn(&str) -> bool) {
        fn keep<T>(is_listed: bool, field: &mut Option<T>) {
            field.take_if(|_| !is_listed);
        }
        keep(is_listed("send_lag_p50_ns"), &mut self.send_lag_p50_ns);
        keep(is_listed("send_lag_max_ns"), &mut self.send_lag_max_ns);
        keep(is_listed("cpu_steal_ppm"), &mut self.cpu_steal_ppm);
        keep(is_listed("cpu_own_ns"), &mut self.cpu_own_ns);
        keep(is_listed("clock_error_ns"), &mut self.clock_error_ns);
        keep(is_listed("clock_frequency_ppb"), &mut self.clock_frequency_ppb);
        keep(is_listed("interface_errors"), &mut self.interface_errors);
        keep(is_listed("interface_drops"), &mut self.interface_drops);
        keep(is_listed("neighbors_unresolved"), &mut self.neighbors_unresolved);
        keep(is_listed("neighbor_overflows"), &mut self.neighbor_overflows);
        keep(is_listed("neighbor_limit"), &mut self.neighbor_limit);
        keep(is_listed("icmp_ratelimit_ms"), &mut self.icmp_ratelimit_ms);
        keep(is_listed("icmp_msgs_per_s"), &mut self.icmp_msgs_per_s);
        keep(is_listed("icmp_rate_limited"), &mut self.icmp_rate_limited);
        if !is_listed("unsent_errors") {
            self.unsent_errors.clear();
        }
    }
}

impl From<&Slices> for SlicesV1 {
    fn from(slices: &Slices) -> Self {
        Self {
            start: time::format(slices.start),
            length_ns: ns(Slices::LENGTH),
            sent: slices.sent.clone(),
            lost: slices.lost.clone(),
            rtt_count: slices.rtt_count.clone(),
            rtt_sum_ns: slices.rtt_sum_ns.clone(),
        }
    }
}

impl From<&Delay> for DelayV1 {
    fn from(delay: &Delay) -> Self {
        Self {
            count: delay.count,
            sum_ns: delay.sum_ns,
            m2_ns2: delay.m2_ns2,
            min_ns: delay.min.as_ns(),
            max_ns: delay.max.as_ns(),
            p50_ns: delay.p50.as_ns(),
            p95_ns: delay.p95.as_ns(),
            p99_ns: delay.p99.as_ns(),
            hist: delay.hist.encode(),
        }
    }
}

impl From<&IpdvSummary> for IpdvV1 {
    fn from(ipdv: &IpdvSummary) -> Self {
        Self {
            pairs: ipdv.pairs,
            abs_sum_ns: ipdv.abs_sum_ns,
            smoothed_ns: ipdv.smoothed_ns,
        }
    }
}
