//! Whether the roster knows what announced work names.

use std::collections::BTreeSet;
use std::fmt;

use crate::class::maintenance::Scope;
use crate::roster::Roster;
use crate::schedule::Schedule;
use crate::wire::file::Fault;
use crate::wire::file::place::{Path, Places};
use crate::wire::file::shape::Found;

/// What announced work names and `roster` does not know. It may be a probe that has left: the announcement stays
/// as long as its results are shown, so this is worth a warning only. `text` is the file from which `schedule` was
/// read, for the lines.
#[must_use]
pub fn unknown(schedule: &Schedule, roster: &Roster, text: &[u8]) -> Vec<Fault> {
    let mut found = Found::default();
    let aliases = roster.aliases();
    let sites: BTreeSet<&str> = roster
        .probes()
        .iter()
        .filter_map(|probe| probe.details.site.as_deref())
        .collect();
    let tests: BTreeSet<&str> = schedule.tests.iter().map(|test| test.name.as_str()).collect();
    let list = Path::Key(&Path::Top, "maintenance");
    for (index, entry) in schedule.maintenance.iter().enumerate() {
        let path = Path::Item(&list, index);
        let path = Path::Key(&path, "scope");
        let mut warn = |key, name: &dyn fmt::Display| {
            found.add(Path::Key(&path, key), format_args!("{name} is not known today"));
        };
        let Scope {
            probe,
            source,
            target,
            site,
            test,
        } = &entry.scope;
        for (key, name) in [("probe", probe), ("source", source), ("target", target)] {
            if let Some(name) = name
                .as_ref()
                .filter(|name| !roster.contains(aliases.resolve(name)))
            {
                warn(key, name);
            }
        }
        if let Some(site) = site.as_ref().filter(|site| !sites.contains(site.as_str())) {
            warn("site", site);
        }
        if let Some(test) = test.as_ref().filter(|test| !tests.contains(test.as_str())) {
            warn("test", test);
        }
    }
    if found.is_empty() {
        Vec::new()
    } else {
        Places::of(text).faults(found)
    }
}
