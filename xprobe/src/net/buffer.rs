//! How large the buffers of a socket have to be.
//!
//! The kernel books more than the bytes of a packet: its own bookkeeping and the room around it. What
//! is asked for is doubled by the kernel (socket(7)), which covers that for large packets; for
//! small ones it is counted here.

/// What is expected of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Packets a second, all targets together.
    pub pps: u64,
    /// Bytes behind the ICMP header of the largest packet.
    pub payload: usize,
}

impl Load {
    /// The receive buffer to ask for, bytes.
    ///
    /// Replies wait in it, and with them the transmit stamps, each with a copy of its packet. It holds
    /// what comes while this process is off the processor for [`STALL_MS`].
    pub(super) fn receive_buffer(self) -> usize {
        self.bytes(self.pps.saturating_mul(2 * STALL_MS) / 1000)
            .clamp(LEAST, MOST)
    }

    /// The send buffer to ask for, bytes.
    ///
    /// Packets to a neighbor that does not answer wait in it until the kernel gives up, and without room
    /// the next send to a *healthy* target would fail with EAGAIN. It holds [`UNRESOLVED_MS`] of all.
    pub(super) fn send_buffer(self) -> usize {
        self.bytes(self.pps.saturating_mul(UNRESOLVED_MS) / 1000)
            .clamp(4 * LEAST, MOST)
    }

    fn bytes(self, packets: u64) -> usize {
        usize::try_from(packets)
            .unwrap_or(usize::MAX)
            .saturating_mul(self.payload.saturating_add(OVERHEAD))
    }
}

/// How long this process may be off the processor before a reply is thrown away.
const STALL_MS: u64 = 500;
/// How long the kernel looks for a neighbor: three times a second (`ucast_solicit`, `retrans_time_ms`).
const UNRESOLVED_MS: u64 = 3000;
/// Half of what the kernel books for a packet beside its payload: `sk_buff`, headers and the rounding of
/// its allocator; a reply of 64 bytes is booked with 768 bytes on Linux 6.
const OVERHEAD: usize = 512;
/// Smallest buffer to ask for.
const LEAST: usize = 256 << 10;
/// Largest one.
const MOST: usize = 8 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_round_asks_for_the_least_and_the_fastest_for_the_most() {
        let load = |pps, payload| Load { pps, payload };
        assert_eq!(load(30, 56).receive_buffer(), LEAST);
        assert_eq!(load(30, 56).send_buffer(), 4 * LEAST);
        assert_eq!(load(u64::MAX, 65_507).receive_buffer(), MOST);
        assert_eq!(load(u64::MAX, usize::MAX).send_buffer(), MOST);
    }

    #[test]
    fn between_them_it_holds_half_a_second_of_replies_and_stamps() {
        // 2000 a second: 1000 replies and 1000 stamps in half a second, 568 bytes each.
        let load = Load {
            pps: 2000,
            payload: 56,
        };
        assert_eq!(load.receive_buffer(), 2000 * 568);
        assert_eq!(load.send_buffer(), 6000 * 568);
    }
}
