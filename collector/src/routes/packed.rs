//! Bodies as gzip for whoever takes it.
//!
//! It is the dearest part of many an answer, so that it too is done on threads that give way to accepting results.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    AcceptEncoding, CONTENT_ENCODING, ETAG, Encoding, HeaderMap, HeaderValue, VARY,
};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage as _, HttpRequest, web};

use crate::context::Context;
use crate::gzip;

/// Packs the body of an answer if its client takes gzip (RFC 9110 §12.5.3).
///
/// An answer that cannot be packed is given as it is: also to a client that takes nothing that we have, as
/// RFC 9110 §12.4.1 allows.
pub(crate) async fn packed(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let (request, response) = next.call(request).await?.into_parts();
    let (mut response, body) = response.into_parts();
    varies(response.headers_mut());
    let body = match body.try_into_bytes() {
        Ok(plain) if gzip::MIN_BYTES <= plain.len() && takes_gzip(&request) => {
            let packed = pack(&request, plain.clone()).await;
            if packed.is_some() {
                mark(response.headers_mut());
            }
            BoxBody::new(packed.unwrap_or(plain))
        }
        Ok(plain) => BoxBody::new(plain),
        Err(body) => BoxBody::new(body),
    };
    Ok(ServiceResponse::new(request, response.set_body(body)))
}

fn takes_gzip(request: &HttpRequest) -> bool {
    let offered = [Encoding::identity(), Encoding::gzip()];
    request
        .get_header::<AcceptEncoding>()
        .and_then(|accepted| accepted.negotiate(offered.iter()))
        == Some(Encoding::gzip())
}

/// `plain` as gzip; `None` if the threads that make it end.
async fn pack(request: &HttpRequest, plain: Bytes) -> Option<Bytes> {
    let context = request.app_data::<web::Data<Context>>()?;
    match context.read_threads.make(async move { gzip::pack(&plain) }).await {
        Ok(packed) => Some(Bytes::from(packed)),
        Err(error) => {
            log::warn!("an answer was not packed: {error}");
            None
        }
    }
}

/// Who keeps answers has to keep both forms apart.
fn varies(headers: &mut HeaderMap) {
    let says_so = headers
        .get_all(VARY)
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("Accept-Encoding"));
    if !says_so {
        headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
}

/// Says that the body is packed. Its tag is of the plain one, which makes it a weak one of this one (RFC 9110 §8.8.1).
fn mark(headers: &mut HeaderMap) {
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    let strong = headers
        .get(ETAG)
        .filter(|tag| !tag.as_bytes().starts_with(b"W/"))
        .and_then(|tag| HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat()).ok());
    if let Some(weak) = strong {
        headers.insert(ETAG, weak);
    }
}
