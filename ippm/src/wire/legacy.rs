//! The contract of the original IXPQoS: float milliseconds, loss as a fraction, no time.
//!
//! `ping_jitter` is the population standard deviation of the RTT; everywhere else it is `rtt_stddev`.

pub mod post;

use serde::{Deserialize, Serialize};

/// Body of `POST /api/v1/data/probe-result`, as our probe sends it to a collector that speaks
/// nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeResultsV1 {
    /// The probe that measured.
    pub source: String,
    /// What it measured.
    pub probes: Vec<ProbeResultV1>,
}

/// One target of a legacy post. All nine keys are always there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeResultV1 {
    /// The probe that was measured.
    pub name: String,
    /// 4 or 6.
    pub proto: u8,
    /// Where it answers.
    pub address: String,
    /// Whether it was measured.
    pub pinged: bool,
    /// Smallest RTT, ms.
    pub ping_min: Option<f64>,
    /// Largest RTT, ms.
    pub ping_max: Option<f64>,
    /// Mean RTT, ms.
    pub ping_avg: Option<f64>,
    /// Population standard deviation of the RTT, ms.
    pub ping_jitter: Option<f64>,
    /// Lost ÷ sent, 0 to 1.
    pub ping_loss: Option<f64>,
}

/// The answer of `GET /api/v1/conf/probes` as a probe reads it: unknown keys are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ProbeListV1 {
    /// The entries.
    pub probes: Vec<ListedProbeV1>,
}

/// One entry of the legacy list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ListedProbeV1 {
    /// The probe's name.
    pub name: String,
    /// 4 or 6.
    pub proto: u64,
    /// A literal or a host name.
    pub address: String,
}
