//! `GET /api/v2/plan/{probe}`: whom a probe measures, and how.

use actix_web::http::header::{CACHE_CONTROL, ETAG};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use ippm::wire::plan::{LimitsV1, PlanV1};
use ippm::wire::report::OPTIONAL_FIELDS;
use ippm::{ProbeName, UnixTime, plan, wire};
use serde::Deserialize;

use crate::auth;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::plan::resolve::Resolved;
use crate::tag::{self, Asked};

/// The parameters of a plan request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    /// Start of the round; decides which time windows are open.
    start: Option<String>,
}

/// Answers with the plan, or with 304 when the probe has it already.
pub(crate) async fn plan(
    request: HttpRequest,
    context: web::Data<Context>,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let caller = auth::native(&request, &context)?;
    let unknown = || ApiError::new(Code::UnknownProbe, "no probe of the roster has this name");
    let asked: ProbeName = path.parse().map_err(|_| unknown())?;
    let start = start(request.query_string(), context.clock.now())?;
    let loaded = context.watch.loaded();
    let Some(plans) = &loaded.plans else {
        caller.may_read(&asked)?;
        // A roster whose schedule is wrong: the probe goes on with the plan that it has.
        return Err(if loaded.roster.is_some() {
            ApiError::new(Code::Unavailable, "there is no plan until the schedule is mended")
        } else {
            unknown()
        });
    };
    // A host that was renamed here asks by its former name until it is told.
    let present = plans.present(&asked).unwrap_or(&asked);
    caller.may_read(&asked).or_else(|_| caller.may_read(present))?;
    let slot = plan::slot_start(start, plans.period_of(present).ok_or_else(unknown)?);
    let open = plans.open_tests(slot).map_err(|_| ApiError::internal())?;
    let basis = (loaded.roster_digest.clone(), loaded.schedule_digest.clone());
    let asked_for = Asked {
        probe: asked.to_string(),
        open,
    };
    if let Some(tag) = context.plan_tags.get(&basis, &asked_for)
        && tag::is_known(&request, &tag)
    {
        return Ok(tagged(HttpResponse::NotModified(), &tag).finish());
    }
    let plan = plans.get(present).ok_or_else(unknown)?;
    let limits = LimitsV1 {
        pps: context.config.plan.pps,
        pps_per_target: context.config.plan.pps_per_target,
    };
    let plan = Resolved::new(plan).map_err(|_| ApiError::internal())?;
    let mut document = PlanV1::new(asked.as_str(), plan.plan(), limits, |test| {
        plan.is_open(test, slot)
    });
    document.report_fields = OPTIONAL_FIELDS.iter().map(ToString::to_string).collect();
    let body = serde_json::to_vec(&document).map_err(|_| ApiError::internal())?;
    let tag = tag::of(&body);
    context.plan_tags.put(basis, asked_for, tag.clone());
    Ok(if tag::is_known(&request, &tag) {
        tagged(HttpResponse::NotModified(), &tag).finish()
    } else {
        tagged(HttpResponse::Ok(), &tag)
            .content_type("application/json")
            .body(body)
    })
}

/// The answer with its entity tag.
fn tagged(mut response: HttpResponseBuilder, tag: &str) -> HttpResponseBuilder {
    response
        .insert_header((ETAG, tag))
        .insert_header((CACHE_CONTROL, "private, no-cache"));
    response
}

fn start(query: &str, now: UnixTime) -> Result<UnixTime, ApiError> {
    let bad = |text: &str| ApiError::new(Code::BadQuery, text);
    let query: Query = web::Query::from_query(query)
        .map(web::Query::into_inner)
        .map_err(|_| bad("the only parameter is start, once"))?;
    query.start.map_or(Ok(now), |text| {
        wire::time::parse(&text)
            .map_err(|_| bad("start is not a time of RFC 3339 with at most nine decimals"))
    })
}
