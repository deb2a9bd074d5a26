//! Announced work in `schedule.json`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::parsed;
use crate::UnixTime;
use crate::class::maintenance::Scope;
use crate::schedule::maintenance::MaintenanceSpec;
use crate::wire;
use crate::wire::file::place::Path;
use crate::wire::file::shape::Found;

/// The key `maintenance` of a file whose shape was checked.
pub(super) fn read(value: &Value, found: &mut Found) -> Vec<MaintenanceSpec> {
    let list = Path::Key(&Path::Top, "maintenance");
    let items = value
        .get("maintenance")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let mut ids = BTreeSet::new();
    let mut entries = Vec::new();
    for (index, item) in items.enumerate() {
        let path = Path::Item(&list, index);
        let Some(entry) = entry(item) else { continue };
        if entry.to <= entry.from {
            found.add(Path::Key(&path, "to"), "the work ends when it begins or before");
        }
        if !ids.insert(entry.id.clone()) {
            found.add(
                Path::Key(&path, "id"),
                format_args!("an earlier entry is called {} too", entry.id),
            );
        }
        entries.push(entry);
    }
    entries
}

fn entry(item: &Value) -> Option<MaintenanceSpec> {
    let scope = item.get("scope")?;
    Some(MaintenanceSpec {
        id: parsed(item, "id")?,
        from: time(item, "from")?,
        to: time(item, "to")?,
        scope: Scope {
            probe: parsed(scope, "probe"),
            source: parsed(scope, "source"),
            target: parsed(scope, "target"),
            site: parsed(scope, "site"),
            test: parsed(scope, "test"),
        },
        reason: parsed(item, "reason").unwrap_or_default(),
    })
}

fn time(item: &Value, key: &str) -> Option<UnixTime> {
    wire::time::parse(item.get(key)?.as_str()?).ok()
}
