//! The read side: what was measured, as JSON or as a table.
//!
//! Every handler reads its parameters; on a thread for readers it asks one report function and writes its answer
//! down. An answer carries the age of its data in `IXPQoS-Data-Age`, so that its body, and with it its entity tag,
//! stays the same as long as the data do.

use std::time::Duration;

use actix_web::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_DISPOSITION, ETAG, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use ippm::UnixTime;
use serde::Serialize;

use crate::auth;
use crate::context::Context;
use crate::csv::Table;
use crate::error::{ApiError, Code};
use crate::read_threads::Unmade;
use crate::report::directory::Directory;
use crate::report::latest::LatestQuestion;
use crate::report::matrix::MatrixQuestion;
use crate::report::rounds::RoundsQuestion;
use crate::report::series::SeriesQuestion;
use crate::report::view::{Freshness, ReportError, View};
use crate::report::{latest, liveness, matrix, rounds, series};
use crate::routes::answer;
use crate::routes::query::{FILTER, FORMAT, Format, Query, RANGE, SUBJECT, unanswerable};
use crate::tag;

/// How long ago the youngest round in an answer began, whole seconds; absent if nothing is in it.
const DATA_AGE: &str = "ixpqos-data-age";

/// When to try again if the store cannot answer.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Content types of answers.
pub(crate) const JSON: &str = "application/json";
/// As RFC 4180 §3 registers it.
pub(crate) const CSV: &str = "text/csv; charset=utf-8; header=present";

/// `GET /api/v2/probes`: which probes report, and what they say about themselves.
pub(crate) async fn probes(
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse, ApiError> {
    let (_, format) = open(&request, &context, &[FORMAT])?;
    let written = made(&context, |context| async move {
        let directory = directory(&context);
        let view = context.view(&directory, context.clock.now());
        let answer = asked(&context, liveness::read(&*context.store, &view)).await?;
        let freshness = answer.freshness;
        match format {
            Format::Json => json(&answer::probes::ProbesAnswer::from(&answer), freshness),
            Format::Csv => Ok(csv("probes", answer::probes::table(&answer), freshness)),
        }
    });
    Ok(deliver(&request, written.await?))
}

/// `GET /api/v2/results`: the stored rounds of one subject, or with `view=latest` the latest of every subject.
pub(crate) async fn results(
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse, ApiError> {
    let (query, format) = open(&request, &context, &[RANGE, FILTER, &["view"], FORMAT])?;
    let is_latest = query
        .word("view", &[("rounds", false), ("latest", true)])?
        .unwrap_or(false);
    let now = context.clock.now();
    let window = query.window(now)?;
    let written = if is_latest {
        let question = LatestQuestion {
            filter: query.filter()?,
            within: window.length(),
        };
        made(&context, move |context| latest_of(context, question, now, format)).await?
    } else {
        let question = RoundsQuestion {
            subject: query.subject()?,
            window,
        };
        made(&context, move |context| rounds_of(context, question, now, format)).await?
    };
    Ok(deliver(&request, written))
}

async fn latest_of(
    context: web::Data<Context>,
    question: LatestQuestion,
    now: UnixTime,
    format: Format,
) -> Result<Written, ApiError> {
    let directory = directory(&context);
    let view = context.view(&directory, now);
    let answer = asked(&context, latest::read(&*context.store, &view, &question)).await?;
    let freshness = answer.freshness;
    match format {
        Format::Json => json(&answer::latest::LatestAnswer::from(&answer), freshness),
        Format::Csv => Ok(csv("latest", answer::latest::table(&answer), freshness)),
    }
}

async fn rounds_of(
    context: web::Data<Context>,
    question: RoundsQuestion,
    now: UnixTime,
    format: Format,
) -> Result<Written, ApiError> {
    let directory = directory(&context);
    let view = context.view(&directory, now);
    let answer = asked(&context, rounds::read(&*context.store, &view, &question)).await?;
    let freshness = answer.freshness;
    match format {
        Format::Json => json(&answer::rounds::RoundsAnswer::from(&answer), freshness),
        Format::Csv => Ok(csv("results", answer::rounds::table(&answer), freshness)),
    }
}

/// `GET /api/v2/series`: one subject over time.
pub(crate) async fn series(
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse, ApiError> {
    let (query, format) = open(&request, &context, &[RANGE, SUBJECT, &["step"], FORMAT])?;
    let now = context.clock.now();
    let question = SeriesQuestion {
        subject: query.subject()?,
        window: query.window(now)?,
        step: query.step()?,
    };
    let written = made(&context, move |context| async move {
        let directory = directory(&context);
        let view = context.view(&directory, now);
        let answer = asked(&context, series::read(&*context.store, &view, &question)).await?;
        let freshness = answer.freshness;
        match format {
            Format::Json => json(&answer::series::SeriesAnswer::from(&answer), freshness),
            Format::Csv => Ok(csv("series", answer::series::table(&answer), freshness)),
        }
    });
    Ok(deliver(&request, written.await?))
}

/// `GET /api/v2/matrix`: every subject over one window.
pub(crate) async fn matrix(
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse, ApiError> {
    let (query, format) = open(&request, &context, &[RANGE, FILTER, &["percentiles"], FORMAT])?;
    let now = context.clock.now();
    let with_percentiles = query.word("percentiles", &[("true", true), ("false", false)])?;
    let question = MatrixQuestion {
        window: query.window_in_hours(now)?,
        filter: query.filter()?,
        with_percentiles: with_percentiles.unwrap_or(true),
    };
    let written = made(&context, move |context| async move {
        let directory = directory(&context);
        let view = context.view(&directory, now);
        let answer = asked(&context, matrix::read(&*context.store, &view, &question)).await?;
        let freshness = answer.freshness;
        match format {
            Format::Json => json(&answer::matrix::MatrixAnswer::from(&answer), freshness),
            Format::Csv => Ok(csv("matrix", answer::matrix::table(&answer), freshness)),
        }
    });
    Ok(deliver(&request, written.await?))
}

/// Lets in whoever may read, and reads the parameters.
pub(crate) fn open(
    request: &HttpRequest,
    context: &Context,
    known: &[&[&str]],
) -> Result<(Query, Format), ApiError> {
    auth::reading(request, context)?;
    let query = Query::read(request.query_string(), known, &[])?;
    let format = query.format(accept(request))?;
    Ok((query, format))
}

/// The form that the client prefers.
pub(crate) fn accept(request: &HttpRequest) -> Option<&str> {
    request.headers().get(ACCEPT)?.to_str().ok()
}

/// Who is who, by the roster in force.
pub(crate) fn directory(context: &Context) -> Directory {
    let loaded = context.watch.loaded();
    loaded.roster.as_deref().map_or(Directory::EMPTY, Directory::of)
}

/// An answer that a thread for readers makes, so that the threads that accept results never wait for it.
///
/// # Errors
///
/// Those of the answer; 500 if there is an error in ours, 503 if the collector is about to end.
pub(crate) async fn made<T, A>(
    context: &web::Data<Context>,
    answer: impl FnOnce(web::Data<Context>) -> A,
) -> Result<T, ApiError>
where
    T: Send + 'static,
    A: Future<Output = Result<T, ApiError>> + Send + 'static,
{
    let made = context.read_threads.make(answer(context.clone()));
    made.await.unwrap_or_else(|unmade| match unmade {
        Unmade::Stopped => Err(unavailable(context, &unmade)),
        Unmade::Panicked => {
            log::error!("an answer was not made: {unmade}");
            Err(ApiError::internal())
        }
    })
}

/// The answer of a report, within the time that a request may wait for the store.
///
/// # Errors
///
/// 400 for a question that has no answer as it was asked, 503 if the store does not give one.
pub(crate) async fn asked<T>(
    context: &Context,
    report: impl Future<Output = Result<T, ReportError>>,
) -> Result<T, ApiError> {
    match tokio::time::timeout(context.config.limits.store_time, report).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(ReportError::Selection(error))) => Err(unanswerable(&error)),
        Ok(Err(error @ ReportError::Expired)) => Err(ApiError::new(Code::BadQuery, error.to_string())),
        Ok(Err(error @ ReportError::Store(_))) => Err(unavailable(context, &error)),
        Err(_) => Err(unavailable(context, &"the time limit is over")),
    }
}

/// 503; the cause is for the log.
pub(crate) fn unavailable(context: &Context, cause: &dyn std::fmt::Display) -> ApiError {
    context.metrics.store_errors.add(1);
    log::warn!("a report was not made: {cause}");
    ApiError::new(Code::StoreUnavailable, "the store cannot answer now").with_retry_after(RETRY_AFTER)
}

/// An answer that is written down.
pub(crate) struct Written {
    content_type: &'static str,
    /// The file as which a table is to be kept.
    download: Option<&'static str>,
    body: Vec<u8>,
    freshness: Freshness,
    tag: String,
}

impl Written {
    /// With its entity tag. It is weak: a proxy, or we, may compress the body.
    pub(crate) fn new(
        content_type: &'static str,
        download: Option<&'static str>,
        body: Vec<u8>,
        freshness: Freshness,
    ) -> Self {
        Self {
            content_type,
            download,
            tag: format!("W/{}", tag::of(&body)),
            body,
            freshness,
        }
    }
}

fn json(answer: &impl Serialize, freshness: Freshness) -> Result<Written, ApiError> {
    let body = serde_json::to_vec(answer).map_err(|error| {
        log::error!("an answer could not be written: {error}");
        ApiError::internal()
    })?;
    Ok(Written::new(JSON, None, body, freshness))
}

fn csv(name: &'static str, table: Table, freshness: Freshness) -> Written {
    Written::new(CSV, Some(name), table.finish(), freshness)
}

/// The answer, or 304.
pub(crate) fn deliver(request: &HttpRequest, written: Written) -> HttpResponse {
    let is_known = tag::is_known(request, &written.tag);
    let mut response = if is_known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((ETAG, written.tag))
        .insert_header((CACHE_CONTROL, "private, no-cache"))
        .insert_header((VARY, "Accept, Accept-Encoding"));
    if let Some(age) = written.freshness.age() {
        response.insert_header((DATA_AGE, age.as_secs().to_string()));
    }
    if is_known {
        return response.finish();
    }
    if let Some(name) = written.download {
        response.insert_header((
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"ixpqos-{name}.csv\""),
        ));
    }
    response.content_type(written.content_type).body(written.body)
}

impl Context {
    /// From where reports look at the store at `now`.
    pub(crate) fn view<'a>(&self, directory: &'a Directory, now: UnixTime) -> View<'a> {
        View {
            directory,
            limit: self.config.display.degraded_loss,
            legacy_period: self.config.legacy.period,
            raw_retention: self.config.retention.raw,
            hour_retention: self.config.retention.hour,
            now,
        }
    }
}
