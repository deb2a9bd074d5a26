//! What a socket tells of a packet: the packet together with the control messages beside it (stamps, hop limits,
//! traffic classes, ICMP errors), from the socket itself and from its error queue.
//!
//! The first byte chooses; a key, an address and the control messages follow; the rest is the packet.

#![no_main]

use std::net::IpAddr;

use ippm::Family;
use libfuzzer_sys::fuzz_target;
use xprobe::net::fuzzing::{CONTROL, Reader, event};
use xprobe::net::{Event, Mode};

/// Destination unreachable with "fragmentation needed" on IPv4, packet too big on IPv6.
const FRAGMENTATION_NEEDED: (u8, u8) = (3, 4);
const PACKET_TOO_BIG: u8 = 2;

fuzz_target!(|bytes: &[u8]| {
    let Some((&[choice, mark_at], rest)) = bytes.split_first_chunk() else {
        return;
    };
    let Some((key, rest)) = rest.split_first_chunk::<8>() else {
        return;
    };
    let Some((address, rest)) = rest.split_first_chunk::<16>() else {
        return;
    };
    let address = match choice >> 3 & 3 {
        0 => None,
        1 => Some(IpAddr::from(*address)),
        _ => address.first_chunk::<4>().copied().map(IpAddr::from),
    };
    let (chunks, _) = rest.as_chunks::<CONTROL>();
    let controls = &chunks[..chunks.len().min(usize::from(choice >> 5))];
    let packet = &rest[controls.len() * CONTROL..];
    let mut reader = Reader {
        family: if choice & 1 == 0 { Family::V4 } else { Family::V6 },
        mode: if choice & 2 == 0 {
            Mode::Datagram
        } else {
            Mode::Raw
        },
        is_queued: choice & 4 != 0,
        key: u64::from_be_bytes(*key),
        identifier: u16::from_be_bytes([key[6], key[7]]),
        mark_at: usize::from(mark_at),
    };
    match event(&mut reader, address, controls, packet) {
        None => {}
        Some(Event::Reply { from, dscp, .. }) => {
            assert!(!reader.is_queued, "a reply does not come from the error queue");
            assert_eq!(Some(from), address);
            // Six bits (RFC 2474).
            assert!(dscp.is_none_or(|dscp| dscp < 64));
        }
        Some(Event::Transmitted { mark, stamp }) => {
            assert!(reader.is_queued);
            assert_eq!(mark.key.to_be_bytes(), *key);
            assert!(packet.windows(16).any(|window| window == mark.to_bytes()));
            assert_ne!(stamp.as_ns(), 0, "no stamp is no time");
        }
        Some(Event::Error {
            destination,
            wire_sequence,
            error,
        }) => {
            assert!(reader.is_queued);
            assert_eq!(Some(destination), address);
            assert_eq!(packet[6..8], wire_sequence.to_be_bytes());
            match error.from {
                _ if error.mtu.is_none() => {}
                IpAddr::V4(_) => assert_eq!((error.kind, error.code), FRAGMENTATION_NEEDED),
                IpAddr::V6(_) => assert_eq!(error.kind, PACKET_TOO_BIG),
            }
            assert_ne!(error.mtu, Some(0));
        }
    }
});
