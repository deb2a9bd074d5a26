//! `GET /api/v2/sla`: the statement of a month or another period.

use actix_web::{HttpRequest, HttpResponse, web};
use ippm::{TestName, UnixTime};

use crate::auth;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::report::sla::gather::{self, Ground, NoRecord, Question, SlaError};
use crate::report::sla::period::PeriodError;
use crate::report::sla::statement::{Period, Statement};
use crate::report::view::Freshness;
use crate::routes::query::{FORMAT, Format, Query, bad};
use crate::routes::read::{self, Written, made};
use crate::statement::{csv, json};

/// The parameters of a statement beside the repeatable `site`.
const PARAMETERS: &[&str] = &[
    "month", "from", "to", "tz", "profile", "source", "target", "family", "test",
];
/// The parameter that may be given more than once.
const SITES: &[&str] = &["site"];

/// The statement as JSON or as a table.
pub(crate) async fn sla(request: HttpRequest, context: web::Data<Context>) -> Result<HttpResponse, ApiError> {
    auth::reading(&request, &context)?;
    let query = Query::read(request.query_string(), &[PARAMETERS, FORMAT], SITES)?;
    let format = query.format(read::accept(&request))?;
    let now = context.clock.now();
    let question = question(&query, &context, now)?;
    let written = made(&context, move |context| async move {
        let statement = state(&context, &question, now).await?;
        write(&statement, format, now)
    });
    Ok(read::deliver(&request, written.await?))
}

fn write(statement: &Statement, format: Format, now: UnixTime) -> Result<Written, ApiError> {
    // A statement is about a period that is over: it has no age.
    let freshness = Freshness {
        read_at: now,
        latest: None,
    };
    let (content_type, download, body) = match format {
        Format::Csv => (read::CSV, Some("sla"), csv::write(statement).into_bytes()),
        Format::Json => {
            let text = json::Document::of(statement).write().map_err(|error| {
                log::error!("a statement could not be written: {error}");
                ApiError::internal()
            })?;
            (read::JSON, None, text.into_bytes())
        }
    };
    Ok(Written::new(content_type, download, body, freshness))
}

/// What `query` asks for.
pub(crate) fn question(query: &Query, context: &Context, now: UnixTime) -> Result<Question, ApiError> {
    let zone = query.text("tz").unwrap_or("UTC");
    let period = match (query.text("month"), query.time("from")?, query.time("to")?) {
        (Some(month), None, None) => Period::month(month, zone, now),
        (None, Some(from), Some(to)) => {
            let label = [from, to].map(ippm::wire::time::format).join("/");
            Period::between(from, to, zone, &label, now)
        }
        _ => {
            return Err(bad(
                "give either month, such as 2026-10, or from and to".to_owned()
            ));
        }
    };
    let period = period.map_err(|error| {
        let name = match &error {
            PeriodError::Zone { .. } => "tz",
            PeriodError::Month { .. } => "month",
            PeriodError::Empty | PeriodError::TooLong | PeriodError::Future => "period",
        };
        bad(format!("{name}: {error}"))
    })?;
    let named = query.text("profile").unwrap_or("default");
    let profiles = &context.config.sla;
    let profile = profiles
        .iter()
        .find(|profile| profile.name == named)
        .ok_or_else(|| {
            let known: Vec<&str> = profiles.iter().map(|profile| profile.name.as_str()).collect();
            bad(format!("profile: there are {}", known.join(", ")))
        })?;
    let filter = query.filter()?;
    Ok(Question {
        period,
        profile: profile.clone(),
        sites: query.all("site").to_vec(),
        source: filter.source,
        target: filter.target,
        family: filter.family,
        test: filter.test.unwrap_or_else(TestName::icmp),
    })
}

/// The statement, within the time that a request may wait for the store.
pub(crate) async fn state(
    context: &Context,
    question: &Question,
    now: UnixTime,
) -> Result<Statement, ApiError> {
    let loaded = context.watch.loaded();
    let Some(roster) = loaded.roster.as_deref() else {
        return Err(ApiError::new(
            Code::RosterUnavailable,
            "no roster was ever loaded",
        ));
    };
    let directory = read::directory(context);
    let ground = Ground {
        directory: &directory,
        roster,
        // No test of this release loads a path.
        loads: &[],
        legacy_period: context.config.legacy.period,
        raw_retention: context.config.retention.raw,
        hour_retention: context.config.retention.hour,
        now,
    };
    let mut record = NoRecord;
    let statement = gather::read(&*context.store, &ground, question, &mut record);
    match tokio::time::timeout(context.config.limits.store_time, statement).await {
        Ok(Ok(statement)) => Ok(statement),
        Ok(Err(error @ (SlaError::UnknownSite { .. } | SlaError::NothingExpected))) => {
            Err(bad(error.to_string()))
        }
        Ok(Err(
            error @ (SlaError::CellsExpired { .. }
            | SlaError::RowsExpired { .. }
            | SlaError::RoundsExpired { .. }),
        )) => Err(ApiError::new(Code::TimeExpired, error.to_string())),
        Ok(Err(error @ SlaError::History(_))) => {
            log::error!("a statement was not made: {error}");
            Err(ApiError::internal())
        }
        Ok(Err(error @ SlaError::Store(_))) => Err(read::unavailable(context, &error)),
        Err(_) => Err(read::unavailable(context, &"the time limit is over")),
    }
}
