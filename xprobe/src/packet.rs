//! ICMP and ICMPv6 echo packets as bytes: what we send, and what may come back.
//!
//! Pure functions over slices. Whatever comes from outside is hostile: no `parse_*` function
//! panics, allocates or reads past its argument, and each says `None` for what it cannot read.
//! Nothing here decides whether a packet is *ours*: it tells what is written in it.

pub mod mark;

use std::net::Ipv4Addr;

use ippm::Family;

use self::mark::Mark;

/// Bytes of an echo header: type, code, checksum, identifier, sequence number (RFC 792, RFC 4443 §4).
pub const ECHO_HEADER: usize = 8;
/// Smallest payload: our mark has to fit.
pub const MIN_PAYLOAD: usize = Mark::BYTES;
/// Largest payload: an IPv4 datagram of 65,535 bytes less 20 of header and 8 of echo header.
pub const MAX_PAYLOAD: usize = 65_507;
/// Smallest IPv4 header.
const MIN_IPV4_HEADER: usize = 20;
/// Protocol number of ICMP (IPv4).
const PROTOCOL_ICMP: u8 = 1;

/// An echo request or reply as it stands in a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Echo {
    /// Identifier: of a datagram socket the kernel's choice, of a raw one ours.
    pub identifier: u16,
    /// Sequence number on the wire.
    pub sequence: u16,
    /// Our mark, if the payload is long enough to hold one. It need not be genuine.
    pub mark: Option<Mark>,
}

/// The parts of an IPv4 header that a receiver of raw packets needs (RFC 791 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv4Header {
    /// Bytes of the header, options included.
    pub length: usize,
    /// Remaining time to live.
    pub ttl: u8,
    /// Protocol of the payload.
    pub protocol: u8,
    /// Sender.
    pub source: Ipv4Addr,
    /// Receiver.
    pub destination: Ipv4Addr,
}

/// Writes an echo request with `payload` bytes after its header into `packet`, replacing what was there.
///
/// The IPv4 checksum is filled in; that of ICMPv6 covers addresses that only the kernel knows, and
/// the kernel writes it. A payload outside [`MIN_PAYLOAD`]..=[`MAX_PAYLOAD`] is brought inside.
/// The payload is the mark followed by bytes that count up, so that a path which corrupts or
/// compresses packets does not see a run of zeros.
pub fn write_request(
    packet: &mut Vec<u8>,
    family: Family,
    identifier: u16,
    sequence: u16,
    mark: Mark,
    payload: usize,
) {
    let payload = payload.clamp(MIN_PAYLOAD, MAX_PAYLOAD);
    packet.clear();
    packet.extend_from_slice(&[request_type(family), 0, 0, 0]);
    packet.extend_from_slice(&identifier.to_be_bytes());
    packet.extend_from_slice(&sequence.to_be_bytes());
    packet.extend_from_slice(&mark.to_bytes());
    let mut rest = payload - Mark::BYTES;
    while rest > 0 {
        let part = &PATTERN[..rest.min(PATTERN.len())];
        packet.extend_from_slice(part);
        rest -= part.len();
    }
    if family == Family::V4 {
        let sum = checksum(packet).to_be_bytes();
        packet[2..4].copy_from_slice(&sum);
    }
}

/// What follows the mark.
const PATTERN: [u8; 256] = {
    let mut bytes = [0; 256];
    let mut value = u8::MAX;
    loop {
        bytes[value as usize] = value;
        if value == 0 {
            break bytes;
        }
        value -= 1;
    }
};

/// Reads an echo reply that begins with its ICMP header, as datagram sockets and raw IPv6 sockets give it.
///
/// `None` for another type, a code that is not 0, or fewer than eight bytes.
#[must_use]
pub fn parse_reply(family: Family, bytes: &[u8]) -> Option<Echo> {
    parse_echo(reply_type(family), bytes)
}

/// Reads an echo reply out of a whole IPv4 packet, as a raw socket gives it, and checks its checksum.
///
/// The kernel hands raw sockets replies with a bad checksum too; they are `None` here.
#[must_use]
pub fn parse_raw_reply(bytes: &[u8]) -> Option<(Ipv4Header, Echo)> {
    let header = parse_ipv4_header(bytes)?;
    if header.protocol != PROTOCOL_ICMP {
        return None;
    }
    let message = bytes.get(header.length..)?;
    if checksum(message) != 0 {
        return None;
    }
    Some((header, parse_echo(reply_type(Family::V4), message)?))
}

/// Reads our request out of the quotation that the error queue returns with an ICMP error.
///
/// It begins with the echo header. A router may quote eight bytes and no more (RFC 792), so the
/// mark is often absent, and then (destination, sequence) is all there is to match by.
#[must_use]
pub fn parse_quote(family: Family, bytes: &[u8]) -> Option<Echo> {
    parse_echo(request_type(family), bytes)
}

/// Reads an IPv4 header; `None` if it is not one or is longer than `bytes`.
#[must_use]
pub fn parse_ipv4_header(bytes: &[u8]) -> Option<Ipv4Header> {
    let fixed: &[u8; MIN_IPV4_HEADER] = bytes.first_chunk()?;
    let length = usize::from(fixed[0] & 0x0f) * 4;
    if fixed[0] >> 4 != 4 || length < MIN_IPV4_HEADER || length > bytes.len() {
        return None;
    }
    Some(Ipv4Header {
        length,
        ttl: fixed[8],
        protocol: fixed[9],
        source: Ipv4Addr::new(fixed[12], fixed[13], fixed[14], fixed[15]),
        destination: Ipv4Addr::new(fixed[16], fixed[17], fixed[18], fixed[19]),
    })
}

/// The Internet checksum of `bytes` (RFC 1071); over a message that carries its own, 0 means intact.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u16 {
    // 65,535 bytes add up to less than 2^31: the carries can wait until the end.
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut sum: u64 = pairs
        .iter()
        .map(|&pair| u64::from(u16::from_be_bytes(pair)))
        .sum();
    if let [last] = rest {
        sum += u64::from(u16::from_be_bytes([*last, 0]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the loop above leaves sixteen bits"
    )]
    let folded = sum as u16;
    !folded
}

fn parse_echo(kind: u8, bytes: &[u8]) -> Option<Echo> {
    let (header, payload) = bytes.split_first_chunk::<ECHO_HEADER>()?;
    if header[0] != kind || header[1] != 0 {
        return None;
    }
    Some(Echo {
        identifier: u16::from_be_bytes([header[4], header[5]]),
        sequence: u16::from_be_bytes([header[6], header[7]]),
        mark: Mark::from_payload(payload),
    })
}

const fn request_type(family: Family) -> u8 {
    match family {
        Family::V4 => 8,
        Family::V6 => 128,
    }
}

const fn reply_type(family: Family) -> u8 {
    match family {
        Family::V4 => 0,
        Family::V6 => 129,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: Mark = Mark {
        key: 0x0123_4567_89ab_cdef,
        result: 7,
        sequence: 70_000,
    };

    fn request(family: Family, payload: usize) -> Vec<u8> {
        let mut packet = vec![0xff; 3];
        write_request(&mut packet, family, 0xbeef, 4464, MARK, payload);
        packet
    }

    #[test]
    fn a_request_has_the_length_asked_for_and_never_less_than_the_mark() {
        for (payload, length) in [(56, 64), (16, 24), (0, 24), (1472, 1480), (70_000, 65_515)] {
            assert_eq!(request(Family::V4, payload).len(), length, "{payload}");
        }
    }

    #[test]
    fn the_checksum_of_a_request_holds_on_ipv4_and_is_left_to_the_kernel_on_ipv6() {
        for payload in [16, 17, 56, 1473] {
            assert_eq!(checksum(&request(Family::V4, payload)), 0, "{payload}");
        }
        assert_eq!(request(Family::V6, 56)[2..4], [0, 0]);
    }

    #[test]
    fn the_checksum_is_that_of_rfc_1071_section_3() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(checksum(&bytes), !0xddf2);
        assert_eq!(checksum(&[]), 0xffff);
        assert_eq!(checksum(&[0xff]), 0x00ff);
    }

    #[test]
    fn a_request_that_comes_back_as_a_reply_is_read_as_it_was_written() {
        for (family, reply) in [(Family::V4, 0), (Family::V6, 129)] {
            let mut packet = request(family, 56);
            assert_eq!(parse_reply(family, &packet), None, "a request is no reply");
            packet[0] = reply;
            let expected = Echo {
                identifier: 0xbeef,
                sequence: 4464,
                mark: Some(MARK),
            };
            assert_eq!(parse_reply(family, &packet), Some(expected));
            packet[1] = 1;
            assert_eq!(parse_reply(family, &packet), None, "an echo reply has code 0");
        }
    }

    #[test]
    fn a_reply_shorter_than_the_mark_has_none_and_one_shorter_than_the_header_is_not_read() {
        let mut packet = request(Family::V4, 56);
        packet[0] = 0;
        assert_eq!(parse_reply(Family::V4, &packet[..23]).unwrap().mark, None);
        assert_eq!(parse_reply(Family::V4, &packet[..8]).unwrap().sequence, 4464);
        for length in 0..8 {
            assert_eq!(parse_reply(Family::V4, &packet[..length]), None, "{length}");
        }
    }

    #[test]
    fn a_quotation_of_eight_bytes_still_tells_identifier_and_sequence() {
        let packet = request(Family::V6, 56);
        let quote = parse_quote(Family::V6, &packet[..8]).unwrap();
        assert_eq!(
            (quote.identifier, quote.sequence, quote.mark),
            (0xbeef, 4464, None)
        );
        assert_eq!(parse_quote(Family::V6, &packet).unwrap().mark, Some(MARK));
    }

    #[test]
    fn a_raw_reply_is_read_behind_ip_options_and_refused_when_a_bit_flipped() {
        let mut message = request(Family::V4, 56);
        message[0] = 0;
        message[2..4].copy_from_slice(&[0, 0]);
        let sum = checksum(&message).to_be_bytes();
        message[2..4].copy_from_slice(&sum);
        let mut packet = vec![
            0x46, 0, 0, 88, 0, 0, 0, 0, 61, 1, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 1, 1, 1, 0,
        ];
        packet.extend_from_slice(&message);
        let (header, echo) = parse_raw_reply(&packet).unwrap();
        assert_eq!((header.length, header.ttl), (24, 61));
        assert_eq!(header.source, Ipv4Addr::new(192, 0, 2, 1));
        assert_eq!(echo.mark, Some(MARK));
        *packet.last_mut().unwrap() ^= 0x10;
        assert_eq!(parse_raw_reply(&packet), None);
    }

    #[test]
    fn what_is_no_ipv4_header_is_not_read_as_one() {
        let mut header = [0u8; 24];
        header[0] = 0x45;
        assert!(parse_ipv4_header(&header).is_some());
        for first in [0x65, 0x44, 0x40, 0x47] {
            header[0] = first;
            assert_eq!(parse_ipv4_header(&header), None, "{first:#x}");
        }
        header[0] = 0x45;
        assert_eq!(parse_ipv4_header(&header[..19]), None);
    }
}
