//! Packets from the network: replies, quotations in ICMP errors, looped packets.
//!
//! The first three bytes choose; the rest is the packet.

#![no_main]

use ippm::Family;
use libfuzzer_sys::fuzz_target;
use xprobe::packet::mark::{Mark, SEARCHED, parse_looped};
use xprobe::packet::{
    ECHO_HEADER, MIN_PAYLOAD, checksum, parse_ipv4_header, parse_quote, parse_raw_reply, parse_reply,
    write_request,
};

fuzz_target!(|bytes: &[u8]| {
    let Some((&[family, sequence, length], packet)) = bytes.split_first_chunk() else {
        return;
    };
    let family = if family % 2 == 0 { Family::V4 } else { Family::V6 };
    for echo in [parse_reply(family, packet), parse_quote(family, packet)]
        .into_iter()
        .flatten()
    {
        assert!(packet.len() >= ECHO_HEADER);
        // Only a payload that holds all of a mark has one.
        assert_eq!(echo.mark.is_some(), packet.len() >= ECHO_HEADER + Mark::BYTES);
    }
    // A reply and a request are never taken for each other.
    assert!(parse_reply(family, packet).is_none() || parse_quote(family, packet).is_none());
    if let Some(header) = parse_ipv4_header(packet) {
        assert!((20..=60).contains(&header.length) && header.length <= packet.len());
    }
    if let Some((header, echo)) = parse_raw_reply(packet) {
        assert_eq!(checksum(&packet[header.length..]), 0);
        assert_eq!(parse_reply(Family::V4, &packet[header.length..]), Some(echo));
    }
    if let Some(key) = packet.first_chunk()
        && let Some(mark) = parse_looped(packet, u64::from_be_bytes(*key))
    {
        assert_eq!(mark.key.to_be_bytes(), *key);
        assert!(
            packet[..packet.len().min(SEARCHED)]
                .windows(Mark::BYTES)
                .any(|w| w == mark.to_bytes())
        );
    }
    own_packet_is_read_back(family, u16::from(sequence), usize::from(length), packet);
});

fn own_packet_is_read_back(family: Family, sequence: u16, payload: usize, seed: &[u8]) {
    let Some(mark) = Mark::from_payload(seed) else {
        return;
    };
    let mut packet = Vec::new();
    write_request(&mut packet, family, 7, sequence, mark, payload);
    assert_eq!(packet.len(), ECHO_HEADER + payload.max(MIN_PAYLOAD));
    let quote = parse_quote(family, &packet).unwrap();
    assert_eq!(
        (quote.identifier, quote.sequence, quote.mark),
        (7, sequence, Some(mark))
    );
    assert_eq!(
        parse_quote(family, &packet[..ECHO_HEADER]).unwrap().sequence,
        sequence
    );
    if family == Family::V4 {
        assert_eq!(checksum(&packet), 0);
    }
}
