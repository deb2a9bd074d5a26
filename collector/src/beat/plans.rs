//! The plan of every probe, into the ledger.

use std::collections::BTreeMap;
use std::ops::Range;

use ippm::ProbeName;
use ippm::plan::{self, Plan};

use super::CLOCKS_APART;
use crate::context::Context;
use crate::plan::Plans;
use crate::store::StoreError;
use crate::store::ledger::PlanVersion;
use crate::watch::Loaded;

/// Plans that are written together: each grows with the roster.
const AT_ONCE: usize = 32;

/// Records the plan of each probe whose latest record differs, and an empty one for each probe that
/// left the roster, so that nothing is expected of it any more. Answers how many were written.
///
/// # Errors
///
/// [`StoreError`]; what was written until then stays.
pub async fn record(context: &Context, loaded: &Loaded) -> Result<usize, StoreError> {
    let Some(plans) = &loaded.plans else { return Ok(0) };
    let horizon = context.clock.now().saturating_add(CLOCKS_APART);
    let known = context.store.plan_versions(None, horizon).await?;
    // The version stands for the record, which of a large mesh is long.
    let latest: BTreeMap<ProbeName, String> = known
        .into_iter()
        .map(|version| (version.probe, version.version))
        .collect();
    let changed = |(probe, record): (ProbeName, String)| {
        let version = plan::version_of(&record);
        (latest.get(&probe) != Some(&version)).then_some(PlanVersion {
            probe,
            time: loaded.plans_since,
            version,
            record,
        })
    };
    let mut written = 0;
    let probes = plans.roster().probes().len();
    for first in (0..probes).step_by(AT_ONCE) {
        let range = first..probes.min(first + AT_ONCE);
        let batch: Vec<PlanVersion> = records(plans, range)
            .await
            .into_iter()
            .filter_map(changed)
            .collect();
        if !batch.is_empty() {
            context.store.put_plan_versions(&batch).await?;
            written += batch.len();
        }
    }
    let nothing = Plan {
        period: context.config.plan.period,
        legacy: false,
        tests: Vec::new(),
    };
    let nothing = nothing.record();
    let gone = latest.keys().filter(|probe| !plans.roster().contains(probe));
    let gone: Vec<PlanVersion> = gone
        .map(|probe| (probe.clone(), nothing.clone()))
        .filter_map(changed)
        .collect();
    if !gone.is_empty() {
        context.store.put_plan_versions(&gone).await?;
    }
    Ok(written + gone.len())
}

/// The records of some probes; made where they hold up no request.
async fn records(plans: &Plans, range: Range<usize>) -> Vec<(ProbeName, String)> {
    let plans = plans.clone();
    let made = tokio::task::spawn_blocking(move || {
        range
            .filter_map(|index| {
                plans
                    .nth(index)
                    .map(|(probe, plan)| (probe.clone(), plan.record()))
            })
            .collect()
    });
    match made.await {
        Ok(records) => records,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}
