//! What the kernel says beside a packet, in control messages.
//!
//! A pure function over plain values: hop limits, traffic classes and errors come from strangers.

use std::net::IpAddr;

use ippm::{IcmpError, UnixTime};
use nix::libc;
use nix::sys::socket::ControlMessageOwned;
use nix::sys::time::TimeSpec;

/// One message with what the kernel said beside it.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub(super) bytes: &'a [u8],
    /// Sender of a reply; destination of the quoted packet in the error queue.
    pub(super) from: Option<IpAddr>,
    pub(super) stamp: Option<UnixTime>,
    pub(super) hop_limit: Option<u8>,
    pub(super) dscp: Option<u8>,
    /// The ICMP error that this message is about.
    pub(super) error: Option<IcmpError>,
    /// Whether it is a packet of our own that the kernel looped back with its transmit stamp.
    pub(super) looped: bool,
}

/// `SO_EE_ORIGIN_TIMESTAMPING` of `linux/errqueue.h`.
const ORIGIN_TIMESTAMPING: u8 = 4;

impl<'a> Message<'a> {
    /// The message with `bytes`, read from the error queue if it `is_queued`, that came with `address` and
    /// `controls`.
    pub(super) fn new(
        bytes: &'a [u8],
        is_queued: bool,
        address: Option<IpAddr>,
        controls: impl Iterator<Item = ControlMessageOwned>,
    ) -> Self {
        let mut this = Self {
            bytes,
            from: None,
            stamp: None,
            hop_limit: None,
            dscp: None,
            error: None,
            looped: false,
        };
        let mut is_addressed = !is_queued;
        for control in controls {
            is_addressed |= this.take(&control);
        }
        // A looped packet comes without an address; what stands in its place means nothing.
        if is_addressed {
            this.from = address;
        }
        this
    }

    /// Takes in one control message; whether it says that the message has an address.
    fn take(&mut self, control: &ControlMessageOwned) -> bool {
        match *control {
            ControlMessageOwned::ScmTimestampsns(stamps) => self.stamp = unix_time(stamps.system),
            ControlMessageOwned::Ipv4Ttl(limit) | ControlMessageOwned::Ipv6HopLimit(limit) => {
                self.hop_limit = u8::try_from(limit).ok();
            }
            // Above the two bits of ECN (RFC 3168).
            ControlMessageOwned::Ipv4Tos(class) => self.dscp = Some(class >> 2),
            ControlMessageOwned::Ipv6TClass(class) => {
                self.dscp = u8::try_from(class).ok().map(|class| class >> 2);
            }
            ControlMessageOwned::Ipv4RecvErr(error, offender)
                if error.ee_origin == libc::SO_EE_ORIGIN_ICMP =>
            {
                let from = offender.map(|a| IpAddr::from(u32::from_be(a.sin_addr.s_addr).to_be_bytes()));
                self.error = from.map(|from| icmp_error(&error, from));
                return true;
            }
            ControlMessageOwned::Ipv6RecvErr(error, offender)
                if error.ee_origin == libc::SO_EE_ORIGIN_ICMP6 =>
            {
                let from = offender.map(|a| IpAddr::from(a.sin6_addr.s6_addr));
                self.error = from.map(|from| icmp_error(&error, from));
                return true;
            }
            ControlMessageOwned::Ipv4RecvErr(error, _) | ControlMessageOwned::Ipv6RecvErr(error, _) => {
                self.looped = error.ee_origin == ORIGIN_TIMESTAMPING;
            }
            _ => {}
        }
        false
    }
}

fn icmp_error(error: &libc::sock_extended_err, from: IpAddr) -> IcmpError {
    IcmpError {
        kind: error.ee_type,
        code: error.ee_code,
        from,
        mtu: match (from, error.ee_type, error.ee_code) {
            (IpAddr::V4(_), UNREACHABLE_V4, FRAGMENTATION_NEEDED) | (IpAddr::V6(_), PACKET_TOO_BIG, _) => {
                (error.ee_info != 0).then_some(error.ee_info)
            }
            _ => None,
        },
    }
}

/// Destination unreachable (RFC 792), with its code "fragmentation needed and DF set".
const UNREACHABLE_V4: u8 = 3;
const FRAGMENTATION_NEEDED: u8 = 4;
/// Packet too big (RFC 4443 §3.2).
const PACKET_TOO_BIG: u8 = 2;

/// `None` for a stamp of zero, which is how the kernel says that it took none.
fn unix_time(stamp: TimeSpec) -> Option<UnixTime> {
    let ns = stamp
        .tv_sec()
        .checked_mul(1_000_000_000)?
        .checked_add(stamp.tv_nsec())?;
    (ns != 0).then_some(UnixTime::from_ns(ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    /// What is read from the error queue with `controls`.
    fn queued(controls: &[ControlMessageOwned]) -> Message<'static> {
        Message::new(&[], true, Some(TO), controls.iter().cloned())
    }

    /// What is read from the socket with one control message.
    fn received(control: ControlMessageOwned) -> Message<'static> {
        Message::new(&[], false, Some(TO), std::iter::once(control))
    }

    fn extended(origin: u8, kind: u8, code: u8, info: u32) -> libc::sock_extended_err {
        libc::sock_extended_err {
            ee_errno: 0,
            ee_origin: origin,
            ee_type: kind,
            ee_code: code,
            ee_pad: 0,
            ee_info: info,
            ee_data: 0,
        }
    }

    fn offender_v4() -> libc::sockaddr_in {
        libc::sockaddr_in {
            sin_family: 0,
            sin_port: 0,
            sin_addr: libc::in_addr {
                s_addr: u32::from_ne_bytes([198, 51, 100, 7]),
            },
            sin_zero: [0; 8],
        }
    }

    fn offender_v6() -> libc::sockaddr_in6 {
        let mut address = [0; 16];
        address[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
        address[15] = 7;
        libc::sockaddr_in6 {
            sin6_family: 0,
            sin6_port: 0,
            sin6_flowinfo: 0,
            sin6_addr: libc::in6_addr { s6_addr: address },
            sin6_scope_id: 0,
        }
    }

    #[test]
    fn hop_limits_and_classes_outside_their_eight_bits_are_unknown_and_not_cut() {
        for (value, expected) in [(0, Some(0)), (255, Some(255)), (256, None), (-1, None)] {
            assert_eq!(received(ControlMessageOwned::Ipv4Ttl(value)).hop_limit, expected);
            assert_eq!(
                received(ControlMessageOwned::Ipv6HopLimit(value)).hop_limit,
                expected
            );
            let dscp = expected.map(|class| class / 4);
            assert_eq!(received(ControlMessageOwned::Ipv6TClass(value)).dscp, dscp);
        }
        // 46 (expedited forwarding, RFC 3246) with both bits of ECN set: 46 × 4 + 3.
        assert_eq!(received(ControlMessageOwned::Ipv4Tos(187)).dscp, Some(46));
    }

    #[test]
    fn a_stamp_of_zero_or_beyond_the_year_2262_is_none() {
        for (seconds, nanoseconds, expected) in [
            (0, 0, None),
            (0, 1, Some(1)),
            (1_795_000_000, 999_999_999, Some(1_795_000_000_999_999_999)),
            // 2^63 ns are 9,223,372,036.854775808 s.
            (9_223_372_036, 854_775_807, Some(i64::MAX)),
            (9_223_372_036, 854_775_808, None),
            (i64::MAX, 0, None),
        ] {
            let stamp = unix_time(TimeSpec::new(seconds, nanoseconds));
            assert_eq!(stamp.map(UnixTime::as_ns), expected, "{seconds}.{nanoseconds}");
        }
    }

    #[test]
    fn the_mtu_is_read_only_from_the_errors_that_bear_one() {
        for (family, kind, code, info, expected) in [
            (4, 3, 4, 1400, Some(1400)),
            (4, 3, 4, 0, None),
            (4, 3, 1, 1400, None),
            (4, 11, 4, 1400, None),
            (6, 2, 0, 1280, Some(1280)),
            (6, 2, 0, 0, None),
            (6, 1, 4, 1280, None),
            // Type 3 is time exceeded on IPv6, and not destination unreachable.
            (6, 3, 4, 1280, None),
        ] {
            let control = if family == 4 {
                let error = extended(libc::SO_EE_ORIGIN_ICMP, kind, code, info);
                ControlMessageOwned::Ipv4RecvErr(error, Some(offender_v4()))
            } else {
                let error = extended(libc::SO_EE_ORIGIN_ICMP6, kind, code, info);
                ControlMessageOwned::Ipv6RecvErr(error, Some(offender_v6()))
            };
            let message = queued(&[control]);
            let error = message.error.unwrap();
            assert_eq!((error.kind, error.code), (kind, code));
            assert_eq!(
                error.mtu, expected,
                "IPv{family}, type {kind}, code {code}, {info}"
            );
            let from = if family == 4 {
                "198.51.100.7"
            } else {
                "2001:db8::7"
            };
            assert_eq!(error.from.to_string(), from);
            assert_eq!((message.from, message.looped), (Some(TO), false));
        }
    }

    #[test]
    fn an_error_without_an_offender_is_no_error() {
        let error = extended(libc::SO_EE_ORIGIN_ICMP, 3, 1, 0);
        assert_eq!(
            queued(&[ControlMessageOwned::Ipv4RecvErr(error, None)]).error,
            None
        );
    }

    #[test]
    fn a_looped_packet_has_no_address_and_a_local_error_is_not_looped() {
        let looped = extended(ORIGIN_TIMESTAMPING, 0, 0, 0);
        let message = queued(&[ControlMessageOwned::Ipv4RecvErr(looped, Some(offender_v4()))]);
        assert_eq!((message.looped, message.from, message.error), (true, None, None));
        let local = extended(libc::SO_EE_ORIGIN_LOCAL, 0, 0, 1400);
        let message = queued(&[ControlMessageOwned::Ipv6RecvErr(local, None)]);
        assert_eq!((message.looped, message.from, message.error), (false, None, None));
    }
}
