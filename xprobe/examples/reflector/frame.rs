//! Echo requests as they come out of a TUN device, and what can be sent back.

use std::net::{IpAddr, Ipv6Addr};

use xprobe::packet::checksum;

/// An echo request with the IP packet around it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The whole IP packet.
    packet: Vec<u8>,
    /// Where its ICMP message begins.
    at: usize,
    /// Who asked.
    pub(crate) source: IpAddr,
    /// Who was asked.
    pub(crate) destination: IpAddr,
}

/// Where the mark of a probe lies in its payload: key, result, sequence.
const KEY: std::ops::Range<usize> = 8..16;
const SEQUENCE: std::ops::Range<usize> = 20..24;

impl Request {
    /// Reads a packet; `None` if it is no echo request.
    pub(crate) fn read(packet: &[u8]) -> Option<Self> {
        let (at, source, destination, kind) = match packet.first()? >> 4 {
            4 if packet.get(9) == Some(&1) => {
                let address = |at: usize| Some(IpAddr::from(*packet.get(at..)?.first_chunk::<4>()?));
                (usize::from(packet[0] & 15) * 4, address(12)?, address(16)?, 8)
            }
            6 if packet.get(6) == Some(&58) => {
                let address = |at: usize| Some(IpAddr::from(*packet.get(at..)?.first_chunk::<16>()?));
                (40, address(8)?, address(24)?, 128)
            }
            _ => return None,
        };
        let message = packet.get(at..)?;
        (message.len() >= 8 && message[0] == kind && message[1] == 0).then(|| Self {
            packet: packet.to_vec(),
            at,
            source,
            destination,
        })
    }

    /// Identifier and sequence number on the wire.
    pub(crate) fn identity(&self) -> (u16, u16) {
        let message = &self.packet[self.at..];
        (
            u16::from_be_bytes([message[4], message[5]]),
            u16::from_be_bytes([message[6], message[7]]),
        )
    }

    /// Traffic class: DSCP and ECN.
    pub(crate) fn traffic_class(&self) -> u8 {
        match self.destination {
            IpAddr::V4(_) => self.packet[1],
            IpAddr::V6(_) => self.packet[0] << 4 | self.packet[1] >> 4,
        }
    }

    /// Whether routers may not fragment it; never said on IPv6, where none may.
    pub(crate) fn dont_fragment(&self) -> bool {
        self.destination.is_ipv4() && self.packet[6] & 0x40 != 0
    }

    /// Bytes behind the ICMP header.
    pub(crate) fn payload(&self) -> usize {
        self.packet.len() - self.at - 8
    }

    /// The reply, sent by `from`.
    pub(crate) fn reply(&self, from: IpAddr, hop_limit: u8) -> Vec<u8> {
        self.reply_of(&self.packet[self.at..], from, hop_limit)
    }

    /// A reply whose key is not ours.
    pub(crate) fn reply_with_wrong_key(&self, from: IpAddr, hop_limit: u8) -> Vec<u8> {
        let mut message = self.packet[self.at..].to_vec();
        message
            .get_mut(KEY)
            .into_iter()
            .flatten()
            .for_each(|byte| *byte ^= 0x55);
        self.reply_of(&message, from, hop_limit)
    }

    /// A reply to a packet that was never sent: its index lies beyond every round's.
    pub(crate) fn stray(&self, from: IpAddr, hop_limit: u8) -> Vec<u8> {
        let mut message = self.packet[self.at..].to_vec();
        message
            .get_mut(SEQUENCE)
            .into_iter()
            .flatten()
            .for_each(|byte| *byte |= 0xf0);
        self.reply_of(&message, from, hop_limit)
    }

    /// An ICMP error about the request, sent by `from`, that quotes its IP header and `quote` bytes more.
    pub(crate) fn error(&self, kind: u8, code: u8, word: u32, from: IpAddr, quote: Option<usize>) -> Vec<u8> {
        // RFC 1812 §4.3.2.3 and RFC 4443 §2.4: as much as fits into 576 and 1280 bytes.
        let most = if from.is_ipv4() { 548 } else { 1232 };
        let quoted = quote.map_or(self.packet.len(), |quote| self.at + quote).min(most);
        let mut message = vec![kind, code, 0, 0];
        message.extend_from_slice(&word.to_be_bytes());
        message.extend_from_slice(&self.packet[..quoted.min(self.packet.len())]);
        self.wrap(message, from, 64)
    }

    fn reply_of(&self, request: &[u8], from: IpAddr, hop_limit: u8) -> Vec<u8> {
        let mut message = request.to_vec();
        message[0] = if from.is_ipv4() { 0 } else { 129 };
        self.wrap(message, from, hop_limit)
    }

    /// Puts an ICMP message into an IP packet back to whoever asked.
    fn wrap(&self, mut message: Vec<u8>, from: IpAddr, hop_limit: u8) -> Vec<u8> {
        message[2..4].fill(0);
        let (mut packet, pseudo) = match (from, self.source) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                let length = length(20 + message.len());
                let mut header = vec![0x45, 0, length[0], length[1], 0, 0, 0, 0, hop_limit, 1, 0, 0];
                header.extend_from_slice(&from.octets());
                header.extend_from_slice(&to.octets());
                let sum = checksum(&header).to_be_bytes();
                header[10..12].copy_from_slice(&sum);
                (header, Vec::new())
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                let length = length(message.len());
                let mut header = vec![0x60, 0, 0, 0, length[0], length[1], 58, hop_limit];
                header.extend_from_slice(&from.octets());
                header.extend_from_slice(&to.octets());
                (header, pseudo_header(from, to, message.len()))
            }
            // A scenario that answers one family from an address of the other gets nothing.
            _ => return Vec::new(),
        };
        let mut summed = pseudo;
        summed.extend_from_slice(&message);
        let sum = checksum(&summed).to_be_bytes();
        message[2..4].copy_from_slice(&sum);
        packet.extend_from_slice(&message);
        packet
    }
}

/// What the checksum of ICMPv6 covers beside the message (RFC 8200 §8.1).
fn pseudo_header(from: Ipv6Addr, to: Ipv6Addr, bytes: usize) -> Vec<u8> {
    let mut header = [from.octets(), to.octets()].concat();
    header.extend_from_slice(&[0, 0]);
    header.extend_from_slice(&length(bytes));
    header.extend_from_slice(&[0, 0, 0, 58]);
    header
}

fn length(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes()
}
