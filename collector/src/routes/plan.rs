//! `GET /api/v2/plan/{probe}`: whom a probe measures, and how.

use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use actix_web::{HttpRequest, HttpResponse, web};
use ippm::wire::plan::{LimitsV1, PlanV1};
use ippm::wire::report::OPTIONAL_FIELDS;
use ippm::{ProbeName, UnixTime, plan, wire};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::auth;
use crate::config::reader::hex;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::plan::resolve::Resolved;

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
    let plan = plans.get(present).ok_or_else(unknown)?;
    let limits = LimitsV1 {
        pps: context.config.plan.pps,
        pps_per_target: context.config.plan.pps_per_target,
    };
    let slot = plan::slot_start(start, plan.period);
    let plan = Resolved::new(plan).map_err(|_| ApiError::internal())?;
    let mut document = PlanV1::new(asked.as_str(), plan.plan(), limits, |test| {
        plan.is_open(test, slot)
    });
    document.report_fields = OPTIONAL_FIELDS.iter().map(ToString::to_string).collect();
    let body = serde_json::to_vec(&document).map_err(|_| ApiError::internal())?;
    let tag = format!("\"{}\"", hex(&Sha256::digest(&body)[..16]));
    let is_known = matches(&request, &tag);
    let mut response = if is_known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((ETAG, tag))
        .insert_header((CACHE_CONTROL, "private, no-cache"));
    Ok(if is_known {
        response.finish()
    } else {
        response.content_type("application/json").body(body)
    })
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

/// Whether the client has the answer `tag` already (RFC 9110 §13.1.2; weak tags match too).
fn matches(request: &HttpRequest, tag: &str) -> bool {
    request
        .headers()
        .get_all(IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|candidate| candidate == "*" || candidate.trim_start_matches("W/") == tag)
}
