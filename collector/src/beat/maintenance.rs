//! Announced work, into the ledger: an entry, each change of it, and that it was taken back.

use std::collections::BTreeMap;

use ippm::class::maintenance::Maintenance;
use ippm::schedule::maintenance::MaintenanceSpec;

use super::CLOCKS_APART;
use crate::context::Context;
use crate::store::StoreError;
use crate::store::ledger::MaintenanceVersion;
use crate::watch::Loaded;

/// Records each announcement of the schedule whose latest version differs, and the end of each that is no longer
/// there. Answers how many were written.
///
/// # Errors
///
/// [`StoreError`]; what was written until then stays.
pub async fn record(context: &Context, loaded: &Loaded) -> Result<usize, StoreError> {
    let Some(schedule) = loaded.schedule() else {
        return Ok(0);
    };
    let horizon = context.clock.now().saturating_add(CLOCKS_APART);
    let known = context.store.maintenance_versions(horizon).await?;
    let mut latest: BTreeMap<String, MaintenanceVersion> = BTreeMap::new();
    for version in known {
        let is_older = latest
            .get(&version.entry.id)
            .is_some_and(|known| version.entry.loaded < known.entry.loaded);
        if !is_older {
            latest.insert(version.entry.id.clone(), version);
        }
    }
    let mut changes = Vec::new();
    for spec in &schedule.maintenance {
        let known = latest.remove(spec.id.as_str());
        if !known.is_some_and(|known| says(&known, spec)) {
            changes.push(version(spec, loaded));
        }
    }
    // What is left is no longer announced.
    let gone = latest.into_values().filter(|version| !version.entry.is_deleted);
    changes.extend(gone.map(|version| MaintenanceVersion {
        entry: Maintenance {
            loaded: loaded.plans_since,
            is_deleted: true,
            ..version.entry
        },
        ..version
    }));
    if !changes.is_empty() {
        context.store.put_maintenance(&changes).await?;
    }
    Ok(changes.len())
}

fn says(known: &MaintenanceVersion, spec: &MaintenanceSpec) -> bool {
    let entry = &known.entry;
    !entry.is_deleted
        && (entry.from, entry.to) == (spec.from, spec.to)
        && entry.scope == spec.scope
        && known.reason == spec.reason
}

fn version(spec: &MaintenanceSpec, loaded: &Loaded) -> MaintenanceVersion {
    MaintenanceVersion {
        entry: Maintenance {
            id: spec.id.as_str().to_owned(),
            loaded: loaded.plans_since,
            from: spec.from,
            to: spec.to,
            scope: spec.scope.clone(),
            is_deleted: false,
        },
        reason: spec.reason.clone(),
    }
}
