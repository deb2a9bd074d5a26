//! What the collector itself writes into the ledger: that it is there, and what it asks of whom.

use std::collections::BTreeMap;
use std::time::Duration;

use ippm::plan::{self, Plan};
use ippm::{ProbeName, UnixTime};

use crate::context::Context;
use crate::store::StoreError;
use crate::store::ledger::{CollectorRun, PlanVersion};
use crate::watch::Loaded;

/// How long a beat may take; it is never queued and never written twice.
const BEAT_TIME: Duration = Duration::from_secs(5);
/// How far in the future another collector may have recorded a plan.
const CLOCKS_APART: Duration = Duration::from_hours(1);

/// Plans that are written together: each grows with the roster.
const PLANS_AT_ONCE: usize = 32;

/// Beats every ten seconds and records plans, until the task is dropped.
pub async fn run(context: &Context) {
    let mut recorded: Option<String> = None;
    loop {
        beat(context).await;
        let loaded = context.watch.loaded();
        if loaded.roster.is_some() && recorded != loaded.roster_digest {
            match record_plans(context, &loaded).await {
                Ok(written) => {
                    if written > 0 {
                        log::info!("recorded new plans of {written} probes");
                    }
                    recorded.clone_from(&loaded.roster_digest);
                }
                Err(error) => log::warn!("plans not recorded, trying again with the next beat: {error}"),
            }
        }
        tokio::time::sleep(until_next(context.clock.now())).await;
    }
}

/// Writes one beat, labeled with the multiple of ten seconds that has begun.
async fn beat(context: &Context) {
    let time = context.clock.now().floor(CollectorRun::INTERVAL);
    let run = CollectorRun {
        instance: context.instance.clone(),
        time,
    };
    let lost = match tokio::time::timeout(BEAT_TIME, context.store.put_collector_run(&run)).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("the store took more than {} s", BEAT_TIME.as_secs()),
    };
    context.metrics.beats_lost.add(1);
    log::warn!("beat not written: {lost}");
}

/// Records the plan of each probe whose latest record differs, and an empty one for each probe that
/// left the roster, so that nothing is expected of it any more. Answers how many were written.
///
/// # Errors
///
/// [`StoreError`]; what was written until then stays.
pub async fn record_plans(context: &Context, loaded: &Loaded) -> Result<usize, StoreError> {
    let horizon = context.clock.now().saturating_add(CLOCKS_APART);
    let known = context.store.plan_versions(None, horizon).await?;
    let latest: BTreeMap<ProbeName, String> = known
        .into_iter()
        .map(|version| (version.probe, version.record))
        .collect();
    let Some(plans) = &loaded.plans else { return Ok(0) };
    let nothing = Plan {
        period: context.config.plan.period,
        legacy: false,
        tests: Vec::new(),
    };
    let gone = latest
        .keys()
        .filter(|probe| !plans.roster().contains(probe))
        .map(|probe| (probe, nothing.clone()));
    let mut written = 0;
    let mut batch = Vec::new();
    for (probe, plan) in plans.iter().chain(gone) {
        let record = plan.record();
        if latest.get(probe) != Some(&record) {
            let (probe, version) = (probe.clone(), plan::version_of(&record));
            batch.push(PlanVersion {
                probe,
                time: loaded.plans_since,
                version,
                record,
            });
        }
        if batch.len() == PLANS_AT_ONCE {
            context.store.put_plan_versions(&batch).await?;
            written += batch.len();
            batch.clear();
        }
    }
    if !batch.is_empty() {
        context.store.put_plan_versions(&batch).await?;
    }
    Ok(written + batch.len())
}

fn until_next(now: UnixTime) -> Duration {
    let next = now
        .floor(CollectorRun::INTERVAL)
        .saturating_add(CollectorRun::INTERVAL);
    next.since(now).unwrap_or(CollectorRun::INTERVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_beat_is_due_at_the_next_multiple_of_ten_seconds() {
        assert_eq!(
            until_next(UnixTime::from_ns(25_000_000_001)),
            Duration::from_nanos(4_999_999_999)
        );
        assert_eq!(
            until_next(UnixTime::from_ns(30_000_000_000)),
            Duration::from_secs(10)
        );
    }
}
