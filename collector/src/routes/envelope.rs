//! Around every request: its id, the collector's time, a line in the log, counters, security headers, JSON for every error.

use std::time::{Duration, SystemTime};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, HttpDate, TryIntoHeaderValue as _,
};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError as _, web};
use ippm::UnixTime;

use crate::auth;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::key;

/// The header in which a request's id comes and goes.
pub const REQUEST_ID: &str = "x-request-id";
/// Longest id that is taken over from a proxy.
const MAX_ID_BYTES: usize = 64;

/// Headers of every answer: nothing here may be framed, sniffed, or pull in anything.
const HEADERS: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'",
    ),
    ("cache-control", "no-store"),
];

/// Wraps every request.
///
/// # Errors
///
/// None that a handler made: those arrive here as answers.
pub async fn envelope(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = tokio::time::Instant::now();
    let Some(context) = request.app_data::<web::Data<Context>>().cloned() else {
        return Ok(request.into_response(ApiError::internal().error_response()));
    };
    let id = request_id(&request, &context);
    // Handlers answer all their errors; an error that arrives here is of no handler of ours.
    let mut response = next.call(request).await?.map_into_boxed_body();
    let http = response.request().clone();
    let status = response.status();
    if (status.is_client_error() || status.is_server_error())
        && response.response().extensions().get::<Code>().is_none()
    {
        let headers = response.headers().clone();
        response = ServiceResponse::new(
            http.clone(),
            plain_status(status).with_status(status).error_response(),
        );
        keep_allow(&headers, response.headers_mut());
    }
    let code = response.response().extensions().get::<Code>().copied();
    add_headers(response.headers_mut(), &id, context.clock.now());
    let route = http.match_pattern().unwrap_or_else(|| "(none)".to_owned());
    let took = started.elapsed();
    context.metrics.request(&route, response.status().as_u16(), took);
    // The path as it was sent: percent-encoded, so that no stranger writes a line of this log.
    log::info!(
        "{id} {} {} {:?} {}{}{} {:.1} ms",
        auth::client_address(&http, &context.config.server.trusted_proxies),
        http.method(),
        http.path(),
        response.status().as_u16(),
        code.map_or("", |_| " "),
        code.map_or("", Code::as_str),
        took.as_secs_f64() * 1e3,
    );
    Ok(response)
}

/// The id that a trusted proxy gave the request, or a new one.
fn request_id(request: &ServiceRequest, context: &Context) -> String {
    let sane = |id: &&str| {
        (8..=MAX_ID_BYTES).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let trusted = request
        .peer_addr()
        .is_some_and(|peer| auth::is_trusted(peer.ip(), &context.config.server.trusted_proxies));
    let given = request
        .headers()
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(sane);
    match given {
        Some(id) if trusted => id.to_owned(),
        _ => key::random::<16>().map_or_else(
            |_| "unknown".to_owned(),
            |bytes| crate::config::reader::hex(&bytes),
        ),
    }
}

fn add_headers(headers: &mut HeaderMap, id: &str, now: UnixTime) {
    for (name, value) in HEADERS {
        let name = HeaderName::from_static(name);
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static(REQUEST_ID), id);
    }
    // Probes hold their clocks against it: it has to be the clock by which their reports are received.
    let now = Duration::from_nanos(u64::try_from(now.as_ns()).unwrap_or(0));
    if let Ok(date) = HttpDate::from(SystemTime::UNIX_EPOCH + now).try_into_value() {
        headers.insert(DATE, date);
    }
}

/// The error for a status that actix answered by itself.
fn plain_status(status: StatusCode) -> ApiError {
    match status {
        StatusCode::NOT_FOUND => ApiError::not_found(),
        StatusCode::METHOD_NOT_ALLOWED => {
            ApiError::new(Code::MethodNotAllowed, "this path knows other methods")
        }
        StatusCode::REQUEST_TIMEOUT => ApiError::new(Code::RequestTimeout, "the request took too long"),
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(Code::TooLarge, "the body is too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ApiError::new(Code::UnsupportedMediaType, "the body must be application/json")
        }
        status if status.is_client_error() => ApiError::new(Code::BadRequest, "bad request"),
        _ => ApiError::internal(),
    }
}

fn keep_allow(from: &HeaderMap, to: &mut HeaderMap) {
    for (name, value) in from.iter().filter(|(name, _)| **name != CONTENT_TYPE) {
        to.insert(name.clone(), value.clone());
    }
}
