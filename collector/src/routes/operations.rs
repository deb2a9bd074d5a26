//! What operators and their tools ask: does it live, is it ready, what happened.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use ippm::wire::file::Fault as Place;
use serde_json::{Value, json};

use crate::auth;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::health::{self, Fault, Readiness};
use crate::key::Role;
use crate::metrics::Gauge;
use crate::routes::read;
use crate::watch::Loaded;
use crate::watch::file::FileFault;

/// The content type of the Prometheus text format.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Most places of one broken file that `/metrics` names; `/readyz` names all.
const MAX_PLACES: usize = 16;

/// `GET /healthz`: 200 as long as requests are answered at all.
pub(crate) async fn healthz() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body("{\"status\":\"ok\"}")
}

/// `GET /readyz`: 200 if reports can be taken, else 503; the same document in both cases.
pub(crate) async fn readyz(request: HttpRequest, context: web::Data<Context>) -> HttpResponse {
    let readiness = health::readiness(&context, auth::is_local(&request)).await;
    let status = if readiness.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let mut response = HttpResponse::build(status).json(document(&readiness));
    if !readiness.is_ready() {
        // The document says more than an error body could.
        response.extensions_mut().insert(Code::Unavailable);
    }
    response
}

fn document(readiness: &Readiness) -> Value {
    let faults: Vec<Value> = readiness
        .faults
        .iter()
        .map(|fault| match &fault.problem {
            Some(problem) => json!({"file": fault.file, "problem": problem, "places": places(fault)}),
            None => json!({"file": fault.file}),
        })
        .collect();
    let digests = &readiness.digests;
    json!({
        "status": readiness.status,
        "version": readiness.version,
        "instance": readiness.instance,
        "store": readiness.store,
        "digests": {
            "config": digests.config,
            "roster": digests.roster,
            "schedule": digests.schedule,
            "keys": digests.keys,
        },
        "queue": {"waiting": readiness.waiting, "limit": readiness.queue_limit},
        "faults": faults,
    })
}

fn places(fault: &Fault) -> Vec<Value> {
    let place = |place: &Place| json!({"line": place.line, "key": place.path, "problem": place.problem});
    fault.places.iter().map(place).collect()
}

/// `GET /metrics`: for whoever asks from this host, or with a read or admin key.
pub(crate) async fn metrics(
    request: HttpRequest,
    context: web::Data<Context>,
) -> Result<HttpResponse, ApiError> {
    if !(context.config.access.public_metrics || auth::is_local(&request)) {
        let caller = auth::native(&request, &context)?;
        if caller.role == Role::Probe {
            return Err(auth::forbidden("a key with the role read or admin is needed"));
        }
    }
    let readiness = health::readiness(&context, false).await;
    let broken = broken(&context.watch.loaded());
    let mut gauges = gauges(&readiness, &context);
    gauges.extend(broken.iter().map(|(file, line, key)| Gauge {
        name: "ixpqos_file_fault_info",
        help: "Where a file that could not be loaded is wrong.",
        labels: vec![("file", file), ("line", line), ("key", key)],
        value: 1,
    }));
    let mut body = context.metrics.expose(&gauges);
    // Without the store the collector still says how it is itself.
    match context
        .pair_metrics
        .text(&context, &read::directory(&context))
        .await
    {
        Ok(pairs) => body.push_str(&pairs),
        Err(error) => {
            context.metrics.store_errors.add(1);
            log::warn!("metrics of pairs not made: {error}");
        }
    }
    Ok(HttpResponse::Ok().content_type(PROMETHEUS).body(body))
}

/// File, line and key of each place where a file is wrong; a key once.
fn broken(loaded: &Loaded) -> BTreeSet<(&'static str, String, String)> {
    let of_fault = |fault: &FileFault| {
        let file = fault.file;
        let places = fault.places.clone().into_iter().take(MAX_PLACES);
        places.map(move |place| (file, place.line.to_string(), place.path))
    };
    loaded.faults.iter().flat_map(of_fault).collect()
}

fn gauges<'a>(readiness: &'a Readiness, context: &Context) -> Vec<Gauge<'a>> {
    let gauge = |name, help, labels, value| Gauge {
        name,
        help,
        labels,
        value,
    };
    let digest = |file, digest: Option<&'a String>| {
        let labels = vec![("file", file), ("sha256", digest.map_or("", String::as_str))];
        gauge("ixpqos_file_info", "Digest of what is in force.", labels, 1)
    };
    let faulty = |file: &'static str| {
        let value = u64::from(readiness.faults.iter().any(|fault| fault.file == file));
        gauge(
            "ixpqos_file_faulty",
            "Whether the file as it is now could not be loaded.",
            vec![("file", file)],
            value,
        )
    };
    vec![
        gauge(
            "ixpqos_build_info",
            "Version and name of this collector.",
            vec![
                ("version", readiness.version),
                ("instance", readiness.instance.as_str()),
            ],
            1,
        ),
        gauge(
            "ixpqos_ready",
            "Whether reports can be taken.",
            Vec::new(),
            u64::from(readiness.is_ready()),
        ),
        gauge(
            "ixpqos_store_ready",
            "Whether the store is ready.",
            Vec::new(),
            u64::from(readiness.store == "ready"),
        ),
        gauge(
            "ixpqos_queue_reports",
            "Reports that wait for the store.",
            Vec::new(),
            u64::try_from(readiness.waiting).unwrap_or(u64::MAX),
        ),
        gauge(
            "ixpqos_queue_limit_reports",
            "Reports that may wait for the store.",
            Vec::new(),
            u64::try_from(readiness.queue_limit).unwrap_or(u64::MAX),
        ),
        gauge(
            "ixpqos_cells_marked",
            "Hours of probes with results that are in no cell yet.",
            Vec::new(),
            u64::try_from(context.marks.number()).unwrap_or(u64::MAX),
        ),
        digest("config", Some(&readiness.digests.config)),
        digest("roster", readiness.digests.roster.as_ref()),
        digest("schedule", readiness.digests.schedule.as_ref()),
        digest("keys", readiness.digests.keys.as_ref()),
        faulty("roster"),
        faulty("schedule"),
        faulty("keys"),
        faulty("shared_key"),
        gauge(
            "ixpqos_failed_addresses",
            "Client addresses whose failures are remembered.",
            Vec::new(),
            u64::try_from(context.failures.addresses()).unwrap_or(u64::MAX),
        ),
    ]
}
