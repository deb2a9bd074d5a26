//! What is said about one sample.

use std::net::IpAddr;

use crate::histogram::Histogram;
use crate::{LossRatio, Moments, Rtt, Slices};

/// The statistics of one sample.
///
/// `sent = received + lost`; a packet refused by our own kernel is `unsent` and in no other count.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Packets that left the host; at least one.
    pub sent: u64,
    /// Packets whose first reply came within the waiting time.
    pub received: u64,
    /// Lost packets whose reply came after the waiting time.
    pub late: u64,
    /// Replies beyond the first of their packet.
    pub duplicates: u64,
    /// Received packets whose reply arrived after that of a later-sent one (RFC 4737 §3).
    pub reordered: u64,
    /// Packets that our own kernel refused to send.
    pub unsent: u64,
    /// Counts per ten seconds.
    pub slices: Slices,
    /// Lengths of uninterrupted losses (RFC 3357 loss periods) and how often each occurred, ascending.
    pub loss_runs: Vec<(u64, u64)>,
    /// Packets by the first ICMP error that answered them, sorted by type, code and address; of more than
    /// [`Summary::MAX_ICMP_ERRORS`] the most frequent ones.
    pub icmp_errors: Vec<IcmpErrorCount>,
    /// Received packets by the TTL or hop limit of their first reply, ascending.
    pub hop_limits: Vec<(u8, u64)>,
    /// Received packets by the code point (RFC 2474) of their first reply, ascending. A responder
    /// answers with the code point that reached it, so that remarking shows in either direction.
    pub dscp_received: Vec<(u8, u64)>,
    /// Smallest MTU that a router named in an ICMP error, in bytes of an IP packet; `None` if none did.
    pub path_mtu: Option<u64>,
    /// Delay statistics; `None` when no packet has a delay.
    pub delay: Option<Delay>,
    /// Variation between neighbors; `None` when no two neighbors have a delay.
    pub ipdv: Option<IpdvSummary>,
}

impl Summary {
    /// Most entries of [`Summary::icmp_errors`]. Whoever sees a packet can answer it from any number of
    /// invented addresses, and a report says no more than this about one result.
    pub const MAX_ICMP_ERRORS: usize = 64;

    /// Packets without a reply within the waiting time.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.sent.saturating_sub(self.received)
    }

    /// Lost ÷ sent (RFC 6673); `None` if nothing was sent.
    #[must_use]
    pub fn loss_ratio(&self) -> Option<LossRatio> {
        LossRatio::of(self.lost(), self.sent)
    }
}

/// Packets answered by one kind of ICMP error from one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IcmpErrorCount {
    /// The message's type (RFC 792, RFC 4443).
    pub kind: u8,
    /// The message's code.
    pub code: u8,
    /// Who sent it.
    pub from: IpAddr,
    /// How many packets it answered first.
    pub count: u64,
}

/// Statistics of the packets that have a delay: the conditional distribution of RFC 8912 §4.
#[derive(Debug, Clone, PartialEq)]
pub struct Delay {
    /// Packets with a delay; at least one, at most `received`.
    pub count: u64,
    /// Sum of the delays, nanoseconds.
    pub sum_ns: u64,
    /// Sum of squared deviations from the mean, ns²: the population variance times `count`.
    pub m2_ns2: f64,
    /// Smallest delay.
    pub min: Rtt,
    /// Largest delay.
    pub max: Rtt,
    /// Median, nearest rank.
    pub p50: Rtt,
    /// 95th percentile, nearest rank.
    pub p95: Rtt,
    /// 99th percentile, nearest rank.
    pub p99: Rtt,
    /// The distribution in buckets of two percent.
    pub hist: Histogram,
}

impl Delay {
    /// What mean and spread are computed from.
    #[must_use]
    pub const fn moments(&self) -> Moments {
        Moments {
            count: self.count,
            sum_ns: self.sum_ns,
            m2_ns2: self.m2_ns2,
        }
    }

    /// The mean in whole nanoseconds, rounded half up.
    #[must_use]
    pub fn mean_ns(&self) -> u64 {
        self.moments().mean_ns()
    }

    /// Population standard deviation of the delays (`rtt_stddev`), nanoseconds, not rounded.
    #[must_use]
    pub fn stddev_ns(&self) -> f64 {
        self.moments().stddev_ns()
    }
}

/// Round-trip IPDV over neighboring packets that both have a delay (form of RFC 3393).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpdvSummary {
    /// Neighbors that both have a delay; at least one.
    pub pairs: u64,
    /// Sum of the absolute variations, nanoseconds.
    pub abs_sum_ns: u64,
    /// The smoothed absolute variation of RFC 3550 §6.4.1 in integers, started at the first
    /// variation instead of zero, nanoseconds.
    pub smoothed_ns: u64,
}
