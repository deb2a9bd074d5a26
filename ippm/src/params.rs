//! How the packets of a test look and leave.

use std::time::Duration;

/// Parameters of a packet test, as the plan gives them and as the result repeats them.
///
/// Each may be absent: a later kind of test need not have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Params {
    /// Packets for each target.
    pub count: Option<u64>,
    /// Over how long they are spread.
    pub spread: Option<Duration>,
    /// Waiting time: a packet without a reply after it is lost (RFC 8912's Tmax).
    pub timeout: Option<Duration>,
    /// Bytes after the ICMP header.
    pub payload_bytes: Option<u64>,
    /// Differentiated services code point (RFC 2474), 0 to 63.
    pub dscp: Option<u64>,
    /// Whether routers are forbidden to fragment the packet.
    pub dont_fragment: Option<bool>,
}

impl Params {
    /// No parameter at all.
    pub const NONE: Self = Self {
        count: None,
        spread: None,
        timeout: None,
        payload_bytes: None,
        dscp: None,
        dont_fragment: None,
    };
    /// Waiting time when the plan names none.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);
    /// Payload when the plan names none: with the header the 64 bytes that every ping sends.
    pub const DEFAULT_PAYLOAD_BYTES: u64 = 56;
    /// Largest code point: it has six bits (RFC 2474 §3).
    pub const MAX_DSCP: u8 = 63;
}
