//! `GET /api/v1/data/probe/{name}/last`: the latest round of a probe.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use ippm::{ProbeName, UnixTime, wire};
use serde_json::{Value, json};

use crate::auth;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::report::last::{self, LastResult};
use crate::store::StoreError;
use crate::store::ledger::ProbeRun;
use crate::store::row::Parts;
use crate::store::row::Row;

/// How far ahead of our clock a round may lie that was accepted.
const AHEAD: Duration = Duration::from_mins(10);
/// When to try again if the store cannot answer.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Answers with the latest round, or with an empty one for a probe that has not reported yet.
pub(crate) async fn last(
    request: HttpRequest,
    context: web::Data<Context>,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let caller = auth::reader(&request, &context)?;
    let unknown = || ApiError::new(Code::UnknownProbe, "no probe has this name");
    let probe: ProbeName = path.parse().map_err(|_| unknown())?;
    if let Some(caller) = caller {
        caller.may_read(&probe)?;
    }
    let (run, rows) = latest(&context, &probe).await?;
    let loaded = context.watch.loaded();
    let roster = loaded.roster.as_deref();
    let Some(run) = run else {
        return if roster.is_some_and(|roster| roster.contains(&probe)) {
            Ok(HttpResponse::Ok()
                .json(json!({"source": probe.as_str(), "time": null, "sequence": null, "probes": []})))
        } else {
            Err(unknown())
        };
    };
    let results = last::results(&rows, &run, roster, context.config.legacy.period);
    Ok(HttpResponse::Ok().json(json!({
        "source": probe.as_str(),
        "time": wire::time::format(run.time),
        "sequence": run.time.as_ns().to_string(),
        "probes": results.iter().map(item).collect::<Vec<Value>>(),
    })))
}

async fn latest(context: &Context, probe: &ProbeName) -> Result<(Option<ProbeRun>, Vec<Row>), ApiError> {
    let now = context.clock.now();
    let ask = async {
        let rows = context
            .store
            .latest(
                Some(probe),
                now.saturating_sub(context.config.retention.raw),
                Parts::ALL,
            )
            .await?;
        // Reports without results are younger than the last result, or there is no result at all.
        let from = rows.iter().map(|row| row.time).max();
        let from = from.unwrap_or_else(|| now.saturating_sub(context.config.plan.period * 2));
        let runs = context
            .store
            .probe_runs(Some(probe), from, now.saturating_add(AHEAD))
            .await?;
        Ok::<_, StoreError>((runs.into_iter().next_back(), rows))
    };
    let unavailable = |cause: &dyn std::fmt::Display| {
        context.metrics.store_errors.add(1);
        log::warn!("latest results of {probe:?} not read: {cause}");
        ApiError::new(Code::StoreUnavailable, "the store cannot answer now").with_retry_after(RETRY_AFTER)
    };
    match tokio::time::timeout(context.config.limits.store_time, ask).await {
        Ok(Ok((run, rows))) => Ok((run.or_else(|| unrecorded(&rows)), rows)),
        Ok(Err(error)) => Err(unavailable(&error)),
        Err(_) => Err(unavailable(&"the time limit is over")),
    }
}

/// The round of rows that have no record of their report: points of the original collector.
fn unrecorded(rows: &[Row]) -> Option<ProbeRun> {
    let row = rows.iter().max_by_key(|row| row.time)?;
    Some(ProbeRun {
        source: row.source.clone(),
        time: row.time,
        origin: ippm::Word::legacy(),
        results: 0,
        received_at: UnixTime::from_ns(row.time.as_ns()),
        skew_ns: None,
        native: None,
    })
}

fn item(result: &LastResult) -> Value {
    json!({
        "name": result.target.as_str(),
        "proto": result.family.number(),
        "address": result.address,
        "pinged": result.measured,
        "ping_min": result.min,
        "ping_max": result.max,
        "ping_avg": result.avg,
        "ping_jitter": result.stddev,
        "ping_loss": result.loss,
        "family": result.family.number(),
        "class": result.class.as_str(),
    })
}
