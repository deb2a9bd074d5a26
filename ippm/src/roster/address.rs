//! Where a probe answers.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

use crate::Family;

/// A literal address or a host name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// A literal.
    Literal(IpAddr),
    /// A host name (RFC 1123 §2.1); the probe resolves it in each round.
    Host(String),
}

/// Why a text is neither a literal address nor a host name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{found:?} is neither an address nor a host name of 1 to {} characters",
    Address::MAX_HOST_BYTES
)]
pub struct AddressError {
    found: String,
}

impl Address {
    /// Longest host name (RFC 1123 §2.1 with RFC 1035 §2.3.4).
    pub const MAX_HOST_BYTES: usize = 253;

    /// Whether the address can be used with `family`; a host name can with both.
    #[must_use]
    pub fn fits(&self, family: Family) -> bool {
        match self {
            Self::Literal(address) => Family::of(*address) == family,
            Self::Host(_) => true,
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Literal(address));
        }
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        let host = text.strip_suffix('.').unwrap_or(text);
        // A last label of digits alone would be a mistyped address (RFC 3696 §2).
        let numeric_end = host
            .rsplit('.')
            .next()
            .is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
        if host.len() <= Self::MAX_HOST_BYTES && host.split('.').all(label) && !numeric_end {
            Ok(Self::Host(text.to_owned()))
        } else {
            Err(AddressError {
                found: text.chars().take(Self::MAX_HOST_BYTES).collect(),
            })
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(address) => write!(f, "{address}"),
            Self::Host(host) => f.write_str(host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_address_is_not_taken_for_a_host_name() {
        for text in [
            "192.0.2.256",
            "192.0.2",
            "",
            "a..b",
            "-a.example",
            "a b",
            "a/b",
            "2001:db8::g",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text:?}");
        }
        for text in ["lon1", "lon1.example.", "xn--mnchen-3ya.example", "_x.example"] {
            assert_eq!(text.parse::<Address>(), Ok(Address::Host(text.to_owned())));
        }
        assert!(matches!(
            "2001:db8::1".parse(),
            Ok(Address::Literal(IpAddr::V6(_)))
        ));
    }
}
