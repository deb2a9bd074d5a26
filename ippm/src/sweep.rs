//! What packets of several sizes say together about one path.

use crate::{Family, Params, Summary};

/// How one size fared: a test with its own payload, sent whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Bytes behind the ICMP header.
    pub payload: u64,
    /// Whether any packet came back within the waiting time.
    pub answered: bool,
    /// Smallest MTU that a router named, in bytes of an IP packet.
    pub path_mtu: Option<u64>,
}

/// The verdict of a size sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sweep {
    /// Largest payload that was answered, in bytes behind the ICMP header; `None` if none was.
    pub largest_answered: Option<u64>,
    /// Smallest payload above it that was not answered; `None` if every larger one, or the largest, was.
    ///
    /// The path's limit lies between both. A smaller size that was lost says nothing about sizes.
    pub smallest_unanswered: Option<u64>,
    /// Smallest MTU that a router named, in bytes of an IP packet. On one layer-2 fabric nobody names one.
    pub path_mtu: Option<u64>,
}

impl Size {
    /// The size that `params` sent, with what came of it; `None` if routers may have cut the packets, in
    /// which case a reply says nothing about the size.
    #[must_use]
    pub fn of(params: &Params, summary: Option<&Summary>) -> Option<Self> {
        params.dont_fragment.unwrap_or(false).then(|| Self {
            payload: params.payload_bytes.unwrap_or(Params::DEFAULT_PAYLOAD_BYTES),
            answered: summary.is_some_and(|summary| summary.received > 0),
            path_mtu: summary.and_then(|summary| summary.path_mtu),
        })
    }
}

impl Sweep {
    /// Judges `sizes`, in any order. A size that this host's own kernel refused counts as unanswered:
    /// it did not pass either.
    #[must_use]
    pub fn of(sizes: &[Size]) -> Self {
        let largest_answered = sizes
            .iter()
            .filter(|size| size.answered)
            .map(|size| size.payload)
            .max();
        Self {
            largest_answered,
            smallest_unanswered: sizes
                .iter()
                .filter(|size| !size.answered && Some(size.payload) > largest_answered)
                .map(|size| size.payload)
                .min(),
            path_mtu: sizes.iter().filter_map(|size| size.path_mtu).min(),
        }
    }
}

/// The bytes of the IP packet around an ICMP echo with `payload` bytes: what an MTU is compared with.
///
/// Twenty bytes of IPv4 header without options (RFC 791) or forty of IPv6 without extensions
/// (RFC 8200), and eight of echo header.
#[must_use]
pub const fn packet_bytes(family: Family, payload: u64) -> u64 {
    let header = match family {
        Family::V4 => 20,
        Family::V6 => 40,
    };
    payload.saturating_add(header + 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(payload: u64, answered: bool) -> Size {
        Size {
            payload,
            answered,
            path_mtu: None,
        }
    }

    #[track_caller]
    fn check(sizes: &[Size], largest: Option<u64>, smallest_unanswered: Option<u64>) {
        let sweep = Sweep::of(sizes);
        assert_eq!(
            (sweep.largest_answered, sweep.smallest_unanswered),
            (largest, smallest_unanswered)
        );
    }

    #[test]
    fn the_limit_lies_between_the_largest_answered_and_the_smallest_unanswered_above_it() {
        check(
            &[
                size(8972, false),
                size(64, true),
                size(1472, true),
                size(4000, false),
            ],
            Some(1472),
            Some(4000),
        );
    }

    #[test]
    fn a_smaller_size_that_was_lost_is_loss_and_no_limit() {
        check(&[size(64, false), size(1472, true)], Some(1472), None);
    }

    #[test]
    fn where_nothing_was_answered_no_size_is_known_to_pass() {
        check(&[size(64, false), size(1472, false)], None, Some(64));
        check(&[], None, None);
    }

    #[test]
    fn the_smallest_mtu_that_was_named_is_the_verdicts() {
        let named = |mtu| Size {
            path_mtu: Some(mtu),
            ..size(8972, false)
        };
        assert_eq!(
            Sweep::of(&[named(1500), size(64, true), named(1400)]).path_mtu,
            Some(1400)
        );
    }

    #[test]
    fn packets_that_may_be_cut_are_no_part_of_a_sweep() {
        let params = |dont_fragment| Params {
            dont_fragment,
            payload_bytes: Some(1472),
            ..Params::NONE
        };
        assert_eq!(Size::of(&params(None), None), None);
        assert_eq!(Size::of(&params(Some(false)), None), None);
        assert_eq!(Size::of(&params(Some(true)), None), Some(size(1472, false)));
    }

    #[test]
    fn a_payload_of_1472_bytes_fills_an_ethernet_frame_on_ipv4_and_of_1452_on_ipv6() {
        assert_eq!(packet_bytes(Family::V4, 1472), 1500);
        assert_eq!(packet_bytes(Family::V6, 1452), 1500);
    }
}
