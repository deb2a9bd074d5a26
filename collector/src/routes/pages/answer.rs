//! A page as an answer, and an error as a page.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue,
};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _};
use askama::Template;

use crate::error::ApiError;
use crate::pages::fault::FaultPage;
use crate::tag;

/// Nothing is loaded from another host, nothing inline is run, and nobody frames a page.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const HTML: &str = "text/html; charset=utf-8";
/// Asked again each time, and kept by nobody in between.
const CACHE_PAGE: &str = "private, no-cache";

/// A page as text.
pub(super) struct Html {
    text: String,
    tag: String,
}

impl Html {
    /// Writes a page.
    pub(super) fn of<T: Template>(page: &T) -> Result<Self, ApiError> {
        let text = page.render().map_err(|error| {
            log::error!("a page was not made: {error}");
            ApiError::internal()
        })?;
        let tag = tag::of(text.as_bytes());
        Ok(Self { text, tag })
    }
}

/// The page, or the page of its error.
pub(super) fn answer(
    request: &HttpRequest,
    root: &'static str,
    page: Result<Html, ApiError>,
) -> HttpResponse {
    match page {
        Ok(Html { text, tag }) => {
            let headers = [(CACHE_CONTROL, CACHE_PAGE), (ETAG, tag.as_str())];
            deliver(request, HTML, headers, text.into_bytes())
        }
        Err(error) => refusal(root, &error),
    }
}

/// The body with `Cache-Control` and `ETag`, or nothing if the client has it.
pub(super) fn deliver(
    request: &HttpRequest,
    content_type: &'static str,
    [cache, entity]: [(HeaderName, &str); 2],
    body: Vec<u8>,
) -> HttpResponse {
    let is_known = tag::is_known(request, entity.1);
    let mut response = HttpResponse::build(if is_known {
        StatusCode::NOT_MODIFIED
    } else {
        StatusCode::OK
    });
    response
        .insert_header(cache)
        .insert_header(entity)
        .insert_header((CONTENT_SECURITY_POLICY, POLICY));
    if is_known {
        return response.finish();
    }
    response.insert_header((CONTENT_TYPE, content_type)).body(body)
}

/// The same status, code and headers as JSON would have, for people.
fn refusal(root: &'static str, error: &ApiError) -> HttpResponse {
    let response = error.error_response();
    let status = response.status().as_u16();
    let page = FaultPage::new(root, status, error.code().as_str(), &error.to_string());
    let Ok(html) = page.render() else {
        return response;
    };
    let mut response = response.set_body(BoxBody::new(html));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(HTML));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
