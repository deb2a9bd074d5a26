//! Doors to what a socket and the kernel tell, for the targets in `fuzz/`; compiled for nothing else.

use std::io;
use std::net::IpAddr;

use ippm::Family;
use nix::libc;
use nix::sys::socket::{ControlMessageOwned, Timestamps};
use nix::sys::time::TimeSpec;

use super::control::Message;
use super::{Event, Mode, from_error_queue, neighbor, reply};

/// The socket that a message is read from.
#[derive(Debug)]
pub struct Reader {
    /// Family of the socket.
    pub family: Family,
    /// Its mode.
    pub mode: Mode,
    /// Whether its error queue is read.
    pub is_queued: bool,
    /// Key of its packets.
    pub key: u64,
    /// Identifier of its packets.
    pub identifier: u16,
    /// Where the mark lay in the packet that was looped back last.
    pub mark_at: usize,
}

/// Bytes of one control message: its kind, and what it says.
pub const CONTROL: usize = 25;

/// What `reader` tells of a message with `bytes` that came with `address` and `controls`.
pub fn event(
    reader: &mut Reader,
    address: Option<IpAddr>,
    controls: &[[u8; CONTROL]],
    bytes: &[u8],
) -> Option<Event> {
    let controls = controls.iter().map(|&bytes| control(bytes));
    let message = Message::new(bytes, reader.is_queued, address, controls);
    let Reader {
        family,
        mode,
        key,
        identifier,
        ..
    } = *reader;
    if reader.is_queued {
        from_error_queue(family, mode, identifier, key, &mut reader.mark_at, &message)
    } else {
        reply(family, mode, identifier, &message)
    }
}

/// Reads a part of the kernel's answer about its neighbors: the unresolved ones, and whether it was the last part.
///
/// # Errors
///
/// What is cut or refused.
pub fn neighbors(part: &[u8]) -> io::Result<(Vec<IpAddr>, bool)> {
    let mut found = Vec::new();
    let is_last = neighbor::read(part, &mut found)?;
    Ok((found, is_last))
}

/// The control message that `bytes` stand for.
fn control([kind, value @ ..]: [u8; CONTROL]) -> ControlMessageOwned {
    let (words, (longs, _)) = (value.as_chunks::<4>().0, value.as_chunks::<8>());
    let int = i32::from_ne_bytes(words[0]);
    let long = |at: usize| i64::from_ne_bytes(longs[at]);
    let error = libc::sock_extended_err {
        ee_errno: 0,
        ee_origin: value[0],
        ee_type: value[1],
        ee_code: value[2],
        ee_pad: 0,
        ee_info: u32::from_ne_bytes(words[1]),
        ee_data: 0,
    };
    let has_offender = kind < 128;
    match kind % 8 {
        0 => ControlMessageOwned::Ipv4Ttl(int),
        1 => ControlMessageOwned::Ipv6HopLimit(int),
        2 => ControlMessageOwned::Ipv4Tos(value[0]),
        3 => ControlMessageOwned::Ipv6TClass(int),
        4 => ControlMessageOwned::ScmTimestampsns(Timestamps {
            system: TimeSpec::new(long(0), long(1)),
            hw_trans: TimeSpec::new(0, 0),
            hw_raw: TimeSpec::new(0, 0),
        }),
        5 => {
            let offender = libc::sockaddr_in {
                sin_family: 0,
                sin_port: 0,
                sin_addr: libc::in_addr {
                    s_addr: u32::from_ne_bytes(words[2]),
                },
                sin_zero: [0; 8],
            };
            ControlMessageOwned::Ipv4RecvErr(error, has_offender.then_some(offender))
        }
        6 => {
            let offender = libc::sockaddr_in6 {
                sin6_family: 0,
                sin6_port: 0,
                sin6_flowinfo: 0,
                sin6_addr: libc::in6_addr {
                    s6_addr: value.last_chunk().copied().unwrap_or_default(),
                },
                sin6_scope_id: 0,
            };
            ControlMessageOwned::Ipv6RecvErr(error, has_offender.then_some(offender))
        }
        // One that nobody asked for.
        _ => ControlMessageOwned::ScmTimestampns(TimeSpec::new(1, 1)),
    }
}
