//! The HTTP surface: what is answered at which path.

mod answer;
mod body;
pub mod envelope;
mod last;
mod legacy;
pub mod openapi;
mod operations;
mod packed;
mod pages;
mod plan;
mod query;
mod read;
mod reports;
mod sla;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::guard::{Any, Get, Head};
use actix_web::middleware::from_fn;
use actix_web::{Error, Resource, Route, web};

use crate::error::ApiError;
use crate::routes::packed::packed;

/// The prefix of the original's probes; nginx strips it, without nginx we do.
const OLD_PREFIX: &str = "/backend";

/// Registers every path, each also under `/backend`.
pub fn configure(app: &mut web::ServiceConfig) {
    app.service(
        web::scope(OLD_PREFIX)
            .configure(paths)
            .default_service(web::to(nothing_here)),
    )
    .configure(paths)
    .default_service(web::to(nothing_here))
    .app_data(web::PathConfig::default().error_handler(|_, _| ApiError::not_found().into()));
}

fn paths(app: &mut web::ServiceConfig) {
    app.configure(pages::configure)
        .service(read("/healthz").route(get().to(operations::healthz)))
        .service(read("/readyz").route(get().to(operations::readyz)))
        .service(read("/metrics").route(get().to(operations::metrics)))
        .service(read("/api/v1/conf/probes").route(get().to(legacy::list)))
        .service(read("/api/v1/data/probe/{name}/last").route(get().to(last::last)))
        .service(write("/api/v1/data/probe-result").route(web::post().to(legacy::post)))
        .service(read("/api/v2/plan/{probe}").route(get().to(plan::plan)))
        .service(read_packed("/api/v2/probes").route(get().to(read::probes)))
        .service(read_packed("/api/v2/results").route(get().to(read::results)))
        .service(read_packed("/api/v2/series").route(get().to(read::series)))
        .service(read_packed("/api/v2/matrix").route(get().to(read::matrix)))
        .service(read_packed("/api/v2/sla").route(get().to(sla::sla)))
        .service(read_packed("/openapi.json").route(get().to(openapi::openapi)))
        .service(write("/api/v2/reports").route(web::post().to(reports::post)));
}

/// A resource that can be read and nothing else.
fn read(path: &str) -> Resource {
    web::resource(path).default_service(web::to(read_only))
}

/// The same, whose answers may be long: who takes gzip gets them packed.
fn read_packed(
    path: &str,
) -> Resource<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = Error,
        InitError = (),
    >,
> {
    read(path).wrap(from_fn(packed))
}

/// A resource to which something is posted and nothing else.
fn write(path: &str) -> Resource {
    web::resource(path).default_service(web::to(write_only))
}

fn get() -> Route {
    web::route().guard(Any(Get()).or(Head()))
}

async fn read_only() -> Result<String, ApiError> {
    Err(ApiError::method_not_allowed("GET, HEAD"))
}

async fn write_only() -> Result<String, ApiError> {
    Err(ApiError::method_not_allowed("POST"))
}

async fn nothing_here() -> Result<String, ApiError> {
    Err(ApiError::not_found())
}
