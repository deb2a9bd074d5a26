//! The roster: every probe of the exchange, and where it answers.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

use crate::{Family, ProbeName};

/// The list of `probes.json`, in its order.
///
/// Invariant: no two entries have the same name and family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    entries: Vec<Entry>,
}

/// One address of one probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The probe.
    pub name: ProbeName,
    /// The family of the address (`proto` in the file).
    pub family: Family,
    /// Where it answers.
    pub address: Address,
    /// The site at which it stands.
    pub site: Option<String>,
    /// Words for people.
    pub description: Option<String>,
    /// Whether the host still runs the original probe, which asks for no plan.
    pub legacy: bool,
}

impl Roster {
    /// Most entries of one roster.
    pub const MAX_ENTRIES: usize = 2048;

    /// A roster of `entries`.
    ///
    /// # Errors
    ///
    /// The index of each entry whose name and family an earlier entry already has.
    pub fn new(entries: Vec<Entry>) -> Result<Self, Vec<usize>> {
        let mut seen = std::collections::BTreeSet::new();
        let repeated: Vec<usize> = entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| !seen.insert((entry.name.as_str(), entry.family)))
            .map(|(index, _)| index)
            .collect();
        if repeated.is_empty() {
            Ok(Self { entries })
        } else {
            Err(repeated)
        }
    }

    /// The entries in the order of the file.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The names, each once, in the order of their first entry.
    pub fn names(&self) -> impl Iterator<Item = &ProbeName> {
        let mut seen = std::collections::BTreeSet::new();
        self.entries
            .iter()
            .map(|entry| &entry.name)
            .filter(move |name| seen.insert(*name))
    }

    /// Whether any entry has this name.
    #[must_use]
    pub fn contains(&self, name: &ProbeName) -> bool {
        self.entries.iter().any(|entry| entry.name == *name)
    }
}

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
