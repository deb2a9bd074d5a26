//! Packets out: one, or many in one system call.

use std::io::IoSlice;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::RawFd;

use ippm::Family;
use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg, sendmsg};

/// Most packets in one system call. More of them gain nothing measurable.
pub const MOST: usize = 32;

/// How often a send that fails with an error is tried before the error is believed.
///
/// With an error queue the kernel also hands the errors of *earlier* packets to whichever call comes
/// next on the socket. Such a send did not happen, and its error is gone once reported. A burst of
/// errors may hit a few tries, the more so if this process has to wait for a processor between two;
/// eight in a row within microseconds are the packet's own.
const SEND_TRIES: u32 = 8;

/// A packet on its way out.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// Where it goes.
    pub to: IpAddr,
    /// Its bytes, the ICMP header first.
    pub bytes: &'a [u8],
}

/// Memory for sending many packets at once, made when it is needed for the first time: a round at an
/// ordinary pace sends each packet alone, at its own time.
#[derive(Debug, Default)]
pub(super) struct Sender {
    plain: Option<MultiHeaders<SockaddrStorage>>,
    marked: Option<MultiHeaders<SockaddrStorage>>,
}

impl Sender {
    /// Sends packets that share a traffic class; how many of them left, from the first on.
    pub(super) fn send_many(
        &mut self,
        descriptor: RawFd,
        family: Family,
        dscp: u8,
        packets: &[Outgoing<'_>],
    ) -> Result<usize, Errno> {
        if let [only] = packets {
            return send(descriptor, family, dscp, only).map(|()| 1);
        }
        let class = Class::of(dscp);
        let control = [class.message(family)];
        let (headers, control) = match dscp {
            0 => (&mut self.plain, &control[..0]),
            _ => (&mut self.marked, &control[..]),
        };
        let headers = headers.get_or_insert_with(|| {
            // Nothing but its own header is sent in a control message of length 0.
            let space = (dscp != 0).then(|| cmsg_space!(libc::c_int));
            MultiHeaders::preallocate(MOST, space)
        });
        let packets = &packets[..packets.len().min(MOST)];
        let Some(first) = packets.first() else {
            return Ok(0);
        };
        // Places behind the last packet are not looked at: there are as many slices as packets.
        let nth = |index: usize| packets.get(index).unwrap_or(first);
        let slices: [[IoSlice<'_>; 1]; MOST] = std::array::from_fn(|index| [IoSlice::new(nth(index).bytes)]);
        let addresses: [Option<SockaddrStorage>; MOST] =
            std::array::from_fn(|index| Some(address(nth(index).to)));
        tried(|| {
            let slices = slices[..packets.len()].iter();
            let flags = MsgFlags::MSG_DONTWAIT;
            sendmmsg(descriptor, headers, slices, addresses, control, flags).map(Iterator::count)
        })
    }
}

/// Sends one packet.
pub(super) fn send(descriptor: RawFd, family: Family, dscp: u8, packet: &Outgoing<'_>) -> Result<(), Errno> {
    let address = address(packet.to);
    let class = Class::of(dscp);
    let control = [class.message(family)];
    let control = if dscp == 0 { &control[..0] } else { &control[..] };
    let parts = [IoSlice::new(packet.bytes)];
    tried(|| {
        sendmsg(
            descriptor,
            &parts,
            control,
            MsgFlags::MSG_DONTWAIT,
            Some(&address),
        )
        .map(drop)
    })
}

/// Tries again as long as the error may be that of an earlier packet.
fn tried<T>(mut send: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    let mut result = send();
    for _ in 1..SEND_TRIES {
        match result {
            // No ICMP message turns into these: they can only be about this packet.
            Ok(_) | Err(Errno::EPERM | Errno::EAGAIN | Errno::ENOBUFS | Errno::EINVAL) => break,
            Err(_) => result = send(),
        }
    }
    result
}

/// A traffic class as both families write it.
struct Class {
    narrow: u8,
    wide: i32,
}

impl Class {
    /// The lower two bits are ECN (RFC 3168), which is not ours to set.
    fn of(dscp: u8) -> Self {
        let narrow = dscp << 2;
        let wide = i32::from(narrow);
        Self { narrow, wide }
    }

    fn message(&self, family: Family) -> ControlMessage<'_> {
        match family {
            Family::V4 => ControlMessage::Ipv4Tos(&self.narrow),
            Family::V6 => ControlMessage::Ipv6TClass(&self.wide),
        }
    }
}

fn address(to: IpAddr) -> SockaddrStorage {
    SockaddrStorage::from(SocketAddr::new(to, 0))
}
