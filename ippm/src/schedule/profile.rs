//! Named traffic profiles: packets that look like those of a service.

use std::collections::BTreeMap;
use std::time::Duration;

use thiserror::Error;

use crate::plan::Plan;
use crate::{Bandwidth, Label};

/// Packets like those of a service: so many a second, so large, so marked.
///
/// The size is that of the Ethernet frame with its header and check sequence, without a VLAN tag, preamble and
/// gap, around an IPv4 packet: 18 bytes more than the packet. The packets of the same service are 20 bytes longer
/// over IPv6, and so are ours. The bandwidth is that of these frames in bits per second, with k = 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    pps: u64,
    size_bytes: u64,
    /// Differentiated services code point (RFC 2474), 0 to 63.
    pub dscp: u64,
}

/// Why two quantities make no profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProfileError {
    /// Not two of the three.
    #[error("expected two of pps, size_bytes and bandwidth: the third follows")]
    NotTwo,
    /// More packets than a probe sends to one target, or less than one.
    #[error("{found} packets/s, expected 1 to {}", Profile::MAX_PPS)]
    Rate {
        /// Whole packets per second.
        found: u64,
    },
    /// A frame that cannot be sent.
    #[error(
        "frames of {found} bytes, expected {} to {}",
        Profile::MIN_SIZE_BYTES,
        Profile::MAX_SIZE_BYTES
    )]
    Size {
        /// Whole bytes.
        found: u64,
    },
}

impl Profile {
    /// Most packets per second: a probe sends no more to one target.
    pub const MAX_PPS: u64 = Plan::MAX_PPS_PER_TARGET;
    /// Smallest frame: the shortest that Ethernet carries (IEEE 802.3 §4.4.2).
    pub const MIN_SIZE_BYTES: u64 = 64;
    /// Largest frame: an IP packet of 9000 bytes, the usual jumbo frame.
    pub const MAX_SIZE_BYTES: u64 = 9018;
    /// Ethernet header and check sequence, 14 and 4 bytes.
    pub const ETHERNET_BYTES: u64 = 18;
    /// Ethernet, IPv4 (RFC 791 §3.1, no options) and ICMP echo (RFC 792) around the payload.
    pub const OVERHEAD_BYTES: u64 = Self::ETHERNET_BYTES + 20 + 8;

    /// A profile from two of the three quantities. What follows is rounded down to whole packets per second, or
    /// to whole bytes, so that the bandwidth is never exceeded.
    ///
    /// # Errors
    ///
    /// [`ProfileError`] names the quantity that is missing or outside its limits.
    pub fn new(
        pps: Option<u64>,
        size_bytes: Option<u64>,
        bandwidth: Option<Bandwidth>,
        dscp: u64,
    ) -> Result<Self, ProfileError> {
        let check_rate = |found| {
            let fits = (1..=Self::MAX_PPS).contains(&found);
            fits.then_some(found).ok_or(ProfileError::Rate { found })
        };
        let check_size = |found| {
            let fits = (Self::MIN_SIZE_BYTES..=Self::MAX_SIZE_BYTES).contains(&found);
            fits.then_some(found).ok_or(ProfileError::Size { found })
        };
        let (pps, size_bytes) = match (pps, size_bytes, bandwidth) {
            (Some(pps), Some(size), None) => (check_rate(pps)?, check_size(size)?),
            (Some(pps), None, Some(bandwidth)) => {
                let pps = check_rate(pps)?;
                (pps, check_size(bandwidth.bits() / 8 / pps)?)
            }
            (None, Some(size), Some(bandwidth)) => {
                let size = check_size(size)?;
                (check_rate(bandwidth.bits() / 8 / size)?, size)
            }
            _ => return Err(ProfileError::NotTwo),
        };
        Ok(Self {
            pps,
            size_bytes,
            dscp,
        })
    }

    /// Packets per second.
    #[must_use]
    pub const fn pps(&self) -> u64 {
        self.pps
    }

    /// Bytes of a frame.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Bandwidth of the frames in one direction.
    #[must_use]
    pub fn bandwidth(&self) -> Bandwidth {
        Bandwidth::from_bits(self.pps * self.size_bytes * 8).unwrap_or(Bandwidth::MAX)
    }

    /// Bytes after the ICMP header that make frames of this size over IPv4.
    #[must_use]
    pub const fn payload_bytes(&self) -> u64 {
        self.size_bytes - Self::OVERHEAD_BYTES
    }

    /// Packets in `spread`, rounded down, at least one.
    #[must_use]
    pub fn count(&self, spread: Duration) -> u64 {
        let packets = spread.as_nanos() * u128::from(self.pps) / 1_000_000_000;
        u64::try_from(packets).unwrap_or(u64::MAX).max(1)
    }

    /// The profiles that need no definition.
    ///
    /// * `voip-g711`: one direction of a call, G.711 in packets of 20 ms: 160 bytes and RTP, UDP, IPv4 and Ethernet
    ///   headers make 218; 87.2 kbit/s; expedited forwarding (RFC 4594 §4.1).
    /// * `video`: a video conference of 1.5 Mbit/s, assured forwarding AF41 (RFC 4594 §4.3).
    /// * `bulk`: full frames of 1518 bytes, 1.2144 Mbit/s, assured forwarding AF11 (RFC 4594 §4.8).
    ///
    /// # Panics
    ///
    /// Never: the three names are labels.
    #[must_use]
    pub fn built_in() -> BTreeMap<Label, Self> {
        [
            ("voip-g711", 50, 218, 46),
            ("video", 150, 1250, 34),
            ("bulk", 100, 1518, 10),
        ]
        .into_iter()
        .map(|(name, pps, size_bytes, dscp)| {
            let name = name
                .parse()
                .expect("lower-case letters, digits and a hyphen are a label");
            (
                name,
                Self {
                    pps,
                    size_bytes,
                    dscp,
                },
            )
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(bits: u64) -> Option<Bandwidth> {
        Bandwidth::from_bits(bits)
    }

    #[test]
    fn any_two_of_rate_size_and_bandwidth_give_the_third() {
        // A G.711 call: 218 bytes · 8 · 50 = 87,200 bit/s.
        let all = [
            Profile::new(Some(50), Some(218), None, 46),
            Profile::new(Some(50), None, bits(87_200), 46),
            Profile::new(None, Some(218), bits(87_200), 46),
        ];
        for profile in all {
            let profile = profile.unwrap();
            assert_eq!((profile.pps(), profile.size_bytes()), (50, 218));
            assert_eq!(Some(profile.bandwidth()), bits(87_200));
            assert_eq!(profile.payload_bytes(), 172);
        }
    }

    #[test]
    fn what_follows_never_exceeds_the_bandwidth() {
        let profile = Profile::new(None, Some(1518), bits(1_000_000), 0).unwrap();
        // 1,000,000 ÷ 12,144 = 82.3
        assert_eq!(profile.pps(), 82);
        assert!(profile.bandwidth().bits() <= 1_000_000);
    }

    #[test]
    fn one_or_three_quantities_make_no_profile_and_neither_do_extremes() {
        let message = |pps, size, bandwidth| Profile::new(pps, size, bandwidth, 0).unwrap_err().to_string();
        let two = "expected two of pps, size_bytes and bandwidth: the third follows";
        assert_eq!(message(Some(50), None, None), two);
        assert_eq!(message(Some(50), Some(218), bits(87_200)), two);
        assert_eq!(
            message(Some(201), Some(218), None),
            "201 packets/s, expected 1 to 200"
        );
        assert_eq!(
            message(Some(0), Some(218), None),
            "0 packets/s, expected 1 to 200"
        );
        assert_eq!(
            message(Some(1), Some(63), None),
            "frames of 63 bytes, expected 64 to 9018"
        );
        assert_eq!(
            message(Some(50), None, bits(1)),
            "frames of 0 bytes, expected 64 to 9018"
        );
        assert_eq!(
            message(None, Some(9018), bits(1)),
            "0 packets/s, expected 1 to 200"
        );
    }

    #[test]
    fn the_built_in_profiles_keep_the_rules_of_all_profiles() {
        let built_in = Profile::built_in();
        assert_eq!(built_in.len(), 3);
        for (name, profile) in built_in {
            let (pps, size) = (profile.pps(), profile.size_bytes());
            assert_eq!(
                Profile::new(Some(pps), Some(size), None, profile.dscp),
                Ok(profile),
                "{name}"
            );
        }
    }
}
