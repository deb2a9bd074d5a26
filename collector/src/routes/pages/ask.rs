//! What pages ask of reports, in bounded time.

use std::time::Duration;

use actix_web::{HttpRequest, web};
use ippm::{ProbeName, UnixTime};

use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::pages::choice::{ChoiceError, MatrixChoice, PairChoice};
use crate::pages::pair::rounds::SPAN;
use crate::report::directory::Directory;
use crate::report::liveness::{self, Liveness};
use crate::report::matrix::{self, Matrix, MatrixEntry, MatrixQuestion};
use crate::report::rounds::{self, Rounds, RoundsQuestion};
use crate::report::selection::{Filter, Subject, Window};
use crate::report::series::{self, Series, SeriesQuestion};
use crate::report::view::{ReportError, View};
use crate::routes::query::unanswerable;
use crate::routes::read::{asked, directory};
use crate::store::StoreError;
use crate::synthetic;

/// At each end of a window the rounds of this time are asked whether they are synthetic.
const LOOK: Duration = Duration::from_mins(10);
/// Longest period of a plan: the slot of a round begins at most so long before it.
const LONGEST_PERIOD: Duration = Duration::from_hours(1);

/// What the matrix page shows.
pub(super) struct MatrixAnswer {
    pub(super) matrix: Matrix,
    pub(super) directory: Directory,
    pub(super) tests: Vec<String>,
    pub(super) is_synthetic: bool,
}

/// What the page of a pair shows.
pub(super) struct PairAnswer {
    pub(super) there: Series,
    pub(super) back: Series,
    pub(super) totals: [Option<MatrixEntry>; 2],
    pub(super) rounds: Rounds,
    pub(super) chosen: Option<Rounds>,
    pub(super) directory: Directory,
    pub(super) tests: Vec<String>,
    pub(super) is_synthetic: bool,
}

/// The parameters of the address in their order.
pub(super) fn parameters(request: &HttpRequest) -> Result<Vec<(String, String)>, ApiError> {
    web::Query::<Vec<(String, String)>>::from_query(request.query_string())
        .map(web::Query::into_inner)
        .map_err(|_| ApiError::new(Code::BadQuery, "the address has parameters that cannot be read"))
}

/// For a page without parameters.
pub(super) fn nothing(request: &HttpRequest) -> Result<(), ApiError> {
    match parameters(request)?.into_iter().next() {
        Some((name, _)) => Err(refused(ChoiceError::Unknown(name))),
        None => Ok(()),
    }
}

/// A choice that cannot be answered.
#[expect(clippy::needless_pass_by_value, reason = "handed to map_err")]
pub(super) fn refused(error: ChoiceError) -> ApiError {
    ApiError::new(Code::BadQuery, error.to_string())
}

/// How many probes the roster has.
pub(super) fn probes_of_roster(context: &Context) -> Option<usize> {
    let loaded = context.watch.loaded();
    loaded.roster.as_ref().map(|roster| roster.names().count())
}

/// The matrix over the chosen window, of both families.
pub(super) async fn matrix(context: &Context, choice: &MatrixChoice) -> Result<MatrixAnswer, ApiError> {
    let now = context.clock.now();
    let directory = directory(context);
    let question = MatrixQuestion {
        window: Window::last_in_hours(choice.last, now).map_err(|error| unanswerable(&error))?,
        filter: Filter {
            test: Some(choice.test.clone()),
            ..Filter::default()
        },
        with_percentiles: choice.shown.needs_percentiles(),
    };
    let view = context.view(&directory, now);
    let ask = async {
        let matrix = matrix::read(&*context.store, &view, &question).await?;
        let is_synthetic = is_synthetic(context, None, matrix.window, matrix.freshness.latest).await?;
        Ok((matrix, is_synthetic))
    };
    let (matrix, is_synthetic) = asked(context, ask).await?;
    Ok(MatrixAnswer {
        matrix,
        tests: tests(context),
        directory,
        is_synthetic,
    })
}

/// Both directions of a pair over the chosen range.
pub(super) async fn pair(
    context: &Context,
    choice: &PairChoice,
    (source, target): (&str, &str),
) -> Result<PairAnswer, ApiError> {
    let now = context.clock.now();
    let directory = directory(context);
    let there = Subject {
        source: name(source)?,
        target: name(target)?,
        family: choice.family,
        test: choice.test.clone(),
    };
    let back = Subject {
        source: there.target.clone(),
        target: there.source.clone(),
        ..there.clone()
    };
    let (from, to) = choice.range.bounds(now);
    let selection = |error: crate::report::selection::SelectionError| unanswerable(&error);
    let window = Window::new(from, to).map_err(selection)?;
    let latest = if from < now { to.min(now) } else { to };
    let lately = Window::new(from.max(latest.saturating_sub(SPAN)), latest).map_err(selection)?;
    let around = choice.round.and_then(|round| {
        let before = round.saturating_sub(LONGEST_PERIOD);
        Window::new(before, round.saturating_add(Duration::from_nanos(1))).ok()
    });
    let view = context.view(&directory, now);
    let store = &*context.store;
    let list = |window| RoundsQuestion {
        subject: there.clone(),
        window,
    };
    let ask = async {
        let over_time = |subject: &Subject| SeriesQuestion {
            subject: subject.clone(),
            window,
            step: None,
        };
        let chosen = async {
            match around {
                Some(window) => rounds::read(store, &view, &list(window)).await.map(Some),
                None => Ok(None),
            }
        };
        let (first, second) = (over_time(&there), over_time(&back));
        let latest_rounds = list(lately);
        tokio::try_join!(
            series::read(store, &view, &first),
            series::read(store, &view, &second),
            total(store, &view, &there, window),
            total(store, &view, &back, window),
            rounds::read(store, &view, &latest_rounds),
            chosen,
            async { Ok(is_synthetic(context, Some(&there.source), window, Some(latest)).await?) },
        )
    };
    let (first, second, total, total_back, rounds, chosen, is_synthetic) =
        asked(context, Box::pin(ask)).await?;
    let is_known = |name: &ProbeName| {
        let loaded = context.watch.loaded();
        let roster = loaded.roster.as_ref();
        roster.is_some_and(|roster| roster.contains(directory.resolve(name)))
    };
    let is_empty = first.points.is_empty() && second.points.is_empty() && rounds.rounds.is_empty();
    if is_empty && !(is_known(&there.source) && is_known(&there.target)) {
        return Err(unknown());
    }
    Ok(PairAnswer {
        there: first,
        back: second,
        totals: [total, total_back],
        rounds,
        chosen,
        tests: tests(context),
        directory,
        is_synthetic,
    })
}

/// Which probes report.
pub(super) async fn liveness(context: &Context) -> Result<Liveness, ApiError> {
    let directory = directory(context);
    let view = context.view(&directory, context.clock.now());
    asked(context, liveness::read(&*context.store, &view)).await
}

/// The whole window as one entry.
async fn total(
    store: &dyn crate::store::Store,
    view: &View<'_>,
    subject: &Subject,
    window: Window,
) -> Result<Option<MatrixEntry>, ReportError> {
    let question = MatrixQuestion {
        window,
        filter: Filter {
            source: Some(subject.source.clone()),
            target: Some(subject.target.clone()),
            family: Some(subject.family),
            test: Some(subject.test.clone()),
            ..Filter::default()
        },
        with_percentiles: true,
    };
    let matrix = matrix::read(store, view, &question).await?;
    Ok(matrix.entries.into_iter().next())
}

/// Whether the rounds at either end of a window were made by the generator of synthetic history.
pub(super) async fn is_synthetic(
    context: &Context,
    source: Option<&ProbeName>,
    window: Window,
    latest: Option<UnixTime>,
) -> Result<bool, StoreError> {
    let Some(latest) = latest else {
        return Ok(false);
    };
    let last = (
        latest.saturating_sub(LOOK),
        latest.saturating_add(Duration::from_nanos(1)),
    );
    let first = (window.from(), window.from().saturating_add(LOOK));
    for (from, to) in [last, first] {
        let runs = context.store.probe_runs(source, from, to).await?;
        let mut natives = runs.iter().filter_map(|run| run.native.as_ref());
        if natives.any(|native| native.version == synthetic::VERSION) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The names of tests that are planned.
fn tests(context: &Context) -> Vec<String> {
    let loaded = context.watch.loaded();
    let planned = loaded
        .plans
        .iter()
        .flat_map(|plans| plans.schedule().tests.iter());
    planned.map(|test| test.name.as_str().to_owned()).collect()
}

fn name(text: &str) -> Result<ProbeName, ApiError> {
    text.parse().map_err(|_| unknown())
}

fn unknown() -> ApiError {
    ApiError::new(Code::UnknownProbe, "no probe has this name")
}
