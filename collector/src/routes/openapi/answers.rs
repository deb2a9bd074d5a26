//! What each endpoint may answer beside its success, and the headers of its requests and answers.

use utoipa::Modify;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{Content, Object, OpenApi, Ref, RefOr, Required, Response, Type};

use crate::error::Code;

/// Fills in what the descriptions of single endpoints leave out.
pub(super) struct Answers;

/// Refusals of everything that wants a key.
const KEYED: &[Code] = &[
    Code::KeyMissing,
    Code::KeyInvalid,
    Code::TooManyRequests,
    Code::Internal,
];
/// Refusals of questions about what is stored, beside [`KEYED`].
const READING: &[Code] = &[Code::BadQuery, Code::Forbidden, Code::StoreUnavailable];
/// Refusals of a body, beside [`KEYED`].
const POSTING: &[Code] = &[
    Code::BadRequest,
    Code::BadJson,
    Code::BadEncoding,
    Code::RequestTimeout,
    Code::TooLarge,
    Code::UnsupportedMediaType,
    Code::UnsupportedEncoding,
    Code::StoreUnavailable,
    Code::Unavailable,
];

/// The codes that `path` answers with instead of a success; none for what answers anybody.
fn codes(path: &str) -> Vec<Code> {
    let parts: &[&[Code]] = match path {
        "/api/v2/probes" | "/api/v2/results" | "/api/v2/series" | "/api/v2/matrix" => &[KEYED, READING],
        "/api/v2/sla" => &[KEYED, READING, &[Code::RosterUnavailable, Code::TimeExpired]],
        "/api/v2/plan/{probe}" => &[
            KEYED,
            &[
                Code::BadQuery,
                Code::Forbidden,
                Code::UnknownProbe,
                Code::Unavailable,
            ],
        ],
        "/api/v2/reports" => &[
            KEYED,
            POSTING,
            &[
                Code::Forbidden,
                Code::SchemaUnsupported,
                Code::TimeAhead,
                Code::TimeExpired,
            ],
        ],
        "/api/v1/data/probe/{name}/last" => &[
            KEYED,
            &[Code::Forbidden, Code::UnknownProbe, Code::StoreUnavailable],
        ],
        "/api/v1/conf/probes" => &[KEYED, &[Code::BadQuery, Code::RosterUnavailable]],
        "/api/v1/data/probe-result" => &[
            KEYED,
            POSTING,
            &[Code::SourceMissing, Code::BadName, Code::NoGoodItem],
        ],
        "/metrics" => &[KEYED, &[Code::Forbidden]],
        _ => &[],
    };
    parts.concat()
}

/// The status with which `path` answers `code`.
fn status(path: &str, code: Code) -> u16 {
    match (path, code) {
        ("/api/v1/conf/probes" | "/api/v1/data/probe-result", Code::KeyMissing) => 400,
        ("/api/v1/conf/probes" | "/api/v1/data/probe-result", Code::KeyInvalid) => 403,
        ("/api/v1/data/probe-result", Code::RequestTimeout | Code::TooLarge | Code::TooManyRequests) => {
            code.status().as_u16()
        }
        // As the original answers, which knows no other.
        ("/api/v1/data/probe-result", _) => 500,
        _ => code.status().as_u16(),
    }
}

/// What may be asked for as a table, too.
fn is_table(path: &str) -> bool {
    matches!(
        path,
        "/api/v2/probes" | "/api/v2/results" | "/api/v2/series" | "/api/v2/matrix" | "/api/v2/sla"
    )
}

/// What has an entity tag.
fn is_tagged(path: &str) -> bool {
    is_table(path) || path == "/api/v2/plan/{probe}"
}

impl Modify for Answers {
    fn modify(&self, document: &mut OpenApi) {
        for (path, item) in &mut document.paths.paths {
            for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
                refusals(path, operation);
                forms(path, operation);
                headers(path, operation);
            }
        }
    }
}

/// One response for each status, with the codes that it comes with.
fn refusals(path: &str, operation: &mut Operation) {
    let mut all: Vec<(u16, &str)> = codes(path)
        .into_iter()
        .map(|code| (status(path, code), code.as_str()))
        .collect();
    all.sort_unstable();
    for of_status in all.chunk_by(|(status, _), (other, _)| status == other) {
        let codes: Vec<String> = of_status.iter().map(|(_, code)| format!("`{code}`")).collect();
        let mut response = Response::new(codes.join(", "));
        let error = Content::new(Some(Ref::from_schema_name("ErrorAnswer")));
        response
            .content
            .insert("application/json".to_owned(), RefOr::T(error));
        let status = of_status[0].0;
        // A legacy post that failed says in its code alone whether it may be repeated.
        if matches!(status, 429 | 503) {
            add_header(&mut response, "Retry-After", "Seconds after which to try again.");
        }
        let responses = &mut operation.responses.responses;
        responses.insert(status.to_string(), RefOr::T(response));
    }
}

/// Tables, and the answer to whoever has the present one already.
fn forms(path: &str, operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    if let Some(RefOr::T(success)) = responses.get_mut("200") {
        if success.description.is_empty() {
            "What was asked for".clone_into(&mut success.description);
        }
        if is_table(path) {
            let text = Object::builder().schema_type(Type::String).build();
            let table = Content::new(Some(text));
            success.content.insert("text/csv".to_owned(), RefOr::T(table));
        }
        if is_tagged(path) {
            add_header(success, "ETag", "Changes with the body.");
        }
        if is_table(path) && path != "/api/v2/sla" {
            let age = "Seconds since the youngest round in the answer began; absent if there is none.";
            add_header(success, "IXPQoS-Data-Age", age);
        }
    }
    if is_tagged(path) {
        let mut known = Response::new("As the client has it");
        add_header(&mut known, "ETag", "Changes with the body.");
        responses.insert("304".to_owned(), RefOr::T(known));
    }
}

/// The headers of a request, and the one that every answer has.
fn headers(path: &str, operation: &mut Operation) {
    let parameters = operation.parameters.get_or_insert_default();
    if is_tagged(path) {
        let tag = "The entity tag of the answer that the client has: 304 if it is still the same.";
        parameters.push(RefOr::T(header("If-None-Match", tag)));
    }
    if path == "/api/v2/reports" {
        let sent = "The sender's Unix time in nanoseconds at this attempt; without it there is no skew.";
        parameters.push(RefOr::T(header("IXPQoS-Sent-At", sent)));
    }
    if matches!(path, "/api/v2/reports" | "/api/v1/data/probe-result") {
        parameters.push(RefOr::T(header(
            "Content-Encoding",
            "`gzip`, or not there for a plain body.",
        )));
    }
    if parameters.is_empty() {
        operation.parameters = None;
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            add_header(
                response,
                "X-Request-Id",
                "The same id stands in the collector's log.",
            );
        }
    }
}

fn header(name: &str, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(Object::builder().schema_type(Type::String).build()))
        .build()
}

fn add_header(response: &mut Response, name: &str, description: &str) {
    let text = Object::builder().schema_type(Type::String).build();
    let mut header = Header::new(text);
    header.description = Some(description.to_owned());
    response.headers.insert(name.to_owned(), RefOr::T(header));
}
