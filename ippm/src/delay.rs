//! Delay of one packet and its variation.

use std::time::Duration;

/// Round-trip delay of one packet (RFC 2681 §2), in whole nanoseconds.
///
/// It exists only for a packet that came back; a lost packet has no delay, not a large one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rtt(u64);

impl Rtt {
    /// A delay of `ns` nanoseconds.
    #[must_use]
    pub const fn from_ns(ns: u64) -> Self {
        Self(ns)
    }

    /// Nanoseconds.
    #[must_use]
    pub const fn as_ns(self) -> u64 {
        self.0
    }

    /// The variation from `previous` to this packet; negative when the delay shrank.
    #[must_use]
    pub fn variation_from(self, previous: Self) -> Ipdv {
        let difference = i128::from(self.0) - i128::from(previous.0);
        Ipdv(i64::try_from(difference).unwrap_or(if difference < 0 { i64::MIN } else { i64::MAX }))
    }

    /// How much longer this packet took than the fastest of its sample (RFC 5481 §4.2); `None` if
    /// `fastest` is the slower of the two.
    #[must_use]
    pub fn above(self, fastest: Self) -> Option<Pdv> {
        self.0.checked_sub(fastest.0).map(Pdv)
    }
}

impl From<Duration> for Rtt {
    /// Saturates at 584 years.
    fn from(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// Round-trip delay variation between two packets sent back to back, signed, in nanoseconds.
///
/// RFC 3393 defines this form for the one-way delay; ours is the same form on the round trip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ipdv(i64);

impl Ipdv {
    /// Nanoseconds; negative when the second packet was faster.
    #[must_use]
    pub const fn as_ns(self) -> i64 {
        self.0
    }

    /// The size of the variation, in nanoseconds.
    #[must_use]
    pub const fn abs_ns(self) -> u64 {
        self.0.unsigned_abs()
    }
}

/// Packet delay variation in the form of RFC 5481 §4.2: delay minus the smallest delay of the
/// sample, in nanoseconds. ITU-T Y.1540 calls this one IPDV.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pdv(u64);

impl Pdv {
    /// Nanoseconds.
    #[must_use]
    pub const fn as_ns(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variation_is_signed_and_saturates() {
        let (fast, slow) = (Rtt::from_ns(500), Rtt::from_ns(700));
        assert_eq!(slow.variation_from(fast).as_ns(), 200);
        assert_eq!(fast.variation_from(slow).as_ns(), -200);
        assert_eq!(
            Rtt::from_ns(u64::MAX).variation_from(Rtt::from_ns(0)).as_ns(),
            i64::MAX
        );
        assert_eq!(slow.above(fast).map(Pdv::as_ns), Some(200));
        assert_eq!(fast.above(slow), None);
    }
}
