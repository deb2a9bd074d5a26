//! One packet: when it left and what became of it.

use std::net::IpAddr;
use std::time::Duration;

use crate::{Family, Rtt};

/// What one packet says about the path: the singleton of RFC 2330 §11.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundTrip {
    /// The reply came within the waiting time and both stamps are good.
    Returned(Rtt),
    /// The reply came within the waiting time; its delay could not be told.
    Undated,
    /// No reply within the waiting time: the delay is undefined, not large (RFC 2681 §2.4).
    Lost,
}

/// What became of one packet that was to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The first reply came within the waiting time.
    Returned {
        /// The round-trip delay; `None` when a kernel stamp was missing or discarded.
        rtt: Option<Rtt>,
        /// When the reply arrived, since the start of the round (monotonic clock).
        arrival: Duration,
        /// TTL or hop limit that the reply still had, if the kernel told it.
        hop_limit: Option<u8>,
        /// Differentiated services code point (RFC 2474) that the reply bore, if the kernel told it.
        dscp: Option<u8>,
    },
    /// The first reply came after the waiting time: lost, and counted as late.
    Late,
    /// No reply, or only an ICMP error.
    Lost,
    /// Our own kernel refused to send it: it says nothing about the path.
    Unsent,
}

/// One packet of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// When it left, or was refused, since the start of the round (monotonic clock).
    pub departure: Duration,
    /// What became of it.
    pub fate: Fate,
    /// Replies beyond the first.
    pub duplicates: u32,
    /// The first ICMP error that answered it, also if a reply came too.
    pub icmp_error: Option<IcmpError>,
}

impl Packet {
    /// The packet's singleton; `None` for a packet that was never sent.
    #[must_use]
    pub fn round_trip(&self) -> Option<RoundTrip> {
        match self.fate {
            Fate::Returned { rtt: Some(rtt), .. } => Some(RoundTrip::Returned(rtt)),
            Fate::Returned { rtt: None, .. } => Some(RoundTrip::Undated),
            Fate::Late | Fate::Lost => Some(RoundTrip::Lost),
            Fate::Unsent => None,
        }
    }
}

/// An ICMP or `ICMPv6` error message that answered a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IcmpError {
    /// The message's type (RFC 792, RFC 4443).
    pub kind: u8,
    /// The message's code.
    pub code: u8,
    /// Who sent it.
    pub from: IpAddr,
    /// The MTU that it names, in bytes of an IP packet: of "fragmentation needed" (RFC 1191 §4) and
    /// "packet too big" (RFC 4443 §3.2). A router of before 1990 leaves it out.
    pub mtu: Option<u32>,
}

impl IcmpError {
    /// Order in a report: type, code, then address, IPv4 before IPv6.
    #[must_use]
    pub fn sort_key(&self) -> (u8, u8, Family, IpAddr) {
        (self.kind, self.code, Family::of(self.from), self.from)
    }
}
