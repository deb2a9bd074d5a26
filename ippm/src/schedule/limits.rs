//! What measuring may cost.

use crate::Bandwidth;

/// Upper bounds on what tests send, each for another sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// What one probe sends to one target.
    pub pair: Budget,
    /// What one probe sends to all its targets.
    pub probe: Budget,
    /// What all probes of one site send.
    pub site: Budget,
    /// What all probes send to one target.
    pub target: Budget,
}

/// Upper bounds of one sum; `None`: not bounded here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Packets per second.
    pub pps: Option<u64>,
    /// Bits per second, packets counted as [`super::profile::Profile`] counts them.
    pub bandwidth: Option<Bandwidth>,
}

impl Limits {
    /// Nothing is bounded.
    pub const NONE: Self = Self {
        pair: Budget::NONE,
        probe: Budget::NONE,
        site: Budget::NONE,
        target: Budget::NONE,
    };
}

impl Budget {
    /// Nothing is bounded.
    pub const NONE: Self = Self {
        pps: None,
        bandwidth: None,
    };
    /// Largest rate that can be written: what a full roster of the fastest probes would send.
    pub const MAX_PPS: u64 = 1_000_000_000;
}
