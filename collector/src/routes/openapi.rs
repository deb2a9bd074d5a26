//! The HTTP surface in the words of `OpenAPI` 3.1: `GET /openapi.json`, and the committed `docs/openapi.json`.
//!
//! The functions here are never called: each carries the description of one endpoint; `answers` adds what it refuses
//! and the headers. Tests hold them against what the endpoints know and answer, and against docs/api.md.

mod answers;

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{IntoParams, Modify, OpenApi, ToSchema};

use crate::error::CODES;
use crate::routes::answer::latest::LatestAnswer;
use crate::routes::answer::matrix::MatrixAnswer;
use crate::routes::answer::probes::ProbesAnswer;
use crate::routes::answer::rounds::RoundsAnswer;
use crate::routes::answer::series::SeriesAnswer;
use crate::routes::openapi::answers::Answers;
use crate::statement::json::Document;

/// `GET /openapi.json`.
pub(crate) async fn openapi() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(document())
}

/// The description as JSON, indented, with a line end.
#[must_use]
pub fn document() -> String {
    let mut text = Description::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "IXPQoS collector",
        description = "What is sent to a collector and read from it. Delays are integer nanoseconds, ratios 0 to 1, \
                       times RFC 3339 with nine decimals; what was not measured is null, never 0. Every path is also \
                       served under /backend. docs/api.md explains each endpoint.",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT")
    ),
    servers((url = "/", description = "this collector")),
    paths(
        probes, results, series, matrix, sla, plan, reports, last, legacy_list, legacy_post, healthz, readyz, metrics,
        openapi_json
    ),
    components(schemas(ErrorAnswer, LatestAnswer, RoundsAnswer)),
    modifiers(&Keys, &Codes, &Answers),
    tags(
        (name = "reading", description = "For whoever has a key with the role read or admin, or for everybody if reading is public."),
        (name = "probes", description = "For probes, with their own key."),
        (name = "legacy", description = "The contract of the original IXPQoS, byte for byte."),
        (name = "operations", description = "For operators and their tools.")
    )
)]
struct Description;

/// How a key is sent.
struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let header = ApiKeyValue::with_description("X-API-Key", "A key of the key file.");
        components.add_security_scheme("key", SecurityScheme::ApiKey(ApiKey::Header(header)));
        let basic = HttpBuilder::new()
            .scheme(HttpAuthScheme::Basic)
            .description(Some("Any user name, the key as password: for browsers."))
            .build();
        components.add_security_scheme("basic", SecurityScheme::Http(basic));
    }
}

/// The codes of errors.
struct Codes;

impl Modify for Codes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let codes: Vec<serde_json::Value> = CODES.iter().map(|(_, code, _)| (*code).into()).collect();
        let schemas = &mut document.components.get_or_insert_default().schemas;
        if let Some(utoipa::openapi::RefOr::T(utoipa::openapi::Schema::Object(error))) =
            schemas.get_mut("ErrorAnswer")
            && let Some(utoipa::openapi::RefOr::T(utoipa::openapi::Schema::Object(code))) =
                error.properties.get_mut("code")
        {
            code.enum_values = Some(codes);
        }
    }
}

/// Every answer that is not a success.
#[derive(Serialize, ToSchema)]
struct ErrorAnswer {
    /// What is wrong, for people.
    error: String,
    /// The same for programs.
    code: String,
}

/// A span of time: `from` and `to`, or `last`, or nothing for the last 24 h.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters")]
struct Range {
    /// First instant, RFC 3339.
    #[param(example = "2026-11-01T00:00:00Z")]
    from: Option<String>,
    /// First instant behind it, RFC 3339; the present if only `from` is given.
    to: Option<String>,
    /// Instead of both: a length with its unit (s, m, h, d), up to the last full minute.
    #[param(example = "24h")]
    last: Option<String>,
}

/// One subject.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters")]
struct OneSubject {
    /// The probe that measures, by its present name or a former one.
    source: String,
    /// The probe that is measured.
    target: String,
    /// 4 (default) or 6.
    family: Option<u8>,
    /// The test, `icmp` by default.
    test: Option<String>,
}

/// Conditions on subjects; all that are given have to hold.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters")]
struct Conditions {
    /// Pairs that this probe measures.
    source: Option<String>,
    /// Pairs in which this probe is measured.
    target: Option<String>,
    /// Pairs whose source is at this site.
    source_site: Option<String>,
    /// Pairs whose target is at this site.
    target_site: Option<String>,
    /// 4 or 6; both if not given.
    family: Option<u8>,
    /// The test; all if not given.
    test: Option<String>,
}

/// The form of the answer.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters")]
struct Form {
    /// `json` (default) or `csv`; without it `Accept: text/csv` asks for a table too.
    format: Option<String>,
}

/// Which probes report, and what they say about themselves.
#[utoipa::path(get, path = "/api/v2/probes", tag = "reading", params(Form),
    responses((status = 200, body = ProbesAnswer, content_type = "application/json")),
    security(("key" = []), ("basic" = [])))]
#[expect(dead_code, reason = "carries a description")]
fn probes() {}

/// The stored rounds of one subject, or with `view=latest` the latest round of every subject (`LatestAnswer`).
///
/// Rounds need source and target, and list at most 31 days; `view=latest` looks back as far as the range is long.
#[utoipa::path(get, path = "/api/v2/results", tag = "reading",
    params(Range, Conditions, ("view" = Option<String>, Query, description = "`rounds` (default) or `latest`"), Form),
    responses((status = 200, body = RoundsAnswer, content_type = "application/json")),
    security(("key" = []), ("basic" = [])))]
#[expect(dead_code, reason = "carries a description")]
fn results() {}

/// One subject over time.
#[utoipa::path(get, path = "/api/v2/series", tag = "reading",
    params(Range, OneSubject,
        ("step" = Option<String>, Query, description = "How far apart points begin, such as 10m; one that suits the range if not given"),
        Form),
    responses((status = 200, body = SeriesAnswer, content_type = "application/json")),
    security(("key" = []), ("basic" = [])))]
#[expect(dead_code, reason = "carries a description")]
fn series() {}

/// Every subject over one window, the silent ones too.
///
/// The window of a `last` of a day or more, and the one without any range, begins with a full hour: up to an hour
/// earlier than asked for. `from` in the answer says when.
#[utoipa::path(get, path = "/api/v2/matrix", tag = "reading",
    params(Range, Conditions,
        ("percentiles" = Option<bool>, Query, description = "Whether percentiles are wanted (default true); without them it is faster"),
        Form),
    responses((status = 200, body = MatrixAnswer, content_type = "application/json")),
    security(("key" = []), ("basic" = [])))]
#[expect(dead_code, reason = "carries a description")]
fn matrix() {}

/// The SLA statement of a month or another period: availability, loss and delay with and without announced work.
///
/// The same question on the same data gets the same bytes. 422 `time_expired` if inputs are not kept any more: a
/// statement is never approximated.
#[utoipa::path(get, path = "/api/v2/sla", tag = "reading",
    params(
        ("month" = Option<String>, Query, description = "A calendar month, such as 2026-10; or `from` and `to`"),
        ("from" = Option<String>, Query, description = "First instant, RFC 3339"),
        ("to" = Option<String>, Query, description = "First instant behind it, RFC 3339"),
        ("tz" = Option<String>, Query, description = "Time zone in which the month begins and ends (default UTC)"),
        ("profile" = Option<String>, Query, description = "A profile of the configuration (default `default`)"),
        ("site" = Option<Vec<String>>, Query, description = "Only pairs between these sites; may be repeated"),
        ("source" = Option<String>, Query, description = "Only pairs that this probe measures"),
        ("target" = Option<String>, Query, description = "Only pairs in which this probe is measured"),
        ("family" = Option<u8>, Query, description = "4 or 6; both if not given"),
        ("test" = Option<String>, Query, description = "The test, `icmp` by default"),
        Form),
    responses((status = 200, body = Document, content_type = "application/json")),
    security(("key" = []), ("basic" = [])))]
#[expect(dead_code, reason = "carries a description")]
fn sla() {}

/// The plan of a probe, for its own key or for one that may read.
#[utoipa::path(get, path = "/api/v2/plan/{probe}", tag = "probes",
    params(("probe" = String, Path, description = "Name of the probe"),
           ("start" = Option<String>, Query, description = "Start of the round, RFC 3339: decides which time windows are open")),
    responses((status = 200, body = serde_json::Value, content_type = "application/json")),
    security(("key" = []), ("basic" = [])))]
#[expect(dead_code, reason = "carries a description")]
fn plan() {}

/// Takes the report of one round; 200 once it is durable.
#[utoipa::path(post, path = "/api/v2/reports", tag = "probes", request_body = serde_json::Value,
    responses((status = 200, body = serde_json::Value, content_type = "application/json")),
    security(("key" = []), ("basic" = [])))]
#[expect(dead_code, reason = "carries a description")]
fn reports() {}

/// The latest round of a probe in the words of the original.
#[utoipa::path(get, path = "/api/v1/data/probe/{name}/last", tag = "reading",
    params(("name" = String, Path, description = "Name of the probe")),
    responses((status = 200, body = serde_json::Value, content_type = "application/json")),
    security(("key" = []), ("basic" = [])))]
#[expect(dead_code, reason = "carries a description")]
fn last() {}

/// The list of probes for probes of the original: IPv4 entries, with `family=all` both.
#[utoipa::path(get, path = "/api/v1/conf/probes", tag = "legacy",
    params(("family" = Option<String>, Query, description = "`all` for both families")),
    responses((status = 200, body = serde_json::Value, content_type = "application/json")),
    security(("key" = []), ("basic" = [])))]
#[expect(dead_code, reason = "carries a description")]
fn legacy_list() {}

/// Takes what a probe of the original measured.
#[utoipa::path(post, path = "/api/v1/data/probe-result", tag = "legacy", request_body = serde_json::Value,
    responses((status = 200, body = serde_json::Value, content_type = "application/json")),
    security(("key" = []), ("basic" = [])))]
#[expect(dead_code, reason = "carries a description")]
fn legacy_post() {}

/// Whether requests are answered at all.
#[utoipa::path(get, path = "/healthz", tag = "operations",
    responses((status = 200, body = serde_json::Value, content_type = "application/json")))]
#[expect(dead_code, reason = "carries a description")]
fn healthz() {}

/// Whether reports can be taken, and what is wrong if not; 503 with the same document if they cannot.
#[utoipa::path(get, path = "/readyz", tag = "operations",
    responses((status = 200, body = serde_json::Value, content_type = "application/json"),
              (status = 503, body = serde_json::Value, content_type = "application/json")))]
#[expect(dead_code, reason = "carries a description")]
fn readyz() {}

/// Counters of this collector and the latest of every pair, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operations",
    responses((status = 200, body = String, content_type = "text/plain")),
    security(("key" = []), ("basic" = [])))]
#[expect(dead_code, reason = "carries a description")]
fn metrics() {}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "operations",
    responses((status = 200, body = serde_json::Value, content_type = "application/json")))]
#[expect(dead_code, reason = "carries a description")]
fn openapi_json() {}
