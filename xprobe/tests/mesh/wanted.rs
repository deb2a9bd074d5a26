//! The mesh of the test: its files, and what they mean, worked out by hand.

use serde_json::{Value, json};

/// Hosts of the exchange that everybody reaches, with their addresses. `rtr1` runs no probe.
pub(crate) const OPEN: &[(&str, &[&str])] = &[
    ("ams1", &["10.99.0.11", "fd99::11"]),
    ("lon1", &["10.99.0.12", "10.99.0.112", "fd99::12"]),
    ("fra1", &["10.99.0.13", "fd99::13"]),
    ("par1", &["10.99.0.14"]),
    ("vie1", &["10.99.0.15", "fd99::15"]),
    ("rtr1", &["10.99.0.16", "fd99::16"]),
];
/// The host behind address translation.
pub(crate) const TRANSLATED: &str = "nat1";
/// Everybody who measures.
pub(crate) const PROBES: [&str; 6] = ["ams1", "lon1", "fra1", "par1", "vie1", TRANSLATED];
/// The address at which `ams1`, and nobody else, reaches `lon1` over IPv4.
pub(crate) const OVERRIDE: &str = "10.99.0.112";

/// Source, and its targets in the test `icmp` over IPv4 and over IPv6.
///
/// `core` is ams1, lon1, fra1, vie1 and rtr1; `edge` is lon1, par1, vie1 and nat1. In `core` ams1 and fra1 exclude
/// each other, and so do lon1 and vie1, which `edge` keeps. par1 and nat1 have no IPv6.
pub(crate) const ICMP: &[(&str, &[&str], &[&str])] = &[
    ("ams1", &["lon1", "vie1", "rtr1"], &["lon1", "vie1", "rtr1"]),
    (
        "lon1",
        &["ams1", "fra1", "par1", "vie1", "rtr1"],
        &["ams1", "fra1", "vie1", "rtr1"],
    ),
    ("fra1", &["lon1", "vie1", "rtr1"], &["lon1", "vie1", "rtr1"]),
    ("par1", &["lon1", "vie1"], &[]),
    (
        "vie1",
        &["ams1", "lon1", "fra1", "par1", "rtr1"],
        &["ams1", "lon1", "fra1", "rtr1"],
    ),
    ("nat1", &["lon1", "par1", "vie1"], &[]),
];
/// The same of the test `slow`: one probe has two periods.
pub(crate) const SLOW: &[(&str, &[&str], &[&str])] = &[("lon1", &["ams1", "par1"], &["ams1"])];

pub(crate) fn roster() -> Value {
    json!({"probes": [
        {"name": "ams1", "proto": 4, "address": "10.99.0.11", "address6": "fd99::11", "groups": ["core"],
         "override": {"lon1": OVERRIDE}},
        {"name": "lon1", "proto": 4, "address": "10.99.0.12", "address6": "fd99::12", "groups": ["core", "edge"]},
        {"name": "fra1", "proto": 4, "address": "10.99.0.13", "address6": "fd99::13", "groups": ["core"]},
        {"name": "par1", "proto": 4, "address": "10.99.0.14", "groups": ["edge"]},
        {"name": "vie1", "proto": 4, "address": "10.99.0.15", "address6": "fd99::15", "groups": ["core", "edge"]},
        {"name": "rtr1", "proto": 4, "address": "10.99.0.16", "address6": "fd99::16", "groups": ["core"],
         "role": "target"},
        {"name": "nat1", "proto": 4, "address": "192.168.77.2", "groups": ["edge"], "role": "source"},
    ]})
}

pub(crate) fn schedule() -> Value {
    json!({"tests": [
        {"name": "icmp", "groups": ["core", "edge"],
         "exclude": {"core": {"ams1": ["fra1"], "vie1": ["lon1"]}}},
        {"name": "slow", "period": "300s", "pairs": [
            {"source": "lon1", "target": "ams1"}, {"source": "lon1", "target": "par1"}]},
    ]})
}

/// The plan's period is a minute; a round has a few packets within a fraction of a second.
pub(crate) const CONFIGURATION: &str = "[server]\ninstance = \"mesh\"\nworkers = 1\n\
     [store]\nbackend = \"embedded\"\ndata_dir = \"data\"\n\
     [access]\nkeys_file = \"keys.toml\"\nroster_file = \"probes.json\"\nschedule_file = \"schedule.json\"\n\
     [plan]\nperiod = \"60s\"\nspread = \"200ms\"\ncount = 2\n";
