//! Reading a request's body: bounded in size, also inflated, and in time. Only after the key was checked.

use std::io::Read as _;
use std::sync::Arc;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::{HttpRequest, web};
use flate2::read::MultiGzDecoder;

use crate::config::Limits;
use crate::config::unit;
use crate::context::Context;
use crate::error::{ApiError, Code};

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As it is.
    Plain,
    /// gzip (RFC 1952).
    Gzip,
}

/// A body as it came.
#[derive(Debug)]
pub(crate) struct Body {
    bytes: web::Bytes,
    encoding: Encoding,
}

/// Reads a body that has to be JSON.
///
/// # Errors
///
/// 415, 413, 408, or 400 if the connection breaks.
pub(crate) async fn read(
    request: &HttpRequest,
    payload: web::Payload,
    limits: &Limits,
) -> Result<Body, ApiError> {
    check_type(request)?;
    let encoding = encoding(request)?;
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limits.body) {
        return Err(too_large(limits));
    }
    let read = payload.to_bytes_limited(limits.body);
    match tokio::time::timeout(limits.body_time, read).await {
        Ok(Ok(Ok(bytes))) => Ok(Body { bytes, encoding }),
        Ok(Ok(Err(_))) => Err(ApiError::new(Code::BadRequest, "the body ended too early")),
        Ok(Err(_)) => Err(too_large(limits)),
        Err(_) => {
            let limit = unit::duration_text(limits.body_time);
            Err(ApiError::new(
                Code::RequestTimeout,
                format!("the body was not there after {limit}"),
            ))
        }
    }
}

/// Unpacks `body` and judges it, on a thread that answers no requests. Answers its size unpacked, too.
///
/// Only a few are unpacked at a time: each may become a thousand times larger than what was sent.
///
/// # Errors
///
/// Those of unpacking and of `judge`.
pub(crate) async fn judge<T: Send + 'static>(
    context: &web::Data<Context>,
    body: Body,
    judge: impl FnOnce(&Context, &[u8]) -> Result<T, ApiError> + Send + 'static,
) -> Result<(T, usize), ApiError> {
    let turn = Arc::clone(&context.unpacking).acquire_owned().await;
    let shared = context.clone();
    let judged = web::block(move || {
        // Kept to the end of the work, also if whoever asked has gone away.
        let _turn = turn;
        let body = body.unpack(&shared.config.limits)?;
        Ok((judge(&shared, &body)?, body.len()))
    });
    judged.await.map_err(|_| ApiError::internal())?
}

impl Body {
    /// The body unpacked. Takes time for a large one, so not for a thread that answers requests.
    ///
    /// # Errors
    ///
    /// 413 above the limit, whatever the packed size; 400 if it is not what it says.
    fn unpack(self, limits: &Limits) -> Result<Vec<u8>, ApiError> {
        if self.encoding == Encoding::Plain {
            return Ok(self.bytes.into());
        }
        let mut unpacked = Vec::new();
        // One byte more than the limit tells a body at the limit from one above it; a bomb stops here.
        let mut decoder = MultiGzDecoder::new(&self.bytes[..]).take(limits.body as u64 + 1);
        decoder
            .read_to_end(&mut unpacked)
            .map_err(|_| ApiError::new(Code::BadEncoding, "the body is not gzip as Content-Encoding says"))?;
        if unpacked.len() > limits.body {
            return Err(too_large(limits));
        }
        Ok(unpacked)
    }
}

fn too_large(limits: &Limits) -> ApiError {
    ApiError::new(
        Code::TooLarge,
        format!("the body is larger than {} bytes", limits.body),
    )
}

fn check_type(request: &HttpRequest) -> Result<(), ApiError> {
    let value = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(ApiError::new(
            Code::UnsupportedMediaType,
            "the body must be application/json",
        ))
    }
}

fn encoding(request: &HttpRequest) -> Result<Encoding, ApiError> {
    let Some(value) = request.headers().get(CONTENT_ENCODING) else {
        return Ok(Encoding::Plain);
    };
    match value
        .to_str()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
        .as_str()
    {
        "" | "identity" => Ok(Encoding::Plain),
        "gzip" | "x-gzip" => Ok(Encoding::Gzip),
        _ => Err(ApiError::new(
            Code::UnsupportedEncoding,
            "the body may be gzip or not packed at all",
        )),
    }
}
