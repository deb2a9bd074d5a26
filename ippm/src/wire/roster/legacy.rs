//! The list as probes of the original read it.

use serde::Serialize;

use crate::Family;
use crate::roster::probe::Probe;
use crate::roster::{Entry, Roster};

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
    /// and two of one name would mix; those of both with `all_families`.
    ///
    /// Who is not to be measured, because it is disabled or behind address translation, is not listed: a probe of
    /// the original measures everyone on its list. Keys that it cannot heed are left out.
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
            .filter(|entry| all_families || entry.family == Family::V4)
            .filter(|entry| roster.probe(&entry.name).is_some_and(Probe::is_target));
        Self {
            probes: chosen.map(entry).collect(),
        }
    }
}
