//! What a client is told when something is wrong: a stable code, and a text without internals.

use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};

/// Every code that this collector answers with, and its status. The set is part of the API.
pub const CODES: &[(Code, &str, u16)] = &[
    (Code::BadRequest, "bad_request", 400),
    (Code::BadJson, "bad_json", 400),
    (Code::BadEncoding, "bad_encoding", 400),
    (Code::BadQuery, "bad_query", 400),
    (Code::KeyMissing, "key_missing", 401),
    (Code::KeyInvalid, "key_invalid", 401),
    (Code::Forbidden, "forbidden", 403),
    (Code::NotFound, "not_found", 404),
    (Code::UnknownProbe, "unknown_probe", 404),
    (Code::RosterUnavailable, "roster_unavailable", 404),
    (Code::MethodNotAllowed, "method_not_allowed", 405),
    (Code::RequestTimeout, "request_timeout", 408),
    (Code::TooLarge, "too_large", 413),
    (Code::UnsupportedMediaType, "unsupported_media_type", 415),
    (Code::UnsupportedEncoding, "unsupported_encoding", 415),
    (Code::SchemaUnsupported, "schema_unsupported", 422),
    (Code::TimeAhead, "time_ahead", 422),
    (Code::TimeExpired, "time_expired", 422),
    (Code::TooManyRequests, "too_many_requests", 429),
    (Code::SourceMissing, "source_missing", 500),
    (Code::BadName, "bad_name", 500),
    (Code::NoGoodItem, "no_good_item", 500),
    (Code::Internal, "internal", 500),
    (Code::StoreUnavailable, "store_unavailable", 503),
    (Code::Unavailable, "unavailable", 503),
];

/// A kind of error, as programs tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// Something about the request that no other code says.
    BadRequest,
    /// The body is not JSON, or not of the types documented.
    BadJson,
    /// Not what `Content-Encoding` says: damaged on its way, perhaps, so that the sender keeps its copy.
    BadEncoding,
    /// A query parameter is unknown or has no such value.
    BadQuery,
    /// No key was sent.
    KeyMissing,
    /// The key is unknown, expired or revoked.
    KeyInvalid,
    /// The key is valid and may not do this.
    Forbidden,
    /// There is nothing at this path.
    NotFound,
    /// No probe has this name.
    UnknownProbe,
    /// No roster was ever loaded.
    RosterUnavailable,
    /// The path knows other methods.
    MethodNotAllowed,
    /// The body took too long.
    RequestTimeout,
    /// The body, inflated too, is larger than the limit, or holds too many results.
    TooLarge,
    /// Not `application/json`.
    UnsupportedMediaType,
    /// Neither gzip nor plain.
    UnsupportedEncoding,
    /// A report schema that this collector does not read.
    SchemaUnsupported,
    /// The round began after now.
    TimeAhead,
    /// The round is older than what is kept.
    TimeExpired,
    /// Too many requests with this key, or failures of this address.
    TooManyRequests,
    /// A legacy post without a source.
    SourceMissing,
    /// A legacy post whose source is no name.
    BadName,
    /// A legacy post without a single good item.
    NoGoodItem,
    /// A mistake of ours; the log says which.
    Internal,
    /// The store cannot take it now.
    StoreUnavailable,
    /// The collector is stopping.
    Unavailable,
}

impl Code {
    /// The code as it stands in an answer.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        CODES
            .iter()
            .find(|(code, ..)| *code == self)
            .map_or("internal", |(_, text, _)| text)
    }

    /// The code that an answer spells `text`.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        CODES
            .iter()
            .find(|(_, known, _)| *known == text)
            .map(|(code, ..)| *code)
    }

    /// The status it is answered with, except on the legacy paths.
    #[must_use]
    pub fn status(self) -> StatusCode {
        CODES
            .iter()
            .find(|(code, ..)| *code == self)
            .and_then(|(_, _, status)| StatusCode::from_u16(*status).ok())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// An answer that is not a success.
#[derive(Debug, Clone)]
pub struct ApiError {
    code: Code,
    status: StatusCode,
    text: String,
    retry_after: Option<Duration>,
    allow: Option<&'static str>,
}

impl ApiError {
    /// An error with `code`; `text` is for people and holds no internals.
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self {
            code,
            status: code.status(),
            text: text.into(),
            retry_after: None,
            allow: None,
        }
    }

    /// The same with another status: the legacy paths keep those of the original.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same, with the time after which a client may try again.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// A mistake of ours; its cause belongs into the log.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            Code::Internal,
            "internal error; the collector's log says more under this request id",
        )
    }

    /// There is nothing at this path.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "there is nothing at this path")
    }

    /// The path knows only the methods `allow`.
    #[must_use]
    pub fn method_not_allowed(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::new(Code::MethodNotAllowed, format!("this path knows {allow}"))
        }
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some(after) = self.retry_after {
            // Rounded up: earlier would be too early.
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            response.insert_header((RETRY_AFTER, seconds.max(1).to_string()));
        }
        if let Some(allow) = self.allow {
            response.insert_header((ALLOW, allow));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((WWW_AUTHENTICATE, "Basic realm=\"IXPQoS\", charset=\"UTF-8\""));
        }
        let body = ippm::wire::error::ErrorV1 {
            error: self.text.clone(),
            code: Some(self.code.as_str().to_owned()),
        };
        let mut response = response.json(body);
        response.extensions_mut().insert(self.code);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once_in_the_table() {
        for (code, text, status) in CODES {
            assert_eq!(Code::from_text(text), Some(*code));
            assert_eq!(code.as_str(), *text);
            assert_eq!(code.status().as_u16(), *status);
        }
        let distinct: std::collections::BTreeSet<Code> = CODES.iter().map(|(code, ..)| *code).collect();
        assert_eq!(distinct.len(), CODES.len());
    }
}
