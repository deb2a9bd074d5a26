//! The dashboard: the thin edge between HTTP and [`crate::pages`].

mod answer;
mod ask;
mod sla;

use actix_web::http::header::{CACHE_CONTROL, ETAG};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};

use crate::context::Context;
use crate::error::ApiError;
use crate::pages::explained::ExplainedPage;
use crate::pages::matrix::{self, MatrixPage};
use crate::pages::pair::{self, PairPage};
use crate::pages::probes::ProbesPage;
use crate::pages::sla::SlaPage;
use crate::pages::{asset, link};
use crate::routes::pages::answer::{Html, answer, deliver};
use crate::routes::read::made;
use crate::routes::{get, read_packed};
use crate::{auth, pages};

/// The address changes with the file.
const CACHE_VERSIONED: &str = "public, max-age=31536000, immutable";
const CACHE_ASSET: &str = "public, no-cache";

/// Registers the pages.
pub(crate) fn configure(app: &mut web::ServiceConfig) {
    app.service(read_packed("/").route(get().to(matrix)))
        .service(read_packed("/pair/{source}/{target}").route(get().to(pair)))
        .service(read_packed("/probes").route(get().to(probes)))
        .service(read_packed("/sla").route(get().to(sla)))
        .service(read_packed("/metrics-explained").route(get().to(explained)))
        .service(read_packed("/assets/{name}").route(get().to(file)));
}

async fn matrix(request: HttpRequest, context: web::Data<Context>) -> HttpResponse {
    let page = async {
        auth::reading(&request, &context)?;
        let choice = pages::choice::MatrixChoice::parse(&ask::parameters(&request)?).map_err(ask::refused)?;
        let page = made(&context, |context| async move {
            let answer = ask::matrix(&context, &choice).await?;
            Html::of(&MatrixPage::new(matrix::Source {
                choice,
                matrix: &answer.matrix,
                directory: &answer.directory,
                tests: answer.tests,
                probes: ask::probes_of_roster(&context),
                is_synthetic: answer.is_synthetic,
            }))
        });
        page.await
    };
    answer(&request, link::ROOT, page.await)
}

async fn pair(
    request: HttpRequest,
    context: web::Data<Context>,
    path: web::Path<(String, String)>,
) -> HttpResponse {
    let page = async {
        auth::reading(&request, &context)?;
        let choice = pages::choice::PairChoice::parse(&ask::parameters(&request)?).map_err(ask::refused)?;
        let (source, target) = path.into_inner();
        let page = made(&context, |context| async move {
            // It asks seven questions at once, too much for the stack of a thread.
            let answer = Box::pin(ask::pair(&context, &choice, (&source, &target))).await?;
            Html::of(&PairPage::new(pair::Source {
                choice,
                there: &answer.there,
                back: &answer.back,
                totals: [answer.totals[0].as_ref(), answer.totals[1].as_ref()],
                rounds: &answer.rounds,
                chosen: answer.chosen.as_ref(),
                directory: &answer.directory,
                tests: answer.tests,
                is_synthetic: answer.is_synthetic,
            }))
        });
        page.await
    };
    answer(&request, link::ROOT_OF_PAIR, page.await)
}

async fn probes(request: HttpRequest, context: web::Data<Context>) -> HttpResponse {
    let page = async {
        auth::reading(&request, &context)?;
        ask::nothing(&request)?;
        let page = made(&context, |context| async move {
            let liveness = ask::liveness(&context).await?;
            Html::of(&ProbesPage::new(&liveness, ask::probes_of_roster(&context)))
        });
        page.await
    };
    answer(&request, link::ROOT, page.await)
}

async fn sla(request: HttpRequest, context: web::Data<Context>) -> HttpResponse {
    let page = async {
        auth::reading(&request, &context)?;
        let choice = pages::choice::SlaChoice::parse(&ask::parameters(&request)?).map_err(ask::refused)?;
        let page = made(&context, |context| async move {
            let (statement, is_synthetic) = sla::statement(&context, &choice).await?;
            Html::of(&SlaPage::new(
                &choice,
                &context.config.sla,
                statement.as_ref(),
                context.clock.now(),
                is_synthetic,
            ))
        });
        page.await
    };
    answer(&request, link::ROOT, page.await)
}

async fn explained(request: HttpRequest, context: web::Data<Context>) -> HttpResponse {
    let page = auth::reading(&request, &context)
        .and_then(|()| ask::nothing(&request))
        .and_then(|()| Html::of(&ExplainedPage::new()));
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
    let headers = [(CACHE_CONTROL, cache), (ETAG, tag.as_str())];
    deliver(&request, asset.content_type, headers, asset.bytes.to_vec())
}
