//! The dashboard: the thin edge between HTTP and [`crate::pages`].

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH,
};
use actix_web::middleware::Compress;
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use askama::Template;
use sha2::{Digest as _, Sha256};

use crate::auth;
use crate::config::reader::hex;
use crate::context::Context;
use crate::error::ApiError;
use crate::pages::explained::ExplainedPage;
use crate::pages::fault::FaultPage;
use crate::pages::{asset, link};
use crate::routes::{get, read};

/// Nothing is loaded from another host, nothing inline is run, and nobody frames a page.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const HTML: &str = "text/html; charset=utf-8";
/// Asked again each time, and kept by nobody in between.
const CACHE_PAGE: &str = "private, no-cache";
/// The address changes with the file.
const CACHE_VERSIONED: &str = "public, max-age=31536000, immutable";
const CACHE_ASSET: &str = "public, no-cache";

/// Registers the pages.
pub(crate) fn configure(app: &mut web::ServiceConfig) {
    app.service(
        read("/metrics-explained")
            .wrap(Compress::default())
            .route(get().to(explained)),
    )
    .service(
        read("/assets/{name}")
            .wrap(Compress::default())
            .route(get().to(file)),
    );
}

async fn explained(request: HttpRequest, context: web::Data<Context>) -> HttpResponse {
    let page = auth::reading(&request, &context).map(|()| ExplainedPage::new());
    answer(&request, link::ROOT, page)
}

/// A file that pages load; it holds no data, so that the page of a refusal has its style too.
async fn file(request: HttpRequest, name: web::Path<String>) -> HttpResponse {
    let Some(asset) = asset::find(&name) else {
        return ApiError::not_found().error_response();
    };
    let is_versioned = request.query_string() == format!("v={}", asset.version);
    let cache = if is_versioned {
        CACHE_VERSIONED
    } else {
        CACHE_ASSET
    };
    let tag = format!("\"{}\"", asset.version);
    deliver(&request, asset.content_type, cache, &tag, asset.bytes.to_vec())
}

/// The page, or the page of its error.
fn answer<T: Template>(request: &HttpRequest, root: &'static str, page: Result<T, ApiError>) -> HttpResponse {
    let rendered = page.and_then(|page| {
        page.render().map_err(|error| {
            log::error!("page {} not made: {error}", request.path());
            ApiError::internal()
        })
    });
    match rendered {
        Ok(html) => {
            let tag = format!("\"{}\"", hex(&Sha256::digest(html.as_bytes())[..16]));
            deliver(request, HTML, CACHE_PAGE, &tag, html.into_bytes())
        }
        Err(error) => refusal(root, &error),
    }
}

fn deliver(
    request: &HttpRequest,
    content_type: &'static str,
    cache: &'static str,
    tag: &str,
    body: Vec<u8>,
) -> HttpResponse {
    let is_known = request
        .headers()
        .get_all(IF_NONE_MATCH)
        .any(|known| is_same(known, tag));
    let mut response = HttpResponse::build(if is_known {
        StatusCode::NOT_MODIFIED
    } else {
        StatusCode::OK
    });
    response
        .insert_header((CACHE_CONTROL, cache))
        .insert_header((ETAG, tag))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY));
    if is_known {
        return response.finish();
    }
    response.insert_header((CONTENT_TYPE, content_type)).body(body)
}

/// Weak comparison (RFC 9110 §8.8.3.2): a proxy that compresses makes a tag weak.
fn is_same(known: &HeaderValue, tag: &str) -> bool {
    known.to_str().is_ok_and(|known| {
        known
            .split(',')
            .map(str::trim)
            .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
    })
}

/// The same status, code and headers as JSON would have, for people.
fn refusal(root: &'static str, error: &ApiError) -> HttpResponse {
    let response = error.error_response();
    let page = FaultPage::new(
        root,
        response.status().as_u16(),
        error.code().as_str(),
        &error.to_string(),
    );
    let Ok(html) = page.render() else {
        return response;
    };
    let mut response = response.set_body(BoxBody::new(html));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(HTML));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
