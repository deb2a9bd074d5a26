//! What the reflector does with which packet.
//!
//! ```toml
//! # Everybody answers after a millisecond, if nothing below says otherwise.
//! answer = { delay = "1ms" }
//!
//! [[target]]                       # the first target whose prefix matches decides
//! prefix = "198.51.100.10/32"      # or an IPv6 prefix; without a length one address
//! answer = { delay = "20ms", hop_limit = 55 }
//!
//! [[target.packet]]                # the first rule that matches decides
//! sequences = [3, 7]               # sequence numbers on the wire, from 0
//! answer = { drop = true }
//!
//! [[target.packet]]
//! every = 10                       # those with sequence % every == offset
//! offset = 9
//! answer = { copies = 2 }
//! ```

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// What to do with which packet.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// For whatever no target says otherwise about.
    #[serde(default)]
    pub(crate) answer: Answer,
    /// Targets with rules of their own.
    #[serde(default, rename = "target")]
    pub(crate) targets: Vec<Target>,
}

/// The targets in one prefix.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    /// `address` or `address/length`.
    pub(crate) prefix: Prefix,
    /// What they do with a packet that no rule names.
    #[serde(default)]
    pub(crate) answer: Answer,
    /// Rules for single packets.
    #[serde(default, rename = "packet")]
    pub(crate) packets: Vec<Rule>,
}

/// What happens to the packets that it names.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// Sequence numbers.
    #[serde(default)]
    pub(crate) sequences: Vec<u16>,
    /// Every so many packets.
    pub(crate) every: Option<u16>,
    /// Which one of them.
    #[serde(default)]
    pub(crate) offset: u16,
    /// What happens.
    pub(crate) answer: Answer,
}

/// What happens to a packet. What is absent is taken from the level above.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    /// From reading the request to writing the reply; 0 if nobody says.
    #[serde(default, deserialize_with = "duration")]
    pub(crate) delay: Option<Duration>,
    /// No reply at all.
    pub(crate) drop: Option<bool>,
    /// Replies beyond the first, right behind it.
    pub(crate) copies: Option<u32>,
    /// The reply bears a key that is not that of the request.
    pub(crate) wrong_key: Option<bool>,
    /// The reply comes from this address.
    pub(crate) wrong_source: Option<IpAddr>,
    /// So many replies to packets that were never sent go with the reply.
    pub(crate) strays: Option<u32>,
    /// TTL or hop limit of the reply; 64 if nobody says.
    pub(crate) hop_limit: Option<u8>,
    /// An ICMP error is sent. The reply goes too, unless it is dropped.
    pub(crate) error: Option<ErrorMessage>,
}

/// An ICMP or ICMPv6 error message.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorMessage {
    /// Its type.
    #[serde(rename = "type")]
    pub(crate) kind: u8,
    /// Its code.
    pub(crate) code: u8,
    /// Who sends it; the target itself if absent.
    pub(crate) from: Option<IpAddr>,
    /// Bytes quoted behind the IP header; all if absent. RFC 792 asks for eight.
    pub(crate) quote: Option<usize>,
    /// The second word of the header: the MTU of "fragmentation needed" and "packet too big".
    #[serde(default)]
    pub(crate) word: u32,
}

impl Scenario {
    /// Reads a scenario.
    pub(crate) fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// What happens to packet `sequence` to `destination`.
    pub(crate) fn answer(&self, destination: IpAddr, sequence: u16) -> Answer {
        let Some(target) = self
            .targets
            .iter()
            .find(|target| target.prefix.contains(destination))
        else {
            return self.answer.clone();
        };
        let answer = target.answer.or(&self.answer);
        match target.packets.iter().find(|rule| rule.names(sequence)) {
            Some(rule) => rule.answer.or(&answer),
            None => answer,
        }
    }
}

impl Rule {
    fn names(&self, sequence: u16) -> bool {
        self.sequences.contains(&sequence)
            || self
                .every
                .is_some_and(|every| every > 0 && sequence % every == self.offset)
    }
}

impl Answer {
    fn or(&self, above: &Self) -> Self {
        Self {
            delay: self.delay.or(above.delay),
            drop: self.drop.or(above.drop),
            copies: self.copies.or(above.copies),
            wrong_key: self.wrong_key.or(above.wrong_key),
            wrong_source: self.wrong_source.or(above.wrong_source),
            strays: self.strays.or(above.strays),
            hop_limit: self.hop_limit.or(above.hop_limit),
            error: self.error.or(above.error),
        }
    }
}

/// A range of addresses.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Prefix {
    address: IpAddr,
    length: u32,
}

impl Prefix {
    fn contains(self, address: IpAddr) -> bool {
        let (a, b, bits) = match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits()), u128::from(b.to_bits()), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
            _ => return false,
        };
        (a ^ b).checked_shr(bits - self.length).unwrap_or(0) == 0
    }
}

impl TryFrom<String> for Prefix {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (address, length) = text
            .split_once('/')
            .map_or((text.as_str(), None), |(a, l)| (a, Some(l)));
        let address: IpAddr = address.parse().map_err(|_| format!("{text:?} is no prefix"))?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let length = match length.map(str::parse) {
            None => bits,
            Some(Ok(length)) if length <= bits => length,
            Some(_) => return Err(format!("{text:?} has no length of 0 to {bits}")),
        };
        Ok(Self { address, length })
    }
}

/// An integer and one of `ns`, `us`, `ms`, `s`.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let unit = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let scale = match &text[unit..] {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        _ => return Err(serde::de::Error::custom(format!("{text:?} is no duration"))),
    };
    let number: u64 = text[..unit].parse().map_err(serde::de::Error::custom)?;
    let ns = number
        .checked_mul(scale)
        .ok_or_else(|| serde::de::Error::custom("the duration is too long"))?;
    Ok(Some(Duration::from_nanos(ns)))
}
