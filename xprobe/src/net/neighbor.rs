//! The kernel's table of neighbors (ARP, RFC 826; neighbor discovery, RFC 4861), asked for over netlink: both
//! families in one question, in the network namespace of this thread.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};

/// Message types (linux/rtnetlink.h, linux/netlink.h).
const GET_NEIGHBORS: u16 = 30;
const NEW_NEIGHBOR: u16 = 28;
const DONE: u16 = 3;
const ERROR: u16 = 2;
/// `NLM_F_REQUEST | NLM_F_DUMP`.
const DUMP: u16 = 0x301;
/// States of an entry (linux/neighbour.h): nobody has answered yet, or nobody did.
const INCOMPLETE: u16 = 0x01;
const FAILED: u16 = 0x20;
/// The attribute that holds the neighbor's address.
const DESTINATION: u16 = 1;

/// Length of a message's header, and of what every entry begins with after it.
const HEADER: usize = 16;
const ENTRY: usize = 12;
/// The kernel fills at most so much at once.
const BUFFER: usize = 32 << 10;
/// Most buffers that are read: 10 million entries.
const MAX_READS: usize = 16_384;

/// The addresses that the kernel could not resolve, or is still trying to.
///
/// # Errors
///
/// What the kernel says if it does not tell.
pub fn unresolved() -> io::Result<Vec<IpAddr>> {
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkRoute,
    )?;
    send(socket.as_raw_fd(), &question(), MsgFlags::empty())?;
    let mut found = Vec::new();
    let mut buffer = vec![0; BUFFER];
    for _ in 0..MAX_READS {
        // The answer lies ready whenever we look.
        let length = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT)?;
        if read(&buffer[..length], &mut found)? {
            return Ok(found);
        }
    }
    Err(io::ErrorKind::QuotaExceeded.into())
}

/// A header, and an entry of zeros: every family, every interface.
fn question() -> [u8; HEADER + ENTRY] {
    let mut question = [0; HEADER + ENTRY];
    let length = u32::try_from(question.len()).unwrap_or(0);
    question[..4].copy_from_slice(&length.to_ne_bytes());
    question[4..6].copy_from_slice(&GET_NEIGHBORS.to_ne_bytes());
    question[6..8].copy_from_slice(&DUMP.to_ne_bytes());
    question
}

/// Takes the unresolved addresses out of a part of the answer; whether it was the last.
pub(super) fn read(mut part: &[u8], found: &mut Vec<IpAddr>) -> io::Result<bool> {
    while let Some(length) = word(part, 0) {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let message = part.get(HEADER..length).ok_or(io::ErrorKind::InvalidData)?;
        match half(part, 4) {
            Some(DONE) => return Ok(true),
            Some(ERROR) => return Err(io::ErrorKind::InvalidData.into()),
            Some(NEW_NEIGHBOR) => found.extend(entry(message)),
            _ => {}
        }
        part = part.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

/// The address of an entry that is not resolved.
fn entry(message: &[u8]) -> Option<IpAddr> {
    let state = half(message, 8)?;
    if state & (INCOMPLETE | FAILED) == 0 {
        return None;
    }
    let mut attributes = message.get(ENTRY..)?;
    while let (Some(length), Some(kind)) = (half(attributes, 0), half(attributes, 2)) {
        let length = usize::from(length);
        let value = attributes.get(4..length)?;
        if kind == DESTINATION {
            return address(value);
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
    None
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes)
            .ok()
            .map(|bytes| Ipv4Addr::from(bytes).into()),
        16 => <[u8; 16]>::try_from(bytes)
            .ok()
            .map(|bytes| Ipv6Addr::from(bytes).into()),
        _ => None,
    }
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of the kernel.
    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(HEADER + body.len()).unwrap();
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    /// An entry in `state` with a link-layer address of six bytes before its own.
    fn neighbor(state: u16, address: &[u8]) -> Vec<u8> {
        let mut body = vec![0; 8];
        body.extend(state.to_ne_bytes());
        body.extend([0; 2]);
        for (kind, value) in [(2_u16, &[2_u8, 0, 0, 0, 0, 1][..]), (DESTINATION, address)] {
            body.extend(u16::try_from(4 + value.len()).unwrap().to_ne_bytes());
            body.extend(kind.to_ne_bytes());
            body.extend(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        message(NEW_NEIGHBOR, &body)
    }

    #[test]
    fn entries_that_nobody_answered_for_are_unresolved() {
        let six = Ipv6Addr::from([0x2001, 0x0db8, 0, 0, 0, 0, 0, 1]);
        let parts = [
            neighbor(INCOMPLETE, &[192, 0, 2, 1]),
            neighbor(FAILED, &six.octets()),
            // Reachable, stale and permanent ones are resolved.
            neighbor(0x02, &[192, 0, 2, 2]),
            neighbor(0x04, &[192, 0, 2, 3]),
            neighbor(0x80, &[192, 0, 2, 4]),
        ];
        let mut found = Vec::new();
        assert!(!read(&parts.concat(), &mut found).unwrap());
        assert!(read(&message(DONE, &[0; 4]), &mut found).unwrap());
        assert_eq!(found, [IpAddr::from([192, 0, 2, 1]), IpAddr::from(six)]);
    }

    #[test]
    fn an_answer_that_is_cut_or_refused_is_an_error_and_never_a_panic() {
        let whole = neighbor(FAILED, &[192, 0, 2, 1]);
        for cut in 4..whole.len() - 3 {
            let mut found = Vec::new();
            assert!(
                read(&whole[..cut], &mut found).is_err() && found.is_empty(),
                "{cut}"
            );
        }
        for length in [0_u32, 1, 15, u32::MAX] {
            let mut lying = whole.clone();
            lying[..4].copy_from_slice(&length.to_ne_bytes());
            assert!(read(&lying, &mut Vec::new()).is_err(), "{length}");
        }
        assert!(read(&message(ERROR, &[0; 20]), &mut Vec::new()).is_err());
    }

    #[test]
    fn this_kernel_answers() {
        unresolved().unwrap();
    }
}
