//! Many messages in one system call.

use std::io::{self, IoSliceMut};
use std::net::IpAddr;
use std::os::fd::RawFd;

use ippm::{IcmpError, UnixTime};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockaddrStorage, Timestamps, recvmmsg,
};
use nix::sys::time::TimeSpec;

/// Messages in one call at a high rate. Larger ones gain nothing measurable.
const LARGE: usize = 32;

/// Messages in one call at an ordinary rate, where preparing room for more would cost more than it saves.
const SMALL: usize = 4;

/// Messages after which a read is over even if there are more; the event loop comes again.
const MOST: usize = 32 * LARGE;

/// How often an error of an earlier packet may surface in one read before we go back to the event
/// loop, which comes again.
const SURFACING: u32 = 64;

/// Memory for the messages of one call.
#[derive(Debug)]
pub(super) struct Batch {
    /// Bytes that each message may fill; the rest of it is cut off.
    slot: usize,
    /// Messages in the next call: [`SMALL`] until a call is filled, [`LARGE`] until one is not.
    size: usize,
    memory: Vec<u8>,
}

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

impl Batch {
    pub(super) fn new(slot: usize) -> Self {
        Self {
            slot,
            size: SMALL,
            memory: vec![0; slot * SMALL],
        }
    }

    /// Reads until nothing is left, or [`MOST`] messages, and says how many there were.
    pub(super) fn read_all(
        &mut self,
        descriptor: RawFd,
        flags: MsgFlags,
        mut tell: impl FnMut(&Message<'_>),
    ) -> io::Result<usize> {
        let (mut total, mut surfaced) = (0, 0);
        loop {
            match self.read(descriptor, flags, &mut tell) {
                Ok(read) => {
                    total += read;
                    let is_full = read == self.size;
                    self.resize(if is_full {
                        LARGE
                    } else if read <= SMALL {
                        SMALL
                    } else {
                        self.size
                    });
                    // Whoever floods us with replies must not keep us from sending.
                    if !is_full || total >= MOST {
                        return Ok(total);
                    }
                }
                Err(Errno::EAGAIN) => return Ok(total),
                Err(
                    error @ (Errno::EBADF | Errno::EFAULT | Errno::EINVAL | Errno::ENOMEM | Errno::ENOTSOCK),
                ) => return Err(error.into()),
                // The pending error of an earlier packet surfaces on whichever call comes next, and is
                // gone then. The error queue has it in full.
                Err(_) => {
                    surfaced += 1;
                    if surfaced == SURFACING {
                        return Ok(total);
                    }
                }
            }
        }
    }

    /// Makes room once for the larger size, and keeps it.
    fn resize(&mut self, size: usize) {
        self.size = size;
        if self.memory.len() < size * self.slot {
            self.memory.resize(size * self.slot, 0);
        }
    }

    fn read(
        &mut self,
        descriptor: RawFd,
        flags: MsgFlags,
        tell: &mut impl FnMut(&Message<'_>),
    ) -> Result<usize, Errno> {
        // The kernel writes the lengths that it used into the headers, and nix does not restore them:
        // headers that are used twice lose control messages. So they are made anew.
        let control = cmsg_space!(
            Timestamps,
            libc::sock_extended_err,
            libc::sockaddr_in6,
            libc::c_int,
            libc::c_int
        );
        let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(self.size, Some(control));
        let mut slots = self.memory.chunks_exact_mut(self.slot);
        let mut slices: [[IoSliceMut<'_>; 1]; LARGE] =
            std::array::from_fn(|_| [IoSliceMut::new(slots.next().unwrap_or_default())]);
        let flags = flags | MsgFlags::MSG_DONTWAIT;
        let mut read = 0;
        for message in recvmmsg(descriptor, &mut headers, &mut slices, flags, None)? {
            read += 1;
            tell(&Message::of(&message));
        }
        Ok(read)
    }
}

impl<'a> Message<'a> {
    fn of(message: &RecvMsg<'_, 'a, SockaddrStorage>) -> Self {
        let mut this = Self {
            bytes: message.iovs().next().unwrap_or(&[]),
            from: None,
            stamp: None,
            hop_limit: None,
            dscp: None,
            error: None,
            looped: false,
        };
        let mut addressed = !message.flags.contains(MsgFlags::MSG_ERRQUEUE);
        // Control messages that were cut off are no control messages: the packet then has no stamp.
        for control in message.cmsgs().into_iter().flatten() {
            match control {
                ControlMessageOwned::ScmTimestampsns(stamps) => this.stamp = unix_time(stamps.system),
                ControlMessageOwned::Ipv4Ttl(ttl) => this.hop_limit = u8::try_from(ttl).ok(),
                ControlMessageOwned::Ipv6HopLimit(limit) => this.hop_limit = u8::try_from(limit).ok(),
                // Above the two bits of ECN (RFC 3168).
                ControlMessageOwned::Ipv4Tos(class) => this.dscp = Some(class >> 2),
                ControlMessageOwned::Ipv6TClass(class) => {
                    this.dscp = u8::try_from(class).ok().map(|class| class >> 2);
                }
                ControlMessageOwned::Ipv4RecvErr(error, offender)
                    if error.ee_origin == libc::SO_EE_ORIGIN_ICMP =>
                {
                    let from = offender.map(|a| IpAddr::from(u32::from_be(a.sin_addr.s_addr).to_be_bytes()));
                    this.error = from.map(|from| icmp_error(&error, from));
                    addressed = true;
                }
                ControlMessageOwned::Ipv6RecvErr(error, offender)
                    if error.ee_origin == libc::SO_EE_ORIGIN_ICMP6 =>
                {
                    let from = offender.map(|a| IpAddr::from(a.sin6_addr.s6_addr));
                    this.error = from.map(|from| icmp_error(&error, from));
                    addressed = true;
                }
                ControlMessageOwned::Ipv4RecvErr(error, _) | ControlMessageOwned::Ipv6RecvErr(error, _) => {
                    this.looped = error.ee_origin == ORIGIN_TIMESTAMPING;
                }
                _ => {}
            }
        }
        // A looped packet comes without an address; what stands in its place means nothing.
        if addressed {
            this.from = message.address.as_ref().and_then(ip_address);
        }
        this
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

fn ip_address(address: &SockaddrStorage) -> Option<IpAddr> {
    if let Some(v4) = address.as_sockaddr_in() {
        return Some(IpAddr::V4(v4.ip()));
    }
    address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip()))
}

/// `None` for a stamp of zero, which is how the kernel says that it took none.
fn unix_time(stamp: TimeSpec) -> Option<UnixTime> {
    let ns = stamp
        .tv_sec()
        .checked_mul(1_000_000_000)?
        .checked_add(stamp.tv_nsec())?;
    (ns != 0).then_some(UnixTime::from_ns(ns))
}
