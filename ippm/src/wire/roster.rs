//! `probes.json`: the roster as people write it, and as probes of the original read it.

use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

use crate::Family;
use crate::roster::{Entry, Roster, RosterFault};
use crate::wire::json::{self, JsonError, Repeated};

/// Largest roster file.
pub const MAX_BYTES: usize = 4 << 20;

/// Why a roster file is refused.
#[derive(Debug, Error)]
pub enum RosterError {
    /// Larger than [`MAX_BYTES`].
    #[error("has {found} bytes, more than {MAX_BYTES}")]
    TooLarge {
        /// Bytes of the file.
        found: usize,
    },
    /// Not JSON; the message names line and column.
    #[error("is not JSON")]
    Json(#[source] JsonError),
    /// Every fault of its contents.
    #[error("{}", faults(.0))]
    Faults(Vec<Fault>),
}

/// One fault of a roster, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where: `probes[3].proto`.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
}

fn faults(faults: &[Fault]) -> String {
    faults
        .iter()
        .map(|fault| format!("{}: {}", fault.path, fault.problem))
        .collect::<Vec<_>>()
        .join("; ")
}

/// Reads `probes.json`: `{"probes": [{"name", "proto", "address"}]}`, each entry with the optional
/// keys `site`, `description` and `legacy`. The file of the original IXPQoS is valid as it is.
///
/// # Errors
///
/// [`RosterError`]; contents are checked to the end, so that all faults are named at once.
pub fn parse(text: &[u8]) -> Result<Roster, RosterError> {
    if text.len() > MAX_BYTES {
        return Err(RosterError::TooLarge { found: text.len() });
    }
    let value = json::parse(text, Repeated::Refuse).map_err(RosterError::Json)?;
    let mut reader = Reader { faults: Vec::new() };
    let entries = reader.document(&value);
    if !reader.faults.is_empty() {
        return Err(RosterError::Faults(reader.faults));
    }
    Roster::new(entries).map_err(|found| {
        let fault = |fault: RosterFault| Fault {
            path: match &fault {
                RosterFault::Repeated { entry } => format!("probes[{entry}]"),
                _ => "probes".to_owned(),
            },
            problem: fault.to_string(),
        };
        RosterError::Faults(found.into_iter().map(fault).collect())
    })
}

struct Reader {
    faults: Vec<Fault>,
}

impl Reader {
    fn fault(&mut self, path: &str, problem: &(impl ToString + ?Sized)) {
        self.faults.push(Fault {
            path: path.to_owned(),
            problem: problem.to_string(),
        });
    }

    fn document(&mut self, value: &Value) -> Vec<Entry> {
        let Some(object) = value.as_object() else {
            self.fault("(top)", "expected an object with the key \"probes\"");
            return Vec::new();
        };
        for key in object.keys().filter(|key| *key != "probes") {
            self.fault(key, &"unknown key; known is probes");
        }
        let Some(list) = object.get("probes").and_then(Value::as_array) else {
            self.fault("probes", "expected a list");
            return Vec::new();
        };
        if list.len() > Roster::MAX_ENTRIES {
            self.fault(
                "probes",
                &format_args!("has {} entries, more than {}", list.len(), Roster::MAX_ENTRIES),
            );
            return Vec::new();
        }
        list.iter()
            .enumerate()
            .filter_map(|(index, item)| self.entry(&format!("probes[{index}]"), item))
            .collect()
    }

    fn entry(&mut self, path: &str, value: &Value) -> Option<Entry> {
        const KNOWN: [&str; 6] = ["name", "proto", "address", "site", "description", "legacy"];
        let Some(object) = value.as_object() else {
            self.fault(path, "expected an object");
            return None;
        };
        for key in object.keys().filter(|key| !KNOWN.contains(&key.as_str())) {
            self.fault(
                &format!("{path}.{key}"),
                &format_args!("unknown key; known are {}", KNOWN.join(", ")),
            );
        }
        let name = self.parsed(path, "name", value);
        let family = value
            .get("proto")
            .and_then(Value::as_u64)
            .and_then(Family::from_number);
        if family.is_none() {
            self.fault(&format!("{path}.proto"), "expected 4 or 6");
        }
        let address = self.parsed::<crate::roster::address::Address>(path, "address", value);
        if let (Some(family), Some(address)) = (family, &address)
            && !address.fits(family)
        {
            self.fault(
                &format!("{path}.address"),
                &format_args!("{address} is not an address of proto {family}"),
            );
        }
        let (site, description) = (
            self.text(path, "site", value),
            self.text(path, "description", value),
        );
        let legacy = match value.get("legacy") {
            None => false,
            Some(Value::Bool(legacy)) => *legacy,
            Some(_) => {
                self.fault(&format!("{path}.legacy"), "expected true or false");
                false
            }
        };
        Some(Entry {
            name: name?,
            family: family?,
            address: address?,
            site,
            description,
            legacy,
        })
    }

    fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
        &mut self,
        path: &str,
        key: &str,
        entry: &Value,
    ) -> Option<T> {
        let Some(text) = entry.get(key).and_then(Value::as_str) else {
            self.fault(&format!("{path}.{key}"), "expected a text");
            return None;
        };
        text.parse()
            .map_err(|error| self.fault(&format!("{path}.{key}"), &error))
            .ok()
    }

    fn text(&mut self, path: &str, key: &str, entry: &Value) -> Option<String> {
        const MAX: usize = 256;
        match entry.get(key) {
            None => None,
            Some(Value::String(text)) if text.len() <= MAX && !text.chars().any(char::is_control) => {
                Some(text.clone())
            }
            Some(_) => {
                self.fault(
                    &format!("{path}.{key}"),
                    &format_args!("expected a text of at most {MAX} bytes without control characters"),
                );
                None
            }
        }
    }
}

/// The answer of `GET /api/v1/conf/probes`; its keys are sorted as the original sorts them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProbeListV1 {
    /// The entries in the order of the file.
    pub probes: Vec<ProbeListEntryV1>,
}

/// One entry of the legacy list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProbeListEntryV1 {
    /// A literal or a host name.
    pub address: String,
    /// Words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether the host runs the original probe; left out if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub legacy: bool,
    /// The probe's name.
    pub name: String,
    /// 4 or 6.
    pub proto: u8,
    /// The site at which it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
}

impl ProbeListV1 {
    /// The list that a legacy probe gets: the IPv4 entries only, because its points carry no family
    /// and two of one name would mix; every entry with `all_families`.
    #[must_use]
    pub fn new(roster: &Roster, all_families: bool) -> Self {
        let entry = |entry: &Entry| ProbeListEntryV1 {
            address: entry.address.to_string(),
            description: entry.description.clone(),
            legacy: entry.legacy,
            name: entry.name.to_string(),
            proto: entry.family.number(),
            site: entry.site.clone(),
        };
        let chosen = roster
            .entries()
            .iter()
            .filter(|entry| all_families || entry.family == Family::V4);
        Self {
            probes: chosen.map(entry).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_a_roster_is_named_with_its_path() {
        let text = br#"{"probe":[],"probes":[{"name":"a/b","proto":5,"address":"192.0.2.300","sight":"x"},
            {"name":"p2","proto":6,"address":"192.0.2.1"},7]}"#;
        let RosterError::Faults(faults) = parse(text).unwrap_err() else {
            panic!("expected faults")
        };
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "probe",
                "probes[0].sight",
                "probes[0].name",
                "probes[0].proto",
                "probes[0].address",
                "probes[1].address",
                "probes[2]"
            ]
        );
    }

    #[test]
    fn the_file_of_the_original_is_valid_as_it_is() {
        let text = br#"{"probes":[{"name":"p2","proto":4,"address":"10.0.0.2"},{"name":"p2","proto":6,"address":"2001:db8::2"}]}"#;
        let roster = parse(text).unwrap();
        let list = serde_json::to_string(&ProbeListV1::new(&roster, false)).unwrap();
        assert_eq!(
            list,
            r#"{"probes":[{"address":"10.0.0.2","name":"p2","proto":4}]}"#
        );
        assert_eq!(ProbeListV1::new(&roster, true).probes.len(), 2);
        assert_eq!(roster.names().count(), 1);
    }

    #[test]
    fn a_name_may_not_be_listed_twice_with_one_family() {
        let text = br#"{"probes":[{"name":"p2","proto":4,"address":"10.0.0.2"},{"name":"p2","proto":4,"address":"10.0.0.3"}]}"#;
        assert_eq!(
            parse(text).unwrap_err().to_string(),
            "probes[1]: an earlier entry has the same name and proto"
        );
    }
}
