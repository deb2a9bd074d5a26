//! The options of a measuring socket.

use std::os::fd::OwnedFd;

use ippm::Family;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{SetSockOpt, TimestampingFlag, setsockopt, sockopt};
use nix::{setsockopt_impl, sockopt_impl};

use super::{Mode, Setup};

/// Sets everything that a measuring socket needs.
pub(super) fn apply(descriptor: &OwnedFd, mode: Mode, setup: &Setup) -> Result<(), Errno> {
    let Setup {
        family,
        dont_fragment,
        ..
    } = *setup;
    if setup.stamps {
        stamp(descriptor)?;
    }
    family_options(descriptor, family, dont_fragment)?;
    if mode == Mode::Raw {
        filter(descriptor, family)?;
    }
    // FORCE passes over net.core.rmem_max but needs CAP_NET_ADMIN; a smaller buffer than asked for is
    // no reason not to measure, and what it costs shows in the receive drops.
    let (receive, send) = (setup.load.receive_buffer(), setup.load.send_buffer());
    let _ = set_or(descriptor, sockopt::RcvBufForce, sockopt::RcvBuf, receive);
    let _ = set_or(descriptor, sockopt::SndBufForce, sockopt::SndBuf, send);
    setup.binding.apply(descriptor, family)
}

fn stamp(descriptor: &OwnedFd) -> Result<(), Errno> {
    // Software stamps in both directions: taken when the driver hands the packet to the device, and
    // when it comes up from it. Hardware stamps would be another clock, and few cards here have them.
    // OPT_TSONLY is left out on purpose: without it the error queue returns the packet itself, and a
    // stamp is matched by the mark in it. The counter of OPT_ID falls out of step with our packets
    // after a failed send, on some errors and not on others.
    let stamps = TimestampingFlag::SOF_TIMESTAMPING_SOFTWARE
        | TimestampingFlag::SOF_TIMESTAMPING_TX_SOFTWARE
        | TimestampingFlag::SOF_TIMESTAMPING_RX_SOFTWARE;
    setsockopt(descriptor, sockopt::Timestamping, &stamps)
}

fn family_options(descriptor: &OwnedFd, family: Family, dont_fragment: bool) -> Result<(), Errno> {
    match family {
        Family::V4 => {
            // ICMP errors with type, code, sender and the packet they quote.
            setsockopt(descriptor, sockopt::Ipv4RecvErr, &true)?;
            // The TTL that a reply has left tells when its path changed length.
            setsockopt(descriptor, sockopt::Ipv4RecvTtl, &true)?;
            // A responder answers with the code point that reached it: remarking on the way shows.
            setsockopt(descriptor, sockopt::IpRecvTos, &true)?;
            // PROBE sets DF and ignores the path MTU that the kernel learned; DO would refuse large
            // packets for ten minutes after one ICMP error, and so report the past. The default
            // (WANT) sets DF too: it has to be switched off for packets that may be fragmented. With DONT
            // the kernel keeps "fragmentation needed" to itself: it cannot be meant for such a packet.
            let discovery = if dont_fragment {
                libc::IP_PMTUDISC_PROBE
            } else {
                libc::IP_PMTUDISC_DONT
            };
            setsockopt(descriptor, Ipv4MtuDiscover, &discovery)
        }
        Family::V6 => {
            setsockopt(descriptor, sockopt::Ipv6RecvErr, &true)?;
            setsockopt(descriptor, sockopt::Ipv6RecvHopLimit, &true)?;
            setsockopt(descriptor, sockopt::Ipv6RecvTClass, &true)?;
            // Routers never fragment IPv6; the choice is whether this host may.
            let discovery = if dont_fragment {
                libc::IPV6_PMTUDISC_PROBE
            } else {
                libc::IPV6_PMTUDISC_DONT
            };
            setsockopt(descriptor, Ipv6MtuDiscover, &discovery)
        }
    }
}

/// Lets a raw socket see echo replies and nothing else. Without it every ICMP message of the host,
/// our own requests on loopback included, is copied to us and takes room in the receive buffer. ICMP
/// errors reach the error queue regardless.
fn filter(descriptor: &OwnedFd, family: Family) -> Result<(), Errno> {
    match family {
        // In both filters a set bit blocks the type.
        Family::V4 => setsockopt(descriptor, Icmp4Filter, &!(1 << ECHO_REPLY_V4)),
        Family::V6 => {
            let mut blocked = [u32::MAX; 8];
            blocked[ECHO_REPLY_V6 / 32] &= !(1 << (ECHO_REPLY_V6 % 32));
            setsockopt(descriptor, Icmp6Filter, &blocked)
        }
    }
}

fn set_or<A, B>(descriptor: &OwnedFd, first: A, second: B, value: usize) -> Result<(), Errno>
where
    A: SetSockOpt<Val = usize>,
    B: SetSockOpt<Val = usize>,
{
    setsockopt(descriptor, first, &value).or_else(|_| setsockopt(descriptor, second, &value))
}

const ECHO_REPLY_V4: u32 = 0;
const ECHO_REPLY_V6: usize = 129;
/// `ICMP_FILTER` and `ICMPV6_FILTER` of `linux/icmp.h` and `linux/icmpv6.h`.
const FILTER: libc::c_int = 1;

sockopt_impl!(
    /// `IP_MTU_DISCOVER`: who decides about the DF bit (ip(7)).
    Ipv4MtuDiscover,
    SetOnly,
    libc::IPPROTO_IP,
    libc::IP_MTU_DISCOVER,
    libc::c_int
);
sockopt_impl!(
    /// `IPV6_MTU_DISCOVER`: the same for IPv6 (ipv6(7)).
    Ipv6MtuDiscover,
    SetOnly,
    libc::IPPROTO_IPV6,
    libc::IPV6_MTU_DISCOVER,
    libc::c_int
);
sockopt_impl!(
    /// `ICMP_FILTER`: the types that a raw IPv4 socket does not want to see (raw(7)).
    Icmp4Filter,
    SetOnly,
    libc::SOL_RAW,
    FILTER,
    u32
);
sockopt_impl!(
    /// `ICMP6_FILTER`: the same for ICMPv6 (RFC 3542 §3.2), one bit for each of 256 types.
    Icmp6Filter,
    SetOnly,
    libc::IPPROTO_ICMPV6,
    FILTER,
    [u32; 8]
);
