//! The two endpoints of the original, byte for byte.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use ippm::wire::roster::legacy::ProbeListV1;
use ippm::{ProbeName, UnixTime};

use crate::auth::{self, LegacyCaller};
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::ingest::Accepted;
use crate::ingest::legacy::{self as ingest, Poster};
use crate::routes::{body, reports};

/// The original's text for everything that could not be stored.
const NOT_STORED: &str = "unable to store probe result";

/// `GET /api/v1/conf/probes`: whom an original probe measures. `?family=all` lists IPv6 too.
pub(crate) async fn list(
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse, ApiError> {
    auth::legacy(&request, &context)?;
    let all_families = match request.query_string() {
        "" => false,
        "family=all" => true,
        _ => {
            return Err(ApiError::new(
                Code::BadQuery,
                "the only parameter is family, its only value all",
            ));
        }
    };
    let loaded = context.watch.loaded();
    let roster = loaded
        .roster
        .as_deref()
        .ok_or_else(|| ApiError::new(Code::RosterUnavailable, "unable to retrieve list of probes"))?;
    Ok(HttpResponse::Ok().json(ProbeListV1::new(roster, all_families)))
}

/// `POST /api/v1/data/probe-result`: what an original probe measured. Every failure beyond the key is
/// 500 with the original's text, because that is all it knows; the code beside it says more.
pub(crate) async fn post(
    request: HttpRequest,
    context: web::Data<Context>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let caller = auth::legacy(&request, &context)?;
    if let LegacyCaller::Own(caller) = &caller
        && caller.probe.is_none()
    {
        return Err(auth::legacy_invalid());
    }
    let body = body::read(&request, payload, &context.config.limits)
        .await
        .map_err(as_original)?;
    let arrival = context.clock.now();
    let judged = body::judge(&context, body, move |context, body| {
        judge(context, &caller, body, arrival)
    });
    let (Accepted { report, answer }, bytes) = judged.await.map_err(as_original)?;
    let accepted = answer.accepted as u64;
    let appended = reports::store(&context, report, bytes)
        .await
        .map_err(as_original)?;
    let answer = answer
        .legacy(&appended)
        .ok_or_else(|| not_stored(Code::NoGoodItem))?;
    let stored = answer.stored.unwrap_or(accepted);
    reports::count(
        &context,
        stored,
        answer.rejected.iter().map(|rejected| rejected.code.as_str()),
    );
    Ok(HttpResponse::Ok().json(answer))
}

fn judge(
    context: &Context,
    caller: &LegacyCaller,
    body: &[u8],
    arrival: UnixTime,
) -> Result<Accepted, ApiError> {
    let loaded = context.watch.loaded();
    let has_own_key = |probe: &ProbeName| loaded.keys.has_probe(probe);
    let is_listed = |probe: &ProbeName| {
        loaded
            .roster
            .as_ref()
            .is_some_and(|roster| roster.contains(probe))
    };
    let poster = match caller {
        LegacyCaller::Shared => Poster::Shared {
            has_own_key: &has_own_key,
            is_listed: &is_listed,
        },
        LegacyCaller::Own(caller) => Poster::Probe(caller.probe.as_ref().ok_or_else(auth::legacy_invalid)?),
    };
    ingest::accept(body, arrival, poster, &context.settings, &context.names).map_err(|refusal| {
        log::info!("legacy post not stored: {refusal}");
        match Code::from_text(refusal.code()) {
            Some(Code::KeyInvalid) => auth::legacy_invalid(),
            Some(Code::TooLarge) => ApiError::new(Code::TooLarge, refusal.to_string()),
            code => not_stored(code.unwrap_or(Code::NoGoodItem)),
        }
    })
}

fn not_stored(code: Code) -> ApiError {
    ApiError::new(code, NOT_STORED).with_status(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Limits keep their status; everything else looks as the original's failures do.
fn as_original(error: ApiError) -> ApiError {
    match error.code() {
        Code::TooLarge
        | Code::RequestTimeout
        | Code::TooManyRequests
        | Code::KeyInvalid
        | Code::KeyMissing => error,
        code => not_stored(code),
    }
}
