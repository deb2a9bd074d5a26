//! What the collector itself writes into the ledger: that it is there, what it asks of whom, and what was announced.

pub mod maintenance;
pub mod plans;

use std::time::Duration;

use ippm::UnixTime;

use crate::context::Context;
use crate::store::StoreError;
use crate::store::ledger::CollectorRun;
use crate::watch::Loaded;

/// How long a beat may take; it is never queued and never written twice.
const BEAT_TIME: Duration = Duration::from_secs(5);
/// How far in the future another collector may have recorded something.
const CLOCKS_APART: Duration = Duration::from_hours(1);

/// Beats every ten seconds and keeps the ledger, until the task is dropped.
///
/// Both at once: to record the plans of a large mesh takes longer than the time between two beats.
pub async fn run(context: &Context) {
    tokio::join!(beats(context), keep(context));
}

async fn beats(context: &Context) {
    loop {
        beat(context).await;
        tokio::time::sleep(until_next(context.clock.now())).await;
    }
}

/// Records plans and announcements whenever roster or schedule are loaded anew.
async fn keep(context: &Context) {
    let mut recorded = None;
    loop {
        let loaded = context.watch.loaded();
        let files = (loaded.roster_digest.clone(), loaded.schedule_digest.clone());
        if loaded.plans.is_some() && recorded.as_ref() != Some(&files) {
            match record(context, &loaded).await {
                Ok(()) => recorded = Some(files),
                Err(error) => log::warn!("plans not recorded, trying again with the next beat: {error}"),
            }
        }
        tokio::time::sleep(until_next(context.clock.now())).await;
    }
}

async fn record(context: &Context, loaded: &Loaded) -> Result<(), StoreError> {
    let plans = plans::record(context, loaded).await?;
    if plans > 0 {
        log::info!("recorded new plans of {plans} probes");
    }
    let announcements = maintenance::record(context, loaded).await?;
    if announcements > 0 {
        log::info!("recorded {announcements} changes of announced work");
    }
    Ok(())
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
