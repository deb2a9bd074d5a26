//! The probes of a synthetic exchange, as the files that an operator would write.

use ippm::wire::time;
use serde_json::json;

use super::incident::{Incident, IncidentKind};

/// Probes at each site.
const AT_SITE: usize = 2;

/// The site of a probe.
pub(super) const fn site(probe: usize) -> usize {
    probe / AT_SITE
}

/// What a site is called.
pub(super) fn site_name(site: usize) -> String {
    format!("Hall {}", site + 1)
}

/// Name of the probe at a place; of one length, so that names ascend with their places.
pub(super) fn name(place: usize, probes: usize) -> String {
    let width = if probes <= 99 { 2 } else { 3 };
    format!("ix{:0width$}", place + 1)
}

/// The roster of this many probes, each with an address of both families.
pub(super) fn roster(probes: usize) -> String {
    let entry = |place: usize| {
        json!({
            "name": name(place, probes),
            "proto": 4,
            "address": format!("198.18.0.{}", place + 1),
            "address6": format!("2001:db8::{:x}", place + 1),
            "site": site_name(site(place)),
            "description": "synthetic",
        })
    };
    let entries: Vec<_> = (0..probes).map(entry).collect();
    format!("{:#}\n", json!({ "probes": entries }))
}

/// The schedule: everyone measures everyone, and the announced work.
pub(super) fn schedule(probes: usize, incidents: &[Incident]) -> String {
    let work = incidents.iter().filter_map(|incident| match incident.kind {
        IncidentKind::Maintenance { probe } => Some(json!({
            "id": "SYNTHETIC-1",
            "from": time::format(incident.from),
            "to": time::format(incident.to),
            "scope": { "probe": name(probe, probes) },
            "reason": "synthetic",
        })),
        _ => None,
    });
    let work: Vec<_> = work.collect();
    format!(
        "{:#}\n",
        json!({ "measure": true, "tests": [{ "name": "icmp" }], "maintenance": work })
    )
}
