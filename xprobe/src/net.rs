//! ICMP sockets: packets out, replies, kernel stamps and ICMP errors in.
//!
//! One socket serves any number of destinations of its family. It never blocks and never reads a
//! clock: waiting and time belong to the driver.
//!
//! The traffic class travels with each packet in a control message, so that tests with different
//! DSCP share a socket. Whether routers may fragment is a property of the socket (the kernel has no
//! such control message for IPv4), so that a round opens at most two sockets per family.
//!
//! # Layout
//!
//! * `option`: the socket options, and why each is set
//! * [`binding`]: interface, VRF and source address
//! * [`buffer`]: how large the buffers have to be
//! * [`send`], `batch`: packets out, and messages in, many in one system call where the rate needs it
//! * `control`: what the kernel says beside a message
//! * [`drops`]: what the kernel threw away because we read too slowly
//! * [`neighbor`]: whose link-layer address the kernel could not find

mod batch;
pub mod binding;
pub mod buffer;
mod control;
pub mod drops;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod neighbor;
mod option;
pub mod send;

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use ippm::{Family, IcmpError, UnixTime};
use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, socket};

use self::batch::Batch;
use self::binding::Binding;
use self::buffer::Load;
use self::control::Message;
use self::send::{Outgoing, Sender};
use crate::packet::mark::{Mark, SEARCHED, find_looped};
use crate::packet::{Echo, parse_quote, parse_raw_reply, parse_reply};

/// How the socket came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// `SOCK_DGRAM`: no privilege needed where `net.ipv4.ping_group_range` allows it; the kernel
    /// chooses the identifier and hands us only what bears it.
    Datagram,
    /// `SOCK_RAW` (`CAP_NET_RAW`): sees every ICMP message of the host that its filter lets pass.
    Raw,
}

/// What a socket has to be.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Family of the targets.
    pub family: Family,
    /// Whether routers may not fragment its packets, and this host may not either.
    pub dont_fragment: bool,
    /// Key that all of its packets bear.
    pub key: u64,
    /// What it has to bear.
    pub load: Load,
    /// Where its packets leave.
    pub binding: Binding,
    /// Whether the kernel stamps packets in both directions: always, except to learn what that costs.
    pub stamps: bool,
}

impl Setup {
    /// A socket for a few packets of the usual size.
    #[must_use]
    pub fn new(family: Family, key: u64) -> Self {
        Self {
            family,
            dont_fragment: false,
            key,
            load: Load { pps: 1, payload: 56 },
            binding: Binding::default(),
            stamps: true,
        }
    }
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Neither kind of socket is allowed.
    #[error("cannot open an ICMP socket: grant CAP_NET_RAW or widen net.ipv4.ping_group_range")]
    Permission(#[source] io::Error),
    /// Anything else: the family is switched off, descriptors ran out.
    #[error("cannot set up an ICMP socket")]
    Setup(#[source] io::Error),
}

/// What there is to read from a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    /// Replies.
    pub replies: bool,
    /// Stamps and ICMP errors.
    pub error_queue: bool,
}

impl Readiness {
    /// Nothing.
    pub const NOTHING: Self = Self {
        replies: false,
        error_queue: false,
    };
}

impl From<PollFlags> for Readiness {
    /// `POLLERR` means that the error queue holds something, or that an error is pending; both are dealt
    /// with by reading it.
    fn from(events: PollFlags) -> Self {
        Self {
            replies: events.contains(PollFlags::POLLIN),
            error_queue: events.contains(PollFlags::POLLERR),
        }
    }
}

/// Something that a socket had to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// An echo reply. Whether it answers a packet of ours is not decided here.
    Reply {
        /// Its sender.
        from: IpAddr,
        /// Its mark, if it bears one.
        mark: Option<Mark>,
        /// TTL or hop limit that was left.
        hop_limit: Option<u8>,
        /// Code point that it bore (RFC 2474).
        dscp: Option<u8>,
        /// When the kernel received it.
        stamp: Option<UnixTime>,
    },
    /// One of our packets left.
    Transmitted {
        /// Which one.
        mark: Mark,
        /// When the kernel gave it to the device.
        stamp: UnixTime,
    },
    /// An ICMP error that quotes a packet of ours.
    Error {
        /// Where the packet was going.
        destination: IpAddr,
        /// Its sequence number on the wire.
        wire_sequence: u16,
        /// The error.
        error: IcmpError,
    },
}

/// An ICMP socket of one family.
#[derive(Debug)]
pub struct Socket {
    descriptor: OwnedFd,
    family: Family,
    mode: Mode,
    /// Identifier of our packets; the kernel replaces it on a datagram socket.
    identifier: u16,
    key: u64,
    /// Where the mark lay in the packet that was looped back last: it lies there in the next one too.
    mark_at: usize,
    batch: Batch,
    sender: Sender,
}

impl Socket {
    /// Opens a socket, a datagram socket if possible.
    ///
    /// # Errors
    ///
    /// [`OpenError::Permission`] if neither kind is allowed, [`OpenError::Setup`] for the rest.
    pub fn open(setup: &Setup) -> Result<Self, OpenError> {
        let Setup {
            family, key, load, ..
        } = *setup;
        let (descriptor, mode) = open_any(family)?;
        option::apply(&descriptor, mode, setup).map_err(|e| OpenError::Setup(e.into()))?;
        // The checksum of a raw IPv4 reply covers all of it. Everything else that we read lies at the
        // beginning: of a looped packet within the depth of the search, of a reply within its mark.
        let slot = match (family, mode) {
            (Family::V4, Mode::Raw) => LONGEST_IPV4_HEADER + crate::packet::ECHO_HEADER + load.payload,
            _ => SEARCHED,
        };
        let [.., high, low] = key.to_be_bytes();
        Ok(Self {
            descriptor,
            family,
            mode,
            identifier: u16::from_be_bytes([high, low]),
            key,
            mark_at: 0,
            batch: Batch::new(slot.max(SEARCHED)),
            sender: Sender::default(),
        })
    }

    /// Datagram or raw.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The identifier to write into packets.
    #[must_use]
    pub fn identifier(&self) -> u16 {
        self.identifier
    }

    /// Sends `packet`, which begins with its ICMP header.
    ///
    /// # Errors
    ///
    /// What the kernel says about *this* packet: it did not leave. Errors of earlier packets that
    /// surface here are passed over; the error queue tells them in full.
    pub fn send(&self, to: IpAddr, dscp: u8, packet: &[u8]) -> Result<(), Errno> {
        let packet = Outgoing { to, bytes: packet };
        send::send(self.descriptor.as_raw_fd(), self.family, dscp, &packet)
    }

    /// Sends up to [`send::MOST`] packets in one system call, and says how many of them left, from the
    /// first on. For rates at which a call for each packet is too dear.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send) about the first packet. A later one that is refused ends the count; it is the
    /// first of the next call.
    pub fn send_many(&mut self, dscp: u8, packets: &[Outgoing<'_>]) -> Result<usize, Errno> {
        let descriptor = self.descriptor.as_raw_fd();
        self.sender.send_many(descriptor, self.family, dscp, packets)
    }

    /// Reads what has arrived: replies from the socket, stamps and errors from its error queue.
    ///
    /// # Errors
    ///
    /// None that a packet could cause; what is left is a failure of the machine.
    pub fn drain(&mut self, ready: Readiness, tell: &mut impl FnMut(Event)) -> io::Result<()> {
        let (family, mode, identifier, key) = (self.family, self.mode, self.identifier, self.key);
        let descriptor = self.descriptor.as_raw_fd();
        let mark_at = &mut self.mark_at;
        // Stamps first, since that of a packet is queued before its reply.
        if ready.error_queue {
            self.batch
                .read_all(descriptor, MsgFlags::MSG_ERRQUEUE, |message| {
                    if let Some(event) = from_error_queue(family, mode, identifier, key, mark_at, message) {
                        tell(event);
                    }
                })?;
        }
        if ready.replies {
            self.batch.read_all(descriptor, MsgFlags::empty(), |message| {
                if let Some(event) = reply(family, mode, identifier, message) {
                    tell(event);
                }
            })?;
        }
        Ok(())
    }

    /// How many packets the kernel threw away because our receive buffer was full; `None` where the
    /// kernel does not tell.
    #[must_use]
    pub fn drops(&self) -> Option<u64> {
        drops::of(self.descriptor.as_fd(), self.family, self.mode)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// An IPv4 header with all the options that fit.
const LONGEST_IPV4_HEADER: usize = 60;

fn open_any(family: Family) -> Result<(OwnedFd, Mode), OpenError> {
    let (domain, protocol) = match family {
        Family::V4 => (AddressFamily::Inet, SockProtocol::Icmp),
        Family::V6 => (AddressFamily::Inet6, SockProtocol::IcmpV6),
    };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    match socket(domain, SockType::Datagram, flags, protocol) {
        Ok(descriptor) => return Ok((descriptor, Mode::Datagram)),
        Err(Errno::EACCES | Errno::EPERM) => {}
        Err(error) => return Err(OpenError::Setup(error.into())),
    }
    match socket(domain, SockType::Raw, flags, protocol) {
        Ok(descriptor) => Ok((descriptor, Mode::Raw)),
        Err(error @ (Errno::EACCES | Errno::EPERM)) => Err(OpenError::Permission(error.into())),
        Err(error) => Err(OpenError::Setup(error.into())),
    }
}

fn reply(family: Family, mode: Mode, identifier: u16, message: &Message<'_>) -> Option<Event> {
    let echo = match (family, mode) {
        (Family::V4, Mode::Raw) => parse_raw_reply(message.bytes)?.1,
        _ => parse_reply(family, message.bytes)?,
    };
    // A raw socket also sees the replies to other programs; they are not strays of ours.
    if mode == Mode::Raw && echo.identifier != identifier {
        return None;
    }
    let from = message.from?;
    Some(Event::Reply {
        from,
        mark: echo.mark,
        hop_limit: message.hop_limit,
        dscp: message.dscp,
        stamp: message.stamp,
    })
}

fn from_error_queue(
    family: Family,
    mode: Mode,
    identifier: u16,
    key: u64,
    mark_at: &mut usize,
    message: &Message<'_>,
) -> Option<Event> {
    if message.looped {
        let mark = find_looped(message.bytes, key, mark_at)?;
        return Some(Event::Transmitted {
            mark,
            stamp: message.stamp?,
        });
    }
    let error = message.error?;
    let Echo {
        sequence,
        identifier: quoted,
        ..
    } = parse_quote(family, message.bytes)?;
    if mode == Mode::Raw && quoted != identifier {
        return None;
    }
    Some(Event::Error {
        destination: message.from?,
        wire_sequence: sequence,
        error,
    })
}
