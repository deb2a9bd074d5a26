//! What makes last month's expectation computable: who reported, who listened, what was planned and announced.

use std::time::Duration;

use ippm::class::maintenance::Maintenance;
use ippm::{ProbeName, UnixTime, Word};

/// One report of one probe, also an empty one.
///
/// Its identity is (source, time); what of it can differ between two attempts of the same report
/// (`received_at`, `skew_ns`) belongs to no verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeRun {
    /// The probe.
    pub source: ProbeName,
    /// The round's start; of a legacy post the arrival.
    pub time: UnixTime,
    /// `fetched`, `cached`, `local` or `legacy`.
    pub origin: Word,
    /// Results in the report as it came, the rejected ones included.
    pub results: u64,
    /// When the last accepted attempt arrived.
    pub received_at: UnixTime,
    /// Arrival minus what the probe's clock said when it sent, ns; absent when it did not say.
    pub skew_ns: Option<i64>,
    /// What only a native report tells.
    pub native: Option<NativeRun>,
}

/// That a probe reported: what most questions to the ledger need of a [`ProbeRun`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reported {
    /// The probe.
    pub source: ProbeName,
    /// The round's start; of a legacy post the arrival.
    pub time: UnixTime,
    /// Whether the probe said that it was not fit to measure.
    pub is_suspect: bool,
}

impl ProbeRun {
    /// Whether the probe said that it was not fit to measure.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        let native = self.native.as_ref();
        native.is_some_and(|native| !native.suspect.is_empty())
    }
}

impl From<&ProbeRun> for Reported {
    fn from(run: &ProbeRun) -> Self {
        Self {
            source: run.source.clone(),
            time: run.time,
            is_suspect: run.is_suspect(),
        }
    }
}

/// What a native report tells about its round and its probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeRun {
    /// From the round's start until the report was made.
    pub duration: Duration,
    /// Version of the plan that was followed.
    pub plan: String,
    /// Why the round was shorter than planned.
    pub cut_short: Option<Word>,
    /// Version of the probe's program.
    pub version: String,
    /// `icmp-datagram` or `icmp-raw`.
    pub engine: Word,
    /// Probe minus reference as the clock daemon states it, ns.
    pub clock_offset_ns: Option<i64>,
    /// Whether the clock daemon states that the clock is synchronized.
    pub clock_synchronised: Option<bool>,
    /// Probe minus collector, ns.
    pub collector_offset_ns: Option<i64>,
    /// 99th percentile of the send lag, ns.
    pub send_lag_p99_ns: Option<u64>,
    /// Replies dropped at the receive buffer.
    pub receive_drops: Option<u64>,
    /// Received packets without a stamp.
    pub stamps_missing: Option<u64>,
    /// Received packets whose stamps were discarded.
    pub stamps_discarded: Option<u64>,
    /// Steps of the wall clock.
    pub clock_steps: Option<u64>,
    /// Why the round says nothing about the network: distinct words, sorted as bytes.
    pub suspect: Vec<Word>,
    /// What a report tells only to a collector that asks for it.
    pub condition: Condition,
}

/// What a report tells about the host beside its own engine; each is absent if the probe could not know it,
/// or was not asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Median of how late packets were handed to the kernel, ns.
    pub send_lag_p50_ns: Option<u64>,
    /// The most that a packet was handed to the kernel late, ns.
    pub send_lag_max_ns: Option<u64>,
    /// Share of the host's processor time that its hypervisor gave to others, parts per million.
    pub cpu_steal_ppm: Option<u64>,
    /// Processor time of the program's own process, ns.
    pub cpu_own_ns: Option<u64>,
    /// Bound of the clock's error as the clock daemon states it, ns.
    pub clock_error_ns: Option<u64>,
    /// Correction of the clock's frequency that the clock daemon applies, parts per billion.
    pub clock_frequency_ppb: Option<i64>,
    /// Packets that the host's interfaces counted as errors during the round.
    pub interface_errors: Option<u64>,
    /// Packets that the host's interfaces dropped during the round.
    pub interface_drops: Option<u64>,
    /// Addresses of targets whose neighbor entry was unresolved when the round ended.
    pub neighbors_unresolved: Option<u64>,
    /// How often the host's neighbor tables were full during the round.
    pub neighbor_overflows: Option<u64>,
    /// Most entries that the smaller one of the host's neighbor tables holds (`gc_thresh3`).
    pub neighbor_limit: Option<u64>,
    /// Shortest time between two limited ICMP messages of the host to one address (`icmp_ratelimit`), ms; 0 means no limit.
    pub icmp_ratelimit_ms: Option<u64>,
    /// Most limited ICMP messages of the host a second (`icmp_msgs_per_sec`).
    pub icmp_msgs_per_s: Option<u64>,
    /// ICMP messages that the host withheld during the round because of these limits.
    pub icmp_rate_limited: Option<u64>,
    /// Packets that the host itself refused, by the name of its error, ascending.
    pub unsent_errors: Vec<(Word, u64)>,
}

impl Condition {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self {
        send_lag_p50_ns: None,
        send_lag_max_ns: None,
        cpu_steal_ppm: None,
        cpu_own_ns: None,
        clock_error_ns: None,
        clock_frequency_ppb: None,
        interface_errors: None,
        interface_drops: None,
        neighbors_unresolved: None,
        neighbor_overflows: None,
        neighbor_limit: None,
        icmp_ratelimit_ms: None,
        icmp_msgs_per_s: None,
        icmp_rate_limited: None,
        unsent_errors: Vec::new(),
    };
}

/// A beat: this collector was there to take reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorRun {
    /// The configured name of the collector.
    pub instance: String,
    /// A multiple of [`CollectorRun::INTERVAL`].
    pub time: UnixTime,
}

impl CollectorRun {
    /// How often a collector beats.
    pub const INTERVAL: Duration = Duration::from_secs(10);
}

/// What one probe was to measure from `time` on, until the next version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanVersion {
    /// The probe.
    pub probe: ProbeName,
    /// When the plan was loaded.
    pub time: UnixTime,
    /// Hash of the record.
    pub version: String,
    /// The plan as text, complete; see [`ippm::plan::Plan::record`].
    pub record: String,
}

/// One version of announced work: a change and a deletion are versions too.
///
/// Its identity is (id, time of loading).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaintenanceVersion {
    /// What is announced, and since when this version is known.
    pub entry: Maintenance,
    /// Why, in the operator's words; may be empty.
    pub reason: String,
}
