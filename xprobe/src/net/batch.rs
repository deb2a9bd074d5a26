//! Many messages in one system call.

use std::io::{self, IoSliceMut};
use std::net::IpAddr;
use std::os::fd::RawFd;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{MsgFlags, MultiHeaders, RecvMsg, SockaddrStorage, Timestamps, recvmmsg};

use super::control::Message;

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
            tell(&told(&message));
        }
        Ok(read)
    }
}

/// One message as nix gives it.
fn told<'a>(message: &RecvMsg<'_, 'a, SockaddrStorage>) -> Message<'a> {
    Message::new(
        message.iovs().next().unwrap_or(&[]),
        message.flags.contains(MsgFlags::MSG_ERRQUEUE),
        message.address.as_ref().and_then(ip_address),
        // Control messages that were cut off are no control messages: the packet then has no stamp.
        message.cmsgs().into_iter().flatten(),
    )
}

fn ip_address(address: &SockaddrStorage) -> Option<IpAddr> {
    if let Some(v4) = address.as_sockaddr_in() {
        return Some(IpAddr::V4(v4.ip()));
    }
    address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip()))
}
