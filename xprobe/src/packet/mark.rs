//! The mark in the payload, by which a packet is known as ours.

/// What the first sixteen bytes of a payload say: whose packet it is, and which.
///
/// The identifier of an echo packet is no proof of origin (the kernel chooses it, other programs
/// share the range, a stranger can guess it), and its sequence number has only sixteen bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Random number of this round. Whoever did not see a packet cannot forge a reply to it.
    pub key: u64,
    /// Index of the result in the round.
    pub result: u32,
    /// Index of the packet in its result, from 0.
    pub sequence: u32,
}

impl Mark {
    /// Length in a payload.
    pub const BYTES: usize = 16;

    /// The mark as it stands in a payload: key, result, sequence, big-endian.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.key.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.result.to_be_bytes());
        bytes[12..].copy_from_slice(&self.sequence.to_be_bytes());
        bytes
    }

    /// Reads the mark at the beginning of `payload`; `None` if that is too short.
    #[must_use]
    pub fn from_payload(payload: &[u8]) -> Option<Self> {
        let (key, rest) = payload.split_first_chunk()?;
        let (result, rest) = rest.split_first_chunk()?;
        let (sequence, _) = rest.split_first_chunk()?;
        Some(Self {
            key: u64::from_be_bytes(*key),
            result: u32::from_be_bytes(*result),
            sequence: u32::from_be_bytes(*sequence),
        })
    }
}

/// Finds the mark with `key` in one of our own packets that the error queue looped back with its
/// transmit stamp.
///
/// The packet begins with whatever link-layer header the device uses (none on a TUN device,
/// 14 bytes on Ethernet, 18 with a VLAN tag, others on tunnels), followed by an IP header of either
/// family. Looking for the key itself needs to know none of them: within [`SEARCHED`] bytes a false
/// match has a chance of 2^-57, and this packet does not come from outside.
#[must_use]
pub fn parse_looped(bytes: &[u8], key: u64) -> Option<Mark> {
    let bytes = &bytes[..bytes.len().min(SEARCHED)];
    let at = bytes.windows(8).position(|window| window == key.to_be_bytes())?;
    Mark::from_payload(&bytes[at..])
}

/// [`parse_looped`] for one packet after another: `at` is where the mark of the last one lay, which is
/// where the next one has it too, unless it left through another device.
#[must_use]
pub fn find_looped(bytes: &[u8], key: u64, at: &mut usize) -> Option<Mark> {
    let there = bytes.get(*at..).and_then(Mark::from_payload);
    if let Some(mark) = there.filter(|mark| mark.key == key) {
        return Some(mark);
    }
    let mark = parse_looped(bytes, key)?;
    *at = bytes.windows(8).position(|window| window == key.to_be_bytes())?;
    Some(mark)
}

/// How deep the mark can lie: 32 bytes of link layer, 60 of IPv4 header or 40 of IPv6 header with
/// room for an extension header, 8 of echo header, and the mark.
pub const SEARCHED: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: Mark = Mark {
        key: 0xfeed_0000_0000_beef,
        result: 2047,
        sequence: u32::MAX,
    };

    #[test]
    fn the_mark_is_found_behind_every_link_layer_header() {
        for before in [28, 42, 46, 48, 62, 66, 100, 112] {
            let mut packet = vec![0xfe; before];
            packet.extend_from_slice(&MARK.to_bytes());
            assert_eq!(parse_looped(&packet, MARK.key), Some(MARK), "{before}");
            assert_eq!(parse_looped(&packet, MARK.key ^ 1), None, "{before}");
        }
    }

    #[test]
    fn the_place_of_the_last_mark_is_tried_first_and_left_when_another_device_differs() {
        let mut at = 0;
        for before in [42, 42, 28, 62] {
            let mut packet = vec![0xfe; before];
            packet.extend_from_slice(&MARK.to_bytes());
            assert_eq!(find_looped(&packet, MARK.key, &mut at), Some(MARK), "{before}");
            assert_eq!(at, before);
            assert_eq!(find_looped(&packet, MARK.key ^ 1, &mut at), None, "{before}");
            assert_eq!(at, before);
        }
        assert_eq!(find_looped(&[], MARK.key, &mut at), None);
    }

    #[test]
    fn a_mark_that_is_cut_off_or_lies_too_deep_is_not_found() {
        let mut packet = vec![0; 113];
        packet.extend_from_slice(&MARK.to_bytes());
        assert_eq!(parse_looped(&packet, MARK.key), None);
        assert_eq!(parse_looped(&MARK.to_bytes()[..15], MARK.key), None);
        assert_eq!(parse_looped(&[], MARK.key), None);
    }
}
