//! `POST /api/v2/reports`: what a round of our probe measured.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use ippm::{ProbeName, UnixTime};

use crate::auth;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::ingest::Accepted;
use crate::ingest::native::{self, Arrival};
use crate::ingest::queue::QueueError;
use crate::routes::body;
use crate::store::ledger::ProbeRun;
use crate::store::{Appended, Report};

/// The probe's clock when it sent this attempt, Unix nanoseconds.
const SENT_AT: &str = "IXPQoS-Sent-At";
/// When to try again if the store has not said so.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// Clocks that are further apart are a matter for the log.
const CLOCKS_AGREE: Duration = Duration::from_secs(30);

/// Answers when everything that was accepted is durable.
pub(crate) async fn post(
    request: HttpRequest,
    context: web::Data<Context>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let caller = auth::native(&request, &context)?;
    let probe = caller.as_probe()?.clone();
    let sent_at = sent_at(&request);
    let body = body::read(&request, payload, &context.config.limits).await?;
    let arrival = Arrival {
        at: context.clock.now(),
        sent_at,
    };
    let judged = body::judge(&context, body, move |context, body| {
        judge(context, body, arrival, &probe)
    });
    let (Accepted { report, answer }, bytes) = judged.await?;
    tell_clocks(&context, &report.run);
    let appended = store(&context, report, bytes).await?;
    let answer = answer.native(&appended);
    context.metrics.fields_ignored.add(answer.ignored.len() as u64);
    count(
        &context,
        answer.stored,
        answer.rejected.iter().map(|rejected| rejected.code.as_str()),
    );
    Ok(HttpResponse::Ok().json(answer))
}

fn judge(context: &Context, body: &[u8], arrival: Arrival, probe: &ProbeName) -> Result<Accepted, ApiError> {
    native::accept(body, arrival, probe, &[], &context.settings, &context.names).map_err(|refusal| {
        let code = Code::from_text(refusal.code()).unwrap_or(Code::BadRequest);
        ApiError::new(code, refusal.to_string())
    })
}

/// Counts what was stored and what was rejected.
pub(crate) fn count<'a>(context: &Context, stored: u64, rejected: impl Iterator<Item = &'a str>) {
    context.metrics.reports_stored.add(1);
    context.metrics.results_stored.add(stored);
    rejected.for_each(|code| context.metrics.reject(code));
}

/// Puts `report` into the queue and waits until it is durable.
///
/// # Errors
///
/// 503 with the time after which to try again; the cause goes to the log.
pub(crate) async fn store(context: &Context, report: Report, bytes: usize) -> Result<Appended, ApiError> {
    let unavailable = |after: Option<Duration>| {
        context.metrics.store_errors.add(1);
        ApiError::new(
            Code::StoreUnavailable,
            "the store cannot take it now; nothing is lost, send it again",
        )
        .with_retry_after(after.unwrap_or(RETRY_AFTER))
    };
    let source = report.run.source.clone();
    match tokio::time::timeout(
        context.config.limits.store_time,
        context.queue.append(report, bytes),
    )
    .await
    {
        Ok(Ok(appended)) => Ok(appended),
        Ok(Err(QueueError::Stopping)) => {
            let error = ApiError::new(Code::Unavailable, "this collector is stopping");
            Err(error.with_retry_after(RETRY_AFTER))
        }
        Ok(Err(error)) => {
            log::warn!("report of {source:?} not stored: {error}");
            Err(unavailable(error.retry_after()))
        }
        Err(_) => {
            let limit = context.config.limits.store_time.as_secs();
            log::warn!("report of {source:?} not stored within {limit} s (limits.store_time)");
            Err(unavailable(None))
        }
    }
}

/// What does not hold a time says nothing about clocks, and costs no report.
fn sent_at(request: &HttpRequest) -> Option<UnixTime> {
    let value = request.headers().get(SENT_AT)?.to_str().ok()?;
    value.trim().parse().ok().map(UnixTime::from_ns)
}

fn tell_clocks(context: &Context, run: &ProbeRun) {
    let Some(skew) = run.skew_ns else { return };
    let apart = Duration::from_nanos(skew.unsigned_abs());
    if apart <= CLOCKS_AGREE {
        return;
    }
    context.metrics.clock_disagreements.add(1);
    let (source, instance, apart) = (&run.source, &context.instance, apart.as_secs());
    let direction = if skew > 0 { "behind" } else { "ahead of" };
    let is_synchronised = run.native.as_ref().and_then(|native| native.clock_synchronised) == Some(true);
    if is_synchronised {
        log::warn!(
            "clocks disagree: the clock of probe {source:?}, synchronized by its own word, is {apart} s {direction} that of collector {instance:?}"
        );
    } else {
        log::warn!("the clock of probe {source:?} is {apart} s {direction} that of collector {instance:?}");
    }
}
