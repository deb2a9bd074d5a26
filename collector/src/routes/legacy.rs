//! The two endpoints of the original, byte for byte.

use actix_web::{HttpRequest, HttpResponse, web};
use ippm::wire::roster::ProbeListV1;

use crate::auth;
use crate::context::Context;
use crate::error::{ApiError, Code};

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
        .as_ref()
        .ok_or_else(|| ApiError::new(Code::RosterUnavailable, "unable to retrieve list of probes"))?;
    Ok(HttpResponse::Ok().json(ProbeListV1::new(roster, all_families)))
}
